"""Comparison of methods on identical splits with identical seeds."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.parallel import delayed

from skxrd._labels import UNLABELED, encode_labels
from skxrd._memory import is_storing, open_memory, stored
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import (
    HasMethods,
    Options,
    StrOptions,
    set_random_states,
    validate_parameter_constraints,
)
from skxrd._threads import one_thread
from skxrd.model_selection._comparison_fits import (
    PredictedClassifier,
    as_scorers,
    fit_key,
    fit_predict,
    run_fit,
)
from skxrd.model_selection._comparison_result import MethodComparison
from skxrd.model_selection._labeled_fold import LabeledFold

__all__ = ["compare_methods"]


class _Fit(NamedTuple):
    method: str
    split: int
    estimator: Any
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    def __str__(self) -> str:
        return f"{self.method!r} on split {self.split}"


_CONSTRAINTS = {
    "estimators": [dict],
    "X": ["array-like", "sparse matrix"],
    "y": ["array-like"],
    "cv": ["cv_object"],
    "groups": ["array-like", None],
    "scoring": [str, callable, list, tuple, dict],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "memory": [None, str, os.PathLike, HasMethods(["cache"])],
    "return_predictions": ["boolean"],
    "verbose": ["verbose"],
    "error_score": [StrOptions({"raise"}), Options(Real, {np.nan})],
}


def compare_methods(
    estimators: Mapping[str, Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    scoring: Any = ("f1_macro", "balanced_accuracy", "roc_auc"),
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    memory: str | os.PathLike[str] | joblib.Memory | None = None,
    return_predictions: bool = False,
    verbose: int = 0,
    error_score: float | Literal["raise"] = "raise",
) -> MethodComparison:
    """Train and score several methods on identical splits with identical seeds.

    All methods are given the same training rows and are scored on the same labeled test rows. Each
    split has a seed, and every `random_state` of every method, nested ones too, is set from it.

    Parameters
    ----------
    estimators : dict of str to classifier
        Methods by name: classifiers whose `y` may hold -1, or supervised ones in a
        `LabeledOnlyClassifier`. They are cloned, and their `y` is 0, 1, ... for the sorted classes
        and -1.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.
    cv : int, cross-validator or iterable, default=5
        How the labeled rows are split. An integer stands for that many stratified folds, and any
        splitter is wrapped in `LabeledFold`, so that unlabeled rows train and are not tested. An
        iterable holds pairs of training and test rows, numbered among all rows; unlabeled test rows
        are left out. `LabelDraw` compares methods on few labels.
    groups : array-like of shape (n_samples,), default=None
        Groups for the splitter.
    scoring : str, callable, list, tuple or dict, default=("f1_macro", "balanced_accuracy", \
"roc_auc")
        Names of scikit-learn's scorers, or a dict of names to names or scorers. Scores are computed
        from stored predictions: a callable is given, instead of the fitted classifier, a stand-in
        with `classes_`, `predict` and, where the method has them, `predict_proba` and
        `decision_function`. "roc_auc" is for two classes; take "roc_auc_ovr" for more.
    n_jobs : int or None, default=None
        Number of fits at a time, through joblib. The result does not depend on it: each fit
        computes on one thread, so that more cores need more jobs.
    random_state : int, RandomState instance or None, default=None
        Seed of the seeds of the splits. The splits are drawn with the splitter's own seed.
    memory : str, path or joblib.Memory, default=None
        Folder in which the predictions of each finished fit are stored at once. A call after an
        interruption, or with more methods or other scores, repeats no fit with the same parameters,
        seed, data and rows. It needs an int as `random_state` here and in the splitter.
    return_predictions : bool, default=False
        Whether to keep the predictions for the test rows, which `ensemble_scores` needs.
    verbose : int, default=0
        With 1, a progress bar over the fits is shown.
    error_score : "raise" or numpy.nan, default="raise"
        Whether an error in a fit or a score is raised, or gives NaN and a warning. Programming
        errors in a fit, such as a TypeError, are always raised.

    Returns
    -------
    MethodComparison
        The scores of all methods, splits and metrics in its table `scores`, with tests of the
        differences.

    Raises
    ------
    ValueError
        If there is no method, no split, or a split without labeled rows to train or to test on; if
        fewer than two classes are labeled; or if a scorer cannot cope with the classes.
    TypeError
        If a method learns -1 as a class.

    Warns
    -----
    FitFailedWarning
        If fits or scores failed and `error_score` is NaN.

    See Also
    --------
    MethodComparisonDisplay : Pictures of the comparison.
    corrected_resampled_ttest : The test behind the differences.

    Notes
    -----
    Predictions are stored under a hash of the method's parameters, the data (hashed once), the rows
    and the version of skxrd. Code of your own that changes under the same name is not noticed:
    remove the folder then. With several machines, the folder must be one that all of them see.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.model_selection import LabelDraw, compare_methods
    >>> from skxrd.supervised import LabeledOnlyClassifier
    >>> grid = TwoThetaGrid(10, 80, 141)
    >>> X, y = make_patterns(120, grid=grid, labeled_fraction=0.4, random_state=0)
    >>> comparison = compare_methods(
    ...     {
    ...         "supervised": LabeledOnlyClassifier(LogisticRegression()),
    ...         "self-training": SelfTrainingClassifier(LogisticRegression()),
    ...     },
    ...     X,
    ...     y,
    ...     cv=LabelDraw(5, n_labeled_per_class=5, random_state=0),
    ...     random_state=0,
    ... )
    >>> comparison.scores.shape  # 2 methods x 5 splits x 3 metrics
    (30, 9)
    """
    # Not by a decorator: that would take invalid parameters of a method for those of this function.
    given = dict(locals())
    validate_parameter_constraints(_CONSTRAINTS, given, caller_name="compare_methods")
    if not estimators:
        raise ValueError("estimators must name at least one method, got an empty dict.")
    classes, codes = encode_labels(y, estimator_name="compare_methods")
    X = X if hasattr(X, "shape") else np.asarray(X)
    check_consistent_length(X, codes, groups)
    scorers = as_scorers(scoring, classes)
    # All randomness is drawn here, before anything is sent to workers.
    splits = _splits(cv, X, codes, groups)
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=len(splits))
    fits = [
        _Fit(method, number, _seeded(estimator, seed), *split)
        for number, (split, seed) in enumerate(zip(splits, seeds, strict=True))
        for method, estimator in estimators.items()
    ]
    catch = error_score != "raise"
    rows: list[dict[str, Any]] = []
    predictions: list[pd.DataFrame] = []
    failures: list[str] = []
    calls = _calls(fits, X, codes, len(classes), memory=memory, catch=catch)
    with (
        one_thread(),  # around all, so that threads restore no value of each other
        contextlib.closing(as_they_come(calls, n_jobs)) as results,
    ):
        shown = tracked(results, "Comparing methods", len(fits)) if verbose else results
        for fit, result in zip(fits, shown, strict=True):
            if isinstance(result, str):
                failures.append(f"{fit}:\n{result}")
                result = None
            scores = _scores(fit, result, scorers, classes, codes, failures if catch else None)
            rows += _rows(fit, result, scores, codes)
            if return_predictions and result is not None:
                predictions.append(_predictions(fit, result, classes, codes))
    if failures:
        warnings.warn(
            f"{len(failures)} fits or scores failed and count as NaN. The first: {failures[0]}",
            FitFailedWarning,
            stacklevel=2,
        )
    table = pd.concat(predictions, ignore_index=True) if predictions else None
    return MethodComparison(pd.DataFrame(rows), table, scorers=scorers, classes=classes)


def _seeded(estimator: Any, seed: int) -> Any:
    estimator = clone(estimator)
    set_random_states(estimator, seed)
    return estimator


def _splits(
    cv: Any, X: Any, codes: NDArray[np.int64], groups: Any
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    is_splitter = cv is None or isinstance(cv, Integral) or hasattr(cv, "split")
    if is_splitter:
        cv = (cv if isinstance(cv, LabeledFold) else LabeledFold(cv)).split(X, codes, groups)
    splits = []
    for number, (train, test) in enumerate(cv):
        # Masks become numbers; test rows without a label have no score.
        train, test = (np.arange(len(codes))[np.asarray(rows)] for rows in (train, test))
        test = test[codes[test] != UNLABELED]
        if len(test) == 0 or not (codes[train] != UNLABELED).any():
            raise ValueError(f"Split {number} of cv has no labeled row to train or to test on.")
        splits.append((train, test))
    if not splits:
        raise ValueError("cv must yield at least one split, got none.")
    return splits


def _calls(
    fits: list[_Fit],
    X: Any,
    codes: NDArray[np.int64],
    n_classes: int,
    *,
    memory: Any,
    catch: bool,
) -> Iterator[Any]:
    memory = open_memory(memory)
    function = stored(memory, fit_predict)
    keys = [""] * len(fits)
    if is_storing(memory):
        data = joblib.hash((X, codes), coerce_mmap=True)  # once: data may be large
        keys = [fit_key(fit.method, data, fit.estimator, fit.train, fit.test) for fit in fits]
    return (
        delayed(run_fit)(
            function, str(fit), catch, key, fit.estimator, X, codes, fit.train, fit.test, n_classes
        )
        for key, fit in zip(keys, fits, strict=True)
    )


def _scores(
    fit: _Fit,
    result: dict[str, Any] | None,
    scorers: dict[str, Callable[..., float]],
    classes: NDArray[Any],
    codes: NDArray[np.int64],
    failures: list[str] | None,
) -> dict[str, float]:
    """Score the predictions of a fit; a list of failures turns errors into entries and NaN."""
    if result is None:
        return dict.fromkeys(scorers, np.nan)
    responses = (result[name] for name in ("predicted", "probabilities", "decision"))
    classifier = PredictedClassifier(classes, *responses)
    values = {}
    for metric, scorer in scorers.items():
        try:
            values[metric] = float(scorer(classifier, fit.test, classes[codes[fit.test]]))
        except (AttributeError, ValueError) as error:  # no probabilities, or NaN among them
            if failures is None:
                error.add_note(f"Raised by the score {metric!r} of {fit}.")
                raise
            failures.append(f"{metric} of {fit}: {error}")
            values[metric] = np.nan
    return values


def _rows(
    fit: _Fit, result: dict[str, Any] | None, scores: dict[str, float], codes: NDArray[np.int64]
) -> list[dict[str, Any]]:
    n_labeled = int((codes[fit.train] != UNLABELED).sum())
    costs = {
        "fit_time": np.nan if result is None else result["fit_time"],
        "predict_time": np.nan if result is None else result["predict_time"],
        "n_train_labeled": n_labeled,
        "n_train_unlabeled": len(fit.train) - n_labeled,
        "n_test": len(fit.test),
    }
    return [
        {"method": fit.method, "split": fit.split, "metric": metric, "score": score, **costs}
        for metric, score in scores.items()
    ]


def _predictions(
    fit: _Fit, result: dict[str, Any], classes: NDArray[Any], codes: NDArray[np.int64]
) -> pd.DataFrame:
    probabilities = result["probabilities"]
    if probabilities is None:  # a method that tells no probability casts a vote
        probabilities = np.eye(len(classes))[result["predicted"]]
    table = {
        "method": fit.method,
        "split": fit.split,
        "row": fit.test,
        "y_true": classes[codes[fit.test]],
        "y_pred": classes[result["predicted"]],
    }
    columns = {f"proba_{label}": probabilities[:, i] for i, label in enumerate(classes)}
    return pd.DataFrame({**table, **columns})
