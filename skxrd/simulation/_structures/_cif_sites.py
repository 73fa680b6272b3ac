"""What a CIF says of a crystal: cell, symmetry operations and independent sites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._structures._cif_block import CifBlock, import_gemmi, read_block
from skxrd.simulation._structures._cif_displacements import read_displacements
from skxrd.simulation._structures._cif_symmetry import OPERATIONS, Symmetry, read_symmetry

__all__ = ["CifSites", "read_sites"]

_CELL = (
    *(f"_cell_length_{axis}" for axis in "abc"),
    *(f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")),
)
_COORDS = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
_LABEL, _SYMBOL = "_atom_site_label", "_atom_site_type_symbol"
_OCCUPANCY, _FORMULA = "_atom_site_occupancy", "_chemical_formula_sum"
_MULTIPLICITIES = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
# gemmi finds tags in any case, pymatgen only as they are written here.
_EXACT = (*_CELL, *_COORDS, _LABEL, _SYMBOL, _OCCUPANCY, _FORMULA, *OPERATIONS)
_MAGNETIC = ("_space_group_magn", "_atom_site_moment", "_space_group_symop_magn", "_magnetic",
             "_cell_modulation_dimension", "_cell_wave_vector")  # fmt: skip
_PLAIN = {  # tags that say something only where another value stands
    "_atom_site_disorder_group": (".", "?"),
    "_atom_site_attached_hydrogens": (".", "?", "0"),
    "_atom_site_calc_flag": (".", "?", "d", "calc", "c"),
}

_PLAIN_SYMBOL = re.compile(r"([A-Z][a-z]?)(?:\d*[+-]?|[+-]\d+)")  # Fe, Fe3+, O2-, O-2
_PLAIN_LABEL = re.compile(r"([A-Z][a-z]?)(?:\d\S*)?")  # Fe, Fe1, O2A
_PLAIN_FORMULA = re.compile(r"(?:[A-Z][a-z]?(?:\d+\.?\d*|\.\d+)?(?:\s+|$))+")

_THIRDS = np.array([1 / 3, 2 / 3])
_THIRDS_TOLERANCE = 1e-4  # relative, as in pymatgen
_THINNEST = 0.01  # angstrom between the faces of a cell, as in pymatgen
_LARGEST = 1e6  # angstrom or edges: beyond, coordinates have no digits left


class CifSites(NamedTuple):
    """Independent sites of a crystal, and what makes its cell of them."""

    lattice: NDArray[np.float64]  # (3, 3): rows a, b, c in angstrom
    symmetry: Symmetry
    elements: tuple[str, ...]  # one for each site
    frac_coords: NDArray[np.float64]  # (n_sites, 3)
    occupancies: NDArray[np.float64]  # (n_sites,)
    multiplicities: NDArray[np.float64]  # (n_sites,): in the cell as told, NaN: not told
    u_iso: NDArray[np.float64]  # (n_sites,): NaN where unknown or anisotropic
    u_star: NDArray[np.float64]  # (n_sites, 3, 3): NaN where unknown
    formula: dict[str, float]  # amounts of _chemical_formula_sum, empty if it is not told
    doubts: list[str]  # what another reader may take in another way
    contradictions: list[str]  # what the file tells in two ways


def read_sites(text: str) -> CifSites:
    """Read the first block with atom sites of a CIF.

    Parameters
    ----------
    text : str
        Text of a CIF.

    Returns
    -------
    CifSites
        The sites. Coordinates within 1e-4 (relative) of 1/3 and 2/3 are those numbers, as
        pymatgen has it: symmetry operations would spread the rounding.

    Raises
    ------
    InvalidStructureError
        If the text is not of CIF syntax, or if cell, sites or their coordinates are missing.
    MissingDependencyError
        If gemmi is not installed.
    """
    block = read_block(text)
    _look_at_tags(block)
    lattice, parameters = _lattice(block)
    symmetry = read_symmetry(block, parameters)
    elements = _elements(block)
    n_sites = len(elements)
    coords = _coords(block, n_sites)
    occupancies = _occupancies(block, n_sites)
    told = (block.numbers(tag) for tag in _MULTIPLICITIES if tag in block)
    multiplicities = next((m for m in told if len(m) == n_sites), np.full(n_sites, np.nan))
    labels = block.texts(_LABEL)
    labels = labels if len(labels) == n_sites else [""] * n_sites
    u_iso, u_star = read_displacements(block, lattice, labels)
    kept = occupancies > 0
    if not kept.any():
        raise InvalidStructureError("no atom site is occupied")
    return CifSites(
        lattice,
        symmetry,
        tuple(element for element, is_kept in zip(elements, kept, strict=True) if is_kept),
        coords[kept],
        occupancies[kept],
        multiplicities[kept],
        u_iso[kept],
        u_star[kept],
        _formula(block),
        block.doubts,
        block.contradictions,
    )


def _look_at_tags(block: CifBlock) -> None:
    exact = {tag.lower(): tag for tag in _EXACT}
    odd = [tag for tag in block.tags if exact.get(tag.lower(), tag) != tag]
    if odd:
        block.doubts.append(f"tags are written in their own way ({_first(odd)})")
    if any(part in tag for part in _MAGNETIC for tag in block.items):
        block.doubts.append("it is magnetic or modulated")
    for tag, plain in _PLAIN.items():
        if not set(block.raw(tag)) <= set(plain):
            block.doubts.append(f"{tag} tells {_first(block.raw(tag))}")


def _lattice(block: CifBlock) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cell with c along z and a in the plane of x and z, as in pymatgen; and its parameters."""
    parameters = np.array([block.number(tag) for tag in _CELL])
    if not np.isfinite(parameters).all():
        missing = [tag for tag, value in zip(_CELL, parameters, strict=True) if value != value]
        raise InvalidStructureError(f"no number for {_first(missing)}")
    a, b, c = parameters[:3]
    cosines, sines = np.cos(np.radians(parameters[3:])), np.sin(np.radians(parameters[3:]))
    is_length = (parameters[:3] >= _THINNEST) & (parameters[:3] < _LARGEST)
    if not is_length.all() or (parameters <= 0).any() or (sines <= 0).any():
        raise InvalidStructureError(f"no cell has the parameters {parameters.tolist()}")
    cosine = (cosines[0] * cosines[1] - cosines[2]) / (sines[0] * sines[1])  # of gamma*
    if abs(cosine) >= 1:
        raise InvalidStructureError(f"no cell has the angles {parameters[3:].tolist()}")
    sine = np.sqrt(1 - cosine**2)
    lattice = np.array(
        [
            [a * sines[1], 0, a * cosines[1]],
            [-b * sines[0] * cosine, b * sines[0] * sine, b * cosines[0]],
            [0, 0, c],
        ]
    )
    thickness = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    if not (thickness > _THINNEST).all():
        raise InvalidStructureError(f"the cell is only {thickness.min():.2g} angstrom thick")
    return lattice, parameters


def _elements(block: CifBlock) -> list[str]:
    labels, symbols = block.texts(_LABEL), block.texts(_SYMBOL)
    if not labels:
        block.doubts.append("its atom sites have no labels")
    texts, plain = (symbols, _PLAIN_SYMBOL) if symbols else (labels, _PLAIN_LABEL)
    if not texts:
        raise InvalidStructureError(f"neither {_LABEL} nor {_SYMBOL} tells the elements")
    found = {text: _element(text, plain) for text in set(texts)}
    odd = [text for text in texts if not found[text][1]]
    if odd:
        block.doubts.append(f"it has atoms called {_first(odd)}")
    return [found[text][0] for text in texts]


def _element(text: str, plain: re.Pattern[str]) -> tuple[str, bool]:
    """Chemical symbol in a symbol or label, and whether nobody could read another one."""
    gemmi = import_gemmi()
    if (match := plain.fullmatch(text)) and match[1] not in ("D", "X"):
        symbol = match[1]
        if gemmi.Element(symbol).atomic_number > 0:
            return symbol, True
    letters = re.match(r"[A-Za-z]*", text)[0]  # type: ignore[index]
    for symbol in (letters[:2].title(), letters[:1].upper()):
        if symbol and gemmi.Element(symbol).atomic_number > 0:
            return symbol, False
    raise InvalidStructureError(f"no element in the atom symbol {text!r}")


def _coords(block: CifBlock, n_sites: int) -> NDArray[np.float64]:
    columns = [block.numbers(tag) for tag in _COORDS]
    if {len(column) for column in columns} != {n_sites}:
        raise InvalidStructureError("its columns of coordinates and of elements differ in length")
    coords = np.stack(columns, axis=1)
    is_unknown = ~(abs(coords) < _LARGEST).all(axis=1)
    if is_unknown.any():
        raise InvalidStructureError(f"{is_unknown.sum()} of {n_sites} sites have no coordinates")
    for third in _THIRDS:
        coords[abs(coords / third - 1) <= _THIRDS_TOLERANCE] = third
    return coords


def _occupancies(block: CifBlock, n_sites: int) -> NDArray[np.float64]:
    if _OCCUPANCY not in block:
        return np.ones(n_sites)
    occupancies = block.numbers(_OCCUPANCY)
    if len(occupancies) != n_sites:
        raise InvalidStructureError("its columns of occupancies and of elements differ in length")
    if not (occupancies > 0).all():
        odd = np.array(block.raw(_OCCUPANCY))[~(occupancies > 0)]
        block.doubts.append(f"occupancies are {_first(odd)}")
    return np.nan_to_num(occupancies, nan=1.0)  # the default in the dictionary of CIF


def _formula(block: CifBlock) -> dict[str, float]:
    text = next(iter(block.texts(_FORMULA)), "").strip()
    if not text:
        if any("_chemical_formula_structural" in tag for tag in block.items):
            block.doubts.append("its formula is given as a structural one only")
        return {}
    amounts: dict[str, float] = {}
    if not _PLAIN_FORMULA.fullmatch(text):
        block.doubts.append(f"its formula is given as {text!r:.80}")
        return amounts
    for symbol, number in re.findall(r"([A-Z][a-z]?)([\d.]*)", text):
        amounts[symbol] = amounts.get(symbol, 0.0) + float(number or 1)
    return {symbol: amount for symbol, amount in amounts.items() if amount > 0}


def _first(values: Sequence[str] | Iterable[str]) -> str:
    names = list(dict.fromkeys(str(value) for value in values))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
