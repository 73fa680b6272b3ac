"""Van Hove correlation functions: how far ions went, and where the others are by then."""

from __future__ import annotations

import math
import warnings
from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import TransportWarning
from skxrd.transport._trajectory._drift import Drift, drift_of, without_drift
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory
from skxrd.transport._van_hove._pair_counts import pair_counts

__all__ = ["VanHove"]

_MOST_LAGS = 50  # beside lag 0, where none are chosen


class VanHove(BaseEstimator):
    """Van Hove correlation functions of mobile ions, self and distinct part.

    The self part tells how far an ion went during a time. The distinct part is the density of ions
    at a distance from where another one was that much earlier, relative to their mean density: the
    pair distribution function at time 0, a peak that grows at distance 0 where an ion jumps into a
    site that its neighbor left, and 1 where ions forgot about each other.

    Parameters
    ----------
    species : str, default="Li"
        Symbol of the mobile ions.
    reference_species : str, default=None
        Species whose earlier positions distances of the distinct part are measured from; None
        stands for `species`.
    lag_times : array-like of shape (n_lags,), default=None
        Times in ps, from 0 to the length of the run; they are rounded to whole frames, sorted, and
        taken once each. None stands for at most 51 times, evenly spaced from 0 to half of the run.
    r_max : float, default=10.0
        Largest distance in angstrom. It may be larger than the cell: all periodic images are
        counted.
    spacing : float, default=0.1
        Width of the bins in angstrom; a little more or less, so that they end at `r_max`.
    n_origins : int, default=100
        Number of frames, evenly spread, that each time is counted from; None takes all.
    drift : {"framework", "center_of_mass"}, default="framework"
        Whose motion is taken out first; None leaves positions as they are.

    Attributes
    ----------
    r_ : ndarray of shape (n_bins,)
        Centers of the bins in angstrom.
    lag_times_ : ndarray of shape (n_lags,)
        Times in ps.
    self_ : ndarray of shape (n_lags, n_bins)
        Self part, 4 pi r^2 G_s(r, t), in 1/angstrom: the probability density of the distance that
        an ion went. Its integral is the part of the ions that went less than `r_max`.
    distinct_ : ndarray of shape (n_lags, n_bins)
        Distinct part, G_d(r, t), without unit; NaN if there is no other ion.
    pair_counts_ : ndarray of int of shape (n_lags, n_bins)
        Number of pairs behind the distinct part, over all origins.
    n_origins_ : ndarray of int of shape (n_lags,)
        Number of origins of each time.

    Raises
    ------
    TrajectoryError
        If the trajectory has no ion of a species or one frame only, its frames are too sparse to
        follow the ions, or "center_of_mass" is that of mobile ions only.
    TypeError
        If `trajectory` is no IonTrajectory.
    ValueError
        If a parameter is out of its range.

    Warns
    -----
    TransportWarning
        If the species has one ion only, so that there is no distinct part, or there is no framework
        whose drift could be taken out.

    See Also
    --------
    VanHoveDisplay : Pictures of both parts.
    MigrationDensity : Where the ions are.

    Notes
    -----
    An ion is no pair with itself or with its own periodic images, so that G_d is normalized by
    (N - 1) / V for N ions of one species, and by N_reference / V for two: an ideal gas gives 1 in a
    cell of any size. Where pairs are sought in tracks that left the cell, or in adjacent cells
    only, the distinct part falls below 1 as the ions spread.

    Where the cell changes, ways of the self part are differences of fractional coordinates times
    the mean cell, as displacements are (see `IonTrajectory`), and distances of the distinct part,
    which are between places at one time, those of the later frame's cell.

    References
    ----------
    L. Van Hove, Correlations in space and time and Born approximation scattering in systems of
    interacting particles, Physical Review 95 (1954) 249-262.

    Examples
    --------
    Lithium ions that move at random, with a diffusivity of 1e-4 cm2/s:

    >>> import numpy as np
    >>> from skxrd.transport import IonTrajectory, VanHove
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.normal(0, np.sqrt(2 * 1.0 * 0.02), size=(400, 20, 3))  # 1 A2/ps, 20 fs
    >>> trajectory = IonTrajectory(
    ...     rng.random((20, 3)) + np.cumsum(steps, axis=0) / 12,
    ...     12 * np.eye(3),
    ...     ["Li"] * 20,
    ...     time_step=20.0,
    ... )
    >>> van_hove = VanHove(lag_times=[0, 1, 2], drift=None).fit(trajectory)
    >>> (van_hove.self_ * van_hove.r_).sum(axis=1) * 0.1  # mean distances in angstrom
    array([0.05   , 2.30075, 3.2547 ])
    >>> van_hove.distinct_[:, 50:].mean(axis=1).round(1)  # nothing keeps them apart
    array([1., 1., 1.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "species": [str],
        "reference_species": [None, str],
        "lag_times": [None, "array-like"],
        "r_max": [Interval(Real, 0, None, closed="neither")],
        "spacing": [Interval(Real, 0, None, closed="neither")],
        "n_origins": [None, Interval(Integral, 1, None, closed="left")],
        "drift": [None, StrOptions({"framework", "center_of_mass"})],
    }

    def __init__(
        self,
        species: str = "Li",
        reference_species: str | None = None,
        *,
        lag_times: ArrayLike | None = None,
        r_max: float = 10.0,
        spacing: float = 0.1,
        n_origins: int | None = 100,
        drift: Drift | None = "framework",
    ) -> None:
        self.species = species
        self.reference_species = reference_species
        self.lag_times = lag_times
        self.r_max = r_max
        self.spacing = spacing
        self.n_origins = n_origins
        self.drift = drift

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, trajectory: IonTrajectory, y: Any = None) -> Self:
        """Compute both parts.

        Parameters
        ----------
        trajectory : IonTrajectory
            Positions over time.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TrajectoryError
            If there is no ion of a species, or one frame, frames are too sparse, or the center of
            mass is that of mobile ions only.
        TypeError
            If `trajectory` is no IonTrajectory.
        ValueError
            If `lag_times` are not from 0 to the length of the run, or `spacing` is more than
            `r_max`.

        Warns
        -----
        TransportWarning
            If the species has one ion only, so that there is no distinct part, or there is no
            framework whose drift could be taken out.
        """
        if self.spacing > self.r_max:
            raise ValueError(f"spacing ({self.spacing}) must not exceed r_max ({self.r_max}).")
        n_bins = round(self.r_max / self.spacing)
        drift = drift_of(trajectory, self.species, self.drift)
        lags = _lags(self.lag_times, trajectory)
        edges = np.linspace(0, self.r_max, n_bins + 1)
        self.r_ = (edges[:-1] + edges[1:]) / 2
        self.lag_times_ = lags * trajectory.time_step / 1000

        origins = [_origins(trajectory.n_frames - lag, self.n_origins) for lag in lags]
        self.n_origins_ = np.array([len(frames) for frames in origins])
        mobile = trajectory.select(trajectory.indices(self.species))
        ions = without_drift(mobile.unwrapped(), drift)
        self.self_ = np.array(
            [_self_part(ions, *starts, edges) for starts in zip(lags, origins, strict=True)]
        )
        others = self._others(trajectory, drift)
        parts = [
            _distinct_part(ions, others, *starts, edges)
            for starts in zip(lags, origins, strict=True)
        ]
        self.pair_counts_ = np.array([part.counts for part in parts])
        self.distinct_ = np.array([part.density for part in parts])
        return self

    def _others(
        self, trajectory: IonTrajectory, drift: NDArray[np.float64]
    ) -> IonTrajectory | None:
        """Find the reference ions; None if they are the mobile ions themselves."""
        if self.reference_species not in (None, self.species):
            reference = trajectory.select(trajectory.indices(self.reference_species))
            return without_drift(reference, drift)
        if len(trajectory.indices(self.species)) == 1:
            warnings.warn(
                f"The trajectory has one ion of {self.species}: there is no distinct part.",
                TransportWarning,
                stacklevel=4,  # fit, and scikit-learn's wrapper around it
            )
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


class _Part(NamedTuple):
    counts: NDArray[np.int64]
    density: NDArray[np.float64]


def _lags(lag_times: ArrayLike | None, trajectory: IonTrajectory) -> NDArray[np.intp]:
    """Turn times into numbers of frames."""
    last = trajectory.n_frames - 1
    if lag_times is None:
        half = max(1, last // 2)
        return np.arange(0, half + 1, math.ceil(half / _MOST_LAGS))
    times = np.asarray(lag_times, dtype=float)
    length = trajectory.times[-1]
    lags = np.rint(times / trajectory.times[1])  # NaN stays, and fails below
    if times.ndim != 1 or not times.size or not ((times >= 0) & (lags <= last)).all():
        raise ValueError(
            "lag_times must be a sequence of times in ps from 0 to the length of the run, "
            f"{length:g} ps; got {lag_times!r}."
        )
    return np.unique(lags.astype(np.intp))


def _origins(n_possible: int, n_origins: int | None) -> NDArray[np.intp]:
    """Frames to start from, evenly spread over those that can be."""
    n = n_possible if n_origins is None else min(n_origins, n_possible)
    return np.linspace(0, n_possible - 1, n).astype(np.intp)


def _self_part(
    ions: IonTrajectory, lag: int, origins: NDArray[np.intp], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    moved = (ions.positions[origins + lag] - ions.positions[origins]) @ ions.mean_lattice
    distances = np.linalg.norm(moved, axis=-1)
    counts = np.histogram(distances, edges)[0]
    return counts / distances.size / np.diff(edges)


def _distinct_part(
    ions: IonTrajectory,
    others: IonTrajectory | None,
    lag: int,
    origins: NDArray[np.intp],
    edges: NDArray[np.float64],
) -> _Part:
    """Count pairs; `others` is None where the ions are those of the reference as well."""
    reference = ions if others is None else others
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    volumes = np.zeros(len(edges) - 1)  # of the cell, summed over the pairs
    for origin in origins:
        lattice = ions.lattice if ions.lattice.ndim == 2 else ions.lattice[origin + lag]
        found = pair_counts(
            ions.positions[origin + lag],
            reference.positions[origin],
            lattice,
            r_max=edges[-1],
            n_bins=len(counts),
            exclude_self=others is None,
        )
        counts += found
        volumes += found * abs(np.linalg.det(lattice))
    n_partners = reference.n_ions - (others is None)
    if not n_partners:
        return _Part(counts, np.full(len(counts), np.nan))
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    return _Part(counts, volumes / (len(origins) * ions.n_ions * n_partners * shells))
