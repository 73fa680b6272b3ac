"""How wide lines are when crystallites are small or strained."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.augmentation._lines import BaseLineAugmentation, Lines
from skxrd.augmentation._random import log_uniform
from skxrd.grid import TwoThetaGrid

__all__ = ["SizeBroadening", "StrainBroadening"]

_GRAZING = 1e-3  # cos(theta) at which the width by size ends to grow: 0.1 degrees below backscatter


def size_width(theta: Tensor, size: Tensor, wavelength: float, shape_factor: float) -> Tensor:
    """Width in degrees of lines at `theta` (radians) of crystallites of a size in nm (Scherrer)."""
    angstrom = 10 * size
    cosine = torch.cos(theta).clamp(min=_GRAZING)
    return torch.rad2deg(shape_factor * wavelength / (angstrom * cosine))


def strain_width(theta: Tensor, strain: Tensor) -> Tensor:
    """Width in degrees of lines at `theta` (radians) of microstrained crystallites."""
    cosine = torch.cos(theta).clamp(min=_GRAZING)
    return torch.rad2deg(4 * strain * torch.sin(theta).clamp(min=0) / cosine)


class SizeBroadening(BaseLineAugmentation):
    r"""Broaden lines as small crystallites do, by the formula of Scherrer.

    Each line becomes a Lorentzian of the full width at half maximum

    .. math:: \text{FWHM} = \frac{K \lambda}{L \cos\theta} \quad \text{(radians)}

    and of the same area. The size L of the crystallites of a pattern is drawn such that its
    logarithm is uniform within the bounds. Lorentzians add their widths: of size and strain
    together, :math:`K \lambda / (L \cos\theta) + 4 \varepsilon \tan\theta` (Williamson and Hall).

    Parameters
    ----------
    min_size, max_size : float, default=20.0, 200.0
        Bounds of the size in nm, above 0. At 200 nm and beyond, the instrument hides the effect.
    wavelength : float, default=1.54184
        Wavelength in angstrom, above 0; the default is the mean of Cu K-alpha.
    shape_factor : float, default=0.9
        Scherrer's constant K, above 0.
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
        If `min_size` is above `max_size`, or `grid` has another number of points than the patterns
        (in `fit`).

    See Also
    --------
    StrainBroadening : The other cause, which grows faster with the angle.
    skxrd.preprocessing.PeakBroadener : A constant width, the same at each call.

    Notes
    -----
    Profiles end 8 widths from the line, which leaves out 4 % of a Lorentzian; what is left is
    scaled to the full area. Widths are those of the formula to about 3 %: profiles of a ladder of
    widths are blended, which makes one Fourier transform per rung of it, not one per line. Widths
    below half a grid point cannot be told from none.

    References
    ----------
    P. Scherrer, Nachrichten von der Gesellschaft der Wissenschaften zu Göttingen, 98 (1918);
    G. K. Williamson and W. H. Hall, Acta Metallurgica 1, 22 (1953).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import SizeBroadening
    >>> grid = TwoThetaGrid(10, 80, 3501)
    >>> sticks = np.eye(1, 3501, k=1500)
    >>> broad = SizeBroadening(20, 20, grid=grid).fit_transform(sticks)
    >>> wide = (broad > broad.max() / 2).sum() * grid.step
    >>> round(wide.item(), 2), round(broad.sum().item(), 3)  # Scherrer: 0.42
    (0.42, 1.0)
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "min_size": [Interval(Real, 0, None, closed="neither")],
        "max_size": [Interval(Real, 0, None, closed="neither")],
        "wavelength": [Interval(Real, 0, None, closed="neither")],
        "shape_factor": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        min_size: float = 20.0,
        max_size: float = 200.0,
        *,
        wavelength: float = 1.54184,
        shape_factor: float = 0.9,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.min_size = min_size
        self.max_size = max_size
        self.wavelength = wavelength
        self.shape_factor = shape_factor
        self.grid = grid
        self.random_state = random_state

    @override
    def _check_n_points(self, n_points: int) -> None:
        super()._check_n_points(n_points)
        if self.min_size > self.max_size:
            raise ValueError(
                f"min_size={self.min_size} must not be above max_size={self.max_size}."
            )

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        size = log_uniform(self.min_size, self.max_size, lines.n_rows, generator, lines.position)
        width = size_width(lines.theta, lines.per_line(size), self.wavelength, self.shape_factor)
        return lines.broadened(width)


class StrainBroadening(BaseLineAugmentation):
    r"""Broaden lines as crystallites do whose lattice differs from place to place.

    Each line becomes a Lorentzian of the full width at half maximum

    .. math:: \text{FWHM} = 4 \varepsilon \tan\theta \quad \text{(radians)}

    and of the same area, with the microstrain :math:`\varepsilon` of a pattern uniform within (0,
    `max_strain`). See `SizeBroadening` for what is approximate about the profile.

    Parameters
    ----------
    max_strain : float, default=0.002
        Largest microstrain, at least 0 and below 0.1.
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
    LatticeStrain : A strain that is the same everywhere moves lines and leaves their width.

    References
    ----------
    A. R. Stokes and A. J. C. Wilson, Proceedings of the Physical Society 56, 174 (1944).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import StrainBroadening
    >>> grid = TwoThetaGrid(10, 80, 3501)
    >>> sticks = np.eye(1, 3501, k=500) + np.eye(1, 3501, k=3000)
    >>> broad = StrainBroadening(0.005, grid=grid, random_state=0).fit_transform(sticks)
    >>> broad[0, 500].item() > 3 * broad[0, 3000].item()  # flatter at the higher angle
    True
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "max_strain": [Interval(Real, 0, 0.1, closed="left")],
    }

    def __init__(
        self,
        max_strain: float = 0.002,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_strain = max_strain
        self.grid = grid
        self.random_state = random_state

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        strain = self.max_strain * torch.rand(lines.n_rows, generator=generator)
        return lines.broadened(strain_width(lines.theta, lines.per_line(strain.to(lines.position))))
