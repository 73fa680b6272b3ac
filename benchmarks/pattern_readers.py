"""Files of instruments, read by skxrd, geddes and fairmat-readers-xrd (where these are installed).

The files are those of the folder measured/ of SKXRD_SHARED_DATA, or of --folder. Agreement means
the same angles, to 1e-6 degrees, and the same intensities, to 1e-6 of the strongest.

    pip install geddes fairmat-readers-xrd
    python benchmarks/pattern_readers.py
"""

from __future__ import annotations

import argparse
import importlib
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from skxrd.exceptions import PatternReadError
from skxrd.io import read_pattern

FAIRMAT = {
    ".brml": "read_bruker_brml",
    ".rasx": "read_rigaku_rasx",
    ".raw": "read_bruker_raw",
    ".xrdml": "read_panalytical_xrdml",
}
N_ROUNDS = 5


def geddes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    pattern = importlib.import_module("geddes").read(str(path))
    return np.array(pattern.x), np.array(pattern.y)


def fairmat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    readers = importlib.import_module("fairmat_readers_xrd.readers")
    if path.suffix not in FAIRMAT:
        raise ValueError("no reader for this suffix")
    found = getattr(readers, FAIRMAT[path.suffix])(str(path))
    return found["2Theta"].magnitude, found["intensity"].magnitude


def outcome(read: Callable, path: Path, two_theta: np.ndarray, intensity: np.ndarray) -> str:
    """Say whether another reader finds the same pattern."""
    try:
        angles, heights = read(path)
    except ImportError:
        return "not installed"
    except Exception:  # other people's readers raise what they like
        return "fails"
    if len(angles) != len(two_theta):
        return "differs"
    same = np.allclose(angles, two_theta, rtol=0, atol=1e-6)
    same &= np.allclose(heights, intensity, rtol=0, atol=1e-6 * intensity.max())
    return "agrees" if same else "differs"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path)
    folder = parser.parse_args().folder
    if folder is None:
        from _real_data import SHARED

        folder = SHARED / "measured"
    warnings.simplefilter("ignore")
    logging.disable()
    rows = []
    for path in sorted(path for path in folder.glob("*") if path.suffix != ".md"):
        try:
            pattern = read_pattern(path)
        except PatternReadError as error:
            rows.append({"file": path.name, "skxrd": "fails", "wavelength": str(error)[:60]})
            continue
        times = []
        for _ in range(N_ROUNDS):
            start = time.perf_counter()
            read_pattern(path)
            times.append(1e3 * (time.perf_counter() - start))
        columns = pattern.two_theta, pattern.intensity
        rows.append(
            {
                "file": path.name,
                "skxrd": "reads",
                "points": len(pattern.two_theta),
                "counts": "yes" if pattern.counts is not None else "",
                "wavelength": "assumed"
                if pattern.wavelength_is_assumed
                else f"{pattern.wavelength:.5f}",
                "time (ms)": f"{statistics.median(times):.1f}",
                "geddes": outcome(geddes, path, *columns),
                "fairmat": outcome(fairmat, path, *columns),
            }
        )
    frame = pd.DataFrame(rows)
    print(frame.to_string(index=False))
    print(", ".join(f"{name}: {frame[name].value_counts().to_dict()}" for name in frame
                    if name in ("skxrd", "geddes", "fairmat")))  # fmt: skip


if __name__ == "__main__":
    main()
