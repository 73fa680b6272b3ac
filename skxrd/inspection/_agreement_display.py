"""Agreement of candidates with known labels, over the number of votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skxrd._style import COLORS, pyplot
from skxrd.metrics import agreement_by_output_frequency

__all__ = ["AgreementDisplay"]

Votes = Literal["exactly", "at_least"]

_COLUMNS = ["n_candidates", "n_labeled", "n_correct", "precision", "low", "high"]
_MOST_NUMBERED_POINTS = 20


class AgreementDisplay:
    """Precision among the labeled candidates over the number of votes, with intervals.

    The number above an interval is that of the labeled candidates behind it. `from_predictions`
    makes a Display and draws it.

    Parameters
    ----------
    agreement : DataFrame
        What `agreement_by_output_frequency` gives.
    confidence_level : float, default=0.95
        Level of the intervals in it, for the legend.

    Attributes
    ----------
    agreement : DataFrame
        Counts, precision and limits by number of votes.
    confidence_level : float
        As given.
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure of the axes.
    errorbar_ : matplotlib ErrorbarContainer
        Points and intervals.
    baseline_ : matplotlib Line2D
        Precision among all labeled candidates.

    Raises
    ------
    ValueError
        If a column or level is missing in the table, or if no candidate is labeled.

    See Also
    --------
    skxrd.metrics.agreement_by_output_frequency : The numbers.

    Examples
    --------
    >>> from skxrd.datasets import load_xrdmatch_candidates
    >>> from skxrd.inspection import AgreementDisplay
    >>> data = load_xrdmatch_candidates()
    >>> display = AgreementDisplay.from_predictions(data.frame["output_frequency"], data.target)
    >>> display.agreement.loc["exactly", "n_labeled"].tolist()
    [28, 19, 29, 9, 6, 5]
    """

    def __init__(self, agreement: pd.DataFrame, *, confidence_level: float = 0.95) -> None:
        self.agreement = agreement.copy()
        self.confidence_level = confidence_level
        missing = [name for name in _COLUMNS if name not in agreement]
        if missing or list(agreement.index.names) != ["votes", "output_frequency"]:
            raise ValueError(
                "agreement must be a table as agreement_by_output_frequency gives it, with index "
                f"levels votes and output_frequency; got levels {list(agreement.index.names)}, and "
                f"these columns are missing: {missing}."
            )
        if not agreement["n_labeled"].any():
            n_candidates = agreement["n_candidates"].max() if len(agreement) else 0
            raise ValueError(
                "agreement needs candidates with a known label: none of the "
                f"{n_candidates} candidates has one."
            )

    def plot(
        self,
        *,
        ax: Any = None,
        votes: Votes = "exactly",
        errorbar_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw precision and intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        votes : {"exactly", "at_least"}, default="exactly"
            Whether a point stands for the candidates with this number of votes, or with this number
            or more. The latter is what a cut at this number leaves; its points share candidates, so
            that they look smoother than they are certain.
        errorbar_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `errorbar_` and `baseline_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `votes` is unknown.
        """
        if votes not in ("exactly", "at_least"):
            raise ValueError(f"votes must be 'exactly' or 'at_least', got {votes!r}.")
        plt = pyplot(self)
        if ax is None:
            _, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        everything = self._table("exactly")
        n_correct, n_labeled = everything["n_correct"].sum(), everything["n_labeled"].sum()
        self.baseline_ = ax.axhline(
            n_correct / n_labeled,
            color="0.45",
            linestyle="--",
            linewidth=1.0,
            zorder=1,
            label=f"all labeled candidates: {n_correct} of {n_labeled}",
        )
        table = self._table(votes)
        table = table[table["n_labeled"] > 0]
        style = {
            "fmt": "o" if votes == "exactly" else "D",
            "color": COLORS[0] if votes == "exactly" else COLORS[1],
            "markersize": 6,
            "capsize": 3,
            "label": f"precision and {100 * self.confidence_level:.4g} % interval",
        }
        bounds = table[["low", "high"]].to_numpy()
        precision = table["precision"].to_numpy()
        # Rounding may put a limit of 0 or 1 a hair on the wrong side of the precision.
        lengths = np.abs(bounds - precision[:, None]).T
        self.errorbar_ = ax.errorbar(
            table.index, precision, yerr=lengths, **{**style, **(errorbar_kwargs or {})}
        )
        if len(table) <= _MOST_NUMBERED_POINTS:
            self._write_numbers(table)
        self._set_axes(votes)
        return self

    def _table(self, votes: Votes) -> pd.DataFrame:
        rows = self.agreement.index.get_level_values("votes") == votes
        return self.agreement[rows].droplevel("votes")

    def _write_numbers(self, table: pd.DataFrame) -> None:
        """Write above each interval how many labels it stands for."""
        columns = (table.index, table["high"], table["n_labeled"])
        for frequency, high, n_labeled in zip(*columns, strict=True):
            self.ax_.annotate(
                str(n_labeled),
                xy=(frequency, high),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize="small",
            )

    def _set_axes(self, votes: Votes) -> None:
        ax = self.ax_
        frequencies = self._table(votes).index
        ax.set_xlim(frequencies.min() - 0.6, frequencies.max() + 0.6)
        ax.set_ylim(-0.03, 1.1)  # room for the number above an interval that ends at 1
        ax.set_yticks(np.linspace(0, 1, 6))
        ax.xaxis.get_major_locator().set_params(integer=True)
        at_least = " or more" if votes == "at_least" else ""
        ax.set_xlabel(f"Output frequency (votes{at_least})")
        ax.set_ylabel("Precision among labeled candidates")
        ax.legend(
            frameon=False,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            title="number: labeled candidates" if ax.texts else None,
            fontsize="small",
            title_fontsize="small",
        )

    @classmethod
    def from_predictions(
        cls,
        output_frequency: ArrayLike,
        labels: ArrayLike,
        *,
        positive_class: Any = 1,
        confidence_level: float = 0.95,
        ax: Any = None,
        votes: Votes = "exactly",
        errorbar_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Count how candidates agree with their labels, and draw it.

        Parameters
        ----------
        output_frequency : array-like of int of shape (n_candidates,)
            Members of the ensemble that vote for the positive class.
        labels : array-like of shape (n_candidates,)
            Labels where they are known; -1, None and NaN mark unknown ones.
        positive_class : label, default=1
            Class that the candidates are predicted to be of.
        confidence_level : float, default=0.95
            Level of the intervals, between 0 and 1.
        ax : matplotlib Axes, default=None
            As for `plot`.
        votes : {"exactly", "at_least"}, default="exactly"
            As for `plot`.
        errorbar_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        AgreementDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If lengths differ, if a number of votes is not whole, or if no candidate is labeled.
        """
        agreement = agreement_by_output_frequency(
            output_frequency,
            labels,
            positive_class=positive_class,
            confidence_level=confidence_level,
        )
        display = cls(agreement, confidence_level=confidence_level)
        return display.plot(ax=ax, votes=votes, errorbar_kwargs=errorbar_kwargs)
