import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.metrics import classification_report_table

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(120, grid=GRID, labeled_fraction=0.4, class_sep=0.2, random_state=0)


def fit(y=Y, **params):
    defaults = {"n_estimators": 3, "random_state": 0, "n_labeled_per_class": 10}
    return SemiSupervisedBaggingClassifier(
        SelfTrainingClassifier(LogisticRegression()), **{**defaults, **params}
    ).fit(X, y)


@pytest.fixture(scope="module")
def ensemble():
    return fit()


def macro(truth, predicted):
    report = classification_report(truth, predicted, output_dict=True, zero_division=0)
    average = report["macro avg"]
    return [average["precision"], average["recall"], average["f1-score"], average["support"]]


def assert_column(table, column, truth, predicted):
    np.testing.assert_allclose(table[column], macro(truth, predicted), rtol=1e-12)


@pytest.mark.parametrize("evaluation", ["held_out", "resubstitution"])
def test_all_members_judge_all_labeled_rows(ensemble, evaluation):
    data, truth = make_patterns(60, grid=GRID, class_sep=0.2, random_state=0)
    labels = truth.copy()
    labels[::3] = -1
    table = classification_report_table(ensemble, data, labels, evaluation=evaluation)
    assert table.columns.tolist() == ["Model 1", "Model 2", "Model 3", "Ensemble"]
    assert table.index.tolist() == [
        (evaluation, metric) for metric in ("precision", "recall", "f1", "n_labeled")
    ]
    known = labels >= 0
    for number, member in enumerate(ensemble.estimators_, 1):
        assert_column(table, f"Model {number}", truth[known], member.predict(data[known]))
    assert_column(table, "Ensemble", truth[known], ensemble.predict(data[known]))
    assert table.loc[(evaluation, "f1")].between(0.3, 0.999).all()  # else it would prove little


def test_held_out_is_the_default(ensemble):
    table = classification_report_table(ensemble, X, Y)
    assert set(table.index.get_level_values("evaluation")) == {"held_out"}


def test_out_of_bag(ensemble):
    table = classification_report_table(ensemble, X, Y, evaluation="out_of_bag")
    labeled = np.flatnonzero(Y >= 0)
    anyone = set()
    for number, (member, rows) in enumerate(
        zip(ensemble.estimators_, ensemble.estimators_samples_, strict=True), 1
    ):
        unseen = np.setdiff1d(labeled, rows)
        assert len(unseen) == 48 - 20
        assert_column(table, f"Model {number}", Y[unseen], member.predict(X[unseen]))
        anyone |= set(unseen)
    judged = np.array(sorted(anyone))
    assert len(judged) < 48  # rows that all members saw are not judged
    assert_column(table, "Ensemble", Y[judged], ensemble.oob_prediction_[judged])


def test_the_papers_protocol_flatters(ensemble):
    own = classification_report_table(ensemble, X, Y, evaluation="resubstitution")
    oob = classification_report_table(ensemble, X, Y, evaluation="out_of_bag")
    assert own.loc[("resubstitution", "f1"), "Ensemble"] > oob.loc[("out_of_bag", "f1"), "Ensemble"]


@pytest.mark.parametrize("names", [["no", "yes"], [3, 8], ["a", "longer than the others"]])
def test_other_labels(ensemble, names):
    y = np.array([*names, -1], dtype=object)[Y]
    expected = classification_report_table(ensemble, X, Y)
    found = classification_report_table(fit(y), X, y)
    np.testing.assert_array_equal(found, expected)


def test_an_absent_class_counts_zero(ensemble):
    y = np.where(Y == 0, 0, -1)
    table = classification_report_table(ensemble, X, y)
    recall = (ensemble.predict(X[y == 0]) == 0).mean() / 2
    assert table.loc[("held_out", "recall"), "Ensemble"] == pytest.approx(recall)


@pytest.mark.parametrize(
    ("y", "unknown"),
    [(np.where(Y == 1, 2, Y), r"\[2\]"), (np.array(["no", "yes", None], dtype=object)[Y], "no")],
)
def test_unknown_labels_are_refused(ensemble, y, unknown):
    with pytest.raises(ValueError, match=rf"not among the classes \[0, 1\].*{unknown}"):
        classification_report_table(ensemble, X, y)


def test_longer_names_are_not_cut_to_those_of_the_ensemble():
    ensemble = fit(np.array(["a", "b", "-1"])[Y])
    with pytest.raises(ValueError, match="bb"):
        classification_report_table(ensemble, X, np.array(["a", "bb", "-1"])[Y])


def test_errors(ensemble):
    with pytest.raises(ValueError, match="all 120 rows of y are unlabeled"):
        classification_report_table(ensemble, X, np.full(120, -1))
    with pytest.raises(ValueError, match="trained on 120 rows, y has 119"):
        classification_report_table(ensemble, X[1:], Y[1:], evaluation="out_of_bag")
    with pytest.raises(ValueError, match="No labeled row is out-of-bag"):
        classification_report_table(fit(n_labeled_per_class=None), X, Y, evaluation="out_of_bag")
    with pytest.raises(ValueError, match="evaluation"):
        classification_report_table(ensemble, X, Y, evaluation="test")
    with pytest.raises(NotFittedError):
        classification_report_table(SemiSupervisedBaggingClassifier(), X, Y)


def test_a_member_that_saw_all_labeled_rows_is_not_judged(ensemble):
    rows = ensemble.estimators_samples_
    first = rows[0]
    try:
        rows[0] = np.arange(120)
        table = classification_report_table(ensemble, X, Y, evaluation="out_of_bag")
    finally:
        rows[0] = first
    assert table["Model 1"].isna().tolist() == [True, True, True, False]
    assert table.loc[("out_of_bag", "n_labeled"), "Model 1"] == 0
