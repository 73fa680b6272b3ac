"""A threshold per class that follows how well the class is learned: FlexMatch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from skxrd._sklearn import StrOptions
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._fixmatch import FixMatch

__all__ = ["FlexMatch"]


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
    rescale : {"chance", "paper"}, default="chance"
        From where thresholds are measured. ``"paper"``: from 0, so that with K classes a class is
        filtered at all only when its threshold exceeds 1/K, below which no confidence lies.
        ``"chance"``: from 1/K, as 1/K + (`threshold` - 1/K) M(beta(c)).
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

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
    The mapping is M(x) = x / (2 - x). With two classes and ``rescale="paper"`` a class is filtered
    only when its beta exceeds 0.69 (at the default threshold). With both settings every
    pseudo-label passes in the first batches, when no row is counted yet. At full weight the
    training can then end with one class for all rows. In ``benchmarks/collapse.py`` it never did so
    with a small `unlabeled_weight`, with `FixMatch` or with `Dash`; on real compounds some
    trainings with `FixMatch` at full weight did. Counts and thresholds are updated with a batch
    before they are applied to it.

    References
    ----------
    Zhang et al., FlexMatch: boosting semi-supervised learning with curriculum pseudo labeling,
    NeurIPS (2021).

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import FlexMatch, TrainingBatch
    >>> algorithm = FlexMatch(threshold=0.9)
    >>> algorithm.initialize(torch.tensor([0, 1, -1, -1, -1, -1]))
    >>> sure_of_0, unsure = [5.0, 0.0], [0.0, 0.1]
    >>> outputs = {
    ...     "labeled_weak": torch.zeros(1, 2),
    ...     "unlabeled_weak": torch.tensor([sure_of_0, sure_of_0, sure_of_0, unsure]),
    ...     "unlabeled_strong": torch.zeros(4, 2),
    ... }
    >>> zero, four = torch.tensor([0]), torch.arange(4)
    >>> _ = algorithm.losses(outputs, TrainingBatch(zero, zero, four, progress=0.0, views={}))
    >>> algorithm.thresholds_  # class 0: beta = 3 / max(3, 1); class 1: beta = 0
    tensor([0.9000, 0.5000])
    """

    _parameter_constraints = {
        **FixMatch._parameter_constraints,
        "warm_up": ["boolean"],
        "rescale": [StrOptions({"chance", "paper"})],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        warm_up: bool = True,
        rescale: Literal["chance", "paper"] = "chance",
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, class_prior, momentum)
        self.warm_up = warm_up
        self.rescale = rescale

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        self.latest_ = torch.full((int((y == -1).sum()),), -1, device=y.device)
        self.thresholds_ = self._mapped(torch.zeros_like(self.thresholds_))

    def _update_thresholds(
        self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> None:
        confidence, pseudo_label = p.max(dim=1)
        confident = confidence >= self.threshold
        self.latest_[batch.unlabeled_index[confident]] = pseudo_label[confident]
        counted = self.latest_[self.latest_ >= 0]
        sigma = torch.bincount(counted, minlength=len(self.thresholds_)).to(p)
        reference = sigma.max()
        if self.warm_up:
            reference = torch.maximum(reference, len(self.latest_) - sigma.sum())
        self.thresholds_ = self._mapped(sigma / reference.clamp(min=1))

    def _mapped(self, beta: Tensor) -> Tensor:
        lowest = 0.0 if self.rescale == "paper" else min(1 / len(beta), self.threshold)
        return lowest + (self.threshold - lowest) * beta / (2 - beta)
