"""Tests of differences between methods that were scored on the same splits or data sets."""

from __future__ import annotations

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from skxrd._sklearn import Interval, validate_params

__all__ = [
    "average_ranks",
    "corrected_resampled_ttest",
    "friedman_test",
    "holm_correction",
    "nemenyi_critical_difference",
]


class ResampledTTestResult(NamedTuple):
    """What `corrected_resampled_ttest` gives."""

    statistic: float
    pvalue: float
    mean: float
    standard_error: float
    low: float
    high: float


class FriedmanResult(NamedTuple):
    """What `friedman_test` gives."""

    statistic: float
    pvalue: float
    f_statistic: float
    f_pvalue: float


@validate_params(
    {
        "differences": ["array-like"],
        "n_train": [Interval(Real, 0, None, closed="neither")],
        "n_test": [Interval(Real, 0, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def corrected_resampled_ttest(
    differences: ArrayLike,
    *,
    n_train: float,
    n_test: float,
    confidence_level: float = 0.95,
) -> ResampledTTestResult:
    r"""Test whether scores on overlapping splits differ, with Nadeau and Bengio's correction.

    Splits of one data set share rows, so that their scores are correlated, and a plain paired
    t-test calls far too many differences significant. The corrected statistic is

    .. math:: t = \bar d \Big/ \sqrt{\left(\frac{1}{n} +
        \frac{n_\mathrm{test}}{n_\mathrm{train}}\right) s_d^2}

    with n - 1 degrees of freedom for n splits, mean difference :math:`\bar d` and sample variance
    :math:`s_d^2`. It takes the correlation of two splits to be the fraction of tested rows.

    Parameters
    ----------
    differences : array-like of shape (n_splits,)
        Differences of the scores, one per split.
    n_train : float
        Labeled rows that a split trains on (the mean, where splits differ). Unlabeled rows are not
        counted: what carries the error of a score is which labeled rows train and which test.
    n_test : float
        Labeled rows that a split tests on; 0 gives the plain t-test.
    confidence_level : float, default=0.95
        Level of the interval, between 0 and 1.

    Returns
    -------
    namedtuple
        `statistic`, `pvalue` (two-sided), `mean`, `standard_error`, and the limits `low` and
        `high` of the confidence interval of the mean.

    Raises
    ------
    ValueError
        If there are fewer than two differences, or if one of them is not finite.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning 52, 239-281
    (2003).

    Examples
    --------
    >>> from skxrd.model_selection import corrected_resampled_ttest
    >>> result = corrected_resampled_ttest([0.1, 0.2, 0.3, 0.4], n_train=90, n_test=10)
    >>> round(result.statistic, 3), round(result.pvalue, 3)
    (3.223, 0.048)
    """
    d = np.asarray(differences, dtype=float)
    if d.ndim != 1 or len(d) < 2 or not np.isfinite(d).all():
        raise ValueError(
            "differences must be at least two finite numbers, one per split; got "
            f"{np.isfinite(d).sum()} finite ones in an array of shape {d.shape}."
        )
    mean = float(d.mean())
    # Equal differences have a variance of 0, but for the rounding of their mean.
    variance = 0.0 if np.ptp(d) == 0 else float(d.var(ddof=1))
    error = float(np.sqrt((1 / len(d) + n_test / n_train) * variance))
    with np.errstate(divide="ignore"):  # a difference that never varies is infinitely certain
        statistic = float(np.divide(mean, error)) if mean else 0.0
    pvalue = float(2 * stats.t.sf(abs(statistic), len(d) - 1))
    half = float(stats.t.ppf((1 + confidence_level) / 2, len(d) - 1)) * error
    return ResampledTTestResult(statistic, pvalue, mean, error, mean - half, mean + half)


@validate_params({"pvalues": ["array-like"]}, prefer_skip_nested_validation=True)
def holm_correction(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the number of tests by Holm's step-down procedure.

    The adjusted values are compared with the level as they are: the probability of even one false
    rejection stays below the level, whatever the dependence between the tests.

    Parameters
    ----------
    pvalues : array-like of shape (n_tests,)
        Values between 0 and 1.

    Returns
    -------
    ndarray of shape (n_tests,)
        Adjusted p-values, in the order of `pvalues`.

    Raises
    ------
    ValueError
        If a value does not lie between 0 and 1.

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 65-70 (1979).

    Examples
    --------
    >>> from skxrd.model_selection import holm_correction
    >>> holm_correction([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(pvalues, dtype=float)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"pvalues must be a list of numbers from 0 to 1, got {p.tolist()}.")
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


@validate_params({"scores": ["array-like"]}, prefer_skip_nested_validation=True)
def average_ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """Rank methods within each data set or split and average their ranks.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_methods)
        Scores, the higher the better.

    Returns
    -------
    ndarray of shape (n_methods,)
        Average ranks: 1 for a method that is always the best. Ties share their ranks.

    Raises
    ------
    ValueError
        If `scores` is not a table of finite numbers.

    Examples
    --------
    >>> from skxrd.model_selection import average_ranks
    >>> average_ranks([[0.9, 0.8, 0.7], [0.8, 0.8, 0.7]])
    array([1.25, 1.75, 3.  ])
    """
    return stats.rankdata(-_table(scores), axis=1).mean(axis=0)


@validate_params({"scores": ["array-like"]}, prefer_skip_nested_validation=True)
def friedman_test(scores: ArrayLike) -> FriedmanResult:
    """Test whether any of several methods differs from the others, by their ranks.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_methods)
        Scores of at least three methods, the higher the better. The test takes the data sets to be
        independent; splits of one data set are not.

    Returns
    -------
    namedtuple
        `statistic` and `pvalue` of Friedman's chi-squared test, corrected for ties, and
        `f_statistic` and `f_pvalue` of Iman and Davenport's less conservative F-test.

    Raises
    ------
    ValueError
        If `scores` is not a table of finite numbers with at least two rows and three columns.

    References
    ----------
    J. Demšar, Statistical comparisons of classifiers over multiple data sets, Journal of Machine
    Learning Research 7, 1-30 (2006).

    Examples
    --------
    >>> from skxrd.model_selection import friedman_test
    >>> result = friedman_test([[3, 2, 1], [3, 2, 1], [3, 1, 2], [3, 2, 1]])
    >>> round(result.statistic, 2), round(result.pvalue, 3)
    (6.5, 0.039)
    """
    table = _table(scores)
    n_rows, n_methods = table.shape
    if n_rows < 2 or n_methods < 3:
        raise ValueError(
            "The Friedman test needs at least two data sets and three methods; scores has shape "
            f"{table.shape}."
        )
    if (table == table[:, :1]).all():  # all tied everywhere: 0 / 0 in the formula
        return FriedmanResult(0.0, 1.0, 0.0, 1.0)
    statistic, pvalue = stats.friedmanchisquare(*table.T)
    spare = n_rows * (n_methods - 1) - statistic
    f_statistic = (n_rows - 1) * statistic / spare if spare > 1e-9 * n_rows else np.inf
    f_pvalue = stats.f.sf(f_statistic, n_methods - 1, (n_methods - 1) * (n_rows - 1))
    return FriedmanResult(float(statistic), float(pvalue), float(f_statistic), float(f_pvalue))


@validate_params(
    {
        "n_methods": [Interval(Integral, 2, None, closed="left")],
        "n_datasets": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def nemenyi_critical_difference(n_methods: int, n_datasets: int, *, alpha: float = 0.05) -> float:
    r"""Compute how far two average ranks must lie apart to differ by Nemenyi's test.

    .. math:: CD = q_\alpha \sqrt{k (k + 1) / (6 N)}

    for k methods on N independent data sets; :math:`q_\alpha` is the quantile of the studentized
    range with infinite degrees of freedom, divided by :math:`\sqrt 2`.

    Parameters
    ----------
    n_methods : int
        Number of methods, at least 2.
    n_datasets : int
        Number of data sets.
    alpha : float, default=0.05
        Probability of even one false difference among all pairs.

    Returns
    -------
    float
        Critical difference of two average ranks.

    References
    ----------
    J. Demšar, Statistical comparisons of classifiers over multiple data sets, Journal of Machine
    Learning Research 7, 1-30 (2006).

    Examples
    --------
    >>> from skxrd.model_selection import nemenyi_critical_difference
    >>> round(nemenyi_critical_difference(4, 14), 2)
    1.25
    """
    q = stats.studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_datasets)))


def signed_rank_test(differences: NDArray[np.float64]) -> tuple[float, float]:
    """Wilcoxon's signed-rank test; ranks of zero differences are split, as Demšar advises."""
    if not differences.any():
        return 0.0, 1.0
    result = stats.wilcoxon(differences, zero_method="zsplit")
    return float(result.statistic), float(result.pvalue)


def _table(scores: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(
            "scores must be a table of finite numbers, one row per data set and one column per "
            f"method; got shape {table.shape} with {np.isfinite(table).sum()} finite numbers."
        )
    return table
