"""Bagging for labels that hold -1: every member draws its own labeled and unlabeled rows."""

from __future__ import annotations

import contextlib
import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._classifiers import SemiSupervisedClassifierMixin, was_interrupted
from skxrd._labels import UNLABELED, encode_labels, winner_or_unlabeled
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import HasMethods, Interval, StrOptions, fit_context, set_random_states
from skxrd._threads import one_thread
from skxrd.semi_supervised import SemiSupervisedClassifier
from skxrd.semi_supervised._base import BaseSemiSupervisedClassifier

__all__ = ["SemiSupervisedBaggingClassifier"]

# Rows of the working array at a time when members predict: bounds the memory of large pools.
_CHUNK = 4096


class SemiSupervisedBaggingClassifier(
    SemiSupervisedClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Ensemble of semi-supervised classifiers that vote, as in the XRDMatch paper.

    Each member is trained on a balanced draw of labeled rows and a part of the unlabeled rows, both
    without replacement. Labeled rows that a member did not draw are not shown to it at all, not
    even without their label, so that its predictions for them are out-of-bag.

    Parameters
    ----------
    estimator : classifier or None, default=None
        Classifier whose `y` may hold -1, with `predict_proba`. None stands for
        ``SemiSupervisedClassifier()``.
    n_estimators : int, default=10
        Number of members.
    n_labeled_per_class : int or None, default=10
        Labeled rows of each class that a member draws; of a class with fewer rows, all of them.
        None draws every labeled row.
    unlabeled_fraction : float, default=0.8
        Part of the unlabeled rows that a member draws, in [0, 1].
    voting : {"hard", "soft"}, default="hard"
        ``"hard"``: each member votes for its most probable class, and a tie is settled by the
        members' mean probability. ``"soft"``: the class with the highest mean probability wins.
    n_jobs : int or None, default=None
        Number of members trained at a time, through joblib. The result does not depend on it.
    verbose : int, default=0
        With 1, a progress bar over the members is shown.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws and of the members.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes, without the unlabeled marker.
    estimators_ : list of classifiers
        The members; their `y` was 0, 1, ... for the classes and -1.
    estimators_samples_ : list of ndarray of int
        Rows that each member was trained on.
    interrupted_ : bool
        Whether a KeyboardInterrupt cut the training short; the members trained until then remain.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes)
        What `predict_proba` gives when only members vote that were not trained on the row; NaN
        where every member was.
    oob_prediction_ : ndarray of shape (n_samples,)
        Class predicted by these members; -1 where every member was trained on the row.
    n_features_in_ : int
        Number of points of a pattern.

    Notes
    -----
    scikit-learn's `BaggingClassifier` and `VotingClassifier` encode `y` first and so turn the -1 of
    unlabeled rows into one more class.

    Members are trained on one thread each, since the sum that a parallel reduction gives depends on
    the number of threads. A `KeyboardInterrupt` keeps the members trained so far.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, section 2.1.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(200, grid=grid, labeled_fraction=0.3, random_state=0)
    >>> ensemble = SemiSupervisedBaggingClassifier(
    ...     SelfTrainingClassifier(LogisticRegression()), n_estimators=5, random_state=0
    ... )
    >>> ensemble.fit(X, y).vote_counts(X[:2]).sum(axis=1)
    array([5, 5])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "estimator": [None, HasMethods(["fit", "predict_proba"])],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_labeled_per_class": [None, Interval(Integral, 1, None, closed="left")],
        "unlabeled_fraction": [Interval(Real, 0, 1, closed="both")],
        "voting": [StrOptions({"hard", "soft"})],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 10,
        n_labeled_per_class: int | None = 10,
        unlabeled_fraction: float = 0.8,
        voting: Literal["hard", "soft"] = "hard",
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_labeled_per_class = n_labeled_per_class
        self.unlabeled_fraction = unlabeled_fraction
        self.voting = voting
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Draw rows for each member and train the members.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects.

        Returns
        -------
        self
            The fitted ensemble.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled, or if a parameter or the input is invalid.
        """
        if y is not None:
            self.classes_, y = encode_labels(y, estimator_name=type(self).__name__)
        patterns, codes = validate_data(self, X, y, dtype=np.float32)
        random_state = check_random_state(self.random_state)
        # All randomness is drawn here, before anything is sent to workers.
        samples = [self._draw(codes, random_state) for _ in range(self.n_estimators)]
        members = [
            clone(SemiSupervisedClassifier() if self.estimator is None else self.estimator)
            for _ in range(self.n_estimators)
        ]
        for member in members:
            set_random_states(member, random_state)
        self.estimators_ = self._fit_members(members, patterns, codes, samples)
        self.estimators_samples_ = samples[: len(self.estimators_)]
        self.interrupted_ = len(self.estimators_) < self.n_estimators or any(
            map(was_interrupted, self.estimators_)
        )
        self._set_oob(patterns)
        return self

    def _draw(
        self, codes: NDArray[np.int64], random_state: np.random.RandomState
    ) -> NDArray[np.int64]:
        rows = []
        for code in range(len(self.classes_)):
            pool = np.flatnonzero(codes == code)
            size = min(self.n_labeled_per_class or len(pool), len(pool))
            rows.append(random_state.choice(pool, size, replace=False))
        pool = np.flatnonzero(codes == UNLABELED)
        size = round(self.unlabeled_fraction * len(pool))
        rows.append(random_state.choice(pool, size, replace=False))
        return np.sort(np.concatenate(rows))

    def _fit_members(
        self,
        members: list[Any],
        X: NDArray[np.float32],
        codes: NDArray[np.int64],
        samples: list[NDArray[np.int64]],
    ) -> list[Any]:
        fitted: list[Any] = []
        tasks = (
            delayed(_fit_member)(member, X, codes, rows)
            for member, rows in zip(members, samples, strict=True)
        )
        try:
            with (
                one_thread(),  # around all, so that threads restore no value of each other
                contextlib.closing(as_they_come(tasks, self.n_jobs)) as results,
            ):
                n_members = self.n_estimators
                shown = tracked(results, "Training members", n_members) if self.verbose else results
                for member in shown:
                    fitted.append(member)
                    if was_interrupted(member):
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            if not fitted:
                raise
            warnings.warn(
                f"Training was interrupted; the ensemble keeps {len(fitted)} of "
                f"{self.n_estimators} members.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return fitted

    def member_probabilities(self, X: ArrayLike) -> NDArray[np.floating]:
        """Predict the probability of each class by each member.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_classes)
            Probabilities, in the order of `estimators_` and `classes_`.
        """
        check_is_fitted(self)
        patterns = validate_data(self, X, reset=False, dtype=np.float32)
        rows = np.arange(len(patterns))
        return np.stack([_probabilities(member, patterns, rows) for member in self.estimators_])

    def vote_counts(self, X: ArrayLike) -> NDArray[np.int64]:
        """Count the members that vote for each class: the paper's output frequency.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of int of shape (n_samples, n_classes)
            Votes, in the order of `classes_`; each row sums to the number of members.
        """
        return _votes(self.member_probabilities(X)).sum(axis=0)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            With soft voting, the members' mean probability. With hard voting, the part of the votes
            for each class, where the mean probability counts as one vote more: it settles ties and
            otherwise changes no order.
        """
        return self._combine(self.member_probabilities(X))

    def _combine(self, probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
        if self.voting == "soft":
            return probabilities.mean(axis=0)
        votes = _votes(probabilities).sum(axis=0)
        return (votes + probabilities.mean(axis=0)) / (len(probabilities) + 1)

    def _set_oob(self, X: NDArray[np.float32]) -> None:
        n_samples, n_classes = len(X), len(self.classes_)
        votes = np.zeros((n_samples, n_classes))
        total = np.zeros((n_samples, n_classes))
        n_members = np.zeros((n_samples, 1))
        for member, rows in zip(self.estimators_, self.estimators_samples_, strict=True):
            unseen = np.setdiff1d(np.arange(n_samples), rows)
            if len(unseen) == 0:
                continue
            probabilities = _probabilities(member, X, unseen)
            votes[unseen] += _votes(probabilities)
            total[unseen] += probabilities
            n_members[unseen] += 1
        with np.errstate(invalid="ignore"):
            mean = total / n_members
            hard = (votes + mean) / (n_members + 1)
        self.oob_decision_function_ = mean if self.voting == "soft" else hard
        scores = np.nan_to_num(self.oob_decision_function_)
        self.oob_prediction_ = winner_or_unlabeled(scores, self.classes_, n_members.ravel() > 0)


def _probabilities(
    member: Any, X: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Probabilities that a member predicts for some rows, of which few are copied at a time."""
    chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    return np.concatenate([member.predict_proba(X[chunk]) for chunk in chunks])


def _votes(probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """One-hot votes for the most probable class, of the same shape as the probabilities."""
    n_classes = probabilities.shape[-1]
    return np.eye(n_classes, dtype=np.int64)[probabilities.argmax(axis=-1)]


def _fit_member(
    member: Any, X: NDArray[np.float32], codes: NDArray[np.int64], rows: NDArray[np.int64]
) -> Any:
    with one_thread():
        # No copy of the rows, unless a subclass has a `fit` of its own, which must not be skipped.
        if type(member).fit is BaseSemiSupervisedClassifier.fit:
            return member._fit_rows(X, codes, rows)
        return member.fit(X[rows], codes[rows])
