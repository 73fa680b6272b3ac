"""The pool of hypothetical compounds: what it promises about each structure."""

from itertools import product

import numpy as np
import pytest
from pymatgen.core import Element

from skxrd.datasets import load_lithium_conductors, make_lithium_pool

N_STRUCTURES = 400
CHARGES = {
    **{"H": (1, -1), "P": (5, 4, -3), "As": (5, -3), "Bi": (3, 5), "Te": (-2, 6), "N": (-3,)},
    **{"Mn": (2, 4), "Fe": (2, 3), "Cr": (3,), "V": (5,), "Sb": (5,), "Eu": (2,), "Pb": (2,)},
    **{"Sn": (4,), "Ce": (3,), "Pr": (3,), "Sm": (3,), "Yb": (3,), "Co": (2,), "Ni": (2,)},
    **{"S": (-2,), "Se": (-2,), "Cl": (-1,), "Br": (-1,), "I": (-1,), "Ag": (1,), "Ti": (4,)},
    **{"Mo": (6,), "W": (6,), "Nb": (5,), "Si": (4,), "Ge": (4,), "B": (3,)},
}


@pytest.fixture(scope="module")
def pool():
    return make_lithium_pool(N_STRUCTURES, random_state=0)


def possible_charges(composition):
    """Charges per atom that the usual oxidation states allow."""
    amounts = composition.get_el_amt_dict()
    states = [CHARGES.get(name, Element(name).common_oxidation_states) for name in amounts]
    for choice in product(*states):
        charge = sum(q * n for q, n in zip(choice, amounts.values(), strict=True))
        yield charge / composition.num_atoms


def test_bunch_is_consistent(pool):
    assert list(pool.frame.columns) == ["id", "formula", "prototype", "space_group_number"]
    assert len(pool.structures) == len(pool.ids) == len(pool.frame) == N_STRUCTURES
    assert pool.frame["id"].tolist() == pool.ids
    assert len(set(pool.ids)) == N_STRUCTURES
    assert pool.frame["space_group_number"].between(1, 230).all()
    assert "hypothetical" in pool.DESCR
    assert "not" in pool.DESCR.lower()


def test_formula_is_that_of_the_structure(pool):
    from pymatgen.core import Composition

    for structure, formula in zip(pool.structures, pool.frame["formula"], strict=True):
        stated = Composition(formula).fractional_composition
        assert structure.composition.fractional_composition.almost_equals(stated, rtol=0.01)


def test_every_structure_holds_lithium(pool):
    assert all("Li" in structure.composition for structure in pool.structures)


def test_charges_balance(pool):
    for structure in pool.structures:
        charge = min(map(abs, possible_charges(structure.composition)))
        assert charge < 0.01, structure.composition.reduced_formula


def test_no_labeled_compound_occurs(pool):
    labeled = load_lithium_conductors()
    assert not set(pool.frame["formula"]) & set(labeled.frame["formula"])
    assert not set(pool.ids) & set(labeled.ids)


def test_ordered_structures_have_sensible_distances(pool):
    ordered = [structure for structure in pool.structures if structure.is_ordered]
    assert len(ordered) > 100
    for structure in ordered[::3]:
        distance = structure.distance_matrix + 9 * np.eye(len(structure))
        shortest = 0.9 if "H" in structure.composition else 1.3
        assert distance.min() > shortest, structure.composition.reduced_formula


def test_volumes_per_atom_are_sensible(pool):
    for structure in pool.structures:
        volume = structure.volume / structure.composition.num_atoms
        assert 5 < volume < 90, structure.composition.reduced_formula


def test_both_kinds_of_parents_and_many_of_them_occur(pool):
    aflow = pool.frame["prototype"].str.startswith("AFLOW-")
    assert 0.2 < aflow.mean() < 0.8
    assert pool.frame["prototype"].nunique() > 100


def test_same_seed_same_pool(pool):
    again = make_lithium_pool(N_STRUCTURES, random_state=0)
    assert again.ids == pool.ids
    for first, second in zip(again.structures, pool.structures, strict=True):
        assert first.species_and_occu == second.species_and_occu
        np.testing.assert_array_equal(first.frac_coords, second.frac_coords)
        np.testing.assert_array_equal(first.lattice.matrix, second.lattice.matrix)


def test_other_seed_other_pool(pool):
    other = make_lithium_pool(N_STRUCTURES, random_state=1)
    assert other.ids != pool.ids
    shared = set(other.ids) & set(pool.ids)
    row, other_row = (x.ids.index(next(iter(shared))) for x in (pool, other))
    assert pool.structures[row].volume != other.structures[other_row].volume


def test_a_generator_advances(pool):
    rng = np.random.RandomState(0)
    assert (
        make_lithium_pool(20, random_state=rng).ids != make_lithium_pool(20, random_state=rng).ids
    )


def test_global_generator_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_lithium_pool(5, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_too_many_structures_says_how_many_exist():
    with pytest.raises(ValueError, match=r"n_structures=1000000 .* \d{4,} different compounds"):
        make_lithium_pool(1_000_000)


def test_largest_pool_is_possible_in_principle():
    with pytest.raises(ValueError, match="different") as error:
        make_lithium_pool(1_000_000)
    n_available = int(str(error.value).split(": ")[1].split()[0])
    assert n_available >= 5000


@pytest.mark.parametrize("n_structures", [0, -1, 2.5, "10"])
def test_parameters_are_validated(n_structures):
    with pytest.raises(ValueError, match="n_structures"):
        make_lithium_pool(n_structures)
