"""Trajectories in NumPy's own format."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skxrd._files import complete_file
from skxrd.exceptions import TrajectoryError
from skxrd.transport._readers._frame_reader import Frame, FrameReader

if TYPE_CHECKING:
    from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["NpzReader", "write_npz"]

_NEEDED = ("positions", "lattice", "species", "time_step", "is_unwrapped")


def write_npz(path: Path, trajectory: IonTrajectory) -> None:
    """Write a trajectory; the file appears when it is complete."""
    arrays: dict[str, Any] = {name: getattr(trajectory, name) for name in _NEEDED}
    if trajectory.temperature is not None:
        arrays["temperature"] = trajectory.temperature
    with complete_file(path) as file:
        np.savez(file, **arrays)  # no array of objects is among them, so nothing is pickled


class NpzReader(FrameReader):
    """Reader of what `IonTrajectory.save` wrote."""

    tells_time = True

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames; positions are in memory at once, for an archive cannot be mapped."""
        try:
            # Opened here: NumPy leaves a file open that turns out to be no archive.
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
        except (ValueError, zipfile.BadZipFile) as error:
            raise TrajectoryError(f"{self.path.name} cannot be read: {error}") from error
        missing = [name for name in _NEEDED if name not in found]
        if missing:
            raise TrajectoryError(
                f"{self.path.name} was not written by IonTrajectory.save: {', '.join(missing)} are "
                "missing."
            )
        self.time_step = float(found["time_step"])
        self.temperature = float(found["temperature"]) if "temperature" in found else None
        self.is_unwrapped = bool(found["is_unwrapped"])
        # As they were saved; there is no name of another program to make a symbol of.
        species = self.symbols(found["species"]) if self.species else found["species"]
        lattice = found["lattice"]
        for frame in range(*wanted.indices(len(found["positions"]))):
            cell = lattice if lattice.ndim == 2 else lattice[frame]
            yield Frame(species, found["positions"][frame], cell)
