"""Results of finished batches on disk, so that an interrupted screening goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skxrd._files import complete_file
from skxrd.exceptions import FileFormatError

__all__ = ["BatchFiles"]

_ABOUT = "about.json"


class BatchFiles:
    """Folder with one file per finished batch.

    Parameters
    ----------
    folder : str or path-like
        Folder; it is made if there is none.
    about : mapping of str to str or int
        What the results depend on. A folder of another run is refused.

    Raises
    ------
    ValueError
        If the folder holds the batches of another run, or files that are none of ours.
    """

    def __init__(self, folder: str | os.PathLike[str], about: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        record = self.folder / _ABOUT
        if record.is_file():
            try:
                found = json.loads(record.read_text(encoding="utf-8"))
            except ValueError as error:
                raise FileFormatError(f"{record} is damaged: {error}") from error
            other = sorted(name for name in about if found.get(name) != about[name])
            if other:
                raise ValueError(
                    f"checkpoint={str(folder)!r} belongs to another screening: it differs in "
                    f"{', '.join(other)}. Remove the folder, or name another."
                )
            return
        if any(self.folder.iterdir()):
            raise ValueError(
                f"checkpoint={str(folder)!r} holds files that are not those of a screening; name "
                "an empty folder or a new one."
            )
        with complete_file(record) as file:
            file.write(json.dumps(dict(about), indent=2).encode())

    def count(self) -> int:
        """Count the batches that were finished."""
        return len(list(self.folder.glob("batch-*.npy")))

    def read(self, batch: int) -> pd.DataFrame | None:
        """Read what is known about a batch; None if it was not finished."""
        path = self._path(batch)
        if not path.is_file():
            return None
        return pd.DataFrame(np.load(path, allow_pickle=False))

    def write(self, batch: int, results: pd.DataFrame) -> None:
        """Keep the results of a batch."""
        with complete_file(self._path(batch)) as file:
            np.save(file, results.to_records(index=False))

    def _path(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:06d}.npy"
