"""A training that is continued, and one that ends early."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.augmentation import PeakElimination, PeakShift
from skxrd.datasets import make_patterns
from skxrd.io import load_model, save_model
from skxrd.networks import VGG11, ResNet1d
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import (
    VAT,
    CoMatch,
    Dash,
    FixMatch,
    FlexMatch,
    MeanTeacher,
    MixMatch,
    ReMixMatch,
    SimMatch,
    SoftMatch,
    Supervised,
    TemporalEnsembling,
)

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(60, grid=GRID, labeled_fraction=0.3, random_state=0)
X.flags.writeable = Y.flags.writeable = False

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")

MODULES = {
    "batch_norm": {"module": ResNet1d, "module_params": {"channels": (4, 8), "dropout": 0.4}},
    "plain": {
        "module": VGG11,
        "module_params": {
            "channels": (4,),
            "kernel_sizes": (4,),
            "hidden_units": (8,),
            "dropout": 0.4,
        },
    },
}


def make(algorithm=None, network="batch_norm", **params):
    defaults = {
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": make_pipeline(PeakShift(2), PeakElimination(0.2)),
        "rendering": make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        "max_epochs": 6,
        "batch_size": 4,
        "unlabeled_ratio": 4,
        "lr": 0.003,
        "random_state": 0,
    }
    algorithm = FixMatch(0.6) if algorithm is None else algorithm
    return SemiSupervisedClassifier(algorithm, **{**defaults, **MODULES[network], **params})


class StopAfter(Callback):
    """Stop the training after so many epochs of one call of `fit`."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            raise KeyboardInterrupt


def through_pickle(classifier, folder):
    return pickle.loads(pickle.dumps(classifier))


def through_skops(classifier, folder):
    path = folder / "model.skops"
    save_model(classifier, path)
    return load_model(path, trusted=[f"{StopAfter.__module__}.StopAfter"])


WAYS = {
    "at once": lambda classifier, folder: classifier,
    "pickle": through_pickle,
    "skops": through_skops,
}

ALGORITHMS = [
    FlexMatch(0.7),
    TemporalEnsembling(),
    MeanTeacher(),
    SoftMatch(),
    CoMatch(0.6),
    SimMatch(0.6),
    MixMatch(),
    ReMixMatch(),
    VAT(),
    Dash(),
    Supervised(),
]


def assert_same(one, other):
    """Weights, state of the algorithm, history and predictions, bit by bit."""
    state, expected = one.net_.module_.state_dict(), other.net_.module_.state_dict()
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(state[name], value), name
    state, expected = one.algorithm_.state(), other.algorithm_.state()
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(state[name], value), name
    assert without_durations(one) == without_durations(other)
    assert one.n_iter_ == other.n_iter_
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def without_durations(classifier):
    return [{k: v for k, v in row.items() if k != "dur"} for row in classifier.history_]


@pytest.mark.parametrize("network", MODULES)
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: type(algorithm).__name__)
def test_a_break_changes_nothing(algorithm, network, tmp_path):
    options = {"lr_schedule": "cosine", "ema_decay": 0.9, "max_grad_norm": 5.0, "warm_start": True}
    whole = make(algorithm, network, **options).fit(X, Y)
    assert whole.n_iter_ == 6
    first = make(algorithm, network, **options, callbacks=[("stop", StopAfter(3))]).fit(X, Y)
    assert first.n_iter_ == 3
    assert [row["epoch"] for row in whole.history_] == [1, 2, 3, 4, 5, 6]
    before = pickle.dumps(first)
    for way in WAYS.values():
        continued = way(pickle.loads(before), tmp_path).set_params(callbacks=None).fit(X, Y)
        assert_same(continued, whole)


@pytest.mark.parametrize("way", WAYS)
def test_several_breaks(way, tmp_path):
    whole = make(FlexMatch(0.7), warm_start=True).fit(X, Y)
    classifier = make(FlexMatch(0.7), warm_start=True, callbacks=[("stop", StopAfter(2))])
    for n_epochs in (2, 4, 6):
        classifier = WAYS[way](classifier.fit(X, Y), tmp_path)
        assert classifier.n_iter_ == n_epochs
    assert_same(classifier, whole)


def test_without_a_schedule_more_epochs_can_be_added_later():
    """FixMatch does not look at the progress, so that 3 of 3 epochs are the same as 3 of 6."""
    whole = make(warm_start=True).fit(X, Y)
    grown = make(warm_start=True, max_epochs=3).fit(X, Y).set_params(max_epochs=6).fit(X, Y)
    assert_same(grown, whole)


def test_of_the_papers_classifier():
    def xrdmatch(max_epochs):
        module_params = MODULES["plain"]["module_params"]
        options = {"weak_delta": 1, "strong_delta": 2, "batch_size": 4, "random_state": 0}
        return XRDMatchClassifier(
            max_epochs=max_epochs, module_params=module_params, warm_start=True, **options
        )

    grown = xrdmatch(2).fit(X, Y).set_params(max_epochs=4).fit(X, Y)
    assert_same(grown, xrdmatch(4).fit(X, Y))


def test_it_is_the_same_training_with_and_without_the_option():
    assert_same(make(warm_start=True, max_epochs=2).fit(X, Y), make(max_epochs=2).fit(X, Y))


def test_a_finished_training_is_left_alone():
    classifier = make(warm_start=True, max_epochs=2).fit(X, Y)
    before = pickle.loads(pickle.dumps(classifier))
    for _ in range(2):
        assert_same(classifier.fit(X, Y), before)
    # fewer epochs than are done: nothing is taken back
    assert_same(classifier.set_params(max_epochs=1).fit(X, Y), before)


def test_new_rates_are_used():
    classifier = make(warm_start=True, max_epochs=2, lr=0.01).fit(X, Y)
    classifier.set_params(lr=1e-4, weight_decay=0.3, max_epochs=3).fit(X, Y)
    (group,) = classifier.net_.optimizer_.param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-4, 0.3)


def test_without_the_option_fit_begins_anew():
    classifier = make(max_epochs=2).fit(X, Y)
    expected = pickle.loads(pickle.dumps(classifier))
    assert_same(classifier.fit(X, Y), expected)


def test_an_interruption_can_be_made_good():
    class Interrupted(ResNet1d):
        calls_left = 100

        def forward(self, X):
            type(self).calls_left -= self.training
            if type(self).calls_left == 0:
                raise KeyboardInterrupt
            return super().forward(X)

    classifier = make(module=Interrupted, warm_start=True)
    Interrupted.calls_left = 13  # in the third epoch of five batches
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 of 6 epochs"):
        classifier.fit(X, Y)
    assert classifier.interrupted_
    Interrupted.calls_left = 100
    classifier.fit(X, Y)
    assert not classifier.interrupted_
    assert classifier.n_iter_ == 6
    assert [row["epoch"] for row in classifier.history_] == [1, 2, 3, 4, 5, 6]


class TestErrors:
    def test_other_labels(self):
        classifier = make(warm_start=True, max_epochs=2).fit(X, Y)
        before = pickle.loads(pickle.dumps(classifier))
        other = Y.copy()
        other[np.flatnonzero(Y >= 0)[0]] = -1
        names = np.array(["no", "yes", None], dtype=object)[Y]
        swapped = np.array([1, 0, -1])[Y]
        for y in (other, names, swapped, Y[:-1]):
            with pytest.raises(ValueError, match="y differs from that of the earlier call"):
                classifier.set_params(max_epochs=3).fit(X[: len(y)], y)
            assert classifier.classes_.tolist() == [0, 1]
        assert_same(classifier.set_params(max_epochs=2).fit(X, Y), before)

    def test_another_number_of_points(self):
        classifier = make(warm_start=True, max_epochs=2).fit(X, Y)
        with pytest.raises(ValueError, match=r"X has 140 features, but .* expecting 141"):
            classifier.fit(X[:, 1:], Y)

    @pytest.mark.parametrize("saved", [False, True])
    def test_nothing_was_kept(self, saved):
        classifier = make(max_epochs=2).fit(X, Y)
        if saved:
            classifier = pickle.loads(pickle.dumps(classifier))
        classifier.set_params(warm_start=True, max_epochs=3)
        with pytest.raises(ValueError, match=r"no training to continue.* had warm_start=False"):
            classifier.fit(X, Y)
        assert classifier.set_params(warm_start=False).fit(X, Y).n_iter_ == 3

    def test_an_older_training_is_not_taken_up_again(self):
        classifier = make(max_epochs=2, warm_start=True).fit(X, Y)
        classifier.set_params(warm_start=False).fit(X, Y)
        with pytest.raises(ValueError, match="no training to continue"):
            classifier.set_params(warm_start=True).fit(X, Y)

    def test_the_option_taken_back_before_saving(self):
        classifier = make(max_epochs=2, warm_start=True).fit(X, Y).set_params(warm_start=False)
        loaded = pickle.loads(pickle.dumps(classifier)).set_params(warm_start=True)
        with pytest.raises(ValueError, match="no training to continue"):
            loaded.fit(X, Y)
        pickle.loads(pickle.dumps(loaded))

    def test_a_first_call_that_was_refused(self):
        classifier = make(max_epochs=2, warm_start=True, class_prior=[1, 2, 3])
        with pytest.raises(ValueError, match="class_prior"):
            classifier.fit(X, Y)
        assert classifier.set_params(class_prior=None).fit(X, Y).n_iter_ == 2


class Listening(ResNet1d):
    """A network that writes down which rows it sees in training and at predict."""

    seen = {True: set(), False: set()}

    def forward(self, X):
        self.seen[self.training] |= {row.tobytes() for row in X.numpy()}
        return super().forward(X)


def row_numbers(seen):
    return [number for number, row in enumerate(X) if row.tobytes() in seen]


def cross_entropy(classifier, rows):
    p = classifier.predict_proba(X[rows])
    return float(-np.log(p[np.arange(len(rows)), Y[rows]]).mean())


def stopping(algorithm=None, network="batch_norm", **params):
    return make(algorithm, network, **{"early_stopping": True, **params})


class TestEarlyStopping:
    plain = {
        "module": Listening,
        "rendering": "passthrough",
        "weak_augmentation": "passthrough",
        "strong_augmentation": "passthrough",
    }

    def rows(self, algorithm=None, **params):
        """Numbers of the rows that train and of those that validate."""
        for rows in Listening.seen.values():
            rows.clear()
        classifier = stopping(algorithm, **self.plain, **params).fit(X, Y)
        seen = Listening.seen
        return classifier, row_numbers(seen[True]), row_numbers(seen[False])

    @pytest.mark.parametrize("algorithm", [Supervised(), FixMatch(0.6), SimMatch(0.6)], ids=str)
    @pytest.mark.parametrize("fraction", [0.2, 0.5])
    def test_validation_rows_are_labeled_and_not_trained_on(self, algorithm, fraction):
        options = {"validation_fraction": fraction, "max_epochs": 2}
        _, trained, validated = self.rows(algorithm, **options)
        assert set(trained).isdisjoint(validated)
        assert (Y[validated] >= 0).all()
        counts = np.bincount(Y[validated])
        assert abs(counts[0] - counts[1]) <= 1  # as among the labels, 9 and 9
        assert counts.sum() == np.ceil(fraction * 18)
        # all others train, unlabeled ones if the algorithm wants them
        unlabeled = [] if isinstance(algorithm, Supervised) else np.flatnonzero(Y == -1)
        assert set(trained) == {*np.flatnonzero(Y >= 0), *unlabeled} - set(validated)

    def test_the_seed_draws_the_rows(self):
        def validated(seed):
            return self.rows(Supervised(), max_epochs=1, random_state=seed)[2]

        assert validated(0) == validated(0)
        assert validated(0) != validated(1)

    @pytest.mark.parametrize("ema_decay", [None, 0.5])
    def test_the_best_weights_are_kept(self, ema_decay, capsys):
        options = {"max_epochs": 200, "lr": 0.02, "n_iter_no_change": 4, "ema_decay": ema_decay}
        classifier, _, validated = self.rows(Supervised(), **options)
        losses = [row["valid_loss"] for row in classifier.history_]
        assert classifier.n_iter_ == len(losses) < 200
        assert not classifier.interrupted_
        best = int(np.argmin(losses))
        assert best < len(losses) - 1
        assert cross_entropy(classifier, validated) == pytest.approx(losses[best], rel=1e-4)
        loaded = pickle.loads(pickle.dumps(classifier))
        assert cross_entropy(loaded, validated) == cross_entropy(classifier, validated)
        captured = capsys.readouterr()
        assert captured.out + captured.err == ""

    @pytest.mark.parametrize("network", MODULES)
    @pytest.mark.parametrize("patience", [1, 3])
    def test_it_ends_where_the_loss_rises(self, network, patience, monkeypatch):
        """Labels at random: whatever is learned is wrong elsewhere."""
        labels = np.random.default_rng(1).permutation(Y[Y >= 0])
        y = Y.copy()
        y[Y >= 0] = labels
        options = {"n_iter_no_change": patience, "max_epochs": 100, "lr": 0.02}
        classifier = stopping(Supervised(), network, **options).fit(X, y)
        losses = [row["valid_loss"] for row in classifier.history_]
        assert len(losses) < 100
        # a decrease by less than a ten thousandth is none
        misses, limit = 0, np.inf
        for number, loss in enumerate(losses, start=1):
            misses, limit = (0, loss * (1 - 1e-4)) if loss < limit else (misses + 1, limit)
            assert (misses == patience) == (number == len(losses))

    def test_a_training_that_still_gets_better_runs_to_its_end(self):
        classifier = stopping(Supervised(), max_epochs=3, lr=1e-4).fit(X, Y)
        assert classifier.n_iter_ == 3

    def test_labels_of_text(self):
        names = np.array(["no", "yes", None], dtype=object)
        found = stopping(max_epochs=2).fit(X, names[Y]).predict_proba(X)
        np.testing.assert_array_equal(found, stopping(max_epochs=2).fit(X, Y).predict_proba(X))

    def test_of_the_papers_classifier(self):
        classifier = XRDMatchClassifier(
            weak_delta=1,
            strong_delta=2,
            module_params=MODULES["plain"]["module_params"],
            early_stopping=True,
            max_epochs=2,
        ).fit(X, Y)
        assert "valid_loss" in classifier.history_[0]

    @pytest.mark.parametrize(
        ("counts", "fraction"),
        [
            ((1, 1), 0.5),
            ((1, 9), 0.2),
            ((2, 2), 0.2),
            ((3, 3), 0.9),
            ((2, 60), 0.1),
            ((60, 2), 0.9),
        ],
        ids=str,
    )
    def test_too_few_labels(self, counts, fraction):
        known = make_patterns(130, grid=GRID, random_state=0)
        y = np.full(130, -1)
        for code, count in enumerate(counts):
            y[np.flatnonzero(known[1] == code)[:count]] = code
        match = (
            rf"early_stopping=True needs rows of every class .* validation_fraction={fraction} the "
            rf"labels of \[{counts[0]}, {counts[1]}\] rows per class do not suffice\. Label more"
        )
        with pytest.raises(ValueError, match=match):
            stopping(validation_fraction=fraction).fit(known[0], y)

    def test_a_break_before_it_ends(self, tmp_path):
        options = {"max_epochs": 4, "n_iter_no_change": 9, "warm_start": True}
        whole = stopping(Supervised(), **options).fit(X, Y)
        losses = [row["valid_loss"] for row in whole.history_]
        assert losses == sorted(losses, reverse=True)  # the best weights are always the last
        first = stopping(Supervised(), **options, callbacks=[("stop", StopAfter(2))]).fit(X, Y)
        for way in WAYS.values():
            continued = way(pickle.loads(pickle.dumps(first)), tmp_path)
            assert_same(continued.set_params(callbacks=None).fit(X, Y), whole)


class TestUntouched:
    def test_generators_and_arrays(self):
        torch.manual_seed(5)
        classifier = make(warm_start=True, max_epochs=2)
        state = torch.get_rng_state()
        data, labels = X.copy(), Y.copy()
        classifier.fit(data, labels).set_params(max_epochs=3).fit(data, labels)
        loaded = pickle.loads(pickle.dumps(classifier)).set_params(max_epochs=4)
        loaded.fit(data, labels)
        assert torch.equal(torch.get_rng_state(), state)
        np.testing.assert_array_equal(data, X)
        np.testing.assert_array_equal(labels, Y)

    def test_the_original_of_a_copy(self):
        """A loaded copy that is trained on shares nothing with the original."""
        classifier = make(FlexMatch(0.7), warm_start=True, max_epochs=2).fit(X, Y)
        before = pickle.dumps(classifier)
        pickle.loads(before).set_params(max_epochs=4).fit(X, Y)
        assert_same(classifier, pickle.loads(before))

    def test_only_the_option_makes_files_larger(self):
        plain = len(pickle.dumps(make(max_epochs=1).fit(X, Y)))
        kept = len(pickle.dumps(make(max_epochs=1, warm_start=True).fit(X, Y)))
        assert kept > plain + 2000  # two moments of each weight, and generators
