"""What classifiers share whose `y` may hold -1: a masked score, trainings that were cut short."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.pipeline import Pipeline

from skxrd._labels import as_labels, labeled_mask, plain_labels
from skxrd._sklearn import safe_indexing

__all__ = ["SemiSupervisedClassifierMixin", "indexable", "was_interrupted"]


def indexable(X: ArrayLike) -> Any:
    """Turn nested lists into an array; leave alone what has rows to choose from."""
    return X if hasattr(X, "shape") else np.asarray(X)


def was_interrupted(fitted: Any) -> bool:
    """Tell whether the training of an estimator was cut short.

    Classifiers of skxrd stop early and return, ensembles with the members that they have.

    Parameters
    ----------
    fitted : estimator
        Fitted estimator; pipelines, ensembles and meta-estimators are looked into.

    Returns
    -------
    bool
        Whether it, or an estimator in it, was interrupted.
    """
    if isinstance(fitted, Pipeline):
        return was_interrupted(fitted[-1])
    if getattr(fitted, "interrupted_", False):
        return True
    inner = getattr(fitted, "best_estimator_", getattr(fitted, "estimator_", None))
    return inner is not None and was_interrupted(inner)


class SemiSupervisedClassifierMixin(ClassifierMixin):
    """Mixin for classifiers with `predict_proba` and `classes_` that are given unlabeled rows."""

    classes_: NDArray[Any]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each pattern.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable class by `predict_proba`.
        """
        codes = self.predict_proba(X).argmax(axis=1)
        return self.classes_[codes]

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy on the labeled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; rows without a label are left out.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Accuracy.
        """
        y = as_labels(y)
        labeled = np.flatnonzero(labeled_mask(y))
        weight = None if sample_weight is None else np.asarray(sample_weight)[labeled]
        return super().score(safe_indexing(indexable(X), labeled), plain_labels(y[labeled]), weight)
