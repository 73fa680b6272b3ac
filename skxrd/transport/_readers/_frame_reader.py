"""What readers of all formats share: frames one at a time, names of ions, errors that say where."""

from __future__ import annotations

import gzip
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError

__all__ = ["Frame", "FrameReader", "open_binary"]

_ELEMENT = re.compile(r"[A-Z][a-z]?")
_GZIP = b"\x1f\x8b"


class Frame(NamedTuple):
    """Ions at one time."""

    species: NDArray[np.str_]  # symbol of each ion
    positions: NDArray[np.floating]  # fractions of the cell, of shape (n_ions, 3)
    lattice: NDArray[np.float64]  # vectors in rows, in angstrom


class FrameReader(ABC):
    """A file that frames are taken from one after another, so that memory stays bounded.

    Parameters
    ----------
    path : Path
        File to read.
    species : mapping of int or str to str, default=None
        Symbols of the elements by the names that the file has for them.
    """

    tells_time = False  # whether the format can hold the time between frames

    def __init__(self, path: Path, species: Mapping[int | str, str] | None = None) -> None:
        self.path = path
        self.species = {str(name): symbol for name, symbol in (species or {}).items()}
        # Known once the first frame was read, where the file tells them.
        self.time_step: float | None = None
        self.temperature: float | None = None
        self.is_unwrapped = False
        self.n_complete = 0  # frames that were read or passed over

    @abstractmethod
    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield the frames of a slice with `start` and `step`; nothing is read beyond its end."""

    def symbols(self, names: Iterable[str]) -> NDArray[np.str_]:
        """Turn the names that the file has for species into symbols of elements."""
        found, positions = np.unique(np.asarray(list(names), dtype=str), return_inverse=True)
        given: list[str] = found.tolist()
        if self.species and self.species.keys().isdisjoint(given):
            raise TrajectoryError(
                f"species names {_listed(self.species)}, none of which {self.path.name} has; its "
                f"ions are of types {_listed(given)}."
            )
        return np.array([self._symbol(name) for name in given])[positions]

    def _symbol(self, name: str) -> str:
        # VASP appends the kind of the potential, such as Li_sv, or its hash after a slash.
        symbol = self.species.get(name) or re.split("[_/]", name)[0]
        if not _ELEMENT.fullmatch(symbol):
            raise TrajectoryError(
                f"{self.path.name} has ions of type {name!r}, which is no element; say which one "
                f"it is: species={{{_as_key(name)}: 'Li', ...}}."
            )
        return symbol

    def bad_frame(self, frame: int, problem: object) -> TrajectoryError:
        """Make an error about a frame that cannot be understood."""
        return TrajectoryError(f"{self.path.name}, frame {frame} (from 0): {problem}")

    def incomplete(self, problem: object) -> TrajectoryError:
        """Make an error about the last frame of a file that ends too early."""
        number = self.n_complete
        advice = (
            f"stop={number} reads the {number} complete frames before it."
            if number
            else "There is no complete frame."
        )
        return TrajectoryError(
            f"{self.path.name} is cut short: frame {number} (from 0) is incomplete, {problem}. "
            f"{advice}"
        )


def _as_key(name: str) -> str:
    """Write a name as a key of `species` in Python."""
    return name if name.isdigit() else repr(name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_as_key, names))


def open_binary(path: Path) -> BinaryIO:
    """Open a file, unpacking it if it is one of gzip, whatever its name."""
    with open(path, "rb") as file:
        is_packed = file.read(2) == _GZIP
    return cast("BinaryIO", gzip.open(path) if is_packed else open(path, "rb"))
