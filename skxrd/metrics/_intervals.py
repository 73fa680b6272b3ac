"""Confidence intervals of counts."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

from scipy.stats import binomtest, nchypergeom_fisher
from scipy.stats.contingency import odds_ratio

__all__ = ["at_expected_count", "chance_interval", "wilson_interval"]


def wilson_interval(count: int, n: int, confidence_level: float) -> tuple[float, float]:
    """Give the limits of a share by Wilson's score interval.

    Parameters
    ----------
    count : int
        How many of `n` have the property.
    n : int
        Number of trials, at least 1.
    confidence_level : float
        Level of the interval, between 0 and 1.

    Returns
    -------
    (low, high) : tuple of float
        Limits of the share.
    """
    interval = binomtest(count, n).proportion_ci(confidence_level, method="wilson")
    return float(interval.low), float(interval.high)


def chance_interval(
    count: int, n_selected: int, n_positive: int, n: int, confidence_level: float
) -> tuple[float, float]:
    """Give the limits of the expected number of positives among selected rows.

    The numbers of selected and of positive rows are taken as given. The exact conditional interval
    of the odds ratio is translated into the mean of Fisher's noncentral hypergeometric
    distribution, so that the limits stay between the least and the largest possible number.

    Parameters
    ----------
    count : int
        Positives among the selected rows.
    n_selected : int
        Selected rows.
    n_positive : int
        Positives among all rows.
    n : int
        All rows.
    confidence_level : float
        Level of the interval, between 0 and 1.

    Returns
    -------
    (low, high) : tuple of float
        Limits of the expected number.
    """
    least, most = max(0, n_selected + n_positive - n), min(n_selected, n_positive)
    if least == most:  # the margins leave nothing to chance
        return float(count), float(count)
    missed = n_positive - count
    table = [[count, n_selected - count], [missed, n - n_selected - missed]]
    odds = odds_ratio(table).confidence_interval(confidence_level)
    low = least if count == least else nchypergeom_fisher.mean(n, n_positive, n_selected, odds.low)
    high = most if count == most else nchypergeom_fisher.mean(n, n_positive, n_selected, odds.high)
    return float(low), float(high)


def at_expected_count(
    limits: Callable[[int], tuple[float, float]], count: float
) -> tuple[float, float]:
    """Interpolate limits at an expected count, which ties leave between two whole ones.

    Parameters
    ----------
    limits : callable
        Gives the limits for a whole count.
    count : float
        Expected count.

    Returns
    -------
    (low, high) : tuple of float
        Limits.
    """
    low, high = limits(floor(count))
    if ceil(count) == floor(count):
        return low, high
    next_low, next_high = limits(ceil(count))
    part = count - floor(count)
    return low + part * (next_low - low), high + part * (next_high - high)
