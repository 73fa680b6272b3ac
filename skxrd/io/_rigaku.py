"""Files of Rigaku: RAS and ASC, which are text, and RASX, a zip of text and XML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import MOST_NAMES, MOST_SCANS, RawPattern, made
from skxrd.io._text_files import lines_of_text
from skxrd.io._text_patterns import read_columns
from skxrd.io._unpacking import Archive, parsed_xml
from skxrd.io._vendor_facts import (
    angles,
    facts,
    number_in,
    numbers_in,
    radiation,
    require_two_theta,
    whole_counts,
)

__all__ = ["read_asc", "read_ras", "read_rasx"]

_ANODES = {24: "Cr", 26: "Fe", 27: "Co", 29: "Cu", 42: "Mo", 47: "Ag"}  # by atomic number
_PROFILE = r"(.*/)?Data(\d+)/Profile\d+\.txt$"
_CONDITIONS = r"(.*/)?Data(\d+)/Mea?surementConditions\d+\.xml$"  # as Rigaku spells it


def read_ras(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the scans of a RAS file.

    Intensities are multiplied with the factors of the attenuator, the third column.

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
        If the content is no RAS, or contradicts itself.
    """
    scans: list[RawPattern | PatternReadError] = []
    header: dict[str, str] = {}
    rows: list[str] | None = None
    for line in lines_of_text(content):
        keyword, _, value = line.strip().partition(" ")
        if keyword == "*RAS_HEADER_START":
            header = {}
        elif keyword == "*RAS_INT_START":
            rows = []
        elif keyword == "*RAS_INT_END" and rows is not None:
            scans += made([partial(_attenuated, rows, header)])
            rows = None
            if len(scans) > MOST_SCANS:
                raise PatternReadError(f"The file holds more than {MOST_SCANS} scans.")
        elif rows is not None:
            rows.append(line)
        elif keyword.startswith("*"):
            header[keyword[1:]] = value.strip().strip('"').strip()
    if rows is not None:
        raise PatternReadError("The file ends within a scan: *RAS_INT_END is missing.")
    if not scans:
        raise PatternReadError("The file is no RAS: it has no *RAS_INT_START.")
    return scans


def read_rasx(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the scans of a RASX archive; parameters as of `read_ras`."""
    archive = Archive(content)
    found = [(match, name) for name in archive.names if (match := re.match(_PROFILE, name))]
    if not found:
        raise PatternReadError("The archive is no RASX with a profile: no Data0/Profile0.txt.")
    found.sort(key=lambda item: int(item[0][2][:9]))
    described = {
        name.rpartition("/")[0]: name for name in archive.names if re.match(_CONDITIONS, name)
    }
    return made(
        partial(_profile, archive, name, described.get(name.rpartition("/")[0]))
        for _, name in found
    )


def read_asc(content: bytes) -> list[RawPattern | PatternReadError]:
    """Read the groups of a Rigaku ASC file; parameters as of `read_ras`.

    Others use the suffix for text in columns, which is read as such.
    """
    lines = lines_of_text(content)
    if not any(re.match(r"\s*\*(BEGIN|COUNT)\b", line) for line in lines):
        return [*read_columns(content)]
    scans: list[RawPattern | PatternReadError] = []
    header: dict[str, str] = {}
    fields: list[str] | None = None
    for line in [*lines, "*END"]:
        text = line.strip()
        if not text.startswith("*"):
            if fields is not None:
                fields += [field for field in re.split(r"[\s,;]+", text) if field]
            continue
        if fields:
            scans += made([partial(_listed, fields, dict(header))])
        key, _, value = (part.strip() for part in text[1:].partition("="))
        fields = [] if key == "COUNT" else None
        header[key] = value
        if len(scans) > MOST_SCANS or len(header) > MOST_NAMES:
            raise PatternReadError(
                f"The file holds more than {MOST_SCANS} groups or {MOST_NAMES} names."
            )
    return scans


def _profile(archive: Archive, name: str, described: str | None) -> RawPattern:
    header = {} if described is None else _conditions(archive.read(described))
    return _attenuated(lines_of_text(archive.read(name)), header)


def _attenuated(lines: Iterable[str], header: dict[str, str]) -> RawPattern:
    """Make a scan from rows of angle, intensity and factor of attenuation."""
    require_two_theta(header.get("MEAS_SCAN_AXIS_X_INTERNAL") or header.get("MEAS_SCAN_AXIS_X"))
    rows = [fields for line in lines if (fields := line.split())]
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not 2 <= max(widths) <= 3:
        raise PatternReadError(
            "Rows of angle, intensity and attenuation are needed; found rows of "
            f"{', '.join(map(str, sorted(widths))) or 'no'} values."
        )
    columns = numbers_in(rows, "The values of a scan")
    factor = columns[:, 2] if columns.shape[1] == 3 else np.ones(len(columns))
    unit = _unit(header.get("MEAS_SCAN_UNIT_Y") or header.get("DISP_UNIT_Y"))
    with np.errstate(over="ignore", invalid="ignore"):  # refused later
        intensity = columns[:, 1] * factor
    wavelength, source = _radiation(header)
    return RawPattern(
        columns[:, 0],
        intensity,
        None,
        wavelength,
        source
        | facts(
            sample=header.get("FILE_SAMPLE"),
            comment=header.get("FILE_COMMENT") or header.get("FILE_MEMO"),
            operator=header.get("FILE_OPERATOR"),
            instrument=header.get("FILE_SYSTEM_NAME")
            or header.get("HW_GONIOMETER_NAME", "").rpartition("|")[2],
            date=header.get("MEAS_SCAN_START_TIME"),
            scan_axis=header.get("MEAS_SCAN_AXIS_X"),
            step_time=_step_time(header),
            voltage=number_in(header.get("MEAS_COND_XG_VOLTAGE")),
            current=number_in(header.get("MEAS_COND_XG_CURRENT")),
            intensity_unit=unit,
            header=header,
        ),
        whole_counts(columns[:, 1]) if unit == "counts" else None,
    )


def _radiation(header: dict[str, str]) -> tuple[float | None, dict[str, Any]]:
    anode = header.get("HW_XG_TARGET_NAME")
    alpha1, alpha2, beta = (
        number_in(header.get(f"HW_XG_WAVE_LENGTH_{line}")) for line in ("ALPHA1", "ALPHA2", "BETA")
    )
    used = header.get("MEAS_COND_XG_WAVE_TYPE", "").lower().replace("_", "")
    if used in ("kb", "kbeta"):
        return radiation(beta, anode=anode)
    if used in ("ka1", "kalpha1"):  # behind a monochromator
        return radiation(alpha1, alpha2, 0.0, anode)
    return radiation(alpha1, alpha2, anode=anode)


def _conditions(content: bytes) -> dict[str, str]:
    """Say in the words of a RAS header what the XML of a RASX says."""
    root = parsed_xml(content)
    header: dict[str, str] = {}
    for pair in root.iter("Pair"):
        texts = [(item.text or "").strip() for item in pair.iter("string")]
        if len(texts) == 2:
            header[texts[0].lstrip("*")] = texts[1]
    told = {
        "FILE_SAMPLE": "GeneralInformation/SampleName",
        "FILE_COMMENT": "GeneralInformation/Comment",
        "FILE_MEMO": "GeneralInformation/Memo",
        "FILE_OPERATOR": "GeneralInformation/Operator",
        "FILE_SYSTEM_NAME": ".//SystemName",
        "HW_XG_TARGET_NAME": ".//XrayGenerator/TargetName",
        "HW_XG_WAVE_LENGTH_ALPHA1": ".//WavelengthKalpha1",
        "HW_XG_WAVE_LENGTH_ALPHA2": ".//WavelengthKalpha2",
        "HW_XG_WAVE_LENGTH_BETA": ".//WavelengthKbeta",
        "MEAS_COND_XG_CURRENT": ".//XrayGenerator/Current",
        "MEAS_COND_XG_VOLTAGE": ".//XrayGenerator/Voltage",
        "MEAS_COND_XG_WAVE_TYPE": ".//XrayGenerator/WaveType",
        "MEAS_SCAN_AXIS_X": ".//ScanInformation/AxisName",
        "MEAS_SCAN_MODE": ".//ScanInformation/Mode",
        "MEAS_SCAN_SPEED": ".//ScanInformation/Speed",
        "MEAS_SCAN_SPEED_UNIT": ".//ScanInformation/SpeedUnit",
        "MEAS_SCAN_START_TIME": ".//ScanInformation/StartTime",
        "MEAS_SCAN_STEP": ".//ScanInformation/Step",
        "MEAS_SCAN_UNIT_Y": ".//ScanInformation/IntensityUnit",
    }
    for key, path in told.items():
        text = (root.findtext(path) or "").strip()
        if text:
            header[key] = text
    return header


def _listed(fields: list[str], header: dict[str, str]) -> RawPattern:
    """Make a scan from intensities and what the header says of the angles."""
    require_two_theta(header.get("SCAN_AXIS"))
    start, stop, step = (number_in(header.get(key)) for key in ("START", "STOP", "STEP"))
    if start is None or stop is None or step is None or not step > 0:
        raise PatternReadError("*START, *STOP and *STEP are needed, numbers of degrees.")
    announced = number_in(header.get("COUNT"))
    if announced != len(fields):
        raise PatternReadError(f"*COUNT is {announced}, but there are {len(fields)} intensities.")
    if abs((stop - start) / step + 1 - len(fields)) > 1:
        raise PatternReadError(
            f"From {start:g} to {stop:g} in steps of {step:g} degrees does not make {len(fields)} "
            "points."
        )
    intensity = numbers_in(fields, "Intensities")
    unit = _unit(header.get("YUNIT"))
    number = number_in(header.get("TARGET"))
    wavelength, source = radiation(
        number_in(header.get("WAVE_LENGTH1")),
        number_in(header.get("WAVE_LENGTH2")),
        anode=_ANODES.get(int(number)) if number is not None else None,
    )
    return RawPattern(
        angles(start, step, len(fields)),
        intensity,
        None,
        wavelength,
        source
        | facts(
            sample=header.get("SAMPLE"),
            comment=header.get("COMMENT") or header.get("MEMO"),
            instrument=header.get("GONIO", "").partition(",")[0],
            date=header.get("DATE"),
            scan_axis=header.get("SCAN_AXIS"),
            voltage=number_in(header.get("KV")),
            current=number_in(header.get("MA")),
            intensity_unit=unit,
            header=header,
        ),
        whole_counts(intensity) if unit == "counts" else None,
    )


def _unit(name: str | None) -> str | None:
    plain = (name or "").strip().lower()
    return {"cps": "counts/s", "count": "counts"}.get(plain, plain) or None


def _step_time(header: dict[str, str]) -> float | None:
    """Seconds per step: of a continuous scan from its speed, of a stepped one as it stands."""
    speed = number_in(header.get("MEAS_SCAN_SPEED"))
    step = number_in(header.get("MEAS_SCAN_STEP"))
    unit = header.get("MEAS_SCAN_SPEED_UNIT", "").lower()
    if not speed or not step or speed < 0 or step < 0:
        return None
    if unit.startswith("deg"):
        return round(60 * step / speed, 9)
    return speed if unit.startswith("sec") else None
