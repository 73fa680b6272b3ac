"""What stands above the numbers of a text file: names of columns, wavelength, other facts."""

from __future__ import annotations

import re

from skxrd.simulation._lines import wavelength_in_angstrom

__all__ = ["facts_in", "has_other_axis", "role_of", "wavelength_in"]

_ROLES = {
    "two_theta": r"2\s*[-_*]?\s*(th|θ)|two[-_ ]?theta|tth|angle|pos\b|x$",
    "intensity": r"intens|int\b|counts?\b|cps\b|[yi][-_ (]*(obs)?\)?$|signal",
    "uncertainty": r"e\.?s\.?d|sig|err|s\.?u\.?$|std|uncert|e$",
}
_OTHER_AXIS = r"(q|d)(?![\w:])|d[-_ ]?spacing|tof\b|time of flight|energy"
_INTENSITY = r"\b(intensit|int\b|counts?\b|cps\b|i\b|signal)"
_FACT = r"\W*([^\W\d_][^:=;\t]*?)\s*[:=;\t]\s*(\S.*?)\s*$"

_WAVELENGTH = (
    r"(?:wave[\s_-]*length\s*(\d(?![\d.,]))?|\blambda\b|λ)[^\d\n]{0,40}?(\d+[.,]\d+)\s*(nm|pm)?"
)
_ANODE = (
    r"\b(?:anode|target|radiation|x-?ray source)(?:[\s_-]*(?:material|type|element))?"
    # An element that prose goes on after is no anode.
    r"[\s:=,;\"']*\b(Cu|Co|Fe|Cr|Mo|Ag)(?=[\s_-]*K|\W*$|\s*[,;])"
)
_IN_ANGSTROM = {"nm": 10.0, "pm": 0.01}
_LONGEST_LINE = 500  # characters; what comes later in a line is no header
_SHORTEST, _LONGEST = 0.05, 5.0  # angstrom; all else is no wavelength of a diffractometer


def role_of(name: str) -> str | None:
    """Say what a column of this name holds: "two_theta", "intensity", "uncertainty" or None."""
    name = name.strip(" \t\"'#!;()[]").lower()
    return next((role for role, pattern in _ROLES.items() if re.match(pattern, name)), None)


def has_other_axis(title: str) -> bool:
    """Whether the title above the columns begins with an axis that is not two-theta."""
    title = title.strip(" \t\"'#!;").lower()
    return bool(re.match(_OTHER_AXIS, title) and re.search(_INTENSITY, title))


def facts_in(lines: list[str]) -> dict[str, str]:
    """Collect what stands as "name: value" or "name = value" in lines of a header."""
    found = (re.match(_FACT, line[:_LONGEST_LINE]) for line in lines)
    return {match[1]: match[2].strip("\"'") for match in found if match}


def wavelength_in(lines: list[str]) -> float | None:
    """Find the wavelength that a header states, in angstrom.

    Where K-alpha 1 and 2 both are given, their mean is taken, weighted 2 to 1 as their intensities
    are; a named anode stands for the mean of its K-alpha lines.
    """
    first = second = None
    lines = [line[:_LONGEST_LINE] for line in lines]
    for line in lines:
        match = re.search(_WAVELENGTH, line, flags=re.IGNORECASE)
        if match is None or re.search(r"beta|β", line, flags=re.IGNORECASE):
            continue
        value = float(match[2].replace(",", ".")) * _IN_ANGSTROM.get((match[3] or "").lower(), 1.0)
        if not _SHORTEST < value < _LONGEST:
            continue
        if match[1] == "2" or re.search(r"(alpha|α|a)[\s_-]*2", line, flags=re.IGNORECASE):
            second = second or value
        else:
            first = first or value
    if first and second:
        return (2 * first + second) / 3
    if first or second:
        return first or second
    for line in lines:
        if match := re.search(_ANODE, line, flags=re.IGNORECASE):
            return wavelength_in_angstrom(f"{match[1].capitalize()}Ka")
    return None
