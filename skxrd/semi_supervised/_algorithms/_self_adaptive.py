"""Thresholds from the running mean of the confidence: FreeMatch and SoftMatch."""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import AlignedAlgorithm, ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._parts import running_mean
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["FreeMatch", "SoftMatch"]


class FreeMatch(ThresholdAlgorithm):
    """Self-adaptive thresholds: the mean confidence, lowered for classes predicted rarely.

    The threshold of class c is the running mean of the confidence times the running mean of the
    predicted probability of c, relative to that of the most probable class. It starts at chance,
    1/K. A fairness term drives the predictions for selected rows of the strong view apart.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    fairness_weight : float, default=0.01
        Weight of the self-adaptive fairness term, at least 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1). The paper's 0.999 is meant for a hundred thousand
        steps.

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mean_confidence_ : Tensor of shape ()
        Running mean of the confidence.
    mean_probability_ : Tensor of shape (n_classes,)
        Running mean of the predicted probabilities.
    pseudo_label_histogram_ : Tensor of shape (n_classes,)
        Running mean of the frequencies of the pseudo-labels.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Wang et al., FreeMatch: self-adaptive thresholding for semi-supervised learning, ICLR (2023).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import FreeMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(FreeMatch(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> bool(classifier.algorithm_.mean_confidence_ > 0.5)
    True
    """

    _parameter_constraints = {
        **AlignedAlgorithm._parameter_constraints,
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "fairness_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 1.0,
        fairness_weight: float = 0.01,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.fairness_weight = fairness_weight
        self.class_prior = class_prior
        self.momentum = momentum

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        uniform = torch.full_like(self.thresholds_, 1 / len(self.thresholds_))
        self.mean_confidence_ = uniform[0].clone()
        self.mean_probability_ = uniform
        self.pseudo_label_histogram_ = uniform.clone()

    def _start_threshold(self, n_classes: int) -> float:
        return 1 / n_classes

    def _update_thresholds(
        self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> None:
        confidence, pseudo_label = p.max(dim=1)
        step = (self.momentum, self.n_steps_)
        self.mean_confidence_ = running_mean(self.mean_confidence_, confidence.mean(), *step)
        self.mean_probability_ = running_mean(self.mean_probability_, p.mean(dim=0), *step)
        self.pseudo_label_histogram_ = running_mean(
            self.pseudo_label_histogram_, _histogram(pseudo_label, p), *step
        )
        relative = self.mean_probability_ / self.mean_probability_.max()
        self.thresholds_ = self.mean_confidence_ * relative

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        if UNLABELED_STRONG in outputs and (weight > 0).any():
            q = outputs[UNLABELED_STRONG][weight > 0].softmax(dim=1)
            terms["fairness_loss"] = self.fairness_weight * self._fairness(q)
        return terms

    def _fairness(self, q: Tensor) -> Tensor:
        """Negative cross-entropy between normalized distributions."""
        expected = _relative(self.mean_probability_, self.pseudo_label_histogram_)
        found = _relative(q.mean(dim=0), _histogram(q.argmax(dim=1), q))
        return (expected * found.clamp(min=1e-12).log()).sum()


def _histogram(codes: Tensor, like: Tensor) -> Tensor:
    """Frequencies of the classes among the columns of `like`."""
    return torch.bincount(codes, minlength=like.shape[1]).to(like) / len(codes)


def _relative(distribution: Tensor, histogram: Tensor) -> Tensor:
    """Ratio of two distributions, normalized; classes that were never predicted count zero."""
    ratio = torch.where(histogram > 0, distribution / histogram.clamp(min=1e-12), 0.0)
    return ratio / ratio.sum()


class SoftMatch(ThresholdAlgorithm):
    """Every pseudo-label counts, with a weight that falls off below the mean confidence.

    The weight is exp(-(c - mu)^2 / (2 var / n_sigma^2)) for a confidence c below mu and 1 above,
    where mu and var are running mean and variance of the confidence. Confidence is that of the
    aligned, the pseudo-label that of the plain prediction.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    n_sigma : float, default=2.0
        How many times narrower than the spread of the confidence the fall-off is, above 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default="uniform"
        Class frequencies that predictions are aligned with before their confidence is taken, see
        `FixMatch`; uniform in the paper of SoftMatch.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1). The paper's 0.999 is meant for a hundred thousand
        steps.

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Running mean of the confidence, for each class the same.
    variance_ : Tensor of shape ()
        Running variance of the confidence.
    mask_rate_ : Tensor of shape ()
        Mean weight of the unlabeled rows of the last batch.

    References
    ----------
    Chen et al., SoftMatch: addressing the quantity-quality trade-off in semi-supervised learning,
    ICLR (2023).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import SoftMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> algorithm = SoftMatch(class_prior="labeled")
    >>> classifier = SemiSupervisedClassifier(algorithm, max_epochs=1, random_state=0).fit(X, y)
    >>> 0 < classifier.history_[-1]["mask_rate"] <= 1
    True
    """

    _parameter_constraints = {
        **AlignedAlgorithm._parameter_constraints,
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "n_sigma": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 1.0,
        n_sigma: float = 2.0,
        class_prior: ClassPrior = "uniform",
        momentum: float = 0.99,
    ) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.n_sigma = n_sigma
        self.class_prior = class_prior
        self.momentum = momentum

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        self.variance_ = torch.ones((), device=y.device)

    def _start_threshold(self, n_classes: int) -> float:
        return 1 / n_classes

    def _update_thresholds(
        self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> None:
        confidence = p.max(dim=1).values
        step = (self.momentum, self.n_steps_)
        # A batch of one row has no unbiased variance.
        variance = confidence.var(correction=min(1, len(confidence) - 1))
        self.thresholds_ = running_mean(self.thresholds_, confidence.mean(), *step)
        self.variance_ = running_mean(self.variance_, variance, *step)

    def _weights(self, p: Tensor, confidence: Tensor, pseudo_label: Tensor) -> Tensor:
        below = (confidence - self.thresholds_[pseudo_label]).clamp(max=0)
        width = 2 * self.variance_.clamp(min=1e-12) / self.n_sigma**2
        return torch.exp(-(below**2) / width)

    def _targets(self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch) -> Tensor:
        return outputs[UNLABELED_WEAK].argmax(dim=1)
