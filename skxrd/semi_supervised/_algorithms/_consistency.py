"""Consistency without pseudo-labels: Pi-model, temporal ensembling, mean teacher and VAT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_WEAK,
    UNLABELED_WEAK_2,
    BaseAlgorithm,
    Network,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._parts import kl_divergence, ramp_up

__all__ = ["VAT", "MeanTeacher", "PiModel", "TemporalEnsembling"]


class ConsistencyAlgorithm(BaseAlgorithm):
    """Labeled loss, and the mean squared difference between predicted and target probabilities."""

    _parameter_constraints: dict[str, list[Any]] = {
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "ramp_up": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, unlabeled_weight: float = 1.0, ramp_up: float = 0.4) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.ramp_up = ramp_up

    def _weight(self, progress: float) -> float:
        return self.unlabeled_weight * ramp_up(progress, self.ramp_up)

    def _consistency(self, logits: Tensor, target: Tensor, progress: float) -> Tensor:
        return self._weight(progress) * (logits.softmax(dim=1) - target).square().mean()


class PiModel(ConsistencyAlgorithm):
    """Two weak views of a row, each with its own dropout, must be predicted alike.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].

    Attributes
    ----------
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.

    References
    ----------
    Laine and Aila, Temporal ensembling for semi-supervised learning, ICLR (2017).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import PiModel
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(PiModel(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> sorted(set(classifier.history_[0]) & {"labeled_loss", "unlabeled_loss"})
    ['labeled_loss', 'unlabeled_loss']
    """

    views = (LABELED, UNLABELED_WEAK, UNLABELED_WEAK_2)

    @override
    def losses(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> dict[str, Tensor]:
        terms = super().losses(outputs, batch)
        if UNLABELED_WEAK in outputs:
            target = outputs[UNLABELED_WEAK].detach().softmax(dim=1)
            terms["unlabeled_loss"] = self._consistency(
                outputs[UNLABELED_WEAK_2], target, batch.progress
            )
        return terms


class TemporalEnsembling(ConsistencyAlgorithm):
    """A row must be predicted as it was, on average, in earlier passes.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].
    decay : float, default=0.6
        Decay of the running mean of predictions per pass, in [0, 1).

    Attributes
    ----------
    ensemble_ : Tensor of shape (n_unlabeled, n_classes)
        Running mean of the predicted probabilities of each unlabeled row, not yet corrected for its
        start at zero.
    n_passes_ : Tensor of shape (n_unlabeled,)
        Number of passes in which each unlabeled row was seen.

    References
    ----------
    Laine and Aila, Temporal ensembling for semi-supervised learning, ICLR (2017).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import TemporalEnsembling
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(TemporalEnsembling(), max_epochs=2, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.algorithm_.n_passes_.unique()
    tensor([2.])
    """

    views = (LABELED, UNLABELED_WEAK)
    _parameter_constraints = {
        **ConsistencyAlgorithm._parameter_constraints,
        "decay": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self, unlabeled_weight: float = 1.0, ramp_up: float = 0.4, decay: float = 0.6
    ) -> None:
        super().__init__(unlabeled_weight, ramp_up)
        self.decay = decay

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        n_unlabeled = int((y == -1).sum())
        self.ensemble_ = torch.zeros(n_unlabeled, len(self.class_weight_), device=y.device)
        self.n_passes_ = torch.zeros(n_unlabeled, device=y.device)

    @override
    def losses(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> dict[str, Tensor]:
        terms = super().losses(outputs, batch)
        if UNLABELED_WEAK not in outputs:
            return terms
        rows = batch.unlabeled_index
        p = outputs[UNLABELED_WEAK].detach().softmax(dim=1)
        correction = 1 - self.decay ** self.n_passes_[rows, None]
        # In its first pass a row has no history: its own prediction is its target.
        target = torch.where(
            correction > 0, self.ensemble_[rows] / correction.clamp(min=1e-12), p.to(self.ensemble_)
        )
        terms["unlabeled_loss"] = self._consistency(outputs[UNLABELED_WEAK], target, batch.progress)
        self.ensemble_[rows] = torch.lerp(p.to(self.ensemble_), self.ensemble_[rows], self.decay)
        self.n_passes_[rows] += 1
        return terms


class MeanTeacher(PiModel):
    """The averaged network teaches: its predictions are the targets of a second weak view.

    The teacher is the exponential moving average of the network's weights and buffers. It predicts
    without dropout, and normalizes by the statistics of the batch, as the student does.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].
    decay : float, default=0.99
        Decay of the average per step, in [0, 1); lower in the first steps, where the average would
        otherwise hold on to the initial weights.

    Attributes
    ----------
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.

    References
    ----------
    Tarvainen and Valpola, Mean teachers are better role models, NeurIPS (2017).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import MeanTeacher
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(MeanTeacher(), max_epochs=2, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[-1]["unlabeled_loss"] > 0
    True
    """

    _parameter_constraints = {
        **PiModel._parameter_constraints,
        "decay": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self, unlabeled_weight: float = 1.0, ramp_up: float = 0.4, decay: float = 0.99
    ) -> None:
        super().__init__(unlabeled_weight, ramp_up)
        self.decay = decay

    @property
    def teacher_decay(self) -> float:
        """Decay of the averaged network."""
        return self.decay

    @override
    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        views = dict(batch.views)
        weak = views.pop(UNLABELED_WEAK, None)
        outputs = network(views)
        if weak is not None:
            outputs |= network.teacher({UNLABELED_WEAK: weak})
        return self.losses(outputs, batch)


class VAT(ConsistencyAlgorithm):
    """Virtual adversarial training: the worst small change of a pattern must not matter.

    One step of power iteration finds the direction in which a change of norm `radius` changes the
    prediction most; the divergence that it causes is minimized, and so is the entropy of the
    predictions.

    Parameters
    ----------
    unlabeled_weight : float, default=0.3
        Weight of the adversarial loss, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].
    radius : float, default=1.0
        Euclidean norm of the change, above 0, in units of the network's input; the paper's epsilon.
    entropy_weight : float, default=0.06
        Weight of the entropy of the predictions, at least 0.
    xi : float, default=1e-3
        Norm of the change with which the direction is found, above 0, in the same units. The
        single precision of the logits makes the reference code's 1e-6 a matter of luck.

    Attributes
    ----------
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.

    Notes
    -----
    Batch statistics see the perturbed patterns of the second pass, those of the power iteration
    leave no trace in them.

    References
    ----------
    Miyato et al., Virtual adversarial training: a regularization method for supervised and
    semi-supervised learning, IEEE TPAMI (2019).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import VAT
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(VAT(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[0]["entropy_loss"] > 0
    True
    """

    views = (LABELED, UNLABELED_WEAK)
    _parameter_constraints = {
        **ConsistencyAlgorithm._parameter_constraints,
        "radius": [Interval(Real, 0, None, closed="neither")],
        "entropy_weight": [Interval(Real, 0, None, closed="left")],
        "xi": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 0.3,
        ramp_up: float = 0.4,
        radius: float = 1.0,
        entropy_weight: float = 0.06,
        xi: float = 1e-3,
    ) -> None:
        super().__init__(unlabeled_weight, ramp_up)
        self.radius = radius
        self.entropy_weight = entropy_weight
        self.xi = xi

    @override
    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        if UNLABELED_WEAK not in batch.views:
            return super().step(network, batch)
        views = dict(batch.views)
        X = views.pop(UNLABELED_WEAK)
        outputs: dict[str, Tensor] = {}
        if not network.couples_views:
            outputs, views = network(views), {}
        seed = int(torch.randint(2**31 - 1, (), generator=network.generator))

        def ask(X: Tensor) -> dict[str, Tensor]:
            # The divergence must come from the change alone: each pass has the same dropout masks,
            # and the same company in batch normalization.
            with _seeded_dropout(seed, X.device):
                return network({**views, UNLABELED_WEAK: X})

        outputs |= ask(X)
        with network.frozen_statistics():
            change = self._adversarial(ask, X, outputs[UNLABELED_WEAK], network.generator)
        outputs["adversarial"] = ask(X + change)[UNLABELED_WEAK]
        return self.losses(outputs, batch)

    def _adversarial(
        self,
        ask: Callable[[Tensor], dict[str, Tensor]],
        X: Tensor,
        logits: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        p = logits.detach().softmax(dim=1)
        noise = torch.randn(X.shape, generator=generator).to(X)
        change = (self.xi * F.normalize(noise)).requires_grad_()
        attacked = ask(X + change)[UNLABELED_WEAK]
        (gradient,) = torch.autograd.grad(kl_divergence(p, attacked).sum(), change)
        return self.radius * F.normalize(gradient)

    @override
    def losses(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> dict[str, Tensor]:
        terms = super().losses(outputs, batch)
        if UNLABELED_WEAK not in outputs:
            return terms
        logits = outputs[UNLABELED_WEAK]
        divergence = kl_divergence(logits.detach().softmax(dim=1), outputs["adversarial"])
        terms["unlabeled_loss"] = self._weight(batch.progress) * divergence.mean()
        entropy = -(logits.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1)
        terms["entropy_loss"] = self.entropy_weight * entropy.mean()
        return terms


@contextmanager
def _seeded_dropout(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
