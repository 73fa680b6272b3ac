"""A table of conductivities, with a row also for what could not be simulated."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.simulation._structures._read_structure import read_structure
from skxrd.transport._screening._result import ConductivityResult

__all__ = ["conductivity_row", "conductivity_table"]

_COLUMNS = (
    "id",
    "formula",
    "activation_energy",
    "activation_energy_low",
    "activation_energy_high",
    "conductivity",
    "conductivity_low",
    "conductivity_high",
    "is_extrapolated",
    "framework_ok",
    "n_hops",
    "n_temperatures",
)
# What potentials and their optimizers raise where a structure is unlike any they know.
_FAILURES = (ArithmeticError, LookupError, RuntimeError, ValueError)


def conductivity_row(
    item: Any, name: str, run: Callable[..., ConductivityResult], *, raises: bool
) -> dict[str, Any]:
    """Simulate a structure and sum up the result.

    Parameters
    ----------
    item : object
        Structure as `skxrd.simulation.read_structure` takes it.
    name : str
        Its id.
    run : callable
        Simulates a structure and returns the result.
    raises : bool
        Whether errors are raised; they become a message otherwise.

    Returns
    -------
    dict
        Columns that are known, "id", "formula" and "message" in any case.
    """
    row: dict[str, Any] = {"id": name, "formula": ""}
    reason = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            structure = read_structure(item)
            row["formula"] = structure.composition.reduced_formula
            result = run(structure)
            if raises and result.problem:
                raise TrajectoryError(result.problem)
            row |= result.row()
        except _FAILURES as error:
            if raises:
                raise
            reason = " ".join(str(error).split())
    notes = [str(w.message) for w in caught if issubclass(w.category, TransportWarning)]
    row["message"] = " ".join(dict.fromkeys(note for note in (reason, *notes) if note))
    for warning in caught:
        if not issubclass(warning.category, TransportWarning):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return row


def conductivity_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Make the table of `ConductivityScreener.transform`, whichever columns the rows have."""
    table = pd.DataFrame(rows)
    diffusivities = [name for name in table if name not in (*_COLUMNS, "message")]
    table = table.reindex(columns=[*_COLUMNS, *diffusivities, "message"])
    for column in ("framework_ok", "is_extrapolated"):
        table[column] = table[column].astype("boolean")
    return table
