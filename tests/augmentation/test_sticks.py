"""Scaling and elimination of stick patterns: equations 2 and 3 of the paper."""

import numpy as np
import pytest
from scipy.stats import kstest

from skxrd.augmentation import PeakElimination, PeakScaling

N = 20_000


@pytest.fixture
def sticks(rng):
    """Every second point is a stick of random height."""
    X = rng.uniform(1, 2, size=(10, 2 * N // 10))
    X[:, 1::2] = 0
    return X


def factors(augmentation, X):
    changed = augmentation.set_params(random_state=0).fit_transform(X)
    assert (changed[X == 0] == 0).all()
    return changed[X > 0] / X[X > 0]


def test_additive_scaling_is_equation_2(sticks):
    found = factors(PeakScaling(1.0, 0.12), sticks)
    assert kstest(found, "uniform", (2 - 0.12, 0.24)).pvalue > 0.01
    assert 1.88 <= found.min() < 1.881
    assert 2.119 < found.max() <= 2.12


def test_multiplicative_scaling(sticks):
    found = factors(PeakScaling(1.0, 0.3, mode="multiplicative"), sticks)
    assert kstest(found, "uniform", (0.7, 0.6)).pvalue > 0.01


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_scaled_fraction(sticks, fraction):
    found = factors(PeakScaling(fraction, 0.1), sticks)
    scaled = found > 1.5
    assert scaled.mean() == pytest.approx(fraction, abs=4 * np.sqrt(0.25 / N))
    np.testing.assert_allclose(found[~scaled], 1, rtol=1e-12)


def test_zero_epsilon(sticks):
    np.testing.assert_allclose(factors(PeakScaling(epsilon=0), sticks), 2)
    multiplicative = PeakScaling(epsilon=0, mode="multiplicative")
    np.testing.assert_allclose(factors(multiplicative, sticks), 1)


@pytest.mark.parametrize(("fraction", "removal"), [(0.12, 0.5), (0.4, 0.25), (1.0, 1.0)])
def test_eliminated_fractions_are_equation_3(sticks, fraction, removal):
    found = factors(PeakElimination(fraction, removal=removal), sticks)
    tolerance = 4 * np.sqrt(0.25 / (N / 2))
    assert (found == 0).mean() == pytest.approx(fraction * removal, abs=tolerance)
    weakened = found[(found > 0) & (found < 1)]
    assert len(weakened) / len(found) == pytest.approx(fraction * (1 - removal), abs=tolerance)
    assert found.max() <= 1
    if len(weakened):
        assert kstest(weakened, "uniform").pvalue > 0.01


def test_nothing_selected(sticks):
    X = PeakElimination(0.0, random_state=0).fit_transform(sticks)
    np.testing.assert_array_equal(X, sticks)


def test_an_empty_pattern_stays_empty():
    empty = np.zeros((3, 20))
    for augmentation in (PeakScaling(), PeakElimination(), PeakScaling(peaks="profiles")):
        np.testing.assert_array_equal(augmentation.fit_transform(empty), empty)
