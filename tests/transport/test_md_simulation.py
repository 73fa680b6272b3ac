"""MLIPMD: what it promises of times, temperatures, seeds and checkpoints."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from scipy.optimize import minimize_scalar

from skxrd.exceptions import (
    FileFormatError,
    InvalidStructureError,
    TrajectoryError,
    TransportWarning,
)
from skxrd.transport import MLIPMD
from skxrd.transport._md import _simulation, _temperatures
from skxrd.transport._md._calculator_name import calculator_settings
from skxrd.transport._md._checkpoint import Checkpoint
from skxrd.transport._md._schedule import make_schedules
from skxrd.transport._md._shown import steps_shown
from skxrd.transport._md._start import to_atoms

ase = pytest.importorskip("ase")

from ase import Atoms  # noqa: E402
from ase.calculators.calculator import Calculator  # noqa: E402
from ase.calculators.lj import LennardJones  # noqa: E402
from ase.units import kB  # noqa: E402

pytestmark = pytest.mark.usefixtures("pickled_by_value")
ARGON = LennardJones(sigma=3.4, epsilon=0.0104, rc=8.5)
SHORT = {
    "heating_time": 0.1,
    "equilibration_time": 0.1,
    "production_time": 0.4,
    "random_state": 0,
}


class Springs(Calculator):
    """Each atom on a spring at its own site of a cell that floats freely."""

    implemented_properties = ("energy", "forces")

    def __init__(self, sites, fail_after=None):
        super().__init__()
        self.sites = sites
        self.fail_after = fail_after
        self.n_calls = 0

    def calculate(self, atoms, properties, system_changes):
        super().calculate(atoms, properties, system_changes)
        self.n_calls += 1
        away = self.atoms.positions - self.sites
        away -= away.mean(axis=0)
        self.results = {"energy": 0.5 * (away**2).sum(), "forces": -away}


class Interrupted(Springs):
    """Springs that are interrupted after some calls, counted over all copies."""

    calls_left = 0

    def calculate(self, atoms, properties, system_changes):
        Interrupted.calls_left -= 1
        if not Interrupted.calls_left:
            raise KeyboardInterrupt
        super().calculate(atoms, properties, system_changes)


class Repelled(Springs):
    def calculate(self, atoms, properties, system_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = -10 * self.results["forces"]


@pytest.fixture
def argon():
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.3), ["Ar"], [[0, 0, 0]])


@pytest.fixture
def salt():
    """A cell of 16 atoms whose species are interleaved."""
    cell = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.2), ["Li", "Cl"], [[0] * 3, [0.5] * 3]
    )
    cell.make_supercell([2, 1, 1])
    order = [i for pair in zip(range(8), range(8, 16), strict=True) for i in pair]
    return Structure.from_sites([cell[i] for i in order])


def test_frames_are_those_of_the_production(argon):
    md = MLIPMD(ARGON, temperatures=(20, 40), sample_interval=10.0, **SHORT)
    trajectories = md.run(argon)
    assert list(trajectories) == [20.0, 40.0]
    for temperature, trajectory in trajectories.items():
        assert trajectory.temperature == temperature
        assert trajectory.n_frames == 41
        assert trajectory.time_step == 10.0
        assert trajectory.is_unwrapped
        np.testing.assert_allclose(trajectory.lattice, argon.lattice.matrix)
    assert np.abs(trajectories[40].positions - trajectories[20].positions).max() > 1e-3


def test_frames_without_heating_begin_at_the_structure(salt):
    sites = salt.cart_coords
    md = MLIPMD(
        Springs(sites),
        temperatures=[300],
        heating_time=0,
        equilibration_time=0,
        production_time=0.04,
        relax=False,
    )
    trajectory = md.run(salt)[300]
    assert trajectory.species.tolist() == [site.specie.symbol for site in salt]
    np.testing.assert_allclose(trajectory.positions[0], salt.frac_coords, atol=1e-12)
    assert np.abs(trajectory.positions[1] - trajectory.positions[0]).max() > 1e-4


def test_the_structure_is_not_changed(salt):
    before = salt.copy()
    MLIPMD(
        Springs(salt.cart_coords + 0.1),
        temperatures=[300],
        supercell_min_length=None,
        heating_time=0,
        equilibration_time=0,
        production_time=0.02,
    ).run(salt)
    assert salt == before
    np.testing.assert_array_equal(salt.frac_coords, before.frac_coords)


@pytest.mark.parametrize(("thermostat", "damping"), [("nose-hoover", 50.0), ("langevin", 50.0)])
def test_temperature_is_that_of_the_thermostat(argon, thermostat, damping):
    # Few atoms: 3 N - 3 degrees of freedom or 3 N make a third of the temperature here.
    kinetic = []

    class Watched(Springs):
        def calculate(self, atoms, properties, system_changes):
            super().calculate(atoms, properties, system_changes)
            kinetic.append(atoms.get_kinetic_energy())

    MLIPMD(
        lambda: Watched(argon.cart_coords),
        temperatures=[900],
        time_step=10.0,  # a fortieth of the period
        start_temperature=900,
        heating_time=0,
        equilibration_time=0,
        production_time=60,
        thermostat=thermostat,
        damping=damping,
        relax=False,
        random_state=0,
    ).run(argon)
    found = 2 * np.mean(kinetic[200:]) / (3 * (len(argon) - 1) * kB)
    assert found == pytest.approx(900, rel=0.05)


def test_heating_is_a_ramp(salt):
    kinetic = []

    class Hot(Springs):
        def calculate(self, atoms, properties, system_changes):
            super().calculate(atoms, properties, system_changes)
            kinetic.append(2 * atoms.get_kinetic_energy() / (3 * (len(atoms) - 1) * kB))

    MLIPMD(
        lambda: Hot(salt.cart_coords),
        temperatures=[1000],
        heating_time=2,
        equilibration_time=0,
        production_time=0.02,
        relax=False,
        thermostat="langevin",
        damping=50.0,
        random_state=0,
    ).run(salt)
    early, late = np.mean(kinetic[100:300]), np.mean(kinetic[800:1000])
    assert early == pytest.approx(100 + 900 * 0.2, rel=0.3)
    assert late == pytest.approx(100 + 900 * 0.9, rel=0.3)


@pytest.mark.parametrize("thermostat", ["nose-hoover", "langevin"])
def test_one_seed_gives_one_trajectory(salt, thermostat, tmp_path):
    parameters = {**SHORT, "thermostat": thermostat, "relax": False}
    springs = Springs(salt.cart_coords)
    first = MLIPMD(springs, temperatures=(300, 600), **parameters).run(salt)
    parallel = MLIPMD(springs, temperatures=(300, 600), n_jobs=2, **parameters).run(salt)
    on_disk = MLIPMD(springs, temperatures=(600,), checkpoint_folder=tmp_path, **parameters).run(
        salt
    )
    other = MLIPMD(springs, temperatures=(600,), **{**parameters, "random_state": 1}).run(salt)
    for temperature in (300, 600):
        np.testing.assert_array_equal(first[temperature].positions, parallel[temperature].positions)
    np.testing.assert_array_equal(first[600].positions, on_disk[600].positions)
    assert np.abs(other[600].positions - first[600].positions).max() > 1e-3


def test_global_random_numbers_are_not_touched(salt):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    parameters = {**SHORT, "random_state": None}
    MLIPMD(Springs(salt.cart_coords), temperatures=[300], **parameters).run(salt)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("thermostat", ["nose-hoover", "langevin"])
@pytest.mark.parametrize("calls", [5, 320, 600])
def test_an_interrupted_simulation_goes_on_as_if_nothing_had_been(
    salt, tmp_path, thermostat, calls
):
    parameters = {
        **SHORT,
        "production_time": 0.5,
        "temperatures": (300, 600),
        "thermostat": thermostat,
        "relax": False,
    }
    calculator = Interrupted(salt.cart_coords)
    Interrupted.calls_left = 0
    whole = MLIPMD(calculator, **parameters).run(salt)
    md = MLIPMD(calculator, checkpoint_folder=tmp_path, **parameters)
    Interrupted.calls_left = calls
    with pytest.raises(KeyboardInterrupt):
        md.run(salt)
    Interrupted.calls_left = 10**6
    resumed = md.run(salt)
    for temperature in (300, 600):
        np.testing.assert_array_equal(resumed[temperature].positions, whole[temperature].positions)
    # 350 steps each, with a checkpoint after 250; the calculator starts anew after each of them.
    kept = {5: 0, 320: 250, 600: 350}[calls]
    assert 10**6 - Interrupted.calls_left == pytest.approx(2 * 350 - kept, abs=4)
    n_calls = Interrupted.calls_left
    md.run(salt)
    assert Interrupted.calls_left == n_calls


KILLED = """
import sys, time
import numpy as np
from pymatgen.core import Structure
from skxrd.transport import MLIPMD
from ase.calculators.lj import LennardJones

class Slow(LennardJones):
    def calculate(self, *args, **kwargs):
        time.sleep(float(sys.argv[3]))
        super().calculate(*args, **kwargs)

structure = Structure.from_file(sys.argv[1])
md = MLIPMD(
    lambda: Slow(sigma=3.4, epsilon=0.0104, rc=8.5), temperatures=(20, 40), heating_time=0.2,
    equilibration_time=0.2, production_time=1.0, random_state=0, checkpoint_folder=sys.argv[2],
    n_jobs=2,
)
for temperature, trajectory in md.run(structure).items():
    np.save(f"{sys.argv[2]}/positions_{temperature:g}.npy", trajectory.positions)
"""


@pytest.mark.slow
def test_a_killed_simulation_goes_on_as_if_nothing_had_been(argon, tmp_path):
    file = tmp_path / "argon.json"
    file.write_text(argon.to_json())
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", KILLED, str(file)]
    # 14 s of dynamics: the workers would outlive the kill by far
    process = subprocess.Popen([*command, str(killed), "0.02"], start_new_session=True)
    states = [killed / f"{kelvin}K.checkpoint" / "state.npz" for kelvin in (20, 40)]
    for _ in range(600):
        if all(state.exists() for state in states):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # No pause: a worker notices within a step that its parent is gone, and python starts slower.
    subprocess.run([*command, str(killed), "0"], check=True)
    subprocess.run([*command, str(whole), "0"], check=True)
    for temperature in (20, 40):
        name = f"positions_{temperature}.npy"
        np.testing.assert_array_equal(np.load(killed / name), np.load(whole / name))


def test_frames_that_a_killed_process_began_with_are_forgotten(salt, tmp_path):
    md = MLIPMD(Springs(salt.cart_coords), temperatures=[300], checkpoint_folder=tmp_path, **SHORT)
    first = md.run(salt)[300]
    frames = tmp_path / "300K.checkpoint" / "frames.f64"
    with open(frames, "ab") as file:
        file.write(b"half of a frame")
    longer = MLIPMD(
        Springs(salt.cart_coords),
        temperatures=[300],
        checkpoint_folder=tmp_path,
        **{**SHORT, "production_time": 0.8},
    ).run(salt)[300]
    assert longer.n_frames == 41
    np.testing.assert_array_equal(longer.positions[:21], first.positions)
    assert frames.stat().st_size == 41 * 16 * 3 * 8


def test_two_processes_do_not_share_a_folder(salt, tmp_path):
    md = MLIPMD(Springs(salt.cart_coords), temperatures=[300], checkpoint_folder=tmp_path, **SHORT)
    folder = tmp_path / "300K.checkpoint"
    with (
        Checkpoint(folder, len(salt)).locked(),
        pytest.raises(FileFormatError, match=r"300K.checkpoint is being simulated by another"),
    ):
        md.run(salt)
    md.run(salt)


@pytest.mark.parametrize("production", [0.4, 0.8])
def test_missing_frames_are_told(salt, tmp_path, production):
    parameters = {"temperatures": [300], "checkpoint_folder": tmp_path, **SHORT}
    springs = Springs(salt.cart_coords)
    MLIPMD(springs, **parameters).run(salt)
    frames = tmp_path / "300K.checkpoint" / "frames.f64"
    with open(frames, "r+b") as file:
        file.truncate(5 * 16 * 3 * 8)
    with pytest.raises(FileFormatError, match=r"frames.f64 has 5 frames, fewer than .*Remove"):
        MLIPMD(springs, **{**parameters, "production_time": production}).run(salt)
    assert frames.stat().st_size == 5 * 16 * 3 * 8


@pytest.mark.parametrize("production", [0.4, 0.2])
def test_a_longer_simulation_is_one_without_a_break(salt, tmp_path, production):
    # 300 or 200 steps: the first one ends in the middle of a segment. Forces depend on how old the
    # calculator is, as those of one with a list of neighbors do a little.
    class Aging(Springs):
        def calculate(self, atoms, properties, system_changes):
            super().calculate(atoms, properties, system_changes)
            self.results["forces"] *= 1 + 1e-3 * self.n_calls

    def run(production_time, folder=None):
        parameters = {**SHORT, "production_time": production_time, "checkpoint_folder": folder}
        md = MLIPMD(lambda: Aging(salt.cart_coords), temperatures=[300], relax=False, **parameters)
        return md.run(salt)[300].positions

    short, whole = run(production, tmp_path), run(0.8)
    np.testing.assert_array_equal(run(0.8, tmp_path), whole)
    np.testing.assert_array_equal(run(production, tmp_path), short)
    np.testing.assert_array_equal(short, whole[: len(short)])


def test_a_worker_whose_parent_is_gone_stops(salt, tmp_path, monkeypatch):
    schedule = make_schedules(MLIPMD(temperatures=[300], **SHORT))[300]
    monkeypatch.setattr(_simulation, "_PARENT", 12345)
    options = {"seed": 0, "n_threads": 1, "folder": None, "steps_file": None}
    arguments = (to_atoms(salt), Springs(salt.cart_coords), schedule)
    with pytest.raises(RuntimeError, match="12345, which asked for this simulation, is gone"):
        _simulation.simulate(*arguments, **options, caller=12345)
    assert len(_simulation.simulate(*arguments, **options, caller=os.getppid())) == 21


def test_finished_trajectories_lie_in_the_folder(salt, tmp_path):
    trajectory = MLIPMD(
        Springs(salt.cart_coords), temperatures=[300], checkpoint_folder=tmp_path, **SHORT
    ).run(salt)[300]
    with np.load(tmp_path / "300K.npz") as saved:
        np.testing.assert_array_equal(saved["positions"], trajectory.positions)
        assert saved["temperature"] == 300
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time_step": 1.0}, "time_step was 2.0 and is 1.0"),
        ({"random_state": 1}, "seed was 0 and is 1"),
        ({"thermostat": "langevin"}, "thermostat was 'nose-hoover' and is 'langevin'"),
        ({"calculator": ARGON}, r"calculator was .*Springs.* and is .*LennardJones"),
    ],
)
def test_a_folder_of_other_settings_is_refused(salt, tmp_path, changed, message):
    md = MLIPMD(Springs(salt.cart_coords), temperatures=[300], checkpoint_folder=tmp_path, **SHORT)
    md.run(salt)
    with pytest.raises(ValueError, match=message):
        md.set_params(**changed).run(salt)


def springs_of(strength, sites):
    return Springs(sites, fail_after=strength)


def test_a_folder_of_another_custom_calculator_is_refused(salt, tmp_path):
    sites = salt.cart_coords
    pairs = [
        (Springs(sites), Springs(sites + 0.1)),
        (partial(springs_of, 2, sites), partial(springs_of, 3, sites)),
        (partial(springs_of, None, sites), partial(springs_of, None, sites=sites + 0.1)),
        (lambda: Springs(sites), lambda: Springs(sites + 0.1)),
    ]
    for number, (one, other) in enumerate(pairs):
        parameters = {"temperatures": [10], "checkpoint_folder": tmp_path / str(number), **SHORT}
        MLIPMD(one, **parameters).run(salt)
        with pytest.raises(FileFormatError, match="other settings: calculator was"):
            MLIPMD(other, **parameters).run(salt)


def test_a_calculator_is_described_without_its_address():
    class Setting:
        pass

    class Custom(LennardJones):
        default_parameters = {**LennardJones.default_parameters, "setting": None}

    first, second = (calculator_settings(Custom(setting=Setting())) for _ in range(2))
    assert first == second
    assert "Setting" in first["calculator"]
    assert "0x" not in first["calculator"]
    used = LennardJones()
    fresh = calculator_settings(used)
    Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 1]], calculator=used).get_potential_energy()
    assert calculator_settings(used) == fresh
    assert fresh["calculator_version"] == f"ase {ase.__version__}"


def test_a_folder_of_another_version_is_refused(salt, tmp_path):
    md = MLIPMD(ARGON, temperatures=[10], checkpoint_folder=tmp_path, **SHORT)
    file = tmp_path / "settings.json"
    md.run(salt)
    settings = json.loads(file.read_text())
    file.write_text(json.dumps({**settings, "calculator_version": "ase 1.0"}))
    with pytest.raises(FileFormatError, match=r"calculator_version was 'ase 1.0' and is 'ase "):
        md.run(salt)
    del settings["calculator_version"]  # as older versions of skxrd wrote it
    file.write_text(json.dumps(settings))
    md.run(salt)


def test_a_folder_of_another_structure_is_refused(salt, argon, tmp_path):
    md = MLIPMD(ARGON, temperatures=[20], checkpoint_folder=tmp_path, **SHORT)
    md.run(argon)
    with pytest.raises(ValueError, match=r"checkpoint_folder .* other settings: structure was"):
        md.run(salt)


def test_a_folder_keeps_the_seed_that_was_drawn(salt, tmp_path):
    md = MLIPMD(
        Springs(salt.cart_coords),
        temperatures=[300],
        checkpoint_folder=tmp_path,
        **{**SHORT, "random_state": None},
    )
    first = md.run(salt)[300]
    (tmp_path / "300K.checkpoint" / "state.npz").unlink()
    np.testing.assert_array_equal(md.run(salt)[300].positions, first.positions)
    assert isinstance(json.loads((tmp_path / "settings.json").read_text())["seed"], int)


def test_relaxation_goes_to_the_minimum(salt, rng):
    offsets = rng.normal(scale=0.2, size=(len(salt), 3))
    offsets -= offsets.mean(axis=0)
    moved = salt.copy()
    for index, offset in enumerate(offsets):
        moved.translate_sites(index, offset, frac_coords=False, to_unit_cell=False)
    md = MLIPMD(
        Springs(salt.cart_coords),
        temperatures=[1],
        start_temperature=1,
        heating_time=0,
        equilibration_time=0,
        production_time=0.02,
    )
    relaxed = md.run(moved)[1]
    away = relaxed.positions[0] @ relaxed.lattice - salt.cart_coords
    assert np.linalg.norm(away, axis=1).max() < 0.011  # force of 0.01 over a spring of 1
    unrelaxed = md.set_params(relax=False).run(moved)[1]
    away = unrelaxed.positions[0] @ unrelaxed.lattice - salt.cart_coords
    np.testing.assert_allclose(away, offsets, atol=1e-9)


def test_relaxation_of_the_cell(argon):
    def energy(edge):
        atoms = Atoms("Ar4", scaled_positions=argon.frac_coords, cell=[edge] * 3, pbc=True)
        atoms.calc = LennardJones(**ARGON.parameters)
        return atoms.get_potential_energy()

    best = minimize_scalar(energy, bounds=(5.1, 5.5), method="bounded").x
    argon.scale_lattice(5.4**3)
    relaxed = MLIPMD(ARGON, temperatures=[20], relax="cell", max_force=1e-4, **SHORT).run(argon)
    assert np.cbrt(relaxed[20].volume) == pytest.approx(best, rel=1e-3)
    assert best < 5.35


def test_a_relaxation_that_does_not_end_is_told(salt, tmp_path):
    class Noise(Springs):
        def calculate(self, atoms, properties, system_changes):
            super().calculate(atoms, properties, system_changes)
            self.results["forces"] = self.results["forces"] + 1.0

    md = MLIPMD(
        Noise(salt.cart_coords),
        temperatures=[10],
        max_force=1e-9,
        checkpoint_folder=tmp_path / "md",
        **SHORT,
    )
    for _ in range(2):  # and again, where it is not done again
        with pytest.warns(TransportWarning, match="not relaxed to 1e-09"):
            md.run(salt)


def test_supercell_is_long_enough_between_faces():
    lattice = Lattice.from_parameters(4.0, 5.0, 9.0, 90, 90, 60)
    structure = Structure(lattice, ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    md = MLIPMD(
        lambda: LennardJones(sigma=1.0, epsilon=0.001, rc=3.0),
        temperatures=[10],
        supercell_min_length=9.0,
        relax=False,
        **SHORT,
    )
    trajectory = md.run(structure)[10]
    heights = 1 / np.linalg.norm(np.linalg.inv(trajectory.lattice), axis=0)
    np.testing.assert_allclose(heights, [3 * 4 * np.sqrt(0.75), 3 * 5 * np.sqrt(0.75), 9.0])
    assert trajectory.species.tolist() == ["Li"] * 9 + ["Cl"] * 9


def test_disordered_sites_are_refused():
    structure = Structure(Lattice.cubic(4), [{"Li": 0.5}, "Cl"], [[0] * 3, [0.5] * 3])
    with pytest.raises(InvalidStructureError, match=r"1 disordered sites, such as 'Li:0.5'.*Order"):
        MLIPMD(ARGON).run(structure)


def test_a_single_atom_is_refused():
    with pytest.raises(InvalidStructureError, match="at least two atoms"):
        MLIPMD(ARGON).run(Structure(Lattice.cubic(4), ["Ar"], [[0] * 3]))


def test_elements_beyond_chgnet_are_refused():
    structure = Structure(Lattice.cubic(4), ["Am", "O"], [[0] * 3, [0.5] * 3])
    with pytest.raises(InvalidStructureError, match=r"up to Pu \(94\); the structure has Am"):
        MLIPMD("chgnet").run(structure)


def test_atoms_that_fly_apart_are_told(salt):
    md = MLIPMD(Repelled(salt.cart_coords + 0.1), temperatures=[300], relax=False, **SHORT)
    with pytest.raises(TrajectoryError, match=r"300 K: .* blown up in step .*time_step"):
        md.run(salt)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_temperature_that_fails_leaves_the_others(salt, tmp_path, n_jobs):
    class Fragile(Springs):
        """Springs that tear where atoms move far."""

        def calculate(self, atoms, properties, system_changes):
            super().calculate(atoms, properties, system_changes)
            if np.abs(self.results["forces"]).max() > 0.8:
                self.results["forces"] *= -100

    parameters = {**SHORT, "relax": False, "n_jobs": n_jobs}
    springs = Fragile(salt.cart_coords)
    md = MLIPMD(springs, temperatures=(100, 3000, 200), checkpoint_folder=tmp_path, **parameters)
    with pytest.raises(TrajectoryError, match=r"1 of 3 .*3000 K: .*\(100, 200 K\) are in") as info:
        md.run(salt)
    assert str(tmp_path) in str(info.value)
    alone = MLIPMD(springs, temperatures=[200], **parameters).run(salt)[200]
    assert list(info.value.trajectories) == [100, 200]
    np.testing.assert_array_equal(info.value.trajectories[200].positions, alone.positions)
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["100K.npz", "200K.npz"]
    again = pickle.loads(pickle.dumps(info.value))
    assert str(again) == str(info.value)


def test_a_function_that_makes_no_calculator(salt):
    with pytest.raises(TypeError, match=r"must make a calculator of ASE.* made a NoneType"):
        MLIPMD(lambda: None, temperatures=[300]).run(salt)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"temperatures": ()}, "temperatures must be one or more positive"),
        ({"temperatures": (300, -1)}, "temperatures must be one or more positive"),
        ({"temperatures": (300, 300)}, "temperatures must differ"),
        ({"sample_interval": 5.0}, "sample_interval must be a multiple of time_step, 2 fs"),
        ({"sample_interval": 1.0}, "sample_interval must be a multiple of time_step, 2 fs"),
        ({"production_time": 0.01}, "production_time must be at least one sample_interval"),
        ({"calculator": "mace"}, "'calculator' parameter of MLIPMD"),
        ({"thermostat": "berendsen"}, "'thermostat' parameter of MLIPMD"),
        ({"time_step": 0}, "'time_step' parameter of MLIPMD"),
        ({"n_threads": 0}, "'n_threads' parameter of MLIPMD"),
    ],
)
def test_bad_parameters(salt, parameters, message):
    with pytest.raises(ValueError, match=message):
        MLIPMD(**parameters).run(salt)


def test_progress_goes_to_stderr_and_shows_all_steps(salt, capsys):
    MLIPMD(Springs(salt.cart_coords), temperatures=(300, 600), progress=True, **SHORT).run(salt)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "600/600" in captured.err
    assert "left:" in captured.err


def test_progress_begins_with_what_is_done(salt, tmp_path, monkeypatch):
    begun = []

    def shown(files, n_steps):
        begun.append(([int(np.fromfile(file, dtype=np.int64)[0]) for file in files], n_steps))
        return steps_shown(files, n_steps)

    monkeypatch.setattr(_temperatures, "steps_shown", shown)
    for temperatures, production in [((300,), 0.4), ((300, 600), 0.4), ((300, 600), 0.8)]:
        parameters = {**SHORT, "production_time": production, "checkpoint_folder": tmp_path}
        springs = Springs(salt.cart_coords)
        MLIPMD(springs, temperatures=temperatures, progress=True, **parameters).run(salt)
    # The last 50 of the 300 steps are done once more for a simulation that is longer.
    assert begun == [([0], 300), ([300, 0], 600), ([250, 250], 1000)]


@pytest.fixture
def argyrodite():
    return Structure.from_spacegroup(
        "F-43m",
        Lattice.cubic(9.859),
        ["Li", "P", "S", "S", "Cl"],
        [[0.25, 0.017, 0.25], [0.5] * 3, [0.3817] * 3, [0.75] * 3, [0, 0, 0]],
    )


@pytest.mark.slow
@pytest.mark.parametrize("thermostat", ["nose-hoover", "langevin"])
def test_chgnet_runs_without_network_and_says_nothing(argyrodite, monkeypatch, capfd, thermostat):
    pytest.importorskip("chgnet")

    def refused(*args, **kwargs):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    md = MLIPMD(
        "chgnet",
        temperatures=[1200],
        heating_time=0.01,
        equilibration_time=0.01,
        production_time=0.02,
        sample_interval=2.0,
        thermostat=thermostat,
        relax=False,
        random_state=0,
    )
    first, again = md.run(argyrodite)[1200], md.run(argyrodite)[1200]
    assert first.n_frames == 11
    assert len(argyrodite) == 52
    np.testing.assert_array_equal(first.positions, again.positions)
    assert 0 < np.linalg.norm(first.displacements("Li")[-1], axis=1).max() < 1
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_forces_of_chgnet_are_those_of_its_own_calculator(argyrodite, capsys):
    pytest.importorskip("chgnet")
    import torch
    from chgnet.model.dynamics import CHGNetCalculator

    from skxrd.transport._md._calculators import make_calculator
    from skxrd.transport._md._start import to_atoms

    ours, theirs = to_atoms(argyrodite.perturb(0.1, seed=0)), to_atoms(argyrodite)
    theirs.positions = ours.positions
    ours.calc, theirs.calc = make_calculator("chgnet"), CHGNetCalculator(use_device="cpu")
    assert torch.get_num_threads() == 1
    np.testing.assert_allclose(ours.get_forces(), theirs.get_forces(), atol=1e-5)
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(ours.get_stress(), theirs.get_stress(), atol=1e-5)


@pytest.mark.slow
def test_atoms_without_neighbors_are_told(tmp_path):
    pytest.importorskip("chgnet")
    far = Structure(Lattice.cubic(30), ["Li", "Cl"], [[0] * 3, [0.5] * 3])
    with pytest.raises(TrajectoryError, match=r"300 K: CHGNet needs a neighbor within 6 angstrom"):
        MLIPMD("chgnet", temperatures=[300], relax=False, checkpoint_folder=tmp_path).run(far)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["calculator"] == "chgnet"
    assert settings["calculator_version"].startswith("chgnet 0.")


def test_missing_package_is_named(salt, monkeypatch):
    monkeypatch.setitem(sys.modules, "sevenn.calculator", None)
    with pytest.raises(ImportError, match=r"pip install 'skxrd\[mlip-7net\]'"):
        MLIPMD("7net-0", temperatures=[300]).run(salt)


def test_checkpoint_folder_may_be_a_path_or_a_string(salt, tmp_path):
    for folder in (tmp_path / "path", str(tmp_path / "string")):
        MLIPMD(
            Springs(salt.cart_coords), temperatures=[300], checkpoint_folder=folder, **SHORT
        ).run(salt)
        assert (Path(folder) / "300K.npz").is_file()
