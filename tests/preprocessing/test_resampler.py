import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skxrd import TwoThetaGrid
from skxrd.exceptions import PatternWarning
from skxrd.preprocessing import PatternResampler, RangeSelector

PROPERTY = settings(deadline=None, max_examples=80, derandomize=True)
OTHER_RANGE = pytest.mark.filterwarnings("ignore:New grid:skxrd.exceptions.PatternWarning")


@st.composite
def grids(draw, low=0.0, high=180.0):
    start = draw(st.floats(low, high - 1))
    stop = draw(st.floats(start + 1, high))
    return TwoThetaGrid(start, stop, draw(st.integers(2, 300)))


def area(X, grid):
    return X.sum(axis=1) * grid.step


def edges(grid):
    return np.append(grid.two_theta - grid.step / 2, grid.stop + grid.step / 2)


@OTHER_RANGE
@PROPERTY
@given(source=grids(20, 120), n_points=st.integers(2, 400))
def test_area_is_kept_on_any_grid_that_covers_the_patterns(source, n_points):
    target = TwoThetaGrid(0, 180, n_points)
    X = np.random.default_rng(0).uniform(0, 100, size=(3, source.n_points))
    covered = (edges(source)[:-1] >= edges(target)[0]) & (edges(source)[1:] <= edges(target)[-1])
    X[:, ~covered] = 0
    found = PatternResampler(target, input_grid=source, method="area").fit_transform(X)
    np.testing.assert_allclose(area(found, target), area(X, source), rtol=1e-9)
    assert (found >= 0).all()


@OTHER_RANGE
@PROPERTY
@given(source=grids(), target=grids())
def test_area_agrees_with_the_integral_of_steps(source, target):
    """An independent way: interpolate the running integral at the edges of the new steps."""
    assume(source.start <= target.stop and target.start <= source.stop)
    X = np.random.default_rng(1).normal(size=(2, source.n_points))
    found = PatternResampler(target, input_grid=source, method="area").fit_transform(X)
    integral = np.pad(np.cumsum(X, axis=1), ((0, 0), (1, 0))) * source.step
    expected = [np.diff(np.interp(edges(target), edges(source), row)) for row in integral]
    scale = np.abs(integral).max()
    np.testing.assert_allclose(found * target.step, expected, atol=1e-9 * scale)


@OTHER_RANGE
@PROPERTY
@given(source=grids(), target=grids())
def test_linear_agrees_with_numpy(source, target):
    assume(source.start <= target.stop and target.start <= source.stop)
    X = np.random.default_rng(2).normal(size=(2, source.n_points))
    found = PatternResampler(target, input_grid=source).fit_transform(X)
    expected = [np.interp(target.two_theta, source.two_theta, row, 0.0, 0.0) for row in X]
    # at the ends, rounding decides between the last value and zero
    clear = (np.abs(target.two_theta - source.start) > 1e-4 * source.step) & (
        np.abs(target.two_theta - source.stop) > 1e-4 * source.step
    )
    np.testing.assert_allclose(found[:, clear], np.array(expected)[:, clear], atol=1e-7)


@pytest.mark.parametrize("ratio", [2, 5, 7])
def test_whole_steps_are_averaged_and_repeated(ratio, rng):
    fine = TwoThetaGrid(10.05, 10.05 + 0.1 * (70 * ratio - 1), 70 * ratio)
    step = fine.step * ratio
    start = fine.start - fine.step / 2 + step / 2
    coarse = TwoThetaGrid(start, start + 69 * step, 70)
    X = rng.uniform(size=(3, 70 * ratio))
    down = PatternResampler(coarse, input_grid=fine, method="area").fit_transform(X)
    np.testing.assert_allclose(down, X.reshape(3, 70, ratio).mean(axis=2), rtol=1e-9)
    up = PatternResampler(fine, input_grid=coarse, method="area").fit_transform(down)
    np.testing.assert_allclose(up, np.repeat(down, ratio, axis=1), rtol=1e-6)


def test_area_on_the_same_grid_is_the_identity(rng):
    X = rng.normal(size=(4, 351))
    grid = TwoThetaGrid(10, 80, 351)
    found = PatternResampler(grid, input_grid=grid, method="area").fit_transform(X)
    np.testing.assert_allclose(found, X, atol=1e-9)


def test_sticks_survive_only_by_area(rng):
    fine, coarse = TwoThetaGrid(0, 90, 4501), TwoThetaGrid(0, 90, 901)
    sticks = np.zeros((20, 4501))
    sticks[np.arange(20)[:, None], rng.integers(500, 4000, size=(20, 30))] = 1.0
    kept = PatternResampler(coarse, method="area").fit_transform(sticks)
    np.testing.assert_allclose(area(kept, coarse), area(sticks, fine))
    lost = PatternResampler(coarse).fit_transform(sticks)
    # each point of the coarse grid reads one of five: areas are right only on average
    assert area(lost, coarse).std() > 0.05 * area(sticks, fine).mean()


@OTHER_RANGE
def test_nothing_outside(rng):
    X = rng.uniform(1, 2, size=(2, 351))
    target = TwoThetaGrid(0, 90, 91)
    found = PatternResampler(target, input_grid=TwoThetaGrid(10, 80, 351), method="area")
    rows = found.fit_transform(X)
    inside = (target.two_theta >= 10) & (target.two_theta <= 80)
    assert (rows[:, inside] > 0).all()
    assert (rows[:, ~inside] == 0).all()


@pytest.mark.parametrize("method", ["linear", "area"])
def test_grids_without_a_common_angle(method):
    target = TwoThetaGrid(60, 80, 21)
    resampler = PatternResampler(target, input_grid=TwoThetaGrid(10, 50, 41), method=method)
    with pytest.raises(ValueError, match=r"grid, 60 to 80 .* input_grid, 10 to 50 .* no angle in"):
        resampler.fit(np.ones((2, 41)))


@pytest.mark.parametrize("method", ["linear", "area"])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            TwoThetaGrid(20, 80, 601),
            r"20 to 80 degrees: 10 to (20|19\.95) degrees of the patterns are lost.",
        ),
        (
            TwoThetaGrid(10, 90, 801),
            r"10 to 90 degrees: 80(\.01)? to 90 of it was not measured and is",
        ),
        (
            TwoThetaGrid(5, 60, 551),
            r"60(\.05)? to 80 degrees of the patterns are lost; 5 to (10|9\.995) of it was",
        ),
    ],
)
def test_what_lies_apart_is_told(method, target, message):
    resampler = PatternResampler(target, input_grid=TwoThetaGrid(10, 80, 7001), method=method)
    with pytest.warns(PatternWarning, match=message) as caught:
        resampler.fit(np.ones((1, 7001)))
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("method", ["linear", "area"])
def test_ranges_of_points_that_agree_are_no_reason_to_warn(method):
    X = np.ones((1, 4501))
    PatternResampler(TwoThetaGrid(0, 90, 901), method=method).fit(X)
    selector = RangeSelector(20, 60).fit(X)
    target = TwoThetaGrid(20, 60, 401)
    resampler = PatternResampler(target, input_grid=selector.grid_, method=method)
    assert resampler.fit_transform(selector.transform(X)).shape == (1, 401)


def test_unknown_method():
    with pytest.raises(ValueError, match=r"method.*'area'.*'spline'"):
        PatternResampler(method="spline").fit(np.ones((1, 5)))
