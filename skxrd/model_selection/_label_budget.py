"""Score against the number of labels and of unlabeled rows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, indexable
from sklearn.utils.parallel import delayed

from skxrd._labels import UNLABELED, as_labels, is_labeled
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    safe_split,
    set_random_states,
    validate_params,
)
from skxrd.model_selection._labeled_fold import LabeledFold
from skxrd.model_selection._splits import draw_labels, with_room

__all__ = ["label_budget_curve"]


class _Task(NamedTuple):
    """One fit: what is written into the table, its rows, and its seed."""

    budget: dict[str, int]
    train: NDArray[np.int64]
    hidden: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_labeled_per_class": ["array-like"],
        "n_unlabeled": ["array-like", None],
        "cv": ["cv_object"],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "scoring": [str, callable],
        "unused_labels": [StrOptions({"remove", "hide"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def label_budget_curve(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    n_labeled_per_class: Sequence[int] = (2, 5, 10),
    n_unlabeled: Sequence[int | float] | None = None,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    n_repeats: int = 1,
    scoring: str | Callable[..., float] = "masked_f1_macro",
    unused_labels: Literal["remove", "hide"] = "remove",
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score a classifier for several numbers of labels and of unlabeled rows.

    The learning curve of semi-supervised learning. Test rows are set aside first, labeled ones
    only, and are the same for all budgets of a split. Of the other rows, as many labeled and
    unlabeled ones are drawn as the budget allows; a larger budget holds the rows of a smaller one.

    Parameters
    ----------
    estimator : classifier
        Classifier whose `y` may hold -1. It is cloned, and every `random_state` in it is set.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
    n_labeled_per_class : sequence of int, default=(2, 5, 10)
        Numbers of labels of each class.
    n_unlabeled : sequence of int or float, or None, default=None
        Numbers of unlabeled rows: integers count rows, floats in (0, 1] are fractions of all
        unlabeled rows. None stands for all of them.
    cv : int, cross-validator or iterable, default=5
        How labeled rows are split; wrapped in `LabeledFold` unless it is one.
    groups : array-like of shape (n_samples,), default=None
        Groups for splitters such as `GroupKFold`.
    n_repeats : int, default=1
        Number of draws of the training rows in each split.
    scoring : str or callable, default="masked_f1_macro"
        Name of a scorer, or a scorer ``scorer(estimator, X, y)``.
    unused_labels : {"remove", "hide"}, default="remove"
        What becomes of labeled training rows beyond the budget: they are removed, or lose their
        label and are unlabeled rows beside those that `n_unlabeled` counts.
    n_jobs : int or None, default=None
        Number of fits at a time, through joblib. The scores do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws and of the classifiers. All budgets of a split and repeat share it.
    verbose : int, default=0
        With 1, a progress bar over the fits is shown.

    Returns
    -------
    DataFrame
        One row per fit, with columns n_labeled_per_class, n_unlabeled, split, repeat, score and
        fit_time (in seconds).

    Raises
    ------
    ValueError
        If no row is labeled, or if a budget asks for more rows than the training rows of a split
        hold.

    See Also
    --------
    LabelBudgetDisplay : Draws the table.

    Notes
    -----
    `learning_curve` of scikit-learn shortens the training rows at the end, labeled and unlabeled
    ones alike: what is left of a semi-supervised training set depends on the order of its rows.

    A network that is trained for a number of epochs takes more steps on more rows, so that a curve
    may show what a longer training does. With batches that hold all rows, an epoch is one step
    whatever the budget.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.model_selection import label_budget_curve
    >>> X, y = make_patterns(
    ...     200, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.3, random_state=0
    ... )
    >>> curve = label_budget_curve(
    ...     SelfTrainingClassifier(LogisticRegression()),
    ...     X,
    ...     y,
    ...     n_labeled_per_class=(2, 10),
    ...     n_unlabeled=(0.5, 1.0),
    ...     random_state=0,
    ... )
    >>> curve.groupby(["n_labeled_per_class", "n_unlabeled"]).size()
    n_labeled_per_class  n_unlabeled
    2                    70             5
                         140            5
    10                   70             5
                         140            5
    dtype: int64
    """
    X, y, groups = indexable(X, y, groups)
    cv = cv if isinstance(cv, LabeledFold) else LabeledFold(cv)
    scorer = check_scoring(estimator, scoring=scoring)
    labels = with_room(as_labels(y), UNLABELED)
    labels[~is_labeled(y)] = UNLABELED  # one marker: objects do not take "-1" for it
    budgets = [
        {"n_labeled_per_class": n, "n_unlabeled": m}
        for n in _check_labeled(n_labeled_per_class)
        for m in _check_unlabeled(n_unlabeled, int((~is_labeled(y)).sum()))
    ]
    # All randomness is drawn here, before anything is sent to workers.
    rng = check_random_state(random_state)
    tasks = [
        task
        for split, (train, test) in enumerate(cv.split(X, y, groups))
        for repeat in range(n_repeats)
        for task in _tasks(budgets, labels, train, test, unused_labels, rng, split, repeat)
    ]
    calls = (delayed(_fit_and_score)(clone(estimator), X, labels, task, scorer) for task in tasks)
    with contextlib.closing(as_they_come(calls, n_jobs)) as results:
        shown = tracked(results, "Training", len(tasks)) if verbose else results
        rows = [
            {**task.budget, "score": score, "fit_time": fit_time}
            for task, (score, fit_time) in zip(tasks, shown, strict=True)
        ]
    return pd.DataFrame(rows).sort_values(
        ["n_labeled_per_class", "n_unlabeled", "split", "repeat"], ignore_index=True
    )


def _check_labeled(n_labeled_per_class: Sequence[int]) -> list[int]:
    numbers = list(n_labeled_per_class)
    if not numbers or not all(isinstance(n, Integral) and n >= 1 for n in numbers):
        raise ValueError(
            f"n_labeled_per_class must hold integers of at least 1, got {n_labeled_per_class!r}."
        )
    return [int(n) for n in dict.fromkeys(numbers)]


def _check_unlabeled(n_unlabeled: Sequence[int | float] | None, n_pool: int) -> list[int]:
    """Numbers of unlabeled rows, fractions resolved."""
    if n_unlabeled is None:
        return [n_pool]
    numbers: list[int] = []
    for n in n_unlabeled:
        if isinstance(n, Integral) and 0 <= n <= n_pool:
            numbers.append(int(n))
        elif isinstance(n, Real) and not isinstance(n, Integral) and 0 < n <= 1:
            numbers.append(round(n * n_pool))
        else:
            raise ValueError(
                f"n_unlabeled must hold integers from 0 to {n_pool}, the number of unlabeled rows, "
                f"or fractions in (0, 1]; got {n!r}."
            )
    return list(dict.fromkeys(numbers))


def _tasks(
    budgets: list[dict[str, int]],
    labels: NDArray[Any],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    unused_labels: str,
    random_state: np.random.RandomState,
    split: int,
    repeat: int,
) -> Iterator[_Task]:
    """Fits of all budgets on the same draw."""
    seed = int(random_state.randint(np.iinfo(np.int32).max))
    labeled = train[is_labeled(labels[train])]
    # A fixed shuffle of which each budget takes the first rows: larger ones hold smaller ones.
    pool = np.random.RandomState(seed).permutation(np.setdiff1d(train, labeled))
    for budget in budgets:
        n_labeled, n_unlabeled = budget["n_labeled_per_class"], budget["n_unlabeled"]
        drawn = labeled[draw_labels(labels[labeled], n_labeled, np.random.RandomState(seed))]
        hidden = np.setdiff1d(labeled, drawn) if unused_labels == "hide" else labeled[:0]
        rows = np.sort(np.concatenate([drawn, hidden, pool[:n_unlabeled]]))
        yield _Task({**budget, "split": split, "repeat": repeat}, rows, hidden, test, seed)


def _fit_and_score(
    estimator: Any, X: Any, labels: NDArray[Any], task: _Task, scorer: Callable[..., float]
) -> tuple[float, float]:
    set_random_states(estimator, np.random.RandomState(task.seed))
    masked = labels.copy()
    masked[task.hidden] = UNLABELED
    X_train, y_train = safe_split(estimator, X, masked, task.train)
    X_test, y_test = safe_split(estimator, X, masked, task.test, task.train)
    start = time.perf_counter()
    estimator.fit(X_train, y_train)
    fit_time = time.perf_counter() - start
    return float(scorer(estimator, X_test, y_test)), fit_time
