"""Text of Siemens and Bruker: UXD."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import MOST_NAMES, MOST_SCANS, OtherAxisError, RawPattern, made
from skxrd.io._text_files import lines_of_text
from skxrd.io._vendor_facts import (
    angles,
    facts,
    number_in,
    numbers_in,
    per_second,
    radiation,
    require_two_theta,
    whole_counts,
)

__all__ = ["read_uxd"]

_DATA = r"_(2THETA)?(COUNTS|CPS)(TIME)?\s*$"
_SEPARATOR = r"[\s,;]+"
_COUPLED = 0.01  # degrees, to which two axes agree


def read_uxd(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the ranges of a UXD file.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern or PatternReadError
        One for each range; errors stand for ranges of other axes.

    Raises
    ------
    PatternReadError
        If the content is no UXD, or contradicts itself.
    """
    scans: list[RawPattern | PatternReadError] = []
    header: dict[str, str] = {}
    kind: re.Match[str] | None = None
    fields: list[str] = []
    for line in [*lines_of_text(content), "_END"]:
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        if not text.startswith("_"):
            if kind is not None:  # else a line of a comment
                fields += [field for field in re.split(_SEPARATOR, text) if field]
            continue
        if kind is not None:
            scans += made([partial(_range, kind, fields, dict(header))])
            for angle in ("2THETA", "START"):  # of that range alone
                header.pop(angle, None)
        kind, fields = re.match(_DATA, text.upper()), []
        key, _, value = text[1:].partition("=")
        header[key.strip().upper()] = value.strip().strip("'").strip()
        if len(scans) > MOST_SCANS or len(header) > MOST_NAMES:
            raise PatternReadError(
                f"The file holds more than {MOST_SCANS} ranges or {MOST_NAMES} names."
            )
    if not scans:
        raise PatternReadError("The file is no UXD: it has no _COUNTS, _CPS or _2THETACOUNTS.")
    return scans


def _range(kind: re.Match[str], fields: list[str], header: dict[str, str]) -> RawPattern:
    require_two_theta(header.get("DRIVE"))
    numbers = numbers_in(fields, "Angles and intensities")
    width = 1 + (kind[1] is not None) + (kind[3] is not None)
    if len(numbers) % width:
        raise PatternReadError(f"{len(numbers)} numbers do not make rows of {width}.")
    rows = numbers.reshape(-1, width)
    if kind[1]:
        two_theta, intensity = rows[:, 0], rows[:, 1]
    else:
        driven, start = (number_in(header.get(key)) for key in ("START", "2THETA"))
        if start is None:
            start = driven
        elif driven is not None and not header.get("DRIVE"):
            _check_coupling(driven, start)
        step = number_in(header.get("STEPSIZE"))
        if start is None or step is None:
            raise PatternReadError("_2THETA or _START, and _STEPSIZE are needed, in degrees.")
        two_theta, intensity = angles(start, step, len(rows)), rows[:, 0]
    unit = "counts" if kind[2] == "COUNTS" else "counts/s"
    counts = whole_counts(intensity) if unit == "counts" else None
    if unit == "counts" and kind[3] and np.ptp(rows[:, -1]) > 0:
        intensity, unit = per_second(intensity, rows[:, -1]), "counts/s"
    wavelength, source = _source(header)
    return RawPattern(
        two_theta,
        intensity,
        None,
        wavelength,
        source
        | facts(
            sample=header.get("SAMPLE"),
            operator=header.get("USER"),
            instrument=header.get("SITE"),
            date=header.get("DATEMEASURED"),
            scan_axis=header.get("DRIVE"),
            step_time=number_in(header.get("STEPTIME")) or None,
            voltage=number_in(header.get("KV")),
            current=number_in(header.get("MA")),
            radius=number_in(header.get("GONIOMETER_RADIUS")),
            intensity_unit=unit,
            header=header,
        ),
        counts,
    )


def _check_coupling(driven: float, two_theta: float) -> None:
    """Refuse a scan of an unnamed axis that begins neither at theta nor at two-theta."""
    if min(abs(driven - two_theta), abs(2 * driven - two_theta)) > _COUPLED:
        raise OtherAxisError(
            f"_START is {driven:g} and _2THETA {two_theta:g}, so that the scan is of another axis "
            "than two_theta; name it as _DRIVE if it is not."
        )


def _source(header: dict[str, str]) -> tuple[float | None, dict[str, Any]]:
    alpha1, alpha2, ratio = (number_in(header.get(key)) for key in ("WL1", "WL2", "WLRATIO"))
    return radiation(alpha1, alpha2, ratio, header.get("ANODE"))
