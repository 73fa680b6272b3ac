"""A splitter that draws few labeled rows for training and tests on all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state

from skxrd._labels import UNLABELED, encode_labels

__all__ = ["LabelDraw"]


class LabelDraw(BaseCrossValidator):
    """Splitter that trains on a balanced draw of labeled rows and tests on all others.

    Each split draws the same number of labeled rows of every class, without replacement. These and
    all unlabeled rows train; every other labeled row is a test row and plays no part in training,
    not even without its label. This is how the members of the XRDMatch ensemble are trained, and
    the prediction of a row averaged over the splits that did not draw it is out-of-bag.

    Parameters
    ----------
    n_splits : int, default=20
        Number of draws.
    n_labeled_per_class : int, default=10
        Labeled rows of each class that a split draws; each class needs at least one more.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws. An int gives the same splits at each call.

    See Also
    --------
    LabeledFold : Folds of any splitter over the labeled rows.
    skxrd.SemiSupervisedBaggingClassifier : The ensemble whose members draw in this way.

    Examples
    --------
    >>> from skxrd.model_selection import LabelDraw
    >>> y = [0, 0, 0, 1, 1, 1, -1, -1]
    >>> for train, test in LabelDraw(2, n_labeled_per_class=2, random_state=0).split(y, y):
    ...     print(train, test)
    [1 2 3 5 6 7] [0 4]
    [0 2 3 5 6 7] [1 4]
    """

    # Lets scikit-learn's metadata routing pass groups, which are optional here.
    __metadata_request__split: ClassVar = {"groups": True}

    def __init__(
        self,
        n_splits: int = 20,
        *,
        n_labeled_per_class: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.n_labeled_per_class = n_labeled_per_class
        self.random_state = random_state

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
            Groups such as families of compounds: labeled rows of a group of which a row was drawn
            are left out of the split, neither drawn nor tested.

        Yields
        ------
        train : ndarray of int
            Drawn rows and all unlabeled rows, in order.
        test : ndarray of int
            All other labeled rows, in order.

        Raises
        ------
        ValueError
            If a parameter is not a positive integer, if `y` is missing, if a class has too few
            labeled rows, or if groups leave no test row.
        """
        for name in ("n_splits", "n_labeled_per_class"):
            if not isinstance(value := getattr(self, name), int | np.integer) or value < 1:
                raise ValueError(f"{name} of LabelDraw must be a positive integer, got {value!r}.")
        if y is None:
            raise ValueError("LabelDraw needs y to tell labeled rows from unlabeled ones.")
        classes, codes = encode_labels(y, estimator_name=type(self).__name__)
        check_consistent_length(X, codes, groups)
        self._check_sizes(classes, codes)
        random_state = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            drawn = self._draw(len(classes), codes, random_state)
            left_out = drawn
            if groups is not None:
                left_out = np.flatnonzero(np.isin(groups, np.asarray(groups)[drawn]))
            test = np.setdiff1d(np.flatnonzero(codes != UNLABELED), left_out)
            if len(test) == 0:
                raise ValueError(
                    "No test row is left: each labeled row belongs to a group of which LabelDraw "
                    f"drew one of its {self.n_labeled_per_class} rows per class."
                )
            yield np.sort(np.append(drawn, np.flatnonzero(codes == UNLABELED))), test

    def _check_sizes(self, classes: NDArray[Any], codes: NDArray[np.int64]) -> None:
        sizes = np.bincount(codes[codes != UNLABELED])
        small = sizes <= self.n_labeled_per_class
        if small.any():
            found = dict(zip(classes[small].tolist(), sizes[small].tolist(), strict=True))
            raise ValueError(
                f"n_labeled_per_class={self.n_labeled_per_class} leaves no test row of a class "
                f"with as many labeled rows or fewer; labeled rows per class: {found}."
            )

    def _draw(
        self, n_classes: int, codes: NDArray[np.int64], random_state: np.random.RandomState
    ) -> NDArray[np.int64]:
        return np.concatenate(
            [
                random_state.choice(
                    np.flatnonzero(codes == code), self.n_labeled_per_class, replace=False
                )
                for code in range(n_classes)
            ]
        )

    def get_n_splits(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : array-like, default=None
            Not used.
        y : array-like of shape (n_samples,), default=None
            Not used.
        groups : array-like of shape (n_samples,), default=None
            Not used.

        Returns
        -------
        int
            Number of splits.
        """
        return self.n_splits
