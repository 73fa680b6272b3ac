"""From points on one axis to points on another: which are read, and with what weight.

Positions are counted in points of the input: 0 is its first point and 0.5 lies halfway between the
first and the second. The input is evenly spaced, the output need not be.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "LinearWeights",
    "OverlapWeights",
    "add_up",
    "interpolate",
    "linear",
    "overlap",
]

# Columns on the left, weights of those on their right, and 1 for what lies within the input.
LinearWeights = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
# Columns of the output and of the input, and the weights of these pairs.
OverlapWeights = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

_ROUNDING = 1e-6  # must not push the last point of a shared range outside of it


def linear(position: NDArray[np.float64], n_points: int) -> LinearWeights:
    """Weights of linear interpolation at positions; a position of NaN lies outside."""
    inside = (position > -_ROUNDING) & (position < n_points - 1 + _ROUNDING)
    position = np.where(inside, position, 0.0)
    left = np.clip(np.floor(position), 0, n_points - 2).astype(np.int64)
    return left, np.where(inside, np.clip(position - left, 0, 1), 0.0), inside.astype(float)


def interpolate(
    X: Tensor, left: NDArray[np.int64], weight: NDArray[np.float64], inside: NDArray[np.float64]
) -> Tensor:
    """Interpolate a batch of patterns with the weights of `linear`; zero outside of the input."""
    column = torch.as_tensor(left, device=X.device)
    part = torch.as_tensor(weight, dtype=X.dtype, device=X.device)
    within = torch.as_tensor(inside, dtype=X.dtype, device=X.device)
    # index_select is several times as fast as X[:, column] on a CPU
    return torch.lerp(X.index_select(1, column), X.index_select(1, column + 1), part) * within


def overlap(
    lower: NDArray[np.float64], upper: NDArray[np.float64], n_points: int
) -> OverlapWeights:
    """Length that each bin from `lower` to `upper` shares with each bin of the input.

    The bin of an input point reaches half a step to both sides.
    """
    lower, upper = (np.clip(edge, -0.5, n_points - 0.5) for edge in (lower, upper))
    first = np.minimum(np.floor(lower + 0.5), n_points - 1).astype(np.int64)
    last = np.ceil(upper + 0.5).astype(np.int64) - 1
    counts = np.where(upper > lower, last - first + 1, 0)
    target = np.repeat(np.arange(len(lower)), counts)
    rank = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    source = first[target] + rank
    shared = np.minimum(upper[target], source + 0.5) - np.maximum(lower[target], source - 0.5)
    return target, source, shared


def add_up(
    X: Tensor,
    target: NDArray[np.int64],
    source: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    n_out: int,
) -> Tensor:
    """Sum the weighted input columns of each output column: a sparse matrix product."""
    matrix = torch.sparse_coo_tensor(
        torch.as_tensor(np.stack([target, source]), device=X.device),
        torch.as_tensor(weight, dtype=X.dtype, device=X.device),
        (n_out, X.shape[1]),
        is_coalesced=True,  # `overlap` lists each pair once, in order
        check_invariants=False,
    )
    return torch.sparse.mm(matrix, X.T).T.contiguous()
