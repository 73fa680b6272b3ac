"""Helpers for tests of algorithms: tables of probabilities in, named losses out."""

import pytest
import torch
from torch import nn

from skxrd.semi_supervised import BaseAlgorithm, TrainingBatch
from skxrd.semi_supervised._networks import StudentTeacher, TrainingNetwork
from skxrd.testing import all_classes

ALGORITHMS = [
    found
    for _, found in all_classes()
    if issubclass(found, BaseAlgorithm) and found is not BaseAlgorithm
]


@pytest.fixture(params=ALGORITHMS, ids=lambda found: found.__name__)
def algorithm_class(request):
    """Every public algorithm, found and not listed."""
    return request.param


@pytest.fixture
def algorithm_classes():
    """All of them."""
    return ALGORITHMS


@pytest.fixture
def double():
    """Compute in float64, so that values worked out by hand agree to ten digits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class Bench:
    """An algorithm on a table: no network, probabilities instead of logits."""

    @staticmethod
    def logits(probabilities):
        """Logits whose softmax is given: probability of class 1 by row, or all by row."""
        p = torch.as_tensor(probabilities, dtype=torch.float64)
        p = torch.stack([1 - p, p], dim=1) if p.ndim == 1 else p
        return p.clamp(min=1e-300).log()

    @staticmethod
    def start(algorithm, n_unlabeled, y=(0, 1), **options):
        """Initialize for labeled rows `y` and so many unlabeled rows."""
        algorithm.initialize(torch.tensor([*y, *[-1] * n_unlabeled]), **options)
        return algorithm

    def losses(self, algorithm, *, y=(0, 1), index=None, progress=0.0, **probabilities):
        """Losses of one batch; each view is a keyword with its probabilities."""
        outputs = {"labeled_weak": self.logits([0.25, 0.8])}
        outputs |= {view: self.logits(p) for view, p in probabilities.items()}
        n_unlabeled = len(outputs.get("unlabeled_weak", []))
        index = range(n_unlabeled) if index is None else index
        return algorithm.losses(outputs, self.batch(y, index, progress))

    @staticmethod
    def batch(y, index, progress=0.0, views=None):
        return TrainingBatch(
            y=torch.tensor(y),
            labeled_index=torch.arange(len(y)),
            unlabeled_index=torch.tensor(list(index), dtype=torch.int64),
            progress=progress,
            views=views or {},
        )


@pytest.fixture
def bench(double):
    return Bench()


class Laboratory:
    """An algorithm on a small network without batch normalization and dropout."""

    n_points, n_labeled, n_unlabeled = 12, 4, 8

    # Settings in which every term of the loss is there and part of the rows is selected.
    settings = {
        "threshold": 0.7,
        "temperature": 0.7,
        "ramp_up": 0.0,
        "fairness_weight": 1.0,
        "graph_threshold": 0.55,
    }

    own_settings = {"Dash": {"warm_up": 0.0}}

    def make(self, algorithm_class, **settings):
        algorithm = algorithm_class()
        settings = self.settings | self.own_settings.get(algorithm_class.__name__, {}) | settings
        known = algorithm.get_params()
        return algorithm.set_params(**{k: v for k, v in settings.items() if k in known})

    def codes(self, n_classes=2):
        labeled = torch.arange(self.n_labeled) % n_classes
        return torch.cat([labeled, torch.full((self.n_unlabeled,), -1)])

    def student(self, algorithm, n_classes=2, seed=0):
        generator_state = torch.get_rng_state()
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(self.n_points, 8), nn.Tanh(), nn.Linear(8, n_classes))
        with torch.no_grad():
            network[2].weight *= 6  # confident of some rows, not of all
        heads = algorithm.heads(8, n_classes)
        module = StudentTeacher(network, heads, algorithm.teacher_decay, False)
        torch.set_rng_state(generator_state)
        return module

    def batches(self, algorithm, n, n_classes=2):
        """So many batches of random patterns, each with all labeled rows and half of the others."""
        generator = torch.Generator().manual_seed(1)
        codes = self.codes(n_classes)
        for step in range(n):
            index = torch.randperm(self.n_unlabeled, generator=generator)[: self.n_unlabeled // 2]
            sizes = {"labeled": self.n_labeled, "unlabeled": len(index)}
            views = {
                view: torch.randn(sizes[view.split("_")[0]], self.n_points, generator=generator)
                for view in algorithm.views
            }
            yield TrainingBatch(
                y=codes[: self.n_labeled],
                labeled_index=torch.arange(self.n_labeled),
                unlabeled_index=index,
                progress=(step + 1) / (n + 1),
                views=views,
            )

    @staticmethod
    def view_of(module, path="joint", seed=2):
        """The network as seen in a step: in one pass, in parts, or without rows of no weight."""
        network = DoubleNetwork(module, "none", torch.Generator().manual_seed(seed))
        network.couples_views = path == "joint"
        network.rows_are_independent = path == "sparse"
        return network


class DoubleNetwork(TrainingNetwork):
    """Outputs as they are, not rounded to single precision."""

    def _joint_pass(self, views):
        self.n_rows_seen = getattr(self, "n_rows_seen", 0) + sum(map(len, views.values()))
        sizes = [len(X) for X in views.values()]
        computed = self.module.logits_and_heads(torch.cat(list(views.values())))
        return {
            f"{view}{name}": part
            for name, values in computed.items()
            for view, part in zip(views, values.split(sizes), strict=True)
        }


@pytest.fixture
def laboratory(double):
    return Laboratory()
