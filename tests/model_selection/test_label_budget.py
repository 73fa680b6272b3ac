import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, label_budget_curve

X, Y = make_patterns(
    160, grid=TwoThetaGrid(10, 80, 71), class_sep=0.3, labeled_fraction=0.4, random_state=0
)
ROW = X.copy()
ROW[:, 0] = np.arange(len(Y))  # the first point of a pattern tells which row it is
MODEL = SelfTrainingClassifier(LogisticRegression())
N_UNLABELED = int((Y == -1).sum())
COLUMNS = ["n_labeled_per_class", "n_unlabeled", "split", "repeat", "score", "fit_time"]


class Recorder(LogisticRegression):
    """Classifier that writes down the rows and labels of each training and test."""

    trained, tested, seeds = [], [], []

    def fit(self, X, y):
        self.trained.append(dict(zip(X[:, 0].astype(int).tolist(), y, strict=True)))
        self.seeds.append(self.random_state)
        labeled = y != -1
        return super().fit(X[labeled][:, 1:], y[labeled])

    def predict(self, X):
        self.tested.append(X[:, 0].astype(int).tolist())
        return super().predict(X[:, 1:])


@pytest.fixture
def recorder():
    for record in (Recorder.trained, Recorder.tested, Recorder.seeds):
        record.clear()
    return Recorder()


def test_table():
    curve = label_budget_curve(
        MODEL, X, Y, n_labeled_per_class=(2, 10), n_unlabeled=(10, 0.5, 1.0), cv=3, n_repeats=2
    )
    assert curve.columns.tolist() == COLUMNS
    assert len(curve) == 2 * 3 * 3 * 2
    assert not curve.duplicated(COLUMNS[:4]).any()
    assert sorted(set(curve["n_unlabeled"])) == [10, N_UNLABELED // 2, N_UNLABELED]
    assert curve["score"].between(0, 1).all()
    assert (curve["fit_time"] > 0).all()
    means = curve.groupby("n_labeled_per_class")["score"].mean()
    assert means[10] > means[2]


def test_budgets_are_met_and_nested(recorder):
    budgets = [(2, 0), (2, 20), (5, 0), (5, 20)]
    label_budget_curve(
        recorder, ROW, Y, n_labeled_per_class=(2, 5), n_unlabeled=(0, 20), cv=3, random_state=0
    )
    assert len(recorder.trained) == 3 * 4
    for split in range(3):
        trained = recorder.trained[4 * split : 4 * split + 4]
        tests = recorder.tested[4 * split : 4 * split + 4]
        assert all(test == tests[0] for test in tests)
        assert (Y[tests[0]] != -1).all()
        for (n_labeled, n_unlabeled), rows in zip(budgets, trained, strict=True):
            labels = np.array(list(rows.values()))
            assert np.bincount(labels[labels != -1]).tolist() == [n_labeled] * 2
            assert (labels == -1).sum() == n_unlabeled
            assert not set(rows) & set(tests[0])
            assert all(Y[row] == label for row, label in rows.items())
            assert list(rows) == sorted(rows)
        assert trained[0].items() < trained[1].items() < trained[3].items()
        assert trained[0].items() < trained[2].items() < trained[3].items()


def test_unused_labels(recorder):
    arguments = {"n_labeled_per_class": (2,), "n_unlabeled": (20,), "cv": 3, "random_state": 0}
    label_budget_curve(recorder, ROW, Y, **arguments)
    removed = list(recorder.trained)
    recorder.trained.clear()
    label_budget_curve(recorder, ROW, Y, unused_labels="hide", **arguments)
    for less, more in zip(removed, recorder.trained, strict=True):
        assert less.items() < more.items()
        others = set(more) - set(less)
        assert {more[row] for row in others} == {-1}
        assert (Y[list(others)] != -1).all()
    assert (Y == -1).sum() == N_UNLABELED  # the labels of the user are as before


def test_test_rows_do_not_depend_on_the_budgets(recorder):
    for budget in ((2,), (9,)):
        label_budget_curve(recorder, ROW, Y, n_labeled_per_class=budget, cv=3, random_state=0)
    assert recorder.tested[:3] == recorder.tested[3:]


def test_repeats_draw_other_rows_and_seeds(recorder):
    label_budget_curve(recorder, ROW, Y, n_labeled_per_class=(2, 5), cv=2, n_repeats=3)
    assert len({tuple(rows) for rows in recorder.trained}) == 12
    assert len(set(recorder.seeds)) == 6  # one for each split and repeat, shared by the budgets
    recorder.trained.clear()
    label_budget_curve(recorder, ROW, Y, n_labeled_per_class=(2,), cv=2, random_state=1)
    label_budget_curve(recorder, ROW, Y, n_labeled_per_class=(2,), cv=2, random_state=1)
    assert recorder.trained[:2] == recorder.trained[2:]


def test_splitters():
    groups = np.arange(160) % 8
    arguments = {"n_labeled_per_class": (3,), "random_state": 0}
    for cv in (GroupKFold(4), LabeledFold(GroupKFold(4))):
        curve = label_budget_curve(MODEL, X, Y, cv=cv, groups=groups, **arguments)
        assert curve["split"].tolist() == [0, 1, 2, 3]
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=3, random_state=0)
    assert len(label_budget_curve(MODEL, X, Y, cv=cv, **arguments)) == 6


def test_score_is_that_of_the_classifier():
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    least = min((Y[train] == k).sum() for train, _ in LabeledFold(cv).split(X, Y) for k in (0, 1))
    curve = label_budget_curve(MODEL, X, Y, n_labeled_per_class=(least,), cv=cv, scoring="roc_auc")
    again = label_budget_curve(
        MODEL, X, Y, n_labeled_per_class=(least,), cv=cv, scoring=one, random_state=0
    )
    assert (again["score"] == 1).all()
    assert curve["score"].mean() > 0.8


def one(estimator, X, y):
    assert (y != -1).all()
    return 1


def test_labels_of_other_types():
    expected = label_budget_curve(MODEL, X, Y, n_labeled_per_class=(4,), random_state=0)["score"]
    frame = pd.DataFrame(X)
    for X_, y in (
        (X.tolist(), Y.tolist()),
        (frame.rename(columns=str), pd.Series(Y, index=np.arange(160)[::-1])),
        (X, np.array(["a", "b", -1], dtype=object)[Y]),
        (X, np.array(["a", "b", "-1"])[Y]),
    ):
        curve = label_budget_curve(MODEL, X_, y, n_labeled_per_class=(4,), random_state=0)
        np.testing.assert_allclose(curve["score"], expected)


def test_other_classifiers():
    spreading = make_pipeline(MaxAbsScaler(), LabelSpreading(gamma=0.1))
    curve = label_budget_curve(spreading, X, Y, n_labeled_per_class=(2, 8), random_state=0)
    assert curve.groupby("n_labeled_per_class")["score"].mean()[8] > 0.5


@pytest.mark.slow
def test_any_number_of_jobs():
    model = SelfTrainingClassifier(DecisionTreeClassifier(max_features=3))
    one, two, other = (
        label_budget_curve(
            model, X, Y, n_labeled_per_class=(2, 8), n_jobs=n, random_state=seed
        ).drop(columns="fit_time")
        for n, seed in ((None, 0), (2, 0), (None, 1))
    )
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_progress_bar(capfd):
    label_budget_curve(MODEL, X, Y, n_labeled_per_class=(2,), cv=2, verbose=1)
    out, err = capfd.readouterr()
    assert not out
    assert "Training" in err


def test_nothing_is_changed():
    model, X_, y = clone(MODEL), X.copy(), Y.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    label_budget_curve(model, X_, y, unused_labels="hide", n_labeled_per_class=(2,))
    np.testing.assert_array_equal(X_, X)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert not hasattr(model, "classes_")


def test_errors():
    with pytest.raises(ValueError, match=r"asks for 40 labels of class 0, but only \d+ rows"):
        label_budget_curve(MODEL, X, Y, n_labeled_per_class=(2, 40))
    for numbers in ((), (0, 2), (2.0,)):
        with pytest.raises(ValueError, match="n_labeled_per_class must hold integers"):
            label_budget_curve(MODEL, X, Y, n_labeled_per_class=numbers)
    for number in (N_UNLABELED + 1, -1, 1.5, 0.0):
        with pytest.raises(
            ValueError, match=f"n_unlabeled must hold integers from 0 to {N_UNLABELED}"
        ):
            label_budget_curve(MODEL, X, Y, n_unlabeled=(number,))
    with pytest.raises(ValueError, match="'unused_labels' parameter"):
        label_budget_curve(MODEL, X, Y, unused_labels="drop")
    with pytest.raises(ValueError, match="all 160 rows are unlabeled"):
        label_budget_curve(MODEL, X, np.full(160, -1))
    with pytest.raises(ValueError, match="masked_f2"):
        label_budget_curve(MODEL, X, Y, scoring="masked_f2")
