"""One batch of structures, from files to rows: what a worker of a simulation does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._lines._peak_list import PeakList
from skxrd.simulation._lines._peaks import Diffraction, peaks_of
from skxrd.simulation._profiles._peak_profile import PeakProfile
from skxrd.simulation._structures._cell import Cell, formula_of, with_usable_displacements
from skxrd.simulation._structures._cell_reading import read_cell

__all__ = ["Outcome", "SimulationTask", "bin_like_xrdmatch"]


class Outcome(NamedTuple):
    """What a worker sends back: arrays and text, for not every exception can be pickled."""

    pattern: NDArray[np.float32] | None
    formula: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SimulationTask:
    """Everything that a pattern depends on besides the structure; travels to the workers.

    Parameters
    ----------
    grid : TwoThetaGrid
        Two-theta axis.
    diffraction : Diffraction
        Radiation, range and corrections.
    profile : PeakProfile or ndarray or None
        Shape of the lines, or kernel to convolve binned lines with; None leaves sticks.
    binning : {"sum", "xrdmatch"}
        How lines without a profile get on the grid.
    cif_reader : {"auto", "gemmi", "pymatgen", "both"}
        Who reads CIFs.
    with_displacements : bool
        Whether displacement parameters of the structure damp its lines.
    """

    grid: TwoThetaGrid
    diffraction: Diffraction
    profile: PeakProfile | NDArray[np.float64] | None
    binning: str
    cif_reader: str
    with_displacements: bool

    @cached_property
    def _reach(self) -> float:
        """Degrees over which a line beyond the ends of the grid has a share in the pattern."""
        if isinstance(self.profile, PeakProfile):
            ends = [self.grid.start, self.grid.stop]
            fwhm, _ = self.profile.fwhm_and_eta(ends, min(self.diffraction.emission))
            return float(self.profile.reach * fwhm.max())
        return 0.0 if self.profile is None else len(self.profile) // 2 * self.grid.step

    @property
    def widened_range(self) -> tuple[float, float]:
        """Ends of the range in degrees whose lines have a share in the pattern."""
        low, high = self.diffraction.two_theta_range
        return max(low - self._reach, 0.0), min(high + self._reach, 180.0)

    def run(self, items: list[Any], *, stop_at_failure: bool) -> list[Outcome]:
        """Simulate the patterns of structures.

        Parameters
        ----------
        items : list
            Structures as `read_structure` takes them.
        stop_at_failure : bool
            Whether to leave out what follows the first structure without a pattern.

        Returns
        -------
        list of Outcome
            One per structure.
        """
        outcomes = []
        for item in items:
            outcomes.append(self._simulate(item))
            if stop_at_failure and outcomes[-1].pattern is None:
                break
        return outcomes

    def peaks(self, items: list[Any], *, hkl: bool) -> list[PeakList | str]:
        """Compute the lines of structures.

        Parameters
        ----------
        items : list
            Structures as `read_structure` takes them.
        hkl : bool
            Whether to tell the lattice planes of each line.

        Returns
        -------
        list of PeakList or str
            Lines of each structure, or why there are none.
        """
        found: list[PeakList | str] = []
        for item in items:
            try:
                cell, _ = self.read(item)
                found.append(peaks_of(cell, self.diffraction, hkl=hkl))
            except InvalidStructureError as error:
                found.append(str(error))
        return found

    def read(self, item: Any) -> tuple[Cell, list[str]]:
        """Read a structure.

        Parameters
        ----------
        item : object
            Structure as `read_structure` takes it.

        Returns
        -------
        cell : Cell
            Its cell, without displacements if they do not matter.
        notes : list of str
            What deserves a look.

        Raises
        ------
        InvalidStructureError
            If there is no valid structure.
        """
        reading = read_cell(item, cif_reader=self.cif_reader)
        cell, notes = reading.cell, list(reading.notes)
        if not self.with_displacements:
            cell = cell._replace(u_iso=None, u_star=None)
        else:
            cell, n_resting = with_usable_displacements(cell)
            if n_resting:
                notes.append(
                    f"no usable displacement parameters on {n_resting} of {len(cell.frac_coords)} "
                    "sites, which are not damped"
                )
        return cell, notes

    def simulate(self, cell: Cell, notes: Sequence[str]) -> Outcome:
        """Simulate the pattern of a cell.

        Parameters
        ----------
        cell : Cell
            Unit cell.
        notes : sequence of str
            What deserves a look so far.

        Returns
        -------
        Outcome
            Pattern, or why there is none.
        """
        low, high = self.diffraction.two_theta_range
        try:
            peaks = peaks_of(cell, replace(self.diffraction, two_theta_range=self.widened_range))
        except InvalidStructureError as error:
            return Outcome(None, reason=str(error))
        peaks = peaks.scaled_within(low, high)
        if not len(peaks):
            notes = [*notes, f"no line between {low:g} and {high:g} degrees two-theta"]
        pattern = self._render(peaks).astype(np.float32)
        return Outcome(pattern, formula_of(cell), notes=tuple(notes))

    def _simulate(self, item: Any) -> Outcome:
        try:
            cell, notes = self.read(item)
        except InvalidStructureError as error:
            return Outcome(None, reason=str(error))
        return self.simulate(cell, notes)

    def _render(self, peaks: PeakList) -> NDArray[np.float64]:
        if isinstance(self.profile, PeakProfile):
            return peaks.render(self.grid, self.profile)
        if self.binning == "xrdmatch":
            return bin_like_xrdmatch(peaks, self.grid)
        if self.profile is None:
            return peaks.render(self.grid)
        margin = len(self.profile) // 2
        index = np.rint((peaks.two_theta - self.grid.start) / self.grid.step).astype(int) + margin
        n_points = self.grid.n_points + 2 * margin
        inside = (index >= 0) & (index < n_points)
        sticks = np.bincount(index[inside], weights=peaks.intensity[inside], minlength=n_points)
        return np.convolve(sticks, self.profile, mode="valid")


def bin_like_xrdmatch(peaks: PeakList, grid: TwoThetaGrid) -> NDArray[np.float64]:
    """Put lines on a grid as the data of the XRDMatch paper have them.

    Each line goes to the next point above it, the last of several lines on a point replaces the
    others, and the strongest line has the intensity 1. The rule was found by comparison of the
    published patterns with simulated ones; the paper does not state it.

    Parameters
    ----------
    peaks : PeakList
        Lines.
    grid : TwoThetaGrid
        Two-theta axis.

    Returns
    -------
    ndarray of shape (n_points,)
        Stick pattern.
    """
    index = np.ceil((peaks.two_theta - grid.start) / grid.step).astype(int)
    inside = (index >= 0) & (index < grid.n_points)
    pattern = np.zeros(grid.n_points)
    pattern[index[inside]] = peaks.intensity[inside] / 100  # numpy keeps the last of equal indices
    return pattern
