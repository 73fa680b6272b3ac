import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import KFold, StratifiedKFold

from skxrd.screening import DomainGap, domain_gap
from skxrd.screening._domain_gap import _interval

FEW_TREES = ExtraTreesClassifier(20, random_state=0)


def rows(rng, n, offset=0.0):
    return np.abs(5 + rng.normal(size=(n, 6)) + offset * np.array([1, 0, 0, 0, 0, 0]))


def test_one_distribution(rng):
    gap = domain_gap(rows(rng, 80), rows(rng, 60), estimator=LogisticRegression(), random_state=0)
    assert isinstance(gap, DomainGap)
    assert gap.auc_low < 0.5 < gap.auc_high
    assert gap.p_value > 0.05
    assert gap.reason == ""
    assert (gap.n_train, gap.n_new) == (80, 60)
    assert 20 < gap.rows["percentile"].mean() < 80


@pytest.mark.parametrize("estimator", [LogisticRegression(), FEW_TREES, None])
def test_far_apart(rng, estimator):
    gap = domain_gap(rows(rng, 40), rows(rng, 20, 20.0), estimator=estimator, random_state=0)
    assert gap.auc > 0.99
    assert 0.7 < gap.auc_low < gap.auc  # an area of one is no certainty
    assert gap.auc_high > gap.auc - 1e-12
    assert gap.p_value < 1e-5
    assert (gap.rows["percentile"] > 95).all()


def test_gap_grows_with_the_offset(rng):
    train = rows(rng, 100)
    noise = rows(rng, 50)
    areas = []
    for offset in (0.0, 1.0, 3.0):
        shifted = noise + np.array([offset, 0, 0, 0, 0, 0])
        gap = domain_gap(train, shifted, estimator=LogisticRegression(), random_state=0)
        areas.append(gap.auc)
    assert areas[0] < areas[1] < areas[2]


def test_distances_by_hand(rng):
    train, new = rows(rng, 30), rows(rng, 3)
    gap = domain_gap(train, new)
    own = pairwise_distances(train, metric="cosine")
    np.fill_diagonal(own, np.inf)
    between = pairwise_distances(new, train, metric="cosine")
    table = gap.rows
    assert table["nearest"].tolist() == between.argmin(axis=1).tolist()
    np.testing.assert_allclose(table["distance"], between.min(axis=1), atol=1e-12)
    expected = [100 * np.mean(own.min(axis=1) <= d) for d in between.min(axis=1)]
    np.testing.assert_allclose(table["percentile"], expected)


def test_training_row_and_stranger():
    train = np.eye(6)[[0, 0, 1, 1, 2, 2]] + 0.01 * np.arange(6)[:, np.newaxis]
    gap = domain_gap(train, [train[2], np.eye(6)[5]])
    assert gap.rows["nearest"][0] == 2
    assert gap.rows["distance"][0] == pytest.approx(0, abs=1e-12)
    assert gap.rows["percentile"].tolist() == [0.0, 100.0]


def test_scale_and_empty_rows(rng):
    train, new = rows(rng, 20), rows(rng, 4)
    expected = domain_gap(train, new).rows
    scaled = domain_gap(100 * train, new).rows
    np.testing.assert_allclose(scaled["distance"], expected["distance"], atol=1e-12)
    empty = domain_gap(train, np.zeros((1, 6))).rows
    assert empty["distance"].tolist() == [1.0]
    assert empty["percentile"].tolist() == [100.0]
    with_empty_row = domain_gap(np.vstack([np.zeros(6), train]), new).rows
    assert with_empty_row["nearest"].tolist() == (expected["nearest"] + 1).tolist()


@pytest.mark.parametrize("n_new", [1, 2, 5, 9])
def test_few_rows_give_the_table_and_a_reason(rng, n_new):
    gap = domain_gap(rows(rng, 40), rows(rng, n_new))
    assert np.isnan([gap.auc, gap.auc_low, gap.auc_high, gap.p_value]).all()
    assert f"at least 10 rows of each, 2 per fold; there are 40 and {n_new}" in gap.reason
    assert len(gap.rows) == n_new
    assert gap.rows.notna().all(axis=None)


def test_ten_rows_are_enough(rng):
    assert domain_gap(rows(rng, 40), rows(rng, 10), estimator=FEW_TREES).reason == ""
    assert domain_gap(rows(rng, 40), rows(rng, 6), cv=3, estimator=FEW_TREES).reason == ""


def test_few_training_rows(rng):
    gap = domain_gap(rows(rng, 4), rows(rng, 40))
    assert "there are 4 and 40" in gap.reason


def test_repeats_with_its_seed(rng):
    train, new = rows(rng, 300), rows(rng, 12)  # more than ten per new row: some are drawn

    def area(seed):
        estimator = LogisticRegression()
        return domain_gap(train, new, estimator=estimator, random_state=seed).auc

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert area(0) == area(0)
    assert len({area(seed) for seed in range(4)}) > 1
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_splitters_and_inputs_are_left_alone(rng):
    train, new = rows(rng, 30), rows(rng, 20, 3.0)
    before = train.copy(), new.copy()
    estimator = LogisticRegression()
    for cv in (StratifiedKFold(4), KFold(4, shuffle=True, random_state=0)):
        assert domain_gap(train, new, estimator=estimator, cv=cv).auc > 0.8
    assert not hasattr(estimator, "coef_")
    np.testing.assert_array_equal(train, before[0])
    np.testing.assert_array_equal(new, before[1])


@pytest.mark.parametrize(
    ("train", "new", "params", "reason"),
    [
        (np.ones((5, 4)), np.ones((5, 3)), {}, "X_train has 4 points and X_new 3"),
        (np.ones((1, 4)), np.ones((5, 4)), {}, "minimum of 2"),
        (np.ones((5, 4)), np.full((5, 4), np.nan), {}, "NaN"),
        (np.ones((5, 4)), np.ones((0, 4)), {}, "0 sample"),
        (np.ones((5, 4)), np.ones((5, 4)), {"estimator": 3}, "estimator"),
        (np.ones((5, 4)), np.ones((5, 4)), {"estimator": LinearRegression()}, "estimator"),
        (np.ones((5, 4)), np.ones((5, 4)), {"cv": "many"}, "cv"),
    ],
)
def test_bad_input(train, new, params, reason):
    with pytest.raises(ValueError, match=reason):
        domain_gap(train, new, **params)


class TestInterval:
    @pytest.mark.parametrize("auc", [0.0, 0.3, 0.5, 0.9, 1.0])
    def test_holds_the_area(self, auc):
        low, high = _interval(auc, 20, 30)
        assert 0 <= low <= auc <= high <= 1
        mirrored = _interval(1 - auc, 20, 30)
        np.testing.assert_allclose([low, high], [1 - mirrored[1], 1 - mirrored[0]], atol=1e-9)

    def test_narrows_with_more_rows(self):
        assert _interval(1.0, 20, 30)[0] < 0.95  # certain of nothing
        assert np.diff(_interval(0.7, 200, 300)) < np.diff(_interval(0.7, 20, 30)) / 2

    @pytest.mark.parametrize("offset", [0.0, 1.0, 2.0])
    def test_coverage(self, offset):
        """Of normal scores, whose true area is known, about 95 % of the intervals hold it."""
        from scipy.stats import mannwhitneyu, norm

        true = norm.cdf(offset / np.sqrt(2))
        rng = np.random.default_rng(0)
        held = 0
        for _ in range(1000):
            new, train = rng.normal(offset, size=15), rng.normal(size=40)
            low, high = _interval(mannwhitneyu(new, train).statistic / (15 * 40), 40, 15)
            held += low <= true <= high
        assert 920 <= held <= 990
