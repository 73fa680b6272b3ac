"""Simulations at all temperatures, side by side; one that fails does not stop the others."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.parallel import delayed

from skxrd._parallel import as_they_come
from skxrd.exceptions import TrajectoryError
from skxrd.transport._md._schedule import Schedule
from skxrd.transport._md._shown import steps_shown
from skxrd.transport._md._simulation import finished_steps, simulate
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

if TYPE_CHECKING:
    from skxrd.transport._md._mlip_md import MLIPMD

__all__ = ["SimulationError", "simulate_all"]


class SimulationError(TrajectoryError):
    """Simulations at some temperatures failed; `trajectories` holds the others."""

    def __init__(
        self, message: str, trajectories: dict[float, IonTrajectory] | None = None
    ) -> None:
        super().__init__(message)
        self.trajectories = trajectories or {}


def simulate_all(
    atoms: Any,
    schedules: dict[float, Schedule],
    md: MLIPMD,
    *,
    seed: int,
    folder: Path | None,
) -> dict[float, IonTrajectory]:
    """Simulate at each temperature.

    Parameters
    ----------
    atoms : ase.Atoms
        Where the atoms start; not changed.
    schedules : dict of float to Schedule
        How long and how hot, by temperature in K.
    md : MLIPMD
        Its calculator, and how to go about it.
    seed : int
        Seed of all temperatures.
    folder : Path or None
        Folder of checkpoints and of the finished trajectories.

    Returns
    -------
    dict of float to IonTrajectory
        Trajectories by temperature in K.

    Raises
    ------
    SimulationError
        If atoms fly apart at some of the temperatures; all the others have finished.
    """
    checkpoints = {
        kelvin: folder / f"{_name(kelvin)}.checkpoint" if folder else None for kelvin in schedules
    }
    results: dict[float, IonTrajectory] = {}
    failures: dict[float, TrajectoryError] = {}
    with ExitStack() as stack:
        steps_files: dict[float, Path] = {}
        if md.progress:
            steps_files = _steps_files(
                Path(stack.enter_context(tempfile.TemporaryDirectory())), schedules, checkpoints
            )
            total = sum(schedule.n_steps for schedule in schedules.values())
            stack.enter_context(steps_shown(list(steps_files.values()), total))
        tasks = (
            delayed(simulate)(
                atoms,
                md.calculator,
                schedule,
                seed=seed,
                n_threads=md.n_threads,
                folder=checkpoints[kelvin],
                steps_file=steps_files.get(kelvin),
                caller=os.getpid(),
            )
            for kelvin, schedule in schedules.items()
        )
        found = stack.enter_context(closing(as_they_come(tasks, md.n_jobs)))
        for kelvin, positions in zip(schedules, found, strict=True):
            if isinstance(positions, TrajectoryError):
                failures[kelvin] = positions
                continue
            results[kelvin] = IonTrajectory(
                positions @ np.linalg.inv(atoms.cell.array),
                atoms.cell.array,
                atoms.get_chemical_symbols(),
                time_step=md.sample_interval,
                temperature=kelvin,
                is_unwrapped=True,
            )
            if folder:
                results[kelvin].save(folder / f"{_name(kelvin)}.npz")
    if failures:
        raise _error(failures, results, folder) from next(iter(failures.values()))
    return results


def _steps_files(
    shown: Path, schedules: dict[float, Schedule], checkpoints: dict[float, Path | None]
) -> dict[float, Path]:
    """Make a file for each temperature with the steps that earlier runs have finished.

    The bar begins with them: they say nothing of the time that the others will take.
    """
    files = {}
    for kelvin, schedule in schedules.items():
        checkpoint = checkpoints[kelvin]
        done = finished_steps(checkpoint, schedule) if checkpoint else 0
        files[kelvin] = shown / _name(kelvin)
        np.array([done], dtype=np.int64).tofile(files[kelvin])
    return files


def _error(
    failures: dict[float, TrajectoryError],
    results: dict[float, IonTrajectory],
    folder: Path | None,
) -> SimulationError:
    reasons = " ".join(f"{kelvin:g} K: {error}" for kelvin, error in failures.items())
    message = f"{len(failures)} of {len(failures) + len(results)} simulations failed. {reasons}"
    if results:
        where = f" {folder} and in" if folder else ""
        message += (
            f" Those that finished ({', '.join(f'{kelvin:g}' for kelvin in results)} K) are in"
            f"{where} `trajectories` of this error."
        )
    return SimulationError(message, results)


def _name(kelvin: float) -> str:
    return f"{kelvin:g}K"
