"""Similarities between embeddings against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from skxrd.semi_supervised import CoMatch, SimMatch

ANGLES = {
    "labeled_weak": [0, 90],
    "unlabeled_weak": [0, 60],
    "unlabeled_strong": [30, 90],
    "unlabeled_strong_2": [10, 120],
}


def on_circle(degrees, length=1.0):
    radians = np.deg2rad(degrees)
    return length * torch.tensor(np.stack([np.cos(radians), np.sin(radians)], axis=1))


def softmax(x):
    powers = np.exp(x)
    return powers / powers.sum(axis=-1, keepdims=True)


def cosine(one, two):
    return np.cos(np.deg2rad(np.subtract.outer(one, two)))


def step(algorithm, bench, *, angles=ANGLES, y=(0, 1), labeled_index=None, length=1.0, **p):
    """Losses with embeddings at given angles on the unit circle."""
    p = {"labeled_weak": [0.25, 0.8], **p}
    outputs = {view: bench.logits(values) for view, values in p.items()}
    for view in p:
        outputs[f"{view}_projection"] = on_circle(angles[view], length)
    batch = bench.batch(y, range(len(p["unlabeled_weak"])))
    if labeled_index is not None:
        batch = type(batch)(**{**vars(batch), "labeled_index": torch.tensor(labeled_index)})
    return algorithm.losses(outputs, batch)


def probabilities(weak, strong=(0.5, 0.5), **more):
    return {"unlabeled_weak": weak, "unlabeled_strong": list(strong), **more}


class TestCoMatch:
    def algorithm(self, bench, **settings):
        settings = {"class_prior": None, "n_components": 2, "threshold": 0.0} | settings
        return bench.start(CoMatch(**settings), 2)

    def test_first_batch_has_no_neighbors(self, bench):
        algorithm = self.algorithm(bench, bank_size=6, threshold=0.65)
        terms = step(
            algorithm, bench, **probabilities([0.9, 0.4], [0.7, 0.2], unlabeled_strong_2=[0.5, 0.5])
        )
        # Soft targets; the second row is below the threshold.
        expected = -(0.9 * math.log(0.7) + 0.1 * math.log(0.3)) / 2
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        assert algorithm.n_banked_.item() == 4
        np.testing.assert_allclose(
            algorithm.probability_bank_, [[0, 0], [0, 0], [0.1, 0.9], [0.6, 0.4], [1, 0], [0, 1]]
        )
        expected = on_circle([0, 60, 0, 90])
        np.testing.assert_allclose(algorithm.embedding_bank_[2:], expected, atol=1e-12)

    def test_smoothing_by_neighbors(self, bench):
        algorithm = self.algorithm(bench, smoothing=0.3, temperature=0.2, bank_size=16)
        second = probabilities([0.6, 0.3], [0.7, 0.2], unlabeled_strong_2=[0.5, 0.5])
        step(algorithm, bench, **probabilities([0.9, 0.4], unlabeled_strong_2=[0.5, 0.5]))
        terms = step(algorithm, bench, **second)
        neighbors = softmax(cosine([0, 60], [0, 60, 0, 90]) / 0.2)
        p = 0.7 * np.array([0.6, 0.3]) + 0.3 * neighbors @ np.array([0.9, 0.4, 0.0, 1.0])
        expected = -(p * np.log([0.7, 0.2]) + (1 - p) * np.log([0.3, 0.8])).mean()
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        # The bank keeps predictions as they were before they were smoothed.
        np.testing.assert_allclose(
            algorithm.probability_bank_[-4:, 1], [0.6, 0.3, 0, 1], atol=1e-12
        )

    def test_bank_forgets_the_oldest(self, bench):
        algorithm = self.algorithm(bench, bank_size=6)
        for p in ([0.9, 0.4], [0.6, 0.3]):
            step(algorithm, bench, **probabilities(p, unlabeled_strong_2=[0.5, 0.5]))
        assert algorithm.n_banked_.item() == 6
        np.testing.assert_allclose(
            algorithm.probability_bank_[:, 1], [0, 1, 0.6, 0.3, 0, 1], atol=1e-12
        )

    def test_bank_smaller_than_a_batch(self, bench):
        algorithm = self.algorithm(bench, bank_size=1)
        step(algorithm, bench, **probabilities([0.9, 0.4], unlabeled_strong_2=[0.5, 0.5]))
        assert algorithm.n_banked_.item() == 1
        np.testing.assert_allclose(algorithm.probability_bank_, [[0, 1]])

    @pytest.mark.parametrize(
        ("graph_threshold", "graph"),
        [(0.3, [[1, 0.42], [0.42, 1]]), (0.5, [[1, 0], [0, 1]])],
    )
    def test_contrastive_loss_follows_the_graph_of_targets(self, graph_threshold, graph, bench):
        algorithm = self.algorithm(
            bench, graph_threshold=graph_threshold, similarity_weight=2.0, temperature=0.4
        )
        # Agreement of the targets: 0.9 * 0.4 + 0.1 * 0.6
        terms = step(
            algorithm, bench, **probabilities([0.9, 0.4], unlabeled_strong_2=[0.5, 0.5]), length=3.0
        )
        wanted = np.array(graph) / np.sum(graph, axis=1, keepdims=True)
        found = np.log(softmax(cosine([30, 90], [10, 120]) / 0.4))
        expected = -(wanted * found).sum(axis=1).mean()
        assert terms["contrastive_loss"].item() == pytest.approx(2 * expected)

    def test_three_classes(self, bench):
        algorithm = CoMatch(class_prior=None, n_components=2, threshold=0.0, graph_threshold=0.4)
        bench.start(algorithm, 2, y=(0, 1, 2))
        weak = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2]]
        terms = step(
            algorithm,
            bench,
            labeled_weak=weak,
            unlabeled_weak=weak,
            unlabeled_strong=weak,
            unlabeled_strong_2=weak,
        )
        entropy = -sum(p * math.log(p) for row in weak for p in row) / 2
        assert terms["unlabeled_loss"].item() == pytest.approx(entropy)
        agreement = 0.8 * 0.5 + 0.1 * 0.3 + 0.1 * 0.2
        wanted = np.array([[1, agreement], [agreement, 1]]) / (1 + agreement)
        found = np.log(softmax(cosine([30, 90], [10, 120]) / 0.5))
        expected = -(wanted * found).sum(axis=1).mean()
        assert terms["contrastive_loss"].item() == pytest.approx(expected)


class TestSimMatch:
    def algorithm(self, bench, y=(0, 1), **settings):
        settings = {"class_prior": None, "n_components": 2, "threshold": 0.0} | settings
        return bench.start(SimMatch(**settings), 2, y=y)

    def test_bank_by_labeled_row(self, bench):
        algorithm = self.algorithm(bench, y=(1, 0, 1), bank_momentum=0.7)
        assert algorithm.label_bank_.tolist() == [1, 0, 1]
        step(algorithm, bench, y=(1, 1), labeled_index=[2, 0], **probabilities([0.9, 0.4]))
        np.testing.assert_allclose(algorithm.embedding_bank_, [[0, 1], [0, 0], [1, 0]], atol=1e-12)
        turned = {**ANGLES, "labeled_weak": [90, 45]}
        step(
            algorithm,
            bench,
            angles=turned,
            y=(1, 0),
            labeled_index=[2, 1],
            **probabilities([0.9, 0.4]),
        )
        # 0.7 of (1, 0) and 0.3 of (0, 1), normalized; a new row starts where it is.
        norm = math.hypot(0.7, 0.3)
        np.testing.assert_allclose(
            algorithm.embedding_bank_,
            [[0, 1], [math.sqrt(0.5), math.sqrt(0.5)], [0.7 / norm, 0.3 / norm]],
            atol=1e-12,
        )

    def test_unfolded_and_aggregated_similarities(self, bench):
        algorithm = self.algorithm(
            bench, smoothing=0.2, temperature=0.5, threshold=0.6, similarity_weight=3.0
        )
        terms = step(algorithm, bench, **probabilities([0.9, 0.45], [0.7, 0.2]))
        similarity = softmax(cosine([0, 60], [0, 90]) / 0.5)  # to rows of classes 0 and 1
        p = np.array([[0.1, 0.9], [0.55, 0.45]])
        # Aggregated: one labeled row a class, whose similarity is the class's share.
        target = 0.8 * p + 0.2 * similarity
        chosen = target.max(axis=1) >= 0.6
        assert chosen.tolist() == [True, False]
        strong = np.array([[0.3, 0.7], [0.8, 0.2]])
        loss = -(target * np.log(strong)).sum(axis=1)
        assert terms["unlabeled_loss"].item() == pytest.approx((chosen * loss).mean())
        # Unfolded: similarities times the predicted probability of their class.
        wanted = similarity * p
        wanted /= wanted.sum(axis=1, keepdims=True)
        found = np.log(softmax(cosine([30, 90], [0, 90]) / 0.5))
        expected = -(wanted * found).sum(axis=1).mean()
        assert terms["similarity_loss"].item() == pytest.approx(3 * expected)

    def test_several_rows_a_class_and_three_classes(self, bench):
        algorithm = self.algorithm(bench, y=(2, 0, 2, 1), smoothing=0.5, temperature=1.0)
        angles = {**ANGLES, "labeled_weak": [0, 40, 80, 120]}
        weak = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2]]
        labeled = [*weak, *weak]
        terms = step(
            algorithm,
            bench,
            angles=angles,
            y=(2, 0, 2, 1),
            labeled_weak=labeled,
            unlabeled_weak=weak,
            unlabeled_strong=weak,
        )
        similarity = softmax(cosine([0, 60], [0, 40, 80, 120]))
        share = np.stack(
            [similarity[:, 1], similarity[:, 3], similarity[:, 0] + similarity[:, 2]], axis=1
        )
        target = (np.array(weak) + share) / 2
        expected = -(target * np.log(weak)).sum(axis=1).mean()
        assert terms["unlabeled_loss"].item() == pytest.approx(expected)
        wanted = similarity * np.array(weak)[:, [2, 0, 2, 1]]
        wanted /= wanted.sum(axis=1, keepdims=True)
        found = np.log(softmax(cosine([30, 90], [0, 40, 80, 120])))
        assert terms["similarity_loss"].item() == pytest.approx(
            -(wanted * found).sum(axis=1).mean()
        )

    def test_rows_not_seen_yet_are_far(self, bench):
        algorithm = self.algorithm(bench, y=(0, 1, 1), smoothing=1.0)
        angles = {**ANGLES, "labeled_weak": [45]}
        terms = step(
            algorithm,
            bench,
            angles=angles,
            y=[1],
            labeled_index=[2],
            labeled_weak=[0.5],
            **probabilities([0.9, 0.4], [0.7, 0.2]),
        )
        # All similarity is to the one row that was seen, of class 1.
        assert terms["unlabeled_loss"].item() == pytest.approx(-np.log([0.7, 0.2]).mean())
        assert terms["similarity_loss"].item() == pytest.approx(0)

    def test_bank_carries_no_gradient(self, laboratory):
        algorithm = laboratory.make(SimMatch)
        algorithm.initialize(laboratory.codes())
        network = laboratory.view_of(laboratory.student(algorithm))
        for batch in laboratory.batches(algorithm, 2):
            algorithm.step(network, batch)
        assert not algorithm.embedding_bank_.requires_grad
        assert not torch.is_grad_enabled() or algorithm.embedding_bank_.grad is None
