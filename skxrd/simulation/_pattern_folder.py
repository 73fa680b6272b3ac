"""Patterns on disk that grow block by block, and go on where an interrupted run ended."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd._files import complete_file
from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._structures._cell import cell_of
from skxrd.simulation._task import Outcome

__all__ = ["PatternFolder", "fingerprint"]

_PATTERNS, _TABLE = "patterns.npy", "structures.csv"
_PARAMETERS, _JOURNAL = "simulation.json", "blocks.jsonl"


class PatternFolder:
    """Folder with the patterns of many structures.

    A block is done when its line stands in the journal, which is written after its rows; a line
    that a crash cut short does not count.

    Parameters
    ----------
    folder : path-like
        Folder of the finished simulation.
    parameters : dict of str to str
        What the patterns depend on besides the structures.
    shape : tuple of 2 int
        Number of structures and of points.

    Raises
    ------
    FileExistsError
        If the folder, or the unfinished one of an earlier run, holds something else.
    """

    def __init__(
        self, folder: str | os.PathLike[str], parameters: Mapping[str, str], shape: tuple[int, int]
    ) -> None:
        self.folder = Path(folder)
        self.shape = shape
        self._unfinished = self.folder.with_name(f"{self.folder.name}.unfinished")
        self._place = self.folder if self.folder.exists() else self._unfinished
        described = {**parameters, "n_structures": str(shape[0]), "n_points": str(shape[1])}
        if self._place.exists() and not self._has_hardly_begun():
            self._check(described)
        else:
            self._place.mkdir(parents=True, exist_ok=True)
            np.lib.format.open_memmap(
                self._place / _PATTERNS, mode="w+", dtype=np.float32, shape=shape
            ).flush()
            # last, so that a folder with parameters has everything else as well
            with complete_file(self._place / _PARAMETERS) as file:
                file.write(json.dumps(described, indent=2).encode())
        self._blocks = self._read_journal()

    @property
    def is_finished(self) -> bool:
        """Whether all is done."""
        return self._place == self.folder

    def _has_hardly_begun(self) -> bool:
        """Tell whether a run ended before it had written its parameters."""
        names = {path.name for path in self._place.iterdir()}
        return not self.is_finished and names <= {_PATTERNS}

    def _check(self, described: Mapping[str, str]) -> None:
        path = self._place / _PARAMETERS
        if not path.is_file():
            raise FileExistsError(f"{self._place} exists and holds no simulated patterns.")
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = sorted(
            name for name in {*found, *described} if found.get(name) != described.get(name)
        )
        if differing:
            name = differing[0]
            raise FileExistsError(
                f"{self._place} holds patterns of another simulation: {name} was "
                f"{found.get(name, 'not known')} and is {described.get(name, 'not known')} now; "
                "choose another folder."
            )

    def _read_journal(self) -> dict[int, dict[str, Any]]:
        blocks = [json.loads(line) for line in self._whole_lines()]
        return {block["start"]: block for block in blocks}

    def _whole_lines(self) -> list[bytes]:
        path = self._place / _JOURNAL
        lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
        return [line for line in lines if line.endswith(b"\n")]

    def read(self, start: int, key: str) -> list[Outcome] | None:
        """Read what became of the structures of a block, without their patterns.

        Parameters
        ----------
        start : int
            Position of the first structure of the block.
        key : str
            Fingerprint of its structures.

        Returns
        -------
        list of Outcome or None
            None if the block has not been simulated.

        Raises
        ------
        FileExistsError
            If the block was simulated with other structures.
        """
        block = self._blocks.get(start)
        if block is None:
            return None
        if block["key"] != key:
            raise FileExistsError(
                f"{self._place} holds patterns of other structures: of those from {start} on at "
                "least one differs; choose another folder."
            )
        return [
            Outcome(None, formula, reason, tuple(notes)) for formula, reason, notes in block["rows"]
        ]

    def write(self, start: int, key: str, outcomes: Sequence[Outcome]) -> None:
        """Write the rows of a block.

        Parameters
        ----------
        start : int
            Position of the first structure of the block.
        key : str
            Fingerprint of its structures.
        outcomes : sequence of Outcome
            What became of them.
        """
        rows = np.lib.format.open_memmap(self._place / _PATTERNS, mode="r+")
        for row, outcome in enumerate(outcomes, start):
            rows[row] = np.nan if outcome.pattern is None else outcome.pattern
        rows.flush()
        told = [[outcome.formula, outcome.reason, list(outcome.notes)] for outcome in outcomes]
        line = json.dumps({"start": start, "key": key, "rows": told}) + "\n"
        n_whole = sum(map(len, self._whole_lines()))
        with open(self._place / _JOURNAL, "ab") as file:
            file.truncate(n_whole)  # without a line that a crash cut short
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def finish(self, table: pd.DataFrame) -> None:
        """Write the table of the structures, and give the folder its name.

        Parameters
        ----------
        table : DataFrame
            One row per structure.
        """
        if self.is_finished:
            return
        with complete_file(self._place / _TABLE) as file:
            table.to_csv(file, index=False)
        self._place.rename(self.folder)
        self._place = self.folder

    def patterns(self) -> NDArray[np.float32]:
        """Map the patterns into memory, to be read only."""
        patterns: NDArray[np.float32] = np.load(self._place / _PATTERNS, mmap_mode="r")
        return patterns


def fingerprint(items: Sequence[Any], ids: Sequence[str]) -> str:
    """Tell lists of structures apart: by path, size and time of files, and by content otherwise.

    Parameters
    ----------
    items : sequence
        Structures as `read_structure` takes them.
    ids : sequence of str
        Their names.

    Returns
    -------
    str
        Hash.
    """
    digest = hashlib.sha256()
    for item, name in zip(items, ids, strict=True):
        for part in (name.encode(), *_identity(item)):
            digest.update(part)
            digest.update(b"\0")
    return digest.hexdigest()


def _identity(item: Any) -> list[bytes]:
    if isinstance(item, str | os.PathLike):
        text = os.fspath(item)
        if "\n" in text or not os.path.isfile(text):
            return [text.encode()]
        status = os.stat(text)
        return [text.encode(), str(status.st_size).encode(), str(status.st_mtime_ns).encode()]
    if hasattr(item, "lattice"):
        try:
            cell = cell_of(item)
        except InvalidStructureError as error:  # to be told when its turn comes
            return [str(error).encode()]
        arrays = (cell.lattice, cell.frac_coords, cell.occupancies, cell.u_star)
        return [",".join(cell.elements).encode(), *(np.asarray(a, float).tobytes() for a in arrays)]
    return [repr(item).encode()]
