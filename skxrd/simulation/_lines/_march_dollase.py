"""Preferred orientation: how often a plane is seen, by its angle to the axis of a texture."""

from __future__ import annotations

from typing import Any

__all__ = ["march_dollase"]


def march_dollase(cosine: Any, ratio: Any) -> Any:
    """Compute the factor of March and Dollase, whose mean over the sphere is one.

    Parameters
    ----------
    cosine : ndarray or Tensor
        Cosine of the angle between the plane's normal and the axis.
    ratio : float, ndarray or Tensor
        r, below 1 for plates that lie flat and above 1 for needles.

    Returns
    -------
    ndarray or Tensor
        Factors of the intensity.

    References
    ----------
    W. A. Dollase, Journal of Applied Crystallography 19, 267 (1986).
    """
    return (ratio**2 * cosine**2 + (1 - cosine**2) / ratio) ** -1.5
