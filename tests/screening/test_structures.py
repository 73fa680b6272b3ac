import os
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from pymatgen.core import Lattice, Structure

from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.screening import column_descriptions, structure_facts

SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.14), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
HALF = Structure.from_spacegroup(
    "Pm-3m", Lattice.cubic(4.0), [{"Li": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
# two atoms on one place: spglib refuses
CLASH = Structure(Lattice.cubic(4.0), ["Li", "Li"], [[0, 0, 0], [0, 0, 0]])


def test_facts_of_an_ordered_and_a_disordered_structure():
    facts = structure_facts([SALT, HALF])
    assert facts["spacegroup_number"].tolist() == [225, 221]
    assert facts["spacegroup_symbol"].tolist() == ["Fm-3m", "Pm-3m"]
    assert facts["n_sites"].tolist() == [8, 2]
    assert facts["is_ordered"].tolist() == [True, False]
    # the half occupied site is half an atom
    assert facts["volume_per_atom"].tolist() == pytest.approx([5.14**3 / 8, 4.0**3 / 1.5])


def test_occupancies_lower_the_symmetry():
    body_centered = Structure(Lattice.cubic(3.0), ["Li", "Li"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    primitive = Structure(
        Lattice.cubic(3.0), [{"Li": 0.5}, {"Li": 0.6}], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    assert structure_facts([body_centered, primitive])["spacegroup_number"].tolist() == [229, 221]


def test_symprec_decides_about_displaced_atoms():
    displaced = SALT.copy()
    displaced.translate_sites([0], [0.004, 0, 0])  # 0.02 angstrom
    assert structure_facts([displaced], symprec=0.1)["spacegroup_number"].tolist() == [225]
    assert structure_facts([displaced], symprec=0.005)["spacegroup_number"].iloc[0] < 225


def test_space_groups_of_the_bundled_conductors():
    bundled = load_lithium_conductors()
    facts = structure_facts(bundled.structures, symprec=0.01)
    published = bundled.frame["space_group_number"].to_numpy()
    unlike = (facts["spacegroup_number"] != published).to_numpy()
    # refined in an orthorhombic cell whose deviation from a tetragonal one is too small to count
    assert bundled.frame["formula"][unlike].tolist() == ["Li0.34Nd0.55Ti1O3"]


def test_types_are_those_of_the_table_of_candidates():
    described = column_descriptions().set_index("column")["dtype"].replace("str", "string")
    facts = structure_facts([SALT, None])
    assert facts.dtypes.astype(str).tolist() == described[facts.columns].tolist()
    pd.testing.assert_frame_equal(structure_facts([]), facts.iloc[:0])


@pytest.mark.parametrize("none", [None, np.nan, pd.NA])
def test_no_structure_is_no_failure(none):
    facts = structure_facts([none, SALT], on_error="raise")
    assert facts.index.equals(pd.RangeIndex(2))
    assert facts.iloc[0].isna().all()
    assert facts["n_sites"].iloc[1] == 8


def test_failures_are_counted_and_the_first_is_named():
    text = SALT.to(fmt="cif").replace("data_LiCl", "data_broken").replace("5.14", "?")
    structures = [SALT, text, CLASH]
    with pytest.warns(PatternWarning, match=r"2 of 3 structures lack facts.* 1 \(broken\)"):
        facts = structure_facts(structures)
    assert facts["spacegroup_number"].isna().tolist() == [False, True, True]
    assert facts["n_sites"].isna().tolist() == [False, True, False]  # what is known is kept


@pytest.mark.parametrize(
    ("structures", "match"),
    [([SALT, "no_such.cif"], r"Structure 1 \(no_such\).*file"), ([CLASH], "Structure 0.*spglib")],
)
def test_failures_can_raise(structures, match):
    with pytest.raises(InvalidStructureError, match=match):
        structure_facts(structures, on_error="raise")


def test_raising_stops_workers_quietly():
    with parallel_config("threading"), pytest.raises(InvalidStructureError, match="Structure 0"):
        structure_facts(["no_such.cif", *[SALT] * 20], on_error="raise", n_jobs=2)


def test_environment_and_warning_filters_are_left_alone(monkeypatch):
    monkeypatch.delenv("SPGLIB_WARNING", raising=False)
    filters = list(warnings.filters)
    structure_facts([SALT] * 2)
    assert warnings.filters == filters
    # Not the filters here: scikit-learn's own threads may leave each other's behind.
    with parallel_config("threading"):
        structure_facts([SALT] * 40, n_jobs=4)
    assert "SPGLIB_WARNING" not in os.environ


def test_spglib_writes_nothing(capfd):
    with pytest.warns(PatternWarning, match="lack facts"):
        structure_facts(make_lithium_pool(9, random_state=0).structures, symprec=2.0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow  # starts processes
def test_number_of_jobs_changes_nothing():
    structures = [HALF, SALT, None, CLASH] * 5
    with pytest.warns(PatternWarning, match="5 of 20"):
        one = structure_facts(structures, n_jobs=1)
    with pytest.warns(PatternWarning, match="5 of 20"):
        two = structure_facts(structures, n_jobs=2)
    pd.testing.assert_frame_equal(one, two)


def test_progress_goes_to_the_standard_error_stream(capsys):
    structure_facts([SALT], verbose=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Reading structures" in captured.err


@pytest.mark.parametrize("structures", [SALT, "a.cif", 3])
def test_one_structure_is_no_sequence(structures):
    with pytest.raises(ValueError, match="sequence of structures"):
        structure_facts(structures)


@pytest.mark.parametrize("options", [{"symprec": 0}, {"on_error": "skip"}, {"n_jobs": "all"}])
def test_parameters_are_validated(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        structure_facts([SALT], **options)


@pytest.mark.real_data
def test_space_groups_of_the_pool(shared_data):
    pool = pd.read_csv(shared_data / "li_pool" / "li_pool.csv.gz", nrows=30)
    facts = structure_facts(pool["cif"])
    assert facts["spacegroup_number"].tolist() == pool["spacegroup_number"].tolist()
    assert facts["n_sites"].tolist() == pool["nsites"].tolist()
    np.testing.assert_allclose(facts["volume_per_atom"], pool["volume_per_atom"], atol=1e-3)
