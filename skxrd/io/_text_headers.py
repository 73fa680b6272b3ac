"""What stands above the numbers of a text file: names of columns, wavelength, other facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = ["facts_in", "has_other_axis", "role_of", "wavelength_in"]

_TWO_THETA = (
    r"°?\s*2\s*[-_*]?\s*(th|θ)|two[-_ ]?theta|tth|((diffraction|scattering) )?angle"
    r"|pos(ition)?\b|deg|x$"
)
_INTENSITY = (
    r"int\b|[yi][-_ (]*(obs|meas|exp)?\)?(?![^\W_])|signal|height|.*(intens|counts?\b|cts\b|cps\b)"
)
_UNCERTAINTY = r".*(?<![a-z])(e\.?s\.?d|sigma|err|std|uncert)|sig|s\.?u\.?$|e$"
_COMPUTED = r"calc|comput|simul|model|fit\b|back|bkg|bgr|diff|resid|weight"
_OTHER_AXIS = r"(q|d)(?![\w:])|d[-_ ]?spacing|tof\b|time of flight|energy"
_ANY_INTENSITY = r"\b(intensit|int\b|counts?\b|cps\b|i\b|signal)"
_FACT = r"\W{0,40}([^\W\d_][^:=;\t]{0,80})[:=;\t](.*)$"

_NUMBER = r"(\d+[.,]\d+)"
_ALPHA = r"k[\s_-]?(?:alpha|α|a)"
_WORDS = r"wave[\s_-]?lengths?|\blambda|λ|\bwl"
_WAVELENGTH = rf"(?:{_WORDS})[^\d\n]{{0,40}}?{_NUMBER}\s*(nm|pm)?"
_NAMED_LINE = rf"\b{_ALPHA}[^\d\n]{{0,40}}?{_NUMBER}\s*(nm|pm)?"
_BEFORE = rf"(?<![\d.,]){_NUMBER}\s*(?:Å|A|angstroms?)\s+(?:neutron|x-?ray|radiation|synchrotron)"
_NUMBER_OF_LINE = rf"({_ALPHA}|{_WORDS})([\s_-]?(?:{_ALPHA})?[\s_-]?)([12])(?![\d.,]*\d)"
_ANODE = (
    r"\b(?:anode|target|radiation|x-?ray source)(?:[\s_-]*(?:material|type|element))?"
    # An element that prose goes on after is no anode.
    r"[\s:=,;\"']*\b(Cu|Co|Fe|Cr|Mo|Ag)(?=[\s_-]*K|\W*$|\s*[,;\"'])"
)
_RADIATION = rf"\b(Cu|Co|Fe|Cr|Mo|Ag)[\s_-]?{_ALPHA}(?:[\s_-]?(1)(?!\s*[\d,+/&]))?(?![a-zα-ω])"
_IN_ANGSTROM = {"nm": 10.0, "pm": 0.01}
_LONGEST_LINE = 500  # characters; what comes later in a line is no header
_MOST_LINES = 2000  # of a header that are looked at
_SHORTEST, _LONGEST = 0.05, 5.0  # angstrom; all else is no wavelength of a diffractometer
_DOUBLET = 0.02  # largest relative distance of K-alpha 1 and 2; it is 0.002 to 0.01
_ANODES = ("Ag", "Co", "Cr", "Cu", "Fe", "Mo")


def role_of(name: str) -> str | None:
    """Say what a column of this name holds: "two_theta", "intensity", "uncertainty" or None."""
    name = name.strip(" \t\"'#!;()[]<>").lower()
    if re.match(_TWO_THETA, name):
        return "two_theta"
    if re.search(_COMPUTED, name):
        return None
    if re.match(_UNCERTAINTY, name):
        return "uncertainty"
    return "intensity" if re.match(_INTENSITY, name) else None


def has_other_axis(title: str) -> bool:
    """Whether the title above the columns begins with an axis that is not two-theta."""
    title = title[:_LONGEST_LINE].strip(" \t\"'#!;").lower()
    return bool(re.match(_OTHER_AXIS, title) and re.search(_ANY_INTENSITY, title))


def facts_in(lines: Sequence[str]) -> dict[str, str]:
    """Collect what stands as "name: value" or "name = value" in lines of a header."""
    found = (re.match(_FACT, line[:_LONGEST_LINE]) for line in lines[:_MOST_LINES])
    pairs = ((match[1].strip(), match[2].strip().strip("\"'")) for match in found if match)
    return {name: value for name, value in pairs if value}


def wavelength_in(lines: Sequence[str]) -> float | None:
    """Find the wavelength that a header states, in angstrom.

    Where K-alpha 1 and 2 both are given, their mean is taken, weighted 2 to 1 as their intensities
    are; a named anode stands for the mean of its K-alpha lines.
    """
    first = second = None
    lines = [line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    for line in lines:
        which, one, other = _stated(line)
        if which == "2":
            second = second or one
        else:
            first, second = first or one, second or other
    if first and second:
        return (2 * first + second) / 3
    return first or second or _of_anode(lines)


def _stated(line: str) -> tuple[str | None, float | None, float | None]:
    """Which line of the tube a text is about, its wavelength, and that of the other line."""
    nothing = None, None, None
    if re.search(r"beta|β|ratio", line, flags=re.IGNORECASE):
        return nothing
    number = re.search(_NUMBER_OF_LINE, line, flags=re.IGNORECASE)
    which = number[3] if number else None
    plain = re.sub(_NUMBER_OF_LINE, r"\1\2", line, flags=re.IGNORECASE)
    match = re.search(_WAVELENGTH, plain, flags=re.IGNORECASE)
    if match is None and (before := re.search(_BEFORE, plain, flags=re.IGNORECASE)):
        one = float(before[1].replace(",", "."))
        return (None, one, None) if _SHORTEST < one < _LONGEST else nothing
    if match is None:
        match = re.search(_NAMED_LINE, plain, flags=re.IGNORECASE)
        if match is None or not _is_of_a_tube(_in_angstrom(match)):
            return nothing
    one = _in_angstrom(match)
    if not _SHORTEST < one < _LONGEST:
        return nothing
    behind = re.match(rf"[\s,;/a-zÅ]*{_NUMBER}", plain[match.end() :])
    other = float(behind[1].replace(",", ".")) if behind else None
    is_doublet = other is not None and one < other < (1 + _DOUBLET) * one
    return which, one, other if is_doublet else None


def _in_angstrom(match: re.Match[str]) -> float:
    return float(match[1].replace(",", ".")) * _IN_ANGSTROM.get((match[2] or "").lower(), 1.0)


def _is_of_a_tube(value: float) -> bool:
    known = (wavelength_in_angstrom(f"{anode}Ka") for anode in _ANODES)
    return any(abs(value - one) < _DOUBLET * one for one in known)


def _of_anode(lines: Sequence[str]) -> float | None:
    for line in lines:
        if match := re.search(_RADIATION, line, flags=re.IGNORECASE):
            return wavelength_in_angstrom(f"{match[1].capitalize()}Ka{match[2] or ''}")
        if match := re.search(_ANODE, line, flags=re.IGNORECASE):
            return wavelength_in_angstrom(f"{match[1].capitalize()}Ka")
    return None
