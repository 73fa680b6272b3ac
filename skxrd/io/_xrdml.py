"""Files of PANalytical: XRDML, by its schemata 1.5 and 2.1 (http://www.xrdml.com)."""

from __future__ import annotations

from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern, made
from skxrd.io._unpacking import parsed_xml
from skxrd.io._vendor_facts import (
    facts,
    number_in,
    numbers_in,
    per_second,
    radiation,
    require_two_theta,
    whole_counts,
)

__all__ = ["read_xrdml"]

_MOST_POINTS = 2_000_000


def read_xrdml(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the scans of all measurements.

    What the detector counted is multiplied with the factors of beam attenuators; schemata up to
    1.6 store intensities that are already multiplied, which are left as they are. Where points were
    counted for different times, intensities are per second.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern or PatternReadError
        One for each scan; errors stand for scans of other axes.

    Raises
    ------
    PatternReadError
        If the content is no XRDML, or contradicts itself.
    """
    root = parsed_xml(content)
    if not root.tag.endswith("xrdMeasurements"):
        raise PatternReadError(f"The XML is no XRDML: its root is {root.tag[:60]!r}.")
    scans: list[RawPattern | PatternReadError] = []
    for measurement in root.iterfind("{*}xrdMeasurement"):
        wavelength, source = _source(measurement)
        common = source | facts(
            sample=_text(root, "sample/name") or _text(root, "sample/id"),
            radius=_number(measurement, "incidentBeamPath/radius"),
            voltage=_number(measurement, "incidentBeamPath/xRayTube/tension"),
            current=_number(measurement, "incidentBeamPath/xRayTube/current"),
        )
        scans += made(
            partial(_scan, scan, wavelength, common) for scan in measurement.iterfind("{*}scan")
        )
    return scans


def _source(measurement: Element) -> tuple[float | None, dict[str, Any]]:
    anode = _text(measurement, "incidentBeamPath/xRayTube/anodeMaterial")
    used = measurement.find("{*}usedWavelength")
    if used is None:
        return radiation(anode=anode)
    intended = (used.get("intended") or "").lower()
    if "beta" in intended:
        return radiation(_number(used, "kBeta"), anode=anode)
    names = ("kAlpha1", "kAlpha2", "ratioKAlpha2KAlpha1")
    alpha1, alpha2, ratio = (_number(used, name) for name in names)
    return radiation(alpha1, alpha2, ratio, anode)


def _scan(scan: Element, wavelength: float | None, common: dict[str, Any]) -> RawPattern:
    require_two_theta(scan.get("scanAxis"))
    points = scan.find("{*}dataPoints")
    if points is None:
        raise PatternReadError("A scan has no data points.")
    stored = _column(points, "counts")
    raw = stored is not None  # not yet multiplied with the factors of attenuators
    if stored is None:
        stored = _column(points, "intensities")
    if stored is None:
        raise PatternReadError("A scan has neither counts nor intensities.")
    factors = _column(points, "beamAttenuationFactors")
    if factors is None:
        factors = np.array(_number(points, "commonBeamAttenuationFactor") or 1.0)
    if (factors.ndim and len(factors) != len(stored)) or not (factors > 0).all():
        raise PatternReadError(
            f"There are {factors.size} factors of attenuation for {len(stored)} points; as many "
            "are needed, all positive."
        )
    intensity = stored * factors if raw else stored
    counts = stored if raw else stored / factors
    if not np.isfinite(counts).all():
        raise PatternReadError("The factors of attenuation leave counts too large to compute with.")
    unit, counted = "counts", True
    holder = points.find("{*}counts" if raw else "{*}intensities")
    if holder is not None and holder.get("unit", "counts") != "counts":
        unit, counted = holder.get("unit", ""), False
    times = _column(points, "countingTimes")
    if times is not None and unit == "counts":
        intensity, unit = per_second(intensity, times), "counts/s"
    more = facts(
        scan_axis=scan.get("scanAxis"),
        date=_text(scan, "header/startTimeStamp"),
        operator=_text(scan, "header/author/name"),
        instrument=_text(scan, "header/source/instrumentID"),
        step_time=_number(points, "commonCountingTime"),
        intensity_unit=unit,
    )
    return RawPattern(
        _two_theta(points, len(stored)),
        intensity,
        None,
        wavelength,
        common | more,
        whole_counts(np.round(counts, 6)) if counted else None,
    )


def _two_theta(points: Element, n_points: int) -> NDArray[np.float64]:
    for positions in points.iterfind("{*}positions"):
        if positions.get("axis") != "2Theta":
            continue
        listed = _column(positions, "listPositions")
        if listed is not None:
            if len(listed) != n_points:
                raise PatternReadError(f"There are {len(listed)} angles for {n_points} points.")
            return listed
        start, end = (_number(positions, name) for name in ("startPosition", "endPosition"))
        if start is not None and end is not None:
            return np.linspace(start, end, n_points)
        raise PatternReadError("The angle two_theta stands still during a scan.")
    raise PatternReadError("A scan has no positions of the axis 2Theta.")


def _text(element: Element, path: str) -> str | None:
    return element.findtext("/".join(f"{{*}}{name}" for name in path.split("/")))


def _number(element: Element, path: str) -> float | None:
    return number_in(_text(element, path))


def _column(element: Element, name: str) -> NDArray[np.float64] | None:
    text = _text(element, name)
    if text is None:
        return None
    fields = text.split(None, _MOST_POINTS)
    if len(fields) > _MOST_POINTS:
        raise PatternReadError(f"A scan has more than {_MOST_POINTS} {name}.")
    return numbers_in(fields, name)
