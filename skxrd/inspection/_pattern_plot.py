"""The plot of a PatternDisplay: patterns in one picture, with the marks of their lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import cycle
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from skxrd._style import COLORS, pyplot
from skxrd.inspection._pattern_axis import (
    INTENSITY_SCALES,
    X_LABELS,
    IntensityScale,
    XAxis,
    positions,
    scaled,
    set_intensity_scale,
    shorten_labels,
    split_below,
    x_limits,
)
from skxrd.inspection._pattern_curves import (
    SIMULATED,
    draw_comparison,
    draw_difference,
    draw_map,
    draw_profiles,
    draw_sticks,
    draw_waterfall,
    write_legend_above,
    write_names,
)
from skxrd.inspection._pattern_marks import Peaks, draw_ticks, phases_of, strip_height, write_hkl

__all__ = ["PatternPlot"]

Kind = Literal["profile", "sticks", "waterfall", "map", "comparison"]

_KINDS = ("profile", "sticks", "waterfall", "map", "comparison")
_FIGURE_SIZES = {"waterfall": (7.0, 5.0), "map": (7.0, 4.0), "comparison": (7.0, 4.2)}
_DIFFERENCE_PART = 0.25  # of the height of the axes


class PatternPlot:
    """How a PatternDisplay draws what it stores."""

    two_theta: NDArray[np.float64]
    patterns: NDArray[Any]
    labels: list[str] | None
    wavelength: float | None
    peaks: Peaks | None
    values: NDArray[np.float64] | None
    values_label: str | None
    scale_: float

    def plot(
        self,
        *,
        ax: Any = None,
        kind: Kind = "profile",
        offset: float | None = None,
        x_axis: XAxis = "two_theta",
        x_range: tuple[float, float] | None = None,
        intensity_scale: IntensityScale = "linear",
        n_labels: int = 0,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the patterns.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure. Panels of ticks and of the difference are cut off
            its lower end.
        kind : {"profile", "sticks", "waterfall", "map", "comparison"}, default="profile"
            "profile" joins neighboring points, "sticks" draws a vertical line at each point that is
            not zero. Both put patterns one above the other, `offset` apart. "waterfall" does so
            for many patterns, in colors that stand for `values`, and "map" shows each pattern as a
            row of colors. "comparison" takes two patterns: the first is drawn as points, the second
            as a line over them, and their difference in a panel below, to the same scale unless it
            is too large for the panel or the scale is not linear.
        offset : float, default=None
            Vertical distance between patterns, in units of what is drawn; the first pattern is the
            lowest. None stands for 1.1 times the highest intensity, or for what makes the stack of
            a "waterfall" four times as high as it. 0 draws the patterns on top of each other.
        x_axis : {"two_theta", "q", "d"}, default="two_theta"
            Angle in degrees, length of the scattering vector in 1/angstrom, or plane distance in
            angstrom. The latter two need `wavelength`.
        x_range : tuple of 2 float, default=None
            Part of the patterns that is drawn, in units of the x axis; None stands for all.
        intensity_scale : {"linear", "sqrt", "log"}, default="linear"
            Scale of the intensities, of which the latter two show weak lines; "log" ends four
            decades below the highest intensity. It is the scale of the y axis, or of the colors of
            a map. Patterns above each other show the square root or logarithm itself.
        n_labels : int, default=0
            Number of strongest lines in range, of each phase in `peaks`, over which hkl is written.
            Labels that would overlap in axes of the present size are left out.
        line_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot`, for all lines but measured points, or of
            `matplotlib.collections.LineCollection` for "waterfall". A "map" has no lines and does
            not use them.

        Returns
        -------
        self
            The Display, with the artists as attributes.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If an argument is unknown or does not fit the patterns.
        """
        self._check(kind, x_axis, intensity_scale, n_labels)
        _check_numbers(offset, x_range)
        x, patterns = self._in_range(x_axis, x_range)
        phases = phases_of(self.peaks, self.wavelength)
        if ax is None:
            width, height = _FIGURE_SIZES.get(kind, (7.0, min(2.5 + 0.8 * len(self.patterns), 12)))
            height += strip_height(len(phases)) if phases else 0
            _, ax = pyplot(self).subplots(figsize=(width, height), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self._make_panels(kind, len(phases))
        self.lines_: list[Any] = []
        self.series_ = self.colorbar_ = self.difference_ = None

        if kind == "comparison":
            self._plot_comparison(x, patterns, intensity_scale, line_kwargs)
        elif kind == "map":
            self._plot_map(x, patterns, intensity_scale)
        else:
            offset = self._plot_patterns(x, patterns, kind, offset, intensity_scale, line_kwargs)
        if x_range is None:
            ax.set_xlim(x_limits(x, patterns, x_axis))
        else:
            ax.set_xlim(x_range)
        self._panels[-1].set_xlabel(X_LABELS[x_axis])

        if len(self._panels) > 1:
            shorten_labels(self._panels)

        where = [phase.x(x_axis, self.wavelength) for phase in phases]
        # the color of the simulated line belongs to all phases
        colors = [color for color in COLORS if kind != "comparison" or color != SIMULATED]
        on_top = kind == "comparison" or (kind in ("profile", "sticks") and not offset)
        curves = [line.get_data() for line in self.lines_] if on_top else []
        self.ticks_ = draw_ticks(self.ticks_ax_, phases, where, cycle(colors)) if phases else []
        self.hkl_texts_ = (
            write_hkl(ax, phases, where, cycle(colors), n_labels, curves) if n_labels else []
        )
        return self

    def _check(self, kind: str, x_axis: str, intensity_scale: str, n_labels: int) -> None:
        given = {"kind": kind, "x_axis": x_axis, "intensity_scale": intensity_scale}
        for name, known in (
            ("kind", _KINDS),
            ("x_axis", tuple(X_LABELS)),
            ("intensity_scale", tuple(INTENSITY_SCALES)),
        ):
            if given[name] not in known:
                choices = ", ".join(map(repr, known))
                raise ValueError(f"{name} must be one of {choices}, got {given[name]!r}.")
        if x_axis != "two_theta" and self.wavelength is None:
            raise ValueError(f"x_axis={x_axis!r} needs a wavelength, which this Display lacks.")
        if not isinstance(n_labels, Integral) or n_labels < 0:
            raise ValueError(f"n_labels must be a whole number of at least 0, got {n_labels!r}.")
        if n_labels and self.peaks is None:
            raise ValueError(f"n_labels={n_labels} needs peaks, which this Display lacks.")
        if kind == "comparison" and len(self.patterns) != 2:
            raise ValueError(
                "kind='comparison' needs two patterns, a measured and a simulated one, got "
                f"{len(self.patterns)}."
            )
        steps = np.diff(self._values())
        if kind == "map" and not ((steps > 0).all() or (steps < 0).all()):
            raise ValueError(
                "kind='map' needs values that rise or fall from pattern to pattern; leave them "
                "out to draw the patterns in their order, or use kind='waterfall'."
            )

    def _in_range(
        self, x_axis: str, x_range: tuple[float, float] | None
    ) -> tuple[NDArray[np.float64], NDArray[Any]]:
        x = positions(self.two_theta, x_axis, self.wavelength)
        if x_range is None:
            return x, self.patterns
        low, high = sorted(x_range)
        inside = (x >= low) & (x <= high)
        if inside.sum() < 2:
            raise ValueError(
                f"x_range={x_range!r} must hold at least two points of the patterns, which go from "
                f"{np.nanmin(x):.4g} to {np.nanmax(x):.4g} on this axis."
            )
        return x[inside], self.patterns[:, inside]

    def _values(self) -> NDArray[np.float64]:
        return np.arange(len(self.patterns), dtype=float) if self.values is None else self.values

    def _values_label(self) -> str:
        return self.values_label or ("Pattern" if self.values is None else "Value")

    def _make_panels(self, kind: str, n_phases: int) -> None:
        height = self.ax_.get_window_extent().height / self.figure_.dpi
        heights = [strip_height(n_phases)] if n_phases else []
        heights += [_DIFFERENCE_PART * height] if kind == "comparison" else []
        below = split_below(self.ax_, heights)
        self._panels = [self.ax_, *below]
        self.ticks_ax_: Any = below[0] if n_phases else None
        self.difference_ax_: Any = below[-1] if kind == "comparison" else None

    def _plot_patterns(
        self,
        x: NDArray[np.float64],
        patterns: NDArray[Any],
        kind: str,
        offset: float | None,
        scale: str,
        line_kwargs: Mapping[str, Any] | None,
    ) -> float:
        """Draw one curve per pattern and return the distance between them, 0 for one pattern."""
        if len(self.patterns) == 1 and kind != "waterfall":
            offset = 0.0
        if offset != 0:
            patterns = scaled(patterns, scale)
        if offset is None:
            part = min(1.1, 4 / len(patterns)) if kind == "waterfall" else 1.1
            offset = part * float(np.nanmax(patterns, initial=0)) or 1.0
        if kind == "waterfall":
            values = self._values()
            self.series_ = draw_waterfall(self.ax_, x, patterns, offset, values, line_kwargs)
            self._add_colorbar(self._values_label())
        else:
            draw = draw_sticks if kind == "sticks" else draw_profiles
            self.lines_ = draw(self.ax_, x, patterns, offset, self.labels, line_kwargs)
        if offset == 0:
            set_intensity_scale(self.ax_, patterns, scale)
            self.ax_.set_ylabel(INTENSITY_SCALES["linear"])
        else:
            self.ax_.set_yticks([])  # the numbers would hold for the lowest pattern only
            self.ax_.set_ylabel(INTENSITY_SCALES[scale])
        if self.labels is not None and kind != "waterfall":
            if offset != 0:
                write_names(self.ax_, self.lines_, offset)
            elif self.peaks is None:
                self.ax_.legend(frameon=False)
            else:
                write_legend_above(self.ax_)  # labels of lines may stand inside
        return offset

    def _plot_map(self, x: NDArray[np.float64], patterns: NDArray[Any], scale: str) -> None:
        self.series_ = draw_map(self.ax_, x, patterns, self._values(), scale)
        self.ax_.set_ylabel(self._values_label())
        self._add_colorbar(INTENSITY_SCALES["linear"])

    def _add_colorbar(self, label: str) -> None:
        self.colorbar_ = self.figure_.colorbar(self.series_, ax=self._panels, label=label)

    def _plot_comparison(
        self,
        x: NDArray[np.float64],
        patterns: NDArray[Any],
        scale: str,
        line_kwargs: Mapping[str, Any] | None,
    ) -> None:
        ax = self.ax_
        names = self.labels or ["measured", "simulated"]
        self.lines_ = draw_comparison(ax, x, patterns, names, line_kwargs)
        set_intensity_scale(ax, patterns, scale)
        ax.set_ylabel(INTENSITY_SCALES["linear"])
        write_legend_above(ax)
        bottom, top = ax.get_ylim()
        same_scale = _DIFFERENCE_PART / (1 - _DIFFERENCE_PART) * (top - bottom) / 2
        measured, simulated = patterns.astype(float)
        self.difference_ = draw_difference(
            self.difference_ax_, x, measured - simulated, same_scale if scale == "linear" else 0.0
        )
        self.difference_ax_.set_ylabel("Difference")


def _check_numbers(offset: Any, x_range: Any) -> None:
    if offset is not None and not (_is_finite(offset) and offset >= 0):
        raise ValueError(f"offset must be None or a number of at least 0, got {offset!r}.")
    if x_range is None:
        return
    ends = list(x_range) if isinstance(x_range, Iterable) else []
    if len(ends) != 2 or not all(map(_is_finite, ends)):
        raise ValueError(f"x_range must be None or two numbers, low and high, got {x_range!r}.")


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
