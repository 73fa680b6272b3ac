import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from skxrd import TwoThetaGrid
from skxrd.io import read_pattern
from skxrd.preprocessing import BaselineRemover, KAlpha2Stripper

GRID = TwoThetaGrid(10, 140, 6501)
TWO_THETA = GRID.two_theta
WAVELENGTHS = {"Cu": (1.54056, 1.54439), "Mo": (0.70930, 0.71359), "Co": (1.78896, 1.79285)}
RATIO = 0.5


def second_position(position, first=WAVELENGTHS["Cu"][0], second=WAVELENGTHS["Cu"][1]):
    return 2 * np.degrees(np.arcsin(np.sin(np.radians(position / 2)) * second / first))


def gaussian(position, fwhm):
    return np.exp(-4 * np.log(2) * ((TWO_THETA - position) / fwhm) ** 2)


def lorentzian(position, fwhm):
    return 1 / (1 + 4 * ((TWO_THETA - position) / fwhm) ** 2)


@pytest.mark.parametrize("shape", [gaussian, lorentzian])
@pytest.mark.parametrize("fwhm", [0.1, 0.2])
@pytest.mark.parametrize("position", [12, 30, 60, 100, 130])
def test_height_and_area_of_the_first_component(shape, fwhm, position):
    first = shape(position, fwhm)
    doublet = first + RATIO * shape(second_position(position), fwhm)
    found = KAlpha2Stripper(grid=GRID).fit_transform([doublet])[0]
    assert found.max() == pytest.approx(first.max(), rel=0.003)
    assert abs(TWO_THETA[found.argmax()] - position) <= GRID.step
    near = np.abs(TWO_THETA - position) < 5
    assert found[near].sum() == pytest.approx(first[near].sum(), rel=0.001)
    assert np.abs(found - first).max() < 0.01


@pytest.mark.parametrize(("n_points", "low", "high"), [(5, 0, 0.01), (2, 0.02, 0.1), (1, 0.05, 1)])
def test_lines_need_five_points_over_their_width(n_points, low, high):
    """Averages over where the line lies between the points."""
    fwhm = n_points * GRID.step
    left = []
    for position in np.linspace(60, 60 + GRID.step, 11):
        first = gaussian(position, fwhm)
        doublet = first + RATIO * gaussian(second_position(position), fwhm)
        left.append(np.abs(KAlpha2Stripper(grid=GRID).fit_transform([doublet])[0] - first).max())
    assert low <= np.mean(left) < high


def test_unstripped_is_far_off():
    """What the last test would find without the correction."""
    doublet = gaussian(60, 0.1) + RATIO * gaussian(second_position(60), 0.1)
    assert doublet.sum() / gaussian(60, 0.1).sum() == pytest.approx(1.5)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    anode=st.sampled_from(["Cu", "Co", "Mo"]),
    ratio=st.floats(0.05, 0.6),
    positions=st.lists(st.floats(15, 120), min_size=1, max_size=6),
    fwhm=st.floats(0.08, 0.5),
)
def test_many_lines_and_any_doublet(anode, ratio, positions, fwhm):
    first, second = WAVELENGTHS[anode]
    single = sum(gaussian(position, fwhm) for position in positions)
    doublet = single + ratio * sum(
        gaussian(second_position(position, first, second), fwhm) for position in positions
    )
    stripper = KAlpha2Stripper({first: 1, second: ratio}, grid=GRID)
    found = stripper.fit_transform([doublet])[0]
    assert stripper.ratio_ == pytest.approx(ratio)
    assert stripper.wavelength_ == first
    assert found.sum() == pytest.approx(single.sum(), rel=0.003)
    assert np.abs(found - single).max() < 0.03 * len(positions)


@pytest.mark.parametrize("position", [30, 60, 100])
def test_with_counting_noise(position, rng):
    """Height and area within the counting statistics of the lines, over many measurements."""
    first = 1e4 * gaussian(position, 0.12)
    doublet = first + RATIO * 1e4 * gaussian(second_position(position), 0.12)
    counts = rng.poisson(doublet + 200, size=(200, len(doublet))).astype(float)
    found = KAlpha2Stripper(grid=GRID).fit_transform(counts) - 200 / (1 + RATIO)
    near = np.abs(TWO_THETA - position) < 1
    areas = found[:, near].sum(axis=1)
    assert areas.mean() == pytest.approx(first[near].sum(), rel=0.01)
    # (1 + r) areas of counts, scaled by 1 / (1 + r)
    expected = np.sqrt((doublet + 200)[near].sum()) / (1 + RATIO)
    assert areas.std() == pytest.approx(expected, rel=0.2)
    at = np.abs(TWO_THETA - position).argmin()
    assert found[:, at].mean() == pytest.approx(1e4, rel=0.01)


def test_noise_grows_as_stated(rng):
    noise = rng.normal(100, 1, size=(50, len(TWO_THETA)))
    found = KAlpha2Stripper(grid=GRID).fit_transform(noise)
    far = TWO_THETA > 100
    assert found[:, far].std() == pytest.approx(1 / np.sqrt(1 - RATIO**2), rel=0.05)


def test_background_goes_down_by_the_same_part():
    found = KAlpha2Stripper(grid=GRID).fit_transform(np.full((1, len(TWO_THETA)), 90.0))[0]
    low = TWO_THETA < 60
    np.testing.assert_allclose(found[low], 60, rtol=3e-3)
    assert (np.diff(found) >= -1e-9).all()


def test_what_was_not_measured_stays_zero():
    """Neither the first nor the last measured point starts a wave."""
    row = np.full(len(TWO_THETA), 90.0)
    row[:800] = row[5000:] = 0
    found = KAlpha2Stripper(grid=GRID).fit_transform([row, np.zeros_like(row)])
    assert (found[0, :800] == 0).all()
    assert (found[0, 5000:] == 0).all()
    np.testing.assert_allclose(found[0, 800:5000], 60, rtol=6e-3)
    assert (found[1] == 0).all()


def test_sum_of_patterns_is_stripped_like_its_parts(rng):
    X = rng.uniform(size=(2, len(TWO_THETA)))
    stripper = KAlpha2Stripper(grid=GRID).fit(X)
    total = stripper.transform(2 * X[:1] + 3 * X[1:])
    np.testing.assert_allclose(total, 2 * stripper.transform(X[:1]) + 3 * stripper.transform(X[1:]))


def test_rows_batches_dtype_and_input(rng):
    X = rng.uniform(size=(700, len(TWO_THETA))).astype(np.float32)  # more than one batch
    before = X.copy()
    X.flags.writeable = False
    stripper = KAlpha2Stripper(grid=GRID).fit(X)
    found = stripper.transform(X)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(found[650:651], stripper.transform(X[650:651]))
    np.testing.assert_allclose(found, stripper.transform(X.astype(float)), atol=1e-6)


@pytest.mark.parametrize("n_points", [1, 2, 3, 4, 5])
def test_short_patterns(n_points):
    found = KAlpha2Stripper().fit_transform(np.ones((2, n_points)))
    assert np.isfinite(found).all()
    assert (found > 0).all()


def test_whole_range_of_angles():
    grid = TwoThetaGrid(0, 180, 181)
    found = KAlpha2Stripper(grid=grid).fit_transform(np.ones((1, 181)))
    assert np.isfinite(found).all()


def test_names_and_pandas():
    stripper = KAlpha2Stripper().set_output(transform="pandas").fit(np.ones((2, 5)))
    assert stripper.transform(np.ones((2, 5))).columns.tolist() == ["x0", "x1", "x2", "x3", "x4"]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"wavelength": "CuKa"}, "two lines, of which the weaker has the longer wavelength"),
        ({"wavelength": {"CuKa1": 0.5, "CuKa2": 1}}, "two lines, of which the weaker"),
        ({"wavelength": {"CuKa1": 1, "CuKb1": 0.2}}, "two lines, of which the weaker"),
        ({"wavelength": "XxKa1+XxKa2"}, "XxKa1"),
        ({"wavelength": 1.54}, "wavelength"),
        ({"grid": TwoThetaGrid(10, 80, 99)}, "grid has 99 points"),
    ],
)
def test_bad_parameters(params, reason):
    with pytest.raises(ValueError, match=reason):
        KAlpha2Stripper(**{"grid": GRID, **params}).fit(np.ones((1, len(TWO_THETA))))


@pytest.mark.real_data
def test_five_fingers_of_quartz_become_three(shared_data):
    """Three lines around 68 degrees show five maxima with K-alpha1 and K-alpha2 of copper."""
    pattern = read_pattern(shared_data / "measured" / "XRD-918-16_10.xrdml")
    grid = TwoThetaGrid(*pattern.two_theta[[0, -1]], len(pattern.two_theta))
    X = BaselineRemover(grid=grid).fit_transform([pattern.intensity])
    stripped = KAlpha2Stripper(grid=grid).fit_transform(X)
    near = (grid.two_theta > 67.2) & (grid.two_theta < 69)
    strongest = X[0, near].max()
    before, after = (
        find_peaks(row[near], height=0.1 * strongest, prominence=0.03 * strongest)[0]
        for row in (X[0], stripped[0])
    )
    assert len(before) == 5
    np.testing.assert_allclose(grid.two_theta[near][after], [67.71, 68.12, 68.28], atol=0.02)
    assert np.abs(stripped[0, near][grid.two_theta[near] > 68.45]).max() < 0.04 * strongest
