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
    alone in its batch stays as it is, and so does one of two whose partner is empty.

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
    array([[7.22, 0.19, 0.58],
           [0.43, 0.89, 2.67]])
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
        of_host = total[host]
        usable = (total > 0) & (of_host > 0) & (host != torch.arange(lines.n_rows).to(host))
        scale = torch.where(usable, fraction[host] * of_host / total, 0.0)
        kept = torch.ones_like(fraction)
        kept[host] = torch.where(usable, 1 - fraction[host], 1.0)
        factors = torch.cat([lines.per_line(kept), lines.per_line(scale)])
        return lines._replace(
            row=torch.cat([lines.row, lines.per_line(host)]),
            position=lines.position.repeat(2),
            intensity=lines.intensity.repeat(2) * factors,
            fwhm=None if lines.fwhm is None else lines.fwhm.repeat(2),
        )
