"""Densities in the formats of programs that draw them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skxrd._files import complete_file
from skxrd._optional import import_optional
from skxrd._sklearn import StrOptions, validate_params
from skxrd.transport._density._grid import DensityUnit, in_cubic_angstrom

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["DensityFilesMixin"]


class DensityFilesMixin:
    """Methods that write the density of an estimator to files."""

    species: str
    density_: NDArray[np.float64]
    lattice_: NDArray[np.float64]
    framework_species_: NDArray[np.str_]
    framework_positions_: NDArray[np.float64]
    mobile_positions_: NDArray[np.float64]
    _species: str

    @validate_params(
        {"convention": [StrOptions({"vasp", "vesta"})]}, prefer_skip_nested_validation=True
    )
    def to_chgcar(
        self,
        path: str | os.PathLike[str],
        convention: Literal["vasp", "vesta"] = "vasp",
    ) -> None:
        """Write a CHGCAR, the format of VASP, which VESTA opens.

        The ions are sorted by species: the framework at its mean positions, mobile ions where they
        were in the first frame.

        Parameters
        ----------
        path : str or path-like
            File; it appears when it is complete. VESTA knows names that begin with ``CHGCAR``.
        convention : {"vasp", "vesta"}, default="vasp"
            ``"vasp"``: density times volume in the same unit, as VASP writes it, so that VESTA
            shows bohr^-3. ``"vesta"``: density in angstrom^-3 times volume in bohr^3, so that the
            numbers which VESTA shows are in angstrom^-3, against their label; pictures made with
            pymatgen-analysis-diffusion have these.

        Raises
        ------
        ValueError
            If there is no such convention.
        """
        structure = self._structure()
        volume = abs(np.linalg.det(self.lattice_))
        if convention == "vesta":
            volume *= in_cubic_angstrom(1, "bohr^-3")
        _write_chgcar(Path(path), self.density_ * volume, structure)

    @validate_params(
        {"unit": [StrOptions({"bohr^-3", "angstrom^-3"})]}, prefer_skip_nested_validation=True
    )
    def to_cube(self, path: str | os.PathLike[str], unit: DensityUnit = "bohr^-3") -> None:
        """Write a Gaussian cube file, with ions as in `to_chgcar`.

        Parameters
        ----------
        path : str or path-like
            File, with a name in ``.cube``; it appears when it is complete.
        unit : {"bohr^-3", "angstrom^-3"}, default="bohr^-3"
            Unit of the values, which the file does not tell: cube files are in atomic units.

        Raises
        ------
        MissingDependencyError
            If ASE is not installed.
        ValueError
            If there is no such unit.
        """
        structure = self._structure()
        _write_cube(Path(path), self.density_ / in_cubic_angstrom(1, unit), structure)

    @validate_params(
        {"unit": [StrOptions({"bohr^-3", "angstrom^-3"})]}, prefer_skip_nested_validation=True
    )
    def to_xsf(self, path: str | os.PathLike[str], unit: DensityUnit = "angstrom^-3") -> None:
        """Write a file of XCrySDen, with ions as in `to_chgcar`.

        Parameters
        ----------
        path : str or path-like
            File, with a name in ``.xsf``; it appears when it is complete.
        unit : {"bohr^-3", "angstrom^-3"}, default="angstrom^-3"
            Unit of the values, which the file does not tell: its lengths are in angstrom.

        Raises
        ------
        MissingDependencyError
            If ASE is not installed.
        ValueError
            If there is no such unit.
        """
        structure = self._structure()
        _write_xsf(Path(path), self.density_ / in_cubic_angstrom(1, unit), structure)

    def _structure(self) -> Structure:
        """Make a structure of all ions, sorted by species as file formats want them."""
        from pymatgen.core import Structure

        check_is_fitted(self)
        mobile = np.full(len(self.mobile_positions_), self._species)
        species = np.concatenate([mobile, self.framework_species_])
        positions = np.concatenate([self.mobile_positions_, self.framework_positions_])
        order = np.argsort(species, kind="stable")
        return Structure(self.lattice_, species[order].tolist(), positions[order])


def _write_chgcar(path: Path, values: NDArray[np.float64], structure: Structure) -> None:
    """Write values on a grid as they are into a file like VASP's CHGCAR."""
    from pymatgen.io.vasp import Chgcar

    chgcar = Chgcar(structure, {"total": values})
    chgcar.name = structure.formula  # the first line, which were "None" else
    with complete_file(path) as file:
        chgcar.write_file(file.name)  # it opens files by their names


def _write_cube(path: Path, values: NDArray[np.float64], structure: Structure) -> None:
    """Write values on a grid as they are into a Gaussian cube file."""
    cube = import_optional("ase.io.cube", extra="md", purpose="Writing cube files")
    atoms = structure.to_ase_atoms(msonable=False)
    with complete_file(path) as file, io.TextIOWrapper(file, encoding="ascii") as text:
        cube.write_cube(text, atoms, values, comment=f"{structure.formula} written by skxrd")


def _write_xsf(path: Path, values: NDArray[np.float64], structure: Structure) -> None:
    """Write values on a grid as they are into an XCrySDen file.

    Its grids are general ones, which repeat the points of the first face on the last.
    """
    xsf = import_optional("ase.io.xsf", extra="md", purpose="Writing xsf files")
    atoms = structure.to_ase_atoms(msonable=False)
    closed = np.pad(values, [(0, 1)] * 3, mode="wrap")
    with complete_file(path) as file, io.TextIOWrapper(file, encoding="ascii") as text:
        xsf.write_xsf(text, [atoms])
        # ASE writes six decimals, too few for densities.
        text.write("BEGIN_BLOCK_DATAGRID_3D\n density\n BEGIN_DATAGRID_3D_density\n")
        text.write(" {} {} {}\n".format(*closed.shape))
        np.savetxt(text, [np.zeros(3), *structure.lattice.matrix], fmt=" %.10f")
        np.savetxt(text, closed.reshape(len(closed), -1, order="F").T, fmt=" %.8e")
        text.write(" END_DATAGRID_3D\nEND_BLOCK_DATAGRID_3D\n")
