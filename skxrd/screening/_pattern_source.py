"""Patterns that may be larger than the memory: arrays, memory maps and files."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from skxrd._optional import import_optional
from skxrd.exceptions import FileFormatError

__all__ = ["PatternSource", "open_patterns"]

_PREFIX = "two_theta_"  # of the columns that PatternSimulator names


class PatternSource(ABC):
    """Rows of patterns that are read a batch at a time."""

    n_patterns: int
    n_points: int

    @abstractmethod
    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Give `size` rows after `size` rows; the last batch may be smaller."""

    @abstractmethod
    def columns(self) -> pd.DataFrame:
        """Give what the source tells about its rows beside the patterns: "id" and "formula"."""


class _ArraySource(PatternSource):
    def __init__(self, X: Any) -> None:
        if issparse(X):
            raise TypeError("X is a sparse matrix; patterns are needed as an array, X.toarray().")
        if not isinstance(X, np.ndarray):
            X = np.asarray(X, dtype=np.float32)
        if X.ndim != 2:
            raise ValueError(
                f"X must have shape (n_samples, n_points), got {X.ndim} dimension(s) of shape "
                f"{X.shape}. A single pattern is X.reshape(1, -1)."
            )
        self._X = X
        self.n_patterns, self.n_points = X.shape

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        # Slices of a memory map stay memory maps: joblib sends workers the name of the file.
        return (self._X[start : start + size] for start in range(0, self.n_patterns, size))

    def columns(self) -> pd.DataFrame:
        return pd.DataFrame(index=range(self.n_patterns))


class _ParquetSource(PatternSource):
    def __init__(self, path: Path) -> None:
        parquet = import_optional("pyarrow.parquet", extra="parquet", purpose=f"Reading {path}")
        lib = import_optional("pyarrow.lib", extra="parquet", purpose=f"Reading {path}")
        try:
            self._file = parquet.ParquetFile(path)
        except lib.ArrowInvalid as error:
            raise FileFormatError(f"{path} is no Parquet file: {error}") from error
        names = self._file.schema_arrow.names
        self._points = [name for name in names if name.startswith(_PREFIX)]
        self._others = [name for name in ("id", "formula") if name in names]
        if not self._points:
            raise FileFormatError(
                f"{path} has no columns of patterns, {_PREFIX}...; it has "
                f"{', '.join(map(repr, names[:5]))}."
            )
        self.n_patterns, self.n_points = self._file.metadata.num_rows, len(self._points)

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        rows: list[NDArray[np.float32]] = []  # read, and not yet given
        n_rows = 0
        for batch in self._file.iter_batches(size, columns=self._points, use_threads=False):
            # Batches of a file end with its row groups, ours do not.
            rows.append(np.stack([np.asarray(column, np.float32) for column in batch], axis=1))
            n_rows += len(rows[-1])
            if n_rows >= size:
                joined = np.concatenate(rows)
                yield joined[:size]
                rows, n_rows = [joined[size:]], n_rows - size
        if n_rows:
            yield np.concatenate(rows)

    def columns(self) -> pd.DataFrame:
        return self._file.read(columns=self._others).to_pandas()


def open_patterns(X: ArrayLike | str | os.PathLike[str]) -> PatternSource:
    """Open patterns without reading them.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_points), str or path-like
        Patterns, also as a memory map, or the path of a file: ``.npy``, which is mapped into
        memory, or ``.parquet`` with columns "two_theta_...".

    Returns
    -------
    PatternSource
        The rows.

    Raises
    ------
    FileFormatError
        If the file is of another kind or broken.
    MissingDependencyError
        If the file is a Parquet file and pyarrow is not installed.
    ValueError
        If the patterns do not have two dimensions.
    """
    if not isinstance(X, str | os.PathLike):
        return _ArraySource(X)
    path = Path(X)
    if path.suffix == ".parquet":
        return _ParquetSource(path)
    if path.suffix != ".npy":
        raise FileFormatError(f"Patterns are read from .npy and .parquet files, not from {path}.")
    try:
        return _ArraySource(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise FileFormatError(f"{path} is no array of patterns: {error}") from error
