"""What a trajectory must be before anything is computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError
from skxrd.transport._trajectory._unwrapping import frame_blocks

if TYPE_CHECKING:
    from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["check_trajectory", "volumes"]

_SMALLEST_VOLUME = 1e-6  # cubic angstrom; an atom needs some ten


def check_trajectory(trajectory: IonTrajectory) -> None:
    """Raise a TrajectoryError where parts do not fit together or numbers make no sense."""
    shape = trajectory.positions.shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise TrajectoryError(
            "positions must have shape (n_frames, n_ions, 3) with at least one frame and one ion; "
            f"got {shape}."
        )
    if trajectory.lattice.shape not in ((3, 3), (shape[0], 3, 3)):
        raise TrajectoryError(
            f"lattice must have shape (3, 3) or ({shape[0]}, 3, 3), one cell for all frames or one "
            f"each; got {trajectory.lattice.shape}."
        )
    if trajectory.species.shape != (shape[1],):
        raise TrajectoryError(
            f"species must name each of the {shape[1]} ions; got shape {trajectory.species.shape}."
        )
    for name in ("time_step", "temperature"):
        value = getattr(trajectory, name)
        if value is not None and not (np.isfinite(value) and value > 0):
            raise TrajectoryError(f"{name} must be a positive number; got {value}.")
    lattice = trajectory.lattice
    if not np.isfinite(lattice).all() or (volumes(lattice) <= _SMALLEST_VOLUME).any():
        raise TrajectoryError("lattice must be finite and span a volume in every frame.")
    _check_finite(trajectory.positions)


def _check_finite(positions: NDArray[np.floating]) -> None:
    for block in frame_blocks(positions.shape):
        finite = np.isfinite(positions[block]).all(axis=(1, 2))
        if not finite.all():
            frame = block.start + int(np.argmin(finite))
            raise TrajectoryError(f"positions of frame {frame} are not all finite numbers.")


def volumes(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the volume of each cell in cubic angstrom."""
    return np.abs(np.linalg.det(lattice.reshape(-1, 3, 3)))
