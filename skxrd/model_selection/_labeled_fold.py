"""A splitter whose test folds hold labeled rows only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import check_consistent_length
from sklearn.utils.metadata_routing import UNUSED, get_routing_for_object

from skxrd.model_selection._rows import labeled_rows

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
            Groups that splitters such as `GroupKFold` keep together. Those of unlabeled rows are
            not read.

        Yields
        ------
        train : ndarray of int
            Labeled rows of the training folds and all unlabeled rows, in order.
        test : ndarray of int
            Labeled rows of the test fold.

        Raises
        ------
        ValueError
            If `y` is missing, no row is labeled, or the lengths differ.
        """
        check_consistent_length(X, y, groups)
        y, labeled = labeled_rows(y, caller="LabeledFold")
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
        y, labeled = labeled_rows(y, caller="LabeledFold")
        groups = None if groups is None else np.asarray(groups)[labeled]
        known = _without_objects(y[labeled])
        return check_cv(self.cv, known, classifier=True).get_n_splits(labeled, known, groups)

    def get_metadata_routing(self) -> Any:
        """Get the metadata that `split` asks for: groups if the wrapped splitter wants them.

        Returns
        -------
        MetadataRequest
            Requests, for scikit-learn's metadata routing.
        """
        routing = super().get_metadata_routing()
        if hasattr(self, "_metadata_request"):  # the user's own set_split_request has the last word
            return routing
        if hasattr(self.cv, "get_metadata_routing"):
            wanted = get_routing_for_object(self.cv).split.requests
            routing.split.add_request(param="groups", alias=wanted.get("groups", UNUSED))
        elif not hasattr(self.cv, "split"):  # a number of folds, or pairs of rows
            routing.split.add_request(param="groups", alias=UNUSED)
        return routing


def _without_objects(y: NDArray[Any]) -> NDArray[Any]:
    """Give labels kept in an array of objects the type that they share."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y
