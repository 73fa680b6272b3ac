"""Displays of patterns and of a training, in the manner of scikit-learn's Displays.

Each stores arrays and draws them with `plot`; matplotlib is imported there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skxrd._optional import import_optional
from skxrd.grid import TwoThetaGrid
from skxrd.simulation import PatternSimulator

__all__ = ["PatternDisplay", "TrainingDisplay"]

Kind = Literal["profile", "sticks"]

# Okabe and Ito's colors, which the color-blind tell apart, without the yellow that white swallows.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINE_STYLES = ("-", "--", "-.", ":")
_MOST_MARKED_EPOCHS = 30


class PatternDisplay:
    """Diffraction patterns over two-theta, stacked or on top of each other.

    `from_patterns` and `from_structure` make one and draw it.

    Parameters
    ----------
    two_theta : array-like of shape (n_points,)
        Angles in degrees.
    patterns : array-like of shape (n_patterns, n_points)
        Intensities, one pattern per row; they are drawn as they are, not normalized.
    labels : sequence of str of length n_patterns, default=None
        Name of each pattern.

    Attributes
    ----------
    two_theta : ndarray of shape (n_points,)
        Angles in degrees.
    patterns : ndarray of shape (n_patterns, n_points)
        Intensities.
    labels : list of str or None
        Name of each pattern.
    ax_ : matplotlib Axes
        Axes with the patterns.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        One line per pattern.

    Raises
    ------
    ValueError
        If the lengths of the arguments do not fit together.

    See Also
    --------
    TrainingDisplay : Losses and thresholds over the epochs of a training.

    Examples
    --------
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.inspection import PatternDisplay
    >>> X, y = make_patterns(3, n_classes=3, grid=TwoThetaGrid(10, 80, 351), random_state=0)
    >>> display = PatternDisplay.from_patterns(
    ...     X, grid=TwoThetaGrid(10, 80, 351), labels=["a", "b", "c"], kind="sticks"
    ... )
    >>> len(display.lines_)
    3
    """

    def __init__(
        self,
        two_theta: ArrayLike,
        patterns: ArrayLike,
        *,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.two_theta = np.asarray(two_theta, dtype=float)
        self.patterns = np.asarray(patterns)
        self.labels = None if labels is None else [str(label) for label in labels]
        if self.patterns.ndim != 2 or self.two_theta.shape != self.patterns.shape[1:]:
            raise ValueError(
                "patterns must have shape (n_patterns, n_points) with one point per angle of "
                f"two_theta, got shapes {self.patterns.shape} and {self.two_theta.shape}."
            )
        if self.labels is not None and len(self.labels) != len(self.patterns):
            raise ValueError(
                f"labels must name each pattern: got {len(self.labels)} labels for "
                f"{len(self.patterns)} patterns."
            )

    def plot(
        self,
        *,
        ax: Any = None,
        kind: Kind = "profile",
        offset: float | None = None,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the patterns.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        kind : {"profile", "sticks"}, default="profile"
            Whether neighboring points are joined, or each point that is not zero is a vertical
            line.
        offset : float, default=None
            Vertical distance between patterns, in units of intensity; the first pattern is the
            lowest. None stands for 1.1 times the highest intensity, and 0 draws the patterns on top
            of each other.
        line_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_` and `lines_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `kind` is unknown.
        """
        if kind not in ("profile", "sticks"):
            raise ValueError(f"kind must be 'profile' or 'sticks', got {kind!r}.")
        n_patterns = len(self.patterns)
        if ax is None:
            plt = _pyplot(self)
            _, ax = plt.subplots(figsize=(7, min(2.5 + 0.8 * n_patterns, 12)), layout="constrained")
        if offset is None:
            offset = 1.1 * float(np.nanmax(self.patterns, initial=0)) or 1.0
        curve = _sticks if kind == "sticks" else _profile
        self.lines_: list[Any] = []
        for row, (pattern, color) in enumerate(zip(self.patterns, cycle(_COLORS), strict=False)):
            x, y = curve(self.two_theta, pattern)
            style = {"color": color, "linewidth": 1.0, **(line_kwargs or {})}
            if self.labels is not None:
                style["label"] = self.labels[row]
            self.lines_ += ax.plot(x, y + row * offset, **style)
        self.ax_, self.figure_ = ax, ax.figure
        stacked = n_patterns > 1 and offset != 0
        if stacked:
            ax.set_yticks([])  # the numbers would hold for the lowest pattern only
        if self.labels is not None and stacked:
            self._write_labels(offset)
        elif self.labels is not None:
            ax.legend(frameon=False)
        ax.set(xlabel="2θ (degrees)", ylabel="Intensity (arb. units)")
        ax.set_xlim(self.two_theta[0], self.two_theta[-1])
        return self

    def _write_labels(self, offset: float) -> None:
        """Put each label next to its pattern, where it needs no legend to be found."""
        for row, line in enumerate(self.lines_):
            self.ax_.annotate(
                line.get_label(),
                xy=(1, row * offset),
                xycoords=self.ax_.get_yaxis_transform(),
                xytext=(4, 0),
                textcoords="offset points",
                color=line.get_color(),
                annotation_clip=False,
            )

    @classmethod
    def from_patterns(
        cls,
        X: ArrayLike,
        *,
        grid: TwoThetaGrid | None = None,
        labels: Sequence[str] | None = None,
        ax: Any = None,
        kind: Kind = "profile",
        offset: float | None = None,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the rows of a pattern set.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points) or (n_points,)
            Patterns, or a single one.
        grid : TwoThetaGrid, default=None
            Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
        labels : sequence of str of length n_patterns, default=None
            Name of each pattern.
        ax : matplotlib Axes, default=None
            As for `plot`.
        kind : {"profile", "sticks"}, default="profile"
            As for `plot`.
        offset : float, default=None
            As for `plot`.
        line_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If the shape of `X`, the grid and the labels do not fit together.
        """
        X = np.atleast_2d(np.asarray(X))
        grid = TwoThetaGrid(0, 90, X.shape[-1]) if grid is None else grid
        display = cls(grid.two_theta, X, labels=labels)
        return display.plot(ax=ax, kind=kind, offset=offset, line_kwargs=line_kwargs)

    @classmethod
    def from_structure(
        cls,
        structure: Any,
        *,
        grid: TwoThetaGrid | None = None,
        wavelength: str | float = "CuKa",
        fwhm: float | None = None,
        label: str | None = None,
        ax: Any = None,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Simulate the pattern of a crystal structure and draw it.

        Parameters
        ----------
        structure : path, str, dict or pymatgen Structure
            The structure, see `skxrd.simulation.read_structure`.
        grid : TwoThetaGrid, default=None
            Two-theta axis; None stands for 0 to 90 degrees in steps of 0.02 degrees.
        wavelength : str or float, default="CuKa"
            Radiation by name, or wavelength in angstrom.
        fwhm : float, default=None
            Full width at half maximum of the lines in degrees. None and 0 draw sticks.
        label : str, default=None
            Name of the pattern; None stands for the reduced formula.
        ax : matplotlib Axes, default=None
            As for `plot`.
        line_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        InvalidStructureError
            If the structure cannot be read or has no pattern.
        MissingDependencyError
            If matplotlib is not installed.
        """
        grid = TwoThetaGrid() if grid is None else grid
        simulated = PatternSimulator(grid, wavelength=wavelength, fwhm=fwhm).simulate([structure])
        labels = simulated.formulas if label is None else [label]
        display = cls(grid.two_theta, simulated.patterns, labels=labels)
        kind: Kind = "profile" if fwhm else "sticks"
        return display.plot(ax=ax, kind=kind, line_kwargs=line_kwargs)


class TrainingDisplay:
    """Losses, mask rate and thresholds over the epochs of a semi-supervised training.

    The mask rate is the part of the unlabeled rows that reached the threshold and were learned
    from. A training without unlabeled rows, or with an algorithm that ignores them, has losses
    only. `from_estimator` makes a Display and draws it.

    Parameters
    ----------
    history : list of dict
        One dictionary of numbers per epoch: the attribute `history_` of a fitted classifier.
    class_names : sequence of str of length n_classes, default=None
        Names of the classes, in the order of the thresholds; None stands for "0", "1", ...

    Attributes
    ----------
    history : list of dict
        One dictionary of numbers per epoch.
    class_names : list of str or None
        Names of the classes.
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
        Axes of the panels.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib Line2D
        Line of each column of the history.

    Raises
    ------
    ValueError
        If the history is empty.

    See Also
    --------
    PatternDisplay : Diffraction patterns over two-theta.

    Examples
    --------
    >>> from skxrd.inspection import TrainingDisplay
    >>> history = [
    ...     {"labeled_loss": 0.7, "unlabeled_loss": 0.0, "mask_rate": 0.1},
    ...     {"labeled_loss": 0.5, "unlabeled_loss": 0.1, "mask_rate": 0.4},
    ... ]
    >>> display = TrainingDisplay(history).plot()
    >>> len(display.axes_), list(display.lines_)
    (2, ['labeled_loss', 'unlabeled_loss', 'mask_rate'])
    """

    def __init__(
        self,
        history: Sequence[Mapping[str, float]],
        *,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.history = [dict(row) for row in history]
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        if not self.history:
            raise ValueError("history must hold at least one epoch, got none.")

    def plot(
        self, *, ax: ArrayLike | None = None, line_kwargs: Mapping[str, Any] | None = None
    ) -> Self:
        """Draw one panel for the losses, the mask rate and the thresholds each.

        Parameters
        ----------
        ax : array-like of matplotlib Axes of shape (n_panels,), default=None
            Axes to draw on: three, or as many as the training has panels. None makes a figure.
        line_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        self
            The Display, with `axes_`, `figure_` and `lines_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If the number of axes differs from that of the panels, or the number of class names from
            that of the thresholds.
        """
        panels = self._panels()
        if ax is None:
            plt = _pyplot(self)
            _, axes = plt.subplots(
                1,
                len(panels),
                figsize=(3.6 * len(panels), 3.0),
                layout="constrained",
                squeeze=False,
            )
        else:
            axes = np.atleast_1d(np.asarray(ax, dtype=object))
        self.axes_ = axes.ravel()
        if len(self.axes_) != len(panels):
            raise ValueError(
                f"This training has {len(panels)} panels ({', '.join(panels)}), but ax holds "
                f"{len(self.axes_)} axes."
            )
        self.figure_ = self.axes_[0].figure
        self.lines_: dict[str, Any] = {}
        for panel, (title, columns) in zip(self.axes_, panels.items(), strict=True):
            self._plot_panel(panel, title, columns, line_kwargs or {})
        return self

    def _panels(self) -> dict[str, dict[str, str]]:
        """Label of the y axis of each panel, to the columns in it and their names."""
        columns = [name for name in self.history[0] if np.isfinite(self._column(name)).any()]
        terms = [name for name in columns if name.endswith("_loss") and name != "train_loss"]
        panels = {"Loss": {name: name.removesuffix("_loss") for name in terms or ["train_loss"]}}
        if "mask_rate" not in columns:  # thresholds say nothing where there is nothing to select
            return panels
        panels["Mask rate"] = {"mask_rate": ""}
        thresholds = [name for name in columns if name.startswith("threshold_")]
        names = self.class_names or [str(code) for code in range(len(thresholds))]
        if len(names) != len(thresholds) and thresholds:
            raise ValueError(
                f"class_names must name each class: got {len(names)} names for "
                f"{len(thresholds)} thresholds."
            )
        if thresholds:
            panels["Threshold"] = dict(zip(thresholds, names, strict=True))
        return panels

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.array([row.get(name, np.nan) for row in self.history], dtype=float)

    def _plot_panel(
        self, ax: Any, title: str, columns: dict[str, str], line_kwargs: Mapping[str, Any]
    ) -> None:
        epochs = np.arange(1, len(self.history) + 1)
        marker = "." if len(epochs) <= _MOST_MARKED_EPOCHS else ""
        # Thresholds often coincide: other dashes let the line below shine through.
        looks = zip(cycle(_COLORS), cycle(_LINE_STYLES), strict=False)
        for (column, name), (color, dashes) in zip(columns.items(), looks, strict=False):
            style = {"color": color, "linestyle": dashes, "marker": marker, **line_kwargs}
            (line,) = ax.plot(epochs, self._column(column), label=name, **style)
            self.lines_[column] = line
        ax.set(xlabel="Epoch", ylabel=title)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if title == "Loss":
            ax.set_ylim(bottom=0)
        else:
            ax.set_ylim(-0.03, 1.03)
        if len(columns) > 1:
            ax.legend(frameon=False, title="Class" if title == "Threshold" else None)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        class_names: Sequence[str] | None = None,
        ax: ArrayLike | None = None,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the training of a fitted classifier.

        Parameters
        ----------
        estimator : SemiSupervisedClassifier, XRDMatchClassifier or Pipeline
            Fitted classifier, or fitted pipeline that ends in one.
        class_names : sequence of str of length n_classes, default=None
            Names of the classes; None stands for the labels in `classes_`.
        ax : array-like of matplotlib Axes of shape (n_panels,), default=None
            As for `plot`.
        line_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        TrainingDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        NotFittedError
            If the classifier was not fitted.
        TypeError
            If the estimator keeps no history.
        """
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        check_is_fitted(classifier)
        if not hasattr(classifier, "history_"):
            raise TypeError(
                "estimator must be a classifier that keeps a history_, such as "
                f"XRDMatchClassifier, or a pipeline that ends in one; got "
                f"{type(classifier).__name__}."
            )
        names = classifier.classes_ if class_names is None else class_names
        display = cls(classifier.history_, class_names=names)
        return display.plot(ax=ax, line_kwargs=line_kwargs)


def _pyplot(display: object) -> Any:
    return import_optional("matplotlib.pyplot", extra="plot", purpose=type(display).__name__)


def _profile(
    two_theta: NDArray[np.float64], pattern: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    return two_theta, pattern


def _sticks(
    two_theta: NDArray[np.float64], pattern: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Trace the zero line and, at each point that is not zero, go up and down again."""
    lines = np.flatnonzero(pattern)
    x = np.concatenate([two_theta[:1], np.repeat(two_theta[lines], 3), two_theta[-1:]])
    y = np.zeros(len(x))
    y[2:-1:3] = pattern[lines]
    return x, y
