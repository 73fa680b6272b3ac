"""Precision and enrichment at the top: by hand, against brute force, and their intervals."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, fisher_exact
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.metrics import enrichment_factor, precision_at_k
from skxrd.model_selection import LabeledFold

TRUTH = [1, 1, 0, 1, 0, 0, 1, 0, 0, 0]
SCORE = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]


def top_five(y_true, y_score):
    return precision_at_k(y_true, y_score, 5).value


def test_precision_by_hand():
    score = precision_at_k(TRUTH, SCORE, 4)
    limits = binomtest(3, 4).proportion_ci(method="wilson")
    assert score == (0.75, limits.low, limits.high, 4, 3, 10, 4, 0)


def test_enrichment_by_hand():
    score = enrichment_factor(TRUTH, SCORE, k=4)
    assert score.value == pytest.approx((3 / 4) / (4 / 10))
    assert score[3:] == (4, 3, 10, 4, 0)
    assert score.low < score.value < score.high
    np.testing.assert_allclose(enrichment_factor(TRUTH, SCORE, fraction=0.4), score)


def test_the_order_of_the_rows_does_not_matter(rng):
    order = rng.permutation(10)
    truth, score = np.array(TRUTH)[order], np.array(SCORE)[order]
    assert precision_at_k(truth, score, 4) == precision_at_k(TRUTH, SCORE, 4)
    assert enrichment_factor(truth, score, k=4) == enrichment_factor(TRUTH, SCORE, k=4)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_ties_count_as_their_mean_over_all_orders(k):
    truth = np.array([1, 0, 1, 0, 0, 1])
    score = np.array([3, 2, 2, 2, 2, 1])
    means = []
    for order in permutations(range(6)):
        rows = np.array(order)
        ranked = rows[np.argsort(-score[rows], kind="stable")]
        means.append(truth[ranked][:k].mean())
    assert precision_at_k(truth, score, k).value == pytest.approx(np.mean(means))
    assert enrichment_factor(truth, score, k=k).value == pytest.approx(np.mean(means) / 0.5)


def test_limits_at_ties_lie_between_those_of_whole_counts():
    score = precision_at_k([1, 1, 0, 0, 0], [1, 0, 0, 0, 0], 2)  # 1 + 1/4 of 2
    assert score.n_correct == 1.25
    one, two = (binomtest(count, 2).proportion_ci(method="wilson") for count in (1, 2))
    assert score.low == pytest.approx(0.75 * one.low + 0.25 * two.low)
    assert score.high == pytest.approx(0.75 * one.high + 0.25 * two.high)


def test_equal_scores_enrich_nothing():
    score = enrichment_factor([1, 1, 0, 0, 0, 0, 0], np.zeros(7), k=3)
    assert score.value == pytest.approx(1)
    assert score.low < 1 < score.high


@pytest.mark.parametrize(
    "labels",
    [
        [1, -1, 0, None, 1],
        [1.0, np.nan, 0.0, -1, 1.0],
        pd.Series([1, pd.NA, 0, pd.NA, 1], dtype="Int64"),
        pd.Series([1, np.nan, 0, np.nan, 1]),
    ],
)
def test_unlabeled_rows_are_left_out_and_counted(labels):
    scores = [0.9, 0.8, 0.7, 0.6, 0.5]
    expected = precision_at_k([1, 0, 1], [0.9, 0.7, 0.5], 2)
    found = precision_at_k(labels, scores, 2)
    assert found[:-1] == expected[:-1]
    assert (found.n_unlabeled, expected.n_unlabeled) == (2, 0)
    assert enrichment_factor(labels, scores, k=2).n_unlabeled == 2


def test_other_classes():
    labels = np.array(["poor", "fast", "slow", None], dtype=object)
    score = precision_at_k(labels, [4, 3, 2, 1], 2, positive_class="fast")
    assert (score.value, score.n_positive, score.n_unlabeled) == (0.5, 1, 1)


@pytest.mark.parametrize(
    ("fraction", "k"), [(0.07, 7), (0.29, 29), (0.001, 1), (1e-12, 1), (0.071, 8), (1, 100)]
)
def test_a_fraction_is_rounded_up(fraction, k):
    assert enrichment_factor([0, 1] * 50, np.arange(100), fraction=fraction).n_selected == k


@pytest.mark.parametrize("k", [1, 3, 6, 8, 10])
def test_enrichment_stays_within_the_possible(k):
    best = enrichment_factor(TRUTH, np.array(TRUTH) + np.arange(10) / 20, k=k)
    worst = enrichment_factor(TRUTH, -np.array(TRUTH) + np.arange(10) / 20, k=k)
    most, least = 10 / max(k, 4), max(0, k - 6) / (k * 0.4)
    assert best.value == pytest.approx(most)
    assert worst.value == pytest.approx(least)
    for score in (best, worst):
        assert least <= score.low <= score.value + 1e-12
        assert score.value - 1e-12 <= score.high <= most + 1e-12
    assert best.high == pytest.approx(most)
    assert worst.low == pytest.approx(least)


def test_the_whole_list_enriches_nothing_for_certain():
    assert enrichment_factor(TRUTH, SCORE, k=10)[:3] == (1, 1, 1)
    assert enrichment_factor(np.ones(10), SCORE, k=3)[:3] == (1, 1, 1)


@pytest.mark.parametrize(("hits", "enriched"), [(2, False), (9, True)])
def test_an_interval_above_one_is_what_fishers_test_calls_significant(hits, enriched):
    truth = np.repeat([1, 0, 1, 0], [hits, 10 - hits, 20 - hits, 70 + hits])
    score = enrichment_factor(truth, -np.arange(100), k=10)
    pvalue = fisher_exact([[hits, 10 - hits], [20 - hits, 70 + hits]]).pvalue
    assert (pvalue < 0.05, score.low > 1) == (enriched, enriched)


def test_intervals_cover(rng):
    # 200 rankings of 100 rows: the exact intervals cover at least as often as they say, but for
    # chance (three standard deviations of 0.95 are 0.046).
    y = np.repeat([1, 0], [25, 75])
    scores = [enrichment_factor(y, rng.normal(size=100) + y, fraction=0.1) for _ in range(200)]
    mean = np.mean([score.value for score in scores])
    assert mean > 2
    assert np.mean([score.low <= mean <= score.high for score in scores]) > 0.9
    widths = [score.high - score.low for score in scores]
    assert np.mean(widths) < 3  # all that is possible is a width of 4


def test_a_higher_level_gives_a_wider_interval():
    for metric in (precision_at_k, enrichment_factor):
        narrow = metric(TRUTH, SCORE, k=4, confidence_level=0.8)
        wide = metric(TRUTH, SCORE, k=4, confidence_level=0.99)
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_as_a_scorer():
    X, y = make_patterns(
        120, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.5, class_sep=0.2, random_state=0
    )
    model = SelfTrainingClassifier(LogisticRegression())
    scorer = make_scorer(top_five, response_method="predict_proba")
    cv = LabeledFold(3)
    expected = []
    for train, test in cv.split(X, y):
        probability = model.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        expected.append(precision_at_k(y[test], probability, 5).value)
    found = cross_val_score(model, X, y, cv=cv, scoring=scorer, n_jobs=1)
    np.testing.assert_allclose(found, expected)
    search = GridSearchCV(model, {"threshold": [model.threshold]}, cv=cv, scoring=scorer)
    assert search.fit(X, y).best_score_ == pytest.approx(np.mean(expected))


def test_user_arrays_are_not_changed():
    truth, score = np.array([1.0, np.nan, 0.0]), np.array([1.0, 2.0, 3.0])
    precision_at_k(truth, score, 1)
    np.testing.assert_array_equal(truth, [1, np.nan, 0])
    np.testing.assert_array_equal(score, [1, 2, 3])


@pytest.mark.parametrize(
    ("truth", "score", "k", "problem"),
    [
        ([1, 0], [1, 2, 3], 1, "inconsistent numbers of samples"),
        ([1, 0, 1], [1, np.nan, 3], 1, "y_score contains NaN"),
        ([1, 0, 1], [1, np.inf, 3], 1, "y_score contains infinity"),
        ([1, 0, -1], [1, 2, 3], 3, "top k=3 needs 3 labeled rows, but y_true holds 2"),
        ([-1, -1], [1, 2], 1, "y_true holds 0"),
        ([], [], 1, "y_true holds 0"),
        ([1, 0], [[1, 0], [0, 1]], 1, "1d array"),
        ([1, 0], [1, 2], 0, "'k' parameter"),
        ([1, 0], [1, 2], 1.5, "'k' parameter"),
    ],
)
def test_bad_input(truth, score, k, problem):
    with pytest.raises(ValueError, match=problem):
        precision_at_k(truth, score, k)
    with pytest.raises(ValueError, match=problem):
        enrichment_factor(truth, score, k=k)


def test_bad_input_of_the_enrichment_factor():
    for params in ({}, {"k": 1, "fraction": 0.5}):
        with pytest.raises(ValueError, match="Exactly one of k and fraction"):
            enrichment_factor(TRUTH, SCORE, **params)
    with pytest.raises(ValueError, match="'fraction' parameter"):
        enrichment_factor(TRUTH, SCORE, fraction=0.0)
    with pytest.raises(ValueError, match="none of the 10 labeled rows"):
        enrichment_factor(TRUTH, SCORE, k=2, positive_class="yes")
    with pytest.raises(ValueError, match="confidence_level"):
        enrichment_factor(TRUTH, SCORE, k=2, confidence_level=95)
