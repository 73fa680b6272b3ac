"""Pseudo-labels on the view they were made from."""

from __future__ import annotations

from numbers import Real

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._base import LABELED, UNLABELED_WEAK
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
    >>> import torch
    >>> from skxrd.semi_supervised import PseudoLabel
    >>> algorithm = PseudoLabel(threshold=0.5)
    >>> algorithm.initialize(n_classes=2, n_unlabeled=1, device=torch.device("cpu"))
    >>> logits = torch.tensor([[0.0, 0.0]])
    >>> outputs = {"labeled_weak": logits, "unlabeled_weak": logits}
    >>> algorithm.losses(outputs, torch.tensor([1]), torch.tensor([0]), progress=0.2)
    {'labeled_loss': tensor(0.6931), 'unlabeled_loss': tensor(0.3466)}
    """

    views = (LABELED, UNLABELED_WEAK)
    target_view = UNLABELED_WEAK
    _parameter_constraints = {
        **ThresholdAlgorithm._parameter_constraints,
        "ramp_up": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self, threshold: float = 0.95, unlabeled_weight: float = 1.0, ramp_up: float = 0.4
    ) -> None:
        super().__init__(threshold, unlabeled_weight)
        self.ramp_up = ramp_up

    def _weight(self, progress: float) -> float:
        ramp = 1.0 if progress >= self.ramp_up else progress / self.ramp_up
        return self.unlabeled_weight * ramp
