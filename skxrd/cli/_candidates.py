"""From candidates to the table that is written: ranking, facts, rules."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console

from skxrd._labels import UNLABELED
from skxrd.cli._tables import PROPERTIES
from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.reporting import KnownCompounds
from skxrd.screening import BaseFilter, CandidateFilter, CandidateScreener, ElementFilter

__all__ = ["Candidates", "Ranking", "check_rules", "rank"]


_OF_MEASURED = ("covered_fraction", "domain_percentile")


@dataclass(frozen=True, eq=False)
class Candidates:
    """Rows to be screened.

    Parameters
    ----------
    table : DataFrame with a column "id"
        Rows; "formula", "structure" and properties where they are known.
    patterns : ndarray of float32 of shape (n_candidates, n_points)
        Their patterns.
    """

    table: pd.DataFrame
    patterns: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranked candidates with what a report needs to show them.

    Parameters
    ----------
    table : DataFrame
        What `CandidateScreener.screen` returns, less what the rules leave out.
    candidates : Candidates
        The rows that were screened, in another order.
    known : KnownCompounds
        Labeled compounds.
    about : dict
        Rules and how many candidates met them, for the record.
    """

    table: pd.DataFrame
    candidates: Candidates
    known: KnownCompounds
    about: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def patterns(self) -> NDArray[np.float32]:
        """Patterns in the order of the table."""
        names = pd.Index(self.candidates.table["id"].astype(str))
        rows = names.get_indexer(pd.Index(self.table["id"]))
        return self.candidates.patterns[rows]

    @property
    def structures(self) -> dict[str, Any]:
        """Structure of each id; empty for measured patterns."""
        if "structure" not in self.candidates.table:
            return {}
        table = self.candidates.table
        return dict(zip(table["id"].astype(str), table["structure"], strict=True))


def rank(
    args: argparse.Namespace,
    ensemble: SemiSupervisedBaggingClassifier,
    candidates: Candidates,
    kept: pd.DataFrame,
    patterns: NDArray[np.float32],
    console: Console,
) -> Ranking:
    """Rank candidates and keep those that meet the rules of the options.

    Parameters
    ----------
    args : argparse.Namespace
        Options.
    ensemble : SemiSupervisedBaggingClassifier
        Fitted ensemble.
    candidates : Candidates
        Rows to be screened.
    kept : DataFrame with columns "id", "formula", "structure", "label"
        Training rows.
    patterns : ndarray of shape (n_samples, n_points)
        Patterns of the training rows.
    console : Console
        Where the effect of the rules is printed.

    Returns
    -------
    Ranking
        The table and what belongs to it.
    """
    n_jobs = args.jobs or joblib.cpu_count()
    screener = CandidateScreener(ensemble, n_jobs=n_jobs, verbose=1)
    screener.fit(patterns, kept["label"], ids=kept["id"], formulas=kept["formula"])
    labeled = kept["label"] != UNLABELED
    rows = candidates.table
    needed = {"e_above_hull"} if args.max_e_above_hull is not None else set()
    given = [
        name
        for name in (*PROPERTIES, *_OF_MEASURED)
        if name in rows and (rows[name].notna().any() or name in needed)
    ]
    has_formulas = "formula" in rows
    table = screener.screen(
        candidates.patterns,
        ids=rows["id"],
        formulas=rows["formula"] if has_formulas else None,
        structures=rows["structure"].tolist() if "structure" in rows else None,
        literature=kept.loc[labeled, ["id", "formula", "label", "structure"]]
        if has_formulas
        else None,
        properties=rows[["id", *given]] if given else None,
    )
    about: dict[str, Any] = {"n_candidates": len(table)}
    rules = _rules(args)
    if rules is not None:
        funnel = rules.funnel(table)
        table = rules.apply(table)
        about["rules"] = funnel.to_dict("records")
        for step in funnel.itertuples():
            console.print(f"{step.n_left} candidates after the rule: {step.rule}.")
    known = KnownCompounds(
        screener.known_["id"].tolist(),
        screener.known_patterns_,
        formulas=screener.known_["formula"].tolist(),
        labels=screener.known_["label"].tolist(),
    )
    return Ranking(table, candidates, known, about)


def check_rules(args: argparse.Namespace) -> None:
    """Refuse rules that cannot be met, before the work begins.

    Parameters
    ----------
    args : argparse.Namespace
        Options.
    """
    if args.min_votes is not None and args.min_votes > args.members:
        raise argparse.ArgumentError(
            None, f"--min-votes {args.min_votes}: there are {args.members} members (--members)."
        )
    if args.patterns and (args.exclude_elements or args.max_e_above_hull is not None):
        raise argparse.ArgumentError(
            None, "--patterns: measured patterns have neither formulas nor energies for a rule."
        )
    _rules(args)


def _rules(args: argparse.Namespace) -> BaseFilter | None:
    rules: list[BaseFilter] = []
    if args.min_votes is not None:
        rules.append(CandidateFilter("output_frequency", minimum=args.min_votes))
    if args.max_e_above_hull is not None:
        rules.append(CandidateFilter("e_above_hull", maximum=args.max_e_above_hull))
    if args.exclude_elements:
        try:
            rules.append(~ElementFilter(args.exclude_elements))
        except ValueError as error:
            raise argparse.ArgumentError(None, f"--exclude-elements: {error}") from error
    if not rules:
        return None
    joined = rules[0]
    for rule in rules[1:]:
        joined &= rule
    return joined
