import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.screening import screen

X, Y = make_patterns(
    80, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.5, class_sep=0.2, random_state=0
)


class Members(BaseEstimator):
    """A fitted ensemble that answers what it is told: one probability of class 1 per member."""

    classes_ = np.array([0, 1])

    def __init__(self, *members):
        positive = np.array(members)
        self.answers_ = np.stack([1 - positive, positive], axis=2)

    def fit(self, X, y):
        return self

    def member_probabilities(self, X):
        return self.answers_

    def predict_proba(self, X):
        raise AssertionError("votes come from the members")


@pytest.fixture(scope="module")
def ensemble():
    return SemiSupervisedBaggingClassifier(
        SelfTrainingClassifier(LogisticRegression()), n_estimators=5, random_state=0
    ).fit(X, Y)


ROWS = np.zeros((5, 3))
ENSEMBLE = Members(
    [0.6, 0.9, 0.1, 0.6, 0.4],
    [0.7, 0.2, 0.3, 0.7, 0.4],
    [0.2, 0.9, 0.2, 0.2, 0.8],
)  # votes: 2, 2, 0, 2, 1


def test_order_and_columns():
    table = screen(ENSEMBLE, ROWS, ids=list("abcde"), formulas=["A", "B", "C", "D", "E"])
    assert table.columns.tolist() == [
        "id",
        "formula",
        "output_frequency",
        "mean_probability",
        "probability_std",
        "vote_entropy",
    ]
    # b is surer than a and d, which tie and keep their order
    assert table["id"].tolist() == ["b", "a", "d", "e", "c"]
    assert table["formula"].tolist() == ["B", "A", "D", "E", "C"]
    assert table["output_frequency"].tolist() == [2, 2, 2, 1, 0]
    np.testing.assert_allclose(
        table["mean_probability"], [2 / 3, 0.5, 0.5, 1.6 / 3, 0.2], rtol=1e-12
    )
    np.testing.assert_allclose(table["probability_std"].iloc[0], np.std([0.9, 0.2, 0.9]))
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    assert table.index.name == "rank"


@pytest.mark.parametrize(("min_votes", "n"), [(None, 5), (0, 5), (1, 4), (2, 3), (3, 0)])
def test_min_votes(min_votes, n):
    table = screen(ENSEMBLE, ROWS, min_votes=min_votes)
    assert len(table) == n
    assert table["id"].tolist() == [1, 0, 3, 4, 2][:n]
    assert table.index.tolist() == list(range(1, n + 1))


@pytest.mark.parametrize(
    "labels",
    [
        [1, -1, 0, -1, 1],
        np.array([1, None, 0, np.nan, 1], dtype=object),
        [1.0, float("nan"), 0.0, -1.0, 1.0],
        pd.Series([1, pd.NA, 0, -1, 1], dtype=object),
    ],
)
def test_labels(labels):
    table = screen(ENSEMBLE, ROWS, labels=labels)
    assert table["label"].isna().tolist() == [True, False, True, False, False]
    assert table["label"].dropna().tolist() == [1, 1, 0]


def test_labels_of_text():
    table = screen(ENSEMBLE, ROWS, labels=["yes", -1, "no", None, "yes"])
    assert table["label"].dropna().tolist() == ["yes", "yes", "no"]


def test_many_ties_keep_the_order_of_the_rows():
    same = Members(np.full(500, 0.7), np.full(500, 0.3))
    assert screen(same, np.zeros((500, 2)))["id"].tolist() == list(range(500))


def test_the_other_class():
    table = screen(ENSEMBLE, ROWS, positive_class=0)
    assert table["output_frequency"].tolist() == [3, 2, 1, 1, 1]
    assert table["id"].tolist()[:2] == [2, 4]


def test_an_ensemble(ensemble):
    table = screen(ensemble, X)
    assert table["output_frequency"].tolist() == ensemble.vote_counts(X[table["id"]])[:, 1].tolist()
    assert table["output_frequency"].is_monotonic_decreasing
    for _, tied in table.groupby("output_frequency"):
        assert tied["mean_probability"].is_monotonic_decreasing
    mean = ensemble.member_probabilities(X).mean(axis=0)[table["id"], 1]
    np.testing.assert_allclose(table["mean_probability"], mean, rtol=1e-6)


def test_a_plain_classifier_is_an_ensemble_of_one():
    model = LogisticRegression().fit(X[Y >= 0], np.array(["no", "yes"])[Y[Y >= 0]])
    table = screen(model, X, positive_class="yes")
    assert set(table["output_frequency"]) == {0, 1}
    assert (table["probability_std"] == 0).all()
    expected = np.sort(model.predict_proba(X)[:, 1])[::-1]
    np.testing.assert_allclose(table["mean_probability"], expected)


def test_errors(ensemble):
    with pytest.raises(ValueError, match=r"positive_class=2 is not among the classes \[0, 1\]"):
        screen(ensemble, X, positive_class=2)
    with pytest.raises(ValueError, match="positive_class='yes'"):
        screen(ensemble, X, positive_class="yes")
    for argument in ("ids", "formulas", "labels"):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            screen(ensemble, X, **{argument: [1, 2]})
    with pytest.raises(ValueError, match="min_votes"):
        screen(ensemble, X, min_votes=-1)
    with pytest.raises(NotFittedError):
        screen(SemiSupervisedBaggingClassifier(), X)
