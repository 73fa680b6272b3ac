"""A fixed threshold: FixMatch, and what others add to it or take from it."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval, StrOptions
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    LABELED_STRONG,
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._parts import kl_divergence, sharpen
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["UDA", "DeFixMatch", "FixMatch", "ReFixMatch"]


class FixMatch(ThresholdAlgorithm):
    """Predictions on the weak view that reach a fixed threshold are targets of the strong view.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions for unlabeled rows are aligned with before anything
        else: they are multiplied by the prior over the running mean of the predictions.
        ``"labeled"``: frequencies among the labels. ``"estimate"``: frequencies that the EM
        algorithm of Saerens et al. (2002) finds for the pool, updated with each batch, under the
        assumption that the network has learned the frequencies of the labels. None aligns nothing.
    momentum : float, default=0.99
        Momentum of running means over batches, in [0, 1).

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.
    class_prior_ : Tensor of shape (n_classes,)
        Class frequencies that predictions are aligned with, if they are.
    model_distribution_ : Tensor of shape (n_classes,)
        Running mean of the predictions before alignment.

    References
    ----------
    Sohn et al., FixMatch: simplifying semi-supervised learning with consistency and confidence,
    NeurIPS (2020).

    Saerens et al., Adjusting the outputs of a classifier to new a priori probabilities, Neural
    Computation (2002).

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import FixMatch, TrainingBatch
    >>> algorithm = FixMatch(threshold=0.8)
    >>> algorithm.initialize(torch.tensor([0, 1, -1, -1]))
    >>> outputs = {
    ...     "labeled_weak": torch.tensor([[0.0, 0.0]]),
    ...     "unlabeled_weak": torch.tensor([[3.0, 0.0], [0.1, 0.0]]),
    ...     "unlabeled_strong": torch.zeros(2, 2),
    ... }
    >>> batch = TrainingBatch(
    ...     y=torch.tensor([1]),
    ...     labeled_index=torch.tensor([1]),
    ...     unlabeled_index=torch.tensor([0, 1]),
    ...     progress=0.0,
    ...     views={},
    ... )
    >>> terms = algorithm.losses(outputs, batch)
    >>> terms["unlabeled_loss"]  # one row of two is confident: ln(2) / 2
    tensor(0.3466)
    """


class DeFixMatch(FixMatch):
    """FixMatch whose unlabeled loss is debiased by the same loss of labeled rows.

    What pseudo-labels do to labeled rows, where it can be seen, is subtracted from what they do to
    unlabeled ones: the expected loss is that of supervised learning, so that unlabeled rows can do
    less harm. The labeled loss is the mean over both views of the labeled rows.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss and of the one subtracted from it, at least 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Schmutz et al., Don't fear the unlabelled: safe semi-supervised learning via debiasing, ICLR
    (2023).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import DeFixMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(DeFixMatch(0.55), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[-1]["debiasing_loss"] < 0
    True
    """

    views = (LABELED, LABELED_STRONG, UNLABELED_WEAK, UNLABELED_STRONG)

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        # Labeled rows get their pseudo-labels just as unlabeled ones do, alignment included.
        p = self._scaled(outputs[LABELED].detach().softmax(dim=1))
        confidence, pseudo_label = p.max(dim=1)
        selected = (confidence >= self.thresholds_[pseudo_label]).to(confidence)
        loss = F.cross_entropy(outputs[LABELED_STRONG], pseudo_label, reduction="none")
        terms["debiasing_loss"] = -self.unlabeled_weight * (selected * loss).mean()
        return terms

    def _labeled_term(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        views = (LABELED, LABELED_STRONG)
        losses = [self._labeled_loss(outputs[view], batch.y) for view in views]
        return torch.stack(losses).mean()


class ReFixMatch(FixMatch):
    """FixMatch in which rows below the threshold pull the strong view by soft targets.

    Their term is the Kullback-Leibler divergence of the strong view from the sharpened prediction
    for the weak view.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss and of the term of unconfident rows, at least 0.
    temperature : float, default=0.5
        Temperature of the soft targets, above 0; below 1 it sharpens them.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    Notes
    -----
    The reference code applies the softmax twice to the soft target; here it is applied once.

    References
    ----------
    Nguyen, Boosting semi-supervised learning by bridging high and low-confidence predictions, ICCV
    workshops (2023).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import ReFixMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(ReFixMatch(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[-1]["unconfident_loss"] > 0
    True
    """

    _reads_every_row = True
    _parameter_constraints = {
        **FixMatch._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        temperature: float = 0.5,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, class_prior, momentum)
        self.temperature = temperature

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        soft = sharpen(outputs[UNLABELED_WEAK].detach().softmax(dim=1), self.temperature)
        loss = (1 - weight) * kl_divergence(soft, outputs[UNLABELED_STRONG])
        terms["unconfident_loss"] = self.unlabeled_weight * loss.mean()
        return terms


class UDA(FixMatch):
    """Unsupervised data augmentation: sharpened predictions are soft targets of the strong view.

    Training signal annealing leaves out labeled rows that the network already predicts with more
    than a confidence that rises over the training, so that it does not learn few labels by heart.

    Parameters
    ----------
    threshold : float, default=0.8
        Confidence from which a prediction counts, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    temperature : float, default=0.4
        Temperature of the soft targets, above 0; below 1 it sharpens them.
    signal_annealing : {"linear", "log", "exp"} or None, default=None
        How the confidence from which labeled rows are left out rises from 1 / n_classes to 1:
        ``"log"`` early, ``"exp"`` late in the training. None keeps all labeled rows.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Xie et al., Unsupervised data augmentation for consistency training, NeurIPS (2020).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import UDA
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> algorithm = UDA(signal_annealing="linear")
    >>> classifier = SemiSupervisedClassifier(algorithm, max_epochs=1, random_state=0).fit(X, y)
    >>> 0 <= classifier.history_[-1]["mask_rate"] <= 1
    True
    """

    _parameter_constraints = {
        **FixMatch._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "signal_annealing": [None, StrOptions({"linear", "log", "exp"})],
    }

    def __init__(
        self,
        threshold: float = 0.8,
        unlabeled_weight: float = 1.0,
        temperature: float = 0.4,
        signal_annealing: Literal["linear", "log", "exp"] | None = None,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, class_prior, momentum)
        self.temperature = temperature
        self.signal_annealing = signal_annealing

    def _targets(self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        return sharpen(p, self.temperature)

    def _labeled_term(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        if self.signal_annealing is None:
            return super()._labeled_term(outputs, batch)
        return self._annealed_loss(outputs[LABELED], batch)

    def _annealed_loss(self, logits: Tensor, batch: TrainingBatch) -> Tensor:
        share = {
            "linear": torch.tensor(batch.progress),
            "log": 1 - torch.exp(torch.tensor(-5 * batch.progress)),
            "exp": torch.exp(torch.tensor(5 * (batch.progress - 1))),
        }[str(self.signal_annealing)]
        chance = 1 / logits.shape[1]
        limit = chance + share.item() * (1 - chance)
        known = logits.detach().softmax(dim=1).gather(1, batch.y[:, None]).ravel()
        kept = known <= limit
        if not kept.any():
            return 0 * logits.sum()
        return self._labeled_loss(logits[kept], batch.y[kept])
