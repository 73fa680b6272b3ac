import pickle
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skxrd import TwoThetaGrid
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.simulation import PatternSimulator, PeakProfile

GRID = TwoThetaGrid(10, 60, 2501)


def _reference(structure, grid, wavelength="CuKa"):
    pattern = XRDCalculator(wavelength).get_pattern(
        structure, two_theta_range=(grid.start, grid.stop)
    )
    expected = np.zeros(grid.n_points)
    for angle, intensity in zip(pattern.x, pattern.y, strict=True):
        expected[round((angle - grid.start) / grid.step)] += intensity
    return expected


@pytest.mark.parametrize("name", ["Si", "NaCl", "LiFePO4", "half"])
@pytest.mark.parametrize("grid", [None, GRID])
def test_sticks_are_those_of_pymatgen(structures, name, grid):
    X = PatternSimulator(grid).fit_transform([structures[name]])
    expected = _reference(structures[name], grid or TwoThetaGrid())
    assert X.dtype == np.float32
    assert (expected > 0).sum() >= 3
    np.testing.assert_allclose(X[0], expected, rtol=1e-6, atol=1e-6)


def test_silicon_lines_are_where_bragg_says(structures):
    X = PatternSimulator(GRID).transform([structures["Si"]])
    d_spacing = 5.431 / np.sqrt([3, 8, 11])  # (111), (220), (311)
    bragg = 2 * np.degrees(np.arcsin(1.54184 / (2 * d_spacing)))
    np.testing.assert_allclose(GRID.two_theta[X[0] > 0], bragg, atol=GRID.step / 2 + 1e-9)


def test_occupancy_changes_intensities(structures):
    full = structures["half"].copy()
    full.replace_species({"Li": "Li", "Br": "Cl"})
    X = PatternSimulator(GRID).transform([structures["half"], full])
    np.testing.assert_array_equal(X[0] > 0, X[1] > 0)
    assert np.abs(X[0] - X[1]).max() > 1


@pytest.mark.parametrize(("name", "angstrom"), [("MoKa", 0.71073), ("CoKa1", 1.78896)])
def test_wavelength_by_name_or_number(structures, name, angstrom):
    by_name = PatternSimulator(GRID, wavelength=name).transform([structures["NaCl"]])
    by_number = PatternSimulator(GRID, wavelength=angstrom).transform([structures["NaCl"]])
    np.testing.assert_allclose(by_name, by_number, atol=0.01)
    np.testing.assert_allclose(by_name[0], _reference(structures["NaCl"], GRID, name), rtol=1e-6)


@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_broadening_keeps_the_area_and_the_place_of_lines(structures, eta):
    sticks = PatternSimulator(GRID).transform([structures["NaCl"]])[0]
    broad = PatternSimulator(GRID, fwhm=0.2, eta=eta).transform([structures["NaCl"]])[0]
    assert broad.min() >= 0
    assert broad.argmax() == sticks.argmax()
    np.testing.assert_allclose(broad.sum(), sticks.sum(), rtol=1e-5)
    near = np.where(np.abs(GRID.two_theta - GRID.two_theta[broad.argmax()]) < 1, broad, 0)
    above = np.flatnonzero(near > near.max() / 2)
    np.testing.assert_allclose((above[-1] - above[0] + 1) * GRID.step, 0.2, atol=0.03)


def test_fwhm_of_zero_leaves_sticks(structures):
    sticks = PatternSimulator(GRID).transform([structures["NaCl"]])
    zero = PatternSimulator(GRID, fwhm=0, eta=0.5).transform([structures["NaCl"]])
    np.testing.assert_array_equal(zero, sticks)


def test_kernel_longer_than_the_grid(structures):
    grid = TwoThetaGrid(28, 29, 51)
    sticks = PatternSimulator(grid).transform([structures["Si"]])
    broad = PatternSimulator(grid, fwhm=1.0, eta=1.0).transform([structures["Si"]])
    assert np.isfinite(broad).all()
    assert 0 < broad.sum() < sticks.sum()


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("Si", TwoThetaGrid(0, 5, 251)),  # no lattice plane at all
        ("Si", TwoThetaGrid(10, 20, 501)),  # (100) only, which is extinct
        ("NaCl", TwoThetaGrid(33, 40, 351)),  # between (200) and (220), (211) is extinct
    ],
)
def test_no_line_in_range_is_a_zero_pattern_and_a_note(structures, name, grid):
    simulator = PatternSimulator(grid)
    with pytest.warns(PatternWarning, match="no line between"):
        X = simulator.transform([structures[name]])
    assert not X.any()
    assert simulator.notes_["position"].tolist() == [0]
    assert simulator.failures_.empty


@pytest.fixture
def mixed(structures, tmp_path):
    """Good and bad items, the bad ones at 1, 3 and 4."""
    (tmp_path / "broken.cif").write_text("data_broken\n_atom_site_fract_x\n", encoding="utf-8")
    (tmp_path / "salt.cif").write_text(structures["NaCl"].to(fmt="cif"), encoding="utf-8")
    einsteinium = Structure(Lattice.cubic(4), ["Es"], [[0, 0, 0]])
    return [
        structures["Si"],
        tmp_path / "broken.cif",
        str(tmp_path / "salt.cif"),
        None,
        einsteinium,
        structures["half"].as_dict(),
    ]


def test_raise_names_the_first_failure(mixed):
    with pytest.raises(InvalidStructureError, match=r"Structure 1 \(broken\): .*broken\.cif"):
        PatternSimulator(GRID).transform(mixed)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_raise_is_the_same_for_any_number_of_jobs(structures, n_jobs):
    items = [structures["Si"]] * 40
    items[7] = items[30] = None
    with pytest.raises(InvalidStructureError, match=r"Structure 7 \(7\)"):
        PatternSimulator(GRID, n_jobs=n_jobs).transform(items)


def test_skip_leaves_rows_out_and_reports_all(mixed):
    simulator = PatternSimulator(GRID, on_error="skip")
    with pytest.warns(PatternWarning, match=r"3 of 6 structures gave no pattern: 1 \(broken\)"):
        X = simulator.transform(mixed)
    assert X.shape == (3, GRID.n_points)
    assert np.isfinite(X).all()
    assert simulator.kept_.tolist() == [0, 2, 5]
    assert simulator.failures_["position"].tolist() == [1, 3, 4]
    assert simulator.failures_["id"].tolist() == ["broken", "3", "4"]
    assert "no scattering factors of 'Es'" in simulator.failures_["reason"][2]


def test_nan_keeps_rows_aligned(mixed):
    simulator = PatternSimulator(GRID, on_error="nan", fwhm=0.1)
    with pytest.warns(PatternWarning, match="3 of 6"):
        X = simulator.transform(mixed)
    assert np.isnan(X).all(axis=1).tolist() == [False, True, False, True, True, False]
    assert np.isfinite(X[[0, 2, 5]]).all()
    assert simulator.kept_.tolist() == list(range(6))


def test_all_skipped_is_an_empty_array():
    with pytest.warns(PatternWarning, match="1 of 1"):
        X = PatternSimulator(GRID, on_error="skip").transform([None])
    assert X.shape == (0, GRID.n_points)


def test_formula_of_a_disordered_structure_is_readable():
    occupied = Structure.from_spacegroup(
        "Fm-3m",
        Lattice.cubic(5.2),
        [{"Li": 0.49998, "Na": 0.49998}, "Cl"],
        [[0, 0, 0], [0.5, 0.5, 0.5]],
    )
    assert PatternSimulator().simulate([occupied]).formulas == ["NaLiCl2"]


def test_simulate_returns_ids_and_formulas(mixed):
    with pytest.warns(PatternWarning):
        simulated = PatternSimulator(GRID, on_error="skip").simulate(mixed)
    assert simulated.ids == ["0", "salt", "5"]
    assert simulated.formulas == ["Si", "NaCl", "Li2BrCl3"]
    assert len(simulated.patterns) == 3
    assert simulated.failures.columns.tolist() == ["position", "id", "reason"]
    with pytest.warns(PatternWarning):
        aligned = PatternSimulator(GRID, on_error="nan").simulate(mixed)
    assert aligned.formulas == ["Si", "", "NaCl", "", "", "Li2BrCl3"]


def test_no_failures_give_an_empty_report(structures):
    simulator = PatternSimulator(GRID)
    simulator.transform([structures["Si"]])
    assert simulator.failures_.empty
    assert simulator.failures_.columns.tolist() == ["position", "id", "reason"]
    assert simulator.notes_.columns.tolist() == ["position", "id", "note"]


@pytest.mark.parametrize(
    "bad",
    [
        Structure(Lattice.cubic(4), [], []),
        Structure(Lattice.cubic(4), ["Si"], [[np.nan, 0, 0]]),
        Structure(Lattice.cubic(4), ["X"], [[0, 0, 0]]),
    ],
    ids=["no sites", "not finite", "dummy species"],
)
def test_structures_that_cannot_diffract_fail(bad):
    with pytest.raises(InvalidStructureError, match="Structure 0"):
        PatternSimulator(GRID).transform([bad])


def test_parallel_equals_serial(structures):
    items = [*structures.values(), None] * 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatternWarning)
        serial = PatternSimulator(GRID, fwhm=0.1, on_error="nan", n_jobs=1).simulate(items)
        parallel = PatternSimulator(GRID, fwhm=0.1, on_error="nan", n_jobs=2).simulate(items)
    np.testing.assert_array_equal(serial.patterns, parallel.patterns)
    assert serial.ids == parallel.ids
    assert serial.formulas == parallel.formulas
    pd.testing.assert_frame_equal(serial.failures, parallel.failures)


def test_backends_that_return_no_generator_serve_as_well(structures):
    items = [structures["Si"]] * 3
    with joblib.parallel_config(backend="multiprocessing", n_jobs=1):
        X = PatternSimulator(GRID).transform(items)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        threaded = PatternSimulator(GRID).transform(items)
    np.testing.assert_array_equal(X, threaded)


def test_sequences_of_all_kinds(structures):
    values = [structures["Si"], structures["NaCl"]]
    expected = PatternSimulator(GRID).transform(values)
    column = np.empty(2, dtype=object)
    column[:] = [structure.as_dict() for structure in values]
    series = pd.Series(values, index=["a", "b"])
    for X in (tuple(values), column, column[:, None], series, series.to_frame()):
        np.testing.assert_array_equal(PatternSimulator(GRID).transform(X), expected)
    assert PatternSimulator(GRID).simulate(series).ids == ["a", "b"]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a.cif", "got str; put a single structure in a list"),
        (Structure(Lattice.cubic(4), ["Si"], [[0, 0, 0]]), "got Structure; put a single"),
        ({"lattice": {}}, "got dict"),
        (None, "got NoneType"),
        (np.zeros((3, 4)), r"array of shape \(3, 4\)"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), r"array of shape \(1, 2\)"),
        (np.array(1.0), r"array of shape \(\)"),
        ([], "At least one structure"),
    ],
)
def test_what_is_no_sequence_of_structures(X, message):
    with pytest.raises(ValueError, match=message):
        PatternSimulator(GRID).transform(X)


@pytest.mark.parametrize(
    "params",
    [
        {"grid": (0, 90)},
        {"wavelength": "CuKalpha"},
        {"wavelength": 0.0},
        {"fwhm": -0.1},
        {"eta": 1.1},
        {"on_error": "ignore"},
        {"n_jobs": 1.5},
        {"verbose": -1},
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "simulate"])
def test_wrong_parameters_are_named(structures, params, method):
    with pytest.raises(ValueError, match=next(iter(params))):
        getattr(PatternSimulator(**params), method)([structures["Si"]])


def test_user_structures_stay_unchanged(structures):
    originals = [structures["LiFePO4"], structures["half"].as_dict()]
    copies = [originals[0].copy(), structures["half"].as_dict()]
    PatternSimulator(GRID, fwhm=0.1).transform(originals)
    assert originals == copies


def test_feature_names_and_pandas_output(structures):
    simulator = PatternSimulator(GRID).set_output(transform="pandas")
    X = simulator.fit_transform(pd.Series([structures["Si"]], index=["silicon"]))
    assert isinstance(X, pd.DataFrame)
    assert X.index.tolist() == ["silicon"]
    assert X.columns[[0, 1, -1]].tolist() == [
        "two_theta_10.00",
        "two_theta_10.02",
        "two_theta_60.00",
    ]
    for grid in (None, TwoThetaGrid(0, 90, 7), TwoThetaGrid(5, 80, 4095)):
        names = PatternSimulator(grid).get_feature_names_out()
        assert len(set(names)) == len(names) == (grid or TwoThetaGrid()).n_points


def test_estimator_conventions(structures):
    simulator = PatternSimulator(GRID, wavelength=1.5, fwhm=0.1, n_jobs=1)
    copy = clone(simulator)
    assert copy.get_params() == simulator.get_params()
    assert "wavelength=1.5" in repr(simulator)
    assert simulator.fit([structures["Si"]]) is simulator
    assert vars(simulator) == simulator.get_params()  # nothing learned, nothing derived
    X = simulator.transform([structures["Si"]])
    again = pickle.loads(pickle.dumps(simulator))
    np.testing.assert_array_equal(again.transform([structures["Si"]]), X)
    assert not simulator.__sklearn_tags__().input_tags.two_d_array


def test_first_step_of_a_pipeline(structures):
    pipeline = make_pipeline(PatternSimulator(GRID), FunctionTransformer(np.sqrt))
    X = pipeline.fit_transform([structures["Si"]])
    assert X.max() == pytest.approx(10)


def test_progress_goes_to_standard_error(structures, capfd):
    quiet = PatternSimulator(GRID).transform([structures["Si"]] * 3)
    assert capfd.readouterr() == ("", "")
    loud = PatternSimulator(GRID, verbose=1).transform([structures["Si"]] * 3)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Simulating patterns" in err
    np.testing.assert_array_equal(loud, quiet)


def test_import_is_light():
    code = (
        "import sys, skxrd.simulation; "
        "print([name for name in ('torch', 'pymatgen', 'matplotlib') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.real_data
def test_measured_disordered_structures(shared_data, tmp_path):
    with tarfile.open(shared_data / "obelix" / "train_cifs.tar.gz") as archive:
        members = sorted((m for m in archive if m.name.endswith(".cif")), key=lambda m: m.name)
        members = members[:: len(members) // 8][:8]
        texts = [archive.extractfile(member).read().decode() for member in members]
    paths = []
    for member, text in zip(members, texts, strict=True):
        path = tmp_path / member.name.rsplit("/", 1)[-1]
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    simulated = PatternSimulator(GRID).simulate([*paths, *texts])
    assert simulated.failures.empty
    assert simulated.ids[:8] == [path.stem for path in paths]
    np.testing.assert_array_equal(simulated.patterns[:8], simulated.patterns[8:])
    assert (simulated.patterns.max(axis=1) >= 100 - 1e-3).all()
    from skxrd.simulation import read_structure

    structures = [read_structure(path) for path in paths]
    assert sum(not structure.is_ordered for structure in structures) >= 3
    for row, structure in zip(simulated.patterns[:2], structures[:2], strict=True):
        np.testing.assert_allclose(row, _reference(structure, GRID), rtol=1e-5, atol=1e-5)


def test_presets(structures):
    paper = PatternSimulator.from_preset("xrdmatch")
    assert paper.grid == TwoThetaGrid(0, 90, 4501)
    peaks = paper.peaks([structures["LiFePO4"]], hkl=False)[0]
    row = paper.transform([structures["LiFePO4"]])[0]
    expected = {}
    for angle, intensity in zip(peaks.two_theta, peaks.intensity, strict=True):
        expected[int(np.ceil(angle / 0.02))] = intensity / 100  # the last one counts
    assert np.flatnonzero(row).tolist() == sorted(expected)
    np.testing.assert_allclose(row[sorted(expected)], [expected[k] for k in sorted(expected)])

    physical = PatternSimulator.from_preset("physical", wavelength="CoKa")
    assert (physical.grid.start, physical.grid.stop, physical.wavelength) == (10, 80, "CoKa")
    smooth = physical.transform([structures["LiFePO4"]])[0]
    assert (smooth > 0).sum() > 10 * len(physical.peaks([structures["LiFePO4"]])[0])
    with pytest.raises(ValueError, match="preset must be one of xrdmatch, physical, got 'paper'"):
        PatternSimulator.from_preset("paper")


@pytest.mark.parametrize("width", [{"profile": PeakProfile(size=10.0)}, {"fwhm": 0.5, "eta": 0.5}])
def test_lines_beyond_the_grid_leave_their_tails(width):
    iron = Structure(
        Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )  # 44.65, 64.99
    whole = PatternSimulator(TwoThetaGrid(40, 80, 2001), **width).transform([iron])[0]
    part = PatternSimulator(TwoThetaGrid(44.6, 64.96, 1019), **width).transform([iron])[0]
    np.testing.assert_allclose(part, whole[230 : 230 + 1019], rtol=1e-5, atol=1e-6)
    assert part[-1] > 0.1  # of the line beyond the end
    with pytest.warns(PatternWarning, match="no line between"):  # and so no scale
        assert not PatternSimulator(TwoThetaGrid(44.7, 64.9, 1011), **width).transform([iron]).any()


@pytest.mark.parametrize("profile", [PeakProfile(size=-1), PeakProfile(w=-0.01, u=0.0)])
def test_profiles_are_checked_in_fit(profile):
    with pytest.raises(ValueError, match=r"size|u tan"):
        PatternSimulator(profile=profile).fit()


def test_profile_replaces_the_constant_width(structures):
    profile = PeakProfile(size=20.0)
    simulator = PatternSimulator(GRID, profile=profile)
    row = simulator.transform([structures["NaCl"]])[0]
    peaks = simulator.peaks([structures["NaCl"]], hkl=False)[0]
    np.testing.assert_array_equal(row, peaks.render(GRID, profile).astype(np.float32))
    wide = simulator.set_params(profile__size=5.0).transform([structures["NaCl"]])[0]
    assert wide.max() < row.max()


@pytest.mark.real_data
def test_preset_makes_the_rows_of_the_paper(shared_data):
    """Rows of the published set whose ICSD entry is in OBELiX, whose files are edited copies."""
    published = pd.read_csv(shared_data / "xrdmatch" / "labelled.csv.gz")
    patterns = published.filter(regex=r"^v\d+$").to_numpy()
    patterns[:, -1] = 0  # not an intensity, see the description of the data set
    row_of = dict(
        zip(published["name"].str.extract(r"(\d+)")[0].astype(int), patterns, strict=True)
    )
    obelix = pd.read_csv(shared_data / "obelix" / "train.csv").set_index("ID")
    icsd = pd.to_numeric(obelix["ICSD ID"], errors="coerce").dropna().astype(int)
    best = {}
    with tarfile.open(shared_data / "obelix" / "train_cifs.tar.gz") as archive:
        texts = {
            Path(member.name).stem: archive.extractfile(member).read().decode()
            for member in archive
            if member.name.endswith(".cif")
        }
    simulator = PatternSimulator.from_preset("xrdmatch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatternWarning)
        for name, number in icsd.items():
            if number in row_of and name in texts:
                theirs = row_of[number]
                ours = simulator.transform([texts[name]])[0]
                cosine = theirs @ ours / np.linalg.norm(theirs) / np.linalg.norm(ours)
                met = np.mean(ours[theirs > 0] > 0)
                best[number] = max(best.get(number, (0, 0)), (cosine, met))
    cosines, shares = np.array(list(best.values())).T
    assert len(best) == 34
    assert cosines.min() > 0.9
    assert np.median(cosines) > 0.98
    assert shares.min() > 0.95
