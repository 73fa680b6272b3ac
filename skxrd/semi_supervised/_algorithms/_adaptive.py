"""Thresholds that follow the training: FlexMatch, FreeMatch, SoftMatch, AdaMatch and Dash."""

from __future__ import annotations

import math
from numbers import Real
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval, StrOptions
from skxrd.semi_supervised._algorithms._alignment import AlignedAlgorithm, ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._fixmatch import FixMatch
from skxrd.semi_supervised._algorithms._parts import align, running_mean
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["AdaMatch", "Dash", "FlexMatch", "FreeMatch", "SoftMatch"]


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
    training can then end with one class for all rows; a small `unlabeled_weight` prevents that, and
    so do `FixMatch` and `Dash`. Counts and thresholds are updated with a batch before they are
    applied to it.

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


class AdaMatch(FixMatch):
    """A threshold relative to the confidence on labeled rows, and aligned distributions.

    Parameters
    ----------
    threshold : float, default=0.95
        Part of the mean confidence on the labeled rows of the batch from which a prediction counts
        as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`. None stands for the
        running mean of the predictions for labeled rows, as in the paper of AdaMatch.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1). The paper's 0.999 is meant for a hundred thousand
        steps.

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of the last batch, for each class the same.
    class_prior_ : Tensor of shape (n_classes,)
        Class frequencies that predictions are aligned with.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    Notes
    -----
    The random interpolation of logits between batches with and without unlabeled rows, which the
    paper made for domain adaptation, is left out.

    References
    ----------
    Berthelot et al., AdaMatch: a unified approach to semi-supervised learning and domain
    adaptation, ICLR (2022).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import AdaMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(AdaMatch(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> bool(classifier.algorithm_.thresholds_[0] < 0.95)
    True
    """

    def _pseudo_labels(
        self, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> tuple[Tensor, Tensor]:
        labeled = outputs[LABELED].detach().softmax(dim=1)
        confidence = labeled.max(dim=1).values.mean()
        self.thresholds_ = torch.full_like(self.thresholds_, self.threshold) * confidence
        if self.class_prior is None:
            self.class_prior_ = running_mean(
                self.class_prior_, labeled.mean(dim=0), self.momentum, self.n_steps_
            )
        return super()._pseudo_labels(outputs, batch)

    def _aligned(self, p: Tensor) -> Tensor:
        if self.class_prior is not None:
            return super()._aligned(p)
        self.model_distribution_ = running_mean(
            self.model_distribution_, p.mean(dim=0), self.momentum, self.n_steps_
        )
        return align(p, self.model_distribution_, self.class_prior_)


class Dash(ThresholdAlgorithm):
    """A threshold on the loss that falls over the training from that of labeled rows.

    A first part of the training is supervised. The mean labeled loss over it, rho_0, is the
    reference: afterwards a pseudo-label counts if its own loss, minus the logarithm of its
    confidence, is at most rho = max(`scale` gamma^(-`n_decays` t) rho_0, `lowest_loss`), with t the
    part of the remaining training that is done.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    warm_up : float, default=0.1
        Part of the training that is supervised, in [0, 1).
    gamma : float, default=1.27
        Factor by which the limit falls, above 1.
    n_decays : float, default=20
        How many times it falls by that factor over the training, at least 0.
    scale : float, default=1.0001
        Limit at the beginning, in units of the reference loss, above 0.
    lowest_loss : float, default=0.05
        Lowest limit, above 0; 0.05 is a confidence of 0.95.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    thresholds_ : Tensor of shape (n_classes,)
        Confidence that corresponds to the limit, for each class the same; above 1 in the warm-up.
    reference_loss_ : Tensor of shape ()
        Running mean of the labeled loss over the warm-up.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    Notes
    -----
    The reference loss is that of training rows; a well-known implementation takes it from the test
    rows.

    References
    ----------
    Xu et al., Dash: semi-supervised learning with dynamic thresholding, ICML (2021).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import Dash
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(Dash(), max_epochs=2, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> bool(classifier.algorithm_.reference_loss_ > 0)
    True
    """

    _parameter_constraints = {
        **AlignedAlgorithm._parameter_constraints,
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "warm_up": [Interval(Real, 0, 1, closed="left")],
        "gamma": [Interval(Real, 1, None, closed="neither")],
        "n_decays": [Interval(Real, 0, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
        "lowest_loss": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 1.0,
        warm_up: float = 0.1,
        gamma: float = 1.27,
        n_decays: float = 20,
        scale: float = 1.0001,
        lowest_loss: float = 0.05,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.warm_up = warm_up
        self.gamma = gamma
        self.n_decays = n_decays
        self.scale = scale
        self.lowest_loss = lowest_loss
        self.class_prior = class_prior
        self.momentum = momentum

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        # The loss of chance stands for the first batch.
        self.reference_loss_ = torch.tensor(math.log(len(self.thresholds_)), device=y.device)

    def _start_threshold(self, n_classes: int) -> float:
        return 1 + 1e-6  # no confidence reaches it

    def _update_thresholds(
        self, p: Tensor, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> None:
        if batch.progress < self.warm_up:
            loss = F.cross_entropy(outputs[LABELED], batch.y)
            self.reference_loss_ = running_mean(
                self.reference_loss_, loss, self.momentum, self.n_steps_
            )
            return
        done = (batch.progress - self.warm_up) / (1 - self.warm_up)
        limit = self.scale * self.gamma ** (-self.n_decays * done) * self.reference_loss_
        confidence = torch.exp(-limit.clamp(min=self.lowest_loss))
        self.thresholds_ = confidence.expand_as(self.thresholds_).clone()
