"""A splitter whose test folds hold labeled rows only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator, check_cv

from skxrd._labels import labeled_mask

__all__ = ["LabeledFold"]


class LabeledFold(BaseCrossValidator):
    """Splitter whose test folds hold labeled rows only; unlabeled rows always train.

    Plain splitters treat -1 as one more class: unlabeled rows land in the test folds, where every
    prediction for them counts as an error.

    Parameters
    ----------
    cv : int, cross-validator or iterable, default=5
        How labeled rows are split: anything that scikit-learn's `cv` parameters accept. An integer
        stands for that many stratified folds. An iterable of index pairs refers to the labeled
        rows, counted among themselves.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : The splitter used for an integer.

    Examples
    --------
    >>> from skxrd.model_selection import LabeledFold
    >>> y = [0, 1, -1, 0, 1, -1]
    >>> for train, test in LabeledFold(2).split([[0]] * 6, y):
    ...     print(train, test)
    [2 3 4 5] [0 1]
    [0 1 2 5] [3 4]
    """

    __metadata_request__split: ClassVar = {"groups": True}

    def __init__(self, cv: Any = 5) -> None:
        self.cv = list(cv) if isinstance(cv, Iterator) else cv  # read more than once

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Generate row numbers of training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns; only their number matters.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
        groups : array-like of shape (n_samples,), default=None
            Groups that splitters such as `GroupKFold` keep together.

        Yields
        ------
        train : ndarray of int
            Labeled rows of the training folds and all unlabeled rows, in order.
        test : ndarray of int
            Labeled rows of the test fold.

        Raises
        ------
        ValueError
            If `y` is missing or no row is labeled.
        """
        y, labeled = self._labeled_rows(y)
        unlabeled = np.setdiff1d(np.arange(len(y)), labeled)
        known = _without_objects(y[labeled])
        groups = None if groups is None else np.asarray(groups)[labeled]
        cv = check_cv(self.cv, known, classifier=True)
        for train, test in cv.split(labeled, known, groups):
            yield np.sort(np.concatenate([labeled[train], unlabeled])), labeled[test]

    def get_n_splits(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: Any = None
    ) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : array-like, default=None
            Patterns; needed by splitters whose number of splits depends on the data.
        y : array-like of shape (n_samples,), default=None
            Labels; needed by the same splitters.
        groups : array-like of shape (n_samples,), default=None
            Groups; needed by splitters such as `LeaveOneGroupOut`.

        Returns
        -------
        int
            Number of splits.
        """
        if y is None:
            return check_cv(self.cv, classifier=True).get_n_splits(X, y, groups)
        y, labeled = self._labeled_rows(y)
        groups = None if groups is None else np.asarray(groups)[labeled]
        known = _without_objects(y[labeled])
        return check_cv(self.cv, known, classifier=True).get_n_splits(labeled, known, groups)

    def _labeled_rows(self, y: ArrayLike | None) -> tuple[NDArray[Any], NDArray[np.int64]]:
        if y is None:
            raise ValueError("LabeledFold needs y to tell labeled rows from unlabeled ones.")
        y = np.asarray(y)
        labeled = np.flatnonzero(labeled_mask(y))
        if len(labeled) == 0:
            raise ValueError(f"LabeledFold needs labeled rows; all {len(y)} rows are unlabeled.")
        return y, labeled


def _without_objects(y: NDArray[Any]) -> NDArray[Any]:
    """Give labels kept in an array of objects the type that they share."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y
