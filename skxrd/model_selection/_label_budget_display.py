"""The picture of a label budget curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skxrd._style import COLORS, MARKERS, pyplot
from skxrd.model_selection._label_budget import label_budget_curve

__all__ = ["LabelBudgetDisplay"]

Axis = Literal["n_labeled_per_class", "n_unlabeled"]

# Marks and dashes serve where there is no color.
_LINE_STYLES = ("-", "--", "-.", ":")
_AXIS_LABELS = {
    "n_labeled_per_class": "Number of labels per class",
    "n_unlabeled": "Number of unlabeled rows",
}
# Budgets that span more than this factor are drawn on a logarithmic axis.
_LINEAR_SPAN = 12


class LabelBudgetDisplay:
    """Score against the number of labels or of unlabeled rows, with its spread.

    `from_estimator` trains, makes a Display and draws it; a table of `label_budget_curve` is given
    to the constructor.

    Parameters
    ----------
    curve : DataFrame
        Table of `label_budget_curve`.
    score_name : str, default="Score"
        Name of the score, for the axis.

    Attributes
    ----------
    curve : DataFrame
        Table of `label_budget_curve`.
    score_name : str
        Name of the score.
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        Mean scores, one line for each number of unlabeled rows, or of labels.
    bands_ : list of matplotlib PolyCollection
        Bands of the standard deviation, one for each line.

    Raises
    ------
    ValueError
        If the table lacks a column or has no rows.

    See Also
    --------
    label_budget_curve : Makes the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.model_selection import LabelBudgetDisplay
    >>> curve = pd.DataFrame(
    ...     {
    ...         "n_labeled_per_class": [2, 2, 10, 10],
    ...         "n_unlabeled": [0, 100, 0, 100],
    ...         "score": [0.6, 0.7, 0.9, 0.9],
    ...     }
    ... )
    >>> display = LabelBudgetDisplay(curve, score_name="Macro-F1").plot()
    >>> [line.get_label() for line in display.lines_]
    ['0', '100']
    """

    def __init__(self, curve: pd.DataFrame, *, score_name: str = "Score") -> None:
        self.curve = curve
        self.score_name = score_name
        missing = [name for name in (*_AXIS_LABELS, "score") if name not in curve.columns]
        if missing or curve.empty:
            raise ValueError(
                "curve must be a table of label_budget_curve with at least one row; "
                f"it has {len(curve)} rows and lacks the columns {missing}."
            )

    def plot(
        self,
        *,
        ax: Any = None,
        x: Axis = "n_labeled_per_class",
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the mean score, and as a band its standard deviation over splits and repeats.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        x : {"n_labeled_per_class", "n_unlabeled"}, default="n_labeled_per_class"
            Budget on the horizontal axis; there is one line for each value of the other.
        line_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `lines_` and `bands_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `x` is unknown.
        """
        if x not in _AXIS_LABELS:
            raise ValueError(f"x must be one of {list(_AXIS_LABELS)}, got {x!r}.")
        (other,) = set(_AXIS_LABELS) - {x}
        if ax is None:
            plt = pyplot(self)
            _, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
        self.lines_: list[Any] = []
        self.bands_: list[Any] = []
        looks = zip(cycle(COLORS), cycle(MARKERS), cycle(_LINE_STYLES), strict=False)
        groups = self.curve.groupby(other)
        for (value, rows), (color, marker, dashes) in zip(groups, looks, strict=False):
            scores = rows.groupby(x)["score"]
            mean, spread = scores.mean(), scores.std(ddof=0)
            style = {"color": color, "marker": marker, "linestyle": dashes, **(line_kwargs or {})}
            (line,) = ax.plot(mean.index, mean, label=f"{value:,}", **style)
            band = ax.fill_between(
                mean.index, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, lw=0
            )
            self.lines_.append(line)
            self.bands_.append(band)
        ax.set(xlabel=_AXIS_LABELS[x], ylabel=self.score_name)
        self._set_ticks(ax, x)
        if len(self.lines_) > 1:
            # Beside the axes: bands leave no free corner inside.
            title = _AXIS_LABELS[other].replace(" of ", "\nof ")
            ax.legend(frameon=False, title=title, loc="upper left", bbox_to_anchor=(1, 1))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _set_ticks(self, ax: Any, x: Axis) -> None:
        budgets = np.unique(self.curve[x])
        positive = budgets[budgets > 0]
        if len(positive) > 1 and positive[-1] > _LINEAR_SPAN * positive[0]:
            ax.set_xscale("symlog", linthresh=positive[0])
        ax.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
        ax.minorticks_off()

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        n_labeled_per_class: Sequence[int] = (2, 5, 10),
        n_unlabeled: Sequence[int | float] | None = None,
        cv: Any = 5,
        groups: ArrayLike | None = None,
        n_repeats: int = 1,
        scoring: str | Callable[..., float] = "masked_f1_macro",
        unused_labels: Literal["remove", "hide"] = "remove",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        score_name: str | None = None,
        ax: Any = None,
        x: Axis = "n_labeled_per_class",
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Train for all budgets and draw the curves.

        Parameters
        ----------
        estimator : classifier
            As for `label_budget_curve`, like all that follow up to `verbose`.
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows.
        n_labeled_per_class : sequence of int, default=(2, 5, 10)
            Numbers of labels of each class.
        n_unlabeled : sequence of int or float, or None, default=None
            Numbers of unlabeled rows, or fractions.
        cv : int, cross-validator or iterable, default=5
            How labeled rows are split.
        groups : array-like of shape (n_samples,), default=None
            Groups for splitters such as `GroupKFold`.
        n_repeats : int, default=1
            Number of draws in each split.
        scoring : str or callable, default="masked_f1_macro"
            Scorer.
        unused_labels : {"remove", "hide"}, default="remove"
            What becomes of labels beyond the budget.
        n_jobs : int or None, default=None
            Number of fits at a time.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws and of the classifiers.
        verbose : int, default=0
            With 1, a progress bar is shown.
        score_name : str or None, default=None
            Name of the score, for the axis. None stands for the name in `scoring`.
        ax : matplotlib Axes, default=None
            As for `plot`.
        x : {"n_labeled_per_class", "n_unlabeled"}, default="n_labeled_per_class"
            As for `plot`.
        line_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        LabelBudgetDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If a budget asks for more rows than there are, or an argument is invalid.
        """
        curve = label_budget_curve(
            estimator,
            X,
            y,
            n_labeled_per_class=n_labeled_per_class,
            n_unlabeled=n_unlabeled,
            cv=cv,
            groups=groups,
            n_repeats=n_repeats,
            scoring=scoring,
            unused_labels=unused_labels,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        if score_name is None:
            score_name = _readable(scoring) if isinstance(scoring, str) else "Score"
        return cls(curve, score_name=score_name).plot(ax=ax, x=x, line_kwargs=line_kwargs)


def _readable(scoring: str) -> str:
    """Name of a scorer as it reads on an axis: f1 macro for masked_f1_macro."""
    name = scoring.removeprefix("masked_").replace("_", " ")
    return name[:1].upper() + name[1:]
