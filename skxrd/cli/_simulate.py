"""``skxrd simulate``: structures to a file of patterns."""

from __future__ import annotations

import argparse
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from rich.console import Console

from skxrd._files import complete_file
from skxrd.cli._console import show_warnings_of_worker
from skxrd.cli._tables import Columns, read_structures
from skxrd.exceptions import InvalidStructureError
from skxrd.grid import TwoThetaGrid
from skxrd.simulation import PatternSimulator, SimulatedPatterns
from skxrd.simulation._lines._wavelengths import emission_lines

__all__ = ["run_simulator", "simulate"]


def simulate(args: argparse.Namespace) -> None:
    """Run the subcommand.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments as the parser returns them.
    """
    out = args.out
    if out.suffix.lower() not in ("", ".npz", ".csv"):
        raise argparse.ArgumentError(
            None, f"--out needs a file .npz or .csv, or a folder without a dot, got {out}."
        )
    if not out.parent.is_dir():
        raise NotADirectoryError(f"--out: there is no folder {out.parent}.")
    to_folder = not out.suffix
    if to_folder and args.on_error == "skip":
        raise argparse.ArgumentError(
            None, "--on-error skip does not go with a folder, whose rows stay aligned; take nan."
        )
    simulator = _make_simulator(args)
    table = read_structures(args.structures, Columns(args.id_column, args.structure_column))
    try:
        simulated = run_simulator(simulator, table, out if to_folder else None)
    except KeyboardInterrupt as stop:
        if not to_folder:
            raise
        raise KeyboardInterrupt(
            f"interrupted; the same command goes on with what lies in {out}.unfinished"
        ) from stop
    if not to_folder:
        _write(out, simulator, simulated)

    n_failed = len(simulated.failures)
    failed = f"; {n_failed} gave none" if n_failed else ""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"Patterns of {len(table) - n_failed} structures in {out}{failed}.")


def _make_simulator(args: argparse.Namespace) -> PatternSimulator:
    try:
        preset = PatternSimulator.from_preset(args.preset) if args.preset else PatternSimulator()
        usual = preset.grid or TwoThetaGrid()
        grid = TwoThetaGrid(
            usual.start if args.start is None else args.start,
            usual.stop if args.stop is None else args.stop,
            usual.n_points if args.points is None else args.points,
        )
        return preset.set_params(
            grid=grid,
            wavelength=args.wavelength,
            fwhm=args.fwhm,
            on_error=args.on_error,
            n_jobs=args.jobs or joblib.cpu_count(),
            verbose=1,
        ).fit()
    except ValueError as error:  # nothing but the parameters has been looked at
        raise argparse.ArgumentError(None, str(error)) from error


def run_simulator(
    simulator: PatternSimulator, table: pd.DataFrame, folder: Path | None = None
) -> SimulatedPatterns:
    """Simulate the patterns of a table of structures.

    Parameters
    ----------
    simulator : PatternSimulator
        Simulator with its parameters.
    table : DataFrame with the columns "id" and "structure"
        Structures.
    folder : Path, default=None
        Folder for more patterns than fit into memory.

    Returns
    -------
    SimulatedPatterns
        What the simulator returns.

    Raises
    ------
    InvalidStructureError
        If not one structure gives a pattern.
    """
    with joblib.parallel_config("loky", initializer=show_warnings_of_worker):
        structures, ids = table["structure"].tolist(), table["id"].tolist()
        if folder is None:
            simulated = simulator.simulate(structures, ids=ids)
        else:
            simulated = simulator.simulate_to_disk(structures, folder, ids=ids)
    failures = simulated.failures
    if len(failures) == len(table):
        raise InvalidStructureError(
            f"None of the {len(table)} structures gave a pattern; the first: "
            f"{failures['reason'].iloc[0]}"
        )
    return simulated


def _write(out: Path, simulator: PatternSimulator, simulated: SimulatedPatterns) -> None:
    patterns = simulated.patterns
    with complete_file(out) as file:
        if out.suffix.lower() == ".csv":
            frame = pd.DataFrame(patterns, columns=simulator.get_feature_names_out())
            frame.insert(0, "formula", simulated.formulas)
            frame.insert(0, "id", simulated.ids)
            frame.to_csv(file, index=False)
            return
        assert simulator.grid is not None
        np.savez_compressed(
            file,
            patterns=patterns,
            ids=np.array(simulated.ids, dtype=str),
            formulas=np.array(simulated.formulas, dtype=str),
            two_theta=simulator.grid.two_theta,
            wavelength=next(iter(emission_lines(simulator.wavelength))),
        )
