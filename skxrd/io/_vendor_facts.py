"""What files of instruments have in common: facts about the measurement, its radiation and axis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import OtherAxisError, RawPattern
from skxrd.io._text_numbers import is_plain
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = [
    "angles",
    "facts",
    "number_in",
    "numbers_in",
    "per_second",
    "radiation",
    "require_two_theta",
    "stepped",
    "whole_counts",
]

_SHORTEST, _LONGEST = 0.05, 5.0  # angstrom; all else is no wavelength of a diffractometer
_ANODES = ("Ag", "Co", "Cr", "Cu", "Fe", "Mo")
# Names of drives and scans that step two-theta, without blanks and signs.
_TWO_THETA_SCANS = r"2th|twotheta|tth|gonio|coupled|detector|psdf"


def angles(start: float, step: float, n_points: int) -> NDArray[np.float64]:
    """Angles that are equal steps apart."""
    return np.asarray(start + step * np.arange(n_points), dtype=np.float64)


def facts(**values: Any) -> dict[str, Any]:
    """Metadata without what is absent: None and empty text are left out."""
    stripped = {k: v.strip() if isinstance(v, str) else v for k, v in values.items()}
    return {k: v for k, v in stripped.items() if v is not None and v != "" and v != {}}


def radiation(
    alpha1: float | None = None,
    alpha2: float | None = None,
    ratio: float | None = None,
    anode: str | None = None,
) -> tuple[float | None, dict[str, Any]]:
    """Wavelength of a measurement from what its file says about the lines of the tube.

    Parameters
    ----------
    alpha1, alpha2 : float or None, default=None
        Wavelengths of K-alpha 1 and 2 in angstrom; zero and nonsense count as absent.
    ratio : float or None, default=None
        Intensity of K-alpha 2 relative to K-alpha 1; 0 behind a monochromator. None is 0.5, as the
        tube emits them.
    anode : str or None, default=None
        Chemical symbol; stands for its K-alpha lines where no wavelength is given.

    Returns
    -------
    wavelength : float or None
        Mean of both lines, weighted with their intensities, or the one that is there.
    facts : dict
        What was given and makes sense: "anode", "kalpha1", "kalpha2", "kalpha_ratio".
    """
    # Rounded, since some files hold single precision.
    first, second = (
        round(w, 6) if w and _SHORTEST < w < _LONGEST else None for w in (alpha1, alpha2)
    )
    weight = ratio if ratio is not None and 0 <= ratio <= 1 else 0.5
    named = (anode or "").strip().capitalize()
    known = facts(
        anode=named,
        kalpha1=first,
        kalpha2=second,
        kalpha_ratio=weight if first and second and ratio is not None else None,
    )
    if first and second:
        return (first + weight * second) / (1 + weight), known
    if first or second:
        return first or second, known
    return (wavelength_in_angstrom(f"{named}Ka") if named in _ANODES else None), known


def stepped(
    fields: list[str],
    start: float | None,
    stop: float | None,
    step: float | None,
    wavelength: float | None,
    metadata: dict[str, Any],
) -> RawPattern:
    """Make a pattern from a list of counts and the range of its angles.

    Raises
    ------
    PatternReadError
        If the range is absent or does not fit the number of counts, or a count is no number.
    """
    if start is None or stop is None or step is None or not step > 0:
        raise PatternReadError("First and last angle and step are needed, numbers of degrees.")
    if abs((stop - start) / step + 1 - len(fields)) > 1:
        raise PatternReadError(
            f"From {start:g} to {stop:g} in steps of {step:g} degrees does not make {len(fields)} "
            "points."
        )
    intensity = numbers_in(fields, "Intensities")
    counts = whole_counts(intensity)
    unit = facts(intensity_unit=None if counts is None else "counts")
    two_theta = angles(start, step, len(fields))
    return RawPattern(two_theta, intensity, None, wavelength, metadata | unit, counts)


def require_two_theta(name: str | None) -> None:
    """Refuse a scan of another axis; an unnamed one passes.

    Raises
    ------
    OtherAxisError
        If the axis has a name that is none of two-theta.
    """
    plain = re.sub(r"[\W_]", "", (name or "").lower()).replace("θ", "th")
    if plain and not re.search(_TWO_THETA_SCANS, plain):
        raise OtherAxisError(f"The scan is one of {(name or '').strip()[:40]!r}, not of two_theta.")


def whole_counts(intensity: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return intensities that can be numbers of detected photons, None for others."""
    possible = np.isfinite(intensity).all() and (intensity >= 0).all()
    return intensity if possible and (intensity == np.round(intensity)).all() else None


def per_second(intensity: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return intensities of points that were counted for different times, as rates.

    Raises
    ------
    PatternReadError
        If there is not one positive time for each intensity.
    """
    if len(times) != len(intensity) or not (times > 0).all():
        raise PatternReadError(
            f"There are {len(times)} times of counting for {len(intensity)} points; as many are "
            "needed, all positive."
        )
    return intensity / times


def number_in(text: Any) -> float | None:
    """Return a finite number from text, None from anything else."""
    text = str(text).strip()
    try:
        value = float(text)
    except ValueError:
        return None
    if not is_plain(text):
        return None
    return value if np.isfinite(value) else None


def numbers_in(fields: ArrayLike, what: str) -> NDArray[np.float64]:
    """Return numbers from fields of text.

    Raises
    ------
    PatternReadError
        If a field is no number; the message names `what` and the field.
    """
    try:
        numbers = np.array(fields, dtype=np.float64)
    except (ValueError, OverflowError) as error:
        raise PatternReadError(f"{what} must be numbers: {str(error)[:80]}.") from error
    odd = next((field for field in _texts(fields) if not is_plain(field)), None)
    if odd is not None:
        raise PatternReadError(f"{what} must be numbers, found {odd[:40]!r}.")
    return numbers


def _texts(fields: Any) -> Iterator[str]:
    for field in fields:
        if isinstance(field, str):
            yield field
        elif isinstance(field, list | tuple):
            yield from _texts(field)
