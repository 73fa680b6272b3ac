"""One measured pattern on the points of a grid, and which of these were measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from skxrd._bragg import BraggAxis
from skxrd.grid import TwoThetaGrid
from skxrd.io import MeasuredPattern

__all__ = ["OnGrid", "on_grid"]

_SAME = 1e-5  # relative difference of wavelengths that moves no line by a visible amount
_HOLE = 10  # median steps; larger steps are no measurement but the distance between two
_ROUNDING = 1e-6  # of a step; it must not cost the last angle of a shared range


class OnGrid(NamedTuple):
    """A pattern on the points of a grid between its first and its last angle."""

    inside: slice
    row: NDArray[np.float64]
    is_measured: NDArray[np.bool_]  # of all points of the grid
    start: float
    stop: float
    holes: list[tuple[float, float]]


def _at_wavelength(
    pattern: MeasuredPattern, target: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return angles at another wavelength, and the intensities whose planes diffract there."""
    two_theta, intensity = pattern.two_theta, pattern.intensity
    if pattern.wavelength is None or abs(pattern.wavelength / target - 1) < _SAME:
        return two_theta, intensity
    angles = BraggAxis("two_theta", pattern.wavelength, target).values(two_theta)
    possible = np.isfinite(angles)
    return angles[possible], intensity[possible]


def on_grid(grid: TwoThetaGrid, target: float, pattern: MeasuredPattern, name: str) -> OnGrid:
    two_theta, intensity = _at_wavelength(pattern, target)
    inside = _measured(grid, two_theta)
    is_measured = np.zeros(grid.n_points, dtype=bool)
    is_measured[inside] = True
    holes = []
    steps = np.diff(pattern.two_theta)  # those of another wavelength widen towards 180 degrees
    for left in np.flatnonzero(steps[: max(0, len(two_theta) - 1)] > _HOLE * np.median(steps)):
        low, high = two_theta[[left, left + 1]].tolist()
        tolerance = _ROUNDING * grid.step
        within = (grid.two_theta > low + tolerance) & (grid.two_theta < high - tolerance)
        if high - low > grid.step and within.any():
            is_measured &= ~within
            holes.append((max(low, grid.start), min(high, grid.stop)))
    if is_measured.sum() < 2:
        raise ValueError(f"Pattern {name}: {_out_of_reach(grid, two_theta, pattern)}")
    row = _averages(grid, inside, two_theta, intensity)
    return OnGrid(inside, row, is_measured, float(two_theta[0]), float(two_theta[-1]), holes)


def _measured(grid: TwoThetaGrid, two_theta: NDArray[np.float64]) -> slice:
    """Find the points of the grid that lie between the first and the last angle."""
    if len(two_theta) < 2:
        return slice(0, 0)
    tolerance = _ROUNDING * grid.step
    limits = [two_theta[0] - tolerance, two_theta[-1] + tolerance]
    start, stop = np.searchsorted(grid.two_theta, limits)
    return slice(int(start), int(stop))


def _averages(
    grid: TwoThetaGrid,
    inside: slice,
    two_theta: NDArray[np.float64],
    intensity: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Average the straight lines between measured points over each step of the grid."""
    centers = grid.two_theta[inside]
    edges = np.append(centers - grid.step / 2, centers[-1] + grid.step / 2)
    edges = np.clip(edges, two_theta[0], two_theta[-1])
    integral = make_interp_spline(two_theta, intensity, k=1).antiderivative()
    return np.diff(integral(edges)) / np.diff(edges)


def _out_of_reach(
    grid: TwoThetaGrid, two_theta: NDArray[np.float64], pattern: MeasuredPattern
) -> str:
    found = "no angle" if len(two_theta) == 0 else f"{two_theta[0]:.2f} to {two_theta[-1]:.2f}"
    return (
        f"measured from {pattern.two_theta[0]:.2f} to {pattern.two_theta[-1]:.2f} degrees, which "
        f"is {found} at the wavelength of the model; its grid goes from {grid.start:g} to "
        f"{grid.stop:g} degrees, and at least two of its points must be covered, outside of holes."
    )
