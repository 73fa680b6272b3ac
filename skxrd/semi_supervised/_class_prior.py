"""Class frequencies: those that a training learns, and those that its predictions assume."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from skxrd._labels import UNLABELED
from skxrd.calibration import adjust_class_prior, estimate_class_prior
from skxrd.semi_supervised._net import SemiSupervisedNet

__all__ = ["ClassPriorMixin"]

# Rows that are predicted at a time: a copy of a memory-mapped pool may not fit into memory.
_CHUNK = 4096


class ClassPriorMixin:
    """Mixin for classifiers with `class_weight`, `logit_adjustment` and `class_prior`.

    The first two change what the network learns; the third one what is made of its output.
    """

    class_weight: Any
    logit_adjustment: float
    class_prior: Any
    classes_: NDArray[Any]
    net_: SemiSupervisedNet

    def _check_class_prior(self, codes: NDArray[np.int64]) -> None:
        """Refuse before the training what could not be used after it."""
        if self.class_prior is None or isinstance(self.class_prior, str):
            if self.class_prior == "estimate" and not (codes == UNLABELED).any():
                raise ValueError(
                    f"{type(self).__name__}: class_prior='estimate' needs unlabeled rows, y has "
                    "none."
                )
            return
        equal = np.full(len(self.classes_), 1 / len(self.classes_))
        adjust_class_prior(equal[None], train_prior=equal, class_prior=self.class_prior)

    def _class_weight(self, codes: NDArray[np.int64]) -> torch.Tensor | None:
        if self.class_weight is None:
            return None
        known = self.classes_[codes[codes >= 0]]
        weight = compute_class_weight(self.class_weight, classes=self.classes_, y=known)
        return torch.as_tensor(weight)

    def _set_class_prior(self, X: NDArray[np.float32], codes: NDArray[np.int64]) -> None:
        """Class frequencies that the network has learned, and those that predictions assume."""
        frequencies = (
            np.bincount(codes[codes >= 0], minlength=len(self.classes_)) / (codes >= 0).sum()
        )
        self._train_prior = self._learned_prior(frequencies, codes)
        if self.class_prior is None:
            self.class_prior_ = self._train_prior
        elif not isinstance(self.class_prior, str):
            self.class_prior_ = np.asarray(self.class_prior, dtype=np.float64)
            self.class_prior_ = self.class_prior_ / self.class_prior_.sum()
        elif self.class_prior == "uniform":
            self.class_prior_ = np.full(len(frequencies), 1 / len(frequencies))
        elif self.class_prior == "labeled":
            self.class_prior_ = frequencies
        else:
            self.class_prior_ = self._estimated_prior(X, np.flatnonzero(codes == UNLABELED))

    def _learned_prior(
        self, frequencies: NDArray[np.float64], codes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        # A weighted loss acts like repeated rows. Adjusted logits explain a part of the frequencies
        # during the training, which is missing from the plain logits that predict.
        learned = frequencies ** (1 - self.logit_adjustment)
        weight = self._class_weight(codes)
        if weight is not None:
            learned = learned * weight.numpy()
        return learned / learned.sum()

    def _estimated_prior(
        self, X: NDArray[np.float32], unlabeled: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        chunks = np.array_split(unlabeled, -(-len(unlabeled) // _CHUNK))
        p = np.concatenate([self.net_.predict_proba(X[rows]) for rows in chunks])
        return estimate_class_prior(p, train_prior=self._train_prior)

    def _adjusted(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities for the class frequencies that predictions assume."""
        if self.class_prior is None:
            return p
        return adjust_class_prior(p, train_prior=self._train_prior, class_prior=self.class_prior_)
