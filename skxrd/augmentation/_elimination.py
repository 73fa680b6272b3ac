"""Random weakening and removal of peaks."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._peaks import PeakKind, multiply_peaks

__all__ = ["PeakElimination"]


class PeakElimination(BaseAugmentation):
    """Weaken or remove a random part of the peaks (equation 3 of the paper).

    Parameters
    ----------
    fraction : float, default=0.12
        Probability that a peak is selected, in [0, 1]; the paper's We.
    removal : float, default=0.5
        Probability that a selected peak is removed, in [0, 1]; else it is multiplied by a number
        that is uniform within (0, 1). The paper names both ways and no proportion.
    peaks : {"sticks", "profiles"}, default="sticks"
        What a peak is. In stick patterns, each point that is not zero. In broadened or measured
        patterns, a local maximum with its flanks: a removed peak leaves the line through the
        valleys on both sides behind, not a hole.
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
    PeakScaling : Change the height of peaks.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.augmentation import PeakElimination
    >>> sticks = np.full((1, 1000), 2.0)
    >>> weaker = PeakElimination(fraction=0.12, removal=1.0, random_state=0).fit_transform(sticks)
    >>> float((weaker == 0).mean().round(2)), float(weaker.max())
    (0.12, 2.0)
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "fraction": [Interval(Real, 0, 1, closed="both")],
        "removal": [Interval(Real, 0, 1, closed="both")],
        "peaks": [StrOptions({"sticks", "profiles"})],
        "width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        fraction: float = 0.12,
        *,
        removal: float = 0.5,
        peaks: PeakKind = "sticks",
        width: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.fraction = fraction
        self.removal = removal
        self.peaks = peaks
        self.width = width
        self.random_state = random_state

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Weaken or remove peaks of a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns with fewer and weaker peaks.
        """

        def draw(shape: tuple[int, ...]) -> Tensor:
            selected = torch.rand(shape, generator=generator) < self.fraction
            removed = torch.rand(shape, generator=generator) < self.removal
            weaker = torch.rand(shape, generator=generator)
            return torch.where(selected, torch.where(removed, 0.0, weaker), 1.0)

        return multiply_peaks(X, draw, peaks=self.peaks, width=self.width)
