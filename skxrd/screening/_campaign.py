"""Campaigns of measurements played through on compounds whose labels are known."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.parallel import delayed

from skxrd._classifiers import indexable
from skxrd._labels import UNLABELED, encode_labels
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import HasMethods, Interval, validate_params
from skxrd._threads import one_thread
from skxrd.screening._campaign_rounds import Plan, repeat
from skxrd.screening._experiments import STRATEGIES

__all__ = ["simulate_campaign"]

# The value of a binary or multi-class label is no number that could be improved.
_STRATEGIES = set(STRATEGIES) - {"expected_improvement"}


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "y": ["array-like"],
        "strategy": [str, list, tuple],
        "n_initial": [Interval(Integral, 2, None, closed="left")],
        "n_per_round": [Interval(Integral, 1, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "similarity": [None, "array-like"],
        "positive_class": "no_validation",
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def simulate_campaign(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    strategy: str | Sequence[str] = ("greedy", "random"),
    n_initial: int = 10,
    n_per_round: int = 5,
    n_rounds: int = 10,
    n_repeats: int = 20,
    similarity: ArrayLike | None = None,
    positive_class: Any = 1,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Tell how many conductors a campaign of measurements would have found.

    The labels are hidden, but for those of a few compounds to start with. Round by round, a
    classifier is trained on the labels bought so far, a strategy chooses the next compounds, and
    their labels are bought. Strategies see no label that was not bought, and begin each repetition
    with the same compounds, so that their differences can be compared in pairs.

    Parameters
    ----------
    estimator : classifier
        Classifier with `predict_proba` whose `y` may hold -1: compounds that were not measured are
        its unlabeled rows. A supervised one goes into `LabeledOnlyClassifier`. It is cloned for
        each round, and every `random_state` in it is set.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels. Rows with -1, and None or NaN in an array of objects, have no label to be bought;
        they are unlabeled rows in every round.
    strategy : str or sequence of str, default=("greedy", "random")
        Strategies of `suggest_experiments`, without "expected_improvement", which needs values.
        "random" trains no classifier.
    n_initial : int, default=10
        Compounds measured at the start: one drawn from each class, since a classifier needs them,
        and the others from all that are left.
    n_per_round : int, default=5
        Compounds measured in a round.
    n_rounds : int, default=10
        Number of rounds.
    n_repeats : int, default=20
        Number of repetitions, each with a start of its own.
    similarity : array-like of shape (n_samples, n_samples), default=None
        Similarities for "diversity" and "expected_finds"; None stands for the cosine of `X`.
    positive_class : label, default=1
        Class to be found.
    n_jobs : int or None, default=None
        Number of repetitions at a time, through joblib. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts, of the classifiers and of "random".
    verbose : int, default=0
        With 1, a progress bar over the repetitions is shown.

    Returns
    -------
    DataFrame
        One row per strategy, repetition and round, with columns strategy, repetition, round (0 is
        the start), n_measured, n_found (both with the start), n_compounds and n_conductors (all
        that can be measured and found).

    Raises
    ------
    TypeError
        If the classifier learns -1 as a class.
    ValueError
        If a strategy or the positive class is unknown, if there are fewer than two classes, or if
        the campaign asks for more compounds than have a label.

    Warns
    -----
    ConvergenceWarning
        If a `KeyboardInterrupt` ends it: the finished repetitions are returned.

    See Also
    --------
    CampaignDisplay : Draws the table.
    suggest_experiments : Suggests the next measurements among candidates.

    Notes
    -----
    Compounds with a known label are no fair sample of those without: people measured what they
    thought to be promising, and relatives of it. A simulated campaign flatters all strategies, and
    its part of conductors is higher than among candidates. Differences between strategies are the
    better part of the result.

    Examples
    --------
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.screening import simulate_campaign
    >>> from skxrd.supervised import LabeledOnlyClassifier
    >>> X, y = make_patterns(100, grid=TwoThetaGrid(10, 80, 71), random_state=0)
    >>> campaign = simulate_campaign(
    ...     LabeledOnlyClassifier(ExtraTreesClassifier(10)),
    ...     X,
    ...     y,
    ...     n_rounds=3,
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> campaign.columns.tolist()
    ['strategy', 'repetition', 'round', 'n_measured', 'n_found', 'n_compounds', 'n_conductors']
    >>> campaign["n_measured"].unique().tolist()
    [10, 15, 20, 25]
    """
    strategies = _check_strategies(strategy)
    X = indexable(X)
    classes, codes = encode_labels(y, estimator_name="simulate_campaign")
    check_consistent_length(X, codes)
    matches = np.flatnonzero(classes == positive_class)
    if len(matches) == 0:
        raise ValueError(
            f"positive_class={positive_class!r} is not among the classes {classes.tolist()} of y."
        )
    n_labeled = np.count_nonzero(codes != UNLABELED)
    n_needed = n_initial + n_per_round * n_rounds
    if n_needed > n_labeled:
        raise ValueError(
            f"n_initial={n_initial} compounds and {n_rounds} rounds of {n_per_round} make "
            f"{n_needed} measurements, but y holds {n_labeled} labels."
        )
    if n_initial < len(classes):
        raise ValueError(
            f"n_initial={n_initial} must allow for one compound of each of the {len(classes)} "
            "classes."
        )
    # All randomness is drawn here, before anything is sent to workers.
    rng = check_random_state(random_state)
    starts = [
        (_draw_start(codes, n_initial, rng), int(rng.randint(np.iinfo(np.int32).max)))
        for _ in range(n_repeats)
    ]
    pairs = _check_similarity(similarity, len(codes))
    plan = Plan(strategies, n_per_round, n_rounds, int(matches[0]), pairs)
    tasks = (
        delayed(repeat)(estimator, X, codes, plan, *start, number)
        for number, start in enumerate(starts)
    )
    with contextlib.closing(as_they_come(tasks, n_jobs)) as results:
        shown = tracked(results, "Simulating campaigns", n_repeats) if verbose else results
        rows = _collect(shown, n_repeats)
    return pd.DataFrame(rows).assign(
        n_compounds=n_labeled, n_conductors=np.count_nonzero(codes == plan.positive)
    )


def _check_strategies(strategy: str | Sequence[str]) -> list[str]:
    strategies = [strategy] if isinstance(strategy, str) else list(strategy)
    unknown = [name for name in strategies if name not in _STRATEGIES]
    if unknown or not strategies:
        raise ValueError(
            f"strategy must name at least one of {sorted(_STRATEGIES)}, got {strategy!r}."
        )
    return list(dict.fromkeys(strategies))


def _check_similarity(similarity: ArrayLike | None, n_samples: int) -> NDArray[Any] | None:
    if similarity is None:
        return None
    pairs = np.asarray(similarity)
    if pairs.shape != (n_samples, n_samples):
        raise ValueError(
            f"similarity must have shape ({n_samples}, {n_samples}) for the {n_samples} rows of X, "
            f"got {pairs.shape}."
        )
    return pairs


def _draw_start(
    codes: NDArray[np.int64], n_initial: int, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """One row of each class, then rows of any class."""
    labeled = np.flatnonzero(codes != UNLABELED)
    shuffled = rng.permutation(labeled)
    firsts = shuffled[np.unique(codes[shuffled], return_index=True)[1]]
    others = shuffled[~np.isin(shuffled, firsts)]
    return np.concatenate([firsts, others[: n_initial - len(firsts)]])


def _collect(jobs: Iterable[list[dict[str, Any]]], n_repeats: int) -> list[dict[str, Any]]:
    """Rows of the repetitions; an interruption keeps the finished ones."""
    finished: list[list[dict[str, Any]]] = []
    try:
        with one_thread():  # around all, so that threads restore no value of each other
            for repetition in jobs:
                finished.append(repetition)
    except KeyboardInterrupt:
        if not finished:
            raise
        warnings.warn(
            f"The campaign was interrupted; {len(finished)} of {n_repeats} repetitions are kept.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return [row for repetition in finished for row in repetition]
