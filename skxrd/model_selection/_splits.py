"""Splits and subsets of labels: a labeled test part, and labels hidden on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
)
from sklearn.utils import check_random_state, column_or_1d, indexable

from skxrd._labels import UNLABELED, as_labels, is_labeled
from skxrd._sklearn import Interval, safe_indexing, validate_params
from skxrd.model_selection._labeled_fold import LabeledFold
from skxrd.model_selection._rows import labeled_rows

__all__ = ["draw_labels", "mask_labels", "train_test_split_labeled", "with_room"]


@validate_params(
    {
        "test_size": [
            Interval(Real, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "stratify": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def train_test_split_labeled(
    X: Any,
    y: ArrayLike,
    *arrays: Any,
    test_size: float | int = 0.25,
    stratify: bool = True,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> list[Any]:
    """Split rows into a training part and a test part that holds labeled rows only.

    All unlabeled rows stay in the training part.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; -1 marks unlabeled rows, and so do None and NaN.
    *arrays : sequences of length n_samples
        More to be split in the same way, such as names or structures.
    test_size : float or int, default=0.25
        Fraction of the labeled rows in the test part, in (0, 1), or their number.
    stratify : bool, default=True
        Whether the test part holds the classes in the ratio of all labeled rows.
    groups : array-like of shape (n_samples,), default=None
        Groups of which no labeled rows are on both sides, see `composition_groups`. The size of the
        test part is then met only about: with `stratify` the test part is one fold of
        `StratifiedGroupKFold`, with 1 / `test_size` folds; without, `test_size` counts groups.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    list of length 2 * (2 + len(arrays))
        ``[X_train, X_test, y_train, y_test, ...]`` as from `sklearn.model_selection`'s
        `train_test_split`. The rows of each part keep their order.

    Raises
    ------
    ValueError
        If no row is labeled, if the lengths differ, or if there are too few labeled rows or groups
        for a test part of this size.

    See Also
    --------
    LabeledFold : The same for cross-validation.

    Examples
    --------
    >>> from skxrd.model_selection import train_test_split_labeled
    >>> X = [[0], [1], [2], [3], [4], [5]]
    >>> y = [0, 1, -1, 0, 1, -1]
    >>> X_train, X_test, y_train, y_test = train_test_split_labeled(
    ...     X, y, test_size=0.5, random_state=0
    ... )
    >>> y_train, y_test
    ([1, -1, 0, -1], [0, 1])
    """
    parts = indexable(X, y, *arrays)
    if groups is None:
        splitter = StratifiedShuffleSplit if stratify else ShuffleSplit
        cv = splitter(n_splits=1, test_size=test_size, random_state=random_state)
    elif stratify:
        n_folds = _n_folds(y, test_size)
        cv = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    else:
        cv = GroupShuffleSplit(n_splits=1, test_size=test_size, random_state=random_state)
    train, test = next(LabeledFold(cv).split(X, y, groups))
    return [safe_indexing(part, rows) for part in parts for rows in (train, np.sort(test))]


def _n_folds(y: ArrayLike, test_size: float | int) -> int:
    """Find the number of folds of which one is about as large as the test part."""
    _, labeled = labeled_rows(y, caller="train_test_split_labeled")
    fraction = test_size / len(labeled) if isinstance(test_size, Integral) else test_size
    return max(round(1 / fraction), 2)


@validate_params(
    {
        "n_labeled_per_class": [Interval(Integral, 1, None, closed="left"), Mapping],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def mask_labels(
    y: ArrayLike,
    n_labeled_per_class: int | Mapping[Any, int],
    *,
    random_state: int | np.random.RandomState | None = None,
    unlabeled_value: Any = UNLABELED,
) -> NDArray[Any]:
    """Hide all but a few labels of each class.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels. Rows that are unlabeled already stay so.
    n_labeled_per_class : int or dict of class to int
        Number of labels that each class keeps. A dictionary names every class.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw. With the same integer, a larger number keeps the labels that a smaller one
        keeps, and more.
    unlabeled_value : -1, None or NaN, default=-1
        What a hidden label becomes.

    Returns
    -------
    ndarray of shape (n_samples,)
        Copy of `y`. Where its type has no room for `unlabeled_value`, the copy has another: int64
        for booleans and unsigned integers, objects for text, and objects for None and NaN, since
        classifiers refuse NaN among floats.

    Raises
    ------
    ValueError
        If a class has fewer labels than asked for, if a dictionary does not name the classes of
        `y`, if no row is labeled, or if `unlabeled_value` is none that marks unlabeled rows.

    Examples
    --------
    >>> from skxrd.model_selection import mask_labels
    >>> mask_labels([0, 0, 0, 1, 1, 1], 2, random_state=0)
    array([-1,  0,  0,  1, -1,  1])
    >>> mask_labels(["no", "no", "yes"], {"no": 1, "yes": 1}, random_state=0)
    array([-1, 'no', 'yes'], dtype=object)
    """
    if np.ndim(unlabeled_value) or is_labeled(np.array([unlabeled_value], dtype=object))[0]:
        raise ValueError(f"unlabeled_value must be -1, None or NaN, got {unlabeled_value!r}.")
    y = np.asarray(column_or_1d(as_labels(y)))
    keep = draw_labels(y, n_labeled_per_class, check_random_state(random_state))
    masked = with_room(y, unlabeled_value)
    masked[np.setdiff1d(np.arange(len(y)), keep)] = unlabeled_value
    return masked


def draw_labels(
    y: ArrayLike,
    n_labeled_per_class: int | Mapping[Any, int],
    random_state: np.random.RandomState,
) -> NDArray[np.int64]:
    """Draw labeled rows of each class, and return their numbers in order."""
    y, labeled = labeled_rows(y, caller="mask_labels")
    classes, codes = _unique(y[labeled])
    if isinstance(n_labeled_per_class, Mapping):
        sizes = _sizes(n_labeled_per_class, classes)
    else:
        sizes = [n_labeled_per_class] * len(classes)
    rows = []
    for code, size in enumerate(sizes):
        # The whole class is shuffled whatever the number, so that larger draws hold smaller ones.
        pool = random_state.permutation(labeled[codes == code])
        if len(pool) < size:
            raise ValueError(
                f"n_labeled_per_class asks for {size} labels of class {classes[code]!r}, but only "
                f"{len(pool)} rows carry it."
            )
        rows.append(pool[:size])
    return np.sort(np.concatenate(rows))


def _unique(known: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Classes as Python objects, and the position of each label among them."""
    classes, codes = np.unique(known, return_inverse=True)
    return classes.tolist(), codes


def _sizes(n_labeled_per_class: Mapping[Any, int], classes: list[Any]) -> list[int]:
    if set(n_labeled_per_class) != set(classes):
        raise ValueError(
            f"n_labeled_per_class must name the classes of y, {classes}, got "
            f"{list(n_labeled_per_class)}."
        )
    sizes = [n_labeled_per_class[label] for label in classes]
    if not all(isinstance(size, Integral) and size >= 0 for size in sizes):
        raise ValueError(f"n_labeled_per_class must hold integers of at least 0, got {sizes}.")
    return sizes


def with_room(y: NDArray[Any], unlabeled_value: Any) -> NDArray[Any]:
    """Copy labels into a type that also holds the marker."""
    is_number = isinstance(unlabeled_value, Real) and unlabeled_value == UNLABELED
    if y.dtype.kind in "US" or not is_number:
        return y.astype(object)
    return y.astype(np.int64) if y.dtype.kind in ("b", "u") else y.copy()
