"""Options of the training, seen through the classifiers."""

import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.augmentation import PeakElimination, PeakShift
from skxrd.datasets import make_patterns
from skxrd.networks import VGG11, ResNet1d
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import BaseAlgorithm, FixMatch, MeanTeacher, MixMatch, Supervised
from skxrd.testing import all_classes

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(60, grid=GRID, labeled_fraction=0.2, random_state=0)
Y_KNOWN = make_patterns(60, grid=GRID, random_state=0)[1]
X.flags.writeable = Y.flags.writeable = False
N_BATCHES = 3  # 48 unlabeled rows, 16 in a batch


class OneDimensional(nn.Module):
    """A network whose batch normalization is BatchNorm1d: of channels and of units.

    Those of the package hold BatchNorm2d, as a pattern passes them as an image of one row.
    """

    def __init__(self, n_points, n_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 4, 9, stride=4), nn.BatchNorm1d(4), nn.ReLU(), nn.AdaptiveMaxPool1d(8)
        )
        self.classifier = nn.Sequential(
            nn.Linear(32, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, n_classes)
        )

    def forward(self, X):
        return self.classifier(self.features(X[:, None]).flatten(1))


MODULES = {
    "batch_norm": {"module": ResNet1d, "module_params": {"channels": (4, 8)}},
    "batch_norm_1d": {"module": OneDimensional},
    "plain": {
        "module": VGG11,
        "module_params": {"channels": (4,), "kernel_sizes": (4,), "hidden_units": (8,)},
    },
}
NETWORKS = pytest.mark.parametrize("network", MODULES)
NORMALIZED = pytest.mark.parametrize("network", ["batch_norm", "batch_norm_1d"])

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")


def make(algorithm=None, network="batch_norm", **params):
    defaults = {
        "weak_augmentation": PeakShift(1),
        "medium_augmentation": PeakShift(1),
        "strong_augmentation": make_pipeline(PeakShift(2), PeakElimination(0.2)),
        "rendering": make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        "max_epochs": 2,
        "batch_size": 4,
        "unlabeled_ratio": 4,
        "random_state": 0,
    }
    algorithm = FixMatch(0.6) if algorithm is None else algorithm
    return SemiSupervisedClassifier(algorithm, **{**defaults, **MODULES[network], **params})


def xrdmatch(**params):
    module_params = MODULES["plain"]["module_params"]
    defaults = {"weak_delta": 1, "strong_delta": 2, "module_params": module_params}
    return XRDMatchClassifier(**{**defaults, "max_epochs": 2, "random_state": 0, **params})


class Recorder(Callback):
    """Write down what a net is like after each step."""

    def __init__(self, look):
        self.look = look

    def initialize(self):
        self.seen_ = []
        return self

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.seen_.append(self.look(net))


def recorded(look, *arguments, **params):
    """Fit and return the classifier, and what its net was like after each step."""
    classifier = make(*arguments, callbacks=[("recorder", Recorder(look))], **params).fit(X, Y)
    return classifier, dict(classifier.net_.callbacks_)["recorder"].seen_


def weights(net):
    state = net.module_.network.state_dict()
    return {name: value.clone() for name, value in state.items()}


class TestAverage:
    @NETWORKS
    def test_average_over_all_steps(self, network):
        classifier, steps = recorded(weights, network=network, ema_decay=0.3)
        expected = steps[0]
        for n, current in enumerate(steps[1:], start=1):
            keep = min(0.3, (1 + n) / (10 + n))
            expected = {
                name: keep * expected[name] + (1 - keep) * value
                if value.is_floating_point()
                else value
                for name, value in current.items()
            }
        assert len(steps) == 2 * N_BATCHES
        average = classifier.net_.module_.average
        assert average.n_averaged == len(steps)
        for name, value in average.module.state_dict().items():
            torch.testing.assert_close(value, expected[name])

    @NETWORKS
    def test_it_predicts(self, network):
        classifier = make(network=network, ema_decay=0.9, lr=0.01).fit(X, Y)
        module = classifier.net_.module_
        found = classifier.predict_proba(X)
        rendered = torch.from_numpy(classifier.rendering_.transform(X.copy()))
        with torch.no_grad():
            module.eval()
            by_average = module.average(rendered).softmax(dim=1).numpy()
            by_network = module.network(rendered).softmax(dim=1).numpy()
        np.testing.assert_allclose(found, by_average, atol=1e-6)
        assert np.abs(found - by_network).max() > 1e-4

    @NETWORKS
    def test_the_training_is_the_same(self, network):
        with_average = make(network=network, ema_decay=0.9).fit(X, Y)
        without = make(network=network).fit(X, Y)
        for name, value in weights(without.net_).items():
            assert torch.equal(weights(with_average.net_)[name], value), name
        assert with_average.history_[-1]["train_loss"] == without.history_[-1]["train_loss"]

    @NETWORKS
    def test_it_is_saved(self, network):
        classifier = make(network=network, ema_decay=0.9).fit(X, Y)
        loaded = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
        assert loaded.net_.module_.average.n_averaged == 2 * N_BATCHES

    @NETWORKS
    @pytest.mark.parametrize("ema_decay", [None, 0.5])
    def test_mean_teacher(self, network, ema_decay):
        """With a decay the average predicts, and it is the teacher; without, the student does."""
        classifier = make(MeanTeacher(ramp_up=0.0), network, ema_decay=ema_decay).fit(X, Y)
        module = classifier.net_.module_
        assert module.average is not None
        assert module.predicts_by_average is (ema_decay is not None)
        assert classifier.history_[-1]["unlabeled_loss"] > 0
        loaded = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))

    def test_the_decay_of_the_classifier_is_the_teachers(self):
        slow = make(MeanTeacher(ramp_up=0.0, decay=0.1), ema_decay=0.3).fit(X, Y)
        same = make(MeanTeacher(ramp_up=0.0, decay=0.3)).fit(X, Y)
        other = make(MeanTeacher(ramp_up=0.0, decay=0.1)).fit(X, Y)
        losses = [c.history_[-1]["unlabeled_loss"] for c in (slow, same, other)]
        assert losses[0] == losses[1] != losses[2]


class TestLearningRate:
    FACTORS = {
        "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
        "fixmatch": lambda t: math.cos(7 / 16 * math.pi * t),
        "linear": lambda t: 1 - t,
        None: lambda t: 1.0,
    }

    @pytest.mark.parametrize("schedule", FACTORS)
    @NETWORKS
    def test_rate_of_each_step(self, schedule, network):
        def rate(net):
            (group,) = net.optimizer_.param_groups
            return group["lr"]

        options = {"lr": 0.02, "lr_schedule": schedule, "max_epochs": 3}
        _, rates = recorded(rate, network=network, **options)
        n_steps = 3 * N_BATCHES
        expected = [0.02 * self.FACTORS[schedule](step / n_steps) for step in range(n_steps)]
        assert rates == pytest.approx(expected, rel=1e-12)

    def test_progress(self):
        _, progress = recorded(lambda net: net.progress(), max_epochs=3)
        # after a step the batch is still counted as the one in work
        assert progress == pytest.approx(np.arange(9) / 9)

    def test_progress_with_a_validation(self):
        options = {"max_epochs": 3, "early_stopping": True}
        _, progress = recorded(lambda net: net.progress(), **options)
        assert progress == pytest.approx(np.arange(9) / 9)


class GradientNorm(Callback):
    """Write down the norm of the gradient as the optimizer gets it."""

    def initialize(self):
        self.norms_ = []
        return self

    def on_grad_computed(self, net, named_parameters, **kwargs):
        known = [weight.grad for _, weight in named_parameters if weight.grad is not None]
        self.norms_.append(float(torch.stack([g.norm() for g in known]).norm()))


class TestGradients:
    @NETWORKS
    @pytest.mark.parametrize("ema_decay", [None, 0.9])
    def test_clipping(self, network, ema_decay):
        def norms(max_grad_norm):
            callbacks = [("norm", GradientNorm())]
            classifier = make(
                network=network,
                max_grad_norm=max_grad_norm,
                ema_decay=ema_decay,
                callbacks=callbacks,
                max_epochs=1,
            ).fit(X, Y)
            return np.array(dict(classifier.net_.callbacks_)["norm"].norms_)

        free = norms(None)
        limit = 0.5 * free[0]
        clipped = norms(limit)
        assert clipped[0] == pytest.approx(limit, rel=1e-4)
        assert (clipped <= limit * (1 + 1e-4)).all()
        np.testing.assert_array_equal(norms(1e6), free)

    def test_zero_is_refused(self):
        with pytest.raises(ValueError, match="'max_grad_norm' parameter"):
            make(max_grad_norm=0.0).fit(X, Y)


ALGORITHMS = [
    found
    for _, found in all_classes()
    if issubclass(found, BaseAlgorithm) and found is not BaseAlgorithm
]


class TestMixedPrecision:
    @NETWORKS
    def test_predictions_are_near_those_of_single_precision(self, network):
        single = make(Supervised(), network, max_epochs=1).fit(X, Y)
        mixed = make(Supervised(), network, max_epochs=1, mixed_precision=True).fit(X, Y)
        p = mixed.predict_proba(X)
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, single.predict_proba(X), atol=0.02)
        assert not np.array_equal(p, single.predict_proba(X))

    @NETWORKS
    def test_it_learns(self, network):
        options = {"max_epochs": 25, "lr": 0.01, "mixed_precision": True}
        classifier = make(Supervised(), network, **options).fit(X, Y_KNOWN)
        losses = [row["labeled_loss"] for row in classifier.history_]
        assert losses[-1] < 0.5 * losses[0]
        assert {value.dtype for value in classifier.net_.module_.parameters()} == {torch.float32}

    def test_rendering_is_not_rounded(self):
        """At predict as in training: bfloat16 has three digits, lines of a hundredth matter."""
        seen = []

        class Spy(ResNet1d):
            def forward(self, X):
                seen.append((self.training, X.dtype, X.clone()))
                return super().forward(X)

        classifier = make(module=Spy, mixed_precision=True).fit(X, Y)
        seen.clear()
        classifier.predict_proba(X)
        ((training, dtype, rendered),) = seen
        assert not training
        assert dtype == torch.float32
        np.testing.assert_array_equal(rendered, classifier.rendering_.transform(X.copy()))

    @pytest.mark.parametrize("batch_norm", ["joint", "labeled", "none"])
    @pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda found: found.__name__)
    def test_every_algorithm(self, algorithm, batch_norm):
        options = {"mixed_precision": True, "batch_norm": batch_norm}
        classifier = make(algorithm(), **options).fit(X, Y)
        for row in classifier.history_:
            assert all(np.isfinite(value) for value in row.values())
        for name, value in classifier.algorithm_.state().items():
            assert value.dtype in (torch.float32, torch.int64), name


class TestBatchNorm:
    @NORMALIZED
    def test_running_statistics_of_labeled_rows_only(self, network):
        """Unlabeled patterns of another scale leave no trace in what predicts."""
        rendering = PeakBroadener(1.0, grid=GRID)  # keeps the scale
        scaled = np.where((Y == -1)[:, None], 100 * X, X)

        def largest_mean(batch_norm, data):
            options = {"rendering": rendering, "batch_norm": batch_norm, "lr": 1e-9}
            classifier = make(FixMatch(1.0), network, **options).fit(data, Y)
            layers = classifier.net_.module_.network.modules()
            norm = next(layer for layer in layers if isinstance(layer, _BatchNorm))
            return norm.running_mean.abs().max().item()

        assert largest_mean("labeled", scaled) == pytest.approx(largest_mean("labeled", X))
        assert largest_mean("joint", scaled) > 10 * largest_mean("joint", X)

    @NETWORKS
    def test_none(self, network):
        classifier = make(network=network, batch_norm="none").fit(X, Y)
        module = classifier.net_.module_
        assert not any(isinstance(layer, _BatchNorm) for layer in module.modules())
        p = classifier.predict_proba(X)
        order = np.random.default_rng(0).permutation(len(X))
        np.testing.assert_allclose(classifier.predict_proba(X[order]), p[order], atol=1e-6)
        loaded = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(loaded.predict_proba(X), p)

    @NORMALIZED
    def test_it_matters_only_with_batch_normalization(self, network):
        def fitted(network, batch_norm):
            options = {"batch_norm": batch_norm, "max_epochs": 1}
            return make(Supervised(), network, **options).fit(X, Y).predict_proba(X)

        np.testing.assert_allclose(fitted("plain", "none"), fitted("plain", "joint"), atol=1e-6)
        # one view: together and by itself is the same
        np.testing.assert_array_equal(fitted(network, "labeled"), fitted(network, "joint"))
        assert not np.allclose(fitted(network, "none"), fitted(network, "joint"), atol=1e-3)

    @pytest.mark.parametrize("batch_norm", ["joint", "labeled", "none"])
    def test_of_the_papers_classifier(self, batch_norm):
        module_params = {**MODULES["plain"]["module_params"], "batch_norm": True}
        options = {"batch_norm": batch_norm, "module_params": module_params}
        assert xrdmatch(**options).fit(X, Y).predict_proba(X).shape == (60, 2)


class TestParameters:
    @pytest.mark.parametrize("make", [make, xrdmatch])
    @pytest.mark.parametrize(
        "params",
        [
            {"ema_decay": 1.0},
            {"lr_schedule": "step"},
            {"max_grad_norm": -1},
            {"batch_norm": None},
            {"mixed_precision": "bf16"},
            {"class_weight": "equal"},
            {"logit_adjustment": -0.1},
            {"class_prior": "label"},
            {"validation_fraction": 1.0},
            {"n_iter_no_change": 0},
            {"weight_decay": -1e-3},
        ],
        ids=str,
    )
    def test_are_checked(self, make, params):
        with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of"):
            make(**params).fit(X, Y)

    def test_all_together(self):
        """Options do not get in each other's way."""
        options = {
            "ema_decay": 0.9,
            "lr_schedule": "fixmatch",
            "max_grad_norm": 1.0,
            "batch_norm": "labeled",
            "mixed_precision": True,
            "class_weight": "balanced",
            "logit_adjustment": 0.5,
            "class_prior": "estimate",
            "early_stopping": True,
            "warm_start": True,
        }
        for algorithm in (FixMatch(0.6), MixMatch(), MeanTeacher()):
            classifier = make(algorithm, **options).fit(X, Y)
            p = classifier.predict_proba(X)
            np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
            loaded = pickle.loads(pickle.dumps(classifier))
            np.testing.assert_array_equal(loaded.predict_proba(X), p)
        p = xrdmatch(**options).fit(X, Y).predict_proba(X)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
