"""From one two-theta grid to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, grid_of

__all__ = ["PatternResampler"]


class PatternResampler(BasePreprocessor):
    """Interpolate patterns linearly from one two-theta grid to another.

    Points outside the input grid become zero. Interpolation reads profiles between their points: to
    go to a coarser grid, broaden first to a width of several points of the new grid, since sticks
    that lie between its points would be lost.

    Parameters
    ----------
    grid : TwoThetaGrid or None, default=None
        Output grid. None stands for the paper's, 0 to 90 degrees on 4,501 points.
    input_grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of an input pattern.

    Raises
    ------
    ValueError
        If `input_grid` has another number of points than the patterns (in `fit`).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import PatternResampler
    >>> resampler = PatternResampler(TwoThetaGrid(0, 4, 5), input_grid=TwoThetaGrid(1, 3, 2))
    >>> resampler.fit_transform(np.array([[10.0, 30.0]]))
    array([[ 0., 10., 20., 30.,  0.]])
    """

    _parameter_constraints = {"grid": [None, TwoThetaGrid], "input_grid": [None, TwoThetaGrid]}

    def __init__(
        self, grid: TwoThetaGrid | None = None, *, input_grid: TwoThetaGrid | None = None
    ) -> None:
        self.grid = grid
        self.input_grid = input_grid

    def _prepare(self) -> None:
        source = grid_of(self.input_grid, self.n_features_in_, "input_grid")
        if source is None:
            raise ValueError("Resampling needs at least two points a pattern, got n_features = 1.")
        target = self.grid or TwoThetaGrid()
        position = (target.two_theta - source.start) / source.step
        # Rounding must not push the last angle of a shared range outside of it.
        inside = (position > -1e-6) & (position < source.n_points - 1 + 1e-6)
        left = np.clip(np.floor(position), 0, source.n_points - 2).astype(np.int64)
        self._left = left
        self._weight = np.where(inside, np.clip(position - left, 0, 1), 0.0)
        self._inside = inside.astype(float)

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
        left = torch.as_tensor(self._left, device=X.device)
        weight = torch.as_tensor(self._weight, dtype=X.dtype, device=X.device)
        inside = torch.as_tensor(self._inside, dtype=X.dtype, device=X.device)
        return torch.lerp(X[:, left], X[:, left + 1], weight) * inside

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
        angles = (self.grid or TwoThetaGrid()).two_theta
        return np.array([f"two_theta_{angle:.6g}" for angle in angles], dtype=object)
