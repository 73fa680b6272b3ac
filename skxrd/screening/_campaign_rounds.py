"""One repetition of a simulated campaign: each strategy buys labels round by round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skxrd._classifiers import was_interrupted
from skxrd._labels import UNLABELED
from skxrd._sklearn import safe_indexing, set_random_states
from skxrd._threads import one_thread
from skxrd.screening._experiments import suggest_experiments
from skxrd.screening._votes import column_of, vote_statistics

__all__ = ["Plan", "repeat"]


class Plan(NamedTuple):
    """What all repetitions share."""

    strategies: list[str]
    n_per_round: int
    n_rounds: int
    positive: int
    similarity: NDArray[Any] | None


def repeat(
    estimator: Any,
    X: Any,
    codes: NDArray[np.int64],
    plan: Plan,
    start: NDArray[np.intp],
    seed: int,
    number: int,
) -> list[dict[str, Any]]:
    """Play all strategies from the same start."""
    with one_thread():
        return [
            {
                "strategy": strategy,
                "repetition": number,
                "round": round_,
                "n_measured": len(bought),
                "n_found": np.count_nonzero(codes[bought] == plan.positive),
            }
            for strategy in plan.strategies
            for round_, bought in enumerate(_play(estimator, X, codes, plan, start, seed, strategy))
        ]


def _play(
    estimator: Any,
    X: Any,
    codes: NDArray[np.int64],
    plan: Plan,
    bought: NDArray[np.intp],
    seed: int,
    strategy: str,
) -> Iterator[NDArray[np.intp]]:
    """Rows bought until each round."""
    rng = np.random.RandomState(seed)
    yield bought
    for rounds_left in range(plan.n_rounds, 0, -1):
        masked = np.full(len(codes), UNLABELED)
        masked[bought] = codes[bought]  # all that the strategy gets to know
        # Shuffled, since ties go to the first row and data are often sorted by class.
        offered = rng.permutation(np.setdiff1d(np.flatnonzero(codes != UNLABELED), bought))
        new = _choose(estimator, X, masked, offered, plan, strategy, rounds_left, rng)
        bought = np.concatenate([bought, new])
        yield bought


def _choose(
    estimator: Any,
    X: Any,
    masked: NDArray[np.int64],
    offered: NDArray[np.intp],
    plan: Plan,
    strategy: str,
    rounds_left: int,
    rng: np.random.RandomState,
) -> NDArray[np.intp]:
    """Rows that a strategy buys, from what the labels bought so far have taught a classifier."""
    if strategy == "random":
        return offered[: plan.n_per_round]
    model = _fit(clone(estimator), X, masked, rng)
    table = vote_statistics(model, safe_indexing(X, offered), column_of(model, plan.positive))
    compared: dict[str, Any] = {"X": safe_indexing(X, offered)}
    if plan.similarity is not None:
        compared = {"similarity": plan.similarity[np.ix_(offered, offered)]}
    suggested = suggest_experiments(
        table,
        plan.n_per_round,
        strategy=strategy,
        budget=plan.n_per_round * rounds_left,
        **compared,
    )
    return offered[suggested.index]


def _fit(model: Any, X: Any, masked: NDArray[np.int64], rng: np.random.RandomState) -> Any:
    set_random_states(model, rng)
    model.fit(X, masked)
    if was_interrupted(model):  # our classifiers stop early and return: no finished fit
        raise KeyboardInterrupt
    if UNLABELED in model.classes_:
        raise TypeError(
            f"{type(model).__name__} has learned {UNLABELED}, the mark of unlabeled rows, as a "
            "class. If it is supervised, wrap it in skxrd.supervised.LabeledOnlyClassifier."
        )
    return model
