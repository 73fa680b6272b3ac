"""The hop model is what its truth says."""

import numpy as np
import pytest

from skxrd.datasets import make_hopping_trajectory
from skxrd.transport import mean_squared_displacement


def mobile(trajectory):
    return trajectory.displacements("Li")


def test_shapes_units_and_wrapping():
    trajectory = make_hopping_trajectory(10, 50, n_framework=7, time_step=10, random_state=0)
    assert trajectory.positions.shape == (50, 17, 3)
    assert trajectory.species.tolist() == ["Li"] * 10 + ["S"] * 7
    assert trajectory.time_step == 10
    assert trajectory.temperature == 600
    assert not trajectory.is_unwrapped
    assert trajectory.positions.min() >= 0
    assert trajectory.positions.max() < 1
    np.testing.assert_array_equal(trajectory.lattice, 15 * np.eye(3))


def test_one_seed_gives_one_trajectory():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (
        make_hopping_trajectory(5, 20, random_state=seed).positions for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_hops_are_those_of_a_lattice():
    trajectory = make_hopping_trajectory(
        200, 1000, vibration=0, hop_length=2.5, hop_rate=1.0, n_framework=0, random_state=0
    )
    steps = np.diff(mobile(trajectory), axis=0)
    lengths = np.abs(steps).sum(axis=2)
    assert set(np.unique(lengths.round(9))) == {0.0, 2.5}  # one axis at a time
    n_hops = np.count_nonzero(lengths > 1)
    expected = 1.0 * 0.02 * 999 * 200
    assert abs(n_hops - expected) < 4 * np.sqrt(expected)
    per_axis = np.count_nonzero(np.abs(steps) > 1, axis=(0, 1))
    assert np.abs(per_axis - expected / 3).max() < 4 * np.sqrt(expected / 3)


def test_vibrations_are_an_ornstein_uhlenbeck_process():
    trajectory = make_hopping_trajectory(200, 1000, hop_rate=0, n_framework=0, random_state=0)
    found = mean_squared_displacement(mobile(trajectory), max_lag=60)
    expected = 6 * 0.35**2 * (1 - np.exp(-np.arange(61) * 20 / 100))
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_common_motion_is_common():
    trajectory = make_hopping_trajectory(
        4, 4000, hop_rate=0, vibration=0, n_framework=0, common_diffusivity=1e-5, random_state=0
    )
    paths = mobile(trajectory)
    np.testing.assert_allclose(paths, paths[:, :1] * np.ones((1, 4, 1)), atol=1e-9)
    step = np.square(np.diff(paths[:, 0], axis=0)).sum(axis=1).mean()
    assert step == pytest.approx(6 * 1e-5 * 10 * 20, rel=0.06)  # 1 cm2/s is 10 square A per fs


def test_sites_are_distinct_and_the_cell_holds_them():
    trajectory = make_hopping_trajectory(
        300, 1, vibration=0, n_framework=10, hop_length=3, random_state=0
    )
    sites = trajectory.positions[0]
    assert len(np.unique(sites[:300].round(6), axis=0)) == 300
    assert trajectory.lattice[0, 0] == 21  # 7 cells: 6**3 sites are too few
    distance = np.linalg.norm(sites[300:, None] - sites[None, :300], axis=2)
    assert (distance * 21).min() > 2.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hop_rate": 51.0}, "makes 1.02 hops per frame"),
        ({"n_ions": 0}, "'n_ions' parameter"),
        ({"n_frames": 0}, "'n_frames' parameter"),
        ({"hop_length": 0.0}, "'hop_length' parameter"),
        ({"vibration": -0.1}, "'vibration' parameter"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_hopping_trajectory(**arguments)
