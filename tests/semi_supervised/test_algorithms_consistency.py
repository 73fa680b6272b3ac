"""Consistency without pseudo-labels against values worked out by hand."""

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from skxrd.networks import ResNet1d
from skxrd.semi_supervised import VAT, MeanTeacher, PiModel, TemporalEnsembling, TrainingBatch
from skxrd.semi_supervised._algorithms._parts import kl_divergence
from skxrd.semi_supervised._networks import StudentTeacher, TrainingNetwork

TWO = ([0.9, 0.4], [0.7, 0.5])
THREE = ([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5]], [[0.6, 0.2, 0.2], [0.1, 0.1, 0.8]])
# Mean over rows and classes of the squared differences of the tables above.
SQUARES = {2: (0.2**2 + 0.1**2) / 2, 3: (0.04 + 0.01 + 0.01 + 0.01 + 0.04 + 0.09) / 6}


@pytest.mark.parametrize("found", [PiModel, MeanTeacher])
@pytest.mark.parametrize(("progress", "ramp"), [(0.0, 0.0), (0.1, 0.25), (0.4, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_squared_difference_of_two_weak_views(found, progress, ramp, n_classes, bench):
    algorithm = bench.start(found(unlabeled_weight=8.0), 2, y=range(n_classes))
    first, second = TWO if n_classes == 2 else THREE
    terms = bench.losses(
        algorithm,
        labeled_weak=first,
        unlabeled_weak=first,
        unlabeled_weak_2=second,
        progress=progress,
    )
    assert terms["unlabeled_loss"].item() == pytest.approx(8 * ramp * SQUARES[n_classes])


class TestTemporalEnsembling:
    @pytest.mark.parametrize("decay", [0.6, 0.0])
    def test_targets_over_passes(self, decay, bench):
        algorithm = TemporalEnsembling(unlabeled_weight=1.0, ramp_up=0.0, decay=decay)
        bench.start(algorithm, 3)
        history, predictions = 0.0, [0.9, 0.5, 0.2, 0.7]
        for n_passes, p in enumerate(predictions):
            # The first row, once a pass, beside another one that is always certain.
            terms = bench.losses(algorithm, index=[0, 2], unlabeled_weak=[p, 1.0])
            target = history / (1 - decay**n_passes) if n_passes else p
            assert terms["unlabeled_loss"].item() == pytest.approx((p - target) ** 2 / 2)
            history = decay * history + (1 - decay) * p
            assert algorithm.ensemble_[0, 1].item() == pytest.approx(history)
        assert algorithm.n_passes_.tolist() == [4, 0, 4]
        assert algorithm.ensemble_[1].tolist() == [0, 0]

    def test_correction_makes_a_constant_prediction_its_own_target(self, bench):
        algorithm = bench.start(TemporalEnsembling(ramp_up=0.0), 1, y=(0, 1, 2))
        for _ in range(5):
            terms = bench.losses(
                algorithm,
                y=[0],
                labeled_weak=THREE[0][:1],
                unlabeled_weak=THREE[0][:1],
            )
            assert terms["unlabeled_loss"].item() == pytest.approx(0, abs=1e-20)

    def test_gradient_is_through_the_prediction_only(self, bench):
        algorithm = bench.start(TemporalEnsembling(unlabeled_weight=1.0, ramp_up=0.0), 1)
        bench.losses(algorithm, unlabeled_weak=[0.9])
        weak = bench.logits([0.6]).requires_grad_()
        outputs = {"labeled_weak": bench.logits([0.5]), "unlabeled_weak": weak}
        algorithm.losses(outputs, bench.batch([0], [0]))["unlabeled_loss"].backward()
        # d/dz of (p - 0.9)^2 with p = 0.6: 2 (p - 0.9) p (1 - p)
        assert weak.grad[0, 1].item() == pytest.approx(2 * (0.6 - 0.9) * 0.6 * 0.4)


class TestMeanTeacher:
    def student(self, decay):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)
        )
        return StudentTeacher(network, {}, decay, predicts_by_average=False)

    def test_average_of_weights_and_buffers(self, double):
        """Decay min(decay, (1 + n) / (10 + n)) in step n; the first step copies."""
        algorithm = MeanTeacher(decay=0.3)
        module = self.student(algorithm.teacher_decay)
        expected = None
        for n in range(8):
            with torch.no_grad():
                for parameter in module.network.parameters():
                    parameter.add_(torch.randn_like(parameter))
            module.network(torch.randn(6, 5))  # moves the running statistics
            current = {k: v.clone() for k, v in module.network.state_dict().items()}
            decay = min(0.3, (1 + n) / (10 + n)) if n else 0.0
            expected = expected or current
            expected = {
                name: decay * expected[name] + (1 - decay) * value
                if value.is_floating_point()
                else value
                for name, value in current.items()
            }
            module.update_average()
            average = module.average.module.state_dict()
            assert any("running_mean" in name for name in average)
            torch.testing.assert_close(dict(average), expected)
        assert (1 + 3) / (10 + 3) > 0.3  # the limit was reached

    def test_teacher_predicts_without_dropout_by_the_statistics_of_the_batch(self, bench):
        algorithm = bench.start(MeanTeacher(unlabeled_weight=1.0, ramp_up=0.0), 4)
        module = self.student(algorithm.teacher_decay).train()
        network = TrainingNetwork(module, "joint", torch.Generator())
        generator = torch.Generator().manual_seed(0)
        views = {view: torch.randn(4, 5, generator=generator) for view in algorithm.views}
        before = copy.deepcopy(module.average.state_dict())
        seen = {}
        network_of = network.teacher
        network.teacher = lambda views: seen.update(network_of(views)) or dict(seen)
        algorithm.step(network, bench.batch([0, 1, 0, 1], range(4), 1.0, views))
        reference = copy.deepcopy(module.average.module).eval()
        next(layer for layer in reference if isinstance(layer, nn.BatchNorm1d)).train()
        assert not any(layer.training for layer in module.average.modules())
        with torch.no_grad():
            expected = reference(views["unlabeled_weak"])
        torch.testing.assert_close(seen["unlabeled_weak"], expected.float())
        torch.testing.assert_close(module.average.state_dict(), before, rtol=0, atol=0)
        assert not seen["unlabeled_weak"].requires_grad

    def test_student_does_not_see_the_teachers_view(self, laboratory):
        algorithm = laboratory.make(MeanTeacher)
        algorithm.initialize(laboratory.codes())
        network = laboratory.view_of(laboratory.student(algorithm))
        (batch,) = laboratory.batches(algorithm, 1)
        algorithm.step(network, batch)
        assert network.n_rows_seen == laboratory.n_labeled + laboratory.n_unlabeled // 2


def linear_network(weight, couples_views=False):
    """Logits X @ weight, and what was asked."""
    asked = []

    def ask(views):
        asked.append(views)
        return {view: X @ weight for view, X in views.items()}

    network = SimpleNamespace(
        asked=asked,
        couples_views=couples_views,
        generator=torch.Generator().manual_seed(0),
    )

    class Network:
        def __getattr__(self, name):
            return getattr(network, name)

        def __call__(self, views):
            return ask(views)

        def frozen_statistics(self):
            return torch.enable_grad()

    return Network()


class TestVAT:
    def test_values(self, bench):
        algorithm = VAT(unlabeled_weight=2.0, ramp_up=0.4, entropy_weight=0.5)
        bench.start(algorithm, 2)
        terms = bench.losses(
            algorithm, unlabeled_weak=[0.9, 0.4], adversarial=[0.7, 0.5], progress=0.2
        )
        divergence = (
            0.9 * math.log(0.9 / 0.7)
            + 0.1 * math.log(0.1 / 0.3)
            + 0.4 * math.log(0.4 / 0.5)
            + 0.6 * math.log(0.6 / 0.5)
        ) / 2
        assert terms["unlabeled_loss"].item() == pytest.approx(2 * 0.5 * divergence)
        entropy = -sum(p * math.log(p) for p in (0.9, 0.1, 0.4, 0.6)) / 2
        assert terms["entropy_loss"].item() == pytest.approx(0.5 * entropy)

    def test_gradient_flows_through_the_changed_pattern_only(self, bench):
        algorithm = bench.start(VAT(unlabeled_weight=1.0, ramp_up=0, entropy_weight=0), 1)
        weak, adversarial = (bench.logits([p]).requires_grad_() for p in (0.9, 0.7))
        outputs = {
            "labeled_weak": bench.logits([0.5]),
            "unlabeled_weak": weak,
            "adversarial": adversarial,
        }
        sum(algorithm.losses(outputs, bench.batch([0], [0])).values()).backward()
        assert weak.grad.abs().max() == 0  # entropy of no weight
        assert adversarial.grad[0, 1].item() == pytest.approx(0.7 - 0.9)

    @pytest.mark.parametrize("couples_views", [True, False])
    def test_direction_for_a_linear_network_of_two_classes(self, couples_views, bench):
        """KL depends on the difference of both logits alone: the attack is along its gradient."""
        weight = torch.tensor([[0.3, -0.1], [-0.5, 0.2], [0.4, 0.9], [0.0, 0.1]])
        generator = torch.Generator().manual_seed(1)
        X = torch.randn(5, 4, generator=generator)
        algorithm = VAT(radius=0.7, unlabeled_weight=1.0, ramp_up=0.0)
        bench.start(algorithm, 5)
        network = linear_network(weight, couples_views)
        views = {"labeled_weak": X[:2], "unlabeled_weak": X}
        terms = algorithm.step(network, bench.batch([0, 1], range(5), 1.0, views))
        change = network.asked[-1]["unlabeled_weak"] - X
        difference = weight[:, 1] - weight[:, 0]
        cosine = change @ difference / difference.norm() / 0.7
        np.testing.assert_allclose(cosine.abs(), 1, atol=1e-6)
        np.testing.assert_allclose(change.norm(dim=1), 0.7)
        p = torch.sigmoid(X @ difference)
        q = torch.sigmoid((X + change) @ difference)
        divergence = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
        assert terms["unlabeled_loss"].item() == pytest.approx(divergence.item())

    def test_attack_is_near_the_worst_of_a_fine_search(self, bench):
        """Three classes, two points: all directions can be tried.

        One step of power iteration does not find the very worst direction, and knows no sign.
        """
        weight = torch.tensor([[1.0, -0.5, 0.2], [0.1, 0.3, -0.2]])
        X = torch.randn(40, 2, generator=torch.Generator().manual_seed(2))
        algorithm = bench.start(VAT(radius=0.3), 40, y=(0, 1, 2))
        network = linear_network(weight)
        views = {"labeled_weak": X[:3], "unlabeled_weak": X}
        algorithm.step(network, bench.batch([0, 1, 2], range(40), 1.0, views))
        change = network.asked[-1]["unlabeled_weak"] - X
        angles = torch.linspace(0, 2 * math.pi, 361)
        tried = 0.3 * torch.stack([angles.cos(), angles.sin()], dim=1)
        p = (X @ weight).softmax(dim=1)
        all_divergences = torch.stack(
            [kl_divergence(p, (X + direction) @ weight) for direction in tried], dim=1
        )
        found = kl_divergence(p, (X + change) @ weight)
        assert (found > all_divergences.mean(dim=1)).double().mean() > 0.9
        assert (found / all_divergences.max(dim=1).values).median() > 0.8

    @pytest.mark.parametrize("policy", ["joint", "labeled"])
    def test_attack_hurts_more_than_random_changes_of_the_same_norm(self, policy):
        """With dropout and batch normalization, as in a training."""
        torch.manual_seed(0)
        X = torch.rand(40, 101)
        y = (X[:, 20] > X[:, 60]).long()
        module = StudentTeacher(ResNet1d(101, 2, channels=(8, 16)), {}, None, False)
        optimizer = torch.optim.Adam(module.parameters(), 3e-3)
        for _ in range(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(X), y).backward()
            optimizer.step()
        network = TrainingNetwork(module, policy, torch.Generator().manual_seed(0))
        change = self.attack(VAT(radius=1.0), network, X, y)
        module.eval()
        with torch.no_grad():
            p = module(X[8:]).softmax(dim=1)
            found = kl_divergence(p, module(X[8:] + change)).mean()
            random = [
                kl_divergence(p, module(X[8:] + direction)).mean()
                for direction in nn.functional.normalize(torch.randn(30, 32, 101), dim=2)
            ]
        assert found > 10 * max(random)

    def attack(self, algorithm, network, X, y):
        seen = []
        original = network._joint_pass
        network._joint_pass = lambda views: seen.append(views) or original(views)
        algorithm.initialize(torch.cat([y[:8], torch.full((32,), -1)]))
        self.terms = self.step(algorithm, network, X, y)
        return seen[-1]["unlabeled_weak"] - X[8:]

    @staticmethod
    def step(algorithm, network, X, y):
        views = {"labeled_weak": X[:8], "unlabeled_weak": X[8:]}
        rows = torch.arange(32)
        return algorithm.step(network, TrainingBatch(y[:8], rows[:8], rows, 1.0, views))

    @pytest.mark.parametrize("policy", ["joint", "labeled"])
    def test_no_change_no_divergence(self, policy):
        """Dropout and batch normalization alone must not look like an attack."""
        torch.manual_seed(0)
        X, y = torch.rand(40, 101), torch.arange(40) % 2
        module = StudentTeacher(ResNet1d(101, 2, channels=(8, 16)), {}, None, False).train()
        network = TrainingNetwork(module, policy, torch.Generator().manual_seed(0))
        algorithm = VAT(radius=1e-4)
        self.attack(algorithm, network, X, y)
        assert self.terms["unlabeled_loss"].item() < 1e-5

    def test_power_iteration_leaves_no_trace_in_running_statistics(self):
        torch.manual_seed(0)
        X, y = torch.rand(40, 101), torch.arange(40) % 2
        network = ResNet1d(101, 2, channels=(8, 16), dropout=0.0)
        module = StudentTeacher(network, {}, None, False).train()
        reference = copy.deepcopy(module)
        change = self.attack(VAT(), TrainingNetwork(module, "joint", torch.Generator()), X, y)
        # Two passes count: that of the patterns and that of the changed ones.
        reference.network(X)
        reference.network(torch.cat([X[:8], X[8:] + change]))
        for name, value in reference.state_dict().items():
            if "running" in name:
                torch.testing.assert_close(module.state_dict()[name], value, msg=name)
