"""Several effects at once, and the presets."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd._tensors import apply, generator_from, to_tensor
from skxrd.augmentation import (
    CountingNoise,
    ImpurityPhase,
    IntensityJitter,
    LatticeStrain,
    OnePass,
    SampleDisplacement,
    ZeroShift,
    physical_augmentation,
)
from skxrd.datasets import make_patterns

GRID = TwoThetaGrid(10, 80, 701)
PRESETS = [(strength, measured) for strength in ("weak", "strong") for measured in (False, True)]


@pytest.fixture
def X():
    return make_patterns(12, grid=GRID, random_state=0)[0].astype(float)


def test_one_step_is_that_step(X):
    alone = LatticeStrain(0.01, grid=GRID, random_state=3).fit_transform(X)
    wrapped = OnePass(LatticeStrain(0.01), grid=GRID, random_state=3).fit_transform(X)
    np.testing.assert_array_equal(wrapped, alone)


def test_lines_are_divided_once():
    stick = np.eye(50, 701, k=300)
    moves = make_pipeline(LatticeStrain(0.01), ZeroShift(0.2), SampleDisplacement(1.0))
    once = OnePass(moves, grid=GRID, random_state=0).fit_transform(stick)
    assert np.count_nonzero(once, axis=1).max() == 2
    alone = moves.set_params(**{f"{name}__grid": GRID for name, _ in moves.steps})
    assert np.count_nonzero(alone.fit_transform(stick), axis=1).max() > 2


def test_centers_agree_with_one_after_the_other():
    generator = np.random.RandomState(5)
    moves = make_pipeline(ZeroShift(0.2, grid=GRID), SampleDisplacement(1.0, grid=GRID))
    stick = to_tensor(np.eye(8, 701, k=300))
    once = OnePass(moves, grid=GRID).augment(stick, torch.Generator().manual_seed(1))
    after = apply(moves, stick, torch.Generator().manual_seed(1))
    two_theta = torch.from_numpy(GRID.two_theta)
    # cos(theta) hardly changes within the shift
    np.testing.assert_allclose(once @ two_theta, after @ two_theta, atol=1e-3)
    assert generator_from(generator) is not None


def test_steps_that_are_left_out(X):
    steps = make_pipeline("passthrough", LatticeStrain(0.01))
    wrapped = OnePass(steps, grid=GRID, random_state=3).fit_transform(X)
    alone = LatticeStrain(0.01, grid=GRID, random_state=3).fit_transform(X)
    np.testing.assert_array_equal(wrapped, alone)


def test_a_pipeline_within_a_pipeline(X):
    moves = make_pipeline(ZeroShift(0.1), SampleDisplacement(0.2))
    nested = OnePass(make_pipeline(LatticeStrain(0.01), moves), grid=GRID, random_state=3)
    flat = OnePass(make_pipeline(LatticeStrain(0.01), *moves), grid=GRID, random_state=3)
    np.testing.assert_array_equal(nested.fit_transform(X), flat.fit_transform(X))
    with pytest.raises(TypeError, match="CountingNoise"):
        OnePass(make_pipeline(make_pipeline(CountingNoise())), grid=GRID).fit(X)


@pytest.mark.parametrize("steps", [make_pipeline(LatticeStrain, ZeroShift), LatticeStrain])
def test_classes_are_refused(X, steps):
    with pytest.raises(TypeError, match=r"class LatticeStrain; .* LatticeStrain\(\)"):
        OnePass(steps, grid=GRID).fit(X)


def test_whole_pattern_steps_are_refused(X):
    with pytest.raises(TypeError, match=r"CountingNoise, which changes whole patterns"):
        OnePass(make_pipeline(LatticeStrain(), CountingNoise()), grid=GRID).fit(X)


def test_another_grid_of_a_step_is_refused(X):
    steps = make_pipeline(ZeroShift(grid=TwoThetaGrid(0, 90, 701)))
    with pytest.raises(ValueError, match=r"ZeroShift has the grid .* leave the grid of the steps"):
        OnePass(steps, grid=GRID).fit(X)
    OnePass(make_pipeline(ZeroShift(grid=GRID)), grid=GRID).fit(X)


def test_parameters_of_the_steps_are_checked(X):
    with pytest.raises(ValueError, match="'relative' parameter of IntensityJitter"):
        OnePass(IntensityJitter(-1), grid=GRID).fit(X)


def test_fit_leaves_the_steps_alone(X):
    steps = make_pipeline(ZeroShift(), ImpurityPhase())
    OnePass(steps, grid=GRID).fit(X)
    assert steps[0].grid is None
    assert not hasattr(steps[0], "n_features_in_")


def test_steps_can_be_searched():
    augmentation = OnePass(make_pipeline(LatticeStrain(0.01), ZeroShift(0.02)))
    augmentation.set_params(augmentation__zeroshift__max_shift=0.5)
    assert clone(augmentation).augmentation["zeroshift"].max_shift == 0.5


@pytest.mark.parametrize(("strength", "measured"), PRESETS)
class TestPresets:
    def make(self, strength, measured, random_state=0):
        return physical_augmentation(
            strength, measured=measured, grid=GRID, random_state=random_state
        )

    def test_a_pipeline_that_changes_patterns_within_reason(self, strength, measured, X):
        augmentation = self.make(strength, measured)
        assert isinstance(augmentation, Pipeline)
        views = augmentation.fit_transform(X)
        assert views.shape == X.shape
        assert np.isfinite(views).all()
        assert views.min() >= -1e-9 * views.max()
        # The same compound still, not another one.
        total = views.sum(axis=1) / X.sum(axis=1)
        assert total.min() > 0.5

    def test_random_state_repeats(self, strength, measured, X):
        first = self.make(strength, measured).fit_transform(X)
        np.testing.assert_array_equal(self.make(strength, measured).fit_transform(X), first)
        other = self.make(strength, measured, random_state=1).fit_transform(X)
        assert not np.array_equal(other, first)

    def test_no_seed_draws_anew(self, strength, measured, X):
        augmentation = self.make(strength, measured, random_state=None).fit(X)
        assert not np.array_equal(augmentation.transform(X), augmentation.transform(X))

    @pytest.mark.filterwarnings("ignore:.*confidence threshold had no effect")
    def test_it_trains_a_classifier(self, strength, measured):
        X, y = make_patterns(48, grid=GRID, random_state=0)
        classifier = SemiSupervisedClassifier(
            weak_augmentation=self.make("weak", measured),
            strong_augmentation=self.make(strength, measured),
            rendering="passthrough",
            max_epochs=1,
            random_state=0,
        ).fit(X, np.where(np.arange(48) < 16, y, -1))
        assert np.isfinite(classifier.predict_proba(X)).all()


def test_a_strong_view_is_farther_from_the_pattern_than_a_weak_one(X):
    def distance(strength):
        views = physical_augmentation(strength, grid=GRID, random_state=0).fit_transform(X)
        return np.linalg.norm(views - X, axis=1).mean()

    assert distance("strong") > 1.1 * distance("weak")


def test_the_hump_of_a_preset_has_its_distance_at_any_wavelength():
    def bounds(**params):
        drift = physical_augmentation("strong", measured=True, **params)["backgrounddrift"]
        return np.array([drift.min_center, drift.max_center])

    np.testing.assert_array_equal(bounds(), [15, 30])
    ratio = np.sin(np.radians(bounds(wavelength=0.7093) / 2)) / np.sin(np.radians([7.5, 15]))
    np.testing.assert_allclose(ratio, 0.7093 / 1.54184, rtol=1e-3)


@pytest.mark.parametrize(
    "argument", [{"strength": "medium"}, {"measured": "yes"}, {"wavelength": 0}, {"grid": 4501}]
)
def test_bad_arguments(argument):
    with pytest.raises(ValueError, match=f"'{next(iter(argument))}' parameter"):
        physical_augmentation(**argument)
