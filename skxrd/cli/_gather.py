"""The data of ``skxrd screen``: labeled and unlabeled structures in one table."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from rich.console import Console

from skxrd._labels import UNLABELED
from skxrd.cli._tables import Columns, make_table, read_labels, read_structures
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.exceptions import FileFormatError

__all__ = ["Gathered", "check_classes", "gather"]


@dataclass(frozen=True)
class Gathered:
    """Structures of a run.

    Parameters
    ----------
    table : DataFrame with columns "id", "structure", "label"
        Structures, the labeled ones first; further columns are properties of the candidates.
    about : dict
        Where they come from and how many there are, for the record.
    """

    table: pd.DataFrame
    about: dict[str, Any]


def gather(args: argparse.Namespace, console: Console) -> Gathered:
    """Read labeled and unlabeled structures as the options say."""
    columns = Columns(
        args.id_column, args.structure_column, args.label_column, args.conductivity_column
    )
    n_left_out = 0
    if args.labels is None:
        _refuse_orphans(args)
        source = "skxrd.datasets.load_lithium_conductors"
        bundled = load_lithium_conductors(superionic_threshold=args.threshold)
        known = make_table(bundled.ids, bundled.structures, bundled.target)
    else:
        source = str(args.labels)
        known, n_left_out = read_labels(
            args.labels,
            columns,
            cif_dir=args.cif_dir,
            positive=args.positive,
            threshold=args.threshold,
        )
        if n_left_out:
            console.print(f"{n_left_out} rows of {source} have no structure and were left out.")

    is_labeled = known["label"] != UNLABELED
    pool, pool_source = _gather_pool(args, columns, known)
    pool = pd.concat([known[~is_labeled], pool], ignore_index=True)
    if args.limit is not None and args.limit < len(pool):
        pool = pool.sample(args.limit, random_state=args.seed).sort_index()
    if pool.empty:
        raise FileFormatError("There are no unlabeled structures to be screened.")
    n_positive = int((known["label"] == 1).sum())
    about = {
        "labels": source,
        "pool": pool_source,
        "n_positive": n_positive,
        "n_negative": int(is_labeled.sum()) - n_positive,
        "n_unlabeled": len(pool),
        "n_rows_without_structure": n_left_out,
    }
    console.print(
        f"Labels: {n_positive} positive and {about['n_negative']} negative structures of "
        f"{source}.\nPool: {len(pool)} unlabeled structures of {', '.join(pool_source)}."
    )
    table = pd.concat([known[is_labeled], pool], ignore_index=True)
    _refuse_twins(table)
    if args.max_e_above_hull is not None and not (
        "e_above_hull" in pool and pool["e_above_hull"].notna().any()
    ):
        raise argparse.ArgumentError(
            None,
            "--max-e-above-hull: no structure to be screened has a number in a column "
            "'e_above_hull'.",
        )
    return Gathered(table, about)


def _refuse_twins(table: pd.DataFrame) -> None:
    names = table.assign(is_labeled=table["label"] != UNLABELED)
    twice = names.loc[names.duplicated(["id", "is_labeled"]), "id"].unique()
    if len(twice):
        raise FileFormatError(
            f"{len(twice)} id(s) name more than one structure, such as {twice[0]!r}; results could "
            "not be told apart. Give files other names, or name another column with --id-column."
        )


def _refuse_orphans(args: argparse.Namespace) -> None:
    for name in ("cif_dir", "label_column", "conductivity_column", "positive"):
        if getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise argparse.ArgumentError(None, f"{option} says how to read --labels; give both.")


def _gather_pool(
    args: argparse.Namespace, columns: Columns, known: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    sources = [str(args.labels)] if (known["label"] == UNLABELED).any() else []
    if args.structures:
        # The options name the columns of the table of labels, if there is one.
        pool = read_structures(args.structures, replace(columns, binding=args.labels is None))
        if args.labels is not None:  # the same file or text again is no candidate
            pool = pool[~pool["structure"].isin(known["structure"])]
        return pool, sources + [str(path) for path in args.structures]
    if sources:
        return known.iloc[:0], sources
    try:
        pool = make_lithium_pool(args.pool_size, random_state=args.seed)
    except ValueError as error:  # the size is its only parameter that can be wrong here
        raise argparse.ArgumentError(None, f"--pool-size: {error}") from error
    table = make_table(pool.ids, pool.structures, UNLABELED)
    return table, ["skxrd.datasets.make_lithium_pool"]


def check_classes(labels: pd.Series[int], where: str) -> None:
    """Refuse labels that nothing can be learned from, or judged by."""
    n_positive, n_negative = int((labels == 1).sum()), int((labels == 0).sum())
    if min(n_positive, n_negative) < 2:
        raise FileFormatError(
            "At least 2 labeled structures of each class are needed, one to learn from and one to "
            f"judge by; found {n_positive} positive and {n_negative} negative {where}."
        )
