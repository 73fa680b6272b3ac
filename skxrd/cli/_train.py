"""The ensemble of ``skxrd screen``, made from the options."""

from __future__ import annotations

import argparse
from typing import Any

import joblib
import numpy as np
import torch
from rich.console import Console
from sklearn.pipeline import make_pipeline

from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.preprocessing import IntensityFloor, IntensityScaler
from skxrd.semi_supervised import SemiSupervisedClassifier, XRDMatchClassifier

__all__ = ["check_device", "make_ensemble", "make_estimator"]

_N_LABELED_PER_CLASS = 10  # of the paper
_UNLABELED_FRACTION = 0.8  # of the paper


def check_device(name: str) -> None:
    """Refuse a device that torch does not know or find."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise argparse.ArgumentError(None, f"--device {name}: {reason}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentError(None, f"--device {name}: torch finds no such GPU.")


def make_ensemble(
    args: argparse.Namespace, labels: np.ndarray, console: Console
) -> SemiSupervisedBaggingClassifier:
    """Make the ensemble; some labeled structures always stay out of each member's sight."""
    smallest = min((labels == 0).sum(), (labels == 1).sum())
    n_labeled = _N_LABELED_PER_CLASS
    if smallest <= n_labeled:  # every member would draw them all and none be left out-of-bag
        n_labeled = max(1, int(0.7 * smallest))
        console.print(
            f"The smaller class has {smallest} labeled structures: each member draws {n_labeled} "
            f"per class instead of {_N_LABELED_PER_CLASS}, so that some are left to judge it by."
        )
    n_jobs = args.jobs or joblib.cpu_count()
    if args.jobs is None and args.device != "cpu":
        n_jobs = 1  # members would share one device
    if args.estimator == "paper" and args.device == "cpu":
        console.print("The paper's network is slow on CPUs: use --device cuda where there is one.")
    return SemiSupervisedBaggingClassifier(
        make_estimator(args),
        n_estimators=args.members,
        n_labeled_per_class=n_labeled,
        unlabeled_fraction=_UNLABELED_FRACTION,
        n_jobs=n_jobs,
        verbose=1,
        random_state=args.seed,
    )


def make_estimator(args: argparse.Namespace) -> Any:
    """Make a member."""
    params = {"device": args.device}
    if args.epochs is not None:
        params["max_epochs"] = args.epochs
    if args.estimator == "fast":
        return SemiSupervisedClassifier(**params)
    return make_pipeline(IntensityScaler("max"), IntensityFloor(0.1), XRDMatchClassifier(**params))
