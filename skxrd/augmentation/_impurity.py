"""Second phases: few real samples are pure."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._lines import BaseLineAugmentation, Lines
from skxrd.augmentation._random import uniform
from skxrd.grid import TwoThetaGrid

__all__ = ["ImpurityPhase"]


class ImpurityPhase(BaseLineAugmentation):
    r"""Add the lines of another pattern of the batch, as an impurity does.

    .. math:: x_\text{new} = (1 - f) \, x + f \, \frac{\sum x}{\sum x'} \, x'

    with f uniform within (0, `max_fraction`) and :math:`x'` another pattern of the batch, each
    of which serves once. The total intensity of a pattern stays what it was. A pattern that is
    alone in its batch stays as it is, and so does one that meets an empty pattern.

    Parameters
    ----------
    max_fraction : float, default=0.1
        Largest part of the total intensity that comes from the impurity, in [0, 0.5]: the label is
        that of the main phase.
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

    Examples
    --------
    >>> from skxrd.augmentation import ImpurityPhase
    >>> mixed = ImpurityPhase(0.2, random_state=0).fit_transform([[8.0, 0, 0], [0, 1.0, 3.0]])
    >>> mixed.round(2)
    array([[7.13, 0.22, 0.65],
           [0.39, 0.9 , 2.71]])
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_fraction": [Interval(Real, 0, 0.5, closed="both")],
    }

    def __init__(
        self,
        max_fraction: float = 0.1,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_fraction = max_fraction
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        # Neighbors in a random circle: nobody is their own partner, and nobody serves twice.
        circle = torch.randperm(lines.n_rows, generator=generator).to(lines.row)
        host = torch.empty_like(circle)
        host[circle] = circle.roll(1)
        fraction = uniform(0, self.max_fraction, lines.n_rows, generator, lines.intensity)
        total = lines.intensity.new_zeros(lines.n_rows)
        total.index_add_(0, lines.row, lines.intensity)
        usable = (total > 0) & (total[host] > 0) & (lines.n_rows > 1)
        fraction = torch.where(usable, fraction, 0.0)  # as much as a pattern brings to its host
        scale = fraction * total[host] / torch.where(usable, total, 1.0)
        scale.clamp_(max=torch.finfo(scale.dtype).max)  # the smallest numbers there are stay finite
        kept = torch.empty_like(fraction)
        kept[host] = 1 - fraction
        return lines._replace(
            row=torch.cat([lines.row, lines.per_line(host)]),
            position=lines.position.repeat(2),
            intensity=torch.cat(
                [lines.intensity * lines.per_line(kept), lines.intensity * lines.per_line(scale)]
            ),
            fwhm=None if lines.fwhm is None else lines.fwhm.repeat(2),
        )
