"""What the trajectories of one structure say about its conductivity."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit
from sklearn.base import clone

from skxrd.transport._arrhenius._regressor import ArrheniusRegressor
from skxrd.transport._diffusion._estimator import DiffusionEstimator
from skxrd.transport._diffusion._nernst_einstein import nernst_einstein_conductivity
from skxrd.transport._framework._check import FrameworkCheck
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["ConductivityResult", "conductivity_of"]


@dataclass(frozen=True, eq=False)
class ConductivityResult:
    """What a simulation of one structure says about its conductivity.

    Parameters
    ----------
    trajectories : dict of float to IonTrajectory
        Trajectory at each temperature in K.
    diffusions : dict of float to DiffusionEstimator
        Fitted to each of them.
    frameworks : dict of float to FrameworkCheck
        Check of each framework; empty if all ions are mobile.
    left_out : dict of float to str
        Temperatures in K that do not count, and why.
    arrhenius : ArrheniusRegressor
        Fitted to the temperatures of `used`; not fitted if these are fewer than two.
    used : ndarray of shape (n_used,)
        Temperatures in K that count: ions diffuse, significantly, in a framework that holds.
    values, errors : ndarray of shape (n_used,)
        What the line was fitted to: diffusivities in cm2/s or conductivities in S/cm, as the form
        of the regressor says, and their standard errors; errors are NaN where they are unknown.
        These come of a few ions or blocks of time, and the regressor takes errors as exact: it is
        given them times the ratio of the quantiles of Student's t and of the normal distribution,
        at its own level.
    temperature : float
        Temperature of `conductivity` in K.
    conductivity : float
        Conductivity at `temperature` in S/cm, by the relation of Nernst and Einstein with the
        tracer diffusivity; NaN without a line.
    conductivity_interval : ndarray of shape (2,)
        Its interval in S/cm.

    Examples
    --------
    >>> from skxrd.transport import ConductivityScreener, make_hopping_trajectory
    >>> runs = {
    ...     kelvin: make_hopping_trajectory(
    ...         hop_rate=rate, vibration=0.2, temperature=kelvin, random_state=0
    ...     )
    ...     for kelvin, rate in {600.0: 0.1, 900.0: 0.2, 1200.0: 0.28}.items()
    ... }
    >>> result = ConductivityScreener().analyze(runs)
    >>> low, high = result.arrhenius.activation_energy_interval_
    >>> bool(low < 0.107 < high)  # what these rates make, in eV
    True
    """

    trajectories: dict[float, IonTrajectory]
    diffusions: dict[float, DiffusionEstimator]
    frameworks: dict[float, FrameworkCheck]
    left_out: dict[float, str]
    arrhenius: ArrheniusRegressor
    used: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    temperature: float
    conductivity: float
    conductivity_interval: NDArray[np.float64]

    @property
    def problem(self) -> str:
        """Why there is no line, and no conductivity; empty if there is one."""
        if len(self.used) > 1:
            return ""
        names = ", ".join(f"{kelvin:g} K" for kelvin in self.used) or "none"
        reasons = "; ".join(f"{kelvin:g} K: {why}" for kelvin, why in self.left_out.items())
        return (
            "a line of Arrhenius needs two temperatures at which ions diffuse, significantly, in a "
            f"framework that holds; found {names} of {len(self.diffusions)} ({reasons}). Simulate "
            "longer, or at other temperatures."
        )

    def row(self) -> dict[str, Any]:
        """Sum up the result.

        Returns
        -------
        dict
            The columns that `ConductivityScreener.transform` describes.
        """
        energy, interval = np.nan, np.full(2, np.nan)
        if not self.problem:
            energy = self.arrhenius.activation_energy_
            interval = self.arrhenius.activation_energy_interval_
        used = self.used.tolist()
        row: dict[str, Any] = {
            "activation_energy": energy,
            "activation_energy_low": interval[0],
            "activation_energy_high": interval[1],
            "conductivity": self.conductivity,
            "conductivity_low": self.conductivity_interval[0],
            "conductivity_high": self.conductivity_interval[1],
            "is_extrapolated": not min(used) <= self.temperature <= max(used)
            if len(used) > 1
            else None,
            "framework_ok": all(check.is_stable_ for check in self.frameworks.values())
            if self.frameworks
            else None,
            "n_hops": min((self.diffusions[kelvin].n_hops_ for kelvin in used), default=np.nan),
            "n_temperatures": len(used),
        }
        for kelvin, diffusion in self.diffusions.items():
            row[f"diffusivity_{kelvin:g}K"] = diffusion.diffusivity_
            row[f"diffusivity_error_{kelvin:g}K"] = diffusion.diffusivity_error_
        return row


def conductivity_of(
    trajectories: dict[float, IonTrajectory],
    reference: Structure | None,
    *,
    diffusion: DiffusionEstimator,
    arrhenius: ArrheniusRegressor,
    framework: FrameworkCheck,
    unstable: Literal["drop", "keep"],
    temperature: float,
) -> ConductivityResult:
    """Estimate the conductivity, see `ConductivityScreener.analyze`; estimators are cloned."""
    diffusions: dict[float, DiffusionEstimator] = {}
    frameworks: dict[float, FrameworkCheck] = {}
    for kelvin, trajectory in trajectories.items():
        with _named_warnings(f"{kelvin:g} K"):
            diffusions[kelvin] = clone(diffusion).set_params(temperature=kelvin).fit(trajectory)
            if diffusions[kelvin].n_ions_ < trajectory.n_ions:  # there is a framework
                frameworks[kelvin] = _same_ions(framework, diffusion).fit(trajectory, reference)
    left_out = {}
    for kelvin, found in diffusions.items():
        why = [] if unstable == "keep" or kelvin not in frameworks else frameworks[kelvin].messages_
        why = [*_against_diffusion(found), *why]
        if why:
            left_out[kelvin] = "; ".join(why)
    used = [kelvin for kelvin in diffusions if kelvin not in left_out]
    arrhenius = clone(arrhenius)
    values, errors = _measurements([diffusions[kelvin] for kelvin in used], arrhenius.form)
    line = np.full(3, np.nan)
    if len(used) > 1:
        counted = [diffusions[kelvin] for kelvin in used]
        y_error = errors * _students_widening(counted, arrhenius.confidence)
        arrhenius.fit(used, values, y_error=y_error if np.isfinite(y_error).all() else None)
        line = np.append(
            arrhenius.predict([temperature]), arrhenius.predict_interval([temperature])
        )
        if arrhenius.form == "D":
            line = nernst_einstein_conductivity(
                line,
                n_ions=diffusions[used[0]].n_ions_,
                volume=trajectories[used[0]].volume,
                temperature=temperature,
                charge=diffusion.charge,
            )
    return ConductivityResult(
        trajectories=trajectories,
        diffusions=diffusions,
        frameworks=frameworks,
        left_out=left_out,
        arrhenius=arrhenius,
        used=np.array(used),
        values=values,
        errors=errors,
        temperature=temperature,
        conductivity=float(line[0]),
        conductivity_interval=line[1:],
    )


def _same_ions(framework: FrameworkCheck, diffusion: DiffusionEstimator) -> FrameworkCheck:
    """Clone the check for the ions that diffuse, whatever species it was made for."""
    check = clone(framework)
    return check.set_params(species=diffusion.species) if hasattr(check, "species") else check


@contextmanager
def _named_warnings(name: str) -> Iterator[None]:
    """Say of which run warnings are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        warnings.warn(f"{name}: {warning.message}", warning.category, stacklevel=4)


def _against_diffusion(diffusion: DiffusionEstimator) -> list[str]:
    """Say why a diffusivity cannot go into a line, if so."""
    low = diffusion.diffusivity_interval_[0]
    against = []
    if not (diffusion.diffusivity_ > 0 if np.isnan(low) else low > 0):
        against.append("the diffusivity is not significantly above zero")
    if not diffusion.is_diffusive_:
        against.append("the mean squared displacement does not grow linearly")
    return against


def _measurements(
    diffusions: list[DiffusionEstimator], form: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the line is fitted to, and its standard errors."""
    diffusivities = np.array([diffusion.diffusivity_ for diffusion in diffusions])
    errors = np.array([diffusion.diffusivity_error_ for diffusion in diffusions])
    values = diffusivities
    if form != "D":
        values = np.array([diffusion.conductivity_ for diffusion in diffusions])
    return values, errors / diffusivities * values


def _students_widening(
    diffusions: list[DiffusionEstimator], confidence: float
) -> NDArray[np.float64]:
    """Return how much wider intervals are for errors that are known from a few parts only."""
    n_parts = [fit.n_blocks_ if fit.error == "blocks" else fit.n_ions_ for fit in diffusions]
    level = (1 + confidence) / 2
    return stdtrit(np.array(n_parts) - 1, level) / ndtri(level)
