"""From structure factors to the lines of a powder pattern."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._lines._families import families_of_lines, laue_rotations
from skxrd.simulation._lines._march_dollase import march_dollase
from skxrd.simulation._lines._peak_list import HKLFamily, PeakList
from skxrd.simulation._lines._scattering import atomic_numbers
from skxrd.simulation._lines._structure_factors import structure_factors
from skxrd.simulation._structures._cell import Cell

__all__ = ["Diffraction", "peaks_of"]

_SAME_LINE = (
    1e-5  # degrees: planes whose angles round to one multiple make one line, as in pymatgen
)
_WEAKEST = 1e-5  # of the strongest line: pymatgen's limit
_EXTINCT = 1e-12  # of F(000)^2: extinct lines have rounding noise of about 1e-30 of it
_BACKSCATTERING = 1 - 1e-9  # sin(theta): at 180 degrees the Lorentz factor is infinite


@dataclass(frozen=True)
class Diffraction:
    """What a pattern depends on besides the crystal.

    Parameters
    ----------
    emission : dict of float to float
        Share of the intensity of each wavelength in angstrom, the strongest first.
    two_theta_range : tuple of 2 float
        First and last angle in degrees.
    monochromator_two_theta : float, default=0.0
        Angle between the beams at the crystal of a monochromator in degrees; 0 without one.
    b_factors : float, mapping of str to float or None, default=None
        Displacement parameter B = 8 pi^2 <u^2> in angstrom^2 of all elements, or of some.
    texture : tuple of ((h, k, l), r) or None, default=None
        Preferred orientation of March and Dollase.
    compiled : bool, default=False
        Whether the kernel that numba compiles does the sum over the sites.
    """

    emission: Mapping[float, float]
    two_theta_range: tuple[float, float]
    monochromator_two_theta: float = 0.0
    b_factors: float | Mapping[str, float] | None = None
    texture: tuple[tuple[int, int, int], float] | None = None
    compiled: bool = False

    @property
    def sine_range(self) -> tuple[float, float]:
        """Sine of half the first and of half the last angle."""
        low, high = self.two_theta_range
        return math.sin(math.radians(low) / 2), math.sin(math.radians(high) / 2)


class _Lines(NamedTuple):
    """Lines of one wavelength, and the reflections of which they are made."""

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    d_spacing: NDArray[np.float64]
    first: int  # reflection in range
    start: NDArray[np.intp]  # of each line, counted from the first reflection
    contribution: NDArray[np.float64]  # of each reflection in range

    def line_of_reflections(self) -> NDArray[np.intp]:
        counts = np.diff(self.start, append=len(self.contribution))
        return np.repeat(np.arange(len(self.start)), counts)


def peaks_of(cell: Cell, diffraction: Diffraction, *, hkl: bool = False) -> PeakList:
    """Compute the lines of a crystal.

    Parameters
    ----------
    cell : Cell
        Unit cell; any cell of the crystal gives the same lines.
    diffraction : Diffraction
        Radiation, range and corrections.
    hkl : bool, default=False
        Whether to tell the lattice planes of each line.

    Returns
    -------
    PeakList
        Lines in range, 100 for the strongest; empty if none is in range.

    Raises
    ------
    InvalidStructureError
        If there are no atoms, or the scattering factors of an element are not known.
    """
    wavelengths = list(diffraction.emission)
    low, high = diffraction.sine_range
    reflections = structure_factors(
        cell,
        (2 * low / max(wavelengths), 2 * high / min(wavelengths)),
        b_of_element=_b_of_element(cell, diffraction.b_factors),
        compiled=diffraction.compiled,
    )
    strength = np.square(reflections.structure_factor.real)
    strength += np.square(reflections.structure_factor.imag)
    electrons = (cell.occupancies @ atomic_numbers(cell.elements)).sum()
    if not electrons > 0:
        raise InvalidStructureError("There are no atoms on the sites.")
    if strength.max(initial=0.0) < _EXTINCT * electrons**2:  # scaling would show rounding noise
        return _empty(wavelengths[0], hkl)
    order = np.argsort(reflections.g_squared)
    g, strength = np.sqrt(reflections.g_squared[order]), strength[order]
    if diffraction.texture is not None:
        strength *= _texture_weights(cell, reflections.hkl[order], g, *diffraction.texture)

    spectrum = [
        _lines(g, share * strength, wavelength, diffraction)
        for wavelength, share in diffraction.emission.items()
    ]
    two_theta, intensity, d_spacing = (
        np.concatenate([lines[column] for lines in spectrum]) for column in range(3)
    )
    strongest = intensity.max(initial=0.0)
    kept = np.flatnonzero(intensity > _WEAKEST * strongest)
    if len(spectrum) > 1:
        kept = kept[np.argsort(two_theta[kept], kind="stable")]
    families = None
    if hkl:
        families = _families(reflections.hkl[order], spectrum, kept, laue_rotations(cell))
    return PeakList(
        two_theta[kept],
        intensity[kept] * (100 / strongest) if len(kept) else intensity[kept],
        d_spacing[kept],
        wavelengths[0],
        families,
    )


def _families(
    indices: NDArray[np.int32],
    spectrum: Sequence[_Lines],
    kept: NDArray[np.intp],
    rotations: NDArray[np.int64],
) -> tuple[tuple[HKLFamily, ...], ...]:
    """Tell the lattice planes of the lines that are kept, in their order."""
    position = np.full(sum(len(lines.start) for lines in spectrum), -1)
    position[kept] = np.arange(len(kept))
    line = np.concatenate(
        [
            position[lines.line_of_reflections() + offset]
            for lines, offset in zip(
                spectrum, np.cumsum([0, *(len(lines.start) for lines in spectrum)]), strict=False
            )
        ]
    )
    reflection = np.concatenate(
        [lines.first + np.arange(len(lines.contribution)) for lines in spectrum]
    )
    contribution = np.concatenate([lines.contribution for lines in spectrum])
    shown = line >= 0
    return families_of_lines(
        indices[reflection[shown]], line[shown], contribution[shown], rotations
    )


def _empty(wavelength: float, hkl: bool) -> PeakList:
    return PeakList(np.empty(0), np.empty(0), np.empty(0), wavelength, () if hkl else None)


def _b_of_element(
    cell: Cell, b_factors: float | Mapping[str, float] | None
) -> NDArray[np.float64] | None:
    if b_factors is None:
        return None
    if isinstance(b_factors, Mapping):
        return np.array([b_factors.get(element, 0.0) for element in cell.elements], dtype=float)
    return np.full(len(cell.elements), float(b_factors))


def _texture_weights(
    cell: Cell,
    indices: NDArray[np.int32],
    g: NDArray[np.float64],
    axis: tuple[int, int, int],
    r: float,
) -> NDArray[np.float64]:
    """Weigh each reflection; the mean over equivalent ones arises as they are summed."""
    normal = np.asarray(axis, dtype=float) @ cell.reciprocal
    cosine = (indices @ (cell.reciprocal @ normal)) / (g * np.linalg.norm(normal))
    return march_dollase(np.clip(cosine, -1, 1), r)


def _lines(
    g: NDArray[np.float64],
    strength: NDArray[np.float64],
    wavelength: float,
    diffraction: Diffraction,
) -> _Lines:
    """Merge reflections of one angle and multiply by the Lorentz-polarization factor."""
    sine = 0.5 * wavelength * g
    low, high = diffraction.sine_range
    first = sine.searchsorted(low * (1 - 1e-12))
    last = sine.searchsorted(min(high * (1 + 1e-8), _BACKSCATTERING), side="right")
    sine, g = sine[first:last], g[first:last]
    two_theta = np.degrees(2 * np.arcsin(sine))
    lorentz_polarization = _lorentz_polarization(sine, diffraction.monochromator_two_theta)
    contribution = 2 * strength[first:last] * lorentz_polarization
    key = np.rint(two_theta / _SAME_LINE)
    is_first = np.ones(len(key), dtype=bool)
    np.not_equal(key[1:], key[:-1], out=is_first[1:])
    start = np.flatnonzero(is_first)
    # reduceat takes no empty array, which one of several wavelengths may give
    intensity = np.add.reduceat(contribution, start) if len(start) else contribution
    return _Lines(two_theta[start], intensity, 1 / g[start], int(first), start, contribution)


def _lorentz_polarization(
    sine: NDArray[np.float64], monochromator_two_theta: float
) -> NDArray[np.float64]:
    """(1 + A cos^2 2theta) / (sin^2 theta cos theta), A = cos^2 of the monochromator's angle."""
    sine_squared = np.square(sine)
    passed = math.cos(math.radians(monochromator_two_theta)) ** 2
    polarization = 1 + passed * np.square(1 - 2 * sine_squared)
    return polarization / (sine_squared * np.sqrt(1 - sine_squared))
