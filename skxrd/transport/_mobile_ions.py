"""Displacements of the mobile ions, and the framework that they are seen from."""

from __future__ import annotations

import math
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport._trajectory import IonTrajectory

__all__ = ["mobile_displacements"]


def mobile_displacements(
    trajectory: IonTrajectory,
    species: str,
    drift: Literal["framework", "center_of_mass"] | None,
) -> tuple[NDArray[np.float64], float]:
    """Compute the displacements of the mobile ions without the drift.

    Parameters
    ----------
    trajectory : IonTrajectory
        Positions over time.
    species : str
        Symbol of the mobile ions.
    drift : {"framework", "center_of_mass"} or None
        Which ions are held at rest: all others, or all.

    Returns
    -------
    displacements : ndarray of shape (n_frames, n_mobile, 3)
        Displacements from the first frame in angstrom.
    max_framework_displacement : float
        Largest displacement of another ion in angstrom; NaN without others.

    Raises
    ------
    TrajectoryError
        If there is no ion of the species, or "center_of_mass" is that of mobile ions only.

    Warns
    -----
    TransportWarning
        If "framework" is asked for and there is none.
    """
    others = np.setdiff1d(np.arange(trajectory.n_ions), trajectory.indices(species))
    if not others.size and drift == "center_of_mass":
        raise TrajectoryError(
            f"drift='center_of_mass' needs other ions than {species}: it would take out their "
            "common motion, of which the charge diffusivity consists. Use drift=None."
        )
    if not others.size and drift == "framework":
        warnings.warn(
            f"The trajectory has no framework, all ions are {species}: drift is not taken out. "
            "drift=None says so without this warning.",
            TransportWarning,
            stacklevel=4,
        )
        drift = None
    if drift is not None:
        trajectory = trajectory.drift_corrected(drift, species=species)
    if not others.size:
        return trajectory.displacements(species), math.nan
    framework = trajectory.select(others).displacements()
    squares = np.einsum("tia,tia->ti", framework, framework)
    return trajectory.displacements(species), math.sqrt(squares.max())
