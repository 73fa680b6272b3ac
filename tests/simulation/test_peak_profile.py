import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from scipy.special import voigt_profile
from sklearn.base import clone

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.simulation import PeakProfile, pseudo_voigt
from skxrd.simulation._profiles import _peak_profile

CU = 1.54184
GRID = TwoThetaGrid(0, 120, 6001)
NOTHING = {"u": 0, "v": 0, "w": 0, "x": 0, "y": 0, "size": None}
moderate = settings(deadline=None, max_examples=50, derandomize=True)
angles = st.floats(1.0, 175.0)
widths = st.floats(1e-4, 0.5)


def only(**parameters):
    """Profile without widths other than those given."""
    return PeakProfile(**{**NOTHING, **parameters})


def width(profile, two_theta, wavelength=CU):
    fwhm, _ = profile.fwhm_and_eta([two_theta], wavelength)
    return fwhm[0]


def half_width_of(pattern, grid):
    """Full width at half maximum of the only line of a pattern, by linear interpolation."""
    above = np.flatnonzero(pattern >= pattern.max() / 2)
    low, high = above[0], above[-1]
    half = pattern.max() / 2
    left = low - (pattern[low] - half) / (pattern[low] - pattern[low - 1])
    right = high + (pattern[high] - half) / (pattern[high] - pattern[high + 1])
    return (right - left) * grid.step


# Widths and shapes


def test_defaults_are_those_of_a_laboratory_diffractometer():
    fwhm, eta = PeakProfile().fwhm_and_eta([10, 30, 60, 90, 120], CU)
    assert (np.diff(fwhm) > 0).all()
    assert fwhm[1] == pytest.approx(0.081, abs=0.001)
    assert ((eta > 0.4) & (eta < 0.95)).all()


def test_caglioti():
    profile = only(u=0.01, v=-0.004, w=0.006)
    t = np.tan(np.radians(35.0))
    assert width(profile, 70.0) == pytest.approx(np.sqrt(0.01 * t**2 - 0.004 * t + 0.006))


def test_lorentzian_coefficients_are_those_of_thompson_cox_and_hastings():
    assert width(only(x=0.03), 90.0) == pytest.approx(0.03)
    assert width(only(x=0.03), 60.0) == pytest.approx(0.03 / np.sqrt(3))
    assert width(only(y=0.03), 60.0) == pytest.approx(0.03 * 2 / np.sqrt(3))


def test_scherrer_by_hand():
    # 0.9 * 1.5406 / (100 * cos 15 deg) = 0.0143545 rad
    assert width(only(size=10), 30.0, 1.5406) == pytest.approx(0.822453, abs=2e-6)
    assert width(only(size=10, shape_factor=0.45), 30.0) == pytest.approx(
        width(only(size=20), 30.0)
    )
    assert width(only(size=10), 30.0, 2 * CU) == pytest.approx(2 * width(only(size=10), 30.0))


def test_shape_factor_of_volume_weighted_sizes():
    """With K = 2 / pi the integral breadth of the Lorentzian is wavelength / (size cos theta)."""
    breadth = np.pi / 2 * np.radians(width(only(size=10, shape_factor=2 / np.pi), 60.0))
    assert breadth == pytest.approx(CU / (100 * np.cos(np.radians(30))))


def test_microstrain_by_hand():
    # a lattice with planes of d (1 +- e): the lines of both lie 2 * 2 e tan(theta) apart
    e, two_theta = 0.001, 80.0
    sine = np.sin(np.radians(two_theta / 2))
    low, high = (2 * np.degrees(np.arcsin(sine / (1 + sign * e))) for sign in (1, -1))
    assert width(only(microstrain=e), two_theta) == pytest.approx(high - low, rel=1e-4)


@moderate
@given(first=widths, second=widths, two_theta=angles)
def test_gaussian_widths_add_in_quadrature(first, second, two_theta):
    one, two, both = (only(w=w) for w in (first**2, second**2, first**2 + second**2))
    expected = np.hypot(width(one, two_theta), width(two, two_theta))
    assert width(both, two_theta) == pytest.approx(expected, rel=1e-9)
    assert both.fwhm_and_eta([two_theta], CU)[1] == pytest.approx(0, abs=1e-12)


@moderate
@given(
    x=widths, y=widths, size=st.floats(1, 1000), microstrain=st.floats(1e-6, 0.05), two_theta=angles
)
def test_lorentzian_widths_add(x, y, size, microstrain, two_theta):
    causes = {"x": x, "y": y, "size": size, "microstrain": microstrain}
    expected = sum(width(only(**{name: value}), two_theta) for name, value in causes.items())
    assert width(only(**causes), two_theta) == pytest.approx(expected, rel=1e-9)
    assert only(**causes).fwhm_and_eta([two_theta], CU)[1] == pytest.approx(1, abs=1e-9)


@moderate
@given(gaussian=widths, lorentzian=widths)
def test_both_together_are_wider_than_each_and_narrower_than_the_sum(gaussian, lorentzian):
    together, eta = only(w=gaussian**2, y=lorentzian).fwhm_and_eta([0.0], CU)
    assert max(gaussian, lorentzian) <= together[0] * (1 + 1e-12)
    assert together[0] <= gaussian + lorentzian
    assert 0 <= eta[0] <= 1


def test_pseudo_voigt_replaces_the_voigt_profile():
    x = np.linspace(-20, 20, 8001)
    deviations, width_errors = [], []
    for fraction in np.linspace(0, 1, 51):
        gaussian, lorentzian = 1 - fraction, fraction
        fwhm, eta = only(w=gaussian**2, y=lorentzian).fwhm_and_eta([0.0], CU)
        sigma = gaussian / np.sqrt(8 * np.log(2))
        exact = voigt_profile(x, sigma, lorentzian / 2)
        near = pseudo_voigt(x, fwhm[0], eta[0])
        deviations.append(np.abs(near - exact).max() / exact.max())
        width_errors.append(abs(fwhm[0] / half_width_of(exact, TwoThetaGrid(0, 40, 8001)) - 1))
    assert 0.01 < max(deviations) < 0.013
    assert 0.004 < max(width_errors) < 0.005


@pytest.mark.parametrize("two_theta", [0.0, 1e-9, 179.9999, 180.0])
def test_widths_stay_finite_at_the_ends_of_the_axis(two_theta):
    profile = PeakProfile(microstrain=0.001, asymmetry=0.03)
    fwhm, eta = profile.fwhm_and_eta([two_theta], CU)
    assert np.isfinite(fwhm).all()
    assert 0 < fwhm[0] < 1e5
    assert 0 <= eta[0] <= 1
    pattern = profile.render([two_theta], [1.0], TwoThetaGrid(0, 180, 1801), CU)
    assert np.isfinite(pattern).all()
    assert 0 < pattern.sum() <= 1 + 1e-12


# Patterns


def test_a_constant_gaussian_is_the_fwhm_of_the_simulator():
    silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]])
    sticks = PatternSimulator(GRID).fit_transform([silicon])[0]
    expected = PatternSimulator(GRID, fwhm=0.1).fit_transform([silicon])[0]
    at = np.flatnonzero(sticks)  # the parameter fwhm moves lines to grid points
    pattern = only(w=0.1**2).render(GRID.two_theta[at], sticks[at], GRID, CU)
    np.testing.assert_allclose(pattern, expected, rtol=0, atol=1e-5)
    assert expected.max() > 5


@moderate
@given(
    two_theta=st.lists(st.floats(20, 100), min_size=1, max_size=20),
    size=st.floats(10, 500),
    asymmetry=st.one_of(st.just(0.0), st.floats(0.001, 0.1)),
)
def test_area_is_conserved(two_theta, size, asymmetry):
    profile = PeakProfile(size=size, asymmetry=asymmetry)
    intensity = np.arange(1.0, len(two_theta) + 1)
    pattern = profile.render(two_theta, intensity, GRID, CU)
    assert (pattern >= 0).all()
    assert pattern.sum() == pytest.approx(intensity.sum(), rel=1e-11)


@pytest.mark.parametrize("two_theta", [25.0, 44.44, 90.0])
def test_lines_have_the_width_asked_for(two_theta):
    fine = TwoThetaGrid(0, 120, 120001)
    profile = PeakProfile(size=40, microstrain=0.001)
    pattern = profile.render([two_theta], [1.0], fine, CU)
    assert half_width_of(pattern, fine) == pytest.approx(width(profile, two_theta), rel=1e-3)


def test_lines_are_symmetric_without_asymmetry():
    pattern = PeakProfile().render([60.0], [1.0], GRID, CU)
    np.testing.assert_allclose(pattern, pattern[::-1], rtol=0, atol=1e-15)


def test_order_of_lines_does_not_matter(rng):
    two_theta, intensity = rng.uniform(5, 115, 200), rng.exponential(size=200)
    shuffled = rng.permutation(200)
    profile = PeakProfile(asymmetry=0.03)
    np.testing.assert_allclose(
        profile.render(two_theta[shuffled], intensity[shuffled], GRID, CU),
        profile.render(two_theta, intensity, GRID, CU),
        rtol=1e-9,
    )


def test_no_lines_give_an_empty_pattern():
    np.testing.assert_array_equal(PeakProfile().render([], [], GRID, CU), np.zeros(6001))
    fwhm, eta = PeakProfile(asymmetry=0.03).fwhm_and_eta([], CU)
    assert fwhm.shape == eta.shape == (0,)


def test_what_the_user_passed_is_left_alone():
    two_theta, intensity = np.array([20.0, 30.0]), np.array([1.0, 2.0])
    profile = PeakProfile(asymmetry=0.02, size=5)
    parameters = profile.get_params()
    profile.render(two_theta, intensity, GRID, CU)
    assert two_theta.tolist() == [20.0, 30.0]
    assert intensity.tolist() == [1.0, 2.0]
    assert vars(profile) == parameters
    assert clone(profile).set_params(size=50).size == 50


# Asymmetry


def finger_cox_jephcoat(grid, two_theta, fwhm, eta, asymmetry):
    """The integral of the paper over 2 phi, its pole removed by 2 phi = 2 theta - t^2."""
    cosine = np.cos(np.radians(two_theta))
    end = np.arccos(np.clip(cosine * np.sqrt(asymmetry**2 + 1), -1, 1))
    length = two_theta - np.degrees(end)
    t = (np.arange(40_000) + 0.5) / 40_000
    phi = two_theta - length * t**2
    cos_phi = np.cos(np.radians(phi))
    height = np.sqrt(cos_phi**2 / cosine**2 - 1)
    weight = np.maximum(asymmetry - height, 0) / (height * np.abs(cos_phi)) * t
    ends = np.linspace(phi.min() - 1e-9, phi.max() + 1e-9, 2001)
    mass, _ = np.histogram(phi, ends, weights=weight)
    profiles = [pseudo_voigt(grid.two_theta - c, fwhm, eta) for c in (ends[1:] + ends[:-1]) / 2]
    return mass @ profiles / mass.sum()


@pytest.mark.parametrize("fwhm", [0.04, 0.1, 0.5])
@pytest.mark.parametrize(
    ("two_theta", "asymmetry"), [(5.0, 0.03), (10.0, 0.06), (20.0, 0.03), (60.0, 0.1), (150.0, 0.1)]
)
def test_asymmetry_is_that_of_finger_cox_and_jephcoat(two_theta, asymmetry, fwhm):
    grid = TwoThetaGrid(two_theta - 5, two_theta + 5, 1001)
    profile = only(w=fwhm**2, asymmetry=asymmetry)
    pattern = profile.render([two_theta], [1.0], grid, CU)
    expected = finger_cox_jephcoat(grid, two_theta, fwhm, 0.0, asymmetry) * grid.step
    np.testing.assert_allclose(pattern, expected, rtol=0, atol=1e-3 * expected.max())
    symmetric = only(w=fwhm**2).render([two_theta], [1.0], grid, CU)
    assert np.abs(pattern - symmetric).max() > 2e-3 * expected.max()  # the test sees something


def center(pattern, grid):
    return pattern @ grid.two_theta / pattern.sum()


def test_asymmetry_draws_lines_to_the_ends_of_the_axis_and_spares_90_degrees():
    grid = TwoThetaGrid(0, 180, 18001)
    symmetric, drawn = only(w=0.01), only(w=0.01, asymmetry=0.05)
    for two_theta, sign in ((10, -1), (40, -1), (90, 0), (140, 1), (170, 1)):
        patterns = [p.render([two_theta], [1.0], grid, CU) for p in (symmetric, drawn)]
        shift = center(patterns[1], grid) - center(patterns[0], grid)
        assert np.sign(round(shift, 9)) == sign


def test_a_little_asymmetry_changes_little():
    symmetric = PeakProfile().render([10.0, 50.0], [1.0, 1.0], GRID, CU)
    drawn = PeakProfile(asymmetry=1e-4).render([10.0, 50.0], [1.0, 1.0], GRID, CU)
    np.testing.assert_allclose(drawn, symmetric, rtol=0, atol=1e-5)
    assert not np.array_equal(drawn, symmetric)


# The choice of the kernel


@pytest.fixture
def fresh_kernel():
    _peak_profile._kernel.cache_clear()
    yield
    _peak_profile._kernel.cache_clear()


def test_patterns_without_numba_are_the_same(fresh_kernel, monkeypatch):
    two_theta = np.linspace(5, 115, 300)
    profile = PeakProfile(asymmetry=0.03)
    usual = profile.render(two_theta, np.ones(300), GRID, CU)
    _peak_profile._kernel.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(
        sys.modules, "skxrd.simulation._profiles._rendering_compiled", raising=False
    )
    bare = profile.render(two_theta, np.ones(300), GRID, CU)
    assert _peak_profile._kernel().__module__ == "skxrd.simulation._profiles._rendering"
    np.testing.assert_allclose(bare, usual, rtol=1e-10)


def test_numba_is_used_where_it_is_installed(fresh_kernel):
    pytest.importorskip("numba")
    assert hasattr(_peak_profile._kernel(), "py_func")


def test_numba_compiles_once_for_all_arrays(fresh_kernel):
    pytest.importorskip("numba")
    frozen = np.array([10.0, 1.0, 20.0, 2.0])
    frozen.flags.writeable = False
    profile = PeakProfile(asymmetry=0.02)
    expected = profile.render([10.0, 20.0], [1.0, 2.0], GRID, CU)
    n_compiled = len(_peak_profile._kernel().signatures)
    strided = profile.render(frozen[::2], frozen[1::2], GRID, CU)
    np.testing.assert_array_equal(strided, expected)
    assert len(_peak_profile._kernel().signatures) == n_compiled


def test_numba_is_imported_on_first_use_only():
    code = "import sys, skxrd.simulation._profiles._peak_profile; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 0}, "'size' parameter"),
        ({"size": -5.0}, "'size' parameter"),
        ({"size": "20 nm"}, "'size' parameter"),
        ({"w": np.nan}, "'w' parameter"),
        ({"u": np.inf}, "'u' parameter"),
        ({"v": None}, "'v' parameter"),
        ({"x": -0.01}, "'x' parameter"),
        ({"y": -0.01}, "'y' parameter"),
        ({"microstrain": 0.5}, "'microstrain' parameter"),
        ({"asymmetry": -0.1}, "'asymmetry' parameter"),
        ({"reach": 0.5}, "'reach' parameter"),
        ({"reach": np.inf}, "'reach' parameter"),
        ({"shape_factor": 0}, "'shape_factor' parameter"),
        ({"v": -0.1}, r"must not be negative, got -0.0\d+ square degrees at 80 degrees.*v=-0.1"),
        (NOTHING, "A line has no width"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        PeakProfile(**parameters).render([30.0, 80.0], [1.0, 1.0], GRID, CU)


@pytest.mark.parametrize(
    ("two_theta", "intensity", "wavelength", "message"),
    [
        ([-1.0], [1.0], CU, "two_theta must be between 0 and 180 degrees, got -1.0"),
        ([10.0, 181.0], [1.0, 1.0], CU, "two_theta must be between .* got 181.0"),
        ([np.nan], [1.0], CU, "two_theta must be between .* got nan"),
        ([200.0] * 5, [1.0] * 5, CU, r"got 200.0, 200.0, 200.0, \.\.\."),
        ([[10.0]], [[1.0]], CU, r"two_theta must be one-dimensional, got shape \(1, 1\)"),
        ([10.0, 20.0], [1.0], CU, "intensity must hold one finite number for each of 2 lines"),
        ([10.0], [np.nan], CU, "intensity must hold one finite number for each of 1 lines"),
        ([10.0], [1.0], 0.0, "wavelength must be a positive number of angstrom, got 0.0"),
        ([10.0], [1.0], np.nan, "wavelength must be"),
    ],
)
def test_bad_lines(two_theta, intensity, wavelength, message):
    with pytest.raises(ValueError, match=message):
        PeakProfile().render(two_theta, intensity, GRID, wavelength)
