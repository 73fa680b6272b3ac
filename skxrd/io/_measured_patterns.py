"""A measured powder pattern, and several of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skxrd.simulation import structure_id

__all__ = ["MeasuredPattern", "MeasuredPatterns"]


@dataclass(frozen=True, eq=False)
class MeasuredPattern:
    """Measured powder pattern with what is known of its origin.

    `read_pattern` reads one from a file; arrays make one as well. They are copied and cannot be
    written to.

    Parameters
    ----------
    two_theta : array-like of shape (n_points,)
        Angles in degrees, strictly increasing, between 0 and 180; at least two.
    intensity : array-like of shape (n_points,)
        Intensities, in counts or any other unit.
    uncertainty : array-like of shape (n_points,) or None, default=None
        Standard uncertainties of the intensities.
    wavelength : float or None, default=None
        Wavelength in angstrom, None if it is unknown.
    wavelength_is_assumed : bool, default=False
        Whether the wavelength is a guess of the reader.
    metadata : dict, default={}
        What the header of the file says, and what the reader did.
    path : Path or None, default=None
        File of the pattern.
    sha256 : str or None, default=None
        Hash of the file as it was read.
    format : str or None, default=None
        Suffix of the format by which the file was read.
    counts : array-like of shape (n_points,) or None, default=None
        Numbers of photons that were detected; None where only an intensity is known. They differ
        from the intensities where these are per second or corrected for an attenuator, and are
        the sum of repeated measurements, of which the intensity is the mean.

    Attributes
    ----------
    name : str
        Stem of the file; empty without a file.

    Raises
    ------
    ValueError
        If lengths differ, a number is not finite, angles do not increase or leave the range, an
        uncertainty or a count is negative, or the wavelength is not positive.

    Examples
    --------
    >>> from skxrd.io import MeasuredPattern
    >>> pattern = MeasuredPattern([10.0, 10.5, 11.0], [52, 61, 55], wavelength=1.54184)
    >>> pattern.intensity.max().item()
    61.0
    """

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    uncertainty: NDArray[np.float64] | None = None
    wavelength: float | None = None
    wavelength_is_assumed: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None
    sha256: str | None = None
    format: str | None = None
    counts: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in ("two_theta", "intensity", "uncertainty", "counts"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _column(values, name))
        n_points = len(self.two_theta)
        if n_points < 2:
            raise ValueError(f"A pattern needs at least two angles, got {n_points}.")
        for name in ("intensity", "uncertainty", "counts"):
            values = getattr(self, name)
            if values is not None and len(values) != n_points:
                raise ValueError(f"{name} has {len(values)} values for {n_points} angles.")
        if (np.diff(self.two_theta) <= 0).any():
            raise ValueError("two_theta must increase strictly.")
        if self.two_theta[0] < 0 or self.two_theta[-1] > 180:
            raise ValueError(
                f"two_theta goes from {self.two_theta[0]:g} to {self.two_theta[-1]:g}; angles "
                "between 0 and 180 degrees are needed."
            )
        for name in ("uncertainty", "counts"):
            values = getattr(self, name)
            if values is not None and (values < 0).any():
                raise ValueError(f"{name} must not be negative.")
        if self.wavelength is not None and not 0 < self.wavelength < np.inf:
            raise ValueError(f"wavelength must be positive, in angstrom, got {self.wavelength!r}.")

    @property
    def name(self) -> str:
        """Stem of the file; empty without a file."""
        return "" if self.path is None else structure_id(self.path, "")


@dataclass(frozen=True, eq=False)
class MeasuredPatterns(Sequence[MeasuredPattern]):
    """Measured patterns in a sequence, and the files that could not be read.

    Parameters
    ----------
    patterns : list of MeasuredPattern
        The patterns, which are also the items of the sequence.
    ids : list of str
        Name of each pattern: the stem of its file, or its path where stems repeat.
    failures : DataFrame with columns "path", "reason"
        Files without a pattern.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.io import MeasuredPattern, MeasuredPatterns
    >>> pattern = MeasuredPattern([10.0, 11.0], [5, 6])
    >>> patterns = MeasuredPatterns([pattern], ["sample"], pd.DataFrame())
    >>> len(patterns), patterns[0] is pattern
    (1, True)
    """

    patterns: list[MeasuredPattern]
    ids: list[str]
    failures: pd.DataFrame

    def __len__(self) -> int:
        return len(self.patterns)

    @overload
    def __getitem__(self, index: int) -> MeasuredPattern: ...

    @overload
    def __getitem__(self, index: slice) -> list[MeasuredPattern]: ...

    def __getitem__(self, index: int | slice) -> MeasuredPattern | list[MeasuredPattern]:
        return self.patterns[index]


def _column(values: ArrayLike, name: str) -> NDArray[np.float64]:
    column = np.array(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {column.shape}.")
    if not np.isfinite(column).all():
        raise ValueError(f"{name} holds values that are not finite.")
    column.flags.writeable = False
    return column
