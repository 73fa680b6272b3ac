"""The bundled lithium conductors: each entry against chemistry, and the loader's contract."""

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skxrd.datasets import load_lithium_conductors
from skxrd.datasets._lithium_conductors import make_structure, read_entries
from skxrd.exceptions import DataIntegrityError

ENTRIES = read_entries()
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verify_lithium_conductors.py"


@pytest.fixture(scope="module")
def verify():
    if not SCRIPT.is_file():
        pytest.skip("the benchmarks are not part of a source distribution")
    spec = importlib.util.spec_from_file_location("verify_lithium_conductors", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data():
    return load_lithium_conductors()


def find(entry_id):
    return copy.deepcopy(next(entry for entry in ENTRIES if entry["id"] == entry_id))


def same_structure(first, second):
    return (
        first.species_and_occu == second.species_and_occu
        and np.array_equal(first.frac_coords, second.frac_coords)
        and np.array_equal(first.lattice.matrix, second.lattice.matrix)
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_entry_passes_all_checks(verify, entry):
    assert verify.check_entry(entry) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda entry: entry["sites"].pop(0), "Li"),
        (lambda entry: entry["sites"][1][1].update(P=1.2), "occupancy"),
        (lambda entry: entry["sites"][2].__setitem__(2, [0.10, 0.90, 0.60]), "P-S"),
        (lambda entry: entry["lattice"].__setitem__(2, 9.5), "symmetry"),
        (lambda entry: entry["lattice"].__setitem__(slice(3), [13.0] * 3), "volume"),
        (lambda entry: entry["space_group"].update(number=225), "number 216"),
        (lambda entry: entry.update(formula="Li6PS4Cl"), "S"),
        (lambda entry: entry["sites"][4].__setitem__(1, {"Cl": 1}), "charge"),
        (lambda entry: entry["sites"][0].__setitem__(2, [0.15, 0.85, 0.65]), "apart|Li"),
    ],
)
def test_checks_find_a_wrong_entry(verify, change, problem):
    entry = find("Li6PS5Cl-216")
    change(entry)
    assert any(part in text for text in verify.check_entry(entry) for part in problem.split("|"))


@pytest.mark.real_data
def test_cells_and_atoms_agree_with_independent_data(verify, shared_data):
    measured, pool = verify.load_references(shared_data)
    cells = [verify.compare_measured(entry, measured) for entry in ENTRIES]
    relaxed = [verify.compare_relaxed(entry, pool) for entry in ENTRIES]
    known = [cell for cell in cells if cell is not None]
    assert len(known) >= 90
    assert max(known) < verify.MEASURED_TOLERANCE
    compared = [pair for pair in relaxed if pair is not None]
    assert len(compared) >= 20
    assert max(cell for cell, _ in compared) < verify.RELAXED_TOLERANCE
    distances = [distance for _, distance in compared if distance is not None]
    assert len(distances) >= 15
    assert all(distance < 0.1 for distance in distances)  # NaN, no match, is not below either


def test_enough_entries_of_both_classes(data):
    assert len(data.ids) >= 60
    assert data.target.sum() >= 20
    assert data.target.mean() <= 1 / 3
    assert data.frame["family"].nunique() >= 10


def test_bunch_is_consistent(data):
    frame = data.frame
    assert list(frame.columns) == [
        *("id", "name", "formula", "family", "space_group_symbol", "space_group_number"),
        *("conductivity", "conductivity_censored", "doi"),
    ]
    assert len(data.structures) == len(data.target) == len(frame) == len(data.ids)
    assert frame["id"].tolist() == data.ids
    assert frame["id"].is_unique
    assert data.target.dtype == np.int64
    assert data.target_names == ["not superionic", "superionic"]
    np.testing.assert_array_equal(data.target, frame["conductivity"] >= 1e-4)
    expected = [
        f"{f}-{n}" for f, n in zip(frame["formula"], frame["space_group_number"], strict=True)
    ]
    assert data.ids == expected
    assert frame["doi"].str.match(r"10\.\d{4,}/\S+$").all()
    assert frame["conductivity_censored"].dtype == bool
    assert f"{len(frame)} lithium compounds" in data.DESCR


def test_every_structure_holds_lithium(data):
    assert all("Li" in structure.composition for structure in data.structures)


def test_threshold_moves_the_target():
    data = load_lithium_conductors(superionic_threshold=1e-3)
    np.testing.assert_array_equal(data.target, data.frame["conductivity"] >= 1e-3)
    assert 0 < data.target.sum() < load_lithium_conductors().target.sum()


def test_an_upper_bound_is_never_superionic():
    data = load_lithium_conductors(superionic_threshold=1e-12)
    censored = data.frame["conductivity_censored"].to_numpy()
    assert censored.any()
    assert not data.target[censored].any()


def test_return_X_y(data):
    structures, target = load_lithium_conductors(return_X_y=True)
    np.testing.assert_array_equal(target, data.target)
    assert all(map(same_structure, structures, data.structures))


def test_calls_do_not_share_structures(data):
    structures, _ = load_lithium_conductors(return_X_y=True)
    structures[0].scale_lattice(1.0)
    assert same_structure(load_lithium_conductors().structures[0], data.structures[0])


@pytest.mark.parametrize(
    "params", [{"superionic_threshold": 0}, {"superionic_threshold": "1"}, {"return_X_y": "yes"}]
)
def test_parameters_are_validated(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        load_lithium_conductors(**params)


def test_position_near_a_special_one_is_reported():
    entry = find("Li6PS5Cl-216")
    entry["sites"][2][2] = [0.12, -0.1201, 0.6202]
    with pytest.raises(DataIntegrityError, match="special position"):
        make_structure(entry)
