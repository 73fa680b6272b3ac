"""Algorithms whose thresholds follow the training against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from skxrd.semi_supervised import AdaMatch, Dash, FlexMatch, FreeMatch, SoftMatch


def unlabeled(weak, strong=None):
    strong = [0.5] * len(weak) if strong is None else strong
    return {"unlabeled_weak": weak, "unlabeled_strong": strong}


def mapped(beta, threshold=0.8):
    return threshold * beta / (2 - beta)


class TestFlexMatch:
    def test_three_steps_with_warm_up(self, bench):
        algorithm = bench.start(FlexMatch(threshold=0.8, rescale="paper"), 10)
        assert algorithm.thresholds_.tolist() == [0.0, 0.0]

        # Rows 0, 1 are confident of class 1, row 2 of class 0, row 3 is not confident.
        bench.losses(algorithm, index=[0, 1, 2, 3], **unlabeled([0.9, 0.85, 0.1, 0.6]))
        assert algorithm.latest_.tolist() == [1, 1, 0, -1, -1, -1, -1, -1, -1, -1]
        # sigma = (1, 2), seven rows are not counted yet: beta = (1, 2) / 7
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(1 / 7), mapped(2 / 7)])
        assert algorithm.mask_rate_.item() == 1.0  # two classes: a confidence is at least 0.5

        # Row 0 changes its class; row 1 is no longer confident and keeps its latest class.
        p = [0.05, 0.5, 0.9, 0.9, 0.95, 0.9]
        bench.losses(algorithm, index=[0, 1, 4, 5, 6, 7], **unlabeled(p))
        assert algorithm.latest_.tolist() == [0, 1, 0, -1, 1, 1, 1, 1, -1, -1]
        # sigma = (2, 5), three rows not counted: beta = (2, 5) / 5
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(2 / 5), mapped(1)])

        # Now class 1 demands the whole threshold, class 0 less.
        terms = bench.losses(
            algorithm,
            index=[8, 4, 9, 3],
            **unlabeled([0.79, 0.81, 0.3, 0.45], [0.5, 0.4, 0.2, 0.1]),
        )
        assert algorithm.latest_.tolist() == [0, 1, 0, -1, 1, 1, 1, 1, -1, -1]
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(2 / 5), mapped(1)])
        expected = -(math.log(0.4) + math.log(0.8) + math.log(0.9)) / 4  # all but the first row
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert algorithm.mask_rate_.item() == 0.75

    def test_without_warm_up(self, bench):
        algorithm = bench.start(FlexMatch(threshold=0.8, warm_up=False, rescale="paper"), 10)
        bench.losses(algorithm, **unlabeled([0.9, 0.85, 0.1, 0.6]))
        # sigma = (1, 2), relative to the best learned class
        np.testing.assert_allclose(algorithm.thresholds_, [mapped(1 / 2), mapped(1)])

    @pytest.mark.parametrize("rescale", ["paper", "chance"])
    def test_three_classes(self, rescale, bench):
        algorithm = bench.start(FlexMatch(threshold=0.7, rescale=rescale), 5, y=(0, 1, 2))
        p = [[0.8, 0.1, 0.1], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25]]
        bench.losses(algorithm, y=(0, 1), labeled_weak=p[:2], **unlabeled(p, p))
        # sigma = (2, 0, 1); two rows not counted; M(1/2) = 1/3
        expected = [0.7, 0.0, 0.7 / 3]
        if rescale == "chance":
            expected = [0.7, 1 / 3, 1 / 3 + (0.7 - 1 / 3) / 3]
        np.testing.assert_allclose(algorithm.thresholds_, expected)
        # the fourth row: 0.4 < 0.7 for class 0
        assert algorithm.mask_rate_.item() == 0.75

    @pytest.mark.parametrize("warm_up", [True, False])
    @pytest.mark.parametrize(("rescale", "lowest"), [("paper", 0.0), ("chance", 0.5)])
    def test_before_any_confident_prediction(self, warm_up, rescale, lowest, bench):
        algorithm = FlexMatch(threshold=0.8, warm_up=warm_up, rescale=rescale)
        bench.start(algorithm, 3)
        bench.losses(algorithm, **unlabeled([0.6, 0.5, 0.7]))
        assert algorithm.thresholds_.tolist() == [lowest, lowest]

    def test_chance_above_the_threshold(self, bench):
        algorithm = bench.start(FlexMatch(threshold=0.4), 2)
        bench.losses(algorithm, **unlabeled([0.9, 0.8]))
        assert algorithm.thresholds_.tolist() == pytest.approx([0.4, 0.4])

    @pytest.mark.parametrize("beta", [0.3, 0.65, 0.688])
    def test_the_paper_filters_no_class_of_two_below_beta_of_069(self, beta, bench):
        """The least confident prediction, 0.5, passes; measured from chance it does not."""
        n = 1000
        counted = [0.01] * (n // 2) + [0.99] * round(beta * n / 2)
        masks = {}
        for rescale in ("paper", "chance"):
            algorithm = bench.start(FlexMatch(rescale=rescale), n)
            bench.losses(algorithm, **unlabeled(counted))
            threshold = algorithm.thresholds_[1].item()
            weight = algorithm._weights(*_prediction(bench.logits([0.500001]).softmax(dim=1)))
            masks[rescale] = bool(weight)
            lowest = 0 if rescale == "paper" else 0.5
            assert threshold == pytest.approx(
                lowest + (0.95 - lowest) * beta / (2 - beta), abs=1e-3
            )
        assert masks == {"paper": True, "chance": False}

    def test_the_paper_filters_above_beta_of_069(self, bench):
        algorithm = bench.start(FlexMatch(rescale="paper"), 1000)
        bench.losses(algorithm, **unlabeled([0.01] * 500 + [0.99] * 350))
        assert algorithm.thresholds_[1] > 0.5


def _prediction(p):
    return p, *p.max(dim=1)


class TestFreeMatch:
    def test_two_steps(self, bench):
        algorithm = bench.start(FreeMatch(fairness_weight=0.5), 3)
        assert algorithm.thresholds_.tolist() == [0.5, 0.5]

        strong = [0.6, 0.3, 0.7]
        terms = bench.losses(algorithm, **unlabeled([0.9, 0.7, 0.2], strong))
        # Start values count as one step: confidence (0.5 + 0.8) / 2, probability of class 1
        # (0.5 + 0.6) / 2, histogram of class 1 (1/2 + 2/3) / 2.
        assert algorithm.mean_confidence_.item() == pytest.approx(0.65)
        np.testing.assert_allclose(algorithm.mean_probability_, [0.45, 0.55])
        np.testing.assert_allclose(algorithm.pseudo_label_histogram_, [5 / 12, 7 / 12])
        np.testing.assert_allclose(algorithm.thresholds_, [0.65 * 0.45 / 0.55, 0.65])
        assert algorithm.mask_rate_.item() == 1
        expected = -(math.log(0.6) + math.log(0.3) + math.log(0.3)) / 3
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        # Fairness: the strong view predicts classes 1, 0, 1 with a mean of 1.6 / 3 for class 1.
        wanted = np.array([0.45 / (5 / 12), 0.55 / (7 / 12)])
        found = np.array([(1.4 / 3) / (1 / 3), (1.6 / 3) / (2 / 3)])
        fairness = (wanted / wanted.sum() * np.log(found / found.sum())).sum()
        assert terms["fairness_loss"].item() == pytest.approx(0.5 * fairness)

        bench.losses(algorithm, **unlabeled([0.6, 0.6, 0.6]))
        # Second step: (0.5 + 0.8 + 0.6) / 3
        assert algorithm.mean_confidence_.item() == pytest.approx(1.9 / 3)
        np.testing.assert_allclose(algorithm.mean_probability_, [1.3 / 3, 1.7 / 3])
        assert algorithm.mask_rate_.item() == 0

    def test_fairness_reads_selected_rows_only(self, bench):
        algorithm = bench.start(FreeMatch(fairness_weight=1.0, momentum=0.0), 4)
        weak, strong = [0.95, 0.05, 0.9, 0.6], [0.8, 0.3, 0.4, 0.99]
        terms = bench.losses(algorithm, **unlabeled(weak, strong))
        # Mean confidence 0.85, probability of class 1 0.625: threshold of class 0 0.51.
        assert algorithm.mask_rate_.item() == 0.75
        wanted = np.array([0.375 / 0.25, 0.625 / 0.75])
        found = np.array([0.5 / (2 / 3), 0.5 / (1 / 3)])
        fairness = (wanted / wanted.sum() * np.log(found / found.sum())).sum()
        assert terms["fairness_loss"].item() == pytest.approx(fairness)

    def test_three_classes_one_of_them_never_predicted(self, bench):
        algorithm = bench.start(FreeMatch(fairness_weight=1.0, momentum=0.0), 2, y=(0, 1, 2))
        weak, strong = [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]], [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]]
        terms = bench.losses(algorithm, y=(0, 1), labeled_weak=weak, **unlabeled(weak, strong))
        np.testing.assert_allclose(algorithm.thresholds_, [0.7, 0.7, 0.7 * 0.1 / 0.45])
        # Ratios of 0.45 to 1/2 for two classes, none for the third.
        assert terms["fairness_loss"].item() == pytest.approx(math.log(0.5))

    def test_no_row_selected(self, bench):
        algorithm = bench.start(FreeMatch(momentum=0.99), 2)
        bench.losses(algorithm, **unlabeled([0.99, 0.01]))
        terms = bench.losses(algorithm, **unlabeled([0.51, 0.51]))
        assert set(terms) == {"labeled_loss", "unlabeled_loss"}
        assert terms["unlabeled_loss"].item() == 0


class TestSoftMatch:
    def test_weights(self, bench):
        algorithm = bench.start(SoftMatch(n_sigma=2.0, momentum=0.0, class_prior=None), 4)
        weak, strong = [0.95, 0.85, 0.3, 0.6], [0.6, 0.5, 0.2, 0.4]
        terms = bench.losses(algorithm, **unlabeled(weak, strong))
        confidence = np.array([0.95, 0.85, 0.7, 0.6])
        mean, variance = confidence.mean(), confidence.var(ddof=1)
        assert algorithm.thresholds_.tolist() == pytest.approx([mean, mean])
        assert algorithm.variance_.item() == pytest.approx(variance)
        below = np.exp(-((confidence - mean) ** 2) / (2 * variance / 4))
        weight = np.where(confidence >= mean, 1.0, below)
        assert weight[:2].tolist() == [1, 1]
        loss = -np.log([0.6, 0.5, 0.8, 0.4])
        assert terms["unlabeled_loss"].item() == pytest.approx((weight * loss).mean())
        assert algorithm.mask_rate_.item() == pytest.approx(weight.mean())

    def test_three_classes_and_running_means(self, bench):
        algorithm = bench.start(SoftMatch(class_prior=None), 2, y=(0, 1, 2))
        p = [[0.8, 0.1, 0.1], [0.3, 0.3, 0.4]]
        bench.losses(algorithm, y=(0, 1), labeled_weak=p, **unlabeled(p, p))
        assert algorithm.thresholds_[0].item() == pytest.approx((1 / 3 + 0.6) / 2)
        assert algorithm.variance_.item() == pytest.approx((1 + 0.08) / 2)
        bench.losses(algorithm, y=(0, 1), labeled_weak=p, **unlabeled(p[:1], p[:1]), index=[1])
        assert algorithm.thresholds_[0].item() == pytest.approx((1 / 3 + 0.6 + 0.8) / 3)
        assert algorithm.variance_.item() == pytest.approx((1 + 0.08 + 0) / 3)

    def test_alignment_changes_the_weight_and_not_the_label(self, bench):
        algorithm = SoftMatch(class_prior=[0.1, 0.9], momentum=0.0)
        bench.start(algorithm, 2)
        terms = bench.losses(algorithm, **unlabeled([0.4, 0.8], [0.3, 0.3]))
        # Predictions have a mean of (0.4, 0.6): odds are multiplied by 6.
        confidence = [0.8, 0.96]
        assert algorithm.thresholds_[0].item() == pytest.approx(np.mean(confidence))
        variance = np.var(confidence, ddof=1)
        weight = math.exp(-(0.08**2) / (2 * variance / 4))
        # The first row stays in class 0.
        expected = -(weight * math.log(0.7) + math.log(0.3)) / 2
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)

    def test_equal_confidences_all_count(self, bench):
        algorithm = bench.start(SoftMatch(class_prior=None, momentum=0.0), 3)
        bench.losses(algorithm, **unlabeled([0.75, 0.75, 0.25]))
        assert algorithm.mask_rate_.item() == 1


class TestAdaMatch:
    def test_relative_threshold_and_alignment_to_labeled_predictions(self, bench):
        algorithm = bench.start(AdaMatch(threshold=0.9, momentum=0.0), 3)
        terms = bench.losses(
            algorithm,
            labeled_weak=[0.1, 0.6],
            **unlabeled([0.9, 0.6, 0.3], [0.6, 0.3, 0.2]),
        )
        threshold = 0.9 * (0.9 + 0.6) / 2
        assert algorithm.thresholds_.tolist() == pytest.approx([threshold, threshold])
        assert algorithm.class_prior_.tolist() == pytest.approx([0.65, 0.35])
        # Predictions have a mean of 0.6 for class 1.
        factor = (0.35 / 0.6) / (0.65 / 0.4)
        odds = np.array([9, 1.5, 3 / 7]) * factor
        p = odds / (1 + odds)
        confidence = np.maximum(p, 1 - p)
        assert (confidence >= threshold).tolist() == [True, False, True]
        assert p[0] > 0.5 > p[2]
        expected = -(math.log(0.6) + math.log(0.8)) / 3
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)

    def test_running_means(self, bench):
        algorithm = bench.start(AdaMatch(), 1, y=(0, 1))
        bench.losses(algorithm, labeled_weak=[0.1, 0.3], **unlabeled([0.8]))
        assert algorithm.class_prior_[1].item() == pytest.approx((0.5 + 0.2) / 2)
        assert algorithm.model_distribution_[1].item() == pytest.approx((0.5 + 0.8) / 2)
        bench.losses(algorithm, labeled_weak=[0.9, 0.9], **unlabeled([0.2]))
        assert algorithm.class_prior_[1].item() == pytest.approx((0.5 + 0.2 + 0.9) / 3)
        assert algorithm.model_distribution_[1].item() == pytest.approx((0.5 + 0.8 + 0.2) / 3)

    def test_given_prior_replaces_the_labeled_predictions(self, bench):
        algorithm = bench.start(AdaMatch(class_prior=[1, 3]), 1)
        bench.losses(algorithm, labeled_weak=[0.1, 0.3], **unlabeled([0.8]))
        assert algorithm.class_prior_.tolist() == [0.25, 0.75]

    def test_three_classes(self, bench):
        algorithm = bench.start(AdaMatch(threshold=1.0, momentum=0.0), 1, y=(0, 1, 2))
        labeled = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]
        weak = [[0.35, 0.25, 0.4]]  # its own mean: aligned it is the mean of the labeled ones
        bench.losses(algorithm, y=(0, 1), labeled_weak=labeled, **unlabeled(weak, weak))
        assert algorithm.thresholds_[0].item() == pytest.approx(0.55)
        assert algorithm.mask_rate_.item() == 0  # 0.4 < 0.55


class TestDash:
    def test_warm_up_is_supervised_and_sets_the_reference(self, bench):
        algorithm = bench.start(Dash(warm_up=0.5), 2)
        losses = []
        for labeled, progress in (([0.25, 0.8], 0.0), ([0.1, 0.9], 0.2)):
            terms = bench.losses(
                algorithm, labeled_weak=labeled, progress=progress, **unlabeled([1.0, 1e-9])
            )
            assert terms["unlabeled_loss"].item() == 0
            losses.append(-(math.log(1 - labeled[0]) + math.log(labeled[1])) / 2)
            assert terms["labeled_loss"].item() == pytest.approx(losses[-1])
        reference = (math.log(2) + sum(losses)) / 3
        assert algorithm.reference_loss_.item() == pytest.approx(reference)
        # It stays from then on.
        bench.losses(algorithm, labeled_weak=[0.5, 0.5], progress=0.5, **unlabeled([0.9, 0.1]))
        assert algorithm.reference_loss_.item() == pytest.approx(reference)

    @pytest.mark.parametrize("progress", [0.5, 0.6, 0.8, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_schedule(self, progress, n_classes, bench):
        algorithm = Dash(warm_up=0.5, gamma=1.5, n_decays=8, scale=1.2, lowest_loss=0.1)
        bench.start(algorithm, 1, y=range(n_classes))
        p = np.full((1, n_classes), 1 / n_classes)
        bench.losses(algorithm, y=[0], labeled_weak=p, progress=progress, **unlabeled(p, p))
        done = (progress - 0.5) / 0.5
        rho = max(1.2 * 1.5 ** (-8 * done) * math.log(n_classes), 0.1)
        assert algorithm.thresholds_.tolist() == pytest.approx([math.exp(-rho)] * n_classes)

    def test_selects_by_the_loss_of_the_pseudo_label(self, bench):
        algorithm = bench.start(Dash(warm_up=0.0, n_decays=0, scale=0.5), 3)
        # rho = ln(2) / 2: a confidence of 1 / sqrt(2)
        terms = bench.losses(algorithm, **unlabeled([0.71, 0.70, 0.1], [0.6, 0.6, 0.6]))
        assert terms["unlabeled_loss"].item() == pytest.approx(-(math.log(0.6) + math.log(0.4)) / 3)

    def test_reference_ignores_the_class_weight(self, bench):
        algorithm = Dash(warm_up=0.5, momentum=0.0)
        bench.start(algorithm, 1, class_weight=torch.tensor([1.0, 9.0]))
        bench.losses(algorithm, labeled_weak=[0.25, 0.8], **unlabeled([0.9]))
        expected = -(math.log(0.75) + math.log(0.8)) / 2
        assert algorithm.reference_loss_.item() == pytest.approx(expected)
