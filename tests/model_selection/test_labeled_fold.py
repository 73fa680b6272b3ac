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
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

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


@pytest.mark.parametrize(
    "cv",
    [
        GroupKFold(3),
        LeaveOneGroupOut(),
        StratifiedGroupKFold(3),
        StratifiedGroupKFold(3, shuffle=True, random_state=0),
    ],
)
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


FORMS = {
    "list": lambda y: y.tolist(),
    "column": lambda y: y[:, None],
    "floats": lambda y: y.astype(float),
    "NaN": lambda y: np.where(y == -1, np.nan, y),
    "Series": lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
    "Int64 with NA": lambda y: pd.Series(y, dtype="Int64").mask(y == -1),
    "category": lambda y: pd.Series(np.array(["a", "b", None], dtype=object)[y], dtype="category"),
    "text": lambda y: np.array(["a", "b", "-1"])[y],
    "pandas text": lambda y: pd.Series(np.array(["a", "b", None], dtype=object)[y], dtype="str"),
    "list of text and -1": lambda y: np.array(["a", "b", -1], dtype=object)[y].tolist(),
    "list of text and None": lambda y: np.array(["a", "b", None], dtype=object)[y].tolist(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cv", [3, RepeatedStratifiedKFold(n_splits=3, random_state=0)])
def test_forms_of_labels(form, cv):
    y = FORMS[form](Y)
    splits = list(LabeledFold(cv).split(X, y))
    assert len(splits) == LabeledFold(cv).get_n_splits(X, y)
    for split, expected in zip(splits, LabeledFold(cv).split(X, Y), strict=True):
        np.testing.assert_array_equal(split[0], expected[0])
        np.testing.assert_array_equal(split[1], expected[1])


def test_groups_of_unlabeled_rows_are_not_read():
    groups = np.where(Y == -1, None, GROUPS)
    for split, expected in zip(
        LabeledFold(GroupKFold(3)).split(X, Y, groups),
        LabeledFold(GroupKFold(3)).split(X, Y, GROUPS),
        strict=True,
    ):
        np.testing.assert_array_equal(split[1], expected[1])


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


SPREADING = make_pipeline(MaxAbsScaler(), LabelSpreading(gamma=0.1))
SEARCHES = {
    "self-training": (MODEL, {"threshold": [0.6, 0.9]}),
    "spreading": (SPREADING, {"labelspreading__alpha": [0.1, 0.3]}),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_nested_cross_validation(name):
    model, parameters = SEARCHES[name]
    search = GridSearchCV(model, parameters, cv=LabeledFold(2))
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    scores = cross_val_score(search, X, Y, cv=LabeledFold(cv))
    assert len(scores) == 6
    assert scores.mean() > 0.6


def recording(splitter):
    """Wrap a splitter so that it writes down the groups that it is given."""

    class Recorder(type(splitter)):
        seen = []

        def split(self, X, y=None, groups=None):
            self.seen.append(groups)
            yield from super().split(X, y, groups)

    return Recorder(splitter.n_splits)


@pytest.mark.parametrize("name", SEARCHES)
def test_groups_are_routed_to_inner_and_outer_splitters(name):
    model, parameters = SEARCHES[name]
    inner, outer = recording(GroupKFold(2)), recording(GroupKFold(3))
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(model, parameters, cv=LabeledFold(inner))
        cross_validate(search, X, Y, cv=LabeledFold(outer), params={"groups": GROUPS})
    (given,) = outer.seen
    np.testing.assert_array_equal(given, GROUPS[Y != -1])
    assert len(inner.seen) == 3
    for groups in inner.seen:
        assert set(groups) < set(GROUPS[Y != -1])


def test_groups_go_to_those_who_ask():
    # A splitter that ignores groups would warn if it were given some, and a warning is an error.
    with config_context(enable_metadata_routing=True):
        for cv in (2, StratifiedKFold(2), [(np.arange(10), np.arange(10, 20))]):
            search = GridSearchCV(MODEL, {"threshold": [0.6]}, cv=LabeledFold(cv))
            cross_val_score(search, X, Y, cv=LabeledFold(GroupKFold(3)), params={"groups": GROUPS})
        families = LabeledFold(GroupKFold(3).set_split_request(groups="families"))
        cross_val_score(MODEL, X, Y, cv=families, params={"families": GROUPS})
        own = LabeledFold(GroupKFold(3)).set_split_request(groups="kin")
        cross_val_score(MODEL, X, Y, cv=own, params={"kin": GROUPS})
        with pytest.raises(TypeError, match="groups"):
            cross_val_score(MODEL, X, Y, cv=LabeledFold(3), params={"groups": GROUPS})


def test_groups_reach_the_splitter_of_a_search():
    plain = GridSearchCV(MODEL, {"threshold": [0.6]}, cv=LabeledFold(LeaveOneGroupOut()))
    with config_context(enable_metadata_routing=True):
        routed = GridSearchCV(MODEL, {"threshold": [0.6]}, cv=LabeledFold(LeaveOneGroupOut()))
        routed.fit(X, Y, groups=GROUPS % 4)
    plain.fit(X, Y, groups=GROUPS % 4)
    assert plain.n_splits_ == routed.n_splits_ == 4
    assert plain.best_score_ == routed.best_score_


def test_errors():
    with pytest.raises(ValueError, match="needs y"):
        next(LabeledFold().split(X, None))
    with pytest.raises(ValueError, match="all 3 rows are unlabeled"):
        next(LabeledFold().split(X[:3], [-1, -1, -1]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(LabeledFold().split(X, Y, GROUPS[1:]))
    with pytest.raises(ValueError, match="groups"):
        next(LabeledFold(GroupKFold(3)).split(X, Y))
    with pytest.raises(ValueError, match="cv"):
        next(LabeledFold("five").split(X, Y))
    with pytest.raises(ValueError, match="n_splits=50"):
        next(LabeledFold(50).split(X, Y))


def test_repr_shows_the_splitter():
    assert repr(LabeledFold(GroupKFold(3))).startswith("LabeledFold(cv=GroupKFold(n_splits=3")
