"""Archives of Bruker: BRML, a zip of XML that describes its own columns."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import OtherAxisError, RawPattern, made
from skxrd.io._unpacking import Archive, parsed_xml
from skxrd.io._vendor_facts import facts, number_in, numbers_in, radiation, whole_counts

__all__ = ["read_brml"]

_RAW_DATA = r"(.*/)?RawData(\d+)\.xml$"
_TWO_THETA = ("twotheta", "2theta")
_BEFORE_AXES = 2  # columns of files that do not describe them: time and attenuation


def read_brml(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the measured data of all scans.

    Parameters
    ----------
    content : bytes
        Content of the archive.

    Returns
    -------
    list of RawPattern or PatternReadError
        One for each scan; errors stand for scans of other axes. Intensities are as they are
        stored, with attenuation corrected.

    Raises
    ------
    PatternReadError
        If the content is no BRML, or contradicts itself.
    """
    archive = Archive(content)
    found = [(match, name) for name in archive.names if (match := re.match(_RAW_DATA, name))]
    if not found:
        raise PatternReadError("The archive is no BRML: it has no member RawData0.xml.")
    found.sort(key=lambda item: (item[0][1] or "", int(item[0][2][:9])))
    return made(partial(_scan, archive, name) for _, name in found)


def _scan(archive: Archive, name: str) -> RawPattern:
    root = parsed_xml(archive.read(name))
    routes = [route for route in root.iter("DataRoute") if route.find("Datum") is not None]
    if not routes:
        raise PatternReadError("The raw data hold no points.")
    route = next((one for one in routes if one.get("RouteFlag") == "Measured"), routes[0])
    rows = [(datum.text or "").split(",") for datum in route.iterfind("Datum")]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise PatternReadError(
            f"Points have {min(widths)} to {max(widths)} values; all need as many."
        )
    columns = numbers_in(rows, "The values of points")
    angle, intensity = _places(route)
    if max(angle, intensity) >= columns.shape[1]:
        raise PatternReadError(
            f"Points have {columns.shape[1]} values; two_theta is said to be number {angle + 1}, "
            f"the intensity number {intensity + 1}."
        )
    counts = whole_counts(columns[:, intensity])
    wavelength, metadata = _facts(root, route)
    unit = facts(intensity_unit=None if counts is None else "counts")
    return RawPattern(
        columns[:, angle], columns[:, intensity], None, wavelength, metadata | unit, counts
    )


def _places(route: Element) -> tuple[int, int]:
    """Columns of two-theta and of the intensity."""
    views = list(route.iter("RawDataView"))
    if not views:
        axes = [axis.get("AxisId") for axis in route.iter("ScanAxisInfo")]
        return _BEFORE_AXES + _place(axes), _BEFORE_AXES + len(axes)
    angle = intensity = None
    for view in views:
        start = number_in(view.get("Start"))
        length = number_in(view.get("Length"))
        if start is None or not 0 <= start < 1e6:
            raise PatternReadError("The archive does not say where its columns start.")
        names = [field.get("FieldName") for field in view.iter("FieldDefinitions")]
        if names:
            angle = int(start) + _place(names)
        if view.find("Recording") is not None and intensity is None:
            if length != 1:
                raise OtherAxisError("The scan holds images or whole lines of a detector.")
            intensity = int(start)
    if angle is None or intensity is None:
        raise PatternReadError("The archive names no column of two_theta, or of the intensity.")
    return angle, intensity


def _place(axes: list[str | None]) -> int:
    for place, axis in enumerate(axes):
        if (axis or "").lower() in _TWO_THETA:
            return place
    named = ", ".join(str(axis) for axis in axes) or "nothing"
    raise OtherAxisError(f"The scan is one of {named[:60]}, not of two_theta.")


def _facts(root: Element, route: Element) -> tuple[float | None, dict[str, Any]]:
    def value(name: str) -> float | None:
        element = root.find(f".//{name}")
        return None if element is None else number_in(element.get("Value"))

    names = ("WaveLengthAlpha1", "WaveLengthAlpha2", "WaveLengthRatio")
    alpha1, alpha2, ratio = (value(name) for name in names)
    wavelength, source = radiation(alpha1, alpha2, ratio, root.findtext(".//TubeMaterial"))
    named = {item.get("Name"): item.get("Value") for item in root.iter("InfoItem")}
    scan = route.find("ScanInformation")
    identifier = root.find("Identifier")
    time = number_in(route.findtext("ScanInformation/TimePerStepEffective"))
    return wavelength, source | facts(
        sample=named.get("SampleName"),
        comment=named.get("Comment"),
        operator=named.get("User"),
        instrument=None if identifier is None else identifier.get("MachineName"),
        date=root.findtext("TimeStampStarted"),
        scan_axis=None if scan is None else scan.get("VisibleName"),
        step_time=time or number_in(route.findtext("ScanInformation/TimePerStep")),
        voltage=value("Voltage"),
        current=value("Current"),
        radius=value("PrimaryTracks//Radius"),
    )
