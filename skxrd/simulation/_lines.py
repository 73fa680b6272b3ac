"""Lines of a structure: pymatgen's positions and intensities, without its traps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._structures import invalid_structure

if TYPE_CHECKING:
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.core import Structure

__all__ = ["lines_of", "wavelength_in_angstrom"]

_EXTINCT = 1e-12  # of F(000)^2: extinct lines have rounding noise of about 1e-30 of it


def wavelength_in_angstrom(wavelength: str | float) -> float:
    """Look up pymatgen's name of a radiation; a number is returned as it is."""
    if not isinstance(wavelength, str):
        return float(wavelength)
    from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

    if wavelength not in WAVELENGTHS:
        raise ValueError(
            f"wavelength must be a number of angstrom or one of {', '.join(sorted(WAVELENGTHS))}, "
            f"got {wavelength!r}."
        )
    return WAVELENGTHS[wavelength]


def lines_of(
    structure: Structure, calculator: XRDCalculator, grid: TwoThetaGrid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the lines of a structure between the ends of a grid.

    Parameters
    ----------
    structure : pymatgen.core.Structure
        Structure, left unchanged.
    calculator : pymatgen.analysis.diffraction.xrd.XRDCalculator
        Calculator with the wavelength.
    grid : TwoThetaGrid
        Grid that sets the range of angles.

    Returns
    -------
    two_theta : ndarray of shape (n_lines,)
        Positions in degrees; empty if no line is in range.
    intensity : ndarray of shape (n_lines,)
        Intensities, 100 for the strongest line in range.

    Raises
    ------
    InvalidStructureError
        If the structure has no sites, numbers that are not finite, or an element without
        scattering factors.
    """
    if not len(structure):
        raise InvalidStructureError("The structure has no sites.")
    formula = structure.composition.reduced_formula
    finite = (
        np.isfinite(structure.frac_coords).all() and np.isfinite(structure.lattice.matrix).all()
    )
    if not finite:
        raise InvalidStructureError(f"{formula}: the cell or a coordinate is not a finite number.")
    with invalid_structure(formula):
        two_theta, intensity = _unscaled_lines(structure, calculator, grid)
    electrons = sum(species.Z * amount for species, amount in structure.composition.items())
    strongest = intensity.max(initial=0.0)
    if strongest < _EXTINCT * electrons**2:  # scaling would make a pattern of rounding noise
        return np.empty(0), np.empty(0)
    return two_theta, intensity * (100 / strongest)


def _unscaled_lines(
    structure: Structure, calculator: XRDCalculator, grid: TwoThetaGrid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    limits = (grid.start, grid.stop)
    try:
        lines = calculator.get_pattern(structure, scaled=False, two_theta_range=limits)
    except ValueError:
        # pymatgen stumbles over an empty list of lattice planes; other errors are the structure's
        if _has_planes(structure, calculator.wavelength, grid):
            raise
        return np.empty(0), np.empty(0)
    except ZeroDivisionError:  # the intensity of every line is exactly zero
        return np.empty(0), np.empty(0)
    return np.asarray(lines.x, dtype=float), np.asarray(lines.y, dtype=float)


def _has_planes(structure: Structure, wavelength: float, grid: TwoThetaGrid) -> bool:
    low, high = 2 * np.sin(np.radians([grid.start, grid.stop]) / 2) / wavelength
    lattice = structure.lattice.reciprocal_lattice_crystallographic
    distances = lattice.get_points_in_sphere([[0, 0, 0]], [0, 0, 0], high, zip_results=False)[1]
    return bool((np.asarray(distances) >= max(low, 1e-8)).any())
