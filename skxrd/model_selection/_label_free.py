"""Scores that compare predictions with predictions, and so need no labels."""

from __future__ import annotations

from itertools import combinations
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.metrics import cohen_kappa_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skxrd._labels import is_labeled
from skxrd._sklearn import HasMethods, Interval, safe_split, set_random_states, validate_params
from skxrd._tensors import apply, generator_from, to_numpy, to_tensor
from skxrd.model_selection._rows import labeled_rows

__all__ = ["stability_score", "view_agreement_score"]

# Rows that are augmented at a time: bounds the memory of large pools.
_CHUNK = 4096


@validate_params(
    {
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def view_agreement_score(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    n_repeats: int = 1,
    random_state: int | np.random.RandomState | None = 0,
) -> float:
    """Score how well predictions for weak and strong views of the same rows agree.

    Labels are not read: all rows count, and as `scoring` of a search the score works with plain
    splitters, whose test folds hold mostly unlabeled rows.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Fitted classifier with `weak_augmentation_` and `strong_augmentation_`, such as
        `SemiSupervisedClassifier`, or a pipeline that ends in one.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : None
        Not read; scikit-learn passes it to each scorer.
    n_repeats : int, default=1
        Number of draws of the views; the mean score is returned.
    random_state : int, RandomState instance or None, default=0
        Seed of the views. With the same seed, candidates of a search are judged on the same views.

    Returns
    -------
    float
        Cohen's kappa, at most 1: agreement beyond what the class frequencies of the two sets of
        predictions give by chance. 0 if all predictions are the same class, since a classifier that
        does not tell patterns apart agrees with itself by chance only.

    Raises
    ------
    TypeError
        If the classifier has no augmentations.
    NotFittedError
        If it was not fitted.

    Notes
    -----
    A high score says that the predictions do not depend on what the strong view changes. It does
    not say that they are right, and stronger views lower it: compare candidates that share their
    augmentations. Algorithms that learn from weak and strong views train for this very agreement,
    also on rows of which their pseudo-labels are wrong.

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier, TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.model_selection import view_agreement_score
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(80, grid=grid, labeled_fraction=0.3, random_state=0)
    >>> model = SemiSupervisedClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> -1 <= view_agreement_score(model, X) <= 1
    True
    """
    classifier = estimator
    if isinstance(estimator, Pipeline):
        classifier = estimator[-1]
        X = estimator[:-1].transform(X) if len(estimator) > 1 else X
    check_is_fitted(classifier)
    if not hasattr(classifier, "strong_augmentation_"):
        raise TypeError(
            "estimator must be a classifier with weak_augmentation_ and strong_augmentation_, such "
            "as SemiSupervisedClassifier, or a pipeline that ends in one; got "
            f"{type(classifier).__name__}."
        )
    X = np.asarray(X, dtype=np.float32)
    rng = check_random_state(random_state)
    scores = []
    for _ in range(n_repeats):
        generator = generator_from(rng)
        weak, strong = (
            np.concatenate(
                [
                    classifier.predict(to_numpy(apply(view, to_tensor(chunk), generator)))
                    for chunk in _chunks(X)
                ]
            )
            for view in (classifier.weak_augmentation_, classifier.strong_augmentation_)
        )
        scores.append(_kappa(weak, strong))
    return float(np.mean(scores))


def _chunks(X: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [X[start : start + _CHUNK] for start in range(0, len(X), _CHUNK)]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_repeats": [Interval(Integral, 2, None, closed="left")],
        "labeled_fraction": [Interval(Real, 0, 1, closed="right")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def stability_score(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    n_repeats: int = 5,
    labeled_fraction: float = 0.8,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> float:
    """Score how well trainings with other seeds and other labels agree on the unlabeled rows.

    The classifier is trained `n_repeats` times, each time with other seeds, on a part of the
    labeled rows and all unlabeled rows. Labels are used to train, and never to judge.

    Parameters
    ----------
    estimator : classifier
        Classifier whose `y` may hold -1. It is cloned, and every `random_state` in it is set.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
    n_repeats : int, default=5
        Number of trainings, at least 2.
    labeled_fraction : float, default=0.8
        Part of the labeled rows of each class that a training draws, at least one row, in (0, 1].
        The others are not shown to it. With 1 only the seeds differ.
    n_jobs : int or None, default=None
        Number of trainings at a time, through joblib. The result does not depend on it.
    random_state : int, RandomState instance or None, default=0
        Seed of the draws and of the trainings. With the same integer, candidates of a search are
        trained on the same labels.

    Returns
    -------
    float
        Mean over the pairs of trainings of Cohen's kappa between their predictions for the
        unlabeled rows, at most 1; a pair that predicts one and the same class for all rows has 0.

    Raises
    ------
    ValueError
        If no row is labeled, if none is unlabeled, or if the classifier learns -1 as a class.

    Notes
    -----
    Plain agreement would reward one-sided predictions: two classifiers that call 5 % of the rows
    superionic, independently of each other, agree on 90 %. Kappa counts only what exceeds this.

    A high score says that the result hardly depends on luck. It does not say that the result is
    right: a classifier with too little freedom, such as a linear one on the total intensity, is
    stably wrong. Use it to rule candidates out, not to estimate their accuracy.

    As `scoring` of a search it trains on the rows that it is given, so give it all of them:
    ``GridSearchCV(model, params, cv=[(rows, rows)], scoring=stability_score)`` with ``rows =
    np.arange(len(y))``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.model_selection import stability_score
    >>> X, y = make_patterns(
    ...     120, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.1, random_state=0
    ... )
    >>> model = SelfTrainingClassifier(LogisticRegression())
    >>> 0.5 < stability_score(model, X, y) < 1
    True
    """
    X, y = indexable(X, y)
    labels, labeled = labeled_rows(y, caller="stability_score")
    unlabeled = np.setdiff1d(np.arange(len(labels)), labeled)
    if len(unlabeled) == 0:
        raise ValueError("stability_score compares predictions for unlabeled rows; y has none.")
    rng = check_random_state(random_state)
    # All randomness is drawn here, before anything is sent to workers.
    samples, members = [], []
    for _ in range(n_repeats):
        drawn = _draw(labels[labeled], labeled_fraction, rng)
        samples.append(np.sort(np.concatenate([labeled[drawn], unlabeled])))
        member = clone(estimator)
        set_random_states(member, rng)
        members.append(member)
    predictions = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_predict)(member, X, y, rows, unlabeled)
        for member, rows in zip(members, samples, strict=True)
    )
    return float(np.mean([_kappa(one, other) for one, other in combinations(predictions, 2)]))


def _draw(
    known: NDArray[Any], labeled_fraction: float, random_state: np.random.RandomState
) -> NDArray[np.int64]:
    """Positions of that part of the labels of each class."""
    drawn = []
    for label in np.unique(known):
        pool = random_state.permutation(np.flatnonzero(known == label))
        drawn.append(pool[: max(round(labeled_fraction * len(pool)), 1)])
    return np.concatenate(drawn)


def _fit_and_predict(
    member: Any, X: Any, y: Any, train: NDArray[np.int64], unlabeled: NDArray[np.int64]
) -> NDArray[Any]:
    X_train, y_train = safe_split(member, X, y, train)
    X_test, _ = safe_split(member, X, None, unlabeled, train)
    predicted = np.asarray(member.fit(X_train, y_train).predict(X_test))
    if not is_labeled(predicted).all():
        raise ValueError(
            "estimator must be a semi-supervised classifier: it takes the marker of unlabeled rows "
            "for a class and predicts it."
        )
    return predicted


def _kappa(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Cohen's kappa, 0 where all predictions are the same class and it is undefined."""
    if len(np.unique(np.concatenate([one, other]))) < 2:
        return 0.0
    return float(cohen_kappa_score(one, other))
