"""Temperatures on the upper axis of a picture over 1000/T."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_temperatures", "round_temperatures"]

_DISTANCE = 0.1  # between two temperatures, as a part of the axis


def draw_temperatures(ax: Any) -> None:
    """Write temperatures on the upper axis, anew with each series since the limits change."""
    left, right = ax.get_xlim()
    label = "T (K)"
    upper = next((child for child in ax.child_axes if child.get_xlabel() == label), None)
    if upper is None:
        upper = ax.secondary_xaxis("top")
        upper.set_xlabel(label)
    temperatures = round_temperatures(left, right)
    upper.set_xticks(1000 / temperatures, [f"{temperature:g}" for temperature in temperatures])


def round_temperatures(left: float, right: float) -> NDArray[np.float64]:
    """Choose round temperatures with room between them, from limits of 1000/T."""
    distance = _DISTANCE * (right - left)
    chosen: list[float] = []
    inverse = right
    while inverse > max(left, 0):
        temperature = 1000 / inverse
        gap = temperature - (chosen[-1] if chosen else 1000 / (right + distance))
        step = next(s for s in _round_steps(gap) if s >= gap)
        temperature = math.ceil(temperature / step - 1e-9) * step
        if 1000 / temperature < left:
            break
        chosen.append(temperature)
        inverse = 1000 / temperature - distance
    return np.array(chosen)


def _round_steps(gap: float) -> list[float]:
    decade = 10.0 ** math.floor(math.log10(gap))
    return [factor * decade for factor in (1, 2, 5, 10)]
