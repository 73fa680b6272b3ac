"""What a reader of one format returns, and the joining and cleaning that all formats need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError

__all__ = [
    "LARGEST",
    "MOST_NAMES",
    "MOST_SCANS",
    "OtherAxisError",
    "RawPattern",
    "cleaned",
    "joined",
    "made",
]

# Bytes of a file, packed or not: some twenty times the largest powder pattern that we have seen.
LARGEST = 32 * 2**20
MOST_SCANS = 10_000
MOST_NAMES = 1_000  # in the header of a scan
_TURNING_BACK = 0.1  # of the steps; ranges that were measured one after the other have less
_FEW_TURNS = 2
_SHARED = 0.1  # of the shorter of two scans; ranges that follow each other share less
_ANGLE_DECIMALS = 9
_ZERO = 1e-6  # degrees; what is closer is zero with rounding noise


class OtherAxisError(PatternReadError):
    """A scan of a file is not of two-theta; another one may be."""


class RawPattern(NamedTuple):
    """Columns of one scan in their own order, angles in degrees and wavelength in angstrom."""

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    uncertainty: NDArray[np.float64] | None
    wavelength: float | None
    metadata: dict[str, Any]
    counts: NDArray[np.float64] | None = None


def made(functions: Iterable[Callable[[], RawPattern]]) -> list[RawPattern | PatternReadError]:
    """Make the scans of a file, with an error in the place of each that is no pattern.

    Files of instruments hold scans of other axes as well, such as those of an alignment.

    Parameters
    ----------
    functions : iterable of callable
        One function per scan, which makes it.

    Returns
    -------
    list of RawPattern or PatternReadError
        Patterns and errors in the order of the scans.
    """
    scans: list[RawPattern | PatternReadError] = []
    for function in functions:
        try:
            scans.append(function())
        except OtherAxisError as error:
            scans.append(error)
    return scans


def joined(scans: Sequence[RawPattern | PatternReadError], scan: int | None = None) -> RawPattern:
    """Take one scan of a file, or make one of those that follow each other in angle.

    Scans that were counted for different times are brought to counts per second.

    Parameters
    ----------
    scans : sequence of RawPattern or PatternReadError
        All scans of a file, with errors in the places of those that are not of two-theta.
    scan : int or None, default=None
        Number of the scan to take, from 0; None takes all.

    Returns
    -------
    RawPattern
        One pattern; `metadata` is that of the first scan, with their number as "n_scans", and that
        of scans of other axes as "n_scans_left_out".

    Raises
    ------
    PatternReadError
        If there is no such scan, or if scans cannot be joined, since they cover the same angles or
        were made with different wavelengths.
    """
    if not scans:
        raise PatternReadError("The file holds no scan.")
    if scan is not None:
        if scan >= len(scans):
            raise PatternReadError(
                f"scan is {scan}, but the file holds {len(scans)} scans, counted from 0."
            )
        return _pattern(scans[scan])
    patterns = [one for one in scans if isinstance(one, RawPattern)]
    if not patterns:
        return _pattern(scans[0])
    if len(patterns) < len(scans):
        left_out = {"n_scans_left_out": len(scans) - len(patterns)}
        patterns = [one._replace(metadata=one.metadata | left_out) for one in patterns]
    return patterns[0] if len(patterns) == 1 else _joined(patterns)


def _pattern(scan: RawPattern | PatternReadError) -> RawPattern:
    if isinstance(scan, PatternReadError):
        raise scan
    return scan


def _joined(scans: Sequence[RawPattern]) -> RawPattern:
    empty = next((number for number, one in enumerate(scans) if not len(one.two_theta)), None)
    if empty is not None:
        raise PatternReadError(f"Scan {empty} of {len(scans)} is empty; scan says which to read.")
    scans = sorted(scans, key=lambda one: one.two_theta.min())
    end = scans[0].two_theta.max()
    for before, after in pairwise(scans):
        shorter = min(np.ptp(before.two_theta), np.ptp(after.two_theta))
        if end - after.two_theta.min() > _SHARED * shorter:
            raise PatternReadError(
                f"The file holds {len(scans)} scans over the same angles, such as two from "
                f"{before.two_theta.min():g} and {after.two_theta.min():g} degrees on; scan says "
                "which of them to read, counted from 0."
            )
        end = max(end, after.two_theta.max())
    wavelengths = {one.wavelength for one in scans}
    if len(wavelengths) > 1:
        raise PatternReadError(
            f"The scans of the file have different wavelengths ({_listed(wavelengths)}); scan says "
            "which of them to read, counted from 0."
        )
    units = {one.metadata.get("intensity_unit", "none") for one in scans}
    if len(units) > 1:
        raise PatternReadError(
            f"The scans of the file have different units ({', '.join(sorted(units))}); scan says "
            "which of them to read, counted from 0."
        )
    metadata = {**scans[0].metadata, "n_scans": len(scans)}
    times = [one.metadata.get("step_time") for one in scans]
    divisors = np.ones(len(scans))
    if len(set(times)) > 1 and metadata.get("intensity_unit") == "counts":
        if not all(times):
            raise PatternReadError(
                "Some scans of the file state a time per step and some do not, so that they "
                "cannot be joined; scan says which of them to read, counted from 0."
            )
        divisors = np.array(times, dtype=float)
        metadata |= {"intensity_unit": "counts/s", "step_time": None}
    return RawPattern(
        np.concatenate([one.two_theta for one in scans]),
        np.concatenate([one.intensity / by for one, by in zip(scans, divisors, strict=True)]),
        _concatenated([one.uncertainty for one in scans], divisors),
        scans[0].wavelength,
        metadata,
        _concatenated([one.counts for one in scans], np.ones(len(scans))),
    )


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
        number as "n_repeated_angles", where some were negative, "n_negative_angles", and where
        angles went back and forth, "n_ranges".

    Raises
    ------
    PatternReadError
        If a number is missing or makes no sense, or if most angles are repeated.
    """
    for name in ("two_theta", "intensity", "uncertainty", "counts"):
        column = getattr(raw, name)
        if column is not None and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise PatternReadError(f"{name} is {column[row]} in data row {row + 1}.")
    for name in ("uncertainty", "counts"):
        column = getattr(raw, name)
        if column is not None and (column < 0).any():
            row = int(np.flatnonzero(column < 0)[0])
            raise PatternReadError(f"{name} is negative in data row {row + 1}.")
    n_negative = int((raw.two_theta < -_ZERO).sum())
    if 0 < n_negative < len(raw.two_theta) / 2:  # on the other side of the primary beam
        raw = _rows(raw, raw.two_theta >= -_ZERO)
    # Angles that differ in the last bits only, as those of two ranges that meet, are the same.
    rounded = np.round(raw.two_theta, _ANGLE_DECIMALS)
    rounded[np.abs(rounded) < _ZERO] = 0.0
    angles, place, times = np.unique(rounded, return_inverse=True, return_counts=True)
    if len(angles) < 2:
        raise PatternReadError(f"A pattern needs at least two angles, found {len(angles)}.")
    if angles[0] < 0 or angles[-1] > 180:
        raise PatternReadError(
            f"two_theta goes from {angles[0]:g} to {angles[-1]:g}; angles between 0 and 180 "
            "degrees are needed."
        )
    n_repeated = len(raw.two_theta) - len(angles)
    if n_repeated >= len(angles):
        raise PatternReadError(
            f"Only {len(angles)} of {len(raw.two_theta)} angles differ: the first column is not "
            "two_theta, its decimals were cut off, or several scans follow each other; keep one "
            "scan in a file."
        )
    steps = np.sign(np.diff(raw.two_theta))
    n_turns = int(min((steps > 0).sum(), (steps < 0).sum()))
    if n_turns > max(_FEW_TURNS, _TURNING_BACK * len(steps)):
        raise PatternReadError(
            f"two_theta goes back and forth, in {n_turns} of {len(steps)} steps: the columns may "
            "be swapped; two_theta must come first."
        )
    with np.errstate(over="ignore"):  # looked for below
        intensity = np.bincount(place, raw.intensity) / times
        uncertainty = raw.uncertainty
        if uncertainty is not None:  # of a mean of independent measurements
            uncertainty = np.sqrt(np.bincount(place, uncertainty**2)) / times
        counts = raw.counts
        if counts is not None:
            counts = np.asarray(np.bincount(place, counts), dtype=np.float64)
    for name, column in (
        ("intensity", intensity),
        ("uncertainty", uncertainty),
        ("counts", counts),
    ):
        if column is not None and not np.isfinite(column).all():
            raise PatternReadError(f"{name} is too large to compute with.")
    metadata = dict(raw.metadata)
    if n_negative:
        metadata["n_negative_angles"] = n_negative
    if n_repeated:
        metadata["n_repeated_angles"] = n_repeated
    if n_turns:
        metadata["n_ranges"] = 1 + int((steps * np.median(steps) < 0).sum())
    return RawPattern(angles, intensity, uncertainty, raw.wavelength, metadata, counts)


def _rows(raw: RawPattern, kept: NDArray[np.bool_]) -> RawPattern:
    return raw._replace(
        two_theta=raw.two_theta[kept],
        intensity=raw.intensity[kept],
        uncertainty=None if raw.uncertainty is None else raw.uncertainty[kept],
        counts=None if raw.counts is None else raw.counts[kept],
    )


def _concatenated(
    columns: Sequence[NDArray[np.float64] | None], divisors: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    present = [
        column / by for column, by in zip(columns, divisors, strict=True) if column is not None
    ]
    return np.concatenate(present) if len(present) == len(columns) else None


def _listed(wavelengths: set[float | None]) -> str:
    return ", ".join(sorted("none" if w is None else f"{w:g}" for w in wavelengths))
