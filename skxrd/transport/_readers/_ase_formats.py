"""Formats that ASE reads: extended XYZ and its own trajectories."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from skxrd._optional import import_optional
from skxrd.exceptions import TrajectoryError
from skxrd.transport._readers._frame_reader import Frame, FrameReader, open_binary

__all__ = ["AseTrajectoryReader", "ExtendedXyzReader"]


class _AseReader(FrameReader):
    """Reader of a format under the name that ASE has for it."""

    ase_format: str

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames as ASE gives them, with positions that were never wrapped here."""
        yield from self._frames_of(self.path, wanted)

    def _frames_of(self, source: os.PathLike[str] | TextIO, wanted: slice) -> Iterator[Frame]:
        ase_io = import_optional("ase.io", extra="md", purpose=f"Reading {self.path.name}")
        self.n_complete = wanted.start
        try:
            for atoms in ase_io.iread(
                source, index=wanted, format=self.ase_format, do_not_split_by_at_sign=True
            ):
                yield self._frame(atoms)
                self.n_complete += wanted.step
        except TrajectoryError:
            raise
        # What ASE's readers raise: their own errors are errors of the system by descent.
        except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
            number = self.n_complete
            advice = f"; stop={number} leaves it out" if number else ""
            raise self.bad_frame(
                number, f"ASE cannot read it ({type(error).__name__}: {error}){advice}."
            ) from error

    def _frame(self, atoms: Any) -> Frame:
        if atoms.cell.rank < 3 or not atoms.pbc.all():
            raise self.bad_frame(
                self.n_complete,
                "a cell that is periodic along three axes is needed; found the vectors "
                f"{atoms.cell.tolist()} and pbc={atoms.pbc.tolist()}.",
            )
        positions = atoms.cell.scaled_positions(atoms.positions)
        return Frame(self.symbols(atoms.get_chemical_symbols()), positions, np.array(atoms.cell))


class ExtendedXyzReader(_AseReader):
    """Reader of extended XYZ."""

    ase_format = "extxyz"

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames; a last line without an end may have lost digits, which ASE cannot see."""
        # ASE knows packed files by their names only.
        with io.TextIOWrapper(open_binary(self.path), encoding="utf-8") as file:
            yield from self._frames_of(file, wanted)
        last = self._frame_without_end(wanted.stop)
        if last is not None and last in range(*wanted.indices(last + 1)):
            self.n_complete = last
            raise self.incomplete("its last line has no end")

    def _frame_without_end(self, stop: int | None) -> int | None:
        """Find the last frame of a file without a line feed at its end, if it is before `stop`."""
        n_frames, line = 0, b"\n"
        with open_binary(self.path) as file:
            for line in file:
                n_frames += b"Lattice" in line  # once in each frame, or it has no cell
                if stop is not None and n_frames > stop:
                    return None
        return None if line.endswith(b"\n") else n_frames - 1


class AseTrajectoryReader(_AseReader):
    """Reader of ASE's .traj."""

    ase_format = "traj"
