"""The training step of the nearest peer, written once more so that it runs on a CPU.

The paper's own code is a fork of USB (the package semilearn), and so this is what a user would run
otherwise. semilearn 0.3.2 itself does not train on a CPU: `process_batch` sends every tensor to
"cuda" (semilearn 0.3.2, core/algorithmbase.py, line 293) and `TimerHook` and `ParamUpdateHook` make
CUDA events (core/hooks/timer.py, line 39; core/hooks/param_update.py, line 17). Replicated here is
the arithmetic of a step and the way its rows are loaded:

- one forward pass over the concatenated labeled, weak and strong rows, and one backward pass
  through all of it (algorithms/flexmatch/flexmatch.py, lines 64-70; `use_cat` is on by default,
  lighting/config.py, line 71): weak rows are carried through the backward pass although their
  gradient is zero without batch normalization;
- FlexMatch's masks from the counts of confident predictions, where a batch is masked before it is
  counted (algorithms/flexmatch/utils.py, lines 164-203), hard pseudo-labels
  (algorithms/hooks/pseudo_label.py) and the two losses (core/criterions);
- AdamW, without weight decay of biases and norms, and a cosine schedule that is called in every
  step (core/hooks/param_update.py, lines 33-40; core/utils/build.py, lines 206-241);
- a `Dataset` that augments row by row in Python (datasets/cv_datasets/datasetbase.py, lines 72-111)
  behind two `DataLoader`s that drop what does not fill a batch (core/utils/build.py, line 170).

Left out in the peer's favor: its average of the weights, which copies all of them three times a
step (core/hooks/ema.py, lines 20-24), its timers, logs, evaluations and checkpoints, and the
features that the step returns. Rendering, which the peer lacks, is done by our batched kernels.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, Sampler

__all__ = ["Peer", "as_is", "loop_over_bins", "one_row_at_a_time"]

Transform = Callable[[np.ndarray], Tensor]
_RNG = np.random.default_rng()  # workers draw the same numbers, which does not change their cost


class _Rows(Dataset):
    """Rows that are augmented one by one when they are asked for."""

    def __init__(self, X: np.ndarray, y: np.ndarray | None, weak: Transform, strong: Transform):
        self.X, self.y, self.weak, self.strong = X, y, weak, strong

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        if self.y is not None:
            return self.weak(self.X[index]), self.y[index]
        return index, self.weak(self.X[index]), self.strong(self.X[index])


class _Shuffled(Sampler):
    """As many rows as the steps need: whole passes, each in a new order."""

    def __init__(self, n_rows: int, n_samples: int):
        self.n_rows, self.n_samples = n_rows, n_samples

    def __len__(self) -> int:
        return self.n_samples

    def __iter__(self):
        n_passes = -(-self.n_samples // self.n_rows)
        order = torch.cat([torch.randperm(self.n_rows) for _ in range(n_passes)])
        return iter(order[: self.n_samples].tolist())


@dataclass
class Peer:
    """A training by the peer: `run` takes steps and tells the seconds that each took.

    Parameters
    ----------
    network : Module
        The same network that ours is measured with.
    X, y : ndarray
        Patterns, and codes with -1 for unlabeled rows.
    weak, strong : callable
        From one row to one augmented row.
    render : callable
        From a batch of rows to the input of the network.
    threshold, lr, weight_decay : float
        As in skxrd.
    """

    network: nn.Module
    X: np.ndarray
    y: np.ndarray
    weak: Transform
    strong: Transform
    render: Callable[[Tensor], Tensor]
    threshold: float = 0.95
    lr: float = 3e-4
    weight_decay: float = 5e-4
    batch_size: int = 32
    unlabeled_ratio: int = 3

    def __post_init__(self) -> None:
        labeled = self.y >= 0
        self.labeled = _Rows(self.X[labeled], self.y[labeled], self.weak, self.strong)
        self.unlabeled = _Rows(self.X[~labeled], None, self.weak, self.strong)
        self.latest = torch.full((len(self.unlabeled),), -1)
        self.learned = torch.zeros(int(self.y.max()) + 1)
        self.network.train()
        flat = [p for p in self.network.parameters() if p.ndim <= 1]
        others = [p for p in self.network.parameters() if p.ndim > 1]
        groups = [{"params": flat, "weight_decay": 0.0}, {"params": others}]
        self.optimizer = torch.optim.AdamW(groups, lr=self.lr, weight_decay=self.weight_decay)
        self.scheduler = LambdaLR(self.optimizer, lambda i: math.cos(7 / 16 * math.pi * i / 10_000))

    def run(self, n_steps: int, n_workers: int = 0) -> float:
        """Take steps; the start of the workers counts, so that nothing is augmented unseen."""
        start = time.perf_counter()
        loaders = [
            DataLoader(
                rows,
                batch_size=size,
                sampler=_Shuffled(len(rows), n_steps * size),
                num_workers=n_workers if rows is self.unlabeled else min(n_workers, 1),
                drop_last=True,
            )
            for rows, size in [
                (self.labeled, self.batch_size),
                (self.unlabeled, self.batch_size * self.unlabeled_ratio),
            ]
        ]
        for (labeled, y), (index, weak, strong) in zip(*loaders, strict=True):
            self.step(labeled, y, index, weak, strong)
        return (time.perf_counter() - start) / n_steps

    def losses(
        self, labeled: Tensor, y: Tensor, index: Tensor, weak: Tensor, strong: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute the labeled and the unlabeled loss of one batch."""
        logits = self.network(self.render(torch.cat([labeled, weak, strong])))
        of_labeled = logits[: len(y)]
        of_weak, of_strong = logits[len(y) :].chunk(2)
        labeled_loss = F.nll_loss(F.log_softmax(of_labeled, dim=-1), y)
        probabilities = of_weak.detach().softmax(dim=-1)
        confidence, pseudo_label = probabilities.max(dim=-1)
        learned = self.learned[pseudo_label]
        mask = (confidence >= self.threshold * learned / (2 - learned)).to(confidence)
        self._count(confidence, pseudo_label, index)
        loss = F.nll_loss(F.log_softmax(of_strong, dim=-1), pseudo_label, reduction="none")
        return labeled_loss, (loss * mask).mean()

    def step(self, *batch: Tensor) -> None:
        """Take one step of the optimizer."""
        terms = self.losses(*batch)
        loss = terms[0] + terms[1]
        self.log = [term.item() for term in (*terms, loss)]
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.network.zero_grad()

    def _count(self, confidence: Tensor, pseudo_label: Tensor, index: Tensor) -> None:
        sure = confidence >= self.threshold
        self.latest[index[sure]] = pseudo_label[sure]
        counts = Counter(self.latest.tolist())
        if max(counts.values()) < len(self.latest):
            for code in range(len(self.learned)):
                self.learned[code] = counts[code] / max(counts.values())


def as_is(row: np.ndarray) -> Tensor:
    """Leave a row as it is: the peer without any augmentation."""
    return torch.from_numpy(row)


def one_row_at_a_time(augment: Callable[[Tensor], Tensor]) -> Transform:
    """Send each row alone through our augmentation: what loading row by row costs at the least."""
    return partial(_augment_one_row, augment)


def _augment_one_row(augment: Callable[[Tensor], Tensor], row: np.ndarray) -> Tensor:
    return augment(torch.from_numpy(row)[None])[0]


def loop_over_bins(*, strong: bool) -> Transform:
    """Augment a row as the paper's code does: loops over its bins in Python.

    The paper's code (datasets/augmentation/xrd_augementation.py) scales a row with Python's `min`
    and `max`, sets weak intensities to zero in a loop over all bins, augments, and scales again.
    Ranges and probabilities are the paper's, the words our own; its noise, which has an amplitude
    of zero, is left out in its favor.
    """
    return partial(_augment_by_loops, _strong_by_loop if strong else _weak_by_loop)


def _augment_by_loops(augment: Callable[[np.ndarray], np.ndarray], row: np.ndarray) -> Tensor:
    row = augment(_floor_by_loop(_scale_by_loop(row)))
    return torch.from_numpy(_scale_by_loop(row).astype(np.float32))


def _scale_by_loop(row: np.ndarray) -> np.ndarray:
    lowest, highest = min(row), max(row)
    return (row - lowest) / (highest - lowest)


def _floor_by_loop(row: np.ndarray) -> np.ndarray:
    for i in range(len(row)):
        if row[i] < 0.1:
            row[i] = 0
    return row


def _weak_by_loop(row: np.ndarray) -> np.ndarray:
    if _RNG.random() > 0.5:
        return row
    shift = _RNG.integers(50, 150)
    return np.append(np.zeros(shift), row[:-shift])


def _strong_by_loop(row: np.ndarray) -> np.ndarray:
    for factor in (lambda: 1 + 2 * _RNG.random(), lambda: 0.0):
        if _RNG.random() <= 0.5:
            sticks = np.flatnonzero(row)
            _RNG.shuffle(sticks)
            for i in sticks[: int(0.15 * len(sticks) * _RNG.random())]:
                row[i] = row[i] * factor()
    if _RNG.random() > 0.5:
        return row
    row = _floor_by_loop(row)
    cut, last, gaps = _RNG.integers(1, 500), 0, []
    for i in np.flatnonzero(row):
        if i - last > cut:
            gaps.append(i)
        last = i
    if not gaps:
        return row
    right = gaps[_RNG.integers(len(gaps))]
    return np.concatenate([row[: right - cut], row[right:], np.zeros(cut)])
