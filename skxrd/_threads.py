"""Computing on one thread, since the sum of a parallel reduction depends on their number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["limited_threads", "one_thread"]


def one_thread() -> AbstractContextManager[None]:
    """Compute on one thread, as `limited_threads` does."""
    return limited_threads(1)


@contextmanager
def limited_threads(limit: int) -> Iterator[None]:
    """Limit the threads of BLAS, OpenMP and torch; each gets its own number back afterwards.

    torch is limited by itself, as new threads take its number from it and not from OpenMP, and only
    if something has imported it before. Where members or fits run in threads of one process, put
    another limit around all of them: what one thread restores would else reach the others.
    """
    torch = sys.modules.get("torch")  # whoever trains with torch has imported it
    n_threads = torch.get_num_threads() if torch else None
    with threadpool_limits(limit):
        if torch:
            torch.set_num_threads(limit)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(n_threads)
