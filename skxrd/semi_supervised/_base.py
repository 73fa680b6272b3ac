"""The scikit-learn side of all semi-supervised classifiers: validate, encode, train, predict."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skxrd._classifiers import SemiSupervisedClassifierMixin
from skxrd._labels import UNLABELED, as_labels, encode_labels
from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd._tensors import apply, generator_from, to_tensor
from skxrd.semi_supervised._batches import EXCLUDED
from skxrd.semi_supervised._class_prior import ClassPriorMixin
from skxrd.semi_supervised._components import Components, fitted_transformers
from skxrd.semi_supervised._devices import check_precision, seeded
from skxrd.semi_supervised._history import (
    epoch_rows,
    warn_about_interruption,
    warn_about_threshold,
)
from skxrd.semi_supervised._net_builder import SCHEDULES
from skxrd.semi_supervised._training_state import RestorableEstimator
from skxrd.semi_supervised._validation_split import split_off_validation

__all__ = ["BaseSemiSupervisedClassifier", "Components"]

_MAX_SEED = np.iinfo(np.int32).max


# Mixins first: scikit-learn's tags of a classifier count only before its BaseEstimator, on which
# RestorableEstimator rests.
class BaseSemiSupervisedClassifier(
    ClassPriorMixin, SemiSupervisedClassifierMixin, RestorableEstimator
):
    """Base class of classifiers that train a network on labeled and unlabeled rows.

    Subclasses say what they are made of in `_components`.
    """

    validation_fraction: float
    random_state: Any
    history_: list[dict[str, float]]

    _parameter_constraints: dict[str, list[Any]] = {
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_ratio": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [None, StrOptions(set(SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
        "ema_decay": [None, Interval(Real, 0, 1, closed="left")],
        "batch_norm": [StrOptions({"joint", "labeled", "none"})],
        "mixed_precision": ["boolean"],
        "class_weight": [None, StrOptions({"balanced"}), dict],
        "logit_adjustment": [Interval(Real, 0, None, closed="left")],
        "class_prior": [None, StrOptions({"labeled", "uniform", "estimate"}), "array-like"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [None, list],
        "device": [str],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on labeled and unlabeled rows.

        A `KeyboardInterrupt` ends the training and keeps the state reached. Arrays of float32, also
        memory-mapped ones, are not copied as a whole.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects. Without
            any, the training is supervised.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled, or if a parameter or the input is invalid.
        """
        return self._fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def _fit_rows(self, X: ArrayLike, y: ArrayLike, rows: NDArray[np.int64]) -> Self:
        """Train on some rows of an array that is shared, without a copy of them."""
        return self._fit(X, y, rows)

    def _fit(self, X: ArrayLike, y: ArrayLike, rows: NDArray[np.int64] | None = None) -> Self:
        reset = not (self.warm_start and hasattr(self, "net_"))
        classes = None
        if y is not None:
            some = as_labels(y) if rows is None else as_labels(y)[rows]
            classes, y = encode_labels(some, estimator_name=type(self).__name__)
        if rows is not None:
            y = _scattered(y, rows, len(np.asarray(X)))
        patterns, codes = validate_data(self, X, y, dtype=np.float32, reset=reset)
        device = torch.device(self.device)
        if reset:
            self.classes_ = classes
            self._check_class_prior(codes)
            self._prepare(patterns, codes, device)
        else:
            self._check_continued(classes, codes)
        codes, validation = self._split_off_validation(codes)
        with seeded(self._torch_seed, device):
            if reset:
                self.algorithm_.initialize(
                    torch.as_tensor(codes[codes != EXCLUDED]).to(device),
                    self._class_weight(codes),
                    float(self.logit_adjustment),
                )
                self.net_ = self._make_net(device).initialize()
            else:
                self._restore_training_state(device)
            self._train(patterns, codes, validation, device)
        name = type(self).__name__
        if self.interrupted_:
            warn_about_interruption(name, self.n_iter_, self.max_epochs)
        warn_about_threshold(name, self.history_, int((codes == UNLABELED).sum()))
        self._set_class_prior(patterns, codes)
        return self

    def _train(
        self,
        patterns: NDArray[np.float32],
        codes: NDArray[np.int64],
        validation: NDArray[np.int64],
        device: torch.device,
    ) -> None:
        earlier = self.history_ if self.net_.n_epochs_done else []
        if len(validation):
            held_out = Dataset(patterns[validation], self._all_codes[validation])
            self.net_.train_split = predefined_split(held_out)
        if self.net_.max_epochs:
            self.net_.partial_fit(patterns, codes)
        self.net_.train_split = None
        self.history_ = earlier + epoch_rows(self.net_, n_earlier=len(earlier))
        self.n_iter_ = len(self.history_)
        self.interrupted_ = getattr(self.net_, "interrupted_", False)
        if self.warm_start:
            self._training_state = self._current_training_state(device)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`, for the class frequencies `class_prior_`.
        """
        check_is_fitted(self, "net_")  # a training that was refused leaves other attributes
        X = validate_data(self, X, reset=False, dtype=np.float32)
        return self._adjusted(self.net_.predict_proba(X))

    def _prepare(
        self, X: NDArray[np.float32], codes: NDArray[np.int64], device: torch.device
    ) -> None:
        """Draw all seeds and fit the components."""
        check_precision(device, self.mixed_precision)
        random_state = check_random_state(self.random_state)
        parts = self._components()
        self.algorithm_ = clone(parts.algorithm)
        seen = np.flatnonzero(codes != EXCLUDED)
        for name, component in fitted_transformers(parts, X, seen, random_state):
            setattr(self, f"{name}_", component)
        self._n_points = apply(self.rendering_, to_tensor(X[seen[:2]])).shape[1]
        self._torch_seed = int(random_state.randint(_MAX_SEED))
        self._generators = (generator_from(random_state), generator_from(random_state))
        self._validation_seed = int(random_state.randint(_MAX_SEED))
        self._all_codes = codes
        self._training_state = None

    def _split_off_validation(
        self, codes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Codes of the training rows, and labeled rows that are held out for early stopping."""
        if not self.early_stopping:
            return codes, np.array([], dtype=np.int64)
        return split_off_validation(
            codes,
            self.validation_fraction,
            self._validation_seed,
            estimator_name=type(self).__name__,
        )


def _scattered(codes: NDArray[np.int64], rows: NDArray[np.int64], n_rows: int) -> NDArray[np.int64]:
    """Codes of all rows of an array of which only some take part."""
    everything = np.full(n_rows, EXCLUDED, dtype=np.int64)
    everything[rows] = codes
    return everything
