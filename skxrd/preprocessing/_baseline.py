"""The smooth background under the lines of measured patterns."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._optional import import_optional
from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of

__all__ = ["BaselineRemover"]

_FEWEST_POINTS = 5  # fewer have no shape that could be told from a line
# Weight that points above the baseline keep, where Eilers and Boelens recommend 0.001 to 0.1.
_ASLS_ASYMMETRY = 0.01
_MOST_NAMED = 10


class BaselineRemover(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Subtract a smooth background: film, sample holder, fluorescence, air.

    The baselines are those of pybaselines [1]_. What tells a background from a line is its width
    alone, so that the broad hump of a glassy phase or of very small crystallites goes as well.
    Simulated patterns have no background: do not send them through.

    Parameters
    ----------
    method : {"arpls", "asls", "psalsa", "snip"}, default="snip"
        ``"snip"`` clips whatever stands out of the mean of its two sides [2]_. The others fit a
        smooth curve again and again, and each time give less weight to points above it:
        ``"arpls"`` [3]_, ``"asls"`` [4]_ and ``"psalsa"`` [5]_. On simulated measurements with
        counting noise ``"arpls"`` leaves somewhat less of a hump than ``"snip"``; with less noise,
        as in patterns that were smoothed, it takes the hump for a line. See the user guide.
    width : float, default=4.0
        Width in degrees two-theta of the narrowest feature that is background: the period of a
        wave of which half is followed by the smooth curve. The window of ``"snip"`` is a quarter
        of it. Larger values spare broad lines, smaller ones follow narrower humps.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

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

    References
    ----------
    .. [1] D. Erb, pybaselines: a Python library of algorithms for the baseline correction of
       experimental data, https://pybaselines.readthedocs.io.
    .. [2] C. G. Ryan et al., SNIP, a statistics-sensitive background treatment for the quantitative
       analysis of PIXE spectra, Nuclear Instruments and Methods in Physics Research B 34, 396
       (1988).
    .. [3] S.-J. Baek et al., Baseline correction using asymmetrically reweighted penalized least
       squares smoothing, Analyst 140, 250 (2015).
    .. [4] P. H. C. Eilers and H. F. M. Boelens, Baseline correction with asymmetric least squares
       smoothing, Leiden University Medical Centre report (2005).
    .. [5] S. Oller-Moreno et al., Adaptive asymmetric least squares baseline estimation for
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
        "method": [StrOptions({"arpls", "asls", "psalsa", "snip"})],
        "width": [Interval(Real, 0, None, closed="neither")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        method: Literal["arpls", "asls", "psalsa", "snip"] = "snip",
        *,
        width: float = 4.0,
        grid: TwoThetaGrid | None = None,
    ) -> None:
        self.method = method
        self.width = width
        self.grid = grid

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
        failed, doubtful = [], []
        for number, row in enumerate(corrected):
            measured = np.flatnonzero(row)
            if len(measured) == 0 or np.ptp(measured) + 1 < _FEWEST_POINTS:
                continue
            span = slice(measured[0], measured[-1] + 1)
            baseline, stopped_early = self._baseline(row[span].astype(np.float64), grid.step)
            if not np.isfinite(baseline).all():
                failed.append(number)
                continue
            row[span] -= baseline
            if stopped_early:
                doubtful.append(number)
        _warn("No baseline could be fitted, and they stay as they are", failed, len(corrected))
        _warn(
            f"The fit of {self.method!r} stopped early and may have left some background, which "
            "happens where there is little noise (method='snip' does not depend on it)",
            doubtful,
            len(corrected),
        )
        return corrected

    def _baseline(
        self, intensity: NDArray[np.float64], step: float
    ) -> tuple[NDArray[np.float64], bool]:
        """Return the baseline of one pattern, and whether the fit stopped early."""
        scale = np.ptp(intensity)
        if scale == 0:  # a constant has no lines, and arPLS would divide by its spread
            return intensity, False
        low = intensity.min()
        relative = (intensity - low) / scale  # tiny or huge units make the weights overflow
        pybaselines = _pybaselines()
        fit = getattr(pybaselines.Baseline(check_finite=False), self.method)
        with warnings.catch_warnings(record=True) as caught:
            # Weights that over- or underflow: the caller looks whether the baseline is finite.
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("always", pybaselines.utils.ParameterWarning)
            found, _ = fit(relative, **self._options(step, len(relative)))
        stopped_early = any(
            issubclass(each.category, pybaselines.utils.ParameterWarning) for each in caught
        )
        return low + scale * found, stopped_early

    def _options(self, step: float, n_points: int) -> dict[str, Any]:
        if self.method == "snip":
            half_window = max(1, round(self.width / step / 8))
            return {
                "max_half_window": min(half_window, (n_points - 1) // 2),
                "decreasing": True,
                "smooth_half_window": max(1, half_window // 8),
            }
        # A penalty on second differences passes half of a wave of p points at (p / 2 pi)^4.
        options: dict[str, Any] = {"lam": max(1.0, (self.width / step / (2 * math.pi)) ** 4)}
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
