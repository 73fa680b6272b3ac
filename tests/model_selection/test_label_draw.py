import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelDraw, LabeledFold

Y = np.random.default_rng(0).permutation(np.repeat([0, 1, -1], [30, 12, 50]))


def splits(cv, y=Y, groups=None):
    return list(cv.split(np.zeros(len(y)), y, groups))


def test_draws_are_balanced_and_all_other_labels_are_tested():
    found = splits(LabelDraw(7, n_labeled_per_class=5, random_state=0))
    assert len(found) == 7
    for train, test in found:
        assert np.bincount(Y[train] + 1).tolist() == [50, 5, 5]
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
        assert sorted([*train, *test]) == list(range(len(Y)))  # nothing lost, nothing twice
        assert (Y[test] != -1).all()
    assert len({tuple(train) for train, _ in found}) == 7


def test_every_labeled_row_is_drawn_equally_often():
    drawn = np.zeros(len(Y))
    for train, _ in splits(LabelDraw(600, n_labeled_per_class=6, random_state=0)):
        drawn[train] += 1
    assert (drawn[Y == -1] == 600).all()
    for label, expected in ((0, 6 / 30), (1, 6 / 12)):
        np.testing.assert_allclose(drawn[Y == label] / 600, expected, atol=0.08)


def test_random_state():
    def trains(cv):
        return [train.tolist() for train, _ in splits(cv)]

    cv = LabelDraw(3, n_labeled_per_class=5, random_state=0)
    assert trains(cv) == trains(cv) == trains(clone_of(cv))
    assert trains(cv) != trains(LabelDraw(3, n_labeled_per_class=5, random_state=1))
    fresh = LabelDraw(3, n_labeled_per_class=5)
    assert trains(fresh) != trains(fresh)


def clone_of(cv):
    return LabelDraw(cv.n_splits, n_labeled_per_class=cv.n_labeled_per_class, random_state=0)


@pytest.mark.parametrize("missing", [None, np.nan, -1])
def test_labels_of_objects(missing):
    named = np.array(["a", "b", missing], dtype=object)[Y]
    cv = LabelDraw(2, n_labeled_per_class=5, random_state=0)
    for (train, test), (train_, test_) in zip(splits(cv, named), splits(cv), strict=True):
        np.testing.assert_array_equal(train, train_)
        np.testing.assert_array_equal(test, test_)


def test_groups_of_drawn_rows_are_not_tested():
    groups = np.arange(len(Y)) // 3
    for train, test in splits(LabelDraw(5, n_labeled_per_class=4, random_state=0), groups=groups):
        drawn = train[Y[train] != -1]
        assert not set(groups[drawn]) & set(groups[test])
        rest = np.setdiff1d(np.flatnonzero(Y != -1), [*drawn, *test])
        assert set(groups[rest]) <= set(groups[drawn])
    with pytest.raises(ValueError, match="No test row is left"):
        splits(LabelDraw(2, n_labeled_per_class=4), groups=np.zeros(len(Y)))


def test_a_labeled_fold_around_it_changes_nothing():
    cv = LabelDraw(3, n_labeled_per_class=5, random_state=0)
    for (train, test), (train_, test_) in zip(splits(cv), splits(LabeledFold(cv)), strict=True):
        np.testing.assert_array_equal(train, train_)
        np.testing.assert_array_equal(test, test_)


def test_in_cross_validation():
    X, y = make_patterns(120, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.5, random_state=0)
    model = SelfTrainingClassifier(LogisticRegression())
    cv = LabelDraw(3, n_labeled_per_class=10, random_state=0)
    assert cv.get_n_splits() == cv.get_n_splits(X, y) == 3
    plain = cross_validate(model, X, y, cv=cv)["test_score"]
    assert plain.min() > 0.6
    groups = np.arange(120)
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(clone(model), X, y, cv=cv, params={"groups": groups})
    np.testing.assert_array_equal(routed["test_score"], plain)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_labeled_per_class": 12}, r"leaves no test row of a class.*\{1: 12\}"),
        ({"n_labeled_per_class": 0}, "n_labeled_per_class of LabelDraw must be a positive integer"),
        ({"n_labeled_per_class": 2.5}, "must be a positive integer, got 2.5"),
        ({"n_splits": 0}, "n_splits of LabelDraw must be a positive integer, got 0"),
    ],
)
def test_errors(params, message):
    with pytest.raises(ValueError, match=message):
        splits(LabelDraw(**params))


def test_errors_of_y():
    with pytest.raises(ValueError, match="LabelDraw needs y"):
        next(LabelDraw().split([[0]], None))
    with pytest.raises(ValueError, match="all 3 rows"):
        splits(LabelDraw(), np.full(3, -1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(LabelDraw().split(np.zeros(3), Y))
