"""Scorers that leave unlabeled rows out, and their names."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import get_scorer

from skxrd._labels import plain_labels
from skxrd._sklearn import (
    BaseScorer,
    check_method_params,
    classification_scorers,
    register_scorers,
    safe_indexing,
    validate_params,
)
from skxrd.model_selection._rows import labeled_rows

__all__ = ["masked_scorer"]


@validate_params({"scoring": [str, callable]}, prefer_skip_nested_validation=True)
def masked_scorer(scoring: str | Callable[..., Any]) -> Callable[..., Any]:
    """Make a scorer that leaves out the rows whose label is -1, None or NaN.

    Parameters
    ----------
    scoring : str or callable
        Name of a scorer of scikit-learn, a scorer made by `sklearn.metrics.make_scorer`, or any
        callable ``scorer(estimator, X, y)``.

    Returns
    -------
    callable
        Scorer ``scorer(estimator, X, y, **params)``, to be used as `scoring` wherever scikit-learn
        takes one. It keeps the sign, the response method, `pos_label` and all other settings of
        `scoring`; `sample_weight` and other metadata with one value per row are cut to the labeled
        rows.

    Raises
    ------
    ValueError
        If `scoring` is an unknown name. The scorer raises one if no row is labeled.

    Notes
    -----
    When `skxrd.model_selection` is imported, the names ``"masked_accuracy"``,
    ``"masked_f1_macro"``, ``"masked_roc_auc"`` and so on, one for each scorer of scikit-learn that
    judges a classifier, are added to scikit-learn's own names in the running process. scikit-learn
    has no public way to do that. In a process that has not imported `skxrd.model_selection`, use
    `masked_scorer` instead of the name.

    Estimators predict all rows, as for other scorers, so that scorers can share predictions.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.metrics import fbeta_score, get_scorer, make_scorer
    >>> from skxrd.model_selection import masked_scorer
    >>> X, y = [[0]] * 4, [1, 1, 0, -1]
    >>> model = DummyClassifier(strategy="constant", constant=1).fit(X, [1, 1, 0, 0])
    >>> round(masked_scorer("accuracy")(model, X, y), 2)
    0.67
    >>> round(masked_scorer(make_scorer(fbeta_score, beta=2))(model, X, y), 2)
    0.91
    >>> round(get_scorer("masked_f1")(model, X, y), 2)
    0.8
    """
    scorer = get_scorer(scoring)
    if not isinstance(scorer, BaseScorer):
        return scorer if isinstance(scorer, _MaskedCallable) else _MaskedCallable(scorer)
    if isinstance(scorer._score_func, _MaskedMetric):
        return scorer
    scorer = copy.deepcopy(scorer)
    scorer._score_func = _MaskedMetric(scorer._score_func)
    return scorer


class _MaskedMetric:
    """Metric of true and predicted labels that reads labeled rows only."""

    def __init__(self, metric: Callable[..., Any]) -> None:
        # scikit-learn reads the signature: pos_label, sample_weight and other metadata.
        functools.update_wrapper(self, metric, updated=())
        self.__name__ = f"masked_{getattr(metric, '__name__', 'metric')}"

    def __call__(self, y_true: ArrayLike, y_pred: NDArray[Any], **params: Any) -> float:
        labels, labeled = labeled_rows(y_true, caller="A masked scorer")
        params = check_method_params(labels, params, indices=labeled)
        known = plain_labels(labels[labeled])
        return self.__wrapped__(known, np.asarray(y_pred)[labeled], **params)  # type: ignore[attr-defined]


class _MaskedCallable:
    """Scorer of an estimator, patterns and labels that reads labeled rows only."""

    def __init__(self, scorer: Callable[..., Any]) -> None:
        self.scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: ArrayLike, **params: Any) -> Any:
        labels, labeled = labeled_rows(y, caller="A masked scorer")
        params = check_method_params(X, params, indices=labeled)
        known = plain_labels(labels[labeled])
        return self.scorer(estimator, safe_indexing(X, labeled), known, **params)

    def __repr__(self) -> str:
        return f"masked_scorer({self.scorer!r})"


def register_masked_scorers() -> None:
    """Add ``"masked_<name>"`` to scikit-learn's names of scorers; a second call changes nothing."""
    register_scorers({f"masked_{name}": masked_scorer(name) for name in classification_scorers()})
