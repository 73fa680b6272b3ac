"""Where a simulation starts: a cell that is large enough, with its atoms at rest."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skxrd._files import complete_file
from skxrd._threads import limited_threads
from skxrd.exceptions import InvalidStructureError, TransportWarning
from skxrd.transport._md._calculators import make_calculator

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["MAX_RELAXATION_STEPS", "ordered_supercell", "relaxed", "to_atoms"]

MAX_RELAXATION_STEPS = 500


def ordered_supercell(structure: Structure, min_length: float | None) -> Structure:
    """Repeat a structure until its opposite faces are far enough from each other.

    Parameters
    ----------
    structure : Structure
        Ordered structure; not changed.
    min_length : float or None
        Smallest distance between opposite faces in angstrom; None repeats nothing.

    Returns
    -------
    Structure
        The supercell.

    Raises
    ------
    InvalidStructureError
        If sites are disordered, or there are fewer than two.
    """
    disordered = [site.species_string for site in structure if not site.is_ordered]
    if disordered:
        raise InvalidStructureError(
            f"structure has {len(disordered)} disordered sites, such as {disordered[0]!r}; a "
            "simulation needs one whole atom on each site. Order it first, for example with "
            "pymatgen.transformations.standard_transformations."
            "OrderDisorderedStructureTransformation after adding oxidation states."
        )
    if len(structure) < 2:
        raise InvalidStructureError(
            f"structure must have at least two atoms to simulate; got {len(structure)}."
        )
    supercell = structure.copy()
    if min_length is not None:
        heights = 1 / np.linalg.norm(np.asarray(structure.lattice.inv_matrix), axis=0)
        # the tolerance: a cell of 10.0 angstrom is long enough, also if it is 10.0 - 1e-12
        supercell.make_supercell([math.ceil(min_length / h - 1e-9) for h in heights])
    return supercell


def to_atoms(structure: Structure) -> Any:
    """Make periodic ASE atoms of a structure, its sites in their order."""
    from ase import Atoms

    return Atoms(
        numbers=[site.specie.Z for site in structure],
        cell=np.array(structure.lattice.matrix),
        scaled_positions=np.array(structure.frac_coords),
        pbc=True,
    )


def relaxed(
    atoms: Any,
    calculator: Any,
    *,
    max_force: float,
    with_cell: bool,
    n_threads: int,
    file: Path | None,
) -> Any:
    """Move atoms to a minimum of the energy with the FIRE algorithm.

    Parameters
    ----------
    atoms : ase.Atoms
        Atoms; not changed.
    calculator : str, ASE calculator, or callable returning one
        Forces.
    max_force : float
        Largest force that may remain, in eV/angstrom.
    with_cell : bool
        Whether the cell relaxes as well.
    n_threads : int
        Number of threads.
    file : Path or None
        File of an earlier relaxation, or for this one.

    Returns
    -------
    ase.Atoms
        The relaxed atoms, without calculator.
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    result = atoms.copy()
    if file is not None and file.exists():
        with np.load(file) as known:
            result.set_cell(known["cell"])
            result.set_positions(known["positions"])
            converged = bool(known["converged"])
    else:
        result.calc = make_calculator(calculator)
        with limited_threads(n_threads):
            moved = FrechetCellFilter(result) if with_cell else result
            converged = FIRE(moved, logfile=None).run(fmax=max_force, steps=MAX_RELAXATION_STEPS)
        result.calc = None
        if file is not None:
            with complete_file(file) as opened:
                cell, positions = result.cell.array, result.positions
                np.savez(opened, cell=cell, positions=positions, converged=converged)
    if not converged:
        warnings.warn(
            f"the structure is not relaxed to {max_force:g} eV/angstrom after "
            f"{MAX_RELAXATION_STEPS} steps; the simulation starts where the relaxation stopped.",
            TransportWarning,
            stacklevel=3,
        )
    return result
