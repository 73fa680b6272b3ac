import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skxrd.simulation import profile_kernel, pseudo_voigt
from skxrd.simulation._profiles._rendering import NARROWEST, render_lines

N_POINTS = 400
REACH = 8.0
moderate = settings(deadline=None, max_examples=60, derandomize=True)


def compiled(*arguments):
    pytest.importorskip("numba")
    from skxrd.simulation._profiles._rendering_compiled import compiled_render_lines

    return compiled_render_lines()(*arguments)


@pytest.fixture(params=[render_lines, compiled], ids=["numpy", "numba"], scope="module")
def kernel(request):
    """Kernel that takes lists."""

    def render(position, intensity, fwhm, eta, *, reach=REACH, n_points=N_POINTS):
        lines = (np.array(values, dtype=float) for values in (position, intensity, fwhm, eta))
        return request.param(*lines, reach, n_points)

    return render


def lines(low=-40.0, high=N_POINTS + 40.0, widest=30.0):
    """Lists of positions, intensities, widths and shapes."""
    line = st.tuples(
        st.floats(low, high),
        st.floats(0.001, 100.0),
        st.floats(0.01, widest),
        st.one_of(st.just(0.0), st.just(1.0), st.floats(0.0, 1.0)),
    )
    return st.lists(line, min_size=1, max_size=30).map(lambda rows: np.array(rows).T)


@moderate
@given(lines=lines())
def test_both_kernels_agree(lines):
    expected = render_lines(*lines, REACH, N_POINTS)
    np.testing.assert_allclose(
        compiled(*lines, REACH, N_POINTS), expected, rtol=0, atol=1e-12 * lines[1].sum()
    )


@moderate
@given(lines=lines(low=100.0, high=300.0, widest=12.0))
def test_area_is_conserved_and_nothing_is_negative(kernel, lines):
    pattern = kernel(*lines)  # the widest line ends 96 points from its position
    np.testing.assert_allclose(pattern.sum(), lines[1].sum(), rtol=1e-12)
    assert (pattern >= 0).all()


@moderate
@given(lines=lines())
def test_no_line_gives_more_than_its_intensity(kernel, lines):
    pattern = kernel(*lines)
    assert (pattern >= 0).all()
    assert pattern.sum() <= lines[1].sum() * (1 + 1e-12)


@moderate
@given(lines=lines(), shift=st.integers(-200, 200))
def test_lines_move_with_the_grid(kernel, lines, shift):
    position, *rest = lines
    narrow = kernel(position, *rest)
    wide = kernel(position + 500 + shift, *rest, n_points=N_POINTS + 1000)
    np.testing.assert_allclose(
        wide[500 + shift : 500 + shift + N_POINTS], narrow, rtol=0, atol=1e-10 * rest[0].sum()
    )


@moderate
@given(lines=lines())
def test_mirrored_lines_give_the_mirrored_pattern(kernel, lines):
    position, *rest = lines
    mirrored = kernel(N_POINTS - 1 - position, *rest)
    np.testing.assert_allclose(
        mirrored[::-1], kernel(position, *rest), rtol=0, atol=1e-10 * rest[0].sum()
    )


@moderate
@given(lines=lines(), factor=st.floats(0.01, 100.0))
def test_a_pattern_is_the_sum_of_its_lines(kernel, lines, factor):
    position, intensity, fwhm, eta = lines
    single = [kernel(*line[:, np.newaxis]) for line in lines.T]
    together = kernel(position[::-1], factor * intensity[::-1], fwhm[::-1], eta[::-1])
    np.testing.assert_allclose(
        together, factor * np.sum(single, axis=0), rtol=0, atol=1e-11 * factor * intensity.sum()
    )


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("fwhm", [0.8, 3.0, 6.5])
def test_lines_on_grid_points_have_the_profile_of_the_convolution(kernel, fwhm, eta):
    expected = np.zeros(N_POINTS)
    profile = profile_kernel(fwhm, 1.0, eta=eta)
    half = len(profile) // 2
    expected[200 - half : 200 + half + 1] = profile
    pattern = kernel([200.0], [1.0], [fwhm], [eta])
    # our Gaussian ends 2 FWHM from the line also where it is added to a Lorentzian
    np.testing.assert_allclose(pattern, expected, rtol=0, atol=1e-15 if eta == 0 else 2e-5)


@pytest.mark.parametrize("position", [180.0, 180.3, 180.5, 180.99])
def test_positions_are_not_rounded(kernel, position):
    pattern = kernel([position], [1.0], [5.0], [0.4])
    expected = pseudo_voigt(np.arange(N_POINTS) - position, 5.0, 0.4)
    near = np.abs(np.arange(N_POINTS) - position) < 10
    ratio = pattern[near] / expected[near]
    np.testing.assert_allclose(ratio, ratio[0], rtol=2e-4)  # the cut tail makes it larger than 1
    assert 1 < ratio[0] < 1.05
    assert pattern @ np.arange(N_POINTS) == pytest.approx(position, abs=0.02)


def test_lines_at_both_ends_lie_on_the_grid(kernel):
    pattern = kernel([0.0, N_POINTS - 1.0], [1.0, 1.0], [4.0, 4.0], [0.0, 0.0])
    np.testing.assert_allclose(pattern, pattern[::-1], rtol=0, atol=1e-15)
    profile = profile_kernel(4.0, 1.0)
    half = len(profile) // 2
    np.testing.assert_allclose(pattern[: half + 1], profile[half:], rtol=1e-12)


def test_tails_of_lines_beyond_the_grid_reach_it(kernel):
    inside = kernel([100.0], [1.0], [4.0], [0.5])
    beyond = kernel([-10.0], [1.0], [4.0], [0.5])
    np.testing.assert_allclose(beyond[:22], inside[110:132], rtol=0, atol=1e-14)
    assert beyond[0] > 0
    assert not beyond[23:].any()
    assert not kernel([-40.0, 440.0], [1.0, 1.0], [4.0, 4.0], [0.5, 0.5]).any()


@pytest.mark.parametrize("fwhm", [1e-300, 1e-6, 0.1, NARROWEST])
@pytest.mark.parametrize("eta", [0.0, 0.2])
def test_lines_narrower_than_the_grid_stay_on_the_nearest_point(kernel, fwhm, eta):
    pattern = kernel([50.2], [3.0], [fwhm], [eta])
    assert pattern.argmax() == 50
    assert pattern.sum() == pytest.approx(3.0, rel=1e-12)
    assert pattern[50] > (2.999 if eta == 0 else 2.0)


def test_a_longer_reach_brings_back_the_tails(kernel):
    short, long = (kernel([200.0], [1.0], [5.0], [1.0], reach=reach) for reach in (8.0, 30.0))
    assert short[200] > long[200]
    assert not short[250:].any()
    np.testing.assert_allclose(short.sum(), long.sum(), rtol=1e-12)
    area = 2 / np.pi * np.arctan(2 * 30)  # of a Lorentzian cut at 30 FWHM
    np.testing.assert_allclose(
        long * area, pseudo_voigt(np.arange(400) - 200, 5.0, 1.0) * (long > 0), atol=1e-4
    )


def test_patterns_do_not_depend_on_how_many_lines_are_done_at_a_time(rng):
    n = 3000  # 600,000 points of profiles: many chunks
    position = rng.uniform(-100, N_POINTS + 100, n)
    intensity, fwhm, eta = rng.uniform(0.1, 1, n), rng.uniform(1, 20, n), rng.uniform(0, 1, n)
    at_once = render_lines(position, intensity, fwhm, eta, REACH, N_POINTS)
    parts = [
        render_lines(position[k::30], intensity[k::30], fwhm[k::30], eta[k::30], REACH, N_POINTS)
        for k in range(30)
    ]
    np.testing.assert_allclose(at_once, np.sum(parts, axis=0), rtol=1e-11)


def test_no_lines_give_an_empty_pattern(kernel):
    np.testing.assert_array_equal(kernel([], [], [], []), np.zeros(N_POINTS))


def test_lines_are_left_unchanged(kernel):
    arrays = [np.array([10.0, 500.0]), np.ones(2), np.full(2, 0.01), np.array([0.0, 1.0])]
    before = [array.copy() for array in arrays]
    kernel(*arrays)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)
