"""Sites where ions stay: maxima of a density."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Site", "density_sites"]


class Site(NamedTuple):
    """A maximum of a density.

    Parameters
    ----------
    a, b, c : float
        Fractional coordinates of the center of mass of the density around the maximum.
    density : float
        Density of the maximum.
    total : float
        Sum of the density over the voxels around the maximum.
    """

    a: float
    b: float
    c: float
    density: float
    total: float


def density_sites(
    density: NDArray[np.float64],
    lattice: NDArray[np.float64],
    *,
    lowest: float,
    min_distance: float,
) -> list[Site]:
    """Find maxima of at least `lowest`, the highest first, none closer to a higher one.

    What lies within half of `min_distance` in angstrom belongs to a site.
    """
    shape = np.array(density.shape)
    is_maximum = density >= ndimage.maximum_filter(density, size=3, mode="wrap")
    is_maximum &= density >= lowest
    near = _voxels_within(min_distance, shape, lattice)
    around = _voxels_within(min_distance / 2, shape, lattice)
    is_taken = np.zeros(density.shape, dtype=bool)
    sites = []
    maxima = np.argwhere(is_maximum)
    for maximum in maxima[np.argsort(-density[is_maximum], kind="stable")]:
        if is_taken[tuple(maximum)]:
            continue
        is_taken[tuple(((maximum + near) % shape).T)] = True
        weights = density[tuple(((maximum + around) % shape).T)]
        a, b, c = (maximum + np.average(around, axis=0, weights=weights)) / shape % 1
        sites.append(Site(a, b, c, density[tuple(maximum)], weights.sum()))
    return sites


def _voxels_within(
    radius: float, shape: NDArray[np.int64], lattice: NDArray[np.float64]
) -> NDArray[np.int64]:
    """List the steps on the grid, as rows, to all voxels within a radius in angstrom."""
    steps = lattice / shape[:, None]
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(steps), axis=0)).astype(int)
    around = np.indices(2 * reach + 1).reshape(3, -1).T - reach
    return around[np.linalg.norm(around @ steps, axis=1) <= radius]
