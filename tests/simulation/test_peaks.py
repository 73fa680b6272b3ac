"""The engine: lines of a structure against pymatgen, Bragg, and itself in other cells."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifParser
from pymatgen.symmetry.groups import SpaceGroup

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.exceptions import InvalidStructureError, MissingDependencyError, PatternWarning
from skxrd.simulation import HKLFamily

ENGINES = ["numpy", "numba"]


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.fixture(scope="module")
def sample():
    """Bundled crystals: 20 lithium conductors, most of them disordered, and 20 made-up ones."""
    conductors = load_lithium_conductors()
    pool = make_lithium_pool(20, random_state=0)
    return [*conductors.structures[:20], *pool.structures]


def _peaks(structure, grid=None, **parameters):
    return PatternSimulator(grid, **parameters).peaks([structure], hkl=False)[0]


def _assert_same_lines(peaks, reference):
    assert len(peaks) == len(reference.x)
    np.testing.assert_allclose(peaks.two_theta, reference.x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(peaks.intensity, reference.y, rtol=0, atol=1e-6)
    np.testing.assert_allclose(peaks.d_spacing, reference.d_hkls, rtol=0, atol=1e-9)


def test_lines_are_those_of_pymatgen(sample, engine):
    calculator = XRDCalculator("CuKa")
    n_lines = 0
    for structure, peaks in zip(
        sample, PatternSimulator(engine=engine).peaks(sample, hkl=False), strict=True
    ):
        reference = calculator.get_pattern(structure, two_theta_range=(0, 90))
        _assert_same_lines(peaks, reference)
        n_lines += len(peaks)
    assert n_lines > 5000


@pytest.mark.parametrize("wavelength", ["MoKa1", "CoKa", 0.5])
def test_lines_are_those_of_pymatgen_with_other_radiation(structures, engine, wavelength):
    peaks = _peaks(
        structures["LiFePO4"], TwoThetaGrid(5, 60, 1101), wavelength=wavelength, engine=engine
    )
    calculator = XRDCalculator(wavelength)
    _assert_same_lines(
        peaks, calculator.get_pattern(structures["LiFePO4"], two_theta_range=(5, 60))
    )


def test_isotropic_displacements_are_those_of_pymatgen(structures, engine):
    factors = {"Li": 2.5, "Fe": 0.4, "O": 0.8}
    peaks = _peaks(structures["LiFePO4"], debye_waller_factors=factors, engine=engine)
    calculator = XRDCalculator(debye_waller_factors=factors)
    _assert_same_lines(peaks, calculator.get_pattern(structures["LiFePO4"]))


def _with_u_cif(structure, rng):
    """Give each site a random positive definite tensor."""
    structure = structure.copy()
    root = rng.normal(scale=0.08, size=(len(structure), 3, 3))
    tensor = root @ root.transpose(0, 2, 1)
    for name, (i, j) in {
        "U11_cif": (0, 0),
        "U22_cif": (1, 1),
        "U33_cif": (2, 2),
        "U23_cif": (1, 2),
        "U13_cif": (0, 2),
        "U12_cif": (0, 1),
    }.items():
        structure.add_site_property(name, tensor[:, i, j].tolist())
    return structure


def test_anisotropic_displacements_are_those_of_pymatgen(structures, engine):
    skew = structures["LiFePO4"].copy()
    skew.apply_strain([0.0, 0.02, 0.05])
    skew = Structure(
        Lattice.from_parameters(*skew.lattice.abc, 80, 95, 102), skew.species, skew.frac_coords
    )
    moving = _with_u_cif(skew, np.random.default_rng(0))
    peaks = _peaks(moving, debye_waller_factors="structure", engine=engine)
    _assert_same_lines(peaks, XRDCalculator().get_pattern(moving))
    resting = _peaks(moving, engine=engine)
    assert np.abs(peaks.intensity[:20] - resting.intensity[:20]).max() > 1


def test_one_displacement_parameter_damps_by_its_definition(structures, engine):
    b, wavelength = 1.5, 1.54184
    damped = _peaks(structures["NaCl"], debye_waller_factors=b, engine=engine)
    sharp = _peaks(structures["NaCl"], engine=engine)
    s = np.sin(np.radians(sharp.two_theta / 2)) / wavelength
    expected = sharp.intensity * np.exp(-2 * b * s**2)  # of the intensity, not of the amplitude
    np.testing.assert_allclose(damped.intensity, 100 * expected / expected.max(), rtol=1e-9)


def test_displacements_that_nothing_has_are_not_used(structures, engine):
    moving = _with_u_cif(structures["LiFePO4"], np.random.default_rng(0))
    for name in ("U11_cif", "U22_cif", "U33_cif"):
        values = list(moving.site_properties[name])
        values[0] = -0.3  # would amplify
        moving.add_site_property(name, values)
    simulator = PatternSimulator(debye_waller_factors="structure", engine=engine)
    with pytest.warns(PatternWarning, match="no usable displacement parameters on 1 of 28 sites"):
        X = simulator.transform([moving])
    assert np.isfinite(X).all()
    for name in ("U11_cif", "U22_cif", "U33_cif", "U23_cif", "U13_cif", "U12_cif"):
        values = list(moving.site_properties[name])
        values[0] = 0.0  # at rest
        moving.add_site_property(name, values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(simulator.transform([moving]), X, rtol=1e-5, atol=1e-6)


def test_structure_without_displacements_says_so(structures):
    simulator = PatternSimulator(debye_waller_factors="structure")
    with pytest.warns(PatternWarning, match="no usable displacement parameters on 8 of 8 sites"):
        X = simulator.transform([structures["NaCl"]])
    np.testing.assert_array_equal(X, PatternSimulator().transform([structures["NaCl"]]))


def _crystals():
    return {
        "cubic F": Structure.from_spacegroup(
            "Fd-3m", Lattice.cubic(8.4), ["Li", "Mn", "O"], [[0.125] * 3, [0.5] * 3, [0.263] * 3]
        ),
        "trigonal R": Structure.from_spacegroup(
            "R-3m",
            Lattice.hexagonal(2.82, 14.05),
            ["Li", "Co", "O"],
            [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.26]],
        ),
        "monoclinic C": Structure.from_spacegroup(
            "C2/m",
            Lattice.monoclinic(4.93, 8.53, 5.02, 109.3),
            ["Li", "Mn", "O"],
            [[0, 0.5, 0], [0, 0.167, 0], [0.219, 0, 0.227]],
        ),
        "disordered": Structure.from_spacegroup(
            "Fm-3m",
            Lattice.cubic(9.8),
            [{"Li": 0.5}, {"Cl": 0.75, "Br": 0.25}, "S"],
            [[0.183, 0.183, 0.024], [0, 0, 0], [0.25, 0.25, 0.25]],
        ),
    }


@pytest.mark.parametrize("name", _crystals())
def test_the_cell_does_not_matter(name, engine):
    conventional = _crystals()[name]
    primitive = conventional.get_primitive_structure()
    supercell = conventional.copy()
    supercell.make_supercell([[2, 1, 0], [0, 1, 0], [0, 0, 3]])
    assert len({len(primitive), len(conventional), len(supercell)}) == 3
    expected = _peaks(conventional, engine=engine)
    assert len(expected) > 5
    for other in (primitive, supercell):
        peaks = _peaks(other, engine=engine)
        np.testing.assert_allclose(peaks.two_theta, expected.two_theta, rtol=0, atol=1e-8)
        np.testing.assert_allclose(peaks.intensity, expected.intensity, rtol=0, atol=1e-6)


def test_origin_and_order_of_sites_do_not_matter(structures, engine):
    expected = _peaks(structures["LiFePO4"], engine=engine)
    shuffled = structures["LiFePO4"].copy()
    shuffled.translate_sites(range(len(shuffled)), [0.123, 0.456, 0.789])
    shuffled = Structure.from_sites(list(shuffled)[::-1])
    peaks = _peaks(shuffled, engine=engine)
    np.testing.assert_allclose(peaks.two_theta, expected.two_theta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(peaks.intensity, expected.intensity, rtol=0, atol=1e-6)


def test_large_cells_are_done_in_parts(monkeypatch, structures):
    from skxrd.simulation._lines import _structure_factors

    whole = _peaks(_with_u_cif(structures["LiFePO4"], np.random.default_rng(1)), engine="numpy")
    monkeypatch.setattr(_structure_factors, "_MAX_ENTRIES", 3000)
    parts = _peaks(_with_u_cif(structures["LiFePO4"], np.random.default_rng(1)), engine="numpy")
    np.testing.assert_allclose(parts.intensity, whole.intensity, rtol=0, atol=1e-9)


def test_a_cell_beyond_all_powders_is_refused(engine):
    huge = Structure(Lattice.cubic(2000.0), ["Li"], [[0, 0, 0]])
    with pytest.raises(InvalidStructureError, match="too many reflections"):
        _peaks(huge, engine=engine)


def test_doublet_has_each_line_twice(structures, engine):
    doublet = _peaks(structures["Si"], wavelength="CuKa1+CuKa2", engine=engine)
    first = _peaks(structures["Si"], wavelength="CuKa1", engine=engine)
    second = _peaks(structures["Si"], wavelength="CuKa2", engine=engine)
    assert doublet.wavelength == first.wavelength
    np.testing.assert_allclose(
        doublet.two_theta, np.sort(np.concatenate([first.two_theta, second.two_theta]))
    )
    one = np.isin(doublet.two_theta.round(9), first.two_theta.round(9))
    np.testing.assert_allclose(doublet.d_spacing[one], doublet.d_spacing[~one])
    np.testing.assert_allclose(doublet.intensity[one], first.intensity, rtol=1e-9)
    # half as strong but for the Lorentz-polarization factor, which is taken at its own angle
    np.testing.assert_allclose(doublet.intensity[~one] / doublet.intensity[one], 0.5, rtol=0.01)
    by_number = _peaks(structures["Si"], wavelength={1.54056: 2.0, 1.54439: 1.0}, engine=engine)
    np.testing.assert_allclose(by_number.intensity, doublet.intensity)


@pytest.mark.parametrize(
    "wavelength",
    ["CuKa1+MoKa2", "CuKa+CuKa2", {}, {1.54: 0.0}, {"Cu": 1.0}, {"CuKa": "1"}, {None: 1.0}],
)
def test_wrong_radiation_is_refused(structures, wavelength):
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=r"wavelength|doublet"):
            getattr(PatternSimulator(wavelength=wavelength), method)([structures["Si"]])


def test_monochromator_polarizes(structures, engine):
    graphite = 26.6
    plain = _peaks(structures["NaCl"], engine=engine)
    polarized = _peaks(structures["NaCl"], monochromator_two_theta=graphite, engine=engine)
    cos2 = np.cos(np.radians(plain.two_theta)) ** 2
    expected = plain.intensity * (1 + np.cos(np.radians(graphite)) ** 2 * cos2) / (1 + cos2)
    np.testing.assert_allclose(polarized.intensity, 100 * expected / expected.max(), rtol=1e-9)


def test_preferred_orientation_is_that_of_march_and_dollase(engine):
    layered = Structure.from_spacegroup(
        "P6/mmm", Lattice.hexagonal(3.0, 5.0), ["Al", "B"], [[0, 0, 0], [1 / 3, 2 / 3, 0.5]]
    )
    r = 0.6
    simulator = PatternSimulator(engine=engine)
    plain = simulator.peaks([layered])[0]
    flat = simulator.set_params(preferred_orientation=((0, 0, 1), r)).peaks([layered])[0]
    np.testing.assert_array_equal(flat.two_theta, plain.two_theta)
    reciprocal = np.linalg.inv(layered.lattice.matrix).T
    expected = []
    for families in plain.hkls:
        assert len(families) == 1
        g = np.array(families[0].hkl) @ reciprocal
        # the angle to c is the same for all equivalent planes of a hexagonal crystal
        cos2 = (g @ layered.lattice.matrix[2]) ** 2 / (g @ g) / layered.lattice.c**2
        expected.append((r**2 * cos2 + (1 - cos2) / r) ** -1.5)
    expected *= plain.intensity
    np.testing.assert_allclose(flat.intensity, 100 * expected / expected.max(), rtol=1e-9)


@pytest.mark.parametrize(
    "given", [((0, 0, 0), 0.5), ((0.5, 0.5, 1), 0.5), ((0, 0, 1), 0.0), ((0, 1), 0.5), (1, 2, 3)]
)
def test_wrong_preferred_orientation_is_refused(given):
    with pytest.raises(ValueError, match="preferred_orientation needs"):
        PatternSimulator(preferred_orientation=given).fit()


@pytest.mark.parametrize(
    "given", [{"Li": -1.0}, {3: 1.0}, {"Li": "much"}, {"li": 1.0}, {"Li+": 1.0}]
)
def test_wrong_displacement_parameters_are_refused(given):
    with pytest.raises(ValueError, match="debye_waller_factors needs"):
        PatternSimulator(debye_waller_factors=given).fit()


def test_no_line_in_range_is_an_empty_list(structures, engine):
    peaks = PatternSimulator(TwoThetaGrid(0, 5, 251), engine=engine).peaks([structures["Si"]])[0]
    assert len(peaks) == 0
    assert peaks.labels() == []
    assert peaks.to_frame().empty
    assert not peaks.render(TwoThetaGrid(0, 5, 251)).any()


@pytest.mark.parametrize(
    ("start", "stop", "n_lines"), [(44.66, 44.74, 1), (44.0, 44.64, 1), (44.0, 44.9, 2)]
)
def test_wavelengths_without_a_line_of_their_own(start, stop, n_lines, engine):
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    grid = TwoThetaGrid(start, stop, 65)  # lines at 44.61 and 44.73 degrees
    peaks = _peaks(iron, grid, wavelength="CuKa1+CuKa2", engine=engine)
    assert len(peaks) == n_lines
    assert peaks.intensity.max() == 100


def test_backscattering_is_finite(structures, engine):
    """A line at 180 degrees, where the Lorentz factor has no end, is left out."""
    spacing = structures["Si"].lattice.a / np.sqrt(8)  # of (220)
    grid = TwoThetaGrid(0, 180, 1801)
    peaks = _peaks(structures["Si"], grid, wavelength=2 * spacing, engine=engine)
    assert np.isfinite(peaks.intensity).all()
    assert peaks.two_theta.max() < 179


def test_engines_agree(sample):
    pytest.importorskip("numba")
    compiled = PatternSimulator(engine="numba", debye_waller_factors={"Li": 3.0}).peaks(sample)
    plain = PatternSimulator(engine="numpy", debye_waller_factors={"Li": 3.0}).peaks(sample)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(one.two_theta, other.two_theta, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one.intensity, other.intensity, rtol=0, atol=5e-7)
        assert one.hkls == other.hkls


def test_without_numba_numpy_serves(monkeypatch, structures):
    import skxrd.simulation._options as options

    monkeypatch.setattr(options, "find_spec", lambda name: None)
    assert len(_peaks(structures["Si"])) == 6
    with pytest.raises(MissingDependencyError, match=r"skxrd\[fast\]"):
        _peaks(structures["Si"], engine="numba")


# One family of general planes per Laue class: its multiplicity is the order of the class.
LAUE_CLASSES = {
    "-1": (2, 2),
    "2/m": (14, 4),
    "mmm": (62, 8),
    "4/m": (87, 8),
    "4/mmm": (139, 16),
    "-3": (148, 6),
    "-3m1": (166, 12),
    "-31m": (162, 12),
    "6/m": (176, 12),
    "6/mmm": (194, 24),
    "m-3": (205, 24),
    "m-3m": (225, 48),
}


def _any_lattice(number):
    parameters = [4.1, 5.3, 6.7, 97.0, 103.0, 111.0]
    if number > 2:
        parameters[3:] = [90.0, 103.0, 90.0]
    if number > 15:
        parameters[3:] = [90.0, 90.0, 90.0]
    if number > 74:
        parameters[1] = parameters[0]
    if 142 < number < 195:
        parameters[5] = 120.0
    if number > 194:
        parameters[2] = parameters[0]
    return Lattice.from_parameters(*parameters)


@pytest.mark.parametrize("laue_class", LAUE_CLASSES)
def test_families_of_every_laue_class(laue_class, engine):
    number, order = LAUE_CLASSES[laue_class]
    crystal = Structure.from_spacegroup(
        number, _any_lattice(number), ["Si", "O"], [[0.07, 0.16, 0.29], [0.33, 0.41, 0.02]]
    )
    peaks = PatternSimulator(engine=engine, wavelength="MoKa").peaks([crystal])[0]
    families = [family for line in peaks.hkls for family in line]
    assert max(family.multiplicity for family in families) == order
    assert all(order % family.multiplicity == 0 for family in families)
    # No plane is in two families, and together they are all planes: brute force over the sphere.
    operations = SpaceGroup.from_int_number(number).symmetry_ops
    rotations = {tuple(operation.rotation_matrix.astype(int).ravel()) for operation in operations}
    seen = set()
    for family in families:
        planes = {
            tuple(sign * (np.array(family.hkl) @ np.reshape(rotation, (3, 3))))
            for rotation in rotations
            for sign in (1, -1)
        }
        assert len(planes) == family.multiplicity
        assert not planes & seen
        seen |= planes


def test_planes_of_one_distance_that_are_not_equivalent_share_a_line(structures):
    peaks = PatternSimulator(TwoThetaGrid(90, 100, 501)).peaks([structures["Si"]])[0]
    assert peaks.hkls == ((HKLFamily((5, 1, 1), 24), HKLFamily((3, 3, 3), 8)),)
    assert peaks.labels() == ["511, 333"]
    assert peaks.to_frame()["multiplicity"].tolist() == [24, 8]
    # pyrite: 210 and 120 are not equivalent in m-3, and 120 is extinct; pymatgen counts 24 planes
    pyrite = Structure.from_spacegroup(
        "Pa-3", Lattice.cubic(5.417), ["Fe", "S"], [[0, 0, 0], [0.385, 0.385, 0.385]]
    )
    peaks = PatternSimulator().peaks([pyrite])[0]
    line = peaks.hkls[np.abs(peaks.d_spacing - 5.417 / np.sqrt(5)).argmin()]
    assert line == (HKLFamily((2, 1, 0), 12),)


def test_labels_with_signs_and_long_indices_are_separated():
    graphite = Structure.from_spacegroup(
        "P6_3/mmc", Lattice.hexagonal(2.46, 6.71), ["C", "C"], [[0, 0, 0.25], [1 / 3, 2 / 3, 0.25]]
    )
    labels = PatternSimulator(wavelength="MoKa").peaks([graphite])[0].labels()
    assert labels[:3] == ["002", "100", "101"]
    assert "0 0 10" in labels


def test_families_need_not_be_computed(structures):
    peaks = _peaks(structures["Si"])
    assert peaks.hkls is None
    with pytest.raises(ValueError, match="hkl=True"):
        peaks.labels()
    assert list(peaks.to_frame()) == ["two_theta", "intensity", "d_spacing"]
    assert peaks.to_pymatgen().hkls == [[]] * len(peaks)


def test_pymatgen_takes_the_lines(structures):
    peaks = PatternSimulator().peaks([structures["Si"]])[0]
    reference = XRDCalculator().get_pattern(structures["Si"])
    made = peaks.to_pymatgen()
    np.testing.assert_allclose(made.x, reference.x)
    assert made.hkls[0] == [{"hkl": (1, 1, 1), "multiplicity": 8}] == reference.hkls[0]


def test_peaks_of_what_is_no_structure(structures):
    with pytest.raises(InvalidStructureError, match=r"Structure 1 \(1\)"):
        PatternSimulator(on_error="skip").peaks([structures["Si"], None])


def test_ions_of_one_position_are_one_site_for_symmetry(structures):
    mixed = structures["NaCl"].copy()
    split = Structure(
        mixed.lattice,
        [{"Na+": 0.5}] * 4 + [{"Na": 0.5}] * 4 + ["Cl-"] * 4,
        [*mixed.frac_coords[:4], *mixed.frac_coords[:4], *mixed.frac_coords[4:]],
    )
    assert PatternSimulator().peaks([split])[0].hkls == PatternSimulator().peaks([mixed])[0].hkls


def test_nothing_on_the_sites_is_an_error(structures):
    empty = Structure(Lattice.cubic(4.0), [{"Li": 0.0}], [[0, 0, 0]])
    with pytest.raises(InvalidStructureError, match="Structure 0"):
        PatternSimulator().transform([empty])


def test_number_of_jobs_does_not_matter(sample):
    one = PatternSimulator().peaks(sample[:6])
    two = PatternSimulator(n_jobs=2).peaks(sample[:6])
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.intensity, second.intensity)
        assert first.hkls == second.hkls


@pytest.mark.slow
@pytest.mark.real_data
def test_lines_of_measured_and_computed_structures_are_those_of_pymatgen(shared_data, engine):
    import tarfile

    import pandas as pd

    texts = []
    with tarfile.open(shared_data / "obelix" / "train_cifs.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".cif"):
                texts.append(archive.extractfile(member).read().decode())
    pool = pd.read_csv(shared_data / "li_pool" / "li_pool.csv.gz", usecols=["cif"])
    texts = texts[::5] + pool["cif"].sample(50, random_state=0).tolist()
    calculator = XRDCalculator()
    with pytest.warns(UserWarning, match="rounded"):
        crystals = [
            CifParser.from_str(text, occupancy_tolerance=1.05).parse_structures(primitive=False)[0]
            for text in texts
        ]
    lines = PatternSimulator(engine=engine).peaks(crystals, hkl=False)
    for crystal, peaks in zip(crystals, lines, strict=True):
        _assert_same_lines(peaks, calculator.get_pattern(crystal))


@pytest.mark.slow
def test_compiled_code_is_the_same_when_it_comes_from_the_cache(tmp_path):
    """Workers load what the first process compiled; both must give the same bits."""
    pytest.importorskip("numba")
    code = (
        "import hashlib; from skxrd import PatternSimulator; "
        "from skxrd.datasets import load_lithium_conductors; "
        "crystals = load_lithium_conductors().structures[:12]; "
        "simulator = PatternSimulator.from_preset('physical', engine='numba'); "
        "digest = hashlib.sha256(simulator.transform(crystals).tobytes()); "
        "[digest.update(p.intensity.tobytes()) for p in simulator.peaks(crystals, hkl=False)]; "
        "print(digest.hexdigest())"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    digests = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout
        for _ in range(3)
    ]
    assert list(tmp_path.rglob("*.nbc"))
    assert len(set(digests)) == 1
