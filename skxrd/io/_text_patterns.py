"""Patterns in columns of text: .xy, .xye, .csv, .dat, .txt."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_headers import facts_in, has_other_axis, role_of, wavelength_in

__all__ = ["decoded", "lines_of_text", "read_columns", "read_columns_with_uncertainty"]

_COMMENT = ("#", "!", ";", "'", "//", "%", "*")
_SAMPLE = 200  # lines that decide about separator and decimal mark
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Ratio to the square root of the counts up to which a third column passes for an uncertainty;
# computed patterns and backgrounds are far above.
_NEAR_COUNTING_STATISTICS = (0.2, 5.0)


class _Convention(NamedTuple):
    """How numbers are separated, and what marks their decimals."""

    separator: str
    decimal: str

    def numbers(self, line: str) -> list[float] | None:
        """Numbers of a line, None if it holds something else."""
        fields = self.fields(line)
        if self.decimal == ",":
            if any("." in field for field in fields):
                return None
            fields = [field.replace(",", ".") for field in fields]
        try:
            return [float(field) for field in fields]
        except ValueError:
            return None

    def fields(self, line: str) -> list[str]:
        """Fields of a line, without quotes."""
        line = line.strip().rstrip(";,").rstrip()
        return [field.strip("\"' \t") for field in re.split(self.separator, line)]


# Semicolons come first: a comma is the decimal mark or absent where they separate. Comma-separated
# numbers come last, for "10,02 5" has a comma and is not one of them.
_CONVENTIONS = [
    _Convention(";", "."),
    _Convention(";", ","),
    _Convention(r"\s+", "."),
    _Convention(r"\s+", ","),
    _Convention(",", "."),
]


def read_columns(content: bytes) -> RawPattern:
    """Read angles, intensities and, where there are such, uncertainties.

    A third column is an uncertainty if the line above the numbers says so, or, where that line does
    not name the columns, if it is about the square root of the intensities; else it is left out,
    since computed patterns and backgrounds stand there as well.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    RawPattern
        Columns of the file.

    Raises
    ------
    PatternReadError
        If the content is no text, or no columns of numbers.
    """
    return _read(content, third_is_uncertainty=False)


def read_columns_with_uncertainty(content: bytes) -> RawPattern:
    """Read a file whose third column is the uncertainty, whatever its size.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    RawPattern
        Columns of the file.

    Raises
    ------
    PatternReadError
        If the content is no text, or no columns of numbers.
    """
    return _read(content, third_is_uncertainty=True)


def _read(content: bytes, third_is_uncertainty: bool) -> RawPattern:
    lines = lines_of_text(content)
    if any(re.match(r"\s*data_\S*\s*$", line) for line in lines) and any(
        re.match(r"\s*(loop_|_\w+)", line) for line in lines
    ):
        raise PatternReadError("This is the text of a CIF, not columns of a measured pattern.")
    convention = _convention_of(lines)
    header, rows = _table(lines, convention)
    columns = np.array(rows)
    title = next((line for line in reversed(header) if line.strip()), "")
    if has_other_axis(title):
        raise PatternReadError(
            f"The columns are titled {title.strip()!r}; the first must be two_theta in degrees."
        )
    roles = _roles(title, convention, columns, third_is_uncertainty)
    intensity = columns[:, roles["intensity"]]
    uncertainty = columns[:, roles["uncertainty"]] if "uncertainty" in roles else None
    used = 2 + (uncertainty is not None)
    metadata = {
        **facts_in(header),
        **({"n_columns_left_out": columns.shape[1] - used} if used < columns.shape[1] else {}),
    }
    return RawPattern(
        columns[:, roles["two_theta"]], intensity, uncertainty, wavelength_in(header), metadata
    )


def lines_of_text(content: bytes) -> list[str]:
    """Return lines of text with line ends of any system.

    Raises
    ------
    PatternReadError
        If the content is no text.
    """
    return re.split(r"\r\n|\r|\n", decoded(content))


def decoded(content: bytes) -> str:
    """Return text in one of the usual encodings.

    Raises
    ------
    PatternReadError
        If the content is empty or binary.
    """
    content = content.rstrip(b"\x1a")  # the end of a file under DOS
    if not content.strip():
        raise PatternReadError("The file is empty.")
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), "utf-8")
    if encoding != "utf-16" and re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", content):
        raise PatternReadError("The file is binary; columns of text are needed.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")  # any byte has a meaning there; the numbers are ASCII


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_COMMENT)


def _convention_of(lines: Sequence[str]) -> _Convention:
    sample = [line for line in lines if line.strip() and not _is_comment(line)][-_SAMPLE:]
    parsed = {
        convention: sum(len(convention.numbers(line) or ()) > 1 for line in sample)
        for convention in _CONVENTIONS
    }
    best = max(parsed, key=parsed.__getitem__)  # the first of those that do equally well
    if parsed[best] == 0:
        single = any(_CONVENTIONS[2].numbers(line) for line in sample)
        found = "one column of numbers" if single else "no rows of numbers"
        raise PatternReadError(f"Two columns, two_theta and intensity, are needed; found {found}.")
    return best


def _table(lines: Sequence[str], convention: _Convention) -> tuple[list[str], list[list[float]]]:
    """Split lines into those that speak and those that count."""
    header: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if _is_comment(line):
            header.append(line)
            continue
        numbers = convention.numbers(line)
        if not rows and (numbers is None or len(numbers) < 2):
            header.append(line)
            continue
        if numbers is None:
            raise PatternReadError(f"Line {number} holds no numbers: {line.strip()[:60]!r}.")
        if rows and len(numbers) != len(rows[0]):
            raise PatternReadError(
                f"Line {number} has {len(numbers)} columns, the first row has {len(rows[0])}: "
                f"{line.strip()[:60]!r}."
            )
        rows.append(numbers)
    return header, rows


def _roles(
    title: str,
    convention: _Convention,
    columns: NDArray[np.float64],
    third_is_uncertainty: bool,
) -> dict[str, int]:
    """Say which column holds what, by their names if they have some, else by their order."""
    n_columns = columns.shape[1]
    names = convention.fields(title.strip().lstrip("#!'%*/").strip())
    if len(names) == n_columns:
        named = {role_of(name): place for place, name in reversed(list(enumerate(names)))}
        roles = {role: place for role, place in named.items() if role is not None}
        if {"two_theta", "intensity"} <= set(roles):
            return roles
    if n_columns > 3:
        raise PatternReadError(
            f"There are {n_columns} columns without names that tell which are two_theta and "
            "intensity; keep these two, and the uncertainty if there is one."
        )
    roles = {"two_theta": 0, "intensity": 1}
    if n_columns == 3 and (
        third_is_uncertainty or _near_counting_statistics(columns[:, 2], columns[:, 1])
    ):
        roles["uncertainty"] = 2
    return roles


def _near_counting_statistics(column: NDArray[np.float64], intensity: NDArray[np.float64]) -> bool:
    if (column < 0).any():
        return False
    low, high = _NEAR_COUNTING_STATISTICS
    return low < float(np.median(column / np.sqrt(np.maximum(intensity, 1.0)))) < high
