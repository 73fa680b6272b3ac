"""Where mobile ions are, as a density on a grid."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skxrd._sklearn import Interval, StrOptions, fit_context, validate_params
from skxrd.transport._density._files import DensityFilesMixin
from skxrd.transport._density._grid import (
    DensityUnit,
    convolved,
    gaussian_kernel,
    in_cubic_angstrom,
    visits,
    warn_of_single_visits,
    wraps_around,
)
from skxrd.transport._density._sites import density_sites
from skxrd.transport._trajectory._drift import Drift, drift_of
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory
from skxrd.transport._trajectory._unwrapping import frame_blocks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MigrationDensity"]

_MOST_VOXELS = 200_000_000  # 1.6 GB
_LEVEL = {
    "level": [Interval(Real, 0, None, closed="neither")],
    "unit": [StrOptions({"bohr^-3", "angstrom^-3"})],
}


class MigrationDensity(DensityFilesMixin, BaseEstimator):
    """Density of mobile ions over the time of a trajectory.

    Parameters
    ----------
    species : str, default="Li"
        Symbol of the mobile ions.
    spacing : float, default=0.2
        Largest width of a voxel in angstrom: each lattice vector is cut into the fewest equal parts
        that are no longer.
    smooth : float, default=0.0
        Standard deviation in angstrom of the Gaussian that each visit of an ion is spread by, 0 for
        none.
    normalize : {"ion", "total"}, default="ion"
        ``"ion"``: probability density of one ion, whose integral over the cell is 1. ``"total"``:
        density of all of them, whose integral is their number.
    drift : {"framework", "center_of_mass"}, default="framework"
        Whose motion is taken out first; None leaves positions as they are.

    Attributes
    ----------
    density_ : ndarray of shape (n_a, n_b, n_c)
        Density in angstrom^-3. Voxel (i, j, k) is centered on (i / n_a, j / n_b, k / n_c) in
        fractional coordinates, as the points of grids in files are.
    shape_ : tuple of three ints
        Number of voxels along the lattice vectors.
    lattice_ : ndarray of shape (3, 3)
        Lattice vectors in rows, in angstrom; the mean over time where the cell changes.
    one_visit_ : float
        Highest density in angstrom^-3 that a single visit of one ion gives. What is not well above
        is chance.
    framework_species_ : ndarray of str of shape (n_framework,)
        Species of the ions that are not mobile.
    framework_positions_ : ndarray of shape (n_framework, 3)
        Their mean positions, in fractional coordinates.
    mobile_positions_ : ndarray of shape (n_ions, 3)
        Positions of the mobile ions in the first frame, in fractional coordinates.

    Raises
    ------
    TrajectoryError
        If the trajectory has no ion of the species or one frame only, its frames are too sparse to
        follow the ions whose drift is taken out, its cell was chosen anew on the way, or
        "center_of_mass" is that of mobile ions only.
    TypeError
        If `trajectory` is no IonTrajectory.
    ValueError
        If a parameter is out of its range, or the grid would have more than 200 million voxels.

    Warns
    -----
    TransportWarning
        If there is no framework whose drift could be taken out; by methods with a level, if a
        single visit exceeds it.

    See Also
    --------
    MigrationDensityDisplay : Pictures of the density.
    VanHove : How far the ions go.

    Notes
    -----
    Densities are given per bohr^3 and per angstrom^3, which differ by a factor of 6.748, and files
    do not tell which. VESTA divides the values of a CHGCAR by the volume in bohr^3. It shows
    bohr^-3 where the file holds density times volume, as VASP writes it (``convention="vasp"``).
    pymatgen-analysis-diffusion multiplies a density in angstrom^-3 by the volume in bohr^3, so that
    the numbers which VESTA then shows are in angstrom^-3, whatever their label says
    (``convention="vesta"``). A level from a paper may be meant either way.

    From S = n_frames * n_ions positions, one visit to a voxel of volume v gives 1 / (S v): with
    voxels of 0.2 angstrom, a level of 0.001 bohr^-3 needs at least 18,500 positions, or smoothing.

    References
    ----------
    Z. Zhu, I.-H. Chu, Z. Deng, S. P. Ong, Role of Na+ interstitials and dopants in enhancing the
    Na+ conductivity of the cubic Na3PS4 superionic conductor, Chemistry of Materials 27 (2015)
    8318-8325.

    VESTA users' list, "Very confusing description of the unit in VESTA Manual for an imported VASP
    CHGCAR file" (January 2024): the unit of a CHGCAR.

    Examples
    --------
    An ion that goes along one axis of the cell:

    >>> import numpy as np
    >>> from skxrd.transport import IonTrajectory, MigrationDensity
    >>> positions = np.full((800, 1, 3), 0.5)
    >>> positions[:, 0, 0] = np.linspace(0, 8, 800)
    >>> trajectory = IonTrajectory(positions, 4 * np.eye(3), ["Li"], time_step=10.0)
    >>> density = MigrationDensity(spacing=0.5, drift=None).fit(trajectory)
    >>> print(f"{density.density_.mean() * 4**3:.3f}")  # the integral over the cell
    1.000
    >>> density.percolates(0.02, "angstrom^-3")
    array([ True, False, False])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "species": [str],
        "spacing": [Interval(Real, 0, None, closed="neither")],
        "smooth": [Interval(Real, 0, None, closed="left")],
        "normalize": [StrOptions({"ion", "total"})],
        "drift": [None, StrOptions({"framework", "center_of_mass"})],
    }

    def __init__(
        self,
        species: str = "Li",
        *,
        spacing: float = 0.2,
        smooth: float = 0.0,
        normalize: Literal["ion", "total"] = "ion",
        drift: Drift | None = "framework",
    ) -> None:
        self.species = species
        self.spacing = spacing
        self.smooth = smooth
        self.normalize = normalize
        self.drift = drift

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, trajectory: IonTrajectory, y: Any = None) -> Self:
        """Compute the density.

        Parameters
        ----------
        trajectory : IonTrajectory
            Positions over time.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TrajectoryError
            If there is no ion of the species, or one frame, or the drift cannot be followed.
        TypeError
            If `trajectory` is no IonTrajectory.
        ValueError
            If the grid would have more than 200 million voxels.

        Warns
        -----
        TransportWarning
            If there is no framework whose drift could be taken out.
        """
        # The density is of these, whatever the parameters become later.
        self._species, self._normalize = self.species, self.normalize
        drift = drift_of(trajectory, self.species, self.drift)
        mobile, framework = trajectory.indices(self.species), trajectory.others(self.species)
        self.lattice_ = trajectory.mean_lattice
        self.shape_ = self._shape()
        counts = visits(trajectory.positions, mobile, drift, self.shape_).astype(float)
        highest = 1.0
        if self.smooth > 0:
            kernel = gaussian_kernel(self.shape_, self.lattice_, self.smooth)
            counts, highest = convolved(counts, kernel), float(kernel[0, 0, 0])
        n_samples = trajectory.n_frames * (len(mobile) if self.normalize == "ion" else 1)
        scale = 1 / (n_samples * self._voxel_volume())
        self.density_ = counts * scale
        self.one_visit_ = highest * scale

        self.framework_species_ = trajectory.species[framework]
        self.framework_positions_ = _mean_positions(trajectory.positions, framework, drift)
        self.mobile_positions_ = np.array(trajectory.positions[0, mobile], dtype=float)
        return self

    @validate_params(_LEVEL, prefer_skip_nested_validation=True)
    def isosurface(self, level: float = 1e-3, unit: DensityUnit = "bohr^-3") -> NDArray[np.bool_]:
        """Find the voxels that an isosurface encloses.

        Parameters
        ----------
        level : float, default=1e-3
            Density of the surface.
        unit : {"bohr^-3", "angstrom^-3"}, default="bohr^-3"
            Unit of the level.

        Returns
        -------
        ndarray of bool of shape (n_a, n_b, n_c)
            True where the density is at least this.

        Warns
        -----
        TransportWarning
            If a single visit exceeds the level.
        """
        return self._inside(level, unit)

    @validate_params(_LEVEL, prefer_skip_nested_validation=True)
    def volume_fraction(self, level: float = 1e-3, unit: DensityUnit = "bohr^-3") -> float:
        """Compute the part of the cell that an isosurface encloses.

        Parameters
        ----------
        level : float, default=1e-3
            Density of the surface.
        unit : {"bohr^-3", "angstrom^-3"}, default="bohr^-3"
            Unit of the level.

        Returns
        -------
        float
            Fraction of the volume, from 0 to 1.

        Warns
        -----
        TransportWarning
            If a single visit exceeds the level.
        """
        return float(self._inside(level, unit).mean())

    @validate_params(_LEVEL, prefer_skip_nested_validation=True)
    def percolates(self, level: float = 1e-3, unit: DensityUnit = "bohr^-3") -> NDArray[np.bool_]:
        """Tell along which axes an ion can go on for ever without leaving the isosurface.

        It is not enough that the surface touches both faces of the cell: it has to join itself in
        another cell. A path along a diagonal goes on along all the axes that it makes headway in.
        Voxels are joined by their faces.

        Parameters
        ----------
        level : float, default=1e-3
            Density of the surface.
        unit : {"bohr^-3", "angstrom^-3"}, default="bohr^-3"
            Unit of the level.

        Returns
        -------
        ndarray of bool of shape (3,)
            Whether there is a path along a, b and c.

        Warns
        -----
        TransportWarning
            If a single visit exceeds the level.
        """
        return wraps_around(self._inside(level, unit))

    @validate_params(
        {
            "threshold": [Interval(Real, 0, 1, closed="right")],
            "min_distance": [Interval(Real, 0, None, closed="neither")],
        },
        prefer_skip_nested_validation=True,
    )
    def stable_sites(self, threshold: float = 0.25, min_distance: float = 1.0) -> pd.DataFrame:
        """Find the sites where ions stay: maxima of the density.

        Smooth the density first, by 0.2 to 0.3 angstrom for instance: chance makes maxima as well.

        Parameters
        ----------
        threshold : float, default=0.25
            Lowest density of a maximum, as a part of the highest.
        min_distance : float, default=1.0
            Least distance between two sites in angstrom. Of maxima that are closer the highest is
            kept.

        Returns
        -------
        DataFrame
            One row per site, the densest first: fractional coordinates ``a``, ``b`` and ``c`` of
            the center of mass of the density within half of `min_distance`, the ``density`` of the
            maximum in angstrom^-3, and ``n_ions``, the mean number of ions within this distance
            from it.

        Raises
        ------
        ValueError
            If `min_distance` is not less than the smallest height of the cell.
        """
        import pandas as pd

        check_is_fitted(self)
        height = 1 / np.linalg.norm(np.linalg.inv(self.lattice_), axis=0).max()
        if min_distance >= height:
            raise ValueError(
                f"min_distance must be less than the smallest height of the cell, {height:.4g} "
                f"angstrom; got {min_distance}."
            )
        sites = density_sites(
            self.density_,
            self.lattice_,
            lowest=threshold * self.density_.max(),
            min_distance=min_distance,
        )
        table = pd.DataFrame(sites, columns=[*"abc", "density", "n_ions"])
        n_ions = len(self.mobile_positions_) if self._normalize == "ion" else 1
        table["n_ions"] *= self._voxel_volume() * n_ions
        return table

    def _inside(self, level: float, unit: DensityUnit) -> NDArray[np.bool_]:
        check_is_fitted(self)
        density = in_cubic_angstrom(level, unit)
        # Past this method, the one that was called, and scikit-learn's wrapper around it.
        warn_of_single_visits(density, self.one_visit_, stacklevel=5)
        return self.density_ >= density

    def _shape(self) -> tuple[int, int, int]:
        parts = np.ceil(np.linalg.norm(self.lattice_, axis=1) / self.spacing)
        if np.prod(parts) > _MOST_VOXELS:
            raise ValueError(
                f"spacing={self.spacing} cuts the cell into {np.prod(parts):.3g} voxels; at most "
                f"{_MOST_VOXELS:,} are possible."
            )
        a, b, c = parts.astype(int).tolist()
        return a, b, c

    def _voxel_volume(self) -> float:
        return abs(float(np.linalg.det(self.lattice_))) / float(np.prod(self.shape_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _mean_positions(
    positions: NDArray[np.floating], ions: NDArray[np.intp], drift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average positions around those of the first frame, in whose cell ions may be or not."""
    first = np.array(positions[0, ions], dtype=float)
    total = np.zeros_like(first)
    for block in frame_blocks(positions.shape):
        away = positions[block][:, ions] - first - drift[block, None]
        total += (away - np.round(away)).sum(axis=0)
    return first + total / len(positions)
