"""Binary files of STOE WinXPOW: RAW_1.05 and RAW_1.06.

The layout is a fact from the reader of DASH (https://github.com/ccdc-opensource/dash), which names
the fields of both headers: blocks of 512 bytes, a range header in the block before its counts.
"""

from __future__ import annotations

import numpy as np

from skxrd.exceptions import PatternReadError
from skxrd.io._binary_fields import Fields
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._vendor_facts import angles, facts, radiation, whole_counts

__all__ = ["read_stoe_raw"]

_BLOCK = 512
_MOST_RANGES = 8
_SHORT = 1  # form of data; else numbers of four bytes


def read_stoe_raw(content: bytes) -> list[RawPattern]:
    """Read the ranges of a STOE file.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        One for each range that was measured. The wavelength is that of K-alpha 1: these
        diffractometers have a monochromator in front of the sample.

    Raises
    ------
    PatternReadError
        If the content contradicts itself or ends early.
    """
    file = Fields(content)
    wavelength, source = radiation(*file.unpack("ff", 322))
    wavelength = source.get("kalpha1", wavelength)
    common = source | facts(
        sample=file.text(32, 80),
        comment=file.text(112, 192),
        date=file.text(16, 16),
        voltage=float(file.number("h", 318)) or None,
        current=float(file.number("h", 320)) or None,
    )
    records = [record for record in file.unpack(f"{_MOST_RANGES}h", 480) if record > 0]
    if not records:
        raise PatternReadError("The header names no range that was measured.")
    return [_range(file, (record - 1) * _BLOCK, wavelength, common) for record in records]


def _range(file: Fields, at: int, wavelength: float | None, common: dict) -> RawPattern:
    _, n_points, _, form = file.unpack("4h", at + 32)
    factor = file.number("f", at + 40)
    start, _, _, _, step, _, time = file.unpack("7f", at + 44)
    if not (0 <= start <= 180 and 0 < step <= 180):
        raise PatternReadError(
            f"A range starts at {start:g} and has steps of {step:g} degrees; that is no pattern."
        )
    stored = file.column("<i2" if form == _SHORT else "<i4", at + _BLOCK, n_points)
    intensity = stored / factor if np.isfinite(factor) and factor > 1 else stored
    counts = whole_counts(intensity)
    more = facts(
        step_time=float(time) if 0 < time < 1e9 else None,
        intensity_unit=None if counts is None else "counts",
    )
    # Single precision holds about seven digits; those behind are noise.
    two_theta = angles(round(start, 5), round(step, 7), n_points)
    return RawPattern(two_theta, intensity, None, wavelength, common | more, counts)
