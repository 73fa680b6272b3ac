"""Picture of the mean squared displacement over the lag, and of the lines that were fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skxrd._style import COLORS, MARKERS, pyplot
from skxrd.transport._diffusion._estimator import DiffusionEstimator
from skxrd.transport._diffusion._fit_window import SQUARE_CM_PER_S

__all__ = ["MeanSquaredDisplacementDisplay"]

_N_MARKERS = 8
_N_POINTS = 50  # of a line, which is curved on logarithmic axes


class _Style(NamedTuple):
    name: str
    line: str
    width: float
    is_filled: bool


_STYLES = (_Style("Tracer", "-", 1.6, True), _Style("Collective", "--", 1.1, False))


class MeanSquaredDisplacementDisplay:
    """Mean squared displacement over the lag, at one or several temperatures.

    `from_estimator` and `from_estimators` make one and draw it. The fitted lines are drawn in black
    over their fit windows.

    Parameters
    ----------
    lag_times : sequence of n_runs arrays
        Lags of each run in ps, from 0.
    tracer : sequence of n_runs arrays
        Mean squared displacement of an ion in square angstrom.
    collective : sequence of n_runs arrays, default=None
        That of the sum of all ions, divided by their number.
    fit_windows : array-like of shape (n_runs, 2), default=None
        First and last lag of the fitted lines in ps; None draws no lines.
    lines : array-like of shape (n_runs, 2, 2), default=None
        Slope in square angstrom per ps and height at lag 0 in square angstrom of the two lines,
        tracer and collective, of each run.
    labels : sequence of n_runs str, default=None
        Names of the runs, such as their temperatures; None stands for "0", "1", ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure of the axes.

    Raises
    ------
    ValueError
        If there is no run, or the arguments do not belong to as many runs.

    See Also
    --------
    DiffusionEstimator : The fit that is shown.

    Examples
    --------
    >>> from skxrd.transport import (
    ...     DiffusionEstimator, MeanSquaredDisplacementDisplay, make_hopping_trajectory
    ... )
    >>> trajectory = make_hopping_trajectory(random_state=0)
    >>> estimator = DiffusionEstimator("Li").fit(trajectory)
    >>> display = MeanSquaredDisplacementDisplay.from_estimator(estimator)
    >>> display.labels
    ['600 K']
    """

    def __init__(
        self,
        lag_times: Sequence[ArrayLike],
        tracer: Sequence[ArrayLike],
        *,
        collective: Sequence[ArrayLike] | None = None,
        fit_windows: ArrayLike | None = None,
        lines: ArrayLike | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.lag_times = [np.asarray(times, dtype=float) for times in lag_times]
        self.tracer = [np.asarray(values, dtype=float) for values in tracer]
        self.collective = None
        if collective is not None:
            self.collective = [np.asarray(values, dtype=float) for values in collective]
        self.fit_windows = None if fit_windows is None else np.asarray(fit_windows, dtype=float)
        self.lines = None if lines is None else np.asarray(lines, dtype=float)
        if labels is None:
            labels = [str(number) for number in range(len(self.lag_times))]
        self.labels = [str(label) for label in labels]
        self._check()

    def _check(self) -> None:
        n_runs = len(self.lag_times)
        if not n_runs:
            raise ValueError("lag_times must hold at least one run; got none.")
        shapes = [times.shape for times in self.lag_times]
        for name in ("tracer", "collective"):
            values = getattr(self, name)
            if values is not None and [each.shape for each in values] != shapes:
                raise ValueError(f"{name} must have a value at each lag of each of {n_runs} runs.")
        if len(self.labels) != n_runs:
            raise ValueError(f"labels must name all {n_runs} runs; got {len(self.labels)}.")
        if (self.fit_windows is None) != (self.lines is None):
            raise ValueError("fit_windows and lines belong together; got one of them.")
        if self.fit_windows is not None and self.lines is not None:
            found = (self.fit_windows.shape, self.lines.shape)
            if found != ((n_runs, 2), (n_runs, 2, 2)):
                raise ValueError(
                    f"fit_windows and lines must have the shapes ({n_runs}, 2) and ({n_runs}, 2, 2)"
                    f"; got {found[0]} and {found[1]}."
                )

    def plot(
        self,
        *,
        ax: Any = None,
        scale: Literal["log", "linear"] = "log",
        quantity: Literal["both", "tracer", "collective"] = "both",
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        scale : {"log", "linear"}, default="log"
            Scale of both axes. On logarithmic ones, slope 1 means diffusion and a plateau ions that
            vibrate on their sites.
        quantity : {"both", "tracer", "collective"}, default="both"
            Which mean squared displacement is drawn; the collective one is dashed.

        Returns
        -------
        self
            The Display, with `ax_` and `figure_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If `scale` or `quantity` is none of these, or there is no collective displacement to
            draw.
        """
        if scale not in ("log", "linear"):
            raise ValueError(f"scale must be 'log' or 'linear'; got {scale!r}.")
        curves = {
            "both": (self.tracer, self.collective),
            "tracer": (self.tracer, None),
            "collective": (None, self.collective),
        }.get(quantity)
        if curves is None:
            raise ValueError(
                f"quantity must be 'both', 'tracer' or 'collective'; got {quantity!r}."
            )
        if quantity == "collective" and self.collective is None:
            raise ValueError("quantity='collective' needs collective displacements; got none.")
        plt = pyplot(self)
        if ax is None:
            _, ax = plt.subplots(figsize=(5.4, 4.2), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        drawn = [
            (kind, style, values)
            for kind, (style, values) in enumerate(zip(_STYLES, curves, strict=True))
            if values is not None
        ]
        for kind, style, values in drawn:
            for run in range(len(self.labels)):
                self._draw_curve(run, style, values[run], scale)
                self._draw_line(run, kind, scale)
        ax.set(
            xscale=scale,
            yscale=scale,
            xlabel="Lag time (ps)",
            ylabel="Mean squared displacement (Å²)",
        )
        if scale == "linear":
            ax.set_xlim(left=0)
            ax.set_ylim(bottom=0)
        self._add_legend([style for _, style, _ in drawn])
        return self

    def _draw_curve(self, run: int, style: _Style, values: NDArray[np.float64], scale: str) -> None:
        shown = slice(1, None) if scale == "log" else slice(None)  # no logarithm of lag 0
        times, values = self.lag_times[run][shown], values[shown]
        first, last = (times[0], times[-1]) if len(times) else (0.0, 0.0)
        space = np.geomspace if scale == "log" else np.linspace
        places = np.searchsorted(times, space(first, last, _N_MARKERS) * (1 - 1e-9))
        color = COLORS[run % len(COLORS)]
        self.ax_.plot(
            times,
            values,
            color=color,
            linestyle=style.line,
            linewidth=style.width,
            marker=MARKERS[run % len(MARKERS)],
            markevery=np.unique(places).tolist(),
            markersize=5,
            markerfacecolor=color if style.is_filled else "white",
        )

    def _draw_line(self, run: int, kind: int, scale: str) -> None:
        if self.fit_windows is None or self.lines is None:
            return
        first, last = self.fit_windows[run]
        slope, height = self.lines[run, kind]
        space = np.geomspace if scale == "log" else np.linspace
        times = space(first, last, _N_POINTS)
        self.ax_.plot(
            times,
            height + slope * times,
            color="black",
            linewidth=1.2,
            marker="|",
            markersize=9,
            markevery=[0, _N_POINTS - 1],
            zorder=3,
        )

    def _add_legend(self, styles: Sequence[_Style]) -> None:
        from matplotlib.lines import Line2D

        handles = [
            Line2D(
                [],
                [],
                color=COLORS[run % len(COLORS)],
                marker=MARKERS[run % len(MARKERS)],
                markersize=5,
                label=label,
            )
            for run, label in enumerate(self.labels)
        ]
        handles += [
            Line2D([], [], color="0.3", linestyle=s.line, linewidth=s.width, label=s.name)
            for s in styles
        ]
        if self.lines is not None:
            handles.append(
                Line2D([], [], color="black", linewidth=1.2, marker="|", label="Fit window")
            )
        self.ax_.legend(handles=handles, frameon=False)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, DiffusionEstimator] | Sequence[DiffusionEstimator],
        *,
        ax: Any = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the fits of several runs.

        Parameters
        ----------
        estimators : dict of str to DiffusionEstimator or sequence of DiffusionEstimator
            Fitted estimators by name; without names, they are called by their temperatures.
        ax : matplotlib Axes, default=None
            As for `plot`.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        MeanSquaredDisplacementDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        NotFittedError
            If an estimator is not fitted.
        ValueError
            If there is no estimator.
        """
        if not isinstance(estimators, Mapping):
            return cls._of(list(estimators), None).plot(ax=ax, **plot_kwargs)
        display = cls._of(list(estimators.values()), list(estimators))
        return display.plot(ax=ax, **plot_kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: DiffusionEstimator,
        *,
        label: str | None = None,
        ax: Any = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the fit of one run.

        Parameters
        ----------
        estimator : DiffusionEstimator
            Fitted estimator.
        label : str, default=None
            Name of the run; None stands for its temperature.
        ax : matplotlib Axes, default=None
            As for `plot`.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        MeanSquaredDisplacementDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        display = cls._of([estimator], None if label is None else [label])
        return display.plot(ax=ax, **plot_kwargs)

    @classmethod
    def _of(cls, estimators: list[DiffusionEstimator], labels: list[str] | None) -> Self:
        for estimator in estimators:
            check_is_fitted(estimator)
        if labels is None:
            labels = [
                str(number) if fit.temperature_ is None else f"{fit.temperature_:g} K"
                for number, fit in enumerate(estimators)
            ]
        return cls(
            [fit.lag_times_ for fit in estimators],
            [fit.mean_squared_displacement_ for fit in estimators],
            collective=[fit.collective_mean_squared_displacement_ for fit in estimators],
            fit_windows=np.reshape([fit.fit_window_ for fit in estimators], (-1, 2)),
            lines=np.reshape([_lines(fit) for fit in estimators], (-1, 2, 2)),
            labels=labels,
        )


def _lines(fit: DiffusionEstimator) -> list[list[float]]:
    """Slope in square angstrom per ps and height of the tracer's line and of the collective one."""
    slopes = 2 * fit._dimension * np.array([fit.diffusivity_, fit.charge_diffusivity_])
    return np.column_stack(
        [slopes / SQUARE_CM_PER_S, [fit.intercept_, fit.charge_intercept_]]
    ).tolist()
