"""``skxrd conduct``: from a file to tables and pictures, again after an interruption."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from skxrd.cli import main
from skxrd.transport import MLIPMD, make_hopping_trajectory, read_trajectory

pytest.importorskip("ase")

# Runs of a picosecond show little diffusion, and say so.
pytestmark = pytest.mark.filterwarnings("default::skxrd.exceptions.TransportWarning")

EDGE = 5.2
# A module of a user: lithium in a landscape of waves, anions on springs.
POTENTIAL = """
import numpy as np
from ase.calculators.calculator import Calculator

class WavyLandscape(Calculator):
    implemented_properties = ("energy", "forces")
    calls_left = 0

    def calculate(self, atoms, properties, system_changes):
        super().calculate(atoms, properties, system_changes)
        WavyLandscape.calls_left -= 1
        if not WavyLandscape.calls_left:
            raise KeyboardInterrupt
        wave, site = 4 * np.pi / 5.2, 5.2 / 2
        positions = self.atoms.positions
        lithium = self.atoms.numbers == 3
        forces = 3 * (np.round(positions / site) * site - positions)
        cosine, sine = np.cos(wave * positions[lithium]), np.sin(wave * positions[lithium])
        forces[lithium] = -0.12 * wave * sine * (cosine.sum(axis=1, keepdims=True) - cosine)
        self.results = {"energy": 0.0, "forces": forces}

def make_calculator():
    return WavyLandscape()
"""
QUICK = [
    *("--heating-time", "0.1", "--equilibration-time", "0.1", "--production-time", "0.8"),
    *("--temperatures", "600", "900", "--relax", "no", "--jobs", "1"),
]


@pytest.fixture
def cif(tmp_path):
    path = tmp_path / "salt.cif"
    Structure.from_spacegroup("Fm-3m", Lattice.cubic(EDGE), ["Li", "Cl"], [[0] * 3, [0.5] * 3]).to(
        str(path)
    )
    return path


@pytest.fixture
def potential(tmp_path, monkeypatch):
    """Name of the calculator, and the module that makes it."""
    (tmp_path / "my_potential.py").write_text(POTENTIAL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "my_potential:make_calculator"
    sys.modules.pop("my_potential", None)


@pytest.fixture
def hopping(monkeypatch):
    """Put simulations of a known conductivity in the place of dynamics; keep their parameters."""
    seen = []

    def run(self, structure):
        seen.append(self.get_params())
        return {
            float(kelvin): make_hopping_trajectory(
                hop_rate=10 * np.exp(-0.2 / (8.617333e-5 * kelvin)),
                vibration=0.15,
                temperature=kelvin,
                random_state=int(kelvin),
            )
            for kelvin in self.temperatures
        }

    monkeypatch.setattr(MLIPMD, "run", run)
    monkeypatch.setattr("skxrd.transport._screening._screener.ordered_supercell", lambda *_: None)
    return seen


def fails(capsys, *arguments):
    try:
        code = main(["conduct", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    return shown.rpartition("skxrd: error: ")[2]


def test_tables_and_pictures(cif, tmp_path, hopping, capsys):
    out = tmp_path / "out"
    assert main(["conduct", str(cif), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "arrhenius.png",
        "conductivity.csv",
        "msd.png",
        "temperatures.csv",
    ]
    row = pd.read_csv(out / "conductivity.csv").iloc[0]
    assert (row["id"], row["formula"]) == ("salt", "LiCl")
    assert row["activation_energy_low"] < 0.2 < row["activation_energy_high"]
    assert row["conductivity_low"] < row["conductivity"] < row["conductivity_high"]
    assert row["framework_ok"]
    table = pd.read_csv(out / "temperatures.csv")
    assert table["temperature"].tolist() == [600, 900, 1200, 1500]
    assert table["is_used"].all()
    assert (table["diffusivity_low"] < table["diffusivity"]).all()
    assert (out / "msd.png").read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert f"LiCl: {row['activation_energy']:.3f} eV" in shown
    assert "at 300 K" in shown


def test_options_reach_the_simulation(cif, tmp_path, hopping):
    command = (
        f"conduct {cif} --out {tmp_path / 'out'} --charge 2 --at 500 --temperatures 700 800 900 "
        "--time-step 1 --heating-time 1 --equilibration-time 2 --production-time 5 "
        "--supercell-length 12 --relax cell --seed 7 --jobs 2 --calculator 7net-0"
    )
    assert main(command.split()) == 0
    (seen,) = hopping
    folder = seen["checkpoint_folder"]
    assert folder.parent == tmp_path / "out" / "trajectories"
    expected = MLIPMD(
        "7net-0",
        temperatures=[700, 800, 900],
        time_step=1,
        heating_time=1,
        equilibration_time=2,
        production_time=5,
        sample_interval=10,
        supercell_min_length=12,
        relax="cell",
        random_state=7,
        n_jobs=2,
        progress=True,
        checkpoint_folder=folder,
    )
    assert seen == expected.get_params()
    row = pd.read_csv(tmp_path / "out" / "conductivity.csv").iloc[0]
    assert row["n_temperatures"] == 3
    assert row["conductivity"] < 100


@pytest.mark.slow
def test_it_goes_on_after_an_interruption(cif, tmp_path, potential, capsys):
    out = tmp_path / "out"
    command = ["conduct", str(cif), "--out", str(out), "--calculator", potential, *QUICK]
    import my_potential

    my_potential.WavyLandscape.calls_left = 400
    assert main(command) == 130
    assert f"interrupted; the same command goes on with what lies in {out}" in (
        capsys.readouterr().err.replace("\n", " ")
    )
    my_potential.WavyLandscape.calls_left = 10**6
    code = main(command)  # so short a run may show no diffusion, which is an error of its own
    shown = capsys.readouterr()
    assert code == 0 or "no line can be drawn through the temperatures" in shown.err
    n_calls = 10**6 - my_potential.WavyLandscape.calls_left
    assert n_calls < 2 * 502 - 250 + 10  # of the first 400 calls, 250 were kept
    assert "1000/1000" in shown.err  # the progress of both temperatures
    (folder,) = (out / "trajectories").iterdir()
    assert read_trajectory(folder / "600K.npz").n_frames == 41
    assert main([*command, "--seed", "1"]) == 2
    assert "seed was 0 and is 1" in capsys.readouterr().err


def test_clear_errors(cif, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    assert "neither a file" in fails(capsys, tmp_path / "none.cif", "--out", out)
    assert "--calculator: chgnet, 7net-0 or module:function is needed, got mace" in fails(
        capsys, cif, "--out", out, "--calculator", "mace"
    )
    assert "No module named 'no_such_module'" in fails(
        capsys, cif, "--out", out, "--calculator", "no_such_module:f"
    )
    assert "temperatures must differ" in fails(
        capsys, cif, "--out", out, "--temperatures", "600", "600"
    )
    assert "needs two temperatures or more" in fails(
        capsys, cif, "--out", out, "--temperatures", "600"
    )
    assert "a positive number is needed, got -5" in fails(capsys, cif, "--temperatures", "-5")
    for charge in ("0", "nan", "inf"):
        assert f"--charge: a number other than 0 is needed, got {charge}" in fails(
            capsys, cif, "--charge", charge
        )
    assert "--charge: invalid number value: 'two'" in fails(capsys, cif, "--charge", "two")
    assert "mobile ions 'Na'; the structure, Li4 Cl4" in fails(
        capsys, cif, "--out", out, "--species", "Na"
    )
    assert "is a file; a folder is needed" in fails(capsys, cif, "--out", cif)
    assert not out.exists()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'skxrd[plot]'" in fails(capsys, cif, "--out", out)


def test_temperatures_are_written_without_a_line_too(cif, tmp_path, hopping, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "arrhenius.png").touch()  # of an earlier run
    shown = fails(capsys, cif, "--out", out, "--temperatures", "100", "1500")
    assert "no line can be drawn through the temperatures" in shown
    assert sorted(path.name for path in out.iterdir()) == [
        "conductivity.csv",
        "msd.png",
        "temperatures.csv",
    ]
    table = pd.read_csv(out / "temperatures.csv")
    assert table["is_used"].tolist() == [False, True]
    assert "not significantly above zero" in table["reason"][0]
    assert table["diffusivity"][1] > 1e-5
    assert pd.read_csv(out / "conductivity.csv")["conductivity"].isna().all()


@pytest.mark.slow  # starts processes
def test_the_module_of_a_calculator_may_lie_where_the_command_is_given(cif, tmp_path):
    (tmp_path / "my_landscape.py").write_text(POTENTIAL, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "skxrd", "conduct", cif.name, "--out", "out", *QUICK]
    command += ["--jobs", "2", "--calculator", "my_landscape:make_calculator"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "No module named" not in done.stderr
    assert (tmp_path / "out" / "temperatures.csv").is_file(), done.stderr


def test_what_is_no_calculator_is_told(cif, tmp_path, monkeypatch, capsys):
    (tmp_path / "my_number.py").write_text("def three():\n    return 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    message = fails(
        capsys, cif, "--out", tmp_path / "out", "--calculator", "my_number:three", *QUICK
    )
    assert "made a int" in message


def test_an_error_of_a_potential_is_one_line(cif, tmp_path, capsys, monkeypatch):
    def run(self, structure):
        raise ValueError("no such element in the training data")

    monkeypatch.setattr(MLIPMD, "run", run)
    assert "no such element in the training data" in fails(capsys, cif, "--out", tmp_path / "out")


def test_disordered_structure(tmp_path, capsys):
    path = tmp_path / "disordered.cif"
    Structure(Lattice.cubic(4), [{"Li": 0.5}, "Cl"], [[0] * 3, [0.5] * 3]).to(str(path))
    assert "disordered sites" in fails(capsys, path, "--out", tmp_path / "out")
