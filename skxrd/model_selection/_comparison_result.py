"""What a comparison of methods gives: the scores, and what can be said about their differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.model_selection._comparison_fits import PredictedClassifier
from skxrd.model_selection._comparison_tests import (
    FriedmanResult,
    average_ranks,
    corrected_resampled_ttest,
    friedman_test,
    holm_correction,
    nemenyi_critical_difference,
    signed_rank_test,
)

__all__ = ["MethodComparison"]

_COLUMNS = ("method", "split", "metric", "score", "fit_time", "n_train_labeled", "n_test")


class MethodComparison:
    """Scores of several methods on the same splits, as `compare_methods` gives them.

    Parameters
    ----------
    scores : DataFrame
        One row per method, split and metric, with the columns "method", "split", "metric", "score",
        "fit_time" and "predict_time" (in seconds), "n_train_labeled", "n_train_unlabeled" and
        "n_test" (labeled rows only).
    predictions : DataFrame, default=None
        One row per method, split and test row, with the columns "method", "split", "row", "y_true",
        "y_pred" and "proba_<class>" for each class. A method without `predict_proba` has 1 for the
        class that it predicts.
    scorers : dict of str to callable, default=None
        Scorers of scikit-learn by metric; `ensemble_scores` needs them.
    classes : array-like of shape (n_classes,), default=None
        Classes; `ensemble_scores` needs them.

    Attributes
    ----------
    scores : DataFrame
        As given.
    predictions : DataFrame or None
        As given.
    methods : list of str
        Names of the methods, in their order in `scores`.
    metrics : list of str
        Names of the metrics, in their order in `scores`; methods use the first if none is named.

    Raises
    ------
    ValueError
        If `scores` lacks a column.

    See Also
    --------
    MethodComparisonDisplay : Pictures of a comparison.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.model_selection import MethodComparison
    >>> scores = pd.DataFrame(
    ...     {
    ...         "method": ["a", "b"] * 3,
    ...         "split": [0, 0, 1, 1, 2, 2],
    ...         "metric": "accuracy",
    ...         "score": [0.7, 0.8, 0.6, 0.9, 0.7, 0.8],
    ...         "fit_time": 0.1,
    ...         "n_train_labeled": 40,
    ...         "n_test": 10,
    ...     }
    ... )
    >>> MethodComparison(scores).differences("a")[["method", "difference"]].round(3)
      method  difference
    0      b       0.167
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        predictions: pd.DataFrame | None = None,
        *,
        scorers: Mapping[str, Callable[..., float]] | None = None,
        classes: NDArray[Any] | None = None,
    ) -> None:
        missing = [column for column in _COLUMNS if column not in scores]
        if missing:
            raise ValueError(f"scores lacks the columns {missing}; it has {list(scores)}.")
        self.scores = scores
        self.predictions = predictions
        self.methods = list(scores["method"].unique())
        self.metrics = list(scores["metric"].unique())
        self._scorers = dict(scorers or {})
        self._classes = None if classes is None else np.asarray(classes)

    def __repr__(self) -> str:
        n_splits = self.scores["split"].nunique()
        return f"MethodComparison(methods={self.methods}, {n_splits} splits)"

    def table(self, metric: str | None = None) -> pd.DataFrame:
        """Lay out the scores of one metric with a row per split and a column per method.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; None stands for the first.

        Returns
        -------
        DataFrame
            Scores of shape (n_splits, n_methods).

        Raises
        ------
        ValueError
            If the metric is unknown.
        """
        metric = self.metrics[0] if metric is None else metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {self.metrics}, got {metric!r}.")
        rows = self.scores[self.scores["metric"] == metric]
        return rows.pivot(index="split", columns="method", values="score")[self.methods]

    def summary(self) -> pd.DataFrame:
        """Summarize each method by metric.

        Returns
        -------
        DataFrame
            Indexed by "metric" and "method", the best mean first, with the columns "mean",
            "std_error" (of the mean, corrected for splits that share rows, see
            `corrected_resampled_ttest`), "std" (between splits), "median", "fit_time" (mean, in
            seconds) and "n_splits" (those that did not fail).
        """
        n_train, n_test = self._sizes()
        parts = []
        for metric in self.metrics:
            table = self.table(metric)
            rows = self.scores[self.scores["metric"] == metric]
            n_splits, std = table.count(), table.std()
            part = pd.DataFrame(
                {
                    "metric": metric,
                    "mean": table.mean(),
                    "std_error": std * np.sqrt(1 / n_splits + n_test / n_train),
                    "std": std,
                    "median": table.median(),
                    "fit_time": rows.groupby("method")["fit_time"].mean(),
                    "n_splits": n_splits,
                }
            )
            parts.append(part.sort_values("mean", ascending=False, kind="stable"))
        return pd.concat(parts).rename_axis("method").set_index("metric", append=True).swaplevel()

    def differences(
        self,
        baseline: str | None = None,
        *,
        metric: str | None = None,
        test: Literal["corrected_t", "wilcoxon"] = "corrected_t",
        confidence_level: float = 0.95,
    ) -> pd.DataFrame:
        """Test the differences between pairs of methods.

        Parameters
        ----------
        baseline : str, default=None
            Method to compare all others with; None compares all pairs.
        metric : str, default=None
            Name of the metric; None stands for the first.
        test : {"corrected_t", "wilcoxon"}, default="corrected_t"
            Where the p-values come from: `corrected_resampled_ttest`, or Wilcoxon's signed-rank
            test. The latter takes splits to be independent: use it where each "split" is a data set
            of its own.
        confidence_level : float, default=0.95
            Level of the intervals, which are those of `corrected_resampled_ttest` for both tests
            and not adjusted for their number.

        Returns
        -------
        DataFrame
            One row per pair: "method", "reference", "difference" (mean of method minus reference),
            "low", "high", "statistic", "pvalue", and "pvalue_holm", adjusted for the number of
            pairs by `holm_correction`.

        Raises
        ------
        ValueError
            If the baseline, metric or test is unknown, or if two methods have fewer than two splits
            in common that did not fail.
        """
        if test not in ("corrected_t", "wilcoxon"):
            raise ValueError(f"test must be 'corrected_t' or 'wilcoxon', got {test!r}.")
        if baseline is not None and baseline not in self.methods:
            raise ValueError(f"baseline must be one of {self.methods}, got {baseline!r}.")
        if baseline is None:
            pairs = list(combinations(self.methods, 2))
        else:
            pairs = [(name, baseline) for name in self.methods if name != baseline]
        if not pairs:
            raise ValueError(f"A difference needs two methods; there is only {self.methods[0]!r}.")
        table = self.table(metric)
        n_train, n_test = self._sizes()
        rows = []
        for method, reference in pairs:
            d = (table[method] - table[reference]).dropna().to_numpy()
            if len(d) < 2:
                raise ValueError(
                    f"{method!r} and {reference!r} need two splits in common that did not fail to "
                    f"be compared; they have {len(d)}."
                )
            result = corrected_resampled_ttest(
                d, n_train=n_train, n_test=n_test, confidence_level=confidence_level
            )
            statistic, pvalue = result.statistic, result.pvalue
            if test == "wilcoxon":
                statistic, pvalue = signed_rank_test(d)
            rows.append(
                {
                    "method": method,
                    "reference": reference,
                    "difference": result.mean,
                    "low": result.low,
                    "high": result.high,
                    "statistic": statistic,
                    "pvalue": pvalue,
                }
            )
        frame = pd.DataFrame(rows)
        return frame.assign(pvalue_holm=holm_correction(frame["pvalue"]))

    def ranks(self, metric: str | None = None) -> pd.Series[float]:
        """Average the ranks of the methods over the splits on which none failed.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; None stands for the first.

        Returns
        -------
        Series
            Average ranks by method, the best (lowest) first.

        Raises
        ------
        ValueError
            If the metric is unknown, or if a method failed on every split.
        """
        table = self._complete(metric)
        ranks = pd.Series(average_ranks(table), index=table.columns, name="average rank")
        return ranks.sort_values(kind="stable")

    def friedman(self, metric: str | None = None) -> FriedmanResult:
        """Test whether any method differs from the others, see `friedman_test`.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; None stands for the first.

        Returns
        -------
        namedtuple
            `statistic`, `pvalue`, `f_statistic` and `f_pvalue`.

        Raises
        ------
        ValueError
            If the metric is unknown, or if there are fewer than three methods or two splits.
        """
        return friedman_test(self._complete(metric))

    def critical_difference(self, metric: str | None = None, *, alpha: float = 0.05) -> float:
        """Compute Nemenyi's critical difference, see `nemenyi_critical_difference`.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; None stands for the first.
        alpha : float, default=0.05
            Probability of even one false difference among all pairs.

        Returns
        -------
        float
            Critical difference of two average ranks; too small for splits that share rows.
        """
        n_splits, n_methods = self._complete(metric).shape
        return nemenyi_critical_difference(n_methods, n_splits, alpha=alpha)

    def ensemble_scores(self) -> pd.DataFrame:
        """Score each method's mean probability over the splits that test a row.

        With `LabelDraw` this is the out-of-bag score of the ensemble of all fits of a method.

        Returns
        -------
        DataFrame
            Indexed by "method", with a column per metric and "n_rows", the number of rows that were
            tested at least once.

        Raises
        ------
        ValueError
            If the predictions were not kept.
        """
        if self.predictions is None or self._classes is None:
            raise ValueError(
                "ensemble_scores needs the predictions: call compare_methods with "
                "return_predictions=True."
            )
        columns = [f"proba_{label}" for label in self._classes]
        rows = {}
        for method, group in self.predictions.groupby("method", sort=False):
            by_row = group.groupby("row")
            truth = by_row["y_true"].first().to_numpy()
            probabilities = by_row[columns].mean().to_numpy()
            ensemble = PredictedClassifier(
                self._classes, probabilities.argmax(axis=1), probabilities
            )
            values = {
                metric: float(scorer(ensemble, truth, truth))
                for metric, scorer in self._scorers.items()
            }
            rows[method] = {**values, "n_rows": len(truth)}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")

    def _sizes(self) -> tuple[float, float]:
        means = self.scores[["n_train_labeled", "n_test"]].mean()
        return float(means["n_train_labeled"]), float(means["n_test"])

    def _complete(self, metric: str | None) -> pd.DataFrame:
        table = self.table(metric).dropna()
        if table.empty:
            raise ValueError("There is no split on which every method has a score.")
        return table
