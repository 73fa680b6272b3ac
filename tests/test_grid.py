import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skxrd import TwoThetaGrid


def test_default_is_the_grid_of_the_paper():
    grid = TwoThetaGrid()
    assert grid.n_points == len(grid.two_theta) == 4501
    assert grid.step == pytest.approx(0.02, abs=1e-15)
    np.testing.assert_allclose(grid.two_theta, 0.02 * np.arange(4501), atol=1e-12)


def test_from_step_and_number_of_points_agree():
    assert TwoThetaGrid.from_step(0, 90, 0.02) == TwoThetaGrid(0, 90, 4501)
    assert TwoThetaGrid.from_step(5, 6, 1.0) == TwoThetaGrid(5, 6, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 90, 10), "start=-1"),
        ((10, 10, 10), "stop=10"),
        ((0, 181, 10), "stop=181"),
        ((float("nan"), 90, 10), "start=nan"),
        ((0, 90, 1), "n_points .* 1"),
        ((0, 90, 10.5), "n_points .* 10.5"),
        ((0, 90, 10.0), "n_points .* 10.0"),
    ],
)
def test_invalid_grids(arguments, message):
    with pytest.raises(ValueError, match=message):
        TwoThetaGrid(*arguments)


@pytest.mark.parametrize(("step", "message"), [(0, "positive"), (-1, "positive"), (0.7, "divide")])
def test_invalid_steps(step, message):
    with pytest.raises(ValueError, match=message):
        TwoThetaGrid.from_step(0, 90, step)


def test_a_grid_is_a_value():
    grid = TwoThetaGrid(10, 80, 351)
    assert grid == pickle.loads(pickle.dumps(grid)) == TwoThetaGrid(10.0, 80.0, 351)
    assert len({grid, TwoThetaGrid(10, 80, 351), TwoThetaGrid(10, 80, 352)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        grid.start = 0


def test_scattering_vector_and_spacing_are_reciprocal():
    grid = TwoThetaGrid(1, 150, 50)
    q, d = grid.q(1.54), grid.d_spacing(1.54)
    np.testing.assert_allclose(q * d, 2 * np.pi)
    assert (np.diff(q) > 0).all()
    # Bragg's law for d = 3.1355 angstrom, the 111 planes of silicon
    assert TwoThetaGrid(28.466, 60, 2).d_spacing(1.54184)[0] == pytest.approx(3.1355, abs=1e-3)


def test_spacing_at_zero_angle_is_infinite():
    assert TwoThetaGrid().d_spacing(1.54)[0] == np.inf


def test_bin_keeps_the_sum_and_the_nearest_point(rng):
    grid = TwoThetaGrid(10, 80, 351)
    two_theta = rng.uniform(10, 80, 200)
    intensity = rng.uniform(0, 1, 200)
    sticks = grid.bin(two_theta, intensity)
    assert sticks.sum() == pytest.approx(intensity.sum())
    for angle, height in zip(two_theta, intensity, strict=True):
        nearest = np.abs(grid.two_theta - angle).argmin()
        assert sticks[nearest] >= height - 1e-12


def test_bin_leaves_out_what_lies_outside():
    grid = TwoThetaGrid(10, 12, 3)
    assert grid.bin([9.4, 9.6, 12.4, 12.6], [1.0, 2.0, 4.0, 8.0]).tolist() == [2.0, 0.0, 4.0]
    assert grid.bin([], []).tolist() == [0.0, 0.0, 0.0]


def test_resample_is_exact_for_lines_and_zero_outside():
    grid = TwoThetaGrid(0, 90, 451)
    measured = np.linspace(10, 50, 77)
    profile = grid.resample(measured, 3 * measured + 1)
    inside = (grid.two_theta >= 10) & (grid.two_theta <= 50)
    np.testing.assert_allclose(profile[inside], 3 * grid.two_theta[inside] + 1)
    assert (profile[~inside] == 0).all()


@pytest.mark.parametrize(
    ("two_theta", "intensity", "message"),
    [
        ([1, 2, 3], [1, 2], "one length"),
        ([[1, 2]], [[1, 2]], "one-dimensional"),
        ([1, 3, 2], [1, 2, 3], "increase"),
        ([1, 1, 2], [1, 2, 3], "increase"),
    ],
)
def test_resample_refuses(two_theta, intensity, message):
    with pytest.raises(ValueError, match=message):
        TwoThetaGrid().resample(two_theta, intensity)


moderate = settings(deadline=None, max_examples=200, derandomize=True)
angles = st.floats(0, 180)


@st.composite
def grids(draw) -> TwoThetaGrid:
    start, stop = sorted([draw(angles), draw(angles)])
    assume(stop - start > 1e-3)
    return TwoThetaGrid(start, stop, draw(st.integers(2, 20_000)))


class TestProperties:
    @moderate
    @given(grids())
    def test_from_step_is_the_inverse_of_step(self, grid):
        assert TwoThetaGrid.from_step(grid.start, grid.stop, grid.step) == grid

    @moderate
    @given(grids())
    def test_angles_are_those_of_start_stop_and_step(self, grid):
        two_theta = grid.two_theta
        assert (two_theta[0], two_theta[-1], len(two_theta)) == (
            grid.start,
            grid.stop,
            grid.n_points,
        )
        np.testing.assert_allclose(np.diff(two_theta), grid.step, rtol=0, atol=1e-12)

    @moderate
    @given(grids(), st.lists(st.tuples(st.floats(-10, 190), st.floats(0, 1e6)), max_size=50))
    def test_bin_conserves_the_sum_of_lines_inside(self, grid, lines):
        two_theta, intensity = np.array(lines).reshape(-1, 2).T
        half = grid.step / 2
        sure = 1e-9 * 180  # lines on the very edge of a bin may go either way
        inside = (two_theta > grid.start - half + sure) & (two_theta < grid.stop + half - sure)
        outside = (two_theta < grid.start - half - sure) | (two_theta > grid.stop + half + sure)
        assume((inside | outside).all())
        sticks = grid.bin(two_theta, intensity)
        assert sticks.shape == (grid.n_points,)
        assert sticks.sum() == pytest.approx(intensity[inside].sum(), rel=1e-12)
        # Each line is found within half a step.
        for angle, height in zip(two_theta[inside], intensity[inside], strict=True):
            near = np.abs(grid.two_theta - angle) <= half + sure
            assert sticks[near].sum() >= height * (1 - 1e-12)

    @moderate
    @given(grids())
    def test_bin_keeps_lines_that_lie_on_the_grid(self, grid):
        heights = np.arange(1.0, grid.n_points + 1)
        np.testing.assert_array_equal(grid.bin(grid.two_theta, heights), heights)

    @moderate
    @given(grids(), st.integers(0, 2**32 - 1))
    def test_resample_is_exact_on_its_own_grid(self, grid, seed):
        profile = np.random.default_rng(seed).uniform(0, 1e5, grid.n_points)
        np.testing.assert_array_equal(grid.resample(grid.two_theta, profile), profile)

    @moderate
    @given(grids(), st.floats(0.1, 5))
    def test_scattering_vector_and_spacing_lead_back_to_the_angle(self, grid, wavelength):
        two_theta = grid.two_theta
        # The arc sine is flat at 180 degrees, where rounding noise of 1e-16 moves it by 1e-6.
        close = {"rtol": 0, "atol": 1e-5}
        sine = grid.q(wavelength) * wavelength / (4 * np.pi)
        np.testing.assert_allclose(
            2 * np.degrees(np.arcsin(np.minimum(sine, 1))), two_theta, **close
        )
        sine = wavelength / (2 * grid.d_spacing(wavelength))
        np.testing.assert_allclose(
            2 * np.degrees(np.arcsin(np.minimum(sine, 1))), two_theta, **close
        )
