"""Scores of the ensemble with intervals, the honest ones beside the paper's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import bootstrap

__all__ = ["METRICS", "bootstrap_intervals", "macro_scores"]

METRICS = ("precision", "recall", "f1")


def macro_scores(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Macro precision, recall and F1 of many samples at once.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (..., n_samples)
        Classes, 0 or 1.

    Returns
    -------
    ndarray of shape (3, ...)
        Mean over both classes, in the order of `METRICS`; a quotient of 0 by 0 counts as 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.cli._scores import macro_scores
    >>> macro_scores(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])).round(3).tolist()
    [0.833, 0.75, 0.733]
    """
    scores = []
    for label in (0, 1):
        n_true, n_said = (truth == label).sum(axis=-1), (predicted == label).sum(axis=-1)
        n_both = ((truth == label) & (predicted == label)).sum(axis=-1)
        totals = (n_said, n_true, (n_said + n_true) / 2)
        scores.append([n_both / np.maximum(total, 0.5) for total in totals])
    return np.mean(scores, axis=0)


def bootstrap_intervals(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Percentile intervals of macro scores over labeled rows drawn with replacement.

    They tell how far the numbers depend on which compounds happen to be labeled; the spread between
    trainings is not in them.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n_samples,)
        Classes, 0 or 1, of at least two samples.
    n_resamples : int, default=2000
        Number of draws.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    DataFrame
        Columns "value", "low" and "high" (2.5 % and 97.5 % quantile); rows "precision", "recall"
        and "f1".

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.cli._scores import bootstrap_intervals
    >>> truth = np.repeat([0, 1], 50)
    >>> bootstrap_intervals(truth, truth).loc["f1"].tolist()
    [1.0, 1.0, 1.0]
    """
    low, high = bootstrap(
        (truth, predicted),
        lambda truth, predicted, axis: macro_scores(truth, predicted),  # rows lie along the last
        paired=True,
        vectorized=True,
        n_resamples=n_resamples,
        method="percentile",
        rng=seed,
    ).confidence_interval
    value = macro_scores(truth, predicted)
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=list(METRICS))
