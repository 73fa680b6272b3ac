"""What a finished training tells: one row of numbers per epoch, and warnings about the whole."""

from __future__ import annotations

import warnings
from numbers import Real

from sklearn.exceptions import ConvergenceWarning

from skxrd.semi_supervised._net import SemiSupervisedNet

__all__ = ["epoch_rows", "warn_about_interruption", "warn_about_threshold"]

# From a function of this module, `_fit`, `fit` and scikit-learn's wrapper of it to their caller.
_CALLER_OF_FIT = 5


def epoch_rows(net: SemiSupervisedNet, n_earlier: int) -> list[dict[str, float]]:
    """Finished epochs of a net, one dictionary of numbers each, counted on from earlier ones."""
    rows = [
        {
            name: float(row[name])
            for name in row
            if isinstance(row[name], Real) and "_best" not in name
        }
        for row in net.history
        if "train_loss" in row  # the last one of an interrupted training is not finished
    ]
    return [{**row, "epoch": row["epoch"] + n_earlier} for row in rows]


def warn_about_interruption(name: str, n_epochs: int, max_epochs: int) -> None:
    """Say that a training was interrupted; to be called from `_fit` itself."""
    warnings.warn(
        f"{name}: training was interrupted after {n_epochs} of {max_epochs} epochs; the state "
        "reached is kept.",
        ConvergenceWarning,
        stacklevel=_CALLER_OF_FIT,
    )


def warn_about_threshold(name: str, history: list[dict[str, float]], n_unlabeled: int) -> None:
    """Say so if a confidence threshold selected nothing or all; to be called from `_fit` itself."""
    rates = [row["mask_rate"] for row in history if "mask_rate" in row]
    if not n_unlabeled or not rates:
        return
    if max(rates) == 0:
        hint = "none reached it: unlabeled rows were not used; lower it or train longer"
    elif min(rates) == 1:
        hint = "all passed it: it selected nothing; raise it or use FixMatch"
    else:
        return
    warnings.warn(
        f"{name}: the confidence threshold had no effect on {n_unlabeled} unlabeled rows in "
        f"the whole run; {hint}.",
        ConvergenceWarning,
        stacklevel=_CALLER_OF_FIT,
    )
