"""``skxrd screen``: gather, simulate, train, screen, write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import joblib
import numpy as np
import pandas as pd
import torch
from rich.console import Console
from sklearn.pipeline import Pipeline, make_pipeline

from skxrd._labels import UNLABELED
from skxrd._optional import import_optional
from skxrd.cli._console import show_warnings_of_worker
from skxrd.cli._files import complete_folder
from skxrd.cli._report import Results, print_results, write_results
from skxrd.cli._simulate import run_simulator
from skxrd.cli._tables import Columns, make_table, read_labels, read_structures
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.exceptions import FileFormatError
from skxrd.preprocessing import IntensityFloor, IntensityScaler
from skxrd.screening import screen as rank
from skxrd.semi_supervised import SemiSupervisedClassifier, XRDMatchClassifier
from skxrd.simulation import PatternSimulator

__all__ = ["screen"]

_N_LABELED_PER_CLASS = 10  # of the paper
_UNLABELED_FRACTION = 0.8  # of the paper
_INTERRUPTED = 130


@dataclass
class _Run:
    """What a run notes down for run.json, beside its results."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    data: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[what] = round(perf_counter() - start, 3)


def screen(args: argparse.Namespace, arguments: list[str]) -> int:
    """Run the subcommand.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments as the parser returns them.
    arguments : list of str
        The command line, for the record.

    Returns
    -------
    int
        Exit status: 0, or 130 if the training was interrupted and the members trained until then
        made the results.
    """
    import_optional("skops.io", extra="persist", purpose="model.skops")
    import_optional("matplotlib", extra="plot", purpose="summary.png")
    _check_device(args.device)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    run = _Run()
    with run.timing("reading"), console.status("Reading structures"):
        table = _gather(args, run, console)
    _check_classes(table["label"], f"in {run.data['labels']}")

    with complete_folder(args.out, stale=("failures.csv",)) as folder:
        with run.timing("simulation"):
            simulator = PatternSimulator(
                on_error="skip", n_jobs=args.jobs or joblib.cpu_count(), verbose=1
            )
            simulated = run_simulator(simulator, table)
        failures = simulated.failures.assign(
            id=table["id"].to_numpy()[simulated.failures["position"]]
        )
        if len(failures):
            console.print(f"{len(failures)} structures gave no pattern; see failures.csv.")
            failures.to_csv(folder / "failures.csv", index=False)
        kept = table.iloc[simulated.kept]
        labels = kept["label"].to_numpy(dtype=np.int64)
        _check_classes(kept["label"], f"after {len(failures)} structures gave no pattern")

        ensemble = _make_ensemble(args, labels, console)
        with (
            run.timing("training"),
            joblib.parallel_config("loky", initializer=show_warnings_of_worker),
        ):
            ensemble.fit(simulated.patterns, labels)

        with run.timing("screening"):
            unlabeled = labels == UNLABELED
            candidates = rank(
                ensemble,
                simulated.patterns[unlabeled],
                formulas=np.array(simulated.formulas, dtype=object)[unlabeled],
            )
        rows = np.flatnonzero(unlabeled)[candidates["id"]]
        results = Results(
            ensemble=ensemble,
            patterns=simulated.patterns,
            labels=labels,
            candidates=candidates.assign(id=kept["id"].to_numpy()[rows]),
            candidate_rows=rows,
            seed=args.seed,
        )
        with run.timing("report"):
            write_results(results, folder)
        run.data["n_failures"] = len(failures)
        interrupted = _is_interrupted(ensemble)
        results.write_record(
            folder,
            {
                "command": ["skxrd", *arguments],
                "started": run.started.isoformat(timespec="seconds"),
                "interrupted": interrupted,
                "parameters": {name: _plain(value) for name, value in vars(args).items()},
                "data": run.data,
                "seconds": run.seconds,
            },
        )
    print_results(results, args.out, console)
    return _INTERRUPTED if interrupted else 0


def _check_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise argparse.ArgumentError(None, f"--device {name}: {reason}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentError(None, f"--device {name}: torch finds no such GPU.")


def _gather(args: argparse.Namespace, run: _Run, console: Console) -> pd.DataFrame:
    """Labeled and unlabeled structures in one table, the labeled file first."""
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
    run.data = {
        "labels": source,
        "pool": pool_source,
        "n_positive": n_positive,
        "n_negative": int(is_labeled.sum()) - n_positive,
        "n_unlabeled": len(pool),
        "n_rows_without_structure": n_left_out,
    }
    console.print(
        f"Labels: {n_positive} positive and {run.data['n_negative']} negative structures of "
        f"{source}.\nPool: {len(pool)} unlabeled structures of {', '.join(pool_source)}."
    )
    return pd.concat([known[is_labeled], pool], ignore_index=True)


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


def _check_classes(labels: pd.Series[int], where: str) -> None:
    n_positive, n_negative = int((labels == 1).sum()), int((labels == 0).sum())
    if min(n_positive, n_negative) < 2:
        raise FileFormatError(
            "At least 2 labeled structures of each class are needed, one to learn from and one to "
            f"judge by; found {n_positive} positive and {n_negative} negative {where}."
        )


def _make_ensemble(
    args: argparse.Namespace, labels: np.ndarray, console: Console
) -> SemiSupervisedBaggingClassifier:
    smallest = min((labels == 0).sum(), (labels == 1).sum())
    n_labeled = _N_LABELED_PER_CLASS
    if smallest <= n_labeled:  # every member would draw them all and none be left out-of-bag
        n_labeled = max(1, int(0.7 * smallest))
        console.print(
            f"The smaller class has {smallest} labeled structures: each member draws {n_labeled} "
            f"per class instead of {_N_LABELED_PER_CLASS}, so that some are left to judge it by."
        )
    n_jobs = args.jobs or joblib.cpu_count()
    if args.jobs is None and args.device != "cpu":
        n_jobs = 1  # members would share one device
    if args.estimator == "paper" and args.device == "cpu":
        console.print("The paper's network is slow on CPUs: use --device cuda where there is one.")
    return SemiSupervisedBaggingClassifier(
        _make_estimator(args),
        n_estimators=args.members,
        n_labeled_per_class=n_labeled,
        unlabeled_fraction=_UNLABELED_FRACTION,
        n_jobs=n_jobs,
        verbose=1,
        random_state=args.seed,
    )


def _make_estimator(args: argparse.Namespace) -> Any:
    params = {"device": args.device}
    if args.epochs is not None:
        params["max_epochs"] = args.epochs
    if args.estimator == "fast":
        return SemiSupervisedClassifier(**params)
    return make_pipeline(IntensityScaler("max"), IntensityFloor(0.1), XRDMatchClassifier(**params))


def _is_interrupted(ensemble: SemiSupervisedBaggingClassifier) -> bool:
    members = [
        member[-1] if isinstance(member, Pipeline) else member for member in ensemble.estimators_
    ]
    return len(members) < ensemble.n_estimators or any(member.interrupted_ for member in members)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str | None) else str(value)
