"""Numbers per element on the periodic table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from skxrd._optional import import_optional
from skxrd.screening._element_display import short_number
from skxrd.screening._element_statistics import element_statistics

__all__ = ["PeriodicTableDisplay"]

Quantity = Literal["count", "share", "enrichment"]

_COLUMNS = {"count": "n_compounds", "share": "share", "enrichment": "enrichment"}
_LABELS = {
    "count": "Number of compounds",
    "share": "Share of compounds (%)",
    "enrichment": "Enrichment (share among predicted / share among all)",
}
# The color-blind can read both. The first darkens with the number, also in gray; the second is
# lightest at an enrichment of one, and the number in each cell tells its dark ends apart.
_COLOR_MAPS = {"count": "YlGnBu", "share": "YlGnBu", "enrichment": "PuOr_r"}
_BLANK = "0.95"
_BLANK_SYMBOL = "0.6"
_ENRICHMENTS = (2.0, 10.0)  # least and largest end of the color scale of enrichments
_WIDEST_NUMBER = 100_000  # fits into a cell with all its digits


class PeriodicTableDisplay:
    """Number of compounds of each element, their share or their enrichment, on the periodic table.

    pymatgen's `periodic_table_heatmap` lays out the table. `from_formulas` counts, makes a Display
    and draws it.

    Parameters
    ----------
    values : mapping of str to float, or Series
        Number of each element, by its symbol. Elements that are missing here, or NaN, are left
        blank; so are counts and shares of zero.
    quantity : {"count", "share", "enrichment"}, default="count"
        What the numbers are: numbers of compounds, shares of them (0 to 1, drawn in percent), or
        shares among predicted compounds divided by those among all (0 to infinity).

    Attributes
    ----------
    values : Series of float
        Number of each element.
    quantity : str
        What the numbers are.
    ax_ : matplotlib Axes
        Axes with the periodic table.
    figure_ : matplotlib Figure
        Figure of the axes.
    mesh_ : matplotlib PolyQuadMesh
        Cells of the table.
    colorbar_ : matplotlib Colorbar
        Scale of the colors.
    texts_ : dict of str to matplotlib Text
        Number written below each element that is not blank.

    Raises
    ------
    ValueError
        If there is nothing to draw, a symbol is unknown, a number is out of range or `quantity` is
        unknown.

    See Also
    --------
    ElementStatisticsDisplay : The most frequent elements with intervals.
    element_statistics : Makes the numbers.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figure S2.

    Examples
    --------
    >>> from skxrd.screening import PeriodicTableDisplay
    >>> display = PeriodicTableDisplay.from_formulas(["Li2O", "Li2S", "LiCoO2"])
    >>> {symbol: text.get_text() for symbol, text in display.texts_.items()}
    {'Li': '3', 'O': '2', 'S': '1', 'Co': '1'}
    """

    def __init__(
        self, values: Mapping[str, float] | pd.Series, *, quantity: Quantity = "count"
    ) -> None:
        if quantity not in _LABELS:
            raise ValueError(f"quantity must be one of {list(_LABELS)}, got {quantity!r}.")
        self.values = pd.Series(values, dtype=float)
        self.quantity: Quantity = quantity
        self._check_values()

    def _check_values(self) -> None:
        from pymatgen.core import Element

        symbols = {element.symbol for element in Element}  # of the cells; deuterium has none
        unknown = [each for each in self.values.index if each not in symbols]
        if unknown:
            raise ValueError(f"values must be given by symbols of elements, got {unknown}.")
        twice = self.values.index[self.values.index.duplicated()].unique().tolist()
        if twice:
            raise ValueError(f"values must hold each element once, got {twice} more than once.")
        highest = {"count": np.finfo(float).max, "share": 1, "enrichment": np.inf}[self.quantity]
        wrong = self.values[(self.values < 0) | (self.values > highest)]
        if len(wrong) > 0:
            raise ValueError(
                f"values must lie between 0 and {highest:.2g} for quantity={self.quantity!r}, got "
                f"{wrong.to_dict()}."
            )
        if self._drawn().empty:
            raise ValueError("values must hold at least one element that is not blank, got none.")

    def _drawn(self) -> pd.Series:
        values = self.values.dropna()
        if self.quantity == "enrichment":
            return values
        return values[values > 0] * (100 if self.quantity == "share" else 1)

    def plot(self, *, log_scale: bool = False, cmap: Any = None) -> Self:
        """Draw the periodic table into a figure of its own, which pymatgen's function makes.

        Parameters
        ----------
        log_scale : bool, default=False
            Whether the colors follow the logarithm of the numbers, which suits counts that span
            decades. Enrichments always do, so that 2 and 0.5 are as far from 1; beyond 10 and 0.1
            their color stays the same.
        cmap : str or matplotlib Colormap, default=None
            Color map. None stands for "YlGnBu", and for "PuOr_r" for enrichments.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `mesh_`, `colorbar_` and `texts_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        matplotlib = import_optional("matplotlib", extra="plot", purpose=type(self).__name__)
        from pymatgen.util.plotting import periodic_table_heatmap

        colors = matplotlib.colormaps[_COLOR_MAPS[self.quantity]] if cmap is None else cmap
        if isinstance(colors, str):
            colors = matplotlib.colormaps[colors]
        values = self._drawn()
        norm = self._norm(values, log_scale)
        with warnings.catch_warnings():
            # pymatgen changes its color map, a copy of ours, as matplotlib advises against
            warnings.filterwarnings("ignore", "The set_under func", PendingDeprecationWarning)
            self.ax_ = periodic_table_heatmap(
                values.clip(norm.vmin, norm.vmax).to_dict(),
                cbar_label=_LABELS[self.quantity],
                cmap=colors.with_extremes(bad=_BLANK),
                cmap_range=(norm.vmin, norm.vmax),
                blank_color=_BLANK,
                pymatviz=False,
            )
        self.figure_ = self.ax_.figure
        (self.mesh_,) = self.ax_.collections
        self.mesh_.set_norm(norm)  # pymatgen's is linear
        self.colorbar_ = self.mesh_.colorbar
        self._set_ticks()
        self._write(values)
        self.figure_.set_size_inches(12, 6.5)
        self.figure_.tight_layout()
        return self

    def _norm(self, values: pd.Series, log_scale: bool) -> Any:
        from matplotlib.colors import LogNorm, Normalize

        if self.quantity == "enrichment":
            # zero and infinity have no place on a logarithmic scale: they get its ends
            ratios = values[(values > 0) & np.isfinite(values)].to_numpy()
            farthest = np.exp(np.abs(np.log(ratios)).max(initial=0))
            end = float(np.clip(farthest, *_ENRICHMENTS))
            return LogNorm(1 / end, end)
        if log_scale:
            low = 10 ** np.floor(np.log10(values.min()))
            return LogNorm(low, max(values.max(), 10 * low))
        return Normalize(0, values.max())

    def _set_ticks(self) -> None:
        from matplotlib.colors import LogNorm
        from matplotlib.ticker import LogLocator, MaxNLocator

        low, high = self.mesh_.get_clim()
        if isinstance(self.mesh_.norm, LogNorm):
            narrow = high < 200 * low
            self.colorbar_.locator = LogLocator(subs=(1, 2, 5) if narrow else (1,))
        else:
            self.colorbar_.locator = MaxNLocator(integer=self.quantity == "count")
        self.colorbar_.formatter = lambda number, _: f"{number:,.10g}"
        self.colorbar_.minorticks_off()
        self.colorbar_.update_ticks()

    def _write(self, values: pd.Series) -> None:
        """Write each number below its symbol, dark on light cells and light on dark ones."""
        self.texts_: dict[str, Any] = {}
        for symbol in list(self.ax_.texts):
            x, y = symbol.get_position()
            if symbol.get_text() not in values.index:
                symbol.set(position=(x, y + 0.25), color=_BLANK_SYMBOL)
                continue
            value = values[symbol.get_text()]
            inside = np.clip(value, *self.mesh_.get_clim())
            red, green, blue, _ = self.mesh_.to_rgba(inside)
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            symbol.set(position=(x, y + 0.1), color="black" if light else "white")
            self.texts_[symbol.get_text()] = self.ax_.text(
                x,
                y + 0.5,
                self._format(value),
                ha="center",
                va="center",
                fontsize=9,
                color=symbol.get_color(),
            )

    def _format(self, value: float) -> str:
        from matplotlib.ticker import EngFormatter

        if np.isinf(value):
            return "∞"
        if self.quantity != "count":
            return short_number(value)
        if value >= _WIDEST_NUMBER:
            return EngFormatter(places=0, sep="")(value)
        return f"{value:,.6g}"

    @classmethod
    def from_formulas(
        cls,
        formulas: Sequence[str],
        other: Sequence[str] | None = None,
        *,
        quantity: Quantity = "count",
        log_scale: bool = False,
        cmap: Any = None,
    ) -> Self:
        """Count the compounds of each element and draw them.

        Parameters
        ----------
        formulas : sequence of str of shape (n_compounds,)
            Chemical formulas of all compounds.
        other : sequence of str of shape (n_other,), default=None
            Formulas of the predicted ones, for ``quantity="enrichment"`` and for nothing else.
        quantity : {"count", "share", "enrichment"}, default="count"
            What is drawn.
        log_scale : bool, default=False
            As for `plot`.
        cmap : str or matplotlib Colormap, default=None
            As for `plot`.

        Returns
        -------
        PeriodicTableDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If a formula cannot be read, there are none, or `other` and `quantity` do not fit.
        """
        if quantity not in _COLUMNS:
            raise ValueError(f"quantity must be one of {list(_COLUMNS)}, got {quantity!r}.")
        if (quantity == "enrichment") != (other is not None):
            raise ValueError(
                "quantity='enrichment' needs other, and other serves for nothing else; got "
                f"quantity={quantity!r} {'without' if other is None else 'with'} other."
            )
        table = element_statistics(formulas, other)
        display = cls(table[_COLUMNS[quantity]], quantity=quantity)
        return display.plot(log_scale=log_scale, cmap=cmap)
