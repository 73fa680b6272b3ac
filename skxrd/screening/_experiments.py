"""Which candidates to measure next."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.utils import check_array, check_random_state

from skxrd._classifiers import indexable
from skxrd._labels import is_labeled
from skxrd._sklearn import Interval, StrOptions, safe_indexing, validate_params
from skxrd.screening._acquisition import (
    binary_entropy,
    expected_finds,
    expected_improvement,
    highest,
    weighted_farthest_first,
)

__all__ = ["STRATEGIES", "Strategy", "suggest_experiments"]

Strategy = Literal[
    "greedy", "uncertainty", "diversity", "expected_finds", "expected_improvement", "random"
]
STRATEGIES = get_args(Strategy)

_COLUMNS = {
    "expected_improvement": ("predicted_value", "predicted_std"),
    "random": (),
}
_PROBABILITY = ("mean_probability",)
_NEEDS_SIMILARITY = ("diversity", "expected_finds")
# Strategies that compare all pairs see at least this many of the most probable candidates.
_MOST_COMPARED = 1000


class _Ranked(NamedTuple):
    """Rows in the order in which to measure them, and why."""

    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    reasons: list[str]


@validate_params(
    {
        "candidates": [pd.DataFrame],
        "n": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions(set(STRATEGIES))],
        "X": [None, "array-like"],
        "similarity": [None, "array-like"],
        "budget": [None, Interval(Integral, 1, None, closed="left")],
        "best_value": [None, Interval(Real, None, None, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def suggest_experiments(
    candidates: pd.DataFrame,
    n: int,
    *,
    strategy: Strategy = "greedy",
    X: ArrayLike | None = None,
    similarity: ArrayLike | None = None,
    budget: int | None = None,
    best_value: float | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    r"""Suggest which candidates to measure next, and in which order.

    Candidates whose "label" is known already are passed over.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates, as `screen` makes it. All strategies but "random" and
        "expected_improvement" need the column "mean_probability".
    n : int
        Number of candidates to suggest.
    strategy : str, default="greedy"
        With :math:`p_i` for the mean probability of candidate i:

        - ``"greedy"``: the highest :math:`p_i`. If nothing is to be learned for later rounds, no
          other choice finds more conductors on average.
        - ``"uncertainty"``: the highest entropy
          :math:`-p_i\log_2 p_i-(1-p_i)\log_2(1-p_i)`, thus :math:`p_i` closest to 1/2. It serves
          the classifier, not the search.
        - ``"diversity"``: one after the other, the highest :math:`p_i\min_j(1-s_{ij})` over the
          candidates j chosen before, with the similarity :math:`s_{ij}`. Of many almost identical
          patterns the first is suggested, and the others wait.
        - ``"expected_finds"``: the highest expected number of conductors among all measurements of
          `budget`, see Notes. It may prefer a candidate with many promising neighbors to a more
          probable one that stands alone.
        - ``"expected_improvement"``: the highest mean of :math:`\max(v_i-v^*,0)`, where the value
          :math:`v_i` is normal with the columns "predicted_value" and "predicted_std" and
          :math:`v^*` is `best_value`. For a regression, say of the logarithm of the conductivity:
          a label of yes or no has nothing to improve on.
        - ``"random"``: chance, to compare with.
    X : array-like of shape (n_candidates, n_points), default=None
        Patterns, or other features, of the rows of `candidates` in their order. "diversity" and
        "expected_finds" take their cosine for the similarity. Lines must be broadened: those of
        sticks hardly ever meet.
    similarity : array-like of shape (n_candidates, n_candidates), default=None
        Similarities to use instead, 1 for the same; negative ones count as 0.
    budget : int or None, default=None
        Measurements still to be paid for, these included: what "expected_finds" looks ahead to.
        None stands for `n`.
    best_value : float or None, default=None
        Highest value measured so far, for "expected_improvement".
    random_state : int, RandomState instance or None, default=None
        Seed of "random"; the others leave nothing to chance and settle ties by the order of the
        rows.

    Returns
    -------
    DataFrame
        The suggested rows of `candidates`, the first to be measured on top, with two more columns:
        "score" (what the strategy maximizes) and "reason" (a sentence). The index is that of
        `candidates`.

    Raises
    ------
    ValueError
        If there are fewer than `n` candidates without a label, if the column "id" has duplicates,
        if a column or argument that the strategy needs is missing or holds NaN, or if "score" or
        "reason" are taken.

    See Also
    --------
    simulate_campaign : What a strategy would have found among compounds with known labels.

    Notes
    -----
    "expected_finds" is the efficient nonmyopic search of Jiang et al.: a candidate's score is
    :math:`p_i` plus the sum of the highest probabilities of the other candidates that the rest of
    the budget could be spent on, averaged over the two labels that i may get. What a label does to
    the probability of others is told by nearest neighbors, since no classifier is trained again: a
    probability counts as one observation, and the label of i as :math:`s_{ij}` more for those j of
    which i is among the ten nearest neighbors. Within a batch, candidates already chosen count as
    negative until measured. With ``budget=1`` it is "greedy".

    "diversity" and "expected_finds" compare pairs, and consider the 1,000 most probable candidates
    only, or 2 `n` if that is more.

    References
    ----------
    .. [1] Garnett et al., Bayesian optimal active search and surveying, ICML (2012): greedy.
    .. [2] Lewis and Gale, A sequential algorithm for training text classifiers, SIGIR (1994):
       uncertainty.
    .. [3] Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical Computer
       Science 38, 293 (1985): farthest first, here weighted by the probability.
    .. [4] Jiang et al., Efficient nonmyopic active search, ICML (2017), and Efficient nonmyopic
       batch active search, NeurIPS (2018): expected finds.
    .. [5] Jones, Schonlau and Welch, Efficient global optimization of expensive black-box
       functions, Journal of Global Optimization 13, 455 (1998): expected improvement.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.screening import suggest_experiments
    >>> table = pd.DataFrame({"id": ["a", "b", "c"], "mean_probability": [0.9, 0.8, 0.5]})
    >>> X = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]
    >>> suggest_experiments(table, 2)["id"].tolist()
    ['a', 'b']
    >>> chosen = suggest_experiments(table, 2, strategy="diversity", X=X)
    >>> chosen["id"].tolist()
    ['a', 'c']
    >>> chosen["reason"].tolist()
    ['probability 0.90, the highest', 'probability 0.50, distance 1.00 to the nearest above']
    """
    _check_table(candidates, strategy)
    rows = _unlabeled_rows(candidates, n)
    if budget is not None and budget < n:
        raise ValueError(f"budget={budget} must cover the n={n} candidates to be suggested.")
    if strategy == "random":
        chosen = check_random_state(random_state).choice(len(rows), n, replace=False)
        ranked = _Ranked(chosen, np.full(n, n / len(rows)), ["drawn by chance"] * n)
    elif strategy == "expected_improvement":
        ranked = _rank_by_value(candidates.iloc[rows], n, best_value)
    elif strategy in _NEEDS_SIMILARITY:
        rows = _most_probable(candidates, rows, n)
        pairs = _similarity_among(rows, len(candidates), X, similarity, strategy)
        ranked = _rank_by_pairs(candidates.iloc[rows], n, strategy, pairs, budget or n)
    else:
        ranked = _rank_by_probability(candidates.iloc[rows], n, strategy)
    suggested = candidates.iloc[rows[ranked.rows]]
    return suggested.assign(score=ranked.scores, reason=ranked.reasons)


def _check_table(candidates: pd.DataFrame, strategy: str) -> None:
    needed = _COLUMNS.get(strategy, _PROBABILITY)
    missing = [name for name in needed if name not in candidates]
    if missing:
        raise ValueError(
            f"strategy={strategy!r} needs the columns {list(needed)} in candidates, which lacks "
            f"{missing}."
        )
    taken = [name for name in ("score", "reason") if name in candidates]
    if taken:
        raise ValueError(
            f"candidates has columns {taken}, which the suggestions would overwrite; rename them."
        )
    if "id" in candidates and candidates["id"].duplicated().any():
        twice = candidates.loc[candidates["id"].duplicated(), "id"].unique()
        raise ValueError(
            "The column 'id' of candidates must name each candidate once; found more than once: "
            f"{twice[:5].tolist()}."
        )
    for name in needed:
        values = pd.to_numeric(candidates[name]).to_numpy(dtype=float, na_value=np.nan)
        low, high = {"mean_probability": (0, 1), "predicted_std": (0, np.inf)}.get(
            name, (-np.inf, np.inf)
        )
        wrong = ~(np.isfinite(values) & (values >= low) & (values <= high))
        if wrong.any():
            raise ValueError(
                f"The column {name!r} of candidates must hold finite numbers from {low} to {high}; "
                f"{wrong.sum()} rows do not, the first is row {wrong.argmax()} with "
                f"{values[wrong.argmax()]}."
            )


def _unlabeled_rows(candidates: pd.DataFrame, n: int) -> NDArray[np.intp]:
    """Positions of the rows whose label is not known."""
    unknown = np.ones(len(candidates), dtype=bool)
    if "label" in candidates:
        unknown = ~is_labeled(candidates["label"])
    if n > unknown.sum():
        raise ValueError(
            f"n={n} candidates are asked for, but only {unknown.sum()} of the {len(candidates)} "
            "rows of candidates have no known label."
        )
    return np.flatnonzero(unknown)


def _most_probable(candidates: pd.DataFrame, rows: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Keep the most probable of the rows, in the order of the table."""
    size = max(_MOST_COMPARED, 2 * n)
    probability = candidates["mean_probability"].to_numpy(dtype=float)[rows]
    return np.sort(rows[highest(probability, size)[0]])


def _similarity_among(
    rows: NDArray[np.intp],
    n_candidates: int,
    X: ArrayLike | None,
    similarity: ArrayLike | None,
    strategy: str,
) -> NDArray[np.float64]:
    if (X is None) == (similarity is None):
        found = "none" if X is None else "both"
        raise ValueError(
            f"strategy={strategy!r} compares candidates by either X or similarity, got {found}."
        )
    name, given = ("X", X) if similarity is None else ("similarity", similarity)
    assert given is not None
    table = indexable(given)
    second = n_candidates if name == "similarity" else "n_points"
    if table.ndim != 2 or len(table) != n_candidates or second not in ("n_points", table.shape[1]):
        raise ValueError(
            f"{name} must have shape ({n_candidates}, {second}) for the {n_candidates} rows of "
            f"candidates, got {table.shape}."
        )
    # Only these rows are copied: the whole array may be larger than the memory.
    block = np.asarray(safe_indexing(table, rows))
    if similarity is None:
        pairs = cosine_similarity(check_array(block, input_name="X"))
    else:
        pairs = check_array(block[:, rows], input_name="similarity")
        if pairs.max() > 1 + 1e-5:
            raise ValueError(f"similarity must not exceed 1, found {pairs.max():.6g}.")
    return np.clip(pairs, 0.0, 1.0).astype(np.float64)


def _rank_by_probability(table: pd.DataFrame, n: int, strategy: str) -> _Ranked:
    probability = table["mean_probability"].to_numpy(dtype=float)
    score = probability if strategy == "greedy" else binary_entropy(probability)
    rows, scores = highest(score, n)
    words = ", the highest left" if strategy == "greedy" else ", close to even: {:.2f} bit"
    reasons = [
        f"probability {probability[row]:.2f}" + words.format(value)
        for row, value in zip(rows, scores, strict=True)
    ]
    return _Ranked(rows, scores, reasons)


def _rank_by_pairs(
    table: pd.DataFrame, n: int, strategy: str, pairs: NDArray[np.float64], budget: int
) -> _Ranked:
    probability = table["mean_probability"].to_numpy(dtype=float)
    if strategy == "expected_finds":
        rows, scores = expected_finds(probability, pairs, n, budget)
        words = [f"{score:.2f} conductors expected from here on" for score in scores]
    else:
        rows, scores = weighted_farthest_first(probability, pairs, n)
        nearest = [1 - pairs[row, rows[:i]].max() for i, row in enumerate(rows) if i > 0]
        words = ["the highest", *(f"distance {gap:.2f} to the nearest above" for gap in nearest)]
    reasons = [
        f"probability {probability[row]:.2f}, {text}" for row, text in zip(rows, words, strict=True)
    ]
    return _Ranked(rows, scores, reasons)


def _rank_by_value(table: pd.DataFrame, n: int, best_value: float | None) -> _Ranked:
    if best_value is None:
        raise ValueError(
            "strategy='expected_improvement' needs best_value, the highest value measured so far."
        )
    mean, std = (table[name].to_numpy(dtype=float) for name in _COLUMNS["expected_improvement"])
    rows, scores = highest(expected_improvement(mean, std, best_value), n)
    reasons = [
        f"predicted {mean[row]:.3g} ± {std[row]:.2g}, to improve on {best_value:.3g}"
        for row in rows
    ]
    return _Ranked(rows, scores, reasons)
