"""Convex mixtures of patterns and of their targets: MixMatch and ReMixMatch."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import AlignedAlgorithm, ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_STRONG,
    UNLABELED_STRONG_2,
    UNLABELED_WEAK,
    UNLABELED_WEAK_2,
    BaseAlgorithm,
    Network,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._parts import mixup, ramp_up, sharpen

__all__ = ["MixMatch", "ReMixMatch"]

_N_QUARTERS = 4
_ROLLED = "unlabeled_rolled"


class MixMatch(BaseAlgorithm):
    """Labeled and unlabeled rows are mixed, and so are labels and guessed labels.

    The guess for an unlabeled row is the sharpened mean of the predictions for two weak views.
    Mixtures that are mainly labeled rows make a cross-entropy, the others a squared difference.

    Parameters
    ----------
    unlabeled_weight : float, default=5.0
        Weight of the squared difference, at least 0. The paper's 75 to 250 are meant for ten
        classes and many thousand steps.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].
    temperature : float, default=0.5
        Temperature of the guesses, above 0; below 1 it sharpens them.
    alpha : float, default=0.75
        Parameter of the Beta distribution of the shares in a mixture, above 0.

    Attributes
    ----------
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.

    Notes
    -----
    Rows are mixed after rendering: a mixture of two patterns is the pattern of a mixture of two
    phases if the rendering is linear. Logit adjustment does not apply to mixed labels.

    References
    ----------
    Berthelot et al., MixMatch: a holistic approach to semi-supervised learning, NeurIPS (2019).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import MixMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(MixMatch(), max_epochs=2, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[-1]["unlabeled_loss"] > 0
    True
    """

    views = (LABELED, UNLABELED_WEAK, UNLABELED_WEAK_2)
    _parameter_constraints: dict[str, list[Any]] = {
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "ramp_up": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 5.0,
        ramp_up: float = 0.4,
        temperature: float = 0.5,
        alpha: float = 0.75,
    ) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.ramp_up = ramp_up
        self.temperature = temperature
        self.alpha = alpha

    @override
    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        if UNLABELED_WEAK not in batch.views:
            return super().step(network, batch)
        pair = {view: batch.views[view] for view in (UNLABELED_WEAK, UNLABELED_WEAK_2)}
        with torch.no_grad(), network.frozen_statistics():
            guesses = [logits.softmax(dim=1) for logits in network(pair).values()]
        guess = sharpen(torch.stack(guesses).mean(dim=0), self.temperature)
        return self._mixed_terms(network, batch, guess)

    def _mixed_terms(
        self, network: Network, batch: TrainingBatch, guess: Tensor
    ) -> dict[str, Tensor]:
        outputs, targets = _ask_about_mixtures(network, batch, guess, self.alpha)
        squared = [
            (outputs[view].softmax(dim=1) - targets[view]).square().mean()
            for view in (UNLABELED_WEAK, UNLABELED_WEAK_2)
        ]
        weight = self.unlabeled_weight * ramp_up(batch.progress, self.ramp_up)
        return {
            "labeled_loss": F.cross_entropy(outputs[LABELED], targets[LABELED], self.class_weight_),
            "unlabeled_loss": weight * torch.stack(squared).mean(),
        }


class ReMixMatch(AlignedAlgorithm):
    """MixMatch with aligned distributions, strong views as anchors, and a pretext task.

    The guess for an unlabeled row is the aligned and sharpened prediction for its weak view; two
    strong views and the weak one are mixed with the labeled rows. The first strong view is also
    taught without being mixed, and rolled along the two-theta axis by none, one, two or three
    quarters of it: a head has to tell by how many. For images the pretext task is a rotation.
    Diffraction patterns have an orientation as well: at low angles few and strong lines, at high
    angles many and weak ones.

    Parameters
    ----------
    unlabeled_weight : float, default=1.0
        Weight of the loss of mixtures that are mainly unlabeled rows, at least 0.
    strong_weight : float, default=0.5
        Weight of the loss of the strong view that is not mixed, at least 0.
    pretext_weight : float, default=0.5
        Weight of the loss of the pretext task, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which the first two weights grow linearly from zero, in [0, 1].
    temperature : float, default=0.5
        Temperature of the guesses, above 0; below 1 it sharpens them.
    alpha : float, default=0.75
        Parameter of the Beta distribution of the shares in a mixture, above 0.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default="labeled"
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    class_prior_ : Tensor of shape (n_classes,)
        Class frequencies that predictions are aligned with.
    model_distribution_ : Tensor of shape (n_classes,)
        Running mean of the predictions before alignment.

    References
    ----------
    Berthelot et al., ReMixMatch: semi-supervised learning with distribution matching and
    augmentation anchoring, ICLR (2020).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import ReMixMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(ReMixMatch(), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[0]["pretext_loss"] > 0
    True
    """

    views = (LABELED, UNLABELED_STRONG, UNLABELED_STRONG_2, UNLABELED_WEAK)
    _parameter_constraints = {
        **MixMatch._parameter_constraints,
        **AlignedAlgorithm._parameter_constraints,
        "strong_weight": [Interval(Real, 0, None, closed="left")],
        "pretext_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        unlabeled_weight: float = 1.0,
        strong_weight: float = 0.5,
        pretext_weight: float = 0.5,
        ramp_up: float = 0.4,
        temperature: float = 0.5,
        alpha: float = 0.75,
        class_prior: ClassPrior = "labeled",
        momentum: float = 0.99,
    ) -> None:
        self.unlabeled_weight = unlabeled_weight
        self.strong_weight = strong_weight
        self.pretext_weight = pretext_weight
        self.ramp_up = ramp_up
        self.temperature = temperature
        self.alpha = alpha
        self.class_prior = class_prior
        self.momentum = momentum

    @override
    def heads(self, n_features: int, n_classes: int) -> dict[str, nn.Module]:
        return {"pretext": nn.Linear(n_features, _N_QUARTERS)}

    @override
    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        if UNLABELED_WEAK not in batch.views:
            return super().step(network, batch)
        with torch.no_grad(), network.frozen_statistics():
            weak = network({UNLABELED_WEAK: batch.views[UNLABELED_WEAK]})[UNLABELED_WEAK]
            guess = sharpen(self._aligned(weak.softmax(dim=1)), self.temperature)
        self.n_steps_ = self.n_steps_ + 1
        mixtures, targets = _ask_about_mixtures(network, batch, guess, self.alpha)
        anchors = batch.views[UNLABELED_STRONG]
        quarters = torch.randint(_N_QUARTERS, (len(anchors),), generator=network.generator)
        outputs = network(
            {UNLABELED_STRONG: anchors, _ROLLED: _rolled(anchors, quarters.to(anchors.device))}
        )
        outputs |= {f"mixed_{view}": logits for view, logits in mixtures.items()}
        return self._anchored_terms(outputs, targets, guess, quarters, batch.progress)

    def _anchored_terms(
        self,
        outputs: dict[str, Tensor],
        targets: dict[str, Tensor],
        guess: Tensor,
        quarters: Tensor,
        progress: float,
    ) -> dict[str, Tensor]:
        ramp = ramp_up(progress, self.ramp_up)
        mixed = [
            F.cross_entropy(outputs[f"mixed_{view}"], targets[view])
            for view in (UNLABELED_STRONG, UNLABELED_STRONG_2, UNLABELED_WEAK)
        ]
        pretext = outputs[f"{_ROLLED}_pretext"]
        return {
            "labeled_loss": F.cross_entropy(
                outputs[f"mixed_{LABELED}"], targets[LABELED], self.class_weight_
            ),
            "unlabeled_loss": self.unlabeled_weight * ramp * torch.stack(mixed).mean(),
            "strong_loss": self.strong_weight
            * ramp
            * F.cross_entropy(outputs[UNLABELED_STRONG], guess),
            "pretext_loss": self.pretext_weight
            * F.cross_entropy(pretext, quarters.to(pretext.device)),
        }


def _ask_about_mixtures(
    network: Network, batch: TrainingBatch, guess: Tensor, alpha: float
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Mix all views of a batch; return logits and targets of the mixtures by view."""
    labels = F.one_hot(batch.y, guess.shape[1]).to(guess)
    known = [labels if view == LABELED else guess for view in batch.views]
    sizes = [len(target) for target in known]
    inputs, targets = mixup(
        torch.cat(list(batch.views.values())), torch.cat(known), alpha, network.generator
    )
    mixed = dict(zip(batch.views, inputs.split(sizes), strict=True))
    return network(mixed), dict(zip(batch.views, targets.split(sizes), strict=True))


def _rolled(X: Tensor, quarters: Tensor) -> Tensor:
    """Roll each row by so many quarters of the axis, towards high angles."""
    n_points = X.shape[1]
    shift = quarters[:, None] * n_points // _N_QUARTERS
    source = (torch.arange(n_points, device=X.device) - shift) % n_points
    return X.gather(1, source)
