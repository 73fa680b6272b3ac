"""Batches of labeled and unlabeled rows side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from skxrd._labels import UNLABELED

__all__ = ["PairedBatches", "PlainBatches"]

Batch = tuple[dict[str, Tensor], Tensor]


class PairedBatches:
    """One pass over the training rows: labeled rows first in each batch, then unlabeled ones.

    Each unlabeled row comes exactly once a pass. A batch holds up to `batch_size` labeled and
    `unlabeled_ratio` times as many unlabeled rows; labeled rows, the scarce ones, are reshuffled
    and repeated as often as it takes.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Patterns and codes, -1 for unlabeled rows.
    batch_size : int
        Labeled rows in a batch, at most.
    unlabeled_ratio : int
        Unlabeled rows in a batch, at most, per labeled row of a full batch.
    with_unlabeled : bool
        Whether batches hold unlabeled rows; their number does not depend on it.
    generator : torch.Generator
        Source of the order.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        *,
        unlabeled_ratio: int,
        with_unlabeled: bool,
        generator: torch.Generator,
    ) -> None:
        self.X = torch.as_tensor(dataset.X)
        self.y = torch.as_tensor(dataset.y)
        self.labeled = torch.nonzero(self.y != UNLABELED).ravel()
        self.unlabeled = torch.nonzero(self.y == UNLABELED).ravel()
        self.batch_size = min(batch_size, len(self.labeled))
        self.with_unlabeled = with_unlabeled
        self.generator = generator
        self._n_batches = max(
            -(-len(self.labeled) // batch_size),
            -(-len(self.unlabeled) // (batch_size * unlabeled_ratio)),
        )

    def __len__(self) -> int:
        return self._n_batches

    def __iter__(self) -> Iterator[Batch]:
        n_rounds = -(-len(self) * self.batch_size // len(self.labeled))
        rounds = [self._shuffled(len(self.labeled)) for _ in range(n_rounds)]
        labeled = torch.cat(rounds)[: len(self) * self.batch_size]
        unlabeled = self._shuffled(len(self.unlabeled) if self.with_unlabeled else 0)
        for some, others in zip(
            labeled.tensor_split(len(self)), unlabeled.tensor_split(len(self)), strict=True
        ):
            rows = torch.cat([self.labeled[some], self.unlabeled[others]])
            # The index tells an algorithm with a memory which unlabeled row it sees.
            index = torch.cat([torch.full_like(some, UNLABELED), others])
            yield {"X": self.X[rows], "index": index}, self.y[rows]

    def _shuffled(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator)


class PlainBatches:
    """Rows in their order, for prediction.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Patterns.
    batch_size : int
        Rows in a batch, at most.
    """

    def __init__(self, dataset: Any, batch_size: int) -> None:
        self.X = torch.as_tensor(dataset.X)
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.X) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for X in self.X.split(self.batch_size):
            yield X, torch.zeros(len(X))
