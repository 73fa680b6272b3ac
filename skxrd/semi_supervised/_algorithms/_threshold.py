"""What algorithms with a confidence threshold share: select, label, and keep count."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._base import LABELED, UNLABELED_WEAK, BaseAlgorithm

__all__ = ["ThresholdAlgorithm"]


class ThresholdAlgorithm(BaseAlgorithm):
    """Pseudo-labels from the weak view, for rows whose confidence reaches a threshold.

    Equation 5 of the paper: the mean over *all* unlabeled rows of the batch of the cross-entropy
    with the pseudo-label, where rows below the threshold count zero.
    """

    target_view: str

    _parameter_constraints: dict[str, list[Any]] = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, threshold: float = 0.95, unlabeled_weight: float = 1.0) -> None:
        self.threshold = threshold
        self.unlabeled_weight = unlabeled_weight

    def initialize(self, n_classes: int, n_unlabeled: int, device: torch.device) -> None:
        """Make the state afresh, sized by the data.

        Parameters
        ----------
        n_classes : int
            Number of classes.
        n_unlabeled : int
            Number of unlabeled rows.
        device : torch.device
            Device of the state.
        """
        super().initialize(n_classes, n_unlabeled, device)
        self.thresholds_ = torch.full((n_classes,), float(self.threshold), device=device)
        self.mask_rate_ = torch.tensor(float("nan"), device=device)

    def losses(
        self, outputs: dict[str, Tensor], y: Tensor, index: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Compute the labeled and the unlabeled loss of one batch.

        Parameters
        ----------
        outputs : dict of str to Tensor of shape (n_rows, n_classes)
            Logits of each of the `views`.
        y : Tensor of int64 of shape (n_labeled,)
            Codes of the labeled rows.
        index : Tensor of int64 of shape (n_unlabeled_in_batch,)
            Position of each unlabeled row among all unlabeled rows.
        progress : float
            Part of the training that is done, in [0, 1].

        Returns
        -------
        dict of str to Tensor
            The terms "labeled_loss" and, with unlabeled rows, "unlabeled_loss".
        """
        terms = {"labeled_loss": F.cross_entropy(outputs[LABELED], y)}
        if UNLABELED_WEAK not in outputs:
            return terms
        probabilities = outputs[UNLABELED_WEAK].detach().softmax(dim=1)
        confidence, pseudo_label = probabilities.max(dim=1)
        self._update_thresholds(confidence, pseudo_label, index)
        selected = (confidence >= self.thresholds_[pseudo_label]).to(confidence)
        self.mask_rate_ = selected.mean()
        loss = F.cross_entropy(outputs[self.target_view], pseudo_label, reduction="none")
        terms["unlabeled_loss"] = self._weight(progress) * (loss * selected).mean()
        return terms

    def _update_thresholds(self, confidence: Tensor, pseudo_label: Tensor, index: Tensor) -> None:
        """Adapt `thresholds_` before they are applied to the batch."""

    def _weight(self, progress: float) -> float:
        return self.unlabeled_weight

    def monitor(self) -> dict[str, float]:
        """Report the mask rate and the threshold of each class.

        Returns
        -------
        dict of str to float
            "mask_rate", the part of the unlabeled rows that were selected in the last batch, and
            "threshold_0", "threshold_1", ...
        """
        values = {"mask_rate": self.mask_rate_.item()}
        for code, threshold in enumerate(self.thresholds_.tolist()):
            values[f"threshold_{code}"] = threshold
        return values
