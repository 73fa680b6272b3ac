"""Mixtures of patterns and targets against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from skxrd.semi_supervised import MixMatch, ReMixMatch
from skxrd.semi_supervised._algorithms._mixing import _rolled
from skxrd.semi_supervised._algorithms._parts import mixup, sharpen


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sharpen(temperature, double):
    p = torch.tensor([[0.6, 0.3, 0.1], [1.0, 0.0, 0.0]])
    powers = p ** (1 / temperature)
    found = sharpen(p, temperature)
    torch.testing.assert_close(found, powers / powers.sum(dim=1, keepdim=True), atol=1e-5, rtol=0)
    torch.testing.assert_close(sharpen(p[:1], 1e-3), torch.tensor([[1.0, 0.0, 0.0]]))


class TestMixup:
    @pytest.mark.parametrize("alpha", [0.1, 0.75, 5.0])
    def test_convex_with_the_larger_share_at_home(self, alpha, double):
        """Inputs that name their row, so that shares and partners can be read off."""
        shares = []
        for seed in range(200):
            rows = torch.eye(6)
            inputs, targets = mixup(rows, rows, alpha, generator(seed))
            torch.testing.assert_close(inputs, targets)
            torch.testing.assert_close(inputs.sum(dim=1), torch.ones(6))
            diagonal = inputs.diagonal()
            partnered = diagonal[diagonal < 1 - 1e-12]
            assert (partnered >= 0.5).all()
            shares.extend(partnered[:1].tolist())
            # Each row is also the partner of one row.
            torch.testing.assert_close(inputs.sum(dim=0), torch.ones(6))
        reference = np.random.default_rng(0).beta(alpha, alpha, 100_000)
        expected = np.maximum(reference, 1 - reference).mean()
        assert np.mean(shares) == pytest.approx(expected, abs=4 * np.std(shares) / math.sqrt(200))

    def test_tiny_alpha_mixes_nothing(self, double):
        rows = torch.rand(6, 4)
        inputs, _ = mixup(rows, rows, 1e-6, generator())
        torch.testing.assert_close(inputs, rows)

    def test_drawn_from_the_generator(self):
        rows = torch.rand(6, 4)
        draws = [mixup(rows, rows, 0.75, generator(seed))[0] for seed in (0, 0, 1)]
        assert torch.equal(draws[0], draws[1])
        assert not torch.equal(draws[0], draws[2])


class Spy:
    """A network whose logits are the patterns themselves; it notes what it was asked."""

    couples_views, rows_are_independent = False, True

    def __init__(self, n_classes):
        self.n_classes, self.asked, self.generator = n_classes, [], generator()

    def __call__(self, views):
        self.asked.append(views)
        outputs = {view: X[:, : self.n_classes] for view, X in views.items()}
        return outputs | {f"{view}_pretext": X[:, :4] for view, X in views.items()}

    def frozen_statistics(self):
        return torch.enable_grad()


class TwoViews(Spy):
    """Without heads."""

    def __call__(self, views):
        return {view: p for view, p in super().__call__(views).items() if "pretext" not in view}


def softmax(X):
    powers = np.exp(X - X.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class TestMixMatch:
    @pytest.mark.parametrize(("progress", "ramp"), [(0.0, 0.0), (0.2, 0.5), (1.0, 1.0)])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_plain_losses_without_mixing(self, n_classes, progress, ramp, bench):
        algorithm = MixMatch(alpha=1e-9, temperature=0.5, unlabeled_weight=6.0)
        bench.start(algorithm, 3, y=range(n_classes))
        rng = np.random.default_rng(0)
        labeled, one, two = rng.normal(size=(3, 3, n_classes))
        views = {
            view: torch.tensor(X)
            for view, X in zip(algorithm.views, (labeled, one, two), strict=True)
        }
        y = [0, 1, 1]
        terms = algorithm.step(TwoViews(n_classes), bench.batch(y, range(3), progress, views))
        guess = ((softmax(one) + softmax(two)) / 2) ** 2
        guess /= guess.sum(axis=1, keepdims=True)
        expected = -np.log(softmax(labeled)[range(3), y]).mean()
        assert terms["labeled_loss"].item() == pytest.approx(expected)
        squares = [np.mean((softmax(X) - guess) ** 2) for X in (one, two)]
        assert terms["unlabeled_loss"].item() == pytest.approx(6 * ramp * np.mean(squares))

    def test_mixtures_of_all_rows(self, bench):
        algorithm = bench.start(MixMatch(ramp_up=0.0, unlabeled_weight=1.0), 4)
        X = torch.randn(10, 2, generator=generator(1))
        views = dict(zip(algorithm.views, X.split([2, 4, 4]), strict=True))
        network = TwoViews(2)
        terms = algorithm.step(network, bench.batch([0, 1], range(4), 1.0, views))
        guesses, mixtures = network.asked
        assert set(guesses) == {"unlabeled_weak", "unlabeled_weak_2"}
        # What the mixtures must be, drawn from a generator in the same state.
        p = torch.softmax(X, dim=1)
        guess = sharpen((p[2:6] + p[6:]) / 2, 0.5)
        labels = torch.eye(2)
        expected, targets = mixup(X, torch.cat([labels, guess, guess]), 0.75, generator())
        torch.testing.assert_close(torch.cat(list(mixtures.values())), expected)
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(10))
        assert not torch.allclose(expected, X)
        q = expected.softmax(dim=1)
        labeled = -(targets[:2] * q[:2].log()).sum(dim=1).mean()
        assert terms["labeled_loss"].item() == pytest.approx(labeled.item())
        squared = (q[2:] - targets[2:]).square().mean()
        assert terms["unlabeled_loss"].item() == pytest.approx(squared.item())

    def test_class_weight_of_mixed_labels(self, bench):
        algorithm = MixMatch(alpha=1e-9)
        bench.start(algorithm, 2, class_weight=torch.tensor([1.0, 4.0]))
        views = dict(zip(algorithm.views, torch.zeros(3, 2, 2), strict=True))
        terms = algorithm.step(TwoViews(2), bench.batch([0, 1], range(2), 1.0, views))
        # Targets are probabilities: the mean is over rows, not over weights.
        assert terms["labeled_loss"].item() == pytest.approx((1 + 4) * math.log(2) / 2)


class TestReMixMatch:
    def test_plain_losses_without_mixing(self, bench):
        algorithm = ReMixMatch(
            alpha=1e-9,
            temperature=0.5,
            ramp_up=0.5,
            unlabeled_weight=2.0,
            strong_weight=3.0,
            pretext_weight=5.0,
            class_prior=[0.3, 0.7],
        )
        bench.start(algorithm, 3)
        X = np.random.default_rng(0).normal(size=(4, 3, 8))
        views = {view: torch.tensor(rows) for view, rows in zip(algorithm.views, X, strict=True)}
        labeled, strong, strong_2, weak = X[:, :, :2]
        network = Spy(2)
        y = [0, 1, 1]
        terms = algorithm.step(network, bench.batch(y, range(3), 0.25, views))

        p = softmax(weak)
        distribution = (np.array([0.3, 0.7]) + p.mean(axis=0)) / 2
        np.testing.assert_allclose(algorithm.model_distribution_, distribution)
        assert algorithm.n_steps_.item() == 1
        guess = (p * [0.3, 0.7] / distribution) ** 2  # normalization and power commute
        guess /= guess.sum(axis=1, keepdims=True)

        def cross_entropy(X):
            return -(guess * np.log(softmax(X))).sum(axis=1).mean()

        assert terms["labeled_loss"].item() == pytest.approx(
            -np.log(softmax(labeled)[range(3), y]).mean()
        )
        mixed = np.mean([cross_entropy(X) for X in (strong, strong_2, weak)])
        assert terms["unlabeled_loss"].item() == pytest.approx(2 * 0.5 * mixed)
        assert terms["strong_loss"].item() == pytest.approx(3 * 0.5 * cross_entropy(strong))

        rolled = network.asked[-1]["unlabeled_rolled"].numpy()
        quarters = [
            next(q for q in range(4) if np.array_equal(np.roll(row, 2 * q), found))
            for row, found in zip(X[1], rolled, strict=True)
        ]
        pretext = -np.log(softmax(rolled[:, :4])[range(3), quarters]).mean()
        assert terms["pretext_loss"].item() == pytest.approx(5 * pretext)

    def test_all_quarters_come_up(self, bench):
        algorithm = bench.start(ReMixMatch(), 64)
        views = {
            view: torch.randn(2 if view.startswith("labeled") else 64, 8, generator=generator())
            for view in algorithm.views
        }
        network = Spy(2)
        algorithm.step(network, bench.batch([0, 1], range(64), 0.5, views))
        asked = network.asked[-1]
        counts = [
            int(
                (asked["unlabeled_strong"].roll(2 * q, 1) == asked["unlabeled_rolled"]).all(1).sum()
            )
            for q in range(4)
        ]
        assert sum(counts) == 64
        assert min(counts) > 5

    @pytest.mark.parametrize("n_points", [8, 11, 351])
    def test_rolls_are_permutations_that_can_be_undone(self, n_points):
        X = torch.rand(8, n_points)
        quarters = torch.arange(8) % 4
        rolled = _rolled(X, quarters)
        for row, found, quarter in zip(X, rolled, quarters.tolist(), strict=True):
            shift = quarter * n_points // 4
            assert torch.equal(found, row.roll(shift))
            assert torch.equal(found.roll(-shift), row)
        if n_points % 4 == 0:
            assert torch.equal(_rolled(rolled, (4 - quarters) % 4), X)
