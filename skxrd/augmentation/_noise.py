"""Noise of counting."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._nonzero import nonzero_points
from skxrd.augmentation._random import log_uniform

__all__ = ["CountingNoise", "draw_counts"]

_FEW = 10.0  # counts below which numbers are drawn one by one


def draw_counts(expected: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw Poisson numbers on the CPU for the device of `expected`, which are at least 0.

    Where many counts are expected, a normal number is bent to the skewness of the distribution
    (expansion of Cornish and Fisher to the first order) and rounded: several times as fast as
    `torch.poisson`, which serves where few are expected. Means are exact, and cumulative
    probabilities are right to 0.001 (the worst is 0.0008 at 10 counts, 0.00005 at 100).
    """
    rate = expected.cpu().contiguous()
    z = torch.randn(rate.shape, generator=generator).to(rate)
    root = (rate - 1 / 12).clamp_(min=1).sqrt_()  # rounding adds a variance of 1/12
    counts = root.add_(z, alpha=1 / 6).mul_(z).add_(rate).sub_(1 / 6).round_().clamp_(min=0)
    few = nonzero_points((rate < _FEW).flatten())
    drawn = torch.poisson(rate.flatten().index_select(0, few), generator=generator)
    return counts.view(-1).index_copy_(0, few, drawn).view_as(rate).to(expected)


class CountingNoise(BaseAugmentation):
    r"""Count photons: Poisson noise at a random level of counts.

    .. math:: x_\text{new} = \frac{m}{N} \, \text{Poisson}\left( \frac{N}{m} x \right)

    with m the maximum of a pattern and N the counts that are expected there, drawn for each
    pattern such that its logarithm is uniform within the bounds. The scale stays that of the
    pattern, and so does the expected intensity of each point; the relative standard deviation is
    :math:`\sqrt{m / (N x)}`. Negative intensities become 0.

    Parameters
    ----------
    min_counts, max_counts : float, default=1e3, 1e5
        Bounds of the counts at the highest point of a pattern, above 0.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `min_counts` is above `max_counts` (in `fit`).

    See Also
    --------
    BackgroundDrift : Where nothing is scattered, nothing is noisy: add a background first.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.augmentation import CountingNoise
    >>> noisy = CountingNoise(400, 400, random_state=0).fit_transform(np.ones((1, 100000)))
    >>> noisy.mean().round(2).item(), noisy.std().round(3).item()
    (1.0, 0.05)
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "min_counts": [Interval(Real, 0, None, closed="neither")],
        "max_counts": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        min_counts: float = 1e3,
        max_counts: float = 1e5,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.min_counts = min_counts
        self.max_counts = max_counts
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        if self.min_counts > self.max_counts:
            raise ValueError(
                f"min_counts={self.min_counts} must not be above max_counts={self.max_counts}."
            )

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Count a batch of patterns.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Noisy patterns.
        """
        if X.numel() == 0:
            return X.clone()
        expected = X.clamp(min=0)
        counts = log_uniform(self.min_counts, self.max_counts, len(X), generator, X)
        # An empty pattern, and one of the smallest numbers there are, stay finite.
        per_unit = (counts / expected.amax(dim=1)).clamp_(max=torch.finfo(X.dtype).max)[:, None]
        return draw_counts(expected.mul_(per_unit), generator).div_(per_unit)
