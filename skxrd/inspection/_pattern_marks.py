"""Marks of lines: a row of ticks for each phase, and hkl over the strongest lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.inspection._pattern_axis import positions, two_theta_of
from skxrd.simulation._lines._peak_list import PeakList

__all__ = ["Peaks", "Phase", "draw_ticks", "phases_of", "strip_height", "write_hkl"]

Peaks = PeakList | Sequence[PeakList] | Mapping[str, PeakList]

_FONT_SIZE = "small"
_ROW = 0.13  # inches of a row of ticks
_GAP = 3  # points between a line and its label


class Phase(NamedTuple):
    """Lines of one phase."""

    name: str
    peaks: PeakList

    def x(self, x_axis: str, wavelength: float | None) -> NDArray[np.float64]:
        """Positions of the lines on the axis; NaN for those that the wavelength cannot reach."""
        if wavelength is None:
            return self.peaks.two_theta
        return positions(two_theta_of(self.peaks.d_spacing, wavelength), x_axis, wavelength)


def phases_of(
    peaks: Peaks | None,
    wavelength: float | None,
) -> list[Phase]:
    """Bring one or several lists of lines, with or without names, into one form."""
    if peaks is None:
        return []
    if isinstance(peaks, PeakList):
        peaks = [peaks]
    named = peaks.items() if isinstance(peaks, Mapping) else (("", item) for item in peaks)
    phases = [Phase(str(name), item) for name, item in named]
    for phase in phases:
        if not isinstance(phase.peaks, PeakList):
            raise TypeError(
                "peaks must be a PeakList, or a sequence or a dictionary of them, got a "
                f"{type(phase.peaks).__name__} in it; PatternSimulator.peaks makes them."
            )
    wavelengths = sorted({phase.peaks.wavelength for phase in phases})
    if wavelength is None and len(wavelengths) > 1:
        raise ValueError(
            f"peaks are of several wavelengths ({wavelengths[0]:g} to {wavelengths[-1]:g} "
            "angstrom): wavelength must say which one the patterns have."
        )
    return phases


def strip_height(n_phases: int) -> float:
    """Height in inches of the panel of ticks."""
    return _ROW * n_phases + 0.05


def draw_ticks(
    ax: Any, phases: Sequence[Phase], x: Sequence[NDArray[np.float64]], colors: Iterable[str]
) -> list[Any]:
    """Draw one row of ticks per phase, the first one on top, with the names on the right."""
    ticks = []
    rows = range(len(phases))
    ax.set_yticks(rows, [phase.name for phase in phases])
    ax.yaxis.tick_right()
    ax.tick_params(axis="y", length=0)
    for row, color, label in zip(rows, colors, ax.get_yticklabels(), strict=False):
        reached = x[row][np.isfinite(x[row])]
        ticks.append(ax.vlines(reached, row - 0.36, row + 0.36, color=color, linewidth=0.9))
        label.set(color=color, fontsize=_FONT_SIZE)
    ax.set_ylim(len(phases) - 0.5, -0.5)
    is_lowest = bool(ax.xaxis.get_tick_params()["labelbottom"])
    ax.spines[["left", "top", "right"] if is_lowest else slice(None)].set_visible(False)
    return ticks


def write_hkl(
    ax: Any,
    phases: Sequence[Phase],
    x: Sequence[NDArray[np.float64]],
    colors: Iterable[str],
    n_labels: int,
    curves: Sequence[tuple[NDArray[Any], NDArray[Any]]],
) -> list[Any]:
    """Write hkl over the strongest lines of each phase, but for labels that would overlap.

    They stand on the curves if there are any, and above the axes otherwise. What overlaps is found
    for the size that the axes have now.
    """
    ax.figure.canvas.figure.draw_without_rendering()  # the layout decides on the size of the axes
    wanted = sorted(
        chain.from_iterable(
            _strongest(ax, phase, where, color, n_labels)
            for phase, where, color in zip(phases, x, colors, strict=False)
        ),
        key=lambda line: -line.intensity,
    )
    width = _text_width(ax)
    box = ax.get_window_extent()
    texts: list[Any] = []
    taken: list[float] = [box.x0 - width / 2, box.x1 + width / 2]  # no label crosses the frame
    to_pixels = ax.get_xaxis_transform()
    for _, position, label, color in wanted:
        center = to_pixels.transform((position, 0))[0]
        if any(abs(center - other) < width for other in taken):
            continue
        taken.append(center)
        edges = to_pixels.inverted().transform([(center - width / 2, 0), (center + width / 2, 0)])
        height = _highest(curves, *sorted(edges[:, 0]), least=max(0.0, ax.get_ylim()[0]))
        texts.append(
            ax.annotate(
                label,
                xy=(position, 1.0 if height is None else height),
                xycoords=to_pixels if height is None else "data",
                xytext=(0, _GAP),
                textcoords="offset points",
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=_FONT_SIZE,
                color=color,
                annotation_clip=False,
            )
        )
    if curves:
        _make_room(ax, texts)
    return texts


class _Wanted(NamedTuple):
    intensity: float
    x: float
    label: str
    color: str


def _strongest(
    ax: Any, phase: Phase, x: NDArray[np.float64], color: str, n_labels: int
) -> list[_Wanted]:
    low, high = sorted(ax.get_xlim())
    visible = np.flatnonzero((x >= low) & (x <= high))
    intensity = phase.peaks.intensity
    strongest = visible[np.argsort(-intensity[visible], kind="stable")]
    # planes that several emission lines show are labeled once
    _, first = np.unique(phase.peaks.d_spacing[strongest].round(6), return_index=True)
    chosen = strongest[np.sort(first)[:n_labels]]
    labels = phase.peaks.labels()
    return [_Wanted(float(intensity[k]), float(x[k]), labels[k], color) for k in chosen]


def _text_width(ax: Any) -> float:
    """Width in pixels of a line of upright text, with a little air."""
    probe = ax.text(0, 0, "0", fontsize=_FONT_SIZE)
    size = probe.get_fontsize()
    probe.remove()
    return 1.15 * size * ax.figure.dpi / 72


def _highest(
    curves: Sequence[tuple[NDArray[Any], NDArray[Any]]], low: float, high: float, *, least: float
) -> float | None:
    """Highest point of the curves under a label, so that it covers none of them."""
    if not curves:
        return None
    inside = [y[(x >= low) & (x <= high)] for x, y in curves]
    return float(np.nanmax(np.concatenate(inside), initial=least))


def _make_room(ax: Any, texts: Sequence[Any]) -> None:
    """Raise the upper end of the y axis, whatever its scale, until all labels are below it."""
    scale = ax.yaxis.get_transform()
    box = ax.get_window_extent()
    bottom, top = scale.transform(np.array(ax.get_ylim(), dtype=float))
    span = top - bottom
    for text in texts:
        height = text.get_window_extent().height + 3 * _GAP * ax.figure.dpi / 72
        room = max(box.height - height, 0.2 * box.height)
        start = scale.transform(np.array([text.xy[1]], dtype=float))[0] - bottom
        span = max(span, start * box.height / room)
    ax.set_ylim(top=scale.inverted().transform(np.array([bottom + span]))[0])
