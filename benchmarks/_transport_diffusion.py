"""Mean squared displacement and diffusivity against pymatgen-analysis-diffusion and kinisi.

200 ions (100 of them mobile) and 5,000 frames. All get arrays that lie in memory, so that no reader
counts; kinisi computes 100 lags, since all of them would take it hours.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skxrd.transport import (
    DiffusionEstimator,
    IonTrajectory,
    make_hopping_trajectory,
    mean_squared_displacement,
)

N_IONS, N_FRAMES, TIME_STEP, N_LAGS = 100, 5000, 20.0, 100
ROUNDS = 3


class Row(NamedTuple):
    """One comparison: CPU seconds of both sides, the least of some rounds."""

    task: str
    ours: float
    peer: float
    remark: str


def cpu_seconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def msd_row(trajectory: IonTrajectory) -> Row:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

    structure = trajectory.structure()
    displacements = trajectory.drift_corrected("framework", species="Li").displacements()
    theirs = np.ascontiguousarray(np.moveaxis(displacements, 0, 1))
    mobile = displacements[:, trajectory.indices("Li")]

    def ours() -> None:
        mean_squared_displacement(mobile)
        mean_squared_displacement(mobile, collective=True)

    def peer() -> None:
        DiffusionAnalyzer(structure, theirs, "Li", 600.0, time_step=TIME_STEP, step_skip=1)

    return Row(
        "mean squared displacement, single and collective",
        cpu_seconds(ours),
        cpu_seconds(peer),
        f"{N_IONS} mobile ions, {N_FRAMES} frames, against pymatgen-analysis-diffusion",
    )


def diffusivity_row(trajectory: IonTrajectory) -> Row:
    import scipp as sc
    from kinisi.diffusion_analyzer import DiffusionAnalyzer
    from kinisi.displacement import calculate_msd
    from kinisi.parser import Parser

    framework = np.flatnonzero(trajectory.species != "Li")
    cells = np.broadcast_to(trajectory.lattice, (N_FRAMES, 3, 3))
    lags = np.linspace(1, N_FRAMES // 10, N_LAGS).astype(int) * TIME_STEP

    def peer() -> None:
        parser = Parser(
            sc.array(dims=["time", "particle", "dimension"], values=trajectory.positions),
            sc.array(
                dims=["time", "dimension1", "dimension2"], values=cells, unit=sc.units.angstrom
            ),
            TIME_STEP * sc.Unit("fs"),
            1 * sc.units.dimensionless,
            dt=sc.array(dims=["time interval"], values=lags, unit="fs"),
            specie_indices=sc.array(dims=["particle"], values=trajectory.indices("Li")),
            drift_indices=sc.array(dims=["particle"], values=framework),
        )
        analyzer = DiffusionAnalyzer(parser)
        analyzer._dg = calculate_msd(parser, progress=False)  # as its constructors for files do
        analyzer.diffusion(500.0 * sc.Unit("fs"), progress=False)

    return Row(
        "diffusivity with interval",
        cpu_seconds(lambda: DiffusionEstimator().fit(trajectory)),
        cpu_seconds(peer, rounds=1),
        f"{2 * N_IONS} ions, {N_FRAMES} frames, against kinisi with {N_LAGS} lags",
    )


def rows() -> list[Row]:
    trajectory = make_hopping_trajectory(N_IONS, N_FRAMES, n_framework=N_IONS, random_state=0)
    # scikit-learn imports and the masses of pymatgen are loaded once, before the clock starts.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers', and of so short a run
        DiffusionEstimator().fit(trajectory[:100])
        return [msd_row(trajectory), diffusivity_row(trajectory)]


if __name__ == "__main__":
    for row in rows():
        print(
            f"{row.task}: {row.ours:.3g} s against {row.peer:.3g} s, {row.peer / row.ours:.1f} "
            f"times ({row.remark})"
        )
