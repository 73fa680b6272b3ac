"""The smooth background under the lines of measured patterns."""

from __future__ import annotations

import contextlib
import math
import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._optional import import_optional
from skxrd._parallel import as_they_come
from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of, row_batches

__all__ = ["BaselineRemover"]

_FEWEST_POINTS = 5  # fewer have no shape that could be told from a line
# Weight that points above the baseline keep, where Eilers and Boelens recommend 0.001 to 0.1.
_ASLS_ASYMMETRY = 0.01
_TOLERANCE = 1e-3  # relative change of the weights at which a fit has converged
_MOST_NAMED = 10


class BaselineRemover(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Subtract a smooth background: film, sample holder, fluorescence, air.

    The baselines are those of pybaselines [1]_. What tells a background from a line is its width
    alone, so that the broad hump of a glassy phase or of very small crystallites goes as well.
    Simulated patterns have no background: do not send them through.

    Parameters
    ----------
    method : {"arpls", "asls", "psalsa", "rolling_ball", "snip"}, default="snip"
        ``"snip"`` clips whatever stands out of the mean of its two sides [2]_. ``"rolling_ball"``
        is the upper edge of a ball that rolls below the pattern [3]_: the fastest, and the one that
        noise pulls down. The others fit a smooth curve again and again, and each time give less
        weight to points above it: ``"arpls"`` [4]_, ``"asls"`` [5]_ and ``"psalsa"`` [6]_. On
        simulated measurements with counting noise ``"arpls"`` leaves somewhat less of a hump than
        ``"snip"``; with less noise, as in patterns that were smoothed, it takes the hump for a
        line. See the user guide.
    width : float, default=4.0
        Width in degrees two-theta of the narrowest feature that is background: the period of a
        wave of which half is followed by the smooth curve. The window of ``"snip"`` is a quarter
        of it, that of ``"rolling_ball"`` a half. Larger values spare broad lines, smaller ones
        follow narrower humps.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
    n_jobs : int, default=None
        Number of parallel jobs; None means 1 unless in a ``joblib.parallel_config`` context, -1
        all processors. The result does not depend on it.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    MissingDependencyError
        If pybaselines is not installed (in `fit`).
    ValueError
        If `grid` has another number of points than the patterns (in `fit`).

    See Also
    --------
    MeasuredPatternTransformer : Measured patterns as rows on the grid of a model.

    Notes
    -----
    A row counts as measured from its first to its last point that is not zero; zeros before and
    after stay. Patterns of fewer than five points are returned as they are. The result is negative
    where noise lies below the baseline.

    Backgrounds are fitted one by one. ``"arpls"`` takes some 10 ms for a pattern of 4,501 points,
    minutes for 10,000 of them, and ``"snip"`` a seventh of that; use `n_jobs`. The user guide has a
    table.

    References
    ----------
    .. [1] D. Erb, pybaselines: a Python library of algorithms for the baseline correction of
       experimental data, https://pybaselines.readthedocs.io.
    .. [2] C. G. Ryan et al., SNIP, a statistics-sensitive background treatment for the quantitative
       analysis of PIXE spectra, Nuclear Instruments and Methods in Physics Research B 34, 396
       (1988).
    .. [3] M. A. Kneen and H. J. Annegarn, Algorithm for fitting XRF, SEM and PIXE X-ray spectra
       backgrounds, Nuclear Instruments and Methods in Physics Research B 109, 209 (1996).
    .. [4] S.-J. Baek et al., Baseline correction using asymmetrically reweighted penalized least
       squares smoothing, Analyst 140, 250 (2015).
    .. [5] P. H. C. Eilers and H. F. M. Boelens, Baseline correction with asymmetric least squares
       smoothing, Leiden University Medical Centre report (2005).
    .. [6] S. Oller-Moreno et al., Adaptive asymmetric least squares baseline estimation for
       analytical instruments, IEEE 11th International Multi-Conference on Systems, Signals and
       Devices (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import BaselineRemover
    >>> grid = TwoThetaGrid(10, 80, 1401)
    >>> hump = 50 * np.exp(-(((grid.two_theta - 20) / 5) ** 2))
    >>> line = 100 * np.exp(-(((grid.two_theta - 40) / 0.1) ** 2))
    >>> X = BaselineRemover(grid=grid).fit_transform([hump + line])
    >>> X[0, [200, 600]].round().tolist()  # at 20 and at 40 degrees
    [2.0, 100.0]
    """

    _parameter_constraints = {
        "method": [StrOptions({"arpls", "asls", "psalsa", "rolling_ball", "snip"})],
        "width": [Interval(Real, 0, None, closed="neither")],
        "grid": [None, TwoThetaGrid],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        method: Literal["arpls", "asls", "psalsa", "rolling_ball", "snip"] = "snip",
        *,
        width: float = 4.0,
        grid: TwoThetaGrid | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.method = method
        self.width = width
        self.grid = grid
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters and the number of points; there is nothing to learn.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.
        """
        _pybaselines()
        validate_data(self, X, dtype=[np.float64, np.float32])
        grid_of(self.grid, self.n_features_in_, "grid")
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Subtract the baseline of each pattern.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_patterns, n_points)
            Patterns without background; float32 stays float32, all else becomes float64.

        Warns
        -----
        PatternWarning
            If no baseline could be fitted to a pattern, which then stays as it is, or if the fit
            stopped early and may have left a part of the background.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        corrected = np.array(X)
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        if grid is None:
            return corrected
        failed: list[int] = []
        doubtful: list[int] = []
        slices = list(row_batches(*corrected.shape))
        tasks = (delayed(self._corrected)(corrected[rows], grid.step) for rows in slices)
        # Filters belong to all threads of a process and are set here, once: tasks look at numbers.
        with (
            warnings.catch_warnings(),
            contextlib.closing(as_they_come(tasks, self.n_jobs)) as batches,
        ):
            warnings.simplefilter("ignore", RuntimeWarning)  # weights that over- or underflow
            warnings.simplefilter("ignore", _pybaselines().utils.ParameterWarning)
            for rows, (batch, batch_failed, batch_doubtful) in zip(slices, batches, strict=True):
                corrected[rows] = batch
                failed += [rows.start + number for number in batch_failed]
                doubtful += [rows.start + number for number in batch_doubtful]
        _warn("No baseline could be fitted, and they stay as they are", failed, len(corrected))
        _warn(
            f"The fit of {self.method!r} stopped early and may have left some background, which "
            "happens where there is little noise (method='snip' does not depend on it)",
            doubtful,
            len(corrected),
        )
        return corrected

    def _corrected(self, X: NDArray[Any], step: float) -> tuple[NDArray[Any], list[int], list[int]]:
        """Correct some rows; say which have no baseline, and of which the fit stopped early."""
        corrected = X.copy()  # joblib may have mapped the rows into memory, read-only
        failed, doubtful = [], []
        for number, row in enumerate(corrected):
            measured = np.flatnonzero(row)
            if len(measured) == 0 or np.ptp(measured) + 1 < _FEWEST_POINTS:
                continue
            span = slice(measured[0], measured[-1] + 1)
            baseline, stopped_early = self._baseline(row[span].astype(np.float64), step)
            if not np.isfinite(baseline).all():
                failed.append(number)
                continue
            row[span] -= baseline
            if stopped_early:
                doubtful.append(number)
        return corrected, failed, doubtful

    def _baseline(
        self, intensity: NDArray[np.float64], step: float
    ) -> tuple[NDArray[np.float64], bool]:
        """Return the baseline of one pattern, and whether the fit stopped early."""
        scale = np.ptp(intensity)
        if scale == 0:  # a constant has no lines, and arPLS would divide by its spread
            return intensity, False
        low = intensity.min()
        relative = (intensity - low) / scale  # tiny or huge units make the weights overflow
        fit = getattr(_pybaselines().Baseline(check_finite=False), self.method)
        found, details = fit(relative, **self._options(step, len(relative)))
        changes = details.get("tol_history")  # none where nothing is repeated
        stopped_early = changes is not None and not (len(changes) and changes[-1] < _TOLERANCE)
        return low + scale * found, stopped_early

    def _options(self, step: float, n_points: int) -> dict[str, Any]:
        if self.method == "snip":
            half_window = max(1, round(self.width / step / 8))
            return {
                "max_half_window": min(half_window, (n_points - 1) // 2),
                "decreasing": True,
                "smooth_half_window": max(1, half_window // 8),
            }
        if self.method == "rolling_ball":
            return {"half_window": max(1, min(round(self.width / step / 4), (n_points - 1) // 2))}
        # A penalty on second differences passes half of a wave of p points at (p / 2 pi)^4.
        lam = max(1.0, (self.width / step / (2 * math.pi)) ** 4)
        options: dict[str, Any] = {"lam": lam, "tol": _TOLERANCE}
        if self.method == "asls":
            options["p"] = _ASLS_ASYMMETRY
        return options

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _pybaselines() -> Any:
    return import_optional("pybaselines", extra="baseline", purpose="Removing a background")


def _warn(what: str, rows: list[int], n_patterns: int) -> None:
    if rows:
        more = ", ..." if len(rows) > _MOST_NAMED else ""
        named = ", ".join(map(str, rows[:_MOST_NAMED]))
        warnings.warn(
            f"{len(rows)} of {n_patterns} patterns: {what}: rows {named}{more}",
            PatternWarning,
            stacklevel=4,
        )
