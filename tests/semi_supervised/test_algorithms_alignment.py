"""Class priors: aligned predictions, running means, and the estimate of the prior."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from skxrd.semi_supervised import FixMatch, FlexMatch
from skxrd.semi_supervised._algorithms._parts import align, running_mean


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_running_mean(momentum, double):
    """Plain mean of start value and values at first, exponential when that forgets more slowly."""
    values = np.random.default_rng(0).uniform(size=200)
    mean, expected = torch.tensor(0.5), 0.5
    for n, value in enumerate(values):
        mean = running_mean(mean, torch.tensor(value), momentum, torch.tensor(float(n)))
        keep = min((n + 1) / (n + 2), momentum)
        expected = keep * expected + (1 - keep) * value
        if (n + 1) / (n + 2) <= momentum:
            assert mean.item() == pytest.approx((0.5 + values[: n + 1].sum()) / (n + 2))
        assert mean.item() == pytest.approx(expected)


def test_align():
    p = torch.tensor([[0.5, 0.3, 0.2]])
    aligned = align(p, torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.25, 0.25, 0.5]))
    # 0.25 : 0.3 : 0.4
    torch.testing.assert_close(aligned, torch.tensor([[0.25, 0.3, 0.4]]) / 0.95)
    assert torch.isfinite(align(p, torch.tensor([1.0, 0.0, 0.0]), torch.ones(3) / 3)).all()


@pytest.mark.parametrize(
    ("class_prior", "expected"),
    [
        (None, [1 / 3, 1 / 3, 1 / 3]),
        ("uniform", [1 / 3, 1 / 3, 1 / 3]),
        ("labeled", [0.5, 0.25, 0.25]),
        ("estimate", [0.5, 0.25, 0.25]),
        ([1, 2, 5], [0.125, 0.25, 0.625]),
        (np.array([0.2, 0.2, 0.6]), [0.2, 0.2, 0.6]),
    ],
)
def test_prior_at_the_start(class_prior, expected, bench):
    algorithm = bench.start(FixMatch(class_prior=class_prior), 2, y=(0, 0, 1, 2))
    assert algorithm.class_prior_.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("class_prior", [[0.5], [0.5, 0.0], [1, -1], [np.nan, 1], [np.inf, 1]])
def test_invalid_prior(class_prior):
    with pytest.raises(ValueError, match="one positive number for each of the 2 classes"):
        FixMatch(class_prior=class_prior).initialize(torch.tensor([0, 1, -1]))


def test_unknown_name():
    with pytest.raises(ValueError, match="'class_prior' parameter of FixMatch"):
        FixMatch(class_prior="balanced").initialize(torch.tensor([0, 1, -1]))


def test_without_a_prior_nothing_is_aligned(bench):
    algorithm = bench.start(FixMatch(class_prior=None), 2)
    p = bench.logits([0.9, 0.8]).softmax(dim=1)
    assert algorithm._aligned(p) is p


def test_first_batch_by_hand(bench):
    algorithm = bench.start(FixMatch(threshold=0.7, class_prior=[0.8, 0.2]), 2)
    bench.losses(algorithm, unlabeled_weak=[0.9, 0.7], unlabeled_strong=[0.5, 0.5])
    # The running mean starts at the prior, which counts as one step: (0.2 + 0.8) / 2 for class 1.
    assert algorithm.model_distribution_.tolist() == pytest.approx([0.5, 0.5])
    # Odds of 9 and 7/3 are multiplied by 1/4: 9/13 = 0.692 and 7/19, which is 12/19 = 0.632 of 0.
    assert algorithm.mask_rate_.item() == 0
    algorithm = bench.start(FixMatch(threshold=0.69, class_prior=[0.8, 0.2]), 2)
    terms = bench.losses(algorithm, unlabeled_weak=[0.9, 0.7], unlabeled_strong=[0.3, 0.3])
    assert terms["unlabeled_loss"].item() == pytest.approx(-np.log(0.3) / 2)


def gaussians(fraction, n, seed, distance=2.5):
    """Two Gaussians, and the probability of class 1 that a classifier calibrated at 50:50 gives."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=n) < fraction
    x = rng.normal(np.where(y, distance / 2, -distance / 2))
    densities = [norm.pdf(x, mean) for mean in (-distance / 2, distance / 2)]
    return torch.tensor(densities[1] / sum(densities)), torch.tensor(y)


@pytest.mark.parametrize(("distance", "left"), [(0.3, 0.1), (2.5, 0.8)])
@pytest.mark.parametrize("prior", ["labeled", "uniform", [0.2, 0.8], [0.8, 0.2]])
def test_mean_of_aligned_predictions_approaches_the_prior(prior, distance, left, bench):
    """How near depends on how open the predictions are: rows that are certain hardly move.

    Of the gap between mean prediction and prior at most a tenth is left at a distance of 0.3
    standard deviations, where most predictions lie near 0.5, and two thirds to three quarters at
    2.5, where most are certain: there it is the training that has to close it.
    """
    algorithm = bench.start(FixMatch(class_prior=prior), 6400, y=(0, 0, 0, 1))
    p, _ = gaussians(0.4, 6400, seed=0, distance=distance)
    both = torch.stack([1 - p, p], dim=1)
    after = []
    for batch in both.split(64):
        after.append(algorithm._aligned(batch).mean(dim=0))
        algorithm.n_steps_ = algorithm.n_steps_ + 1
    gaps = [
        (p.mean(dim=0) - algorithm.class_prior_).abs().max().item()
        for p in (both[3200:], torch.stack(after)[50:])
    ]
    assert gaps[1] < max(left * gaps[0], 0.002)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_estimated_prior(fraction, seed, bench):
    """A mixture of 20:80 is found from predictions that are calibrated for labels of 50:50.

    Within 0.03 after 100 batches of 64 rows, of Gaussians at a distance of 2.5 standard deviations.
    """
    algorithm = bench.start(FixMatch(class_prior="estimate"), 6400)
    p, truth = gaussians(fraction, 6400, seed)
    both = torch.stack([1 - p, p], dim=1)
    for batch in both.split(64):
        algorithm._aligned(batch)
        algorithm.n_steps_ = algorithm.n_steps_ + 1
    assert algorithm.class_prior_.sum().item() == pytest.approx(1)
    assert algorithm.class_prior_[1].item() == pytest.approx(truth.double().mean().item(), abs=0.03)
    # Unaligned predictions count too many of the rare class.
    if fraction == 0.2:
        assert p.mean().item() - fraction > 0.03


def test_counts_of_flexmatch_are_of_aligned_predictions(bench):
    algorithm = bench.start(FlexMatch(threshold=0.8, class_prior=[0.5, 0.5], momentum=0.0), 2)
    bench.losses(algorithm, unlabeled_weak=[0.95, 0.3], unlabeled_strong=[0.5, 0.5])
    # Mean 0.625: odds are multiplied by 0.6; 0.95 becomes 0.919 and 0.3 becomes 0.205.
    assert algorithm.latest_.tolist() == [1, -1]
    algorithm = bench.start(FlexMatch(threshold=0.79, class_prior=[0.5, 0.5], momentum=0.0), 2)
    bench.losses(algorithm, unlabeled_weak=[0.95, 0.3], unlabeled_strong=[0.5, 0.5])
    assert algorithm.latest_.tolist() == [1, 0]
