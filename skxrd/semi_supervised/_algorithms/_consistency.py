"""Pseudo-labels of the weak view teach the strong view: FixMatch and FlexMatch."""

from __future__ import annotations

import torch
from torch import Tensor

from skxrd.semi_supervised._algorithms._base import UNLABELED_STRONG
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["FixMatch", "FlexMatch"]


class FixMatch(ThresholdAlgorithm):
    """Predictions on the weak view that reach a fixed threshold are targets of the strong view.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Sohn et al., FixMatch: simplifying semi-supervised learning with consistency and confidence,
    NeurIPS (2020).

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import FixMatch
    >>> algorithm = FixMatch(threshold=0.8)
    >>> algorithm.initialize(n_classes=2, n_unlabeled=2, device=torch.device("cpu"))
    >>> outputs = {
    ...     "labeled_weak": torch.tensor([[0.0, 0.0]]),
    ...     "unlabeled_weak": torch.tensor([[3.0, 0.0], [0.1, 0.0]]),
    ...     "unlabeled_strong": torch.zeros(2, 2),
    ... }
    >>> terms = algorithm.losses(outputs, torch.tensor([1]), torch.tensor([0, 1]), progress=0.0)
    >>> terms["unlabeled_loss"]  # one row of two is confident: ln(2) / 2
    tensor(0.3466)
    """

    target_view = UNLABELED_STRONG


class FlexMatch(FixMatch):
    """FixMatch with a threshold per class that follows how well the class is learned.

    Equations 6 and 7 of the paper. Of all unlabeled rows, sigma(c) counts those whose latest
    prediction with a confidence of at least `threshold` was class c. With N the number of unlabeled
    rows, beta(c) = sigma(c) / max(max sigma, N - sum of sigma), where the second argument, the
    number of rows not counted yet, makes the warm-up; the threshold of class c is
    `threshold` M(beta(c)).

    Parameters
    ----------
    threshold : float, default=0.95
        Highest threshold of a class, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    warm_up : bool, default=True
        Whether rows not counted yet keep the thresholds low.

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    latest_ : Tensor of int64 of shape (n_unlabeled,)
        Class of the latest confident prediction of each unlabeled row; -1 before the first one.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    Notes
    -----
    The mapping is M(x) = x / (2 - x). With two classes a confidence is never below 0.5, so that a
    class is filtered at all only when its beta exceeds 0.69 (at the default threshold). Counts and
    thresholds are updated with a batch before they are applied to it.

    References
    ----------
    Zhang et al., FlexMatch: boosting semi-supervised learning with curriculum pseudo labeling,
    NeurIPS (2021).

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import FlexMatch
    >>> algorithm = FlexMatch(threshold=0.9)
    >>> algorithm.initialize(n_classes=2, n_unlabeled=4, device=torch.device("cpu"))
    >>> sure_of_0, unsure = [5.0, 0.0], [0.0, 0.1]
    >>> outputs = {
    ...     "labeled_weak": torch.zeros(1, 2),
    ...     "unlabeled_weak": torch.tensor([sure_of_0, sure_of_0, sure_of_0, unsure]),
    ...     "unlabeled_strong": torch.zeros(4, 2),
    ... }
    >>> _ = algorithm.losses(outputs, torch.tensor([0]), torch.arange(4), progress=0.0)
    >>> algorithm.thresholds_  # class 0: beta = 3 / max(3, 1); class 1: beta = 0
    tensor([0.9000, 0.0000])
    """

    _parameter_constraints = {**FixMatch._parameter_constraints, "warm_up": ["boolean"]}

    def __init__(
        self, threshold: float = 0.95, unlabeled_weight: float = 1.0, warm_up: bool = True
    ) -> None:
        super().__init__(threshold, unlabeled_weight)
        self.warm_up = warm_up

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
        self.latest_ = torch.full((n_unlabeled,), -1, device=device)
        self.thresholds_ = torch.zeros(n_classes, device=device)

    def _update_thresholds(self, confidence: Tensor, pseudo_label: Tensor, index: Tensor) -> None:
        confident = confidence >= self.threshold
        self.latest_[index[confident]] = pseudo_label[confident]
        counted = self.latest_[self.latest_ >= 0]
        sigma = torch.bincount(counted, minlength=len(self.thresholds_)).to(confidence)
        reference = sigma.max()
        if self.warm_up:
            reference = torch.maximum(reference, len(self.latest_) - sigma.sum())
        beta = sigma / reference.clamp(min=1)
        self.thresholds_ = self.threshold * beta / (2 - beta)
