"""Patterns in columns of text: .xy, .xye, .csv, .dat, .txt, .chi and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_blocks import Block, blocks_of
from skxrd.io._text_files import lines_of_text
from skxrd.io._text_headers import facts_in, has_other_axis, role_of, wavelength_in
from skxrd.io._text_numbers import Convention, convention_of

__all__ = ["read_chi", "read_columns", "read_columns_with_uncertainty"]

_TITLES = 3  # lines above the numbers that may name or describe the columns
# Ratio to the square root of the counts up to which a third column passes for an uncertainty;
# computed patterns and backgrounds are far above.
_NEAR_COUNTING_STATISTICS = (0.2, 5.0)


def read_columns(content: bytes) -> list[RawPattern]:
    """Read angles, intensities and, where there are such, uncertainties.

    A third column is an uncertainty if a line above the numbers says so, or, where no line names
    the columns, if it is about the square root of the intensities; else it is left out, since
    computed patterns and backgrounds stand there as well.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        One for each block of rows.

    Raises
    ------
    PatternReadError
        If the content is no text, or no columns of numbers.
    """
    return _read(lines_of_text(content), third_is_uncertainty=False)


def read_columns_with_uncertainty(content: bytes) -> list[RawPattern]:
    """Read a file whose third column is the uncertainty, whatever its size.

    Parameters and errors as of `read_columns`.
    """
    return _read(lines_of_text(content), third_is_uncertainty=True)


def read_chi(content: bytes) -> list[RawPattern]:
    """Read the text of Fit2D, whose second line names the axis; parameters as of `read_columns`."""
    lines = lines_of_text(content)
    axis = lines[1].strip() if len(lines) > 1 else ""
    if role_of(axis) != "two_theta":
        raise PatternReadError(
            f"The axis, in the second line, is {axis[:60]!r}; two_theta in degrees is needed."
        )
    return _read(lines, third_is_uncertainty=False)


def _read(lines: Sequence[str], third_is_uncertainty: bool) -> list[RawPattern]:
    if any(re.match(r"\s*data_\S*\s*$", line) for line in lines) and any(
        re.match(r"\s*(loop_|_\w+)", line) for line in lines
    ):
        raise PatternReadError("This is the text of a CIF, not columns of a measured pattern.")
    convention, blocks = _blocks(lines)
    wavelength = wavelength_in(blocks[0].header)
    return [_pattern(block, wavelength, convention, third_is_uncertainty) for block in blocks]


def _blocks(lines: Sequence[str]) -> tuple[Convention, list[Block]]:
    convention = convention_of(lines)
    # Only the strongest intensities may have digits enough to be grouped.
    choices = [convention] if convention.groups else [convention, convention.grouped()]
    errors = []
    for choice in choices:
        try:
            return choice, blocks_of(lines, choice)
        except PatternReadError as error:
            errors.append(error)
    raise errors[0]


def _pattern(
    block: Block, elsewhere: float | None, convention: Convention, third_is_uncertainty: bool
) -> RawPattern:
    """Make a pattern from rows; where their header is silent, the wavelength is of elsewhere."""
    columns = block.rows
    titles = [line for line in block.header if line.strip()][: -_TITLES - 1 : -1]
    other = next((title for title in titles if has_other_axis(title)), None)
    if other is not None:
        raise PatternReadError(
            f"The columns are titled {other.strip()[:60]!r}; the first must be two_theta in "
            "degrees."
        )
    roles, names = _roles(titles, convention, columns, third_is_uncertainty)
    uncertainty = columns[:, roles["uncertainty"]] if "uncertainty" in roles else None
    said = [line for line in block.header if line is not names]
    n_left_out = columns.shape[1] - 2 - (uncertainty is not None)
    return RawPattern(
        columns[:, roles["two_theta"]],
        columns[:, roles["intensity"]],
        uncertainty,
        wavelength_in(block.header) or elsewhere,
        {**facts_in(said), **({"n_columns_left_out": n_left_out} if n_left_out else {})},
    )


def _roles(
    titles: Sequence[str],
    convention: Convention,
    columns: NDArray[np.float64],
    third_is_uncertainty: bool,
) -> tuple[dict[str, int], str | None]:
    """Say which column holds what, by the line of their names if there is one, or their order."""
    n_columns = columns.shape[1]
    for title in titles:
        names = convention.fields(title.strip().lstrip("#!'%*/").strip())
        if len(names) != n_columns:
            continue
        named = {role_of(name): place for place, name in reversed(list(enumerate(names)))}
        roles = {role: place for role, place in named.items() if role is not None}
        if {"two_theta", "intensity"} <= set(roles):
            return roles, title
        if "two_theta" in roles and has_other_axis(f"{names[1]} counts"):
            raise PatternReadError(
                f"The columns are titled {title.strip()[:60]!r}; none is named as intensity."
            )
    if n_columns > 3 and not third_is_uncertainty:
        raise PatternReadError(
            f"There are {n_columns} columns without names that tell which are two_theta and "
            "intensity; keep these two, and the uncertainty if there is one."
        )
    roles = {"two_theta": 0, "intensity": 1}
    if n_columns >= 3 and (
        third_is_uncertainty or _near_counting_statistics(columns[:, 2], columns[:, 1])
    ):
        roles["uncertainty"] = 2
    return roles, None


def _near_counting_statistics(column: NDArray[np.float64], intensity: NDArray[np.float64]) -> bool:
    if (column < 0).any():
        return False
    low, high = _NEAR_COUNTING_STATISTICS
    return low < float(np.median(column / np.sqrt(np.maximum(intensity, 1.0)))) < high
