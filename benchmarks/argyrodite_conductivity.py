"""Li6PS5Cl from a structure to its conductivity at 300 K, by molecular dynamics with CHGNet.

    python benchmarks/argyrodite_conductivity.py [--folder DIR] [--jobs 2] [--production 12]

Temperatures at which the framework does not hold (`FrameworkCheck`) are shown and left out of the
extrapolation. What lies in the folder is not computed again: a run that was killed goes on, and a
longer `--production` adds to a finished one. `--bundle FILE` writes every second frame in the form
of `skxrd.datasets.load_argyrodite_trajectories`.

A picosecond takes about two minutes on one core, for one temperature.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
from _argyrodite import ordered_argyrodite
from joblib.externals.loky import get_reusable_executor

from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import TransportWarning
from skxrd.transport import (
    MLIPMD,
    ConductivityResult,
    ConductivityScreener,
    IonTrajectory,
)

TEMPERATURES = (600, 1200, 750, 950, 450)
BUNDLED, STRIDE = (450, 600, 750, 950), 2  # temperatures and frames of the bundled file


def simulate(folder: Path, production: float, n_jobs: int) -> dict[float, IonTrajectory]:
    """Run what is missing; print how long that took."""
    md = MLIPMD(
        "chgnet",
        temperatures=TEMPERATURES,
        heating_time=1.0,
        equilibration_time=1.0,
        production_time=production,
        n_jobs=n_jobs,
        random_state=0,
        checkpoint_folder=folder,
        progress=True,
    )
    start, before = time.perf_counter(), os.times()
    trajectories = md.run(ordered_argyrodite())
    get_reusable_executor().shutdown(wait=True)  # times of workers are known when they have ended
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(f"molecular dynamics: {time.perf_counter() - start:.0f} s, {cpu:.0f} s of processors")
    return dict(sorted(trajectories.items()))


def table(result: ConductivityResult) -> None:
    """Print a row per temperature."""
    print(
        "\n| T (K) | D (1e-5 cm2/s) | charge D (1e-5 cm2/s) | Haven ratio | hops "
        "| framework: largest Lindemann ratio, lost bonds |\n|---|---|---|---|---|---|"
    )
    for kelvin, run in result.diffusions.items():
        check = result.frameworks[kelvin]
        low, high = 1e5 * run.charge_diffusivity_interval_
        held = "" if check.is_stable_ else ", **not held**"
        print(
            f"| {kelvin:g} | {1e5 * run.diffusivity_:.2f} ± {1e5 * run.diffusivity_error_:.2f} "
            f"| {1e5 * run.charge_diffusivity_:.1f} ({low:.1f} to {high:.1f}) "
            f"| {run.haven_ratio_:.2f} | {run.n_hops_:.0f} "
            f"| {check.lindemann_ratio_:.2f}, {100 * check.lost_bonds_:.1f} %{held} |"
        )


def extrapolation(result: ConductivityResult, name: str) -> None:
    """Print activation energy and conductivity at 300 K."""
    model, (low, high) = result.arrhenius, result.conductivity_interval
    e_low, e_high = model.activation_energy_interval_
    print(
        f"{name} ({', '.join(f'{t:g}' for t in result.used)} K): "
        f"Ea = {model.activation_energy_:.3f} eV ({e_low:.3f} to {e_high:.3f}), "
        f"sigma(300 K) = {result.conductivity:.2g} S/cm ({low:.2g} to {high:.2g}; "
        f"{np.log10(high / low):.2f} orders of magnitude)"
    )


def bundle(path: Path, trajectories: dict[float, IonTrajectory]) -> None:
    """Write positions as 16-bit numbers."""
    start = ordered_argyrodite()
    first = next(iter(trajectories.values()))
    positions = {
        f"positions_{kelvin:g}K": np.round(run.positions[::STRIDE] * 2**16)
        .astype(np.int64)
        .astype(np.uint16)
        for kelvin, run in trajectories.items()
        if kelvin in BUNDLED
    }
    np.savez_compressed(
        path,
        lattice=first.lattice,
        species=first.species,
        structure=start.frac_coords,
        time_step=first.time_step * STRIDE,
        temperatures=np.array(BUNDLED, dtype=float),
        **positions,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("argyrodite-md"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--production", type=float, default=12.0, help="ps at each temperature")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    trajectories = simulate(args.folder, args.production, args.jobs)
    if args.bundle:
        bundle(args.bundle, trajectories)
    warnings.simplefilter("ignore", TransportWarning)  # the table says the same
    structure = ordered_argyrodite()
    result = ConductivityScreener().analyze(trajectories, structure)
    table(result)
    print()
    extrapolation(result, "framework held")
    if result.left_out:
        kept = ConductivityScreener(unstable="keep").analyze(trajectories, structure)
        extrapolation(kept, "all")
    bundled = load_lithium_conductors().frame.set_index("id")
    print(f"measured: {bundled.loc['Li6PS5Cl-216', 'conductivity']:.2g} S/cm near 25 degrees")


if __name__ == "__main__":
    main()
