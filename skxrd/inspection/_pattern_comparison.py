"""Measured patterns: on one axis with each other, and with what was simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd._bragg import BraggAxis
from skxrd.grid import TwoThetaGrid
from skxrd.io import MeasuredPattern
from skxrd.simulation._lines._wavelengths import emission_lines

__all__ = [
    "Wavelength",
    "background_of",
    "checked_measured",
    "common_axis",
    "mean_wavelength",
    "scale_factor",
    "simulated_at",
]

_SAME_WAVELENGTH = 1e-6  # relative; far below the width of an emission line
# Share of points without a neighbor: none in a profile, a quarter where sticks are dense.
_MOST_LONE = 0.1

Floats = NDArray[np.float64]
Wavelength = str | float | Mapping[str | float, float]


def mean_wavelength(wavelength: Wavelength) -> float:
    """Return the mean of emission lines, which is what files state of a doublet."""
    if isinstance(wavelength, Real) and not 0 < float(wavelength) < np.inf:
        raise ValueError(f"wavelength must be a positive number of angstrom, got {wavelength!r}.")
    return sum(length * share for length, share in emission_lines(wavelength).items())


def checked_measured(patterns: Sequence[MeasuredPattern]) -> Sequence[MeasuredPattern]:
    """Return measured patterns, or tell what else was given."""
    if not patterns:
        raise ValueError("measured must hold at least one pattern, got none.")
    for number, pattern in enumerate(patterns):
        if not isinstance(pattern, MeasuredPattern):
            raise TypeError(
                "measured must be a MeasuredPattern or a sequence of them, got a "
                f"{type(pattern).__name__} as item {number}; skxrd.io.read_patterns reads files."
            )
    return patterns


def common_axis(patterns: Sequence[MeasuredPattern]) -> tuple[Floats, float | None]:
    """Return angles and wavelength of patterns that have them in common."""
    first = checked_measured(patterns)[0]
    for number, pattern in enumerate(patterns):
        if not np.array_equal(pattern.two_theta, first.two_theta):
            raise ValueError(
                f"measured patterns must share their angles; those of item {number} differ from "
                "the first. MeasuredPatternTransformer puts patterns on one grid, and "
                "from_patterns draws them."
            )
        if not _same(pattern.wavelength, first.wavelength):
            raise ValueError(
                f"measured patterns must share their wavelength; that of item {number} is "
                f"{pattern.wavelength}, that of the first {first.wavelength} angstrom."
            )
    return first.two_theta, first.wavelength


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one / other - 1) < _SAME_WAVELENGTH


def background_of(measured: MeasuredPattern, background: ArrayLike | None) -> Floats:
    """Return the background at each measured angle."""
    if background is None:
        return np.zeros(len(measured.two_theta))
    values = np.asarray(background, dtype=float)
    if values.shape != measured.two_theta.shape:
        raise ValueError(
            f"background must hold a number for each of the {len(measured.two_theta)} measured "
            f"angles, got shape {values.shape}."
        )
    return values


def simulated_at(
    measured: MeasuredPattern, simulated: Floats, grid: TwoThetaGrid, wavelength: float
) -> Floats:
    """Interpolate a profile of another wavelength at the measured angles; NaN beyond its grid."""
    if measured.wavelength is None:
        raise ValueError(
            "measured must have a wavelength to be compared, and this pattern has none: read it "
            "with read_pattern(path, wavelength=...)."
        )
    if simulated.shape != (grid.n_points,):
        raise ValueError(
            "simulated must be one pattern with a point for each angle of grid: got shape "
            f"{simulated.shape} for {grid.n_points} angles."
        )
    lone = (simulated[1:-1] != 0) & (simulated[:-2] == 0) & (simulated[2:] == 0)
    if lone.sum() > _MOST_LONE * np.count_nonzero(simulated):
        raise ValueError(
            "simulated must be a profile, and this one holds sticks, which fall between the "
            "measured angles: simulate it with fwhm or profile."
        )
    angles = BraggAxis("two_theta", measured.wavelength, wavelength).values(measured.two_theta)
    inside = (angles >= grid.start) & (angles <= grid.stop)  # False for NaN
    curve = np.full(len(angles), np.nan)
    curve[inside] = np.interp(angles[inside], grid.two_theta, simulated)
    return curve


def scale_factor(measured: Floats, simulated: Floats) -> float:
    """Least-squares factor of a simulated pattern, where it is not NaN."""
    common = np.isfinite(simulated)
    norm = float(simulated[common] @ simulated[common])
    if not norm:
        raise ValueError(
            "simulated has no intensity at the measured angles: there is nothing to compare."
        )
    factor = float(simulated[common] @ measured[common]) / norm
    if factor <= 0:
        raise ValueError(
            f"The least-squares factor of simulated is {factor:.3g}, but must be positive: "
            "background lies above the measured lines."
        )
    return factor
