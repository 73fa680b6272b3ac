"""What counts as unlabeled, told once: -1, and None or NaN in arrays of objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from skxrd._sklearn import is_pandas_na

UNLABELED = -1

__all__ = [
    "UNLABELED",
    "as_labels",
    "encode_labels",
    "is_labeled",
    "labeled_mask",
    "plain_labels",
    "winner_or_unlabeled",
]


def as_labels(y: ArrayLike) -> NDArray[Any]:
    """Turn labels into an array in which missing ones are still to be seen.

    numpy makes one text of all labels of a list like ["a", float("nan")], in which "nan" looks like
    a class, and floats of some of pandas' types that know missing integers.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels. An array of numpy is returned as it is.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels; an array of objects if `y` is of a type that numpy lacks, or mixes text with
        something else.
    """
    if isinstance(y, np.ndarray):
        return y
    dtype = getattr(y, "dtype", None)
    if dtype is not None and not isinstance(dtype, np.dtype):  # of pandas, such as Int64
        return np.asarray(y, dtype=object)
    array = np.asarray(y)
    if array.dtype.kind != "U":
        return array
    objects = np.asarray(y, dtype=object)
    is_text = all(isinstance(label, str) for label in objects.ravel())
    return array if is_text else objects


def labeled_mask(y: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows carry a label.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; -1 marks an unlabeled row, and so do None and NaN in an array of objects, next to
        text in a list, and pandas' NA.

    Returns
    -------
    ndarray of bool of shape (n_samples,)
        True where a row is labeled.
    """
    y = as_labels(y)
    if y.dtype.kind == "U":  # what numpy.array makes of ["a", -1] holds "-1"
        return y != str(UNLABELED)
    if y.dtype.kind != "O":
        return y != UNLABELED
    return np.array([not _is_unlabeled(label) for label in y.ravel()], dtype=bool).reshape(y.shape)


def _is_unlabeled(label: Any) -> bool:
    if label is None or is_pandas_na(label):
        return True
    if isinstance(label, str):
        return False
    return bool(label == UNLABELED or label != label)  # NaN differs from itself


def is_labeled(y: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows carry a label; NaN marks an unlabeled row also among floats.

    A classifier may refuse such floats, but pandas makes them of a missing integer, and to test
    these rows would be wrong in any case.
    """
    y = np.asarray(column_or_1d(as_labels(y)))
    labeled = labeled_mask(y)
    return labeled & ~np.isnan(y) if y.dtype.kind == "f" else labeled


def plain_labels(y: NDArray[Any]) -> NDArray[Any]:
    """Give numbers kept in an array of objects the type that they share; leave all else alone.

    scikit-learn takes objects for labels only if they are text.
    """
    if y.dtype.kind != "O":
        return y
    plain = np.array(y.tolist())
    return plain if plain.dtype.kind in "biuf" and plain.shape == y.shape else y


def encode_labels(y: ArrayLike, *, estimator_name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Encode labels as 0, 1, ... with -1 kept for unlabeled rows.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, see `labeled_mask`.
    estimator_name : str
        Name used in error messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted labels, without the unlabeled marker.
    codes : ndarray of int64 of shape (n_samples,)
        Position of each label in `classes`, or -1.

    Raises
    ------
    ValueError
        If no row is labeled, if there is only one class, or if `y` is not a classification target.
    """
    y = np.asarray(column_or_1d(as_labels(y), warn=True))
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    labeled = labeled_mask(y)
    if not labeled.any():
        raise ValueError(
            f"{estimator_name} needs labeled rows of at least two classes, but all {len(y)} rows "
            f"of y are unlabeled ({UNLABELED}, None or NaN)."
        )
    known = plain_labels(y[labeled])
    is_object = known.dtype.kind == "O"
    if is_object and {type(label) for label in known} <= {str, np.str_}:
        known = known.astype(str)
    check_classification_targets(known)
    classes, encoded = np.unique(known, return_inverse=True)
    if is_object:
        classes = classes.astype(object)
    if len(classes) < 2:
        raise ValueError(
            f"{estimator_name} needs labeled rows of at least two classes; y holds one class: "
            f"{classes.tolist()}."
        )
    codes = np.full(len(y), UNLABELED, dtype=np.int64)
    codes[labeled] = encoded
    return classes, codes


def winner_or_unlabeled(
    scores: NDArray[Any], classes: NDArray[Any], is_judged: NDArray[np.bool_]
) -> NDArray[Any]:
    """Tell the class with the highest score where there is one, and -1 elsewhere.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Votes, probabilities or the like, finite; of equal ones the first wins.
    classes : ndarray of shape (n_classes,)
        Labels of the columns.
    is_judged : ndarray of bool of shape (n_samples,)
        Rows whose scores mean something.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels and -1, in an array of objects if labels are text.
    """
    winner = classes[scores.argmax(axis=1)]
    if winner.dtype.kind in "US":  # text has no room for -1
        winner = winner.astype(object)
    # A numpy integer: one of Python would be squeezed into the type of small classes.
    return np.where(is_judged, winner, np.int64(UNLABELED))
