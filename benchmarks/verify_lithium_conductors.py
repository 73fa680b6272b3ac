"""Verify the bundled lithium conductors entry by entry and print a table.

Without data the entries are checked against themselves and against chemistry: symmetry, formula,
charge, occupancies, distances, bond lengths, volume. With the folder of real data (argument or
SKXRD_SHARED_DATA) the cells are compared with measured ones (OBELiX) and with relaxed ones of a
pool of computed structures, and the atoms of ordered compounds with those of that pool.

    python benchmarks/verify_lithium_conductors.py [folder]
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Composition, Element, Lattice, Structure

from skxrd.datasets._lithium_conductors import make_structure, read_entries

# Oxidation states; entries whose elements have other ones say so.
OXIDATION = {
    **dict.fromkeys(["H", "Li", "Na", "K"], 1),
    **dict.fromkeys(["Mg", "Ca", "Sr", "Ba", "Mn", "Co", "Zn", "Cd"], 2),
    **dict.fromkeys(["B", "Al", "Ga", "In", "Sc", "Y", "La", "Ce", "Pr", "Nd", "Sm"], 3),
    **dict.fromkeys(["Cr", "Fe"], 3),
    **dict.fromkeys(["Si", "Ge", "Sn", "Ti", "Zr", "Hf"], 4),
    **dict.fromkeys(["P", "Sb", "Bi", "V", "Nb", "Ta"], 5),
    **dict.fromkeys(["Te", "Mo", "W"], 6),
    **dict.fromkeys(["F", "Cl", "Br", "I"], -1),
    **dict.fromkeys(["O", "S"], -2),
    "N": -3,
}
# Mean length in angstrom that the bonds of a cation have, first coordination shell: (low, high).
BONDS = {
    ("P", "S"): (2.00, 2.10),
    ("P", "O"): (1.50, 1.58),
    ("P", "N"): (1.55, 1.70),
    ("V", "O"): (1.68, 1.76),
    ("Si", "O"): (1.58, 1.66),
    ("Si", "N"): (1.70, 1.80),
    ("Ge", "S"): (2.17, 2.27),
    ("Ge", "O"): (1.74, 1.92),
    ("Sn", "S"): (2.33, 2.62),
    ("Sb", "S"): (2.28, 2.38),
    ("Sb", "O"): (1.93, 2.05),
    ("B", "N"): (1.30, 1.38),
    ("Al", "H"): (1.55, 1.80),
    ("Mo", "O"): (1.73, 1.83),
    ("W", "O"): (1.85, 2.00),
    ("Ti", "O"): (1.85, 2.05),
    ("Zr", "O"): (2.00, 2.20),
    ("Hf", "O"): (1.98, 2.15),
    ("Nb", "O"): (1.88, 2.10),
    ("Ta", "O"): (1.92, 2.05),
    ("Te", "O"): (1.88, 2.00),
    ("Bi", "O"): (2.05, 2.20),
    ("Ga", "O"): (1.80, 1.90),
    ("Sc", "O"): (2.05, 2.15),
    ("Fe", "O"): (1.95, 2.15),
    ("Mg", "O"): (1.98, 2.15),
    ("La", "O"): (2.40, 2.85),
    ("Nd", "O"): (2.38, 2.75),
    ("Y", "Cl"): (2.55, 2.75),
    ("In", "Cl"): (2.45, 2.58),
    ("H", "O"): (0.93, 1.02),
    ("Li", "O"): (1.80, 2.55),
    ("Li", "S"): (2.25, 2.85),
    ("Li", "Cl"): (2.25, 2.75),
    ("Li", "N"): (1.90, 2.25),
    ("Li", "H"): (1.75, 2.10),
    ("Li", "P"): (2.40, 2.75),
}
# Typical volume of an anion with its share of cations, cubic angstrom.
ANION_VOLUME = {
    **{"H": 17, "N": 25, "O": 20, "F": 18, "P": 56, "S": 41, "Cl": 37, "Br": 45, "I": 56},
}
FORMULA_TOLERANCE = 0.01
CHARGE_TOLERANCE = 0.1
MEASURED_TOLERANCE, RELAXED_TOLERANCE = 0.01, 0.03


def check_entry(entry: dict[str, Any]) -> list[str]:
    """Say what is wrong with an entry; an empty list is a good one."""
    for label, species, _ in entry["sites"]:
        if sum(species.values()) > 1 + 1e-4:
            return [f"{label} has an occupancy of {sum(species.values()):.4f}"]
    structure = make_structure(entry)
    charges = oxidation_states(entry)
    return [
        *check_symmetry(entry, structure),
        *check_formula(entry, structure),
        *check_charge(structure, charges, entry),
        *check_distances(structure, charges),
        *check_volume(structure, charges),
    ]


def oxidation_states(entry: dict[str, Any]) -> dict[str, int]:
    return {**OXIDATION, **entry.get("oxidation_states", {})}


def check_symmetry(entry: dict[str, Any], structure: Structure) -> list[str]:
    """Compare with pymatgen's expansion, and the group's number with its symbol."""
    from pymatgen.symmetry.groups import SpaceGroup

    symbol = entry["space_group"]["symbol"]
    group = SpaceGroup(symbol)
    problems = []
    if group.int_number != entry["space_group"]["number"]:
        problems.append(f"{symbol} is number {group.int_number}")
    lattice = Lattice.from_parameters(*entry["lattice"])
    if not group.is_compatible(lattice):
        return [*problems, f"cell {entry['lattice']} does not have the symmetry of {symbol}"]
    species, coords = zip(*[site[1:] for site in entry["sites"]], strict=True)
    expected = Structure.from_spacegroup(symbol, lattice, species, coords, tol=1e-4)
    if len(expected) != len(structure) or not expected.composition.almost_equals(
        structure.composition
    ):
        problems.append(f"{len(structure)} atoms, pymatgen makes {len(expected)}")
    return problems


def check_formula(entry: dict[str, Any], structure: Structure) -> list[str]:
    stated, found = Composition(entry["formula"]), structure.composition
    units = found.num_atoms / stated.num_atoms
    problems = []
    if abs(units - round(units)) > FORMULA_TOLERANCE * units:
        problems.append(f"{units:.3f} formula units per cell")
    for element in {*stated, *found}:
        if abs(found[element] / units - stated[element]) > FORMULA_TOLERANCE * stated[element]:
            problems.append(f"{element}: {found[element] / units:.3f} for {stated[element]:.3f}")
    return problems


def check_charge(structure: Structure, charges: dict[str, int], entry: dict[str, Any]) -> list[str]:
    units = structure.composition.num_atoms / Composition(entry["formula"]).num_atoms
    amounts = structure.composition.get_el_amt_dict()
    charge = sum(charges[element] * amount for element, amount in amounts.items()) / units
    if abs(charge) > CHARGE_TOLERANCE:
        return [f"charge {charge:+.3f} per formula unit"]
    return []


def check_distances(structure: Structure, charges: dict[str, int]) -> list[str]:
    """Contacts of like ions, and bonds of cations to anions."""
    problems = set()
    occupancy = np.array([site.species.num_atoms for site in structure])
    names = [
        max(site.species.get_el_amt_dict().items(), key=lambda p: p[1])[0] for site in structure
    ]
    radius = np.array([_mean_radius(site.species, charges) for site in structure])
    sign = np.sign([charges[name] for name in names])
    distance = structure.distance_matrix + 99 * np.eye(len(structure))
    # A cell with one atom of a kind meets its own images one lattice vector away.
    together = occupancy[:, None] + occupancy[None] > 1 + 1e-3

    like = sign[:, None] == sign[None]
    # Ions of a pair that is never occupied at once may overlap; lithium of average structures too,
    # unless its sites are full.
    partial = (occupancy[:, None] < 1) & (occupancy[None] < 1) & (distance > 1.7)
    p_p = np.array([[charges[a] == 4 and a == b == "P" for b in names] for a in names])
    limit = np.where(sign[:, None] > 0, 2.0, 0.78 * (radius[:, None] + radius[None]))
    hydrogen = np.array([name == "H" for name in names])
    limit[hydrogen] = limit[:, hydrogen] = 1.6
    for first, second in np.argwhere(like & together & ~partial & ~p_p & (distance < limit)):
        pair, length = sorted((names[first], names[second])), distance[first, second]
        problems.add(f"{'-'.join(pair)} {length:.2f} A apart")

    for row in np.flatnonzero(sign > 0):
        anions = np.flatnonzero(sign < 0)
        bonds = distance[row, anions]
        anion = names[anions[np.argmin(bonds)]]
        same = np.array([names[other] == anion for other in anions])
        shell = bonds[same & (bonds < 1.25 * bonds.min())]
        low, high = BONDS.get((names[row], anion), (0.0, 9.9))
        if len(structure[row].species) > 1 or (names[row], anion) not in BONDS:
            expected = radius[row] + radius[anions[np.argmin(bonds)]]
            low, high = 0.80 * expected, 1.30 * expected
        if not low <= shell.mean() <= high:
            problems.add(
                f"{names[row]}-{anion} {shell.mean():.3f} A, wanted {low:.2f} to {high:.2f}"
            )
    return sorted(problems)


def _mean_radius(species: Composition, charges: dict[str, int]) -> float:
    total = sum(_radius(str(el), charges[str(el)]) * occ for el, occ in species.items())
    return total / species.num_atoms


def _radius(element: str, charge: int) -> float:
    if element == "H":
        return 0.0 if charge > 0 else 1.2
    radii = Element(element).ionic_radii
    return float(radii.get(charge, Element(element).average_ionic_radius))


def check_volume(structure: Structure, charges: dict[str, int]) -> list[str]:
    """Compare the volume with the sum of typical volumes of the anions."""
    amounts = structure.composition.get_el_amt_dict()
    anions = {name: amount for name, amount in amounts.items() if charges[name] < 0}
    expected = sum(ANION_VOLUME[name] * amount for name, amount in anions.items())
    ratio = structure.volume / expected
    if not 0.6 <= ratio <= 1.8:
        return [f"volume {ratio:.2f} times that of its anions"]
    return []


def compare_measured(entry: dict[str, Any], table: Any) -> float | None:
    """Largest relative difference of the cell from the nearest measured one, None without one."""
    rows = table[
        (table["formula"] == Composition(entry["formula"]).reduced_formula)
        & (table["Space group #"] == entry["space_group"]["number"])
    ]
    if rows.empty:
        return None
    cells = rows[["a", "b", "c", "alpha", "beta", "gamma"]].to_numpy(dtype=float)
    return float(np.abs(cells / np.array(entry["lattice"]) - 1).max(axis=1).min())


def compare_relaxed(entry: dict[str, Any], pool: Any) -> tuple[float, float | None] | None:
    """Cell difference, and distance of the atoms in units of (volume per atom)^(1/3).

    The second is NaN where the structures do not match, None where ours is disordered.
    """
    formula = Composition(entry["formula"]).reduced_formula
    number = entry["space_group"]["number"]
    rows = pool[(pool["formula"] == formula) & (pool["spacegroup_number"] == number)]
    if rows.empty:
        return None
    ours = make_structure(entry)
    with warnings.catch_warnings():  # rounded coordinates, deprecations inside of spglib
        warnings.simplefilter("ignore")
        return min(_compare(ours, Structure.from_str(cif, fmt="cif")) for cif in rows["cif"])


def _compare(ours: Structure, relaxed: Structure) -> tuple[float, float | None]:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    cell = SpacegroupAnalyzer(relaxed, 0.1).get_conventional_standard_structure().lattice
    if not ours.is_ordered:
        return float(max(abs(np.array(sorted(cell.abc)) / sorted(ours.lattice.abc) - 1))), None
    own = SpacegroupAnalyzer(ours, 0.01).get_conventional_standard_structure().lattice
    match = StructureMatcher().get_rms_dist(ours, relaxed)
    distance = np.nan if match is None else float(match[0])
    return float(max(abs(np.array(sorted(cell.abc)) / sorted(own.abc) - 1))), distance


def load_references(folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    measured = pd.read_csv(folder / "obelix" / "train.csv")
    measured = measured.dropna(subset=["True Composition"])
    measured["formula"] = [
        Composition(text).reduced_formula for text in measured["Reduced Composition"].str.strip()
    ]
    return measured, pd.read_csv(folder / "li_pool" / "li_pool.csv.gz")


def main(argv: list[str]) -> int:
    default = os.environ.get("SKXRD_SHARED_DATA", "")
    folder = Path(argv[0] if argv else default) if argv or default else None
    measured, pool = load_references(folder) if folder else (None, None)
    cells, relaxed_cells, atoms, n_bad = [], [], [], 0
    print(f"{'id':42s} {'S/cm':>9s} {'g/cm3':>6s} {'measured':>9s} {'relaxed':>8s} {'atoms':>6s}")
    for entry in read_entries():
        problems = check_entry(entry)
        texts = ["", "", ""]
        if folder:
            cell = compare_measured(entry, measured)
            if cell is not None:
                cells.append(cell)
                texts[0] = f"{cell:.4f}"
                if cell > MEASURED_TOLERANCE:
                    problems.append("cell is not the measured one")
            relaxed = compare_relaxed(entry, pool)
            if relaxed is not None:
                relaxed_cells.append(relaxed[0])
                texts[1] = f"{relaxed[0]:.4f}"
                if relaxed[0] > RELAXED_TOLERANCE:
                    problems.append("cell is not the relaxed one")
                if relaxed[1] is not None:
                    atoms.append(relaxed[1])
                    texts[2] = f"{relaxed[1]:.3f}"
                    if np.isnan(relaxed[1]):
                        problems.append("atoms do not match the relaxed ones")
        n_bad += bool(problems)
        density = make_structure(entry).density
        print(
            f"{entry['id']:42s} {entry['conductivity']:9.2e} {density:6.2f} "
            f"{texts[0]:>9s} {texts[1]:>8s} {texts[2]:>6s}  {'; '.join(problems)}"
        )
    entries = read_entries()
    superionic = sum(entry["conductivity"] >= 1e-4 for entry in entries)
    print(f"{len(entries)} entries, {superionic} superionic, {n_bad} with problems")
    if folder:
        print(f"{len(cells)} cells measured elsewhere, largest difference {max(cells):.4f}")
        print(f"{len(relaxed_cells)} cells relaxed, largest difference {max(relaxed_cells):.4f}")
        print(f"{len(atoms)} with atoms to compare, largest distance {np.max(atoms):.3f}")
    return int(n_bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
