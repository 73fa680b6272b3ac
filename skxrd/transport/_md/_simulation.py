"""One simulation at one temperature: heating, equilibration, production."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd._threads import limited_threads
from skxrd.exceptions import TrajectoryError
from skxrd.transport._md._calculators import make_calculator
from skxrd.transport._md._checkpoint import Checkpoint
from skxrd.transport._md._schedule import Schedule
from skxrd.transport._md._thermostat import Thermostat

__all__ = ["SEGMENT", "finished_steps", "simulate"]

# Steps between two checkpoints, a minute for 50 atoms with CHGNet. At each of them the calculator
# is made anew, also where nothing is written: one that remembers, such as a list of neighbors with
# a margin, sums in another order, and a simulation that goes on would not be the same.
SEGMENT = 250
_TOO_HOT = 10_000.0  # K; an unrelaxed structure may well begin hotter than its thermostat
# joblib's workers outlive a parent that is killed. Who the parent was is known at the import only:
# tasks that wait in a queue are begun after its death.
_PARENT = os.getppid()


def simulate(
    atoms: Any,
    calculator: Any,
    schedule: Schedule,
    *,
    seed: int,
    n_threads: int,
    folder: Path | None,
    steps_file: Path | None,
    caller: int,
) -> NDArray[np.float64] | TrajectoryError:
    """Simulate, or go on with a simulation.

    Parameters
    ----------
    atoms : ase.Atoms
        Where the atoms start; not changed.
    calculator : str, ASE calculator, or callable returning one
        Forces.
    schedule : Schedule
        How long and how hot.
    seed : int
        Seed of all temperatures; each makes its own random numbers of it.
    n_threads : int
        Number of threads.
    folder : Path or None
        Folder of the checkpoints.
    steps_file : Path or None
        File of one int64 into which the number of finished steps is written for others to read.
    caller : int
        Number of the process that asks for the simulation; a worker stops when it is gone.

    Returns
    -------
    ndarray of shape (n_frames, n_ions, 3) or TrajectoryError
        Cartesian positions in angstrom, not wrapped into the cell; the error if atoms fly apart. It
        is not raised, which would stop the simulations at other temperatures.

    Raises
    ------
    FileFormatError
        If another process is simulating in the folder, or frames are missing there.
    RuntimeError
        If the process that asked is gone; nobody reads it.
    """
    atoms = atoms.copy()
    checkpoint = Checkpoint(folder, len(atoms)) if folder else None
    counter = np.memmap(steps_file, dtype=np.int64, mode="r+") if steps_file else None

    def watch(step: int) -> None:
        if counter is not None:
            counter[0] = step
        if _PARENT == caller != os.getppid():
            raise RuntimeError(f"the process {caller}, which asked for this simulation, is gone.")

    with checkpoint.locked() if checkpoint else nullcontext():
        state = checkpoint.load() if checkpoint else None
        done = _done(state, schedule)
        if state is None:
            state = _first_state(atoms, schedule, seed)
        frames: list[NDArray[np.float64]] = []
        while done < schedule.n_steps:
            end = min(done - done % SEGMENT + SEGMENT, schedule.n_steps)
            try:
                new, after = _run_segment(
                    atoms, calculator, schedule, state, done, end, n_threads, watch
                )
            except TrajectoryError as error:
                return error
            if end % SEGMENT == 0:
                state = {**after, "step": end}
            # Otherwise a longer simulation goes on from the start of this segment: a calculator
            # made anew in the middle is none that one without a break would have.
            if checkpoint:
                checkpoint.save(new, state, reached=end)
            else:
                frames += new
            done = end
        return checkpoint.frames(schedule.n_frames) if checkpoint else np.array(frames)


def finished_steps(folder: Path, schedule: Schedule) -> int:
    """Tell how many steps of a simulation need not be computed again."""
    return _done(Checkpoint(folder, 0).load(), schedule)


def _done(state: dict[str, Any] | None, schedule: Schedule) -> int:
    if state is None:
        return 0
    step = int(state["step"])
    return schedule.n_steps if int(state.get("reached", step)) >= schedule.n_steps else step


def _first_state(atoms: Any, schedule: Schedule, seed: int) -> dict[str, Any]:
    """Draw velocities from the Maxwell-Boltzmann distribution, without any of the whole cell."""
    from ase.units import kB

    rng = _generator(schedule, seed)
    masses = atoms.get_masses()[:, None]
    momenta = rng.normal(
        scale=np.sqrt(masses * kB * schedule.start_temperature), size=(len(atoms), 3)
    )
    momenta -= masses / masses.sum() * momenta.sum(axis=0)
    atoms.set_momenta(momenta)
    return {**_thermostat(atoms, schedule, rng).state(), "step": 0}


def _generator(schedule: Schedule, seed: int) -> np.random.Generator:
    """Make the random numbers of a temperature, whatever other temperatures there are."""
    millikelvin = round(1000 * schedule.temperature)
    return np.random.default_rng(np.random.SeedSequence([seed, millikelvin]))


def _thermostat(atoms: Any, schedule: Schedule, rng: np.random.Generator) -> Thermostat:
    return Thermostat(
        atoms,
        schedule.thermostat,
        time_step=schedule.time_step,
        damping=schedule.damping,
        rng=rng,
    )


def _run_segment(
    atoms: Any,
    calculator: Any,
    schedule: Schedule,
    state: dict[str, Any],
    start: int,
    end: int,
    n_threads: int,
    watch: Callable[[int], None],
) -> tuple[list[NDArray[np.float64]], dict[str, Any]]:
    """Simulate from one checkpoint to the next; return frames and state."""
    atoms = atoms.copy()
    atoms.calc = make_calculator(calculator)
    thermostat = _thermostat(atoms, schedule, np.random.default_rng(0))
    thermostat.set_state(state)
    frames = []
    with limited_threads(n_threads):
        if start == 0 and schedule.has_frame(0):
            frames.append(atoms.get_positions())
        for step in range(start, end):
            thermostat.step(schedule.target(step))
            _check_stability(thermostat, schedule, step + 1)
            if schedule.has_frame(step + 1):
                frames.append(atoms.get_positions())
            watch(step + 1)
    return frames, thermostat.state()


def _check_stability(thermostat: Thermostat, schedule: Schedule, step: int) -> None:
    found = thermostat.temperature()
    # not ">": a temperature that is no number is no smaller either
    if not found < max(_TOO_HOT, 10 * schedule.temperature):
        raise TrajectoryError(
            f"the simulation has blown up in step {step}: atoms move as at {found:.3g} K. Use a "
            "shorter time_step, or look at the structure: atoms may be too close to each other."
        )
