"""The progress bar of everything that takes long, on stderr, where it gets into no output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["tracked"]

T = TypeVar("T")


def tracked(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Pass items on and show a progress bar meanwhile.

    Parameters
    ----------
    items : iterable
        What is passed on, such as results of workers; it need not have a length.
    description : str
        What is being done, shown in front of the bar.
    total : int
        Number of items.

    Returns
    -------
    iterator
        The items, in their order.
    """
    from rich.console import Console
    from rich.progress import track

    return iter(track(items, description, total=total, console=Console(stderr=True)))
