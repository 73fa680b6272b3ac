"""Pictures of migration densities: projections, slices and isosurfaces."""

from __future__ import annotations

import itertools
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skxrd._sklearn import Interval, StrOptions, validate_params
from skxrd._style import COLORS, MARKERS, pyplot
from skxrd.transport._density._estimator import MigrationDensity
from skxrd.transport._density._grid import DensityUnit, in_cubic_angstrom, warn_of_single_visits
from skxrd.transport._density._isosurface import draw_isosurface
from skxrd.transport._density._view import DensityView, density_view

__all__ = ["MigrationDensityDisplay"]

Axis = Literal["a", "b", "c"]

# Of the same palette as the others; light and dark ones alternate, to be told apart in gray.
_ION_COLORS = ("#D55E00", "#F0E442", "#000000", "#CC79A7", "#009E73", "#E69F00")

_ION_STYLE = {"s": 25, "edgecolor": "white", "linewidth": 0.8}
_UNITS = {"bohr^-3": "a$_0^{-3}$", "angstrom^-3": "Å$^{-3}$"}


class MigrationDensityDisplay:
    """Projections, slices and isosurfaces of a density in a periodic cell.

    `from_estimator` makes one and draws a projection.

    Parameters
    ----------
    density : array-like of shape (n_a, n_b, n_c)
        Density in angstrom^-3, voxels centered on the points (i / n_a, j / n_b, k / n_c).
    lattice : array-like of shape (3, 3)
        Lattice vectors in rows, in angstrom.
    species : str, default="Li"
        Symbol of the mobile ions.
    framework_species : sequence of str of length n_framework, default=()
        Species of ions that are drawn with the density.
    framework_positions : array-like of shape (n_framework, 3), default=()
        Their positions, in fractional coordinates.
    one_visit : float, default=0.0
        Density in angstrom^-3 that a single visit gives; surfaces of a level that is not above it
        come with a warning.

    Attributes
    ----------
    density : ndarray of shape (n_a, n_b, n_c)
        Density in angstrom^-3.
    lattice : ndarray of shape (3, 3)
        Lattice vectors in angstrom.
    species : str
        Symbol of the mobile ions.
    framework_species : ndarray of str of shape (n_framework,)
        Species of the ions that are drawn with the density.
    framework_positions : ndarray of shape (n_framework, 3)
        Their positions, in fractional coordinates.
    one_visit : float
        Density in angstrom^-3 that a single visit gives.
    ax_ : matplotlib Axes
        Axes that were drawn on last.
    figure_ : matplotlib Figure
        Figure of the axes.
    mesh_ : matplotlib QuadMesh
        The map of a projection or slice.
    colorbar_ : matplotlib Colorbar
        Scale of the map.
    points_ : matplotlib Path3DCollection
        The isosurface and the ions.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    See Also
    --------
    MigrationDensity : Computes the density, and writes files for VESTA and others.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figure S12.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.transport import IonTrajectory, MigrationDensity, MigrationDensityDisplay
    >>> positions = np.full((800, 2, 3), 0.5)
    >>> positions[:, 0, 0] = np.linspace(0, 8, 800)
    >>> trajectory = IonTrajectory(positions, 4 * np.eye(3), ["Li", "S"], time_step=10.0)
    >>> density = MigrationDensity(spacing=0.5).fit(trajectory)
    >>> display = MigrationDensityDisplay.from_estimator(density, axis="c", height=0.5)
    >>> display.ax_.get_xlabel()
    'Distance along a (Å)'
    """

    def __init__(
        self,
        density: ArrayLike,
        lattice: ArrayLike,
        *,
        species: str = "Li",
        framework_species: ArrayLike = (),
        framework_positions: ArrayLike = (),
        one_visit: float = 0.0,
    ) -> None:
        self.density = np.asarray(density, dtype=float)
        self.lattice = np.asarray(lattice, dtype=float)
        self.species = species
        self.framework_species = np.asarray(framework_species, dtype=str)
        self.framework_positions = np.asarray(framework_positions, dtype=float).reshape(-1, 3)
        self.one_visit = one_visit
        if self.density.ndim != 3 or not self.density.size or self.lattice.shape != (3, 3):
            raise ValueError(
                "density must have three axes and lattice the shape (3, 3); got shapes "
                f"{self.density.shape} and {self.lattice.shape}."
            )
        if self.framework_species.shape != self.framework_positions.shape[:1]:
            raise ValueError(
                "framework_species must name each of the framework_positions; got shapes "
                f"{self.framework_species.shape} and {self.framework_positions.shape}."
            )

    @validate_params(
        {
            "axis": [StrOptions({"a", "b", "c"})],
            "height": [None, Interval(Real, None, None, closed="neither")],
            "vmax": [None, Interval(Real, 0, None, closed="neither")],
        },
        prefer_skip_nested_validation=True,
    )
    def plot(
        self,
        *,
        ax: Any = None,
        axis: Axis = "c",
        height: float | None = None,
        cmap: str = "viridis",
        vmax: float | None = None,
    ) -> Self:
        """Draw the density as seen along an axis, projected or in a slice.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        axis : {"a", "b", "c"}, default="c"
            Lattice vector to look along.
        height : float, default=None
            Place of the slice along the axis in fractional coordinates; the nearest layer of voxels
            is drawn, with framework ions within 1 angstrom. None integrates over the axis and draws
            all framework ions.
        cmap : str, default="viridis"
            Color map; the default is perceptually uniform and can be read in gray.
        vmax : float, default=None
            Value of the last color; None stands for the highest one. The scale goes with the square
            root, so that paths between sites are seen.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `mesh_` and `colorbar_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If there is no such axis.
        """
        plt = pyplot(self)
        view = density_view(self.density, self.lattice, "abc".index(axis), height)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        highest = vmax or view.values.max() or 1.0
        self.mesh_ = ax.pcolormesh(
            view.x,
            view.y,
            view.values,
            cmap=cmap,
            norm=plt.matplotlib.colors.PowerNorm(0.5, vmin=0, vmax=highest),
            rasterized=True,  # thousands of cells make large vector files
        )
        unit, way = ("Å$^{-2}$", "along") if height is None else ("Å$^{-3}$", f"at {height:g}")
        self.colorbar_ = ax.figure.colorbar(
            self.mesh_,
            cax=ax.inset_axes((1.04, 0, 0.05, 1)),  # as high as the axes, whose aspect is fixed
            label=f"{self.species} density {way} {axis} ({unit})",
            extend="max" if view.values.max() > highest else "neither",
        )
        self._draw_ions(view)
        ax.set(xlabel=view.x_label, ylabel=view.y_label, aspect="equal")
        return self

    @validate_params(
        {
            "level": [Interval(Real, 0, None, closed="neither")],
            "unit": [StrOptions({"bohr^-3", "angstrom^-3"})],
        },
        prefer_skip_nested_validation=True,
    )
    def plot_isosurface(
        self,
        level: float = 1e-3,
        unit: DensityUnit = "bohr^-3",
        *,
        ax: Any = None,
        color: str = COLORS[5],
    ) -> Self:
        """Draw an isosurface in space, as dots that lie on it, with the ions of the framework.

        Parameters
        ----------
        level : float, default=1e-3
            Density of the surface.
        unit : {"bohr^-3", "angstrom^-3"}, default="bohr^-3"
            Unit of the level.
        ax : matplotlib Axes3D, default=None
            Axes to draw on, made with ``projection="3d"``; None makes a figure.
        color : str, default="#56B4E9"
            Color of the surface.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_` and `points_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If the density is below the level everywhere, or the axes are flat.

        Warns
        -----
        TransportWarning
            If a single visit exceeds the level.
        """
        plt = pyplot(self)
        density = in_cubic_angstrom(level, unit)
        if density > self.density.max():
            raise ValueError(
                f"level is {density:.4g} angstrom^-3; the density is at most "
                f"{self.density.max():.4g} angstrom^-3."
            )
        warn_of_single_visits(density, self.one_visit, stacklevel=4)
        if ax is None:
            _, ax = plt.subplots(layout="constrained", subplot_kw={"projection": "3d"})
        if not hasattr(ax, "get_zlim"):
            raise ValueError('ax must be made with projection="3d".')
        self.ax_, self.figure_ = ax, ax.figure
        styles = self._styles()
        self.points_ = draw_isosurface(
            ax,
            self.density,
            self.lattice,
            density,
            color=color,
            ions=self.framework_positions % 1,
            ion_colors=[styles[species][1] for species in self.framework_species],
        )
        colors = {f"{self.species}, {level:.3g} {_UNITS[unit]}": color}
        colors.update({species: ion_color for species, (_, ion_color) in styles.items()})
        line = plt.matplotlib.lines.Line2D
        handles = [
            line([], [], marker="o", linestyle="", color=shown, label=label)
            for label, shown in colors.items()
        ]
        self._legend(handles=handles)
        return self

    @classmethod
    def from_estimator(
        cls, estimator: MigrationDensity, *, ax: Any = None, **plot_kwargs: Any
    ) -> Self:
        """Draw the projection or a slice of a fitted estimator.

        Parameters
        ----------
        estimator : MigrationDensity
            Fitted estimator.
        ax : matplotlib Axes, default=None
            As for `plot`.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        MigrationDensityDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(estimator)
        display = cls(
            estimator.density_,
            estimator.lattice_,
            species=estimator._species,
            framework_species=estimator.framework_species_,
            framework_positions=estimator.framework_positions_,
            one_visit=estimator.one_visit_,
        )
        return display.plot(ax=ax, **plot_kwargs)

    def _styles(self) -> dict[str, tuple[str, str]]:
        """Marker and color of each species of the framework."""
        species = np.unique(self.framework_species).tolist()
        styles = zip(itertools.cycle(MARKERS), itertools.cycle(_ION_COLORS), strict=False)
        return dict(zip(species, styles, strict=False))

    def _draw_ions(self, view: DensityView) -> None:
        is_seen = view.is_seen(self.framework_positions)
        for species, (marker, color) in self._styles().items():
            chosen = self.framework_positions[is_seen & (self.framework_species == species)]
            if len(chosen):
                x, y = view.place(chosen)
                self.ax_.scatter(x, y, color=color, marker=marker, label=species, **_ION_STYLE)
        if is_seen.any():
            self._legend()

    def _legend(self, **handles: Any) -> None:
        self.ax_.legend(
            **handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, borderpad=0
        )
