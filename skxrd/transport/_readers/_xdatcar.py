"""VASP's XDATCAR, with one cell for all frames or a header before each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.transport._readers._frame_reader import Frame, FrameReader, open_binary

__all__ = ["XdatcarReader"]

_LONGEST_HEADER = 7  # comment, scale, three vectors, symbols, numbers of ions
_MARKER = b"direct configuration"


class _Header(NamedTuple):
    lattice: NDArray[np.float64]
    species: NDArray[np.str_]


class _RawFrame(NamedTuple):
    number: int
    header: _Header
    lines: list[bytes]


class XdatcarReader(FrameReader):
    """Reader of VASP's XDATCAR."""

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames; of those that are not wanted no number is read."""
        with open_binary(self.path) as file:
            raw_frames = self._raw_frames(file)
            for raw in islice(raw_frames, wanted.start, wanted.stop, wanted.step):
                yield Frame(raw.header.species, self._positions(raw), raw.header.lattice)

    def _raw_frames(self, file: BinaryIO) -> Iterator[_RawFrame]:
        header = None
        while (above := self._lines_above(file)) is not None:
            if above:
                header = self._header(above)
            if header is None:
                raise self.bad_frame(self.n_complete, "no header is above the positions.")
            lines = list(islice(file, len(header.species)))
            if len(lines) < len(header.species) or _is_cut(lines[-1]):
                raise self.incomplete(f"with {len(lines)} lines for {len(header.species)} ions")
            yield _RawFrame(self.n_complete, header, lines)
            self.n_complete += 1

    def _lines_above(self, file: BinaryIO) -> list[bytes] | None:
        """Take the lines of a header, if there is one, and the one that says that positions follow.

        None stands for the end of the file.
        """
        lines: list[bytes] = []
        for line in file:
            if line.lstrip().lower().startswith(_MARKER):
                return lines if _says_something(lines) else []
            lines.append(line)
            if len(lines) > _LONGEST_HEADER:
                raise self.bad_frame(
                    self.n_complete,
                    "a line 'Direct configuration=' is needed after at most "
                    f"{_LONGEST_HEADER} lines of header; found {lines[0].strip()[:60]!r} and so "
                    "on. Files older than VASP 5.2 hold no cell and are not read.",
                )
        if _says_something(lines):
            raise self.incomplete("its header ends with the file")
        return None

    def _header(self, lines: list[bytes]) -> _Header:
        try:
            scale = np.array(lines[1].split(), dtype=float)
            lattice = np.array([line.split()[:3] for line in lines[2:5]], dtype=float)
            names, counts = lines[5].split(), lines[-1].split()
            n_ions = np.array(counts, dtype=int)
            if lattice.shape != (3, 3) or scale.size not in (1, 3) or len(names) != len(counts):
                raise ValueError("comment, scale, three vectors, symbols and numbers are needed")
            if not np.linalg.det(lattice) or n_ions.min() < 0 or not n_ions.any():
                raise ValueError("a cell with a volume and at least one ion are needed")
        except (ValueError, IndexError) as error:
            raise self.bad_frame(
                self.n_complete, f"its header is not understood: {error}."
            ) from error
        if len(lines) < _LONGEST_HEADER:  # of VASP 4, which numbers the species
            names = [str(place).encode() for place in range(1, len(counts) + 1)]
        if scale.size == 1 and scale[0] < 0:  # the volume
            scale = np.cbrt(-scale / abs(np.linalg.det(lattice)))
        species = self.symbols(np.repeat([name.decode("latin-1") for name in names], n_ions))
        return _Header(lattice * scale, species)

    def _positions(self, raw: _RawFrame) -> NDArray[np.float64]:
        try:
            positions = np.loadtxt(raw.lines, usecols=(0, 1, 2), comments=None, ndmin=2)
        except ValueError as error:
            raise self.bad_frame(raw.number, f"{error}.") from error
        if len(positions) < len(raw.lines):
            raise self.bad_frame(raw.number, "a line is empty where three numbers are needed.")
        return positions


def _says_something(lines: list[bytes]) -> bool:
    return any(line.strip() for line in lines)


def _is_cut(line: bytes) -> bool:
    """Tell whether a file ends in a number with fewer decimals than the one before it."""
    if line.endswith(b"\n"):
        return False
    decimals = [len(number.partition(b".")[2]) for number in line.split()]
    return len(decimals) < 3 or decimals[2] < decimals[1]
