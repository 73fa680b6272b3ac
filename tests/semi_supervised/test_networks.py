"""The network in training: its running average, its heads, and what the views share."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from skxrd.networks import VGG11, ResNet1d
from skxrd.semi_supervised._networks import (
    StudentTeacher,
    TrainingNetwork,
    last_linear,
    without_batch_norm,
)

N_POINTS = 41
NETWORKS = {
    "batch_norm": lambda: ResNet1d(N_POINTS, 2, channels=(4, 8)),
    "plain": lambda: VGG11(N_POINTS, 2, channels=(4,), kernel_sizes=(4,), hidden_units=(8,)),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield NETWORKS[request.param]()


@pytest.fixture
def resnet():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield NETWORKS["batch_norm"]().train()


def patterns(n_rows, seed=0):
    return torch.rand(n_rows, N_POINTS, generator=torch.Generator().manual_seed(seed))


VIEWS = {
    "labeled_weak": patterns(5),
    "unlabeled_weak": 3 * patterns(7, seed=1),
    "unlabeled_strong": 9 * patterns(7, seed=2),
}


def student_teacher(network, *, decay=None, predicts_by_average=False, heads=None):
    return StudentTeacher(network, heads or {}, decay, predicts_by_average)


def as_seen(network, policy, **options):
    return TrainingNetwork(student_teacher(network), policy, torch.Generator(), **options)


def batch_norms(network):
    return [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]


def running_statistics(network):
    return {
        name: value.clone()
        for name, value in network.state_dict().items()
        if "running" in name or "tracked" in name
    }


class TestAverage:
    @pytest.mark.parametrize("decay", [0.0, 0.3, 0.9])
    def test_weights_and_buffers_follow_the_formula(self, network, decay):
        module = student_teacher(network, decay=decay).train()
        generator = torch.Generator().manual_seed(0)
        expected = None
        for n in range(6):
            with torch.no_grad():
                for value in network.state_dict().values():
                    if value.is_floating_point():
                        value.add_(torch.randn(value.shape, generator=generator))
                    else:
                        value.add_(1)
            module.update_average()
            current = {name: value.clone() for name, value in network.state_dict().items()}
            keep = min(decay, (1 + n) / (10 + n))
            if expected is None:  # the first step is all there is to average
                expected = current
            expected = {
                name: keep * expected[name] + (1 - keep) * value
                if value.is_floating_point()
                else value
                for name, value in current.items()
            }
        average = module.average.module.state_dict()
        assert average.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(average[name], value)

    def test_who_predicts(self, network):
        X = patterns(4)
        for by_average in (False, True):
            module = student_teacher(network, decay=0.9, predicts_by_average=by_average)
            with torch.no_grad():
                for weight in network.parameters():
                    weight.add_(0.3)
                module.eval()
                chosen = module.average.module if by_average else network
                assert torch.equal(module(X), chosen(X))
                assert not torch.equal(network(X), module.average(X))

    def test_the_average_always_predicts_and_has_no_gradient(self, network):
        module = student_teacher(network, decay=0.9).train()
        assert network.training
        assert not any(layer.training for layer in module.average.modules())
        assert not any(weight.requires_grad for weight in module.average.parameters())
        assert all(weight.requires_grad for weight in network.parameters())
        teacher = TrainingNetwork(module, "joint", torch.Generator())
        before = {name: value.clone() for name, value in module.state_dict().items()}
        logits = teacher.teacher(VIEWS)
        assert {view: len(values) for view, values in logits.items()} == {
            view: len(X) for view, X in VIEWS.items()
        }
        assert not any(values.requires_grad for values in logits.values())
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name]), name

    def test_without_a_decay_there_is_none(self, network):
        module = student_teacher(network)
        module.update_average()
        assert module.average is None
        assert not any("average" in name for name in module.state_dict())


class TestHeads:
    def test_they_read_the_input_of_the_last_layer(self, network):
        n_features = last_linear(network).in_features
        module = student_teacher(network, heads={"same": nn.Identity()}).eval()
        with torch.no_grad():
            outputs = module.logits_and_heads(patterns(3))
            assert outputs.keys() == {"", "_same"}
            assert outputs["_same"].shape == (3, n_features)
            assert torch.equal(last_linear(network)(outputs["_same"]), outputs[""])
        assert not last_linear(network)._forward_pre_hooks  # nothing is left behind

    def test_they_are_split_by_view(self, network):
        module = student_teacher(network, heads={"same": nn.Identity()}).train()
        seen = TrainingNetwork(module, "joint", torch.Generator())
        outputs = seen(VIEWS)
        assert outputs.keys() == VIEWS.keys() | {f"{view}_same" for view in VIEWS}
        for view, X in VIEWS.items():
            assert len(outputs[view]) == len(outputs[f"{view}_same"]) == len(X)

    def test_a_network_without_such_a_layer(self):
        with pytest.raises(ValueError, match=r"last torch\.nn\.Linear .* but Sequential has none"):
            last_linear(nn.Sequential(nn.Conv1d(1, 1, 1)))


class TestJoint:
    def test_one_pass_over_all_views(self, resnet):
        first = batch_norms(resnet)[0]
        inputs = []
        first.register_forward_hook(lambda *arguments: inputs.append(arguments[1][0].clone()))
        outputs = as_seen(resnet, "joint")(VIEWS)
        (normalized,) = inputs
        assert len(normalized) == 19
        # by hand: momentum 0.1, the unbiased variance over rows and points
        values = normalized.transpose(0, 1).flatten(1)
        torch.testing.assert_close(first.running_mean, 0.1 * values.mean(dim=1))
        variance = 0.9 + 0.1 * values.var(dim=1, correction=1)
        torch.testing.assert_close(first.running_var, variance)
        assert first.num_batches_tracked == 1
        assert {view: len(values) for view, values in outputs.items()} == {
            view: len(X) for view, X in VIEWS.items()
        }

    def test_views_influence_each_other(self, resnet):
        resnet.classifier[0].p = 0.0
        seen = as_seen(resnet, "joint")
        assert seen.couples_views
        assert not seen.rows_are_independent
        alone = seen({"labeled_weak": VIEWS["labeled_weak"]})["labeled_weak"]
        assert not torch.allclose(seen(VIEWS)["labeled_weak"], alone, atol=1e-3)


class TestLabeled:
    def test_running_statistics_are_those_of_the_labeled_view(self, resnet):
        reference = NETWORKS["batch_norm"]().train()
        reference.load_state_dict(resnet.state_dict())
        seen = as_seen(resnet, "labeled")
        assert not seen.couples_views
        for _ in range(3):
            seen(VIEWS)
            reference(VIEWS["labeled_weak"])
        found = running_statistics(resnet)
        assert len(found) == 9
        for name, value in running_statistics(reference).items():
            assert torch.equal(found[name], value), name

    def test_each_view_is_normalized_by_itself(self, resnet):
        resnet.classifier[0].p = 0.0
        seen = as_seen(resnet, "labeled")
        together = seen(VIEWS)
        for view, X in VIEWS.items():
            assert torch.equal(seen({view: X})[view], together[view])

    def test_a_factor_goes_unnoticed(self):
        """A view is divided by its own spread, whatever that of the labeled view is."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(nn.Linear(N_POINTS, 6), nn.BatchNorm1d(6), nn.Linear(6, 2))
        seen = as_seen(network.train(), "labeled")
        scaled = {**VIEWS, "unlabeled_weak": 50 * VIEWS["unlabeled_weak"]}
        network[0].bias.detach().zero_()
        torch.testing.assert_close(
            seen(scaled)["unlabeled_weak"], seen(VIEWS)["unlabeled_weak"], rtol=1e-3, atol=1e-3
        )

    @pytest.mark.parametrize("momentum", [0.1, None])
    def test_unlabeled_views_leave_no_trace(self, resnet, momentum):
        for layer in batch_norms(resnet):
            layer.momentum = momentum
        seen = as_seen(resnet, "labeled")
        before = running_statistics(resnet)
        seen({view: X for view, X in VIEWS.items() if view.startswith("unlabeled")})
        for name, value in running_statistics(resnet).items():
            assert torch.equal(value, before[name]), name
        assert all(layer.track_running_stats for layer in batch_norms(resnet))

    def test_frozen_statistics_come_back_after_an_error(self, resnet):
        seen = as_seen(resnet, "joint")
        with pytest.raises(RuntimeError, match="stop"), seen.frozen_statistics():
            raise RuntimeError("stop")
        before = running_statistics(resnet)
        seen(VIEWS)
        assert not torch.equal(
            running_statistics(resnet)["features.1.running_mean"], before["features.1.running_mean"]
        )


class TestNone:
    def test_no_batch_normalization_is_left(self, resnet):
        n_before = len(batch_norms(resnet))
        changed = without_batch_norm(resnet)
        assert changed is resnet
        assert batch_norms(changed) == []
        groups = [layer for layer in changed.modules() if isinstance(layer, nn.GroupNorm)]
        assert len(groups) == n_before == 3
        assert [(layer.num_groups, layer.num_channels) for layer in groups] == [
            (4, 4),
            (8, 8),
            (8, 8),
        ]

    @pytest.mark.parametrize(("n_channels", "n_groups"), [(1, 1), (7, 7), (11, 1), (48, 8)])
    def test_groups_divide_the_channels(self, n_channels, n_groups):
        (layer,) = without_batch_norm(nn.Sequential(nn.BatchNorm1d(n_channels)))
        assert layer.num_groups == n_groups
        X = torch.randn(3, n_channels, 5, generator=torch.Generator().manual_seed(0))
        assert layer(X).shape == X.shape

    def test_a_network_without_it_stays_as_it_is(self):
        network = NETWORKS["plain"]()
        layers = list(network.modules())
        assert list(without_batch_norm(network).modules()) == layers

    @pytest.mark.parametrize("name", NETWORKS)
    def test_rows_do_not_influence_each_other(self, name):
        network = without_batch_norm(NETWORKS[name]()).train()
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        seen = as_seen(network, "none")
        assert seen.rows_are_independent
        assert not seen.couples_views
        outputs = seen(VIEWS)
        order = torch.tensor([4, 0, 3, 1, 2])
        others = {"labeled_weak": VIEWS["labeled_weak"][order], "unlabeled_weak": patterns(2)}
        torch.testing.assert_close(
            seen(others)["labeled_weak"], outputs["labeled_weak"][order], rtol=1e-5, atol=1e-6
        )
        one = seen({"unlabeled_weak": VIEWS["unlabeled_weak"][3:4]})["unlabeled_weak"]
        torch.testing.assert_close(one, outputs["unlabeled_weak"][3:4], rtol=1e-5, atol=1e-6)


class TestMixedPrecision:
    @pytest.mark.parametrize("policy", ["joint", "labeled"])
    def test_logits_and_heads_are_single_precision_again(self, network, policy):
        dtypes = set()
        last_linear(network).register_forward_hook(lambda *seen: dtypes.add(seen[2].dtype))
        module = student_teacher(network, decay=0.9, heads={"same": nn.Linear(*_shape(network))})
        seen = TrainingNetwork(module.train(), policy, torch.Generator(), mixed_precision=True)
        outputs = seen(VIEWS)
        assert dtypes == {torch.bfloat16}
        assert {values.dtype for values in outputs.values()} == {torch.float32}
        assert {values.dtype for values in seen.teacher(VIEWS).values()} == {torch.float32}
        sum(values.sum() for values in outputs.values()).backward()
        assert {weight.grad.dtype for weight in network.parameters()} == {torch.float32}

    def test_gradients_after_a_pass_without_them(self, network):
        # torch caches the weights that it casts: those of a pass without gradients must not stay
        seen = as_seen(network, "labeled", mixed_precision=True)
        with torch.no_grad(), seen.frozen_statistics():
            seen(VIEWS)
        seen(VIEWS)["labeled_weak"].sum().backward()
        assert last_linear(network).weight.grad.norm() > 0


def _shape(network):
    return last_linear(network).in_features, 3
