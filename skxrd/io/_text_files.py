"""Text of files: encodings and line ends of any system."""

from __future__ import annotations

import codecs
import re

from skxrd.exceptions import PatternReadError

__all__ = ["decoded", "lines_of_text"]

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]"
_LOOKED_AT = 2000  # bytes that tell whether every second one is zero
_LONGEST_LINE = 1_000_000  # characters: more numbers than a pattern has points


def lines_of_text(content: bytes) -> list[str]:
    """Return lines of text with line ends of any system.

    Raises
    ------
    PatternReadError
        If the content is no text, or has a line longer than a pattern.
    """
    lines = re.split(r"\r\n|\r|\n", decoded(content))
    longest = max(map(len, lines))
    if longest > _LONGEST_LINE:
        raise PatternReadError(
            f"The text has a line of {longest} characters; at most {_LONGEST_LINE} are read."
        )
    return lines


def decoded(content: bytes) -> str:
    """Return text in one of the usual encodings.

    Raises
    ------
    PatternReadError
        If the content is empty or binary.
    """
    content = content.rstrip(b"\x1a")  # the end of a file under DOS
    if not content.strip(b"\0 \t\r\n"):
        raise PatternReadError("The file is empty.")
    encoding = _encoding_of(content)
    if not encoding.startswith("utf-16") and re.search(_CONTROLS, content):
        raise PatternReadError("The file is binary; columns of text are needed.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")  # any byte has a meaning there; the numbers are ASCII


def _encoding_of(content: bytes) -> str:
    named = next((name for bom, name in _BOMS.items() if content.startswith(bom)), None)
    if named is not None:
        return named
    start = content[:_LOOKED_AT]
    for encoding, zeros, letters in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        # Latin letters and digits in two bytes each, without a mark of the order of these
        if len(zeros) > 1 and not zeros.strip(b"\0") and not re.search(_CONTROLS, letters):
            return encoding
    return "utf-8"
