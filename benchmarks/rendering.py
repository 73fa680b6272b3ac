"""How long it takes to put the lines of a structure on a grid with their profiles.

Lines are those of pymatgen's `XRDCalculator` (Cu K-alpha) for bundled lithium compounds and, where
they are at hand, for structures of OBELiX, and made-up ones for the longest lists; the grid is that
of the paper (0 to 90 degrees, 4,501 points). `PeakProfile.render` with its default parameters is
measured with the kernel that numba compiles and with that of numpy, everything included that a call
does: checks, widths, profiles. With asymmetry, lines are split into up to 128.

The peer renders as XRD-AutoAnalyzer (autoXRD/spectrum_generation, Szymanski et al., Chemistry of
Materials 33, 4204 (2021)) does: each line becomes a row of the full grid with one stick at the
nearest point, each row is filtered by scipy's `gaussian_filter1d` with a width of its own, and the
rows are added. Its Gaussians are cut at 4 standard deviations; it knows no Lorentzian. All are
measured in one process on one thread, the best of several calls for each list of lines (of the slow
peer a third as many); imports and compilation are left out and printed on their own.

    python benchmarks/rendering.py [--every 4] [--repeats 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy
from scipy.ndimage import gaussian_filter1d

from skxrd import TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import SkxrdError
from skxrd.simulation import PeakProfile, read_structure
from skxrd.simulation._profiles import _peak_profile
from skxrd.simulation._profiles._rendering import render_lines

WAVELENGTH = 1.54184
GRID = TwoThetaGrid(0, 90, 4501)
PROFILES = {
    "default": PeakProfile(),
    "Gaussian": PeakProfile(x=0, y=0, size=None),
    "20 nm": PeakProfile(size=20),
    "asymmetry": PeakProfile(asymmetry=0.03),
}


class Lines(NamedTuple):
    """Positions in degrees, and intensities."""

    two_theta: np.ndarray
    intensity: np.ndarray


def lines_of(structures: list[Any]) -> list[Lines]:
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    calculator = XRDCalculator(WAVELENGTH)
    found = [calculator.get_pattern(s, two_theta_range=(GRID.start, GRID.stop)) for s in structures]
    return [Lines(np.asarray(pattern.x), np.asarray(pattern.y)) for pattern in found]


def sources(every: int) -> dict[str, list[Lines]]:
    rng = np.random.default_rng(0)
    made_up = [
        Lines(np.sort(rng.uniform(8, 90, n)), rng.exponential(size=n)) for n in (300, 800, 1500)
    ]
    found = {"bundled": lines_of(load_lithium_conductors().structures[::every])}
    try:
        from _real_data import obelix

        cifs = list(obelix().cifs.values())[::every]
    except (SkxrdError, OSError) as error:
        print(f"no OBELiX: {error}")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pymatgen, about rounded coordinates
            found["OBELiX"] = lines_of([read_structure(cif) for cif in cifs])
    return found | {f"made up, {len(lines.two_theta)}": [lines] * 20 for lines in made_up}


def row_by_row(lines: Lines) -> np.ndarray:
    """Render as XRD-AutoAnalyzer does, with the widths of the default profile."""
    fwhm, _ = PROFILES["default"].fwhm_and_eta(lines.two_theta, WAVELENGTH)
    sigma = fwhm / (np.sqrt(8 * np.log(2)) * GRID.step)
    rows = np.zeros((len(sigma), GRID.n_points))
    nearest = np.rint((lines.two_theta - GRID.start) / GRID.step).astype(int)
    rows[np.arange(len(rows)), nearest] = lines.intensity
    for i, width in enumerate(sigma):
        rows[i] = gaussian_filter1d(rows[i], width, mode="constant")
    return rows.sum(axis=0)


def seconds(function: Callable[[Lines], Any], all_lines: list[Lines], repeats: int) -> np.ndarray:
    """Best of some calls for each list of lines."""
    best = np.full(len(all_lines), np.inf)
    for _ in range(repeats):
        for i, lines in enumerate(all_lines):
            start = time.perf_counter()
            function(lines)
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def renderer(profile: PeakProfile, kernel: Any) -> Callable[[Lines], np.ndarray]:
    def render(lines: Lines) -> np.ndarray:
        _peak_profile._kernel = lambda: kernel
        return profile.render(lines.two_theta, lines.intensity, GRID, WAVELENGTH)

    return render


def candidates() -> dict[str, Callable[[Lines], Any]]:
    kernels = {"numpy": render_lines}
    try:
        from skxrd.simulation._profiles._rendering_compiled import compiled_render_lines

        start = time.perf_counter()
        kernels["numba"] = compiled_render_lines()
        line = np.ones(1)
        kernels["numba"](line, line, line, line, 8.0, GRID.n_points)
        print(f"numba: import and first call {time.perf_counter() - start:.1f} s\n")
    except ImportError as error:
        print(f"no compiled kernel: {error}")
    return {
        f"{kernel}, {name}": renderer(profile, kernels[kernel])
        for kernel in kernels
        for name, profile in PROFILES.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=4, help="take every n-th structure")
    parser.add_argument("--repeats", type=int, default=15, help="calls of which the best counts")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    print(f"numpy {np.__version__}, scipy {scipy.__version__}; one thread, milliseconds\n")
    functions = candidates()
    numbers: dict[str, Any] = {}
    for source, all_lines in sources(options.every).items():
        counts = [len(lines.two_theta) for lines in all_lines]
        print(
            f"{source}: {len(all_lines)} lists of {min(counts)} to {max(counts)} lines, "
            f"median {np.median(counts):.0f}"
        )
        print(f"  {'':18s} {'median':>8s} {'p90':>8s} {'max':>8s}   times faster: median (range)")
        peer = seconds(row_by_row, all_lines, max(options.repeats // 3, 1))
        table = {"row by row, scipy": peer} | {
            name: seconds(function, all_lines, options.repeats)
            for name, function in functions.items()
        }
        for name, values in table.items():
            milliseconds = 1e3 * np.array([np.median(values), *np.quantile(values, [0.9, 1])])
            ratio = peer / values
            spread = [np.median(ratio), ratio.min(), ratio.max()]
            numbers[f"{source}, {name}"] = {
                "milliseconds": milliseconds.tolist(),
                "times_faster": spread,
            }
            shown = " ".join(f"{value:8.3f}" for value in milliseconds)
            print(f"  {name:18s} {shown}   {spread[0]:6.0f} ({spread[1]:.0f} to {spread[2]:.0f})")
        print(flush=True)
    if options.json:
        partial = options.json.with_suffix(".partial")
        partial.write_text(json.dumps(numbers, indent=2, default=float))
        partial.rename(options.json)


if __name__ == "__main__":
    main()
