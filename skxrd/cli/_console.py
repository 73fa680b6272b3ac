"""What the command says: messages of one line on the standard error stream."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["one_line_warnings", "show_message", "show_warnings_of_worker"]

_STYLES = {"error": "bold red", "warning": "yellow"}


def show_message(kind: str, message: object) -> None:
    """Write one line to the standard error stream, above a progress bar if there is one.

    Parameters
    ----------
    kind : {"error", "warning"}
        What it is.
    message : object
        Message; its lines are joined.
    """
    line = Text("skxrd: ").append(f"{kind}: ", _STYLES[kind]).append(" ".join(str(message).split()))
    console = Console(stderr=True)
    with console.capture() as capture:
        console.print(line, soft_wrap=True)
    # Not by the console itself: it would write past a progress bar that has taken the stream over.
    sys.stderr.write(capture.get())


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show warnings as one line each, and those of the same text once."""
    previous = warnings.showwarning
    warnings.showwarning = _make_showwarning()
    try:
        yield
    finally:
        warnings.showwarning = previous


def show_warnings_of_worker() -> None:
    """Show warnings as `one_line_warnings` does; a worker process runs this when it starts."""
    warnings.showwarning = _make_showwarning()


def _make_showwarning() -> Callable[..., None]:
    shown: set[str] = set()

    def showwarning(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in shown:
            shown.add(str(message))
            show_message("warning", message)

    return showwarning
