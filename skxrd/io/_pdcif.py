"""Powder patterns in CIF files, by the dictionary pdCIF of the IUCr.

Structures are read by pymatgen; for a loop of numbers its parser is slow, and no help in files that
hold a pattern and no structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._text_files import decoded
from skxrd.io._text_headers import wavelength_in
from skxrd.io._text_numbers import is_plain
from skxrd.io._vendor_facts import angles, facts, number_in, radiation, whole_counts

__all__ = ["read_pdcif"]

# Numbers, a text field, a comment, a quoted value (of one line, and not too long), or a word.
_TOKEN = re.compile(
    r"(?P<numbers>[-+.\d?][-+.\d?()eE\s]*\s)"
    r"|^;(?P<text>[\s\S]*?)^;|#[^\n]*"
    r"|'(?P<single>[^\n]{0,512}?)'(?=\s|\Z)|\"(?P<double>[^\n]{0,512}?)\"(?=\s|\Z)|(?P<word>\S+)",
    re.MULTILINE,
)
_MOST_VALUES = 4_000_000
_NUMBER = r"(?a:([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?)(?:\((\d{1,9})\))?$)"
_ANGLES = ("_pd_proc_2theta_corrected", "_pd_meas_2theta_corrected", "_pd_meas_2theta_scan")
_INTENSITIES = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_meas_intensity_net",
    "_pd_proc_intensity_net",
    "_pd_proc_intensity_norm",
)
_RANGES = ("_pd_proc_2theta_range", "_pd_meas_2theta_range")
_WAVELENGTHS = (
    "_diffrn_radiation_wavelength",
    "_diffrn_radiation_wavelength_value",
    "_diffrn_radiation_wavelength_wavelength",
    "_pd_proc_wavelength",
)
_OTHER_AXES = (
    "_pd_meas_time_of_flight",
    "_pd_proc_d_spacing",
    "_pd_proc_recip_len_q",
    "_pd_proc_energy_detection",
)


def read_pdcif(content: bytes) -> list[RawPattern]:
    """Read the measured patterns of a CIF.

    Angles come from a column, or from the range that the file states, the corrected ones first.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern
        One for each data block with a pattern.

    Raises
    ------
    PatternReadError
        If there is none, or only a computed one, or one of another axis.
    """
    blocks = list(_blocks(decoded(content).replace("\r\n", "\n").replace("\r", "\n")))
    stated = {value for block in blocks for value in _wavelengths(block)}
    scans = [
        _scan(block, next(iter(stated)) if len(stated) == 1 else None)
        for block in blocks
        if any(name in block for name in _INTENSITIES)
    ]
    if scans:
        return scans
    known = {name for block in blocks for name in block}
    if any(name.startswith("_pd_calc_intensity") for name in known):
        raise PatternReadError("The CIF holds a computed pattern, but no measured one.")
    raise PatternReadError("The CIF holds no powder pattern, such as _pd_meas_counts_total.")


def _blocks(text: str) -> Iterator[dict[str, list[str]]]:
    """Items of each data block, in small letters, with their values."""
    block: dict[str, list[str]] | None = None
    names: list[str] = []  # of the loop, or the one item, that values belong to
    looping = heading = False
    values: list[str] = []

    def close() -> None:
        if block is None or not names:
            return
        if (not looping and len(values) != 1) or len(values) % len(names):
            if not any(name.startswith("_pd_") for name in names):
                return  # broken, and of no concern
            raise PatternReadError(
                f"The CIF has {len(values)} values for the {len(names)} items from {names[0]} on."
            )
        block.update({name: values[place :: len(names)] for place, name in enumerate(names)})

    for kind, value in _tokens(text):
        word = value.lower() if kind == "word" else ""
        if word.startswith("_"):  # as in the new dictionaries, whose names have a point
            word = word.replace(".", "_")
        if word.startswith("data_") or word == "loop_" or word.startswith("_"):
            if not (word.startswith("_") and heading):
                close()
                names, values, looping = [], [], word == "loop_"
            heading = word == "loop_" or (heading and word.startswith("_"))
            if word.startswith("data_"):
                if block is not None:
                    yield block
                block = {}
            elif word.startswith("_"):
                names.append(word)
            continue
        heading = False
        values += value.split(None, _MOST_VALUES) if kind == "numbers" else [value]
        if len(values) > _MOST_VALUES:
            raise PatternReadError(f"The CIF has more than {_MOST_VALUES} values in a loop.")
    close()
    if block is not None:
        yield block


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup is not None:  # no comment
            yield match.lastgroup, match[match.lastgroup]


def _scan(block: dict[str, list[str]], elsewhere: float | None) -> RawPattern:
    name = next(name for name in _INTENSITIES if name in block)
    intensity, uncertainty = _column(block, name)
    two_theta = _angles(block, len(intensity))
    if uncertainty is None and len(block.get(f"{name}_su", [])) == len(intensity):
        uncertainty, _ = _column(block, f"{name}_su")
    measured = np.isfinite(intensity)  # excluded points are marked as unknown
    if uncertainty is not None and not np.isfinite(uncertainty[measured]).all():
        uncertainty = None
    is_counts = "_counts_" in name
    stated = _wavelengths(block)
    wavelength = stated[0] if stated else elsewhere
    if wavelength is None:
        wavelength, _ = radiation(anode=_first(block, "_diffrn_source_target"))
    if wavelength is None:  # its Greek letters and subscripts are marked up, as in Cu K\a~1~
        kind = _first(block, "_diffrn_radiation_type") or ""
        wavelength = wavelength_in([kind.replace("\\a", "alpha").replace("~", "")])
    return RawPattern(
        two_theta[measured],
        intensity[measured],
        None if uncertainty is None else uncertainty[measured],
        wavelength,
        facts(
            sample=_first(block, "_pd_block_id") or _first(block, "_chemical_name_common"),
            instrument=_first(block, "_diffrn_measurement_device_type"),
            date=_first(block, "_pd_meas_datetime_initiated"),
            radiation=_first(block, "_diffrn_radiation_type"),
            probe=_first(block, "_diffrn_radiation_probe"),
            temperature=_first(block, "_diffrn_ambient_temperature"),
            step_time=number_in(_first(block, "_pd_meas_step_count_time")),
            intensity_unit="counts" if is_counts else None,
            intensity_item=name,
        ),
        whole_counts(intensity[measured]) if is_counts else None,
    )


def _angles(block: dict[str, list[str]], n_points: int) -> NDArray[np.float64]:
    for name in _ANGLES:
        if name in block and len(block[name]) == n_points:
            return _column(block, name)[0]
    for name in _RANGES:
        parts = (_first(block, f"{name}_{part}") for part in ("min", "max", "inc"))
        start, stop, step = (number_in(_without_uncertainty(part)) for part in parts)
        if start is None or stop is None or not step:
            continue
        if abs((stop - start) / step + 1 - n_points) <= 1:
            return angles(start, step, n_points)
        raise PatternReadError(
            f"From {start:g} to {stop:g} in steps of {step:g} degrees does not make {n_points} "
            f"points, as the CIF says of {name}."
        )
    other = next((name for name in _OTHER_AXES if name in block), None)
    found = f"only {other}" if other else "neither a column nor a range of it"
    raise PatternReadError(f"The CIF has no two_theta for its {n_points} intensities: {found}.")


def _column(
    block: dict[str, list[str]], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Numbers of an item and, where they have such in brackets, their uncertainties."""
    try:  # most columns hold nothing but numbers
        numbers = np.array(block[name], dtype=np.float64)
        if np.isfinite(numbers).all() and all(map(is_plain, block[name])):
            return numbers, None
    except ValueError:
        pass
    numbers = np.full(len(block[name]), np.nan)
    uncertainties = np.full(len(block[name]), np.nan)
    for row, text in enumerate(block[name]):
        if text in (".", "?"):
            continue
        match = re.match(_NUMBER, text)
        if match is None:
            raise PatternReadError(f"{name} has a value that is no number: {text[:40]!r}.")
        numbers[row] = float(match[1])
        if match[2] is not None:  # in units of the last digit of the number
            mantissa, _, exponent = match[1].lower().partition("e")
            decimals = len(mantissa.partition(".")[2])
            uncertainties[row] = float(f"{match[2]}e{int(exponent or 0) - decimals}")
    return numbers, uncertainties if np.isfinite(uncertainties).any() else None


def _wavelengths(block: dict[str, list[str]]) -> list[float]:
    """Wavelength of a block: the one it states, or the mean of its lines by their weights."""
    for name in _WAVELENGTHS:
        values = [number_in(_without_uncertainty(text)) for text in block.get(name, [])]
        lines = [value for value in values if value and 0.05 < value < 10]
        if not lines or (name == "_pd_proc_wavelength" and len(set(lines)) > 1):
            continue
        weights = [number_in(w) for w in block.get("_diffrn_radiation_wavelength_wt", [])]
        if len(weights) == len(lines) and all(w is not None and w > 0 for w in weights):
            return [float(np.average(lines, weights=np.array(weights, dtype=float)))]
        if len(lines) == 2:  # the doublet of a tube
            return [radiation(min(lines), max(lines))[0] or lines[0]]
        return lines[:1]
    return []


def _without_uncertainty(text: str | None) -> str:
    return re.sub(r"\(\d+\)$", "", text or "")


def _first(block: dict[str, Any], name: str) -> str | None:
    values = block.get(name)
    return None if not values or values[0] in (".", "?") else values[0]
