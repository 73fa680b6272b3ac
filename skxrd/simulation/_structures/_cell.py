"""What a structure factor needs of a crystal, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skxrd.exceptions import InvalidStructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["Cell", "cell_of", "formula_of", "merged_sites", "with_usable_displacements"]

_ROUNDING = 1e-3
_FLAT = 1e-6  # of the volume of a box with the same edges
_U_CIF = ("U11_cif", "U22_cif", "U33_cif", "U23_cif", "U13_cif", "U12_cif")


class Cell(NamedTuple):
    """Unit cell of a crystal, with partially occupied sites."""

    lattice: NDArray[np.float64]  # (3, 3): rows a, b, c in angstrom
    frac_coords: NDArray[np.float64]  # (n_sites, 3)
    elements: tuple[str, ...]  # chemical symbols, sorted
    occupancies: NDArray[np.float64]  # (n_sites, n_elements): fraction of each element
    u_iso: NDArray[np.float64] | None = None  # (n_sites,): <u^2> in angstrom^2, NaN: unknown
    u_star: NDArray[np.float64] | None = None  # (n_sites, 3, 3): exp(-2 pi^2 h U* h), NaN: unknown

    @property
    def reciprocal(self) -> NDArray[np.float64]:
        """Rows a*, b*, c* in 1/angstrom, without the factor 2 pi."""
        return np.linalg.inv(self.lattice).T.astype(float)


def cell_of(structure: Structure) -> Cell:
    """Take the cell of a pymatgen structure as it is.

    Parameters
    ----------
    structure : pymatgen.core.Structure
        Structure, left unchanged. Anisotropic displacements come from the site properties
        U11_cif, ..., U12_cif in angstrom^2 where all sites have them.

    Returns
    -------
    Cell
        Its arrays.

    Raises
    ------
    InvalidStructureError
        If the structure has no sites, or numbers that are not finite.
    """
    if not len(structure):
        raise InvalidStructureError("The structure has no sites.")
    lattice = np.array(structure.lattice.matrix, dtype=float)
    frac_coords = np.array(structure.frac_coords, dtype=float)
    if not (np.isfinite(lattice).all() and np.isfinite(frac_coords).all()):
        formula = structure.composition.reduced_formula
        raise InvalidStructureError(f"{formula}: the cell or a coordinate is not a finite number.")
    edges = np.linalg.norm(lattice, axis=1)
    if abs(np.linalg.det(lattice)) <= _FLAT * np.prod(edges):
        raise InvalidStructureError(f"The cell {lattice.tolist()} has no volume.")
    elements, occupancies = _occupancies(structure)
    u_star = _u_star(structure, lattice) if _U_CIF[0] in structure.site_properties else None
    return Cell(lattice, frac_coords, elements, occupancies, None, u_star)


def _occupancies(structure: Structure) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    compositions = structure.species_and_occu
    keys = list(map(id, compositions))
    amounts_of = {}  # equivalent sites mostly share one object, so that few have to be read
    for key, composition in dict(zip(keys, compositions, strict=True)).items():
        amounts_of[key] = amounts = dict[str, float]()
        for species, amount in composition.items():  # ions of two charges are one element
            amounts[species.symbol] = amounts.get(species.symbol, 0.0) + amount
    elements = sorted(set().union(*amounts_of.values()))
    table = {
        key: [amounts.get(element, 0.0) for element in elements]
        for key, amounts in amounts_of.items()
    }
    occupancies = np.array([table[key] for key in keys], dtype=float)
    return tuple(elements), occupancies.reshape(len(keys), len(elements))


def _u_star(structure: Structure, lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    properties = structure.site_properties
    u = np.array([properties[name] for name in _U_CIF], dtype=float)  # None becomes NaN
    u_cif = u[[0, 5, 4, 5, 1, 3, 4, 3, 2]].T.reshape(-1, 3, 3)
    lengths = np.linalg.norm(np.linalg.inv(lattice).T, axis=1)  # of a*, b*, c*
    return u_cif * np.outer(lengths, lengths)


def with_usable_displacements(cell: Cell) -> tuple[Cell, int]:
    """Forget displacement parameters that no thermal motion has.

    Parameters
    ----------
    cell : Cell
        Unit cell.

    Returns
    -------
    cell : Cell
        The cell; negative mean squares, and tensors with a negative one, are unknown.
    n_unknown : int
        Number of sites without known displacement parameters.
    """
    n_sites = len(cell.frac_coords)
    known = np.zeros(n_sites, dtype=bool)
    u_iso, u_star = cell.u_iso, cell.u_star
    if u_iso is not None:
        u_iso = np.where(u_iso >= 0, u_iso, np.nan)
        known |= np.isfinite(u_iso)
    if u_star is not None:
        finite = np.asarray(np.isfinite(u_star).all(axis=(1, 2)))
        smallest = np.full(n_sites, -np.inf)
        smallest[finite] = np.linalg.eigvalsh(u_star[finite]).min(axis=1)
        # a little below zero is rounding, for instance of an atom that moves in a plane
        usable = smallest >= -_ROUNDING * np.abs(np.nan_to_num(u_star)).max(axis=(1, 2))
        u_star = np.where(usable[:, None, None] & finite[:, None, None], u_star, np.nan)
        known |= usable & finite
    return cell._replace(u_iso=u_iso, u_star=u_star), int(n_sites - known.sum())


def merged_sites(cell: Cell, tolerance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put sites of one position together, such as ions of two charges.

    Parameters
    ----------
    cell : Cell
        Unit cell.
    tolerance : float
        Largest difference of fractional coordinates.

    Returns
    -------
    frac_coords : ndarray of shape (n_positions, 3)
        Positions in the cell, from 0 to below 1.
    occupancies : ndarray of shape (n_positions, n_elements)
        Fraction of each element.
    """
    coords = cell.frac_coords - np.floor(cell.frac_coords)
    coords[coords >= 1] = 0
    position = np.arange(len(coords))
    tree = cKDTree(coords, boxsize=np.ones(3))
    one, other = tree.query_pairs(tolerance, p=np.inf, output_type="ndarray").T
    np.minimum.at(position, other, one)
    kept, row = np.unique(position, return_inverse=True)
    occupancies = np.zeros((len(kept), len(cell.elements)))
    np.add.at(occupancies, row, cell.occupancies)
    return coords[kept], occupancies


def formula_of(cell: Cell) -> str:
    """Write the reduced formula, without the rounding errors that sums of occupancies carry.

    Parameters
    ----------
    cell : Cell
        Unit cell.

    Returns
    -------
    str
        Such as "Li3PS4".
    """
    from pymatgen.core import Composition

    amounts = cell.occupancies.sum(axis=0)
    amounts = np.where(amounts < 0.01, amounts, amounts.round(2))  # a dopant stays
    return Composition(dict(zip(cell.elements, amounts, strict=True))).reduced_formula
