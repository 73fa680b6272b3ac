"""Sticks are augmented first and rendered last, in training and at predict."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.augmentation import (
    BaseAugmentation,
    LatticeStrain,
    OnePass,
    PreferredOrientation,
    physical_augmentation,
)
from skxrd.datasets import make_patterns
from skxrd.networks import VGG11
from skxrd.preprocessing import IntensityScaler, PatternResampler, PeakBroadener
from skxrd.semi_supervised import FixMatch, FlexMatch

GRID = TwoThetaGrid(10, 80, 701)
COARSE = TwoThetaGrid(10, 80, 141)
X, TRUTH = make_patterns(48, grid=GRID, random_state=0)
Y = np.where(np.arange(48) < 16, TRUTH, -1)
N_LINES = int((X > 0).sum(axis=1).max())
SMALL_VGG = {"channels": (8, 16), "kernel_sizes": (4, 2), "hidden_units": (32,)}

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold had no effect")


def rendering():
    return make_pipeline(
        PeakBroadener(0.5, grid=GRID),
        IntensityScaler("sqrt"),
        PatternResampler(COARSE, input_grid=GRID),
    )


def lines_of(strong):
    steps = [LatticeStrain(0.01), PreferredOrientation(1.5)] if strong else [LatticeStrain(0.002)]
    return OnePass(make_pipeline(*steps), grid=GRID)


def classifier(weak=None, strong=None, **params):
    return SemiSupervisedClassifier(
        weak_augmentation=lines_of(strong=False) if weak is None else weak,
        strong_augmentation=lines_of(strong=True) if strong is None else strong,
        **{"rendering": rendering(), "max_epochs": 2, "lr": 0.01, "random_state": 0} | params,
    )


def by_hand(fitted, rendered):
    """Predict from what the network is given, with nothing in between."""
    fitted.net_.module_.eval()
    with torch.no_grad():
        logits = fitted.net_.module_(torch.from_numpy(rendered.astype(np.float32)))
    return logits.softmax(dim=1).numpy()


@pytest.mark.parametrize(
    "params",
    [
        {"algorithm": FixMatch(0.6)},
        {"algorithm": FlexMatch(0.6), "module": VGG11, "module_params": SMALL_VGG},  # the paper's
    ],
    ids=["default", "xrdmatch"],
)
def test_predict_is_the_network_on_patterns_rendered_by_hand(params):
    fitted = classifier(**params).fit(X, Y)
    rendered = rendering().fit_transform(X)
    assert rendered.shape == (48, 141)
    found = fitted.predict_proba(X)
    np.testing.assert_allclose(found, by_hand(fitted, rendered), atol=1e-6)
    np.testing.assert_array_equal(found, fitted.predict_proba(X))  # nothing random in it
    twice = rendering().fit_transform(PeakBroadener(0.5, grid=GRID).fit_transform(X))
    assert abs(found - by_hand(fitted, twice)).max() > 1e-4  # one would see it


def test_predict_of_the_paper_is_the_network_on_patterns_rendered_by_hand():
    fitted = XRDMatchClassifier(
        weak_delta=5, strong_delta=10, module_params=SMALL_VGG, max_epochs=2, random_state=0
    ).fit(X, Y)
    rendered = IntensityScaler("max").fit_transform(X)
    np.testing.assert_allclose(fitted.predict_proba(X), by_hand(fitted, rendered), atol=1e-5)


class Seen(BaseAugmentation):
    """Note how many points of a pattern are not zero, at most, and change nothing."""

    n_points = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def augment(self, X, generator):
        type(self).n_points.append(int((X != 0).sum(dim=1).max()))
        return X


class SeenBefore(Seen):
    n_points = []


class SeenAfter(Seen):
    n_points = []


def test_sticks_stay_sticks_until_they_are_rendered_once():
    SeenBefore.n_points.clear()
    SeenAfter.n_points.clear()
    steps = make_pipeline(
        SeenBefore(),
        PeakBroadener(0.5, grid=GRID),
        SeenAfter(),
        PatternResampler(COARSE, input_grid=GRID),
    )
    fitted = classifier(rendering=steps, max_epochs=1).fit(X, Y)
    assert len(SeenBefore.n_points) >= 2  # once to measure a pattern, then once a batch
    assert max(SeenBefore.n_points) <= 2 * N_LINES  # a line between two points, no profile
    assert min(SeenAfter.n_points) > 2 * max(SeenBefore.n_points)
    n_calls = len(SeenBefore.n_points)
    fitted.predict(X)
    assert max(SeenBefore.n_points[n_calls:]) <= N_LINES  # as they came: no augmentation


@pytest.mark.parametrize("strength", ["weak", "strong"])
@pytest.mark.parametrize("measured", [False, True])
def test_presets_fit_in(strength, measured):
    weak, strong = (
        physical_augmentation(name, measured=measured, grid=GRID) for name in ("weak", strength)
    )
    first = classifier(weak, strong).fit(X, Y)
    found = first.predict_proba(X)
    np.testing.assert_allclose(found, by_hand(first, rendering().fit_transform(X)), atol=1e-5)
    again = classifier(weak, strong).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(found, again)
    other = classifier(weak, strong, random_state=1).fit(X, Y).predict_proba(X)
    assert not np.array_equal(found, other)


def test_size_and_instrument_broaden_together():
    """Profiles of a preset for measured patterns are those of the sample: the instrument follows.

    A Lorentzian of the size, convolved with the Gaussian of the instrument, is a Voigt profile.
    """
    from skxrd.augmentation import SizeBroadening

    stick = np.eye(1, 701, k=300)
    size = SizeBroadening(20, 20, grid=GRID).fit_transform(stick)
    both = PeakBroadener(0.5, grid=GRID).fit_transform(size)[0]
    half = GRID.two_theta[both > both.max() / 2]
    lorentzian, gaussian = np.degrees(0.9 * 0.154184 / 20 / np.cos(np.radians(20))), 0.5
    # Olivero and Longbothum (1977)
    expected = 0.5346 * lorentzian + np.sqrt(0.2166 * lorentzian**2 + gaussian**2)
    assert half[-1] - half[0] + GRID.step == pytest.approx(expected, abs=1.5 * GRID.step)
