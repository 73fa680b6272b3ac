"""What a run is too short for, said aloud."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from skxrd.exceptions import TransportWarning

if TYPE_CHECKING:
    from skxrd.transport._diffusion._estimator import DiffusionEstimator

__all__ = ["warn_of_little"]


def warn_of_little(estimator: DiffusionEstimator) -> None:
    """Warn where the results of a fitted estimator say less than they seem to."""
    if not estimator.is_diffusive_:
        _warn(
            "the mean squared displacement does not grow linearly: until half of the run it does "
            f"not go on like the line from {estimator.fit_window_[0]:g} to "
            f"{estimator.fit_window_[1]:g} ps, which may show motion in cages, or a drift. Run "
            "longer or hotter, or give lag_range."
        )
    elif not estimator.has_linear_start_:
        _warn(
            f"no lag was found from which growth is linear within {estimator.fit_window_[1]:g} ps, "
            "the longest lag that the fit window may hold: it may still hold relaxation in cages, "
            f"and the diffusivity of {estimator.diffusivity_:.2g} cm2/s be too high. Run longer, "
            "or give lag_range."
        )
    if math.isnan(estimator.charge_diffusivity_):
        _warn(
            "the center of mass rests: the charge diffusivity cannot be seen. All ions are "
            f"{estimator.species}, and the simulation holds their sum where it is."
        )
    hops = estimator.n_hops_ / estimator.n_ions_
    if hops < 1:
        _warn(
            f"the {estimator.n_ions_} ions of {estimator.species} make {hops:.2g} hops each of "
            f"{estimator.hop_length:g} angstrom in the whole run: the result of so few hops "
            "depends on chance. Run longer or hotter."
        )
    if estimator.error is None:
        return
    low, high = estimator.diffusivity_interval_
    if math.isnan(low):
        _warn(
            "the error of the tracer diffusivity is unknown: error='jackknife' needs two "
            f"mobile ions and found {estimator.n_ions_}, error='blocks' needs two blocks of time "
            f"and found {estimator.n_blocks_}."
        )
    elif high - low > abs(estimator.diffusivity_):
        _warn(
            f"the tracer diffusivity of {estimator.diffusivity_:.2g} cm2/s has an interval from "
            f"{low:.2g} to {high:.2g}, wider than the value. Run longer."
        )
    low, high = estimator.charge_diffusivity_interval_
    if math.isnan(estimator.charge_diffusivity_):
        return
    if math.isnan(low):
        _warn(
            "the error of the charge diffusivity is unknown, and no Haven ratio can be given: "
            f"the fit window ends at {estimator.fit_window_[1]:g} ps, and less than two blocks of "
            "time are longer. Lower the end of lag_range, or run longer."
        )
    elif low <= 0:
        _warn(
            f"the charge diffusivity of {estimator.charge_diffusivity_:.2g} cm2/s has an interval "
            f"from {low:.2g} to {high:.2g}, which holds 0: no Haven ratio can be given. Run "
            "longer."
        )
    elif math.isnan(estimator.haven_ratio_interval_[0]) and estimator.diffusivity_error_ > 0:
        _warn(
            f"the Haven ratio of {estimator.haven_ratio_:.2g} has no interval: with so few ions or "
            "blocks of time, none can be excluded. Simulate a larger cell, or run longer."
        )


def _warn(message: str) -> None:
    # Of `fit`, behind scikit-learn's wrapper of it.
    warnings.warn(f"{message[0].upper()}{message[1:]}", TransportWarning, stacklevel=5)
