"""Class frequencies: of the labels, of the population, and what classifiers make of them."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import balanced_accuracy_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakShift
from skxrd.calibration import adjust_class_prior, estimate_class_prior
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, cross_val_predict_labeled, masked_scorer
from skxrd.networks import VGG11, ResNet1d
from skxrd.preprocessing import PeakBroadener
from skxrd.semi_supervised import FixMatch, Supervised

GRID = TwoThetaGrid(10, 80, 141)
X, Y_KNOWN = make_patterns(200, grid=GRID, random_state=0)
# 9 labels of class 0 for each one of class 1, the others unlabeled
FEW = np.flatnonzero(Y_KNOWN == 1)[:6]
MANY = np.flatnonzero(Y_KNOWN == 0)[:54]
Y = np.full(200, -1)
Y[FEW], Y[MANY] = 1, 0
X.flags.writeable = Y.flags.writeable = False

MODULES = {
    "batch_norm": {"module": ResNet1d, "module_params": {"channels": (4, 8)}},
    "plain": {
        "module": VGG11,
        "module_params": {"channels": (4,), "kernel_sizes": (4,), "hidden_units": (8,)},
    },
}
NETWORKS = pytest.mark.parametrize("network", MODULES)

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")


def make(algorithm=None, network="batch_norm", **params):
    defaults = {
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": PeakShift(2),
        "rendering": PeakBroadener(1.0, grid=GRID),
        "max_epochs": 2,
        "batch_size": 16,
        "random_state": 0,
    }
    algorithm = Supervised() if algorithm is None else algorithm
    return SemiSupervisedClassifier(algorithm, **{**defaults, **MODULES[network], **params})


def trained(**params):
    """Sure enough that its predictions for the two classes differ."""
    return make(max_epochs=20, lr=0.01, **params)


class TestAdjusting:
    def test_bayes_rule(self):
        """A calibrated classifier of one population, moved to another one, is calibrated there."""
        likelihood = np.array([[0.8, 0.1, 0.3], [0.2, 0.9, 0.7]])  # of two outcomes, by class
        here, there = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])

        def posterior(prior):
            joint = likelihood * prior
            return joint / joint.sum(axis=1, keepdims=True)

        found = adjust_class_prior(posterior(here), train_prior=here, class_prior=there)
        np.testing.assert_allclose(found, posterior(there), rtol=1e-12)
        back = adjust_class_prior(found, train_prior=there, class_prior=here)
        np.testing.assert_allclose(back, posterior(here), rtol=1e-12)

    def test_with_two_classes_the_threshold_moves(self):
        p = np.linspace(0.005, 0.995, 100)
        adjusted = adjust_class_prior(
            np.column_stack([1 - p, p]), train_prior=[0.5, 0.5], class_prior=[0.8, 0.2]
        )
        np.testing.assert_array_equal(adjusted[:, 1] > 0.5, p > 0.8)

    def test_equal_frequencies_change_nothing(self):
        p = np.random.default_rng(0).dirichlet([1, 1, 1], size=20)
        prior = [5, 2, 3]  # need not sum to 1
        found = adjust_class_prior(p, train_prior=prior, class_prior=[0.5, 0.2, 0.3])
        np.testing.assert_allclose(found, p)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_type_and_input_are_kept(self, dtype):
        p = np.array([[0.25, 0.75]], dtype=dtype)
        found = adjust_class_prior(p, train_prior=[0.5, 0.5], class_prior=[0.9, 0.1])
        assert found.dtype == dtype
        assert p.tolist() == [[0.25, 0.75]]
        assert adjust_class_prior([[1, 0]], train_prior=[1, 1], class_prior=[1, 1]).dtype == float

    def test_sure_predictions_stay_sure(self):
        """Also for a class whose frequency single precision cannot hold."""
        p = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
        found = adjust_class_prior(p, train_prior=[0.5, 0.5], class_prior=[1, 1e-300])
        np.testing.assert_array_equal(found, p)

    @pytest.mark.parametrize("prior", [[1], [1, 1, 1], [1, 0], [1, -1], [1, np.nan], [1, np.inf]])
    def test_errors(self, prior):
        p = [[0.5, 0.5]]
        match = "class_prior needs one positive number for each of the 2 classes, got"
        with pytest.raises(ValueError, match=match):
            adjust_class_prior(p, train_prior=[1, 1], class_prior=prior)
        with pytest.raises(ValueError, match=match.replace("class_prior", "train_prior")):
            adjust_class_prior(p, train_prior=prior, class_prior=[1, 1])
        with pytest.raises(ValueError, match=r"shape \(n_samples, n_classes\), got \(2,\)"):
            adjust_class_prior(p[0], train_prior=[1, 1], class_prior=[1, 1])


class TestEstimating:
    @pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_it_finds_the_frequencies_of_the_pool(self, share, dtype):
        rng = np.random.default_rng(0)
        pool = (rng.random(20_000) < share).astype(int)
        train = np.repeat([0, 1], 5000)
        model = GaussianNB().fit(rng.normal(2 * train, 1)[:, None], train)
        p = model.predict_proba(rng.normal(2 * pool, 1)[:, None]).astype(dtype)
        found = estimate_class_prior(p, train_prior=[0.5, 0.5])
        assert found[1] == pytest.approx(pool.mean(), abs=0.012)
        assert found.sum() == pytest.approx(1)

    def test_it_is_a_fixed_point(self):
        p = np.random.default_rng(0).dirichlet([1, 2, 1], size=300)
        train = np.array([0.2, 0.5, 0.3])
        found = estimate_class_prior(p, train_prior=train, tol=1e-12, max_iter=100_000)
        adjusted = adjust_class_prior(p, train_prior=train, class_prior=found)
        np.testing.assert_allclose(adjusted.mean(axis=0), found, atol=1e-9)

    def test_a_class_that_is_absent(self):
        p = np.full((50, 2), [0.999, 0.001], dtype=np.float32)
        found = estimate_class_prior(p, train_prior=[0.5, 0.5])
        assert found[0] == pytest.approx(1)
        assert found[1] > 0  # still a prior
        adjusted = adjust_class_prior(p, train_prior=[0.5, 0.5], class_prior=found)
        assert np.isfinite(adjusted).all()

    def test_iterations(self):
        p = np.random.default_rng(0).dirichlet([1, 2], size=300)
        one = estimate_class_prior(p, train_prior=[0.5, 0.5], max_iter=1)
        np.testing.assert_allclose(one, p.mean(axis=0))
        assert not np.allclose(one, estimate_class_prior(p, train_prior=[0.5, 0.5]), atol=1e-3)

    def test_errors(self):
        with pytest.raises(ValueError, match="at least one row"):
            estimate_class_prior(np.empty((0, 2)), train_prior=[0.5, 0.5])
        with pytest.raises(ValueError, match="train_prior needs one positive number"):
            estimate_class_prior([[0.5, 0.5]], train_prior=[1.0])
        with pytest.raises(ValueError, match="'max_iter' parameter"):
            estimate_class_prior([[0.5, 0.5]], train_prior=[1, 1], max_iter=0)


NAMES = np.array(["common", "rare", None], dtype=object)


class TestClassWeight:
    @pytest.mark.parametrize("names", [np.array([0, 1, -1]), NAMES, np.array([7, 9, -1])])
    def test_balanced_is_inverse_to_the_frequency(self, names):
        classifier = make(class_weight="balanced").fit(X, names[Y])
        weight = classifier.algorithm_.class_weight_
        assert weight.tolist() == pytest.approx([60 / 2 / 54, 60 / 2 / 6])
        by_name = {names[0]: 60 / 2 / 54, names[1]: 60 / 2 / 6}
        same = make(class_weight=by_name).fit(X, names[Y])
        np.testing.assert_array_equal(same.predict_proba(X), classifier.predict_proba(X))

    def test_labels_not_named_weigh_one(self):
        classifier = make(class_weight={"rare": 3}).fit(X, NAMES[Y])
        assert classifier.algorithm_.class_weight_.tolist() == [1.0, 3.0]

    def test_unknown_labels(self):
        with pytest.raises(
            ValueError, match=r"classes, \[.*common.*rare.*\], are not in class_weight"
        ):
            make(class_weight={"seldom": 3}).fit(X, NAMES[Y])

    @NETWORKS
    def test_it_moves_predictions_to_the_rare_class(self, network):
        p = [
            make(network=network, class_weight=weight, max_epochs=4, lr=0.003)
            .fit(X, Y)
            .predict_proba(X)[:, 1]
            .mean()
            for weight in ({0: 10}, None, {1: 10})
        ]
        assert p[0] < p[1] < p[2]

    def test_the_loss_is_weighted(self):
        """The first loss, before any step of note, by hand: a weighted mean."""
        options = {"batch_size": 60, "unlabeled_ratio": 3, "max_epochs": 1, "network": "plain"}
        options["weak_augmentation"] = "passthrough"
        plain = make(**options).fit(X[Y >= 0], Y[Y >= 0]).history_[0]["labeled_loss"]
        weighted = make(**options, class_weight={0: 1, 1: 9}).fit(X[Y >= 0], Y[Y >= 0])
        loss = weighted.history_[0]["labeled_loss"]
        # with equal losses of a class: plain = (54 a + 6 b) / 60, weighted = (a + b) / 2
        probe = make(**options, lr=1e-12).fit(X[Y >= 0], Y[Y >= 0])
        p = probe.predict_proba(X)
        a, b = -np.log(p[Y == 0, 0]), -np.log(p[Y == 1, 1])
        assert plain == pytest.approx((a.sum() + b.sum()) / 60, rel=1e-4)
        assert loss == pytest.approx((a.sum() + 9 * b.sum()) / 108, rel=1e-4)


class TestLogitAdjustment:
    def test_formula(self):
        for strength in (0.0, 0.5, 1.0, 2.0):
            classifier = make(logit_adjustment=strength).fit(X, Y)
            expected = strength * np.log([0.9, 0.1])
            np.testing.assert_allclose(classifier.algorithm_.logit_offset_, expected, rtol=1e-5)

    @NETWORKS
    def test_a_network_that_sees_nothing_predicts_equal_frequencies(self, network):
        """All patterns alike: what is learned is the frequency of the labels, or is not."""
        blank = np.tile(X[:1], (200, 1))
        options = {"max_epochs": 60, "lr": 0.01, "network": network}
        if network == "batch_norm":
            options["batch_norm"] = "none"  # no batch has a spread
        p = {
            strength: make(logit_adjustment=strength, **options).fit(blank, Y).predict_proba(blank)
            for strength in (0.0, 1.0)
        }
        np.testing.assert_allclose(p[0.0][:, 1], 0.1, atol=0.03)
        np.testing.assert_allclose(p[1.0][:, 1], 0.5, atol=0.06)

    def test_predictions_are_balanced(self):
        """Nine labels in ten are of one class, of the patterns every second one is."""
        assert trained().fit(X, Y).predict(X).mean() == 0
        adjusted = trained(logit_adjustment=1.0).fit(X, Y)
        assert adjusted.predict(X).mean() == pytest.approx(0.5, abs=0.1)
        assert adjusted.predict_proba(X)[:, 1].mean() == pytest.approx(0.5, abs=0.1)
        assert adjusted.score(X, Y_KNOWN) > 0.9

    def test_it_is_the_class_prior_that_is_learned(self):
        for strength, learned in [
            (0.0, [0.9, 0.1]),
            (0.5, [0.75, 0.25]),
            (1.0, [0.5, 0.5]),
            (2.0, [0.1, 0.9]),  # more than made up for
        ]:
            classifier = make(logit_adjustment=strength).fit(X, Y)
            np.testing.assert_allclose(classifier.class_prior_, learned)
        balanced = make(class_weight="balanced").fit(X, Y)
        np.testing.assert_allclose(balanced.class_prior_, [0.5, 0.5])


class TestClassPrior:
    def test_none_leaves_predictions_alone(self):
        classifier = make().fit(X, Y)
        np.testing.assert_array_equal(classifier.predict_proba(X), classifier.net_.predict_proba(X))
        np.testing.assert_allclose(classifier.class_prior_, [0.9, 0.1])

    @NETWORKS
    @pytest.mark.parametrize("learned", [{}, {"logit_adjustment": 1.0}, {"class_weight": {1: 2}}])
    @pytest.mark.parametrize("class_prior", ["labeled", "uniform", "estimate", [3, 7]], ids=str)
    def test_it_is_what_calibration_does(self, class_prior, learned, network):
        classifier = make(FixMatch(0.6), network, class_prior=class_prior, **learned).fit(X, Y)
        raw = classifier.net_.predict_proba(X)
        train = {(): [0.9, 0.1], ("logit_adjustment",): [0.5, 0.5], ("class_weight",): [9, 2]}
        train = train[tuple(learned)]
        wanted = {
            "labeled": [0.9, 0.1],
            "uniform": [0.5, 0.5],
            "estimate": estimate_class_prior(raw[Y == -1], train_prior=train),
            "[3, 7]": [0.3, 0.7],
        }[str(class_prior)]
        np.testing.assert_allclose(classifier.class_prior_, wanted, rtol=1e-4)
        p = classifier.predict_proba(X)
        assert p.dtype == np.float32
        expected = adjust_class_prior(raw, train_prior=train, class_prior=classifier.class_prior_)
        np.testing.assert_allclose(p, expected, rtol=1e-5)
        np.testing.assert_array_equal(classifier.predict(X), p.argmax(axis=1))
        loaded = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(loaded.predict_proba(X), p)

    def test_what_was_learned_is_taken_out_first(self):
        """Assuming the labels' frequencies changes nothing if they were learned as they are."""
        plain = make().fit(X, Y)
        same = make(class_prior="labeled").fit(X, Y)
        np.testing.assert_allclose(same.predict_proba(X), plain.predict_proba(X), rtol=1e-5)

    def test_order_of_text(self):
        # "rare" comes first in no alphabet: the frequencies follow the sorted labels
        names = np.array(["zinc", "air", None], dtype=object)
        classifier = make(class_prior=[0.2, 0.8]).fit(X, names[Y])
        assert classifier.classes_.tolist() == ["air", "zinc"]
        np.testing.assert_allclose(classifier.class_prior_, [0.2, 0.8])
        raw = classifier.net_.predict_proba(X)
        expected = adjust_class_prior(raw, train_prior=[0.1, 0.9], class_prior=[0.2, 0.8])
        np.testing.assert_allclose(classifier.predict_proba(X), expected, rtol=1e-5)

    @pytest.mark.parametrize("class_prior", [[1.0], [1, 2, 3], [1, 0], [1, np.nan], [[1, 2]]])
    def test_errors_come_before_the_training(self, class_prior):
        classifier = make(class_prior=class_prior)
        match = "class_prior needs one positive number for each of the 2 classes, got"
        with pytest.raises(ValueError, match=match):
            classifier.fit(X, Y)
        with pytest.raises(NotFittedError):
            classifier.predict(X)

    def test_nothing_to_estimate_from(self):
        with pytest.raises(ValueError, match="class_prior='estimate' needs unlabeled rows"):
            make(class_prior="estimate").fit(X[Y >= 0], Y[Y >= 0])

    def test_the_users_array_is_left_alone(self):
        prior = np.array([3.0, 7.0])
        make(class_prior=prior).fit(X, Y).predict_proba(X)
        assert prior.tolist() == [3.0, 7.0]


class TestThresholds:
    """scikit-learn's threshold classifiers take two classes, and -1 would be a third."""

    def test_they_refuse_unlabeled_rows(self):
        for wrapped in (
            FixedThresholdClassifier(trained(), threshold=0.3),
            TunedThresholdClassifierCV(trained(), cv=LabeledFold(3)),
        ):
            with pytest.raises(ValueError, match="Only binary classification is supported"):
                wrapped.fit(X, Y)

    @pytest.mark.parametrize("names", [np.array([0, 1, -1]), NAMES])
    def test_a_fixed_threshold_around_a_trained_classifier(self, names):
        y = names[Y]
        classifier = trained().fit(X, y)
        known = Y >= 0
        p = classifier.predict_proba(X)[:, 1]
        threshold = float(np.quantile(p, 0.7))
        wrapped = FixedThresholdClassifier(
            FrozenEstimator(classifier), threshold=threshold, pos_label=names[1]
        ).fit(X[known], y[known].astype(str if names is NAMES else int))
        chosen = wrapped.predict(X) == names[1]
        np.testing.assert_array_equal(chosen, p >= threshold)
        assert 0.2 < chosen.mean() < 0.4

    def test_a_threshold_is_another_prior(self):
        """Both ask for the same evidence; the second also gives the probabilities."""
        classifier = trained().fit(X, Y)
        other = trained(class_prior="uniform").fit(X, Y)
        # odds of 1 for equal frequencies are odds of 1 / 9 for those of the labels
        wrapped = FixedThresholdClassifier(FrozenEstimator(classifier), threshold=0.1)
        wrapped.fit(X[Y >= 0], Y[Y >= 0])
        np.testing.assert_array_equal(wrapped.predict(X), other.predict(X))
        assert 0.2 < other.predict(X).mean() < 0.8

    def test_a_tuned_threshold_from_labels_kept_back(self):
        kept = np.concatenate([FEW[3:], MANY[27:]])
        y = Y.copy()
        y[kept] = -1
        classifier = trained().fit(X, y)
        scoring = make_scorer(balanced_accuracy_score)
        tuned = TunedThresholdClassifierCV(
            FrozenEstimator(classifier), cv="prefit", refit=False, scoring=scoring
        ).fit(X[kept], Y[kept])
        score = balanced_accuracy_score(Y[kept], tuned.predict(X[kept]))
        assert score == pytest.approx(tuned.best_score_)
        assert score >= balanced_accuracy_score(Y[kept], classifier.predict(X[kept]))

    def test_out_of_fold_predictions_use_every_label(self):
        """What replaces the cross-validation of `TunedThresholdClassifierCV`."""
        classifier = make(max_epochs=1)
        p = cross_val_predict_labeled(classifier, X, Y, cv=LabeledFold(2), method="predict_proba")[
            :, 1
        ]
        known = Y >= 0
        assert np.isfinite(p[known]).all()
        candidates = np.unique(p[known])
        scores = [balanced_accuracy_score(Y[known], p[known] >= t) for t in candidates]
        threshold = candidates[int(np.argmax(scores))]
        final = FixedThresholdClassifier(
            FrozenEstimator(classifier.fit(X, Y)), threshold=threshold
        ).fit(X[known], Y[known])
        assert set(final.predict(X)) <= {0, 1}

    def test_masked_scoring_of_a_classifier_with_another_prior(self):
        scoring = masked_scorer("balanced_accuracy")
        for class_prior in (None, "uniform"):
            classifier = make(max_epochs=1, class_prior=class_prior)
            scores = cross_val_score(classifier, X, Y, cv=LabeledFold(2), scoring=scoring)
            assert np.isfinite(scores).all()
