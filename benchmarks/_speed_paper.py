"""Ten members at the paper's full size on a GPU."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from _speed_common import N_LABELED, N_MEMBERS, N_UNLABELED, fit, flops_of, peaks, with_option
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skxrd import SemiSupervisedBaggingClassifier, XRDMatchClassifier
from skxrd.datasets import make_patterns


def paper(options: argparse.Namespace) -> dict[str, Any]:
    if not torch.cuda.is_available():
        print("  skipped: no GPU is at hand (torch.cuda.is_available() is False)")
        return {"skipped": "no GPU"}
    X, y = _synthetic_pool() if options.synthetic else _real_pool()
    peak = peaks("cuda")
    classifier = XRDMatchClassifier(device="cuda", max_epochs=options.epochs)
    numbers: dict[str, Any] = {"n_rows": len(X), "peak_gigaflops": peak}
    modes = {"float32": classifier}
    mixed = with_option(clone(classifier), mixed_precision=True)
    if mixed is not None:
        modes["mixed precision"] = mixed
    for name, member in modes.items():
        few = np.flatnonzero(y >= 0)[:N_LABELED]
        few = np.concatenate([few, np.flatnonzero(y < 0)[:N_UNLABELED]])
        one_step = clone(member).set_params(max_epochs=1)
        fit(one_step, X[few], y[few], 1)
        flops = flops_of(lambda c=one_step, f=few: fit(c, X[f], y[f], 1))
        bagging = SemiSupervisedBaggingClassifier(member, n_estimators=N_MEMBERS, random_state=0)
        with gpu_utilization() as samples, warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.perf_counter()
            bagging.fit(X, y)
            seconds = time.perf_counter() - start
        n_steps = -(-round(0.8 * (y < 0).sum()) // N_UNLABELED) * options.epochs * N_MEMBERS
        rate = flops * n_steps / seconds / 1e9
        utilization = float(np.median(samples)) if samples else float("nan")
        memory = torch.cuda.max_memory_allocated() / 1e9
        print(
            f"  {name}: {N_MEMBERS} members, {options.epochs} epochs, {(y < 0).sum()} unlabeled "
            f"rows: {seconds:.0f} s, {1e3 * seconds / n_steps:.2f} ms a step, {rate:.0f} GFLOP/s "
            f"({rate / peak['float32']:.0%} of the float32 peak), utilization {utilization:.0f} %, "
            f"{memory:.1f} GB",
            flush=True,
        )
        numbers[name] = {
            "seconds": seconds,
            "milliseconds_per_step": 1e3 * seconds / n_steps,
            "gigaflop_per_second": rate,
            "utilization_percent": utilization,
            "memory_gb": memory,
        }
    return numbers


def _real_pool() -> tuple[np.ndarray, np.ndarray]:
    from _real_data import li_pool_patterns, xrdmatch

    labels, pool = xrdmatch(), li_pool_patterns()
    y = np.concatenate([labels.target, np.full(len(pool), -1)])
    return np.concatenate([labels.data, pool]), y


def _synthetic_pool() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_patterns(112 + 6000, n_lines=110, n_extra_lines=10, random_state=0)
    return X, np.where(np.arange(len(y)) < 112, y, -1)


@contextmanager
def gpu_utilization() -> Iterator[list[float]]:
    """Collect the utilization that the driver reports, once a second; nothing without its tool."""
    samples: list[float] = []
    if shutil.which("nvidia-smi") is None:
        yield samples
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-l1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield samples
    finally:
        process.terminate()
        lines = process.communicate()[0].split()
        samples.extend(float(line) for line in lines if line.isdigit())
