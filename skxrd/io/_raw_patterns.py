"""What a reader of one format returns, and the cleaning that all formats need."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError

__all__ = ["RawPattern", "cleaned"]


class RawPattern(NamedTuple):
    """Columns of a file in its own order, angles in degrees and wavelength in angstrom."""

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    uncertainty: NDArray[np.float64] | None
    wavelength: float | None
    metadata: dict[str, Any]


def cleaned(raw: RawPattern) -> RawPattern:
    """Sort by angle and average what was measured at one angle.

    Parameters
    ----------
    raw : RawPattern
        Columns as they stand in the file.

    Returns
    -------
    RawPattern
        Columns with strictly increasing angles; where some were repeated, `metadata` has their
        number as "n_repeated_angles", and where angles went back and forth, "n_ranges".

    Raises
    ------
    PatternReadError
        If a number is missing or makes no sense, or if most angles are repeated.
    """
    for name in ("two_theta", "intensity", "uncertainty"):
        column = getattr(raw, name)
        if column is not None and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise PatternReadError(f"{name} is {column[row]} in data row {row + 1}.")
    if raw.uncertainty is not None and (raw.uncertainty < 0).any():
        row = int(np.flatnonzero(raw.uncertainty < 0)[0])
        raise PatternReadError(f"uncertainty is negative in data row {row + 1}.")
    angles, place, counts = np.unique(raw.two_theta, return_inverse=True, return_counts=True)
    if len(angles) < 2:
        raise PatternReadError(f"A pattern needs at least two angles, found {len(angles)}.")
    if angles[0] < 0 or angles[-1] > 180:
        raise PatternReadError(
            f"two_theta goes from {angles[0]:g} to {angles[-1]:g}; angles between 0 and 180 "
            "degrees are needed."
        )
    n_repeated = len(raw.two_theta) - len(angles)
    if n_repeated > len(angles):
        raise PatternReadError(
            f"Only {len(angles)} of {len(raw.two_theta)} angles differ: the first column is not "
            "two_theta, its decimals were cut off, or several scans follow each other."
        )
    intensity = np.bincount(place, raw.intensity) / counts
    uncertainty = raw.uncertainty
    if uncertainty is not None:  # of a mean of independent measurements
        uncertainty = np.sqrt(np.bincount(place, uncertainty**2)) / counts
    metadata = dict(raw.metadata)
    if n_repeated:
        metadata["n_repeated_angles"] = n_repeated
    steps = np.sign(np.diff(raw.two_theta))
    if (steps > 0).any() and (steps < 0).any():
        metadata["n_ranges"] = 1 + int((steps * np.median(steps) < 0).sum())
    return RawPattern(angles, intensity, uncertainty, raw.wavelength, metadata)
