"""Text whose angles stand above its intensities: start, step and stop, then a list of counts.

The list is described in the manual of FullProf, which took it from the program DBWS; TOPAS writes
it below a comment as .xdd. Sietronics .cpi is described in the comments of xylib
(https://github.com/wojdyr/xylib).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_columns import near_counting_statistics
from skxrd.io._text_files import lines_of_text
from skxrd.io._text_headers import facts_in, wavelength_in
from skxrd.io._text_patterns import read_columns
from skxrd.io._vendor_facts import (
    angles,
    facts,
    number_in,
    numbers_in,
    radiation,
    stepped,
    whole_counts,
)

__all__ = ["listed_pattern", "read_columns_or_list", "read_cpi", "read_xdd"]

_CPI = "SIETRONICS XRD SCAN"
_SMALLEST_STEP = 1e-5  # degrees
_LARGEST_RANGE = 360.0
_OF_COLUMNS = {2, 3, 4}  # numbers per line; lists have eight or ten, or one
_ABOVE = 10  # lines of text that may stand above the line of start, step and stop


def read_columns_or_list(content: bytes) -> list[RawPattern]:
    """Read text in columns, or a list of intensities after a line of start, step and stop.

    Parameters and errors as of `read_columns`.
    """
    listed = listed_pattern(lines_of_text(content))
    return read_columns(content) if listed is None else [listed]


def read_xdd(content: bytes) -> list[RawPattern]:
    """Read a list of TOPAS, below a comment between slashes; errors as of `read_columns`."""
    lines = lines_of_text(content)
    title = ""
    if lines[0].lstrip().startswith("/*"):
        end = next((number for number, line in enumerate(lines) if "*/" in line), len(lines) - 1)
        title = " ".join(lines[: end + 1]).strip(" /*")
        lines = [lines[end].partition("*/")[2], *lines[end + 1 :]]
    listed = listed_pattern(lines)
    if listed is None:
        raise PatternReadError(
            "The file holds no line of start, step and stop with as many intensities below it."
        )
    more = facts(title=title) | listed.metadata
    return [listed._replace(metadata=more, wavelength=listed.wavelength or wavelength_in([title]))]


def read_cpi(content: bytes) -> list[RawPattern]:
    """Read a scan of Sietronics.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        The only one.

    Raises
    ------
    PatternReadError
        If the content is no CPI, or contradicts itself.
    """
    lines = [line.strip() for line in lines_of_text(content)]
    if lines[0] != _CPI or "SCANDATA" not in lines[:100]:
        raise PatternReadError(f"The file is no CPI: it has no line {_CPI} or SCANDATA.")
    end = lines.index("SCANDATA")
    head = [*lines[1:end], *[""] * 8]
    start, stop, step = (number_in(field) for field in head[:3])
    wavelength, source = radiation(number_in(head[4]), anode=head[3])
    metadata = source | facts(date=head[5], step_time=number_in(head[6]), sample=head[7])
    fields = " ".join(lines[end + 1 :]).split()
    return [stepped(fields, start, stop, step, wavelength, metadata)]


def listed_pattern(lines: list[str]) -> RawPattern | None:
    """Read intensities after a line that begins with start, step and stop, if they fit these.

    Parameters
    ----------
    lines : list of str
        Lines of a file.

    Returns
    -------
    RawPattern or None
        The pattern; None if the file is something else.

    Raises
    ------
    PatternReadError
        If an intensity is no number.
    """
    told = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "!"))]
    for place, head in enumerate(told[:_ABOVE]):
        first, *more = head.split(maxsplit=3)
        start, step, stop = (number_in(field) for field in [first, *more, "", ""][:3])
        if (
            start is None
            or step is None
            or stop is None
            or not (_SMALLEST_STEP < step < stop - start <= _LARGEST_RANGE)
        ):
            continue
        columns = _lists(told[place + 1 :], round((stop - start) / step) + 1)
        if columns is not None:
            title = " ".join([*told[:place], *more[2:]]).strip()
            comments = [line for line in lines[:_ABOVE] if line.lstrip().startswith(("#", "!"))]
            return _listed(start, step, columns, [title, *comments])
    return None


def _lists(lines: list[str], n_points: int) -> list[list[str]] | None:
    """Split fields into intensities and, where there are twice as many, their uncertainties."""
    widths = {len(line.split()) for line in lines}
    if len(widths) == 1 < len(lines) and widths < _OF_COLUMNS:
        return None
    fields = [field for line in lines for field in line.split()]
    n_lists = 2 if len(fields) >= 2 * n_points else 1
    rest = fields[n_lists * n_points :]
    # The last line of ten may be filled up with zeros; columns of angles have other numbers.
    if len(fields) < n_points or len(rest) > 9 or any(number_in(f) not in (0, None) for f in rest):
        return None
    return [fields[at * n_points : (at + 1) * n_points] for at in range(n_lists)]


def _check_uncertainty(intensity: NDArray[np.float64], uncertainty: NDArray[np.float64]) -> None:
    if not near_counting_statistics(uncertainty, intensity):
        raise PatternReadError(
            "There are twice as many numbers as angles, but the second half is not the "
            "uncertainties of the first; pairs of detectors and counts are not read."
        )


def _listed(start: float, step: float, columns: list[list[str]], above: list[str]) -> RawPattern:
    intensity, *uncertainty = (numbers_in(column, "Intensities") for column in columns)
    if uncertainty:
        _check_uncertainty(intensity, uncertainty[0])
    return RawPattern(
        angles(start, step, len(intensity)),
        intensity,
        uncertainty[0] if uncertainty else None,
        wavelength_in(above),
        facts(title=above[0], header=facts_in(above)),
        None if uncertainty else whole_counts(intensity),
    )
