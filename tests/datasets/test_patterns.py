import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.neighbors import KNeighborsClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns

GRID = TwoThetaGrid(10, 80, 701)


def test_shape_and_scale():
    X, y = make_patterns(30, n_classes=3, grid=GRID, random_state=0)
    assert X.shape == (30, 701)
    assert X.dtype == np.float32
    assert y.dtype == np.int64
    assert (X >= 0).all()
    np.testing.assert_array_equal(X.max(axis=1), 1)
    assert np.bincount(y).tolist() == [10, 10, 10]


def test_default_grid():
    X, _ = make_patterns(2, random_state=0)
    assert X.shape == (2, 4501)


def test_sticks():
    X, _ = make_patterns(50, grid=TwoThetaGrid(), n_lines=20, n_extra_lines=4, random_state=0)
    n_sticks = (X > 0).sum(axis=1)
    assert n_sticks.max() == 24
    assert n_sticks.min() >= 20  # lines may meet in one point


def test_same_seed_same_patterns():
    first, second = (make_patterns(20, grid=GRID, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    other, _ = make_patterns(20, grid=GRID, random_state=4)
    assert (other != first[0]).any()


def test_integer_seed_leaves_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not change
    make_patterns(5, grid=GRID, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(("fraction", "n_labeled"), [(0.001, 1), (0.1, 5), (0.5, 25), (1.0, 50)])
def test_labeled_fraction(fraction, n_labeled):
    X, y = make_patterns(100, grid=GRID, labeled_fraction=fraction, random_state=0)
    assert [(y == label).sum() for label in (0, 1)] == [n_labeled, n_labeled]
    X_all, y_all = make_patterns(100, grid=GRID, random_state=0)
    np.testing.assert_array_equal(X, X_all)
    np.testing.assert_array_equal(y[y >= 0], y_all[y >= 0])


def test_prototypes_are_balanced_within_classes():
    X, y = make_patterns(
        60, n_prototypes_per_class=3, strain=0, n_extra_lines=0, grid=GRID, random_state=0
    )
    for label in (0, 1):
        positions, counts = np.unique(X[y == label] > 0, axis=0, return_counts=True)
        assert len(positions) == 3
        assert counts.tolist() == [10, 10, 10]


def test_strain_moves_lines_by_braggs_law():
    grid = TwoThetaGrid(10, 120, 110_001)
    arguments = {"n_lines": 4, "n_extra_lines": 0, "class_sep": 0, "grid": grid}
    reference, _ = make_patterns(2, strain=0, random_state=0, **arguments)
    X, _ = make_patterns(40, strain=0.02, random_state=1, **arguments)

    def spacings(pattern):
        return np.sort(grid.d_spacing(1.54184)[pattern > 0])

    prototype = spacings(X[0])
    assert len(spacings(reference[0])) == len(prototype) == 4
    stretches = np.array([spacings(pattern) / prototype for pattern in X])
    assert np.ptp(stretches, axis=1).max() < 1e-4  # all lines of a sample by one factor
    assert 0.02 < np.ptp(stretches[:, 0]) <= 0.0417  # between 0.98 and 1.02, relative to X[0]


@pytest.mark.parametrize("strain", [0.0, 0.05, 0.3])
def test_lines_stay_on_the_grid(strain):
    X, _ = make_patterns(
        50, n_lines=5, n_extra_lines=0, strain=strain, grid=TwoThetaGrid(5, 180, 50_001)
    )
    assert ((X > 0).sum(axis=1) >= 4).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_classes_need_broadening(seed):
    grid = TwoThetaGrid()
    X, y = make_patterns(300, grid=grid, random_state=seed)
    broadened = gaussian_filter1d(X, 0.5 / grid.step, axis=1)
    few, many = slice(0, 30), slice(30, None)

    def accuracy(patterns):
        classifier = KNeighborsClassifier(1).fit(patterns[few], y[few])
        return classifier.score(patterns[many], y[many])

    assert accuracy(X) < 0.75
    assert accuracy(broadened) > 0.95


def test_no_separation():
    X, y = make_patterns(300, class_sep=0, grid=GRID, random_state=0)
    broadened = gaussian_filter1d(X, 5, axis=1)
    classifier = KNeighborsClassifier(1).fit(broadened[:150], y[:150])
    assert classifier.score(broadened[150:], y[150:]) < 0.65


def test_speed():
    start = time.perf_counter()
    make_patterns(2000, random_state=0)
    assert time.perf_counter() - start < 3  # 0.1 s on a quiet machine


def test_fewer_samples_than_classes():
    with pytest.raises(ValueError, match="n_samples=2 is too small for n_classes=3"):
        make_patterns(2, n_classes=3)


def test_strain_too_large_for_the_grid():
    with pytest.raises(ValueError, match=r"strain=0\.5 moves lines out of the grid"):
        make_patterns(strain=0.5, grid=TwoThetaGrid(20, 40, 201))


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_samples": 0},
        {"class_sep": 1.5},
        {"strain": -0.1},
        {"labeled_fraction": 0},
        {"grid": (10, 80, 701)},
    ],
)
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make_patterns(**arguments)
