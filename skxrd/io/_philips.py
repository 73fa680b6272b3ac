"""Files of older diffractometers of Philips: UDF, which is text, and RD and SD, which are binary.

Both are described in the comments of xylib (https://github.com/wojdyr/xylib).
"""

from __future__ import annotations

import re

import numpy as np

from skxrd.exceptions import PatternReadError
from skxrd.io._binary_fields import Fields
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_files import lines_of_text
from skxrd.io._vendor_facts import angles, facts, number_in, radiation, stepped

__all__ = ["read_rd", "read_udf"]

_SEPARATOR = r"[\s,;/]+"
_DATA = {b"V3RD": 250, b"V5RD": 810}  # where the counts begin
_SMALLEST_STEP = 1e-5  # degrees
_ANODES = ("Cu", "Mo", "Fe", "Cr")  # by their numbers


def read_udf(content: bytes) -> list[RawPattern]:
    """Read a scan of text.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        The only one.

    Raises
    ------
    PatternReadError
        If the content is no UDF, or contradicts itself.
    """
    header: dict[str, list[str]] = {}
    lines = lines_of_text(content)
    names = [line.partition(",")[0].strip() for line in lines]
    if "RawScan" not in names:
        raise PatternReadError("The file is no UDF with a scan: it has no line RawScan.")
    end = names.index("RawScan")
    for line in lines[:end]:
        name, *values = (field.strip(" /") for field in line.split(",")[:4])
        header[name] = values

    def value(name: str, place: int = 0) -> str | None:
        values = header.get(name, [])
        return values[place] if place < len(values) else None

    start, stop = (number_in(value("DataAngleRange", place)) for place in range(2))
    lines_of_tube = ("LabdaAlpha1", "LabdaAlpha2", "RatioAlpha21")
    alpha1, alpha2, ratio = (number_in(value(name)) for name in lines_of_tube)
    wavelength, source = radiation(alpha1, alpha2, ratio, value("Anode"))
    metadata = source | facts(
        sample=value("SampleIdent"),
        comment=value("Title1"),
        instrument=value("DiffrType"),
        date=value("FileDateTime"),
        step_time=number_in(value("ScanStepTime")),
        voltage=number_in(value("GeneratorVoltage")),
        current=number_in(value("TubeCurrent")),
    )
    fields = [field for field in re.split(_SEPARATOR, " ".join(lines[end + 1 :])) if field]
    return [stepped(fields, start, stop, number_in(value("ScanStepSize")), wavelength, metadata)]


def read_rd(content: bytes) -> list[RawPattern]:
    """Read a scan of binary numbers; parameters as of `read_udf`.

    Ten times the square root of each number of counts is stored, as an integer: numbers are known
    to a fifth of their standard uncertainty, and are no counts to be trusted to the last digit.
    """
    at = _DATA.get(content[:4])
    if at is None:
        raise PatternReadError(f"The file begins with {content[:4]!r}; V3RD or V5RD is needed.")
    file = Fields(content)
    step, start, stop = file.unpack("ddd", 214)
    if not (0 <= start < stop <= 360 and step > _SMALLEST_STEP):
        raise PatternReadError(
            f"A scan from {start:g} to {stop:g} in steps of {step:g} degrees is no pattern."
        )
    n_points = min(round((stop - start) / step), file.size) + 1
    roots = file.column("<u2", at, n_points)
    anode = file.number("B", 85)
    wavelength, source = radiation(anode=_ANODES[anode] if anode < len(_ANODES) else None)
    return [
        RawPattern(
            angles(start, step, n_points),
            np.floor(roots**2 / 100),
            None,
            wavelength,
            source | facts(sample=file.text(146, 20)),
        )
    ]
