"""What stands above the numbers of a text file: names of columns, wavelength, other facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = [
    "ALSO_TWO_THETA",
    "facts_in",
    "has_other_axis",
    "is_row_of_units",
    "role_of",
    "wavelength_in",
]

_TWO_THETA = (
    r"°?\s*2\s*[-_*]?\s*(th|θ)|two[-_ ]?theta|tth|((diffraction|scattering) )?angle"
    r"|pos(ition)?\b|deg|x([-_ ]?(axis|values?))?$"
)
_INTENSITY = (
    r"int\b|[yi][-_ (]*(obs|meas|exp)?\)?(?![^\W_])|signal|height|.*(intens|counts?\b|cts\b|cps\b)"
)
_UNCERTAINTY = r".*(?<![a-z])(e\.?s\.?d|sigma|err|std|uncert)|sig|s\.?u\.?$|e$"
_COMPUTED = r"calc|comput|simul|model|fit\b|back|bkg|bgr|diff|resid|weight"
# Axes that are not two-theta: alone, and such as are one only with a unit behind them.
_OTHER_AXIS = r"(q|d|d[-_ ]?spacing|theta|omega|phi|chi|psi|azimuth\w*|tof|energy|channel)(?![\w:])"
_AXIS_UNIT = r"(1/)?(å|a|angstroms?|inv\w*|nm|pm|s|ms|min|k|°?c|deg(rees?)?|rad|[km]?ev)(?![a-z])"
_WITH_UNIT = (
    r"([qdrs]|energy|temp(erature)?|time|theta|omega|phi|chi|wave(length)?)\s?[/(\[_]\s?"
    + _AXIS_UNIT
)
ALSO_TWO_THETA = r"2\s?[-_]?(th|θ)|two[- _]?theta"
_RADIANS = r"(?<![a-z])m?rad(ian)?s?\b"
_UNIT = r"[\W_]*(deg(rees?)?|°\s*2th\.?|counts|cts|cps|a\.?\s?u\.?|arb.*)?[\W_]*(s|min)?[\W_]*$"
_ANY_INTENSITY = r"\b(intensit|int\b|counts?\b|cps\b|i\b|signal)"
_FACT = r"\W{0,40}([^\W\d_][^:=;\t]{0,80})[:=;\t](.*)$"

_NUMBER = r"(\d+[.,]\d+(?:[eE][-+]?\d{1,3})?)"
_ALPHA = r"k[\s_-]?(?:alpha|α|a)"
_WORDS = r"wave[\s_-]?lengths?|\blambda|λ|\bwl"
_UNIT_BEHIND = r"\s*(k?eV|nm|pm|m|Å|A|angstroms?)?(?![^\W_])"
_TUBE = r"(?<=\b(?:cu|co|fe|cr|mo|ag))"
_LABELED = (
    rf"(?P<what>{_WORDS}|(?:\b|{_TUBE}){_ALPHA})"
    rf"(?P<between>[^\d\n]{{0,40}}?){_NUMBER}(?:{_UNIT_BEHIND})?"
)
_UNIT_BEFORE = r"\b(k?eV|nm|pm|m)\b"
_LENGTH = rf"(\b[a-d]\s*[=:]\s*)?(?<![\d.,]){_NUMBER}\s*(?:Å|A|angstroms?)(?![^\W_])"
_BEAM = r"\s+(?:neutron|x-?ray|radiation|synchrotron)"
_NUMBER_OF_LINE = rf"({_ALPHA}|{_WORDS})([\s_-]?(?:{_ALPHA})?[\s_-]?)([12])(?![\d.,]*\d)"
_ANODE = (
    r"\b(?:anode|target|radiation|x-?ray source)(?:[\s_-]*(?:material|type|element))?"
    # An element that prose goes on after is no anode.
    r"[\s:=,;\"']*\b(Cu|Co|Fe|Cr|Mo|Ag)(?=[\s_-]*K|\W*$|\s*[,;\"'])"
)
_RADIATION = rf"\b(Cu|Co|Fe|Cr|Mo|Ag)[\s_-]?{_ALPHA}(?:[\s_-]?(1)(?!\s*[\d,+/&]))?(?![a-zα-ω])"
_RATIO = r"\bratio\b.*?[\s:=,;](\d+(?:[.,]\d+)?)\W*$"
_IN_ANGSTROM = {"nm": 10.0, "pm": 0.01, "m": 1e10, "ev": 0.0, "kev": 0.0}
_MARKS = {"1": "\ue001", "2": "\ue002"}  # stand for the digits in names of lines
_LONGEST_LINE = 500  # characters; what comes later in a line is no header
_MOST_LINES = 2000  # of a header that are looked at
_SHORTEST, _LONGEST = 0.05, 5.0  # angstrom; all else is no wavelength of a diffractometer
_DOUBLET = 0.02  # largest relative distance of K-alpha 1 and 2; it is 0.002 to 0.01
_ANODES = ("Ag", "Co", "Cr", "Cu", "Fe", "Mo")


def role_of(name: str) -> str | None:
    """Say what a column of this name holds: "two_theta", "intensity", "uncertainty" or None."""
    name = name.strip(" \t\"'#!;()[]<>").lower()
    if re.match(_TWO_THETA, name):
        return None if re.search(_RADIANS, name) else "two_theta"
    if re.search(_COMPUTED, name):
        return None
    if re.match(_UNCERTAINTY, name):
        return "uncertainty"
    return "intensity" if re.match(_INTENSITY, name) else None


def has_other_axis(title: str) -> bool:
    """Whether the title above the columns begins with an axis that is not two-theta in degrees."""
    title = title[:_LONGEST_LINE].strip(" \t\"'#!;").lower()
    if re.match(_TWO_THETA, title):
        return bool(re.search(_RADIANS, title))
    if re.match(rf"\W*{_RADIANS}", title):  # in a line of units
        return True
    if re.search(ALSO_TWO_THETA, title):  # "Theta/2Theta scan, counts", or one of several names
        return False
    if re.match(_OTHER_AXIS, title) and re.search(_ANY_INTENSITY, title):
        return True
    # Numbers stand in sentences about the measurement, not in names of columns.
    words = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", title)
    is_sentence = re.search(r"[:=]|(?<![\w^.-])\d", words)
    return bool(re.match(_WITH_UNIT, title) and not is_sentence)


def is_row_of_units(names: Sequence[str]) -> bool:
    """Whether a line holds units, and no names."""
    return all(re.match(_UNIT, name.lower()) for name in names)


def facts_in(lines: Sequence[str]) -> dict[str, str]:
    """Collect what stands as "name: value" or "name = value" in lines of a header."""
    found = (re.match(_FACT, line[:_LONGEST_LINE]) for line in lines[:_MOST_LINES])
    pairs = ((match[1].strip(), match[2].strip().strip("\"'")) for match in found if match)
    return {name: value for name, value in pairs if value}


def wavelength_in(lines: Sequence[str]) -> float | None:
    """Find the wavelength that a header states, in angstrom.

    Where K-alpha 1 and 2 both are given, their mean is taken, weighted as the header says or 2 to 1
    as the tube emits them; a named anode stands for the mean of its K-alpha lines. Of two other
    wavelengths in one line, none is taken.
    """
    first = second = None
    weight = 0.5
    lines = [line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    for line in lines:
        if re.search(r"beta|β", line, flags=re.IGNORECASE):
            continue
        if re.search(r"\bratio\b", line, flags=re.IGNORECASE):
            ratio = _ratio_in(line)
            weight = weight if ratio is None else ratio
            continue
        stated = _stated(line)
        if stated is None:
            return None
        first, second = first or stated[0], second or stated[1]
    if first and second:
        return (first + weight * second) / (1 + weight)
    return first or second or _of_anode(lines)


def _ratio_in(line: str) -> float | None:
    """Intensity of K-alpha 2 relative to K-alpha 1, where a line is about that."""
    match = re.search(_RATIO, line, flags=re.IGNORECASE)
    if match is None or not re.search(rf"^\W*ratio|{_ALPHA}|{_WORDS}", line, flags=re.IGNORECASE):
        return None
    ratio = float(match[1].replace(",", "."))
    return ratio if ratio <= 1 else None


def _stated(line: str) -> tuple[float | None, float | None] | None:
    """Wavelengths of the first and the second line of the tube in a text; None if it has others."""
    plain = re.sub(_NUMBER_OF_LINE, lambda m: m[1] + m[2] + _MARKS[m[3]], line, flags=re.IGNORECASE)
    first = second = None
    found: list[float] = []
    for match in re.finditer(_LABELED, plain, flags=re.IGNORECASE):
        one = _in_angstrom(match)
        is_named = re.search(_WORDS, match["what"] + match["between"], flags=re.IGNORECASE)
        if not _SHORTEST < one < _LONGEST or not (is_named or _is_of_a_tube(one)):
            continue
        found.append(one)
        if _MARKS["2"] in match["between"]:
            second = second or one
            continue
        first = first or one
        behind = re.match(rf"[\s,;/a-zÅ]*{_NUMBER}", plain[match.end() :])
        other = float(behind[1].replace(",", ".")) if behind else 0.0
        if one < other < (1 + _DOUBLET) * one:
            second = second or other
    if radiation := re.search(_RADIATION, line, flags=re.IGNORECASE):
        found.append(wavelength_in_angstrom(f"{radiation[1].capitalize()}Ka"))
    is_about = bool(found)
    for match in re.finditer(rf"{_LENGTH}({_BEAM})?", plain, flags=re.IGNORECASE):
        one = float(match[2].replace(",", "."))
        if match[1] or not _SHORTEST < one < _LONGEST:
            continue
        if match[3]:
            first = first or one
        if is_about or match[3]:
            found.append(one)
    if found and max(found) > (1 + _DOUBLET) * min(found):
        return None
    return first, second


def _in_angstrom(match: re.Match[str]) -> float:
    """Wavelength by the unit behind or before it; zero where these differ, or are of energy."""
    number = float(match[3].replace(",", "."))
    behind = (match[4] or "").lower()
    before = re.search(_UNIT_BEFORE, match["between"], flags=re.IGNORECASE)
    unit = before[1].lower() if before else behind
    if behind and unit != behind:
        return 0.0
    return number * _IN_ANGSTROM.get(unit, 1.0)


def _is_of_a_tube(value: float) -> bool:
    known = (wavelength_in_angstrom(f"{anode}Ka") for anode in _ANODES)
    return any(abs(value - one) < _DOUBLET * one for one in known)


def _of_anode(lines: Sequence[str]) -> float | None:
    for line in lines:
        if match := re.search(_RADIATION, line, flags=re.IGNORECASE):
            return wavelength_in_angstrom(f"{match[1].capitalize()}Ka{match[2] or ''}")
    for line in lines:
        if match := re.search(_ANODE, line, flags=re.IGNORECASE):
            return wavelength_in_angstrom(f"{match[1].capitalize()}Ka")
    return None
