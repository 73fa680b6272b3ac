"""A store of finished results on disk, so that an interrupted call goes on where it was."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from types import FunctionType
from typing import Any

import joblib
from sklearn.utils.validation import check_memory

__all__ = ["is_storing", "open_memory", "stored"]


def open_memory(memory: str | os.PathLike[str] | joblib.Memory | None) -> joblib.Memory:
    """Make a store of a folder; None makes one that keeps nothing.

    Parameters
    ----------
    memory : str, path-like, joblib.Memory or None
        Folder or store.

    Returns
    -------
    joblib.Memory
        The store.
    """
    return check_memory(os.fspath(memory) if isinstance(memory, os.PathLike) else memory)


def is_storing(memory: joblib.Memory) -> bool:
    """Tell whether a store keeps anything, so that keys are worth their time."""
    return getattr(memory, "location", True) is not None


def stored(memory: joblib.Memory, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function look into a store first, and write there when it has finished.

    joblib keeps the code of a function next to its results and empties the store when the code has
    changed or is missing. Several workers would do so at the same time, each deleting what another
    has just finished, so the code is compared and written here, before they start. It takes a copy
    of the function: of one that joblib has seen before, it would not look into another store.

    Parameters
    ----------
    memory : joblib.Memory
        The store.
    function : function
        Its first argument is the key of the result; the others are not compared. It is called once
        with None in the place of all others, and must then return at once.

    Returns
    -------
    callable
        The function with the store behind it.
    """
    _, *ignored = inspect.signature(function).parameters
    copy = FunctionType(function.__code__, function.__globals__)
    memory.cache(copy, ignore=ignored)("", *[None] * len(ignored))
    return memory.cache(function, ignore=ignored)
