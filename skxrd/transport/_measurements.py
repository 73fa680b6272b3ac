"""Checks of measurements, whose errors name the argument and the row."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_consistent_length, column_or_1d

__all__ = ["check_weights", "column", "positive"]


def column(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return numbers as one row of floats; a single column is accepted with a warning."""
    found = check_array(
        values, ensure_2d=False, dtype=np.float64, ensure_all_finite=False, input_name=name
    )
    return column_or_1d(found, warn=True)


def positive(values: NDArray[np.float64], name: str, hint: str) -> NDArray[np.float64]:
    """Return the numbers if all are positive and finite."""
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if wrong.size:
        more = f", and {wrong.size - 1} more" if wrong.size > 1 else ""
        raise ValueError(
            f"{name} must be positive and finite ({hint}); row {wrong[0]} is "
            f"{values[wrong[0]]:g}{more}."
        )
    return values


def check_weights(sample_weight: ArrayLike, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights, one for each measurement, none of them negative."""
    weights = column(sample_weight, "sample_weight")
    check_consistent_length(y, weights)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise ValueError(
            "sample_weight must be finite and not negative; row "
            f"{wrong[0]} is {weights[wrong[0]]:g}."
        )
    return weights
