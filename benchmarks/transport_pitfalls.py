"""Where other analyses of trajectories go wrong, next to ours, on data whose answer is known.

    OMP_NUM_THREADS=1 python benchmarks/transport_pitfalls.py

The peer is pymatgen-analysis-diffusion (extra `dev`). How often its intervals hold the truth is
counted by `transport_coverage.py`.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version

import numpy as np
from pymatgen.core import Composition, Lattice, Structure

from skxrd.transport import IonTrajectory, MigrationDensity, VanHove, nernst_einstein_conductivity

CELL = 9.857  # angstrom, Li6PS5Cl
TIMES = (0, 29, 59, 88)  # ps


def ideal_gas(n_frames: int, edge: float, time_step: float, seed: int) -> IonTrajectory:
    """24 ions with 1e-4 cm2/s that do not see each other, and one at rest."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, np.sqrt(2 * 1.0 * time_step / 1000) / edge, size=(n_frames, 24, 3))
    positions = rng.random((24, 3)) + np.cumsum(moves, axis=0)
    positions = np.concatenate([positions, np.zeros((n_frames, 1, 3))], axis=1)
    return IonTrajectory(
        positions, edge * np.eye(3), ["Li"] * 24 + ["S"], time_step=time_step, is_unwrapped=True
    )


def van_hove() -> None:
    from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

    gas = ideal_gas(600, CELL, 400.0, seed=1)
    ours = VanHove(lag_times=TIMES, n_origins=250).fit(gas)
    analyzer = DiffusionAnalyzer(
        gas.structure(),
        gas.displacements().transpose(1, 0, 2),
        "Li",
        900,
        2,
        200,
        smoothed=False,
        min_obs=2,
    )
    peer = VanHoveAnalysis(
        analyzer, avg_nsteps=15, ngrid=101, rmax=10, step_skip=73, species=["Li"]
    )

    def far(r: np.ndarray, values: np.ndarray) -> str:
        means = values[: len(TIMES), (r > 4) & (r < 9.5)].mean(axis=1)
        return ", ".join(f"{mean:.2f}" for mean in means)

    found = far(ours.r_, ours.distinct_)
    print(
        f"| distinct van Hove function of an ideal gas at {', '.join(map(str, TIMES))} ps "
        f"| 1 | {far(np.asarray(peer.interval), np.asarray(peer.gdrt))} | {found} |"
    )


def density() -> None:
    from pymatgen.analysis.diffusion.aimd.pathway import ProbabilityDensityAnalysis

    positions = np.random.default_rng(2).random((20000, 24, 3))  # independent of each other
    gas = IonTrajectory(positions, 10 * np.eye(3), ["Li"] * 24, time_step=20.0, is_unwrapped=True)
    ours = MigrationDensity(spacing=0.3, drift=None).fit(gas)
    peer = ProbabilityDensityAnalysis(gas.structure(), gas.positions, 0.3, ["Li"])

    def planes(values: np.ndarray) -> str:
        mean = values.mean(axis=(1, 2)) / values.mean()
        return f"{mean.min():.2f} to {mean.max():.2f}"

    print(
        "| layers of the density of an ideal gas, relative to their mean, in a cell that is no "
        f"multiple of the voxel | 1 | {planes(np.asarray(peer.Pr))} | {planes(ours.density_)} |"
    )


def charges() -> None:
    from pymatgen.analysis.diffusion.analyzer import get_conversion_factor

    wrong = []
    for symbol, charge in {"Al": 3, "Zn": 2, "Cu": 1, "Ag": 1, "F": -1, "Cl": -1, "O": -2}.items():
        cell = Structure(Lattice.cubic(10), [symbol], [[0, 0, 0]])
        truth = 1000 * nernst_einstein_conductivity(
            1.0, n_ions=1, volume=1000.0, temperature=300.0, charge=charge
        )
        ratio = get_conversion_factor(cell, symbol, 300) / truth
        if abs(ratio - 1) > 1e-3:
            wrong.append(f"{symbol} {ratio:.2g}")
    print(f"| conductivity over the truth where the charge is guessed | 1 | {', '.join(wrong)} | |")


def charged_symbol() -> None:
    from pymatgen.analysis.diffusion.analyzer import get_conversion_factor

    cell = Structure(Lattice.cubic(10), ["Li"], [[0, 0, 0]])
    assert cell.composition == Composition("Li")
    found = get_conversion_factor(cell, "Li+", 300)
    print(f'| conductivity of lithium that is called "Li+" | an error | {found:g} | an error |')


def main() -> None:
    print(f"pymatgen-analysis-diffusion {version('pymatgen-analysis-diffusion')}\n")
    print("| what | truth | peer | skxrd |\n|---|---|---|---|")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's
        for part in (van_hove, density, charges, charged_symbol):
            part()


if __name__ == "__main__":
    main()
