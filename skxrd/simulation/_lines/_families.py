"""Lattice planes that symmetry makes equivalent, in every Laue class and any cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._lines._peak_list import HKLFamily
from skxrd.simulation._structures._cell import Cell, merged_sites
from skxrd.simulation._structures._spglib import silent_spglib

__all__ = ["families_of_lines", "laue_rotations"]

_SAME_POSITION = 1e-5  # of an edge
_SYMMETRY_PRECISION = 0.01  # angstrom: pymatgen's default


def laue_rotations(cell: Cell) -> NDArray[np.int64]:
    """Find the rotations that leave the intensities of a crystal unchanged.

    They are those of its space group and, since hkl and -h-k-l scatter alike, their inverses
    through the origin: the Laue class. spglib finds them, with a tolerance of 0.01 angstrom.

    Parameters
    ----------
    cell : Cell
        Unit cell, conventional or not.

    Returns
    -------
    ndarray of int of shape (n_rotations, 3, 3)
        Matrices R by which Miller indices, as rows, are multiplied from the right.

    Raises
    ------
    InvalidStructureError
        If spglib finds no symmetry, not even the identity: sites lie on one another.
    """
    import spglib

    positions, occupancies = merged_sites(cell, _SAME_POSITION)  # spglib takes no two on one
    _, kind = np.unique(occupancies.round(4), axis=0, return_inverse=True)
    crystal: Any = (cell.lattice, positions, kind.ravel() + 1)
    with silent_spglib():
        try:
            symmetry = spglib.get_symmetry(crystal, symprec=_SYMMETRY_PRECISION)
        except spglib.SpglibError:
            symmetry = None
    if symmetry is None:
        raise InvalidStructureError("spglib finds no symmetry; are there sites on one another?")
    rotations = np.asarray(symmetry["rotations"], dtype=np.int64)
    return np.unique(np.concatenate([rotations, -rotations]), axis=0)


def families_of_lines(
    hkl: NDArray[np.integer],
    line: NDArray[np.integer],
    weight: NDArray[np.float64],
    rotations: NDArray[np.integer],
) -> tuple[tuple[HKLFamily, ...], ...]:
    """Group the reflections of each line by symmetry.

    Parameters
    ----------
    hkl : ndarray of int of shape (n, 3)
        Reflections, of hkl and -h-k-l at least one.
    line : ndarray of int of shape (n,)
        Line of each reflection: 0, 1, ...; each line has at least one.
    weight : ndarray of shape (n,)
        Contribution of each reflection to the intensity of its line.
    rotations : ndarray of int of shape (n_rotations, 3, 3)
        Laue class, see `laue_rotations`.

    Returns
    -------
    tuple of tuple of HKLFamily
        Families of each line, the strongest first; those that are extinct are left out.
    """
    # One number per plane, in the order of h, then k, then l: a product, since both are linear.
    largest = 3 * int(np.abs(hkl).max(initial=0)) * int(np.abs(rotations).max())
    base = 2.0 * largest + 1
    code = hkl @ (rotations @ np.array([base * base, base, 1.0])).T
    first = code.argmax(axis=1)  # the equivalent plane with the largest indices names the family
    name = code[np.arange(len(code)), first]
    order = np.lexsort((name, line))
    new = (np.diff(line[order], prepend=-1) != 0) | (np.diff(name[order], prepend=np.nan) != 0)
    member = order[new]  # one reflection of each family
    share = np.add.reduceat(weight[order], np.flatnonzero(new)) if len(order) else weight
    named = np.einsum("ni,nij->nj", hkl[member], rotations[first[member]])
    n_same = (code[member] == name[member, None]).sum(axis=1)  # rotations that leave it as it is
    multiplicity = len(rotations) // n_same
    of_line = line[member]
    total = np.bincount(of_line, weights=share)[of_line]
    share = (share / total).round(6)  # equal shares stand in the order of their indices
    order = np.lexsort((-name[member], -share, of_line))
    order = order[(share > 0)[order]]
    lines: list[list[HKLFamily]] = [[] for _ in range(int(line.max(initial=-1)) + 1)]
    for position in order:
        family = HKLFamily(tuple(named[position].tolist()), int(multiplicity[position]))
        lines[of_line[position]].append(family)
    return tuple(tuple(found) for found in lines)
