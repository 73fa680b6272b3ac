"""What the comparisons of speed share: a row of the table, and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison: CPU seconds of both sides and, where it was measured, their memory in MB."""

    task: str
    peer: str
    ours_seconds: float
    peer_seconds: float
    remark: str
    ours_memory: float | None = None
    peer_memory: float | None = None


def cpu_seconds(call: Callable[[], object], rounds: int = 1) -> float:
    """Least CPU time of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
