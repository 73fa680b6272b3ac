"""What of patterns has no place on a new axis, and what of the new axis was not measured."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from skxrd.exceptions import PatternWarning

__all__ = ["outside", "warn_of_ranges"]

_Spans = list[tuple[float, float]]


def outside(span: tuple[float, float], other: Sequence[float], step: float) -> _Spans:
    """Parts of a span below and above another one; half a step is rounding."""
    (low, high), (other_low, other_high) = span, other
    parts = (low, min(high, other_low)), (max(low, other_high), high)
    return [(first, last) for first, last in parts if last - first > step / 2]


def warn_of_ranges(axis: str, lost: _Spans, uncovered: _Spans) -> None:
    """Warn whoever called `fit` of what is lost in degrees, and uncovered in units of the axis."""
    found = []
    if lost:
        found.append(f"{_text(lost)} degrees of the patterns are lost")
    if uncovered:
        found.append(f"{_text(uncovered)} of it was not measured and is zero")
    if found:
        warnings.warn(f"New {axis}: {'; '.join(found)}.", PatternWarning, stacklevel=6)


def _text(spans: _Spans) -> str:
    return " and ".join(f"{low:.4g} to {high:.4g}" for low, high in spans)
