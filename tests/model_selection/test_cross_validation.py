import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, cross_val_predict_labeled

METHODS = ["predict", "predict_proba", "decision_function"]
GRID = TwoThetaGrid(10, 80, 71)
X, Y = make_patterns(
    100, n_classes=3, class_sep=0.2, grid=GRID, labeled_fraction=0.4, random_state=0
)
X = X + np.random.RandomState(0).normal(0, 0.5, X.shape)  # so that models disagree
X2, Y2 = X[Y != 2], Y[Y != 2]
MODEL = SelfTrainingClassifier(LogisticRegression())
GROUPS = np.arange(100) % 9


def by_hand(method, cv, X=X, y=Y, model=MODEL, groups=None):
    """Predictions of each row's models: the sum, and how many there are."""
    total, counts = {}, np.zeros(len(y))
    for train, test in LabeledFold(cv).split(X, y, groups):
        fitted = clone(model).fit(X[train], y[train])
        for row, value in zip(test, getattr(fitted, method)(X[test]), strict=True):
            total.setdefault(row, []).append(value)
            counts[row] += 1
    return total, counts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("data", [(X, Y), (X2, Y2)], ids=["three classes", "two classes"])
def test_each_row_is_predicted_by_models_that_did_not_see_it(method, data):
    X_, y = data
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    predicted = cross_val_predict_labeled(MODEL, X_, y, cv=cv, method=method)
    total, _ = by_hand(method, cv, X_, y)
    assert len(predicted) == len(y)
    assert sorted(total) == np.flatnonzero(y != -1).tolist()
    for row, values in total.items():
        np.testing.assert_allclose(predicted[row], values[0])
    never = predicted[y == -1]
    assert (never == -1).all() if method == "predict" else np.isnan(never).all()
    if method == "predict_proba":
        np.testing.assert_allclose(predicted[y != -1].sum(axis=1), 1)


def test_it_agrees_with_scikit_learn_where_all_rows_are_labeled():
    labeled = Y != -1
    model = LogisticRegression()
    for method in METHODS:
        np.testing.assert_allclose(
            cross_val_predict_labeled(model, X[labeled], Y[labeled], cv=3, method=method),
            cross_val_predict(model, X[labeled], Y[labeled], cv=3, method=method),
        )


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_repeats_are_averaged(method):
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=3, random_state=0)
    predicted = cross_val_predict_labeled(MODEL, X, Y, cv=cv, method=method)
    total, counts = by_hand(method, cv)
    assert set(counts[Y != -1]) == {3}
    for row, values in total.items():
        np.testing.assert_allclose(predicted[row], np.mean(values, axis=0))


def test_repeats_vote():
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=0)
    predicted = cross_val_predict_labeled(MODEL, X, Y, cv=cv)
    total, _ = by_hand("predict", cv)
    votes = {row: np.bincount(values, minlength=3) for row, values in total.items()}
    for row, counts in votes.items():
        assert predicted[row] == np.flatnonzero(counts == counts.max())[0]
    assert any((np.sort(counts)[-2:] == 2).all() for counts in votes.values())  # some are ties
    assert any(counts.max() == 3 for counts in votes.values())


def test_text():
    y = np.array(["a", "b", "c", -1], dtype=object)[Y]
    for labels in (y, pd.Series(y)):
        predicted = cross_val_predict_labeled(MODEL, X, labels, cv=3)
        assert predicted.dtype == object
        assert (predicted[Y == -1] == -1).all()
        expected = np.array(["a", "b", "c", -1], dtype=object)[
            cross_val_predict_labeled(MODEL, X, Y, cv=3)
        ]
        assert (predicted == expected).all()


@pytest.mark.filterwarnings("ignore:.*confidence threshold")
def test_own_classifier_with_text():
    y = np.array(["a", "b", "c", None], dtype=object)[Y]
    model = SemiSupervisedClassifier(rendering="passthrough", max_epochs=1, random_state=0)
    predicted = cross_val_predict_labeled(model, X, y, cv=2)
    probabilities = cross_val_predict_labeled(model, X, y, cv=2, method="predict_proba")
    tested = Y != -1
    assert set(predicted[tested]) <= {"a", "b", "c"}
    assert (predicted[~tested] == -1).all()
    winners = np.array(["a", "b", "c"])[probabilities[tested].argmax(axis=1)]
    assert (predicted[tested] == winners).all()


def test_labels_keep_their_type():
    assert cross_val_predict_labeled(MODEL, X, Y).dtype == Y.dtype
    small = np.where(Y == -1, -1, 50 * Y).astype(np.int8)
    predicted = cross_val_predict_labeled(MODEL, X, small)
    assert set(predicted[Y != -1].tolist()) == {0, 50, 100}
    assert set(predicted[Y == -1].tolist()) == {-1}


def test_a_class_that_a_training_lacks():
    known = np.flatnonzero(Y != -1)
    without = np.flatnonzero(Y[known] != 2)
    pairs = [(without, np.flatnonzero(Y[known] == 2)[:2])]
    probabilities = cross_val_predict_labeled(MODEL, X, Y, cv=pairs, method="predict_proba")
    tested = ~np.isnan(probabilities).any(axis=1)
    assert tested.sum() == 2
    assert probabilities.shape == (100, 3)
    assert (probabilities[tested, 2] == 0).all()
    with pytest.raises(ValueError, match=r"needs all 3 classes .* holds only \[0, 1\]"):
        cross_val_predict_labeled(MODEL, X, Y, cv=pairs, method="decision_function")


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(MaxAbsScaler(), LabelSpreading(gamma=0.1)),
        make_pipeline(MaxAbsScaler(), MODEL),
    ],
    ids=["spreading", "self-training"],
)
def test_pipelines(model):
    probabilities = cross_val_predict_labeled(model, X, Y, method="predict_proba")
    total, _ = by_hand("predict_proba", 5, model=model)
    for row, values in total.items():
        np.testing.assert_allclose(probabilities[row], values[0], rtol=1e-6)


def test_groups():
    for cv in (GroupKFold(3), LabeledFold(GroupKFold(3))):
        predicted = cross_val_predict_labeled(MODEL, X, Y, cv=cv, groups=GROUPS)
        total, _ = by_hand("predict", GroupKFold(3), groups=GROUPS)
        for row, values in total.items():
            assert predicted[row] == values[0]
        with config_context(enable_metadata_routing=True):
            for kwargs in ({"groups": GROUPS}, {"params": {"groups": GROUPS}}):
                routed = cross_val_predict_labeled(MODEL, X, Y, cv=cv, **kwargs)
                np.testing.assert_array_equal(routed, predicted)
    with pytest.raises(ValueError, match="groups"):
        cross_val_predict_labeled(MODEL, X, Y, cv=LeaveOneGroupOut())


class Weighted(SelfTrainingClassifier):
    def fit(self, X, y, sample_weight=None):
        self.seen.append(np.copy(sample_weight))
        return super().fit(X, y)


@pytest.mark.parametrize("routing", [False, True])
def test_arguments_of_fit(routing):
    Weighted.seen = []
    weight = np.arange(100.0)
    with config_context(enable_metadata_routing=routing):
        model = Weighted(LogisticRegression())
        if routing:
            model.set_fit_request(sample_weight=True)
        cross_val_predict_labeled(model, X, Y, cv=2, params={"sample_weight": weight})
    expected = [weight[train] for train, _ in LabeledFold(2).split(X, Y)]
    for seen, rows in zip(Weighted.seen, expected, strict=True):
        np.testing.assert_array_equal(seen, rows)


@pytest.mark.slow
def test_any_number_of_jobs():
    one, two = (
        cross_val_predict_labeled(MODEL, X, Y, method="predict_proba", n_jobs=n) for n in (None, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_nothing_is_changed():
    X_, y = X.copy(), Y.copy()
    model = clone(MODEL)
    cross_val_predict_labeled(model, X_, y)
    np.testing.assert_array_equal(X_, X)
    np.testing.assert_array_equal(y, Y)
    assert not hasattr(model, "classes_")


def test_errors():
    with pytest.raises(ValueError, match="must be a semi-supervised classifier: it takes -1"):
        cross_val_predict_labeled(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="all 100 rows are unlabeled"):
        cross_val_predict_labeled(MODEL, X, np.full(100, -1))
    with pytest.raises(ValueError, match="'method' parameter"):
        cross_val_predict_labeled(MODEL, X, Y, method="transform")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_val_predict_labeled(MODEL, X, Y[1:])
