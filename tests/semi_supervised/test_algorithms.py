"""What every algorithm must do; algorithms are found, not listed."""

import copy
import math

import pytest
import torch
from sklearn.base import clone
from torch.nn import functional as F

from skxrd.semi_supervised import FixMatch, FlexMatch, PseudoLabel, Supervised, TrainingBatch

LABELED_LOSS = -(math.log(0.75) + math.log(0.8)) / 2

# Terms that each algorithm is made of, beside the labeled loss; the others have an unlabeled one.
TERMS = {
    "Supervised": set(),
    "FreeMatch": {"unlabeled_loss", "fairness_loss"},
    "DeFixMatch": {"unlabeled_loss", "debiasing_loss"},
    "ReFixMatch": {"unlabeled_loss", "unconfident_loss"},
    "SequenceMatch": {"unlabeled_loss", "sequence_loss"},
    "CoMatch": {"unlabeled_loss", "contrastive_loss"},
    "SimMatch": {"unlabeled_loss", "similarity_loss"},
    "VAT": {"unlabeled_loss", "entropy_loss"},
    "ReMixMatch": {"unlabeled_loss", "strong_loss", "pretext_loss"},
}

# Algorithms that teach the weak view itself; in all others it only makes targets.
LEARN_FROM_WEAK_VIEW = {"PseudoLabel", "TemporalEnsembling", "VAT", "MixMatch", "ReMixMatch"}


def test_discovery(algorithm_classes):
    assert set(algorithm_classes) >= {FixMatch, FlexMatch, PseudoLabel, Supervised}


def test_without_unlabeled_rows(algorithm_class, bench):
    algorithm = bench.start(algorithm_class(), 0)
    labeled = {view: [0.25, 0.8] for view in algorithm.views if view.startswith("labeled")}
    terms = bench.losses(algorithm, **labeled)
    assert list(terms) == ["labeled_loss"]
    assert terms["labeled_loss"].item() == pytest.approx(LABELED_LOSS)


def test_class_weight_and_logit_adjustment_of_the_labeled_loss(algorithm_class, bench):
    algorithm = bench.start(
        algorithm_class(),
        0,
        y=(0, 1, 1, 1),
        class_weight=torch.tensor([3.0, 1.0]),
        logit_adjustment=2.0,
    )
    labeled = {view: [0.25, 0.8] for view in algorithm.views if view.startswith("labeled")}
    terms = bench.losses(algorithm, **labeled)
    # Frequencies (1/4, 3/4) to the power of 2 multiply the odds by 9.
    first, second = 0.25 * 9 / (0.75 + 0.25 * 9), 0.8 * 9 / (0.2 + 0.8 * 9)
    expected = -(3 * math.log(1 - first) + math.log(second)) / 4
    assert terms["labeled_loss"].item() == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_each_term_alone_changes_the_network(algorithm_class, n_classes, laboratory):
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes(n_classes))
    module = laboratory.student(algorithm, n_classes)
    network = laboratory.view_of(module)
    for batch in laboratory.batches(algorithm, 3, n_classes):  # some algorithms need a memory
        terms = algorithm.step(network, batch)
    expected = TERMS.get(algorithm_class.__name__, {"unlabeled_loss"})
    assert set(terms) == {"labeled_loss"} | expected

    parameters = {
        **dict(module.network.named_parameters()),
        **dict(module.heads.named_parameters()),
    }
    changed = set()
    for name, term in terms.items():
        gradients = torch.autograd.grad(
            term, list(parameters.values()), retain_graph=True, allow_unused=True
        )
        moved = {
            parameter
            for parameter, gradient in zip(parameters, gradients, strict=True)
            if gradient is not None and gradient.abs().max() > 1e-9
        }
        assert {"0.weight", "0.bias"} <= moved, name
        changed |= moved
    assert changed == set(parameters), "heads and last layer as well"
    if module.average is not None:
        assert all(weight.grad is None for weight in module.average.parameters())
        assert not any(weight.requires_grad for weight in module.average.parameters())


def test_targets_carry_no_gradient(algorithm_class, laboratory):
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes())
    network = laboratory.view_of(laboratory.student(algorithm))
    for batch in laboratory.batches(algorithm, 3):
        weak = batch.views.get("unlabeled_weak", torch.empty(0)).requires_grad_()
        loss = sum(algorithm.step(network, batch).values())
    (gradient,) = torch.autograd.grad(loss, weak, allow_unused=True)
    taught = gradient is not None and bool(gradient.abs().max() > 0)
    assert taught == (algorithm_class.__name__ in LEARN_FROM_WEAK_VIEW)


@pytest.mark.parametrize("path", ["split", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_same_loss_and_gradient_however_views_pass(algorithm_class, path, n_classes, laboratory):
    """Jointly; the weak view without gradient; strong views of no weight left out."""
    results = {}
    for way in ("joint", path):
        algorithm = laboratory.make(algorithm_class)
        algorithm.initialize(laboratory.codes(n_classes))
        module = laboratory.student(algorithm, n_classes)
        network = laboratory.view_of(module, way)
        values = []
        for batch in laboratory.batches(algorithm, 3, n_classes):
            terms = algorithm.step(network, batch)
            module.zero_grad()
            sum(terms.values()).backward()
            gradients = {
                name: parameter.grad.clone()
                for name, parameter in module.named_parameters()
                if parameter.grad is not None
            }
            values.append(({k: v.detach() for k, v in terms.items()}, gradients))
        results[way] = values, algorithm.state(), network.n_rows_seen
    torch.testing.assert_close(results[path][0], results["joint"][0], rtol=1e-11, atol=1e-13)
    torch.testing.assert_close(results[path][1], results["joint"][1], equal_nan=True)


def test_rows_without_weight_are_left_out(laboratory):
    seen = {}
    for path in ("joint", "split", "sparse"):
        algorithm = laboratory.make(FixMatch)
        algorithm.initialize(laboratory.codes())
        network = laboratory.view_of(laboratory.student(algorithm), path)
        rates = []
        for batch in laboratory.batches(algorithm, 3):
            algorithm.step(network, batch)
            rates.append(algorithm.mask_rate_.item())
        seen[path] = network.n_rows_seen
    assert 0 < sum(rates) < 3
    half = laboratory.n_unlabeled // 2
    assert seen["joint"] == seen["split"] == 3 * (laboratory.n_labeled + 2 * half)
    assert seen["joint"] - seen["sparse"] == half * (3 - sum(rates))


def test_no_row_of_weight(laboratory):
    algorithm = FixMatch(threshold=1.0)
    algorithm.initialize(laboratory.codes())
    module = laboratory.student(algorithm)
    (batch,) = laboratory.batches(algorithm, 1)
    terms = algorithm.step(laboratory.view_of(module, "sparse"), batch)
    assert terms["unlabeled_loss"].item() == 0
    sum(terms.values()).backward()
    assert module.network[0].weight.grad.abs().max() > 0


def test_continues_from_its_state_as_if_nothing_had_been(algorithm_class, laboratory):
    def trained(break_after=None):
        algorithm = laboratory.make(algorithm_class)
        algorithm.initialize(laboratory.codes())
        module = laboratory.student(algorithm)
        network = laboratory.view_of(module)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        for step, batch in enumerate(laboratory.batches(algorithm, 6)):
            if step == break_after:
                state = algorithm.state()
                before = copy.deepcopy(state)
                old, algorithm = algorithm, clone(algorithm)
                algorithm.load_state(state)
                old.step(network_of_another(module), batch)
                torch.testing.assert_close(state, before, rtol=0, atol=0, equal_nan=True)
            optimizer.zero_grad()
            sum(algorithm.step(network, batch).values()).backward()
            optimizer.step()
            module.update_average()
        return module.state_dict(), algorithm.state()

    def network_of_another(module):
        return laboratory.view_of(copy.deepcopy(module))

    weights, state = trained()
    weights_after_break, state_after_break = trained(break_after=3)
    torch.testing.assert_close(weights_after_break, weights, rtol=0, atol=0)
    torch.testing.assert_close(state_after_break, state, rtol=0, atol=0, equal_nan=True)


def test_state_is_loaded_as_a_copy(algorithm_class, laboratory):
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes())
    state = algorithm.state()
    before = copy.deepcopy(state)
    algorithm.load_state(state)
    network = laboratory.view_of(laboratory.student(algorithm))
    for batch in laboratory.batches(algorithm, 2):
        algorithm.step(network, batch)
    torch.testing.assert_close(state, before, rtol=0, atol=0, equal_nan=True)


def test_initialize_forgets(algorithm_class, laboratory):
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes())
    fresh = algorithm.state()
    network = laboratory.view_of(laboratory.student(algorithm))
    for batch in laboratory.batches(algorithm, 2):
        algorithm.step(network, batch)
    algorithm.initialize(laboratory.codes())
    torch.testing.assert_close(algorithm.state(), fresh, rtol=0, atol=0, equal_nan=True)


def test_batch_without_unlabeled_rows_leaves_the_memory_alone(algorithm_class, laboratory):
    """Such batches come when there are fewer unlabeled rows than batches."""
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes())
    network = laboratory.view_of(laboratory.student(algorithm))
    (full,) = laboratory.batches(algorithm, 1)
    before = algorithm.state()
    batch = TrainingBatch(
        y=full.y,
        labeled_index=full.labeled_index,
        unlabeled_index=torch.tensor([], dtype=torch.int64),
        progress=0.5,
        views={view: X for view, X in full.views.items() if view.startswith("labeled")},
    )
    assert list(algorithm.step(network, batch)) == ["labeled_loss"]
    torch.testing.assert_close(algorithm.state(), before, equal_nan=True)


def test_draws_nothing_from_global_generators(algorithm_class, laboratory):
    algorithm = laboratory.make(algorithm_class)
    algorithm.initialize(laboratory.codes())
    network = laboratory.view_of(laboratory.student(algorithm))
    (batch,) = laboratory.batches(algorithm, 1)
    before = torch.get_rng_state()
    algorithm.step(network, batch)
    assert torch.equal(torch.get_rng_state(), before)


def test_parameters_are_checked(algorithm_class):
    numbers = [
        name
        for name, value in algorithm_class().get_params().items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    for name in numbers:
        algorithm = algorithm_class().set_params(**{name: -0.1})
        with pytest.raises(ValueError, match=f"'{name}' parameter of {algorithm_class.__name__}"):
            algorithm.initialize(torch.tensor([0, 1, -1]))


def test_unlabeled_weight_zero_silences_the_term(algorithm_class, laboratory):
    algorithm = laboratory.make(algorithm_class, unlabeled_weight=0.0)
    algorithm.initialize(laboratory.codes())
    network = laboratory.view_of(laboratory.student(algorithm))
    for batch in laboratory.batches(algorithm, 2):
        terms = algorithm.step(network, batch)
    assert terms.get("unlabeled_loss", torch.zeros(())).item() == 0


def test_supervised_is_cross_entropy(bench):
    algorithm = bench.start(Supervised(), 3)
    outputs = {"labeled_weak": torch.tensor([[1.0, 2.0], [0.5, -1.0]])}
    terms = algorithm.losses(outputs, bench.batch((0, 1), []))
    expected = F.cross_entropy(outputs["labeled_weak"], torch.tensor([0, 1]))
    torch.testing.assert_close(terms, {"labeled_loss": expected})
    assert algorithm.monitor() == {}
