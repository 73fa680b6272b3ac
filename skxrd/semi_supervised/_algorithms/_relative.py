"""Thresholds relative to labeled rows: AdaMatch, by confidence, and Dash, by loss."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import AlignedAlgorithm, ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._fixmatch import FixMatch
from skxrd.semi_supervised._algorithms._parts import align, running_mean
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["AdaMatch", "Dash"]


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
