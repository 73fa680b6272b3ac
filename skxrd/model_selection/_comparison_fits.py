"""One fit of a comparison: trained on one thread, stored, and scored from its predictions."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer
from sklearn.utils.metaestimators import available_if

from skxrd import __version__
from skxrd._classifiers import was_interrupted
from skxrd._labels import UNLABELED
from skxrd._sklearn import safe_indexing
from skxrd._threads import one_thread

__all__ = ["PredictedClassifier", "as_scorers", "fit_key", "fit_predict", "run_fit"]

# What unsuitable data and failed computations raise. Others, such as TypeError and AttributeError,
# are mistakes in a program, which no table of scores should hide.
_FIT_ERRORS = (ValueError, ArithmeticError, RuntimeError, MemoryError)


def fit_predict(
    key: str,
    estimator: Any,
    X: Any,
    codes: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    n_classes: int,
) -> dict[str, Any] | None:
    """Train on some rows and predict others; `key` stands for all other arguments in a store."""
    if estimator is None:  # a call that writes the code of this function to the store, see `stored`
        return None
    start = perf_counter()
    fitted = estimator.fit(safe_indexing(X, train), codes[train])
    fit_time = perf_counter() - start
    if was_interrupted(fitted):  # our classifiers stop early and return: no finished fit
        raise KeyboardInterrupt
    classes = np.asarray(fitted.classes_).astype(np.int64)
    if UNLABELED in classes:
        raise TypeError(
            f"{type(estimator).__name__} has learned {UNLABELED}, the mark of unlabeled rows, as a "
            "class. If it is supervised, wrap it in skxrd.supervised.LabeledOnlyClassifier."
        )
    rows = safe_indexing(X, test)
    start = perf_counter()
    predicted = np.asarray(fitted.predict(rows))
    predict_time = perf_counter() - start
    probabilities = decision = None
    if hasattr(fitted, "predict_proba"):
        probabilities = np.zeros((len(test), n_classes))
        probabilities[:, classes] = fitted.predict_proba(rows)
    if hasattr(fitted, "decision_function") and len(classes) == n_classes:
        decision = np.asarray(fitted.decision_function(rows))
    return {
        "predicted": predicted.astype(np.int64),
        "probabilities": probabilities,
        "decision": decision,
        "fit_time": fit_time,
        "predict_time": predict_time,
    }


def fit_key(name: str, data: str, estimator: Any, train: Any, test: Any) -> str:
    """Hash what the result of a fit depends on; the seed is among the estimator's parameters."""
    try:
        return joblib.hash((__version__, data, estimator, train, test))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"memory needs methods that can be pickled, and {name!r} cannot: {error}"
        ) from error


def run_fit(function: Callable[..., Any], label: str, catch: bool, *args: Any) -> Any:
    """Run a fit in a worker; with `catch`, the text of an error takes the place of the result."""
    with one_thread():
        try:
            return function(*args)
        except _FIT_ERRORS as error:
            if catch:
                return traceback.format_exc()
            error.add_note(f"Raised by the fit of {label}.")
            raise


class PredictedClassifier(ClassifierMixin, BaseEstimator):
    """Stand-in for a fitted classifier that knows its predictions for some rows, for scorers."""

    def __init__(
        self,
        classes: NDArray[Any],
        predicted: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None = None,
        decision: NDArray[np.float64] | None = None,
    ) -> None:
        self.classes_ = classes
        self.predicted = predicted
        self.probabilities = probabilities
        self.decision = decision

    def predict(self, X: Any) -> NDArray[Any]:
        """Tell the predicted classes."""
        return self.classes_[self.predicted]

    @available_if(lambda self: self.probabilities is not None)
    def predict_proba(self, X: Any) -> Any:
        """Tell the predicted probabilities."""
        return self.probabilities

    @available_if(lambda self: self.decision is not None)
    def decision_function(self, X: Any) -> Any:
        """Tell the decision function."""
        return self.decision

    def __sklearn_is_fitted__(self) -> bool:
        return True


def as_scorers(scoring: Any, classes: NDArray[Any]) -> dict[str, Callable[..., float]]:
    """Resolve names of scorers and try each, so that no mistake shows up after hours of training.

    Raises
    ------
    ValueError
        If a name is unknown or a scorer cannot cope with the classes, by scikit-learn itself.
    """
    if isinstance(scoring, str):
        scoring = (scoring,)
    if callable(scoring):
        scoring = {"score": scoring}
    named = scoring if isinstance(scoring, Mapping) else {name: name for name in scoring}
    scorers = {str(name): get_scorer(scorer) for name, scorer in named.items()}
    if not scorers:
        raise ValueError("scoring must name at least one score, got none.")
    codes = np.repeat(np.arange(len(classes)), 2)
    perfect = np.eye(len(classes))[codes]
    decision = perfect if len(classes) > 2 else perfect[:, 1]
    for scorer in scorers.values():
        scorer(PredictedClassifier(classes, codes, perfect, decision), codes, classes[codes])
    return scorers
