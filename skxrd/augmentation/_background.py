"""What a measurement sees beside the crystal: air, glass, film, fluorescence."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._random import uniform
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of

__all__ = ["BackgroundDrift"]

_FAR = 8.0  # from where on the hump is below 1e-27 of its height


class BackgroundDrift(BaseAugmentation):
    r"""Add a smooth background: a polynomial drift and a broad hump.

    With t running from 0 to 1 along the grid and m the maximum of a pattern,

    .. math:: x_\text{new}(t) = x(t) + m \, p \sum_{k=0}^{n} u_k \binom{n}{k} t^k (1 - t)^{n-k}
              + m \, h \, e^{-4 \ln 2 \, (2\theta - c)^2 / w^2} .

    The polynomial is a sum of Bernstein's, whose coefficients :math:`u_k`, uniform within (0, 1),
    bound it: it is never negative nor higher than `max_drift`. The hump is what glass, amorphous
    parts and polymer films over the sample scatter. Its height h and the scale p of the drift
    are uniform between 0 and their bounds, its center c and width w between theirs. Draws
    are made for each pattern.

    Parameters
    ----------
    max_drift : float, default=0.05
        Highest drift, as a part of the maximum of the pattern; at least 0.
    degree : int, default=4
        Degree n of the polynomial, at least 0.
    max_hump : float, default=0.05
        Highest hump, as a part of the maximum of the pattern; at least 0.
    min_center, max_center : float, default=15.0, 30.0
        Bounds of the center of the hump in degrees two-theta, for Cu K-alpha: silica glass has it
        near 22 degrees. With another wavelength, sin(center / 2) grows in proportion to it.
    min_width, max_width : float, default=4.0, 12.0
        Bounds of the full width at half maximum of the hump in degrees, above 0.
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
        If a lower bound is above the upper one, or `grid` has another number of points than the
        patterns (in `fit`).

    See Also
    --------
    skxrd.preprocessing.BaselineRemover : Takes the background of a measured pattern away.

    Notes
    -----
    Give it profiles, not sticks: a background belongs to patterns that are broad already, and a
    rendering that takes the square root or broadens afterwards acts on it as well.

    Several in a row make several humps. A film of polyimide (Kapton), under which samples are
    measured that must not meet air, scatters most visibly at a distance of 15.3 angstrom, which is
    5.8 degrees with Cu K-alpha.

    Examples
    --------
    A drift of up to 5 % of the highest line, and a hump of up to 10 %:

    >>> import numpy as np
    >>> from skxrd.augmentation import BackgroundDrift
    >>> pattern = 100 * np.eye(1, 4501, k=1500)
    >>> noisier = BackgroundDrift(0.05, max_hump=0.1, random_state=0).fit_transform(pattern)
    >>> bool((noisier >= pattern).all() and (noisier - pattern).max() <= 15)
    True

    The same under a polyimide film:

    >>> from sklearn.pipeline import make_pipeline
    >>> film = BackgroundDrift(
    ...     0, max_hump=0.3, min_center=5.6, max_center=6.0, min_width=1, max_width=2
    ... )
    >>> under_film = make_pipeline(BackgroundDrift(0.05, max_hump=0.1), film)
    >>> under_film.fit_transform(pattern).shape
    (1, 4501)
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "max_drift": [Interval(Real, 0, None, closed="left")],
        "degree": [Interval(Integral, 0, None, closed="left")],
        "max_hump": [Interval(Real, 0, None, closed="left")],
        "min_center": [Interval(Real, 0, 180, closed="both")],
        "max_center": [Interval(Real, 0, 180, closed="both")],
        "min_width": [Interval(Real, 0, None, closed="neither")],
        "max_width": [Interval(Real, 0, None, closed="neither")],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        max_drift: float = 0.05,
        *,
        degree: int = 4,
        max_hump: float = 0.05,
        min_center: float = 15.0,
        max_center: float = 30.0,
        min_width: float = 4.0,
        max_width: float = 12.0,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_drift = max_drift
        self.degree = degree
        self.max_hump = max_hump
        self.min_center = min_center
        self.max_center = max_center
        self.min_width = min_width
        self.max_width = max_width
        self.grid = grid
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        grid_of(self.grid, n_points, "grid")
        for what in ("center", "width"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if low > high:
                raise ValueError(f"min_{what}={low} must not be above max_{what}={high}.")

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Add a background to a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Patterns on a background.
        """
        grid = grid_of(self.grid, X.shape[1], "grid")
        if grid is None or X.numel() == 0:
            return X.clone()
        maximum = X.amax(dim=1).clamp(min=0)
        n = len(X)
        drift = self.max_drift * torch.rand(n, 1, generator=generator)
        coefficients = (drift * torch.rand(n, self.degree + 1, generator=generator)).to(X)
        height = uniform(0, self.max_hump, n, generator, X) * maximum
        center = uniform(self.min_center, self.max_center, n, generator, X)
        width = uniform(self.min_width, self.max_width, n, generator, X)
        per_degree = (2 * math.log(2) ** 0.5 / width)[:, None]
        distance = (torch.linspace(grid.start, grid.stop, grid.n_points).to(X) * per_degree).sub_(
            center[:, None] * per_degree
        )
        # Far away it is nothing; the numbers just above zero would take ten times as long.
        hump = distance.clamp_(-_FAR, _FAR).square_().neg_().exp_().mul_(height[:, None])
        hump.addmm_(maximum[:, None] * coefficients, _bernstein(self.degree, grid.n_points).to(X))
        return hump.add_(X)


@lru_cache(maxsize=8)
def _bernstein(degree: int, n_points: int) -> Tensor:
    """Bernstein's polynomials of a degree, one per row, from the first to the last point."""
    t = torch.linspace(0, 1, n_points, dtype=torch.float64)
    rows = [math.comb(degree, k) * t**k * (1 - t) ** (degree - k) for k in range(degree + 1)]
    return torch.stack(rows)
