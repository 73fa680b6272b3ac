"""Algorithms with a fixed threshold against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from skxrd.semi_supervised import (
    UDA,
    DeFixMatch,
    FixMatch,
    PseudoLabel,
    ReFixMatch,
    SequenceMatch,
)

THREE = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]]
THREE_STRONG = [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]


def sharpened(p, temperature):
    powers = [value ** (1 / temperature) for value in p]
    return [power / sum(powers) for power in powers]


def kl(target, p):
    return sum(t * math.log(t / q) for t, q in zip(target, p, strict=True))


class TestFixMatch:
    def test_equation_5(self, bench):
        algorithm = bench.start(FixMatch(threshold=0.9, unlabeled_weight=2.0), 4)
        # selected: the first (class 1) and the fourth (class 0)
        terms = bench.losses(
            algorithm,
            unlabeled_weak=[0.95, 0.89, 0.5, 0.02],
            unlabeled_strong=[0.6, 0.3, 0.2, 0.7],
        )
        expected = -2.0 * (math.log(0.6) + math.log(0.3)) / 4
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert algorithm.mask_rate_.item() == 0.5

    def test_three_classes(self, bench):
        algorithm = bench.start(FixMatch(threshold=0.7), 3, y=(0, 1, 2))
        terms = bench.losses(
            algorithm,
            y=(0, 2),
            labeled_weak=[[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]],
            unlabeled_weak=[[0.8, 0.1, 0.1], [0.2, 0.75, 0.05], [0.3, 0.3, 0.4]],
            unlabeled_strong=THREE_STRONG,
        )
        expected = -(math.log(0.5) + math.log(0.5)) / 3
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert terms["labeled_loss"].item() == pytest.approx(-(math.log(0.6) + math.log(0.2)) / 2)

    def test_a_confidence_equal_to_the_threshold_counts(self, bench):
        algorithm = bench.start(FixMatch(threshold=0.5), 2)
        bench.losses(algorithm, unlabeled_weak=[0.5, 0.5], unlabeled_strong=[0.5, 0.5])
        assert algorithm.mask_rate_.item() == 1.0

    def test_threshold_stays(self, bench):
        algorithm = bench.start(FixMatch(threshold=0.9), 2)
        for _ in range(3):
            bench.losses(algorithm, unlabeled_weak=[0.99, 0.01], unlabeled_strong=[0.5, 0.5])
        assert algorithm.monitor() == pytest.approx(
            {"mask_rate": 1.0, "threshold_0": 0.9, "threshold_1": 0.9}
        )


class TestPseudoLabel:
    def test_loss_is_on_the_weak_view(self, bench):
        algorithm = bench.start(PseudoLabel(threshold=0.9, unlabeled_weight=3.0), 3)
        terms = bench.losses(algorithm, unlabeled_weak=[0.95, 0.6, 0.08], progress=1.0)
        expected = -3.0 * (math.log(0.95) + math.log(0.92)) / 3
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("ramp_up", "progress", "weight"),
        [(0.4, 0.0, 0.0), (0.4, 0.1, 0.25), (0.4, 0.4, 1.0), (0.4, 0.9, 1.0), (0.0, 0.0, 1.0)],
    )
    def test_ramp(self, ramp_up, progress, weight, bench):
        algorithm = bench.start(PseudoLabel(threshold=0.9, ramp_up=ramp_up), 1)
        terms = bench.losses(algorithm, unlabeled_weak=[0.95], progress=progress)
        assert terms["unlabeled_loss"].item() == pytest.approx(-weight * math.log(0.95))

    def test_has_the_gradient_of_a_label(self, bench):
        algorithm = bench.start(PseudoLabel(threshold=0.6, ramp_up=0), 1)
        weak = bench.logits([0.9]).requires_grad_()
        outputs = {"labeled_weak": bench.logits([0.5]), "unlabeled_weak": weak}
        algorithm.losses(outputs, bench.batch([0], [0]))["unlabeled_loss"].backward()
        # softmax minus one-hot: the target itself is a constant
        np.testing.assert_allclose(weak.grad, [[0.1, -0.1]], atol=1e-12)


class TestUDA:
    @pytest.mark.parametrize("temperature", [0.4, 0.5, 1.0, 2.0])
    def test_targets_are_sharpened(self, temperature, bench):
        algorithm = bench.start(UDA(threshold=0.6, temperature=temperature), 3, y=(0, 1, 2))
        terms = bench.losses(
            algorithm,
            y=(0, 2),
            labeled_weak=THREE[:2],
            unlabeled_weak=THREE,
            unlabeled_strong=THREE_STRONG,
        )
        # The first two rows reach the threshold.
        expected = sum(
            -sum(t * math.log(q) for t, q in zip(sharpened(p, temperature), strong, strict=True))
            for p, strong in zip(THREE[:2], THREE_STRONG[:2], strict=True)
        )
        assert terms["unlabeled_loss"].item() == pytest.approx(expected / 3)

    def test_confidence_is_that_before_sharpening(self, bench):
        algorithm = bench.start(UDA(threshold=0.8, temperature=0.1), 1)
        bench.losses(algorithm, unlabeled_weak=[0.7], unlabeled_strong=[0.5])
        assert algorithm.mask_rate_.item() == 0

    @pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
    @pytest.mark.parametrize(
        ("schedule", "share"),
        [
            ("linear", lambda t: t),
            ("log", lambda t: 1 - math.exp(-5 * t)),
            ("exp", lambda t: math.exp(5 * (t - 1))),
        ],
    )
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_signal_annealing(self, schedule, share, progress, n_classes, bench):
        algorithm = UDA(signal_annealing=schedule)
        bench.start(algorithm, 0, y=range(n_classes))
        limit = 1 / n_classes + share(progress) * (1 - 1 / n_classes)
        known = np.array([0.05, limit - 1e-6, min(limit + 1e-6, 1.0), 0.9999])
        others = np.tile((1 - known[:, None]) / (n_classes - 1), n_classes - 1)
        p = np.concatenate([known[:, None], others], axis=1)
        terms = bench.losses(algorithm, y=[0] * 4, labeled_weak=p, progress=progress)
        kept = known[known <= limit]
        assert len(kept) == (2 if limit < 0.9999 else 4)
        assert terms["labeled_loss"].item() == pytest.approx(-np.log(kept).mean())

    def test_no_labeled_row_kept(self, bench):
        algorithm = bench.start(UDA(signal_annealing="linear"), 1)
        labeled = bench.logits([0.9, 0.9]).requires_grad_()
        terms = algorithm.losses({"labeled_weak": labeled}, bench.batch([1, 1], []))
        assert terms["labeled_loss"].item() == 0
        terms["labeled_loss"].backward()
        assert labeled.grad.tolist() == [[0, 0], [0, 0]]

    def test_annealing_with_and_without_unlabeled_rows(self, bench):
        algorithm = bench.start(UDA(signal_annealing="linear"), 1)
        labeled = {"y": (1, 1), "labeled_weak": [0.4, 0.9]}
        with_rows = bench.losses(algorithm, **labeled, unlabeled_weak=[0.6], unlabeled_strong=[0.5])
        without = bench.losses(algorithm, **labeled)
        assert with_rows["labeled_loss"].item() == pytest.approx(-math.log(0.4))
        assert without["labeled_loss"].item() == pytest.approx(-math.log(0.4))


class TestDeFixMatch:
    def test_values(self, bench):
        algorithm = bench.start(DeFixMatch(threshold=0.7, unlabeled_weight=2.0), 2)
        terms = bench.losses(
            algorithm,
            labeled_weak=[0.2, 0.6],
            labeled_strong=[0.4, 0.3],
            unlabeled_weak=[0.9, 0.5],
            unlabeled_strong=[0.6, 0.5],
        )
        labeled = -(math.log(0.8) + math.log(0.6) + math.log(0.6) + math.log(0.3)) / 4
        assert terms["labeled_loss"].item() == pytest.approx(labeled)
        assert terms["unlabeled_loss"].item() == pytest.approx(-2 * math.log(0.6) / 2)
        # Of the labeled rows the first is confident, of class 0.
        assert terms["debiasing_loss"].item() == pytest.approx(2 * math.log(0.6) / 2)

    @pytest.mark.parametrize("class_prior", [None, "labeled", [0.3, 0.7]])
    def test_terms_cancel_if_labeled_rows_are_the_unlabeled_ones(self, class_prior, bench):
        algorithm = DeFixMatch(threshold=0.6, class_prior=class_prior)
        bench.start(algorithm, 3)
        weak, strong = [0.35, 0.7, 0.55], [0.2, 0.6, 0.4]
        for _ in range(3):
            terms = bench.losses(
                algorithm,
                y=(0, 1, 1),
                labeled_weak=weak,
                labeled_strong=strong,
                unlabeled_weak=weak,
                unlabeled_strong=strong,
            )
            assert terms["unlabeled_loss"].item() > 0
            total = terms["unlabeled_loss"] + terms["debiasing_loss"]
            assert total.item() == pytest.approx(0, abs=1e-12)

    def test_expected_loss_is_that_of_supervised_learning(self, bench):
        """Over random choices of the labeled rows both terms cancel, whatever the network says."""
        rng = np.random.default_rng(0)
        weak, strong = rng.uniform(size=(2, 400))
        totals, biased = [], []
        for _ in range(300):
            rows = rng.permutation(400)
            some, others = rows[:20], rows[20:]
            algorithm = bench.start(DeFixMatch(threshold=0.8), 380)
            terms = bench.losses(
                algorithm,
                y=[0] * 20,
                labeled_weak=weak[some],
                labeled_strong=strong[some],
                unlabeled_weak=weak[others],
                unlabeled_strong=strong[others],
            )
            biased.append(terms["unlabeled_loss"].item())
            totals.append((terms["unlabeled_loss"] + terms["debiasing_loss"]).item())
        error = np.std(totals) / math.sqrt(len(totals))
        assert abs(np.mean(totals)) < 3 * error
        assert np.mean(biased) > 20 * error


class TestReFixMatch:
    @pytest.mark.parametrize("temperature", [0.5, 1.0])
    def test_soft_targets_for_unselected_rows_only(self, temperature, bench):
        algorithm = ReFixMatch(threshold=0.6, unlabeled_weight=2.0, temperature=temperature)
        bench.start(algorithm, 3, y=(0, 1, 2))
        terms = bench.losses(
            algorithm,
            y=(0, 2),
            labeled_weak=THREE[:2],
            unlabeled_weak=THREE,
            unlabeled_strong=THREE_STRONG,
        )
        assert terms["unlabeled_loss"].item() == pytest.approx(-2 * 2 * math.log(0.5) / 3)
        expected = 2 * kl(sharpened(THREE[2], temperature), THREE_STRONG[2]) / 3
        assert terms["unconfident_loss"].item() == pytest.approx(expected)

    def test_all_rows_selected(self, bench):
        algorithm = bench.start(ReFixMatch(threshold=0.5), 2)
        terms = bench.losses(algorithm, unlabeled_weak=[0.6, 0.3], unlabeled_strong=[0.5, 0.4])
        assert terms["unconfident_loss"].item() == 0


class TestSequenceMatch:
    def test_chain_of_views(self, bench):
        algorithm = SequenceMatch(
            threshold=0.75, unlabeled_weight=2.0, temperature=0.5, rescale="chance"
        )
        bench.start(algorithm, 2, y=(0, 1, 2))
        weak, medium, strong = [THREE[0], THREE[2]], [THREE[1], THREE[0]], THREE_STRONG[:2]
        terms = bench.losses(
            algorithm,
            y=(0, 2),
            labeled_weak=THREE[:2],
            unlabeled_weak=weak,
            unlabeled_medium=medium,
            unlabeled_strong=strong,
        )
        # sigma = (1, 0, 0), one row not counted: beta = (1, 0, 0). The second row, 0.4 for class 2,
        # passes the threshold of a class that nothing is known of, 1/3.
        third = pytest.approx([0.75, 1 / 3, 1 / 3])
        assert algorithm.thresholds_.tolist() == third
        cross_entropy = -(math.log(strong[0][0]) + math.log(strong[1][2])) / 2
        assert terms["unlabeled_loss"].item() == pytest.approx(2 * cross_entropy)
        chain = sum(
            kl(sharpened(w, 0.5), m) + kl(sharpened(m, 0.5), s) + kl(sharpened(w, 0.5), s)
            for w, m, s in zip(weak, medium, strong, strict=True)
        )
        assert terms["sequence_loss"].item() == pytest.approx(2 * chain / 2)

    def test_rows_below_the_threshold_do_not_count(self, bench):
        algorithm = bench.start(SequenceMatch(threshold=0.8), 3)
        views = ("unlabeled_weak", "unlabeled_medium", "unlabeled_strong")
        p = dict(zip(views, ([0.9, 0.85, 0.6], [0.7, 0.7, 0.4], [0.6, 0.6, 0.3]), strict=True))
        terms = bench.losses(algorithm, **p)
        # Class 1: beta = 1, threshold 0.8; the third row is out.
        without_third = {view: values[:2] for view, values in p.items()}
        expected = bench.losses(bench.start(SequenceMatch(threshold=0.8), 2), **without_third)
        for name in ("unlabeled_loss", "sequence_loss"):
            assert terms[name].item() == pytest.approx(expected[name].item() * 2 / 3)

    def test_medium_view_teaches_and_is_taught(self, bench):
        algorithm = bench.start(SequenceMatch(threshold=0.5), 1)
        outputs = {"labeled_weak": bench.logits([0.5])}
        for view, p in (("weak", 0.9), ("medium", 0.7), ("strong", 0.6)):
            outputs[f"unlabeled_{view}"] = bench.logits([p]).requires_grad_()
        terms = algorithm.losses(outputs, bench.batch([0], [0]))
        terms["sequence_loss"].backward()
        assert outputs["unlabeled_weak"].grad is None
        # gradient of KL(t || softmax): softmax minus target
        weak, medium = (sharpened((1 - p, p), 0.5)[1] for p in (0.9, 0.7))
        assert outputs["unlabeled_medium"].grad[0, 1].item() == pytest.approx(0.7 - weak)
        expected = (0.6 - medium) + (0.6 - weak)
        assert outputs["unlabeled_strong"].grad[0, 1].item() == pytest.approx(expected)


def test_annealed_loss_weighs_classes(bench):
    algorithm = bench.start(UDA(signal_annealing="linear"), 0, class_weight=torch.tensor([1.0, 3]))
    terms = bench.losses(algorithm, y=(0, 1, 1), labeled_weak=[0.6, 0.2, 0.99], progress=0.5)
    expected = -(math.log(0.4) + 3 * math.log(0.2)) / 4
    assert terms["labeled_loss"].item() == pytest.approx(expected)
