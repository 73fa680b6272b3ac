"""How fast a training step is, as ratios against named peers measured in the same run.

Every ratio compares alternating runs on the same machine, threads, network and batch (32 labeled
rows, 96 weak and 96 strong views), and is printed as median (lowest to highest) over the rounds.
Ours is a whole `fit`: the time of an epoch divided by its steps, augmentation, rendering, loading
and bookkeeping included. The peer is the step of semilearn 0.3.2; `_peer_step.py` says what of it
was replicated, and why. The parts:

overhead   our fit over a bare torch loop with the same arithmetic, views and rows
vgg11      the paper's network on 4,501 points against the peer: ratios, FLOP/s against the peak
small      the default recipe against the peer: ratios, profiles of both
ensemble   ten small networks: one after the other, two processes, torch.func.vmap, grouped layers
rows       time and memory of one epoch against the number of memory-mapped unlabeled rows
paper      ten members at the paper's full size on a GPU; skipped where there is none

Each part stands in a file of its own, `_speed_<part>.py`.

    python benchmarks/training_speed.py [PART ...] [--rounds 3] [--threads N] [--json FILE]
                                        [--max-rows 30000] [--plot FILE] [--synthetic]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import torch
from _speed_ensemble import ensemble
from _speed_overhead import overhead
from _speed_paper import paper
from _speed_rows import rows
from _speed_small import small
from _speed_vgg11 import vgg11

PARTS = {
    "overhead": overhead,
    "vgg11": vgg11,
    "small": small,
    "ensemble": ensemble,
    "rows": rows,
    "paper": paper,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--max-rows", type=int, default=30_000, help="of the part rows")
    parser.add_argument("--plot", type=Path, help="file for the plot of the part rows")
    parser.add_argument("--epochs", type=int, default=100, help="of the part paper")
    parser.add_argument("--synthetic", action="store_true", help="made-up rows in the part paper")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.max_rows < 3_000:
        parser.error("--max-rows must be at least 3000: a slope needs two sizes")

    torch.set_num_threads(options.threads)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "torch": torch.__version__,
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    numbers: dict[str, Any] = {"machine": machine}
    for part in options.parts or PARTS:
        print(f"\n## {part}", flush=True)
        start = time.perf_counter()
        numbers[part] = PARTS[part](options)
        print(f"  ({time.perf_counter() - start:.0f} s)", flush=True)
    if options.json:
        partial = options.json.with_suffix(".partial")
        partial.write_text(json.dumps(numbers, indent=2, default=float))
        partial.rename(options.json)


if __name__ == "__main__":
    main()
