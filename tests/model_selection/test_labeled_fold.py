import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold

X, Y = make_patterns(120, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.3, random_state=0)
GROUPS = np.arange(120) // 4
MODEL = SelfTrainingClassifier(LogisticRegression())


def check_split(cv, y=Y, groups=None):
    labeled, unlabeled = np.flatnonzero(y != -1), np.flatnonzero(y == -1)
    tested = []
    splits = list(cv.split(X, y, groups))
    assert len(splits) == cv.get_n_splits(X, y, groups)
    for train, test in splits:
        assert (y[test] != -1).all()
        assert set(unlabeled) <= set(train)
        assert sorted([*train, *test]) == list(range(len(y)))  # nothing lost, nothing twice
        assert (np.diff(train) > 0).all()
        tested += test.tolist()
    return labeled.tolist(), sorted(tested), splits


def test_an_integer_stands_for_stratified_folds():
    labeled, tested, splits = check_split(LabeledFold(4))
    assert tested == labeled
    assert len(splits) == 4
    for _, test in splits:
        assert abs((Y[test] == 0).sum() - (Y[test] == 1).sum()) <= 1


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedKFold(3, shuffle=True, random_state=0),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    ],
)
def test_splitters_split_the_labeled_rows_only(cv):
    labeled, tested, splits = check_split(LabeledFold(cv))
    assert tested == sorted(labeled * (len(splits) // 3))
    rows = np.array(labeled)
    for (_, test), (_, expected) in zip(splits, cv.split(rows, Y[rows]), strict=True):
        assert test.tolist() == rows[expected].tolist()


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut()])
def test_groups_stay_together(cv):
    groups = np.arange(120) % 7
    labeled, tested, splits = check_split(LabeledFold(cv), groups=groups)
    assert tested == labeled
    for train, test in splits:
        known = train[Y[train] != -1]
        assert not set(groups[known]) & set(groups[test])


def test_iterables_count_the_labeled_rows():
    pairs = [([0, 1, 2, 3], [4, 5]), ([4, 5], [0])]
    labeled = np.flatnonzero(Y != -1)
    for cv in (pairs, iter(pairs), (pair for pair in pairs)):
        fold = LabeledFold(cv)
        assert fold.get_n_splits() == 2
        for _ in range(2):  # an iterator can be read once only, a splitter again and again
            tests = [test.tolist() for _, test in fold.split(X, Y)]
            assert tests == [labeled[[4, 5]].tolist(), labeled[[0]].tolist()]
    fold = LabeledFold(PredefinedSplit(np.arange(len(labeled)) % 2))
    assert len(list(fold.split(X, Y))) == 2


@pytest.mark.parametrize("missing", [None, np.nan, -1])
@pytest.mark.parametrize("names", [[0, 1], ["no", "yes"]])
def test_labels_of_objects(missing, names):
    y = np.array([*names, missing], dtype=object)[Y]
    for labels in (y, pd.Series(y)):
        for (train, test), (train_, test_) in zip(
            LabeledFold(3).split(X, labels), LabeledFold(3).split(X, Y), strict=True
        ):
            np.testing.assert_array_equal(train, train_)
            np.testing.assert_array_equal(test, test_)


def test_number_of_splits():
    assert LabeledFold().get_n_splits() == LabeledFold().get_n_splits(X, Y) == 5
    assert LabeledFold(RepeatedStratifiedKFold(n_splits=2, n_repeats=3)).get_n_splits() == 6
    assert LabeledFold(LeaveOneGroupOut()).get_n_splits(X, Y, np.arange(120) % 7) == 7


def test_in_cross_validation():
    scores = cross_val_score(MODEL, X, Y, cv=LabeledFold(3), scoring="f1_macro")
    # A plain splitter tests unlabeled rows as well and scores them as errors.
    plain = cross_val_score(MODEL, X, Y, cv=3)
    assert scores.mean() > 0.7 > plain.mean()


def test_in_a_search():
    search = GridSearchCV(MODEL, {"threshold": [0.6, 0.9]}, cv=LabeledFold(3), scoring="roc_auc")
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.n_splits_ == 3


def test_groups_in_cross_validation():
    cv = LabeledFold(GroupKFold(3))
    plain = cross_validate(MODEL, X, Y, cv=cv, groups=GROUPS, return_indices=True)
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(MODEL, X, Y, cv=cv, params={"groups": GROUPS}, return_indices=True)
    for one, other in zip(plain["indices"]["test"], routed["indices"]["test"], strict=True):
        np.testing.assert_array_equal(one, other)
    groups = [set(GROUPS[test]) for test in plain["indices"]["test"]]
    assert not groups[0] & groups[1]


def test_errors():
    with pytest.raises(ValueError, match="needs y"):
        next(LabeledFold().split(X, None))
    with pytest.raises(ValueError, match="all 3 rows are unlabeled"):
        next(LabeledFold().split(X[:3], [-1, -1, -1]))
    with pytest.raises(ValueError, match="groups"):
        next(LabeledFold(GroupKFold(3)).split(X, Y))
    with pytest.raises(ValueError, match="cv"):
        next(LabeledFold("five").split(X, Y))
    with pytest.raises(ValueError, match="n_splits=50"):
        next(LabeledFold(50).split(X, Y))


def test_repr_shows_the_splitter():
    assert repr(LabeledFold(GroupKFold(3))).startswith("LabeledFold(cv=GroupKFold(n_splits=3")
