"""Batches of labeled and unlabeled rows side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from skxrd._labels import UNLABELED
from skxrd._tensors import to_tensor

__all__ = ["EXCLUDED", "PairedBatches", "PlainBatches", "n_batches"]

# Code of rows that are in the array and take no part in the training.
EXCLUDED = -2

Batch = tuple[dict[str, Tensor], Tensor]


def n_batches(n_labeled: int, n_unlabeled: int, batch_size: int, unlabeled_ratio: int) -> int:
    """Count the batches of a pass that holds every row at least once."""
    return max(-(-n_labeled // batch_size), -(-n_unlabeled // (batch_size * unlabeled_ratio)))


class PairedBatches:
    """One pass over the training rows: labeled rows first in each batch, then unlabeled ones.

    Each unlabeled row comes exactly once a pass. A batch holds up to `batch_size` labeled and
    `unlabeled_ratio` times as many unlabeled rows; labeled rows, the scarce ones, are reshuffled
    and repeated as often as it takes. Rows are copied batch by batch, so that a memory-mapped array
    is never read as a whole.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Patterns and codes: -1 for unlabeled rows, -2 for rows that are left out.
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
        self.X: NDArray[Any] = dataset.X
        self.y = torch.as_tensor(dataset.y)
        self.labeled = torch.nonzero(self.y >= 0).ravel()
        self.unlabeled = torch.nonzero(self.y == UNLABELED).ravel()
        self.batch_size = min(batch_size, len(self.labeled))
        self.with_unlabeled = with_unlabeled
        self.generator = generator
        self._n_batches = n_batches(
            len(self.labeled), len(self.unlabeled), batch_size, unlabeled_ratio
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
            # The index tells an algorithm with a memory which row of its kind it sees.
            data = {"X": to_tensor(self.X[rows.numpy()]), "index": torch.cat([some, others])}
            yield data, self.y[rows]

    def _shuffled(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator)


class PlainBatches:
    """Rows in their order, for prediction and validation.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Patterns and, for validation, codes.
    batch_size : int
        Rows in a batch, at most.
    """

    def __init__(self, dataset: Any, batch_size: int) -> None:
        self.X, self.y = dataset.X, dataset.y
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.X) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self.X), self.batch_size):
            rows = slice(start, start + self.batch_size)
            X = to_tensor(self.X[rows])
            yield X, torch.zeros(len(X)) if self.y is None else torch.as_tensor(self.y[rows])
