"""From the independent sites of a CIF to all sites of its cell, and what is doubtful about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._structures._cell import Cell
from skxrd.simulation._structures._cif_sites import CifSites, read_sites
from skxrd.simulation._structures._read_structure import OCCUPANCY_TOLERANCE

__all__ = ["CifCell", "amounts_of", "cell_of_cif"]

_SAME = 1e-4  # of an edge: images this close are one site, as in pymatgen
_ROUNDED = 2e-5  # of an edge: images farther apart than this are one site by the tolerance only
_BINS = 2**16  # along each edge: images in one bin are one site without further ado
_MAX_SITES = 2**15  # independent ones, so that site and bin fit into an integer
_DISTINCT = 0.1  # angstrom: sites closer than this may be one that was not recognized
_OVERLAP = 0.5  # angstrom: two atoms that are there for sure are not closer than this
_CROWDED = 0.5  # angstrom^3 per site: no crystal is as dense, even if disordered
_ROUNDING = 1e-9
_FORMULA_TOLERANCE = 0.009  # of the ratios of amounts; pymatgen warns above 0.01


class CifCell(NamedTuple):
    """Cell that gemmi and the symmetry operations give, and how far to trust it."""

    cell: Cell
    doubts: list[str]  # what another reader may take in another way
    contradictions: list[str]  # what the file tells in two ways


class _Images(NamedTuple):
    """Sites of the cell: one image for each independent site and position that it takes."""

    site: NDArray[np.intp]  # (n_images,): independent site
    operation: NDArray[np.intp]  # (n_images,): symmetry operation that leads from it
    position: NDArray[np.intp]  # (n_images,): which of the positions
    frac_coords: NDArray[np.float64]  # (n_positions, 3)
    close: NDArray[np.intp]  # (n_pairs, 2): positions that are close but distinct
    distance: NDArray[np.float64]  # (n_pairs,): angstrom


def cell_of_cif(text: str) -> CifCell:
    """Read the first structure of a CIF with gemmi.

    Parameters
    ----------
    text : str
        Text of a CIF.

    Returns
    -------
    CifCell
        The cell, all of whose sites are within it. Where elements share a site they share a row,
        unless their displacements differ. Displacements are in `u_star` for sites with a tensor
        and in `u_iso` for the others.

    Raises
    ------
    InvalidStructureError
        If the text is not of CIF syntax, lacks what makes a structure, or has a site whose
        occupancies add up to more than 1.05.
    MissingDependencyError
        If gemmi is not installed.
    """
    sites = read_sites(text)
    doubts, contradictions = list(sites.doubts), list(sites.contradictions)
    images = _images(sites, doubts)
    _judge_orbits(sites, images, doubts, contradictions)
    cell = _cell(sites, images, doubts, contradictions)
    if difference := _difference_of_amounts(sites.formula, amounts_of(cell)):
        doubts.append(difference)
    return CifCell(cell, doubts, contradictions)


def amounts_of(cell: Cell) -> dict[str, float]:
    """Atoms of each element in a cell."""
    amounts = cell.occupancies.sum(axis=0).tolist()
    return dict(zip(cell.elements, amounts, strict=True))


def _images(sites: CifSites, doubts: list[str]) -> _Images:
    rotations, translations = sites.symmetry.rotations, sites.symmetry.translations
    n_sites, n_operations = len(sites.elements), len(rotations)
    if n_sites >= _MAX_SITES:
        raise InvalidStructureError(f"{n_sites} independent sites are too many")
    coords = np.einsum("oij,nj->noi", rotations, sites.frac_coords) + translations
    coords = (coords - np.floor(coords)).reshape(-1, 3)
    coords[coords >= 1] = 0  # what remains of -1e-17

    # Most images on a special position are equal but for rounding: the first of each goes on.
    site = np.repeat(np.arange(n_sites), n_operations)
    a, b, c = (np.rint(coords * _BINS).astype(np.int64) % _BINS).T
    _, first = np.unique(((site * _BINS + a) * _BINS + b) * _BINS + c, return_index=True)
    first.sort()
    coords, site = coords[first], site[first]

    pairs, largest, distance = _close_pairs(coords, sites.lattice, doubts)
    is_same = largest < _SAME
    if (largest[is_same] > _ROUNDED).any():
        doubts.append("sites are on special positions by rounding only")
    one, other = pairs[is_same].T
    root = np.arange(len(coords))
    np.minimum.at(root, other, one)
    while (root != root[root]).any():
        root = root[root]

    _, kept = np.unique(site * len(coords) + root, return_index=True)
    positions = np.unique(root)
    return _Images(
        site=site[kept],
        operation=first[kept] % n_operations,
        position=np.searchsorted(positions, root[kept]),
        frac_coords=coords[positions],
        close=np.searchsorted(positions, root[pairs[~is_same]]),
        distance=distance[~is_same],
    )


def _close_pairs(
    coords: NDArray[np.float64], lattice: NDArray[np.float64], doubts: list[str]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Pairs of points, their largest difference along an edge, and their distance in angstrom."""
    reach = 2 * _SAME
    if abs(np.linalg.det(lattice)) < _CROWDED * len(coords):
        doubts.append("it has too many sites for its cell")  # and too many pairs to look at
    else:
        thickness = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
        reach = min(max(reach, _OVERLAP / thickness.min()), 0.49)
    pairs = cKDTree(coords, boxsize=np.ones(3)).query_pairs(reach, p=np.inf, output_type="ndarray")
    steps = coords[pairs[:, 0]] - coords[pairs[:, 1]]
    steps -= np.rint(steps)
    largest = abs(steps).max(axis=1, initial=0)
    return pairs, largest, np.linalg.norm(steps @ lattice, axis=1)


def _judge_orbits(
    sites: CifSites, images: _Images, doubts: list[str], contradictions: list[str]
) -> None:
    n_sites, n_operations = len(sites.elements), len(sites.symmetry.rotations)
    sizes = np.bincount(images.site, minlength=n_sites)
    if (n_operations % sizes).any():
        doubts.append("the images of a site do not merge evenly")
    told = np.where(np.isfinite(sites.multiplicities), sites.multiplicities, sizes)
    if (told != sizes).any():
        wrong = int(np.flatnonzero(told != sizes)[0])
        contradictions.append(
            f"a site of {sites.elements[wrong]} is given as {told[wrong]:g}-fold, "
            f"its symmetry operations make it {sizes[wrong]}-fold"
        )
    owner = np.full(len(images.frac_coords), n_sites)
    np.minimum.at(owner, images.position, images.site)
    n_shared = np.bincount(images.site, owner[images.position] != images.site, minlength=n_sites)
    if ((n_shared > 0) & (n_shared < sizes)).any():
        doubts.append("two sites share a part of their images")
    if (images.distance < _DISTINCT).any():
        doubts.append(f"sites are {images.distance.min():.3f} angstrom apart")


def _cell(sites: CifSites, images: _Images, doubts: list[str], contradictions: list[str]) -> Cell:
    elements = tuple(sorted(set(sites.elements)))
    column = np.array([elements.index(element) for element in sites.elements])
    n_positions = len(images.frac_coords)
    totals = np.bincount(images.position, sites.occupancies[images.site], minlength=n_positions)
    if totals.max() > OCCUPANCY_TOLERANCE:
        raise InvalidStructureError(f"the occupancies of a site add up to {totals.max():.4g}")
    if totals.max() > 1 + _ROUNDING:
        doubts.append(f"the occupancies of a site add up to {totals.max():.4g}")
    is_full = totals[images.close].sum(axis=1) > OCCUPANCY_TOLERANCE
    is_full &= images.distance < _OVERLAP
    if is_full.any():
        nearest = images.distance[is_full].min()
        contradictions.append(f"atoms that exclude each other are {nearest:.2f} angstrom apart")

    # Atoms on one position share a row where they have the same displacements, or none.
    kind = _kinds(np.column_stack([sites.u_iso, sites.u_star.reshape(-1, 9)]))
    _, first, row = np.unique(
        images.position * len(kind) + kind[images.site], return_index=True, return_inverse=True
    )
    occupancies = np.zeros((len(first), len(elements)))
    shares = sites.occupancies[images.site] / np.maximum(totals, 1)[images.position]
    np.add.at(occupancies, (row, column[images.site]), shares)
    if {"H", "O"} <= set(elements):
        with_hydrogen = occupancies[:, elements.index("H")] > 0
        if (with_hydrogen & (occupancies[:, elements.index("O")] > 0)).any():
            doubts.append("hydrogen and oxygen share a site")  # pymatgen leaves the hydrogen out
    u_iso, u_star = None, None
    rotations = sites.symmetry.rotations[images.operation[first]]
    if np.isfinite(sites.u_iso).any():
        u_iso = sites.u_iso[images.site[first]]
    if np.isfinite(sites.u_star).any():
        u_star = rotations @ sites.u_star[images.site[first]] @ rotations.transpose(0, 2, 1)
    coords = images.frac_coords[images.position[first]]
    return Cell(sites.lattice, coords, elements, occupancies, u_iso, u_star)


def _kinds(displacements: NDArray[np.float64]) -> NDArray[np.intp]:
    """Give equal rows the same number; NaN equals NaN."""
    known = np.nan_to_num(displacements, nan=-1.0)  # no diagonal element is negative
    if (known == -1).all():
        return np.zeros(len(known), dtype=np.intp)
    return np.unique(known, axis=0, return_inverse=True)[1]


def _difference_of_amounts(told: dict[str, float], found: dict[str, float]) -> str:
    if not told:
        return ""
    if set(told) != set(found):
        odd = ", ".join(sorted(set(told) ^ set(found)))
        return f"its formula and its sites do not have the same elements ({odd})"
    ratios = np.array([found[element] / told[element] for element in told])
    spread = np.ptp(ratios)
    if not spread < _FORMULA_TOLERANCE * min(1, ratios.max()):
        return "its formula and its sites do not have the same composition"
    return ""
