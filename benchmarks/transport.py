"""Speed of the analysis of trajectories against the packages that are used for it.

    OMP_NUM_THREADS=1 python benchmarks/transport.py [reader] [diffusion] [van_hove]

CPU seconds on one thread, ours the least of three rounds. Peers are pymatgen,
pymatgen-analysis-diffusion and kinisi (extra `dev`). Memory is the peak of a process of its own.
"""

from __future__ import annotations

import argparse

import _transport_diffusion
import _transport_readers
import _transport_van_hove

PARTS = {
    "reader": _transport_readers.rows,
    "diffusion": _transport_diffusion.rows,
    "van_hove": _transport_van_hove.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    print("| task | peer | ours (s) | peer (s) | times faster | memory |")
    print("|---|---|---|---|---|---|")
    for part in parser.parse_args().parts:
        for row in PARTS[part]():
            memory = ""
            if row.ours_memory and row.peer_memory:
                memory = f"{row.ours_memory:.0f} MB against {row.peer_memory:.0f} MB"
            print(
                f"| {row.task}: {row.remark} | {row.peer} | {row.ours_seconds:.3g} "
                f"| {row.peer_seconds:.3g} | {row.peer_seconds / row.ours_seconds:.0f} "
                f"| {memory} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
