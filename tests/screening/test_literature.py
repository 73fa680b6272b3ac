import tarfile

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.core.structure_matcher import (
    ElementComparator,
    OrderDisorderElementComparator,
    StructureMatcher,
)

from skxrd.exceptions import PatternWarning
from skxrd.screening import match_labels

ROCK_SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.14), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
ZINC_BLENDE = Structure.from_spacegroup(
    "F-43m", Lattice.cubic(5.6), ["Li", "Cl"], [[0, 0, 0], [0.25, 0.25, 0.25]]
)


def mixed(lithium: float, lattice: float = 5.14) -> Structure:
    """Rock salt whose metal site is shared by lithium and sodium."""
    return Structure.from_spacegroup(
        "Fm-3m",
        Lattice.cubic(lattice),
        [{"Li": lithium, "Na": 1 - lithium}, "Cl"],
        [[0, 0, 0], [0.5, 0.5, 0.5]],
    )


def table(*rows, columns=("id", "formula", "label")):
    return pd.DataFrame(rows, columns=list(columns)[: len(rows[0])] if rows else list(columns))


def found(matches: pd.DataFrame) -> list[tuple]:
    return list(matches.astype(object).where(matches.notna(), None).itertuples(index=False))


def test_same_id_comes_first():
    candidates = table(("a", "LiF"))
    known = table(("b", "LiF", 1), ("a", "LiCl", 0))
    assert found(match_labels(candidates, known)) == [(0, "a", "id")]


def test_ids_that_are_numbers_on_one_side_are_the_same():
    assert found(match_labels(table(("7", "LiF")), table((7, "LiF", 1)))) == [(1, "7", "id")]


def test_composition_without_structures():
    candidates = table(("a", "Li3PS4"), ("b", "Li6P2S8"), ("c", "Li3PSe4"), ("d", "Li2PS4"))
    matches = match_labels(candidates, table(("k", "S4PLi3", 1)))
    nothing = (None, None, None)
    assert found(matches) == [(1, "k", "composition")] * 2 + [nothing] * 2


def test_tolerance_of_the_composition():
    candidates = table(("a", "Li6.4La3Zr1.4Ta0.6O12"), ("b", "Li6.399La3Zr1.401Ta0.599O12"))
    known = table(("k", "Li6.5La3Zr1.5Ta0.5O12", 1), ("l", "Li6.4La3Zr1.4Ta0.6O12", 1))
    assert match_labels(candidates, known)["label_source"].tolist() == ["l", "l"]
    assert match_labels(candidates, known, tolerance=0.01)["label_source"].tolist() == ["k; l"] * 2
    exact = match_labels(candidates, known, tolerance=0.0)
    assert exact["label_source"].isna().tolist() == [False, True]


def test_structure_tells_polymorphs_apart():
    candidates = table(("a", "LiCl"), ("b", "LiCl"))
    known = table(("salt", "LiCl", 0), ("blende", "LiCl", 1))
    matches = match_labels(
        candidates,
        known,
        structures=[ZINC_BLENDE, ROCK_SALT.get_primitive_structure()],
        known_structures=[ROCK_SALT * (2, 1, 1), ZINC_BLENDE],
    )
    assert found(matches) == [(1, "blende", "structure"), (0, "salt", "structure")]


def test_unlike_structures_match_by_composition_only_on_request():
    arguments = (table(("a", "LiCl")), table(("salt", "LiCl", 0)))
    given = {"structures": [ZINC_BLENDE], "known_structures": [ROCK_SALT]}
    assert found(match_labels(*arguments, **given)) == [(None, None, None)]
    matches = match_labels(*arguments, **given, composition_only=True)
    assert found(matches) == [(0, "salt", "composition")]


@pytest.mark.parametrize(
    "given",
    [
        {"structures": [ROCK_SALT]},
        {"known_structures": [ROCK_SALT]},
        {"structures": [None], "known_structures": [ROCK_SALT]},
        {"structures": {}, "known_structures": {"salt": ROCK_SALT}},
    ],
)
def test_composition_is_enough_where_a_structure_is_not_given(given):
    matches = match_labels(table(("a", "LiCl")), table(("salt", "LiCl", 0)), **given)
    assert found(matches) == [(0, "salt", "composition")]


def test_a_structure_outranks_a_composition():
    known = table(("measured", "LiCl", 1), ("salt", "LiCl", 0))
    matches = match_labels(
        table(("a", "LiCl")), known, structures=[ROCK_SALT], known_structures=[None, ROCK_SALT]
    )
    assert found(matches) == [(0, "salt", "structure")]


def test_conflicting_labels_are_told_and_not_decided():
    known = table(("k", "LiCl", 0), ("l", "LiCl", 1), ("m", "LiCl", 1))
    matches = match_labels(table(("a", "LiCl"), ("l", "LiCl")), known)
    assert found(matches) == [(None, "k: 0; l: 1; m: 1", "conflict"), (1, "l", "id")]


def test_sources_that_agree_are_all_named_with_their_references():
    columns = ("id", "formula", "label", "reference")
    known = table(
        ("k", "LiCl", 1, "doi:1"), ("l", "LiCl", 1, None), ("k", "LiCl", 1, "doi:1"),
        columns=columns,
    )  # fmt: skip
    assert found(match_labels(table(("a", "LiCl")), known)) == [(1, "k (doi:1); l", "composition")]


def test_unlabeled_rows_are_left_out():
    known = table(("a", "LiF", -1), ("b", "LiF", None), ("c", "LiF", np.nan), ("d", "LiCl", 1))
    matches = match_labels(table(("a", "LiF"), ("x", "LiCl")), known)
    assert found(matches) == [(None, None, None), (1, "d", "composition")]
    assert matches["label"].dtype == "Int64"


def test_labels_that_are_text_stay_text():
    matches = match_labels(table(("a", "LiF"), ("b", "LiI")), table(("a", "LiF", "fast")))
    assert matches["label"].dtype == object
    assert matches["label"].iloc[0] == "fast"
    assert matches["label"].iloc[1] is pd.NA


def test_labels_become_whole_numbers_where_they_are():
    # a column of labels with gaps is read from a file as float
    known = pd.DataFrame({"id": ["a", "b"], "formula": "LiF", "label": [1.0, np.nan]})
    assert match_labels(table(("a", "LiF")), known)["label"].dtype == "Int64"


def test_index_of_the_candidates_is_kept():
    candidates = table(("a", "LiF"), ("b", "LiCl")).set_index(pd.Index([5, 2], name="rank"))
    assert match_labels(candidates, table(("b", "LiCl", 1))).index.equals(candidates.index)


def test_nothing_to_match():
    columns = ["label", "label_source", "label_match"]
    assert match_labels(table(), table(("b", "LiCl", 1))).columns.tolist() == columns
    assert match_labels(table(("b", "LiCl")), table()).isna().all(axis=None)


def test_missing_formula_is_matched_by_id_only():
    candidates = table(("a", None), ("b", ""), ("c", "LiF"))
    known = table(("a", "LiF", 1), ("k", "", 0), ("b", np.nan, 0))
    assert found(match_labels(candidates, known)) == [
        (1, "a", "id"), (0, "b", "id"), (1, "a", "composition"),
    ]  # fmt: skip


def test_compositions_are_taken():
    matches = match_labels(table(("a", Composition("Li2Cl2"))), table(("k", "LiCl", 1)))
    assert matches["label_match"].tolist() == ["composition"]


# Disordered structures: what pymatgen's comparators make of them, and what the default does.


def test_rounded_occupancies_match_by_default():
    candidates, known = table(("a", "Li2NaCl3")), table(("k", "Li0.667Na0.333Cl", 1))
    given = {"structures": [mixed(2 / 3)], "known_structures": [mixed(0.667, lattice=5.2)]}
    assert found(match_labels(candidates, known, **given)) == [(1, "k", "structure")]
    strict = match_labels(
        candidates, known, **given, matcher=StructureMatcher(comparator=ElementComparator())
    )
    assert strict["label"].isna().all()


def test_same_composition_distributed_otherwise_is_another_structure():
    sites = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    lattice = Lattice.cubic(5.14)
    chlorine = [[0.5, 0.5, 0.5], [0, 0, 0.5], [0, 0.5, 0], [0.5, 0, 0]]
    ordered = Structure(lattice, ["Li", "Na", "Na", "Li"] + ["Cl"] * 4, sites + chlorine)
    arguments = (table(("a", "LiNaCl2")), table(("k", "LiNaCl2", 1)))
    given = {"structures": [ordered], "known_structures": [mixed(0.5)]}
    assert found(match_labels(*arguments, **given)) == [(None, None, None)]
    matcher = StructureMatcher(comparator=OrderDisorderElementComparator(), attempt_supercell=True)
    matches = match_labels(*arguments, **given, matcher=matcher)
    assert found(matches) == [(1, "k", "structure")]


def test_elements_can_be_ignored():
    # lithium on half of the tetrahedral sites: another number of sites, the same framework
    split = Structure(
        Lattice.cubic(5.14),
        [{"Li": 0.5}] * 8 + ["Cl"] * 4,
        [[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)]
        + [[0.5, 0.5, 0.5], [0, 0, 0.5], [0, 0.5, 0], [0.5, 0, 0]],
    )
    arguments = (table(("a", "LiCl")), table(("k", "LiCl", 1)))
    given = {"structures": [ROCK_SALT], "known_structures": [split]}
    assert match_labels(*arguments, **given)["label"].isna().all()
    matcher = StructureMatcher(ignored_species=["Li"], comparator=ElementComparator())
    assert found(match_labels(*arguments, **given, matcher=matcher)) == [(1, "k", "structure")]


def test_input_is_not_changed():
    candidates, known = table(("a", "LiCl")), table(("k", "LiCl", 1))
    copies = candidates.copy(), known.copy(), ROCK_SALT.copy(), ZINC_BLENDE.copy()
    given = {"structures": [ROCK_SALT], "known_structures": [ZINC_BLENDE]}
    match_labels(candidates, known, **given)
    pd.testing.assert_frame_equal(candidates, copies[0])
    pd.testing.assert_frame_equal(known, copies[1])
    assert copies[2:] == (ROCK_SALT, ZINC_BLENDE)


def test_only_structures_of_known_compositions_are_read():
    candidates = table(("a", "LiCl"), ("b", "LiF"))
    given = {"structures": [ROCK_SALT, "no_such.cif"], "known_structures": [ROCK_SALT]}
    matches = match_labels(candidates, table(("k", "LiCl", 1)), **given)
    assert matches["label_match"].fillna("").tolist() == ["structure", ""]


def test_unreadable_structures_count_as_not_given():
    given = {"structures": ["no_such.cif"], "known_structures": [ROCK_SALT]}
    with pytest.warns(PatternWarning, match="1 structures could not be read.*structures of 'a'"):
        matches = match_labels(table(("a", "LiCl")), table(("k", "LiCl", 1)), **given)
    assert matches["label_match"].tolist() == ["composition"]


@pytest.mark.parametrize(
    ("candidates", "known", "given", "match"),
    [
        (table(("a", "LiF")).drop(columns="formula"), table(("a", "LiF", 1)), {},
         r"candidates needs the columns .*\['formula'\] are missing, found \['id'\]"),
        (table(("a", "LiF")), table(("a", "LiF")), {}, r"known .*\['label'\] are missing"),
        (table(("a", "LiF"), ("a", "LiF")), table(("a", "LiF", 1)), {},
         "candidates has 1 ids in more than one row: 'a'"),
        (table((None, "LiF")), table(("a", "LiF", 1)), {}, "candidates has 1 rows without an id"),
        (table(("a", "LiF")), table((np.nan, "LiF", 1)), {}, "known has 1 rows without an id"),
        (table(("a", "LiF")), table(("k", "LiF", 1), ("k", "LiF", 0)), {},
         r"known gives 1 ids more than one label: 'k' \(1, 0\)"),
        (table(("a", "LiXx")), table(("k", "LiF", 1)), {}, r"'LiXx' \(candidates, row 0\)"),
        (table(("a", "LiF")), table(("k", "Lif", 1)), {}, r"'Lif' \(known, row 0\)"),
        (table(("a", "LiF")), table(("k", "LiF", 1)), {"structures": [None, None]},
         "structures has 2 items, but its table has 1 rows"),
        (table(("a", "LiF")), table(("k", "LiF", 1)), {"known_structures": {"a": ROCK_SALT}},
         "known_structures holds 1 ids that are in no row of the table, such as 'a'"),
        (table(("a", "LiF")), table(("k", "LiF", 1)), {"structures": "a.cif"},
         "structures must be a sequence or a dictionary"),
        (table(("a", "LiF")), table(("k", "LiF", 1)), {"tolerance": 1.0}, "tolerance"),
        (table(("a", "LiF")), table(("k", "LiF", 1)), {"matcher": "pymatgen"}, "matcher"),
        ([("a", "LiF")], table(("k", "LiF", 1)), {}, "candidates"),
    ],
)  # fmt: skip
def test_bad_input_is_named(candidates, known, given, match):
    with pytest.raises(ValueError, match=match):
        match_labels(candidates, known, **given)


@pytest.mark.real_data
def test_ordered_obelix_compounds_are_found_in_the_pool(shared_data):
    """Published structures: a match by structure has the space group that was published."""
    pool = pd.read_csv(shared_data / "li_pool" / "li_pool.csv.gz")
    obelix = pd.read_csv(shared_data / "obelix" / "train.csv")
    obelix = obelix[obelix["ID"].isin(["gvd", "w7d", "rr5", "qa9", "5bz", "47i"])]
    with tarfile.open(shared_data / "obelix" / "train_cifs.tar.gz") as archive:
        cifs = {
            name: archive.extractfile(f"train_randomized_cifs/{name}.cif").read().decode()
            for name in obelix["ID"]
        }
    known = pd.DataFrame({"id": obelix["ID"], "formula": obelix["Reduced Composition"], "label": 0})
    matches = match_labels(pool, known, structures=pool["cif"], known_structures=cifs)
    matches = matches.join(pool["spacegroup_number"])[matches["label"].notna()]
    assert set(matches["label_source"]) == set(obelix["ID"])
    assert set(matches["label_match"]) == {"structure"}
    published = obelix.set_index("ID")["Space group #"]
    assert (matches["spacegroup_number"] == matches["label_source"].map(published)).all()
