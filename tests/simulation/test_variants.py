"""Variants of a structure: strained within its symmetry, textured, reproducible."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.simulation import VariantSimulator
from skxrd.simulation._lines._families import laue_rotations
from skxrd.simulation._structures._cell import cell_of
from skxrd.simulation._structures._spglib import silent_spglib
from skxrd.simulation._variants import strained

GRID = TwoThetaGrid(10, 80, 3501)


def _monoclinic():
    return Structure.from_spacegroup(
        "C2/m",
        Lattice.monoclinic(4.93, 8.53, 5.02, 109.3),
        ["Li", "Mn", "O"],
        [[0, 0.5, 0], [0, 0.167, 0], [0.219, 0, 0.227]],
    )


def _space_group(crystal):
    with silent_spglib():
        return SpacegroupAnalyzer(crystal, symprec=1e-4).get_space_group_number()


@pytest.mark.parametrize(
    ("name", "n_free"), [("Si", 1), ("NaCl", 1), ("LiFePO4", 3), ("monoclinic", 4)]
)
def test_strain_keeps_the_symmetry(structures, name, n_free):
    crystal = _monoclinic() if name == "monoclinic" else structures[name]
    cell = cell_of(crystal)
    generator = np.random.default_rng(0)
    number = _space_group(crystal)
    strains = []
    for _ in range(20):
        variant = strained(cell, laue_rotations(cell), 0.02, generator)
        strain = np.linalg.solve(cell.lattice, variant.lattice) - np.eye(3)
        assert np.abs(np.linalg.eigvalsh((strain + strain.T) / 2)).max() <= 0.02
        strains.append(strain.ravel())
        moved = Structure(variant.lattice, crystal.species, variant.frac_coords)
        assert _space_group(moved) == number
    # as many independent numbers as the crystal system has parameters of the cell
    assert np.linalg.matrix_rank(np.array(strains), tol=1e-9) == n_free


def test_lines_are_where_the_strained_structure_has_them(structures):
    crystal = structures["LiFePO4"]
    cell = cell_of(crystal)
    variants = VariantSimulator(
        PatternSimulator(GRID), n_variants=3, max_strain=0.02, random_state=5
    ).simulate([crystal])
    seed = np.random.RandomState(5).randint(np.iinfo(np.int32).max)
    generator = np.random.default_rng([seed, 0])
    for row in variants.patterns:
        lattice = strained(cell, laue_rotations(cell), 0.02, generator).lattice
        generator.integers(7), generator.uniform()  # of the texture
        moved = Structure(lattice, crystal.species, crystal.frac_coords)
        np.testing.assert_array_equal(row, PatternSimulator(GRID).transform([moved])[0])
    assert len(np.unique(variants.patterns, axis=0)) == 3


def test_texture_changes_intensities_and_no_position(structures):
    sharp = PatternSimulator(GRID).transform([structures["LiFePO4"]])[0]
    variants = VariantSimulator(
        PatternSimulator(GRID), n_variants=5, max_strain=0.0, max_ratio=2.0, random_state=0
    ).simulate([structures["LiFePO4"]])
    for row in variants.patterns:
        strong = sharp > 1
        assert (row[strong] > 0).all()
        assert np.abs(row[strong] - sharp[strong]).max() > 1


def test_nothing_random_leaves_the_pattern(structures):
    plain = PatternSimulator(GRID).transform([structures["NaCl"]])
    variants = VariantSimulator(PatternSimulator(GRID), n_variants=2, max_strain=0.0)
    np.testing.assert_array_equal(
        variants.simulate([structures["NaCl"]]).patterns, np.repeat(plain, 2, axis=0)
    )


def test_the_result_does_not_depend_on_the_number_of_jobs(structures):
    crystals = [structures["Si"], structures["NaCl"], structures["LiFePO4"], structures["half"]]
    results = [
        VariantSimulator(
            PatternSimulator(GRID, n_jobs=n_jobs), n_variants=2, max_ratio=1.5, random_state=3
        ).simulate(crystals)
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(results[0].patterns, results[1].patterns)
    assert results[0].kept.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert results[0].formulas == results[1].formulas


def test_failures_keep_their_rows(structures):
    crystals = [structures["Si"], None]
    with pytest.raises(InvalidStructureError, match="Structure 1"):
        VariantSimulator(random_state=0).simulate(crystals)
    simulator = VariantSimulator(PatternSimulator(GRID, on_error="nan"), n_variants=2)
    with pytest.warns(PatternWarning, match="1 of 2 structures gave no pattern"):
        variants = simulator.simulate(crystals, ids=["silicon", "nothing"])
    assert variants.ids == ["silicon", "silicon", "nothing", "nothing"]
    assert np.isnan(variants.patterns).all(axis=1).tolist() == [False, False, True, True]
    with pytest.raises(ValueError, match='use "nan"'):
        VariantSimulator(PatternSimulator(on_error="skip")).simulate(crystals)


@pytest.mark.parametrize(
    "params", [{"n_variants": 0}, {"max_strain": -0.1}, {"max_ratio": 0.5}, {"simulator": "fast"}]
)
def test_wrong_parameters_are_named(structures, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        VariantSimulator(**params).simulate([structures["Si"]])
