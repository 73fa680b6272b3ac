"""What a search should pick when the scores of its candidates are noise to a large part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skxrd._sklearn import Interval

__all__ = ["OneStandardErrorRule"]

Preference = Literal["smaller", "larger"] | Sequence[Any]


class OneStandardErrorRule(BaseEstimator):
    """Pick the preferred candidate among those within one standard error of the best one.

    With few labels the best mean score of a search is the best by luck to a good part. The rule of
    Breiman et al. asks for the spread of the scores instead: candidates whose mean score lies
    within one standard error of the best cannot be told apart from it, and among them the simplest
    is taken, or the most cautious, or the one that physics suggests. An instance is given to a
    search as `refit`.

    Parameters
    ----------
    prefer : dict of str to {"smaller", "larger"} or sequence, or None, default=None
        Names of parameters as in the search, the most important first, and what is preferred:
        smaller or larger values, or values in a sequence, the preferred one first. Candidates
        without the parameter come last. None prefers candidates in the order of the search.
    metric : str, default="score"
        Metric that is compared; ``"score"`` in a search with a single metric.
    n_standard_errors : float, default=1.0
        Width of the tolerance in standard errors of the best candidate's mean, at least 0.
    test_train_ratio : float or None, default=None
        Number of labeled test rows divided by the number of labeled training rows of a split, such
        as 1 / 4 in five folds. The standard error is then corrected for training sets that overlap
        (Nadeau and Bengio). None stands for no correction: the usual rule, with a standard error
        that is too small.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Takes the rule as `refit`.

    Notes
    -----
    The standard error of the mean of n scores with variance s² is sqrt(s² / n), and corrected
    sqrt(s² (1 / n + `test_train_ratio`)): repeated splits make the first term small, while the
    second stays. A search whose `refit` is callable has no `best_score_`; the mean scores are in
    its `cv_results_`.

    References
    ----------
    Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984), section 3.4.3.
    Nadeau and Bengio, Inference for the generalization error, Machine Learning 52, 239 (2003).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.model_selection import LabeledFold, OneStandardErrorRule
    >>> X, y = make_patterns(
    ...     120, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.3, random_state=0
    ... )
    >>> search = GridSearchCV(
    ...     SelfTrainingClassifier(LogisticRegression()),
    ...     {"estimator__C": [0.1, 1, 10, 100]},
    ...     cv=LabeledFold(5),
    ...     scoring="masked_f1_macro",
    ...     refit=OneStandardErrorRule({"estimator__C": "smaller"}, test_train_ratio=1 / 4),
    ... ).fit(X, y)
    >>> results = search.cv_results_
    >>> results["mean_test_score"].round(2), search.best_params_
    (array([...]), {'estimator__C': ...})
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "prefer": [Mapping, None],
        "metric": [str],
        "n_standard_errors": [Interval(Real, 0, None, closed="left")],
        "test_train_ratio": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        prefer: Mapping[str, Preference] | None = None,
        *,
        metric: str = "score",
        n_standard_errors: float = 1.0,
        test_train_ratio: float | None = None,
    ) -> None:
        self.prefer = prefer
        self.metric = metric
        self.n_standard_errors = n_standard_errors
        self.test_train_ratio = test_train_ratio

    def __call__(self, cv_results: Mapping[str, Any]) -> int:
        """Return the number of the candidate to refit.

        Parameters
        ----------
        cv_results : dict
            The attribute `cv_results_` of a search.

        Returns
        -------
        int
            Position of the candidate.

        Raises
        ------
        ValueError
            If the search has no such metric or parameter, if there is a single split, or if no
            candidate has a score.
        """
        self._validate_params()
        scores = self._scores(cv_results)
        means = scores.mean(axis=1)
        if np.isnan(means).all():
            raise ValueError(f"No candidate has a mean {self.metric!r}: all of them failed.")
        best = int(np.nanargmax(means))
        tolerance = self.n_standard_errors * self._standard_error(scores[best])
        within = np.flatnonzero(means >= means[best] - tolerance)
        if self.prefer is None:
            return int(within[0])
        ranks = [
            _ranks(name, preference, cv_results["params"])
            for name, preference in self.prefer.items()
        ]
        # Of candidates that are preferred alike, the better one, then the first.
        return int(min(within, key=lambda row: (*(rank[row] for rank in ranks), -means[row], row)))

    def _scores(self, cv_results: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return scores of shape (n_candidates, n_splits)."""
        pattern = re.compile(rf"split\d+_test_{re.escape(self.metric)}")
        columns = [values for name, values in cv_results.items() if pattern.fullmatch(name)]
        if len(columns) < 2:
            names = [name[10:] for name in cv_results if name.startswith("mean_test_")]
            raise ValueError(
                f"The rule needs scores of at least two splits for metric={self.metric!r}, got "
                f"{len(columns)}; the search has the metrics {names}."
            )
        return np.column_stack(columns).astype(float)

    def _standard_error(self, scores: NDArray[np.float64]) -> float:
        """Compute the standard error of the mean of one candidate's scores."""
        return scores.std(ddof=1) * np.sqrt(1 / len(scores) + (self.test_train_ratio or 0))


def _ranks(name: str, preference: Preference, params: list[dict[str, Any]]) -> list[float]:
    """Rank of each candidate by one parameter, the preferred one lowest."""
    values = [each[name] for each in params if name in each]
    if not values:
        searched = sorted({key for each in params for key in each})
        raise ValueError(f"prefer names {name!r}, but the search varies {searched}.")
    if isinstance(preference, str):
        if preference not in ("smaller", "larger"):
            raise ValueError(
                f"prefer[{name!r}] must be 'smaller', 'larger' or a sequence of values, got "
                f"{preference!r}."
            )
        order = sorted(values, reverse=preference == "larger")
    else:
        order = list(preference)
        missing = [value for value in values if value not in order]
        if missing:
            raise ValueError(
                f"prefer[{name!r}] must name all values that are searched; {missing[0]!r} is not "
                "among them."
            )
    return [order.index(each[name]) if name in each else np.inf for each in params]
