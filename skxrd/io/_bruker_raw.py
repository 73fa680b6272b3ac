"""Binary files of Siemens and Bruker: RAW version 1 to 4.

The offsets are facts from two descriptions that agree with the files at hand: the format notes of
geddes (https://github.com/jcwang587/geddes, MIT) and the comments of xylib
(https://github.com/wojdyr/xylib), which follow the manual of DIFFRAC plus XCH 5.0.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._binary_fields import Fields
from skxrd.io._raw_patterns import MOST_SCANS, OtherAxisError, RawPattern, made
from skxrd.io._vendor_facts import angles, facts, radiation, require_two_theta, whole_counts

__all__ = ["read_raw1", "read_raw2", "read_raw3", "read_raw4"]

# Kinds of scans of version 3: locked and unlocked coupled, of the detector, and of a fast detector.
_OF_TWO_THETA = (0, 1, 2, 20)
_TWO_THETA = ("2theta", "twotheta")
_ANGLES = (*_TWO_THETA, "theta", "omega", "phi", "chi", "psi")
_SEGMENTS, _RANGE_STARTS = 61, (0, 160)  # of version 4
_TEXT, _SOURCE, _DRIVE = 10, 30, 50  # kinds of segments


def read_raw1(content: bytes) -> list[RawPattern]:
    """Read RAW version 1, as of DIFFRAC-AT.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        One for each range.

    Raises
    ------
    PatternReadError
        If the content contradicts itself or ends early.
    """
    scans: list[RawPattern] = []
    file, at, goes_on = Fields(content), 4, True
    while goes_on and len(scans) < MOST_SCANS:
        if scans and content[at : at + 4] == b"RAW ":  # early files do not repeat it
            at += 4
        n_points, time, step = file.unpack("Iff", at)
        start = file.number("f", at + 20)
        wavelength, source = radiation(*file.unpack("ff", at + 68))
        more = facts(sample=file.text(at + 36, 32), step_time=_positive(time))
        goes_on = file.number("I", at + 148) > 0
        counts = file.column("<f4", at + 152, n_points)
        scans.append(_scan(*_short(start, step), counts, wavelength, source | more))
        at += 152 + 4 * n_points
    return scans


def read_raw2(content: bytes) -> list[RawPattern]:
    """Read RAW version 2, as of DIFFRAC-AT; parameters as of `read_raw1`."""
    scans: list[RawPattern] = []
    file, at = Fields(content), 256
    anode = file.text(188, 2)
    alpha1, alpha2, ratio = file.unpack("fff", 190)
    wavelength, source = radiation(alpha1, alpha2, ratio, anode)
    common = facts(date=file.text(168, 20)) | source
    for _ in range(file.number("H", 4)):
        header, n_points = file.unpack("HH", at)
        if header < 48:
            raise PatternReadError(f"A range has a header of {header} bytes; 48 are needed.")
        time, step, start = file.unpack("fff", at + 8)
        counts = file.column("<f4", at + header, n_points)
        more = facts(step_time=_positive(time))
        scans.append(_scan(*_short(start, step), counts, wavelength, common | more))
        at += header + 4 * n_points
    return scans


def read_raw3(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read RAW version 3, which calls itself RAW1.01; parameters as of `read_raw1`.

    Errors stand for ranges of other axes.
    """
    scans: list[RawPattern | PatternReadError] = []
    file, at = Fields(content), 712
    anode = file.text(608, 4)
    alpha1, alpha2, _, ratio = file.unpack("dddd", 624)
    wavelength, source = radiation(alpha1, alpha2, ratio, anode)
    common = source | facts(
        sample=file.text(326, 60),
        comment=file.text(386, 160),
        operator=file.text(36, 72),
        date=f"{file.text(16, 10)} {file.text(26, 10)}",
        radius=_positive(file.number("f", 564)),
    )
    n_ranges = file.number("I", 12)
    if n_ranges > MOST_SCANS:
        raise PatternReadError(f"The header announces {n_ranges} ranges.")
    for _ in range(n_ranges):
        header, n_points = file.unpack("II", at)
        if header < 260:
            raise PatternReadError(f"A range has a header of {header} bytes; 260 are needed.")
        record, extra = file.unpack("II", at + 252)
        # A record of zero bytes stands for the intensity alone.
        record = record or 4
        first = at + header + extra
        scans += made(
            [partial(_range_of_raw3, file, at, first, n_points, record, wavelength, common)]
        )
        at = first + record * n_points
    return scans


def read_raw4(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read RAW version 4; parameters as of `read_raw1`, errors stand for ranges of other axes."""
    ranges: list[tuple[int, int]] = []
    file, at = Fields(content), _SEGMENTS
    wavelength: float | None = None
    source: dict[str, Any] = {}
    texts: dict[str, str] = {}
    while at + 8 <= file.size and len(ranges) < MOST_SCANS:
        kind, length = file.unpack("II", at)
        if kind in _RANGE_STARTS:
            n_points = file.number("I", at + 88)
            record, drives = file.unpack("II", at + 136)
            first = at + 160 + drives
            ranges.append((at, first))
            at = first + record * n_points
            continue
        if length < 8:
            raise PatternReadError(f"A segment at byte {at} has a length of {length} bytes.")
        if kind == _TEXT:
            texts[file.text(at + 12, 24)] = file.text(at + 36, max(length - 36, 0))
        elif kind == _SOURCE:
            alpha1, alpha2, _, ratio = file.unpack("dddd", at + 80)
            wavelength, source = radiation(alpha1, alpha2, ratio, file.text(at + 116, 4))
        at += length
    common = source | facts(
        sample=texts.get("SAMPLEID"),
        comment=texts.get("COMMENT"),
        operator=texts.get("USER"),
        date=f"{file.text(12, 12)} {file.text(24, 10)}",
    )
    return made(
        partial(_range_of_raw4, file, at, first, wavelength, common) for at, first in ranges
    )


def _range_of_raw3(
    file: Fields,
    at: int,
    first: int,
    n_points: int,
    record: int,
    wavelength: float | None,
    common: dict[str, Any],
) -> RawPattern:
    """Return a range, with its header at a place and its points from another place on."""
    counts = file.column("<f4", first, n_points, record)
    kind, varying = file.number("I", at + 196), file.number("I", at + 248)
    if kind not in _OF_TWO_THETA:
        raise OtherAxisError(f"The scan is of kind {kind}, not of two_theta.")
    start, step = file.number("d", at + 16), file.number("d", at + 176)
    voltage, current = file.unpack("II", at + 224)
    more = facts(step_time=_positive(file.number("f", at + 192)), voltage=voltage, current=current)
    two_theta = None
    if varying & 1:  # measured angles follow each intensity
        two_theta = file.column("<f8", first + 4, n_points, record)
    return _scan(start, step, counts, wavelength, common | more, two_theta)


def _range_of_raw4(
    file: Fields, at: int, first: int, wavelength: float | None, common: dict[str, Any]
) -> RawPattern:
    """Return a range, with its header at a place and its points from another place on."""
    name = file.text(at + 32, 24)
    start, step, n_points, time = file.unpack("ddIf", at + 72)
    voltage, current = file.unpack("ff", at + 100)
    counts = file.column("<f4", first, n_points, file.number("I", at + 136))
    _check_drives(_drives(file, at + 160, first), start, name)
    more = facts(
        scan_axis=name, step_time=_positive(time), voltage=float(voltage), current=float(current)
    )
    return _scan(start, step, counts, wavelength, common | more)


def _drives(file: Fields, at: int, end: int) -> dict[str, float]:
    """Positions of all drives at the start of a range."""
    positions = {}
    while at + 8 <= end:
        kind, length = file.unpack("II", at)
        if kind == _DRIVE:
            positions[file.text(at + 12, 24).lower()] = file.number("d", at + 56)
        at += max(length, 8)
    return positions


def _check_drives(positions: dict[str, float], start: float, name: str) -> None:
    """Refuse a range whose angles are not those of 2Theta.

    The drive that the range steps is the one that stands at its start. Where none does, the name of
    the scan decides.
    """
    there = [drive for drive in _ANGLES if abs(positions.get(drive, np.inf) - start) < 1e-5]
    if not there:
        require_two_theta(name or "an unnamed drive")
    elif not any(drive in _TWO_THETA for drive in there):
        raise OtherAxisError(f"The scan {name!r} is one of {there[0]!r}, not of two_theta.")


def _scan(
    start: float,
    step: float,
    intensity: NDArray[np.float64],
    wavelength: float | None,
    metadata: dict[str, Any],
    two_theta: NDArray[np.float64] | None = None,
) -> RawPattern:
    if not (abs(start) <= 360 and 0 < abs(step) <= 360):
        raise PatternReadError(
            f"A range starts at {start:g} and has steps of {step:g} degrees; that is no pattern."
        )
    if two_theta is None:
        two_theta = angles(start, step, len(intensity))
    counts = whole_counts(intensity)
    unit = facts(intensity_unit=None if counts is None else "counts")
    return RawPattern(two_theta, intensity, None, wavelength, metadata | unit, counts)


def _short(start: float, step: float) -> tuple[float, float]:
    """Angles of single precision, without the noise behind their decimals."""
    return round(start, 5), round(step, 7)


def _positive(value: float) -> float | None:
    return float(value) if 0 < value < 1e9 else None
