"""The table of candidates as plain values, column by column, with what a page says of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

__all__ = ["FLAG_PREFIXES", "describe_columns", "flag_names", "plain_columns", "ranks"]

# Columns of truth values with these names are flags; what a flag says follows from its name.
FLAG_PREFIXES = {"contains_": "", "lacks_": "no "}
_TITLES = {
    "id": "Id",
    "formula": "Formula",
    "output_frequency": "Votes",
    "mean_probability": "Probability",
    "probability_std": "Spread of probability",
    "vote_entropy": "Vote entropy",
    "label": "Known label",
    "label_source": "Source of label",
    "label_match": "Label found by",
    "similarity": "Similarity",
    "nearest_conductor": "Nearest conductor",
    "nearest_conductor_formula": "Formula of nearest conductor",
    "composition_similarity": "Similarity of composition",
    "novelty": "Novelty",
    "spacegroup_number": "Space group number",
    "spacegroup_symbol": "Space group",
    "n_sites": "Sites",
    "volume_per_atom": "Volume per atom",
    "raw_material_cost": "Raw materials",
    "e_above_hull": "Above hull",
}
_FIRST_SHOWN = (
    "id",
    "formula",
    "output_frequency",
    "mean_probability",
    "label",
    "similarity",
    "nearest_conductor",
    "novelty",
    "spacegroup_symbol",
    "e_above_hull",
)
_TEXTS = ("id", "label", "nearest_conductor")  # though they may be numbers
_DIGITS = 6


def flag_names(candidates: pd.DataFrame) -> list[str]:
    """Names of the columns that are flags.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates.

    Returns
    -------
    list of str
        Names.
    """
    return [
        name
        for name in candidates.columns
        if name.startswith(tuple(FLAG_PREFIXES)) and is_bool_dtype(candidates[name])
    ]


def describe_columns(candidates: pd.DataFrame, descriptions: pd.DataFrame) -> list[dict[str, Any]]:
    """Collect what a page needs to know of each column.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates.
    descriptions : DataFrame
        What `skxrd.screening.column_descriptions` returns.

    Returns
    -------
    list of dict
        Keys "name", "title", "kind" ("text", "number" or "flag"), "shown" (whether the table shows
        it at first), "unit", "description" and "source".
    """
    flags = flag_names(candidates)
    described = descriptions.set_index("column")[["unit", "description", "source"]].fillna("")
    texts: dict[Any, dict[Any, Any]] = described.to_dict("index")
    users = {"unit": "", "description": "Given by the user.", "source": "user"}
    return [
        {
            "name": name,
            "title": _flag_title(name) if name in flags else _TITLES.get(name) or _spaced(name),
            "kind": "flag" if name in flags else _kind(candidates[name]),
            "shown": name in _FIRST_SHOWN,
            **texts.get(name, users),
        }
        for name in candidates.columns
    ]


def _flag_title(name: str) -> str:
    for prefix, stands_for in FLAG_PREFIXES.items():
        if name.startswith(prefix):
            return stands_for + name.removeprefix(prefix).replace("_", " ")
    return name


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _kind(column: pd.Series) -> str:
    is_number = is_float_dtype(column) or is_integer_dtype(column)
    return "number" if is_number and column.name not in _TEXTS else "text"


def plain_columns(candidates: pd.DataFrame) -> dict[str, list[Any]]:
    """Turn a table into lists of plain values, None where one is missing.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates.

    Returns
    -------
    dict of str to list
        Numbers with six digits, truth values, and texts.
    """
    flags = flag_names(candidates)
    return {name: _plain(candidates[name], is_flag=name in flags) for name in candidates.columns}


def _plain(column: pd.Series, *, is_flag: bool) -> list[Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    if is_flag:
        return [None if value is None else bool(value) for value in values]
    if _kind(column) == "text":
        return [None if value is None else str(value) for value in values]
    if is_integer_dtype(column):
        return [None if value is None else int(value) for value in values]
    return [
        # JSON knows no infinity
        float(f"{value:.{_DIGITS}g}") if value is not None and np.isfinite(value) else None
        for value in values
    ]


def ranks(candidates: pd.DataFrame) -> list[int]:
    """Ranks of the candidates: the index if that is its name, otherwise their numbers from 1.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates.

    Returns
    -------
    list of int
        One for each row.
    """
    if candidates.index.name == "rank":
        return [int(rank) for rank in candidates.index]
    return list(range(1, len(candidates) + 1))
