"""Scans that begin later and end earlier than the grid."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._random import uniform
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of

__all__ = ["RangeMask"]


class RangeMask(BaseAugmentation):
    """Set both ends of a pattern to zero, as if they had not been measured.

    Scans begin anywhere between 5 and 20 degrees and end where there was no time left; on a wider
    grid, what was not measured is zero. The widths of both masks are uniform between 0 and their
    bounds, drawn for each pattern.

    Parameters
    ----------
    max_low, max_high : float, default=10.0, 20.0
        Widest mask at the lower and at the higher end of the grid in degrees two-theta, at least 0.
        Together they must leave something of the grid.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If the masks could cover the whole grid, or `grid` has another number of points than the
        patterns (in `fit`).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import RangeMask
    >>> grid = TwoThetaGrid(10, 80, 71)
    >>> masked = RangeMask(10, 20, grid=grid, random_state=0).fit_transform(np.ones((1, 71)))
    >>> measured = grid.two_theta[masked[0] > 0]
    >>> bool(10 <= measured.min() <= 20), bool(60 <= measured.max() <= 80)
    (True, True)
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "max_low": [Interval(Real, 0, None, closed="left")],
        "max_high": [Interval(Real, 0, None, closed="left")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        max_low: float = 10.0,
        max_high: float = 20.0,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_low = max_low
        self.max_high = max_high
        self.grid = grid
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        grid = grid_of(self.grid, n_points, "grid")
        if grid is not None and self.max_low + self.max_high >= grid.stop - grid.start:
            raise ValueError(
                f"max_low={self.max_low} and max_high={self.max_high} degrees could mask the whole "
                f"grid from {grid.start} to {grid.stop} degrees; make them smaller."
            )

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Mask the ends of a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns that are zero outside of the range of their scan.
        """
        grid = grid_of(self.grid, X.shape[1], "grid")
        if grid is None:
            return X.clone()
        first = uniform(0, self.max_low / grid.step, len(X), generator, X)[:, None]
        last = uniform(0, self.max_high / grid.step, len(X), generator, X)[:, None]
        point = torch.arange(grid.n_points).to(X)
        measured = (point >= first) & (point <= grid.n_points - 1 - last)
        return torch.where(measured, X, 0.0)
