import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from skxrd.augmentation import PeakShift
from skxrd.augmentation._shift import shift_patterns


def sticks(n_patterns, n_points, at):
    X = np.zeros((n_patterns, n_points))
    X[:, at] = 1.0
    return X


def test_shift_by_hand():
    X = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).repeat(5, 1)
    moved = shift_patterns(X, torch.tensor([0, 1, -1, 3, -4]))
    assert moved.tolist() == [
        [1, 2, 3, 4],
        [0, 1, 2, 3],  # nothing is wrapped: zeros come in
        [2, 3, 4, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]


def test_bounds_and_both_directions():
    positions = PeakShift(7, random_state=0).fit_transform(sticks(2000, 101, 50)).argmax(axis=1)
    assert positions.min() == 43
    assert positions.max() == 57


def test_distribution_is_uniform_and_rounded_to_the_nearest_point():
    delta, n = 3, 20_000
    positions = PeakShift(delta, random_state=0).fit_transform(sticks(n, 21, 10)).argmax(axis=1)
    observed = np.bincount(positions - 10 + delta, minlength=2 * delta + 1)
    # A uniform number in (-3, 3) rounds to an end in half as many cases as to another integer.
    share = np.array([0.5, 1, 1, 1, 1, 1, 0.5]) / (2 * delta)
    assert chisquare(observed, n * share).pvalue > 0.01


def test_all_peaks_of_a_pattern_move_together():
    X = np.zeros((50, 101))
    X[:, [30, 50, 70]] = [1.0, 2.0, 3.0]
    shifted = PeakShift(20, random_state=0).fit_transform(X)
    rows, points = shifted.nonzero()
    assert np.bincount(rows).tolist() == [3] * 50
    assert (np.diff(points.reshape(50, 3)) == 20).all()
    assert (shifted[rows, points].reshape(50, 3) == [1.0, 2.0, 3.0]).all()


def test_peaks_that_leave_the_grid_are_lost():
    shifted = PeakShift(9, random_state=0).fit_transform(sticks(500, 10, 9))
    assert set(shifted.sum(axis=1)) == {0.0, 1.0}
    left = PeakShift(9, random_state=0).fit_transform(sticks(500, 10, 0))
    # The same draw: a stick at the first point is lost where one at the last point is kept.
    assert ((left.sum(axis=1) == 1) == (shifted[:, 0:9].sum(axis=1) == 0)).all()


@pytest.mark.parametrize("delta", [0, 0.49])
def test_less_than_half_a_point_is_the_identity(delta, rng):
    X = rng.uniform(size=(20, 30))
    np.testing.assert_array_equal(PeakShift(delta, random_state=0).fit_transform(X), X)


def test_a_shift_of_the_whole_range_is_refused():
    with pytest.raises(ValueError, match=r"delta=10 .* n_features = 10"):
        PeakShift(10).fit(np.ones((2, 10)))
    PeakShift(9).fit(np.ones((2, 10)))
