"""Predictions for each labeled row by models that did not see it."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.parallel import Parallel, delayed

from skxrd._labels import plain_labels, winner_or_unlabeled
from skxrd._sklearn import (
    HasMethods,
    StrOptions,
    check_method_params,
    safe_split,
    validate_params,
)
from skxrd.model_selection._labeled_fold import LabeledFold
from skxrd.model_selection._rows import labeled_rows

__all__ = ["cross_val_predict_labeled"]

Method = Literal["predict", "predict_proba", "decision_function"]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "cv": ["cv_object"],
        "method": [StrOptions({"predict", "predict_proba", "decision_function"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "params": [dict, None],
    },
    prefer_skip_nested_validation=False,
)
def cross_val_predict_labeled(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    method: Method = "predict",
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
) -> NDArray[Any]:
    """Predict each labeled row by models that were trained without it.

    scikit-learn's `cross_val_predict` asks that the test folds cover every row once. Here unlabeled
    rows are never tested, and repeated splits may test a row several times.

    Parameters
    ----------
    estimator : classifier
        Classifier whose `y` may hold -1. It is cloned.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
    cv : int, cross-validator or iterable, default=5
        How labeled rows are split; wrapped in `LabeledFold` unless it is one.
    groups : array-like of shape (n_samples,), default=None
        Groups for splitters such as `GroupKFold`.
    method : {"predict", "predict_proba", "decision_function"}, default="predict"
        Method of the classifier.
    n_jobs : int or None, default=None
        Number of splits at a time, through joblib. The result does not depend on it.
    verbose : int, default=0
        Verbosity of joblib.
    params : dict or None, default=None
        Arguments of the classifier's `fit`; those with one value per row are split like `X`. With
        scikit-learn's metadata routing they also reach the splitter.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_classes)
        For ``"predict"``, the class that most of the models predict that did not see the row; of
        classes with equally many the first in sorted order; -1 for rows that are never tested, in
        an array of objects if the classes are text. For ``"predict_proba"`` and
        ``"decision_function"``, the mean over these models, with a column for each class in sorted
        order; NaN for rows that are never tested. The decision function of two classes is of shape
        (n_samples,).

    Raises
    ------
    ValueError
        If no row is labeled, if the classifier learns -1 as a class of its own, or if decision
        functions of a split lack a class.

    Notes
    -----
    The predictions of one row come from models trained on different rows: they serve for pictures,
    confusion matrices and a look at single compounds. For a score with a spread, use
    `sklearn.model_selection.cross_validate`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd.model_selection import cross_val_predict_labeled
    >>> X = [[-3], [-2], [-1], [1], [2], [3]]
    >>> y = [0, 0, -1, -1, 1, 1]
    >>> model = SelfTrainingClassifier(LogisticRegression())
    >>> cross_val_predict_labeled(model, X, y, cv=2)
    array([ 0,  0, -1, -1,  1,  1])
    """
    X, y, groups = indexable(X, y, groups)
    labels, labeled = labeled_rows(y, caller="cross_val_predict_labeled")
    classes = np.unique(plain_labels(labels[labeled]))
    cv = cv if isinstance(cv, LabeledFold) else LabeledFold(cv)
    split_params, fit_params = _route(estimator, cv, groups, params or {})
    splits = list(cv.split(X, y, **split_params))
    # Each model predicts in the worker that trained it, so that no model travels back.
    parts = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(_fit_and_predict)(clone(estimator), X, y, rows, classes, method, fit_params)
        for rows in splits
    )
    tests = [test for _, test in splits]
    total = np.zeros((len(labels), *parts[0].shape[1:]))
    counts = np.zeros(len(labels))
    for test, part in zip(tests, parts, strict=True):
        total[test] += part
        counts[test] += 1
    if method == "predict":
        return winner_or_unlabeled(total, classes, counts > 0)
    counts[counts == 0] = np.nan
    return (total.T / counts).T


def _route(
    estimator: Any, cv: LabeledFold, groups: Any, params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of the splitter's `split` and of the classifier's `fit`."""
    if not get_config()["enable_metadata_routing"]:
        return {"groups": groups}, params
    if groups is not None:
        params = {**params, "groups": groups}
    router = (
        MetadataRouter(owner="cross_val_predict_labeled")
        .add(splitter=cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        .add(estimator=estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
    )
    routed = process_routing(router, "fit", **params)
    return routed["splitter"]["split"], routed["estimator"]["fit"]


def _fit_and_predict(
    estimator: Any,
    X: Any,
    y: Any,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    classes: NDArray[Any],
    method: Method,
    fit_params: dict[str, Any],
) -> NDArray[np.float64]:
    """Predictions for the test rows: votes, probabilities or decisions, with a column per class."""
    train, test = rows
    X_train, y_train = safe_split(estimator, X, y, train)
    X_test, _ = safe_split(estimator, X, y, test, train)
    estimator.fit(X_train, y_train, **check_method_params(X, fit_params, indices=train))
    columns = _codes(estimator.classes_, classes)
    if method == "predict":
        return np.eye(len(classes))[_codes(estimator.predict(X_test), classes)]
    values = np.asarray(getattr(estimator, method)(X_test), dtype=float)
    if method == "predict_proba":
        probabilities = np.zeros((len(test), len(classes)))
        probabilities[:, columns] = values
        return probabilities
    if len(columns) < len(classes):
        raise ValueError(
            f"The decision function needs all {len(classes)} classes in the training rows of every "
            f"split, but one holds only {estimator.classes_.tolist()}; use fewer folds, or "
            "method='predict_proba'."
        )
    return values


def _codes(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Positions of predicted labels among the classes."""
    position = {label: code for code, label in enumerate(classes.tolist())}
    labels = np.asarray(labels).tolist()
    strange = [label for label in labels if label not in position]
    if strange:
        raise ValueError(
            f"estimator must be a semi-supervised classifier: it takes {strange[0]!r} for a class, "
            f"which is not among the labels {classes.tolist()}."
        )
    return np.array([position[label] for label in labels], dtype=np.int64)
