"""Errors of diffusivities, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = ["Estimate", "estimate", "ratio_interval"]


class Estimate(NamedTuple):
    """A value, its standard error (NaN if unknown) and the degrees of freedom of the latter."""

    value: float
    error: float
    n_degrees_of_freedom: int

    def interval(self, confidence: float) -> NDArray[np.float64]:
        """Interval with Student's t.

        Parameters
        ----------
        confidence : float
            Level between 0 and 1.

        Returns
        -------
        ndarray of shape (2,)
            Its ends, on both sides of the value; NaN if the error is unknown.
        """
        if math.isnan(self.error):
            return np.full(2, np.nan)
        half = _quantile(self.n_degrees_of_freedom, confidence) * self.error
        return np.array([self.value - half, self.value + half])


def estimate(value: float, parts: NDArray[np.float64] | None) -> Estimate:
    """Tell the error of a value from how its parts scatter.

    Parameters
    ----------
    value : float
        The value, about the mean of the parts.
    parts : ndarray of shape (n_parts,) or None
        Values of parts of the data, such as single ions or blocks of time, that are independent of
        each other. The jackknife over them gives this same error for a mean.
        None leaves the error unknown.

    Returns
    -------
    Estimate
        The value with the standard error of the mean of the parts.
    """
    if parts is None or len(parts) < 2:
        return Estimate(float(value), math.nan, 0)
    error = float(np.std(parts, ddof=1)) / math.sqrt(len(parts))
    return Estimate(float(value), error, len(parts) - 1)


def ratio_interval(
    numerator: Estimate, denominator: Estimate, confidence: float
) -> NDArray[np.float64]:
    """Interval of a ratio by Fieller's theorem, for a denominator that differs from 0.

    Parameters
    ----------
    numerator : Estimate
        What is divided.
    denominator : Estimate
        What divides; its interval must not hold 0, for no ratio could be excluded then.
    confidence : float
        Level between 0 and 1.

    Returns
    -------
    ndarray of shape (2,)
        Ends of the interval; NaN if an error is unknown, or if no ratio can be excluded because
        the denominator does not differ from 0 with the fewer degrees of freedom of the two.
    """
    freedom = min(numerator.n_degrees_of_freedom, denominator.n_degrees_of_freedom)
    if math.isnan(numerator.error) or math.isnan(denominator.error):
        return np.full(2, np.nan)
    # Ratios r for which (numerator - r * denominator) is within t standard errors of 0.
    t = _quantile(freedom, confidence)
    a = denominator.value**2 - (t * denominator.error) ** 2
    if a <= 0:
        return np.full(2, np.nan)
    b = numerator.value * denominator.value
    c = numerator.value**2 - (t * numerator.error) ** 2
    root = math.sqrt(b**2 - a * c)
    return np.array([b - root, b + root]) / a


def _quantile(n_degrees_of_freedom: int, confidence: float) -> float:
    return float(stdtrit(n_degrees_of_freedom, (1 + confidence) / 2))
