"""What all augmentations share: a batched torch kernel and its numpy face."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from skxrd._sklearn import fit_context
from skxrd._tensors import generator_from, to_numpy, to_tensor

__all__ = ["BaseAugmentation"]


class BaseAugmentation(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base class of augmentations: subclasses write `augment`, a pure function of its arguments."""

    random_state: int | np.random.RandomState | None

    _parameter_constraints: dict[str, list[Any]] = {"random_state": ["random_state"]}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters and the number of points.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted augmentation.
        """
        validate_data(self, X, dtype=[np.float64, np.float32])
        self._check_n_points(self.n_features_in_)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Augment patterns at random.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_patterns, n_points)
            Augmented patterns. An integer `random_state` gives the same result at each call.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        generator = generator_from(check_random_state(self.random_state))
        return to_numpy(self.augment(to_tensor(X), generator))

    @abstractmethod
    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Augment a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU, so that results do not depend on the device.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Augmented patterns.
        """

    def _check_n_points(self, n_points: int) -> None:
        """Raise ValueError when the parameters make no sense for patterns of this length."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # the draw for a row depends on its place in the batch
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
