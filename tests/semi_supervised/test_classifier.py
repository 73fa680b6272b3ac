# ruff: noqa: NPY002 -- numpy's global generator is what is tested here

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback, EpochScoring

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold
from skxrd.networks import VGG11, ResNet1d
from skxrd.preprocessing import (
    IntensityFloor,
    IntensityScaler,
    PatternResampler,
    PeakBroadener,
)
from skxrd.semi_supervised import FixMatch, FlexMatch, PseudoLabel, Supervised

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(60, grid=GRID, labeled_fraction=0.2, random_state=0)
Y_KNOWN = make_patterns(60, grid=GRID, random_state=0)[1]
X.flags.writeable = Y.flags.writeable = False  # nothing may write into the user's arrays

SELECTIVE = FixMatch(0.8)  # some rows pass it in these trainings, not all

# The data are tiny, so that thresholds that all rows pass or fail are no news.
pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")


def semi_supervised(algorithm=None, **params):
    defaults = {
        "module_params": {"channels": (4, 8)},
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": make_pipeline(PeakShift(2), PeakElimination(0.2)),
        "rendering": make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        "max_epochs": 2,
        "batch_size": 4,
        "unlabeled_ratio": 4,
        "random_state": 0,
    }
    return SemiSupervisedClassifier(algorithm, **{**defaults, **params})


def xrdmatch(**params):
    defaults = {
        "weak_delta": 1,
        "strong_delta": 2,
        "module_params": {"channels": (4, 8), "kernel_sizes": (8, 4), "hidden_units": (16,)},
        "max_epochs": 2,
        "batch_size": 4,
        "random_state": 0,
    }
    return XRDMatchClassifier(**{**defaults, **params})


BOTH = pytest.mark.parametrize("make", [semi_supervised, xrdmatch])


class TestLabels:
    @pytest.mark.parametrize(
        ("names", "kind"),
        [([4, 9], "i"), ([0.0, 1.0], "f"), (["no", "yes"], "O"), ([False, True], "O")],
    )
    def test_kinds_of_labels(self, names, kind):
        y = np.array([*names, -1], dtype=object if kind == "O" else None)[Y]
        classifier = semi_supervised().fit(X, y)
        assert classifier.classes_.tolist() == names
        reference = semi_supervised().fit(X, Y)
        np.testing.assert_array_equal(classifier.predict_proba(X), reference.predict_proba(X))
        assert classifier.predict(X).tolist() == [names[code] for code in reference.predict(X)]
        assert classifier.score(X, y) == reference.score(X, Y)

    @pytest.mark.parametrize("missing", [None, np.nan, -1, pd.NA])
    @pytest.mark.parametrize("names", [[0, 1], ["no", "yes"]])
    def test_missing_labels_of_objects(self, missing, names):
        y = np.array([*names, missing], dtype=object)[Y]
        classifier = semi_supervised().fit(X, y)
        assert classifier.classes_.tolist() == names
        reference = semi_supervised().fit(X, Y)
        np.testing.assert_array_equal(classifier.predict_proba(X), reference.predict_proba(X))
        assert classifier.score(X, y) == reference.score(X, Y)

    def test_pandas(self):
        y = pd.Series(np.array(["no", "yes", None], dtype=object)[Y])
        classifier = semi_supervised().fit(pd.DataFrame(X).rename(columns=str), y)
        assert classifier.classes_.tolist() == ["no", "yes"]

    @BOTH
    def test_errors(self, make):
        name = type(make()).__name__
        with pytest.raises(ValueError, match=f"{name} needs labeled rows .* all 60 rows"):
            make().fit(X, np.full(60, -1))
        with pytest.raises(ValueError, match=f"{name} needs .* one class"):
            make().fit(X, np.where(Y == 1, -1, Y))
        with pytest.raises(ValueError, match="NaN"):
            make().fit(X, np.where(Y == -1, np.nan, Y))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            make().fit(X[:-1], Y)
        with pytest.raises(ValueError, match="requires y to be passed"):
            make().fit(X, None)

    def test_without_unlabeled_rows_it_is_supervised(self):
        known = X[Y >= 0], Y[Y >= 0]
        fixmatch = semi_supervised(FixMatch()).fit(*known)
        supervised = semi_supervised(Supervised()).fit(*known)
        np.testing.assert_array_equal(fixmatch.predict_proba(X), supervised.predict_proba(X))
        assert "unlabeled_loss" not in fixmatch.history_[0]
        assert "mask_rate" not in fixmatch.history_[0]

    def test_fewer_unlabeled_rows_than_batches(self):
        y = Y_KNOWN.copy()
        y[:3] = -1
        classifier = semi_supervised(FixMatch(threshold=0.0)).fit(X, y)
        assert classifier.history_[0]["train_batch_count"] > 3
        # batches without unlabeled rows count neither as selected nor as refused
        assert classifier.history_[0]["mask_rate"] == 1.0
        assert classifier.history_[0]["unlabeled_loss"] > 0

    def test_three_classes_and_order(self):
        X3, y3 = make_patterns(45, grid=GRID, n_classes=3, labeled_fraction=0.4, random_state=0)
        y = np.array([20, 5, 11, -1])[y3]
        classifier = xrdmatch().fit(X3, y)
        assert classifier.classes_.tolist() == [5, 11, 20]
        probabilities = classifier.predict_proba(X3)
        assert probabilities.shape == (45, 3)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(
            classifier.predict(X3), classifier.classes_[probabilities.argmax(axis=1)]
        )

    def test_score_leaves_unlabeled_rows_out(self):
        classifier = semi_supervised().fit(X, Y)
        known = Y >= 0
        expected = (classifier.predict(X[known]) == Y[known]).mean()
        assert classifier.score(X, Y) == expected
        weight = np.where(classifier.predict(X) == Y, 1.0, 0.0)
        weight[~known] = 100
        assert classifier.score(X, Y, weight) == 1.0


class TestTraining:
    @pytest.mark.parametrize(
        "algorithm", [Supervised(), PseudoLabel(), FixMatch(), FlexMatch()], ids=str
    )
    def test_history(self, algorithm):
        classifier = semi_supervised(algorithm, max_epochs=3).fit(X, Y)
        assert classifier.n_iter_ == len(classifier.history_) == 3
        assert [row["epoch"] for row in classifier.history_] == [1, 2, 3]
        expected = {"labeled_loss", "train_loss"}
        if not isinstance(algorithm, Supervised):
            expected |= {"unlabeled_loss", "mask_rate", "threshold_0", "threshold_1"}
        for row in classifier.history_:
            assert expected <= set(row)
            assert all(isinstance(value, float) and np.isfinite(value) for value in row.values())
            assert row["train_batch_count"] == 3  # 48 unlabeled rows, 16 in a batch
            if "mask_rate" in row:
                assert 0 <= row["mask_rate"] <= 1

    def test_loss_of_an_epoch_is_the_sum_of_the_terms(self):
        # batches of one size, so that both averages agree
        classifier = semi_supervised(FixMatch(0.6)).fit(X, Y)
        row = classifier.history_[-1]
        assert row["train_loss"] == pytest.approx(row["labeled_loss"] + row["unlabeled_loss"])
        assert row["unlabeled_loss"] > 0

    def test_it_learns(self):
        classifier = semi_supervised(Supervised(), max_epochs=25, lr=0.01).fit(X, Y_KNOWN)
        assert classifier.score(X, Y_KNOWN) > 0.9
        losses = [row["labeled_loss"] for row in classifier.history_]
        assert losses[-1] < 0.5 * losses[0]

    def test_unlabeled_rows_change_the_network(self):
        fixmatch = semi_supervised(FixMatch(threshold=0.0)).fit(X, Y)
        silent = semi_supervised(FixMatch(threshold=0.0, unlabeled_weight=0.0)).fit(X, Y)
        assert not np.allclose(fixmatch.predict_proba(X), silent.predict_proba(X), atol=1e-4)

    def test_memory_of_flexmatch_covers_the_unlabeled_rows(self):
        classifier = semi_supervised(FlexMatch(threshold=0.5)).fit(X, Y)
        assert len(classifier.algorithm_.latest_) == 48
        # every row passes a threshold of one half, and every row is visited
        assert (classifier.algorithm_.latest_ >= 0).all()

    def test_every_part_is_used(self):
        reference = semi_supervised().fit(X, Y).predict_proba(X)
        for change in (
            {"weak_augmentation": "passthrough"},
            {"strong_augmentation": PeakShift(20)},
            {"rendering": "passthrough"},
            {"lr": 0.01},
            {"weight_decay": 0.5},
            {"algorithm": FixMatch(threshold=0.5)},
            {"module": VGG11, "module_params": {"channels": (4,), "kernel_sizes": (4,)}},
            {"module_params": {"channels": (4, 8), "dropout": 0.9}},
            {"max_epochs": 3},
            {"batch_size": 6},
        ):
            params = change
            if change.keys() & {"strong_augmentation"}:
                params = {**change, "algorithm": FixMatch(threshold=0.5)}
                reference_here = semi_supervised(FixMatch(threshold=0.5)).fit(X, Y)
                other = reference_here.predict_proba(X)
            else:
                other = reference
            changed = semi_supervised(**params).fit(X, Y).predict_proba(X)
            assert not np.array_equal(changed, other), change

    def test_augmentation_does_not_act_in_prediction(self):
        classifier = semi_supervised(weak_augmentation=PeakShift(50)).fit(X, Y)
        np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))

    def test_rendering_acts_in_prediction(self):
        classifier = semi_supervised().fit(X, Y)
        # rendering divides by the maximum
        np.testing.assert_allclose(
            classifier.predict_proba(100 * X), classifier.predict_proba(X), atol=1e-5
        )

    def test_rendering_may_change_the_number_of_points(self):
        rendering = PatternResampler(TwoThetaGrid(10, 80, 71), input_grid=GRID)
        classifier = semi_supervised(rendering=rendering).fit(X, Y)
        assert classifier.predict_proba(X).shape == (60, 2)
        assert classifier.n_features_in_ == 141

    def test_foreign_transformers_learn_from_all_rows(self):
        rendering = make_pipeline(PeakBroadener(1.0, grid=GRID), StandardScaler())
        classifier = semi_supervised(rendering=rendering).fit(X, Y)
        assert classifier.rendering_[-1].n_samples_seen_ == 60
        reference = clone(rendering).fit(X)
        np.testing.assert_allclose(classifier.rendering_[-1].mean_, reference[-1].mean_)

    @BOTH
    def test_defaults_run(self, make):
        long, y = make_patterns(20, labeled_fraction=0.5, random_state=0)
        params = {"max_epochs": 1, "random_state": 0, "module_params": make().module_params}
        classifier = type(make())(**params).fit(long, y)
        assert classifier.predict_proba(long).shape == (20, 2)

    def test_default_rendering_coarsens_long_patterns_only(self):
        long, y = make_patterns(8, labeled_fraction=0.5, random_state=0)
        params = {"max_epochs": 1, "random_state": 0, "module_params": {"channels": (4, 8)}}
        classifier = SemiSupervisedClassifier(**params).fit(long, y)
        assert [type(step).__name__ for _, step in classifier.rendering_.steps] == [
            "PeakBroadener",
            "PatternResampler",
            "IntensityScaler",
        ]
        classifier.fit(long[:, :400], y)
        assert len(classifier.rendering_.steps) == 2

    def test_too_large_shift(self):
        with pytest.raises(ValueError, match=r"delta=150 .* n_features = 141"):
            xrdmatch(weak_delta=150).fit(X, Y)

    @pytest.mark.parametrize(
        "params",
        [
            {"max_epochs": 0},
            {"lr": 0.0},
            {"algorithm": "FixMatch"},
            {"rendering": 3},
            {"module_params": [1]},
            {"unlabeled_ratio": 0},
        ],
        ids=str,
    )
    def test_parameters_are_checked(self, params):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
            semi_supervised(**params).fit(X, Y)

    def test_parameters_of_the_algorithm_are_checked(self):
        with pytest.raises(ValueError, match="The 'threshold' parameter of FixMatch"):
            semi_supervised(FixMatch(threshold=2)).fit(X, Y)

    def test_xrdmatch_is_assembled_from_the_papers_parts(self):
        classifier = xrdmatch(
            scaling_fraction=0.5, epsilon=0.3, elimination_fraction=0.2, threshold=0.8
        ).fit(X, Y)
        assert isinstance(classifier.algorithm_, FlexMatch)
        assert classifier.algorithm_.threshold == 0.8
        assert isinstance(classifier.net_.module_.network, VGG11)
        assert classifier.weak_augmentation_.delta == 1
        shift, scaling, elimination = (step for _, step in classifier.strong_augmentation_.steps)
        assert isinstance(shift, PeakShift)
        assert shift.delta == 2
        assert isinstance(scaling, PeakScaling)
        assert (scaling.fraction, scaling.epsilon, scaling.mode) == (0.5, 0.3, "additive")
        assert isinstance(elimination, PeakElimination)
        assert elimination.fraction == 0.2

    def test_defaults_of_xrdmatch_are_the_papers(self):
        params = XRDMatchClassifier().get_params()
        expected = {
            "weak_delta": 150,
            "strong_delta": 300,
            "scaling_fraction": 1.0,
            "epsilon": 0.12,
            "elimination_fraction": 0.12,
            "unlabeled_ratio": 3,
        }
        assert {name: params[name] for name in expected} == expected


class TestWarnings:
    pytestmark = pytest.mark.filterwarnings("error")

    def test_nothing_selected(self):
        with pytest.warns(ConvergenceWarning, match="48 unlabeled rows .* none reached it"):
            semi_supervised(FixMatch(threshold=1.0)).fit(X, Y)

    def test_everything_selected(self):
        with pytest.warns(ConvergenceWarning, match="all passed it"):
            semi_supervised(FixMatch(threshold=0.0)).fit(X, Y)

    def test_warning_points_to_the_caller(self):
        with pytest.warns(ConvergenceWarning) as caught:
            semi_supervised(FixMatch(threshold=0.0)).fit(X, Y)
        assert caught[0].filename == __file__

    def test_silence_otherwise(self):
        for algorithm in (SELECTIVE, Supervised()):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                semi_supervised(algorithm).fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            semi_supervised(FixMatch(threshold=1.0)).fit(X[Y >= 0], Y[Y >= 0])


class StopAfter(Callback):
    """Stops the training as skorch's own early stopping does."""

    def __init__(self, n_epochs=0, n_batches=None):
        self.n_epochs = n_epochs
        self.n_batches = n_batches

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            raise KeyboardInterrupt

    def on_batch_end(self, net, **kwargs):
        if self.n_batches and len(net.history[-1]["batches"]) == self.n_batches:
            raise KeyboardInterrupt


class Interrupted(ResNet1d):
    """A network during whose forward pass the user presses Ctrl-C."""

    def __init__(self, n_points, n_classes, after=1, **params):
        super().__init__(n_points, n_classes, **params)
        self.calls_left = after

    def forward(self, X):
        self.calls_left -= 1
        if self.calls_left == -1:
            raise KeyboardInterrupt
        return super().forward(X)


class TestInterruption:
    def test_early_stop_of_a_callback_is_no_interruption(self):
        callbacks = [("stop", StopAfter(2))]
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            classifier = semi_supervised(SELECTIVE, max_epochs=9, callbacks=callbacks)
            classifier.fit(X, Y)
        assert classifier.n_iter_ == 2
        assert classifier.interrupted_ is False
        reference = semi_supervised(SELECTIVE, max_epochs=9).set_params(max_epochs=2)
        np.testing.assert_array_equal(
            classifier.predict_proba(X), reference.fit(X, Y).predict_proba(X)
        )

    def test_early_stop_within_an_epoch(self):
        callbacks = [("stop", StopAfter(n_batches=2))]
        classifier = semi_supervised(callbacks=callbacks).fit(X, Y)
        assert classifier.interrupted_ is False
        assert classifier.n_iter_ == 0
        assert classifier.predict_proba(X).shape == (60, 2)

    @pytest.mark.parametrize(("after", "n_epochs"), [(4, 1), (0, 0)])  # 3 batches an epoch
    def test_interruption_keeps_the_state(self, after, n_epochs):
        classifier = semi_supervised(
            module=Interrupted, module_params={"channels": (4, 8), "after": after}, max_epochs=5
        )
        with pytest.warns(ConvergenceWarning, match=f"interrupted after {n_epochs} of 5 epochs"):
            classifier.fit(X, Y)
        assert classifier.interrupted_ is True
        assert classifier.n_iter_ == n_epochs
        check_is_fitted(classifier)
        probabilities = classifier.predict_proba(X)
        assert probabilities.shape == (60, 2)
        assert pickle.loads(pickle.dumps(classifier)).interrupted_

    def test_refit_forgets_the_interruption(self):
        classifier = semi_supervised(
            module=Interrupted, module_params={"channels": (4, 8), "after": 1}
        )
        with pytest.warns(ConvergenceWarning, match="interrupted"):
            classifier.fit(X, Y)
        classifier.set_params(module=ResNet1d, module_params={"channels": (4, 8)}).fit(X, Y)
        assert classifier.interrupted_ is False


class Noise(TransformerMixin, BaseEstimator):
    """A foreign augmentation that draws from numpy."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        rng = np.random.default_rng(self.random_state if isinstance(self.random_state, int) else 0)
        return X + rng.normal(scale=0.01, size=X.shape)


class TestRandomness:
    @BOTH
    def test_same_seed_same_result(self, make):
        first, second = make().fit(X, Y), make().fit(X, Y)
        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
        other = make(random_state=1).fit(X, Y)
        assert not np.allclose(first.predict_proba(X), other.predict_proba(X))

    def test_refit_starts_afresh(self):
        classifier = semi_supervised(FlexMatch()).fit(X, Y)
        first = classifier.predict_proba(X)
        np.testing.assert_array_equal(classifier.fit(X, Y).predict_proba(X), first)

    def test_no_seed(self):
        first, second = (semi_supervised(random_state=None).fit(X, Y) for _ in range(2))
        assert not np.allclose(first.predict_proba(X), second.predict_proba(X))

    @BOTH
    def test_global_generators_are_left_alone(self, make):
        torch.manual_seed(5)
        np.random.seed(5)
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
        classifier = make().fit(X, Y)
        pickle.loads(pickle.dumps(classifier)).predict_proba(X)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert (np.random.get_state()[1] == numpy_state[1]).all()
        assert np.random.get_state()[2] == numpy_state[2]

    @BOTH
    def test_global_generators_do_not_matter(self, make):
        torch.manual_seed(1)
        np.random.seed(1)
        first = make().fit(X, Y).predict_proba(X)
        torch.manual_seed(2)
        np.random.seed(2)
        np.testing.assert_array_equal(make().fit(X, Y).predict_proba(X), first)

    def test_threads(self):
        seeds = [0, 1, 2]
        expected = [semi_supervised(random_state=s).fit(X, Y).predict_proba(X) for s in seeds]
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(semi_supervised(random_state=s).fit, X, Y) for s in seeds]
            found = [job.result().predict_proba(X) for job in jobs]
        np.testing.assert_array_equal(found, expected)


class Counter(Callback):
    def initialize(self):
        self.n_calls_ = 0
        return self

    def on_batch_end(self, net, **kwargs):
        self.n_calls_ += 1


class TestUsersObjects:
    @BOTH
    def test_arrays_are_not_changed(self, make):
        data, labels = X.copy(), Y.copy()
        classifier = make().fit(data, labels)
        classifier.predict_proba(data)
        np.testing.assert_array_equal(data, X)
        np.testing.assert_array_equal(labels, Y)

    def test_components_and_callbacks_are_cloned(self):
        counter = Counter()
        weak, rendering = PeakShift(1), PeakBroadener(1.0, grid=GRID)
        algorithm = FlexMatch()
        strong = make_pipeline(PeakShift(2), Noise())
        classifier = semi_supervised(
            algorithm,
            weak_augmentation=weak,
            strong_augmentation=strong,
            rendering=rendering,
            callbacks=[("counter", counter)],
        ).fit(X, Y)
        assert vars(counter) == {}
        assert dict(classifier.net_.callbacks_)["counter"].n_calls_ == 6
        assert vars(algorithm) == vars(FlexMatch())
        for component in (weak, rendering, strong[0], strong[1]):
            assert not hasattr(component, "n_features_in_")
            assert getattr(component, "random_state", None) is None
        assert classifier.algorithm is algorithm

    def test_callbacks_see_the_predictions_of_a_batch(self):
        def accuracy(net, X, y):
            return 0.5

        scoring = EpochScoring(accuracy, name="half", on_train=True)
        classifier = semi_supervised(callbacks=[("scoring", scoring)]).fit(X, Y)
        assert classifier.history_[-1]["half"] == 0.5

    def test_progress_bar(self, capsys):
        silent = semi_supervised().fit(X, Y)
        assert capsys.readouterr().err == ""
        shown = semi_supervised(verbose=1).fit(X, Y)
        assert "2/2" in capsys.readouterr().err
        np.testing.assert_array_equal(shown.predict_proba(X), silent.predict_proba(X))

    def test_callbacks_end_when_the_training_fails(self):
        ended = []

        class Failing(Callback):
            def on_batch_begin(self, net, **kwargs):
                raise RuntimeError("out of luck")

            def on_train_end(self, net, **kwargs):
                ended.append(net)

        with pytest.raises(RuntimeError, match="out of luck"):
            semi_supervised(callbacks=[("failing", Failing())]).fit(X, Y)
        assert len(ended) == 1


class TestPersistence:
    @BOTH
    @pytest.mark.parametrize("way", ["pickle", "joblib", "skops"])
    def test_round_trip(self, make, way, tmp_path):
        classifier = make().fit(X, Y)
        path = tmp_path / "model"
        if way == "pickle":
            path.write_bytes(pickle.dumps(classifier))
            loaded = pickle.loads(path.read_bytes())
        elif way == "joblib":
            joblib.dump(classifier, path)
            loaded = joblib.load(path)
        else:
            skops.io.dump(classifier, path)
            unknown = skops.io.get_untrusted_types(file=path)
            assert all(name.startswith("skxrd.") for name in unknown)
            loaded = skops.io.load(path, trusted=unknown)
        np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
        assert loaded.history_ == classifier.history_
        assert loaded.classes_.tolist() == [0, 1]
        for name, value in classifier.algorithm_.state().items():
            np.testing.assert_array_equal(getattr(loaded.algorithm_, name), value)
        # weights and little else: skops alone writes 110 kB about types
        n_weights = sum(weight.numel() for weight in classifier.net_.module_.parameters())
        assert path.stat().st_size < 4 * n_weights + 150_000

    def test_no_training_data_are_kept(self):
        size = len(pickle.dumps(semi_supervised(FixMatch()).fit(X, Y)))
        many = np.tile(X, (20, 1)), np.tile(Y, 20)
        grown = len(pickle.dumps(semi_supervised(FixMatch()).fit(*many)))
        assert abs(grown - size) < 500

    def test_pickling_leaves_the_classifier_usable(self):
        classifier = semi_supervised().fit(X, Y)
        before = classifier.predict_proba(X)
        pickle.dumps(classifier)
        np.testing.assert_array_equal(classifier.predict_proba(X), before)
        assert "net_" in vars(classifier)

    def test_unfitted(self):
        loaded = pickle.loads(pickle.dumps(semi_supervised(FlexMatch(threshold=0.7))))
        assert loaded.algorithm.threshold == 0.7
        assert not hasattr(loaded, "net_")


class TestSearch:
    def test_knobs_of_the_paper(self):
        pipeline = make_pipeline(IntensityFloor(0.05), xrdmatch(max_epochs=1))
        search = GridSearchCV(
            pipeline,
            {
                "xrdmatchclassifier__strong_delta": [2, 5],
                "xrdmatchclassifier__epsilon": [0.12],
                "xrdmatchclassifier__threshold": [0.6, 0.95],
            },
            cv=LabeledFold(2),
            error_score="raise",
        ).fit(X, Y)
        assert len(search.cv_results_["params"]) == 4
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        classifier = search.best_estimator_[-1]
        assert classifier.strong_augmentation_[0].delta in (2, 5)
        assert search.predict(X).shape == (60,)

    def test_parameters_of_components(self):
        search = GridSearchCV(
            semi_supervised(FixMatch(), max_epochs=1),
            {
                "algorithm__threshold": [0.5, 0.9],
                "strong_augmentation__peakshift__delta": [1, 4],
                "rendering__peakbroadener__fwhm": [1.0],
            },
            cv=LabeledFold(2),
            scoring="balanced_accuracy",
            error_score="raise",
        ).fit(X, Y)
        best = search.best_estimator_
        assert best.algorithm_.threshold == search.best_params_["algorithm__threshold"]
        delta = search.best_params_["strong_augmentation__peakshift__delta"]
        assert best.strong_augmentation_[0].delta == delta

    def test_algorithms_can_be_compared(self):
        search = GridSearchCV(
            semi_supervised(max_epochs=1),
            {"algorithm": [Supervised(), FixMatch(), FlexMatch()]},
            cv=LabeledFold(2),
            error_score="raise",
        ).fit(X, Y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_clone(self):
        classifier = semi_supervised(FlexMatch(threshold=0.7), callbacks=[("c", Counter())])
        copy = clone(classifier.fit(X, Y))
        assert not hasattr(copy, "net_")
        assert copy.algorithm.threshold == 0.7
        assert not hasattr(copy.algorithm, "latest_")
        assert copy.algorithm is not classifier.algorithm


def test_missing_labels_of_a_list_stay_missing():
    X, y = make_patterns(40, grid=TwoThetaGrid(10, 80, 141), labeled_fraction=0.5, random_state=0)
    labels = [float("nan") if code == -1 else "ab"[code] for code in y]
    classifier = SemiSupervisedClassifier(
        module_params={"channels": (4, 8)}, max_epochs=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after a single epoch
        classifier.fit(X, labels)
    assert classifier.classes_.tolist() == ["a", "b"]
