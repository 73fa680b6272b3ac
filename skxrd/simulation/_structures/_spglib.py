"""Quiet use of spglib, which writes to the standard error stream and warns of its own future."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator

__all__ = ["silent_spglib"]

_SPGLIB = threading.Lock()  # the environment and the warning filters belong to all threads


@contextlib.contextmanager
def silent_spglib() -> Iterator[None]:
    """Keep spglib from writing on the standard error stream; what fails is told by the result."""
    with _SPGLIB, warnings.catch_warnings():
        # spglib tells how it will report errors one day
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        before = os.environ.get("SPGLIB_WARNING")
        os.environ["SPGLIB_WARNING"] = "OFF"
        try:
            yield
        finally:
            if before is None:
                del os.environ["SPGLIB_WARNING"]
            else:
                os.environ["SPGLIB_WARNING"] = before
