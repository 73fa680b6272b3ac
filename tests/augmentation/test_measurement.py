"""What a measurement adds: background, noise of counting, the range of a scan."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest, poisson
from sklearn.pipeline import make_pipeline

from skxrd import TwoThetaGrid
from skxrd.augmentation import BackgroundDrift, CountingNoise, RangeMask
from skxrd.augmentation._noise import draw_counts

GRID = TwoThetaGrid(10, 80, 701)
N = 20_000


@pytest.mark.parametrize("rate", [0.0, 0.2, 3.0, 9.9, 10.0, 14.5, 40.0, 1000.0])
def test_counts_are_poisson(rate):
    generator = torch.Generator().manual_seed(0)
    counts = draw_counts(torch.full((1, N), rate, dtype=torch.float64), generator).numpy().ravel()
    assert (counts == counts.astype(int)).all()
    assert counts.min() >= 0
    if rate == 0:
        assert not counts.any()
        return
    low, high = poisson.ppf([1e-3, 1 - 1e-3], rate).astype(int)
    values = np.arange(low, high + 1)
    expected = poisson.pmf(values, rate)
    expected[0], expected[-1] = poisson.cdf(low, rate), poisson.sf(high - 1, rate)
    observed = np.bincount(counts.clip(low, high).astype(int) - low, minlength=len(values))
    assert chisquare(observed, N * expected / expected.sum()).pvalue > 1e-3


def test_cumulative_probabilities_of_many_counts():
    # The worst case is the lowest rate that is not drawn one by one.
    generator = torch.Generator().manual_seed(0)
    rate, n = 10.0, 4_000_000
    counts = draw_counts(torch.full((n,), rate), generator).numpy()
    values = np.arange(1, 25)
    found = np.searchsorted(np.sort(counts), values, side="right") / n
    assert abs(found - poisson.cdf(values, rate)).max() < 0.0008 + 4 * 0.5 / np.sqrt(n)
    assert counts.mean() == pytest.approx(rate, abs=4 * np.sqrt(rate / n))


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e4])
def test_noise_keeps_the_scale_and_the_expected_pattern(scale):
    pattern = scale * np.linspace(0, 1, 50)
    noisy = CountingNoise(2000, 2000, random_state=0).fit_transform(np.tile(pattern, (4000, 1)))
    error = scale * np.sqrt(np.linspace(0, 1, 50) / 2000)
    assert (abs(noisy.mean(axis=0) - pattern) <= 4 * error / np.sqrt(4000)).all()
    np.testing.assert_allclose(noisy.std(axis=0), error, rtol=0.08)
    assert not noisy[:, 0].any()


def test_the_level_of_counts_is_log_uniform():
    X = np.ones((400, 4000))
    noisy = CountingNoise(100, 10_000, random_state=0).fit_transform(X)
    level = np.log10(1 / noisy.var(axis=1))
    assert kstest(level, "uniform", (2, 2)).pvalue > 0.01


def test_empty_and_negative_patterns_have_no_counts():
    X = np.stack([np.zeros(20), -np.ones(20)])
    np.testing.assert_array_equal(CountingNoise().fit_transform(X), 0)


def test_background_is_positive_bounded_smooth_and_scales_with_the_pattern():
    X = np.zeros((300, GRID.n_points))
    X[:, 100] = np.geomspace(0.1, 1000, 300)
    drift = BackgroundDrift(0.1, max_hump=0.2, grid=GRID, random_state=0)
    background = (drift.fit_transform(X) - X) / X.max(axis=1, keepdims=True)
    assert background.min() >= -1e-12
    assert 0.2 < background.max() <= 0.3
    assert abs(np.diff(background)).max() < 0.02
    same = drift.fit_transform(1000 * X)
    np.testing.assert_allclose(same, 1000 * drift.fit_transform(X))


def test_the_hump_lies_where_it_should():
    X = np.eye(200, GRID.n_points, k=500)
    hump = BackgroundDrift(
        0, max_hump=1, min_center=30, max_center=40, min_width=6, max_width=6, grid=GRID
    )
    background = hump.set_params(random_state=0).fit_transform(X) - X
    center = GRID.two_theta[background.argmax(axis=1)]
    assert 30 <= center.min() < 31
    assert 39 < center.max() <= 40
    high = background > background.max(axis=1, keepdims=True) / 2
    np.testing.assert_allclose(high.sum(axis=1) * GRID.step, 6, atol=2 * GRID.step)


def test_the_halo_of_a_film_lies_beside_a_hump_of_glass():
    X = np.eye(40, 4501, k=3000)
    glass = BackgroundDrift(0, max_hump=0.1, min_center=22, max_center=22, random_state=0)
    film = BackgroundDrift(
        0, max_hump=0.3, min_center=5.6, max_center=6, min_width=1, max_width=2, random_state=1
    )
    background = make_pipeline(glass, film).fit_transform(X) - X
    two_theta = TwoThetaGrid().two_theta
    low = two_theta < 10
    center = two_theta[low][background[:, low].argmax(axis=1)]
    assert abs(center - 5.8).max() < 0.25
    alone = glass.fit_transform(X) - X
    np.testing.assert_allclose(background[:, two_theta > 15], alone[:, two_theta > 15], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_hump_is_nothing_far_away(dtype):
    X = np.eye(1, 4501, k=4000, dtype=dtype)
    hump = BackgroundDrift(0, max_hump=1, min_center=5, max_center=5, min_width=1, max_width=1)
    background = hump.set_params(random_state=0).fit_transform(X) - X
    theory = np.exp(-4 * np.log(2) * (TwoThetaGrid().two_theta - 5) ** 2)
    np.testing.assert_allclose(background[0] / background.max(), theory, atol=1e-6)


def test_a_polynomial_of_degree_0_is_flat():
    X = np.eye(5, GRID.n_points)
    background = BackgroundDrift(1, degree=0, max_hump=0, random_state=0).fit_transform(X) - X
    np.testing.assert_allclose(background, np.tile(background[:, :1], GRID.n_points), atol=1e-12)
    assert len(np.unique(background[:, 5])) == 5


def test_an_empty_pattern_gets_no_background():
    np.testing.assert_array_equal(BackgroundDrift().fit_transform(np.zeros((2, 50))), 0)


@pytest.mark.parametrize("what", ["center", "width"])
def test_bounds_of_the_background_must_be_in_order(what):
    bounds = {f"min_{what}": 20, f"max_{what}": 10}
    with pytest.raises(ValueError, match=f"min_{what}=20 must not be above max_{what}=10"):
        BackgroundDrift(**bounds).fit(np.ones((1, 50)))


def test_masks_are_uniform_and_leave_the_middle():
    X = np.ones((5000, GRID.n_points))
    masked = RangeMask(10, 20, grid=GRID, random_state=0).fit_transform(X)
    measured = masked > 0
    first, last = measured.argmax(axis=1), measured[:, ::-1].argmax(axis=1)
    assert set(np.unique(masked)) == {0.0, 1.0}
    assert (measured.sum(axis=1) == GRID.n_points - first - last).all()  # one piece
    within = np.random.default_rng(0).uniform(size=5000)  # of the step in which a scan began
    for n_masked, limit in ((first, 100), (last, 200)):
        assert kstest(n_masked - within, "uniform", (0, limit)).pvalue > 0.01


def test_masks_must_leave_something():
    with pytest.raises(ValueError, match=r"could mask the whole grid from 10 to 80 degrees"):
        RangeMask(40, 30, grid=GRID).fit(np.ones((1, 701)))
