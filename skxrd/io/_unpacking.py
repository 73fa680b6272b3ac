"""Content of packed files and of archives, with a bound on its size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any
from xml.etree import ElementTree

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import LARGEST

__all__ = ["PACKINGS", "Archive", "parsed_xml", "read_bounded", "unpacked"]

_BROKEN = (
    EOFError,
    NotImplementedError,  # a way of packing that zipfile does not know
    OSError,
    RuntimeError,  # encrypted
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_MEMBER = b"PK\x01\x02"  # begins the entry of a member in the directory of an archive
_MOST_MEMBERS = 10_000
_LARGEST_ARCHIVE = 4 * LARGEST
_MOST_ELEMENTS = 1_000_000
_PIECE = 2**16  # bytes that are parsed at once
_DEEPEST = 100
_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {".bz2": bz2.open, ".gz": gzip.open}
PACKINGS = tuple(_OPENERS)


def read_bounded(file: IO[bytes], what: str) -> bytes:
    """Read all of a file that is not larger than a pattern can be.

    Raises
    ------
    PatternReadError
        If it is larger.
    """
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise PatternReadError(
            f"{what} is larger than {LARGEST // 2**20} MiB: no powder pattern, or one of images."
        )
    return content


def unpacked(content: bytes, packing: str) -> bytes:
    """Unpack a file that was packed as a whole.

    Parameters
    ----------
    content : bytes
        Packed content.
    packing : str
        One of `PACKINGS`, or an empty string for content that is not packed.

    Returns
    -------
    bytes
        Unpacked content.

    Raises
    ------
    PatternReadError
        If the content is broken or too large.
    """
    if not packing:
        return content
    try:
        with _OPENERS[packing](io.BytesIO(content)) as file:
            return read_bounded(file, "The unpacked file")
    except PatternReadError:
        raise
    except _BROKEN as error:
        raise PatternReadError(f"The file cannot be unpacked: {error}.") from error


class Archive:
    """Members of a zip archive, of bounded number and size.

    Parameters
    ----------
    content : bytes
        Content of the archive.

    Attributes
    ----------
    names : list of str
        Names of the members, with slashes between folders.

    Raises
    ------
    PatternReadError
        If the content is no zip archive.
    """

    def __init__(self, content: bytes) -> None:
        n_members = content.count(_MEMBER)
        if n_members > _MOST_MEMBERS:
            raise PatternReadError(
                f"The archive has {n_members} members; at most {_MOST_MEMBERS} are read."
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise PatternReadError(f"The file is no zip archive: {error}.") from error
        self._stored = {name.replace("\\", "/"): name for name in self._zip.namelist()}
        self.names = list(self._stored)
        self._n_bytes = 0

    def read(self, name: str) -> bytes:
        """Read a member.

        Raises
        ------
        PatternReadError
            If it is missing, broken or too large.
        """
        try:
            with self._zip.open(self._stored[name]) as file:
                content = read_bounded(file, f"The member {name}")
        except KeyError as error:
            raise PatternReadError(f"The archive has no member {name!r}.") from error
        except PatternReadError:
            raise
        except _BROKEN as error:
            raise PatternReadError(f"The member {name} cannot be unpacked: {error}.") from error
        self._n_bytes += len(content)
        if self._n_bytes > _LARGEST_ARCHIVE:  # members of a small archive may share their bytes
            raise PatternReadError(
                f"The members of the archive are larger than {_LARGEST_ARCHIVE // 2**20} MiB."
            )
        return content


class _Builder(ElementTree.TreeBuilder):
    """Tree of bounded depth and size."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._n_elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> ElementTree.Element:
        self._depth += 1
        self._n_elements += 1
        if self._depth > _DEEPEST or self._n_elements > _MOST_ELEMENTS:
            raise PatternReadError(
                f"The XML has more than {_MOST_ELEMENTS} elements, or more than {_DEEPEST} in each "
                "other."
            )
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def parsed_xml(content: bytes) -> ElementTree.Element:
    """Parse XML that brings no definitions of its own, which files of instruments never do.

    Raises
    ------
    PatternReadError
        If the content is no XML, is too deep or has too many elements, or holds a document type,
        by which a small file could grow without bound.
    """
    if b"<!DOCTYPE" in content.replace(b"\0", b"").upper():
        raise PatternReadError("The XML defines a document type, which is not read.")
    parser = ElementTree.XMLParser(target=_Builder())
    content = content.lstrip()
    try:
        for at in range(0, len(content), _PIECE):
            parser.feed(content[at : at + _PIECE])
        return parser.close()
    except PatternReadError:
        raise
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise PatternReadError(f"The XML is broken: {error}.") from error
