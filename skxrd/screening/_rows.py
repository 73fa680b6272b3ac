"""Names, formulas and properties of rows, checked before the work begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.screening._columns import COLUMNS, typed
from skxrd.screening._compositions import compositions

__all__ = ["Values", "check_ids", "properties_of", "rows_of"]

Values: TypeAlias = "Sequence[Any] | pd.Series[Any] | NDArray[Any]"


def rows_of(
    n_rows: int,
    *,
    ids: Values | None = None,
    formulas: Values | None = None,
    structures: Values | None = None,
    expected: int,
) -> pd.DataFrame:
    """Put what is known about rows side by side.

    Parameters
    ----------
    n_rows : int
        Number of patterns.
    ids, formulas, structures : sequence or None, default=None
        Names, formulas and structures; names are numbers where there are none.
    expected : int
        Number of labels, or again of patterns.

    Returns
    -------
    DataFrame
        Columns "id" and, if given, "formula" and "structure".

    Raises
    ------
    ValueError
        If lengths differ or a formula cannot be read.
    """
    given = {"y": range(expected), "ids": ids, "formulas": formulas, "structures": structures}
    for name, values in given.items():
        if values is not None and len(values) != n_rows:
            raise ValueError(f"X has {n_rows} rows, but {name} has {len(values)}.")
    if ids is not None:
        missing = np.flatnonzero(pd.isna(pd.Series(list(ids), dtype=object)))
        if len(missing):
            raise ValueError(
                f"ids has {len(missing)} missing value(s), the first in row {missing[0]}."
            )
    table = pd.DataFrame({"id": [str(name) for name in (range(n_rows) if ids is None else ids)]})
    if formulas is not None:
        table["formula"] = [found.reduced_formula for found in compositions(formulas)]
    if structures is not None:
        column = np.empty(n_rows, dtype=object)  # pandas would take a Structure for a list
        for row, structure in enumerate(structures):
            column[row] = structure
        table["structure"] = column
    return table


def check_ids(ids: pd.Series[str], of_what: str) -> None:
    """Refuse ids that occur twice.

    Parameters
    ----------
    ids : Series of str
        Names.
    of_what : str
        What they name, for the error message.

    Raises
    ------
    ValueError
        If one occurs twice.
    """
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        named = ", ".join(map(repr, twice[:5])) + (", ..." if len(twice) > 5 else "")
        raise ValueError(f"The ids of {of_what} must differ; {len(twice)} occur twice: {named}.")


def properties_of(ids: pd.Series[str], properties: pd.DataFrame) -> pd.DataFrame:
    """Pick the properties of some rows.

    Parameters
    ----------
    ids : Series of str
        Names of the rows.
    properties : DataFrame
        Table with a column "id"; it may hold other rows as well.

    Returns
    -------
    DataFrame
        The other columns; the index is the id.

    Raises
    ------
    ValueError
        If there is no column "id", if it names a row twice, if it holds none of the rows, if a
        column occurs twice or is called "rank", or if a column that tables of candidates know is
        not of its type.
    """
    if "id" not in properties:
        raise ValueError(
            f"properties needs a column 'id'; it has {', '.join(map(repr, properties.columns))}."
        )
    doubled = properties.columns[properties.columns.duplicated()].unique()
    if len(doubled):
        raise ValueError(f"properties has more than one column {', '.join(map(repr, doubled))}.")
    if "rank" in properties:
        raise ValueError(
            "properties has a column 'rank', the name of the table's index; rename it."
        )
    table = properties.assign(id=[str(name) for name in properties["id"]])
    table = table[table["id"].isin(ids)]
    if table.empty and len(ids):
        raise ValueError(
            f"properties holds none of the {len(ids)} candidates: it names {len(properties)} rows "
            f"such as {properties['id'].iloc[0]!r}, and a candidate is {ids.iloc[0]!r}."
            if len(properties)
            else "properties has no rows."
        )
    check_ids(table["id"], "properties")
    for name in table.columns.intersection(list(COLUMNS)):
        try:
            table[name] = typed(table[[name]])[name]
        except (ValueError, TypeError) as error:
            raise ValueError(f"properties: column {name!r} is not of its type: {error}") from error
    return table.set_index("id")
