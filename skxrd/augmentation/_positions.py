"""Where lines move when the instrument is misaligned or the lattice is strained."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._lines import BaseLineAugmentation, Lines
from skxrd.augmentation._random import uniform
from skxrd.grid import TwoThetaGrid

__all__ = ["LatticeStrain", "SampleDisplacement", "ZeroShift", "displacement_shift", "strain_shift"]


def displacement_shift(theta: Tensor, displacement: Tensor, radius: float) -> Tensor:
    """Shift in degrees two-theta of lines at `theta` (radians) by a displacement in mm."""
    return torch.rad2deg(-2 * displacement * torch.cos(theta) / radius)


def strain_shift(theta: Tensor, strain: Tensor) -> Tensor:
    """Shift in degrees two-theta of lines at `theta` (radians) when d-spacings grow by `strain`.

    NaN stands for lines that leave the range of Bragg's law.
    """
    sine, cosine = torch.sin(theta), torch.cos(theta).clamp_(min=1e-9)
    # The difference of two angles from the sine of that difference: no digits are lost, and no
    # strain is no shift. The root is imaginary beyond two-theta = 180 degrees.
    stretch = strain * (2 + strain)
    roots = cosine.square().add_(stretch).sqrt_().add_(cosine)
    sine_of_difference = sine.mul_(stretch).div_(roots).div_(1 + strain)
    return sine_of_difference.asin_().mul_(-360 / torch.pi)


class ZeroShift(BaseLineAugmentation):
    r"""Shift each pattern as a whole by a zero error of the diffractometer, in degrees.

    .. math:: \Delta 2\theta = U(-z, z)

    where z is `max_shift`, the same for all lines of a pattern. Lines move by fractions of a
    grid point: what falls between two points is divided among them, and its area is kept. Lines
    that leave the grid are lost.

    Parameters
    ----------
    max_shift : float, default=0.05
        Largest shift in degrees two-theta, at least 0. An aligned diffractometer stays below some
        0.05 degrees.
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
    PeakShift : The much larger shift of the paper, in whole grid points.
    SampleDisplacement : The other shift of an instrument, which depends on the angle.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import ZeroShift
    >>> grid = TwoThetaGrid(10, 12, 5)
    >>> ZeroShift(0.5, grid=grid, random_state=0).fit_transform([[0, 0, 8.0, 0, 0]]).round(2)
    array([[0.  , 1.15, 6.85, 0.  , 0.  ]])
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_shift": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        max_shift: float = 0.05,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_shift = max_shift
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        limit = self.max_shift
        shift = uniform(-limit, limit, lines.n_rows, generator, lines.position)
        return lines.moved(lines.per_line(shift))


class SampleDisplacement(BaseLineAugmentation):
    r"""Move lines as a sample does that lies above or below the axis of the diffractometer.

    In Bragg-Brentano geometry,

    .. math:: \Delta 2\theta = -\frac{2 s \cos\theta}{R} \quad \text{(radians)}

    with s uniform within (-`max_displacement`, `max_displacement`), positive for a surface below
    the axis, and R the radius of the goniometer. Lines that leave the grid are lost.

    Parameters
    ----------
    max_displacement : float, default=0.1
        Largest displacement in mm, at least 0. With the default radius, 0.1 mm is 0.048 degrees at
        low angles.
    radius : float, default=240.0
        Radius of the goniometer in mm, above 0; laboratory instruments have 150 to 300.
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

    References
    ----------
    H. P. Klug and L. E. Alexander, X-Ray Diffraction Procedures, 2nd edition, Wiley (1974).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import SampleDisplacement
    >>> grid = TwoThetaGrid(10, 80, 3501)
    >>> high_and_low = np.eye(1, 3501, k=500) + np.eye(1, 3501, k=3000)
    >>> moved = SampleDisplacement(0.2, grid=grid, random_state=0).fit_transform(high_and_low)
    >>> below, above = moved[:, :2000], moved[:, 2000:]
    >>> below = (below @ grid.two_theta[:2000]).item() - 20
    >>> above = (above @ grid.two_theta[2000:]).item() - 70
    >>> round(above / below, 3)  # cos 35 / cos 10 degrees
    0.832
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_displacement": [Interval(Real, 0, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        max_displacement: float = 0.1,
        *,
        radius: float = 240.0,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_displacement = max_displacement
        self.radius = radius
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        limit = self.max_displacement
        displacement = uniform(-limit, limit, lines.n_rows, generator, lines.position)
        return lines.moved(
            displacement_shift(lines.theta, lines.per_line(displacement), self.radius)
        )


class LatticeStrain(BaseLineAugmentation):
    r"""Move lines as a lattice does that is larger or smaller by some percent.

    All d-spacings of a pattern grow by the factor :math:`1 + \varepsilon`, with :math:`\varepsilon`
    uniform within (-`max_strain`, `max_strain`), and lines follow Bragg's law:

    .. math:: \sin\theta' = \frac{\sin\theta}{1 + \varepsilon},
              \qquad \Delta 2\theta \approx -2 \varepsilon \tan\theta .

    The law itself is used: at 1 % strain and 80 degrees the approximation is off by 0.01 degrees.
    Intensities stay, also those of lines that meet. Lines that leave the grid are lost, and none
    enter: simulate patterns over a range that is wider than needed where this matters.

    Parameters
    ----------
    max_strain : float, default=0.01
        Largest relative change of the d-spacings, in [0, 0.5). Composition, temperature and the
        errors of calculated structures change lattices by 0.005 to 0.03.
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

    Notes
    -----
    The strain is isotropic. In a lattice that is not cubic, the axes may change differently, and
    lines then move by amounts that depend on their indices, which a pattern does not tell; from
    structures, `skxrd.simulation.VariantSimulator` makes patterns with such a strain.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import LatticeStrain
    >>> grid = TwoThetaGrid(10, 80, 3501)
    >>> lines = np.eye(1, 3501, k=1000)  # one line at 30 degrees
    >>> moved = LatticeStrain(0.01, grid=grid, random_state=0).fit_transform(lines)
    >>> bool(abs(moved @ grid.two_theta - 30) < 0.31)
    True
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_strain": [Interval(Real, 0, 0.5, closed="left")],
    }

    def __init__(
        self,
        max_strain: float = 0.01,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_strain = max_strain
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        limit = self.max_strain
        strain = uniform(-limit, limit, lines.n_rows, generator, lines.position)
        shift = strain_shift(lines.theta, lines.per_line(strain))
        return lines.moved(shift).kept(shift == shift)  # NaN is not itself
