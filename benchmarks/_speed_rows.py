"""Time and memory of one epoch against the number of memory-mapped unlabeled rows."""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _speed_common import N_LABELED, fit, patterns

from skxrd import SemiSupervisedClassifier


def write_rows(path: Path, n_rows: int, chunk: int = 1000) -> None:
    """Write stick patterns in chunks; the same ones again and again, which costs a training all."""
    X, _ = patterns(n_steps=11)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, X.shape[1]))
    for start in range(0, n_rows, chunk):
        stop = min(start + chunk, n_rows)
        out[start:stop] = X[: stop - start]
    out.flush()


def anonymous_memory() -> float:
    """Memory of this process that no file stands behind, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no RssAnon; this part needs Linux.")


def one_epoch(path: Path, n_unlabeled: int, n_threads: int) -> dict[str, float]:
    """Time and highest anonymous memory of one epoch; runs in a process of its own."""
    torch.set_num_threads(n_threads)
    fit(SemiSupervisedClassifier(), *patterns(n_steps=2), 1)  # what is loaded once
    X = np.load(path, mmap_mode="r")[: N_LABELED + n_unlabeled]
    y = np.full(len(X), -1)
    y[:N_LABELED] = np.arange(N_LABELED) % 2
    before = highest = anonymous_memory()
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.01):
            highest = max(highest, anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    fit(SemiSupervisedClassifier(), X, y, 1)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return {"seconds": seconds, "anonymous_mb": highest, "anonymous_mb_before": before}


def rows(options: argparse.Namespace) -> dict[str, Any]:
    sizes = [n for n in (1_000, 3_000, 10_000, 30_000, 100_000) if n <= options.max_rows]
    needed = (N_LABELED + sizes[-1]) * 4501 * 4
    results = []
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free
        if free < 1.5 * needed:
            raise SystemExit(f"{needed / 1e9:.1f} GB of rows: only {free / 1e9:.1f} GB are free.")
        path = Path(folder) / "rows.npy"
        write_rows(path, N_LABELED + sizes[-1])
        for n in sizes:
            # A process of its own each, whose memory holds nothing of the one before.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                result = pool.submit(one_epoch, path, n, options.threads).result()
            results.append({"n_unlabeled": n, "file_mb": n * 4501 * 4 / 1e6, **result})
            print(
                f"  {n:7,d} unlabeled rows ({results[-1]['file_mb']:6.0f} MB): "
                f"{result['seconds']:7.1f} s an epoch; anonymous memory (RssAnon, sampled) up to "
                f"{result['anonymous_mb']:5.0f} MB, before the fit "
                f"{result['anonymous_mb_before']:.0f} MB",
                flush=True,
            )
    n = np.array([r["n_unlabeled"] for r in results], dtype=float)
    seconds = np.array([r["seconds"] for r in results])
    slope = float(np.polyfit(np.log(n), np.log(seconds), 1)[0])
    grown = np.array([r["anonymous_mb"] - r["anonymous_mb_before"] for r in results])
    per_row = float(np.polyfit(n, grown, 1)[0] * 1e6)
    print(f"  time grows as n^{slope:.2f}; memory by {per_row:.0f} bytes a row of {4 * 4501} bytes")
    if options.plot:
        plot_rows(results, slope, options.plot)
    return {"sizes": results, "exponent_of_time": slope, "bytes_per_row": per_row}


def plot_rows(results: list[dict[str, float]], slope: float, path: Path) -> None:
    import matplotlib.pyplot as plt

    n = np.array([r["n_unlabeled"] for r in results])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    seconds = np.array([r["seconds"] for r in results])
    left.loglog(n, seconds, "o-", color="#0072B2", label=f"one epoch, slope {slope:.2f}")
    left.loglog(n, seconds[-1] * n / n[-1], "--", color="0.4", label="proportional to rows")
    left.set(xlabel="Unlabeled rows of 4,501 points", ylabel="Time (s)")
    right.loglog(n, [r["file_mb"] for r in results], "--", color="0.4", label="the file itself")
    added = np.array([r["anonymous_mb"] - r["anonymous_mb_before"] for r in results])
    right.loglog(n, added.clip(min=1), "s-", color="#D55E00", label="added by the training")
    right.set(xlabel="Unlabeled rows of 4,501 points", ylabel="Anonymous memory (MB)")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"  plot: {path}")
