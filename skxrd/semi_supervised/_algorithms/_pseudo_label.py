"""Pseudo-labels on the view they were made from."""

from __future__ import annotations

from numbers import Real

from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._algorithms._base import LABELED, UNLABELED_WEAK
from skxrd.semi_supervised._algorithms._parts import ramp_up
from skxrd.semi_supervised._algorithms._threshold import ThresholdAlgorithm

__all__ = ["PseudoLabel"]


class PseudoLabel(ThresholdAlgorithm):
    """Train on confident predictions as if they were labels.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    ramp_up : float, default=0.4
        Part of the training over which that weight grows linearly from zero, in [0, 1].
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
    Lee, Pseudo-Label: the simple and efficient semi-supervised learning method for deep neural
    networks, ICML workshop (2013).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import PseudoLabel
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(PseudoLabel(0.9), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.algorithm_.thresholds_
    tensor([0.9000, 0.9000])
    """

    views = (LABELED, UNLABELED_WEAK)
    _parameter_constraints = {
        **ThresholdAlgorithm._parameter_constraints,
        "ramp_up": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        ramp_up: float = 0.4,
        class_prior: ClassPrior = None,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, class_prior, momentum)
        self.ramp_up = ramp_up

    def _consistency(self, outputs: dict[str, Tensor], target: Tensor, weight: Tensor) -> Tensor:
        return weight * F.cross_entropy(outputs[UNLABELED_WEAK], target, reduction="none")

    def _unlabeled_weight(self, progress: float) -> float:
        return self.unlabeled_weight * ramp_up(progress, self.ramp_up)
