"""Shapes of diffraction lines: Gaussian, Lorentzian and their sum, the pseudo-Voigt profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["gaussian", "lorentzian", "profile_kernel", "pseudo_voigt"]

# Where a kernel is cut, in FWHM on each side of the line.
GAUSSIAN_REACH = 2.0  # leaves out 2.5e-6 of the area
LORENTZIAN_REACH = 8.0  # leaves out 4 % of the area


def gaussian(x: ArrayLike, fwhm: float) -> NDArray[np.float64]:
    """Gaussian profile of area one.

    Parameters
    ----------
    x : array-like
        Distance from the line in degrees.
    fwhm : float
        Full width at half maximum in degrees, above 0.

    Returns
    -------
    ndarray of the shape of `x`
        Profile in 1/degree.

    Raises
    ------
    ValueError
        If `fwhm` is not a positive number.

    Examples
    --------
    >>> from skxrd.simulation import gaussian
    >>> profile = gaussian([0.0, 0.05], fwhm=0.1)
    >>> (profile / profile[0]).round(6).tolist()
    [1.0, 0.5]
    """
    _check_width(fwhm)
    u = np.asarray(x, dtype=float) / fwhm
    return 2 * np.sqrt(np.log(2) / np.pi) / fwhm * np.exp(-4 * np.log(2) * u**2)


def lorentzian(x: ArrayLike, fwhm: float) -> NDArray[np.float64]:
    """Lorentzian profile of area one.

    Parameters
    ----------
    x : array-like
        Distance from the line in degrees.
    fwhm : float
        Full width at half maximum in degrees, above 0.

    Returns
    -------
    ndarray of the shape of `x`
        Profile in 1/degree.

    Raises
    ------
    ValueError
        If `fwhm` is not a positive number.

    Examples
    --------
    >>> from skxrd.simulation import lorentzian
    >>> profile = lorentzian([0.0, 0.05, 0.1], fwhm=0.1)
    >>> (profile / profile[0]).round(6).tolist()
    [1.0, 0.5, 0.2]
    """
    _check_width(fwhm)
    u = np.asarray(x, dtype=float) / fwhm
    return 2 / (np.pi * fwhm) / (1 + 4 * u**2)


def pseudo_voigt(x: ArrayLike, fwhm: float, eta: float) -> NDArray[np.float64]:
    """Pseudo-Voigt profile of area one: a Lorentzian and a Gaussian of one width, added.

    Parameters
    ----------
    x : array-like
        Distance from the line in degrees.
    fwhm : float
        Full width at half maximum in degrees, above 0.
    eta : float
        Fraction of the Lorentzian, from 0 (Gaussian) to 1 (Lorentzian).

    Returns
    -------
    ndarray of the shape of `x`
        Profile in 1/degree.

    Raises
    ------
    ValueError
        If `fwhm` is not a positive number or `eta` is not between 0 and 1.

    Examples
    --------
    >>> from skxrd.simulation import pseudo_voigt
    >>> profile = pseudo_voigt([0.0, 0.05], fwhm=0.1, eta=0.5)
    >>> (profile / profile[0]).round(6).tolist()
    [1.0, 0.5]
    """
    _check_eta(eta)
    return (1 - eta) * gaussian(x, fwhm) + eta * lorentzian(x, fwhm)


def profile_kernel(fwhm: float, step: float, *, eta: float = 0.0) -> NDArray[np.float64]:
    """Pseudo-Voigt profile sampled on a grid, to convolve patterns with.

    The kernel ends 2 FWHM from the line for a Gaussian (`eta` = 0) and 8 FWHM from it otherwise,
    and is scaled to the sum one, so that a convolution conserves the area.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum in degrees, at least 0; 0 gives the kernel that changes nothing.
    step : float
        Distance between neighboring grid points in degrees, above 0.
    eta : float, default=0.0
        Fraction of the Lorentzian, from 0 (Gaussian) to 1 (Lorentzian).

    Returns
    -------
    ndarray of shape (n_kernel,)
        Symmetric kernel of odd length whose sum is one.

    Raises
    ------
    ValueError
        If `fwhm` is negative, `step` is not positive or `eta` is not between 0 and 1.

    Examples
    --------
    >>> from skxrd.simulation import profile_kernel
    >>> profile_kernel(fwhm=0.02, step=0.02).round(3).tolist()
    [0.0, 0.056, 0.889, 0.056, 0.0]
    >>> profile_kernel(fwhm=0.0, step=0.02).tolist()
    [1.0]
    """
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be a positive number of degrees, got {step}.")
    _check_eta(eta)
    if fwhm == 0:
        return np.ones(1)
    _check_width(fwhm)
    reach = LORENTZIAN_REACH if eta else GAUSSIAN_REACH
    n_side = int(np.ceil(reach * fwhm / step - 1e-9))  # 2 * 0.06 / 0.02 is 6, not 7
    kernel = pseudo_voigt(step * np.arange(-n_side, n_side + 1), fwhm, eta)
    return kernel / kernel.sum()


def _check_width(fwhm: float) -> None:
    if not (np.isfinite(fwhm) and fwhm > 0):
        raise ValueError(f"fwhm must be a positive number of degrees, got {fwhm}.")


def _check_eta(eta: float) -> None:
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be between 0 (Gaussian) and 1 (Lorentzian), got {eta}.")
