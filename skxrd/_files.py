"""Results appear when they are complete, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["complete_file", "complete_folder"]


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file under a temporary name; it gets its own when the block ends without an error.

    Parameters
    ----------
    path : Path
        File to be written.

    Yields
    ------
    file
        Binary file, open for writing.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:  # over what a killed process of this number left
            yield file
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def complete_folder(path: Path, *, stale: tuple[str, ...] = ()) -> Iterator[Path]:
    """Make a folder whose files and folders move into `path` when the block ends without an error.

    Parameters
    ----------
    path : Path
        Folder of the results; made if there is none, and removed again after an error.
    stale : tuple of str, default=()
        Files and folders of an earlier run that are removed at the end if this run did not write
        them.

    Yields
    ------
    Path
        Folder to write to, inside `path` and thus on its file system.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; a folder is needed")
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=path, prefix=".unfinished-"))
    try:
        yield unfinished
        for entry in sorted(unfinished.iterdir()):
            if entry.is_dir():  # one that is not empty cannot be replaced in one step
                _remove(path / entry.name)
            os.replace(entry, path / entry.name)
            stale = tuple(name for name in stale if name != entry.name)
        for name in stale:
            _remove(path / name)
    finally:
        shutil.rmtree(unfinished)
        if is_new and not any(path.iterdir()):
            path.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
