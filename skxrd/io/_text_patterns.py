"""Patterns in columns of text: .xy, .xye, .csv, .dat, .txt, .chi and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_blocks import Block, blocks_of
from skxrd.io._text_columns import named_columns, unnamed_columns
from skxrd.io._text_files import lines_of_text
from skxrd.io._text_headers import facts_in, role_of, wavelength_in
from skxrd.io._text_numbers import Convention, convention_of

__all__ = ["read_chi", "read_columns", "read_columns_with_uncertainty"]

_TITLES = 3  # lines above the numbers that may name or describe the columns
_MARKUP = r"<(html|head|body|pre|table|t[dr]|div|p|br)\b"
_JCAMP = r"\s*##\s*XYDATA\s*=\s*\(X\+\+"


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
    if any(re.match(_JCAMP, line, re.IGNORECASE) for line in lines):
        raise PatternReadError(
            "This is JCAMP-DX with several intensities per line, which is not read; export it as "
            "columns of two_theta and intensity."
        )
    lines = _comments_marked(lines)
    convention, blocks = _blocks(lines)
    start = next(line for line in lines if line.strip()).lstrip()
    if re.match("<[!?a-z]", start, re.IGNORECASE) or any(
        re.search(_MARKUP, line, re.IGNORECASE) for line in blocks[0].header
    ):
        raise PatternReadError("This is HTML or XML; save its columns as plain text.")
    wavelength = wavelength_in(blocks[0].header)
    return [_pattern(block, wavelength, convention, third_is_uncertainty) for block in blocks]


def _comments_marked(lines: Sequence[str]) -> Sequence[str]:
    """Mark what stands between /* and */ above the numbers as comments."""
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if not lines[start].lstrip().startswith("/*"):
        return lines
    end = next((number for number, line in enumerate(lines) if "*/" in line), None)
    if end is None:
        return lines
    inside, _, behind = lines[end].partition("*/")
    inside = f"# {inside.strip()}"
    marked = [f"# {line}" for line in lines[:end]]
    return [*marked, behind if behind.strip() else inside, *lines[end + 1 :]]


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
    roles, names = named_columns(titles, convention, columns)
    if roles is None:
        roles = unnamed_columns(columns, convention, third_is_uncertainty)
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
