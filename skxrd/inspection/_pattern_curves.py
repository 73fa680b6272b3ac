"""How patterns are drawn: stacked lines, series of many, measured against simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd._style import COLORS
from skxrd.inspection._pattern_axis import color_norm

__all__ = [
    "SIMULATED",
    "draw_comparison",
    "draw_difference",
    "draw_map",
    "draw_profiles",
    "draw_sticks",
    "draw_waterfall",
    "write_legend_above",
    "write_names",
]

MEASURED, SIMULATED, DIFFERENCE = "#000000", COLORS[1], "#4D4D4D"

_MOST_VECTOR_POINTS = 50_000  # more of them make a PDF that no reader opens with joy
_MOST_COLUMNS = 3  # of a legend
_FEW = 40  # patterns of a series, whose lines need not be thin
_DARKER_PART = 0.88  # of a color map: its bright end cannot be seen on white as a line

Floats = NDArray[np.float64]


def draw_profiles(
    ax: Any,
    x: Floats,
    patterns: NDArray[Any],
    offset: float,
    names: Sequence[str] | None,
    line_kwargs: Mapping[str, Any] | None,
) -> list[Any]:
    """Join neighboring points of each pattern."""
    curves = [(x, pattern) for pattern in patterns]
    return _draw_lines(ax, curves, offset, names, line_kwargs)


def draw_sticks(
    ax: Any,
    x: Floats,
    patterns: NDArray[Any],
    offset: float,
    names: Sequence[str] | None,
    line_kwargs: Mapping[str, Any] | None,
) -> list[Any]:
    """Draw a vertical line at each point that is not zero."""
    curves = [_sticks(x, pattern) for pattern in patterns]
    return _draw_lines(ax, curves, offset, names, line_kwargs)


def _sticks(x: Floats, pattern: NDArray[Any]) -> tuple[Floats, Floats]:
    """Trace the zero line and, at each point that is not zero, go up and down again."""
    lines = np.flatnonzero(pattern)
    path = np.concatenate([x[:1], np.repeat(x[lines], 3), x[-1:]])
    y = np.zeros(len(path))
    y[2:-1:3] = pattern[lines]
    return path, y


def _draw_lines(
    ax: Any,
    curves: Sequence[tuple[Floats, NDArray[Any]]],
    offset: float,
    names: Sequence[str] | None,
    line_kwargs: Mapping[str, Any] | None,
) -> list[Any]:
    lines: list[Any] = []
    rasterized = sum(len(x) for x, _ in curves) > _MOST_VECTOR_POINTS
    given = _style_of_lines(line_kwargs)
    for row, ((x, y), color) in enumerate(zip(curves, cycle(COLORS), strict=False)):
        style = {"color": color, "linewidth": 1.0, "rasterized": rasterized, **given}
        if names is not None:
            style["label"] = names[row]
        lines += ax.plot(x, y + row * offset, **style)
    return lines


def _style_of_lines(line_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Full names of keywords, so that "lw" takes the place of a default "linewidth"."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return dict(normalize_kwargs(dict(line_kwargs or {}), Line2D))


def write_names(ax: Any, lines: Sequence[Any], offset: float) -> None:
    """Put each name next to its pattern, where it needs no legend to be found."""
    for row, line in enumerate(lines):
        ax.annotate(
            line.get_label(),
            xy=(1, row * offset),
            xycoords=ax.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            color=line.get_color(),
            annotation_clip=False,
        )


def write_legend_above(ax: Any) -> None:
    """Put the names above the axes, where they cover no line and no label of one."""
    ax.legend(
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.2,
        handlelength=1.5,
        ncols=min(len(ax.get_lines()), _MOST_COLUMNS),
    )


def draw_waterfall(
    ax: Any,
    x: Floats,
    patterns: NDArray[Any],
    offset: float,
    values: Floats,
    line_kwargs: Mapping[str, Any] | None,
) -> Any:
    """Draw many lines, one above the other, in the colors of their values."""
    from matplotlib import colormaps
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap

    shown = np.isfinite(x)
    heights = patterns[:, shown] + offset * np.arange(len(patterns))[:, None]
    segments = [np.column_stack([x[shown], row]) for row in heights[::-1]]  # lower ones in front
    style = {
        "cmap": ListedColormap(colormaps["viridis"](np.linspace(0, _DARKER_PART, 256))),
        "linewidth": 0.7 if len(patterns) <= _FEW else 0.4,
        "rasterized": patterns.size > _MOST_VECTOR_POINTS,
        **normalize_kwargs(dict(line_kwargs or {}), LineCollection),
    }
    series = LineCollection(segments, array=values[::-1], **style)
    ax.add_collection(series)
    ax.autoscale_view()
    return series


def draw_map(ax: Any, x: Floats, patterns: NDArray[Any], values: Floats, scale: str) -> Any:
    """Draw each pattern as a row whose colors stand for intensities."""
    shown = np.isfinite(x)
    norm = color_norm(patterns, scale)
    return ax.pcolormesh(
        _edges(x[shown]),
        _edges(values),
        np.maximum(patterns[:, shown], norm.vmin),
        shading="flat",
        norm=norm,
        cmap="viridis",
        rasterized=True,
    )


def _edges(centers: Floats) -> Floats:
    """Edges of cells around points; a single one gets a height, which matplotlib denies it."""
    if len(centers) == 1:
        return centers[0] + np.array([-0.5, 0.5])
    half = np.diff(centers) / 2
    return np.concatenate([centers[:1] - half[:1], centers[:-1] + half, centers[-1:] + half[-1:]])


def draw_comparison(
    ax: Any,
    x: Floats,
    patterns: NDArray[Any],
    names: Sequence[str],
    line_kwargs: Mapping[str, Any] | None,
) -> list[Any]:
    """Draw measured points, and the simulated line over them."""
    dots = {"color": MEASURED, "linestyle": "none", "marker": ".", "markersize": 2.0}
    line = {"color": SIMULATED, "linewidth": 1.0}
    rasterized = len(x) > _MOST_VECTOR_POINTS
    lines = []
    for pattern, name, style in zip(
        patterns, names, (dots, {**line, **_style_of_lines(line_kwargs)}), strict=True
    ):
        lines += ax.plot(x, pattern, **{"label": name, "rasterized": rasterized, **style})
    return lines


def draw_difference(ax: Any, x: Floats, difference: Floats, least: float) -> Any:
    """Draw a difference around its zero line; at least `least` on both sides is shown."""
    ax.axhline(0, color="0.6", linewidth=0.8)
    (line,) = ax.plot(x, difference, color=DIFFERENCE, linewidth=0.7)
    highest = float(np.nanmax(np.abs(difference), initial=0))
    limit = max(1.1 * highest, least) or 1.0
    ax.set_ylim(-limit, limit)
    return line
