"""Which rows of `y` carry a label, asked the same way by all of model selection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from skxrd._labels import as_labels, is_labeled

__all__ = ["labeled_rows"]


def labeled_rows(y: ArrayLike | None, *, caller: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return `y` as an array and the numbers of its labeled rows.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    caller : str
        Name used in error messages.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        Labels.
    labeled : ndarray of int64 of shape (n_labeled,)
        Rows that carry a label, in order.

    Raises
    ------
    ValueError
        If `y` is missing or no row is labeled.
    """
    if y is None:
        raise ValueError(f"{caller} needs y to tell labeled rows from unlabeled ones.")
    y = np.asarray(column_or_1d(as_labels(y)))
    labeled = np.flatnonzero(is_labeled(y))
    if len(labeled) == 0:
        raise ValueError(f"{caller} needs labeled rows; all {len(y)} rows are unlabeled.")
    return y, labeled
