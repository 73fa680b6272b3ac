import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    check_scoring,
    fbeta_score,
    get_scorer,
    get_scorer_names,
    make_scorer,
)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, masked_scorer
from skxrd.model_selection._scorers import register_masked_scorers

NAMES = [name for name in get_scorer_names() if name.startswith("masked_")]


def make_data(n_classes):
    X, y = make_patterns(
        90, n_classes=n_classes, class_sep=0.2, grid=TwoThetaGrid(10, 80, 36), random_state=0
    )
    X += np.random.RandomState(0).normal(0, 0.5, X.shape)  # so that no score is perfect
    return X, np.where(np.arange(90) % 3 == 0, -1, y)


X, Y = make_data(2)
X3, Y3 = make_data(3)
MODEL = SelfTrainingClassifier(LogisticRegression())
CV = LabeledFold(3)
MODELS = {
    "self-training": MODEL,
    "spreading": make_pipeline(MaxAbsScaler(), LabelSpreading(gamma=0.1)),
    "propagation": make_pipeline(MaxAbsScaler(), LabelPropagation(gamma=0.1, max_iter=10000)),
}


def test_all_scorers_of_classifiers_have_a_name():
    assert len(set(NAMES)) == len(NAMES)
    assert {
        "masked_accuracy",
        "masked_average_precision",
        "masked_balanced_accuracy",
        "masked_f1",
        "masked_f1_macro",
        "masked_matthews_corrcoef",
        "masked_neg_brier_score",
        "masked_neg_log_loss",
        "masked_precision_weighted",
        "masked_recall",
        "masked_roc_auc",
        "masked_roc_auc_ovr",
        "masked_top_k_accuracy",
    } <= set(NAMES)
    assert not {"masked_r2", "masked_rand_score", "masked_f1_samples"} & set(NAMES)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_score_is_that_of_the_labeled_rows(name, model):
    # Some scores are for two classes only, and one for more.
    X_, y = (X3, Y3) if name == "masked_top_k_accuracy" else (X, Y)
    model = clone(MODELS[model]).fit(X_, y)
    expected = get_scorer(name.removeprefix("masked_"))(model, X_[y != -1], y[y != -1])
    expected = pytest.approx(expected, rel=1e-12)  # a product of fewer rows may round differently
    assert get_scorer(name)(model, X_, y) == expected
    assert masked_scorer(name.removeprefix("masked_"))(model, X_, y) == expected


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovo", "neg_log_loss", "accuracy"])
def test_more_classes(name):
    model = clone(MODEL).fit(X3, Y3)
    expected = get_scorer(name)(model, X3[Y3 != -1], Y3[Y3 != -1])
    assert get_scorer(f"masked_{name}")(model, X3, Y3) == expected
    assert 0 < abs(expected)


@pytest.mark.parametrize(
    "form",
    [
        lambda y: y.tolist(),
        lambda y: pd.Series(y),
        lambda y: pd.Series(y, dtype="Int64").mask(y == -1),
        lambda y: np.where(y == -1, np.nan, y),
        lambda y: np.array([0, 1, None], dtype=object)[y],
        lambda y: y[:, None],
    ],
)
def test_forms_of_labels(form):
    model = clone(MODEL).fit(X, Y)
    y = form(Y)
    for name in ("masked_f1", "masked_roc_auc"):
        assert get_scorer(name)(model, X, y) == get_scorer(name)(model, X, Y)


@pytest.mark.parametrize("missing", [-1, None, np.nan])
def test_text(missing):
    y = np.array(["no", "yes", missing], dtype=object)[Y]
    model = clone(MODEL).fit(X, np.array(["no", "yes", -1], dtype=object)[Y])
    numbers = clone(MODEL).fit(X, Y)
    expected = get_scorer("masked_f1")(numbers, X, Y)
    assert masked_scorer(make_scorer(fbeta_score, beta=1, pos_label="yes"))(model, X, y) == expected
    assert get_scorer("masked_f1_macro")(model, X, y) < 1
    with pytest.raises(ValueError, match="pos_label=1 is not a valid label"):
        get_scorer("masked_f1")(model, X, y)


def test_settings_of_a_scorer_are_kept():
    model = clone(MODEL).fit(X, Y)
    labeled = Y != -1
    weight = np.linspace(1, 3, len(Y))
    for scorer in (
        make_scorer(fbeta_score, beta=2, pos_label=0),
        make_scorer(accuracy_score, greater_is_better=False),
        get_scorer("neg_log_loss"),
    ):
        masked = masked_scorer(scorer)
        assert masked(model, X, Y) == scorer(model, X[labeled], Y[labeled])
        weighted = masked(model, X, Y, sample_weight=weight)
        assert weighted == scorer(model, X[labeled], Y[labeled], sample_weight=weight[labeled])
        assert weighted != masked(model, X, Y)
    assert "masked_fbeta_score" in repr(masked_scorer(make_scorer(fbeta_score, beta=2)))


def count_rows(estimator, X, y, sample_weight=None):
    return float(len(X) + sum(y) + (0 if sample_weight is None else sum(sample_weight)))


def test_any_callable():
    masked = masked_scorer(count_rows)
    labeled = Y != -1
    assert masked(None, X, Y) == labeled.sum() + Y[labeled].sum()
    assert masked(None, pd.DataFrame(X), Y.tolist()) == masked(None, X, Y)
    weight = np.ones(len(Y))
    assert masked(None, X, Y, sample_weight=weight) == masked(None, X, Y) + labeled.sum()
    assert pickle.loads(pickle.dumps(masked))(None, X, Y) == masked(None, X, Y)
    assert masked_scorer(masked) is masked
    assert "count_rows" in repr(masked)


def test_the_input_is_not_changed():
    scorer = make_scorer(fbeta_score, beta=2)
    before, y = scorer._score_func, Y.copy()
    masked_scorer(scorer)(clone(MODEL).fit(X, Y), X, Y)
    assert scorer._score_func is before
    np.testing.assert_array_equal(y, Y)


def test_masking_twice_is_masking_once():
    scorer = get_scorer("masked_f1")
    assert masked_scorer(scorer) is scorer
    assert repr(masked_scorer("masked_f1")) == repr(scorer)


def test_scorers_travel():
    model = clone(MODEL).fit(X, Y)
    scorer = get_scorer("masked_roc_auc")
    assert pickle.loads(pickle.dumps(scorer))(model, X, Y) == scorer(model, X, Y)


def test_several_scores_share_predictions():
    calls = []

    class Counting(LogisticRegression):
        def predict(self, X):
            calls.append(len(X))
            return super().predict(X)

    labeled = np.flatnonzero(Y != -1)
    model = Counting().fit(X[labeled], Y[labeled])
    scorer = check_scoring(model, ["accuracy", "masked_accuracy", "masked_f1_macro"])
    scores = scorer(model, X, Y)
    assert calls == [len(X)]
    expected = get_scorer("accuracy")(model, X[labeled], Y[labeled])
    assert scores["masked_accuracy"] == expected
    assert scores["accuracy"] == pytest.approx(expected * len(labeled) / len(X))


GRID = {"threshold": [0.6, 0.7, 0.9]}
ENTRY_POINTS = {
    "cross_val_score": lambda: cross_val_score(MODEL, X, Y, cv=CV, scoring="masked_f1"),
    "cross_validate": lambda: cross_validate(
        MODEL, X, Y, cv=CV, scoring=["masked_f1", "masked_roc_auc"]
    )["test_masked_f1"],
    "GridSearchCV": lambda: (
        GridSearchCV(MODEL, GRID, cv=CV, scoring="masked_f1")
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "RandomizedSearchCV": lambda: (
        RandomizedSearchCV(MODEL, GRID, n_iter=2, cv=CV, scoring="masked_f1", random_state=0)
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "HalvingGridSearchCV": lambda: (
        HalvingGridSearchCV(
            MODEL, GRID, cv=CV, scoring="masked_f1", min_resources=60, random_state=0
        )
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "HalvingRandomSearchCV": lambda: (
        HalvingRandomSearchCV(
            MODEL, GRID, cv=CV, scoring="masked_f1", min_resources=60, random_state=0
        )
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "learning_curve": lambda: learning_curve(
        MODEL, X, Y, cv=3, scoring="masked_f1", train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )[2],
    "validation_curve": lambda: validation_curve(
        MODEL,
        X,
        Y,
        cv=CV,
        scoring="masked_f1",
        param_name="threshold",
        param_range=[0.6, 0.9],
    )[1],
    "permutation_test_score": lambda: permutation_test_score(
        MODEL, X, Y, cv=CV, scoring="masked_f1", n_permutations=3, random_state=0
    )[0],
    "permutation_importance": lambda: (
        permutation_importance(
            clone(MODEL).fit(X, Y), X, Y, scoring="masked_f1", n_repeats=1, random_state=0
        ).importances_mean
    ),
}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_names_are_known_everywhere(entry_point):
    scores = np.asarray(ENTRY_POINTS[entry_point]())
    assert np.isfinite(scores).all()
    assert np.any(scores != 0)


@pytest.mark.parametrize("model", MODELS)
def test_cross_validation_of_semi_supervised_classifiers(model):
    masked = cross_val_score(MODELS[model], X, Y, cv=CV, scoring="masked_accuracy")
    np.testing.assert_array_equal(masked, cross_val_score(MODELS[model], X, Y, cv=CV))
    plain = cross_val_score(MODELS[model], X, Y, cv=3, scoring="masked_accuracy")
    assert plain.mean() > 0.5 > cross_val_score(MODELS[model], X, Y, cv=3).mean()


def test_feature_selection():
    selector = SequentialFeatureSelector(
        MODEL, n_features_to_select=1, cv=CV, scoring="masked_f1"
    ).fit(X[:, :3], Y)
    assert selector.get_support().sum() == 1
    labeled = Y != -1
    model = LogisticRegression()
    RFECV(model, cv=3, scoring="masked_f1", step=12).fit(X[labeled], Y[labeled])


def test_threshold_of_a_classifier_is_tuned_on_labeled_rows():
    model = LogisticRegression().fit(X[Y != -1], Y[Y != -1])
    tuned = TunedThresholdClassifierCV(model, scoring="masked_f1", cv="prefit", refit=False)
    alone = TunedThresholdClassifierCV(model, scoring="f1", cv="prefit", refit=False)
    # It refuses -1 itself, so that labeled rows are all that can be given; the scores must agree.
    tuned.fit(X[Y != -1], Y[Y != -1])
    alone.fit(X[Y != -1], Y[Y != -1])
    assert tuned.best_score_ == alone.best_score_


@pytest.mark.slow
def test_workers_know_the_names():
    one = cross_validate(MODEL, X, Y, cv=CV, scoring=["masked_f1", "masked_roc_auc"])
    two = cross_validate(MODEL, X, Y, cv=CV, scoring=["masked_f1", "masked_roc_auc"], n_jobs=2)
    np.testing.assert_array_equal(one["test_masked_f1"], two["test_masked_f1"])
    search = GridSearchCV(MODEL, GRID, cv=LabeledFold(2), scoring="masked_f1")
    nested = cross_val_score(search, X, Y, cv=CV, scoring="masked_f1", n_jobs=2)
    np.testing.assert_array_equal(nested, cross_val_score(search, X, Y, cv=CV, scoring="masked_f1"))


def test_metadata_is_routed():
    weight = np.linspace(1, 3, len(Y))
    params = {"sample_weight": weight}
    plain = cross_val_score(MODEL, X, Y, cv=CV, scoring="masked_accuracy")
    with config_context(enable_metadata_routing=True):
        model = LogisticRegression()
        model.set_fit_request(sample_weight=False).set_score_request(sample_weight=False)
        model = SelfTrainingClassifier(model)
        scorer = get_scorer("masked_accuracy").set_score_request(sample_weight=True)
        weighted = cross_val_score(model, X, Y, cv=CV, scoring=scorer, params=params)
        # A request that was made before the scorer was masked is kept.
        masked = masked_scorer(get_scorer("accuracy").set_score_request(sample_weight=True))
        same = cross_val_score(model, X, Y, cv=CV, scoring=masked, params=params)
        search = GridSearchCV(model, {"threshold": [0.75]}, cv=CV, scoring=scorer)
        search.fit(X, Y, sample_weight=weight)
        with pytest.raises(ValueError, match="sample_weight"):  # nobody said who wants it
            cross_val_score(
                MODEL, X, Y, cv=CV, scoring="masked_accuracy", params=params, error_score="raise"
            )
    expected = [
        get_scorer("accuracy")(
            clone(MODEL).fit(X[train], Y[train]), X[test], Y[test], sample_weight=weight[test]
        )
        for train, test in CV.split(X, Y)
    ]
    np.testing.assert_allclose(weighted, expected)
    np.testing.assert_array_equal(weighted, same)
    assert not np.allclose(weighted, plain)
    assert search.best_score_ == pytest.approx(np.mean(expected))


LATE = """
import sys
import skxrd.model_selection
late = ["model_selection._search_successive_halving", "feature_selection._sequential"]
late = [name for name in late if f"sklearn.{name}" not in sys.modules]
assert late, "nothing is imported late"
from sklearn.experimental import enable_halving_search_cv
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.model_selection import HalvingGridSearchCV
for found in (HalvingGridSearchCV, SequentialFeatureSelector):
    options = found._parameter_constraints["scoring"]
    assert any("masked_f1" in getattr(option, "options", ()) for option in options), found
"""


def test_modules_that_are_imported_later_know_the_names():
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_registering_again_changes_nothing():
    before = get_scorer_names()
    options = GridSearchCV._parameter_constraints["scoring"][0].options
    register_masked_scorers()
    assert get_scorer_names() == before
    assert GridSearchCV._parameter_constraints["scoring"][0].options == options
    assert set(NAMES) < set(options)


def test_errors():
    with pytest.raises(ValueError, match="'masked_f2' is not a valid scoring value"):
        get_scorer("masked_f2")
    with pytest.raises(ValueError, match="'f2' is not a valid scoring value"):
        masked_scorer("f2")
    with pytest.raises(ValueError, match="'scoring' parameter of masked_scorer"):
        masked_scorer(None)
    model = clone(MODEL).fit(X, Y)
    for scorer in (get_scorer("masked_f1"), masked_scorer(count_rows)):
        with pytest.raises(ValueError, match="masked scorer needs labeled rows; all 3 rows"):
            scorer(model, X[:3], [-1, -1, -1])
    with pytest.raises(ValueError, match="'scoring' parameter"):
        cross_val_score(model, X, Y, scoring="masked_f2")
