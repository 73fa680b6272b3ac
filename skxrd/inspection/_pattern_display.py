"""Diffraction patterns over two-theta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd._style import COLORS, pyplot
from skxrd.grid import TwoThetaGrid
from skxrd.simulation import PatternSimulator

__all__ = ["PatternDisplay"]

Kind = Literal["profile", "sticks"]


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
            plt = pyplot(self)
            _, ax = plt.subplots(figsize=(7, min(2.5 + 0.8 * n_patterns, 12)), layout="constrained")
        if offset is None:
            offset = 1.1 * float(np.nanmax(self.patterns, initial=0)) or 1.0
        curve = _sticks if kind == "sticks" else _profile
        self.lines_: list[Any] = []
        for row, (pattern, color) in enumerate(zip(self.patterns, cycle(COLORS), strict=False)):
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
