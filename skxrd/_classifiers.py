"""What all classifiers share whose `y` may hold -1: the most probable class, and a masked score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from skxrd._labels import labeled_mask, plain_labels

__all__ = ["SemiSupervisedClassifierMixin"]


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
        labeled = labeled_mask(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)[labeled]
        known = plain_labels(np.asarray(y)[labeled])
        return super().score(np.asarray(X)[labeled], known, weight)
