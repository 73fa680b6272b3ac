"""How long preprocessing takes, against the packages and loops that one would use otherwise.

10,000 synthetic patterns of 4,501 points (float32, 0.18 GB), broadened and with the background and
the counting noise of a measurement. Each transformer is fitted and applied to all of them; "memory"
is by how much the peak of the process rises above what it held before, the output included. Peers
are given all patterns where they take a table, and a part of them where they take rows, in a loop;
their time is then multiplied by what is left out. Ours and a peer's calls alternate, all on one
thread; times are those of the processor, so that other programs do not count, with several jobs
those of the clock. Ratios are printed as median (lowest to highest) over the rounds. Backgrounds
are fitted by pybaselines row by row in either case: the ratio says what the checks around it cost,
and one round is enough. The largest difference to what the peer returns is relative to the largest
value.

    python benchmarks/preprocessing.py [--patterns 10000] [--rounds 3] [--n-jobs 1] [--only NAME]
                                       [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pybaselines
import torch
from _speed_common import in_turn, spread, text
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter
from sklearn.preprocessing import Normalizer

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.exceptions import PatternWarning
from skxrd.io import MeasuredPattern
from skxrd.preprocessing import (
    AxisConverter,
    BaselineRemover,
    IntensityScaler,
    KAlpha2Stripper,
    MeasuredPatternTransformer,
    PatternResampler,
    PatternSmoother,
    PeakBroadener,
    RangeSelector,
    RegionMasker,
)
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

GRID = TwoThetaGrid(0, 90, 4501)
COARSE = TwoThetaGrid(10, 80, 701)
WIDTH = 0.3
N_PEER_ROWS = {"loop": 500, "slow loop": 20, "table": None}


class Case(NamedTuple):
    """A transformer, and what a peer is called, gets and does."""

    name: str
    transformer: Any
    peer: str = ""
    takes: str = "loop"
    function: Callable[[np.ndarray], Any] | None = None


def measured(n_patterns: int) -> np.ndarray:
    sticks, _ = make_patterns(n_patterns, n_lines=110, n_extra_lines=10, random_state=0)
    X = PeakBroadener(0.15, eta=0.5).fit_transform(sticks)
    X *= 1e4 / X.max(axis=1, keepdims=True)
    X += (400 * np.exp(-(((GRID.two_theta - 20) / 4) ** 2)) + 100).astype(np.float32)
    rng = np.random.default_rng(0)
    for row in X:  # a table of integers would double the memory
        row[:] = rng.poisson(row)
    return X


def interpolated(axis: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Rows at angles, one at a time."""
    return lambda X: np.array([np.interp(axis, GRID.two_theta, row, 0.0, 0.0) for row in X])


def averaged(X: np.ndarray) -> np.ndarray:
    """Differences of the running integral at the edges of the new steps, one row at a time."""
    edges = np.append(COARSE.two_theta - COARSE.step / 2, COARSE.stop + COARSE.step / 2)
    old = np.append(GRID.two_theta - GRID.step / 2, GRID.stop + GRID.step / 2)
    integrals = (np.append(0.0, np.cumsum(row, dtype=float)) * GRID.step for row in X)
    return np.array([np.diff(np.interp(edges, old, total)) / COARSE.step for total in integrals])


def rachinger(X: np.ndarray) -> np.ndarray:
    """Correct as the method is told: from low angles to high ones, point by point."""
    first, second = (wavelength_in_angstrom(f"CuKa{n}") for n in (1, 2))
    sine = np.sin(np.radians(GRID.two_theta) / 2) * first / second
    position = 2 * np.degrees(np.arcsin(sine)) / GRID.step
    stripped = X.astype(float)
    for row in stripped:
        for point in range(1, len(row)):
            left = min(int(position[point]), point - 1)
            part = position[point] - left
            row[point] -= 0.5 * ((1 - part) * row[left] + part * row[min(left + 1, point)])
    return stripped


def pybaselines_rows(remover: BaselineRemover) -> Callable[[np.ndarray], np.ndarray]:
    """Call pybaselines as the transformer does, without the checks around it."""
    options = remover._options(GRID.step, GRID.n_points)

    def function(X: np.ndarray) -> np.ndarray:
        fitter = pybaselines.Baseline(check_finite=False)
        fit = getattr(fitter, remover.method)
        return np.array([row - fit(row.astype(float), **options)[0] for row in X])

    return function


class MeasuredRows:
    """MeasuredPatternTransformer for rows, which become measurements of the same angles."""

    def __init__(self) -> None:
        self.transformer = MeasuredPatternTransformer(COARSE)

    def fit(self, X: np.ndarray) -> MeasuredRows:
        self.transformer.fit()
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        wavelength = wavelength_in_angstrom("CuKa")
        two_theta = GRID.two_theta[1:]
        patterns = [MeasuredPattern(two_theta, row[1:], wavelength=wavelength) for row in X]
        return self.transformer.transform(patterns)

    def one_by_one(self, X: np.ndarray) -> np.ndarray:
        return np.concatenate([self.transform(row[np.newaxis]) for row in X])


def cases(n_jobs: int) -> list[Case]:
    removers = [
        BaselineRemover(method, n_jobs=n_jobs)
        for method in ("rolling_ball", "snip", "asls", "psalsa", "arpls")
    ]
    q = AxisConverter("q", method="linear")
    q_axis = q.fit(np.ones((1, GRID.n_points))).axis_
    angles = 2 * np.degrees(np.arcsin(q_axis * wavelength_in_angstrom("CuKa") / (4 * np.pi)))
    angles = np.minimum(angles, GRID.stop)  # the last one, but for rounding
    window = 2 * round(0.2 / GRID.step / 2) + 1
    sigma = WIDTH / GRID.step / np.sqrt(8 * np.log(2))
    norms = {"max": "max", "area": "l1", "vector": "l2"}
    return [
        *(
            Case(
                f"IntensityScaler {method}",
                IntensityScaler(method),
                f"sklearn Normalizer {norm}",
                "table",
                Normalizer(norm).transform,
            )
            for method, norm in norms.items()
        ),
        Case("IntensityScaler sqrt", IntensityScaler("sqrt")),
        Case("IntensityScaler log", IntensityScaler("log")),
        Case("RangeSelector", RangeSelector(10, 80)),
        Case("RegionMasker zero", RegionMasker([(20, 22), (40, 41)])),
        Case("RegionMasker line", RegionMasker([(20, 22), (40, 41)], fill="line")),
        Case(
            "PatternResampler linear",
            PatternResampler(COARSE),
            "numpy.interp",
            function=interpolated(COARSE.two_theta),
        ),
        Case(
            "PatternResampler area",
            PatternResampler(COARSE, method="area"),
            "numpy.interp of the integral",
            function=averaged,
        ),
        Case("AxisConverter q linear", q, "numpy.interp", function=interpolated(angles)),
        Case("AxisConverter q area", AxisConverter("q", method="area")),
        Case(
            "PatternSmoother",
            PatternSmoother(0.2),
            "scipy savgol_filter",
            "table",
            lambda X: savgol_filter(X, window, 2, axis=1),
        ),
        Case(
            "PeakBroadener",
            PeakBroadener(WIDTH),
            "scipy gaussian_filter1d",
            "table",
            lambda X: gaussian_filter1d(X, sigma, axis=1, mode="constant"),
        ),
        Case("KAlpha2Stripper", KAlpha2Stripper(), "recursion in Python", "slow loop", rachinger),
        *(
            Case(
                f"BaselineRemover {remover.method}",
                remover,
                f"pybaselines {remover.method}",
                function=pybaselines_rows(remover),
            )
            for remover in removers
        ),
        Case(
            "MeasuredPatternTransformer",
            MeasuredRows(),
            "one call for each pattern",
            function=MeasuredRows().one_by_one,
        ),
    ]


def peak_memory() -> int:
    """Highest memory of this process since `reset_peak_memory`, in bytes; Linux alone tells."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def reset_peak_memory() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory()


def compare(case: Case, X: np.ndarray, n_rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    limit = N_PEER_ROWS[case.takes]
    n_rows = len(X) if limit is None else min(limit, len(X))
    transformer = case.transformer.fit(X[:2])
    extra = []

    def ours() -> float:
        gc.collect()
        before = reset_peak_memory()
        start = clock()
        transformer.transform(X)
        seconds = clock() - start
        extra.append(peak_memory() - before)
        return seconds

    def peer() -> float:
        start = clock()
        case.function(X[:n_rows])
        return (clock() - start) * len(X) / n_rows

    transformer.transform(X[:10])
    functions = {"ours": ours} | ({"peer": peer} if case.function else {})
    seconds = in_turn(functions, n_rounds)
    numbers = {
        "seconds": spread(seconds["ours"]),
        "patterns_per_second": spread(len(X) / seconds["ours"]),
        "memory_bytes": int(max(extra)),
    }
    rate, memory = len(X) / np.median(seconds["ours"]), max(extra) / 1e9
    line = f"  {case.name:28s} {text(seconds['ours']):>22s} s {rate:>9.0f} /s {memory:6.2f} GB"
    if case.function:
        ratio = seconds["peer"] / seconds["ours"]
        mine, theirs = transformer.transform(X[:5]), case.function(X[:5])
        difference = float(np.abs(mine - theirs).max() / np.abs(theirs).max())
        numbers |= {"peer": case.peer, "ratio": spread(ratio), "difference": difference}
        line += (
            f"   {text(ratio, 1):>22s} x {case.peer} ({case.takes}), differs by {difference:.0e}"
        )
    print(line, flush=True)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=1, help="for BaselineRemover")
    parser.add_argument("--only", default="", help="part of the names of the transformers")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    X = measured(options.patterns)
    print(
        f"torch {torch.__version__}, pybaselines {pybaselines.__version__}; {len(X)} patterns of "
        f"{X.shape[1]} points, {X.nbytes / 1e9:.2f} GB of {X.dtype}; one thread, "
        f"n_jobs={options.n_jobs} of BaselineRemover"
    )
    clock = time.process_time if options.n_jobs == 1 else time.perf_counter
    numbers = {}
    for case in cases(options.n_jobs):
        if options.only not in case.name:
            continue
        n_rounds = 1 if case.name.startswith("BaselineRemover") else options.rounds
        with warnings.catch_warnings():
            # that a fit stopped early is no matter of time
            warnings.simplefilter("ignore", PatternWarning)
            warnings.simplefilter("ignore", pybaselines.utils.ParameterWarning)
            numbers[case.name] = compare(case, X, n_rounds, clock)
    if options.json:
        partial = options.json.with_suffix(".partial")
        partial.write_text(json.dumps(numbers, indent=2, default=float))
        partial.rename(options.json)


if __name__ == "__main__":
    main()
