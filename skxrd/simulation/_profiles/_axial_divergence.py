"""Low-angle asymmetry: a cone of diffracted rays meets a slit of finite height.

The model is that of L. W. Finger, D. E. Cox and A. P. Jephcoat, Journal of Applied Crystallography
27, 892 (1994), for a sample as long as the slit is high (H = S). A ray that leaves the equatorial
plane by the azimuth omega around its cone is counted at the angle 2 phi with

    tan(2 phi) = tan(2 theta) cos(omega)

and at the height h above the plane, where (H + S) - h of the sample's length lights the slit. Their
integral over 2 phi has a pole at 2 theta; the same integral over omega has none, so that few points
of a Gauss quadrature replace a line by symmetric ones whose intensities add up to its own.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["split_lines"]

Array = NDArray[np.float64]

# Orders of the quadrature, and how long the tail may be for each, in FWHM of the line, for errors
# below 0.0005 of its height; the last order does that up to 48 FWHM.
_ORDERS = (1, 3, 4, 6, 8, 12, 16, 32, 64, 128)
_LONGEST = np.array([0.002, 0.3, 0.75, 1.5, 2.0, 4.0, 5.0, 12.0, 24.0])


def split_lines(
    two_theta: Array, fwhm: Array, asymmetry: float
) -> tuple[NDArray[np.intp], Array, Array]:
    """Replace each line by symmetric ones that together have its low-angle tail.

    Parameters
    ----------
    two_theta : ndarray of shape (n_lines,)
        Positions in degrees, 0 to 180.
    fwhm : ndarray of shape (n_lines,)
        Full widths at half maximum in degrees.
    asymmetry : float
        (H + S) / L: half the height of the slit and half the length of the sample over the radius
        of the diffractometer.

    Returns
    -------
    line : ndarray of int of shape (n_parts,)
        Which line each part belongs to.
    position : ndarray of shape (n_parts,)
        Position of each part in degrees.
    fraction : ndarray of shape (n_parts,)
        Part of the line's intensity; fractions of a line add up to one.
    """
    angle = np.radians(two_theta)
    sine = np.sin(angle)
    # Where the ring leaves the slit; a ring that is smaller than the slit is seen as a whole.
    highest = np.sin(np.arctan(asymmetry))
    widest = np.arcsin(highest / np.maximum(sine, highest))
    tail = np.abs(angle - np.arctan2(sine * np.cos(widest), np.cos(angle)))
    order = np.searchsorted(_LONGEST, np.degrees(tail) / fwhm)
    parts = [
        _split(np.flatnonzero(order == k), angle, widest, asymmetry, _ORDERS[k])
        for k in np.unique(order)
    ]
    line, position, fraction = (np.concatenate(found) for found in zip(*parts, strict=True))
    return line, position, fraction


def _split(
    lines: NDArray[np.intp], angle: Array, widest: Array, asymmetry: float, order: int
) -> tuple[NDArray[np.intp], Array, Array]:
    nodes, weights = _quadrature(order)
    omega = widest[lines, np.newaxis] * nodes
    sine, cosine = np.sin(angle[lines, np.newaxis]), np.cos(angle[lines, np.newaxis])
    outward = np.hypot(cosine, sine * np.cos(omega))
    height = sine * np.sin(omega) / np.maximum(outward, np.finfo(float).tiny)
    fraction = weights * np.maximum(asymmetry - height, 0.0)
    fraction /= fraction.sum(axis=1, keepdims=True)
    position = np.degrees(np.arctan2(sine * np.cos(omega), cosine))
    return np.repeat(lines, order), position.ravel(), fraction.ravel()


@cache
def _quadrature(order: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss and Legendre on the interval 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (nodes + 1) / 2, weights / 2
