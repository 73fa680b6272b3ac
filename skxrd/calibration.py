"""Class frequencies of the population, where those of the labels are a matter of choice.

Labels are often drawn as 10 + 10, while one compound in five or fewer is a conductor. A classifier
that has learned the first is adjusted to the second by Bayes' rule.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd._sklearn import Interval, validate_params

__all__ = ["adjust_class_prior", "estimate_class_prior"]


@validate_params(
    {"probabilities": ["array-like"], "train_prior": ["array-like"], "class_prior": ["array-like"]},
    prefer_skip_nested_validation=True,
)
def adjust_class_prior(
    probabilities: ArrayLike, *, train_prior: ArrayLike, class_prior: ArrayLike
) -> NDArray[np.floating]:
    """Adjust predicted probabilities to other class frequencies than those of the training.

    Each column is multiplied by `class_prior` / `train_prior`, then each row is normalized. With
    two classes this moves the threshold of decision.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        Predicted probabilities.
    train_prior : array-like of shape (n_classes,)
        Class frequencies that the classifier has learned, positive.
    class_prior : array-like of shape (n_classes,)
        Class frequencies of the population, positive.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Adjusted probabilities.

    Raises
    ------
    ValueError
        If shapes do not match or a frequency is not positive.

    References
    ----------
    Saerens et al., Adjusting the outputs of a classifier to new a priori probabilities, Neural
    Computation (2002), equation 2.4.

    Examples
    --------
    >>> from skxrd.calibration import adjust_class_prior
    >>> adjust_class_prior([[0.5, 0.5]], train_prior=[0.5, 0.5], class_prior=[0.8, 0.2])
    array([[0.8, 0.2]])
    """
    p = _as_probabilities(probabilities)
    ratio = _as_prior(class_prior, p, "class_prior") / _as_prior(train_prior, p, "train_prior")
    # In double precision: the frequency of a class that has all but vanished would become zero.
    adjusted = p * ratio
    return (adjusted / adjusted.sum(axis=1, keepdims=True)).astype(p.dtype)


@validate_params(
    {
        "probabilities": ["array-like"],
        "train_prior": ["array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def estimate_class_prior(
    probabilities: ArrayLike, *, train_prior: ArrayLike, max_iter: int = 1000, tol: float = 1e-6
) -> NDArray[np.float64]:
    """Estimate class frequencies of unlabeled rows from the predictions for them.

    The EM algorithm finds the frequencies under which the predictions are most likely, given that
    the classifier is calibrated for `train_prior` and that classes look alike in both sets. An
    overconfident classifier misleads it: all it can find then is what is predicted.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        Predicted probabilities of rows that were not trained on with a label.
    train_prior : array-like of shape (n_classes,)
        Class frequencies that the classifier has learned, positive.
    max_iter : int, default=1000
        Number of iterations, at most.
    tol : float, default=1e-6
        Change of the frequencies below which the iteration ends.

    Returns
    -------
    ndarray of shape (n_classes,)
        Class frequencies; they sum to 1.

    Raises
    ------
    ValueError
        If shapes do not match, a frequency is not positive or there is no row.

    References
    ----------
    Saerens et al., Adjusting the outputs of a classifier to new a priori probabilities, Neural
    Computation (2002), equations 2.9.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.calibration import estimate_class_prior
    >>> p = np.repeat([[0.95, 0.05], [0.05, 0.95]], [80, 20], axis=0)
    >>> estimate_class_prior(p, train_prior=[0.5, 0.5]).round(2)
    array([0.83, 0.17])
    """
    p = _as_probabilities(probabilities).astype(np.float64)  # means of many rows
    if len(p) == 0:
        raise ValueError("estimate_class_prior needs at least one row of probabilities, got none.")
    train = _as_prior(train_prior, p, "train_prior")
    prior = train
    for _ in range(max_iter):
        previous = prior
        prior = adjust_class_prior(p, train_prior=train, class_prior=previous).mean(axis=0)
        # A class that no row needs vanishes; exactly zero would not be a prior any more.
        prior = np.maximum(prior, np.finfo(np.float64).tiny)
        if np.abs(prior - previous).max() <= tol:
            break
    return prior / prior.sum()


def _as_probabilities(probabilities: ArrayLike) -> NDArray[np.floating]:
    p = np.asarray(probabilities)
    if p.ndim != 2:
        raise ValueError(f"probabilities needs shape (n_samples, n_classes), got {p.shape}.")
    return p if p.dtype.kind == "f" else p.astype(np.float64)


def _as_prior(prior: ArrayLike, p: NDArray[np.floating], name: str) -> NDArray[np.float64]:
    values = np.asarray(prior, dtype=np.float64)
    positive = (values > 0) & np.isfinite(values)
    if values.shape != (p.shape[1],) or not positive.all():
        raise ValueError(
            f"{name} needs one positive number for each of the {p.shape[1]} classes, got "
            f"{values.tolist()}."
        )
    return values / values.sum()
