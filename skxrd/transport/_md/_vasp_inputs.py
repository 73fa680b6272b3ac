"""Input files of ab initio molecular dynamics, for those who have VASP."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skxrd._files import complete_folder
from skxrd._sklearn import HasMethods, Interval, validate_params
from skxrd.transport._md._start import ordered_supercell

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["write_vasp_inputs"]

# The input sets have a tolerance per atom, and a Hubbard U for oxides of transition metals.
_RELAXATION = {"EDIFF": 1e-5, "EDIFF_PER_ATOM": None, "EDIFFG": -0.01, "LDAU": False}
_DYNAMICS = {"EDIFF": 1e-5, "EDIFF_PER_ATOM": None, "MDALGO": 2, "SMASS": 0, "ISIF": 2}

_WRITTEN = {"INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"}


@validate_params(
    {
        "structure": [HasMethods("get_primitive_structure")],
        "folder": [str, HasMethods("__fspath__")],
        "temperatures": ["array-like"],
        "time_step": [Interval(Real, 0, None, closed="neither")],
        "start_temperature": [Interval(Real, 0, None, closed="neither")],
        "heating_time": [Interval(Real, 0, None, closed="neither")],
        "production_time": [Interval(Real, 0, None, closed="neither")],
        "supercell_min_length": [Interval(Real, 0, None, closed="neither"), None],
        "user_incar_settings": [dict, None],
    },
    prefer_skip_nested_validation=True,
)
def write_vasp_inputs(
    structure: Structure,
    folder: str | os.PathLike[str],
    *,
    temperatures: Sequence[float] = (600, 900, 1200, 1500),
    time_step: float = 2.0,
    start_temperature: float = 100.0,
    heating_time: float = 2.0,
    production_time: float = 30.0,
    supercell_min_length: float | None = None,
    user_incar_settings: dict[str, Any] | None = None,
) -> None:
    """Write the input files of ab initio molecular dynamics with VASP.

    The protocol is that of the paper on XRDMatch [1]_: relaxation to 1e-5 eV and 0.01 eV/angstrom
    with PBE and projector-augmented waves, heating from 100 K over 2 ps, and 30 ps at each
    temperature with a Nosé-Hoover thermostat and steps of 2 fs. Everything that it does not say
    comes from pymatgen's `MPRelaxSet` and `MPMDSet`, such as the pseudopotentials, the cutoff and
    the Gamma point for dynamics.

    Parameters
    ----------
    structure : Structure
        Ordered structure; not changed.
    folder : str or path-like
        Folder for ``relax`` and, for each temperature, ``600K/1-heat`` and ``600K/2-run``. Folders
        of these names are replaced when all of them are complete, but not those that hold more than
        inputs of an earlier call.
    temperatures : sequence of float, default=(600, 900, 1200, 1500)
        Temperatures in K.
    time_step : float, default=2.0
        Time step in fs.
    start_temperature : float, default=100.0
        Temperature at the beginning of the heating in K.
    heating_time : float, default=2.0
        Length of the heating in ps.
    production_time : float, default=30.0
        Length of the run at the final temperature in ps.
    supercell_min_length : float, default=None
        Smallest distance between opposite faces of the cell in angstrom; the structure is repeated
        until it is reached.
    user_incar_settings : dict, default=None
        Settings of all INCAR files that go before these, such as ``{"NCORE": 4}``.

    Raises
    ------
    FileExistsError
        If something else lies in these folders, such as results of VASP.
    InvalidStructureError
        If the structure has disordered sites or fewer than two atoms.
    ValueError
        If temperatures are not positive and different.

    See Also
    --------
    MLIPMD : The same protocol with a machine-learned potential.
    read_trajectory : Read the XDATCAR or vasprun.xml that VASP writes.

    Notes
    -----
    pymatgen may not hand out pseudopotentials: each folder gets a ``POTCAR.spec`` with their names.
    Those who have them configured in pymatgen turn it into a POTCAR with the command
    ``pmg potcar``. Before heating, copy ``relax/CONTCAR`` to ``1-heat/POSCAR``, and afterwards
    ``1-heat/CONTCAR``, which holds the velocities, to ``2-run/POSCAR``.

    References
    ----------
    .. [1] Supporting information of the paper on XRDMatch, section 1.6.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.transport import write_vasp_inputs
    >>> salt = Structure.from_spacegroup(
    ...     "Fm-3m", Lattice.cubic(5.13), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_vasp_inputs(salt, folder, temperatures=[900])
    ...     print(sorted(path.name for path in Path(folder, "900K", "2-run").iterdir()))
    ['INCAR', 'KPOINTS', 'POSCAR', 'POTCAR.spec']
    """
    kelvins = np.asarray(temperatures, dtype=float)
    if kelvins.ndim != 1 or not kelvins.size or not (kelvins > 0).all():
        raise ValueError(f"temperatures must be positive numbers in K; got {temperatures!r}.")
    if len(np.unique(kelvins)) < len(kelvins):
        raise ValueError(f"temperatures must differ; got {temperatures!r}.")
    _refuse_results(Path(folder), ["relax", *(f"{kelvin:g}K" for kelvin in kelvins)])
    from pymatgen.io.vasp.sets import BadInputSetWarning, MPMDSet, MPRelaxSet

    supercell = ordered_supercell(structure, supercell_min_length)
    user = user_incar_settings or {}

    def dynamics(start: float, end: float, picoseconds: float) -> Any:
        return MPMDSet(
            supercell,
            start_temp=start,
            end_temp=end,
            nsteps=math.ceil(1000 * picoseconds / time_step),
            time_step=time_step,
            user_incar_settings={**_DYNAMICS, **user},
        )

    relaxation = MPRelaxSet(supercell, user_incar_settings={**_RELAXATION, **user})
    with complete_folder(Path(folder)) as unfinished, warnings.catch_warnings():
        warnings.simplefilter("ignore", BadInputSetWarning)  # on relaxations of metals
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)  # spglib
        relaxation.write_input(str(unfinished / "relax"), potcar_spec=True)
        for kelvin in kelvins.tolist():
            runs = unfinished / f"{kelvin:g}K"
            heat = dynamics(start_temperature, kelvin, heating_time)
            heat.write_input(str(runs / "1-heat"), potcar_spec=True)
            run = dynamics(kelvin, kelvin, production_time)
            run.write_input(str(runs / "2-run"), potcar_spec=True)


def _refuse_results(folder: Path, names: list[str]) -> None:
    """Refuse to replace folders with files that took longer to make than the inputs."""
    for name in names:
        for path in sorted((folder / name).rglob("*")):
            if not path.is_dir() and path.name not in _WRITTEN:
                raise FileExistsError(
                    f"{path} is none of the inputs and would be lost, as all of {folder / name}; "
                    "move it away, or give another folder."
                )
