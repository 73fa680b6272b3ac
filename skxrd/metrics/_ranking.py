"""What the top of a ranking is worth, judged by the rows whose label is known."""

from __future__ import annotations

from math import ceil
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import assert_all_finite

from skxrd._sklearn import Interval, validate_params
from skxrd.metrics._intervals import at_expected_count, chance_interval, wilson_interval
from skxrd.metrics._known_labels import known_labels

__all__ = ["enrichment_factor", "precision_at_k"]

_CONSTRAINTS = {
    "y_true": ["array-like"],
    "y_score": ["array-like"],
    "positive_class": "no_validation",
    "confidence_level": [Interval(Real, 0, 1, closed="neither")],
}


class RankingScore(NamedTuple):
    """What `precision_at_k` and `enrichment_factor` give."""

    value: float
    low: float
    high: float
    n_selected: int
    n_correct: float
    n_labeled: int
    n_positive: int
    n_unlabeled: int


@validate_params(
    {**_CONSTRAINTS, "k": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def precision_at_k(
    y_true: ArrayLike,
    y_score: ArrayLike,
    k: int,
    *,
    positive_class: Any = 1,
    confidence_level: float = 0.95,
) -> RankingScore:
    """Tell which part of the k rows with the highest scores is of the positive class.

    Rows without a label are left out before the k rows are taken, and are counted. Where rows with
    equal scores are only in part among the k, the result is the expected one over all orders of
    these rows, so that neither the order of the file nor luck decides.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels; -1, None and NaN mark unlabeled rows.
    y_score : array-like of shape (n_samples,)
        Scores, the higher the more likely positive: probabilities, decision values or votes.
    k : int
        Number of labeled rows at the top of the ranking.
    positive_class : label, default=1
        Class that is sought; all others count as wrong.
    confidence_level : float, default=0.95
        Level of the interval, between 0 and 1.

    Returns
    -------
    namedtuple
        `value`, the precision between 0 and 1; `low` and `high`, the limits of Wilson's score
        interval; `n_selected`, which is k; `n_correct`, the positives among the k rows (with ties
        at the cut, their expected number); `n_labeled`; `n_positive`, those among the labeled rows;
        `n_unlabeled`, the rows left out.

    Raises
    ------
    ValueError
        If lengths differ, if a score is not finite, or if fewer than k rows are labeled.

    See Also
    --------
    enrichment_factor : The precision relative to that of a random choice.

    Notes
    -----
    The interval takes the k rows for independent draws. Polymorphs of one compound and members of
    a substitution series are not, and for them it is too narrow. With ties at the cut, the limits
    are interpolated between those of the two nearest whole counts.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22, 209-212 (1927).

    Examples
    --------
    >>> from skxrd.metrics import precision_at_k
    >>> score = precision_at_k([1, 0, -1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.2, 0.1], k=3)
    >>> round(score.value, 3), round(score.low, 3), round(score.high, 3)
    (0.667, 0.208, 0.939)
    >>> score.n_labeled, score.n_unlabeled
    (5, 1)
    """
    positive, score, n_unlabeled = _labeled_rows(y_true, y_score, positive_class)
    _check_n_selected(k, len(positive))
    correct = _expected_positives(positive, score, k)
    low, high = at_expected_count(
        lambda count: wilson_interval(count, k, confidence_level), correct
    )
    n_positive = int(positive.sum())
    return RankingScore(correct / k, low, high, k, correct, len(positive), n_positive, n_unlabeled)


@validate_params(
    {
        **_CONSTRAINTS,
        "k": [None, Interval(Integral, 1, None, closed="left")],
        "fraction": [None, Interval(Real, 0, 1, closed="right")],
    },
    prefer_skip_nested_validation=True,
)
def enrichment_factor(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    k: int | None = None,
    fraction: float | None = None,
    positive_class: Any = 1,
    confidence_level: float = 0.95,
) -> RankingScore:
    r"""Tell how many times more positives the top of a ranking holds than a random choice.

    .. math:: \mathrm{EF} = \frac{h / k}{P / N}

    with h positives among the k rows at the top, and P positives among all N labeled rows. A random
    choice has 1; the largest possible value is N / max(k, P), so that factors of different lists
    compare only where k / N and P / N are alike. Multiplied by k / N it is the recall. Unlabeled
    rows and ties are treated as in `precision_at_k`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels; -1, None and NaN mark unlabeled rows.
    y_score : array-like of shape (n_samples,)
        Scores, the higher the more likely positive: probabilities, decision values or votes.
    k : int, default=None
        Number of labeled rows at the top of the ranking. Give either this or `fraction`.
    fraction : float, default=None
        Part of the labeled rows at the top of the ranking, in (0, 1]; rounded up to whole rows.
    positive_class : label, default=1
        Class that is sought.
    confidence_level : float, default=0.95
        Level of the interval, between 0 and 1.

    Returns
    -------
    namedtuple
        `value`, the enrichment factor; `low` and `high`, the limits of its interval; `n_selected`,
        the k rows at the top; `n_correct`, the positives among them (with ties at the cut, their
        expected number); `n_labeled`; `n_positive`, those among the labeled rows; `n_unlabeled`,
        the rows left out.

    Raises
    ------
    ValueError
        If lengths differ, if a score is not finite, if not exactly one of `k` and `fraction` is
        given, if fewer than k rows are labeled, or if none is positive.

    See Also
    --------
    precision_at_k : The part of the top that is positive.

    Notes
    -----
    The interval holds k, P and N fixed: the exact conditional interval of the odds ratio of the
    table of rows (top or rest, positive or not), translated into the expected number of positives
    at the top by Fisher's noncentral hypergeometric distribution. It stays within the possible
    values, and vanishes for k = N, where the factor is 1 for every ranking. Like that of
    `precision_at_k`, it takes rows for independent and interpolates at ties.

    References
    ----------
    J. Cornfield, A statistical problem arising from retrospective studies, Proceedings of the Third
    Berkeley Symposium 4, 135-148 (1956).

    Examples
    --------
    >>> from skxrd.metrics import enrichment_factor
    >>> score = enrichment_factor([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], range(10, 0, -1), fraction=0.3)
    >>> round(score.value, 2), round(score.low, 2), round(score.high, 2)
    (2.22, 0.39, 3.31)
    """
    positive, score, n_unlabeled = _labeled_rows(y_true, y_score, positive_class)
    n_labeled, n_positive = len(positive), int(positive.sum())
    if (k is None) == (fraction is None):
        raise ValueError(
            f"Exactly one of k and fraction must be given, got k={k} and fraction={fraction}."
        )
    if k is None:
        k = max(1, ceil(round(float(fraction or 0) * n_labeled, 9)))  # 0.07 * 100 is more than 7
    _check_n_selected(k, n_labeled)
    if n_positive == 0:
        raise ValueError(
            f"An enrichment factor needs labeled rows of positive_class={positive_class!r}; none "
            f"of the {n_labeled} labeled rows of y_true is."
        )
    correct = _expected_positives(positive, score, k)
    low, high = at_expected_count(
        lambda count: chance_interval(count, k, n_positive, n_labeled, confidence_level), correct
    )
    by_chance = k * n_positive / n_labeled
    limits = correct / by_chance, low / by_chance, high / by_chance
    return RankingScore(*limits, k, correct, n_labeled, n_positive, n_unlabeled)


def _labeled_rows(
    y_true: ArrayLike, y_score: ArrayLike, positive_class: Any
) -> tuple[NDArray[np.bool_], NDArray[np.float64], int]:
    """Which labeled rows are positive, their scores, and the number of unlabeled rows."""
    check_consistent_length(y_true, y_score)
    labeled, positive = known_labels(y_true, positive_class, input_name="y_true")
    score = column_or_1d(np.asarray(y_score, dtype=float), input_name="y_score")
    assert_all_finite(score, input_name="y_score")
    return positive[labeled], score[labeled], int((~labeled).sum())


def _check_n_selected(k: int, n_labeled: int) -> None:
    if k > n_labeled:
        raise ValueError(f"The top k={k} needs {k} labeled rows, but y_true holds {n_labeled}.")


def _expected_positives(positive: NDArray[np.bool_], score: NDArray[np.float64], k: int) -> float:
    """Positives among the k highest scores, as the mean over all orders of tied rows."""
    cut = np.partition(score, -k)[-k]
    above, tied = score > cut, score == cut
    places = k - int(above.sum())
    return int(positive[above].sum()) + places * int(positive[tied].sum()) / int(tied.sum())
