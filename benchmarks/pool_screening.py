"""`skxrd screen` on the labels of OBELiX and the whole unlabeled pool: time, memory, votes.

    python benchmarks/pool_screening.py [--jobs 2] [--out DIR]

Memory is the largest sum of the proportional set sizes of the command and its workers: what they
use, with shared pages counted once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from _real_data import SHARED, obelix

from skxrd.screening import read_candidates


def proportional_memory(process: psutil.Process) -> float:
    """Memory of a process and all that it started, in GB."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
            continue
    return total / 1e9


def run(command: list[str]) -> tuple[float, float]:
    """Run a command to its end; return seconds and the largest memory in GB."""
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, proportional_memory(watched))
            except psutil.NoSuchProcess:
                break
            time.sleep(2)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.perf_counter() - start, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cifs = Path(name) / "cifs"
        cifs.mkdir()
        for key, text in obelix().cifs.items():
            (cifs / f"{key}.cif").write_text(text, encoding="utf-8")
        out = args.out or Path(name) / "results"
        command = [sys.executable, "-m", "skxrd", "screen", "--out", str(out)]
        command += ["--labels", str(SHARED / "obelix" / "train.csv"), "--cif-dir", str(cifs)]
        command += ["--structures", str(SHARED / "li_pool" / "li_pool.csv.gz")]
        seconds, memory = run([*command, "--jobs", str(args.jobs)])
        record = json.loads((out / "run.json").read_text(encoding="utf-8"))
        table = read_candidates(out / "candidates.csv")
        report = (out / "report.html").stat().st_size
    low, high = record["scores"]["macro_f1_out_of_bag_interval_95"]
    size = report / 1e6
    print(f"\n{args.jobs} jobs: {seconds:,.0f} s, at most {memory:.2f} GB, report {size:.1f} MB")
    print("seconds:", {key: round(value) for key, value in record["seconds"].items()})
    print(
        f"out-of-bag macro-F1 {record['scores']['macro_f1_out_of_bag']:.3f} ({low:.3f} to "
        f"{high:.3f}), resubstitution {record['scores']['macro_f1_resubstitution']:.3f}"
    )
    print(f"candidates by votes: {table['output_frequency'].value_counts().sort_index().to_dict()}")
    known = table.dropna(subset="label")
    print("known labels, by votes:")
    print(known.groupby(["output_frequency", "label"]).size().to_string())
    hubs = table["nearest_conductor_formula"].value_counts().head(3)
    print("most frequent nearest conductors:", hubs.to_dict())


if __name__ == "__main__":
    main()
