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
from skxrd.cli._candidates import Ranking
from skxrd.cli._figure import draw_summary
from skxrd.cli._scores import bootstrap_intervals
from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.grid import TwoThetaGrid
from skxrd.io import save_model
from skxrd.metrics import classification_report_table
from skxrd.reporting import write_report
from skxrd.screening import write_candidates, write_structures

__all__ = ["Results", "print_results", "write_record", "write_results"]

_PACKAGES = ("numpy", "scipy", "scikit-learn", "skorch", "torch", "joblib", "pandas", "pymatgen")
_EVALUATIONS = ("out_of_bag", "resubstitution")
_N_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Results:
    """A fitted ensemble, its training rows and the ranked candidates.

    Parameters
    ----------
    ensemble : SemiSupervisedBaggingClassifier
        Fitted ensemble.
    patterns : ndarray of float32 of shape (n_samples, n_points)
        Training rows.
    labels : ndarray of int of shape (n_samples,)
        1, 0 or -1.
    ranking : Ranking
        Ranked candidates.
    seed : int
        Seed of the bootstrap.
    """

    ensemble: SemiSupervisedBaggingClassifier
    patterns: NDArray[np.float32]
    labels: NDArray[np.int64]
    ranking: Ranking
    seed: int

    @property
    def candidates(self) -> pd.DataFrame:
        """The table of candidates."""
        return self.ranking.table

    @cached_property
    def report(self) -> pd.DataFrame:
        """Out-of-bag and resubstitution report, one above the other."""
        return pd.concat(
            [
                classification_report_table(
                    self.ensemble, self.patterns, self.labels, evaluation=evaluation
                )
                for evaluation in _EVALUATIONS
            ]
        )

    @cached_property
    def judged(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """True and predicted class of the labeled rows that are out-of-bag."""
        predicted = self.ensemble.oob_prediction_
        rows = (self.labels != UNLABELED) & (predicted != UNLABELED)
        return self.labels[rows], predicted[rows]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Macro scores of the ensemble with 95 % intervals.

        Columns "evaluation", "metric", "value", "low", "high" and "n", the number of rows judged.
        """
        labeled = self.labels != UNLABELED
        seen = self.labels[labeled], self.ensemble.predict(self.patterns[labeled])
        tables = []
        for evaluation, judged in zip(_EVALUATIONS, (self.judged, seen), strict=True):
            # F1 first: it stands for the others where there is room for one.
            table = bootstrap_intervals(*judged, seed=self.seed).loc[["f1", "precision", "recall"]]
            table.insert(0, "metric", [f"macro_{name}" for name in table.index])
            table.insert(0, "evaluation", evaluation)
            tables.append(table.assign(n=len(judged[0])))
        return pd.concat(tables, ignore_index=True)

    def score(self, evaluation: str, metric: str = "f1") -> pd.Series:
        """Look up a score of the whole ensemble: its "value", "low", "high" and "n"."""
        rows = self.scores
        found = rows["evaluation"].eq(evaluation) & rows["metric"].eq(f"macro_{metric}")
        return rows[found].iloc[0]

    def record(self, about: dict[str, Any]) -> dict[str, Any]:
        """Tell what is known about the run, members, scores and versions."""
        honest, flattering = (self.score(evaluation) for evaluation in _EVALUATIONS)
        return {
            **about,
            "members": {
                "n_trained": len(self.ensemble.estimators_),
                "n_labeled_per_class": self.ensemble.n_labeled_per_class,
                "unlabeled_fraction": self.ensemble.unlabeled_fraction,
                "estimator": " ".join(repr(self.ensemble.estimator).split()),
            },
            "scores": {
                "macro_f1_out_of_bag": honest["value"],
                "macro_f1_out_of_bag_interval_95": [honest["low"], honest["high"]],
                "n_out_of_bag": int(honest["n"]),
                "macro_f1_resubstitution": flattering["value"],
            },
            "versions": {
                "skxrd": skxrd.__version__,
                "python": platform.python_version(),
                **{name: version(name) for name in _PACKAGES},
            },
        }


def write_results(
    results: Results, folder: Path, about: dict[str, Any], *, n_structures: int
) -> None:
    """Write tables, pictures, the model, the report and the best structures.

    Parameters
    ----------
    results : Results
        What the run gave.
    folder : Path
        Folder of the files.
    about : dict
        What is known about the run.
    n_structures : int
        Number of best candidates whose CIF files are written.
    """
    ranking = results.ranking
    write_candidates(results.candidates, folder / "candidates.csv")
    results.report.to_csv(folder / "report.csv")
    save_model(results.ensemble, folder / "model.skops")
    draw_summary(results, folder / "summary.png")
    if ranking.structures and n_structures:
        write_structures(
            results.candidates, ranking.structures, folder / "structures", n=n_structures
        )
    write_report(
        folder / "report.html",
        results.candidates,
        two_theta=TwoThetaGrid().two_theta,
        patterns=ranking.patterns,
        known=ranking.known,
        scores=results.scores,
        n_members=len(results.ensemble.estimators_),
        about=results.record(about),
    )


def write_record(results: Results, folder: Path, about: dict[str, Any]) -> None:
    """Write run.json, what is known about the run, scores and versions.

    Parameters
    ----------
    results : Results
        What the run gave.
    folder : Path
        Folder of the file.
    about : dict
        What is known about the run.
    """
    text = json.dumps(results.record(about), indent=2, ensure_ascii=False)
    (folder / "run.json").write_text(f"{text}\n", encoding="utf-8")


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
    if shown.empty:
        console.print("No candidate met the rules; the table is empty.")
    else:
        console.print(_table(shown, len(results.candidates), n_members), soft_wrap=False)

    honest, flattering = (results.score(evaluation) for evaluation in _EVALUATIONS)
    console.print(
        f"Macro-F1 out-of-bag      {honest['value']:.3f}  (95 % interval {honest['low']:.3f} to "
        f"{honest['high']:.3f}, {honest['n']:.0f} labeled structures)\n"
        f"Macro-F1 resubstitution  {flattering['value']:.3f}\n"
        "The out-of-bag number is the honest one: each structure is judged only by members that "
        "were not trained on it. Resubstitution asks members about what they have learned.",
    )
    console.print(
        f"Results in {out}: report.html (open it in a browser), candidates.csv (all that met the "
        "rules), report.csv, summary.png, run.json, model.skops (for skxrd.io.load_model)"
        + (" and structures/ (the best ones)." if results.ranking.structures else "."),
    )


def _table(shown: pd.DataFrame, n_candidates: int, n_members: int) -> Table:
    table = Table(title=f"Candidates 1 to {len(shown)} of {n_candidates}")
    table.add_column("rank", justify="right", no_wrap=True)
    texts = [name for name in ("id", "formula") if name in shown]  # no more fits 80 columns
    for name in texts:
        table.add_column(name, overflow="fold")
    for name in ("output\nfrequency", "mean\nprobability"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in shown.itertuples():
        table.add_row(
            str(row.Index),
            *(getattr(row, name) for name in texts),
            f"{row.output_frequency} of {n_members}",
            f"{row.mean_probability:.3f} ± {row.probability_std:.3f}",
        )
    return table
