"""Laws that physical augmentations keep for any patterns, tried on random ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp
from sklearn.pipeline import make_pipeline

from skxrd import TwoThetaGrid
from skxrd._tensors import to_tensor
from skxrd.augmentation import (
    BaseAugmentation,
    CountingNoise,
    ImpurityPhase,
    IntensityJitter,
    LatticeStrain,
    OnePass,
    PeakElimination,
    PeakScaling,
    PeakShift,
    PreferredOrientation,
    SampleDisplacement,
    SizeBroadening,
    StrainBroadening,
    ZeroShift,
    physical_augmentation,
)
from skxrd.testing import all_estimators

OF_THE_PAPER = (PeakElimination, PeakScaling, PeakShift)
PHYSICAL = [
    found
    for _, found in all_estimators()
    if issubclass(found, BaseAugmentation) and found not in OF_THE_PAPER
]
tried = settings(deadline=None, max_examples=40, derandomize=True)
each = pytest.mark.parametrize("cls", PHYSICAL)


@st.composite
def patterns(draw, smallest=1):
    """A few stick patterns or profiles, with empty ones among them."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.integers(smallest, 4)), draw(st.sampled_from([1, 2, 3, 17, 64, 351]))
    heights = st.floats(0, 1e5, width=np.finfo(dtype).bits)
    X = draw(arrays(dtype, shape, elements=heights, fill=st.just(0)))
    if draw(st.booleans()):
        X = np.apply_along_axis(np.convolve, 1, X, np.ones(5), mode="same").astype(dtype)
    return X


def augmented(augmentation, X, seed=0):
    X = to_tensor(X)
    return augmentation.augment(X, torch.Generator().manual_seed(seed)).numpy()


def strengths(cls):
    """Name what an augmentation does less of, and the least of it that is allowed."""
    params = cls().get_params()
    names = [
        name
        for name in params
        if name == "relative"
        or (name.startswith("max_") and name.replace("max_", "min_") not in params)
    ]
    return {name: cls._parameter_constraints[name][0].left for name in names}


def nothing(cls):
    """Make an augmentation that does nothing, or None where it always does something."""
    if cls is OnePass:
        steps = [step for step in PHYSICAL if hasattr(step, "augment_lines") and step is not cls]
        return OnePass(make_pipeline(*[nothing(step) for step in steps if strengths(step)]))
    return cls(**strengths(cls)) if strengths(cls) else None


def test_what_is_tried():
    assert {LatticeStrain, CountingNoise, OnePass} < set(PHYSICAL)
    without = {cls.__name__ for cls in PHYSICAL if cls is not OnePass and not strengths(cls)}
    assert without == {"CountingNoise", "DetectionLimit", "SizeBroadening"}


@each
@tried
@given(X=patterns(), seed=st.integers(0, 2**31))
def test_a_pattern_stays_a_pattern(cls, X, seed):
    before = X.copy()
    views = augmented(cls(), X, seed)
    assert views.shape == X.shape
    assert views.dtype == X.dtype
    assert np.isfinite(views).all()
    assert (views >= 0).all()
    np.testing.assert_array_equal(X, before)


@each
@tried
@given(X=patterns(), seed=st.integers(0, 2**31))
def test_the_seed_decides(cls, X, seed):
    np.testing.assert_array_equal(augmented(cls(), X, seed), augmented(cls(), X, seed))


@each
@tried
@given(X=patterns(smallest=2), seed=st.integers(0, 2**31))
def test_an_empty_pattern_stays_empty(cls, X, seed):
    X[0] = 0
    assert not augmented(cls(), X, seed)[0].any()


@each
@tried
@given(X=patterns(), power=st.integers(-6, 6))
def test_the_unit_of_intensity_does_not_matter(cls, X, power):
    X = np.where(X > 1e-3, X, 0).astype(X.dtype)
    views = augmented(cls(), X)
    tolerance = 1e-5 if X.dtype == np.float32 else 1e-12
    scaled = augmented(cls(), X * X.dtype.type(2.0**power)) / X.dtype.type(2.0**power)
    np.testing.assert_allclose(scaled, views, rtol=tolerance, atol=tolerance * views.max())


@pytest.mark.parametrize("cls", [cls for cls in PHYSICAL if nothing(cls) is not None])
@tried
@given(X=patterns(), seed=st.integers(0, 2**31))
def test_no_strength_changes_nothing(cls, X, seed):
    np.testing.assert_allclose(augmented(nothing(cls), X, seed), X, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "augmentation",
    [
        LatticeStrain(0.01),
        ZeroShift(0.5),
        SampleDisplacement(1.0),
        SizeBroadening(),
        StrainBroadening(),
        ImpurityPhase(),
        OnePass(make_pipeline(ZeroShift(0.5), ImpurityPhase(0.5), SizeBroadening())),
    ],
    ids=str,
)
@tried
@given(
    heights=arrays(np.float64, (3, 100), elements=st.floats(1e-6, 1e4), fill=st.just(0)),
    seed=st.integers(0, 2**31),
)
def test_the_area_is_kept_far_from_the_ends(augmentation, heights, seed):
    X = np.zeros((3, 1801))
    X[:, 600:800:2] = heights  # 30 to 40 degrees
    views = augmented(augmentation, X, seed)
    np.testing.assert_allclose(views.sum(axis=1), X.sum(axis=1), rtol=1e-9)


@pytest.mark.parametrize(
    "augmentation", [IntensityJitter(0.5), PreferredOrientation(2.0), CountingNoise(20, 2000)]
)
def test_the_expected_intensity_is_kept(augmentation):
    X = np.repeat([[0.0, 1.0, 0.0, 3.0, 10.0, 0.2]], 20_000, axis=0)
    views = augmented(augmentation, X)
    error = views.std(axis=0) / np.sqrt(len(X))
    # The made-up angles of a texture are uniform but for 1 %.
    assert (abs(views.mean(axis=0) - X[0]) <= 4 * error + 0.01 * X[0]).all()


@pytest.mark.parametrize("cls", [cls for cls in PHYSICAL if cls is not ImpurityPhase])
def test_a_batch_is_like_its_rows_one_by_one(cls):
    n = 500
    grid = TwoThetaGrid(10, 80, 176)
    row = np.zeros(176)
    row[[30, 60, 90, 120, 150]] = [3.0, 100.0, 0.5, 40.0, 8.0]
    augmentation = cls(grid=grid) if "grid" in cls().get_params() else cls()
    together = augmented(augmentation, np.tile(row, (n, 1)))
    generator = torch.Generator().manual_seed(1)
    one = to_tensor(row[None])
    alone = torch.cat([augmentation.augment(one, generator) for _ in range(n)]).numpy()
    features = [row != 0, np.arange(176), np.cos(np.arange(176) / 5), np.arange(176) > 100]
    for feature in features:
        assert ks_2samp(together @ feature, alone @ feature).pvalue > 1e-4


def test_an_impurity_needs_company():
    X = np.arange(6.0).reshape(2, 3)
    assert not np.array_equal(augmented(ImpurityPhase(), X), X)
    np.testing.assert_array_equal(augmented(ImpurityPhase(), X[:1]), X[:1])


@pytest.mark.parametrize("strength", ["weak", "strong"])
@pytest.mark.parametrize("measured", [False, True])
@tried
@given(X=patterns())
def test_presets_make_patterns_of_patterns(strength, measured, X):
    if X.shape[1] == 1:
        return  # no grid, no preset
    grid = TwoThetaGrid(0, 90, X.shape[1])
    preset = physical_augmentation(strength, measured=measured, grid=grid, random_state=0)
    views = preset.fit_transform(X)
    assert views.dtype == X.dtype
    assert np.isfinite(views).all()
    assert (views >= 0).all()
    assert not views[~X.any(axis=1)].any()
