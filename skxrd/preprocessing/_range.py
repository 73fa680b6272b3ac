"""A part of the grid, and regions of it that say nothing about the sample."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions
from skxrd.exceptions import PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, axis_names, grid_of
from skxrd.preprocessing._weights import interpolate, linear

__all__ = ["RangeSelector", "RegionMasker"]

_ROUNDING = 1e-6  # of a step


class RangeSelector(BasePreprocessor):
    """Keep the points of a range of two-theta, both ends included, and drop the others.

    Parameters
    ----------
    start, stop : float or None, default=None
        Ends of the range in degrees two-theta. None stands for that end of the grid.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    grid_ : TwoThetaGrid
        Grid of the output.
    n_features_in_ : int
        Number of points of an input pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns, or the range holds fewer than two
        points of it (in `fit`).

    See Also
    --------
    RegionMasker : Regions within the range, with the number of points kept.
    skxrd.augmentation.RangeMask : Ends of random length become zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import RangeSelector
    >>> selector = RangeSelector(20, 30, grid=TwoThetaGrid(10, 50, 9))
    >>> selector.fit_transform(np.arange(9.0)[np.newaxis])
    array([[2., 3., 4.]])
    >>> selector.grid_
    TwoThetaGrid(start=20.0, stop=30.0, n_points=3)
    """

    _parameter_constraints = {
        "start": [None, Interval(Real, 0, 180, closed="both")],
        "stop": [None, Interval(Real, 0, 180, closed="both")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        start: float | None = None,
        stop: float | None = None,
        *,
        grid: TwoThetaGrid | None = None,
    ) -> None:
        self.start = start
        self.stop = stop
        self.grid = grid

    def _prepare(self) -> None:
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        if grid is None:
            raise ValueError("A range needs at least two points a pattern, got n_features = 1.")
        start = grid.start if self.start is None else self.start
        stop = grid.stop if self.stop is None else self.stop
        inside = np.flatnonzero(_within(grid, start, stop))
        if len(inside) < 2:
            raise ValueError(
                f"start={start:g} and stop={stop:g} degrees hold {len(inside)} points of the grid "
                f"from {grid.start:g} to {grid.stop:g} degrees in steps of {grid.step:g}; at least "
                "2 are needed."
            )
        self._first, self._last = int(inside[0]), int(inside[-1])
        first, last = grid.two_theta[[self._first, self._last]].tolist()
        self.grid_ = TwoThetaGrid(first, last, len(inside))

    def render(self, X: Tensor) -> Tensor:
        """Cut a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points_out)
            Points of the range.
        """
        return X[:, self._first : self._last + 1]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the points of the range by their angles.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str of shape (n_points_out,)
            Names such as "two_theta_10.02".
        """
        check_is_fitted(self)
        return axis_names("two_theta", self.grid_.two_theta)


class RegionMasker(OneToOneFeatureMixin, BasePreprocessor):
    """Blank out regions of two-theta: gaps of a detector, lines of a sample holder, the beam stop.

    Parameters
    ----------
    regions : sequence of (float, float), default=()
        First and last angle of each region in degrees two-theta, both included. What lies outside
        of the grid has no effect.
    fill : {"zero", "line"}, default="zero"
        ``"zero"`` sets the intensities to zero, as of what was not measured. ``"line"`` connects
        the points on both sides by a straight line, which leaves no edge in a background that is
        removed later; at the end of the grid it is flat.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    mask_ : ndarray of bool of shape (n_points,)
        True for the points that are blanked out.
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns, a region does not consist of two
        increasing angles, or the regions cover the whole grid (in `fit`).

    Warns
    -----
    PatternWarning
        If a region lies between two points of the grid and masks nothing (in `fit`).

    See Also
    --------
    RangeSelector : Drop both ends.
    skxrd.augmentation.RangeMask : Ends of random length become zero.

    Notes
    -----
    The number of points stays. To drop points that are zero in all patterns, let scikit-learn's
    ``VarianceThreshold`` follow; what needs an even grid must come before.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import RegionMasker
    >>> grid = TwoThetaGrid(10, 50, 5)
    >>> pattern = np.array([[1.0, 2.0, 90.0, 4.0, 5.0]])
    >>> RegionMasker([(25, 35)], grid=grid).fit_transform(pattern)
    array([[1., 2., 0., 4., 5.]])
    >>> RegionMasker([(25, 35)], fill="line", grid=grid).fit_transform(pattern)
    array([[1., 2., 3., 4., 5.]])
    """

    _parameter_constraints = {
        "regions": ["array-like"],
        "fill": [StrOptions({"zero", "line"})],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        regions: Sequence[tuple[float, float]] = (),
        *,
        fill: Literal["zero", "line"] = "zero",
        grid: TwoThetaGrid | None = None,
    ) -> None:
        self.regions = regions
        self.fill = fill
        self.grid = grid

    def _prepare(self) -> None:
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        regions = _checked(self.regions)
        self.mask_ = np.zeros(self.n_features_in_, dtype=bool)
        if grid is None:  # one point has no place on an axis
            return
        for start, stop in regions:
            within = _within(grid, start, stop)
            if not within.any() and grid.start < stop and start < grid.stop:
                warnings.warn(
                    f"The region from {start:g} to {stop:g} degrees lies between two points of the "
                    f"grid, whose step is {grid.step:g} degrees, and masks none of them.",
                    PatternWarning,
                    stacklevel=4,
                )
            self.mask_ |= within
        kept = np.flatnonzero(~self.mask_)
        if len(kept) == 0:
            raise ValueError(
                f"The regions cover the whole grid from {grid.start:g} to {grid.stop:g} degrees."
            )
        # Two neighbors on the left and on the right of each point, of those that are kept.
        rank = np.interp(np.arange(grid.n_points), kept, np.arange(len(kept)))
        left, weight, _ = linear(rank, max(2, len(kept)))
        self._kept = kept if len(kept) > 1 else np.repeat(kept, 2)
        self._left, self._weight = left, weight

    def render(self, X: Tensor) -> Tensor:
        """Blank out the regions of a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns without the intensities of the regions.
        """
        if not self.mask_.any():
            return X
        mask = torch.as_tensor(self.mask_, device=X.device)
        if self.fill == "zero":
            return torch.where(mask, 0.0, X)
        kept = X.index_select(1, torch.as_tensor(self._kept, device=X.device))
        lines = interpolate(kept, self._left, self._weight, np.ones(len(self._left)))
        return torch.where(mask, lines, X)


def _within(grid: TwoThetaGrid, start: float, stop: float) -> NDArray[np.bool_]:
    tolerance = _ROUNDING * grid.step
    return (grid.two_theta >= start - tolerance) & (grid.two_theta <= stop + tolerance)


def _checked(regions: Any) -> NDArray[np.float64]:
    message = (
        "regions must be pairs of a first and a last angle, such as [(26.2, 26.8)], got "
        f"{regions!r}."
    )
    try:
        found = np.asarray(regions, dtype=float)
    except (TypeError, ValueError) as error:  # of words, or of pairs and others
        raise ValueError(message) from error
    if found.size == 0:
        return np.empty((0, 2))
    if found.ndim != 2 or found.shape[1] != 2 or not (found[:, 0] <= found[:, 1]).all():
        raise ValueError(message)
    return found
