"""The kernel of `_rendering` as loops for numba, compiled on first use where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import ceil, exp, floor, log, pi, sqrt
from typing import Any

import numpy as np

from skxrd.simulation._profiles._rendering import NARROWEST, ROUNDING, Array
from skxrd.simulation._profiles._shapes import GAUSSIAN_REACH

__all__ = ["compiled_render_lines"]

_GAUSSIAN_AREA = 2 * sqrt(log(2) / pi)
_GAUSSIAN_DECAY = 4 * log(2)


@cache
def compiled_render_lines() -> Callable[..., Any]:
    """Compile `_render_lines`, or load what was compiled before.

    Returns
    -------
    callable
        Same parameters and result as `render_lines`.

    Raises
    ------
    ImportError
        If numba is not installed or does not go with the installed numpy.
    """
    from numba import njit

    return njit(cache=True, nogil=True, error_model="numpy")(_render_lines)


def _render_lines(
    position: Array, intensity: Array, fwhm: Array, eta: Array, reach: float, n_points: int
) -> Array:
    pattern = np.zeros(n_points)
    buffer = np.empty(64)
    for line in range(len(position)):
        at = position[line]
        width = max(fwhm[line], NARROWEST)
        lorentzian = eta[line]
        narrow = min(reach, GAUSSIAN_REACH) * width
        wide = reach * width if lorentzian > 0 else narrow
        if at + wide <= -1 or at - wide >= n_points:
            continue

        # Slices that start at 0 let the compiler do several points at once.
        low = floor(at - wide + ROUNDING)
        n = ceil(at + wide - ROUNDING) - low + 1
        if n > len(buffer):
            buffer = np.empty(2 * n)
        profile = buffer[:n]
        total = 0.0
        height = lorentzian * width / (2 * pi)
        for i in range(n):
            distance = i + (low - at)
            profile[i] = height / (distance * distance + width * width / 4)
            total += profile[i]
        if lorentzian < 1:
            start = floor(at - narrow + ROUNDING)
            core = profile[start - low : ceil(at + narrow - ROUNDING) - low + 1]
            height = (1 - lorentzian) * _GAUSSIAN_AREA / width
            decay = -_GAUSSIAN_DECAY / (width * width)
            for i in range(len(core)):
                distance = i + (start - at)
                value = height * exp(decay * distance * distance)
                core[i] += value
                total += value

        scale = intensity[line] / total
        first, last = max(low, 0), min(low + n, n_points)
        seen, target = profile[first - low : last - low], pattern[first:last]
        for i in range(len(target)):
            target[i] += scale * seen[i]
    return pattern
