"""Mean squared displacement and diffusivity against pymatgen-analysis-diffusion and kinisi.

200 ions (100 of them mobile) and 5,000 frames. All get arrays that lie in memory, so that no reader
counts; kinisi computes 100 lags, since all of them would take it hours.
"""

from __future__ import annotations

import warnings

import numpy as np
from _transport_common import Row, cpu_seconds

from skxrd.transport import (
    DiffusionEstimator,
    IonTrajectory,
    make_hopping_trajectory,
    mean_squared_displacement,
)

N_IONS, N_FRAMES, TIME_STEP, N_LAGS = 100, 5000, 20.0, 100
ROUNDS = 3


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
        "pymatgen-analysis-diffusion",
        cpu_seconds(ours, ROUNDS),
        cpu_seconds(peer, ROUNDS),
        f"{N_IONS} mobile ions, {N_FRAMES} frames",
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
        "kinisi",
        cpu_seconds(lambda: DiffusionEstimator().fit(trajectory), ROUNDS),
        cpu_seconds(peer),
        f"{2 * N_IONS} ions, {N_FRAMES} frames, {N_LAGS} lags of kinisi",
    )


def rows() -> list[Row]:
    trajectory = make_hopping_trajectory(N_IONS, N_FRAMES, n_framework=N_IONS, random_state=0)
    # scikit-learn imports and the masses of pymatgen are loaded once, before the clock starts.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers', and of so short a run
        DiffusionEstimator().fit(trajectory[:100])
        return [msd_row(trajectory), diffusivity_row(trajectory)]
