"""Fingerprints of crystal structures in terms of the roles of their atoms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd._optional import import_optional
from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._structures._read_structure import read_with_notes

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["Fingerprint", "fingerprints_of"]

_ANIONS = frozenset({"N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I"})
# DScribe knows elements, not roles: each role borrows one. Which, makes no difference.
_MOBILE, _ANION, _CATION = "Li", "O", "Si"
_VOLUME = 10.0  # cubic angstrom per atom of the framework
_HALF_FULL = 0.5 - 1e-3  # occupancies are rounded
_RADIAL, _ANGULAR, _WIDTH = 6, 4, 0.3


class Fingerprint(NamedTuple):
    """What a worker sends back of a structure: NaN and the reason if it has no fingerprint."""

    values: NDArray[np.float32]
    is_disordered: bool = False
    reason: str = ""


def fingerprints_of(
    items: Sequence[Any], mobile_ion: str, cutoff: float, with_mobile: bool
) -> list[Fingerprint]:
    """Compute the fingerprint of each structure.

    Parameters
    ----------
    items : sequence of structures
        As `read_structure` takes them.
    mobile_ion : str
        Symbol of the mobile element.
    cutoff : float
        Radius of the surroundings in angstrom, in the scaled cell.
    with_mobile : bool
        Whether mobile ions count.

    Returns
    -------
    list of Fingerprint
        One for each structure.

    Raises
    ------
    MissingDependencyError
        If DScribe is not installed.
    """
    descriptors = import_optional(
        "dscribe.descriptors", extra="structure", purpose="StructureSimilarity"
    )
    soap = descriptors.SOAP(
        species=[_MOBILE, _ANION, _CATION] if with_mobile else [_ANION, _CATION],
        r_cut=cutoff,
        n_max=_RADIAL,
        l_max=_ANGULAR,
        sigma=_WIDTH,
        average="outer",
        periodic=True,
        dtype="float32",
    )
    return [_fingerprint(item, soap, mobile_ion, with_mobile) for item in items]


def _fingerprint(item: Any, soap: Any, mobile_ion: str, with_mobile: bool) -> Fingerprint:
    from ase import Atoms

    try:
        structure, _ = read_with_notes(item)
        roles, coords = _roles(structure, mobile_ion)
    except InvalidStructureError as error:
        missing = np.full(soap.get_number_of_features(), np.nan, dtype=np.float32)
        return Fingerprint(missing, reason=str(error))
    is_framework = roles != _MOBILE
    scale = np.cbrt(_VOLUME * is_framework.sum() / structure.volume)
    kept = is_framework | with_mobile
    atoms = Atoms(
        roles[kept], scaled_positions=coords[kept], cell=scale * structure.lattice.matrix, pbc=True
    )
    values = soap.create(atoms)
    return Fingerprint(values / np.linalg.norm(values), not structure.is_ordered)


def _roles(structure: Structure, mobile_ion: str) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Give each site that is at least half full the role of most of its occupancy."""
    symbols = {element.symbol for element in structure.composition.element_composition}
    if symbols == {mobile_ion}:  # the metal, which is all framework
        mobile_ion = ""
    anions = _anions(symbols - {mobile_ion})
    roles, coords = [], []
    for site in structure:
        share = {_ANION: 0.0, _CATION: 0.0, _MOBILE: 0.0}
        for element, occupancy in site.species.element_composition.items():
            share[_role(element.symbol, mobile_ion, anions)] += occupancy
        if sum(share.values()) >= _HALF_FULL:
            roles.append(max(share, key=share.__getitem__))
            coords.append(site.frac_coords)
    if not set(roles) - {_MOBILE}:
        raise InvalidStructureError(
            f"{structure.composition.reduced_formula} has no framework: no site that is at least "
            f"half full holds anything but {mobile_ion}."
        )
    return np.array(roles), np.array(coords)


def _role(symbol: str, mobile_ion: str, anions: set[str]) -> str:
    if symbol == mobile_ion:
        return _MOBILE
    return _ANION if symbol in anions else _CATION


def _anions(symbols: set[str]) -> set[str]:
    """Elements of a framework that count as anions; the most electronegative one if none does."""
    from pymatgen.core import Element

    usual = symbols & _ANIONS
    if usual:
        return usual
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have no electronegativity
        values = {symbol: Element(symbol).X for symbol in sorted(symbols)}
    return {max(values, key=lambda symbol: 0 if math.isnan(values[symbol]) else values[symbol])}
