"""Numbers in lines of text: what separates them, marks their decimals and groups their digits."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from skxrd.exceptions import PatternReadError

__all__ = ["Convention", "convention_of", "is_comment", "is_plain"]

_COMMENT = ("#", "!", ";", "'", "//", "%", "*")
_SAMPLE = 200  # lines that decide about the convention
_LONGEST_ROW = 5000  # characters
_PLAIN_SEPARATORS = {r"[;|]": ";", r"\s+": None, ",": ","}
_FORTRAN = r"([-+]?(?:\d+\.?\d*|\.\d+))[dD]([-+]?\d{1,3})$"
# Digits in groups of three; the mark of groups is filled in.
_GROUPED = r"[-+]?[1-9]\d{{0,2}}(?:{mark}\d{{3}})+(?:[^\d{mark}]\d*)?$"


class Convention(NamedTuple):
    """How numbers are separated, and what marks their decimals and their groups of three digits."""

    separator: str
    decimal: str
    groups: str = ""

    def grouped(self) -> Convention:
        """Return the same convention with digits in groups, as in 1,234.5 or 1.234,5."""
        return self._replace(groups="," if self.decimal == "." else ".")

    def numbers(self, line: str) -> list[float] | None:
        """Numbers of a line, None if it holds something else."""
        if len(line) > _LONGEST_ROW:
            return None
        if self.decimal == "." and is_plain(line):
            try:  # most lines of most files need no more than this
                return list(map(float, line.split(_PLAIN_SEPARATORS[self.separator])))
            except ValueError:
                pass
        fields = self.fields(line)
        if not all(map(is_plain, fields)):
            return None
        if self.groups:  # but no angle has four digits
            fields = [*fields[:1], *(self._ungrouped(field) for field in fields[1:])]
        if self.decimal == ",":
            if any("." in field for field in fields):
                return None
            fields = [field.replace(",", ".") for field in fields]
        try:
            return [float(field) for field in fields]
        except ValueError:
            return self._of_fortran(fields)

    def fields(self, line: str) -> list[str]:
        """Fields of a line, without quotes and without a comment behind them."""
        line = line.strip()
        if "#" in line or "!" in line:
            line = re.split(r"\s[#!]", line, maxsplit=1)[0]
        line = line.rstrip(" \t;,|")
        if self.separator == "," and '"' in line:  # a comma in quotes separates nothing
            try:
                fields = next(csv.reader([line], skipinitialspace=True), [])
            except csv.Error:  # longer than any number
                return [line]
        else:
            fields = re.split(self.separator, line)
        return [field.strip("\"' \t") for field in fields]

    def _ungrouped(self, field: str) -> str:
        is_grouped = re.match(_GROUPED.format(mark=re.escape(self.groups)), field)
        return field.replace(self.groups, "") if is_grouped else field

    def _of_fortran(self, fields: list[str]) -> list[float] | None:
        """Numbers with exponents of double precision, as in 1.5D+02."""
        try:
            return [float(re.sub(_FORTRAN, r"\1e\2", field)) for field in fields]
        except ValueError:
            return None


# Semicolons come first: a comma is the decimal mark or absent where they separate. Comma-separated
# numbers come last, for "10,02 5" has a comma and is not one of them. Digits in groups are looked
# for only where nothing else fits: "10,020 52" is an angle with a decimal comma.
_PLAIN = [
    Convention(r"[;|]", "."),
    Convention(r"[;|]", ","),
    Convention(r"\s+", "."),
    Convention(r"\s+", ","),
    Convention(",", "."),
    Convention(",", ","),  # in quotes
]
_CONVENTIONS = [*_PLAIN, *(one.grouped() for one in _PLAIN)]


def is_plain(number: str) -> bool:
    """Whether a number is free of the marks and digits that only Python takes for those of one."""
    return "_" not in number and number.isascii()


def is_comment(line: str) -> bool:
    """Whether a line is marked as a comment."""
    return line.lstrip().startswith(_COMMENT)


def convention_of(lines: Sequence[str]) -> Convention:
    """Find the convention by which most of the last lines are rows of numbers.

    Raises
    ------
    PatternReadError
        If there is none.
    """
    sample = [line for line in lines if line.strip() and not is_comment(line)][-_SAMPLE:]
    best, most = _CONVENTIONS[0], 0
    for convention in _CONVENTIONS:  # the first of those that do equally well
        n_parsed = sum(len(convention.numbers(line) or ()) > 1 for line in sample)
        if n_parsed > most:
            best, most = convention, n_parsed
        if most == len(sample):
            break
    if most == 0:
        single = any(Convention(r"\s+", ".").numbers(line) for line in sample)
        found = "one column of numbers" if single else "no rows of numbers"
        raise PatternReadError(f"Two columns, two_theta and intensity, are needed; found {found}.")
    return best
