"""Picture of the similarities between candidates and known compounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist
from sklearn.base import clone

from skxrd._style import pyplot
from skxrd.screening._similarity import PatternSimilarity

__all__ = ["SimilarityDisplay"]

_MISSING = "0.8"  # gray that is no color of the map
_LARGEST_FONT, _SMALLEST_FONT = 8.0, 3.5  # points
_ROW, _COLUMN = 0.135, 0.24  # inches that a label needs
_MOST_INCHES = 40.0
_MOST_VALUES = 120
_MOST_TURNED = 1000  # turning the leaves takes seconds here, and a minute for twice as many
_POINTS_PER_INCH = 72


class SimilarityDisplay:
    """Heat map of similarities: one row per candidate, one column per known compound.

    `from_similarity` and `from_patterns` make one and draw it.

    Parameters
    ----------
    similarity : array-like of shape (n_candidates, n_known)
        Similarities; NaN where there is none.
    candidate_labels : sequence of str of length n_candidates, default=None
        Formulas or names of the candidates; None stands for their numbers.
    known_labels : sequence of str of length n_known, default=None
        Formulas or names of the known compounds; None stands for their numbers.

    Attributes
    ----------
    similarity : ndarray of shape (n_candidates, n_known)
        Similarities.
    candidate_labels : list of str
        Names of the candidates.
    known_labels : list of str
        Names of the known compounds.
    row_order_ : ndarray of int of shape (n_candidates,)
        Candidates in the order in which they were drawn, from the top.
    column_order_ : ndarray of int of shape (n_known,)
        Known compounds in the order in which they were drawn, from the left.
    ax_ : matplotlib Axes
        Axes with the heat map.
    figure_ : matplotlib Figure
        Figure of the axes.
    image_ : matplotlib AxesImage
        The heat map.
    colorbar_ : matplotlib Colorbar
        Scale of the colors.

    Raises
    ------
    ValueError
        If there is no similarity, or the lengths of the arguments do not fit together.

    See Also
    --------
    PatternSimilarity : Computes similarities of patterns.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figures S3 and S4: the
    same question in the same layout.

    Examples
    --------
    >>> from skxrd.screening import CompositionSimilarity, SimilarityDisplay
    >>> known = ["Li6PS5Cl", "Li7La3Zr2O12"]
    >>> candidates = ["Li6PS5Br", "Li5La3Ta2O12", "Li6PS5I"]
    >>> display = SimilarityDisplay.from_similarity(
    ...     CompositionSimilarity().fit(known).transform(candidates),
    ...     candidate_labels=candidates,
    ...     known_labels=known,
    ... )
    >>> [candidates[row] for row in display.row_order_]
    ['Li5La3Ta2O12', 'Li6PS5I', 'Li6PS5Br']
    """

    def __init__(
        self,
        similarity: ArrayLike,
        *,
        candidate_labels: Sequence[str] | None = None,
        known_labels: Sequence[str] | None = None,
    ) -> None:
        self.similarity = np.asarray(similarity, dtype=float)
        if self.similarity.ndim != 2 or self.similarity.size == 0:
            raise ValueError(
                "similarity must have shape (n_candidates, n_known) and hold at least one value, "
                f"got shape {self.similarity.shape}."
            )
        n_candidates, n_known = self.similarity.shape
        self.candidate_labels = _labels(candidate_labels, n_candidates, "candidate_labels")
        self.known_labels = _labels(known_labels, n_known, "known_labels")

    def plot(
        self,
        *,
        ax: Any = None,
        order: bool = True,
        subscripts: bool = True,
        include_values: bool | None = None,
        colorbar_label: str = "Similarity",
        cmap: str = "viridis",
        vmin: float | None = None,
        vmax: float | None = None,
    ) -> Self:
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure in which every label can be read, up to 40 inches
            high. Labels that could not be read are left out.
        order : bool, default=True
            Whether rows and columns are ordered by hierarchical clustering (average linkage of the
            Euclidean distances between rows, and between columns), with the leaves of up to 1,000
            turned so that neighbors are alike; a missing similarity counts as the mean. Else they
            are drawn as given, the first on top.
        subscripts : bool, default=True
            Whether digits that follow a letter or a bracket are set as subscripts, as in formulas.
        include_values : bool, default=None
            Whether values are written into the cells; None stands for yes up to 120 cells.
        colorbar_label : str, default="Similarity"
            What the colors stand for.
        cmap : str, default="viridis"
            Color map; the default is perceptually uniform and can be read in gray.
        vmin : float, default=None
            Similarity of the first color; None stands for the lowest one, rounded down to tenths.
        vmax : float, default=None
            Similarity of the last color; None stands for the highest one, rounded up to tenths.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `image_`, `colorbar_` and both orders.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        plt = pyplot(self)
        n_rows, n_columns = self.similarity.shape
        self.row_order_ = _clustered(self.similarity) if order else np.arange(n_rows)
        self.column_order_ = _clustered(self.similarity.T) if order else np.arange(n_columns)
        values = self.similarity[np.ix_(self.row_order_, self.column_order_)]
        labels = [_pretty(self.candidate_labels[row], subscripts) for row in self.row_order_]
        names = [_pretty(self.known_labels[column], subscripts) for column in self.column_order_]
        if ax is None:
            with_values = _wants_values(include_values, values)
            figsize = _figure_size(n_rows, n_columns, with_values)
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        height, width = _cell_size(ax, n_rows, n_columns)

        colors = plt.get_cmap(cmap).with_extremes(bad=_MISSING)
        low, high = _limits(values, vmin, vmax)
        self.image_ = ax.imshow(
            values, cmap=colors, vmin=low, vmax=high, aspect="auto", interpolation="nearest"
        )
        self.colorbar_ = ax.figure.colorbar(
            self.image_, ax=ax, label=colorbar_label, shrink=min(1.0, 40 / n_rows), anchor=(0, 1)
        )
        _write_ticks(ax.set_yticks, labels, height)
        _write_ticks(ax.set_xticks, names, width, rotation=90)
        ax.tick_params(length=0, pad=2)
        ax.set(xlabel="Known compound", ylabel="Candidate")
        if _wants_values(include_values, values):
            self._write_values(values, min(_LARGEST_FONT, 0.8 * height, 0.4 * width))
        return self

    def _write_values(self, values: NDArray[np.float64], size: float) -> None:
        for (row, column), value in np.ndenumerate(values):
            if np.isnan(value):
                continue
            red, green, blue, _ = self.image_.cmap(self.image_.norm(value))
            is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            color = "white" if is_dark else "black"
            style = {"ha": "center", "va": "center", "color": color, "fontsize": size}
            self.ax_.text(column, row, f"{value:.2f}", **style)

    @classmethod
    def from_similarity(
        cls,
        similarity: ArrayLike,
        *,
        candidate_labels: Sequence[str] | None = None,
        known_labels: Sequence[str] | None = None,
        ax: Any = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw similarities.

        Parameters
        ----------
        similarity : array-like of shape (n_candidates, n_known)
            Similarities, as `PatternSimilarity`, `CompositionSimilarity` and `StructureSimilarity`
            return them.
        candidate_labels : sequence of str of length n_candidates, default=None
            Formulas or names of the candidates.
        known_labels : sequence of str of length n_known, default=None
            Formulas or names of the known compounds.
        ax : matplotlib Axes, default=None
            As for `plot`.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        SimilarityDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If there is no similarity, or the lengths do not fit together.
        """
        display = cls(similarity, candidate_labels=candidate_labels, known_labels=known_labels)
        return display.plot(ax=ax, **plot_kwargs)

    @classmethod
    def from_patterns(
        cls,
        X: ArrayLike,
        X_known: ArrayLike,
        *,
        similarity: PatternSimilarity | None = None,
        candidate_labels: Sequence[str] | None = None,
        known_labels: Sequence[str] | None = None,
        ax: Any = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Compute and draw similarities of patterns.

        Parameters
        ----------
        X : array-like of shape (n_candidates, n_points)
            Patterns of the candidates.
        X_known : array-like of shape (n_known, n_points)
            Patterns of the known compounds.
        similarity : PatternSimilarity, default=None
            How patterns are compared; a clone is fitted. None stands for ``PatternSimilarity()``,
            which takes the grid for 0 to 90 degrees.
        candidate_labels : sequence of str of length n_candidates, default=None
            Formulas or names of the candidates.
        known_labels : sequence of str of length n_known, default=None
            Formulas or names of the known compounds.
        ax : matplotlib Axes, default=None
            As for `plot`.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        SimilarityDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If a pattern is not finite, or numbers of points or lengths do not fit together.
        """
        transformer = PatternSimilarity() if similarity is None else clone(similarity)
        return cls.from_similarity(
            transformer.fit(X_known).transform(X),
            candidate_labels=candidate_labels,
            known_labels=known_labels,
            ax=ax,
            **plot_kwargs,
        )


def _labels(labels: Sequence[str] | None, n: int, argument: str) -> list[str]:
    if labels is None:
        return [str(number) for number in range(n)]
    if len(labels) != n:
        raise ValueError(f"{argument} must name all {n}, got {len(labels)} labels.")
    return [str(label) for label in labels]


def _clustered(rows: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order rows so that neighbors are alike."""
    if len(rows) < 3:
        return np.arange(len(rows))
    known = rows[np.isfinite(rows)]
    filled = np.where(np.isfinite(rows), rows, known.mean() if len(known) else 0.0)
    is_short = len(rows) <= _MOST_TURNED
    tree = linkage(pdist(filled), "average", optimal_ordering=is_short)
    return leaves_list(tree).astype(np.intp)


def _limits(
    values: NDArray[np.float64], vmin: float | None, vmax: float | None
) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    lowest, highest = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    rounding = 1e-6  # 0.7 in float32 is a little less
    low = np.floor(10 * lowest + rounding) / 10 if vmin is None else vmin
    high = np.ceil(10 * highest - rounding) / 10 if vmax is None else vmax
    return float(low), float(max(high, low + 0.1) if vmax is None else high)


def _wants_values(include_values: bool | None, values: NDArray[np.float64]) -> bool:
    return values.size <= _MOST_VALUES if include_values is None else include_values


def _figure_size(n_rows: int, n_columns: int, with_values: bool) -> tuple[float, float]:
    row, column = (0.28, 0.42) if with_values else (_ROW, _COLUMN)
    width = 2.6 + max(column * n_columns, 1.5)
    height = 1.6 + max(row * n_rows, 1.2)
    return min(width, _MOST_INCHES), min(height, _MOST_INCHES)


def _cell_size(ax: Any, n_rows: int, n_columns: int) -> tuple[float, float]:
    """Height and width of a cell in points, about: labels are not laid out yet."""
    box = ax.get_window_extent()
    scale = _POINTS_PER_INCH / ax.figure.dpi
    return 0.85 * box.height * scale / n_rows, 0.75 * box.width * scale / n_columns


def _write_ticks(set_ticks: Any, labels: list[str], space: float, **style: Any) -> None:
    size = min(_LARGEST_FONT, 0.85 * space)
    if size < _SMALLEST_FONT:
        set_ticks([])
        return
    set_ticks(range(len(labels)), labels, fontsize=size, **style)


def _pretty(label: str, subscripts: bool) -> str:
    """Set a formula in matplotlib's notation; a dollar sign of the label stays one."""
    from pymatgen.util.string import latexify

    label = label.replace("$", r"\$")
    return latexify(label) if subscripts else label
