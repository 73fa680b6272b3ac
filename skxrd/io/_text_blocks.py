"""Lines of text that speak, and blocks of rows that count."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import MOST_SCANS
from skxrd.io._text_numbers import Convention, is_comment

__all__ = ["Block", "blocks_of"]

_MOST_ABOVE = 10_000
# A decimal number at least nearly, but no date; or two numbers.
_ROW = r"\s*[\"']?[-+]?(\d+[.,]\d[^.,\s]*[\s;,|]|\d+[.,]?\d*[\"']?[\s;,|]+[\"']?[-+]?\d)"


@dataclass
class Block:
    """Rows of numbers, one after the other, and the lines above them."""

    header: list[str] = field(default_factory=list)
    width: int = 0  # numbers per row
    numbers: array[float] = field(default_factory=lambda: array("d"))

    @classmethod
    def begin(cls, header: list[str], row: list[float]) -> Block:
        """Make a block of one row."""
        return cls(header, len(row), array("d", row))

    @property
    def rows(self) -> NDArray[np.float64]:
        """The numbers, of shape (n_rows, width)."""
        return np.array(self.numbers).reshape(-1, self.width)

    @property
    def title(self) -> str:
        """Last line above the rows."""
        return next((line.strip() for line in reversed(self.header) if line.strip()), "")


def blocks_of(lines: Sequence[str], convention: Convention) -> list[Block]:
    """Split lines into blocks of rows, each with the lines above it.

    A new block begins where lines of text, comments or blank lines are followed by angles that
    start anew, or by rows under the same title as the first ones.

    Parameters
    ----------
    lines : sequence of str
        Lines of a file.
    convention : Convention
        How numbers are written.

    Returns
    -------
    list of Block
        The blocks; each has rows, all of one length.

    Raises
    ------
    PatternReadError
        If text stands among the rows, or rows differ in length.
    """
    blocks = [Block()]
    waiting: list[str] = []  # lines since the last row
    words = 0  # number of the first of them that is neither blank nor a comment
    for number, line in enumerate(lines, start=1):
        block = blocks[-1]
        numbers = None
        if line.strip() and not is_comment(line):
            numbers = convention.numbers(line)
            if numbers is None or (not block.width and len(numbers) < 2):
                numbers, words = None, words or number
        if numbers is None:
            waiting.append(line)
            if not block.width and len(waiting) > _MOST_ABOVE:
                raise PatternReadError(f"More than {_MOST_ABOVE} lines stand above the numbers.")
            continue
        if not block.width:
            _check_last_line_above(waiting, number, len(numbers), convention)
            blocks = [Block.begin(waiting, numbers)]
        elif 1 < len(numbers) != block.width and _is_header(blocks, waiting, numbers[0]):
            row = " ".join(f"{value:g}" for value in block.numbers)
            blocks = [Block.begin([*block.header, row, *waiting], numbers)]
        elif waiting and _starts_anew(block, blocks[0], waiting, numbers):
            blocks.append(Block.begin(waiting, numbers))
            if len(blocks) > MOST_SCANS:
                raise PatternReadError(f"The file holds more than {MOST_SCANS} blocks of rows.")
        else:
            _check_row(lines, number, words, block.width, len(numbers))
            block.numbers.extend(numbers)
        waiting, words = [], 0
    _check_end(lines, words, convention)
    _drop_numbers_of_columns(blocks[0])
    return blocks


def _drop_numbers_of_columns(block: Block) -> None:
    """Take a first row that numbers the columns for a part of the header, as pandas writes it."""
    rows = block.rows[:3]
    if len(rows) < 3 or (rows[0] != np.arange(block.width)).any():
        return
    first, second = np.diff(rows[:, 0])
    if abs(first) > 2 * abs(second):  # else an angle like the others
        del block.numbers[: block.width]


def _is_header(blocks: list[Block], waiting: list[str], angle: float) -> bool:
    """Whether the only row so far is of the header: a range of angles, or settings."""
    only = blocks[0]
    if len(blocks) > 1 or len(only.numbers) > only.width:
        return False
    return bool(waiting) or only.numbers[0] == angle


def _starts_anew(block: Block, first: Block, waiting: list[str], numbers: list[float]) -> bool:
    if len(numbers) < 2:
        return False
    title = next((line.strip() for line in reversed(waiting) if line.strip()), "")
    if title and title == first.title:
        return True
    first_angle, last_angle = block.numbers[0], block.numbers[-block.width]
    if len(block.numbers) == block.width:
        return False
    return (numbers[0] - last_angle) * (last_angle - first_angle) <= 0


def _check_last_line_above(
    waiting: list[str], number: int, n_columns: int, convention: Convention
) -> None:
    """Refuse to take a row that is not understood for a title."""
    last = waiting[-1] if waiting else ""
    if not is_comment(last) and re.match(_ROW, last) and len(convention.fields(last)) == n_columns:
        raise PatternReadError(f"Line {number - 1} holds no numbers: {last.strip()[:60]!r}.")


def _check_row(lines: Sequence[str], number: int, words: int, width: int, n_columns: int) -> None:
    if words:
        raise PatternReadError(f"Line {words} holds no numbers: {lines[words - 1].strip()[:60]!r}.")
    if n_columns != width:
        raise PatternReadError(
            f"Line {number} has {n_columns} columns, the first row has {width}: "
            f"{lines[number - 1].strip()[:60]!r}."
        )


def _check_end(lines: Sequence[str], words: int, convention: Convention) -> None:
    """Allow words below the rows, but no row that is not understood."""
    if words and re.match(r"\s*[\"']?[-+.,]?\d", lines[words - 1]):
        raise PatternReadError(f"Line {words} holds no numbers: {lines[words - 1].strip()[:60]!r}.")
