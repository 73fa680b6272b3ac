"""What of a density in a cell is seen on paper: the view along a lattice vector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DensityView", "density_view"]

_STRAIGHT = 1e-3  # angstrom that a vector may lean by
_NEAR = 1.0  # angstrom from a slice within which ions are seen


class DensityView(NamedTuple):
    """A layer of voxels, or all of them one behind the other.

    Parameters
    ----------
    values : ndarray of shape (n_1, n_2)
        Density of the layer in angstrom^-3, or integrated along the axis in angstrom^-2.
    x, y : ndarray of shape (n_1 + 1, n_2 + 1)
        Corners of the voxels in angstrom.
    plane : ndarray of shape (2, 2)
        Both other lattice vectors in the plane of the paper, the first one to the right.
    axes : tuple of three ints
        Numbers of the lattice vectors in the plane and of the one that is looked along.
    height : float or None
        Place of the slice in fractional coordinates.
    depth : float
        Height of the cell over the plane of a slice in angstrom.
    is_projected : tuple of two bool
        Whether the vectors of the plane are lattice vectors without their part along the axis.
    """

    values: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    plane: NDArray[np.float64]
    axes: tuple[int, int, int]
    height: float | None
    depth: float
    is_projected: tuple[bool, bool]

    @property
    def x_label(self) -> str:
        """Label of the axis to the right."""
        return f"Distance {self._way_along(0)} (Å)"

    @property
    def y_label(self) -> str:
        """Label of the axis upwards, which is no lattice vector in an oblique cell."""
        is_oblique = abs(self.plane[1, 0]) > _STRAIGHT
        # Perpendicular to both the projection and the axis is perpendicular to the vector itself.
        way = f"perpendicular to {'abc'[self.axes[0]]}" if is_oblique else self._way_along(1)
        return f"Distance {way} (Å)"

    def _way_along(self, number: int) -> str:
        way = f"along {'abc'[self.axes[number]]}"
        return f"{way}, projected" if self.is_projected[number] else way

    def is_seen(self, fractional: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which ions are in the view."""
        if self.height is None:
            return np.ones(len(fractional), dtype=bool)
        away = fractional[:, self.axes[2]] - self.height
        return np.abs(away - np.round(away)) * self.depth <= _NEAR

    def place(self, fractional: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Find x and y of ions, in angstrom."""
        half = 0.5 / np.array(self.values.shape)  # of a voxel: where the picture begins
        x, y = (((fractional[:, list(self.axes[:2])] + half) % 1 - half) @ self.plane).T
        return x, y


def density_view(
    density: NDArray[np.float64], lattice: NDArray[np.float64], axis: int, height: float | None
) -> DensityView:
    """Look along a lattice vector: on the layer at a fractional height, or through the cell.

    A layer is drawn in its own plane. A projection is drawn in the plane that the axis is
    perpendicular to, in which nothing of a density is lost or seen twice.
    """
    axes = (axis + 1) % 3, (axis + 2) % 3, axis
    density = density.transpose(axes)
    first, second, along = lattice[list(axes)]
    depth = 1 / np.linalg.norm(np.linalg.inv(lattice)[:, axis])
    is_projected = False, False
    if height is None:
        length = np.linalg.norm(along)
        values = density.mean(axis=2) * length
        leans = np.abs([first @ along, second @ along]) > _STRAIGHT * length
        is_projected = bool(leans[0]), bool(leans[1])
        first, second = (v - (v @ along) * along / length**2 for v in (first, second))
    else:
        values = density[:, :, round(height * density.shape[2]) % density.shape[2]]
    right = first / np.linalg.norm(first)
    up = second - (second @ right) * right
    plane = np.array([[first @ right, 0.0], [second @ right, np.linalg.norm(up)]])
    corners = np.meshgrid(*[(np.arange(n + 1) - 0.5) / n for n in values.shape], indexing="ij")
    x, y = np.moveaxis(np.stack(corners, axis=-1) @ plane, -1, 0)
    return DensityView(values, x, y, plane, axes, height, float(depth), is_projected)
