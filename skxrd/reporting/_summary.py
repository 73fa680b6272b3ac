"""Numbers of a report: how many candidates got how many votes, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.screening._votes import tell_tie

__all__ = ["Summary", "score_rows"]

_N_BEST = 10
_SCORE_COLUMNS = ("evaluation", "metric", "value", "low", "high", "n")
_EVALUATIONS = {
    "out_of_bag": (
        "Out of bag",
        "Each known compound is judged only by members that were not trained on it. This is what "
        "to expect for new compounds that resemble the known ones; for others, expect less.",
    ),
    "resubstitution": (
        "Resubstitution",
        "The protocol of the XRDMatch paper: members also judge compounds they were trained on. "
        "Its numbers compare with those of the paper, and flatter.",
    ),
}


@dataclass(frozen=True, eq=False)
class Summary:
    """What the first lines of a report tell of a table of candidates.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates, the best first.
    n_members : int or None
        Largest possible number of votes; None if nothing is known of votes.
    """

    candidates: pd.DataFrame
    n_members: int | None

    @property
    def has_votes(self) -> bool:
        """Whether votes were counted."""
        return self.n_members is not None

    @property
    def majority(self) -> int:
        """Votes of at least half of the members, the paper's cut of 5 out of 10."""
        return -(-(self.n_members or 0) // 2)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of candidates with 0, 1, ... and all votes."""
        votes = self.candidates["output_frequency"].to_numpy(dtype=np.int64)
        return np.bincount(votes, minlength=(self.n_members or 0) + 1)

    @cached_property
    def tie(self) -> str:
        """A sentence if almost all candidates have the same number of votes, else nothing."""
        if self.n_members is None:
            return ""
        return tell_tie(self.candidates["output_frequency"], self.n_members)

    @cached_property
    def is_selected(self) -> NDArray[np.bool_]:
        """Candidates with the votes of at least half of the members; all without votes."""
        if not self.has_votes:
            return np.ones(len(self.candidates), dtype=bool)
        votes = self.candidates["output_frequency"].to_numpy(dtype=np.int64)
        return votes >= self.majority

    @property
    def n_selected(self) -> int:
        """Number of selected candidates."""
        return int(self.is_selected.sum())

    @property
    def n_unanimous(self) -> int:
        """Number of candidates with all votes."""
        return int(self.counts[-1])

    @cached_property
    def known_labels(self) -> dict[str, int]:
        """Known labels among the selected candidates, and how often each occurs."""
        if "label" not in self.candidates:
            return {}
        labels = self.candidates["label"][self.is_selected].dropna().map(str)
        return {str(label): int(count) for label, count in labels.value_counts().items()}

    @property
    def best(self) -> pd.DataFrame:
        """The first ten rows."""
        return self.candidates.head(_N_BEST)


def score_rows(scores: pd.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Arrange scores for a table: one row per metric, one column per evaluation.

    Parameters
    ----------
    scores : DataFrame
        Columns "evaluation", "metric", "value", "low", "high" and "n".

    Returns
    -------
    evaluations : list of dict
        Keys "name", "title", "meaning" and "n" (None where it differs between the metrics).
    rows : list of dict
        Keys "metric" and "cells"; a cell is a dict with "value", "low", "high" and "n", or None.

    Raises
    ------
    ValueError
        If a column is missing, or two rows are of the same evaluation and metric.
    """
    missing = [name for name in _SCORE_COLUMNS if name not in scores]
    if missing:
        raise ValueError(
            f"scores must have the columns {', '.join(_SCORE_COLUMNS)}; "
            f"{', '.join(missing)} not found."
        )
    if (twice := scores.duplicated(["evaluation", "metric"])).any():
        row = scores[twice].iloc[0]
        raise ValueError(
            f"scores must hold each metric of an evaluation once; {row['metric']!r} of "
            f"{row['evaluation']!r} occurs twice."
        )
    names = list(dict.fromkeys(scores["evaluation"]))
    evaluations = []
    for name in names:
        title, meaning = _EVALUATIONS.get(name, (str(name).replace("_", " ").capitalize(), ""))
        judged = scores["n"][scores["evaluation"] == name].dropna().unique()
        n = int(judged[0]) if len(judged) == 1 else None
        evaluations.append({"name": name, "title": title, "meaning": meaning, "n": n})
    records: list[dict[Any, Any]] = scores.to_dict("records")
    cells = {(record["evaluation"], record["metric"]): _cell(record) for record in records}
    rows = [
        {"metric": _metric(metric), "cells": [cells.get((name, metric)) for name in names]}
        for metric in dict.fromkeys(scores["metric"])
    ]
    return evaluations, rows


def _cell(record: dict[Any, Any]) -> dict[str, Any]:
    types = {"value": float, "low": float, "high": float, "n": int}
    return {
        name: None if pd.isna(record[name]) else as_type(record[name])
        for name, as_type in types.items()
    }


def _metric(name: str) -> str:
    text = str(name).replace("_", " ").replace("f1", "F1").replace("roc auc", "ROC AUC")
    return text[:1].upper() + text[1:]
