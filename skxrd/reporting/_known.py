"""Known compounds that candidates are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["KnownCompounds"]


@dataclass(frozen=True, eq=False)
class KnownCompounds:
    """Labeled compounds and their patterns, the ones to which a report compares.

    Parameters
    ----------
    ids : sequence of str of shape (n_known,)
        Names, each of them once; the column "nearest_conductor" of a table of candidates holds
        some of them.
    patterns : array-like of shape (n_known, n_points)
        Patterns on the two-theta axis of the candidates; a memory map stays one.
    formulas : sequence of str of shape (n_known,), default=None
        Chemical formulas.
    labels : array-like of shape (n_known,), default=None
        Labels.

    Raises
    ------
    ValueError
        If the lengths differ or an id occurs twice.

    Examples
    --------
    >>> from skxrd.reporting import KnownCompounds
    >>> known = KnownCompounds(["a", "b"], [[0.0, 1.0], [1.0, 0.0]], formulas=["LiF", "LiCl"])
    >>> known.row("b")
    1
    """

    ids: Sequence[str]
    patterns: ArrayLike
    formulas: Sequence[str] | None = None
    labels: ArrayLike | None = None

    def __post_init__(self) -> None:
        if np.ndim(self.patterns) != 2:
            raise ValueError(
                f"patterns of known compounds must have two dimensions, not "
                f"{np.ndim(self.patterns)}."
            )
        for name in ("patterns", "formulas", "labels"):
            values: Any = getattr(self, name)
            if values is not None and len(values) != len(self.ids):
                raise ValueError(
                    f"{name} of known compounds must have one entry per id: got {len(values)} for "
                    f"{len(self.ids)} ids."
                )
        names = Counter(map(str, self.ids))
        if len(names) < len(self.ids):
            twice = names.most_common(1)[0][0]
            raise ValueError(f"ids of known compounds must be unique; {twice!r} occurs twice.")

    def row(self, name: str) -> int:
        """Find a compound.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        int
            Its row.

        Raises
        ------
        ValueError
            If no compound has this id.
        """
        rows = [row for row, known in enumerate(self.ids) if str(known) == str(name)]
        if not rows:
            raise ValueError(
                f"nearest_conductor {name!r} is none of the {len(self.ids)} ids of known."
            )
        return rows[0]
