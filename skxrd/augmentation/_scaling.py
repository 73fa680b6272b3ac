"""Random changes of peak heights."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._peaks import PeakKind, multiply_peaks

__all__ = ["PeakScaling"]


class PeakScaling(BaseAugmentation):
    """Change the height of a random part of the peaks (equation 2 of the paper).

    Parameters
    ----------
    fraction : float, default=1.0
        Probability that a peak is selected, in [0, 1]; the paper's Ws.
    epsilon : float, default=0.12
        Half width of the random factor, in [0, 1].
    mode : {"additive", "multiplicative"}, default="additive"
        ``"additive"`` is the paper's equation: a selected peak A becomes A + A u with u uniform
        within (1 - epsilon, 1 + epsilon), about twice as high. ``"multiplicative"`` makes it A u,
        so that heights vary around what they were.
    peaks : {"sticks", "profiles"}, default="sticks"
        What a peak is. In stick patterns, each point that is not zero. In broadened or measured
        patterns, a local maximum with its flanks: what stands above the line through the valleys on
        both sides is scaled, so that the profile stays continuous.
    width : int, default=5
        For profiles: a maximum is a peak if nothing within this many grid points is higher.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    See Also
    --------
    PeakElimination : Weaken or remove peaks.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.augmentation import PeakScaling
    >>> sticks = np.array([[0.0, 10.0, 0.0, 20.0]])
    >>> scaling = PeakScaling(epsilon=0.1, mode="multiplicative", random_state=0)
    >>> scaled = scaling.fit_transform(sticks)
    >>> bool((abs(scaled - sticks) <= 0.1 * sticks).all())
    True
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "fraction": [Interval(Real, 0, 1, closed="both")],
        "epsilon": [Interval(Real, 0, 1, closed="both")],
        "mode": [StrOptions({"additive", "multiplicative"})],
        "peaks": [StrOptions({"sticks", "profiles"})],
        "width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        fraction: float = 1.0,
        epsilon: float = 0.12,
        *,
        mode: Literal["additive", "multiplicative"] = "additive",
        peaks: PeakKind = "sticks",
        width: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.fraction = fraction
        self.epsilon = epsilon
        self.mode = mode
        self.peaks = peaks
        self.width = width
        self.random_state = random_state

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Scale the peaks of a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns with scaled peaks.
        """

        def draw(shape: tuple[int, ...]) -> Tensor:
            selected = torch.rand(shape, generator=generator) < self.fraction
            factor = 1 + self.epsilon * (2 * torch.rand(shape, generator=generator) - 1)
            if self.mode == "additive":
                factor = 1 + factor
            return torch.where(selected, factor, 1.0)

        return multiply_peaks(X, draw, peaks=self.peaks, width=self.width)
