"""Radiation by name: wavelengths in angstrom, and the lines of a tube."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

from typing_extensions import TypeIs

__all__ = ["emission_lines", "wavelength_in_angstrom"]

# Every second K-alpha photon of the stronger kind: the rule of Burger and Dorgelo for a doublet.
_K_ALPHA2_RATIO = 0.5


def wavelength_in_angstrom(wavelength: str | float) -> float:
    """Look up pymatgen's name of a radiation; a number is returned as it is.

    Parameters
    ----------
    wavelength : str or float
        Name, such as "CuKa", or wavelength in angstrom.

    Returns
    -------
    float
        Wavelength in angstrom.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if not isinstance(wavelength, str):
        return float(wavelength)
    from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

    if wavelength not in WAVELENGTHS:
        raise ValueError(
            f"wavelength must be a number of angstrom or one of {', '.join(sorted(WAVELENGTHS))}, "
            f"got {wavelength!r}."
        )
    return WAVELENGTHS[wavelength]


def emission_lines(
    wavelength: str | float | Mapping[str | float, float],
) -> dict[float, float]:
    """List the wavelengths of a radiation with their shares of the intensity.

    Parameters
    ----------
    wavelength : str, float or mapping
        A name, such as "CuKa", or a number of angstrom: one line; "CuKa1+CuKa2" (of any anode):
        the doublet, in which the second has half of the first's intensity; a mapping from names or
        numbers to relative intensities: these lines.

    Returns
    -------
    dict of float to float
        Share of each wavelength, the strongest first; the sum is one.

    Raises
    ------
    ValueError
        If a name is unknown, or a mapping is empty or has intensities that are not positive.
    """
    if _is_mapping(wavelength):
        intensities = _intensities(wavelength)
    elif isinstance(wavelength, str) and "+" in wavelength:
        first, second = wavelength.split("+", 1)
        anode = first.removesuffix("Ka1")
        if (first, second) != (f"{anode}Ka1", f"{anode}Ka2"):
            raise ValueError(
                "A doublet is K-alpha1 and K-alpha2 of one anode, such as 'CuKa1+CuKa2', got "
                f"{wavelength!r}; give other lines as a mapping from wavelength to intensity."
            )
        intensities = {
            wavelength_in_angstrom(first): 1.0,
            wavelength_in_angstrom(second): _K_ALPHA2_RATIO,
        }
    else:
        intensities = {wavelength_in_angstrom(wavelength): 1.0}
    if not intensities or not all(
        0 < length < float("inf") and 0 < share < float("inf")
        for length, share in intensities.items()
    ):
        raise ValueError(
            "wavelength as a mapping needs positive wavelengths in angstrom and positive "
            f"intensities, got {wavelength!r}."
        )
    total = sum(intensities.values())
    strongest_first = sorted(intensities.items(), key=lambda line: -line[1])
    return {length: share / total for length, share in strongest_first}


def _intensities(given: Mapping[str | float, float]) -> dict[float, float]:
    numbers = (*given.values(), *(name for name in given if not isinstance(name, str)))
    if not all(isinstance(number, Real) for number in numbers):
        raise ValueError(
            "wavelength as a mapping needs names or numbers of angstrom with numbers for "
            f"intensities, got {given!r}."
        )
    intensities: dict[float, float] = {}
    for name, share in given.items():  # a name and its number are one line
        length = wavelength_in_angstrom(name)
        intensities[length] = intensities.get(length, 0.0) + float(share)
    return intensities


def _is_mapping(wavelength: object) -> TypeIs[Mapping[str | float, float]]:
    return isinstance(wavelength, Mapping)
