"""What the Displays share: colors, markers, and matplotlib where it is needed."""

from __future__ import annotations

from typing import Any

from skxrd._optional import import_optional

# Okabe and Ito's colors, which the color-blind tell apart, without the yellow that white swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def pyplot(display: object) -> Any:
    """Import matplotlib's pyplot, or say that the Display needs it."""
    return import_optional("matplotlib.pyplot", extra="plot", purpose=type(display).__name__)
