"""Which elements the candidates are made of, beside those of all compounds screened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skxrd._style import pyplot
from skxrd.screening._element_statistics import COMPARED, TITLES, Key, element_statistics

__all__ = ["ElementStatisticsDisplay"]

# Prefix of the columns, distance from the row, marker, its filling and Okabe and Ito's color.
_SERIES = (("", -0.16, "s", "white", "#0072B2"), ("other_", 0.16, "o", "#D55E00", "#D55E00"))


class ElementStatisticsDisplay:
    """Shares of elements, numbers of elements and anions among all and predicted compounds.

    `from_formulas` counts, makes a Display and draws it; tables of `element_statistics` are given
    to the constructor.

    Parameters
    ----------
    elements : DataFrame
        Table of `element_statistics` with `other`.
    element_numbers : DataFrame
        The same by ``"n_elements"``.
    anions : DataFrame
        The same by ``"anion"``.
    names : (str, str), default=("Unlabeled", "Predicted")
        What the two sets of compounds are called in the legend.

    Attributes
    ----------
    tables : dict of str to DataFrame
        The tables by what they count: "element", "n_elements", "anion".
    names : tuple of str
        Names of the two sets.
    axes_ : ndarray of matplotlib Axes of shape (3,)
        Axes of the panels, in the order of the tables.
    figure_ : matplotlib Figure
        Figure of the axes.
    containers_ : list of matplotlib ErrorbarContainer
        Marks and intervals: for each panel, those of the first and of the second set.

    Raises
    ------
    ValueError
        If a table has no rows or lacks a column, or there are not two names.

    See Also
    --------
    element_statistics : Makes the tables.
    PeriodicTableDisplay : All elements, on the periodic table.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figure S1.

    Examples
    --------
    >>> from skxrd.screening import ElementStatisticsDisplay
    >>> pool = ["Li2O", "Li2S", "LiCl", "Li3PS4", "LiCoO2"]
    >>> display = ElementStatisticsDisplay.from_formulas(pool, ["Li2S", "Li3PS4"])
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['Element', 'Number of elements', 'Most abundant anion']
    """

    def __init__(
        self,
        elements: pd.DataFrame,
        element_numbers: pd.DataFrame,
        anions: pd.DataFrame,
        *,
        names: Sequence[str] = ("Unlabeled", "Predicted"),
    ) -> None:
        self.tables: dict[Key, pd.DataFrame] = {
            "element": elements,
            "n_elements": element_numbers,
            "anion": anions,
        }
        self.names = tuple(str(name) for name in names)
        for by, table in self.tables.items():
            missing = [column for column in COMPARED if column not in table.columns]
            if missing or table.empty:
                raise ValueError(
                    f"The table by {by!r} must come from element_statistics with other and have "
                    f"rows; it has {len(table)} and lacks the columns {missing}."
                )
        if isinstance(names, str) or len(self.names) != 2:
            raise ValueError(f"names must be two names, one for each set, got {names!r}.")

    def plot(self, *, ax: ArrayLike | None = None, n_elements: int = 20) -> Self:
        """Draw the shares with their 95 % intervals, and write the enrichment beside them.

        The enrichment is bold where the two intervals do not overlap.

        Parameters
        ----------
        ax : array-like of matplotlib Axes of shape (3,), default=None
            Axes for elements, numbers of elements and anions; None makes a figure.
        n_elements : int, default=20
            Number of elements to be drawn, at least 1: those that are most frequent in either set,
            in the order of the table.

        Returns
        -------
        self
            The Display, with `axes_`, `figure_` and `containers_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `ax` does not hold three axes or `n_elements` is not positive.
        """
        if n_elements < 1:
            raise ValueError(f"n_elements must be at least 1, got {n_elements!r}.")
        elements = self.tables["element"]
        largest = elements[["share", "other_share"]].max(axis=1)
        drawn = set(largest.nlargest(n_elements).index)
        tables = {**self.tables, "element": elements[[each in drawn for each in elements.index]]}
        if ax is None:
            rows = max(len(tables["element"]), len(tables["n_elements"]) + len(tables["anion"]) + 4)
            plt = pyplot(self)
            _, panels = plt.subplot_mosaic(
                [["element", "n_elements"], ["element", "anion"]],
                figsize=(9, 1.6 + 0.27 * rows),
                height_ratios=[len(tables["n_elements"]) + 1, len(tables["anion"]) + 1],
                layout="constrained",
            )
            ax = [panels[by] for by in tables]
        self.axes_ = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(self.axes_) != len(tables):
            raise ValueError(f"ax must hold {len(tables)} axes, got {len(self.axes_)}.")
        self.figure_ = self.axes_[0].figure
        self.containers_: list[Any] = []
        for panel, (by, table) in zip(self.axes_, tables.items(), strict=True):
            self._plot_panel(panel, table)
            panel.set_ylabel(TITLES[by])
        # Above the axes: intervals of few compounds leave no free corner inside.
        self.axes_[0].legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
        return self

    def _plot_panel(self, ax: Any, table: pd.DataFrame) -> None:
        rows = np.arange(len(table))
        for (prefix, shift, marker, filling, color), name in zip(_SERIES, self.names, strict=True):
            share, low, high = (
                table[prefix + column].to_numpy() for column in ("share", "share_low", "share_high")
            )
            self.containers_.append(
                ax.errorbar(
                    share,
                    rows + shift,
                    # rounding may put the end of an interval on the wrong side of 0 and 1
                    xerr=np.maximum([share - low, high - share], 0),
                    fmt=marker,
                    markersize=5,
                    markerfacecolor=filling,
                    color=color,
                    label=name,
                )
            )
        overlap = (table["share_low"] <= table["other_share_high"]) & (
            table["other_share_low"] <= table["share_high"]
        )
        for row, (enrichment, same) in enumerate(zip(table["enrichment"], overlap, strict=True)):
            self._write(ax, row, _factor(enrichment), "normal" if same else "bold")
        self._write(ax, -1, "Enrichment", "normal")
        ax.set_yticks(rows, [str(key) for key in table.index])
        ax.set_ylim(len(table) - 0.5, -0.5)  # the first row on top
        ax.set_xlim(-0.03, 1.03)
        ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f}")
        ax.set_xlabel("Share of compounds (%)")
        ax.grid(axis="y", color="0.9", linewidth=0.5)

    @staticmethod
    def _write(ax: Any, row: float, text: str, weight: str) -> None:
        ax.annotate(
            text,
            xy=(1, row),
            xycoords=ax.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            fontweight=weight,
            annotation_clip=False,
        )

    @classmethod
    def from_formulas(
        cls,
        unlabeled: Sequence[str],
        predicted: Sequence[str],
        *,
        names: Sequence[str] = ("Unlabeled", "Predicted"),
        ax: ArrayLike | None = None,
        n_elements: int = 20,
    ) -> Self:
        """Count elements and draw them.

        Parameters
        ----------
        unlabeled : sequence of str of shape (n_compounds,)
            Formulas of all compounds that were screened, those predicted included.
        predicted : sequence of str of shape (n_predicted,)
            Formulas of the predicted candidates.
        names : (str, str), default=("Unlabeled", "Predicted")
            What the two sets are called in the legend, where their sizes are added.
        ax : array-like of matplotlib Axes of shape (3,), default=None
            As for `plot`.
        n_elements : int, default=20
            As for `plot`.

        Returns
        -------
        ElementStatisticsDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If a formula cannot be read, a set is empty or an argument is invalid.
        """
        tables = [element_statistics(unlabeled, predicted, by=by) for by in TITLES]
        display = cls(*tables, names=names)
        first, second = display.names
        display.names = (f"{first} ({len(unlabeled):,})", f"{second} ({len(predicted):,})")
        return display.plot(ax=ax, n_elements=n_elements)


def _factor(enrichment: float) -> str:
    return "∞" if np.isinf(enrichment) else f"{short_number(enrichment)}×"


def short_number(number: float) -> str:
    """Write a number that is not negative with about two digits, as in 0, 0.25, 2.5 and 25."""
    if 0 < number < 0.005:
        return "<0.01"
    digits = 0 if number == 0 or number >= 9.95 else 1 if number >= 0.995 else 2
    return f"{number:,.{digits}f}"
