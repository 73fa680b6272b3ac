"""Progress of simulations in other processes, read from files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

__all__ = ["steps_shown"]

_SECONDS = 0.5


@contextmanager
def steps_shown(files: list[Path], n_steps: int) -> Iterator[None]:
    """Show a bar with the finished steps of all simulations and the time left, on stderr.

    Parameters
    ----------
    files : list of Path
        One file for each simulation, with the number of its finished steps, into which it writes
        how they become more.
    n_steps : int
        Steps of all simulations together.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=600) as progress:
        task = progress.add_task("Steps of dynamics", total=n_steps, completed=_finished(files))
        over = threading.Event()

        def follow() -> None:
            while not over.wait(_SECONDS):
                progress.update(task, completed=_finished(files))

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()
            progress.update(task, completed=_finished(files))


def _finished(files: list[Path]) -> int:
    return sum(int(np.fromfile(file, dtype=np.int64)[0]) for file in files)
