"""The bundled Table S2: what it holds, and that it is the printed one."""

import re

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition

from skxrd.datasets import load_xrdmatch_candidates


@pytest.fixture(scope="module")
def data():
    return load_xrdmatch_candidates()


def test_frame(data):
    frame = data.frame
    assert frame.columns.tolist() == [
        *("id", "formula", "output_frequency", "label", "similarity", "reference")
    ]
    assert len(frame) == 200
    assert frame["id"].is_unique
    assert frame["id"].str.fullmatch(r"(icsd|custom)_\d+").all()
    assert frame["output_frequency"].dtype == np.int64
    assert frame["output_frequency"].between(5, data.n_members).all()
    assert frame["similarity"].between(0, 1).all()
    assert str(frame["label"].dtype) == str(frame["reference"].dtype) == "Int64"
    assert set(frame["label"].dropna()) == {0, 1}
    # A label comes with its source, and a source with its label.
    pd.testing.assert_series_equal(
        frame["label"].isna(), frame["reference"].isna(), check_names=False
    )


def test_target(data):
    assert data.target.dtype == np.int64
    assert data.target_names == ["not superionic", "superionic"]
    np.testing.assert_array_equal(data.target, data.frame["label"].fillna(-1))
    assert [(data.target == label).sum() for label in (1, 0, -1)] == [51, 45, 104]


@pytest.mark.parametrize(
    ("formula", "label"),
    [("Li10GeP2S12", 1), ("Li6PS5Cl", 1), ("Li2ZnCl4", 0), ("LiND2", 0), ("LiGdS2", pd.NA)],
)
def test_labels_have_the_meaning_of_skxrd(data, formula, label):
    found = data.frame.loc[data.frame["formula"] == formula, "label"]
    assert len(found)
    assert found.isna().all() if label is pd.NA else (found == label).all()


def test_formulas_can_be_read_and_hold_lithium(data):
    assert all("Li" in Composition(formula) for formula in data.frame["formula"])


def test_a_repeated_formula_has_one_label(data):
    labeled = data.frame.dropna(subset="label")
    formulas = labeled["formula"].map(lambda formula: Composition(formula).reduced_formula)
    assert formulas.duplicated().any()
    assert (labeled.groupby(formulas)["label"].nunique() == 1).all()


def test_description_tells_the_numbers(data):
    for text in (
        "200 lithium compounds",
        "Of 96 the",
        "51 are superionic, 45 are not",
        "14 formulas",
    ):
        assert text in " ".join(data.DESCR.split())
    assert "come from 41 publications" in " ".join(data.DESCR.split())


def test_calls_share_nothing(data):
    other = load_xrdmatch_candidates()
    other.frame.loc[0, "label"] = 1
    other.target[:] = 7
    assert pd.isna(load_xrdmatch_candidates().frame.loc[0, "label"])
    assert data.target.max() == 1


@pytest.mark.real_data
def test_it_is_the_printed_table(data, shared_data):
    texts = sorted((shared_data.parent / "paper").glob("000_*.txt"))
    if not texts:
        pytest.skip("the text of the paper is not there")
    text = texts[0].read_text(encoding="utf-8")
    table = text[text.index("Table S2. SICs") : text.index("Figure S1. Comparison")]
    cell = r"\s+(\S+)"
    rows = re.findall(rf"^\s*((?:icsd|custom)_\d+){cell * 5}\s*$", table, re.MULTILINE)
    frame = data.frame.assign(label=1 - data.frame["label"])  # the paper's 0 is superionic
    printed = [
        (
            *(row.id, row.formula, str(row.output_frequency)),
            "X" if pd.isna(row.label) else str(row.label),
            f"{row.similarity:g}",
            "-" if pd.isna(row.reference) else str(row.reference),
        )
        for row in frame.itertuples()
    ]
    assert printed == rows
