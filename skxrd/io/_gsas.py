"""Histograms of GSAS, by its manual (Larson and Von Dreele, LAUR 86-748)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_files import lines_of_text
from skxrd.io._text_headers import facts_in, wavelength_in
from skxrd.io._text_lists import listed_pattern
from skxrd.io._vendor_facts import angles, facts, number_in, numbers_in, whole_counts

_Column = NDArray[np.float64]

__all__ = ["read_gsas"]

_BANK = r"BANK\s+\d+\s+(\d+)\s+(\d+)\s+([A-Z_0-9]+)((?:\s+[-+]?[\d.][-+\d.E]*)*)\s*([A-Z]*)\s*$"
_CONSTANT = ("CONS", "CONST")
_PER_LINE = {"STD": 10, "ESD": 5}  # points, in fields of eight characters each
_CENTIDEGREES = 100.0
_RECORD = 80  # characters
_LONGEST = 200  # characters of a line that is looked at in full


def read_gsas(content: bytes) -> list[RawPattern]:
    """Read the banks of a GSAS histogram at constant wavelength.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        One for each bank, with uncertainties. Where detectors were averaged, `counts` are their
        sum.

    Raises
    ------
    PatternReadError
        If the content is no such histogram, or one of time of flight.
    """
    lines = _records(lines_of_text(content))
    banks = [place for place, line in enumerate(lines) if re.match(r"BANK\s", line, re.IGNORECASE)]
    if not banks:
        listed = listed_pattern(lines)
        if listed is None:
            raise PatternReadError("The file is no GSAS histogram: no line begins with BANK.")
        return [listed]
    header = [line for line in lines[: banks[0]] if line.strip()]
    title = header[0].strip() if header else ""
    wavelength = wavelength_in(header)
    found = facts_in(header)
    scans = []
    for place, end in zip(banks, [*banks[1:], len(lines)], strict=True):
        rows = [line for line in lines[place + 1 : end] if line.strip()]
        two_theta, intensity, uncertainty, counts = _bank(lines[place], rows)
        more = facts(
            title=title,
            intensity_unit=None if counts is None else "counts",
            header=found,
        )
        scans.append(RawPattern(two_theta, intensity, uncertainty, wavelength, more, counts))
    return scans


def _records(lines: list[str]) -> list[str]:
    """Cut lines of records without line ends, as old programs wrote them."""
    records: list[str] = []
    for line in lines:
        if len(line) < 2 * _RECORD:
            records.append(line)
        else:
            records += [line[at : at + _RECORD] for at in range(0, len(line), _RECORD)]
    return records


def _bank(line: str, rows: list[str]) -> tuple[_Column, _Column, _Column | None, _Column | None]:
    """Angles, intensities, uncertainties and counts of a bank."""
    match = re.match(_BANK, line.strip()[:_LONGEST].upper())
    if match is None:
        raise PatternReadError(f"A line of GSAS is not understood: {line.strip()[:60]!r}.")
    n_points, binning, kind = int(match[1][:9]), match[3], match[5] or "STD"
    parameters = [number_in(field) for field in match[4].split()]
    rows = [row for row in rows if not row.lstrip().startswith("#")]
    if kind in ("FXYE", "FXY"):
        if binning not in (*_CONSTANT, "FXYE"):
            raise PatternReadError(f"The bank is binned by {binning}: no constant wavelength.")
        table = _rectangle([row.split() for row in rows], 3 if kind == "FXYE" else 2, n_points)
        uncertainty = table[:, 2] if kind == "FXYE" else None
        return table[:, 0] / _CENTIDEGREES, table[:, 1], uncertainty, None
    if binning not in _CONSTANT:
        raise PatternReadError(f"The bank is binned by {binning}: no constant wavelength.")
    if kind not in _PER_LINE:
        raise PatternReadError(f"Banks of type {kind} are not read; STD, ESD, FXYE and FXY are.")
    if len(parameters) < 2 or parameters[0] is None or not parameters[1]:
        raise PatternReadError("The bank does not state its first angle and step.")
    start, step = parameters[0] / _CENTIDEGREES, parameters[1] / _CENTIDEGREES
    if kind == "ESD":
        values = _fixed(rows, (8, 8), n_points)
        intensity, uncertainty, counts = values[:, 0], values[:, 1], None
    else:
        values = _fixed(rows, (2, 6), n_points)
        detectors, intensity = np.maximum(values[:, 0], 1.0), values[:, 1]
        uncertainty = np.sqrt(np.abs(intensity) / detectors)
        counts = whole_counts(np.round(intensity * detectors, 6))
    return angles(start, step, n_points), intensity, uncertainty, counts


def _fixed(rows: list[str], widths: tuple[int, int], n_points: int) -> _Column:
    """Pairs of numbers in columns of fixed width, of which the first may be blank."""
    apart = [field for row in rows for field in row.split()]
    if widths[0] < 8 and len(apart) == n_points:  # intensities alone, whatever their width
        return _rectangle([["1", field] for field in apart], 2, n_points)
    if widths[0] == 8 and len(apart) == 2 * n_points:  # pairs with blanks between all numbers
        return _rectangle(
            [[one, other] for one, other in zip(apart[::2], apart[1::2], strict=True)], 2, n_points
        )
    first, both = widths[0], sum(widths)
    fields = [
        (row[at : at + first].strip() or "0", row[at + first : at + both].strip())
        for row in rows
        for at in range(0, len(row.rstrip()), both)
    ]
    return _rectangle([list(pair) for pair in fields], 2, n_points)


def _rectangle(rows: list[list[str]], width: int, n_points: int) -> _Column:
    if len(rows) < max(n_points, 2) or any(len(row) != width for row in rows[:n_points]):
        raise PatternReadError(
            f"The bank announces {n_points} points of {width} numbers; found {len(rows)} points."
        )
    return numbers_in(rows[:n_points], "The values of a bank")
