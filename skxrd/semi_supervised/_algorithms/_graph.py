"""Similarity between embeddings: CoMatch and SimMatch."""

from __future__ import annotations

from numbers import Integral, Real

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from skxrd._sklearn import Interval
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._algorithms._base import (
    LABELED,
    UNLABELED_STRONG,
    UNLABELED_STRONG_2,
    UNLABELED_WEAK,
    TrainingBatch,
)
from skxrd.semi_supervised._algorithms._fixmatch import FixMatch
from skxrd.semi_supervised._algorithms._parts import push

__all__ = ["CoMatch", "SimMatch"]

_PROJECTION = "projection"


class EmbeddingAlgorithm(FixMatch):
    """FixMatch with a head that projects features onto the unit sphere."""

    _reads_every_row = True
    _parameter_constraints = {
        **FixMatch._parameter_constraints,
        "smoothing": [Interval(Real, 0, 1, closed="both")],
        "similarity_weight": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        smoothing: float = 0.1,
        similarity_weight: float = 1.0,
        temperature: float = 0.5,
        n_components: int = 64,
        class_prior: ClassPrior = "uniform",
        momentum: float = 0.99,
    ) -> None:
        super().__init__(threshold, unlabeled_weight, class_prior, momentum)
        self.smoothing = smoothing
        self.similarity_weight = similarity_weight
        self.temperature = temperature
        self.n_components = n_components

    @override
    def heads(self, n_features: int, n_classes: int) -> dict[str, nn.Module]:
        projection = nn.Sequential(
            nn.Linear(n_features, n_features),
            nn.ReLU(),
            nn.Linear(n_features, self.n_components),
        )
        return {_PROJECTION: projection}

    def _embedding(self, outputs: dict[str, Tensor], view: str) -> Tensor:
        return F.normalize(outputs[f"{view}_{_PROJECTION}"], dim=1)


class CoMatch(EmbeddingAlgorithm):
    """Pseudo-labels smoothed by neighbors, and a graph of pseudo-labels that embeddings follow.

    The target of a row is, to the part `smoothing`, the mean of the predictions for rows seen
    lately, weighted by the similarity of their embeddings. Rows whose targets agree are then drawn
    together in the space of embeddings.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    smoothing : float, default=0.1
        Share of the neighbors in a target, in [0, 1].
    similarity_weight : float, default=1.0
        Weight of the contrastive loss, at least 0.
    temperature : float, default=0.5
        Temperature of similarities, above 0.
    n_components : int, default=64
        Dimension of the embeddings.
    bank_size : int, default=1024
        Number of rows remembered.
    graph_threshold : float, default=0.8
        Agreement of two targets from which their rows are neighbors in the graph, in [0, 1].
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default="uniform"
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    embedding_bank_ : Tensor of shape (bank_size, n_components)
        Embeddings of the rows seen last.
    probability_bank_ : Tensor of shape (bank_size, n_classes)
        Predictions for them; labels for labeled rows.
    n_banked_ : Tensor of shape ()
        Number of rows in the banks.
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Li et al., CoMatch: semi-supervised learning with contrastive graph regularization, ICCV (2021).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import CoMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(CoMatch(0.52), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.history_[0]["contrastive_loss"] > 0
    True
    """

    views = (LABELED, UNLABELED_WEAK, UNLABELED_STRONG, UNLABELED_STRONG_2)
    _parameter_constraints = {
        **EmbeddingAlgorithm._parameter_constraints,
        "bank_size": [Interval(Integral, 1, None, closed="left")],
        "graph_threshold": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        smoothing: float = 0.1,
        similarity_weight: float = 1.0,
        temperature: float = 0.5,
        n_components: int = 64,
        bank_size: int = 1024,
        graph_threshold: float = 0.8,
        class_prior: ClassPrior = "uniform",
        momentum: float = 0.99,
    ) -> None:
        super().__init__(
            threshold,
            unlabeled_weight,
            smoothing,
            similarity_weight,
            temperature,
            n_components,
            class_prior,
            momentum,
        )
        self.bank_size = bank_size
        self.graph_threshold = graph_threshold

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        n_classes = len(self.label_frequencies_)
        self.embedding_bank_ = torch.zeros(self.bank_size, self.n_components, device=y.device)
        self.probability_bank_ = torch.zeros(self.bank_size, n_classes, device=y.device)
        self.n_banked_ = torch.zeros((), dtype=torch.int64, device=y.device)

    def _pseudo_labels(
        self, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            aligned = self._aligned(outputs[UNLABELED_WEAK].softmax(dim=1))
            embedding = self._embedding(outputs, UNLABELED_WEAK)
            p = self._smoothed(aligned, embedding)
            weight = self._weights(p, *p.max(dim=1))
            labels = F.one_hot(batch.y, p.shape[1]).to(p)
            self._remember(embedding, aligned)
            self._remember(self._embedding(outputs, LABELED), labels)
        self.mask_rate_ = weight.mean()
        self.n_steps_ = self.n_steps_ + 1
        return p, weight

    def _smoothed(self, p: Tensor, embedding: Tensor) -> Tensor:
        n_banked = int(self.n_banked_)
        if n_banked == 0:
            return p
        similarity = embedding.to(self.embedding_bank_) @ self.embedding_bank_[-n_banked:].T
        neighbors = torch.softmax(similarity / self.temperature, dim=1)
        return torch.lerp(p, neighbors @ self.probability_bank_[-n_banked:], self.smoothing)

    def _remember(self, embedding: Tensor, p: Tensor) -> None:
        self.embedding_bank_ = push(self.embedding_bank_, embedding)
        self.probability_bank_ = push(self.probability_bank_, p)
        self.n_banked_ = torch.clamp(self.n_banked_ + len(p), max=self.bank_size)

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        one, two = (self._embedding(outputs, v) for v in (UNLABELED_STRONG, UNLABELED_STRONG_2))
        found = (one @ two.T / self.temperature).log_softmax(dim=1)
        graph = target @ target.T
        graph.fill_diagonal_(1)
        graph = graph * (graph >= self.graph_threshold)
        wanted = graph / graph.sum(dim=1, keepdim=True)
        contrastive = -(wanted * found).sum(dim=1).mean()
        terms["contrastive_loss"] = self.similarity_weight * contrastive
        return terms


class SimMatch(EmbeddingAlgorithm):
    """Weak and strong view must agree on the class and on which labeled rows they are similar to.

    Both kinds of similarity calibrate each other: that to the labeled rows is weighted by the
    predicted classes, and predictions take over, to the part `smoothing`, the classes of the most
    similar labeled rows.

    Parameters
    ----------
    threshold : float, default=0.95
        Confidence from which a prediction counts as a pseudo-label, in [0, 1].
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    smoothing : float, default=0.1
        Share of the labeled neighbors in a target, in [0, 1].
    similarity_weight : float, default=1.0
        Weight of the loss between similarities, at least 0.
    temperature : float, default=0.1
        Temperature of similarities, above 0.
    n_components : int, default=64
        Dimension of the embeddings.
    bank_momentum : float, default=0.7
        Momentum of the remembered embeddings of labeled rows, in [0, 1).
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default="uniform"
        Class frequencies that predictions are aligned with, see `FixMatch`.
    momentum : float, default=0.99
        Momentum of running means, in [0, 1).

    Attributes
    ----------
    embedding_bank_ : Tensor of shape (n_labeled, n_components)
        Embedding of each labeled row; zeros until it is seen.
    label_bank_ : Tensor of int64 of shape (n_labeled,)
        Code of each labeled row.
    thresholds_ : Tensor of shape (n_classes,)
        Threshold of each class.
    mask_rate_ : Tensor of shape ()
        Part of the unlabeled rows of the last batch that were selected.

    References
    ----------
    Zheng et al., SimMatch: semi-supervised learning with similarity matching, CVPR (2022).

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.semi_supervised import SimMatch
    >>> X, y = make_patterns(60, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(SimMatch(0.52), max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(X, y)
    >>> classifier.algorithm_.embedding_bank_.shape
    torch.Size([12, 64])
    """

    _parameter_constraints = {
        **EmbeddingAlgorithm._parameter_constraints,
        "bank_momentum": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        smoothing: float = 0.1,
        similarity_weight: float = 1.0,
        temperature: float = 0.1,
        n_components: int = 64,
        bank_momentum: float = 0.7,
        class_prior: ClassPrior = "uniform",
        momentum: float = 0.99,
    ) -> None:
        super().__init__(
            threshold,
            unlabeled_weight,
            smoothing,
            similarity_weight,
            temperature,
            n_components,
            class_prior,
            momentum,
        )
        self.bank_momentum = bank_momentum

    def _start(self, y: Tensor) -> None:
        super()._start(y)
        self.label_bank_ = y[y >= 0].clone()
        self.embedding_bank_ = torch.zeros(
            len(self.label_bank_), self.n_components, device=y.device
        )

    def _pseudo_labels(
        self, outputs: dict[str, Tensor], batch: TrainingBatch
    ) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            self._remember(self._embedding(outputs, LABELED), batch.labeled_index)
            p = self._aligned(outputs[UNLABELED_WEAK].softmax(dim=1))
            similarity = self._similarity(self._embedding(outputs, UNLABELED_WEAK)).softmax(dim=1)
            self._wanted = F.normalize(similarity * p[:, self.label_bank_], p=1, dim=1)
            neighbors = torch.zeros_like(p).index_add_(1, self.label_bank_, similarity.to(p))
            p = torch.lerp(p, neighbors, self.smoothing)
            weight = self._weights(p, *p.max(dim=1))
        self.mask_rate_ = weight.mean()
        self.n_steps_ = self.n_steps_ + 1
        return p, weight

    def _remember(self, embedding: Tensor, rows: Tensor) -> None:
        old, new = self.embedding_bank_[rows], embedding.to(self.embedding_bank_)
        self.embedding_bank_[rows] = F.normalize(torch.lerp(new, old, self.bank_momentum), dim=1)

    def _similarity(self, embedding: Tensor) -> Tensor:
        """Similarity to each labeled row; those not seen yet are infinitely far."""
        unseen = self.embedding_bank_.norm(dim=1) == 0
        similarity = embedding @ self.embedding_bank_.T / self.temperature
        return similarity.masked_fill(unseen, -1e9)

    def _terms(
        self, outputs: dict[str, Tensor], batch: TrainingBatch, target: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        terms = super()._terms(outputs, batch, target, weight)
        found = self._similarity(self._embedding(outputs, UNLABELED_STRONG)).log_softmax(dim=1)
        loss = -(self._wanted * found).sum(dim=1).mean()
        terms["similarity_loss"] = self.similarity_weight * loss
        return terms
