"""Synthetic pool: hypothetical lithium compounds made by exchange of similar ions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from skxrd._sklearn import Interval, validate_params
from skxrd.datasets._lithium_conductors import expand_sites, read_entries
from skxrd.exceptions import DataIntegrityError

__all__ = ["make_lithium_pool"]

# Shannon's radii in angstrom for six neighbors, by charge.
_RADII: dict[int, dict[str, float]] = {
    1: {"Na": 1.02, "K": 1.38, "Rb": 1.52, "Cs": 1.67, "Ag": 1.15},
    2: {
        **{"Mg": 0.72, "Zn": 0.74, "Co": 0.745, "Fe": 0.78, "Ni": 0.69, "Mn": 0.83, "Cd": 0.95},
        **{"Ca": 1.00, "Sr": 1.18, "Ba": 1.35, "Pb": 1.19, "Eu": 1.17, "Be": 0.45},
    },
    3: {
        **{"B": 0.27, "Al": 0.535, "Ga": 0.62, "Cr": 0.615, "Fe": 0.645, "Sc": 0.745, "In": 0.80},
        **{"Lu": 0.861, "Yb": 0.868, "Er": 0.89, "Y": 0.90, "Ho": 0.901, "Dy": 0.912, "Gd": 0.938},
        **{"Sm": 0.958, "Nd": 0.983, "Pr": 0.99, "Ce": 1.01, "La": 1.032, "Bi": 1.03},
    },
    4: {"Si": 0.40, "Ge": 0.53, "Mn": 0.53, "Ti": 0.605, "Sn": 0.69, "Hf": 0.71, "Zr": 0.72},
    5: {"P": 0.38, "As": 0.46, "V": 0.54, "Sb": 0.60, "Nb": 0.64, "Ta": 0.64, "Bi": 0.76},
    6: {"Te": 0.56, "Mo": 0.59, "W": 0.60},
    -1: {"F": 1.33, "Cl": 1.81, "Br": 1.96, "I": 2.20},
    -2: {"O": 1.40, "S": 1.84, "Se": 1.98, "Te": 2.21},
    -3: {"N": 1.46, "P": 2.12, "As": 2.22},
}
# Ions that are never exchanged, and never brought in.
_KEPT_RADII = {("Li", 1): 0.76, ("H", 1): 0.0, ("H", -1): 1.40, ("P", 4): 0.40}
# Elements listed with two charges: the one that they have in the bundled data.
_USUAL_CHARGE = {"Li": 1, "H": 1, "P": 5, "As": 5, "Bi": 5, "Fe": 3, "Te": 6, "Mn": 2}
# Largest difference of radius between an ion and its substitute, in angstrom. Anions differ more,
# and the whole cell follows them.
_CATION_TOLERANCE, _ANION_TOLERANCE = 0.25, 0.60
# Largest relative difference between a bond of the scaled cell and the expected one.
_BOND_TOLERANCE = {"bundled": 0.08, "aflow": 0.12}
# Shortest distance between anions in units of the sum of their radii, and between cations in
# angstrom. Both reject prototypes of metals that no ions could fill.
_ANION_CONTACT, _CATION_CONTACT = 0.80, 2.3
_MIN_FILLED_FRACTION = 0.4
_MAX_STRAIN = 0.01
_MAX_PROTOTYPE_SITES = 48

_DESCR = """\
Hypothetical lithium compounds
==============================

{n_structures} hypothetical crystal structures that contain lithium, drawn from the {n_available}
that can be made this way. They are NOT known compounds and NOT relaxed: most were never made, many
would not be stable. They serve as unlabeled data for tests, examples and method development that
need realistic powder patterns offline; they are no substitute for a database of structures.

How they are made: (1) in the bundled lithium conductors, one or two elements other than lithium are
exchanged for ions of the same charge and similar radius; (2) prototypes of the AFLOW library that
pymatgen ships are filled with lithium, other cations and anions so that charges balance. The cell
is scaled so that the bonds between cations and anions have the length that the radii of the ions
ask for, plus a uniform random strain of at most {strain:.0%} of the length; compounds whose bonds
cannot all be right, or with ions too near each other, are left out. Each reduced formula occurs
once per space group, and none of the bundled compounds' formulas occurs.
"""


@dataclass(frozen=True)
class _Parent:
    """A crystal whose ions are exchanged: sites hold ions as ``{(element, charge): occupancy}``."""

    id: str
    kind: str
    space_group_number: int
    matrix: NDArray[np.float64]
    coords: NDArray[np.float64]
    site: NDArray[np.int64]
    ions: list[dict[tuple[str, int], float]]
    amounts: dict[str, float]
    # Cation site, nearest anion site and distance; pair of anion sites and shortest distance.
    bonds: list[tuple[int, int, float]]
    anion_contacts: list[tuple[int, int, float]]
    cation_contact: float


@validate_params(
    {
        "n_structures": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_lithium_pool(
    n_structures: int = 2000, *, random_state: int | np.random.RandomState | None = None
) -> Bunch:
    """Make an unlabeled pool of hypothetical lithium compounds.

    The compounds come from the bundled lithium conductors and from the AFLOW prototypes that
    pymatgen ships, by exchange of ions of the same charge and similar radius; lithium stays, charge
    is balanced, and the cell is scaled to the new radii. They are hypothetical: not relaxed, mostly
    never made. Use them to try methods offline, not in place of a database of structures.

    Parameters
    ----------
    n_structures : int, default=2000
        Number of structures, all with different reduced formula or space group.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice of compounds and of the strain (at most 1 % of the cell lengths) that
        keeps cells from being exact multiples. Pass an int for the same pool at each call.

    Returns
    -------
    Bunch
        Dictionary-like object with the attributes

        structures : list of pymatgen.core.Structure, length n_structures
            Structures; partly disordered, as their parents are.
        ids : list of str
            Formula and space group number, unique, such as "Li2CdGe3Se8-212".
        frame : DataFrame of shape (n_structures, 4)
            Columns id, formula (reduced), prototype (id of the parent: a bundled compound, or
            AFLOW's label), space_group_number.
        DESCR : str
            How the pool was made and what it is not.

    Raises
    ------
    ValueError
        If fewer compounds exist than asked for; the message says how many.

    Examples
    --------
    >>> from skxrd.datasets import make_lithium_pool
    >>> pool = make_lithium_pool(50, random_state=0)
    >>> len(pool.structures), len(set(pool.ids))
    (50, 50)
    >>> all("Li" in structure.composition for structure in pool.structures)
    True
    """
    candidates = _list_candidates()
    if n_structures > len(candidates):
        raise ValueError(
            f"n_structures={n_structures} is too large: {len(candidates)} different compounds can "
            "be made by substitution."
        )
    rng = check_random_state(random_state)
    chosen = _choose_evenly(candidates, n_structures, rng)
    strain = 1 + rng.uniform(-_MAX_STRAIN, _MAX_STRAIN, size=n_structures)
    structures = [
        _make_structure(parent, exchange, scale * stretch)
        for (parent, exchange, scale), stretch in zip(chosen, strain, strict=True)
    ]
    frame = _make_frame(chosen)
    return Bunch(
        structures=structures,
        ids=frame["id"].tolist(),
        frame=frame,
        DESCR=_DESCR.format(
            n_structures=n_structures, n_available=len(candidates), strain=_MAX_STRAIN
        ),
    )


_Exchange = dict[tuple[str, int], tuple[str, int]]
_Candidate = tuple[_Parent, _Exchange, float]


def _list_candidates() -> list[_Candidate]:
    """All compounds that can be made, in a fixed order."""
    entries = read_entries()
    bundled = [_parent_from_entry(entry) for entry in entries]
    labeled = {_formula_key(parent, {}) for parent in bundled}
    found: set[tuple[Any, int]] = set()
    candidates = []
    for parent, exchange in _propose(bundled):
        scale = _scale(parent, exchange)
        if scale is None:
            continue
        formula = _formula_key(parent, exchange)
        key = (formula, parent.space_group_number)
        if formula not in labeled and key not in found:
            found.add(key)
            candidates.append((parent, exchange, scale))
    return candidates


def _propose(bundled: list[_Parent]) -> Iterator[tuple[_Parent, _Exchange]]:
    for parent in bundled:
        for exchange in _exchanges(parent):
            yield parent, exchange
    yield from _filled_prototypes()


def _choose_evenly(
    candidates: list[_Candidate], n_structures: int, rng: np.random.RandomState
) -> list[_Candidate]:
    """Draw from the parents in turn, so that those with many substitutes do not crowd the pool."""
    by_parent: dict[str, list[int]] = {}
    for row, (parent, _, _) in enumerate(candidates):
        by_parent.setdefault(parent.id, []).append(row)
    turn = np.empty(len(candidates))
    for rows in by_parent.values():
        # The fraction decides at random between the candidates of one turn.
        turn[rows] = rng.permutation(len(rows)) + rng.uniform(size=len(rows))
    return [candidates[row] for row in np.argsort(turn, kind="stable")[:n_structures]]


# Exchange of ions in a bundled compound -----------------------------------------------------------


def _exchanges(parent: _Parent) -> Iterator[_Exchange]:
    """Every exchange of one or two kinds of ions for similar ones that the parent does not hold."""
    ions = sorted({ion for site in parent.ions for ion in site if ion != ("Li", 1)})
    taken = {element for element, _ in ions}
    similar = {ion: [new for new in _similar(ion) if new[0] not in taken] for ion in ions}
    for ion in ions:
        for new in similar[ion]:
            yield {ion: new}
    for first, second in combinations(ions, 2):
        for new_first, new_second in product(similar[first], similar[second]):
            if new_first[0] != new_second[0]:
                yield {first: new_first, second: new_second}


def _similar(ion: tuple[str, int]) -> list[tuple[str, int]]:
    element, charge = ion
    radii = _RADII.get(charge, {})
    if ion in _KEPT_RADII or element not in radii:
        return []
    tolerance = _CATION_TOLERANCE if charge > 0 else _ANION_TOLERANCE
    return [
        (other, charge)
        for other, radius in radii.items()
        if other != element and abs(radius - radii[element]) <= tolerance
    ]


def _scale(parent: _Parent, exchange: _Exchange) -> float | None:
    """Factor of the cell's lengths, or None if no factor makes all distances sensible."""
    radius = [_mean_radius(site, exchange) for site in parent.ions]
    if parent.kind == "bundled":  # its bonds are right, and change as the radii do
        before = [_mean_radius(site, {}) for site in parent.ions]
        growth = [new - old for new, old in zip(radius, before, strict=True)]
        wanted = [1 + (growth[row] + growth[anion]) / d for row, anion, d in parent.bonds]
    else:
        wanted = [(radius[row] + radius[anion]) / d for row, anion, d in parent.bonds]
    scale = sum(wanted) / len(wanted)
    tolerance = _BOND_TOLERANCE[parent.kind]
    if any(abs(scale / ratio - 1) > tolerance for ratio in wanted):
        return None
    for first, second, distance in parent.anion_contacts:
        contact = _ANION_CONTACT * (radius[first] + radius[second])
        if parent.kind == "bundled":
            # Within a borate or phosphate anions meet closely: there the parent is the measure.
            grown = 1 + (growth[first] + growth[second]) / (before[first] + before[second])
            contact = min(contact, 0.92 * grown * distance)
        if scale * distance < contact:
            return None
    if parent.kind == "aflow" and scale * parent.cation_contact < _CATION_CONTACT:
        return None
    if parent.kind == "aflow" and _filled_fraction(parent, radius, scale) < _MIN_FILLED_FRACTION:
        return None
    return scale


def _filled_fraction(parent: _Parent, radius: list[float], scale: float) -> float:
    """Part of the cell that the ions fill as spheres; low in frameworks that would collapse."""
    count = np.bincount(parent.site)
    filled = 4 / 3 * np.pi * sum(n * r**3 for n, r in zip(count, radius, strict=True))
    return float(filled / (abs(np.linalg.det(parent.matrix)) * scale**3))


def _mean_radius(site: dict[tuple[str, int], float], exchange: _Exchange) -> float:
    total = sum(occ * _radius(exchange.get(ion, ion)) for ion, occ in site.items())
    return total / sum(site.values())


def _radius(ion: tuple[str, int]) -> float:
    return _KEPT_RADII[ion] if ion in _KEPT_RADII else _RADII[ion[1]][ion[0]]


def _formula_key(parent: _Parent, exchange: _Exchange) -> tuple[tuple[str, float], ...]:
    """Composition that does not depend on the number of formula units."""
    amounts = _amounts(parent, exchange)
    total = sum(amounts.values())
    return tuple((element, round(amounts[element] / total, 5)) for element in sorted(amounts))


def _amounts(parent: _Parent, exchange: _Exchange) -> dict[str, float]:
    new = {old: element for (old, _), (element, _) in exchange.items()}
    return {new.get(element, element): amount for element, amount in parent.amounts.items()}


# Prototypes filled with ions ----------------------------------------------------------------------


def _filled_prototypes() -> Iterator[tuple[_Parent, _Exchange]]:
    """Every prototype with lithium on one kind of site, an anion on another, cations elsewhere."""
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY

    for record in AFLOW_PROTOTYPE_LIBRARY:
        structure, label = record["snl"].structure, record["tags"]["aflow"]
        names = sorted(structure.symbol_set)
        if not 2 <= len(names) <= 4 or len(structure) > _MAX_PROTOTYPE_SITES:
            continue
        for anion in names:
            parent = _parent_from_prototype(structure, label, names, anion)
            for lithium in names:
                if lithium != anion:
                    yield from ((parent, exchange) for exchange in _fill(parent, lithium, anion))


def _fill(parent: _Parent, lithium: str, anion: str) -> Iterator[_Exchange]:
    """Ions for the elements of a prototype, such that charges balance."""
    count = np.bincount(parent.site)
    names = [name for site in parent.ions for name, _ in site]
    cations = [name for name in names if name not in (lithium, anion)]
    amounts = [count[names.index(name)] for name in (lithium, anion, *cations)]
    for charges in product([1], [-1, -2, -3], *[range(1, 7)] * len(cations)):
        if np.dot(charges, amounts) != 0:
            continue
        for elements in product(*[_RADII[charge] for charge in charges[1:]]):
            if len(set(elements)) == len(elements):
                ions = zip(("Li", *elements), charges, strict=True)
                slots = [(name, 0) for name in (lithium, anion, *cations)]
                yield dict(zip(slots, ions, strict=True))


# Parents ------------------------------------------------------------------------------------------


def _parent_from_entry(entry: dict[str, Any]) -> _Parent:
    from pymatgen.core import Composition, Lattice

    states = entry.get("oxidation_states", {})
    ions = [
        {(element, states.get(element, _charge(element))): occ for element, occ in species.items()}
        for _, species, _ in entry["sites"]
    ]
    coords, site = expand_sites(entry)
    matrix = Lattice.from_parameters(*entry["lattice"]).matrix
    # The atoms of a site are equivalent: one of them tells its distances.
    probes = np.unique(site, return_index=True)[1]
    is_anion = np.array([next(iter(species))[1] < 0 for species in ions])
    return _Parent(
        entry["id"],
        "bundled",
        entry["space_group"]["number"],
        matrix,
        coords,
        site,
        ions,
        Composition(entry["formula"]).get_el_amt_dict(),
        *_distances(matrix, coords, site, is_anion, probes),
    )


def _parent_from_prototype(structure: Any, label: str, names: list[str], anion: str) -> _Parent:
    """Prototype whose elements stand as ``(element, 0)`` for the ions that will replace them."""
    site = np.array([names.index(atom.specie.symbol) for atom in structure])
    matrix, coords = structure.lattice.matrix, structure.frac_coords
    is_anion = np.array([name == anion for name in names])
    return _Parent(
        f"AFLOW-{label}",
        "aflow",
        int(label.split("_")[2]),
        matrix,
        coords,
        site,
        [{(name, 0): 1.0} for name in names],
        structure.composition.get_el_amt_dict(),
        *_distances(matrix, coords, site, is_anion, np.arange(len(site))),
    )


def _charge(element: str) -> int:
    if element in _USUAL_CHARGE:
        return _USUAL_CHARGE[element]
    for charge, radii in _RADII.items():
        if element in radii:
            return charge
    raise DataIntegrityError(f"The bundled data hold {element}, whose ionic radius is not listed.")


def _distances(
    matrix: NDArray[np.float64],
    coords: NDArray[np.float64],
    site: NDArray[np.int64],
    is_anion: NDArray[np.bool_],
    probes: NDArray[np.int64],
) -> tuple[list[tuple[int, int, float]], list[tuple[int, int, float]], float]:
    """Bonds, contacts of anions and shortest distance of cations, seen from the probe atoms."""
    images = np.array(list(product((-1, 0, 1), repeat=3)), dtype=float)
    difference = coords[None] - coords[probes][:, None]
    difference -= np.round(difference)
    vectors = (difference[:, :, None] + images) @ matrix
    distance = np.sqrt((vectors**2).sum(axis=-1))
    distance[distance < 1e-3] = np.inf  # an atom and itself
    distance = distance.min(axis=2)

    bonds: set[tuple[int, int, float]] = set()
    contacts: dict[tuple[int, int], float] = {}
    cation_contact = np.inf
    anion = is_anion[site]
    for probe, row in zip(distance, site[probes], strict=True):
        if is_anion[row]:
            for other in np.flatnonzero(is_anion):
                nearest = probe[site == other].min()
                pair = (int(row), int(other))
                contacts[pair] = min(contacts.get(pair, np.inf), float(nearest))
            continue
        nearest = int(np.argmin(np.where(anion, probe, np.inf)))
        bonds.add((int(row), int(site[nearest]), round(float(probe[nearest]), 3)))
        cation_contact = min(cation_contact, float(probe[~anion].min()))
    return sorted(bonds), [(*pair, d) for pair, d in contacts.items()], cation_contact


# Output -------------------------------------------------------------------------------------------


def _make_structure(parent: _Parent, exchange: _Exchange, scale: float) -> Any:
    from pymatgen.core import Composition, Lattice, Structure

    species = [
        Composition({exchange.get(ion, ion)[0]: occ for ion, occ in site.items()})
        for site in parent.ions
    ]
    lattice = Lattice(parent.matrix * scale)
    return Structure(lattice, [species[row] for row in parent.site], parent.coords)


def _make_frame(chosen: list[_Candidate]) -> Any:
    import pandas as pd
    from pymatgen.core import Composition

    formulas = [
        Composition(_amounts(parent, exchange)).reduced_formula for parent, exchange, _ in chosen
    ]
    numbers = [parent.space_group_number for parent, _, _ in chosen]
    return pd.DataFrame(
        {
            "id": [f"{name}-{number}" for name, number in zip(formulas, numbers, strict=True)],
            "formula": formulas,
            "prototype": [parent.id for parent, _, _ in chosen],
            "space_group_number": numbers,
        }
    )
