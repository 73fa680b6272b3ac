"""What became of each structure of a simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.simulation._simulated_patterns import SimulatedPatterns
from skxrd.simulation._task import Outcome

__all__ = ["SimulationReport"]


class SimulationReport:
    """Collects what became of each structure, in the order of the input.

    Parameters
    ----------
    ids : list of str
        Name of each structure.
    """

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.formulas: list[str] = []
        self.failures: list[tuple[int, str, str]] = []
        self.notes: list[tuple[int, str, str]] = []

    def add(self, position: int, outcome: Outcome, on_error: str) -> None:
        """Note the outcome of the next structure.

        Parameters
        ----------
        position : int
            Position of the structure.
        outcome : Outcome
            What became of it.
        on_error : {"raise", "skip", "nan"}
            Whether a failure is an error.

        Raises
        ------
        InvalidStructureError
            If the structure has no pattern and `on_error` is "raise".
        """
        name = self.ids[position]
        self.formulas.append(outcome.formula)
        self.notes.extend((position, name, note) for note in outcome.notes)
        if outcome.reason:
            if on_error == "raise":
                raise InvalidStructureError(f"Structure {position} ({name}): {outcome.reason}")
            self.failures.append((position, name, outcome.reason))

    def warn(self) -> None:
        """Warn of failures and notes; the warning points to the caller of the simulator."""
        _warn("structures gave no pattern", self.failures, len(self.ids))
        _warn("structures deserve a look", self.notes, len(self.ids))

    def simulated(self, patterns: NDArray[np.float32], kept: NDArray[np.intp]) -> SimulatedPatterns:
        return SimulatedPatterns(
            patterns=patterns,
            ids=[self.ids[position] for position in kept],
            formulas=[self.formulas[position] for position in kept],
            kept=kept,
            failures=pd.DataFrame(self.failures, columns=["position", "id", "reason"]),
            notes=pd.DataFrame(self.notes, columns=["position", "id", "note"]),
        )

    def table(self) -> pd.DataFrame:
        """Make a table with one row per structure.

        Returns
        -------
        DataFrame
            Columns "position", "id", "formula", "reason" and "notes".
        """
        notes = pd.DataFrame(self.notes, columns=["position", "id", "note"])
        frame = pd.DataFrame({"id": self.ids, "formula": self.formulas})
        frame["reason"] = pd.Series({position: reason for position, _, reason in self.failures})
        frame["notes"] = notes.groupby("position")["note"].agg("; ".join)
        return frame.rename_axis("position").reset_index()


def _warn(what: str, report: list[tuple[int, str, str]], n_structures: int) -> None:
    if not report:
        return
    n_affected = len({position for position, _, _ in report})
    first = "; ".join(f"{position} ({name}): {text}" for position, name, text in report[:3])
    more = "; ..." if len(report) > 3 else ""
    message = f"{n_affected} of {n_structures} {what}: {first}{more}"
    warnings.warn(message, PatternWarning, stacklevel=4)
