import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, OneStandardErrorRule

# Candidate 2 is the best with scores 0.8, 0.9, 1.0: mean 0.9, standard error 0.1 / sqrt(3) = 0.0577
SCORES = np.array(
    [
        [0.70, 0.72, 0.71],
        [0.85, 0.85, 0.85],
        [0.80, 0.90, 1.00],
        [0.86, 0.86, 0.86],
        [0.75, 0.75, 0.75],
    ]
)
C = [0.01, 0.1, 1, 10, 100]
KERNELS = ["rbf", "linear", "rbf", "linear", "rbf"]


def results(scores=SCORES, metric="score", params=None):
    if params is None:
        params = [{"C": c, "kernel": kernel} for c, kernel in zip(C, KERNELS, strict=True)]
    columns = {f"split{i}_test_{metric}": column for i, column in enumerate(scores.T)}
    return {**columns, f"mean_test_{metric}": scores.mean(axis=1), "params": params}


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, 1),
        ({"C": "smaller"}, 1),
        ({"C": "larger"}, 3),
        ({"C": [1, 10, 0.1, 0.01, 100]}, 2),
        ({"kernel": ["linear", "rbf"]}, 3),  # two of them: the better one
        ({"kernel": ["linear", "rbf"], "C": "smaller"}, 1),
        ({"kernel": ["rbf", "linear"], "C": "smaller"}, 2),
    ],
)
def test_preferred_candidate_within_the_tolerance(prefer, expected):
    assert OneStandardErrorRule(prefer)(results()) == expected


def test_width_of_the_tolerance():
    def pick(**kwargs):
        return OneStandardErrorRule({"C": "smaller"}, **kwargs)(results())

    # The means lie 0.19, 0.05, 0, 0.04 and 0.15 below the best.
    assert pick(n_standard_errors=0) == 2
    assert pick(n_standard_errors=0.05 / 0.0577 * 0.99) == 2
    assert pick(n_standard_errors=0.05 / 0.0577 * 1.01) == 1
    assert pick(n_standard_errors=0.19 / 0.0577 * 0.99) == 1
    assert pick(n_standard_errors=0.19 / 0.0577 * 1.01) == 0
    # Corrected by Nadeau and Bengio: 0.1 * sqrt(1 / 3 + 1 / 2) = 0.0913
    assert pick(test_train_ratio=1 / 2, n_standard_errors=0.05 / 0.0913 * 0.99) == 2
    assert pick(test_train_ratio=1 / 2, n_standard_errors=0.05 / 0.0913 * 1.01) == 1


def test_candidates_without_the_parameter_or_a_score():
    params = [{"kernel": "linear"}, *({"C": c} for c in C[1:])]
    assert OneStandardErrorRule({"C": "larger"}, n_standard_errors=9)(results(params=params)) == 4
    assert (
        OneStandardErrorRule({"kernel": ["linear"]}, n_standard_errors=9)(results(params=params))
        == 0
    )
    failed = SCORES.copy()
    failed[1, 0] = np.nan
    assert OneStandardErrorRule({"C": "smaller"})(results(failed)) == 2
    with pytest.raises(ValueError, match="No candidate has a mean 'score'"):
        OneStandardErrorRule()(results(np.full_like(SCORES, np.nan)))


def test_equal_values_are_equally_preferred():
    params = [{"C": 1, "kernel": kernel} for kernel in KERNELS]
    assert OneStandardErrorRule({"C": "larger"})(results(params=params)) == 2  # the best


X, Y = make_patterns(90, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.4, random_state=0)
MODEL = SelfTrainingClassifier(LogisticRegression())


@pytest.mark.parametrize("scoring", ["masked_f1", ["masked_f1", "masked_roc_auc"]])
def test_in_a_search(scoring):
    metric = "score" if isinstance(scoring, str) else "masked_f1"
    rule = OneStandardErrorRule({"estimator__C": "smaller"}, metric=metric)
    grid = {"estimator__C": [100.0, 1.0, 0.1, 1e-6]}
    search = GridSearchCV(MODEL, grid, cv=LabeledFold(4), scoring=scoring, refit=rule).fit(X, Y)
    means = search.cv_results_[f"mean_test_{metric}"]
    scores = np.array([search.cv_results_[f"split{i}_test_{metric}"] for i in range(4)])
    best = means.argmax()
    within = means >= means[best] - scores[:, best].std(ddof=1) / 2
    assert search.best_params_["estimator__C"] == min(np.array(grid["estimator__C"])[within])
    assert search.best_estimator_.estimator.C == search.best_params_["estimator__C"]


def test_in_nested_cross_validation():
    rule = OneStandardErrorRule({"estimator__C": "smaller"})
    search = GridSearchCV(MODEL, {"estimator__C": [1.0, 10.0]}, cv=LabeledFold(2), refit=rule)
    assert clone(search).refit is not rule
    assert (cross_val_score(search, X, Y, cv=LabeledFold(2)) > 0.5).all()


def test_repr():
    assert repr(OneStandardErrorRule({"C": "smaller"})) == (
        "OneStandardErrorRule(prefer={'C': 'smaller'})"
    )


def test_errors():
    with pytest.raises(ValueError, match="prefer names 'gamma', but the search varies"):
        OneStandardErrorRule({"gamma": "smaller"})(results())
    with pytest.raises(ValueError, match=r"prefer\['C'\] must be 'smaller', 'larger'"):
        OneStandardErrorRule({"C": "low"})(results())
    with pytest.raises(ValueError, match=r"must name all values that are searched; 0\.01 is not"):
        OneStandardErrorRule({"C": [1, 10]})(results())
    with pytest.raises(ValueError, match=r"metric='f1', got 0; the search has the .*'score'"):
        OneStandardErrorRule(metric="f1")(results())
    with pytest.raises(ValueError, match="at least two splits"):
        OneStandardErrorRule()(results(SCORES[:, :1]))
    with pytest.raises(ValueError, match="'n_standard_errors' parameter"):
        OneStandardErrorRule(n_standard_errors=-1)(results())
