"""Trainings by the step of semilearn, which differ in how rows are augmented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _peer_step import Peer, as_is, loop_over_bins, one_row_at_a_time
from _speed_common import chain
from torch import Tensor, nn

AT_HAND = "semilearn, views at hand"
ROW_BY_ROW = "semilearn, our augmentation row by row"
LOOPS = "semilearn, the paper's loops"
LOOPS_IN_WORKERS = "semilearn, the paper's loops in 2 workers"


def peers(
    names: list[str],
    network: Callable[[], nn.Module],
    fitted: Any,
    X: np.ndarray,
    y: np.ndarray,
    n_steps: int,
) -> dict[str, Callable[[], float]]:
    """Return trainings by the peer, which differ in how rows are augmented."""
    generator = torch.Generator().manual_seed(0)

    def alone(component: Any) -> Callable[[np.ndarray], Tensor]:
        return one_row_at_a_time(lambda row: chain(component, row, generator))

    loops = loop_over_bins(strong=False), loop_over_bins(strong=True)
    kinds = {
        AT_HAND: (as_is, as_is),
        ROW_BY_ROW: (alone(fitted.weak_augmentation_), alone(fitted.strong_augmentation_)),
        LOOPS: loops,
        LOOPS_IN_WORKERS: loops,
    }
    trainings = {}
    for name in names:
        peer = Peer(network(), X, y, *kinds[name], lambda rows: chain(fitted.rendering_, rows))
        peer.run(1)
        n_workers = 2 if name == LOOPS_IN_WORKERS else 0
        trainings[name] = lambda peer=peer, n_workers=n_workers: peer.run(n_steps, n_workers)
    return trainings
