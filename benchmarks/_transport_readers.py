"""Readers of trajectories against those that are used for the same: CPU time and memory.

Each reader has a process of its own, on one thread, so that neither memory nor caches of one count
for another. What a process needs for its imports counts as memory, and not as time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _transport_common import Row

N_IONS = 200
N_FRAMES = 5000


def write_xdatcar(path: Path, n_ions: int = N_IONS, n_frames: int = N_FRAMES) -> None:
    """Write a random walk as VASP would: half of the ions Li, half a framework, 20 fs apart."""
    rng = np.random.default_rng(0)
    positions = rng.random((n_ions, 3))
    half = n_ions // 2
    with open(path, "w", encoding="ascii") as file:
        file.write("walk\n 1.0\n 16.0 0.0 0.0\n 0.0 16.0 0.0\n 0.0 0.0 16.0\n")
        file.write(f" Li S\n {half} {n_ions - half}\n")
        for frame in range(1, n_frames + 1):
            positions[:half] += rng.normal(scale=0.0028, size=(half, 3))
            file.write(f"Direct configuration={frame:6d}\n")
            np.savetxt(file, positions % 1, fmt="%12.8f", delimiter="")


def read_ours(path: Path) -> np.ndarray:
    from skxrd.transport import read_trajectory

    return read_trajectory(path, time_step=20.0).positions


def read_ours_mapped(path: Path) -> np.ndarray:
    from skxrd.transport import read_trajectory

    memory_map = path.with_name("positions.npy")
    return read_trajectory(path, time_step=20.0, memory_map=memory_map).positions


def read_pymatgen(path: Path) -> np.ndarray:
    from pymatgen.io.vasp import Xdatcar

    return np.array([structure.frac_coords for structure in Xdatcar(path).structures])


def diffusivity_ours(path: Path) -> np.ndarray:
    from skxrd.transport import DiffusionEstimator, read_trajectory

    return np.array(DiffusionEstimator().fit(read_trajectory(path, time_step=20.0)).diffusivity_)


def diffusivity_peer(path: Path) -> np.ndarray:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.io.vasp import Xdatcar

    structures = Xdatcar(path).structures
    return np.array(DiffusionAnalyzer.from_structures(structures, "Li", 900, 20, 1).diffusivity)


READERS = {
    "ours": read_ours,
    "ours, mapped": read_ours_mapped,
    "pymatgen": read_pymatgen,
    "ours, diffusivity": diffusivity_ours,
    "pymatgen, diffusivity": diffusivity_peer,
}
TASKS = {  # ours -> the task, the peer's reader, its name, how much the results may differ
    "ours": ("XDATCAR to an array", "pymatgen", "pymatgen", 1e-6),
    "ours, mapped": ("XDATCAR to a memory map", "pymatgen", "pymatgen", 1e-6),
    "ours, diffusivity": (
        "XDATCAR to a diffusivity with interval",
        "pymatgen, diffusivity",
        "pymatgen-analysis-diffusion",
        0.3,
    ),
}


def measure(reader: str, path: Path) -> dict[str, float]:
    """Run a reader in a fresh process; return CPU seconds, peak memory in MB and a checksum."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, __file__, reader, str(path)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, **threads},
    )
    return json.loads(done.stdout)


def _peak_memory() -> float:
    """Peak memory of this process in MB."""
    # The peak that getrusage tells is not below what the parent had at the fork.
    status = Path("/proc/self/status")
    if status.is_file():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "XDATCAR")
        write_xdatcar(path)
        found = {reader: measure(reader, path) for reader in READERS}
    rows = []
    for reader, (task, peer, name, tolerance) in TASKS.items():
        ours, theirs = found[reader], found[peer]
        if abs(ours["checksum"] / theirs["checksum"] - 1) > tolerance:
            raise SystemExit(f"{reader} found something else than {peer}: {found}")
        rows.append(
            Row(
                task,
                name,
                ours["seconds"],
                theirs["seconds"],
                f"{N_IONS} ions, {N_FRAMES} frames",
                ours["megabytes"],
                theirs["megabytes"],
            )
        )
    return rows


if __name__ == "__main__":  # one reader, in a process of its own
    reader, file = sys.argv[1:]
    if reader.startswith("pymatgen"):
        import pymatgen.io.vasp
    else:
        import skxrd.transport._readers._read_trajectory
    if reader == "ours, diffusivity":
        import skxrd.transport._diffusion._estimator  # noqa: F401
    if reader == "pymatgen, diffusivity":
        import pymatgen.analysis.diffusion.analyzer  # noqa: F401
    begin = time.process_time()
    positions = READERS[reader](Path(file))
    result = {"seconds": time.process_time() - begin, "megabytes": _peak_memory()}
    print(json.dumps({**result, "checksum": float(np.sum(positions, dtype=float))}))
