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
