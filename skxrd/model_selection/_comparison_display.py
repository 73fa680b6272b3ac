"""Pictures of a comparison: average ranks, scores on each split, differences to a baseline."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd._style import pyplot
from skxrd.model_selection._comparison_result import MethodComparison

__all__ = ["MethodComparisonDisplay"]

Kind = Literal["ranks", "scores", "differences"]
Test = Literal["corrected_t", "wilcoxon", "nemenyi"]

# Okabe and Ito's colors, which the color-blind tell apart; they differ in gray as well.
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "0.45"


class MethodComparisonDisplay:
    """Average ranks, scores or differences of compared methods.

    `from_comparison` makes one and draws it.

    Parameters
    ----------
    comparison : MethodComparison
        What `compare_methods` gives.
    metric : str, default=None
        Name of the metric; None stands for the first.

    Attributes
    ----------
    comparison : MethodComparison
        As given.
    metric : str
        Name of the metric.
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure of the axes.
    cliques_ : list of list of str
        After drawing ranks: the groups of methods that a bar joins.

    Raises
    ------
    ValueError
        If the metric is unknown.

    See Also
    --------
    compare_methods : Train and score methods on identical splits.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.model_selection import MethodComparison, MethodComparisonDisplay
    >>> scores = pd.DataFrame(
    ...     {
    ...         "method": ["a", "b", "c"] * 3,
    ...         "split": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    ...         "metric": "accuracy",
    ...         "score": [0.71, 0.69, 0.2, 0.6, 0.61, 0.1, 0.7, 0.71, 0.2],
    ...         "fit_time": 0.1,
    ...         "n_train_labeled": 40,
    ...         "n_test": 10,
    ...     }
    ... )
    >>> MethodComparisonDisplay.from_comparison(MethodComparison(scores)).cliques_
    [['b', 'a']]
    """

    def __init__(self, comparison: MethodComparison, *, metric: str | None = None) -> None:
        self.comparison = comparison
        self.metric = comparison.metrics[0] if metric is None else metric
        comparison.table(self.metric)  # an unknown metric is an error here

    def plot(
        self,
        *,
        ax: Any = None,
        kind: Kind = "ranks",
        baseline: str | None = None,
        test: Test = "corrected_t",
        alpha: float = 0.05,
    ) -> Self:
        """Draw the comparison.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure of a suitable size.
        kind : {"ranks", "scores", "differences"}, default="ranks"
            ``"ranks"``: Demšar's diagram of average ranks, the best on the left; a bar joins
            neighboring methods none of which differ. ``"scores"``: the score on each split, with
            median and quartiles, sorted by the median. ``"differences"``: differences to the
            baseline on each split, their mean and its interval; filled where it is significant
            after Holm's correction.
        baseline : str, default=None
            Method to compare with in differences; None stands for the first.
        test : {"corrected_t", "wilcoxon", "nemenyi"}, default="corrected_t"
            What decides which methods differ: see `MethodComparison.differences`, with Holm's
            correction, or Nemenyi's critical difference, for ranks only.
        alpha : float, default=0.05
            Level of significance; intervals have the level 1 - alpha.

        Returns
        -------
        self
            The Display, with `ax_` and `figure_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `kind`, `baseline` or `test` is unknown.
        """
        draw = {
            "ranks": self._plot_ranks,
            "scores": self._plot_scores,
            "differences": self._plot_differences,
        }
        if kind not in draw:
            raise ValueError(f"kind must be one of {list(draw)}, got {kind!r}.")
        if test == "nemenyi" and kind != "ranks":
            raise ValueError(f"test='nemenyi' is for kind='ranks', got kind={kind!r}.")
        # All that can fail is computed before a figure is made.
        drawing = draw[kind](baseline or self.comparison.methods[0], test, alpha)
        if ax is None:
            plt = pyplot(self)
            n_methods = len(self.comparison.methods)
            height = 1.6 + (0.16 if kind == "ranks" else 0.32) * n_methods
            _, ax = plt.subplots(figsize=(7.5, height), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        drawing(ax)
        return self

    @classmethod
    def from_comparison(
        cls,
        comparison: MethodComparison,
        *,
        metric: str | None = None,
        ax: Any = None,
        kind: Kind = "ranks",
        baseline: str | None = None,
        test: Test = "corrected_t",
        alpha: float = 0.05,
    ) -> Self:
        """Draw a comparison.

        Parameters
        ----------
        comparison : MethodComparison
            What `compare_methods` gives.
        metric : str, default=None
            Name of the metric; None stands for the first.
        ax : matplotlib Axes, default=None
            As for `plot`.
        kind : {"ranks", "scores", "differences"}, default="ranks"
            As for `plot`.
        baseline : str, default=None
            As for `plot`.
        test : {"corrected_t", "wilcoxon", "nemenyi"}, default="corrected_t"
            As for `plot`.
        alpha : float, default=0.05
            As for `plot`.

        Returns
        -------
        MethodComparisonDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If an argument is unknown.
        """
        display = cls(comparison, metric=metric)
        return display.plot(ax=ax, kind=kind, baseline=baseline, test=test, alpha=alpha)

    def _plot_ranks(self, baseline: str, test: Test, alpha: float) -> Any:
        ranks = self.comparison.ranks(self.metric)
        distance = None
        if test == "nemenyi":
            distance = self.comparison.critical_difference(self.metric, alpha=alpha)
            differ = np.abs(np.subtract.outer(ranks.to_numpy(), ranks.to_numpy())) > distance
        else:
            differ = _differing(self.comparison, self.metric, list(ranks.index), test, alpha)
        groups = _cliques(differ)
        self.cliques_ = [list(ranks.index[first : last + 1]) for first, last in groups]
        return lambda ax: _draw_ranks(ax, ranks, groups, distance)

    def _plot_scores(self, baseline: str, test: Test, alpha: float) -> Any:
        table = self.comparison.table(self.metric)
        order = table.median().sort_values(kind="stable").index
        return lambda ax: _draw_scores(ax, table[order], self.metric)

    def _plot_differences(self, baseline: str, test: Any, alpha: float) -> Any:
        frame = self.comparison.differences(
            baseline, metric=self.metric, test=test, confidence_level=1 - alpha
        ).sort_values("difference", kind="stable")
        table = self.comparison.table(self.metric)
        single = table[frame["method"]].sub(table[baseline], axis=0)
        label = f"{self.metric} minus that of {baseline}"
        return lambda ax: _draw_differences(ax, frame, single, label, alpha)


def _differing(
    comparison: MethodComparison, metric: str, order: list[str], test: Any, alpha: float
) -> NDArray[np.bool_]:
    """Tell which pairs of methods differ, as a symmetric table in the given order."""
    frame = comparison.differences(metric=metric, test=test)
    differ = np.zeros((len(order), len(order)), dtype=bool)
    rows, columns = (
        [order.index(name) for name in frame[side]] for side in ("method", "reference")
    )
    differ[rows, columns] = differ[columns, rows] = frame["pvalue_holm"] < alpha
    return differ


def _cliques(differ: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find the longest runs of neighbors none of which differ, as first and last positions."""
    runs: list[tuple[int, int]] = []
    for first in range(len(differ)):
        last = first
        while last + 1 < len(differ) and not differ[first : last + 1, last + 1].any():
            last += 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def _draw_ranks(
    ax: Any, ranks: pd.Series[float], groups: list[tuple[int, int]], distance: float | None
) -> None:
    """Draw methods in rows below an axis of ranks, half of them on each side, as Demšar does."""
    n_methods = len(ranks)
    values = ranks.to_numpy()
    bars = 0.5 + 0.45 * np.arange(len(groups))
    top = (bars[-1] if len(bars) else 0.0) + 0.7
    n_left = (n_methods + 1) // 2
    pad = 0.04 * (n_methods - 1)
    for position, (name, rank) in enumerate(ranks.items()):
        on_left = position < n_left
        row = top + (position if on_left else n_methods - 1 - position)
        side = 1 - pad if on_left else n_methods + pad
        line = {"color": _GRAY, "linewidth": 0.8, "clip_on": False, "zorder": 1}
        ax.plot([rank, rank, side], [0, row, row], **line)
        ax.plot(rank, 0, marker="o", markersize=4, color=_BLUE, clip_on=False, zorder=3)
        ax.annotate(
            f"{name}  {rank:.2f}" if on_left else f"{rank:.2f}  {name}",
            xy=(side, row),
            xytext=(-4 if on_left else 4, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            annotation_clip=False,
        )
    for (first, last), height in zip(groups, bars, strict=True):
        ends = [values[first] - 0.05, values[last] + 0.05]
        line = {"color": "black", "linewidth": 3, "solid_capstyle": "butt", "clip_on": False}
        ax.plot(ends, [height] * 2, zorder=2, **line)
    if distance is not None:
        ax.plot([1, 1 + distance], [-2.2] * 2, color=_ORANGE, linewidth=2, marker="|", markersize=8)
        ax.annotate(f"critical difference {distance:.2f}", (1, -2.4), va="bottom", color=_ORANGE)
    ax.set_xlim(1, n_methods)
    ax.set_ylim(top + n_left, -3.4 if distance is not None else -0.2)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xticks(range(1, n_methods + 1, 1 if n_methods <= 12 else 2))
    ax.set_xlabel("Average rank (1 is the best)")
    ax.set_yticks([])
    ax.spines[["left", "right", "bottom"]].set_visible(False)
    ax.spines["top"].set_position(("data", 0))


def _draw_points(ax: Any, table: pd.DataFrame) -> None:
    """Draw each split as a point; every split has its own height in all rows, to be followed."""
    jitter = np.linspace(-0.25, 0.25, len(table)) if len(table) > 1 else np.zeros(1)
    for row, name in enumerate(table):
        ax.plot(table[name], row + jitter, ".", color=_BLUE, alpha=0.45, markersize=5, zorder=1)
    ax.set_yticks(range(table.shape[1]), list(table))
    ax.set_ylim(-0.6, table.shape[1] - 0.4)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)


def _draw_scores(ax: Any, table: pd.DataFrame, metric: str) -> None:
    _draw_points(ax, table)
    low, median, high = table.quantile([0.25, 0.5, 0.75]).to_numpy()
    rows = np.arange(table.shape[1])
    ax.hlines(rows, low, high, color="black", linewidth=1.5, zorder=2, label="quartiles")
    ax.plot(median, rows, "D", color=_ORANGE, markersize=6, zorder=3, label="median")
    ax.plot([], [], ".", color=_BLUE, label="one split")
    ax.set_xlabel(metric)
    ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)


def _draw_differences(
    ax: Any, frame: pd.DataFrame, single: pd.DataFrame, label: str, alpha: float
) -> None:
    _draw_points(ax, single)
    ax.axvline(0, color="black", linewidth=0.8, linestyle="--")
    rows = np.arange(len(frame))
    ax.hlines(rows, frame["low"], frame["high"], color=_ORANGE, linewidth=1.5, zorder=2)
    significant = (frame["pvalue_holm"] < alpha).to_numpy()
    for mask, fill, text in (
        (significant, _ORANGE, f"mean, differs (Holm, {alpha:g})"),
        (~significant, "white", "mean, does not differ"),
    ):
        style = {"markerfacecolor": fill, "markeredgecolor": _ORANGE, "markersize": 6, "zorder": 3}
        ax.plot(frame["difference"][mask], rows[mask], "D", label=text, linestyle="none", **style)
    ax.plot([], [], color=_ORANGE, linewidth=1.5, label=f"{1 - alpha:.0%} interval")
    ax.plot([], [], ".", color=_BLUE, label="one split")
    ax.set_xlabel(label)
    ax.legend(frameon=False, ncols=4, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
