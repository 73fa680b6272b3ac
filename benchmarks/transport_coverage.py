"""How often 95 % intervals of diffusivities hold the truth, ours and a peer's, on the hop model.

`skxrd.transport.make_hopping_trajectory` makes runs of 24 ions and 2,000 frames, 20 fs apart, whose
diffusivities are known: many hops, few hops, and ions that share a common motion. Each seed is
analyzed by `DiffusionEstimator` and by pymatgen-analysis-diffusion (its default, smoothed="max",
whose interval is the value and 1.96 of its standard deviations), which are given the same
displacements. Errors are relative to the truth: bias, root mean square error, and the one that is
claimed (root mean square). The coverage comes with its binomial 95 % interval (Wilson).

    python benchmarks/transport_coverage.py [--seeds 200]
"""

from __future__ import annotations

import argparse
import warnings
from typing import NamedTuple

import numpy as np
from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
from scipy.stats import binomtest

from skxrd.transport import DiffusionEstimator, IonTrajectory, make_hopping_trajectory

N_IONS, N_FRAMES, TIME_STEP = 24, 2000, 20.0
MODELS = {
    "192 hops": {"hop_rate": 0.2},
    "19 hops": {"hop_rate": 0.02},
    "64 hops and a common walk": {"hop_rate": 0.0666667, "common_diffusivity": 2e-6},
}


class Result(NamedTuple):
    """Value, claimed error and interval in cm2/s."""

    value: float
    error: float
    low: float
    high: float


def ours(trajectory: IonTrajectory) -> dict[tuple[str, str], Result]:
    fit = DiffusionEstimator().fit(trajectory)
    blocks = DiffusionEstimator(error="blocks").fit(trajectory)
    return {
        ("tracer", "ours"): Result(
            fit.diffusivity_, fit.diffusivity_error_, *fit.diffusivity_interval_
        ),
        ("tracer", "ours, blocks of time"): Result(
            blocks.diffusivity_, blocks.diffusivity_error_, *blocks.diffusivity_interval_
        ),
        ("charge", "ours"): Result(
            fit.charge_diffusivity_,
            fit.charge_diffusivity_error_,
            *fit.charge_diffusivity_interval_,
        ),
    }


def peer(trajectory: IonTrajectory) -> dict[tuple[str, str], Result]:
    held = trajectory.drift_corrected("framework", species="Li")
    analyzer = DiffusionAnalyzer(
        trajectory.structure(),
        np.moveaxis(held.displacements(), 0, 1),
        "Li",
        trajectory.temperature,
        time_step=TIME_STEP,
        step_skip=1,
        smoothed="max",
    )
    pairs = {
        "tracer": (analyzer.diffusivity, analyzer.diffusivity_std_dev),
        "charge": (analyzer.chg_diffusivity, analyzer.chg_diffusivity_std_dev),
    }
    return {
        (kind, "pymatgen-analysis-diffusion"): Result(
            value, error, value - 1.96 * error, value + 1.96 * error
        )
        for kind, (value, error) in pairs.items()
    }


def truths(hop_rate: float, common_diffusivity: float = 0.0) -> dict[str, float]:
    single = hop_rate * 3.0**2 / 6 * 1e-4
    return {
        "tracer": single + common_diffusivity,
        "charge": single + N_IONS * common_diffusivity,
    }


def table(model: str, n_seeds: int) -> list[str]:
    results: dict[tuple[str, str], list[Result]] = {}
    for seed in range(n_seeds):
        trajectory = make_hopping_trajectory(
            N_IONS, N_FRAMES, time_step=TIME_STEP, random_state=seed, **MODELS[model]
        )
        for key, result in {**ours(trajectory), **peer(trajectory)}.items():
            results.setdefault(key, []).append(result)
    lines = []
    for (kind, name), found in sorted(results.items(), reverse=True):
        truth = truths(**MODELS[model])[kind]
        value, error, low, high = np.array(found).T
        n_held = int(np.count_nonzero((low <= truth) & (truth <= high)))
        first, last = binomtest(n_held, n_seeds).proportion_ci(method="wilson")
        lines.append(
            f"| {model} | {kind} | {name} | {value.mean() / truth - 1:+.3f} "
            f"| {np.sqrt(np.square(value / truth - 1).mean()):.3f} "
            f"| {np.sqrt(np.square(error / truth).mean()):.2g} "
            f"| {n_held / n_seeds:.2f} ({first:.2f} to {last:.2f}) |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="runs of each model")
    n_seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")  # few hops are what is asked for, and the peer's own
    print(f"{n_seeds} seeds, {N_IONS} ions, {N_FRAMES} frames, {TIME_STEP:g} fs apart")
    print("| model | diffusivity | analysis | bias | error | claimed | coverage |")
    print("|---|---|---|---|---|---|---|")
    for model in MODELS:
        for line in table(model, n_seeds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
