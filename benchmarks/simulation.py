"""Speed and agreement of the simulation engine against pymatgen.

    OMP_NUM_THREADS=1 python benchmarks/simulation.py [PART ...]

Parts (all by default):

agreement   lines of OBELiX and of 500 structures of the pool, ours against pymatgen's
speed       structure to lines on 60 OBELiX cells of all sizes, CPU time on one thread: pymatgen as
            it is, and with its labels of lattice planes left out. Least of ten rounds in turn, for
            what other programs on the machine take is not ours; ratios are those of the least
            times, with the range of the ratios within each round
cif         CIF text to pattern, ours with each reader
pool        11,376 CIF texts of the pool to patterns on two processes, wall seconds; in memory, and
            to disk with the memory that this process takes for it
where       where the time of structure to lines goes, in ms per structure, measured likewise
preset      the preset "xrdmatch" against the published rows whose ICSD entry is in OBELiX
growth      seconds of the structure factors over (reflections x sites), on the same cells and on
            supercells of three and nine, with the exponent and the distance from what the
            arithmetic allows; --plot FILE draws it

The data are read from SKXRD_SHARED_DATA.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import io
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from _real_data import SHARED
from _speed_common import in_turn
from pymatgen.analysis.diffraction import xrd
from pymatgen.core import Structure
from pymatgen.io.cif import CifParser

from skxrd import PatternSimulator
from skxrd.simulation._lines._families import laue_rotations
from skxrd.simulation._lines._peaks import Diffraction, peaks_of
from skxrd.simulation._lines._structure_factors import structure_factors
from skxrd.simulation._structures._cell import cell_of

TWO_THETA = (0.0, 90.0)
ENGINES = ["numpy"] + (["numba"] if find_spec("numba") else [])
N_ROUNDS = 10
LARGE = 1e6  # terms, from where on the growth is fitted


def obelix_cifs() -> dict[str, str]:
    path = SHARED / "obelix" / "train_cifs.tar.gz"
    if not path.is_file():
        raise SystemExit(f"No structures at {path}; set SKXRD_SHARED_DATA.")
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.name.endswith(".cif")]
        return {
            Path(member.name).stem: archive.extractfile(member).read().decode()
            for member in members
        }


def sample_cifs() -> list[str]:
    """One cell of each of 60 sizes, from 5 to 304 sites."""
    cifs = obelix_cifs()
    ids = (SHARED / "obelix" / "sample_60_ids.txt").read_text(encoding="utf-8").split()
    return [cifs[name] for name in ids if name in cifs]


def pool_cifs() -> pd.Series:
    return pd.read_csv(SHARED / "li_pool" / "li_pool.csv.gz", usecols=["cif"])["cif"]


def parsed(cif: str) -> Structure:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = CifParser.from_str(cif, occupancy_tolerance=1.05)
        return parser.parse_structures(primitive=False)[0]


@contextmanager
def without_labels() -> Iterator[None]:
    """Make pymatgen skip the search for families of planes, most of its time."""
    with patch.object(xrd, "get_unique_families", lambda hkls: {hkls[0]: len(hkls)}):
        yield


def cpu_seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def compare(tasks: dict[str, Callable[[], Any]], references: list[str], n: int) -> None:
    """Print a table of the time that each task takes for `n` structures, and of ratios."""
    seconds = in_turn(
        {name: lambda t=task: cpu_seconds(t) for name, task in tasks.items()}, N_ROUNDS
    )
    print("| | ms per structure | " + " | ".join(f"times {name}" for name in references) + " |")
    print("|---|---|" + "---|" * len(references))
    for name, values in seconds.items():
        columns = [f"{1000 * values.min() / n:.2f} (up to {1000 * values.max() / n:.2f})"]
        for reference in references:
            ratios = seconds[reference] / values
            least = seconds[reference].min() / values.min()
            columns.append(f"{least:.1f} ({ratios.min():.1f} to {ratios.max():.1f})")
        print(f"| {name} | " + " | ".join(columns) + " |")


def agreement() -> None:
    cifs = [*obelix_cifs().values(), *pool_cifs().sample(500, random_state=0)]
    calculator = xrd.XRDCalculator("CuKa")
    structures = [parsed(cif) for cif in cifs]
    with without_labels():
        references = [
            calculator.get_pattern(structure, two_theta_range=TWO_THETA) for structure in structures
        ]
    print(
        "| engine | structures | lines | other number of lines | 2theta (deg) | intensity | d (A) |"
    )
    print("|---|---|---|---|---|---|---|")
    for engine in ENGINES:
        lists = PatternSimulator(engine=engine).peaks(structures, hkl=False)
        worst = np.zeros(3)
        n_other = 0
        for peaks, reference in zip(lists, references, strict=True):
            if len(peaks) != len(reference.x):
                n_other += 1
                continue
            pairs = (
                (peaks.two_theta, reference.x),
                (peaks.intensity, reference.y),
                (peaks.d_spacing, reference.d_hkls),
            )
            largest = [np.abs(ours - np.array(theirs)).max(initial=0) for ours, theirs in pairs]
            worst = np.maximum(worst, largest)
        n_lines = sum(len(peaks) for peaks in lists)
        deviations = " | ".join(f"{value:.0e}" for value in worst)
        print(f"| {engine} | {len(structures)} | {n_lines:,} | {n_other} | {deviations} |")


def speed() -> None:
    structures = [parsed(cif) for cif in sample_cifs()]
    calculator = xrd.XRDCalculator("CuKa")

    def theirs() -> None:
        for structure in structures:
            calculator.get_pattern(structure, two_theta_range=TWO_THETA)

    def theirs_without_labels() -> None:
        with without_labels():
            theirs()

    tasks = {"pymatgen": theirs, "pymatgen, labels left out": theirs_without_labels}
    for engine in ENGINES:
        for hkl in (False, True):
            simulator = PatternSimulator(engine=engine)
            simulator.peaks(structures[:1], hkl=hkl)  # compiles, fills the tables
            name = f"skxrd {engine}, {'with' if hkl else 'without'} labels"
            tasks[name] = lambda s=simulator, h=hkl: s.peaks(structures, hkl=h)
    n = len(structures)
    print(f"{n} structures, {TWO_THETA[0]:g} to {TWO_THETA[1]:g} degrees, CPU time on one thread")
    compare(tasks, ["pymatgen", "pymatgen, labels left out"], n)


def cif() -> None:
    texts = sample_cifs()
    calculator = xrd.XRDCalculator("CuKa")

    def theirs() -> None:
        for one in texts:
            calculator.get_pattern(parsed(one), two_theta_range=TWO_THETA)

    tasks: dict[str, Callable[[], Any]] = {"pymatgen": theirs}
    readers = ["pymatgen"] + (["auto", "gemmi"] if find_spec("gemmi") else [])
    for reader in readers:
        simulator = PatternSimulator(cif_reader=reader)
        tasks[f"skxrd, read by {reader}"] = lambda s=simulator: simulated(s, texts)
        simulated(simulator, texts[:1])
    print(f"{len(texts)} CIF texts to patterns of 4,501 points, CPU time on one thread")
    compare(tasks, ["pymatgen"], len(texts))


def simulated(simulator: PatternSimulator, structures: Any) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes on files
        return simulator.transform(structures)


def pool() -> None:
    cifs = pool_cifs().tolist()
    simulator = PatternSimulator(n_jobs=2)
    simulated(simulator, cifs[:64])  # starts the processes
    start = time.perf_counter()
    patterns = simulated(simulator, cifs)
    seconds = time.perf_counter() - start
    print(
        f"{len(cifs):,} CIF texts to {patterns.shape[1]:,} points: {seconds:.0f} s on 2 processes, "
        f"{len(cifs) / seconds:.0f} per second; notes on {simulator.notes_['position'].nunique()}"
    )
    del patterns
    with tempfile.TemporaryDirectory() as folder:
        before = own_memory()
        start = time.perf_counter()
        stored = simulator.simulate_to_disk(cifs, Path(folder) / "pool")
        seconds = time.perf_counter() - start
        grown = (own_memory() - before) / 2**20
        size = stored.patterns.nbytes / 2**20
        print(f"to disk: {seconds:.0f} s, {size:.0f} MB of patterns, {grown:.0f} MB more memory")


def own_memory() -> int:
    """Bytes in memory that are not pages of files, which the system takes back when it likes."""
    fields = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    )
    return 1024 * int(fields["RssAnon"].split()[0])


def where() -> None:
    structures = [parsed(cif) for cif in sample_cifs()]
    cells = [cell_of(structure) for structure in structures]
    g_range = (0.0, 2 * np.sin(np.radians(TWO_THETA[1] / 2)) / 1.54184)
    print("| engine | reading the structure | structure factors | lines from them | symmetry |")
    print("|---|---|---|---|---|")
    for engine in ENGINES:
        compiled = engine == "numba"
        diffraction = Diffraction({1.54184: 1.0}, TWO_THETA, compiled=compiled)
        tasks = (
            lambda: [cell_of(structure) for structure in structures],
            lambda c=compiled: [structure_factors(cell, g_range, compiled=c) for cell in cells],
            lambda d=diffraction: [peaks_of(cell, d) for cell in cells],
            lambda: [laue_rotations(cell) for cell in cells],
        )
        for task in tasks:
            task()  # fills the tables
        rounds = in_turn(
            {str(place): lambda t=task: cpu_seconds(t) for place, task in enumerate(tasks)},
            N_ROUNDS,
        )
        milliseconds = [1e3 * values.min() / len(cells) for values in rounds.values()]
        milliseconds[2] -= milliseconds[1]
        print(f"| {engine} | " + " | ".join(f"{value:.2f}" for value in milliseconds) + " |")


def preset() -> None:
    published = pd.read_csv(SHARED / "xrdmatch" / "labelled.csv.gz")
    rows = published.filter(regex=r"^v\d+$").to_numpy()
    rows[:, -1] = 0  # is no intensity
    numbers = published["name"].str.extract(r"(\d+)")[0].astype(int)
    row_of = dict(zip(numbers, rows, strict=True))
    obelix = pd.read_csv(SHARED / "obelix" / "train.csv").set_index("ID")
    icsd = pd.to_numeric(obelix["ICSD ID"], errors="coerce").dropna().astype(int)
    cifs = obelix_cifs()
    simulator = PatternSimulator.from_preset("xrdmatch")
    best: dict[int, tuple[float, float]] = {}
    for name, number in icsd.items():
        if number in row_of and name in cifs:
            theirs, ours = row_of[number], simulated(simulator, [cifs[name]])[0]
            cosine = theirs @ ours / np.linalg.norm(theirs) / np.linalg.norm(ours)
            met = float(np.mean(ours[theirs > 0] > 0))
            best[number] = max(best.get(number, (0.0, 0.0)), (float(cosine), met))
    cosines, shares = np.array(list(best.values())).T
    print(
        f"{len(best)} rows: cosine {cosines.min():.3f} to {cosines.max():.3f}, median "
        f"{np.median(cosines):.3f}; {100 * shares.min():.1f} to {100 * shares.max():.1f} % of the "
        "points that are not empty"
    )


def growth(plot: str | None) -> None:
    structures = [parsed(cif) for cif in sample_cifs()]
    g_range = (0.0, 2 * np.sin(np.radians(TWO_THETA[1] / 2)) / 1.54184)
    found = {}
    for engine in ENGINES:
        rows = []
        for structure in structures:
            for multiple in (1, 3, 9):
                larger = structure.copy()
                larger.make_supercell([1, 1, multiple])
                cell = cell_of(larger)
                compiled = engine == "numba"
                reflections = structure_factors(cell, g_range, compiled=compiled)
                seconds = min(
                    cpu_seconds(
                        lambda c=cell, n=compiled: structure_factors(c, g_range, compiled=n)
                    )
                    for _ in range(15)
                )
                rows.append((len(reflections.hkl) * len(larger), seconds))
        terms, seconds = np.array(rows).T
        large = terms > LARGE
        exponent = np.polyfit(np.log(terms[large]), np.log(seconds[large]), 1)
        # seconds = constant + nanoseconds per term, by least squares of relative errors
        design = np.column_stack([1 / seconds, terms / seconds])
        constant, per_term = np.linalg.lstsq(design, np.ones(len(terms)), rcond=None)[0]
        found[engine] = (terms, seconds)
        as_they_are = slice(None, None, 3)
        print(
            f"{engine}: exponent {exponent[0]:.2f} above {LARGE:.0e} terms; "
            f"{1e6 * constant:.0f} us + {1e9 * per_term:.2f} ns per term; the 60 cells as they are "
            f"take {1e3 * seconds[as_they_are].mean():.2f} ms, "
            f"the terms {1e3 * per_term * terms[as_they_are].mean():.2f} ms of it"
        )
    if plot:
        draw(found, plot)


def draw(found: dict[str, tuple[np.ndarray, np.ndarray]], path: str) -> None:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
    for (engine, (terms, seconds)), color, marker in zip(
        found.items(), ["#0072B2", "#D55E00"], "o^", strict=False
    ):
        ax.loglog(terms, 1e3 * seconds, marker, ms=4, alpha=0.7, color=color, label=engine)
    limits = np.array(ax.get_xlim())
    ax.loglog(limits, 1e3 * 0.59e-9 * limits, "k--", lw=1, label="0.59 ns per term")
    ax.set(
        xlabel="Reflections in half a sphere × sites",
        ylabel="Structure factors (ms)",
        xlim=limits,
    )
    ax.legend(frameon=False)
    with io.BytesIO() as buffer:
        figure.savefig(buffer, dpi=150, format=Path(path).suffix[1:] or "png")
        Path(path).write_bytes(buffer.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {
        "agreement": agreement,
        "speed": speed,
        "cif": cif,
        "pool": pool,
        "where": where,
        "preset": preset,
    }
    parser.add_argument("parts", nargs="*", help=", ".join([*parts, "growth"]))
    parser.add_argument("--plot", help="file for the picture of the growth")
    args = parser.parse_args()
    for name in args.parts or [*parts, "growth"]:
        print(f"\n{name}\n", flush=True)
        if name == "growth":
            growth(args.plot)
        else:
            parts[name]()


if __name__ == "__main__":
    main()
