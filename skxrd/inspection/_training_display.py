"""Losses, mask rate and thresholds over the epochs of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skxrd._style import COLORS, pyplot

__all__ = ["TrainingDisplay"]

_LINE_STYLES = ("-", "--", "-.", ":")
_MOST_MARKED_EPOCHS = 30


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
            plt = pyplot(self)
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
        looks = zip(cycle(COLORS), cycle(_LINE_STYLES), strict=False)
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
