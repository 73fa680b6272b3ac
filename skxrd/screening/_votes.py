"""What the members of an ensemble say about rows, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy

__all__ = ["column_of", "count_members", "ranked", "tell_tie", "vote_statistics"]

_FEWEST_COMPARED = 100  # candidates; fewer may agree by chance
_LARGEST_TIE = 0.8


def column_of(classifier: Any, positive_class: Any) -> int:
    """Find the column of the positive class in the probabilities of a fitted classifier.

    Parameters
    ----------
    classifier : classifier
        Fitted classifier.
    positive_class : label
        Class to be found.

    Returns
    -------
    int
        Position in ``classes_``.

    Raises
    ------
    ValueError
        If the classifier does not know the class.
    """
    matches = np.flatnonzero(classifier.classes_ == positive_class)
    if len(matches) == 0:
        raise ValueError(
            f"positive_class={positive_class!r} is not among the classes "
            f"{classifier.classes_.tolist()} of the classifier."
        )
    return int(matches[0])


def count_members(classifier: Any) -> int:
    """Count the votes that a row gets: a classifier without members is an ensemble of one."""
    has_members = hasattr(classifier, "member_probabilities")
    return len(classifier.estimators_) if has_members else 1


def vote_statistics(classifier: Any, X: ArrayLike, column: int) -> pd.DataFrame:
    """Ask the members and put what they say into numbers.

    Parameters
    ----------
    classifier : classifier
        Fitted `SemiSupervisedBaggingClassifier` or any fitted classifier with `predict_proba`,
        which counts as an ensemble of one.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    column : int
        Column of the positive class.

    Returns
    -------
    DataFrame
        Columns "output_frequency", "mean_probability", "probability_std" and "vote_entropy" (in
        bits); one row per pattern, in their order.
    """
    if hasattr(classifier, "member_probabilities"):
        probabilities = np.asarray(classifier.member_probabilities(X))
    else:
        probabilities = np.asarray(classifier.predict_proba(X))[None]
    votes = _count_votes(probabilities)
    positive = probabilities[..., column].astype(float)
    return pd.DataFrame(
        {
            "output_frequency": votes[:, column],
            "mean_probability": positive.mean(axis=0),
            "probability_std": positive.std(axis=0),
            "vote_entropy": entropy(votes, base=2, axis=1),
        }
    )


def _count_votes(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    n_classes = probabilities.shape[-1]
    winners = probabilities.argmax(axis=-1)
    return np.stack([(winners == code).sum(axis=0) for code in range(n_classes)], axis=1)


def ranked(table: pd.DataFrame, min_votes: int | None = None) -> pd.DataFrame:
    """Sort candidates by votes, then by the mean probability, then as they came.

    Parameters
    ----------
    table : DataFrame
        Columns "output_frequency" and "mean_probability", and any others.
    min_votes : int or None, default=None
        Rows with fewer votes are left out.

    Returns
    -------
    DataFrame
        The rows; the index is the rank, from 1.
    """
    if min_votes is not None:
        table = table[table["output_frequency"] >= min_votes]
    table = table.sort_values(
        ["output_frequency", "mean_probability"], ascending=False, kind="stable"
    )
    return table.set_index(pd.RangeIndex(1, len(table) + 1, name="rank"))


def tell_tie(votes: pd.Series[int], n_members: int) -> str:
    """Tell whether members give almost all candidates the same class, so that votes rank few.

    Parameters
    ----------
    votes : Series of int
        Votes of the candidates.
    n_members : int
        Largest possible number of votes.

    Returns
    -------
    str
        A sentence if more than 80 % of at least 100 candidates have the same number of votes, else
        nothing.
    """
    if n_members == 1 or len(votes) < _FEWEST_COMPARED:
        return ""
    counts = votes.value_counts()
    if counts.iloc[0] <= _LARGEST_TIE * len(votes):
        return ""
    return (
        f"{counts.iloc[0]:,} of {len(votes):,} candidates have the same number of votes, "
        f"{counts.index[0]} of {n_members}: most members put all candidates into one class, as "
        "networks do with rows unlike their labeled ones. The votes rank only the others."
    )
