"""The lines of one structure: what a diffractionist reads from a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.grid import TwoThetaGrid

if TYPE_CHECKING:
    from pymatgen.analysis.diffraction.core import DiffractionPattern

    from skxrd.simulation._profiles._peak_profile import PeakProfile

__all__ = ["HKLFamily", "PeakList"]


class HKLFamily(NamedTuple):
    """Lattice planes that symmetry makes equivalent.

    Parameters
    ----------
    hkl : tuple of 3 int
        Miller indices of one of them.
    multiplicity : int
        Number of planes, hkl and -h-k-l counted as two.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd import PatternSimulator
    >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> PatternSimulator().peaks([iron])[0].hkls[0]
    (HKLFamily(hkl=(1, 1, 0), multiplicity=12),)
    """

    hkl: tuple[int, int, int]
    multiplicity: int


@dataclass(frozen=True, eq=False)
class PeakList:
    """Lines of a powder pattern.

    Parameters
    ----------
    two_theta : ndarray of shape (n_lines,)
        Positions in degrees, ascending.
    intensity : ndarray of shape (n_lines,)
        Intensities, 100 for the strongest line in range.
    d_spacing : ndarray of shape (n_lines,)
        Distances of the lattice planes in angstrom.
    wavelength : float
        Wavelength in angstrom; of several emission lines that of the strongest.
    hkls : tuple of length n_lines or None, default=None
        For each line the families of planes in it, the strongest first, as `HKLFamily`. Families
        whose distances are equal, such as 333 and 511 of a cubic crystal, share a line.

    See Also
    --------
    PatternSimulator.peaks : Computes them.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd import PatternSimulator, TwoThetaGrid
    >>> silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]])
    >>> peaks = PatternSimulator(TwoThetaGrid(20, 60, 2001)).peaks([silicon])[0]
    >>> peaks.to_frame().round(3)
       two_theta  intensity  d_spacing        hkl  multiplicity
    0     28.465    100.000      3.136  (1, 1, 1)             8
    1     47.343     66.649      1.920  (2, 2, 0)            12
    2     56.171     39.586      1.638  (3, 1, 1)            24
    """

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    d_spacing: NDArray[np.float64]
    wavelength: float
    hkls: tuple[tuple[HKLFamily, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.two_theta)

    def scaled_within(self, low: float, high: float) -> PeakList:
        """Give the strongest line of a range the intensity 100.

        Parameters
        ----------
        low, high : float
            Ends of the range in degrees two-theta.

        Returns
        -------
        PeakList
            All lines, also those beyond the range; empty if none lies in it.
        """
        inside = (self.two_theta >= low - 1e-9) & (self.two_theta <= high + 1e-9)
        strongest = self.intensity[inside].max(initial=0.0)
        if strongest == 0:
            empty = np.empty(0)
            return PeakList(empty, empty, empty, self.wavelength, None if self.hkls is None else ())
        return replace(self, intensity=self.intensity * (100 / strongest))

    def labels(self) -> list[str]:
        """Write the Miller indices of each line.

        Returns
        -------
        list of str of length n_lines
            Such as "111" or, where families share a line, "511, 333". Indices of several digits or
            with a minus sign are separated: "2 -1 0".

        Raises
        ------
        ValueError
            If the list was made without Miller indices.
        """
        if self.hkls is None:
            raise ValueError("The peak list has no Miller indices; make it with hkl=True.")
        return [", ".join(_label(family.hkl) for family in families) for families in self.hkls]

    def to_frame(self) -> pd.DataFrame:
        """Make a table with one row per line, or per family where Miller indices are known.

        Returns
        -------
        DataFrame
            Columns "two_theta", "intensity", "d_spacing", and "hkl" and "multiplicity" where they
            are known. Families that share a line repeat its intensity.
        """
        lines = pd.DataFrame(
            {
                "two_theta": self.two_theta,
                "intensity": self.intensity,
                "d_spacing": self.d_spacing,
            }
        )
        if self.hkls is None:
            return lines
        counts = [len(families) for families in self.hkls]
        frame = lines.loc[np.repeat(lines.index, counts)].reset_index(drop=True)
        frame["hkl"] = [family.hkl for families in self.hkls for family in families]
        frame["multiplicity"] = [family.multiplicity for line in self.hkls for family in line]
        return frame

    def to_pymatgen(self) -> DiffractionPattern:
        """Make pymatgen's object for the lines, for instance to plot them with it.

        Returns
        -------
        pymatgen.analysis.diffraction.core.DiffractionPattern
            With empty lists in `hkls` where Miller indices are not known.
        """
        from pymatgen.analysis.diffraction.core import DiffractionPattern

        hkls: Sequence[Sequence[HKLFamily]] = self.hkls or [()] * len(self)
        return DiffractionPattern(
            self.two_theta.tolist(),
            self.intensity.tolist(),
            [[family._asdict() for family in line] for line in hkls],
            self.d_spacing.tolist(),
        )

    def render(self, grid: TwoThetaGrid, profile: PeakProfile | None = None) -> NDArray[np.float64]:
        """Put the lines on a grid.

        Parameters
        ----------
        grid : TwoThetaGrid
            Two-theta axis.
        profile : PeakProfile, default=None
            Shape of the lines; None puts each on the nearest point.

        Returns
        -------
        ndarray of shape (n_points,)
            Pattern.
        """
        if profile is None:
            return grid.bin(self.two_theta, self.intensity)
        return profile.render(self.two_theta, self.intensity, grid, self.wavelength)


def _label(hkl: tuple[int, int, int]) -> str:
    plain = all(0 <= index < 10 for index in hkl)
    return ("" if plain else " ").join(str(index) for index in hkl)
