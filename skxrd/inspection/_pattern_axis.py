"""Axes of pattern pictures: angle, Q or d below, intensity beside, panels under the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd._bragg import BraggAxis

__all__ = [
    "INTENSITY_SCALES",
    "X_LABELS",
    "IntensityScale",
    "XAxis",
    "color_norm",
    "lowest_of_log",
    "positions",
    "scaled",
    "set_intensity_scale",
    "shorten_labels",
    "split_below",
    "two_theta_of",
    "x_limits",
]

XAxis = Literal["two_theta", "q", "d"]
IntensityScale = Literal["linear", "sqrt", "log"]

X_LABELS = {"two_theta": "2θ (degrees)", "q": "Q (Å$^{-1}$)", "d": "d (Å)"}
INTENSITY_SCALES = {
    "linear": "Intensity (arb. units)",
    "sqrt": "Square root of intensity",
    "log": "Logarithm of intensity",
}

# What stands for a label in a panel that is too low for it.
_SHORTER = {
    INTENSITY_SCALES["linear"]: ("Intensity", ""),
    INTENSITY_SCALES["sqrt"]: ("√Intensity", ""),
    INTENSITY_SCALES["log"]: ("log(Intensity)", ""),
    "Difference": ("Diff.", ""),
}

_DECADES = 4  # that a logarithmic scale shows: noise of counting ends about there


def positions(
    two_theta: NDArray[np.float64], x_axis: str, wavelength: float | None
) -> NDArray[np.float64]:
    """Convert angles to what the axis shows; NaN for the plane distance at an angle of zero."""
    if x_axis == "two_theta" or wavelength is None:
        return two_theta
    values = BraggAxis(x_axis, wavelength, wavelength).values(two_theta)
    return np.where(np.isfinite(values), values, np.nan)


def two_theta_of(d_spacing: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """Angles in degrees at which planes diffract; NaN where they are too close for that."""
    return BraggAxis("d", wavelength, wavelength).two_theta(np.asarray(d_spacing, dtype=float))


def x_limits(x: NDArray[np.float64], patterns: NDArray[Any], x_axis: str) -> tuple[float, float]:
    """Show all angles; plane distances only up to the first intensity, for they go to infinity."""
    shown = x[np.isfinite(x)]
    low, high = float(shown.min()), float(shown.max())
    with_intensity = x[np.isfinite(x) & (np.nan_to_num(patterns) > 0).any(axis=0)]
    if x_axis == "d" and len(with_intensity):
        high = min(high, 1.05 * float(with_intensity.max()))
    return low, high


def lowest_of_log(patterns: NDArray[Any]) -> float:
    """Return the intensity at which a logarithmic scale ends."""
    highest = float(np.nanmax(patterns, initial=0))
    positive = patterns[patterns > 0]
    lowest = float(positive.min()) if len(positive) else 1.0
    return max(lowest, highest * 10.0**-_DECADES)


def scaled(patterns: NDArray[Any], scale: str) -> NDArray[Any]:
    """Scale intensities that are drawn above each other, where no scale of an axis is right."""
    if scale == "sqrt":
        return np.sqrt(np.maximum(patterns, 0))
    if scale == "log":
        lowest = lowest_of_log(patterns)
        return np.log10(np.maximum(patterns, lowest) / lowest)
    return patterns


def set_intensity_scale(ax: Any, patterns: NDArray[Any], scale: str) -> None:
    """Give the y axis its scale; intensities that a background made negative stay visible."""
    if scale == "sqrt":
        ax.set_yscale("function", functions=(_signed_sqrt, _signed_square))
    elif scale == "log":
        ax.set_yscale("log", nonpositive="clip")
        ax.set_ylim(bottom=0.8 * lowest_of_log(patterns))


def _signed_sqrt(y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(y) * np.sqrt(np.abs(y))


def _signed_square(y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(y) * np.square(y)


def color_norm(patterns: NDArray[Any], scale: str) -> Any:
    """Make the scale of colors that stand for intensities; lower ones have no place on it."""
    from matplotlib.colors import LogNorm, Normalize, PowerNorm

    highest = float(np.nanmax(patterns, initial=0)) or 1.0
    if scale == "sqrt":
        return PowerNorm(0.5, vmin=0, vmax=highest)
    if scale == "log":
        return LogNorm(vmin=lowest_of_log(patterns), vmax=highest)
    return Normalize(vmin=float(np.nanmin(patterns, initial=0)), vmax=highest)


def split_below(ax: Any, heights: Sequence[float]) -> list[Any]:
    """Cut panels off the lower end of axes; they share the x axis, and the lowest one shows it.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes that become lower.
    heights : sequence of float
        Heights of the panels in inches, from top to bottom. They shrink where the axes are too
        low, so that these keep at least half of their height.

    Returns
    -------
    list of matplotlib Axes
        The panels.
    """
    if not heights:
        return []
    figure = ax.figure
    available = ax.get_window_extent().height / figure.dpi
    shrink = min(1.0, available / (2 * sum(heights)))
    below = [shrink * height for height in heights]
    ratios = [available - sum(below), *below]
    spec = ax.get_subplotspec()
    if spec is None:  # axes that were put at a position of the figure
        panels = _split_box(ax, ratios)
    else:
        inner = spec.subgridspec(len(ratios), 1, height_ratios=ratios, hspace=0.02 * len(ratios))
        ax.set_subplotspec(inner[0])
        panels = [figure.add_subplot(inner[row], sharex=ax) for row in range(1, len(ratios))]
    for upper in (ax, *panels[:-1]):
        upper.tick_params(axis="x", labelbottom=False)
    for middle in panels[:-1]:
        middle.tick_params(axis="x", bottom=False)
    figure.sca(ax)  # titles and the like are meant for the picture, not for its panels
    return panels


def shorten_labels(panels: Sequence[Any]) -> None:
    """Shorten or drop labels of y axes that are longer than these are high, and would overlap."""
    panels[0].figure.canvas.figure.draw_without_rendering()  # the layout decides on the heights
    for panel in panels:
        room = panel.get_window_extent().height
        for text in _SHORTER.get(panel.get_ylabel(), ()):
            if panel.yaxis.label.get_window_extent().height <= room:
                break
            panel.set_ylabel(text)


def _split_box(ax: Any, ratios: Sequence[float]) -> list[Any]:
    box = ax.get_position()
    heights = box.height * np.array(ratios) / sum(ratios)
    lower_ends = box.y1 - np.cumsum(heights)
    heights[1:] -= 0.02 * box.height  # a gap above each panel
    boxes = [
        (box.x0, low, box.width, height) for low, height in zip(lower_ends, heights, strict=True)
    ]
    ax.set_position(boxes[0])
    return [ax.figure.add_axes(below, sharex=ax) for below in boxes[1:]]
