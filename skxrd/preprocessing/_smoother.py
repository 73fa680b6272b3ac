"""Less noise: a polynomial through the neighbors of each point."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import OneToOneFeatureMixin
from torch import Tensor

from skxrd._sklearn import Interval
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, grid_of

__all__ = ["PatternSmoother"]


class PatternSmoother(OneToOneFeatureMixin, BasePreprocessor):
    """Smooth patterns by the method of Savitzky and Golay [1]_.

    Each point takes the value of the polynomial that fits its neighbors best, which spares the
    heights of lines more than an average does. The result is that of scipy's ``savgol_filter``.

    Parameters
    ----------
    width : float, default=0.2
        Distance between the first and the last point of a fit in degrees two-theta, rounded to an
        even number of steps. About the FWHM of the lines is safe; twice that lowers them.
    polyorder : int, default=2
        Degree of the polynomial. Where a window has no more points than the polynomial has
        coefficients, nothing is smoothed.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    window_length_ : int
        Number of points of a fit, odd.
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns, or `width` is wider than they are
        (in `fit`).

    See Also
    --------
    BaselineRemover : Removes what is broader than a line.
    PeakBroadener : Convolves with the profile of a line.

    Notes
    -----
    The first and the last points take the polynomials of the first and the last whole window. Zeros
    of what was not measured are smoothed with the rest: cut them off first. The result can be
    negative next to strong lines.

    References
    ----------
    .. [1] A. Savitzky and M. J. E. Golay, Smoothing and differentiation of data by simplified least
       squares procedures, Analytical Chemistry 36, 1627 (1964).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import PatternSmoother
    >>> smoother = PatternSmoother(0.08, polyorder=2, grid=TwoThetaGrid(10, 10.12, 7))
    >>> smoother.fit_transform(np.array([[0.0, 0.0, 0.0, 35.0, 0.0, 0.0, 0.0]]))
    array([[-5.,  6., 12., 17., 12.,  6., -5.]])
    >>> smoother.window_length_
    5
    """

    _parameter_constraints = {
        "width": [Interval(Real, 0, None, closed="left")],
        "polyorder": [Interval(Integral, 0, None, closed="left")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self, width: float = 0.2, *, polyorder: int = 2, grid: TwoThetaGrid | None = None
    ) -> None:
        self.width = width
        self.polyorder = polyorder
        self.grid = grid

    def _prepare(self) -> None:
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        half = 0 if grid is None else round(self.width / grid.step / 2)
        self.window_length_ = 2 * half + 1
        if grid is not None and self.window_length_ > grid.n_points:
            raise ValueError(
                f"width={self.width:g} degrees spans {self.window_length_} points, but the "
                f"patterns have {grid.n_points}."
            )
        # Row i of this projection gives the polynomial's value at the i-th point of a window.
        position = np.linspace(-1, 1, self.window_length_)
        n_terms = min(self.polyorder + 1, self.window_length_)
        basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(position, n_terms - 1))
        self._fit = basis @ basis.T

    def render(self, X: Tensor) -> Tensor:
        """Smooth a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Smoothed patterns.
        """
        length = self.window_length_
        if length <= self.polyorder + 1:
            return X
        half, n_middle = length // 2, X.shape[1] - length + 1
        fit = torch.as_tensor(self._fit, dtype=X.dtype, device=X.device)
        first = X[:, :length] @ fit[:half].T
        last = X[:, -length:] @ fit[half + 1 :].T
        # On a CPU a sum of shifted patterns is several times as fast as conv1d of one channel.
        middle = X[:, :n_middle] * fit[half, 0]
        for shift in range(1, length):
            middle.addcmul_(X[:, shift : shift + n_middle], fit[half, shift])
        return torch.cat([first, middle, last], dim=1)
