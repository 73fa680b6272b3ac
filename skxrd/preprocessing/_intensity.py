"""Scale of the intensities, and weak lines below a floor."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
import torch
from sklearn.base import OneToOneFeatureMixin
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions
from skxrd.preprocessing._base import BasePreprocessor

__all__ = ["IntensityFloor", "IntensityScaler"]


def _divided(X: Tensor, scale: Tensor) -> Tensor:
    """Divide each pattern by its scale; a pattern whose scale is not positive stays as it is."""
    return X / torch.where(scale > 0, scale, torch.ones_like(scale))


def _relative(X: Tensor) -> Tensor:
    return _divided(X, X.amax(dim=1, keepdim=True))


class IntensityScaler(OneToOneFeatureMixin, BasePreprocessor):
    """Scale each pattern by its maximum, area or length, or compress its dynamic range.

    Parameters
    ----------
    method : {"max", "area", "vector", "sqrt", "log"}, default="max"
        ``"max"`` makes the maximum one, ``"area"`` the sum of the intensities, ``"vector"`` the
        square root of the sum of their squares, so that the scalar product of two patterns is their
        cosine. With x the intensity relative to the maximum of the pattern, ``"sqrt"`` returns the
        square root of x and ``"log"`` ln(1 + r x) / ln(1 + r) with r the `dynamic_range`. In
        the last two, negative intensities (noise left by a background subtraction) count as zero;
        the others keep them. A pattern whose maximum or sum is not positive is not scaled.
    dynamic_range : float, default=1000.0
        Ratio between the strongest and the weakest intensity to be told apart by ``"log"``.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    See Also
    --------
    IntensityFloor : Remove weak lines.
    sklearn.preprocessing.Normalizer : Scales by the sum of absolute values.

    Notes
    -----
    The maximum is that of one point, and follows noise and texture; the area is steadier, but
    counts what is left of a background. It is the sum over points: patterns on different grids
    have the same integral if their areas are divided by the steps as well.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.preprocessing import IntensityScaler
    >>> IntensityScaler("sqrt").fit_transform(np.array([[0.0, 25.0, 100.0]]))
    array([[0. , 0.5, 1. ]])
    >>> IntensityScaler("area").fit_transform(np.array([[0.0, 25.0, 100.0]]))
    array([[0. , 0.2, 0.8]])
    """

    _parameter_constraints = {
        "method": [StrOptions({"max", "area", "vector", "sqrt", "log"})],
        "dynamic_range": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        method: Literal["max", "area", "vector", "sqrt", "log"] = "max",
        *,
        dynamic_range: float = 1000.0,
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
        if self.method == "vector":
            X = _divided(X, X.abs().amax(dim=1, keepdim=True))  # squares must not overflow
            return _divided(X, torch.linalg.vector_norm(X, dim=1, keepdim=True))
        if self.method == "area":
            relative = _divided(X, X.abs().amax(dim=1, keepdim=True))  # neither must sums
            area = relative.sum(dim=1, keepdim=True)
            return torch.where(area > 0, _divided(relative, area), X)
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
