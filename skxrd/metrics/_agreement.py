"""Agreement of candidates with the labels that the literature knows."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from skxrd._sklearn import Interval, validate_params
from skxrd.metrics._intervals import wilson_interval
from skxrd.metrics._known_labels import known_labels

__all__ = ["agreement_by_output_frequency"]


@validate_params(
    {
        "output_frequency": ["array-like"],
        "labels": ["array-like"],
        "positive_class": "no_validation",
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def agreement_by_output_frequency(
    output_frequency: ArrayLike,
    labels: ArrayLike,
    *,
    positive_class: Any = 1,
    confidence_level: float = 0.95,
) -> pd.DataFrame:
    """Tell, for each number of votes, how many labeled candidates are of the predicted class.

    Parameters
    ----------
    output_frequency : array-like of int of shape (n_candidates,)
        Members of the ensemble that vote for the positive class.
    labels : array-like of shape (n_candidates,)
        Labels where they are known; -1, None and NaN mark unknown ones.
    positive_class : label, default=1
        Class that the candidates are predicted to be of.
    confidence_level : float, default=0.95
        Level of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        The index has two levels: `votes`, which is "exactly" or "at_least", and
        `output_frequency`, the numbers of votes that occur, ascending. Columns: `n_candidates`;
        `n_labeled`, those with a known label; `n_correct`, those of the positive class;
        `precision`, which is n_correct / n_labeled; `low` and `high`, the limits of Wilson's
        interval of the precision. The last three are NaN where no label is known.

    Raises
    ------
    ValueError
        If lengths differ, or if a number of votes is negative, missing or not whole.

    See Also
    --------
    precision_at_k : The same for the top of any ranking.

    Notes
    -----
    Known labels are no random sample: the literature covers some families well and others not at
    all, and the precision holds for what it covers. Rows "at_least" share candidates with each
    other.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Table S2.

    Examples
    --------
    >>> from skxrd.datasets import load_xrdmatch_candidates
    >>> from skxrd.metrics import agreement_by_output_frequency
    >>> data = load_xrdmatch_candidates()
    >>> table = agreement_by_output_frequency(data.frame["output_frequency"], data.target)
    >>> table.loc[("at_least", 5), ["n_candidates", "n_labeled", "n_correct"]].astype(int).tolist()
    [200, 96, 51]
    """
    check_consistent_length(output_frequency, labels)
    votes = _whole_numbers(output_frequency)
    labeled, correct = known_labels(labels, positive_class, input_name="labels")
    frequencies = np.unique(votes)
    masks = [votes == frequency for frequency in frequencies]
    masks += [votes >= frequency for frequency in frequencies]
    index = pd.MultiIndex.from_product(
        [["exactly", "at_least"], frequencies], names=["votes", "output_frequency"]
    )
    table = pd.DataFrame(
        {
            "n_candidates": [int(mask.sum()) for mask in masks],
            "n_labeled": [int((mask & labeled).sum()) for mask in masks],
            "n_correct": [int((mask & correct).sum()) for mask in masks],
        },
        index=index,
        dtype=np.int64,
    )
    table["precision"] = table["n_correct"] / table["n_labeled"].where(table["n_labeled"] > 0)
    counts = zip(table["n_correct"], table["n_labeled"], strict=True)
    limits = [wilson_interval(c, n, confidence_level) if n else (np.nan, np.nan) for c, n in counts]
    table[["low", "high"]] = np.array(limits, dtype=float).reshape(-1, 2)
    return table


def _whole_numbers(output_frequency: ArrayLike) -> NDArray[np.int64]:
    votes = column_or_1d(np.asarray(output_frequency, dtype=float), input_name="output_frequency")
    wrong = ~((votes >= 0) & (votes == np.floor(votes)) & np.isfinite(votes))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            "output_frequency must hold whole numbers of votes from 0; "
            f"row {row} holds {votes[row]:g}."
        )
    return votes.astype(np.int64)
