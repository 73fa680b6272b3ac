"""How far new patterns are from those that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import mannwhitneyu
from sklearn.base import clone, is_classifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, check_cv, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array, check_random_state

from skxrd._sklearn import HasMethods, validate_params

__all__ = ["DomainGap", "domain_gap"]

_MOST_PER_NEW_ROW = 10  # training rows per new row: more of them hardly add to the power
_FEWEST_PER_FOLD = 2
_CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class DomainGap:
    """What `domain_gap` found.

    Parameters
    ----------
    auc : float
        Cross-validated area under the ROC curve of telling new rows from training rows: 0.5 if they
        cannot be told apart, 1 if always. NaN if there are too few rows, see `reason`.
    auc_low, auc_high : float
        Ends of its approximate 95 % confidence interval.
    p_value : float
        Approximate probability of such an area, or a larger one, if both sets came from one
        distribution.
    reason : str
        Why there is no area; empty if there is one.
    rows : DataFrame with columns "nearest", "distance", "percentile"
        One row per new row: the position of the nearest training row, the cosine distance to it (0
        to 1 for patterns, which have no negative intensities), and the percentage of training rows
        whose own nearest neighbor among the other training rows is not farther. 100 means farther
        than is usual anywhere in the training set, or as far as its loneliest row.
    n_train, n_new : int
        Number of rows.

    Examples
    --------
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.screening import domain_gap
    >>> X, _ = make_patterns(60, random_state=0)
    >>> gap = domain_gap(X[:58], X[58:])
    >>> gap.n_new, gap.rows.columns.tolist()
    (2, ['nearest', 'distance', 'percentile'])
    """

    auc: float
    auc_low: float
    auc_high: float
    p_value: float
    reason: str
    rows: pd.DataFrame
    n_train: int
    n_new: int


@validate_params(
    {
        "X_train": ["array-like"],
        "X_new": ["array-like"],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def domain_gap(
    X_train: ArrayLike,
    X_new: ArrayLike,
    *,
    estimator: Any = None,
    cv: Any = 5,
    random_state: int | np.random.RandomState | None = None,
) -> DomainGap:
    """Estimate how far new rows are from the rows that a model was trained on.

    Two questions are asked. Of the sets: can a classifier tell them apart [1]_? Of each new row: is
    it farther from the training rows than these are from each other? A gap does not say that
    predictions are wrong, but scores that were measured on training rows do not vouch for them.

    Both see rows as they are: broaden sticks first, as the model does.

    Parameters
    ----------
    X_train : array-like of shape (n_train, n_points)
        Rows that the model was trained on, at least two.
    X_new : array-like of shape (n_new, n_points)
        New rows on the same grid, such as measured patterns.
    estimator : classifier or None, default=None
        Classifier with `predict_proba` that tries to tell the sets apart. None stands for 100
        extremely randomized trees with balanced class weights.
    cv : int or cross-validation splitter, default=5
        Splits of the rows of both sets together into parts for training and for judging the
        classifier; each row must be judged exactly once. A number stands for stratified, shuffled
        folds.
    random_state : int, RandomState instance or None, default=None
        Draws the folds, the default classifier, and the training rows that are used for it where
        there are more than ten per new row.

    Returns
    -------
    DomainGap
        Area under the ROC curve with interval and p-value, and a table of the new rows. With fewer
        than two rows per fold in either set, the area is NaN and `reason` says so.

    Raises
    ------
    ValueError
        If the sets have different numbers of points, values are not finite, or there are fewer than
        two training rows.

    Notes
    -----
    The p-value is that of the Mann-Whitney test on the predictions for rows that were not trained
    on; the interval is Newcombe's method 5 [2]_, which has a width even where the sets are told
    apart without an error. Both take these predictions for independent, which those of different
    folds are not quite: p-values are somewhat too small and intervals too narrow (the user guide
    has counts), so that a p-value of a few percent proves nothing. Distances are cosine distances,
    so that the scale of a pattern does not matter. A row without intensities has distance 1 from
    all others.

    References
    ----------
    .. [1] D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, International
       Conference on Learning Representations (2017).
    .. [2] R. G. Newcombe, Confidence intervals for an effect size measure based on the
       Mann-Whitney statistic. Part 2: asymptotic methods and evaluation, Statistics in Medicine
       25, 559-573 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.preprocessing import PeakBroadener
    >>> from skxrd.screening import domain_gap
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> sticks, _ = make_patterns(100, grid=grid, random_state=0)
    >>> X = PeakBroadener(1.0, grid=grid).fit_transform(sticks)
    >>> with_hump = X[80:] + 20 * np.exp(-(((grid.two_theta - 20) / 5) ** 2))
    >>> gap = domain_gap(X[:80], with_hump, random_state=0)
    >>> gap.auc > 0.9, gap.p_value < 0.01
    (True, True)
    """
    train = check_array(X_train, dtype=[np.float64, np.float32], ensure_min_samples=2)
    new = check_array(X_new, dtype=[np.float64, np.float32])
    if train.shape[1] != new.shape[1]:
        raise ValueError(
            f"X_train has {train.shape[1]} points and X_new {new.shape[1]}; bring both to one grid."
        )
    if estimator is not None and not is_classifier(estimator):
        raise ValueError(f"estimator must be a classifier, got {estimator!r}.")
    rows = _distances(train, new)
    test = _two_sample_test(train, new, estimator, cv, check_random_state(random_state))
    return DomainGap(**test, rows=rows, n_train=len(train), n_new=len(new))


def _distances(X_train: NDArray[Any], X_new: NDArray[Any]) -> pd.DataFrame:
    neighbors = NearestNeighbors(n_neighbors=1, algorithm="brute", metric="cosine").fit(X_train)
    own, _ = neighbors.kneighbors()  # without the row itself
    found, nearest = neighbors.kneighbors(X_new)
    share = np.searchsorted(np.sort(own[:, 0]), found[:, 0], side="right") / len(own)
    return pd.DataFrame(
        {"nearest": nearest[:, 0], "distance": found[:, 0], "percentile": 100 * share}
    )


def _two_sample_test(
    X_train: NDArray[Any],
    X_new: NDArray[Any],
    estimator: Any,
    cv: Any,
    random_state: np.random.RandomState,
) -> dict[str, Any]:
    n_new = len(X_new)
    n_train = min(len(X_train), _MOST_PER_NEW_ROW * n_new)
    is_new = np.repeat([0, 1], [n_train, n_new])
    splitter = check_cv(cv, is_new, classifier=True)
    if isinstance(cv, int) or cv is None:  # rows may be sorted
        splitter = StratifiedKFold(
            splitter.get_n_splits(), shuffle=True, random_state=random_state.randint(2**31 - 1)
        )
    needed = _FEWEST_PER_FOLD * splitter.get_n_splits(is_new, is_new)
    if min(len(X_train), n_new) < needed:
        reason = (
            f"telling the sets apart needs at least {needed} rows of each, {_FEWEST_PER_FOLD} per "
            f"fold; there are {len(X_train)} and {n_new}"
        )
        return {
            **dict.fromkeys(("auc", "auc_low", "auc_high", "p_value"), np.nan),
            "reason": reason,
        }
    if estimator is None:
        estimator = ExtraTreesClassifier(
            n_estimators=100,
            class_weight="balanced",
            random_state=random_state.randint(2**31 - 1),
        )
    drawn = np.sort(random_state.permutation(len(X_train))[:n_train])
    X = np.concatenate([X_train[drawn], X_new])
    probabilities = cross_val_predict(
        clone(estimator), X, is_new, cv=splitter, method="predict_proba"
    )
    scores = probabilities[:, 1]
    auc = float(roc_auc_score(is_new, scores))
    low, high = _interval(auc, n_train, n_new)
    p_value = mannwhitneyu(scores[is_new == 1], scores[is_new == 0], alternative="greater").pvalue
    return {"auc": auc, "auc_low": low, "auc_high": high, "p_value": float(p_value), "reason": ""}


def _interval(auc: float, n_first: int, n_second: int) -> tuple[float, float]:
    """Newcombe's method 5: areas from which the one found is z standard errors away."""
    z = float(ndtri((1 + _CONFIDENCE) / 2))
    extra = (n_first + n_second) / 2 - 1

    def standard_error(area: float) -> float:
        spread = 1 + extra * ((1 - area) / (2 - area) + area / (1 + area))
        return float(np.sqrt(area * (1 - area) * spread / (n_first * n_second)))

    # At areas of 0 and 1 the standard error is zero, so that they solve the equation as well: the
    # search must not start on them.
    below, above = auc * (1 - 1e-9), auc + (1 - auc) * 1e-9
    low = 0.0 if auc == 0 else brentq(lambda a: auc - a - z * standard_error(a), 0, below)
    high = 1.0 if auc == 1 else brentq(lambda a: a - auc - z * standard_error(a), above, 1)
    return low, high
