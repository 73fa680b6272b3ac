"""How strong lines become: jitter, limit of detection, texture, second phases."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from skxrd import TwoThetaGrid
from skxrd._tensors import to_tensor
from skxrd.augmentation import DetectionLimit, ImpurityPhase, IntensityJitter, PreferredOrientation
from skxrd.augmentation._lines import find_lines

GRID = TwoThetaGrid(10, 80, 3501)


def test_jitter_is_log_normal_with_mean_one():
    factors = IntensityJitter(0.3, random_state=0).fit_transform(np.ones((4, 20_000))).ravel()
    sigma = np.sqrt(np.log1p(0.3**2))
    assert kstest((np.log(factors) + sigma**2 / 2) / sigma, "norm").pvalue > 0.01
    assert factors.mean() == pytest.approx(1, abs=0.005)
    assert factors.std() == pytest.approx(0.3, rel=0.02)


def test_jitter_moves_nothing(rng):
    X = rng.uniform(size=(3, 900)) * (rng.uniform(size=(3, 900)) < 0.1)
    jittered = IntensityJitter(0.5, random_state=0).fit_transform(X)
    np.testing.assert_array_equal(jittered > 0, X > 0)
    np.testing.assert_array_equal(IntensityJitter(0).fit_transform(X), X)


def test_detection_limit_is_log_uniform_and_relative_to_the_strongest_line():
    X = np.zeros((3000, 1001))
    X[:, 1:] = 7 * np.geomspace(1e-4, 1, 1000)
    kept = DetectionLimit(0.001, 0.1, random_state=0).fit_transform(X)
    limit = np.where(kept > 0, kept, np.inf).min(axis=1) / 7
    assert kstest(np.log10(limit), "uniform", (-3, 2)).pvalue > 0.01
    assert set(np.unique(kept)) <= set(np.unique(X))


def test_bounds_of_the_detection_limit_must_be_in_order():
    with pytest.raises(ValueError, match=r"min_limit=0.1 must not be above max_limit=0.01"):
        DetectionLimit(0.1, 0.01).fit(np.ones((1, 5)))


def test_march_dollase_by_hand():
    angles = np.array([0.0, 30.0, 90.0])
    factors = PreferredOrientation(2.0, angles=angles, random_state=0).fit_transform(
        np.ones((9, 3))
    )
    # at 0 degrees W = r^-3, at 90 degrees r^1.5
    ratio = factors[:, 0] ** (-1 / 3)
    np.testing.assert_allclose(factors[:, 2], ratio**1.5)
    np.testing.assert_allclose(factors[:, 1], (ratio**2 * 0.75 + 0.25 / ratio) ** -1.5)
    assert (ratio >= 0.5).all()
    assert (ratio <= 2).all()
    assert len(np.unique(ratio)) == 9


def test_march_dollase_is_averaged_over_equivalent_planes():
    angles = np.array([[0.0, 90.0, 90.0], [0.0, np.nan, np.nan]])
    texture = PreferredOrientation(1.5, angles=angles, random_state=0)
    factors = texture.fit_transform(np.ones((1, 2)))[0]
    ratio = factors[1] ** (-1 / 3)
    np.testing.assert_allclose(factors[0], (ratio**-3 + 2 * ratio**1.5) / 3)


def test_march_dollase_has_mean_one_over_the_sphere():
    angles = np.degrees(np.arccos((np.arange(20_000) + 0.5) / 20_000))
    factors = PreferredOrientation(1.8, angles=angles, random_state=0).fit_transform(
        np.ones((6, 20_000))
    )
    np.testing.assert_allclose(factors.mean(axis=1), 1, rtol=1e-6)


def test_made_up_texture_keeps_the_expected_intensity_and_is_smooth_in_d():
    X = np.ones((3000, 351))
    grid = TwoThetaGrid(10, 80, 351)
    factors = PreferredOrientation(1.5, correlation=0.1, grid=grid, random_state=0).fit_transform(X)
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.05)
    assert factors.std() > 0.15
    assert factors.min() >= 1.5**-3 - 1e-9
    assert factors.max() <= 1.5**3 + 1e-9
    log_d = -np.log(np.sin(np.radians(grid.two_theta) / 2))
    near = abs(log_d - log_d[100] - 0.01).argmin(), abs(log_d - log_d[100] - 0.5).argmin()
    at_home = factors[:, 100]
    assert np.corrcoef(at_home, factors[:, near[0]])[0, 1] > 0.95
    assert abs(np.corrcoef(at_home, factors[:, near[1]])[0, 1]) < 0.1


def test_angles_that_are_not_known_are_made_up():
    angles = np.full(3501, np.nan)
    angles[1000] = 45.0
    texture = PreferredOrientation(1.5, angles=angles, grid=GRID, random_state=0)
    factors = texture.fit_transform(np.ones((4, 3501)))
    without = texture.set_params(angles=None).fit_transform(np.ones((4, 3501)))
    same = factors == without
    assert same[:, np.arange(3501) != 1000].all()
    assert not same[:, 1000].any()


def test_angles_of_another_number_of_points_are_refused():
    with pytest.raises(ValueError, match=r"angles has 2 rows, but .* n_features = 3"):
        PreferredOrientation(angles=[0, 90]).fit(np.ones((1, 3)))


@pytest.mark.parametrize(
    ("angles", "reason"),
    [
        (["a", "b", "c"], "angles must be numbers.*strings"),
        ([0.0, np.inf, 90.0], "angles must be numbers.*infinity"),
        (np.array(45.0), "angles must be.*scalar"),
        (np.ones((3, 0)), r"angles must be.*0 feature\(s\)"),
        (np.ones((3, 2, 2)), "angles must be.*dim 3"),
        ([[0.0], [30.0, 60.0], [90.0]], "angles must be.*inhomogeneous"),
    ],
)
def test_angles_that_are_none(angles, reason):
    with pytest.raises(ValueError, match=reason):
        PreferredOrientation(angles=angles).fit(np.ones((1, 3)))


def test_impurity_keeps_the_total_intensity_and_is_another_pattern():
    n = 40
    X = np.diag(np.arange(1.0, n + 1))
    mixed = ImpurityPhase(0.3, random_state=0).fit_transform(X)
    np.testing.assert_allclose(mixed.sum(axis=1), X.sum(axis=1))
    own = np.diag(mixed) / np.diag(X)
    assert own.min() >= 0.7
    assert own.max() < 1
    others = (mixed > 0).sum(axis=1) - 1
    np.testing.assert_array_equal(others, 1)
    np.testing.assert_array_equal((mixed > 0).sum(axis=0), 2)  # each one serves once
    assert kstest(1 - own, "uniform", (0, 0.3)).pvalue > 0.01


def test_nothing_to_mix_with():
    alone = np.ones((1, 9))
    np.testing.assert_array_equal(ImpurityPhase().fit_transform(alone), alone)
    with_empty = np.stack([np.ones(9), np.zeros(9)])
    np.testing.assert_array_equal(ImpurityPhase().fit_transform(with_empty), with_empty)


@pytest.mark.parametrize(
    "cls", [DetectionLimit, ImpurityPhase, IntensityJitter, PreferredOrientation]
)
def test_empty_patterns_stay_empty(cls):
    empty = np.zeros((3, 20))
    np.testing.assert_array_equal(cls().fit_transform(empty), empty)


def test_lines_are_found_where_the_sticks_are(rng):
    X = rng.uniform(size=(4, 3501)) * (rng.uniform(size=(4, 3501)) < 0.03)
    lines = find_lines(to_tensor(X), GRID)
    rows, points = X.nonzero()
    assert torch.equal(lines.row, torch.from_numpy(rows))
    np.testing.assert_array_equal(lines.position, points)
    np.testing.assert_allclose(np.degrees(2 * lines.theta.numpy()), GRID.two_theta[points])
