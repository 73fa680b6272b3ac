"""Where the peaks of a pattern are, and how to multiply each by its own factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd.augmentation._nonzero import nonzero_points

__all__ = ["PeakKind", "multiply_peaks"]

PeakKind = Literal["sticks", "profiles"]
Draw = Callable[[tuple[int, ...]], Tensor]


def multiply_peaks(X: Tensor, draw: Draw, *, peaks: PeakKind, width: int) -> Tensor:
    """Multiply each peak of each pattern by its own factor.

    Parameters
    ----------
    X : Tensor of shape (n_patterns, n_points)
        Patterns; they are not changed.
    draw : callable
        ``draw(shape)`` returns one factor per peak, on the CPU.
    peaks : {"sticks", "profiles"}
        What a peak is: a point that is not zero, or a local maximum with its flanks.
    width : int
        For profiles: a maximum is a peak if nothing within this many points is higher.

    Returns
    -------
    Tensor of shape (n_patterns, n_points)
        Patterns with changed peaks.
    """
    if peaks == "sticks":
        return _multiply_sticks(X, draw)
    return _multiply_profiles(X, draw, width)


def _multiply_sticks(X: Tensor, draw: Draw) -> Tensor:
    points = X.flatten()
    sticks = nonzero_points(points)
    values = points.index_select(0, sticks)
    values = values * draw(tuple(values.shape)).to(values)
    return points.index_copy(0, sticks, values).view_as(X)


def _multiply_profiles(X: Tensor, draw: Draw, width: int) -> Tensor:
    """Scale what stands above the line that joins the valleys on both sides of each peak.

    At a valley the profile touches that line, so that it stays continuous whatever the factors
    are, and a peak that is removed leaves its background behind instead of a hole.
    """
    peak = _is_peak(X, width)
    valley = _valleys_between(X, peak)
    baseline = _interpolate_between(X, valley)
    order = valley.long().cumsum(dim=1)  # 0 up to the first valley, then 1, ...
    factors = draw((len(X), int(order.max()) + 1)).to(X)
    has_peak = torch.zeros_like(factors, dtype=torch.bool)
    has_peak.scatter_reduce_(1, order, peak, reduce="amax", include_self=True)
    factors = torch.where(has_peak, factors, torch.ones_like(factors))
    return baseline + (X - baseline) * factors.gather(1, order)


def _is_peak(X: Tensor, width: int) -> Tensor:
    """Mark local maxima; of a plateau, the first point only."""
    highest = F.max_pool1d(X[:, None], 2 * width + 1, stride=1, padding=width)[:, 0]
    lowest = -F.max_pool1d(-X[:, None], 2 * width + 1, stride=1, padding=width)[:, 0]
    top = (X == highest) & (X > lowest)
    before = F.pad(top, (1, 0))[:, :-1] & (X == F.pad(X, (1, 0))[:, :-1])
    return top & ~before


def _valleys_between(X: Tensor, peak: Tensor) -> Tensor:
    """Mark the lowest point between each two neighboring peaks, the first one of several."""
    n_points = X.shape[1]
    segment = peak.long().cumsum(dim=1)  # 0 before the first peak, k between peaks k and k + 1
    n_segments = int(segment.max()) + 1
    lowest = X.new_full((len(X), n_segments), torch.inf)
    lowest.scatter_reduce_(1, segment, X, reduce="amin")
    points = torch.arange(n_points, device=X.device).expand_as(segment)
    candidates = torch.where(X == lowest.gather(1, segment), points, n_points)
    first = torch.full((len(X), n_segments), n_points, device=X.device)
    first.scatter_reduce_(1, segment, candidates, reduce="amin")
    valley = points == first.gather(1, segment)
    # Before the first peak and behind the last one lie flanks, not valleys.
    between = (segment > 0) & (segment < segment[:, -1:])
    return valley & between


def _interpolate_between(X: Tensor, knot: Tensor) -> Tensor:
    """Draw straight lines through the knots of each pattern, from its first to its last point."""
    n_points = X.shape[1]
    knot = knot.clone()
    knot[:, 0] = knot[:, -1] = True
    points = torch.arange(n_points, device=X.device).expand(len(X), -1)
    left = torch.where(knot, points, 0).cummax(dim=1).values
    right = torch.where(knot, points, n_points - 1).flip(1).cummin(dim=1).values.flip(1)
    span = (right - left).clamp(min=1)
    weight = (points - left).to(X.dtype) / span
    line = torch.lerp(X.gather(1, left), X.gather(1, right), weight)
    return torch.minimum(line, X)  # a concave flank may dip below its chord
