"""Computing on one thread, since the sum of a parallel reduction depends on their number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: BLAS, OpenMP and torch, each restored to its own number afterwards.

    torch is limited by itself, as new threads take its number from it and not from OpenMP, and only
    if something has imported it before. Where members or fits run in threads of one process, put
    another limit around all of them: what one thread restores would else reach the others.
    """
    torch = sys.modules.get("torch")  # whoever trains with torch has imported it
    n_threads = torch.get_num_threads() if torch else None
    with threadpool_limits(1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(n_threads)
