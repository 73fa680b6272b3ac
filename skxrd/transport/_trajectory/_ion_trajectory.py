"""Positions of ions over time, as a simulation of molecular dynamics leaves them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd.exceptions import TrajectoryError
from skxrd.transport._readers._npz import write_npz
from skxrd.transport._trajectory._checks import check_trajectory, volumes
from skxrd.transport._trajectory._common_motion import Drift, mean_motion, reference_ions
from skxrd.transport._trajectory._ions import atomic_masses, element_symbols, ion_indices
from skxrd.transport._trajectory._unwrapping import check_cell_is_continuous, frame_blocks, unwrap

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["IonTrajectory"]


class IonTrajectory:
    """Positions of ions over time, in a periodic cell that may change.

    Positions may lie in a memory map (`numpy.load(..., mmap_mode="r")`): they are read block by
    block and never changed, and `select` or `displacements` of a species copy its ions only.

    Parameters
    ----------
    positions : array-like of shape (n_frames, n_ions, 3)
        Fractional coordinates, wrapped into the cell or not.
    lattice : array-like of shape (3, 3) or (n_frames, 3, 3)
        Lattice vectors in rows, in angstrom; one cell, or one for each frame.
    species : sequence of str of length n_ions
        Symbol of the element of each ion, such as "Li".
    time_step : float
        Time between two frames in fs. Not the time step of the integrator, unless every step was
        written.
    temperature : float, default=None
        Temperature of the thermostat in K.
    is_unwrapped : bool, default=False
        Whether positions follow each ion across the faces of the cell. True also allows frames so
        sparse that an ion goes by half of the cell in between.

    Attributes
    ----------
    positions : ndarray of shape (n_frames, n_ions, 3)
        Fractional coordinates.
    lattice : ndarray of shape (3, 3) or (n_frames, 3, 3)
        Lattice vectors in angstrom.
    species : ndarray of str of shape (n_ions,)
        Symbols of the elements.
    time_step : float
        Time between two frames in fs.
    temperature : float or None
        Temperature in K.
    is_unwrapped : bool
        Whether positions follow each ion across the faces of the cell.

    Raises
    ------
    TrajectoryError
        If shapes do not fit together, a number is not finite, a cell has no volume, or
        `time_step` or `temperature` are not positive.

    See Also
    --------
    read_trajectory : Read one from the files of other programs.

    Notes
    -----
    Where the cell changes, displacements are differences of fractional coordinates times the mean
    cell, `mean_lattice`. The cell of each frame would multiply all of the way that an ion has gone
    by the fluctuation of that frame: noise that grows with the way, that differences over a lag do
    not cancel, and that makes diffusivities too large. Either way, an ion that rests in a cell that
    breathes does not move.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.transport import IonTrajectory
    >>> positions = np.array([[[0.9, 0.0, 0.0]], [[0.1, 0.0, 0.0]]])
    >>> trajectory = IonTrajectory(positions, 5 * np.eye(3), ["Li"], time_step=100.0)
    >>> trajectory.displacements("Li")[:, 0, 0]
    array([0., 1.])
    """

    def __init__(
        self,
        positions: ArrayLike,
        lattice: ArrayLike,
        species: Sequence[str] | NDArray[np.str_],
        *,
        time_step: float,
        temperature: float | None = None,
        is_unwrapped: bool = False,
    ) -> None:
        positions = np.asarray(positions)  # a view where it is a memory map
        if not np.issubdtype(positions.dtype, np.floating):
            positions = positions.astype(float)
        self.positions = positions
        self.lattice = np.array(lattice, dtype=float)  # small, and not the user's to change
        self.species = np.array(species, dtype=str)
        self.time_step = float(time_step)
        self.temperature = None if temperature is None else float(temperature)
        self.is_unwrapped = bool(is_unwrapped)
        check_trajectory(self)

    def __len__(self) -> int:
        return self.n_frames

    def __repr__(self) -> str:
        symbols, counts = np.unique(self.species, return_counts=True)
        formula = " ".join(f"{s}{n}" for s, n in zip(symbols, counts, strict=True))
        temperature = "" if self.temperature is None else f", {self.temperature:g} K"
        return (
            f"IonTrajectory({formula}: {self.n_frames} frames, {self.time_step:g} fs apart"
            f"{temperature})"
        )

    def __getitem__(self, frames: slice) -> Self:
        """Take a part of the frames, such as ``trajectory[100:]`` without the equilibration."""
        if not isinstance(frames, slice):
            raise TypeError(f"frames must be a slice, such as 100:; got {frames!r}.")
        step = 1 if frames.step is None else frames.step
        if step < 1:
            raise ValueError(f"frames must be taken forwards; got a step of {step}.")
        positions = self.positions[frames]
        if not len(positions):
            raise TrajectoryError(f"no frame is left of {self.n_frames}; got frames={frames}.")
        lattice = self.lattice if self.lattice.ndim == 2 else self.lattice[frames]
        return self._with(positions, lattice=lattice, time_step=self.time_step * step)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.positions)

    @property
    def n_ions(self) -> int:
        """Number of ions in the cell, of all species."""
        return len(self.species)

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of each frame in ps, from 0."""
        return np.arange(self.n_frames) * self.time_step / 1000

    @property
    def volume(self) -> float:
        """Mean volume of the cell in cubic angstrom."""
        return float(volumes(self.lattice).mean())

    @property
    def mean_lattice(self) -> NDArray[np.float64]:
        """Mean lattice vectors over time in angstrom, of shape (3, 3)."""
        return np.array(self.lattice.reshape(-1, 3, 3).mean(axis=0))

    def indices(self, species: str) -> NDArray[np.intp]:
        """Find the ions of a species.

        Parameters
        ----------
        species : str
            Symbol of an element.

        Returns
        -------
        ndarray of int
            Indices of its ions.

        Raises
        ------
        TrajectoryError
            If there is no such ion.
        """
        found = np.flatnonzero(self.species == species)
        if not found.size:
            raise TrajectoryError(
                f"no ion of species {species!r}: the trajectory has "
                f"{', '.join(map(repr, np.unique(self.species).tolist()))}. Species are symbols of "
                "elements, without charge."
            )
        return found

    def others(self, species: str) -> NDArray[np.intp]:
        """Find the ions that are not of a species, such as the framework of mobile ions.

        Parameters
        ----------
        species : str
            Symbol of an element.

        Returns
        -------
        ndarray of int
            Indices of all other ions; there may be none.

        Raises
        ------
        TrajectoryError
            If there is no ion of the species.
        """
        return np.delete(np.arange(self.n_ions), self.indices(species))

    def select(self, ions: ArrayLike) -> Self:
        """Keep some of the ions.

        Parameters
        ----------
        ions : array-like of int or bool
            Indices of the ions, or a mask over them.

        Returns
        -------
        IonTrajectory
            The trajectory of these ions.

        Raises
        ------
        TrajectoryError
            If there is no ion of an index, or none is chosen.
        """
        chosen = ion_indices(ions, self.n_ions, name="ions")
        return self._with(self.positions[:, chosen], species=self.species[chosen])

    def unwrapped(self) -> Self:
        """Follow each ion across the faces of the cell.

        An ion is taken to have gone the shortest way between two frames, in fractions of the cell.

        Returns
        -------
        IonTrajectory
            The trajectory with `is_unwrapped`, in memory; itself if it is so already.

        Raises
        ------
        TrajectoryError
            If an ion goes by more than 0.45 of the cell from one frame to the next: whether it went
            this way or the other way round cannot be known. Also if the vectors of the cell were
            chosen anew on the way.
        """
        check_cell_is_continuous(self.lattice)
        if self.is_unwrapped:
            return self
        unwrapped = unwrap(self.positions, self.species, self.time_step)
        return self._with(unwrapped, is_unwrapped=True)

    def drift_corrected(
        self,
        reference: Drift | ArrayLike = "framework",
        *,
        species: str | None = None,
        mass_weighted: bool = True,
    ) -> Self:
        """Take out the common motion of some of the ions.

        Parameters
        ----------
        reference : {"framework", "center_of_mass"} or array-like of int or bool, \
default="framework"
            Ions whose mean displacement becomes zero: all that are not of `species`, all ions, or
            those of the indices or the mask.
        species : str, default=None
            The mobile species; needed for "framework".
        mass_weighted : bool, default=True
            Whether ions count by their mass.

        Returns
        -------
        IonTrajectory
            The unwrapped trajectory without the drift.

        Raises
        ------
        TrajectoryError
            If there is no ion to refer to, such as no framework, the mass of one is not known, or
            the trajectory cannot be unwrapped.
        ValueError
            If `species` is missing.
        """
        ions = reference_ions(self, reference, species)
        weights = atomic_masses(self.species[ions]) if mass_weighted else np.ones(len(ions))
        unwrapped = self.unwrapped()
        drift = mean_motion(unwrapped.positions, ions, weights)
        # One cell, the mean one, multiplies all displacements: taken out here or in angstrom, the
        # drift is the same, also where the cell changes.
        own = None if unwrapped is self else unwrapped.positions
        corrected = np.subtract(unwrapped.positions, drift[:, None], out=own, dtype=float)
        return unwrapped._with(corrected)

    def displacements(self, species: str | None = None) -> NDArray[np.float64]:
        """Compute how far the ions are from where they started.

        Where the cell changes, the displacement in fractions of the cell is multiplied by the mean
        cell (see Notes of the class).

        Parameters
        ----------
        species : str, default=None
            Symbol of an element; None takes all ions.

        Returns
        -------
        ndarray of shape (n_frames, n_ions_of_species, 3)
            Displacements from the first frame in angstrom.

        Raises
        ------
        TrajectoryError
            If there is no such ion, or the trajectory cannot be unwrapped.
        """
        chosen = self if species is None else self.select(self.indices(species))
        positions = chosen.unwrapped().positions
        displacements = np.subtract(positions, positions[0], dtype=float)
        lattice = self.mean_lattice
        for block in frame_blocks(displacements.shape):
            displacements[block] = displacements[block] @ lattice
        return displacements

    def structure(self, frame: int = 0) -> Structure:
        """Make a pymatgen Structure of a frame.

        Parameters
        ----------
        frame : int, default=0
            Index of the frame.

        Returns
        -------
        Structure
            Its ions in the cell.
        """
        from pymatgen.core import Structure

        lattice = self.lattice if self.lattice.ndim == 2 else self.lattice[frame]
        return Structure(lattice, self.species.tolist(), self.positions[frame])

    @classmethod
    def from_structures(
        cls, structures: Sequence[Structure], *, time_step: float, temperature: float | None = None
    ) -> Self:
        """Make a trajectory of one structure per frame.

        Parameters
        ----------
        structures : sequence of Structure
            Ordered structures with the same sites in the same order.
        time_step : float
            Time between two structures in fs.
        temperature : float, default=None
            Temperature in K.

        Returns
        -------
        IonTrajectory
            Their sites over time.

        Raises
        ------
        TrajectoryError
            If there is no structure, sites are disordered, or differ between structures.
        """
        if not len(structures):
            raise TrajectoryError("structures must hold at least one frame; got none.")
        species = element_symbols(structures[0])
        for index, structure in enumerate(structures):
            if element_symbols(structure) != species:
                raise TrajectoryError(f"structure {index} has other sites than the first.")
        lattices = np.array([structure.lattice.matrix for structure in structures])
        return cls(
            np.array([structure.frac_coords for structure in structures]),
            lattices[0] if (lattices == lattices[0]).all() else lattices,
            species,
            time_step=time_step,
            temperature=temperature,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trajectory to a file of NumPy's format ``.npz``, for `read_trajectory`.

        Parameters
        ----------
        path : str or path-like
            File, whose name ends in ``.npz``. It appears when it is complete.

        Raises
        ------
        ValueError
            If the name has another ending.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"path must end in .npz; got {path.name}.")
        write_npz(path, self)

    def _with(self, positions: NDArray[Any], **changed: Any) -> Self:
        """Make a trajectory with other positions; nothing is checked again."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.positions = positions
        for name, value in changed.items():
            setattr(new, name, value)
        return new
