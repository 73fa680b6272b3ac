"""Agreement by votes: by hand, and for the paper's table."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from skxrd.datasets import load_xrdmatch_candidates
from skxrd.metrics import agreement_by_output_frequency, precision_at_k

COUNTS = ["n_candidates", "n_labeled", "n_correct"]


def test_by_hand():
    table = agreement_by_output_frequency([5, 7, 5, 5, 9], [1, -1, 0, None, 1])
    assert table.index.names == ["votes", "output_frequency"]
    assert table.columns.tolist() == [*COUNTS, "precision", "low", "high"]
    assert table.loc["exactly", COUNTS].to_numpy().tolist() == [[3, 2, 1], [1, 0, 0], [1, 1, 1]]
    assert table.loc["at_least", COUNTS].to_numpy().tolist() == [[5, 3, 2], [2, 1, 1], [1, 1, 1]]
    assert table.loc["exactly", "precision"].tolist() == pytest.approx(
        [0.5, np.nan, 1], nan_ok=True
    )
    assert table.loc[("exactly", 7), ["precision", "low", "high"]].isna().all()
    assert set(table.dtypes[COUNTS]) == {np.dtype("int64")}
    assert set(table.dtypes[["precision", "low", "high"]]) == {np.dtype("float64")}


# Counted in Table S2 of the paper: votes, candidates, superionic, not superionic.
TABLE_S2 = [(5, 62, 17, 11), (6, 53, 7, 12), (7, 48, 15, 14), (8, 17, 6, 3), (9, 15, 3, 3),
            (10, 5, 3, 2)]  # fmt: skip


def test_the_papers_table():
    data = load_xrdmatch_candidates()
    table = agreement_by_output_frequency(data.frame["output_frequency"], data.frame["label"])
    exactly = table.loc["exactly"]
    found = zip(
        exactly.index,
        exactly["n_candidates"],
        exactly["n_correct"],
        exactly["n_labeled"] - exactly["n_correct"],
        strict=True,
    )
    assert list(found) == TABLE_S2
    for votes, row in table.loc["at_least"].iterrows():
        right = sum(r for v, _, r, _ in TABLE_S2 if v >= votes)
        wrong = sum(w for v, _, _, w in TABLE_S2 if v >= votes)
        limits = binomtest(right, right + wrong).proportion_ci(method="wilson")
        assert row[["n_correct", "n_labeled"]].tolist() == [right, right + wrong]
        assert row[["precision", "low", "high"]].tolist() == pytest.approx(
            [right / (right + wrong), limits.low, limits.high]
        )


def test_cuts_are_the_precision_at_the_top():
    data = load_xrdmatch_candidates()
    votes = data.frame["output_frequency"]
    table = agreement_by_output_frequency(votes, data.target)
    for _, row in table.loc["at_least"].iterrows():
        score = precision_at_k(data.target, votes, int(row["n_labeled"]))
        assert score[:3] == pytest.approx(row[["precision", "low", "high"]].tolist())


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series([1, pd.NA, 0], dtype="Int64"),
        pd.Series([1, np.nan, 0]),
        np.array(["1", None, "0"], dtype=object),
        np.array(["1", -1, "0"]),
    ],
)
def test_missing_labels(labels):
    positive_class = "1" if labels.dtype.kind in "OU" else 1
    table = agreement_by_output_frequency([3, 3, 3], labels, positive_class=positive_class)
    assert table.loc[("exactly", 3), COUNTS].tolist() == [3, 2, 1]


def test_confidence_level():
    wide = agreement_by_output_frequency([3] * 9, [1, 0, 1] * 3, confidence_level=0.99)
    narrow = agreement_by_output_frequency([3] * 9, [1, 0, 1] * 3, confidence_level=0.5)
    assert (wide["low"] < narrow["low"]).all()
    assert (wide["high"] > narrow["high"]).all()


def test_no_labels_and_no_candidates():
    table = agreement_by_output_frequency([3, 4], [-1, -1])
    assert table["n_labeled"].tolist() == [0] * 4
    assert table["precision"].isna().all()
    empty = agreement_by_output_frequency([], [])
    assert empty.columns.tolist() == table.columns.tolist()
    assert len(empty) == 0


@pytest.mark.parametrize(
    ("votes", "problem"),
    [
        ([3, 4.5], "row 1 holds 4.5"),
        ([-1, 4], "row 0 holds -1"),
        ([3, np.nan], "row 1 holds nan"),
        ([3, np.inf], "row 1 holds inf"),
        ([3], "inconsistent numbers of samples"),
        ([[3, 3], [4, 4]], "1d array"),
    ],
)
def test_bad_votes(votes, problem):
    with pytest.raises(ValueError, match=problem):
        agreement_by_output_frequency(votes, [1, 0])


def test_parameters_are_validated():
    with pytest.raises(ValueError, match="confidence_level"):
        agreement_by_output_frequency([3], [1], confidence_level=1.0)
