"""Diffusivity and conductivity of the mobile ions of a trajectory, with honest intervals."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from skxrd._sklearn import Interval, Options, StrOptions, fit_context
from skxrd.transport._diffusion._errors import Estimate, estimate, ratio_interval
from skxrd.transport._diffusion._fit_window import SQUARE_CM_PER_S, FitLine, find_fit_window
from skxrd.transport._diffusion._mean_squared_displacement import mean_squared_displacement
from skxrd.transport._diffusion._nernst_einstein import nernst_einstein_conductivity
from skxrd.transport._diffusion._warnings import warn_of_little
from skxrd.transport._trajectory._drift import (
    Drift,
    drift_of,
    free_displacements,
    largest_displacement,
)
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["DiffusionEstimator", "check_charge_and_lags"]

_SHORTEST_BLOCK = 1.25  # of the longest lag of the window: a block averages over origins
_ROUNDING = 1e-6  # of the tracer diffusivity; the charge diffusivity of ions that move is far above


class DiffusionEstimator(BaseEstimator):
    r"""Diffusivity and conductivity from the motion of ions in molecular dynamics.

    A line is fitted to the mean squared displacement over the lags of a window, by least squares,
    and its slope is 2d times the diffusivity, where d is the number of dimensions. The vibrations
    of the ions only lift the line.

    Parameters
    ----------
    species : str, default="Li"
        Symbol of the mobile ions.
    charge : float, default=1
        Charge of a mobile ion in units of the elementary charge; it is never guessed.
    lag_range : tuple of two float or None, default=(None, None)
        First and last lag of the fit window in ps. None as the first stands for the lag from which
        growth is linear (see Notes), or half of the last if there is none. None as the last stands
        for four times the lag from which growth is linear, and at most a tenth of the run.
    error : {"jackknife", "blocks"} or None, default="jackknife"
        Where the error of the tracer diffusivity comes from: the scatter between ions, which are
        taken as independent, or between blocks of time, which is wider and needs no such
        assumption. The charge diffusivity is one number of all ions, and its error always comes
        from blocks of time. None computes no errors, and no Haven ratio.
    n_blocks : int, default=8
        Number of blocks of time; fewer are used where a block would be shorter than 1.25 times the
        fit window.
    confidence : float, default=0.95
        Level of the intervals, between 0 and 1.
    drift : {"framework", "center_of_mass"} or None, default="framework"
        Which ions are held at rest: all others, or all. A trajectory without others is taken as it
        is with "framework", with a warning.
    dimension : {1, 2, 3}, default=3
        Number of dimensions d in which ions move.
    temperature : float, default=None
        Temperature in K; None stands for that of the trajectory.
    hop_length : float, default=3.0
        Distance between neighbor sites in angstrom, with which hops are counted.

    Attributes
    ----------
    diffusivity_, diffusivity_error_ : float
        Tracer diffusivity and its standard error in cm2/s.
    diffusivity_interval_ : ndarray of shape (2,)
        Its interval in cm2/s. Never cut off at 0.
    charge_diffusivity_, charge_diffusivity_error_ : float
        Charge diffusivity, from the sum of the displacements [1]_, and its standard error in cm2/s;
        NaN, like all that comes of it, where the sum rests up to rounding: in a simulation that
        holds the center of mass of all ions, and has no others.
    charge_diffusivity_interval_ : ndarray of shape (2,)
        Its interval in cm2/s.
    haven_ratio_ : float
        Tracer diffusivity over charge diffusivity; NaN if the interval of the latter holds 0.
    haven_ratio_interval_ : ndarray of shape (2,)
        Its interval, by Fieller's theorem; NaN if no ratio can be excluded, as with two ions.
    conductivity_ : float
        Conductivity in S/cm by the relation of Nernst and Einstein with the tracer diffusivity,
        hence with a Haven ratio of 1; NaN if no temperature is known.
    charge_conductivity_ : float
        The same with the charge diffusivity, in S/cm.
    conductivity_interval_, charge_conductivity_interval_ : ndarray of shape (2,)
        Their intervals in S/cm.
    diffusivity_tensor_ : ndarray of shape (3, 3)
        Tensor of the tracer diffusivity along x, y and z in cm2/s. With ``dimension=3`` its trace
        is three times `diffusivity_`.
    lag_times_ : ndarray of shape (n_lags,)
        Lags in ps, from 0 to half of the run or to the end of the fit window.
    mean_squared_displacement_ : ndarray of shape (n_lags,)
        Mean squared displacement of an ion in square angstrom.
    collective_mean_squared_displacement_ : ndarray of shape (n_lags,)
        That of the sum of all ions, divided by their number.
    fit_window_ : ndarray of shape (2,)
        First and last lag of the line in ps.
    is_diffusive_ : bool
        Whether growth from the end of the fit window to half of the run is that of the line within
        a factor of two; True where the first lag was given.
    has_linear_start_ : bool
        Whether a lag was found from which growth is linear; True where the first lag was given.
        Without one, ions may still relax in their cages within the fit window, and diffusivities
        be too high.
    intercept_, charge_intercept_ : float
        Heights of the two lines at lag 0 in square angstrom.
    n_hops_ : float
        Hops that make up the tracer diffusivity, of all ions during the run [2]_.
    n_ions_, n_blocks_ : int
        Number of mobile ions, and of blocks of time that were used.
    max_framework_displacement_ : float
        Largest distance of another ion from where it started, in angstrom; NaN without others. More
        than a vibration means that the framework moves or melts.
    temperature_ : float or None
        Temperature in K that was used.

    Warns
    -----
    TransportWarning
        If the run says less than a number seems to (in `fit`): growth is not linear, or not seen to
        be so in the fit window, ions hop less than once, an interval is wider than its value or
        holds 0, there is no framework, the center of mass rests, or no error can be told.

    See Also
    --------
    MeanSquaredDisplacementDisplay : Picture of the mean squared displacement and the line.
    ArrheniusRegressor : Activation energy from the diffusivities at several temperatures.

    Notes
    -----
    Averages over all time origins share their data: neighbor lags and origins are correlated, and
    the residuals of the line say nothing of its error. Ions and blocks of time are nearly
    independent, and the error is that of a mean over them, with Student's t. Blocks of time give
    their own slopes from pairs of frames within the block.

    The window starts, after ballistic flight and rattling in cages, where the exponent a of growth
    A + B t\ :sup:`a` through the mean squared displacement at the lags t, 2t and 4t has come up to
    0.9. The logarithmic slope of the mean squared displacement itself would wait until the
    vibrations A, which do not bend the line, are small beside it. Where ions relax so slowly that
    no lag t up to a fortieth of the run is found, the window is the later half of the first tenth
    of the run, and `has_linear_start_` false.

    Growth over so few lags can look linear where ions only relax in their cages, or drift. Hence
    `is_diffusive_` looks beyond the window.

    References
    ----------
    .. [1] A. Marcolongo and N. Marzari, Ionic correlations and failure of Nernst-Einstein relation
       in solid-state electrolytes, Physical Review Materials 1, 025402 (2017).
    .. [2] X. He et al., Statistical variances of diffusional properties from ab initio molecular
       dynamics simulations, npj Computational Materials 4, 18 (2018).

    Examples
    --------
    >>> from skxrd.transport import DiffusionEstimator, make_hopping_trajectory
    >>> trajectory = make_hopping_trajectory(hop_rate=0.2, hop_length=3.0, random_state=0)
    >>> estimator = DiffusionEstimator("Li").fit(trajectory)
    >>> low, high = estimator.diffusivity_interval_
    >>> print(f"{low:.1e} < 3.0e-05 < {high:.1e} cm2/s")  # 0.2 * 3**2 / 6 square angstrom/ps
    2.5e-05 < 3.0e-05 < 3.6e-05 cm2/s
    """

    _parameter_constraints = {
        "species": [str],
        "charge": [Real],
        "lag_range": [tuple, list],
        "error": [StrOptions({"jackknife", "blocks"}), None],
        "n_blocks": [Interval(Integral, 2, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "drift": [StrOptions({"framework", "center_of_mass"}), None],
        "dimension": [Options(Integral, {1, 2, 3})],
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "hop_length": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        species: str = "Li",
        *,
        charge: float = 1,
        lag_range: tuple[float | None, float | None] = (None, None),
        error: Literal["jackknife", "blocks"] | None = "jackknife",
        n_blocks: int = 8,
        confidence: float = 0.95,
        drift: Drift | None = "framework",
        dimension: int = 3,
        temperature: float | None = None,
        hop_length: float = 3.0,
    ) -> None:
        self.species = species
        self.charge = charge
        self.lag_range = lag_range
        self.error = error
        self.n_blocks = n_blocks
        self.confidence = confidence
        self.drift = drift
        self.dimension = dimension
        self.temperature = temperature
        self.hop_length = hop_length

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, trajectory: IonTrajectory) -> Self:
        """Fit the lines.

        Parameters
        ----------
        trajectory : IonTrajectory
            Positions over time, wrapped or not, without the equilibration.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TrajectoryError
            If there is no ion of the species, the run is too short for the window, or frames are
            too sparse to follow the ions across the faces of the cell.
        TypeError
            If `trajectory` is no `IonTrajectory`.
        ValueError
            If `charge` is 0 or `lag_range` is no pair of lags.

        Warns
        -----
        TransportWarning
            If the run says less than a number seems to.
        """
        check_charge_and_lags(self.charge, self.lag_range)
        drift = drift_of(trajectory, self.species, self.drift)
        mobile, others = trajectory.indices(self.species), trajectory.others(self.species)
        self.max_framework_displacement_ = largest_displacement(trajectory, others, drift)
        displacements = free_displacements(trajectory, mobile, drift)
        n_frames, self.n_ions_, _ = displacements.shape
        time_step = trajectory.time_step / 1000
        # One path, whose mean squared displacement is the collective one.
        common = displacements.sum(axis=1, keepdims=True) / math.sqrt(self.n_ions_)

        first, last = self.lag_range
        longest = n_frames // 2 if last is None else n_frames - 1
        tracer = mean_squared_displacement(displacements, max_lag=longest)
        window = find_fit_window(tracer, n_frames, time_step, (first, last))
        n_lags = max(window.stop, n_frames // 2) + 1
        self.lag_times_ = np.arange(n_lags) * time_step
        self.mean_squared_displacement_ = tracer[:n_lags]
        self.collective_mean_squared_displacement_ = mean_squared_displacement(
            common, max_lag=n_lags - 1
        )
        self.fit_window_ = np.array([window.start, window.stop]) * time_step
        self.is_diffusive_ = window.is_diffusive
        self.has_linear_start_ = window.has_linear_start

        self._dimension = self.dimension  # of the line, whatever the parameter becomes later
        line = FitLine(window, time_step, self.dimension)
        self.intercept_ = line.intercept(tracer)
        self.charge_intercept_ = line.intercept(self.collective_mean_squared_displacement_)
        self.diffusivity_tensor_ = line.tensor(displacements)
        self.n_blocks_ = min(self.n_blocks, n_frames // math.ceil(_SHORTEST_BLOCK * window.stop))
        ions = line.diffusivities(displacements)
        blocks = np.array_split(np.arange(n_frames), max(1, self.n_blocks_))
        if self.error == "blocks":
            parts = np.array([line.diffusivities(displacements[block]).mean() for block in blocks])
        else:
            parts = ions
        charge_parts = np.array([line.diffusivities(common[block])[0] for block in blocks])
        known = self.error is not None
        self._set_results(
            estimate(ions.mean(), parts if known else None),
            estimate(line.diffusivities(common)[0], charge_parts if known else None),
            trajectory,
        )
        warn_of_little(self)
        return self

    def _set_results(self, tracer: Estimate, charge: Estimate, trajectory: IonTrajectory) -> None:
        if abs(charge.value) < _ROUNDING * abs(tracer.value):
            charge = Estimate(math.nan, math.nan, 0)
        self.diffusivity_, self.diffusivity_error_, _ = tracer
        self.diffusivity_interval_ = tracer.interval(self.confidence)
        self.charge_diffusivity_, self.charge_diffusivity_error_, _ = charge
        self.charge_diffusivity_interval_ = charge.interval(self.confidence)
        run = (trajectory.n_frames - 1) * trajectory.time_step / 1000
        path = 2 * self.dimension * self.diffusivity_ / SQUARE_CM_PER_S * run
        self.n_hops_ = self.n_ions_ * path / self.hop_length**2

        self.haven_ratio_, self.haven_ratio_interval_ = math.nan, np.full(2, np.nan)
        if self.charge_diffusivity_interval_[0] > 0:  # not so if it is NaN
            self.haven_ratio_ = tracer.value / charge.value
            self.haven_ratio_interval_ = ratio_interval(tracer, charge, self.confidence)

        self.temperature_ = trajectory.temperature if self.temperature is None else self.temperature
        factor = math.nan
        if self.temperature_ is not None:
            factor = nernst_einstein_conductivity(
                1.0,
                n_ions=self.n_ions_,
                volume=trajectory.volume,
                temperature=self.temperature_,
                charge=self.charge,
            )
        self.conductivity_ = self.diffusivity_ * factor
        self.conductivity_interval_ = self.diffusivity_interval_ * factor
        self.charge_conductivity_ = self.charge_diffusivity_ * factor
        self.charge_conductivity_interval_ = self.charge_diffusivity_interval_ * factor

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def check_charge_and_lags(charge: float, lag_range: tuple[float | None, float | None]) -> None:
    """Raise a ValueError where the two are of the right type but make no sense."""
    if charge == 0 or not math.isfinite(charge):
        raise ValueError(f"charge must be finite and not 0, got {charge}.")
    if len(lag_range) != 2 or not all(
        lag is None or (isinstance(lag, Real) and 0 <= lag < math.inf) for lag in lag_range
    ):
        raise ValueError(
            "lag_range must hold the first and the last lag in ps, at least 0, or None; got "
            f"{lag_range!r}."
        )
