"""Scaling and elimination of broadened and measured patterns."""

import numpy as np
import pytest

from skxrd import TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling
from skxrd.datasets import make_patterns
from skxrd.preprocessing import PeakBroadener

GRID = TwoThetaGrid(10, 80, 701)
POINTS = np.arange(GRID.n_points)
CENTERS = [100, 300, 550]


def peaks(heights=(10.0, 30.0, 20.0), sigma=6.0):
    return sum(
        height * np.exp(-0.5 * ((POINTS - center) / sigma) ** 2)
        for center, height in zip(CENTERS, heights, strict=True)
    )


def background():
    return 8.0 - 6.0 * POINTS / POINTS[-1]


def noisy_patterns():
    rng = np.random.default_rng(0)
    expected = 20 * (peaks() + background())
    return rng.poisson(expected, size=(20, GRID.n_points)).astype(float)


def broadened_patterns():
    X, _ = make_patterns(20, grid=GRID, random_state=0)
    return PeakBroadener(0.5, grid=GRID).fit_transform(100 * X).clip(0)


def test_an_isolated_peak_is_scaled_as_a_whole():
    X = np.tile(peaks(), (30, 1))
    scaling = PeakScaling(epsilon=0.5, mode="multiplicative", peaks="profiles", random_state=0)
    scaled = scaling.fit_transform(X)
    found = []
    for center in CENTERS:
        flanks = slice(center - 20, center + 21)
        ratio = scaled[:, flanks] / X[:, flanks]
        np.testing.assert_allclose(ratio, np.tile(ratio[:, 20:21], 41), rtol=1e-6)
        found.append(ratio[:, 20])
    found = np.array(found)
    assert found.min() < 0.6
    assert found.max() > 1.4
    assert len(np.unique(found.round(9))) == 90  # each peak of each pattern has its own factor


def test_removal_leaves_a_sloping_background_behind():
    X = (peaks() + background())[None]
    removed = PeakElimination(1.0, removal=1.0, peaks="profiles").fit_transform(X)
    np.testing.assert_allclose(removed[0], background(), atol=0.1)
    assert X.max() > 30


def test_a_removed_neighbor_leaves_no_hole_in_an_overlap():
    pair = np.exp(-0.5 * ((POINTS - 300) / 8.0) ** 2) + np.exp(-0.5 * ((POINTS - 325) / 8.0) ** 2)
    valley = pair[300:326].min()
    X = np.tile(pair, (40, 1))
    elimination = PeakElimination(0.5, removal=1.0, peaks="profiles", random_state=0)
    changed = elimination.fit_transform(X)
    # What is left of a peak is the line from the valley to the next one, here the end of the grid.
    assert (changed[:, 300:326].min(axis=1) >= 0.95 * valley).all()
    # all four combinations of two peaks that stay or go
    stay = changed[:, [300, 325]] > 0.9
    assert len(np.unique(stay, axis=0)) == 4


@pytest.mark.parametrize("make", [broadened_patterns, noisy_patterns])
@pytest.mark.parametrize(
    ("augmentation", "largest_factor"),
    [
        (PeakScaling(1.0, 0.12, peaks="profiles"), 2.12),
        (PeakScaling(0.5, 0.9, mode="multiplicative", peaks="profiles"), 1.9),
        (PeakElimination(0.5, peaks="profiles"), 1.0),
    ],
    ids=["additive", "multiplicative", "elimination"],
)
def test_profiles_stay_continuous_and_positive(make, augmentation, largest_factor):
    X = make()
    changed = augmentation.set_params(random_state=0).fit_transform(X)
    assert np.isfinite(changed).all()
    assert changed.min() >= -1e-9 * X.max()
    jump = np.abs(np.diff(X, axis=1)).max(axis=1)
    new_jump = np.abs(np.diff(changed, axis=1)).max(axis=1)
    assert (new_jump <= 1.05 * largest_factor * jump).all()
    assert not np.allclose(changed, X, rtol=0.01)


def test_elimination_never_goes_below_the_lowest_points_nearby():
    X = noisy_patterns()
    changed = PeakElimination(0.5, removal=1.0, peaks="profiles", random_state=0).fit_transform(X)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(X, ((0, 0), (60, 60)), mode="edge"), 121, axis=1
    )
    assert (changed >= windows.min(axis=2) - 1e-9).all()
    assert (changed <= X + 1e-9).all()


def test_a_wider_window_sees_fewer_peaks():
    X = noisy_patterns()
    total = [
        PeakElimination(1.0, removal=1.0, peaks="profiles", width=width).fit_transform(X).sum()
        for width in (1, 5, 30)
    ]
    # fewer peaks are higher above the lines between their valleys: more is removed
    assert total[0] > total[1] > total[2]


def test_a_factor_of_one_is_the_identity():
    X = noisy_patterns()
    scaling = PeakScaling(epsilon=0, mode="multiplicative", peaks="profiles")
    np.testing.assert_allclose(scaling.fit_transform(X), X)


def test_two_peaks_within_the_width_count_as_one():
    X = np.zeros((30, 60))
    X[:, 26:35] = [1, 2, 3, 2.5, 3.2, 2.5, 2, 1, 0.5]
    scaling = PeakScaling(epsilon=0.5, mode="multiplicative", peaks="profiles", random_state=0)
    ratio = scaling.fit_transform(X)[:, 26:35] / X[:, 26:35]
    np.testing.assert_allclose(ratio, np.tile(ratio[:, :1], 9))
    one_each = scaling.set_params(width=1).fit_transform(X)
    assert not np.allclose(one_each[:, 28] / 3, one_each[:, 30] / 3.2)


@pytest.mark.parametrize("n_points", [1, 2, 3])
def test_short_patterns(n_points, rng):
    X = rng.uniform(size=(4, n_points))
    changed = PeakScaling(peaks="profiles", random_state=0).fit_transform(X)
    assert changed.shape == X.shape
    assert np.isfinite(changed).all()


def test_a_plateau_is_one_peak():
    X = np.zeros((20, 40))
    X[:, 18:22] = 1.0
    scaling = PeakScaling(epsilon=0.5, mode="multiplicative", peaks="profiles", random_state=0)
    scaled = scaling.fit_transform(X)
    np.testing.assert_allclose(scaled[:, 18:22], np.tile(scaled[:, 18:19], 4))
    assert scaled.std() > 0
