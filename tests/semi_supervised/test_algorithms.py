"""Losses and thresholds against values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skxrd.networks import ResNet1d
from skxrd.semi_supervised import BaseAlgorithm, FixMatch, FlexMatch, PseudoLabel, Supervised
from skxrd.testing import all_classes

CPU = torch.device("cpu")
ALGORITHMS = [
    found
    for _, found in all_classes()
    if issubclass(found, BaseAlgorithm) and found is not BaseAlgorithm
]


def logits(probabilities):
    """Logits whose softmax is the given probability of class 1 (or the given rows)."""
    p = torch.as_tensor(probabilities, dtype=torch.float64)
    return (torch.stack([1 - p, p], dim=1) if p.ndim == 1 else p).log()


def run(algorithm, p_weak, index=None, p_strong=None, progress=0.0):
    p_weak = torch.as_tensor(p_weak, dtype=torch.float64)
    p_strong = torch.full_like(p_weak, 0.5) if p_strong is None else p_strong
    outputs = {
        "labeled_weak": logits([0.25, 0.8]),
        "unlabeled_weak": logits(p_weak),
        "unlabeled_strong": logits(p_strong),
    }
    outputs = {view: value for view, value in outputs.items() if view in algorithm.views}
    index = torch.arange(len(p_weak)) if index is None else torch.tensor(index)
    return algorithm.losses(outputs, torch.tensor([0, 1]), index, progress)


def started(algorithm, n_unlabeled, n_classes=2):
    algorithm.initialize(n_classes, n_unlabeled, CPU)
    return algorithm


LABELED_LOSS = -(math.log(0.75) + math.log(0.8)) / 2


def test_discovery():
    assert set(ALGORITHMS) >= {FixMatch, FlexMatch, PseudoLabel, Supervised}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_labeled_loss_is_the_mean_cross_entropy(algorithm):
    terms = run(started(algorithm(), 3), [0.99, 0.4, 0.5])
    assert terms["labeled_loss"].item() == pytest.approx(LABELED_LOSS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_unlabeled_rows(algorithm):
    algorithm = started(algorithm(), 0)
    terms = algorithm.losses(
        {"labeled_weak": logits([0.25, 0.8])},
        torch.tensor([0, 1]),
        torch.tensor([], dtype=torch.int64),
        0.0,
    )
    assert list(terms) == ["labeled_loss"]
    assert terms["labeled_loss"].item() == pytest.approx(LABELED_LOSS)


class TestFixMatch:
    def test_equation_5(self):
        algorithm = started(FixMatch(threshold=0.9, unlabeled_weight=2.0), 4)
        # selected: the first (class 1) and the fourth (class 0)
        terms = run(algorithm, [0.95, 0.89, 0.5, 0.02], p_strong=[0.6, 0.3, 0.2, 0.7])
        expected = -2.0 * (math.log(0.6) + math.log(0.3)) / 4
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert algorithm.mask_rate_.item() == 0.5

    def test_a_confidence_equal_to_the_threshold_counts(self):
        algorithm = started(FixMatch(threshold=0.5), 2)
        run(algorithm, [0.5, 0.5])
        assert algorithm.mask_rate_.item() == 1.0

    def test_threshold_stays(self):
        algorithm = started(FixMatch(threshold=0.9), 2)
        for _ in range(3):
            run(algorithm, [0.99, 0.01])
        np.testing.assert_allclose(algorithm.thresholds_.numpy(), [0.9, 0.9], rtol=1e-6)
        assert algorithm.monitor() == pytest.approx(
            {"mask_rate": 1.0, "threshold_0": 0.9, "threshold_1": 0.9}
        )


def mapped(beta, threshold=0.8):
    return threshold * beta / (2 - beta)


class TestFlexMatch:
    def test_three_steps_with_warm_up(self):
        algorithm = started(FlexMatch(threshold=0.8), 10)
        assert algorithm.thresholds_.tolist() == [0.0, 0.0]

        # Rows 0, 1 are confident of class 1, row 2 of class 0, row 3 is not confident.
        run(algorithm, [0.9, 0.85, 0.1, 0.6], index=[0, 1, 2, 3])
        assert algorithm.latest_.tolist() == [1, 1, 0, -1, -1, -1, -1, -1, -1, -1]
        # sigma = (1, 2), seven rows are not counted yet: beta = (1, 2) / 7
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(1 / 7), mapped(2 / 7)])
        assert algorithm.mask_rate_.item() == 1.0  # two classes: a confidence is at least 0.5

        # Row 0 changes its class; row 1 is no longer confident and keeps its latest class.
        run(algorithm, [0.05, 0.5, 0.9, 0.9, 0.95, 0.9], index=[0, 1, 4, 5, 6, 7])
        assert algorithm.latest_.tolist() == [0, 1, 0, -1, 1, 1, 1, 1, -1, -1]
        # sigma = (2, 5), three rows not counted: beta = (2, 5) / 5
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(2 / 5), mapped(1)])

        # Now class 1 demands the whole threshold, class 0 less.
        terms = run(
            algorithm,
            [0.79, 0.81, 0.3, 0.45],
            index=[8, 4, 9, 3],
            p_strong=[0.5, 0.4, 0.2, 0.1],
        )
        assert algorithm.latest_.tolist() == [0, 1, 0, -1, 1, 1, 1, 1, -1, -1]
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(2 / 5), mapped(1)])
        expected = -(math.log(0.4) + math.log(0.8) + math.log(0.9)) / 4  # all but the first row
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert algorithm.mask_rate_.item() == 0.75

    def test_without_warm_up(self):
        algorithm = started(FlexMatch(threshold=0.8, warm_up=False), 10)
        run(algorithm, [0.9, 0.85, 0.1, 0.6])
        # sigma = (1, 2), relative to the best learned class
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(1 / 2), mapped(1)])

    def test_three_classes(self):
        algorithm = started(FlexMatch(threshold=0.7), 5, n_classes=3)
        p = [[0.8, 0.1, 0.1], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25]]
        run(algorithm, p)
        # sigma = (2, 0, 1); two rows not counted
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(1, 0.7), 0, mapped(0.5, 0.7)])
        # the fourth row: 0.4 < 0.7 for class 0
        assert algorithm.mask_rate_.item() == 0.75

    def test_before_any_confident_prediction(self):
        for warm_up in (True, False):
            algorithm = started(FlexMatch(threshold=0.8, warm_up=warm_up), 3)
            run(algorithm, [0.6, 0.5, 0.7])
            assert algorithm.thresholds_.tolist() == [0.0, 0.0]

    def test_initialize_forgets(self):
        algorithm = started(FlexMatch(threshold=0.8), 3)
        run(algorithm, [0.9, 0.9, 0.1])
        started(algorithm, 5)
        assert algorithm.latest_.tolist() == [-1] * 5
        assert algorithm.thresholds_.tolist() == [0.0, 0.0]

    def test_state_holds_the_memory(self):
        algorithm = started(FlexMatch(), 3)
        assert set(algorithm.state()) == {"latest_", "thresholds_", "mask_rate_"}


class TestPseudoLabel:
    def test_loss_is_on_the_weak_view(self):
        algorithm = started(PseudoLabel(threshold=0.9, unlabeled_weight=3.0), 3)
        terms = run(algorithm, [0.95, 0.6, 0.08], progress=1.0)
        expected = -3.0 * (math.log(0.95) + math.log(0.92)) / 3
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("ramp_up", "progress", "weight"),
        [(0.4, 0.0, 0.0), (0.4, 0.1, 0.25), (0.4, 0.4, 1.0), (0.4, 0.9, 1.0), (0.0, 0.0, 1.0)],
    )
    def test_ramp(self, ramp_up, progress, weight):
        algorithm = started(PseudoLabel(threshold=0.9, ramp_up=ramp_up), 1)
        terms = run(algorithm, [0.95], progress=progress)
        assert terms["unlabeled_loss"].item() == pytest.approx(-weight * math.log(0.95))


@pytest.mark.parametrize("algorithm", [FixMatch, FlexMatch])
def test_pseudo_labels_carry_no_gradient(algorithm):
    algorithm = started(algorithm(threshold=0.6), 2)
    weak = logits([0.9, 0.1]).requires_grad_()
    strong = logits([0.5, 0.5]).requires_grad_()
    outputs = {
        "labeled_weak": logits([0.5]),
        "unlabeled_weak": weak,
        "unlabeled_strong": strong,
    }
    terms = algorithm.losses(outputs, torch.tensor([0]), torch.arange(2), 0.5)
    terms["unlabeled_loss"].backward()
    assert weak.grad is None
    assert strong.grad.abs().min() > 0


def test_pseudo_label_has_the_gradient_of_a_label():
    algorithm = started(PseudoLabel(threshold=0.6, ramp_up=0), 1)
    weak = logits([0.9]).requires_grad_()
    outputs = {"labeled_weak": logits([0.5]), "unlabeled_weak": weak}
    terms = algorithm.losses(outputs, torch.tensor([0]), torch.arange(1), 0.5)
    terms["unlabeled_loss"].backward()
    # softmax minus one-hot: the target itself is a constant
    np.testing.assert_allclose(weak.grad, [[0.1, -0.1]], atol=1e-12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_term_alone_changes_the_network(algorithm):
    torch.manual_seed(0)
    network = ResNet1d(51, 2, channels=(4, 8))
    algorithm = algorithm()
    if hasattr(algorithm, "threshold"):
        algorithm.threshold = 0.4
    started(algorithm, 6)
    views = torch.rand(len(algorithm.views), 6, 51)
    outputs = dict(zip(algorithm.views, network(views.flatten(0, 1)).split(6), strict=True))
    terms = algorithm.losses(outputs, torch.arange(6) % 2, torch.arange(6), progress=0.5)
    assert len(terms) == min(2, len(algorithm.views))
    for name, term in terms.items():
        gradients = torch.autograd.grad(term, list(network.parameters()), retain_graph=True)
        for parameter, gradient in zip(network.named_parameters(), gradients, strict=True):
            assert gradient.abs().max() > 0, (name, parameter[0])


def test_unlabeled_weight_zero_silences_the_term():
    terms = run(started(FixMatch(threshold=0.5, unlabeled_weight=0.0), 2), [0.9, 0.1])
    assert terms["unlabeled_loss"].item() == 0


@pytest.mark.parametrize(
    "algorithm",
    [
        FixMatch(threshold=1.1),
        FixMatch(unlabeled_weight=-1),
        FlexMatch(warm_up="yes"),
        PseudoLabel(ramp_up=2),
    ],
)
def test_parameters_are_checked(algorithm):
    with pytest.raises(ValueError, match="parameter of"):
        algorithm.initialize(2, 1, CPU)


def test_supervised_is_cross_entropy():
    y = torch.tensor([0, 1])
    outputs = {"labeled_weak": torch.tensor([[1.0, 2.0], [0.5, -1.0]])}
    terms = Supervised().losses(outputs, y, None, 0.0)
    torch.testing.assert_close(terms, {"labeled_loss": F.cross_entropy(outputs["labeled_weak"], y)})
    assert Supervised().monitor() == Supervised().state() == {}
