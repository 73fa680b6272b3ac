"""Sticks become lines of a width."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from scipy.fft import next_fast_len
from sklearn.base import OneToOneFeatureMixin
from torch import Tensor

from skxrd._sklearn import Interval
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, grid_of
from skxrd.simulation._profiles._shapes import profile_kernel

__all__ = ["PeakBroadener"]


class PeakBroadener(OneToOneFeatureMixin, BasePreprocessor):
    """Convolve patterns with a Gaussian or pseudo-Voigt profile of constant width.

    Two stick patterns whose lines differ by one grid point have nothing in common; broadening gives
    neighboring lines the overlap that similarity and learning need. The area under a pattern is
    kept, except where a profile reaches over the end of the grid.

    Parameters
    ----------
    fwhm : float, default=0.3
        Full width at half maximum in degrees two-theta; 0 changes nothing.
    eta : float, default=0.0
        Lorentzian fraction of the pseudo-Voigt profile, in [0, 1]; 0 is a Gaussian.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    kernel_ : ndarray of shape (n_kernel,)
        Profile on the grid; its sum is one.
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns (in `fit`).

    Notes
    -----
    The convolution is a Fourier transform. Its rounding leaves a floor where there should be
    nothing, about the precision of the numbers times the maximum: in float32 a square root or
    logarithm makes it visible, in float64 it does not matter. A pattern that is nowhere negative
    stays so.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import PeakBroadener
    >>> sticks = np.array([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    >>> PeakBroadener(fwhm=0.2, grid=TwoThetaGrid(10, 10.6, 7)).fit_transform(sticks).round(2)
    array([[0.  , 0.03, 0.23, 0.47, 0.23, 0.03, 0.  ]])
    """

    _parameter_constraints = {
        "fwhm": [Interval(Real, 0, None, closed="left")],
        "eta": [Interval(Real, 0, 1, closed="both")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self, fwhm: float = 0.3, *, eta: float = 0.0, grid: TwoThetaGrid | None = None
    ) -> None:
        self.fwhm = fwhm
        self.eta = eta
        self.grid = grid

    def _prepare(self) -> None:
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        if grid is None:  # a pattern of one point has no neighbors to reach
            self.kernel_ = np.ones(1)
        else:
            self.kernel_ = profile_kernel(self.fwhm, grid.step, eta=self.eta)

    def render(self, X: Tensor) -> Tensor:
        """Broaden a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Broadened patterns.
        """
        if len(self.kernel_) == 1:
            return X
        kernel = torch.as_tensor(self.kernel_, dtype=X.dtype, device=X.device)
        n_points, reach = X.shape[1], len(kernel) // 2
        # By Fourier transform: on a CPU much faster than conv1d for one channel and a long kernel.
        size = next_fast_len(n_points + 2 * reach, real=True)
        spectrum = torch.fft.rfft(X, n=size) * torch.fft.rfft(kernel, n=size)
        broadened = torch.fft.irfft(spectrum, n=size)[:, reach : reach + n_points]
        is_negative = X.amin(dim=1, keepdim=True) < 0
        return torch.where(is_negative, broadened, broadened.clamp(min=0))
