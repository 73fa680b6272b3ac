"""Patterns as short texts: a page holds thousands of them and draws one at a time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PatternPacker", "sparkline"]

_BATCH = 1000  # rows read from a memory map at a time
_MOST_LINES = 150
_LOWEST_LINE = 0.01  # of the strongest line
_MOST_FILLED = 0.25  # patterns with a larger part of points above zero are profiles
_MOST_BINS, _FEWEST_BINS = 1000, 250
_PROFILE_BYTES = 4_000_000  # for all profiles of a page together


class PatternPacker:
    """Writes patterns as texts of base64.

    A pattern of separate lines is written as "s" and its strongest lines: positions, as 16-bit
    whole numbers from the start of the axis (0) to its end (65535), then heights, in 255ths of the
    strongest. A pattern without gaps, as it is measured, is written as "p" and the heights in equal
    bins of points, the highest of each bin, so that no peak is lost. What lies below zero is drawn
    at zero.

    Parameters
    ----------
    two_theta : ndarray of shape (n_points,)
        Angles in degrees, rising.
    n_patterns : int
        Number of patterns of the page; profiles are the coarser the more there are.
    """

    def __init__(self, two_theta: NDArray[np.float64], n_patterns: int) -> None:
        span = two_theta[-1] - two_theta[0]
        self._positions = np.round((two_theta - two_theta[0]) / span * 65535).astype("<u2")
        n_bins = np.clip(_PROFILE_BYTES // max(n_patterns, 1), _FEWEST_BINS, _MOST_BINS)
        edges = np.linspace(0, len(two_theta), min(int(n_bins), len(two_theta)) + 1).astype(int)
        self._starts = edges[:-1]
        # The page draws a bin in the middle of its points.
        self.bin_positions = (two_theta[edges[:-1]] + two_theta[edges[1:] - 1]) / 2

    def pack(self, patterns: Any, name: str) -> Iterator[str]:
        """Write patterns as texts, a batch at a time.

        Parameters
        ----------
        patterns : array-like of shape (n_patterns, n_points)
            Patterns; memory maps are read in pieces.
        name : str
            Name of the argument, for the error message.

        Yields
        ------
        str
            One text per pattern.

        Raises
        ------
        ValueError
            If a pattern is not finite.
        """
        for start in range(0, len(patterns), _BATCH):
            batch = np.asarray(patterns[start : start + _BATCH], dtype=np.float32)
            bad = np.flatnonzero(~np.isfinite(batch).all(axis=1))
            if len(bad):
                raise ValueError(
                    f"{name} must be finite; row {start + bad[0]} holds NaN or infinity."
                )
            yield from map(self._pack_one, batch)

    def _pack_one(self, pattern: NDArray[np.float32]) -> str:
        top = pattern.max()
        if top <= 0:
            return "s"
        heights = np.clip(pattern / top, 0, 1)
        if np.count_nonzero(heights) > _MOST_FILLED * len(heights):
            return "p" + _text(_bytes(np.maximum.reduceat(heights, self._starts)))
        lines = np.flatnonzero(heights >= _LOWEST_LINE)
        strongest = np.sort(lines[np.argsort(-heights[lines], kind="stable")[:_MOST_LINES]])
        return "s" + _text(self._positions[strongest].tobytes() + _bytes(heights[strongest]))


def _bytes(heights: NDArray[np.float32]) -> bytes:
    return np.round(255 * heights).astype(np.uint8).tobytes()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def sparkline(pattern: NDArray[np.float32], *, width: int = 160, height: int = 28) -> str:
    """Draw a pattern as the path of a small SVG picture.

    Parameters
    ----------
    pattern : ndarray of shape (n_points,)
        Intensities.
    width, height : int
        Size of the picture; each unit of the width is one bin of points.

    Returns
    -------
    str
        Attribute "d" of the path: a vertical stroke for each bin that is not empty.
    """
    top = max(float(pattern.max()), np.finfo(np.float32).tiny)
    edges = np.linspace(0, len(pattern), min(width, len(pattern)) + 1).astype(int)[:-1]
    bins = np.clip(np.maximum.reduceat(pattern, edges) / top, 0, 1)
    step = width / len(bins)
    return "".join(
        f"M{step * (place + 0.5):.4g} {height}V{height * (1 - part):.3g}"
        for place, part in enumerate(bins)
        if part >= _LOWEST_LINE
    )
