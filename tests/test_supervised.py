import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold
from skxrd.supervised import LabeledOnlyClassifier

X, Y = make_patterns(80, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.4, random_state=0)
KNOWN = Y != -1


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        SVC(),
        DecisionTreeClassifier(random_state=0),
        make_pipeline(StandardScaler(), SVC()),
    ],
)
def test_it_is_the_classifier_on_the_labeled_rows(estimator):
    wrapped = LabeledOnlyClassifier(estimator).fit(X, Y)
    direct = estimator.fit(X[KNOWN], Y[KNOWN])
    assert wrapped.classes_.tolist() == [0, 1]
    assert wrapped.n_features_in_ == 71
    np.testing.assert_array_equal(wrapped.predict(X), direct.predict(X))
    for method in ("predict_proba", "decision_function"):
        assert hasattr(wrapped, method) == hasattr(direct, method)
        if hasattr(direct, method):
            np.testing.assert_array_equal(getattr(wrapped, method)(X), getattr(direct, method)(X))
    assert wrapped.score(X, Y) == direct.score(X[KNOWN], Y[KNOWN])


def test_methods_are_there_before_the_fit_as_after():
    assert not hasattr(LabeledOnlyClassifier(SVC()), "predict_proba")
    assert hasattr(LabeledOnlyClassifier(SVC()), "decision_function")
    assert hasattr(LabeledOnlyClassifier(), "predict_proba")


def test_the_classifier_given_is_not_touched():
    estimator = LogisticRegression()
    LabeledOnlyClassifier(estimator).fit(X, Y)
    assert not hasattr(estimator, "coef_")


@pytest.mark.parametrize("missing", [None, np.nan, -1])
def test_labels_of_objects(missing):
    y = np.array(["no", "yes", missing], dtype=object)[Y]
    wrapped = LabeledOnlyClassifier().fit(X, y)
    assert wrapped.classes_.tolist() == ["no", "yes"]
    expected = LabeledOnlyClassifier().fit(X, Y).predict(X)
    assert (wrapped.predict(X) == np.array(["no", "yes"])[expected]).all()
    assert wrapped.score(X, y) == LabeledOnlyClassifier().fit(X, Y).score(X, Y)


def test_weights_are_those_of_the_labeled_rows():
    weight = np.random.default_rng(0).uniform(0.1, 5, len(Y))
    wrapped = LabeledOnlyClassifier().fit(X, Y, sample_weight=weight)
    direct = LogisticRegression().fit(X[KNOWN], Y[KNOWN], sample_weight=weight[KNOWN])
    np.testing.assert_array_equal(wrapped.estimator_.coef_, direct.coef_)
    assert wrapped.score(X, Y, weight) == direct.score(X[KNOWN], Y[KNOWN], weight[KNOWN])


def test_containers():
    expected = LabeledOnlyClassifier().fit(X, Y).predict(X)
    for container in (X.tolist(), pd.DataFrame(X).add_prefix("p"), sparse.csr_array(X)):
        fitted = LabeledOnlyClassifier().fit(container, list(Y))
        np.testing.assert_array_equal(fitted.predict(container), expected)
    assert LabeledOnlyClassifier().fit(pd.DataFrame(X).add_prefix("p"), Y).feature_names_in_[0] == (
        "p0"
    )
    assert not hasattr(LabeledOnlyClassifier().fit(X, Y), "feature_names_in_")


def test_in_a_search_over_its_parameters():
    search = GridSearchCV(
        LabeledOnlyClassifier(SGDClassifier(random_state=0)),
        {"estimator__alpha": [1e-4, 1e-2]},
        cv=LabeledFold(3),
    ).fit(X, Y)
    assert search.best_score_ > 0.6


def test_errors():
    with pytest.raises(ValueError, match="all 80 rows of y are unlabeled"):
        LabeledOnlyClassifier().fit(X, np.full(80, -1))
    with pytest.raises(ValueError, match="one class"):
        LabeledOnlyClassifier().fit(X, np.where(Y == 0, 0, -1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LabeledOnlyClassifier().fit(X, Y[:-1])
    with pytest.raises(ValueError, match="'estimator' parameter"):
        LabeledOnlyClassifier("tree").fit(X, Y)
