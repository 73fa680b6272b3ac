"""The contract of an algorithm, and the algorithm that ignores unlabeled rows."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "LABELED",
    "LABELED_STRONG",
    "UNLABELED_MEDIUM",
    "UNLABELED_STRONG",
    "UNLABELED_STRONG_2",
    "UNLABELED_WEAK",
    "UNLABELED_WEAK_2",
    "BaseAlgorithm",
    "Network",
    "Supervised",
    "TrainingBatch",
]

LABELED = "labeled_weak"
LABELED_STRONG = "labeled_strong"
UNLABELED_WEAK = "unlabeled_weak"
UNLABELED_WEAK_2 = "unlabeled_weak_2"
UNLABELED_MEDIUM = "unlabeled_medium"
UNLABELED_STRONG = "unlabeled_strong"
UNLABELED_STRONG_2 = "unlabeled_strong_2"


@dataclass(frozen=True)
class TrainingBatch:
    """What an algorithm is told about one batch.

    Parameters
    ----------
    y : Tensor of int64 of shape (n_labeled,)
        Codes of the labeled rows.
    labeled_index : Tensor of int64 of shape (n_labeled,)
        Position of each labeled row among all labeled rows.
    unlabeled_index : Tensor of int64 of shape (n_unlabeled,)
        Position of each unlabeled row among all unlabeled rows.
    progress : float
        Part of the training that is done, in [0, 1].
    views : dict of str to Tensor of shape (n_rows, n_points)
        Input of the network, by view; unlabeled views are absent if no row is unlabeled.

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import TrainingBatch
    >>> nothing = torch.tensor([], dtype=torch.int64)
    >>> TrainingBatch(torch.tensor([1]), torch.tensor([0]), nothing, progress=0.5, views={}).y
    tensor([1])
    """

    y: Tensor
    labeled_index: Tensor
    unlabeled_index: Tensor
    progress: float
    views: dict[str, Tensor]


class Network(Protocol):
    """The network as an algorithm sees it in a training step.

    Called with inputs by view it returns logits by view, and for each of the algorithm's heads an
    entry "<view>_<head>".
    """

    rows_are_independent: bool
    couples_views: bool
    generator: torch.Generator

    def __call__(self, views: dict[str, Tensor]) -> dict[str, Tensor]: ...

    def teacher(self, views: dict[str, Tensor]) -> dict[str, Tensor]: ...

    def frozen_statistics(self) -> AbstractContextManager[None]: ...


class BaseAlgorithm(BaseEstimator):
    """Base class of semi-supervised algorithms.

    An algorithm holds its parameters, which can be searched as ``algorithm__threshold``, and, while
    it is in use, its state: tensors in attributes that end in an underscore. It knows nothing of
    data or scikit-learn's estimators around it.

    Most algorithms say in `views` what they need and in `losses` what follows from the logits.
    Those that ask the network more than once override `step`.

    Attributes
    ----------
    views : tuple of str
        The views that `losses` reads: "labeled_weak", "labeled_strong", "unlabeled_weak",
        "unlabeled_weak_2", "unlabeled_medium", "unlabeled_strong", "unlabeled_strong_2".
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.
    logit_offset_ : Tensor of shape (n_classes,)
        What is added to the logits in the labeled loss.
    """

    views: ClassVar[tuple[str, ...]] = (LABELED, UNLABELED_WEAK, UNLABELED_STRONG)
    _parameter_constraints: dict[str, list[Any]] = {}

    def initialize(
        self, y: Tensor, class_weight: Tensor | None = None, logit_adjustment: float = 0.0
    ) -> None:
        """Make the state afresh, sized by the training rows.

        Parameters
        ----------
        y : Tensor of int64 of shape (n_rows,)
            Codes of the training rows, -1 for unlabeled ones, on the device of the training.
        class_weight : Tensor of shape (n_classes,), default=None
            Weight of each class in the labeled loss; None weighs all classes alike.
        logit_adjustment : float, default=0.0
            Strength of the logit adjustment: so many times the logarithm of the class frequencies
            is added to the logits in the labeled loss, so that the network itself need not learn
            how frequent a class is among the labels.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
        self._validate_params()
        frequencies = self._label_frequencies(y)
        if class_weight is None:
            class_weight = torch.ones_like(frequencies)
        self.class_weight_ = class_weight.to(frequencies)
        self.logit_offset_ = logit_adjustment * frequencies.log()
        self._start(y)

    def _start(self, y: Tensor) -> None:
        """Make the state of a subclass; called by `initialize`."""

    @staticmethod
    def _label_frequencies(y: Tensor) -> Tensor:
        counts = torch.bincount(y[y >= 0])
        return counts / counts.sum()

    @property
    def teacher_decay(self) -> float | None:
        """Decay of the averaged network that `step` asks as a teacher; None needs none."""
        return None

    def heads(self, n_features: int, n_classes: int) -> dict[str, nn.Module]:
        """Make the networks that read the features beside the classifier's last layer.

        Parameters
        ----------
        n_features : int
            Number of inputs of the network's last fully connected layer.
        n_classes : int
            Number of classes.

        Returns
        -------
        dict of str to Module
            Heads, by name; none unless overridden.
        """
        return {}

    def step(self, network: Network, batch: TrainingBatch) -> dict[str, Tensor]:
        """Ask the network and compute the terms of the loss of one batch.

        Parameters
        ----------
        network : callable
            From inputs by view to logits by view: one joint pass over all views that it is given.
        batch : TrainingBatch
            The batch.

        Returns
        -------
        dict of str to Tensor
            Named terms, weighted; their sum is minimized.
        """
        return self.losses(network(batch.views), batch)

    def losses(self, outputs: dict[str, Tensor], batch: TrainingBatch) -> dict[str, Tensor]:
        """Compute the terms of the loss of one batch.

        Parameters
        ----------
        outputs : dict of str to Tensor of shape (n_rows, n_classes)
            Logits of each of the `views`. Unlabeled views are absent if no row is unlabeled.
        batch : TrainingBatch
            The batch.

        Returns
        -------
        dict of str to Tensor
            Named terms, weighted; their sum is minimized. Here "labeled_loss", the cross-entropy of
            the labeled rows; algorithms add terms to it.
        """
        return {"labeled_loss": self._labeled_loss(outputs[LABELED], batch.y)}

    def _labeled_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy of labeled rows (equation 4 of the paper)."""
        return F.cross_entropy(logits + self.logit_offset_, y, weight=self.class_weight_)

    def monitor(self) -> dict[str, float]:
        """Report what is worth a column in the training history.

        Returns
        -------
        dict of str to float
            Values of the last batch, by name.
        """
        return {}

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that make up the state.

        Returns
        -------
        dict of str to Tensor
            State, by attribute name; copies, which later steps do not change.
        """
        return {
            name: value.clone()
            for name, value in vars(self).items()
            if name.endswith("_") and isinstance(value, Tensor)
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over a state.

        Parameters
        ----------
        state : dict of str to Tensor
            What `state` returned.
        """
        for name, value in state.items():
            setattr(self, name, value.clone())


class Supervised(BaseAlgorithm):
    """Train on labeled rows only (equation 4 of the paper): the baseline of all others.

    Attributes
    ----------
    class_weight_ : Tensor of shape (n_classes,)
        Weight of each class in the labeled loss.
    logit_offset_ : Tensor of shape (n_classes,)
        What is added to the logits in the labeled loss.

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.semi_supervised import Supervised
    >>> SemiSupervisedClassifier(Supervised())
    SemiSupervisedClassifier(algorithm=Supervised())
    """

    views = (LABELED,)
