"""Van Hove functions and densities against pymatgen-analysis-diffusion, in CPU seconds.

The peer loops over pairs of ions and their 27 images in Python: 100 times with 50 origins each, its
defaults for a run of 5,000 frames, take it about half an hour with 100 mobile ions. Both sides get
3 times with 20 origins here, and 120 frames of the density. They do the same work: as many origins,
times, bins and voxels.
"""

from __future__ import annotations

import warnings

import numpy as np
from _transport_common import Row, cpu_seconds

from skxrd.transport import IonTrajectory, MigrationDensity, VanHove

N_IONS, LENGTH, TIME_STEP = 100, 16.0, 20.0
N_LAGS, LAG_FRAMES, N_ORIGINS = 3, 50, 20
N_FRAMES = (N_LAGS - 1) * LAG_FRAMES + N_ORIGINS
SPACING = 0.3
ROUNDS = 3


def random_walk() -> IonTrajectory:
    """Ions with 1e-5 cm2/s, and as many at rest."""
    rng = np.random.default_rng(0)
    step = np.sqrt(2 * 0.1 * TIME_STEP / 1000) / LENGTH
    moves = np.cumsum(rng.normal(0, step, size=(N_FRAMES, N_IONS, 3)), axis=0)
    rest = np.broadcast_to(rng.random((N_IONS, 3)), moves.shape)
    return IonTrajectory(
        np.concatenate([rng.random((N_IONS, 3)) + moves, rest], axis=1),
        LENGTH * np.eye(3),
        ["Li"] * N_IONS + ["S"] * N_IONS,
        time_step=TIME_STEP,
        temperature=900.0,
        is_unwrapped=True,
    )


def van_hove_row(trajectory: IonTrajectory) -> Row:
    from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

    analyzer = DiffusionAnalyzer(
        trajectory.structure(),
        trajectory.displacements().transpose(1, 0, 2),
        "Li",
        trajectory.temperature,
        2.0,
        TIME_STEP / 2,
        smoothed=False,
        min_obs=2,
    )
    lags = np.arange(N_LAGS) * LAG_FRAMES * TIME_STEP / 1000
    van_hove = VanHove(lag_times=lags, r_max=10.0, spacing=0.1, n_origins=N_ORIGINS)
    options = {"avg_nsteps": N_ORIGINS, "step_skip": LAG_FRAMES, "rmax": 10.0, "species": ["Li"]}
    return Row(
        "van Hove, self and distinct",
        "pymatgen-analysis-diffusion",
        cpu_seconds(lambda: van_hove.fit(trajectory), ROUNDS),
        cpu_seconds(lambda: VanHoveAnalysis(analyzer, **options)),
        f"{N_IONS} ions, {N_LAGS} times, {N_ORIGINS} origins, 10 Å",
    )


def density_row(trajectory: IonTrajectory) -> Row:
    from pymatgen.analysis.diffusion.aimd.pathway import ProbabilityDensityAnalysis

    structure = trajectory.structure()
    density = MigrationDensity(spacing=SPACING, drift=None)
    return Row(
        "migration density",
        "pymatgen-analysis-diffusion",
        cpu_seconds(lambda: density.fit(trajectory), ROUNDS),
        cpu_seconds(
            lambda: ProbabilityDensityAnalysis(structure, trajectory.positions, SPACING, ["Li"])
        ),
        f"{N_IONS * N_FRAMES:,} positions, voxels of {SPACING} Å",
    )


def rows() -> list[Row]:
    trajectory = random_walk()
    # scikit-learn imports and the tables of pymatgen are loaded once, before the clock starts.
    VanHove(lag_times=[0], n_origins=1).fit(trajectory)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's
        return [van_hove_row(trajectory), density_row(trajectory)]
