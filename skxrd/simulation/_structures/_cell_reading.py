"""From whatever holds a structure to its cell: gemmi where it is safe, pymatgen as the referee."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skxrd.exceptions import InvalidStructureError, MissingDependencyError
from skxrd.simulation._structures._cell import Cell, cell_of, formula_of, merged_sites
from skxrd.simulation._structures._cif_block import import_gemmi
from skxrd.simulation._structures._cif_cells import CifCell, amounts_of, cell_of_cif
from skxrd.simulation._structures._read_structure import (
    OPENERS,
    describe,
    invalid_structure,
    is_cif_text,
    read_with_notes,
)

__all__ = ["CellReading", "differences", "has_gemmi", "read_cell"]

_READERS = ("auto", "gemmi", "pymatgen", "both")
_LENGTH_TOLERANCE = 1e-6  # of the cell, relative
_COORD_TOLERANCE = 1e-5  # of an edge
_AMOUNT_TOLERANCE = 1e-3  # atoms, on a site and in the cell


class CellReading(NamedTuple):
    """Cell of a structure, and what is known of its source."""

    cell: Cell
    notes: list[str]  # what deserves a look
    reader: str  # "gemmi" or "pymatgen"

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return formula_of(self.cell)


def read_cell(item: Any, *, cif_reader: str = "auto") -> CellReading:
    """Read the cell of a structure, of CIF files with gemmi if possible.

    Parameters
    ----------
    item : str, path-like, dict or pymatgen Structure
        Structure, see `read_structure`. Only CIF files and texts are read with gemmi.
    cif_reader : {"auto", "gemmi", "pymatgen", "both"}, default="auto"
        Who reads a CIF:

        - "auto": gemmi, and pymatgen as well if anything in the file could be taken in two ways;
          only pymatgen where gemmi is not installed;
        - "gemmi": gemmi alone; what could be taken in two ways is a note;
        - "pymatgen": pymatgen alone;
        - "both": each file is read twice.

        Where both read a file and agree, the cell is gemmi's, which has displacement parameters;
        pymatgen does not keep them. Where they disagree the cell is pymatgen's, and a note tells
        the difference; where pymatgen finds no structure, there is none.

    Returns
    -------
    CellReading
        Cell, formula, notes and reader.

    Raises
    ------
    InvalidStructureError
        If there is no such file, or no valid structure in it.
    ValueError
        If there is no such reader.
    MissingDependencyError
        If `cif_reader` is "gemmi" or "both" and gemmi is not installed.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.simulation._structures._cell_reading import read_cell
    >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> reading = read_cell(iron.to(fmt="cif"), cif_reader="pymatgen")
    >>> reading.formula, reading.cell.frac_coords.tolist(), reading.reader
    ('Fe', [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], 'pymatgen')
    """
    if cif_reader not in _READERS:
        raise ValueError(f"cif_reader must be one of {', '.join(_READERS)}, got {cif_reader!r}.")
    if cif_reader == "pymatgen" or (cif_reader == "auto" and not has_gemmi()):
        return _read_with_pymatgen(item)
    import_gemmi()
    text = _cif_text(item)
    if text is None:
        return _read_with_pymatgen(item)
    try:
        read = cell_of_cif(text)
    except InvalidStructureError as error:
        if cif_reader == "gemmi":
            raise InvalidStructureError(
                f"{describe(item)} holds no valid structure: {error}"
            ) from error
        reading = _read_with_pymatgen(item)
        return reading._replace(notes=[*reading.notes, f"gemmi finds no structure: {error}"])
    if cif_reader == "gemmi":
        return _read_with_gemmi(read, [*read.doubts, *read.contradictions])
    if cif_reader == "auto" and not (read.doubts or read.contradictions):
        return _read_with_gemmi(read, [])
    return _refereed(read, _read_with_pymatgen(item))


def differences(first: Cell, second: Cell) -> list[str]:
    """Tell how two cells of the same axes and origin differ; their sites may be in any order.

    Parameters
    ----------
    first : Cell
        One cell.
    second : Cell
        The other one.

    Returns
    -------
    list of str
        What differs: the cell by more than 1e-6 (relative), amounts by more than 1e-3 atoms, the
        number of sites, or sites by more than 1e-5 of an edge or 1e-3 of an atom. Empty if they
        are the same crystal; displacements are not compared.
    """
    found = []
    metrics = first.lattice @ first.lattice.T, second.lattice @ second.lattice.T
    if not np.allclose(*metrics, rtol=0, atol=_LENGTH_TOLERANCE * metrics[1].max()):
        found.append("the cell")
    amounts = amounts_of(first), amounts_of(second)
    elements = sorted(set(amounts[0]) | set(amounts[1]))
    one, other = (np.array([each.get(element, 0) for element in elements]) for each in amounts)
    if not np.allclose(one, other, rtol=0, atol=_AMOUNT_TOLERANCE):
        found.append(f"composition ({_contents(amounts[0])} and {_contents(amounts[1])})")
    sites = _occupied_positions(first, elements), _occupied_positions(second, elements)
    if len(sites[0]) != len(sites[1]):
        found.append(f"number of sites ({len(sites[0])} and {len(sites[1])})")
    elif not found and not _are_same_sites(*sites):
        found.append("coordinates or occupancies")
    return found


def has_gemmi() -> bool:
    """Tell whether gemmi is installed."""
    try:
        import_gemmi()
    except MissingDependencyError:
        return False
    return True


def _cif_text(item: Any) -> str | None:
    """Text of a CIF; None for all else, and for files that pymatgen's reader will complain of."""
    if is_cif_text(item):
        return str(item)
    if not isinstance(item, str | os.PathLike):
        return None
    path = Path(item)
    if not re.search(r"\.m?cif\b", path.name, flags=re.IGNORECASE):
        return None
    opener = OPENERS.get(path.suffix.lower(), open)
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace") as file:
            return str(file.read())
    except (OSError, EOFError, zlib.error, ValueError):
        return None


def _read_with_pymatgen(item: Any) -> CellReading:
    structure, notes = read_with_notes(item)
    with invalid_structure(describe(item)):
        cell = cell_of(structure)
        return CellReading(cell, notes, "pymatgen")


def _read_with_gemmi(read: CifCell, notes: list[str]) -> CellReading:
    return CellReading(read.cell, notes, "gemmi")


def _refereed(read: CifCell, referee: CellReading) -> CellReading:
    notes = [*referee.notes, *read.contradictions]
    found = differences(read.cell, referee.cell)
    if not found:
        return _read_with_gemmi(read, notes)
    reason = f" ({'; '.join(read.doubts)})" if read.doubts else ""
    note = f"gemmi and pymatgen differ in {' and '.join(found)}, pymatgen's cell is taken{reason}"
    return referee._replace(notes=[*notes, note])


def _contents(amounts: dict[str, float]) -> str:
    return " ".join(f"{element}{round(amount, 3):g}" for element, amount in amounts.items())


def _occupied_positions(cell: Cell, elements: list[str]) -> NDArray[np.float64]:
    """Rows of coordinates and occupancies, one for each position in the cell."""
    coords, occupancies = merged_sites(cell, _COORD_TOLERANCE)
    columns = np.zeros((len(coords), len(elements)))
    columns[:, [elements.index(element) for element in cell.elements]] = occupancies
    return np.hstack([coords, columns])


def _are_same_sites(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    distance, nearest = _tree(second[:, :3]).query(first[:, :3], p=np.inf)
    if np.any(distance > _COORD_TOLERANCE) or len(np.unique(nearest)) != len(second):
        return False
    return np.allclose(first[:, 3:], second[nearest, 3:], rtol=0, atol=_AMOUNT_TOLERANCE)


def _tree(coords: NDArray[np.float64]) -> cKDTree:
    return cKDTree(coords, boxsize=np.ones(3))
