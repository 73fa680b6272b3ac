"""Bonds between the ions of a framework, and whether they hold."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["Bonds", "find_bonds", "shortest_vectors", "units_of"]

_BLOCK = 64_000_000  # bytes


@dataclass(frozen=True)
class Bonds:
    """Bonds of a structure.

    Parameters
    ----------
    pairs : ndarray of int of shape (n_pairs, 2)
        All pairs of ions whose two elements form a bond somewhere in the structure.
    is_bonded : ndarray of bool of shape (n_pairs,)
        Which of them are bonds.
    lengths : ndarray of shape (n_pairs,)
        For each pair, the mean length of the bonds of its two elements, in angstrom.
    edges : ndarray of int of shape (n_edges, 5)
        Two ions, and the cell in which the second one is; more than the bonded pairs where an ion
        is bonded to several images of another one.
    """

    pairs: NDArray[np.intp]
    is_bonded: NDArray[np.bool_]
    lengths: NDArray[np.float64]
    edges: NDArray[np.intp]

    @property
    def n_bonds(self) -> int:
        """Number of bonds."""
        return int(self.is_bonded.sum())

    def changes(
        self, positions: NDArray[np.float64], lattice: NDArray[np.float64], stretch: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Follow the bonds through time.

        Parameters
        ----------
        positions : ndarray of shape (n_frames, n_ions, 3)
            Fractional coordinates.
        lattice : ndarray of shape (3, 3) or (n_frames, 3, 3)
            Lattice vectors in angstrom.
        stretch : float
            Times the mean length up to which two ions are bonded.

        Returns
        -------
        lost, gained : ndarray of shape (n_frames,)
            Bonds that are broken, and that were not there, as fractions of all bonds.
        longest : float
            Length of the longest of the first bonds at any time, in its mean lengths.
        """
        n_frames = len(positions)
        lost, gained, longest = np.zeros(n_frames), np.zeros(n_frames), 0.0
        step = max(1, _BLOCK // (len(self.pairs) * 48))
        first, second = self.pairs.T
        for start in range(0, n_frames, step):
            block = slice(start, start + step)
            cell = lattice if lattice.ndim == 2 else lattice[block]
            between = shortest_vectors(positions[block, second] - positions[block, first], cell)
            ratios = np.linalg.norm(between, axis=2) / self.lengths
            near = ratios < stretch
            lost[block] = (~near[:, self.is_bonded]).sum(axis=1) / self.n_bonds
            gained[block] = near[:, ~self.is_bonded].sum(axis=1) / self.n_bonds
            longest = max(longest, float(ratios[:, self.is_bonded].max()))
        return lost, gained, longest


def shortest_vectors(
    fractional: NDArray[np.float64], lattice: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the shortest of the periodic images of vectors, in cells of any shape.

    Parameters
    ----------
    fractional : ndarray of shape (..., n_vectors, 3)
        Vectors in fractions of the cell.
    lattice : ndarray of shape (3, 3) or (n_frames, 3, 3)
        Lattice vectors in angstrom; several of them for vectors of shape (n_frames, n_vectors, 3).

    Returns
    -------
    ndarray of shape (..., n_vectors, 3)
        The shortest images in angstrom.
    """
    from pymatgen.core import Lattice

    first = Lattice(lattice if lattice.ndim == 2 else lattice[0])
    mapping = np.asarray(first.lll_mapping, dtype=float)
    cells = mapping @ lattice
    fractional = fractional @ np.linalg.inv(mapping)
    vectors: NDArray[np.float64] = (fractional - np.round(fractional)) @ cells
    # Of a reduced cell the rounded image is the shortest one, or a neighbor of it; and the shortest
    # for sure if it is shorter than half of the distance between opposite faces.
    reach = 1 / np.linalg.norm(np.linalg.inv(cells), axis=-2).max() / 2
    unsure = np.nonzero(np.einsum("...a,...a", vectors, vectors) > reach**2)
    rounded = vectors[unsure]
    shortest, lengths = rounded, np.einsum("ia,ia->i", rounded, rounded)
    for image in itertools.product((-1, 0, 1), repeat=3):
        shift = np.array(image) @ cells
        moved = rounded + (shift if lattice.ndim == 2 else shift[unsure[0]])
        squares = np.einsum("ia,ia->i", moved, moved)
        closer = squares < lengths
        shortest = np.where(closer[:, None], moved, shortest)
        lengths = np.where(closer, squares, lengths)
    vectors[unsure] = shortest
    return vectors


def find_bonds(structure: Structure, tolerance: float) -> Bonds | None:
    """Find the bonds between ions of different elements by their covalent radii.

    Parameters
    ----------
    structure : Structure
        Ordered structure.
    tolerance : float
        Times the sum of the covalent radii up to which two ions are bonded.

    Returns
    -------
    Bonds or None
        The bonds; None if there are none.
    """
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    symbols = np.array([site.specie.symbol for site in structure])
    radii = np.array([CovalentRadius.radius[symbol] for symbol in symbols])
    first, second, images, distances = structure.get_neighbor_list(2 * tolerance * radii.max())
    is_bond = (distances < tolerance * (radii[first] + radii[second])) & (
        symbols[first] != symbols[second]
    )
    is_bond &= first < second  # each bond is found from both of its ends
    if not is_bond.any():
        return None
    edges = np.column_stack([first, second, images])[is_bond].astype(int)
    pairs = np.stack(np.triu_indices(len(structure), k=1), axis=1)
    is_bonded = np.zeros((len(structure),) * 2, dtype=bool)
    is_bonded[edges[:, 0], edges[:, 1]] = True
    kinds = _kinds(symbols[pairs])
    lengths = np.full(len(pairs), np.nan)
    kinds_of_bonds = _kinds(symbols[edges[:, :2]])
    for kind in np.unique(kinds_of_bonds):
        lengths[kinds == kind] = distances[is_bond][kinds_of_bonds == kind].mean()
    known = np.isfinite(lengths)
    return Bonds(pairs[known], is_bonded[*pairs[known].T], lengths[known], edges)


def _kinds(symbols: NDArray[np.str_]) -> NDArray[np.str_]:
    """Name the two elements of pairs, in whichever order they come."""
    return np.array(["-".join(sorted(pair)) for pair in symbols.tolist()])


def units_of(structure: Structure, bonds: Bonds | None) -> list[NDArray[np.intp]]:
    """Group ions into molecular units, such as one phosphate; ions of a network stand alone.

    Parameters
    ----------
    structure : Structure
        Structure of the bonds.
    bonds : Bonds or None
        Its bonds.

    Returns
    -------
    list of ndarray of int
        Ions of each unit.
    """
    if bonds is None:
        return [np.array([ion]) for ion in range(len(structure))]
    from pymatgen.analysis.dimensionality import get_structure_components
    from pymatgen.core.graphs import StructureGraph

    edges = {
        (first, second, (0, 0, 0), tuple(image)): None
        for first, second, *image in bonds.edges.tolist()
    }
    components = get_structure_components(
        StructureGraph.from_edges(structure, edges), inc_site_ids=True
    )
    units = []
    for component in components:
        ions = np.array(sorted(set(component["site_ids"])))
        units += [ions] if component["dimensionality"] == 0 else [np.array([ion]) for ion in ions]
    return units
