"""How fast augmentations are: against the paper's loops, and as a part of a training step.

A batch is that of a training step: 96 stick patterns of 4,501 points with as many lines as real
ones. The paper's code augments row by row, in Python loops over the bins (`_peer_step.py` says what
of it was replicated); ours is one call for the batch. Both are measured in turn on one thread, in
CPU time, and ratios are printed as median (lowest to highest) over the rounds.

The second table is the part that augmentation has in a step of the default recipe: 32 labeled and
96 unlabeled rows weakly, 96 strongly augmented, against everything else of the step (rendering,
forward and backward pass, optimizer), on the grid of the paper and on one of 0.1 degrees; in wall
time, so nothing else should run.

    python benchmarks/augmentation.py [--rounds 7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _peer_step import loop_over_bins
from _speed_common import N_LABELED, N_UNLABELED, chain, fit_step, in_turn, patterns, spread, text
from torch import Tensor

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import BaseAugmentation, PeakShift, physical_augmentation
from skxrd.datasets import make_patterns
from skxrd.testing import all_estimators

LOOPS = {"weak": "paper, weak: loops over bins", "strong": "paper, strong: loops over bins"}
N_CALLS = 20  # of a batched kernel per round: one is too short to be measured
N_STEPS = 6
GRIDS = [TwoThetaGrid(0, 90, 4501), TwoThetaGrid(0, 90, 901)]


def seconds_per_call(
    function: Callable[[], Any], n_calls: int, clock: Callable[[], float]
) -> float:
    start = clock()
    for _ in range(n_calls):
        function()
    return (clock() - start) / n_calls


def preset(strength: str, measured: bool, grid: TwoThetaGrid) -> Any:
    return physical_augmentation(strength, measured=measured, grid=grid)


def candidates() -> dict[str, Any]:
    found = [cls for _, cls in all_estimators() if issubclass(cls, BaseAugmentation)]
    presets = {
        f"physical_augmentation: {strength}{', measured' * measured}": preset(
            strength, measured, GRIDS[0]
        )
        for strength in ("weak", "strong")
        for measured in (False, True)
    }
    return {cls.__name__: cls() for cls in found} | presets


def throughput(options: argparse.Namespace) -> dict[str, Any]:
    X = patterns(n_steps=1)[0][:N_UNLABELED]
    batch, generator = torch.from_numpy(X), torch.Generator().manual_seed(0)
    print(f"  {len(X)} patterns, {(X > 0).sum(axis=1).mean():.0f} lines in each on average")

    def per_pattern(function: Callable[[], Any], n_calls: int) -> float:
        return seconds_per_call(function, n_calls, time.process_time) / len(X)

    def loops(strength: str) -> Callable[[], float]:
        augment = loop_over_bins(strong=strength == "strong")
        return lambda: per_pattern(lambda: [augment(r.copy()) for r in X], 1)

    def ours(augmentation: Any) -> Callable[[], float]:
        def call() -> Tensor:
            return chain(augmentation, batch, generator)

        return lambda: per_pattern(call, N_CALLS)

    functions = {name: loops(strength) for strength, name in LOOPS.items()}
    functions |= {name: ours(augmentation) for name, augmentation in candidates().items()}
    for function in functions.values():  # caches are filled before the first round
        function()
    seconds = in_turn(functions, options.rounds)
    print(f"  {'':44s} {'microseconds a pattern':>28s}   times the paper's loops, weak or strong")
    numbers = {}
    for name, values in seconds.items():
        strength = "strong" if "strong" in name else "weak"
        ratio = seconds[LOOPS[strength]] / values
        numbers[name] = {"microseconds": spread(1e6 * values), "times_faster": spread(ratio)}
        print(f"  {name:44s} {text(1e6 * values, 1):>28s}   {text(ratio, 0):>20s}", flush=True)
    return numbers


def part_of_step(options: argparse.Namespace) -> dict[str, Any]:
    numbers = {}
    for grid in GRIDS:
        n_rows = N_LABELED + N_UNLABELED * N_STEPS
        X, y = make_patterns(n_rows, grid=grid, n_lines=110, n_extra_lines=10, random_state=0)
        y = np.where(np.arange(n_rows) < N_LABELED, y, -1)
        weak_rows = torch.from_numpy(X[: N_LABELED + N_UNLABELED])
        strong_rows = torch.from_numpy(X[:N_UNLABELED])
        generator = torch.Generator().manual_seed(0)
        bare = SemiSupervisedClassifier(
            weak_augmentation="passthrough", strong_augmentation="passthrough"
        )

        def augment(weak: Any, strong: Any, rows: tuple[Tensor, Tensor]) -> float:
            def call() -> None:
                for augmentation, some in zip((weak, strong), rows, strict=True):
                    chain(augmentation, some, generator)  # noqa: B023 -- called at once

            return seconds_per_call(call, N_CALLS, time.perf_counter)

        functions = {"rest of the step": lambda X=X, y=y, c=bare: fit_step(c, X, y, 1)}
        for measured in (False, True):
            pair = preset("weak", measured, grid), preset("strong", measured, grid)
            functions["physical" + measured * ", measured"] = (
                lambda p=pair, r=(weak_rows, strong_rows): augment(*p, r)
            )
        delta = 0.1 / grid.step
        shifts = PeakShift(delta), PeakShift(5 * delta)
        functions["shift alone"] = lambda p=shifts, r=(weak_rows, strong_rows): augment(*p, r)
        seconds = in_turn(functions, options.rounds)
        rest = seconds.pop("rest of the step")
        print(f"  {grid.n_points} points; rest of a step {text(1e3 * rest, 1)} ms")
        for name, values in seconds.items():
            part = 100 * values / (values + rest)
            numbers[f"{grid.n_points} points, {name}"] = spread(part)
            milliseconds = f"{text(1e3 * values, 1):>22s} ms"
            print(f"    {name:20s} {milliseconds}   {text(part, 1):>22s} % of a step", flush=True)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread\n\n## throughput, CPU time")
    numbers = {"throughput": throughput(options)}
    print("\n## part of a training step, wall time")
    numbers["part of a step, percent"] = part_of_step(options)
    if options.json:
        partial = options.json.with_suffix(".partial")
        partial.write_text(json.dumps(numbers, indent=2, default=float))
        partial.rename(options.json)


if __name__ == "__main__":
    main()
