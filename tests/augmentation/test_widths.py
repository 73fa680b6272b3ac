"""How wide lines become."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from skxrd import TwoThetaGrid
from skxrd.augmentation import OnePass, SizeBroadening, StrainBroadening

GRID = TwoThetaGrid(10, 80, 3501)


def sticks(two_theta, grid=GRID):
    return np.array([grid.bin([angle], [1.0]) for angle in two_theta])


def widths(profiles, grid=GRID):
    """Full width at half maximum, between points on both flanks."""
    found = []
    for profile in profiles:
        top, half = profile.argmax(), profile.max() / 2
        right = np.interp(-half, -profile[top : top + 800], grid.two_theta[top : top + 800])
        left = np.interp(half, profile[top - 200 : top + 1], grid.two_theta[top - 200 : top + 1])
        found.append(right - left)
    return np.array(found)


@pytest.mark.parametrize("size", [10.0, 17.0, 25.0, 40.0, 90.0])
@pytest.mark.parametrize("wavelength", [1.54184, 0.7093])
def test_scherrer(size, wavelength):
    angles = np.array([20.0, 35.0, 50.0, 65.0])
    broadening = SizeBroadening(size, size, wavelength=wavelength, grid=GRID)
    expected = np.degrees(0.9 * wavelength / (10 * size * np.cos(np.radians(angles / 2))))
    found = widths(broadening.fit_transform(sticks(angles)))
    # Below a few points, a sampled profile is wider than the drawn one.
    np.testing.assert_allclose(found, expected, rtol=0.03, atol=0.2 * GRID.step)


@pytest.mark.parametrize("strain", [0.002, 0.005, 0.01])
def test_microstrain(strain, monkeypatch):
    monkeypatch.setattr("torch.rand", lambda n, generator: __import__("torch").ones(n))
    angles = np.array([30.0, 45.0, 60.0])
    broad = StrainBroadening(strain, grid=GRID).fit_transform(sticks(angles))
    expected = np.degrees(4 * strain * np.tan(np.radians(angles / 2)))
    np.testing.assert_allclose(widths(broad), expected, rtol=0.03, atol=0.2 * GRID.step)


def test_sizes_are_log_uniform_within_their_bounds():
    X = np.repeat(sticks([40.0]), 1000, axis=0)
    found = widths(SizeBroadening(10, 40, grid=GRID, random_state=0).fit_transform(X))
    size = np.degrees(0.9 * 0.154184 / np.cos(np.radians(20))) / found
    assert size.min() == pytest.approx(10, rel=0.05)
    assert size.max() == pytest.approx(40, rel=0.05)
    assert np.median(size) == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("cls", [SizeBroadening, StrainBroadening])
def test_area_and_center_are_kept(cls, rng):
    X = np.zeros((6, GRID.n_points))
    X[:, 1000:2500:61] = rng.uniform(1, 2, size=(6, 25))
    broad = cls(grid=GRID, random_state=0).fit_transform(X)
    np.testing.assert_allclose(broad.sum(axis=1), X.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(broad @ GRID.two_theta, X @ GRID.two_theta, rtol=1e-6)
    assert broad.min() > -1e-12
    assert broad.max() < X.max()


def test_no_strain_is_the_identity(rng):
    X = rng.uniform(size=(3, 200))
    np.testing.assert_allclose(StrainBroadening(0).fit_transform(X), X, atol=1e-12)


def test_widths_of_size_and_strain_add():
    X = sticks([60.0])
    both = make_pipeline(SizeBroadening(20, 20), SizeBroadening(40, 40))
    found = widths(OnePass(both, grid=GRID).fit_transform(X))
    size = np.degrees(0.9 * 0.154184 / np.cos(np.radians(30)))
    np.testing.assert_allclose(found, size / 20 + size / 40, rtol=0.03)
    # one after the other on the grid: profiles that are cut and blended twice
    twice = both.set_params(**{f"{name}__grid": GRID for name, _ in both.steps}).fit_transform(X)
    np.testing.assert_allclose(widths(twice), found, rtol=0.1)


def test_a_line_keeps_its_profile_in_company():
    alone = SizeBroadening(20, 20, grid=GRID).fit_transform(sticks([30.0]))
    crowd = SizeBroadening(20, 20, grid=GRID).fit_transform(sticks([30.0, 70.0]))[:1]
    np.testing.assert_allclose(alone, crowd, atol=1e-12)


def test_patterns_that_are_broadened_in_parts_are_the_same(rng, monkeypatch):
    X = rng.uniform(size=(11, 700)) * (rng.uniform(size=(11, 700)) < 0.03)
    X[5] = 0
    steps = make_pipeline(StrainBroadening(0.01), SizeBroadening(10, 200))
    broadening = OnePass(steps, random_state=0)
    at_once = broadening.fit_transform(X)
    monkeypatch.setattr("skxrd.augmentation._lines._ROWS_AT_ONCE", 3)
    np.testing.assert_allclose(broadening.fit_transform(X), at_once, atol=1e-12)
    monkeypatch.setattr("skxrd.augmentation._lines._ROWS_AT_ONCE", 5)
    np.testing.assert_allclose(broadening.fit_transform(X), at_once, atol=1e-12)


@pytest.mark.parametrize("points", [0.3, 1.0, 1.5, 2.8, 4.0, 6.0, 11.3, 30.0])
def test_a_blend_of_two_profiles_is_like_the_profile(points):
    """The largest difference is that of the heights; the widths agree better."""
    from skxrd.augmentation._lines import Lines, put_on_grid
    from skxrd.simulation import lorentzian

    lines = Lines(
        torch.tensor([0]),
        torch.tensor([1750.0], dtype=torch.float64),
        torch.tensor([1.0], dtype=torch.float64),
        torch.tensor([points * GRID.step], dtype=torch.float64),
        1,
        GRID,
    )
    found = put_on_grid(lines).numpy()[0]
    if points < 0.5:
        assert found[1750] > 0.9 * (1 - points)  # cannot be told from a stick
        return
    expected = lorentzian(np.arange(3501) - 1750.0, points)
    reach = int(4 * points)
    expected /= expected[1750 - 2 * reach : 1751 + 2 * reach].sum()  # cut after 8 widths
    window = slice(1750 - reach, 1751 + reach)
    tolerance = 0.07 if points >= 1 else 0.15
    np.testing.assert_allclose(found[window], expected[window], atol=tolerance * expected.max())


def test_the_widest_lines_are_bounded():
    grid = TwoThetaGrid(0, 180, 1801)
    X = sticks([5.0, 90.0, 180.0], grid)
    broad = SizeBroadening(0.01, 0.01, grid=grid).fit_transform(X)
    assert np.isfinite(broad).all()


def test_bounds_must_be_in_order():
    with pytest.raises(ValueError, match=r"min_size=50 must not be above max_size=20"):
        SizeBroadening(50, 20).fit(np.ones((1, 5)))
