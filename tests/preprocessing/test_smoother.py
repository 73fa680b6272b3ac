import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from skxrd import TwoThetaGrid
from skxrd.preprocessing import PatternSmoother

GRID = TwoThetaGrid(10, 12, 101)


@pytest.mark.parametrize("polyorder", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("window_length", [9, 11, 25, 101])
def test_agrees_with_scipy_up_to_the_ends(polyorder, window_length, rng):
    X = rng.uniform(size=(5, 101))
    width = (window_length - 1) * GRID.step
    smoother = PatternSmoother(width, polyorder=polyorder, grid=GRID)
    found = smoother.fit_transform(X)
    assert smoother.window_length_ == window_length
    expected = savgol_filter(X, window_length, polyorder, mode="interp")
    # scipy fits with powers of the position, whose errors grow with the order
    np.testing.assert_allclose(found, expected, atol=1e-10 if polyorder < 7 else 1e-6)
    single = smoother.transform(X.astype(np.float32))
    np.testing.assert_allclose(single, expected, atol=2e-6)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    coefficients=st.lists(st.floats(-10, 10), min_size=1, max_size=6),
    extra=st.integers(0, 3),
    half=st.integers(0, 40),
)
def test_polynomials_of_its_order_are_kept(coefficients, extra, half):
    x = np.linspace(-1, 1, 101)
    X = np.polynomial.Polynomial(coefficients)(x)[np.newaxis]
    order = len(coefficients) - 1 + extra
    smoother = PatternSmoother(2 * half * GRID.step, polyorder=order, grid=GRID)
    np.testing.assert_allclose(smoother.fit_transform(X), X, atol=1e-9)


def test_noise_shrinks_as_theory_says(rng):
    noise = rng.normal(size=(300, 101))
    smoother = PatternSmoother(0.2, polyorder=2, grid=GRID).fit(noise)
    # the variance of the middle of 11 points under a parabola: 89 / 429, the central weight
    found = smoother.transform(noise)[:, 10:-10].std()
    assert found == pytest.approx(np.sqrt(89 / 429), rel=0.03)


@pytest.mark.parametrize(("fwhm", "loss"), [(0.4, 0.02), (0.2, 0.12)])
def test_height_of_lines(fwhm, loss):
    """With the default width, lines twice as wide lose little and narrow ones up to a tenth."""
    line = np.exp(-4 * np.log(2) * ((GRID.two_theta - 11) / fwhm) ** 2)[np.newaxis]
    height = PatternSmoother(grid=GRID).fit_transform(line).max()
    assert 1 - loss < height < 1
    assert height < 1 - loss / 20


@pytest.mark.parametrize("params", [{"width": 0.0}, {"width": 0.04, "polyorder": 2}])
def test_too_few_points_change_nothing(params, rng):
    X = rng.uniform(size=(2, 101))
    np.testing.assert_array_equal(PatternSmoother(grid=GRID, **params).fit_transform(X), X)
    assert PatternSmoother(**params).fit_transform([[2.0]]).tolist() == [[2.0]]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"width": 2.1}, r"width=2.1 degrees spans 105 points, but the patterns have 101"),
        ({"width": -1}, "width"),
        ({"polyorder": 1.5}, "polyorder"),
        ({"grid": TwoThetaGrid(10, 80, 99)}, r"grid has 99 points, but .* n_features = 101"),
    ],
)
def test_bad_parameters(params, reason):
    with pytest.raises(ValueError, match=reason):
        PatternSmoother(**{"grid": GRID, **params}).fit(np.ones((2, 101)))
