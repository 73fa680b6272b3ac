"""What stands in a table of candidates: one description per column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["COLUMNS", "column_descriptions", "typed"]

_TEXT = pd.Series(["text"]).dtype  # str since pandas 3, object before

_PAPER = "XRDMatch, Table S2"
_ENSEMBLE = "classifier"


class Column(NamedTuple):
    """A column of the table of candidates."""

    dtype: str
    unit: str
    description: str
    source: str


# The order of the columns in the table. Missing values are <NA> in every one of them that can be
# missing: whole numbers and flags have pandas' nullable types.
COLUMNS = {
    "id": Column("str", "", "Name of the candidate.", "user"),
    "formula": Column("str", "", "Reduced chemical formula.", "user, or pymatgen Composition"),
    "output_frequency": Column(
        "int64",
        "votes",
        "Members of the ensemble whose most probable class is the positive one.",
        _PAPER,
    ),
    "mean_probability": Column(
        "float64",
        "0 to 1",
        "Mean over the members of the probability of the positive class.",
        _ENSEMBLE,
    ),
    "probability_std": Column(
        "float64",
        "0 to 0.5",
        "Standard deviation of that probability over the members: how far they disagree.",
        _ENSEMBLE,
    ),
    "vote_entropy": Column(
        "float64",
        "bit",
        "Entropy of the members' votes: 0 if they agree, 1 if two classes get half of them each.",
        "Dagan and Engelson (1995)",
    ),
    "label": Column(
        "Int64 or str",
        "class",
        "Known label where the literature table holds the candidate.",
        "user",
    ),
    "label_source": Column(
        "str",
        "",
        "Id of the entry in the literature table and its reference in parentheses; all of them, "
        "with their labels, in a conflict.",
        "user",
    ),
    "label_match": Column(
        "str",
        "",
        'How the entry was found: "id", "structure" or "composition"; "conflict" if entries have '
        "different labels.",
        "pymatgen StructureMatcher",
    ),
    "similarity": Column(
        "float64",
        "0 to 1",
        "Similarity of the pattern to that of the nearest known conductor, by default the Pearson "
        "correlation of the broadened patterns; 0 where it is negative.",
        "PatternSimilarity",
    ),
    "nearest_conductor": Column(
        "str",
        "",
        "Id of the known compound of the positive class with the most similar pattern.",
        "PatternSimilarity",
    ),
    "nearest_conductor_formula": Column("str", "", "Its reduced formula.", "user"),
    "composition_similarity": Column(
        "float64",
        "0 to 1",
        "Part of the atoms that the candidate shares with that conductor.",
        "CompositionSimilarity",
    ),
    "novelty": Column(
        "float64",
        "0 to 1",
        "Distance from everything labeled: 1 minus the similarity of the pattern to that of the "
        "nearest known compound of any class.",
        "PatternSimilarity",
    ),
    "covered_fraction": Column(
        "float64",
        "0 to 1",
        "Part of the two-theta range of the training patterns that was measured.",
        "MeasuredPatternTransformer",
    ),
    "domain_percentile": Column(
        "float64",
        "%",
        "Percentage of the training patterns whose nearest neighbor is as near as, or nearer than, "
        "that of the measured pattern: 100 for one as lonely as any of them, or more.",
        "domain_gap",
    ),
    "spacegroup_number": Column("Int64", "1 to 230", "Number of the space group.", "spglib"),
    "spacegroup_symbol": Column("str", "", "Hermann-Mauguin symbol of the space group.", "spglib"),
    "n_sites": Column("Int64", "sites", "Sites in the cell as given.", "pymatgen Structure"),
    "volume_per_atom": Column(
        "float64", "angstrom^3", "Volume of the cell over its atoms.", "pymatgen Structure"
    ),
    "is_ordered": Column(
        "boolean", "", "Whether every site is fully occupied by one element.", "pymatgen Structure"
    ),
    "contains_transition_metal": Column("bool", "", "Contains a transition metal.", "pymatgen"),
    "contains_redox_active": Column(
        "bool",
        "",
        "Contains an element whose reduction or oxidation in a battery leaves something that "
        "conducts electrons.",
        "composition_flags",
    ),
    "contains_toxic": Column("bool", "", "Contains a toxic element.", "composition_flags"),
    "contains_radioactive": Column(
        "bool", "", "Contains an element without stable isotope.", "composition_flags"
    ),
    "lacks_anion": Column(
        "bool", "", "Contains no element that can be the anion.", "composition_flags"
    ),
    "lacks_mobile_ion": Column(
        "bool", "", "Does not contain the mobile ion, lithium.", "composition_flags"
    ),
    "raw_material_cost": Column(
        "float64",
        "USD/kg",
        "Price of the elements in a kilogram of the compound, where all are known.",
        "composition_flags",
    ),
    "e_above_hull": Column(
        "float64", "eV/atom", "Energy above the convex hull, where it was given.", "user"
    ),
}


def column_descriptions() -> pd.DataFrame:
    """Describe the columns of a table of candidates.

    A table holds those columns for which the screening was given the data, in this order, and
    after them whatever else the user passed as properties.

    Returns
    -------
    DataFrame
        Columns "column", "dtype", "unit", "description" and "source"; one row per column.

    Examples
    --------
    >>> from skxrd.screening import column_descriptions
    >>> table = column_descriptions().set_index("column")
    >>> table.loc["vote_entropy", ["dtype", "unit"]].tolist()
    ['float64', 'bit']
    """
    return pd.DataFrame(
        [(name, *column) for name, column in COLUMNS.items()],
        columns=["column", *Column._fields],
    )


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Put the columns into their order and give them their types; others follow unchanged.

    Parameters
    ----------
    table : DataFrame
        Table of candidates.

    Returns
    -------
    DataFrame
        A new table.
    """
    known = [name for name in COLUMNS if name in table]
    others = [name for name in table if name not in COLUMNS]
    table = table[[*known, *others]]
    return table.assign(**{name: _as(table[name], COLUMNS[name].dtype) for name in known})


def _as(values: pd.Series, dtype: Any) -> pd.Series:
    if dtype == "str":
        # Only the text is made text: astype("str") writes missing values out before pandas 3.
        return values.astype(object).map(str, na_action="ignore").astype(_TEXT)
    if " or " in dtype:
        return values if values.dtype == "Int64" else values.astype(object).convert_dtypes()
    if dtype == "bool" and values.isna().any():
        dtype = "boolean"
    if dtype == "float64":
        return pd.to_numeric(values, errors="raise").astype(np.float64)
    return values.astype(dtype)
