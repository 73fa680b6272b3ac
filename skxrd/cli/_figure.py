"""The picture of a screening: candidates, votes and how far to trust them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay

from skxrd.grid import TwoThetaGrid
from skxrd.inspection import PatternDisplay
from skxrd.preprocessing import IntensityScaler

if TYPE_CHECKING:
    from skxrd.cli._report import Results

__all__ = ["draw_summary"]

_N_PATTERNS = 5
_HONEST, _FLATTERING = "tab:blue", "tab:orange"


def draw_summary(results: Results, path: Path) -> None:
    """Draw the summary of a screening.

    Parameters
    ----------
    results : Results
        What the run gave.
    path : Path
        Picture to be written, a PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw_patterns(results, axes[0, 0])
    _draw_votes(results, axes[0, 1])
    _draw_confusion(results, axes[1, 0])
    _draw_scores(results, axes[1, 1])
    figure.savefig(path, dpi=150, format="png")


def _draw_patterns(results: Results, ax: Any) -> None:
    best = results.candidates.head(_N_PATTERNS)[::-1]  # the Display begins at the bottom
    names = best["formula"] if "formula" in best else best["id"]
    ax.set_title("Patterns of the best candidates")
    if best.empty:
        return
    kind: Literal["sticks", "profile"] = (
        "sticks" if "formula" in best else "profile"
    )  # measured patterns have no formulas
    patterns = IntensityScaler("max").fit_transform(results.ranking.patterns[: len(best)][::-1])
    labels = [f"{rank}  {name}" for rank, name in names.items()]
    PatternDisplay(TwoThetaGrid().two_theta, patterns, labels=labels).plot(ax=ax, kind=kind)


def _draw_votes(results: Results, ax: Any) -> None:
    n_members = len(results.ensemble.estimators_)
    counts = np.bincount(results.candidates["output_frequency"], minlength=n_members + 1)
    bars = ax.bar(np.arange(n_members + 1), counts, color="tab:blue")
    ax.bar_label(bars, fontsize="small")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set(
        title="Votes for the candidates",
        xlabel=f"output frequency (members of {n_members} that vote for the class)",
        ylabel="number of candidates",
    )
    ax.margins(y=0.1)


def _draw_confusion(results: Results, ax: Any) -> None:
    ConfusionMatrixDisplay.from_predictions(
        *results.judged,
        labels=[0, 1],
        display_labels=["negative (0)", "positive (1)"],
        cmap="Blues",
        colorbar=False,
        ax=ax,
    )
    ax.set(
        title=f"Out-of-bag predictions, {len(results.judged[0])} labeled structures",
        xlabel="predicted class",
        ylabel="label",
    )


def _draw_scores(results: Results, ax: Any) -> None:
    metrics = ["precision", "recall", "f1"]
    places = np.arange(len(metrics))
    groups = [
        ("out_of_bag", -0.2, _HONEST, "white", "out-of-bag (honest)"),
        ("resubstitution", 0.2, _FLATTERING, "black", "resubstitution (seen in training)"),
    ]
    for evaluation, shift, color, text_color, label in groups:
        heights = [results.score(evaluation, metric)["value"] for metric in metrics]
        bars = ax.bar(places + shift, heights, 0.38, color=color, label=label)
        ax.bar_label(bars, fmt="%.2f", label_type="center", color=text_color)
    honest = pd.DataFrame([results.score("out_of_bag", metric) for metric in metrics])
    value = honest["value"].to_numpy(dtype=float)
    ax.errorbar(
        places - 0.2,
        value,
        # A percentile interval need not hold the value itself.
        yerr=[
            np.maximum(value - honest["low"].to_numpy(dtype=float), 0),
            np.maximum(honest["high"].to_numpy(dtype=float) - value, 0),
        ],
        color="black",
        capsize=4,
        linestyle="none",
        label="95 % interval (bootstrap)",
    )
    ax.set(
        title="Macro averages of the ensemble",
        xticks=places,
        xticklabels=["precision", "recall", "F1"],
        ylabel="score",
        ylim=(0, 1.4),
        yticks=np.linspace(0, 1, 6),
    )
    ax.legend(loc="upper left")
