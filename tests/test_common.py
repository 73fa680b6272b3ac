"""scikit-learn's own checks over every public estimator, found by discovery."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxrd import SemiSupervisedClassifier
from skxrd.testing import all_estimators

# scikit-learn checks estimators on 1 to 10 features, some negative: far from a diffraction pattern.
# These settings make sense there; shifts by hundreds of grid points do not.
INIT_PARAMS = {
    "CandidateScreener": {"classifier": LogisticRegression()},
    "PeakShift": {"delta": 0.4},
    "SemiSupervisedClassifier": {
        "rendering": "passthrough",
        "max_epochs": 10,
        "lr": 0.01,
    },
    "SemiSupervisedBaggingClassifier": {
        "estimator": SelfTrainingClassifier(LogisticRegression()),
        "n_labeled_per_class": None,
        "n_estimators": 3,
    },
    "XRDMatchClassifier": {
        "weak_delta": 0,
        "strong_delta": 0,
        "max_epochs": 15,
        "lr": 0.01,
        "module_params": {"channels": (8, 16), "kernel_sizes": (4, 2), "hidden_units": (32,)},
    },
}

_MARKER = "-1 marks unlabeled rows, and the check fits y in {-1, 1}"
EXPECTED_FAILURES = {
    "LabeledOnlyClassifier": {"check_classifiers_classes": _MARKER},
    "SemiSupervisedClassifier": {"check_classifiers_classes": _MARKER},
    "SemiSupervisedBaggingClassifier": {"check_classifiers_classes": _MARKER},
    "XRDMatchClassifier": {"check_classifiers_classes": _MARKER},
}

ESTIMATORS = [
    estimator(**INIT_PARAMS.get(name, {}))
    for name, estimator in all_estimators()
    if get_tags(estimator()).input_tags.two_d_array  # else scikit-learn has no check for it
]
# Options of the training that are off by default.
ESTIMATORS.append(
    SemiSupervisedClassifier(
        rendering="passthrough",
        max_epochs=10,
        lr=0.02,
        lr_schedule="cosine",
        max_grad_norm=5.0,
        ema_decay=0.5,
        batch_norm="none",
        class_weight="balanced",
        logit_adjustment=0.5,
        class_prior="labeled",
    )
)


@pytest.mark.filterwarnings(
    # The checks' data are tiny: lines of no pattern, and thresholds that every row passes or fails.
    "ignore:.*confidence threshold:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:y contains no unlabeled samples:UserWarning",
)
@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {}),
    xfail_strict=True,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_discovery_finds_the_estimators_of_every_family():
    names = {name for name, _ in all_estimators()}
    assert names >= {
        "IntensityScaler",
        "PatternSimulator",
        "PeakShift",
        "SemiSupervisedBaggingClassifier",
        "SemiSupervisedClassifier",
        "XRDMatchClassifier",
    }
