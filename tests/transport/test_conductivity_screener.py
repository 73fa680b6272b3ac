"""ConductivityScreener: the chain from structures to a table, and what goes wrong on the way."""

import warnings
from functools import cache

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from sklearn.base import clone

from skxrd.exceptions import InvalidStructureError, TrajectoryError, TransportWarning
from skxrd.transport import (
    MLIPMD,
    ArrheniusRegressor,
    ConductivityScreener,
    DiffusionEstimator,
    FrameworkCheck,
    IonTrajectory,
    make_hopping_trajectory,
    nernst_einstein_conductivity,
)
from skxrd.transport._md._temperatures import SimulationError

pytest.importorskip("ase")

from ase.calculators.calculator import Calculator
from scipy import constants

BOLTZMANN = constants.k / constants.e  # eV/K
ENERGY = 0.2  # eV
EDGE = 5.2  # angstrom


def hop_rate(kelvin):
    return 10 * np.exp(-ENERGY / (BOLTZMANN * kelvin))  # per ps


@cache
def hopping(kelvin):
    return make_hopping_trajectory(
        hop_rate=hop_rate(kelvin), vibration=0.15, temperature=kelvin, random_state=kelvin
    )


class HoppingMD:
    """Simulations whose conductivity is known, without any structure."""

    def __init__(self, temperatures=(600, 900, 1200, 1500)):
        self.temperatures = temperatures

    def run(self, structure):
        if structure.composition.reduced_formula == "LiBr":
            raise InvalidStructureError("this one is not simulated")
        return {float(kelvin): hopping(kelvin) for kelvin in self.temperatures}


class WavyLandscape(Calculator):
    """Lithium in a landscape of cos x cos y + cos y cos z + cos z cos x, anions on springs."""

    implemented_properties = ("energy", "forces")
    height, stiffness = 0.12, 3.0

    def calculate(self, atoms, properties, system_changes):
        super().calculate(atoms, properties, system_changes)
        wave = 4 * np.pi / EDGE
        positions = self.atoms.positions
        lithium = self.atoms.numbers == 3
        forces = -self.stiffness * (positions - np.round(positions / (EDGE / 2)) * EDGE / 2)
        cosine, sine = np.cos(wave * positions[lithium]), np.sin(wave * positions[lithium])
        others = cosine.sum(axis=1, keepdims=True) - cosine
        forces[lithium] = -self.height * wave * sine * others
        self.results = {"energy": 0.0, "forces": forces}


def salt(anion="Cl", symbol="Li"):
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(EDGE), [symbol, anion], [[0] * 3, [0.5] * 3]
    )


@pytest.fixture
def screener():
    return ConductivityScreener(HoppingMD())


@pytest.fixture
def free(monkeypatch):
    """Analyze the simulations of `HoppingMD` without the structure they pretend to be of."""
    analyze = ConductivityScreener.analyze
    monkeypatch.setattr(
        ConductivityScreener, "analyze", lambda self, runs, reference: analyze(self, runs)
    )


def truth(kelvin):
    trajectory = make_hopping_trajectory(n_frames=2)
    return nernst_einstein_conductivity(
        hop_rate(kelvin) * 9 / 6 * 1e-4,  # angstrom2/ps to cm2/s
        n_ions=24,
        volume=trajectory.volume,
        temperature=kelvin,
    )


@pytest.mark.parametrize("form", ["sigmaT", "D"])
def test_known_conductivity_lies_in_the_interval(screener, free, form):
    screener.set_params(arrhenius=ArrheniusRegressor(form))
    result = screener.run(salt())
    low, high = result.arrhenius.activation_energy_interval_
    assert low < ENERGY < high
    assert high - low < 0.06
    low, high = result.conductivity_interval
    assert low < truth(300) < high
    assert low < result.conductivity < high
    assert result.temperature == 300


def test_both_forms_of_the_line_say_the_same(screener, free):
    found = [
        clone(screener).set_params(arrhenius=ArrheniusRegressor(form)).run(salt()).conductivity
        for form in ("sigmaT", "D")
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_a_table_with_one_row_for_each_structure(screener, free):
    with pytest.warns(TransportWarning, match="1 of 2 structures deserve a look"):
        table = screener.transform([salt(), salt("Br")])
    assert table["formula"].tolist() == ["LiCl", "LiBr"]
    assert table["id"].tolist() == ["0", "1"]
    good, bad = table.iloc[0], table.iloc[1]
    assert good["message"] == ""
    assert good["framework_ok"]
    assert good["is_extrapolated"]
    assert good["n_temperatures"] == 4
    assert good["conductivity_low"] < truth(300) < good["conductivity_high"]
    assert good["activation_energy_low"] < good["activation_energy"]
    assert good["diffusivity_600K"] < good["diffusivity_1500K"]
    assert 0 < good["diffusivity_error_600K"] < good["diffusivity_600K"]
    assert good["n_hops"] == pytest.approx(24 * 40 * hop_rate(600), rel=0.3)
    assert bad["message"] == "this one is not simulated"
    assert np.isnan(bad["conductivity"])
    assert table["framework_ok"].isna().tolist() == [False, True]
    assert table.columns[-1] == "message"


def test_temperature_inside_the_simulations_is_not_extrapolated(screener, free):
    row = screener.set_params(temperature=1000.0).run(salt()).row()
    assert not row["is_extrapolated"]
    assert row["conductivity_low"] < truth(1000) < row["conductivity_high"]


def test_an_error_may_be_raised(screener, free):
    with pytest.raises(InvalidStructureError, match="not simulated"):
        screener.set_params(on_error="raise").transform([salt("Br")])


def test_too_few_moving_temperatures(free):
    screener = ConductivityScreener(HoppingMD(temperatures=(100, 120, 1500)))
    with pytest.warns(TransportWarning, match="1 of 1 structures"):
        message = screener.transform([salt()])["message"][0]
    assert "a line of Arrhenius needs two temperatures at which ions diffuse" in message
    assert "found 1500 K of 3 (100 K: the diffusivity is not significantly above zero" in message
    assert "100 K: The 24 ions of Li make" in message  # of which run the warning is
    assert "left out" not in message  # the same once more


def test_without_a_line_everything_else_is_kept(free):
    screener = ConductivityScreener(HoppingMD(temperatures=(100, 1500)))
    result, said = told(screener.run, salt())
    assert "found 1500 K of 2" in said
    assert np.isnan(result.conductivity)
    assert np.isnan(result.conductivity_interval).all()
    assert set(result.trajectories) == {100, 1500}
    row = result.row()
    assert np.isnan([row["activation_energy"], row["conductivity_low"]]).all()
    assert (row["n_temperatures"], row["is_extrapolated"]) == (1, None)
    assert row["diffusivity_1500K"] > 1e-5
    with (
        pytest.raises(TrajectoryError, match="needs two temperatures"),
        warnings.catch_warnings(action="ignore"),
    ):
        screener.set_params(on_error="raise").transform([salt()])


def test_rattling_ions_do_not_count(screener):
    runs = {float(kelvin): hopping(kelvin) for kelvin in (900, 1200, 1500)}
    runs[600.0] = make_hopping_trajectory(
        n_frames=601, hop_rate=0, relaxation_time=1000, temperature=600, random_state=0
    )
    screener.set_params(framework=FrameworkCheck(max_lindemann_ratio=1.0))
    result, said = told(screener.analyze, runs)
    assert result.diffusions[600].diffusivity_interval_[0] > 1e-6  # for a truth of 0
    assert result.used.tolist() == [900, 1200, 1500]
    assert result.left_out == {600: "the mean squared displacement does not grow linearly"}
    assert "600 K is left out of the line: the mean squared displacement does not grow" in said
    row = told(screener.set_params(temperature=800.0).analyze, runs)[0].row()
    assert row["is_extrapolated"]  # of the temperatures that count
    assert row["n_hops"] == result.diffusions[900].n_hops_


def told(function, *arguments):
    """What a function returns, and all that it warns of."""
    with pytest.warns(TransportWarning) as caught:
        result = function(*arguments)
    return result, "\n".join(str(warning.message) for warning in caught)


def melting(kelvin):
    """Ions that hop too often, and a framework ion that leaves its place."""
    run = make_hopping_trajectory(
        hop_rate=5.0, vibration=0.15, temperature=kelvin, random_state=0
    ).unwrapped()
    positions = run.positions.copy()
    positions[:, -1] += np.linspace(0, 0.5, run.n_frames)[:, None]
    return IonTrajectory(
        positions,
        run.lattice,
        run.species,
        time_step=run.time_step,
        temperature=kelvin,
        is_unwrapped=True,
    )


def test_a_broken_framework_does_not_count(screener):
    good = {float(kelvin): hopping(kelvin) for kelvin in (600, 900, 1200)}
    runs = {**good, 1500.0: melting(1500)}
    result, said = told(screener.analyze, runs)
    assert "1500 K: The framework has not held: units S leave" in said
    assert "1500 K is left out of the line: units S leave" in said
    assert result.used.tolist() == [600, 900, 1200]
    assert result.conductivity == screener.analyze(good).conductivity
    assert result.row()["framework_ok"] is False
    kept, said = told(screener.set_params(unstable="keep").analyze, runs)
    assert "1500 K: The framework has not held" in said
    assert "left out" not in said
    assert kept.used.tolist() == [600, 900, 1200, 1500]
    assert kept.left_out == {}
    assert kept.conductivity < 0.8 * result.conductivity  # too fast at the hot end: too steep


def test_a_check_is_of_the_ions_that_diffuse(screener):
    runs = {float(kelvin): as_sodium(hopping(kelvin)) for kelvin in (600, 900)}
    screener.set_params(diffusion=DiffusionEstimator("Na"), framework=FrameworkCheck())
    result = screener.analyze(runs)
    assert [check.species for check in result.frameworks.values()] == ["Na", "Na"]
    assert result.row()["framework_ok"]
    assert screener.framework.species == "Li"  # of the user, not changed


def as_sodium(run):
    return IonTrajectory(
        run.positions,
        run.lattice,
        np.where(run.species == "Li", "Na", run.species),
        time_step=run.time_step,
        temperature=run.temperature,
    )


def test_a_temperature_that_failed_does_not_stop_the_others(screener, free, monkeypatch):
    monkeypatch.setattr(HoppingMD, "run", partly_failing(HoppingMD.run))
    with pytest.warns(TransportWarning, match="1 of 1 structures"):
        row = screener.transform([salt()]).iloc[0]
    assert row["n_temperatures"] == 3
    assert row["conductivity_low"] < truth(300) < row["conductivity_high"]
    assert row["message"] == "1 of 4 simulations failed. 1500 K: it exploded."


def partly_failing(run):
    def partly(self, structure):
        finished = run(self, structure)
        del finished[1500]
        raise SimulationError("1 of 4 simulations failed. 1500 K: it exploded.", finished)

    return partly


def test_charge_and_species_come_from_the_diffusion(screener, free):
    double = clone(screener).set_params(diffusion=DiffusionEstimator(charge=2))
    assert double.run(salt()).conductivity == pytest.approx(4 * screener.run(salt()).conductivity)
    with pytest.raises(InvalidStructureError, match="mobile ions 'Na'; the structure, Li4 Cl4"):
        screener.set_params(diffusion=DiffusionEstimator("Na")).run(salt())


def test_without_errors_the_scatter_tells_the_interval(screener, free):
    result = screener.set_params(diffusion=DiffusionEstimator(error=None)).run(salt())
    assert np.isnan(result.errors).all()
    assert result.conductivity_interval[0] < truth(300) < result.conductivity_interval[1]


@pytest.mark.parametrize(("error", "n_ions"), [("jackknife", 4), ("jackknife", 24), ("blocks", 24)])
def test_errors_of_few_parts_widen_the_interval(screener, error, n_ions):
    runs = {
        kelvin: make_hopping_trajectory(
            n_ions=n_ions,
            n_frames=8000,
            hop_rate=hop_rate(kelvin),
            vibration=0.15,
            temperature=kelvin,
            random_state=0,
        )
        for kelvin in (900.0, 1500.0)  # two temperatures: no scatter about the line
    }
    result = screener.set_params(diffusion=DiffusionEstimator(error=error)).analyze(runs)
    normal = ArrheniusRegressor("sigmaT").fit(result.used, result.values, y_error=result.errors)
    low, high = np.log(result.conductivity_interval)
    expected = (
        np.ptp(np.log(normal.predict_interval([300])))
        * {
            ("jackknife", 4): 3.182 / 1.960,  # Student's t for 3, 23 and 7 degrees of freedom
            ("jackknife", 24): 2.069 / 1.960,
            ("blocks", 24): 2.365 / 1.960,
        }[error, n_ions]
    )
    assert high - low == pytest.approx(expected, rel=1e-3)
    other = screener.set_params(arrhenius=ArrheniusRegressor("sigmaT", confidence=0.5)).analyze(
        runs
    )
    assert np.ptp(other.conductivity_interval) < np.ptp(result.conductivity_interval)
    np.testing.assert_array_equal(other.errors, result.errors)


def test_relaxation_in_cages_is_in_the_message(screener, free, monkeypatch):
    caged = make_hopping_trajectory(
        hop_rate=0.1, relaxation_time=2000, vibration=0.5, temperature=600, random_state=0
    )
    run = HoppingMD.run
    monkeypatch.setattr(HoppingMD, "run", lambda self, cell: {**run(self, cell), 600.0: caged})
    screener.set_params(framework=FrameworkCheck(max_lindemann_ratio=1.0))
    with pytest.warns(TransportWarning, match="1 of 1 structures"):
        row = screener.transform([salt()]).iloc[0]
    assert "600 K: No lag was found from which growth is linear" in row["message"]
    assert row["n_temperatures"] == 4  # it counts still


def test_estimators_are_not_changed(screener, free):
    given = {
        "diffusion": DiffusionEstimator(),
        "arrhenius": ArrheniusRegressor("sigmaT"),
        "framework": FrameworkCheck(),
    }
    screener.set_params(**given).run(salt())
    for estimator in given.values():
        assert not [name for name in vars(estimator) if name.endswith("_")]


def toy_md(**parameters):
    return MLIPMD(
        WavyLandscape,
        temperatures=(900, 1500),
        heating_time=0.1,
        equilibration_time=0.1,
        production_time=1.0,
        thermostat="langevin",
        damping=50.0,
        random_state=0,
        **parameters,
    )


@pytest.mark.slow
def test_with_dynamics_and_an_interruption(tmp_path, monkeypatch):
    screener = ConductivityScreener(
        toy_md(checkpoint_folder=tmp_path, supercell_min_length=10.0),
        diffusion=DiffusionEstimator(lag_range=(0.05, 0.2)),
    )
    structures = [salt(), salt("Br")]
    whole = clone(screener)
    whole.md.checkpoint_folder = tmp_path / "whole"
    expected = transform(whole, structures)

    calculate = WavyLandscape.calculate
    left = [800]  # the first structure takes about 1300 calls

    def interrupted(self, *args):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        calculate(self, *args)

    monkeypatch.setattr(WavyLandscape, "calculate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transform(screener, structures)
    left[0] = 10**6
    table = transform(screener, structures)
    assert table.equals(expected)
    folders = sorted(path.name.split("-")[0] for path in tmp_path.iterdir())
    assert folders == ["LiBr", "LiCl", "whole"]
    n_calls = left[0]
    transform(screener, structures)
    assert left[0] == n_calls  # everything was there
    assert screener.md.checkpoint_folder == tmp_path


def transform(screener, structures):
    with pytest.warns(TransportWarning, match="deserve a look"):
        return screener.transform(structures)


def test_disordered_structures_and_files_that_are_none(tmp_path):
    disordered = salt()
    disordered.replace(0, {"Li": 0.5})
    with pytest.warns(TransportWarning, match="2 of 2"):
        table = ConductivityScreener(toy_md()).transform([disordered, tmp_path / "none.cif"])
    assert "1 disordered sites" in table["message"][0]
    assert "neither a file nor the text of a CIF" in table["message"][1]
    assert table["id"].tolist() == ["0", "none"]
    assert table["conductivity"].isna().all()
    assert table.columns.tolist() == [
        *("id", "formula", "activation_energy", "activation_energy_low", "activation_energy_high"),
        *("conductivity", "conductivity_low", "conductivity_high", "is_extrapolated"),
        *("framework_ok", "n_hops", "n_temperatures", "message"),
    ]


def test_parameters_are_checked_before_anything_runs():
    with pytest.raises(ValueError, match="temperatures must differ"):
        ConductivityScreener(MLIPMD(temperatures=(600, 600))).fit()
    with pytest.raises(ValueError, match="'md' parameter of ConductivityScreener"):
        ConductivityScreener("chgnet").transform([salt()])
    with pytest.raises(ValueError, match="put a single structure in a list"):
        ConductivityScreener(HoppingMD()).transform(salt())
    with pytest.raises(ValueError, match="'unstable' parameter of ConductivityScreener"):
        ConductivityScreener(unstable="drop it").fit()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"md": MLIPMD(time_step=0)}, "'time_step' parameter of MLIPMD"),
        ({"md": MLIPMD(thermostat="x")}, "'thermostat' parameter of MLIPMD"),
        ({"md": MLIPMD(temperatures=(600,))}, "needs two temperatures or more"),
        ({"diffusion": DiffusionEstimator(confidence=2)}, "'confidence' parameter of Diffusion"),
        ({"diffusion": DiffusionEstimator(charge=np.nan)}, "charge must be finite and not 0"),
        ({"diffusion": DiffusionEstimator(lag_range=(1,))}, "lag_range must hold"),
        ({"arrhenius": ArrheniusRegressor("x")}, "'form' parameter of ArrheniusRegressor"),
        ({"framework": FrameworkCheck(bond_stretch=0)}, "'bond_stretch' parameter of Framework"),
    ],
)
def test_parameters_of_the_parts_are_checked_before_anything_runs(parameters, message, monkeypatch):
    monkeypatch.setattr(MLIPMD, "run", lambda *_: pytest.fail("simulated"))
    with pytest.raises(ValueError, match=message):
        ConductivityScreener(**parameters).run(salt())


def test_mobile_ions_are_looked_for_before_anything_runs(monkeypatch):
    monkeypatch.setattr(MLIPMD, "run", lambda *_: pytest.fail("simulated"))
    with pytest.raises(InvalidStructureError, match="has none of them"):
        ConductivityScreener(diffusion=DiffusionEstimator("K")).run(salt())
