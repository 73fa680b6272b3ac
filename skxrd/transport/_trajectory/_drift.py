"""The frame of reference in which ions move."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport._trajectory._common_motion import Drift, mean_motion, reference_ions
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory
from skxrd.transport._trajectory._ions import atomic_masses
from skxrd.transport._trajectory._unwrapping import check_cell_is_continuous

__all__ = [
    "Drift",
    "check_run",
    "drift_of",
    "free_displacements",
    "largest_displacement",
    "without_drift",
]

_BATCH_BYTES = 64_000_000  # of float64; a few such arrays are alive at a time


def check_run(trajectory: IonTrajectory) -> None:
    """Check what `fit` was given: frames of one run, at least two."""
    if not isinstance(trajectory, IonTrajectory):
        raise TypeError(
            f"trajectory must be an IonTrajectory; got {type(trajectory).__name__}. "
            "read_trajectory makes one of a file."
        )
    if trajectory.n_frames < 2:
        raise TrajectoryError("one frame shows no motion: trajectory must have at least two.")
    check_cell_is_continuous(trajectory.lattice)


def without_drift(trajectory: IonTrajectory, drift: NDArray[np.float64]) -> IonTrajectory:
    """Take out what `drift_of` returned, of the ions that are needed only, wrapped or not."""
    return trajectory._with(np.subtract(trajectory.positions, drift[:, None], dtype=float))


def drift_of(trajectory: IonTrajectory, species: str, drift: Drift | None) -> NDArray[np.float64]:
    """Check what `fit` was given and compute the drift, in fractions of the cell.

    Only the ions that it is taken from are followed, so that the others may be too fast for that.

    Returns
    -------
    ndarray of shape (n_frames, 3)
        Drift since the first frame; 0 where `drift` is None.
    """
    ions = _reference(trajectory, species, drift)
    if ions is None:
        return np.zeros((trajectory.n_frames, 3))
    moment = np.zeros((trajectory.n_frames, 3))
    mass = 0.0
    for batch in _ion_batches(trajectory.n_frames, ions):
        held = trajectory.select(batch).unwrapped()
        masses = atomic_masses(held.species)
        moment += masses.sum() * mean_motion(held.positions, np.arange(held.n_ions), masses)
        mass += masses.sum()
    return moment / mass


def free_displacements(
    trajectory: IonTrajectory, ions: NDArray[np.intp], drift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the displacements of some ions without the drift, in angstrom."""
    return without_drift(trajectory.select(ions).unwrapped(), drift).displacements()


def largest_displacement(
    trajectory: IonTrajectory, ions: NDArray[np.intp], drift: NDArray[np.float64]
) -> float:
    """Find the largest displacement of some ions in angstrom; NaN without ions."""
    largest = math.nan
    for batch in _ion_batches(trajectory.n_frames, ions):
        displacements = free_displacements(trajectory, batch, drift)
        squares = np.einsum("tia,tia->ti", displacements, displacements)
        largest = float(np.fmax(largest, math.sqrt(squares.max())))
    return largest


def _ion_batches(n_frames: int, ions: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Cut ions into batches whose paths, unlike all of a long run, fit into bounded memory."""
    size = max(1, _BATCH_BYTES // (n_frames * 24))
    for first in range(0, len(ions), size):
        yield ions[first : first + size]


def _reference(
    trajectory: IonTrajectory, species: str, drift: Drift | None
) -> NDArray[np.intp] | None:
    """Find the ions that are held at rest; None if there are none to be."""
    check_run(trajectory)
    if trajectory.others(species).size:
        return None if drift is None else reference_ions(trajectory, drift, species)
    if drift == "center_of_mass":
        raise TrajectoryError(
            f"drift='center_of_mass' needs other ions than {species}: it would take out their "
            "common motion, of which the charge diffusivity consists. Use drift=None."
        )
    if drift == "framework":
        warnings.warn(
            f"The trajectory has no framework, all ions are {species}: drift is not taken out. "
            "drift=None says so without this warning.",
            TransportWarning,
            stacklevel=5,  # past the function above, fit and scikit-learn's wrapper around it
        )
    return None
