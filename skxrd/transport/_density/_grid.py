"""Kernels of densities on a periodic grid, whose voxels are centered on its points."""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import constants, fft, ndimage
from sklearn.utils import gen_batches

from skxrd.exceptions import TransportWarning

__all__ = [
    "DensityUnit",
    "convolved",
    "gaussian_kernel",
    "in_cubic_angstrom",
    "visits",
    "warn_of_single_visits",
    "wraps_around",
]

DensityUnit = Literal["bohr^-3", "angstrom^-3"]

_BOHR = constants.physical_constants["Bohr radius"][0] / constants.angstrom
_UNITS = {"bohr^-3": _BOHR**-3, "angstrom^-3": 1.0}
_BATCH = 1_000_000  # positions at a time
_REACH = 5.0  # standard deviations after which a Gaussian is nothing


def in_cubic_angstrom(level: float, unit: DensityUnit) -> float:
    """Convert a density to angstrom^-3."""
    return level * _UNITS[unit]


def warn_of_single_visits(level: float, one_visit: float, *, stacklevel: int) -> None:
    """Warn of a level that one visit of an ion exceeds; both in angstrom^-3."""
    if level > one_visit:
        return
    warnings.warn(
        f"The level of {level:.3g} angstrom^-3 is not above the {one_visit:.3g} angstrom^-3 that a "
        "single visit of an ion to a voxel gives: it encloses every voxel ever visited. Smooth "
        "more, take larger voxels, a longer trajectory or a higher level.",
        TransportWarning,
        stacklevel=stacklevel,
    )


def visits(
    positions: NDArray[np.floating],
    ions: NDArray[np.intp],
    drift: NDArray[np.float64],
    shape: tuple[int, int, int],
) -> NDArray[np.int64]:
    """Count in how many frames an ion is in each voxel.

    Parameters
    ----------
    positions : ndarray of shape (n_frames, n_all_ions, 3)
        Fractional coordinates, in the cell or not; read block by block.
    ions : ndarray of int of shape (n_ions,)
        Indices of the ions.
    drift : ndarray of shape (n_frames, 3)
        What is taken off the positions of each frame, in fractional coordinates.
    shape : tuple of three ints
        Number of voxels along the lattice vectors.

    Returns
    -------
    ndarray of int of the given shape
        Counts; the sum is n_frames * n_ions.
    """
    counts = np.zeros(np.prod(shape), dtype=np.int64)
    for frames in gen_batches(len(positions), max(1, _BATCH // len(ions))):
        scaled = positions[frames][:, ions] - drift[frames, None]
        scaled *= shape
        scaled += 0.5
        index = np.floor(scaled, out=scaled).astype(np.int64).reshape(-1, 3).T
        counts += np.bincount(
            np.ravel_multi_index(tuple(index), shape, mode="wrap"), minlength=counts.size
        )
    return counts.reshape(shape)


def gaussian_kernel(
    shape: tuple[int, int, int], lattice: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Sample a Gaussian around the first voxel, images of the cell included; its sum is 1.

    It is made in real space, where it is positive everywhere: a Gaussian that is made of the waves
    that fit on the grid has negative lobes where it is narrow.
    """
    metric = lattice @ lattice.T
    inverse_heights = np.linalg.norm(np.linalg.inv(lattice), axis=0)
    # Fractions reach from -1/2 to 1/2 already.
    n_images = np.maximum(0, np.ceil(_REACH * sigma * inverse_heights - 0.5)).astype(int)
    kernel = np.zeros(shape)
    for image in np.ndindex(*(2 * n_images + 1)):
        a, b, c = np.ix_(
            *(fft.fftfreq(n) + i - most for n, i, most in zip(shape, image, n_images, strict=True))
        )
        squared = metric[0, 0] * a**2 + metric[1, 1] * b**2 + metric[2, 2] * c**2
        squared += 2 * (metric[0, 1] * a * b + metric[0, 2] * a * c + metric[1, 2] * b * c)
        kernel += np.exp(-squared / (2 * sigma**2))
    return kernel / kernel.sum()


def convolved(counts: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread counts by a kernel; their sum is kept."""
    spread = fft.irfftn(fft.rfftn(counts) * fft.rfftn(kernel), s=counts.shape)
    np.maximum(spread, 0, out=spread)  # rounding leaves some a little below
    return spread * (counts.sum() / spread.sum())


def wraps_around(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell along which axes a connected region comes back to itself in another cell.

    Regions are first labeled in one cell. Across the faces they form a graph whose edges know how
    many cells they go along each axis; a walk that comes back to a label with a sum other than 0
    went around the cell.
    """
    labels, _ = ndimage.label(inside)
    neighbors = defaultdict(list)
    for axis, step in enumerate(np.eye(3, dtype=int)):
        faces = np.stack([labels.take(-1, axis).ravel(), labels.take(0, axis).ravel()], axis=1)
        for last, first in np.unique(faces[faces.all(axis=1)], axis=0).tolist():
            neighbors[last].append((first, step))
            neighbors[first].append((last, -step))
    wraps = np.zeros(3, dtype=bool)
    cells: dict[int, NDArray[np.int64]] = {}
    for start in neighbors:
        if start in cells:
            continue
        cells[start] = np.zeros(3, dtype=int)
        reached = [start]
        while reached:
            label = reached.pop()
            for neighbor, step in neighbors[label]:
                cell = cells[label] + step
                if neighbor in cells:
                    wraps |= cell != cells[neighbor]
                else:
                    cells[neighbor] = cell
                    reached.append(neighbor)
    return wraps
