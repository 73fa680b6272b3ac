import pickle
import threading

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier, TwoThetaGrid
from skxrd._classifiers import was_interrupted
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold
from skxrd.networks import ResNet1d
from skxrd.preprocessing import IntensityScaler, PeakBroadener

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(120, grid=GRID, labeled_fraction=0.4, random_state=0)
X.flags.writeable = Y.flags.writeable = False

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")


def self_training():
    return SelfTrainingClassifier(LogisticRegression())


def network(**params):
    defaults = {
        "module_params": {"channels": (4, 8)},
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": PeakShift(2),
        "rendering": PeakBroadener(1.0, grid=GRID),
        "max_epochs": 1,
    }
    return SemiSupervisedClassifier(**{**defaults, **params})


def ensemble(estimator=None, **params):
    estimator = self_training() if estimator is None else estimator
    defaults = {"n_estimators": 4, "random_state": 0}
    return SemiSupervisedBaggingClassifier(estimator, **{**defaults, **params})


class Scripted(ClassifierMixin, BaseEstimator):
    """Answers what the first column of X and its seed tell; counts what it was given."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y[y >= 0])
        self.rows_ = X[:, 0].astype(int)
        self.y_ = np.array(y)
        return self

    def predict_proba(self, X):
        rng = np.random.default_rng([self.random_state % 1000, 7])
        answers = rng.uniform(size=(1000, len(self.classes_)))[X[:, 0].astype(int)]
        return answers / answers.sum(axis=1, keepdims=True)


class Fixed(Scripted):
    """Members answer one of a list of probabilities, in the order in which they are trained."""

    answers = ()
    n_fitted = 0

    def fit(self, X, y):
        self.answer_ = np.array(Fixed.answers[Fixed.n_fitted])
        Fixed.n_fitted += 1
        return super().fit(X, y)

    def predict_proba(self, X):
        return np.tile(self.answer_, (len(X), 1))


def fixed_ensemble(*answers, voting="hard"):
    Fixed.answers, Fixed.n_fitted = answers, 0
    return ensemble(Fixed(), n_estimators=len(answers), voting=voting).fit(X, Y)


def numbered(y):
    """Patterns whose first point is the number of the row."""
    numbers = np.zeros((len(y), 3))
    numbers[:, 0] = np.arange(len(y))
    return numbers


class TestDraws:
    def test_draws_are_those_of_the_paper(self):
        y = np.repeat([0, 1, -1], [30, 12, 101])
        fitted = ensemble(Scripted(), n_estimators=10).fit(numbered(y), y)
        draws = fitted.estimators_samples_
        assert len(draws) == len(fitted.estimators_) == 10
        for rows, member in zip(draws, fitted.estimators_, strict=True):
            assert np.bincount(y[rows] + 1).tolist() == [81, 10, 10]  # 80 % of 101, rounded
            assert len(np.unique(rows)) == len(rows)  # without replacement
            assert (np.diff(rows) > 0).all()
            # The member saw these rows with their labels: none of the others, not even unlabeled.
            assert member.rows_.tolist() == rows.tolist()
            assert member.y_.tolist() == y[rows].tolist()
        assert len({tuple(rows) for rows in draws}) == 10
        counts = np.bincount(np.concatenate(draws), minlength=len(y))
        assert counts[y == 0].sum() == 100
        assert (counts[y == 0] > 0).mean() > 0.9

    def test_small_classes_are_drawn_whole(self):
        y = np.repeat([0, 1, -1], [30, 4, 10])
        fitted = ensemble(Scripted()).fit(numbered(y), y)
        for rows in fitted.estimators_samples_:
            assert np.bincount(y[rows] + 1).tolist() == [8, 10, 4]

    def test_all_labeled_rows_and_no_unlabeled_ones(self):
        y = np.repeat([0, 1, -1], [7, 4, 10])
        fitted = ensemble(Scripted(), n_labeled_per_class=None, unlabeled_fraction=0.0)
        fitted.fit(numbered(y), y)
        for rows in fitted.estimators_samples_:
            assert rows.tolist() == list(range(11))

    def test_random_state(self):
        def draws(seed):
            fitted = ensemble(Scripted(), random_state=seed).fit(numbered(Y), Y)
            return [rows.tolist() for rows in fitted.estimators_samples_]

        assert draws(3) == draws(3)
        assert draws(3) != draws(4)
        assert draws(None) != draws(None)

    def test_members_have_seeds_of_their_own(self):
        fitted = ensemble(network()).fit(X, Y)
        seeds = [member.random_state for member in fitted.estimators_]
        assert len(set(seeds)) == 4
        again = ensemble(network()).fit(X, Y)
        assert seeds == [member.random_state for member in again.estimators_]


class TestVotes:
    def test_votes_sum_to_the_number_of_members(self):
        fitted = ensemble(n_estimators=5).fit(X, Y)
        votes = fitted.vote_counts(X)
        assert votes.shape == (120, 2)
        assert (votes.sum(axis=1) == 5).all()
        members = np.array([member.predict(X) for member in fitted.estimators_])
        assert (votes[:, 1] == members.sum(axis=0)).all()

    @pytest.mark.parametrize("voting", ["hard", "soft"])
    def test_predict_is_the_most_probable_class(self, voting):
        fitted = ensemble(Scripted(), n_estimators=6, voting=voting)
        y = np.repeat([3, 5, 9, -1], [20, 20, 20, 40])
        fitted.fit(numbered(y), y)
        probabilities = fitted.predict_proba(numbered(y))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        expected = fitted.classes_[probabilities.argmax(axis=1)]
        np.testing.assert_array_equal(fitted.predict(numbered(y)), expected)
        if voting == "hard":
            votes = fitted.vote_counts(numbered(y))
            chosen = votes[np.arange(100), probabilities.argmax(axis=1)]
            assert (chosen == votes.max(axis=1)).all()  # the mean probability never outvotes

    def test_probability_by_hand(self):
        fitted = fixed_ensemble([0.9, 0.1], [0.4, 0.6], [0.3, 0.7])
        assert fitted.vote_counts(X[:1]).tolist() == [[1, 2]]
        mean = (0.9 + 0.4 + 0.3) / 3
        np.testing.assert_allclose(
            fitted.predict_proba(X[:1]), [[(1 + mean) / 4, 1 - (1 + mean) / 4]]
        )
        assert fitted.predict(X[:1]) == 1
        # soft voting sees that the first member is surer
        soft = fixed_ensemble([0.9, 0.1], [0.4, 0.6], [0.3, 0.7], voting="soft")
        np.testing.assert_allclose(soft.predict_proba(X[:1]), [[mean, 1 - mean]])
        assert soft.predict(X[:1]) == 0

    @pytest.mark.parametrize(("sure", "winner"), [(0.9, 0), (0.55, 1)])
    def test_ties_are_settled_by_the_mean_probability(self, sure, winner):
        fitted = fixed_ensemble([sure, 1 - sure], [0.3, 0.7])
        assert fitted.vote_counts(X[:1]).tolist() == [[1, 1]]
        assert fitted.predict(X[:1]) == winner

    def test_majority_of_one_wins_against_all_confidence(self):
        fitted = fixed_ensemble([1.0, 0.0], [1.0, 0.0], [0.49, 0.51], [0.49, 0.51], [0.49, 0.51])
        assert fitted.predict(X[:1]) == 1

    def test_large_pools_are_predicted_in_parts(self):
        fitted = ensemble(Scripted()).fit(numbered(Y), Y)
        many = np.tile(numbered(Y), (80, 1))  # more than two working arrays
        probabilities = fitted.member_probabilities(many)
        assert probabilities.shape == (4, 9600, 2)
        np.testing.assert_array_equal(
            probabilities.reshape(4, 80, 120, 2)[:, 77], fitted.member_probabilities(numbered(Y))
        )


class TestOutOfBag:
    def by_hand(self, fitted, data, voting):
        n_classes = len(fitted.classes_)
        for row in range(len(data)):
            answers = [
                member.predict_proba(data[row : row + 1])[0]
                for member, rows in zip(fitted.estimators_, fitted.estimators_samples_, strict=True)
                if row not in rows
            ]
            if not answers:
                yield np.full(n_classes, np.nan)
                continue
            mean = np.mean(answers, axis=0)
            votes = np.bincount(np.argmax(answers, axis=1), minlength=n_classes)
            yield mean if voting == "soft" else (votes + mean) / (len(answers) + 1)

    @pytest.mark.parametrize("voting", ["hard", "soft"])
    def test_by_hand(self, voting):
        y = np.repeat([0, 1, -1], [14, 11, 15])
        data = numbered(y)
        fitted = ensemble(Scripted(), n_estimators=3, voting=voting).fit(data, y)
        expected = np.array(list(self.by_hand(fitted, data, voting)))
        np.testing.assert_allclose(fitted.oob_decision_function_, expected)
        never = np.isnan(expected).any(axis=1)
        assert never.any()
        assert not never.all()
        assert (fitted.oob_prediction_[never] == -1).all()
        np.testing.assert_array_equal(
            fitted.oob_prediction_[~never], expected[~never].argmax(axis=1)
        )

    def test_no_row_is_out_of_bag(self):
        fitted = ensemble(n_labeled_per_class=None, unlabeled_fraction=1.0).fit(X, Y)
        assert np.isnan(fitted.oob_decision_function_).all()
        assert (fitted.oob_prediction_ == -1).all()

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64, float])
    def test_marker_has_room_beside_small_classes(self, dtype):
        y = np.repeat([0, 1], [12, 9]).astype(dtype)
        fitted = ensemble(Scripted(), n_labeled_per_class=10).fit(numbered(y), y)
        assert set(fitted.oob_prediction_[12:]) == {-1}  # all members saw the smaller class

    def test_string_labels(self):
        y = np.array(["no", "yes", -1], dtype=object)[Y]
        fitted = ensemble().fit(X, y)
        reference = ensemble().fit(X, Y)
        assert fitted.classes_.tolist() == ["no", "yes"]
        assert set(fitted.oob_prediction_) <= {"no", "yes", -1}
        names = np.array(["no", "yes", -1], dtype=object)
        np.testing.assert_array_equal(fitted.oob_prediction_, names[reference.oob_prediction_])
        np.testing.assert_array_equal(fitted.predict(X), names[reference.predict(X)])
        assert fitted.score(X, y) == reference.score(X, Y)

    def test_text_without_marker(self):
        y = np.array(["no", "yes"])[np.arange(120) % 2]
        fitted = ensemble(Scripted(), n_labeled_per_class=None).fit(numbered(y), y)
        assert (fitted.oob_prediction_ == -1).all()


class TestParallel:
    @pytest.mark.parametrize("make", [self_training, network])
    def test_number_of_jobs_does_not_matter(self, make):
        expected = ensemble(make()).fit(X, Y).member_probabilities(X)
        found = ensemble(make(), n_jobs=2).fit(X, Y).member_probabilities(X)
        np.testing.assert_array_equal(found, expected)

    def test_threads_give_the_same_and_leave_torch_alone(self):
        expected = ensemble(network()).fit(X, Y).member_probabilities(X)

        def threads_of_a_new_thread():
            found = []
            thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
            thread.start()
            thread.join()
            return found[0]

        torch.set_num_threads(2)
        try:
            with joblib.parallel_config(backend="threading"):
                fitted = ensemble(network(), n_jobs=2).fit(X, Y)
            assert torch.get_num_threads() == threads_of_a_new_thread() == 2
        finally:
            torch.set_num_threads(1)
        np.testing.assert_array_equal(fitted.member_probabilities(X), expected)


class Interrupting(ResNet1d):
    """A network whose user presses Ctrl-C after some passes, counted over all networks."""

    n_calls = 0

    def forward(self, X):
        if self.training:
            Interrupting.n_calls += 1
            if Interrupting.n_calls == 8:
                raise KeyboardInterrupt
        return super().forward(X)


class TestInterruption:
    @pytest.mark.parametrize("in_pipeline", [False, True])
    def test_members_trained_so_far_are_kept(self, in_pipeline):
        Interrupting.n_calls = 0
        member = network(module=Interrupting, batch_size=4, unlabeled_ratio=4)  # 5 batches
        if in_pipeline:
            member = make_pipeline(IntensityScaler(), member)
        with (
            pytest.warns(ConvergenceWarning, match="training was interrupted after 0 of 1"),
            pytest.warns(ConvergenceWarning, match="keeps 2 of 4 members"),
        ):
            fitted = ensemble(member).fit(X, Y)
        assert len(fitted.estimators_) == len(fitted.estimators_samples_) == 2
        assert (fitted.vote_counts(X).sum(axis=1) == 2).all()
        assert fitted.interrupted_

    def test_parameters_set_later_tell_nothing_of_the_training(self):
        fitted = ensemble(Scripted()).fit(X, Y).set_params(n_estimators=20)
        assert not fitted.interrupted_
        assert not was_interrupted(fitted)

    def test_nothing_to_keep(self):
        class Interrupted(Scripted):
            def fit(self, X, y):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ensemble(Interrupted()).fit(X, Y)


class TestContract:
    def test_default_member(self):
        long, y = make_patterns(40, labeled_fraction=0.6, random_state=0)
        fitted = SemiSupervisedBaggingClassifier(n_estimators=1, random_state=0)
        fitted.fit(long[:, ::20], y)
        assert isinstance(fitted.estimators_[0], SemiSupervisedClassifier)

    def test_users_estimator_is_cloned(self):
        member = network(random_state=None)
        fitted = ensemble(member).fit(X, Y)
        assert member.random_state is None
        assert not hasattr(member, "net_")
        copy = clone(fitted)
        assert not hasattr(copy, "estimators_")
        assert copy.get_params()["estimator__max_epochs"] == 1

    def test_member_may_be_a_pipeline(self):
        fitted = ensemble(make_pipeline(IntensityScaler("sqrt"), network())).fit(X, Y)
        assert fitted.predict(X).shape == (120,)
        assert fitted.get_params()["estimator__intensityscaler__method"] == "sqrt"

    def test_errors(self):
        with pytest.raises(ValueError, match="all 120 rows"):
            ensemble().fit(X, np.full(120, -1))
        with pytest.raises(ValueError, match="one class"):
            ensemble().fit(X, np.where(Y == 0, -1, Y))
        with pytest.raises(ValueError, match="unlabeled_fraction"):
            ensemble(unlabeled_fraction=1.1).fit(X, Y)
        with pytest.raises(ValueError, match="requires y to be passed"):
            ensemble().fit(X, None)
        with pytest.raises(ValueError, match="estimator"):
            SemiSupervisedBaggingClassifier(PeakShift()).fit(X, Y)

    def test_cross_validation_and_pickle(self):
        scores = cross_val_score(ensemble(), X, Y, cv=LabeledFold(3), error_score="raise")
        assert (scores > 0.5).all()
        fitted = ensemble(network()).fit(X, Y)
        loaded = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))

    def test_progress_bar(self, capsys):
        ensemble(verbose=1).fit(X, Y)
        assert "Training members" in capsys.readouterr().err

    def test_scikit_learns_bagging_takes_the_marker_for_a_class(self):
        bagging = BaggingClassifier(LogisticRegression(), random_state=0).fit(X, Y)
        assert bagging.classes_.tolist() == [-1, 0, 1]
        assert (bagging.predict(X) == -1).any()
        assert ensemble().fit(X, Y).classes_.tolist() == [0, 1]
