"""CIF files read with gemmi and with pymatgen: who needs the referee, who agrees, how fast.

The files are the 254 of OBELiX and a sample of the pool of lithium compounds; their mutated copies
are words, characters and lines changed. Agreement of two readers means the same lattice to 1e-6,
the same number of sites, amounts to 1e-3 atoms, and lines between 10 and 80 degrees (Cu K-alpha)
whose intensities have 1 - cosine below 1e-6. Times are processor times of one thread, the best of
three for each file; ratios are of sums over files, with the 95 % interval of a bootstrap over them.

    python benchmarks/cif_reading.py
    python benchmarks/cif_reading.py --n-pool 1000 --n-mutations 1000
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter

import numpy as np
import pandas as pd
from _real_data import SHARED, li_pool, obelix

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._lines._peaks import Diffraction, peaks_of
from skxrd.simulation._structures._cell import Cell
from skxrd.simulation._structures._cell_reading import CellReading, differences, read_cell

N_ROUNDS = 3
READERS = ("gemmi", "auto", "pymatgen")
DIFFRACTION = Diffraction({1.54184: 1.0}, (10.0, 80.0))
NEW_WORDS = ("?", ".", "#", "'", ";", "0", "-0.25", "1/3", "0.3333", "0.12(3)", "nan", "1e400",
             "Wat", "D", "loop_", "stop_", "data_x", "_cell_length_a", "0.00009", "1.03", "x, y, z",
             "_atom_site_occupancy")  # fmt: skip
PLAIN = "no doubts: gemmi alone"


def attempt(text: str, reader: str) -> tuple[CellReading | str, float]:
    """Read a text, and say how many milliseconds of processor time that took."""
    start = time.thread_time()
    try:
        found: CellReading | str = read_cell(text, cif_reader=reader)
    except InvalidStructureError as error:
        found = str(error)
    return found, 1e3 * (time.thread_time() - start)


def distance(first: Cell, second: Cell) -> float:
    """1 - cosine of the intensities of all lines; lines within 1e-6 degrees are one."""
    peaks = [peaks_of(cell._replace(u_iso=None, u_star=None), DIFFRACTION)
             for cell in (first, second)]  # fmt: skip
    if not all(len(each) for each in peaks):
        return float(len(peaks[0]) != len(peaks[1]))
    angles = np.concatenate([each.two_theta for each in peaks])
    order = np.argsort(angles)
    line = np.empty(len(angles), dtype=int)
    line[order] = np.concatenate([[0], np.cumsum(np.diff(angles[order]) > 1e-6)])
    heights = np.zeros((2, line.max() + 1))
    reader = np.repeat([0, 1], [len(each) for each in peaks])
    np.add.at(heights, (reader, line), np.concatenate([each.intensity for each in peaks]))
    norms = np.linalg.norm(heights, axis=1)
    return float(1 - heights[0] @ heights[1] / norms.prod())


def disagreement(first: CellReading, second: CellReading) -> list[str]:
    """Tell what differs between two readings."""
    found = differences(first.cell, second.cell)
    if first.formula != second.formula:
        found.append(f"formula ({first.formula} and {second.formula})")
    if not found and distance(first.cell, second.cell) >= 1e-6:
        found.append("lines")
    return found


def judge(readings: dict[str, CellReading | str], details: list[str], name: str) -> str:
    """Which way a file went, and whether that was right."""
    alone, auto, referee = (readings[reader] for reader in READERS)
    if isinstance(auto, str):
        return "no structure" if isinstance(referee, str) else "FAILS, pymatgen reads"
    if isinstance(referee, str):
        return "READ, pymatgen fails"
    plain = isinstance(alone, CellReading) and not alone.notes
    if auto.reader == "pymatgen":
        details.append(f"{name}: {auto.notes[-1]}")
        return "to the referee: differs, pymatgen's cell, noted"
    if found := disagreement(auto, referee):
        details.append(f"{name}: {found}")
        return f"{PLAIN}, BUT DIFFERS" if plain else "to the referee, BUT DIFFERS"
    if not plain:
        details.append(f"{name}: {alone.notes}" if isinstance(alone, CellReading) else alone)
        return "to the referee: agrees"
    return f"{PLAIN}, but pymatgen has notes" if referee.notes else PLAIN


def compare(collection: str, texts: dict[str, str]) -> None:
    ways: Counter[str] = Counter()
    details: list[str] = []
    attempts = {reader: [attempt(text, reader) for text in texts.values()] for reader in READERS}
    for position, name in enumerate(texts):
        readings = {reader: done[position][0] for reader, done in attempts.items()}
        ways[judge(readings, details, name)] += 1
    rounds = [
        [[attempt(text, reader)[1] for text in texts.values()] for reader in READERS]
        for _ in range(N_ROUNDS)
    ]
    times = pd.DataFrame(np.min(rounds, axis=0).T, columns=list(READERS))
    print(f"\n{collection}: {len(texts)} files")
    for way, count in ways.most_common():
        print(f"  {count:5d}  {way}")
    print(*(f"         {detail[:160]}" for detail in details[:12]), sep="\n")
    rng = np.random.default_rng(0)
    rows = rng.integers(len(texts), size=(1000, len(texts)))
    for reader in READERS:
        sums = times[reader].to_numpy()[rows].sum(axis=1)
        ratios = times["pymatgen"].to_numpy()[rows].sum(axis=1) / sums
        low, high = np.quantile(ratios, [0.025, 0.975])
        ratio = times["pymatgen"].sum() / times[reader].sum()
        print(f"  {reader:9s} {times[reader].mean():7.2f} ms per file (median "
              f"{times[reader].median():6.2f}), {ratio:5.1f} ({low:.1f} to {high:.1f}) times as "
              "fast as pymatgen")  # fmt: skip


def mutated(text: str, rng: np.random.Generator) -> str:
    """Change a word, mostly of the atom sites, a character or a line, once or twice."""
    for _ in range(rng.integers(1, 3)):
        lines = text.splitlines()
        near_end = rng.random() < 0.6
        line = int(rng.integers(max(0, len(lines) - 12) if near_end else 0, len(lines)))
        kind = rng.random()
        if kind < 0.05:
            del lines[line]
        elif kind < 0.1:
            lines.insert(int(rng.integers(len(lines))), lines[line])
        elif kind < 0.3:
            place = int(rng.integers(len(lines[line]) + 1))
            lines[line] = (
                lines[line][:place] + chr(rng.integers(32, 127)) + lines[line][place + 1 :]
            )
        elif words := lines[line].split():
            number = f"{rng.random():.{rng.integers(1, 7)}f}"
            new = number if rng.random() < 0.5 else NEW_WORDS[rng.integers(len(NEW_WORDS))]
            words[rng.integers(len(words))] = new
            lines[line] = " ".join(words)
        text = "\n".join([*lines, ""])
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n-pool", type=int, default=1000)
    parser.add_argument("--n-mutations", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data = obelix()
    files = {name: data.cifs[name] for name in data.frame["id"] if name in data.cifs}
    for reader in READERS:  # imports and tables that are loaded once
        attempt(next(iter(files.values())), reader)
    compare("OBELiX", files)
    if options.n_pool:
        pool = li_pool().sample(options.n_pool, random_state=0)
        compare("Pool", dict(zip(pool["id"].astype(str), pool["cif"], strict=True)))
    measured = sorted((SHARED / "measured").glob("*.cif"))
    if measured:
        compare("Measured", {path.stem: path.read_text(encoding="utf-8") for path in measured})
    if options.n_mutations:
        rng = np.random.default_rng(0)
        sources = [text for text in files.values() if len(text) < 6000]
        copies = {f"copy {n}": mutated(sources[rng.integers(len(sources))], rng)
                  for n in range(options.n_mutations)}  # fmt: skip
        compare("Mutated", copies)


if __name__ == "__main__":
    main()
