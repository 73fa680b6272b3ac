import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import mask_labels, stability_score, view_agreement_score
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import Supervised

GRID = TwoThetaGrid(10, 80, 141)
X, TRUE = make_patterns(120, grid=GRID, strain=0.03, n_lines=12, class_sep=0.2, random_state=0)
Y = mask_labels(TRUE, 6, random_state=0)
MODEL = SelfTrainingClassifier(LogisticRegression())


class Fixed(BaseEstimator):
    """Fitted classifier with given predictions for the weak and the strong views, in turn."""

    weak_augmentation_ = strong_augmentation_ = None

    def __init__(self, *predictions):
        self.predictions = list(predictions)
        self.n_calls_ = 0

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        self.n_calls_ += 1
        return np.asarray(self.predictions[(self.n_calls_ - 1) % len(self.predictions)])


def test_agreement_is_kappa():
    weak, strong = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 1, 1, 1, 0, 0])
    score = view_agreement_score(Fixed(weak, strong), X[:6])
    assert score == pytest.approx(cohen_kappa_score(weak, strong)) == pytest.approx(1 / 3)
    assert view_agreement_score(Fixed(weak, weak), X[:6]) == 1
    assert view_agreement_score(Fixed(weak, 1 - weak), X[:6]) == -1
    text = np.array(["a", "b"], dtype=object)
    assert view_agreement_score(Fixed(text[weak], text[strong]), X[:6]) == pytest.approx(1 / 3)


def test_one_class_for_all_is_no_agreement():
    ones = np.ones(6, dtype=int)
    assert view_agreement_score(Fixed(ones, ones), X[:6]) == 0


def test_repeats_are_averaged():
    weak, strong = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 1, 1, 1, 0, 0])
    model = Fixed(weak, strong, weak, weak)
    assert view_agreement_score(model, X[:6], n_repeats=2) == pytest.approx((1 / 3 + 1) / 2)


@pytest.fixture(scope="module")
def classifier():
    return SemiSupervisedClassifier(
        Supervised(),
        weak_augmentation=PeakShift(0.5),
        strong_augmentation=PeakShift(2),
        rendering=PeakBroadener(2.0, grid=GRID),
        max_epochs=40,
        lr=3e-3,
        random_state=0,
    )


def test_agreement_of_a_network(classifier):
    model = clone(classifier).fit(X, Y)
    score = view_agreement_score(model, X)
    assert 0 < score <= 1
    assert view_agreement_score(model, X) == score  # the default seed is fixed
    assert view_agreement_score(model, X, Y) == view_agreement_score(model, X, TRUE) == score
    hard = clone(classifier).set_params(strong_augmentation=PeakShift(60)).fit(X, Y)
    assert view_agreement_score(hard, X) < score
    same = clone(classifier)
    same.set_params(weak_augmentation="passthrough", strong_augmentation="passthrough").fit(X, Y)
    assert view_agreement_score(same, X) == 1


def test_agreement_in_a_pipeline_and_a_search(classifier):
    model = make_pipeline(IntensityScaler("max"), clone(classifier).set_params(max_epochs=2))
    fitted = clone(model).fit(X, Y)
    assert view_agreement_score(fitted, X) == view_agreement_score(
        fitted[-1], fitted[:-1].transform(X)
    )
    scores = cross_val_score(
        model, X, Y, cv=KFold(2, shuffle=True, random_state=0), scoring=view_agreement_score
    )
    assert len(scores) == 2
    assert (np.abs(scores) <= 1).all()


def test_views_need_augmentations():
    with pytest.raises(TypeError, match="must be a classifier with weak_augmentation_"):
        view_agreement_score(clone(MODEL).fit(X, Y), X)
    with pytest.raises(NotFittedError):
        view_agreement_score(SemiSupervisedClassifier(), X)
    with pytest.raises(ValueError, match="'n_repeats' parameter"):
        view_agreement_score(Fixed([0]), X, n_repeats=0)


def test_stability_falls_with_the_number_of_labels():
    scores = [
        np.mean(
            [
                stability_score(
                    LogisticRegressionOfLabeled(), X, mask_labels(TRUE, n, random_state=seed)
                )
                for seed in range(3)
            ]
        )
        for n in (3, 40)
    ]
    assert 0 < scores[0] < scores[1] < 1


class LogisticRegressionOfLabeled(LogisticRegression):
    def fit(self, X, y):
        return super().fit(X[y != -1], y[y != -1])


class RandomGuess(DummyClassifier):
    def __init__(self, strategy="uniform", random_state=None, constant=None):
        super().__init__(strategy=strategy, random_state=random_state, constant=constant)

    def fit(self, X, y):
        return super().fit(X[y != -1], y[y != -1])


def test_trivial_classifiers_are_not_stable():
    assert stability_score(RandomGuess("constant", constant=1), X, Y) == 0
    one_sided = make_patterns(2000, labeled_fraction=0.05, grid=GRID, random_state=0)
    assert abs(stability_score(RandomGuess(), *one_sided)) < 0.05
    # 95 % of the guesses are of one class: two of them agree on 90 % of the rows.
    X_, y = one_sided
    y = np.where(y == -1, -1, (np.cumsum(y != -1) % 20 == 0).astype(int))
    assert abs(stability_score(RandomGuess("stratified"), X_, y)) < 0.1


def test_seeds_alone():
    tree = SelfTrainingClassifier(DecisionTreeClassifier(max_features=2))
    assert stability_score(MODEL, X, Y, labeled_fraction=1.0) == 1  # has no randomness
    assert stability_score(tree, X, Y, labeled_fraction=1.0) < 1
    assert stability_score(tree, X, Y, random_state=1) == stability_score(
        tree, X, Y, random_state=1
    )
    assert stability_score(tree, X, Y, random_state=1) != stability_score(
        tree, X, Y, random_state=2
    )


class Recorder(LogisticRegressionOfLabeled):
    seen = []

    def fit(self, X, y):
        self.seen.append((np.array(X), np.array(y)))
        return super().fit(X, y)


def test_what_a_training_sees():
    stability_score(Recorder(), X, Y, n_repeats=4, labeled_fraction=0.5)
    assert len(Recorder.seen) == 4
    for X_, y in Recorder.seen:
        assert np.bincount(y[y != -1]).tolist() == [3, 3]
        assert (y == -1).sum() == (Y == -1).sum()
        np.testing.assert_array_equal(X_[y == -1], X[Y == -1])
    assert len({X_[y != -1].tobytes() for X_, y in Recorder.seen}) > 1


def test_other_classifiers_and_labels():
    spreading = make_pipeline(IntensityScaler("max"), LabelSpreading(gamma=0.5))
    assert -1 <= stability_score(spreading, X, Y) <= 1
    y = np.array(["a", "b", -1], dtype=object)[Y]
    assert stability_score(MODEL, X, y) == stability_score(MODEL, X, Y)
    assert stability_score(MODEL, X.tolist(), Y.tolist()) == stability_score(MODEL, X, Y)


def test_stability_in_a_search():
    rows = np.arange(len(Y))
    search = GridSearchCV(
        MODEL, {"estimator__C": [1e-3, 1.0]}, cv=[(rows, rows)], scoring=stability_score
    ).fit(X, Y)
    expected = [stability_score(clone(MODEL).set_params(estimator__C=c), X, Y) for c in (1e-3, 1.0)]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


@pytest.mark.slow
def test_any_number_of_jobs():
    assert stability_score(MODEL, X, Y) == stability_score(MODEL, X, Y, n_jobs=2)


def test_errors():
    with pytest.raises(ValueError, match="predictions for unlabeled rows; y has none"):
        stability_score(MODEL, X, TRUE)
    with pytest.raises(ValueError, match="all 120 rows are unlabeled"):
        stability_score(MODEL, X, np.full(120, -1))
    with pytest.raises(ValueError, match="takes the marker of unlabeled rows for a class"):
        stability_score(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="'n_repeats' parameter"):
        stability_score(MODEL, X, Y, n_repeats=1)
