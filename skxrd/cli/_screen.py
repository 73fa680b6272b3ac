"""``skxrd screen``: gather, simulate, train, screen, write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import joblib
import numpy as np
import pandas as pd
from rich.console import Console

from skxrd._classifiers import was_interrupted
from skxrd._files import complete_folder
from skxrd._labels import UNLABELED
from skxrd._optional import import_optional
from skxrd.cli._candidates import Candidates, check_rules, rank
from skxrd.cli._console import show_warnings_of_worker
from skxrd.cli._gather import Gathered, check_classes, gather
from skxrd.cli._measured import read_measured
from skxrd.cli._report import Results, print_results, write_record, write_results
from skxrd.cli._simulate import run_simulator
from skxrd.cli._train import check_device, make_ensemble
from skxrd.simulation import PatternSimulator, SimulatedPatterns

__all__ = ["screen"]

_INTERRUPTED = 130


@dataclass
class _Run:
    """What a run notes down for run.json, beside its results."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
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
    _check_options(args)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    run = _Run()
    with run.timing("reading"), console.status("Reading structures"):
        gathered = gather(args, console)
        measured = read_measured(args.patterns, console) if args.patterns else None
    check_classes(gathered.table["label"], f"in {gathered.about['labels']}")

    with complete_folder(args.out, stale=("failures.csv", "structures")) as folder:
        with run.timing("simulation"):
            simulated = run_simulator(_make_simulator(args), gathered.table)
        failures = _name_failures(simulated, gathered)
        if len(failures):
            console.print(f"{len(failures)} structures gave no pattern; see failures.csv.")
            failures.to_csv(folder / "failures.csv", index=False)
        kept = gathered.table.iloc[simulated.kept].assign(formula=simulated.formulas)
        check_classes(kept["label"], f"after {len(failures)} structures gave no pattern")

        candidates = None
        if measured is not None:  # before the training, since what is wrong shall be told early
            candidates = measured.on_grid_of(simulated.patterns, console)

        labels = kept["label"].to_numpy(dtype=np.int64)
        ensemble = make_ensemble(args, labels, console)
        with run.timing("training"), _workers():
            ensemble.fit(simulated.patterns, labels)

        if candidates is None:
            rows = np.flatnonzero(labels == UNLABELED)
            candidates = Candidates(kept.iloc[rows], simulated.patterns[rows])
        with run.timing("screening"), _workers():
            ranking = rank(args, ensemble, candidates, kept, simulated.patterns, console)
        results = Results(
            ensemble=ensemble,
            patterns=simulated.patterns,
            labels=labels,
            ranking=ranking,
            seed=args.seed,
        )
        interrupted = was_interrupted(ensemble)
        about = {
            "command": ["skxrd", *arguments],
            "started": run.started.isoformat(timespec="seconds"),
            "interrupted": interrupted,
            "parameters": {name: _plain(value) for name, value in vars(args).items()},
            "data": {**gathered.about, "n_failures": len(failures), **ranking.about},
            "seconds": run.seconds,
        }
        with run.timing("report"):
            write_results(results, folder, about, n_structures=args.top)
        write_record(results, folder, about)
    print_results(results, args.out, console)
    return _INTERRUPTED if interrupted else 0


def _check_options(args: argparse.Namespace) -> None:
    """Tell what is missing or wrong before the work begins."""
    import_optional("skops.io", extra="persist", purpose="model.skops")
    import_optional("matplotlib", extra="plot", purpose="summary.png")
    for module in ("jinja2", "plotly", "itables"):
        import_optional(module, extra="report", purpose="report.html")
    if args.patterns:
        import_optional("pybaselines", extra="baseline", purpose="--patterns")
    check_device(args.device)
    check_rules(args)


def _make_simulator(args: argparse.Namespace) -> PatternSimulator:
    return PatternSimulator(on_error="skip", n_jobs=args.jobs or joblib.cpu_count(), verbose=1)


def _name_failures(simulated: SimulatedPatterns, gathered: Gathered) -> pd.DataFrame:
    names = gathered.table["id"].to_numpy()
    return simulated.failures.assign(id=names[simulated.failures["position"]])


def _workers() -> Any:
    return joblib.parallel_config("loky", initializer=show_warnings_of_worker)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str | None) else str(value)
