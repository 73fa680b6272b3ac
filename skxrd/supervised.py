"""Supervised classifiers among semi-supervised ones: they are given the labeled rows only."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skxrd._classifiers import SemiSupervisedClassifierMixin, indexable
from skxrd._labels import UNLABELED, encode_labels
from skxrd._sklearn import HasMethods, fit_context, safe_indexing

__all__ = ["LabeledOnlyClassifier"]


def _estimator_has(name: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self._estimator()), name))


class LabeledOnlyClassifier(SemiSupervisedClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classifier that is trained on the labeled rows and passes everything else through.

    A supervised classifier takes -1 for one more class. In this wrapper it can be compared with
    semi-supervised ones on the same `X` and `y`, and it stands for what labels alone are worth.

    Parameters
    ----------
    estimator : classifier or None, default=None
        Classifier to be trained on the labeled rows. None stands for ``LogisticRegression()``.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Classes, without the unlabeled marker.
    n_features_in_ : int
        Number of points of a pattern; only if the classifier has it.
    feature_names_in_ : ndarray of shape (n_points,)
        Names of the columns; only if the classifier has them.

    See Also
    --------
    skxrd.model_selection.compare_methods : Compare methods on identical splits and seeds.

    Notes
    -----
    In a pipeline, transformers before it see unlabeled rows as well, while those in a pipeline
    inside it do not: ``make_pipeline(PCA(), LabeledOnlyClassifier(SVC()))`` is semi-supervised in
    this sense, ``LabeledOnlyClassifier(make_pipeline(PCA(), SVC()))`` is not.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skxrd.supervised import LabeledOnlyClassifier
    >>> X, y = [[0], [1], [2], [3], [4]], [0, -1, -1, 1, 1]
    >>> LabeledOnlyClassifier(DecisionTreeClassifier()).fit(X, y).predict(X)
    array([0, 0, 1, 1, 1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "estimator": [None, HasMethods(["fit", "predict"])],
    }

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the classifier on the labeled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; passed on only if given.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self.classes_, codes = encode_labels(y, estimator_name=type(self).__name__)
        check_consistent_length(X, codes)
        labeled = np.flatnonzero(codes != UNLABELED)
        known = X if len(labeled) == len(codes) else safe_indexing(indexable(X), labeled)
        weights = {}
        if sample_weight is not None:
            check_consistent_length(X, sample_weight)
            weights["sample_weight"] = np.asarray(sample_weight)[labeled]
        self.estimator_ = clone(self._estimator())
        self.estimator_.fit(known, self.classes_[codes[labeled]], **weights)
        return self

    def _estimator(self) -> Any:
        return LogisticRegression() if self.estimator is None else self.estimator

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each pattern.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_samples,)
            What the classifier predicts.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @_estimator_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Predict the probability of each class, if the classifier can.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @_estimator_has("decision_function")
    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Compute the decision function, if the classifier can.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision function of the classifier.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    @property
    def n_features_in_(self) -> int:
        """Number of points of a pattern."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns."""
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._estimator()).input_tags
        return tags
