"""Formats that ASE reads: extended XYZ and its own trajectories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skxrd._optional import import_optional
from skxrd.exceptions import TrajectoryError
from skxrd.transport._frame_reader import Frame, FrameReader

__all__ = ["AseTrajectoryReader", "ExtendedXyzReader"]


class _AseReader(FrameReader):
    """Reader of a format under the name that ASE has for it."""

    ase_format: str

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames as ASE gives them, with positions that were never wrapped here."""
        io = import_optional("ase.io", extra="md", purpose=f"Reading {self.path.name}")
        self.n_complete = wanted.start
        try:
            for atoms in io.iread(
                self.path, index=wanted, format=self.ase_format, do_not_split_by_at_sign=True
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


class AseTrajectoryReader(_AseReader):
    """Reader of ASE's .traj."""

    ase_format = "traj"
