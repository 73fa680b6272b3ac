"""Isosurfaces as dots that lie on them, which matplotlib can sort by depth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["draw_isosurface", "surface_points"]

_LIGHT = np.array([0.35, -0.6, 0.72])  # from where light falls
_SHADE = 0.45  # what is left of a color in the shade
_ION_SIZE = 35.0  # points^2


def surface_points(
    density: NDArray[np.float64], lattice: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find points on an isosurface and its normals there, which point to lower densities.

    Voxels inside, with a neighbor outside or beyond a face of the cell, are moved down the gradient
    until they are at the level, by one voxel at most.

    Returns
    -------
    points, normals : ndarray of shape (n_points, 3)
        In angstrom, and of length 1.
    """
    inside = density >= level
    voxels = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    around = np.pad(density, 1, mode="wrap")
    slopes = np.array(np.gradient(around))[:, *(voxels + 1).T].T
    steps = lattice / np.array(density.shape)[:, None]
    gradients = slopes @ np.linalg.inv(steps).T
    steepness = np.linalg.norm(gradients, axis=1, keepdims=True)
    steepness[steepness == 0] = 1.0  # a lone voxel, which stays where it is
    normals = -gradients / steepness
    excess = density[tuple(voxels.T)] - level
    widest = np.linalg.norm(steps, axis=1).max()
    moves = np.minimum(excess[:, None] / steepness, widest)
    return voxels @ steps + moves * normals, normals


def draw_isosurface(
    ax: Any,
    density: NDArray[np.float64],
    lattice: NDArray[np.float64],
    level: float,
    *,
    color: str,
    ions: NDArray[np.float64],
    ion_colors: Sequence[str],
) -> Any:
    """Draw the surface, the ions and the edges of the cell on axes in space."""
    from matplotlib.colors import to_rgb

    points, normals = surface_points(density, lattice, level)
    light = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)[:, None]
    shaded = np.array(to_rgb(color)) * (_SHADE + (1 - _SHADE) * light)
    corners = np.array(list(itertools.product((0, 1), repeat=3)))
    for start, end in itertools.combinations(corners, 2):
        if np.abs(end - start).sum() == 1:
            ax.plot(*(np.stack([start, end]) @ lattice).T, color="0.4", linewidth=0.8)
    # Dots wider than twice the voxels leave no gap.
    box = ax.get_window_extent()
    extent = np.ptp(corners @ lattice, axis=0)
    points_per_angstrom = 0.55 * min(box.width, box.height) / ax.figure.dpi * 72 / extent.max()
    width = (abs(np.linalg.det(lattice)) / density.size) ** (1 / 3)
    size = (2.4 * width * points_per_angstrom) ** 2
    drawn = ax.scatter(  # all at once: dots are sorted by depth within one collection only
        *np.concatenate([points, ions @ lattice]).T,
        s=[size] * len(points) + [_ION_SIZE] * len(ions),
        c=np.concatenate([shaded, np.array([to_rgb(c) for c in ion_colors]).reshape(-1, 3)]),
        depthshade=False,
        linewidths=0,
    )
    ax.set(xlabel="x (Å)", ylabel="y (Å)", zlabel="z (Å)")
    ax.set_aspect("equal")
    ax.locator_params(nbins=5)
    ax.grid(False)
    return drawn
