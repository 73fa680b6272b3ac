"""The symmetry operations of a CIF, and whether the rest of the file agrees with them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._structures._cif_block import CifBlock, import_gemmi

__all__ = ["OPERATIONS", "Symmetry", "read_symmetry"]

OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_NAMES = ("_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt")
_NUMBERS = ("_symmetry_Int_Tables_number", "_space_group_IT_number")
_PLAIN = re.compile(r"[xyzXYZ0-9+\-/, ]+")  # gemmi takes decimals and a, b, c as well
_CELL_TOLERANCE = 1e-3  # of what symmetry demands of the cell, relative


class Symmetry(NamedTuple):
    """Symmetry operations x' = R x + t of fractional coordinates."""

    rotations: NDArray[np.float64]  # (n_operations, 3, 3)
    translations: NDArray[np.float64]  # (n_operations, 3)
    space_group: Any  # gemmi.SpaceGroup, None if no listed group has these operations
    is_plain: bool  # whether all readers read them alike


def read_symmetry(block: CifBlock, parameters: NDArray[np.float64]) -> Symmetry:
    """Read the symmetry operations, or take those of the space group where none are told.

    Parameters
    ----------
    block : CifBlock
        Block of a CIF; doubts and contradictions are added to it.
    parameters : ndarray of shape (6,)
        Lengths in angstrom and angles in degrees of the cell.

    Returns
    -------
    Symmetry
        Operations.

    Raises
    ------
    InvalidStructureError
        If an operation cannot be read.
    """
    told = [block.texts(tag) for tag in OPERATIONS if tag in block]
    groups = _named_groups(block)
    if told and told[0]:
        triplets = tuple(told[0])
    else:
        block.doubts.append("it has no symmetry operations")
        named = next(iter(groups.values()), None)
        triplets = tuple(op.triplet() for op in named.operations()) if named else ("x,y,z",)
    if len(told) == 2 and told[0] != told[1]:
        block.doubts.append("its two lists of symmetry operations differ")
    symmetry = _operations(triplets)
    if not symmetry.is_plain:
        block.doubts.append("its symmetry operations are written in their own way")
    group = symmetry.space_group
    if group is None:
        block.doubts.append("its symmetry operations are those of no listed space group")
        return symmetry
    others = [name for name, named in groups.items() if named.number != group.number]
    if others:
        block.contradictions.append(
            f"its symmetry operations are those of {group.short_name()} (number {group.number}), "
            f"its space group is given as {' and '.join(others)}"
        )
    cell = import_gemmi().UnitCell(*parameters)
    if not cell.is_compatible_with_spacegroup(group, _CELL_TOLERANCE):
        block.contradictions.append(f"its cell lacks the symmetry of {group.short_name()}")
    return symmetry


def _named_groups(block: CifBlock) -> dict[str, Any]:
    """Space groups by what the file calls them, as far as gemmi knows it."""
    gemmi = import_gemmi()
    names = [text for tag in _NAMES for text in block.texts(tag)]
    groups = {name: gemmi.find_spacegroup_by_name(name) for name in names if name}
    numbers = [block.number(tag) for tag in _NUMBERS]
    for number in {int(number) for number in numbers if 0 < number < 231}:
        groups[f"number {number}"] = gemmi.find_spacegroup_by_number(number)
    return {name: group for name, group in groups.items() if group is not None}


@lru_cache(maxsize=512)
def _operations(triplets: tuple[str, ...]) -> Symmetry:
    gemmi = import_gemmi()
    try:
        operations = [gemmi.Op(triplet) for triplet in triplets]
    except RuntimeError as error:
        raise InvalidStructureError(f"no symmetry operation: {error}") from error
    group = gemmi.GroupOps(operations)
    # Of centered cells gemmi takes the missing ones for granted.
    is_whole = len({op.wrap().triplet() for op in group}) == len(operations)
    return Symmetry(
        np.array([op.rot for op in operations]) / gemmi.Op.DEN,
        np.array([op.tran for op in operations]) / gemmi.Op.DEN,
        gemmi.find_spacegroup_by_ops(group) if is_whole else None,
        all(_PLAIN.fullmatch(triplet) for triplet in triplets),
    )
