"""What `skxrd screen` tells: files, numbers and the table on the terminal."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import skxrd
from skxrd._labels import UNLABELED
from skxrd.cli._figure import draw_summary
from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.io import save_model
from skxrd.metrics import classification_report_table

__all__ = ["Results", "bootstrap_interval", "print_results", "write_results"]

_PACKAGES = ("numpy", "scipy", "scikit-learn", "skorch", "torch", "joblib", "pandas", "pymatgen")
_N_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Results:
    """A fitted ensemble, its training rows and the ranked candidates.

    Parameters
    ----------
    ensemble : SemiSupervisedBaggingClassifier
        Fitted ensemble.
    patterns : ndarray of shape (n_samples, n_points)
        Training rows.
    labels : ndarray of int of shape (n_samples,)
        1, 0 or -1.
    candidates : DataFrame
        What `skxrd.screening.screen` returns for the unlabeled rows.
    candidate_rows : ndarray of int of shape (n_candidates,)
        Training row of each candidate.
    seed : int
        Seed of the bootstrap.
    """

    ensemble: SemiSupervisedBaggingClassifier
    patterns: NDArray[np.float32]
    labels: NDArray[np.int64]
    candidates: pd.DataFrame
    candidate_rows: NDArray[np.int64]
    seed: int

    @cached_property
    def report(self) -> pd.DataFrame:
        """Out-of-bag and resubstitution report, one above the other."""
        return pd.concat(
            [
                classification_report_table(
                    self.ensemble, self.patterns, self.labels, evaluation=evaluation
                )
                for evaluation in ("out_of_bag", "resubstitution")
            ]
        )

    @cached_property
    def judged(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """True and predicted class of the labeled rows that are out-of-bag."""
        predicted = self.ensemble.oob_prediction_
        rows = (self.labels != UNLABELED) & (predicted != UNLABELED)
        return self.labels[rows], predicted[rows]

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the out-of-bag macro-F1."""
        return bootstrap_interval(*self.judged, seed=self.seed)

    def ensemble_score(self, evaluation: str, metric: str = "f1") -> float:
        """Look up a number of the whole ensemble in the report."""
        return float(self.report["Ensemble"][evaluation, metric])

    def write_record(self, folder: Path, about: dict[str, Any]) -> None:
        """Write run.json: what is known about the run, scores and versions."""
        record = {
            **about,
            "members": {
                "n_trained": len(self.ensemble.estimators_),
                "n_labeled_per_class": self.ensemble.n_labeled_per_class,
                "unlabeled_fraction": self.ensemble.unlabeled_fraction,
                "estimator": " ".join(repr(self.ensemble.estimator).split()),
            },
            "scores": {
                "macro_f1_out_of_bag": self.ensemble_score("out_of_bag"),
                "macro_f1_out_of_bag_interval_95": list(self.interval),
                "n_out_of_bag": len(self.judged[0]),
                "macro_f1_resubstitution": self.ensemble_score("resubstitution"),
            },
            "versions": {
                "skxrd": skxrd.__version__,
                "python": platform.python_version(),
                **{name: version(name) for name in _PACKAGES},
            },
        }
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (folder / "run.json").write_text(f"{text}\n", encoding="utf-8")


def bootstrap_interval(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of macro-F1 over labeled rows drawn with replacement.

    It tells how far the number depends on which compounds happen to be labeled; the spread between
    trainings is not in it.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n_samples,)
        Classes, 0 or 1.
    n_resamples : int, default=2000
        Number of draws.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    tuple of float
        2.5 % and 97.5 % quantile.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.cli._report import bootstrap_interval
    >>> truth = np.repeat([0, 1], 50)
    >>> bootstrap_interval(truth, truth)
    (1.0, 1.0)
    """
    rows = np.random.default_rng(seed).integers(len(truth), size=(n_resamples, len(truth)))
    true, said = truth[rows], predicted[rows]
    f1 = [
        2
        * ((true == label) & (said == label)).sum(axis=1)
        # A class that is neither drawn nor predicted counts as 0, as in the report.
        / np.maximum((true == label).sum(axis=1) + (said == label).sum(axis=1), 1)
        for label in (0, 1)
    ]
    low, high = np.quantile(np.mean(f1, axis=0), [0.025, 0.975])
    return float(low), float(high)


def write_results(results: Results, folder: Path) -> None:
    """Write candidates.csv, report.csv, model.skops and summary.png.

    Parameters
    ----------
    results : Results
        What the run gave.
    folder : Path
        Folder of the files.
    """
    results.candidates.to_csv(folder / "candidates.csv")
    results.report.to_csv(folder / "report.csv")
    save_model(results.ensemble, folder / "model.skops")
    draw_summary(results, folder / "summary.png")


def print_results(results: Results, out: Path, console: Console) -> None:
    """Print the best candidates, the scores and where the files are.

    Parameters
    ----------
    results : Results
        What the run gave.
    out : Path
        Folder of the files.
    console : Console
        Where to print.
    """
    n_members = len(results.ensemble.estimators_)
    shown = results.candidates.head(_N_SHOWN)
    table = Table(title=f"Candidates 1 to {len(shown)} of {len(results.candidates)}")
    for name in ("rank", "id", "formula", "output\nfrequency", "mean\nprobability"):
        is_text = name in ("id", "formula")
        table.add_column(
            name, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text
        )
    for row in shown.itertuples():
        table.add_row(
            str(row.Index),
            str(row.id),
            str(row.formula),
            f"{row.output_frequency} of {n_members}",
            f"{row.mean_probability:.3f} ± {row.probability_std:.3f}",
        )
    console.print(table, soft_wrap=False)

    low, high = results.interval
    console.print(
        f"Macro-F1 out-of-bag      {results.ensemble_score('out_of_bag'):.3f}  (95 % interval "
        f"{low:.3f} to {high:.3f}, {len(results.judged[0])} labeled structures)\n"
        f"Macro-F1 resubstitution  {results.ensemble_score('resubstitution'):.3f}\n"
        "The out-of-bag number is the honest one: each structure is judged only by members that "
        "were not trained on it. Resubstitution asks members about what they have learned.",
    )
    console.print(
        f"Results in {out}: candidates.csv (all of them), report.csv, summary.png, run.json and "
        "model.skops (for skxrd.io.load_model).",
    )
