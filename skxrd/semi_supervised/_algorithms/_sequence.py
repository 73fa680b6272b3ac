"""A chain of views, weak, medium and strong: SequenceMatch."""

from __future__ import annotations

from numbers import Real
from typing import Literal

from torch import Tensor

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_MEDIUM,
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._flexmatch import FlexMatch
from skxrd.semi_supervised._algorithms._parts import kl_divergence, sharpen

__all__ = ["SequenceMatch"]


class SequenceMatch(FlexMatch):
    """FlexMatch with a medium view between the weak and the strong one.

    For selected rows the medium view follows the weak one, and the strong view both of them: three
    Kullback-Leibler divergences from sharpened predictions are added to the loss.

    Parameters
    ----------
    threshold : float, default=0.95
        Highest threshold of a class, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss and of the divergences, at least 0.
    temperature : float, default=0.5
        Temperature of the soft targets, above 0; below 1 it sharpens them.
    warm_up : bool, default=True
        Whether rows not counted yet keep the thresholds low.
    rescale : {"chance", "paper"}, default="chance"
        From where thresholds are measured, see `FlexMatch`.
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
    The reference code applies the softmax twice to the soft targets; here it is applied once.

    References
    ----------
    Nguyen, SequenceMatch: revisiting the design of weak-strong augmentations for semi-supervised
    learning, WACV (2024).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import SequenceMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(SequenceMatch(0.6), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> "sequence_loss" in classifier.history_[0]
    True
    """

    views = (LABELED, UNLABELED_WEAK, UNLABELED_MEDIUM, UNLABELED_STRONG)
    _reads_every_row = True
    _parameter_constraints = {
        **FlexMatch._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        temperature: float = 0.5,
        warm_up: bool = True,
        rescale: Literal["chance", "paper"] = "chance",
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, warm_up, rescale, class_prior, momentum)
        self.temperature = temperature

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        weak, medium = (
            sharpen(outputs[view].detach().softmax(dim=1), self.temperature)
            for view in (UNLABELED_WEAK, UNLABELED_MEDIUM)
        )
        divergence = (
            kl_divergence(weak, outputs[UNLABELED_MEDIUM])
            + kl_divergence(medium, outputs[UNLABELED_STRONG])
            + kl_divergence(weak, outputs[UNLABELED_STRONG])
        )
        terms["sequence_loss"] = self.unlabeled_weight * (weight * divergence).mean()
        return terms
