"""Which rows have a known label, and which of them are of the class that is sought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from skxrd._labels import as_labels, is_labeled

__all__ = ["known_labels"]


def known_labels(
    labels: ArrayLike, positive_class: Any, *, input_name: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell known labels from unknown ones, and positive from other labels.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        Labels; -1, None and NaN, also in a column of numbers, mark unknown ones.
    positive_class : label
        Class that is sought.
    input_name : str
        Name used in error messages.

    Returns
    -------
    labeled : ndarray of bool of shape (n_samples,)
        Whether the label is known.
    positive : ndarray of bool of shape (n_samples,)
        Whether it is known and of the class that is sought.
    """
    known = column_or_1d(as_labels(labels), input_name=input_name)
    labeled = is_labeled(known)
    positive = np.zeros(len(known), dtype=bool)
    positive[labeled] = known[labeled] == positive_class
    return labeled, positive
