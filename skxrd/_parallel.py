"""Results of parallel tasks as they come, on every joblib backend."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable
from typing import Any

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel

__all__ = ["as_they_come"]


def as_they_come(tasks: Iterable[Any], n_jobs: int | None) -> Generator[Any]:
    """Run tasks side by side and give their results in the order of the tasks.

    Close the generator (`contextlib.closing`) where an error may cut it short: running tasks are
    then given up at once and not when the garbage is collected.

    Parameters
    ----------
    tasks : iterable of delayed calls
        What `sklearn.utils.parallel.delayed` makes; they are taken as workers become free.
    n_jobs : int or None
        Number of parallel jobs, as joblib has it.

    Yields
    ------
    object
        Result of the next task.
    """
    # Backends built on multiprocessing, such as Ray's, return everything at the end only.
    backend, _ = get_active_backend()
    return_as = "generator" if backend.supports_return_generator else "list"
    results = Parallel(n_jobs=n_jobs, return_as=return_as)(tasks)
    try:
        # "yield from" would close the results before they come to "finally".
        for result in results:  # noqa: UP028
            yield result
    finally:
        if return_as == "generator":
            with warnings.catch_warnings():  # joblib warns of tasks that an error cuts short
                warnings.simplefilter("ignore")
                results.close()
