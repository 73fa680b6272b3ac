"""Widths and shapes of lines, from the instrument and the sample, and their patterns."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from skxrd._sklearn import Interval
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._profiles._axial_divergence import split_lines
from skxrd.simulation._profiles._shapes import LORENTZIAN_REACH

__all__ = ["PeakProfile"]

Array = NDArray[np.float64]

_GRAZING = 1e-3  # cos(theta) at which widths end to grow: 0.1 degrees below backscatter


class PeakProfile(BaseEstimator):
    r"""Profile of the lines of a powder pattern, from instrument and sample.

    A line is a pseudo-Voigt profile, the sum of a Gaussian and a Lorentzian, whose widths in
    degrees two-theta are

    .. math::
        \Gamma_G^2 &= u \tan^2\theta + v \tan\theta + w \\
        \Gamma_L &= x \tan\theta + \frac{y}{\cos\theta} + \frac{180}{\pi} \left(
        \frac{K \lambda}{L \cos\theta} + 4 \varepsilon \tan\theta \right)

    with the Gaussian width of Caglioti et al. [1]_ and the Lorentzian width of Thompson et al. [2]_
    for the instrument, Scherrer's width [3]_ by the size L of the crystallites and the width of
    Stokes and Wilson [4]_ by microstrain. All are full widths at half maximum. The width and the
    Lorentzian fraction of the sum come from both by the formula of Thompson et al., which replaces
    the convolution of the two, a Voigt profile, to 1.3 % of its height and 0.5 % of its width.

    Parameters
    ----------
    u : float, default=0.0008
        Coefficient of the Gaussian width in square degrees.
    v : float, default=0.0
        Coefficient of the Gaussian width in square degrees, often negative.
    w : float, default=0.0011
        Coefficient of the Gaussian width in square degrees.
    x : float, default=0.015
        Coefficient of the Lorentzian width that grows with the tangent, in degrees, at least 0.
    y : float, default=0.02
        Coefficient of the Lorentzian width that grows with 1/cosine, in degrees, at least 0.
    size : float or None, default=200.0
        Size L of the crystallites in nm, above 0; None means too large to broaden lines.
    shape_factor : float, default=0.9
        Scherrer's constant K, above 0. 0.9 relates the size to the full width at half maximum;
        2 / pi makes `size` the volume-weighted mean of column lengths, which integral breadths
        measure, for the breadth of a Lorentzian is pi / 2 times its width.
    microstrain : float, default=0.0
        Microstrain, at least 0 and below 0.1: half the full width at half maximum of the
        distribution of relative lattice plane distances, without unit (0.001 is 0.1 %).
    asymmetry : float, default=0.0
        Axial divergence (H + S) / L of Finger et al. [5]_, at least 0 and at most 1: half the
        height of the receiving slit and half the length of the sample, taken as equal, over the
        radius of the diffractometer. It draws lines below 90 degrees out to lower angles; 0 leaves
        them symmetric. Laboratory instruments have up to 0.06.
    reach : float, default=8.0
        Where a line ends on each side, in its FWHM, at least 1. What lies beyond, 4 % of a
        Lorentzian at 8 FWHM, is given to the rest of the line, so that its area is kept.

    See Also
    --------
    PatternSimulator : Simulates structures with a profile.
    skxrd.augmentation.SizeBroadening : Random sizes, in batches of stick patterns.

    Notes
    -----
    The defaults describe a well-crystallized powder on a modern laboratory diffractometer: rounded
    middles of the ranges that Kaduk and Reid [6]_ tabulated, and crystallites of 200 nm. At 30
    degrees and Cu K-alpha the FWHM is 0.08 degrees. `x` and `y` are those of Thompson et al. and
    FullProf; GSAS swaps the two letters. GSAS gives U, V and W as variances and all coefficients in
    hundredths of a degree: multiply U, V and W by 8 ln(2) / 10000, X and Y by 1 / 100; its SH/L is
    `asymmetry`.

    Widths end to grow 0.1 degrees below backscattering, where the formulas become infinite. Lines
    narrower than a fifth of a grid step are as wide as that.

    References
    ----------
    .. [1] G. Caglioti, A. Paoletti and F. P. Ricci, Nuclear Instruments 3, 223 (1958).
    .. [2] P. Thompson, D. E. Cox and J. B. Hastings, Journal of Applied Crystallography 20, 79
       (1987).
    .. [3] P. Scherrer, Nachrichten von der Gesellschaft der Wissenschaften zu Göttingen, 98 (1918).
    .. [4] A. R. Stokes and A. J. C. Wilson, Proceedings of the Physical Society 56, 174 (1944).
    .. [5] L. W. Finger, D. E. Cox and A. P. Jephcoat, Journal of Applied Crystallography 27, 892
       (1994).
    .. [6] J. A. Kaduk and J. Reid, Powder Diffraction 26, 88 (2011).

    Examples
    --------
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.simulation import PeakProfile
    >>> profile = PeakProfile(size=20)
    >>> fwhm, eta = profile.fwhm_and_eta([30.0, 80.0], wavelength=1.54184)
    >>> fwhm.round(2).tolist(), eta.round(2).tolist()
    ([0.44, 0.56], [0.99, 1.0])
    >>> pattern = profile.render([30.0, 80.0], [100.0, 10.0], TwoThetaGrid(10, 90, 4001), 1.54184)
    >>> pattern.shape, round(pattern.sum().item(), 6)
    ((4001,), 110.0)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "u": [Interval(Real, None, None, closed="neither")],
        "v": [Interval(Real, None, None, closed="neither")],
        "w": [Interval(Real, None, None, closed="neither")],
        "x": [Interval(Real, 0, None, closed="left")],
        "y": [Interval(Real, 0, None, closed="left")],
        "size": [Interval(Real, 0, None, closed="neither"), None],
        "shape_factor": [Interval(Real, 0, None, closed="neither")],
        "microstrain": [Interval(Real, 0, 0.1, closed="left")],
        "asymmetry": [Interval(Real, 0, 1, closed="both")],
        "reach": [Interval(Real, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        u: float = 0.0008,
        v: float = 0.0,
        w: float = 0.0011,
        x: float = 0.015,
        y: float = 0.02,
        size: float | None = 200.0,
        shape_factor: float = 0.9,
        microstrain: float = 0.0,
        asymmetry: float = 0.0,
        reach: float = LORENTZIAN_REACH,
    ) -> None:
        self.u = u
        self.v = v
        self.w = w
        self.x = x
        self.y = y
        self.size = size
        self.shape_factor = shape_factor
        self.microstrain = microstrain
        self.asymmetry = asymmetry
        self.reach = reach

    def fwhm_and_eta(self, two_theta: ArrayLike, wavelength: float) -> tuple[Array, Array]:
        """Compute the width and the shape of lines.

        Parameters
        ----------
        two_theta : array-like of shape (n_lines,)
            Positions in degrees, 0 to 180.
        wavelength : float
            Wavelength in angstrom, above 0.

        Returns
        -------
        fwhm : ndarray of shape (n_lines,)
            Full widths at half maximum in degrees, without the asymmetry.
        eta : ndarray of shape (n_lines,)
            Lorentzian fractions, 0 to 1.

        Raises
        ------
        ValueError
            If a parameter is invalid, a position is out of range, or a width is not positive.
        """
        self._validate_params()
        two_theta = _positions(two_theta)
        if not (np.isfinite(wavelength) and wavelength > 0):
            raise ValueError(f"wavelength must be a positive number of angstrom, got {wavelength}.")
        theta = np.radians(two_theta) / 2
        cosine = np.maximum(np.cos(theta), _GRAZING)
        tangent = np.sin(theta) / cosine
        gaussian = self._gaussian_width(tangent, two_theta)
        lorentzian = self._lorentzian_width(tangent, cosine, wavelength)
        fwhm, eta = _thompson_cox_hastings(gaussian, lorentzian)
        if not (fwhm > 0).all():
            raise ValueError(
                "A line has no width: one of u, v, w, x, y and microstrain must be above 0, or "
                "size a number."
            )
        return fwhm, eta

    def render(
        self, two_theta: ArrayLike, intensity: ArrayLike, grid: TwoThetaGrid, wavelength: float
    ) -> Array:
        """Put lines with their profiles on a grid.

        The values of a profile add up to the intensity of its line, where all of it lies on the
        grid. Lines beyond the ends of the grid contribute the tails that reach it.

        Parameters
        ----------
        two_theta : array-like of shape (n_lines,)
            Positions in degrees, 0 to 180; they need not be sorted or lie on grid points.
        intensity : array-like of shape (n_lines,)
            Intensities.
        grid : TwoThetaGrid
            Two-theta axis.
        wavelength : float
            Wavelength in angstrom, above 0.

        Returns
        -------
        ndarray of shape (n_points,)
            Pattern.

        Raises
        ------
        ValueError
            If a parameter is invalid, a position is out of range, a width is not positive, or
            `intensity` does not hold one finite number per line.
        """
        two_theta = _positions(two_theta)
        # A copy, for numba compiles anew for arrays that are strided or read-only.
        intensity = np.array(intensity, dtype=float, order="C")
        if intensity.shape != two_theta.shape or not np.isfinite(intensity).all():
            raise ValueError(
                f"intensity must hold one finite number for each of {len(two_theta)} lines, got "
                f"{np.isfinite(intensity).sum()} finite ones in shape {intensity.shape}."
            )
        fwhm, eta = self.fwhm_and_eta(two_theta, wavelength)
        if not len(two_theta):
            return np.zeros(grid.n_points)
        if self.asymmetry > 0:
            line, two_theta, fraction = split_lines(two_theta, fwhm, self.asymmetry)
            intensity, fwhm, eta = intensity[line] * fraction, fwhm[line], eta[line]
        position = (two_theta - grid.start) / grid.step
        render_lines = _kernel()
        return render_lines(
            position, intensity, fwhm / grid.step, eta, float(self.reach), grid.n_points
        )

    def _gaussian_width(self, tangent: Array, two_theta: Array) -> Array:
        squared = (self.u * tangent + self.v) * tangent + self.w
        if (squared < 0).any():
            raise ValueError(
                "u tan(theta)^2 + v tan(theta) + w must not be negative, got "
                f"{squared.min():.3g} square degrees at {two_theta[squared.argmin()]:.5g} degrees "
                f"two-theta with u={self.u}, v={self.v} and w={self.w}."
            )
        return np.sqrt(squared)

    def _lorentzian_width(self, tangent: Array, cosine: Array, wavelength: float) -> Array:
        by_tangent = self.x + np.degrees(4 * self.microstrain)
        by_cosine = self.y
        if self.size is not None:
            by_cosine += np.degrees(self.shape_factor * wavelength / (10 * self.size))
        return by_tangent * tangent + by_cosine / cosine


def _positions(two_theta: ArrayLike) -> Array:
    positions = np.asarray(two_theta, dtype=float)
    if positions.ndim != 1:
        raise ValueError(f"two_theta must be one-dimensional, got shape {positions.shape}.")
    outside = positions[~((positions >= 0) & (positions <= 180))].tolist()
    if outside:
        shown = ", ".join(map(str, outside[:3])) + ", ..." * (len(outside) > 3)
        raise ValueError(f"two_theta must be between 0 and 180 degrees, got {shown}.")
    return positions


def _thompson_cox_hastings(gaussian: Array, lorentzian: Array) -> tuple[Array, Array]:
    g, l = gaussian, lorentzian  # noqa: E741 -- as in the formula
    # g^5 + 2.69269 g^4 l + 2.42843 g^3 l^2 + 4.47163 g^2 l^3 + 0.07842 g l^4 + l^5
    squared = l * l
    fifth = (g + 2.69269 * l) * g + 2.42843 * squared
    fifth = (fifth * g + 4.47163 * squared * l) * g + 0.07842 * squared * squared
    fwhm = (fifth * g + squared * squared * l) ** 0.2
    q = l / np.maximum(fwhm, np.finfo(float).tiny)
    eta = q * (1.36603 - q * (0.47719 - q * 0.11116))
    return fwhm, np.clip(eta, 0.0, 1.0)


@cache
def _kernel() -> Callable[..., Array]:
    """Choose the compiled kernel where numba can be imported, which takes half a second."""
    try:
        from skxrd.simulation._profiles._rendering_compiled import compiled_render_lines

        return compiled_render_lines()
    except ImportError:
        from skxrd.simulation._profiles._rendering import render_lines

        return render_lines
