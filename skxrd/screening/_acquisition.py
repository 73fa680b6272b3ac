"""Which rows to label next: each strategy orders rows by a score of its own.

All take arrays of candidates and give the chosen rows, the first to be measured first, with their
scores. Ties go to the earlier row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy, norm

__all__ = [
    "binary_entropy",
    "expected_finds",
    "expected_improvement",
    "highest",
    "weighted_farthest_first",
]

Choice = tuple[NDArray[np.intp], NDArray[np.float64]]

# Neighbors whose label says something about a row; a sum over all rows would drown them.
_N_NEIGHBORS = 10


def highest(score: NDArray[np.float64], n: int) -> Choice:
    """Choose the rows of the highest score."""
    rows = np.argsort(-score, kind="stable")[:n]
    return rows, score[rows]


def binary_entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy in bits of a label that is positive with this probability."""
    return np.asarray(entropy(np.stack([probability, 1 - probability]), base=2, axis=0))


def expected_improvement(
    mean: NDArray[np.float64], std: NDArray[np.float64], best: float
) -> NDArray[np.float64]:
    """Mean of max(value - best, 0) for a normal value; one without spread is known exactly."""
    gain = mean - best
    certain = std == 0
    scale = np.where(certain, 1.0, std)
    z = gain / scale
    return np.where(certain, np.maximum(gain, 0.0), gain * norm.cdf(z) + scale * norm.pdf(z))


def weighted_farthest_first(
    probability: NDArray[np.float64], similarity: NDArray[np.float64], n: int
) -> Choice:
    """Choose the row of the highest probability times distance to the rows chosen before.

    The distance is 1 minus the similarity; the first row is at distance 1 from nothing.
    """
    distance = np.ones(len(probability))
    rows = np.empty(n, dtype=np.intp)
    scores = np.empty(n)
    is_open = np.ones(len(probability), dtype=bool)
    for taken in range(n):
        # Where all distances are 0 the more probable row still goes first.
        score = np.where(is_open, probability * distance, -1.0)
        best = np.flatnonzero(score == score.max())
        row = best[np.argmax(probability[best])]
        rows[taken], scores[taken] = row, score[row]
        is_open[row] = False
        distance = np.minimum(distance, 1 - similarity[row])
    return rows, scores


def expected_finds(
    probability: NDArray[np.float64], similarity: NDArray[np.float64], n: int, budget: int
) -> Choice:
    """Choose the row with which the most positive ones are expected within the budget.

    Labels spread to neighbors: a row starts with its probability as one observation, and the label
    of a row of which it is a neighbor counts as another one, weighted by the similarity. The score
    is the probability of the row plus the mean, over its two labels, of the sum of the highest
    probabilities that would be left for the rest of the budget. Until the labels of this batch are
    known, its rows count as negative, so that their neighbors have to wait.
    """
    weights = _neighbor_weights(similarity)
    positive, total = probability.copy(), np.ones(len(probability))
    is_open = np.ones(len(probability), dtype=bool)
    rows = np.empty(n, dtype=np.intp)
    scores = np.empty(n)
    for taken in range(n):
        left = np.flatnonzero(is_open)
        later = min(budget - taken - 1, len(left) - 1)
        spread = weights[np.ix_(left, left)]
        after = total[left] + spread
        now = positive[left] / total[left]
        yes = _sum_of_highest((positive[left] + spread) / after, later)
        no = _sum_of_highest(positive[left] / after, later)
        score = now + now * yes + (1 - now) * no
        best = int(np.argmax(score))
        rows[taken], scores[taken] = left[best], score[best]
        is_open[left[best]] = False
        total += weights[left[best]]
    return rows, scores


def _neighbor_weights(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weigh what the label of each row (first axis) says about each other row (second axis)."""
    weights = similarity.copy()
    np.fill_diagonal(weights, -1.0)  # no row is a neighbor of itself
    n_neighbors = min(_N_NEIGHBORS, len(weights) - 1)
    nearest = np.argsort(-weights, axis=0, kind="stable")[:n_neighbors]
    mask = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(mask, nearest, True, axis=0)
    return np.where(mask, weights, 0.0)


def _sum_of_highest(probability: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum of the highest n entries of each row, other than that on the diagonal."""
    if n == 0:
        return np.zeros(len(probability))
    np.fill_diagonal(probability, 0.0)
    return np.partition(probability, -n, axis=1)[:, -n:].sum(axis=1)
