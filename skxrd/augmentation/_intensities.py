"""How strong lines are in a real powder: grains, and the limit of detection."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._lines import BaseLineAugmentation, Lines, largest_per_row
from skxrd.augmentation._random import log_uniform, normal
from skxrd.grid import TwoThetaGrid

__all__ = ["DetectionLimit", "IntensityJitter"]


class IntensityJitter(BaseLineAugmentation):
    r"""Change the intensity of each line of stick patterns by a factor of its own (graininess).

    A powder of few grains meets the condition of Bragg in a random number of them. Each line is
    multiplied by a log-normal factor of mean one,

    .. math:: f = \exp(\sigma z - \sigma^2 / 2), \qquad \sigma^2 = \ln(1 + \rho^2),

    with z standard normal and :math:`\rho` the relative standard deviation: factors stay positive,
    and the expected intensity is what it was.

    Parameters
    ----------
    relative : float, default=0.2
        Standard deviation of the factor, at least 0.
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
        If `grid` has another number of points than the patterns (in `fit`).

    See Also
    --------
    PeakScaling : With ``mode="multiplicative", peaks="profiles"``, the same for broadened patterns,
        whose points are no lines of their own.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.augmentation import IntensityJitter
    >>> sticks = np.ones((1, 10000))
    >>> jittered = IntensityJitter(0.2, random_state=0).fit_transform(sticks)
    >>> jittered.mean().round(2).item(), jittered.std().round(2).item()
    (1.0, 0.2)
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "relative": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        relative: float = 0.2,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.relative = relative
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        variance = np.log1p(self.relative**2).item()
        z = normal(len(lines.row), generator, lines.intensity)
        return lines.scaled(z.mul_(variance**0.5).sub_(variance / 2).exp_())


class DetectionLimit(BaseLineAugmentation):
    """Remove the lines of stick patterns that are too weak to be seen in a measurement.

    The limit of a pattern is a fraction of its strongest line, drawn such that its logarithm is
    uniform within the bounds; weaker lines are removed, the others stay as they are.

    Parameters
    ----------
    min_limit, max_limit : float, default=0.001, 0.02
        Bounds of the limit, above 0 and below 1.
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
        If `min_limit` is above `max_limit`, or `grid` has another number of points than the
        patterns (in `fit`).

    See Also
    --------
    CountingNoise : In profiles, weak lines drown in noise.

    Examples
    --------
    >>> from skxrd.augmentation import DetectionLimit
    >>> DetectionLimit(0.01, 0.01).fit_transform([[0.0, 100.0, 0.5, 2.0]])
    array([[  0., 100.,   0.,   2.]])
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "min_limit": [Interval(Real, 0, 1, closed="neither")],
        "max_limit": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        min_limit: float = 0.001,
        max_limit: float = 0.02,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.min_limit = min_limit
        self.max_limit = max_limit
        self.grid = grid
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        super()._check_n_points(n_points)
        if self.min_limit > self.max_limit:
            raise ValueError(
                f"min_limit={self.min_limit} must not be above max_limit={self.max_limit}."
            )

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        limit = log_uniform(
            self.min_limit, self.max_limit, lines.n_rows, generator, lines.intensity
        )
        return lines.kept(lines.intensity >= lines.per_line(limit * largest_per_row(lines)))
