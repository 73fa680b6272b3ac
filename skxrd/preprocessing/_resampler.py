"""From one two-theta grid to another."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skxrd._sklearn import StrOptions
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, axis_names, grid_of
from skxrd.preprocessing._ranges import outside, warn_of_ranges
from skxrd.preprocessing._weights import add_up, interpolate, linear, overlap

__all__ = ["PatternResampler"]


class PatternResampler(BasePreprocessor):
    """Bring patterns from one two-theta grid to another.

    Points outside the input grid become zero. To cut patterns on purpose, let a `RangeSelector`
    come before.

    Parameters
    ----------
    grid : TwoThetaGrid or None, default=None
        Output grid. None stands for the paper's, 0 to 90 degrees on 4,501 points.
    input_grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
    method : {"linear", "area"}, default="linear"
        ``"linear"`` reads profiles between their points: use it for lines that are several points
        of the new grid wide, where it keeps their shape. What lies between the points of a coarser
        grid is lost without a warning, whole lines of a stick pattern included: broaden sticks
        first. ``"area"`` averages over each step of the new grid, so
        that the area, the sum of the intensities times the step, is kept: use it to go to a coarser
        grid, for sticks and for counts. On a finer grid it repeats values in steps.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of an input pattern.

    Raises
    ------
    ValueError
        If `input_grid` has another number of points than the patterns, or the grids have no angle
        in common (in `fit`).

    Warns
    -----
    PatternWarning
        If a part of the patterns is lost, or a part of the new grid is not covered (in `fit`).

    See Also
    --------
    AxisConverter : To an axis of Q, lattice plane distance or another wavelength.
    RangeSelector : A part of the grid, without interpolation.

    Notes
    -----
    ``"area"`` takes an intensity as constant over the step around its point, half a step to both
    sides. A new step that reaches beyond the first or the last of them gets only what lies within.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import PatternResampler
    >>> resampler = PatternResampler(TwoThetaGrid(1, 3, 3), input_grid=TwoThetaGrid(1, 3, 2))
    >>> resampler.fit_transform(np.array([[10.0, 30.0]]))
    array([[10., 20., 30.]])
    >>> sticks = np.array([[0.0, 12.0, 0.0, 0.0, 0.0, 3.0, 0.0]])
    >>> fine, coarse = TwoThetaGrid(1, 7, 7), TwoThetaGrid(1, 7, 3)
    >>> PatternResampler(coarse, input_grid=fine).fit_transform(sticks)
    array([[0., 0., 0.]])
    >>> PatternResampler(coarse, input_grid=fine, method="area").fit_transform(sticks)
    array([[4., 0., 1.]])
    """

    _parameter_constraints = {
        "grid": [None, TwoThetaGrid],
        "input_grid": [None, TwoThetaGrid],
        "method": [StrOptions({"linear", "area"})],
    }

    def __init__(
        self,
        grid: TwoThetaGrid | None = None,
        *,
        input_grid: TwoThetaGrid | None = None,
        method: Literal["linear", "area"] = "linear",
    ) -> None:
        self.grid = grid
        self.input_grid = input_grid
        self.method = method

    def _prepare(self) -> None:
        source = grid_of(self.input_grid, self.n_features_in_, "input_grid")
        if source is None:
            raise ValueError("Resampling needs at least two points a pattern, got n_features = 1.")
        target = self.grid or TwoThetaGrid()
        _look_at_ranges(source, target, reach=0.5 if self.method == "area" else 0.0)
        position = (target.two_theta - source.start) / source.step
        if self.method == "linear":
            self._weights: Any = linear(position, source.n_points)
            return
        width = target.step / source.step
        columns, points, shared = overlap(
            position - width / 2, position + width / 2, source.n_points
        )
        self._weights = columns, points, shared / width

    def render(self, X: Tensor) -> Tensor:
        """Resample a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points_out)
            Patterns on the output grid.
        """
        if self.method == "linear":
            return interpolate(X, *self._weights)
        return add_up(X, *self._weights, n_out=(self.grid or TwoThetaGrid()).n_points)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the points of the output grid by their angles.

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
        return axis_names("two_theta", (self.grid or TwoThetaGrid()).two_theta)


def _look_at_ranges(source: TwoThetaGrid, target: TwoThetaGrid, *, reach: float) -> None:
    """Refuse grids that have nothing in common, and tell what of them lies apart.

    Points reach so many steps to both sides.
    """
    old, new = (
        (max(grid.start - reach * grid.step, 0.0), min(grid.stop + reach * grid.step, 180.0))
        for grid in (source, target)
    )
    if old[1] < new[0] or new[1] < old[0]:
        raise ValueError(
            f"grid, {target.start:g} to {target.stop:g} degrees, and input_grid, {source.start:g} "
            f"to {source.stop:g} degrees, have no angle in common."
        )
    lost = outside((source.start, source.stop), new, source.step)
    uncovered = outside((target.start, target.stop), old, target.step)
    warn_of_ranges(f"grid, {target.start:g} to {target.stop:g} degrees", lost, uncovered)
