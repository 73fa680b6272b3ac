"""Labeled rows that are held out of a training, so that it can end early."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from skxrd.semi_supervised._batches import EXCLUDED

__all__ = ["split_off_validation"]


def split_off_validation(
    codes: NDArray[np.int64], fraction: float, seed: int, *, estimator_name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes of the training rows, and the labeled rows that are held out.

    Rows keep their places: those held out are marked as excluded, and no pattern has to be copied.
    """
    labeled = np.flatnonzero(codes >= 0)
    n_classes = len(np.unique(codes[labeled]))
    try:
        parts = train_test_split(
            labeled, test_size=fraction, stratify=codes[labeled], random_state=seed
        )
    except ValueError as error:
        raise _too_few_labels(codes, fraction, estimator_name) from error
    if any(len(np.unique(codes[part])) < n_classes for part in parts):
        raise _too_few_labels(codes, fraction, estimator_name)
    codes = codes.copy()
    codes[parts[1]] = EXCLUDED
    return codes, parts[1]


def _too_few_labels(codes: NDArray[np.int64], fraction: float, estimator_name: str) -> ValueError:
    counts = np.bincount(codes[codes >= 0]).tolist()
    return ValueError(
        f"{estimator_name}: early_stopping=True needs rows of every class both for the "
        f"training and for the validation; with validation_fraction={fraction} "
        f"the labels of {counts} rows per class do not suffice. Label more rows, change "
        "validation_fraction or set early_stopping=False."
    )
