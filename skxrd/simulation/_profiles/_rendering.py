"""Lines to a pattern: pseudo-Voigt profiles of many widths, added on a grid, in numpy.

Positions and widths are in grid points, so that nothing here knows of angles. The compiled twin of
this kernel is in `_rendering_compiled`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.simulation._profiles._shapes import GAUSSIAN_REACH

__all__ = ["NARROWEST", "render_lines"]

Array = NDArray[np.float64]

NARROWEST = 0.2  # grid points: what is narrower all falls on the nearest point anyway
ROUNDING = 1e-9  # grid points: 2 * 0.06 / 0.02 is 6, not 7
_CHUNK = 2**15  # points of profiles at a time: they stay in the processor's cache


def render_lines(
    position: Array, intensity: Array, fwhm: Array, eta: Array, reach: float, n_points: int
) -> Array:
    """Add the profiles of lines on a grid.

    Each line is a pseudo-Voigt profile around its exact position, cut `reach` FWHM from it (its
    Gaussian part `GAUSSIAN_REACH` FWHM from it, where nothing is left of it) and scaled such that
    its sum over the points of a grid without ends is its intensity.

    Parameters
    ----------
    position : ndarray of shape (n_lines,)
        Positions in grid points, 0 for the first point; also beyond the ends of the grid.
    intensity : ndarray of shape (n_lines,)
        Sum of each profile.
    fwhm : ndarray of shape (n_lines,)
        Full widths at half maximum in grid points, above 0.
    eta : ndarray of shape (n_lines,)
        Fractions of the Lorentzian, 0 to 1.
    reach : float
        Where profiles are cut, in FWHM on each side.
    n_points : int
        Number of points of the grid.

    Returns
    -------
    ndarray of shape (n_points,)
        Pattern.
    """
    pattern = np.zeros(n_points)
    fwhm = np.maximum(fwhm, NARROWEST)
    half_width = np.where(eta > 0, reach, min(reach, GAUSSIAN_REACH)) * fwhm
    near = (position + half_width > -1) & (position - half_width < n_points)
    if not near.all():
        position, intensity, fwhm, eta = position[near], intensity[near], fwhm[near], eta[near]
        half_width = half_width[near]
    for lines in _chunks(half_width):
        _add(pattern, position[lines], intensity[lines], fwhm[lines], eta[lines], reach)
    return pattern


def _chunks(half_width: Array) -> Iterator[slice]:
    """Cut the lines into runs of about `_CHUNK` points."""
    run = (np.cumsum(2 * half_width + 2) // _CHUNK).astype(int)
    ends = np.flatnonzero(np.diff(run)) + 1
    start = 0
    for stop in (*ends.tolist(), len(run)):
        if stop > start:
            yield slice(start, stop)
        start = stop


class _Windows(NamedTuple):
    """Points around lines, one line after the other in flat arrays."""

    n: NDArray[np.intp]  # points of each line
    first: NDArray[np.intp]  # where the points of each line begin in the flat arrays
    point: NDArray[np.intp]  # grid point of each flat entry
    squared: Array  # squared distance from the line of each flat entry

    def add(self, pattern: Array, profile: Array) -> None:
        """Add a flat profile to a pattern; what lies beyond its ends is left out."""
        low = min(self.point.min(), 0)
        summed = np.bincount(self.point - low, weights=profile, minlength=len(pattern) - low)
        pattern += summed[-low : len(pattern) - low]


def _windows(position: Array, half_width: Array) -> _Windows:
    low = np.floor(position - half_width + ROUNDING).astype(np.intp)
    n = np.ceil(position + half_width - ROUNDING).astype(np.intp) - low + 1
    first = np.cumsum(n) - n
    flat = np.arange(n.sum())
    distance = flat + np.repeat(low - first - position, n)
    distance *= distance
    flat += np.repeat(low - first, n)
    return _Windows(n, first, flat, distance)


def _add(
    pattern: Array, position: Array, intensity: Array, fwhm: Array, eta: Array, reach: float
) -> None:
    parts = []
    total = np.zeros(len(position))
    if (eta < 1).any():
        near = _windows(position, min(reach, GAUSSIAN_REACH) * fwhm)
        profile = near.squared
        profile *= np.repeat(-4 * np.log(2) / fwhm**2, near.n)
        np.exp(profile, out=profile)
        height = (1 - eta) * 2 * np.sqrt(np.log(2) / np.pi) / fwhm
        total += height * np.add.reduceat(profile, near.first)
        parts.append((near, profile, height))
    if (eta > 0).any():
        far = _windows(position, reach * fwhm)
        profile = far.squared
        profile += np.repeat(fwhm**2 / 4, far.n)
        np.reciprocal(profile, out=profile)
        height = eta * fwhm / (2 * np.pi)
        total += height * np.add.reduceat(profile, far.first)
        parts.append((far, profile, height))
    for windows, profile, height in parts:
        profile *= np.repeat(intensity * height / total, windows.n)
        windows.add(pattern, profile)
