"""The motion that ions have in common, such as the drift of the whole cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd.exceptions import TrajectoryError
from skxrd.transport._trajectory._ions import ion_indices
from skxrd.transport._trajectory._unwrapping import frame_blocks

if TYPE_CHECKING:
    from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["Drift", "mean_motion", "reference_ions"]

Drift = Literal["framework", "center_of_mass"]


def reference_ions(
    trajectory: IonTrajectory, reference: Drift | ArrayLike, species: str | None
) -> NDArray[np.intp]:
    """Find the ions whose mean motion is taken for the drift."""
    everything = np.arange(trajectory.n_ions)
    if not isinstance(reference, str):
        return ion_indices(reference, trajectory.n_ions, name="reference")
    if reference == "center_of_mass":
        return everything
    if reference != "framework":
        raise ValueError(
            "reference must be 'framework', 'center_of_mass' or indices of ions; got "
            f"{reference!r}."
        )
    if species is None:
        raise ValueError("species must name the mobile ions when the framework is meant.")
    framework = trajectory.others(species)
    if not framework.size:
        raise TrajectoryError(f"no framework: all ions are {species}. Correct no drift.")
    return framework


def mean_motion(
    positions: NDArray[Any], ions: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the weighted mean displacement of some ions, of shape (n_frames, 3)."""
    weights = weights / weights.sum()
    mean = np.empty((len(positions), 3))
    for block in frame_blocks(positions.shape):
        mean[block] = np.einsum("tia,i->ta", positions[block, ions], weights)
    return mean - mean[0]
