"""The frame of reference in which ions move."""

from __future__ import annotations

import warnings
from typing import Literal

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport._trajectory import IonTrajectory

__all__ = ["Drift", "without_drift"]

Drift = Literal["framework", "center_of_mass"]


def without_drift(trajectory: IonTrajectory, species: str, drift: Drift | None) -> IonTrajectory:
    """Check what `fit` was given and take out the drift; None leaves positions as they are."""
    if not isinstance(trajectory, IonTrajectory):
        raise TypeError(f"trajectory must be an IonTrajectory; got {type(trajectory).__name__}.")
    if trajectory.n_frames < 2:
        raise TrajectoryError("one frame shows no motion: trajectory must have at least two.")
    if drift == "framework" and len(trajectory.indices(species)) == trajectory.n_ions:
        warnings.warn(
            f"The trajectory has no framework, all ions are {species}: drift is not taken out. "
            "drift=None says so without this warning.",
            TransportWarning,
            stacklevel=4,  # past fit and scikit-learn's wrapper around it
        )
        return trajectory
    return trajectory if drift is None else trajectory.drift_corrected(drift, species=species)
