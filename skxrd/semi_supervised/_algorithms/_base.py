"""The contract of an algorithm, and the algorithm that ignores unlabeled rows."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional as F

__all__ = ["LABELED", "UNLABELED_STRONG", "UNLABELED_WEAK", "BaseAlgorithm", "Supervised"]

LABELED = "labeled_weak"
UNLABELED_WEAK = "unlabeled_weak"
UNLABELED_STRONG = "unlabeled_strong"


class BaseAlgorithm(BaseEstimator):
    """Base class of semi-supervised algorithms.

    An algorithm holds its parameters, which can be searched as ``algorithm__threshold``, and, while
    it is in use, its state: tensors in attributes that end in an underscore. It knows nothing of
    networks, data or scikit-learn's estimators around it.

    Attributes
    ----------
    views : tuple of str
        The views that `losses` reads: "labeled_weak", "unlabeled_weak" and "unlabeled_strong".
    """

    views: ClassVar[tuple[str, ...]] = (LABELED, UNLABELED_WEAK, UNLABELED_STRONG)
    _parameter_constraints: dict[str, list[Any]] = {}

    def initialize(self, n_classes: int, n_unlabeled: int, device: torch.device) -> None:
        """Make the state afresh, sized by the data.

        Parameters
        ----------
        n_classes : int
            Number of classes.
        n_unlabeled : int
            Number of unlabeled rows.
        device : torch.device
            Device of the state.
        """
        self.check()

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
        self._validate_params()

    @abstractmethod
    def losses(
        self, outputs: dict[str, Tensor], y: Tensor, index: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Compute the terms of the loss of one batch.

        Parameters
        ----------
        outputs : dict of str to Tensor of shape (n_rows, n_classes)
            Logits of each of the `views`. Unlabeled views are absent if no row is unlabeled.
        y : Tensor of int64 of shape (n_labeled,)
            Codes of the labeled rows.
        index : Tensor of int64 of shape (n_unlabeled_in_batch,)
            Position of each unlabeled row among all unlabeled rows.
        progress : float
            Part of the training that is done, in [0, 1].

        Returns
        -------
        dict of str to Tensor
            Named terms, weighted; their sum is minimized.
        """

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
            State, by attribute name.
        """
        return {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}


class Supervised(BaseAlgorithm):
    """Train on labeled rows only (equation 4 of the paper): the baseline of all others.

    Examples
    --------
    >>> import torch
    >>> from skxrd.semi_supervised import Supervised
    >>> logits = torch.tensor([[0.0, 0.0]])
    >>> Supervised().losses({"labeled_weak": logits}, torch.tensor([1]), None, 0.0)
    {'labeled_loss': tensor(0.6931)}
    """

    views = (LABELED,)

    def losses(
        self, outputs: dict[str, Tensor], y: Tensor, index: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Compute the cross-entropy of the labeled rows.

        Parameters
        ----------
        outputs : dict of str to Tensor of shape (n_rows, n_classes)
            Logits of each of the `views`.
        y : Tensor of int64 of shape (n_labeled,)
            Codes of the labeled rows.
        index : Tensor of int64 of shape (n_unlabeled_in_batch,)
            Not used.
        progress : float
            Not used.

        Returns
        -------
        dict of str to Tensor
            The term "labeled_loss".
        """
        return {"labeled_loss": F.cross_entropy(outputs[LABELED], y)}
