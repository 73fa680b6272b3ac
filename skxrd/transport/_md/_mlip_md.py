"""Molecular dynamics at several temperatures, for the diffusion of ions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from skxrd._optional import import_optional
from skxrd._sklearn import HasMethods, Interval, StrOptions, validate_parameter_constraints
from skxrd.transport._md._calculator_name import calculator_settings
from skxrd.transport._md._calculators import CALCULATORS, check_elements
from skxrd.transport._md._checkpoint import check_settings, new_seed
from skxrd.transport._md._schedule import damping_of, make_schedules
from skxrd.transport._md._start import ordered_supercell, relaxed, to_atoms
from skxrd.transport._md._temperatures import simulate_all
from skxrd.transport._md._thermostat import ThermostatName
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["MLIPMD"]

_RESULT_OF_SETTINGS = (
    "time_step",
    "start_temperature",
    "heating_time",
    "equilibration_time",
    "sample_interval",
    "thermostat",
    "damping",
    "relax",
    "max_force",
    "supercell_min_length",
)


class MLIPMD(BaseEstimator):
    """Molecular dynamics of a crystal with a machine-learned potential (MLIP).

    The structure is relaxed, then for each temperature its atoms get random velocities, are heated
    along a linear ramp, equilibrate, and move on in a cell of constant shape; frames are kept of
    this last part. Temperatures run in parallel processes.

    A simulation goes on from its last checkpoint with the same trajectory as if it had never been
    stopped, and with one `random_state` the trajectory is the same for any `n_jobs` and any other
    temperatures at its side. Both hold on one kind of machine, and on its CPU: on a GPU, sums have
    no fixed order.

    Parameters
    ----------
    calculator : {"chgnet", "7net-0"}, ASE calculator, or callable returning one, default="chgnet"
        Where forces come from. The weights of CHGNet 0.3.0 and SevenNet-0 lie in their packages,
        nothing is downloaded. A calculator of ASE is copied; one that cannot be copied or sent to
        another process is given as a function that makes it.
    temperatures : sequence of float, default=(600, 900, 1200, 1500)
        Temperatures in K.
    time_step : float, default=2.0
        Time step of the integrator in fs.
    start_temperature : float, default=100.0
        Temperature of the first velocities in K.
    heating_time : float, default=2.0
        Length of the ramp from `start_temperature` in ps.
    equilibration_time : float, default=3.0
        Time at the final temperature before the first frame, in ps.
    production_time : float, default=30.0
        Time over which frames are kept, in ps. A finished simulation with a `checkpoint_folder`
        goes on if this is longer the next time.
    sample_interval : float, default=20.0
        Time between two frames in fs, a multiple of `time_step`.
    thermostat : {"nose-hoover", "langevin"}, default="nose-hoover"
        A chain of three Nosé-Hoover thermostats, which leaves the motion of single ions almost
        alone, or friction with random forces, which slows diffusion if `damping` is short.
    damping : float, default=None
        Time in which the thermostat acts, in fs; for Langevin dynamics the inverse of the friction.
        None means 100 fs for "nose-hoover" and 1000 fs for "langevin".
    relax : bool or "cell", default=True
        Whether atoms are moved to a minimum of the energy first; "cell" relaxes the cell as well,
        which needs a calculator with stresses.
    max_force : float, default=0.01
        Largest force that may remain after the relaxation, in eV/angstrom.
    supercell_min_length : float, default=None
        Smallest distance between opposite faces of the cell in angstrom; the structure is repeated
        until it is reached. None simulates the structure as it is.
    n_jobs : int, default=None
        Number of temperatures side by side, as in joblib.
    n_threads : int, default=1
        Number of threads of each process. More than one is slower where temperatures already keep
        all cores busy.
    random_state : int, RandomState instance or None, default=None
        Seed of the first velocities and of Langevin dynamics.
    checkpoint_folder : str or path-like, default=None
        Folder for everything that is needed to go on after an interruption, and for the finished
        trajectories, as ``600K.npz`` for `read_trajectory`. A folder of other settings, of another
        structure or of another version of the potential's package is refused, and so is one in
        which another process is simulating. Give a calculator that counts or remembers as a
        function that makes it: what it holds is taken for a setting.
    progress : bool, default=False
        Whether to show a bar with the time left, on stderr.

    See Also
    --------
    ConductivityScreener : Go on to the conductivity.
    read_trajectory : Read a finished trajectory again.

    Notes
    -----
    The defaults follow the protocol of ab initio molecular dynamics in the paper on XRDMatch:
    heating from 100 K within 2 ps, steps of 2 fs, 30 ps at each of four temperatures, relaxation to
    0.01 eV/angstrom. Potentials that were trained on nearly relaxed crystals underestimate energies
    between minima [1]_, so that ions move too easily: take the result as a ranking, and see whether
    the framework has held.

    References
    ----------
    .. [1] B. Deng et al., "Systematic softening in universal machine learning interatomic
       potentials", npj Computational Materials 11, 9 (2025),
       https://doi.org/10.1038/s41524-024-01500-6

    Examples
    --------
    >>> from ase.calculators.lj import LennardJones
    >>> from pymatgen.core import Structure
    >>> from skxrd.transport import MLIPMD
    >>> argon = Structure.from_spacegroup("Fm-3m", 5.3 * np.eye(3), ["Ar"], [[0, 0, 0]])
    >>> md = MLIPMD(
    ...     LennardJones(sigma=3.4, epsilon=0.0104, rc=8.5),
    ...     temperatures=(20, 40),
    ...     heating_time=0.1,
    ...     equilibration_time=0.1,
    ...     production_time=0.2,
    ...     random_state=0,
    ... )
    >>> md.run(argon)[40]
    IonTrajectory(Ar4: 11 frames, 20 fs apart, 40 K)
    """

    _parameter_constraints = {
        "calculator": [StrOptions(set(CALCULATORS)), HasMethods("get_forces"), callable],
        "temperatures": ["array-like"],
        "time_step": [Interval(Real, 0, None, closed="neither")],
        "start_temperature": [Interval(Real, 0, None, closed="neither")],
        "heating_time": [Interval(Real, 0, None, closed="left")],
        "equilibration_time": [Interval(Real, 0, None, closed="left")],
        "production_time": [Interval(Real, 0, None, closed="neither")],
        "sample_interval": [Interval(Real, 0, None, closed="neither")],
        "thermostat": [StrOptions({"nose-hoover", "langevin"})],
        "damping": [Interval(Real, 0, None, closed="neither"), None],
        "relax": ["boolean", StrOptions({"cell"})],
        "max_force": [Interval(Real, 0, None, closed="neither")],
        "supercell_min_length": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "n_threads": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "checkpoint_folder": [str, HasMethods("__fspath__"), None],
        "progress": ["boolean"],
    }

    def __init__(
        self,
        calculator: Any = "chgnet",
        *,
        temperatures: Sequence[float] = (600, 900, 1200, 1500),
        time_step: float = 2.0,
        start_temperature: float = 100.0,
        heating_time: float = 2.0,
        equilibration_time: float = 3.0,
        production_time: float = 30.0,
        sample_interval: float = 20.0,
        thermostat: ThermostatName = "nose-hoover",
        damping: float | None = None,
        relax: bool | Literal["cell"] = True,
        max_force: float = 0.01,
        supercell_min_length: float | None = None,
        n_jobs: int | None = None,
        n_threads: int = 1,
        random_state: int | np.random.RandomState | None = None,
        checkpoint_folder: Any = None,
        progress: bool = False,
    ) -> None:
        self.calculator = calculator
        self.temperatures = temperatures
        self.time_step = time_step
        self.start_temperature = start_temperature
        self.heating_time = heating_time
        self.equilibration_time = equilibration_time
        self.production_time = production_time
        self.sample_interval = sample_interval
        self.thermostat = thermostat
        self.damping = damping
        self.relax = relax
        self.max_force = max_force
        self.supercell_min_length = supercell_min_length
        self.n_jobs = n_jobs
        self.n_threads = n_threads
        self.random_state = random_state
        self.checkpoint_folder = checkpoint_folder
        self.progress = progress

    def run(self, structure: Structure) -> dict[float, IonTrajectory]:
        """Simulate a structure at each temperature.

        Parameters
        ----------
        structure : Structure
            Ordered structure; not changed.

        Returns
        -------
        dict of float to IonTrajectory
            For each temperature in K its frames, unwrapped, without heating and equilibration. Ions
            have the order of the sites; in a supercell all images of the first site come first.

        Raises
        ------
        FileFormatError
            If `checkpoint_folder` holds a simulation with other settings, frames are missing there,
            or another process is simulating in it.
        InvalidStructureError
            If the structure has disordered sites, fewer than two atoms, or elements that the
            potential does not know.
        MissingDependencyError
            If ASE or the package of the potential is not installed.
        TrajectoryError
            If the atoms fly apart at one of the temperatures. It is raised when the others have
            finished; they are in `checkpoint_folder` and, as a dict, in the attribute
            `trajectories` of the error.
        ValueError
            If a parameter is out of its range.
        """
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), type(self).__name__
        )
        schedules = make_schedules(self)
        import_optional("ase", extra="md", purpose="MLIPMD")
        supercell = ordered_supercell(structure, self.supercell_min_length)
        atoms = to_atoms(supercell)
        check_elements(self.calculator, atoms.numbers)
        folder = None if self.checkpoint_folder is None else Path(self.checkpoint_folder)
        seed = self._seed(folder, atoms)
        if self.relax:
            atoms = relaxed(
                atoms,
                self.calculator,
                max_force=self.max_force,
                with_cell=self.relax == "cell",
                n_threads=self.n_threads,
                file=folder / "relaxed.npz" if folder else None,
            )
        return simulate_all(atoms, schedules, self, seed=seed, folder=folder)

    def _seed(self, folder: Path | None, atoms: Any) -> int:
        """Draw the seed; a folder keeps it, and refuses other settings."""
        if isinstance(self.random_state, np.random.RandomState):
            seed: int | None = int(self.random_state.randint(2**31 - 1))
        else:
            seed = None if self.random_state is None else int(self.random_state)
        if folder is None:
            return new_seed() if seed is None else seed
        settings = {name: getattr(self, name) for name in _RESULT_OF_SETTINGS}
        settings["damping"] = damping_of(self)
        settings |= calculator_settings(self.calculator)
        settings["structure"] = joblib.hash(
            (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
        )
        return int(check_settings(folder, {**settings, "seed": seed})["seed"])
