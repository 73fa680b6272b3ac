import dataclasses
import pickle

import numpy as np
import pytest

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
