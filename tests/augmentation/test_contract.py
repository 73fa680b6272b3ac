"""What all augmentations have in common, found by discovery."""

# ruff: noqa: NPY002 -- numpy's global generator is what is tested here

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from skxrd import TwoThetaGrid
from skxrd._tensors import generator_from, to_tensor
from skxrd.augmentation import BaseAugmentation, PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.testing import all_estimators

N_POINTS = 351
CLASSES = [found for _, found in all_estimators() if issubclass(found, BaseAugmentation)]
CASES = [found() for found in CLASSES] + [
    found(peaks="profiles") for found in CLASSES if "peaks" in found().get_params()
]


def test_discovery_finds_the_augmentations_of_the_paper():
    assert {PeakShift, PeakScaling, PeakElimination} <= set(CLASSES)


@pytest.fixture
def X(rng):
    smooth = rng.uniform(size=(12, N_POINTS)).cumsum(axis=1) % 3
    smooth[:, ::4] = 0
    smooth[:, 1::4] *= 0.02  # weak lines as well
    smooth.flags.writeable = False
    return smooth


@pytest.fixture(params=CASES, ids=str)
def augmentation(request):
    return request.param


def seeded(augmentation, seed):
    return type(augmentation)(**{**augmentation.get_params(), "random_state": seed})


def test_input_is_not_changed(augmentation, X):
    before = X.copy()
    seeded(augmentation, 0).fit_transform(X)
    np.testing.assert_array_equal(X, before)
    tensor = to_tensor(X)
    seeded(augmentation, 0).augment(tensor, torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(tensor.numpy(), before)


def test_an_integer_repeats_and_none_does_not(augmentation, X):
    fixed = seeded(augmentation, 3).fit(X)
    np.testing.assert_array_equal(fixed.transform(X), fixed.transform(X))
    assert not np.array_equal(fixed.transform(X), seeded(augmentation, 4).fit(X).transform(X))
    free = seeded(augmentation, None).fit(X)
    assert not np.array_equal(free.transform(X), free.transform(X))
    shared = seeded(augmentation, np.random.RandomState(0)).fit(X)
    assert not np.array_equal(shared.transform(X), shared.transform(X))


def test_rows_are_drawn_separately(augmentation, X):
    same = np.tile(X[:2], (6, 1))  # of two kinds: an impurity of the same kind changes nothing
    assert len(np.unique(seeded(augmentation, 0).fit_transform(same).round(9), axis=0)) > 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(augmentation, X, dtype):
    assert seeded(augmentation, 0).fit_transform(X.astype(dtype)).dtype == dtype


def test_integers_become_float(augmentation):
    counts = np.arange(2 * N_POINTS).reshape(2, N_POINTS)
    assert seeded(augmentation, 0).fit_transform(counts).dtype == np.float64


def test_augment_and_transform_are_one_computation(augmentation, X):
    expected = seeded(augmentation, 5).fit_transform(X)
    found = augmentation.augment(to_tensor(X), generator_from(check_random_state(5)))
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("arrange", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2]])
def test_the_order_in_memory_does_not_matter(augmentation, X, arrange):
    expected = seeded(augmentation, 5).fit_transform(X)
    np.testing.assert_array_equal(seeded(augmentation, 5).fit_transform(arrange(X)), expected)


def test_global_generators_are_not_used(augmentation, X):
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    seeded(augmentation, 0).fit_transform(X)
    assert (np.random.get_state()[1] == numpy_state[1]).all()
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_pipelines_compose_and_can_be_searched():
    grid = TwoThetaGrid(10, 80, N_POINTS)
    X, y = make_patterns(40, grid=grid, random_state=0)
    pipeline = make_pipeline(
        PeakShift(2, random_state=0), PeakScaling(random_state=0), LogisticRegression()
    )
    search = GridSearchCV(
        pipeline, {"peakshift__delta": [0, 3], "peakscaling__epsilon": [0.1, 0.5]}, cv=2
    ).fit(X, y)
    assert search.best_params_["peakshift__delta"] in (0, 3)
    assert len(search.cv_results_["params"]) == 4


def test_order_of_a_pipeline():
    X = np.eye(9)[[4] * 50]
    both = make_pipeline(
        PeakShift(3, random_state=0), PeakScaling(epsilon=0.0, random_state=0)
    ).fit_transform(X)
    shifted = PeakShift(3, random_state=0).fit_transform(X)
    np.testing.assert_array_equal(both, 2 * shifted)
