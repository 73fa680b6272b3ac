"""Screening of 100,000 candidates: time, memory, what an interruption costs, and Dask.

    python benchmarks/screening_scale.py [--rows 100000] [--jobs 2] [--folder DIR]

The patterns are those of the unlabeled pool (see benchmarks/_real_data.py), each repeated with
other intensities, in a memory-mapped file. The ensemble is the default one, ten members of one
epoch: the time of a prediction does not depend on how well it was trained. Each row of the table
is a process of its own; memory is the most that the process and its workers use above the start,
without pages of the file, which the system gives back when they are needed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import joblib
import numpy as np
import pandas as pd
import psutil
from _real_data import li_pool_patterns, obelix, simulate

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier
from skxrd.screening import CandidateScreener

N_POINTS = 4501
CHUNK = 1000


def write_patterns(path: Path, n_rows: int) -> None:
    """Write candidates: the pool again and again, each time with other intensities."""
    pool = li_pool_patterns()
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=(n_rows, N_POINTS))
    for start in range(0, n_rows, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n_rows))
        lines = pool[rows % len(pool)]
        X[rows] = lines * rng.uniform(0.8, 1.2, lines.shape).astype(np.float32)
    X.flush()


def write_parquet(source: Path, path: Path, n_rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    X = np.load(source, mmap_mode="r")
    names = [f"two_theta_{0.02 * point:.2f}" for point in range(N_POINTS)]
    schema = pa.schema([("id", pa.string()), *((name, pa.float32()) for name in names)])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n_rows, CHUNK):
            part = np.asarray(X[start : min(start + CHUNK, n_rows)])
            ids = pa.array([f"row-{start + row}" for row in range(len(part))])
            writer.write_table(pa.table([ids, *map(pa.array, part.T.copy())], schema=schema))


def fit_screener(path: Path, n_jobs: int) -> None:
    data = obelix()
    labeled, y = simulate(tuple(data.cifs.values())), data.target[data.frame["has_cif"]]
    unlabeled = li_pool_patterns()[:500]
    X = np.concatenate([labeled, unlabeled])
    y = np.concatenate([y, np.full(len(unlabeled), -1)])
    ensemble = SemiSupervisedBaggingClassifier(
        SemiSupervisedClassifier(max_epochs=1), n_jobs=n_jobs, random_state=0
    ).fit(X, y)
    joblib.dump(CandidateScreener(ensemble).fit(X, y), path)


class Memory(Thread):
    """Watches the anonymous memory of this process and its children, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stop, self.peak = Event(), 0.0
        self.start_value = self._now()

    def _now(self) -> float:
        me = psutil.Process()
        total = 0
        for process in (me, *me.children(recursive=True)):
            try:
                info = process.memory_info()
            except psutil.NoSuchProcess:
                continue
            total += info.rss - info.shared
        return total / 1e6

    def run(self) -> None:
        while not self.stop.wait(0.1):
            self.peak = max(self.peak, self._now())


def screen(args: argparse.Namespace) -> None:
    """One row of the table, in a process of its own."""
    screener = joblib.load(args.screener).set_params(n_jobs=args.jobs)
    rows = args.patterns
    if args.limit:
        rows = np.load(args.patterns, mmap_mode="r")[: args.limit]
    memory = Memory()
    memory.start()
    start = time.perf_counter()
    if args.dask:
        from dask.distributed import Client, LocalCluster

        with (
            LocalCluster(args.jobs, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            table = screener.screen(rows, memory=args.memory)
    else:
        table = screener.screen(rows, memory=args.memory)
    seconds = time.perf_counter() - start
    memory.stop.set()
    digest = joblib.hash(table.sort_values("id").drop(columns="id").to_numpy().tolist())
    print(json.dumps({"seconds": seconds, "n": len(table), "start": memory.start_value,
                      "peak": memory.peak, "digest": digest}))  # fmt: skip


def run(*options: object) -> dict[str, float | str]:
    command = [sys.executable, __file__, "--one", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def n_stored(memory: Path) -> int:
    """Count the finished batches; one more file belongs to the code of the function."""
    return max(0, len(list(memory.rglob("output.pkl"))) - 1)


def interrupted(memory: Path, after: int, *options: object) -> int:
    """Start a screening and kill it when `after` batches are on disk; return how many there are."""
    command = [sys.executable, __file__, "--one", *map(str, options), "--memory", memory]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    while process.poll() is None and n_stored(memory) < after:
        time.sleep(0.1)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for child in children:
        if child.is_running():
            child.kill()
    return n_stored(memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--screener", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--patterns", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dask", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        screen(args)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        patterns, screener = folder / "X.npy", folder / "screener.pkl"
        write_patterns(patterns, args.rows)
        fit_screener(screener, args.jobs)
        small = max(CHUNK, args.rows // 10)
        write_parquet(patterns, folder / "X.parquet", small)
        base = ("--screener", screener, "--jobs")
        found = {
            f"{small:,} rows, 1 job": run(*base, 1, "--patterns", patterns, "--limit", small),
            f"{small:,} rows": run(*base, args.jobs, "--patterns", patterns, "--limit", small),
            f"{small:,} rows, Parquet": run(*base, args.jobs, "--patterns", folder / "X.parquet"),
            f"{small:,} rows, Dask": run(
                *base, args.jobs, "--patterns", patterns, "--limit", small, "--dask"
            ),
            f"{args.rows:,} rows": run(*base, args.jobs, "--patterns", patterns),
        }
        store = folder / "store"
        part = (*base, args.jobs, "--patterns", patterns, "--limit", small)
        n_done = interrupted(store, max(1, small // CHUNK // 2), *part)
        n_batches = -(-small // CHUNK)
        label = f"{small:,} rows, killed after {n_done} of {n_batches} batches, the rest"
        found[label] = run(*part, "--memory", store)
        size = patterns.stat().st_size / 1e6
    table = pd.DataFrame(found).T
    same = table.loc[[name for name in table.index if name.startswith(f"{small:,}")], "digest"]
    table["added memory (MB)"] = (table["peak"] - table["start"]).astype(float).round().astype(int)
    table["rows/s"] = (table["n"] / table["seconds"]).astype(float).round().astype(int)
    table["seconds"] = table["seconds"].astype(float).round(1)
    print(f"{args.jobs} jobs, patterns of {size:,.0f} MB; default ensemble of ten members")
    print(table[["seconds", "rows/s", "added memory (MB)"]].to_string())
    print(f"the {len(same)} tables of {small:,} rows are equal: {same.nunique() == 1}")


if __name__ == "__main__":
    main()
