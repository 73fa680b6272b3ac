"""Transformers that turn patterns into what a model reads: scale, floor, broaden, resample.

Each has two faces: `transform` takes and returns numpy arrays like any scikit-learn transformer,
and `render` is the same computation as a deterministic, batched torch kernel, which a classifier
runs on the device after augmentation (its `rendering` parameter).
"""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd._tensors import to_numpy, to_tensor
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._profiles import profile_kernel

__all__ = [
    "BasePreprocessor",
    "IntensityFloor",
    "IntensityScaler",
    "PatternResampler",
    "PeakBroadener",
]


class BasePreprocessor(TransformerMixin, BaseEstimator):
    """Deterministic transformer around a torch kernel."""

    _parameter_constraints: dict[str, list[Any]] = {}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters and the number of points.

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
        validate_data(self, X, dtype=[np.float64, np.float32])
        self._prepare()
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Transform patterns.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_patterns, n_points_out)
            Transformed patterns; float32 stays float32, all else becomes float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return to_numpy(self.render(to_tensor(X)))

    @abstractmethod
    def render(self, X: Tensor) -> Tensor:
        """Transform a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points_out)
            Transformed patterns.
        """

    def _prepare(self) -> None:
        """Derive fitted attributes after the input has been validated."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _relative(X: Tensor) -> Tensor:
    """Divide each pattern by its maximum; a pattern without positive intensity stays as it is."""
    maximum = X.amax(dim=1, keepdim=True)
    return X / torch.where(maximum > 0, maximum, torch.ones_like(maximum))


class IntensityScaler(OneToOneFeatureMixin, BasePreprocessor):
    """Scale each pattern by its maximum, and optionally compress its dynamic range.

    Parameters
    ----------
    method : {"max", "sqrt", "log"}, default="max"
        With x the intensity relative to the maximum of the pattern: ``"max"`` returns x, ``"sqrt"``
        the square root of x, and ``"log"`` ln(1 + r x) / ln(1 + r) with r the `dynamic_range`. In
        the last two, negative intensities (noise left by a background subtraction) count as zero.
        A pattern without positive intensity is not scaled.
    dynamic_range : float, default=1000.0
        Ratio between the strongest and the weakest intensity to be told apart by ``"log"``.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    See Also
    --------
    IntensityFloor : Remove weak lines.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.preprocessing import IntensityScaler
    >>> IntensityScaler("sqrt").fit_transform(np.array([[0.0, 25.0, 100.0]]))
    array([[0. , 0.5, 1. ]])
    """

    _parameter_constraints = {
        "method": [StrOptions({"max", "sqrt", "log"})],
        "dynamic_range": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, method: Literal["max", "sqrt", "log"] = "max", *, dynamic_range: float = 1000.0
    ) -> None:
        self.method = method
        self.dynamic_range = dynamic_range

    def render(self, X: Tensor) -> Tensor:
        """Scale a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Scaled patterns.
        """
        X = _relative(X)
        if self.method == "sqrt":
            return X.clamp(min=0).sqrt()
        if self.method == "log":
            return (self.dynamic_range * X.clamp(min=0)).log1p() / np.log1p(self.dynamic_range)
        return X


class IntensityFloor(OneToOneFeatureMixin, BasePreprocessor):
    """Set intensities below a fraction of the maximum of their pattern to zero.

    The XRDMatch paper's code keeps only what reaches 0.1, which removes most lines of a typical
    pattern: it is offered for comparison, not recommended.

    Parameters
    ----------
    threshold : float, default=0.1
        Fraction of the maximum of each pattern, in [0, 1].

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.preprocessing import IntensityFloor
    >>> IntensityFloor(0.1).fit_transform(np.array([[9.0, 10.0, 100.0]]))
    array([[  0.,  10., 100.]])
    """

    _parameter_constraints = {"threshold": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = threshold

    def render(self, X: Tensor) -> Tensor:
        """Remove weak intensities from a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns without weak intensities.
        """
        limit = self.threshold * X.amax(dim=1, keepdim=True)
        return torch.where(X < limit, torch.zeros_like(X), X)


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
        grid = _grid_of(self.grid, self.n_features_in_, "grid")
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
        return torch.fft.irfft(spectrum, n=size)[:, reach : reach + n_points]


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
        source = _grid_of(self.input_grid, self.n_features_in_, "input_grid")
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


def _grid_of(grid: TwoThetaGrid | None, n_points: int, argument: str) -> TwoThetaGrid | None:
    """Return the grid of patterns of `n_points`; None when one point makes no grid."""
    if grid is None:
        return TwoThetaGrid(0, 90, n_points) if n_points > 1 else None
    if grid.n_points != n_points:
        raise ValueError(
            f"{argument} has {grid.n_points} points, but the patterns have n_features = {n_points}."
        )
    return grid
