"""The ranking alone: what members of an ensemble say about patterns."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skxrd._labels import as_labels, labeled_mask
from skxrd._sklearn import HasMethods, Interval, validate_params
from skxrd.screening._votes import column_of, ranked, vote_statistics

__all__ = ["screen"]


@validate_params(
    {
        "classifier": [HasMethods(["predict_proba"])],
        "X": ["array-like"],
        "ids": [None, "array-like"],
        "formulas": [None, "array-like"],
        "labels": [None, "array-like"],
        "positive_class": "no_validation",
        "min_votes": [None, Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def screen(
    classifier: Any,
    X: ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    formulas: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    positive_class: Any = 1,
    min_votes: int | None = None,
) -> pd.DataFrame:
    """Rank patterns by how many members of an ensemble take them for the positive class.

    Ties are ordered by the mean probability, then by the order of the rows.

    Parameters
    ----------
    classifier : classifier
        Fitted `SemiSupervisedBaggingClassifier`, or any fitted classifier with `predict_proba`,
        which counts as an ensemble of one.
    X : array-like of shape (n_samples, n_points)
        Patterns to be screened.
    ids : sequence of str of shape (n_samples,), default=None
        Names of the rows; None stands for their numbers.
    formulas : sequence of str of shape (n_samples,), default=None
        Chemical formulas of the rows.
    labels : array-like of shape (n_samples,), default=None
        Labels where known; -1, None and NaN mark unknown ones.
    positive_class : label, default=1
        Class to be found; 1 is the superionic class in the data sets of skxrd.
    min_votes : int or None, default=None
        Rows with fewer votes are left out. The paper lists those with at least 5 of 10; None keeps
        all rows.

    Returns
    -------
    DataFrame
        Columns "id", "formula" (if given), "output_frequency" (votes for the positive class),
        "mean_probability" and "probability_std" (mean and standard deviation over the members),
        "vote_entropy" (in bits) and "label" (if given; missing where unknown). The index is the
        rank, from 1.

    Raises
    ------
    ValueError
        If the classifier does not know `positive_class` or lengths differ.

    See Also
    --------
    CandidateScreener : The ranking with what is known about each candidate.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Table S2.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.screening import screen
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(200, grid=grid, labeled_fraction=0.3, random_state=0)
    >>> ensemble = SemiSupervisedBaggingClassifier(
    ...     SelfTrainingClassifier(LogisticRegression()), n_estimators=3, random_state=0
    ... ).fit(X, y)
    >>> table = screen(ensemble, X[y == -1], min_votes=3)
    >>> table.columns.tolist()
    ['id', 'output_frequency', 'mean_probability', 'probability_std', 'vote_entropy']
    >>> bool((table["output_frequency"] == 3).all())
    True
    """
    check_is_fitted(classifier)
    for values in (ids, formulas, labels):
        check_consistent_length(X, values)
    statistics = vote_statistics(classifier, X, column_of(classifier, positive_class))
    table = pd.DataFrame({"id": np.arange(len(statistics)) if ids is None else list(ids)})
    if formulas is not None:
        table["formula"] = list(formulas)
    table = table.join(statistics)
    if labels is not None:
        labels = as_labels(labels)
        table["label"] = pd.Series(list(labels), dtype=object).where(labeled_mask(labels), pd.NA)
    return ranked(table, min_votes)
