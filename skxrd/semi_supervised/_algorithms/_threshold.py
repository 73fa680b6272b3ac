"""What algorithms with pseudo-labels share: align, select, label, and keep count."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import AlignedAlgorithm, ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    Network,
    TrainingBatch,
)

__all__ = ["ThresholdAlgorithm"]


class ThresholdAlgorithm(AlignedAlgorithm):
    """Pseudo-labels from the weak view, for rows whose confidence reaches a threshold.

    Equation 5 of the paper: the mean over *all* unlabeled rows of the batch of the cross-entropy
    with the pseudo-label, where rows below the threshold count zero.

    Subclasses adapt `thresholds_` in `_update_thresholds`, or replace `_weights` or `_targets`.
    """

    # Whether a term of the loss also reads rows of zero weight in the strong view.
    _reads_every_row = False

    _parameter_constraints: dict[str, list[Any]] = {
        **AlignedAlgorithm._parameter_constraints,
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        self.threshold = threshold
        self.unlabeled_weight = unlabeled_weight
        self.class_prior = class_prior
        self.momentum = momentum

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        n_classes = len(self.label_frequencies_)
        self.thresholds_ = torch.full_like(
            self.label_frequencies_, self._start_threshold(n_classes)
        )
        self.mask_rate_ = torch.tensor(float("nan"), device=y.device)

    def _start_threshold(self, n_classes: int) -> float:
        return self.threshold

    @override
    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        # The weak view makes pseudo-labels, which carry no gradient. Where views are not coupled by
        # batch normalization it therefore passes without one, and where rows are not coupled
        # either, strong views of rows without weight do not pass at all: the loss is the same.
        views = dict(batch.views)
        if network.couples_views or UNLABELED_WEAK not in views or UNLABELED_STRONG not in views:
            return super().step(network, batch)
        with torch.no_grad():
            outputs = network({UNLABELED_WEAK: views.pop(UNLABELED_WEAK)})
        strong = views.pop(UNLABELED_STRONG)
        outputs |= network(views)
        target, weight = self._pseudo_labels(outputs, batch)
        if network.rows_are_independent and not self._reads_every_row:
            chosen = weight > 0
            strong, target, weight = strong[chosen], target[chosen], weight[chosen]
        if len(strong):
            outputs |= network({UNLABELED_STRONG: strong})
        return self._terms(outputs, batch, target, weight)

    @override
    def losses(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> dict[str, Tensor]:
        if UNLABELED_WEAK not in outputs:
            return {"labeled_loss": self._labeled_term(outputs, batch)}
        return self._terms(outputs, batch, *self._pseudo_labels(outputs, batch))

    def _pseudo_labels(
        self, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> tuple[Tensor, Tensor]:
        """Target (classes or probabilities) and weight of each unlabeled row."""
        with torch.no_grad():
            p = self._aligned(outputs[UNLABELED_WEAK].softmax(dim=1))
            confidence, pseudo_label = p.max(dim=1)
            self._update_thresholds(p, outputs, batch)
            weight = self._weights(p, confidence, pseudo_label)
            target = self._targets(p, outputs, batch)
        self.mask_rate_ = weight.mean()
        self.n_steps_ = self.n_steps_ + 1
        return target, weight

    def _update_thresholds(
        self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> None:
        """Adapt `thresholds_` before they are applied to the batch."""

    def _weights(self, p: Tensor, confidence: Tensor, pseudo_label: Tensor) -> Tensor:
        return (confidence >= self.thresholds_[pseudo_label]).to(confidence)

    def _targets(self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        return p.argmax(dim=1)

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        unlabeled_loss = self._consistency(outputs, target, weight).sum()
        factor = self._unlabeled_weight(batch.progress) / len(batch.unlabeled_index)
        return {
            "labeled_loss": self._labeled_term(outputs, batch),
            "unlabeled_loss": factor * unlabeled_loss,
        }

    def _labeled_term(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        return self._labeled_loss(outputs[LABELED], batch.y)

    def _consistency(self, outputs: dict[str, Tensor], target: Tensor, weight: Tensor) -> Tensor:
        """Weighted cross-entropy of each row of the strong view; no row if none was chosen."""
        if UNLABELED_STRONG not in outputs:
            return weight
        return weight * F.cross_entropy(outputs[UNLABELED_STRONG], target, reduction="none")

    def _unlabeled_weight(self, progress: float) -> float:
        return self.unlabeled_weight

    @override
    def monitor(self) -> dict[str, float]:
        values = {"mask_rate": self.mask_rate_.item()}
        for code, threshold in enumerate(self.thresholds_.tolist()):
            values[f"threshold_{code}"] = threshold
        return values
