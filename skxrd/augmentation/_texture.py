"""Preferred orientation: the grains of a powder that lie as they like."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._lines import BaseLineAugmentation, Lines
from skxrd.augmentation._random import log_uniform
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._lines._march_dollase import march_dollase

__all__ = ["PreferredOrientation"]

_N_WAVES = 4  # of the random field; already their sum is nearly normal


class PreferredOrientation(BaseLineAugmentation):
    r"""Change intensities as grains do that prefer an orientation.

    Plates that lie flat, or needles that lie down, show some lattice planes more often than others.
    A line whose planes lie at the angle :math:`\alpha` to the axis of the texture is multiplied by
    the factor of March and Dollase,

    .. math:: W(\alpha) = \left( r^2 \cos^2\alpha + \frac{\sin^2\alpha}{r} \right)^{-3/2} .

    r is 1 for a random powder, below 1 for plates and above 1 for needles; here one number per
    pattern with :math:`\ln r` uniform within :math:`\pm \ln` `max_ratio`. Over the sphere, the
    mean of W is one.

    A pattern does not tell its angles. Where they are not known, :math:`|\cos\alpha|` is made up: a
    random function of d that is smooth and takes each value between 0 and 1 about equally often, as
    the directions of planes do. Lines of nearly the same d then change together, and the expected
    intensity stays what it was. From structures, `skxrd.simulation.VariantSimulator` makes patterns
    with a texture along an axis of the crystal.

    Parameters
    ----------
    max_ratio : float, default=1.5
        Largest r, at least 1; the smallest one is its inverse.
    correlation : float, default=0.05
        Relative difference of d, above 0, over which made-up angles lose their memory.
    angles : array-like of shape (n_points,) or (n_points, n_equivalents) or None, default=None
        Known angles :math:`\alpha` in degrees between the axis of the texture and the normal of the
        planes that diffract at each point, for patterns of one structure; several per point are
        those of equivalent planes, over which W is averaged. NaN marks what is not known.
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
        If `angles` are no numbers, or `angles` or `grid` have another number of points than the
        patterns (in `fit`).

    References
    ----------
    W. A. Dollase, Journal of Applied Crystallography 19, 267 (1986).

    Examples
    --------
    Planes along the axis gain and those across it lose when plates lie flat; without a texture both
    stay.

    >>> import numpy as np
    >>> from skxrd.augmentation import PreferredOrientation
    >>> texture = PreferredOrientation(2.0, angles=[0.0, 90.0], random_state=1)
    >>> texture.fit_transform([[1.0, 1.0]]).round(2)
    array([[2.07, 0.69]])
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_ratio": [Interval(Real, 1, None, closed="left")],
        "correlation": [Interval(Real, 0, None, closed="neither")],
        "angles": ["array-like", None],
    }

    def __init__(
        self,
        max_ratio: float = 1.5,
        *,
        correlation: float = 0.05,
        angles: ArrayLike | None = None,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_ratio = max_ratio
        self.correlation = correlation
        self.angles = angles
        self.grid = grid
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        super()._check_n_points(n_points)
        if self.angles is None:
            return
        try:
            angles = check_array(self.angles, ensure_2d=False, ensure_all_finite="allow-nan")
        except (TypeError, ValueError) as error:  # the former of a single number
            raise ValueError(
                "angles must be numbers, of shape (n_points,) or (n_points, n_equivalents): "
                f"{error}"
            ) from error
        if len(angles) != n_points:
            raise ValueError(
                f"angles has {len(angles)} rows, but the patterns have n_features = {n_points}."
            )

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        ratios = log_uniform(
            1 / self.max_ratio, self.max_ratio, lines.n_rows, generator, lines.intensity
        )
        ratio = lines.per_line(ratios)
        cosine = self._made_up_cosine(lines, generator)
        factor = march_dollase(cosine, ratio)
        if self.angles is not None:
            known = self._known_factor(lines, ratio)
            factor = torch.where(known.isnan(), factor, known)
        return lines.scaled(factor)

    def _made_up_cosine(self, lines: Lines, generator: torch.Generator | None) -> Tensor:
        """Draw a uniform random field over ln d for each pattern: the same for any wavelength."""
        shape = (_N_WAVES, lines.n_rows)
        frequency = torch.randn(shape, generator=generator).to(lines.position)
        frequency /= self.correlation
        phase = 2 * torch.pi * torch.rand(shape, generator=generator).to(lines.position)
        theta = lines.theta.clamp_(min=np.radians(lines.grid.step / 4))
        log_q = theta.sin_().log_()  # but for a constant, which the phases swallow
        waves = torch.zeros_like(log_q)
        for k in range(_N_WAVES):  # not all at once: a profile has as many lines as points
            wave = lines.per_line(frequency[k]).mul_(log_q).add_(lines.per_line(phase[k]))
            waves += wave.cos_()
        return torch.special.ndtr(waves.mul_((2 / _N_WAVES) ** 0.5))

    def _known_factor(self, lines: Lines, ratio: Tensor) -> Tensor:
        angles = np.radians(np.asarray(self.angles, dtype=float))
        table = torch.from_numpy(np.cos(angles)).to(lines.position).reshape(len(angles), -1)
        points = lines.position.round().clamp(0, lines.grid.n_points - 1).long()
        return march_dollase(table[points], ratio[:, None]).nanmean(dim=1)
