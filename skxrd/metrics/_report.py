"""The report of an ensemble and its members."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import precision_recall_fscore_support
from sklearn.utils.validation import check_is_fitted

from skxrd._labels import as_labels, labeled_mask, plain_labels
from skxrd._sklearn import StrOptions, validate_params

__all__ = ["classification_report_table"]

_METRICS = ["precision", "recall", "f1"]


@validate_params(
    {
        "ensemble": "no_validation",
        "X": ["array-like"],
        "y": ["array-like"],
        "evaluation": [StrOptions({"held_out", "out_of_bag", "resubstitution"})],
    },
    prefer_skip_nested_validation=True,
)
def classification_report_table(
    ensemble: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    evaluation: Literal["held_out", "out_of_bag", "resubstitution"] = "held_out",
) -> pd.DataFrame:
    """Report precision, recall and F1 of an ensemble and its members, as in the paper's Table S1.

    All three are macro averages: the mean over the classes, whatever their size.

    Parameters
    ----------
    ensemble : SemiSupervisedBaggingClassifier
        Fitted ensemble.
    X : array-like of shape (n_samples, n_points)
        Patterns.
    y : array-like of shape (n_samples,)
        Labels; rows without a label are left out.
    evaluation : {"held_out", "out_of_bag", "resubstitution"}, default="held_out"
        What the rows are, since the numbers mean different things. ``"held_out"``: rows that no
        member was trained on. ``"out_of_bag"``: the training rows, in their order; each is judged
        by the members that were not trained on it. ``"resubstitution"``: the training rows, judged
        by all members, also by those that were trained on them. This is the paper's protocol, and
        it flatters: a lookup table does well by it.

    Returns
    -------
    DataFrame
        Rows "precision", "recall", "f1" and "n_labeled" (the number of rows that were judged)
        under the name of the evaluation; columns "Model 1", "Model 2", ..., "Ensemble".

    Raises
    ------
    ValueError
        If no row is labeled, if the ensemble does not know a label, if an out-of-bag report is
        asked for other rows than the training rows, or if no labeled row is out-of-bag.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Table S1.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.metrics import classification_report_table
    >>> X, y = make_patterns(
    ...     200, grid=TwoThetaGrid(10, 80, 351), labeled_fraction=0.3, random_state=0
    ... )
    >>> ensemble = SemiSupervisedBaggingClassifier(
    ...     SelfTrainingClassifier(LogisticRegression()), n_estimators=3, random_state=0
    ... ).fit(X, y)
    >>> table = classification_report_table(ensemble, X, y, evaluation="out_of_bag")
    >>> table.columns.tolist()
    ['Model 1', 'Model 2', 'Model 3', 'Ensemble']
    >>> table.loc[("out_of_bag", "n_labeled")].tolist()
    [40.0, 40.0, 40.0, 59.0]
    """
    check_is_fitted(ensemble)
    y = as_labels(y)
    labeled = np.flatnonzero(labeled_mask(y))
    if len(labeled) == 0:
        raise ValueError(f"A report needs labeled rows; all {len(y)} rows of y are unlabeled.")
    known = plain_labels(y[labeled])
    unknown = np.setdiff1d(known, ensemble.classes_)
    if len(unknown) > 0:
        raise ValueError(
            f"y holds labels that are not among the classes {ensemble.classes_.tolist()} of the "
            f"ensemble: {unknown.tolist()}."
        )
    truth = np.searchsorted(ensemble.classes_, known)
    X = np.asarray(X)[labeled]
    probabilities = ensemble.member_probabilities(X)
    judged = np.ones((len(probabilities), len(labeled)), dtype=bool)
    if evaluation == "out_of_bag":
        if len(y) != len(ensemble.oob_prediction_):
            raise ValueError(
                "An out-of-bag report needs the training rows: the ensemble was trained on "
                f"{len(ensemble.oob_prediction_)} rows, y has {len(y)}."
            )
        for member, rows in enumerate(ensemble.estimators_samples_):
            judged[member] = ~np.isin(labeled, rows)
        scores = ensemble.oob_decision_function_[labeled]
    else:
        scores = ensemble.predict_proba(X)
    columns = {
        f"Model {member + 1}": _scores(truth[mask], votes[mask].argmax(axis=1), ensemble.classes_)
        for member, (votes, mask) in enumerate(zip(probabilities, judged, strict=True))
    }
    seen = judged.any(axis=0)
    if not seen.any():
        raise ValueError("No labeled row is out-of-bag: every member was trained on all of them.")
    columns["Ensemble"] = _scores(truth[seen], scores[seen].argmax(axis=1), ensemble.classes_)
    index = pd.MultiIndex.from_product(
        [[evaluation], [*_METRICS, "n_labeled"]], names=["evaluation", "metric"]
    )
    return pd.DataFrame(columns, index=index)


def _scores(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: NDArray[Any]
) -> list[float]:
    if len(truth) == 0:
        return [np.nan] * len(_METRICS) + [0.0]
    values = precision_recall_fscore_support(
        truth, predicted, labels=np.arange(len(classes)), average="macro", zero_division=0
    )
    return [*map(float, values[:3]), float(len(truth))]
