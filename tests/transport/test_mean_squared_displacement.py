"""The mean squared displacement is that of the sum over all origins, written out."""

import numpy as np
import pytest

from skxrd.exceptions import TrajectoryError
from skxrd.transport import mean_squared_displacement
from skxrd.transport._diffusion import _mean_squared_displacement as module


def brute_force(positions, max_lag):
    """As (max_lag + 1, n_ions)."""
    n_frames = len(positions)
    return np.array(
        [
            np.square(positions[lag:] - positions[: n_frames - lag]).sum(axis=2).mean(axis=0)
            for lag in range(max_lag + 1)
        ]
    )


@pytest.fixture
def walk(rng):
    return 50 + rng.normal(size=(257, 7, 3)).cumsum(axis=0)


def test_equals_brute_force(walk):
    expected = brute_force(walk, 256)
    per_ion = mean_squared_displacement(walk, per_ion=True)
    np.testing.assert_allclose(per_ion, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        mean_squared_displacement(walk), expected.mean(axis=1), rtol=1e-10, atol=1e-12
    )


def test_collective_equals_brute_force(walk):
    total = walk.sum(axis=1, keepdims=True)
    expected = brute_force(total, 256)[:, 0] / 7
    found = mean_squared_displacement(walk, collective=True)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("max_lag", [0, 1, 7, 128, 256])
def test_max_lag_cuts_and_changes_nothing(walk, max_lag):
    found = mean_squared_displacement(walk, max_lag=max_lag)
    np.testing.assert_allclose(found, brute_force(walk, max_lag).mean(axis=1), rtol=1e-10)
    assert found.shape == (max_lag + 1,)
    assert found[0] == 0


@pytest.mark.parametrize("n_frames", [1, 2, 3, 16, 17, 31])
def test_any_number_of_frames(rng, n_frames):
    walk = rng.normal(size=(n_frames, 2, 3)).cumsum(axis=0)
    found = mean_squared_displacement(walk)
    np.testing.assert_allclose(found, brute_force(walk, n_frames - 1).mean(axis=1), rtol=1e-9)


def test_blocks_of_ions_change_nothing(walk, monkeypatch):
    whole = [mean_squared_displacement(walk, collective=both) for both in (False, True)]
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    blocks = [mean_squared_displacement(walk, collective=both) for both in (False, True)]
    np.testing.assert_allclose(blocks, whole, rtol=1e-12)
    np.testing.assert_allclose(
        mean_squared_displacement(walk, per_ion=True).mean(axis=1), whole[0], rtol=1e-12
    )


def test_far_from_the_origin_digits_are_kept(rng):
    steps = 0.01 * rng.normal(size=(300, 3, 3))
    near = mean_squared_displacement(steps)
    np.testing.assert_allclose(mean_squared_displacement(1e4 + steps), near, rtol=1e-8)


def test_memory_map_single_precision_and_one_axis(walk, tmp_path):
    np.save(tmp_path / "walk.npy", walk.astype(np.float32))
    mapped = np.load(tmp_path / "walk.npy", mmap_mode="r")
    before = mapped.copy()
    found = mean_squared_displacement(mapped[..., :1])
    expected = brute_force(mapped[..., :1].astype(float), 256).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(mapped, before)


def test_ions_at_rest_do_not_move():
    found = mean_squared_displacement(np.full((50, 2, 3), 0.1))
    assert found.shape == (50,)
    assert found.max() < 1e-30


def test_input_is_not_changed(walk):
    before = walk.copy()
    mean_squared_displacement(walk)
    mean_squared_displacement(walk, collective=True)
    np.testing.assert_array_equal(walk, before)


@pytest.mark.parametrize(
    ("displacements", "message"),
    [
        (np.zeros((5, 3)), r"shape \(n_frames, n_ions, n_dimensions\).*\(5, 3\)"),
        (np.zeros((5, 0, 3)), r"none of them zero.*\(5, 0, 3\)"),
        (np.zeros((5, 2, 3), dtype=complex), "real numbers.*complex128"),
        (np.full((5, 2, 3), np.nan), "ions 0 to 1 are not all finite"),
    ],
)
def test_bad_displacements(displacements, message):
    with pytest.raises(TrajectoryError, match=message):
        mean_squared_displacement(displacements)


def test_bad_arguments(walk):
    with pytest.raises(TrajectoryError, match=r"max_lag=257 needs at least 258 frames.* has 257"):
        mean_squared_displacement(walk, max_lag=257)
    with pytest.raises(ValueError, match="per_ion=True cannot keep them apart"):
        mean_squared_displacement(walk, collective=True, per_ion=True)
    with pytest.raises(ValueError, match="'max_lag' parameter"):
        mean_squared_displacement(walk, max_lag=-1)
