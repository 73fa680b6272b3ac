"""Candidates are judged a batch at a time, in bounded memory and on any joblib backend."""

from __future__ import annotations

import contextlib
import os
from math import ceil
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.parallel import delayed

from skxrd import __version__
from skxrd._memory import is_storing, open_memory, stored
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._threads import one_thread
from skxrd.screening._pattern_source import PatternSource
from skxrd.screening._votes import vote_statistics

__all__ = ["screen_batches"]


def screen_batches(
    source: PatternSource,
    *,
    classifier: Any,
    column: int,
    similarity: Any,
    is_conductor: NDArray[np.bool_],
    batch_size: int,
    memory: str | os.PathLike[str] | joblib.Memory | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Judge all rows.

    Parameters
    ----------
    source : PatternSource
        Patterns.
    classifier : classifier
        Fitted classifier.
    column : int
        Column of the positive class.
    similarity : transformer
        Fitted similarity to the known compounds.
    is_conductor : ndarray of bool of shape (n_known,)
        Which of them are of the positive class.
    batch_size : int
        Rows of a batch.
    memory : str, path-like, joblib.Memory or None, default=None
        Where the results of finished batches are kept.
    n_jobs : int, default=None
        Number of batches side by side.
    verbose : int, default=0
        Above 0, show the progress.

    Returns
    -------
    DataFrame
        Votes, "similarity", "nearest" (position among the known compounds) and "novelty"; one row
        per pattern, in their order.

    Raises
    ------
    ValueError
        If a pattern is not finite.
    """
    if source.n_patterns == 0:
        return _judged(np.empty((0, len(is_conductor))), is_conductor, _no_votes())
    memory = open_memory(memory)
    judge = stored(memory, _judge_batch)
    judges = (classifier, column, similarity, is_conductor)
    shared_key = joblib.hash((__version__, judges)) if is_storing(memory) else ""
    tasks = (
        delayed(judge)(
            joblib.hash((shared_key, np.asarray(X))) if shared_key else "",
            X,
            batch * batch_size,
            *judges,
        )
        for batch, X in enumerate(source.batches(batch_size))
    )
    with (
        one_thread(),  # around all, so that threads restore no value of each other
        contextlib.closing(as_they_come(tasks, n_jobs)) as results,
    ):
        n_batches = ceil(source.n_patterns / batch_size)
        shown = tracked(results, "Screening", n_batches) if verbose else results
        return pd.concat(list(shown), ignore_index=True)


def _judge_batch(
    key: str,
    X: NDArray[np.float32],
    start: int,
    classifier: Any,
    column: int,
    similarity: Any,
    is_conductor: NDArray[np.bool_],
) -> pd.DataFrame | None:
    """Judge some rows; `key` stands for all other arguments in a store."""
    if X is None:  # a call that writes the code of this function to the store, see `stored`
        return None
    X = np.asarray(X, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        named = ", ".join(str(start + row) for row in bad[:5]) + (", ..." if len(bad) > 5 else "")
        raise ValueError(
            f"X holds NaN or infinite values in row(s) {named}; leave these rows out, for instance "
            "with X[np.isfinite(X).all(axis=1)]. PatternSimulator(on_error='nan') makes such rows "
            "of structures that give no pattern."
        )
    with one_thread():  # the same sums in the same order, whatever the number of jobs
        votes = vote_statistics(classifier, X, column)
        return _judged(similarity.transform(X), is_conductor, votes)


def _judged(
    similarities: NDArray[Any], is_conductor: NDArray[np.bool_], votes: pd.DataFrame
) -> pd.DataFrame:
    similarities = np.clip(similarities, 0, 1)  # a negative correlation is no similarity
    conductors = np.flatnonzero(is_conductor)
    nearest = conductors[similarities[:, conductors].argmax(axis=1)]
    return votes.assign(
        similarity=np.take_along_axis(similarities, nearest[:, None], axis=1)[:, 0].astype(float),
        nearest=nearest,
        novelty=1 - similarities.max(axis=1, initial=0).astype(float),
    )


def _no_votes() -> pd.DataFrame:
    numbers = ["mean_probability", "probability_std", "vote_entropy"]
    empty = pd.DataFrame({name: np.empty(0) for name in numbers})
    return empty.assign(output_frequency=np.empty(0, dtype=np.int64))
