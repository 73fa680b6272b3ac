import copy

import pytest
import torch
from torch import nn

from skxrd.networks import VGG11, ResNet1d

SMALL = {
    VGG11: {"channels": (4, 6), "kernel_sizes": (8, 3), "hidden_units": (16,)},
    ResNet1d: {"channels": (4, 6, 8)},
}
NETWORKS = list(SMALL)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n_points", [1, 2, 10, 351, 4501])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_for_patterns_of_any_length(network, n_points, n_classes):
    module = network(n_points, n_classes, **SMALL[network])
    logits = module(torch.rand(4, n_points))
    assert logits.shape == (4, n_classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n_points", [1, 2, 10])
def test_default_sections_fit_short_patterns(network, n_points):
    options = {"hidden_units": (8,)} if network is VGG11 else {}
    assert network(n_points, 2, **options)(torch.rand(3, n_points)).shape == (3, 2)


@pytest.mark.parametrize("network", NETWORKS)
def test_gradient_reaches_every_parameter(network):
    torch.manual_seed(0)
    module = network(351, 3, **SMALL[network])
    logits = module(torch.rand(16, 351))
    nn.functional.cross_entropy(logits, torch.arange(16) % 3).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("network", NETWORKS)
def test_rows_do_not_depend_on_each_other_in_prediction(network):
    torch.manual_seed(0)
    module = network(101, 2, **SMALL[network]).eval()
    X = torch.rand(5, 101)
    alone = torch.cat([module(row[None]) for row in X])
    torch.testing.assert_close(alone, module(X))


@pytest.mark.parametrize("network", [VGG11, ResNet1d])
def test_channels_come_last_in_memory(network):
    """Torch's faster format on a CPU; copies and loaded weights keep it."""
    module = copy.deepcopy(network(101, 2, **SMALL[network]))
    module.load_state_dict({name: value.clone() for name, value in module.state_dict().items()})
    inputs = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)
            layer.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    module(torch.rand(3, 101))
    assert all(X.is_contiguous(memory_format=torch.channels_last) for X in inputs)


class TestVGG11:
    def test_default_layers_are_those_of_the_paper(self):
        network = VGG11(4501, 2)
        convolutions = [layer for layer in network.features if isinstance(layer, nn.Conv2d)]
        assert [layer.out_channels for layer in convolutions] == [
            64, 64, 128, 128, 256, 256, 512, 512
        ]  # fmt: skip
        assert [layer.kernel_size[1] for layer in convolutions] == [16, 16, 12, 12, 8, 8, 4, 4]
        assert [layer.stride[1] for layer in convolutions] == [2, 1] * 4
        assert sum(isinstance(layer, nn.MaxPool2d) for layer in network.features) == 4
        dense = [layer for layer in network.classifier if isinstance(layer, nn.Linear)]
        # Four sections leave 19 of 4,501 points.
        assert [layer.in_features for layer in dense] == [512 * 19, 1024, 1024, 1024]
        assert [layer.out_features for layer in dense] == [1024, 1024, 1024, 2]
        assert sum(weight.numel() for weight in network.parameters()) == sum(
            [
                *(16 * 1 * 64 + 64, 16 * 64 * 64 + 64),
                *(12 * 64 * 128 + 128, 12 * 128 * 128 + 128),
                *(8 * 128 * 256 + 256, 8 * 256 * 256 + 256),
                *(4 * 256 * 512 + 512, 4 * 512 * 512 + 512),
                9728 * 1024 + 1024,
                2 * (1024 * 1024 + 1024),
                1024 * 2 + 2,
            ]
        )

    @pytest.mark.parametrize("batch_norm", [False, True])
    @pytest.mark.parametrize("dropout", [0.0, 0.3])
    def test_optional_layers(self, batch_norm, dropout):
        network = VGG11(101, 2, **SMALL[VGG11], batch_norm=batch_norm, dropout=dropout)
        layers = list(network.modules())
        norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
        dropouts = [layer for layer in layers if isinstance(layer, nn.Dropout)]
        assert [norm.num_features for norm in norms] == ([4, 4, 6, 6] if batch_norm else [])
        assert [layer.p for layer in dropouts] == ([0.3] * 3 if dropout else [])

    def test_building_leaves_running_statistics_alone(self):
        network = VGG11(101, 2, **SMALL[VGG11], batch_norm=True)
        assert network.training
        assert all(module.training for module in network.modules())
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                assert norm.num_batches_tracked == 0
                assert (norm.running_mean == 0).all()
                assert (norm.running_var == 1).all()

    def test_without_hidden_layers(self):
        network = VGG11(50, 2, channels=(4,), kernel_sizes=(3,), hidden_units=())
        assert len(network.classifier) == 1

    def test_unequal_lists_are_refused(self):
        with pytest.raises(ValueError, match="one entry per section each, got 2 and 3"):
            VGG11(101, 2, channels=(4, 8), kernel_sizes=(8, 4, 2))


class TestResNet1d:
    def test_is_small_and_independent_of_the_number_of_points(self):
        sizes = {
            sum(weight.numel() for weight in ResNet1d(n_points, 2).parameters())
            for n_points in (10, 901, 4501)
        }
        assert len(sizes) == 1
        assert sizes.pop() < 500_000

    def test_coordinates_tell_where_a_line_is(self):
        X = torch.zeros(2, 400)
        X[0, 100] = X[1, 300] = 1.0  # far from both ends, a multiple of all strides apart
        torch.manual_seed(0)
        blind = ResNet1d(400, 2, channels=(4, 8), coordinates=False).eval()
        torch.testing.assert_close(*blind(X))
        seeing = ResNet1d(400, 2, channels=(4, 8)).eval()
        assert (seeing(X)[0] - seeing(X)[1]).abs().max() > 1e-6

    def test_dropout_acts_in_training_only(self):
        network = ResNet1d(101, 2, channels=(4, 8), dropout=0.5)
        X = torch.rand(8, 101)
        network.eval()
        torch.testing.assert_close(network(X), network(X))
        network.train()
        assert not torch.equal(network(X), network(X))
