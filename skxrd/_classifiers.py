"""What all classifiers share whose `y` may hold -1: the most probable class, and a masked score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from skxrd._labels import as_labels, labeled_mask, plain_labels
from skxrd._sklearn import safe_indexing

__all__ = ["SemiSupervisedClassifierMixin", "indexable"]


def indexable(X: ArrayLike) -> Any:
    """Turn nested lists into an array; leave alone what has rows to choose from."""
    return X if hasattr(X, "shape") else np.asarray(X)


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
