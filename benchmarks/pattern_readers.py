"""Files of instruments, read by skxrd, geddes and fairmat-readers-xrd (where these are installed).

The files are those of the folder measured/ of SKXRD_SHARED_DATA, or of --folder. Agreement means
the same angles, to 1e-6 degrees, and the same intensities, to 1e-6 of the strongest. Three more
files, written here, hold what these do not: counts behind an attenuator, two scans, a broken row.
At the end stand the lines of code that read the formats of instruments, without docstrings and
comments.

    pip install geddes fairmat-readers-xrd
    python benchmarks/pattern_readers.py
"""

from __future__ import annotations

import argparse
import ast
import importlib
import logging
import statistics
import tempfile
import time
import tokenize
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import skxrd.io
from skxrd.exceptions import PatternReadError
from skxrd.io import read_pattern

FAIRMAT = {
    ".brml": "read_bruker_brml",
    ".rasx": "read_rigaku_rasx",
    ".raw": "read_bruker_raw",
    ".xrdml": "read_panalytical_xrdml",
}
N_ROUNDS = 5
# Modules of skxrd.io without which only columns of text would be read.
OWN = ["_binary_fields", "_brml", "_bruker_raw", "_gsas", "_pdcif", "_philips", "_raw_files",
       "_rigaku", "_stoe_raw", "_text_lists", "_unpacking", "_uxd", "_vendor_facts",
       "_xrdml"]  # fmt: skip
ATTENUATED = """*RAS_DATA_START\n*RAS_HEADER_START\n*MEAS_SCAN_AXIS_X_INTERNAL "TwoTheta"
*RAS_HEADER_END\n*RAS_INT_START\n10.0 50 1.0\n10.5 60 10.0\n11.0 50 1.0\n*RAS_INT_END
*RAS_DATA_END
"""
TWO_SCANS = """<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5"><xrdMeasurement>
{scans}</xrdMeasurement></xrdMeasurements>"""
SCAN = """<scan scanAxis="Gonio"><dataPoints><positions axis="2Theta"><startPosition>{start}
</startPosition><endPosition>{end}</endPosition></positions><intensities unit="counts">5 6 7
</intensities></dataPoints></scan>"""


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


def made_here() -> pd.DataFrame:
    """Angles and intensities that each package finds in the files that are written here."""
    scans = SCAN.format(start=12, end=13) + SCAN.format(start=10, end=11)
    files = {
        "attenuated.ras": ATTENUATED,
        "two_scans.xrdml": TWO_SCANS.format(scans=scans),
        "broken_row.xy": "10.0 5\n10.5 6x\n11.0 7\n",
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            for reader, read in {"skxrd": own, "geddes": geddes, "fairmat": fairmat}.items():
                try:
                    angles, heights = read(path)
                    row = {"two_theta": np.asarray(angles), "intensity": np.asarray(heights)}
                except Exception as error:  # other people's readers raise what they like
                    reason = str(error).replace(f"{path}: ", "")
                    row = {"two_theta": "", "intensity": f"{type(error).__name__}: {reason}"}
                rows.append({"file": name, "reader": reader, **row})
    return pd.DataFrame(rows)


def own(path: Path) -> tuple[np.ndarray, np.ndarray]:
    pattern = read_pattern(path)
    return pattern.two_theta, pattern.intensity


def n_lines(module: str) -> int:
    """Lines of code, without docstrings, comments and blank lines."""
    path = Path(skxrd.io.__file__).with_name(f"{module}.py")
    docstrings = {
        number
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
               tokenize.ENCODING, tokenize.ENDMARKER}  # fmt: skip
    with path.open("rb") as file:
        lines = {
            number
            for token in tokenize.tokenize(file.readline)
            if token.type not in nothing
            for number in range(token.start[0], token.end[0] + 1)
        }
    return len(lines - docstrings)


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
    print(made_here().to_string(index=False))
    lines = {module: n_lines(module) for module in OWN}
    print(f"{sum(lines.values())} lines of code read instruments' formats: {lines}")


if __name__ == "__main__":
    main()
