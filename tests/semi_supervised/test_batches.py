import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.networks import ResNet1d
from skxrd.semi_supervised import FlexMatch, SimMatch, Supervised
from skxrd.semi_supervised._batches import EXCLUDED, PairedBatches, PlainBatches


def rows_of_numbers(n_labeled, n_unlabeled, n_excluded=0):
    """Row i of X holds i, so that batches tell which rows they are made of."""
    n = n_labeled + n_unlabeled + n_excluded
    y = np.full(n, -1)
    order = np.random.default_rng(7).permutation(n)
    y[order[:n_labeled]] = np.arange(n_labeled) % 2
    y[order[n - n_excluded :]] = EXCLUDED
    return SimpleNamespace(X=np.arange(n, dtype=np.float32)[:, None], y=y)


def make(
    n_labeled, n_unlabeled, batch_size=4, ratio=3, with_unlabeled=True, seed=0, n_excluded=0, X=None
):
    dataset = rows_of_numbers(n_labeled, n_unlabeled, n_excluded)
    dataset.X = dataset.X if X is None else X
    return PairedBatches(
        dataset,
        batch_size,
        unlabeled_ratio=ratio,
        with_unlabeled=with_unlabeled,
        generator=torch.Generator().manual_seed(seed),
    )


CASES = [  # labeled, unlabeled, expected batches at 4 labeled and 12 unlabeled rows each
    (4, 12, 1),
    (4, 13, 2),
    (2, 100, 9),
    (5, 0, 2),
    (40, 7, 10),
    (9, 30, 3),
]


@pytest.mark.parametrize("n_excluded", [0, 5])
@pytest.mark.parametrize(("n_labeled", "n_unlabeled", "n_batches"), CASES)
def test_a_pass(n_labeled, n_unlabeled, n_batches, n_excluded):
    batches = make(n_labeled, n_unlabeled, n_excluded=n_excluded)
    passes = list(batches)
    assert len(passes) == len(batches) == n_batches
    labeled_rows, unlabeled_rows = [], []
    for data, y in passes:
        assert len(data["X"]) == len(data["index"]) == len(y)
        labeled = y != -1
        # labeled rows come first
        assert labeled.tolist() == sorted(labeled.tolist(), reverse=True)
        assert labeled.sum() == min(4, n_labeled)
        assert (~labeled).sum() <= 12
        rows = data["X"].ravel().long()
        assert torch.equal(batches.y[rows], y)
        # the index leads to the same row, among rows of its kind
        assert torch.equal(batches.labeled[data["index"][labeled]], rows[labeled])
        assert torch.equal(batches.unlabeled[data["index"][~labeled]], rows[~labeled])
        labeled_rows += rows[labeled].tolist()
        unlabeled_rows += rows[~labeled].tolist()
    assert sorted(unlabeled_rows) == batches.unlabeled.tolist()  # each exactly once
    counts = [labeled_rows.count(row) for row in batches.labeled.tolist()]
    assert min(counts) >= 1
    assert max(counts) - min(counts) <= 1


def test_unlabeled_rows_are_spread_evenly():
    sizes = [int((y == -1).sum()) for _, y in make(4, 50)]
    assert max(sizes) - min(sizes) <= 1


def test_without_unlabeled_rows_the_number_of_batches_is_the_same():
    batches = make(4, 50, with_unlabeled=False)
    passes = list(batches)
    assert len(passes) == len(make(4, 50))
    assert all((y != -1).all() for _, y in passes)


def test_order():
    def order(batches):
        return [data["X"].ravel().tolist() for data, _ in batches]

    assert order(make(9, 30)) == order(make(9, 30))
    assert order(make(9, 30)) != order(make(9, 30, seed=1))
    batches = make(9, 30)
    assert order(batches) != order(batches)  # each pass is shuffled anew


@pytest.mark.parametrize("kind", ["r", "c", "fortran"])
def test_a_memory_map_gives_the_same_batches(kind, tmp_path):
    X = rows_of_numbers(9, 30).X
    np.save(tmp_path / "X.npy", np.asfortranarray(X) if kind == "fortran" else X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r" if kind == "fortran" else kind)
    found = zip(make(9, 30, X=mapped), make(9, 30), strict=True)
    for (data, y), (expected, expected_y) in found:
        assert type(data["X"]) is torch.Tensor
        assert torch.equal(data["X"], expected["X"])
        assert torch.equal(y, expected_y)
        data["X"].zero_()  # a copy: the array behind it stays as it is
    np.testing.assert_array_equal(mapped, X)


def test_plain_batches_keep_the_order():
    X = np.arange(10.0)[:, None]
    batches = PlainBatches(SimpleNamespace(X=X, y=None), batch_size=4)
    assert len(batches) == 3
    assert torch.cat([X for X, _ in batches]).ravel().tolist() == list(range(10))
    assert [len(X) for X, _ in batches] == [4, 4, 2]
    labeled = PlainBatches(SimpleNamespace(X=X, y=np.arange(10) % 3), batch_size=4)
    assert torch.cat([y for _, y in labeled]).tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


X, Y = make_patterns(60, labeled_fraction=0.3, random_state=0)
X, Y = np.ascontiguousarray(X[:, ::30]), Y
X.flags.writeable = Y.flags.writeable = False


def classifier(algorithm=None, **params):
    defaults = {
        "module": ResNet1d,
        "module_params": {"channels": (4, 8)},
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": PeakShift(2),
        "rendering": "passthrough",
        "max_epochs": 2,
        "batch_size": 4,
        "random_state": 0,
    }
    return SemiSupervisedClassifier(algorithm or FlexMatch(0.7), **{**defaults, **params})


def mapped(X, folder, mode="r"):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode=mode)


FORMS = {
    "memory map": lambda folder: mapped(X, folder),
    "memory map, copy on write": lambda folder: mapped(X, folder, "c"),
    "memory map, Fortran order": lambda folder: mapped(np.asfortranarray(X), folder),
    "memory map, double precision": lambda folder: mapped(X.astype(np.float64), folder),
    "Fortran order": lambda folder: np.asfortranarray(X),
    "strides": lambda folder: np.repeat(X, 2, axis=1)[:, ::2],
    "double precision": lambda folder: X.astype(np.float64),
    "list": lambda folder: X.tolist(),
    "big-endian": lambda folder: X.astype(">f4"),
}


@pytest.mark.filterwarnings("ignore:.*confidence threshold")
class TestArraysOfEveryKind:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize(
        "options", [{}, {"early_stopping": True, "class_prior": "estimate"}], ids=["plain", "more"]
    )
    def test_same_bits(self, form, options, tmp_path):
        given = FORMS[form](tmp_path)
        if isinstance(given, np.ndarray):
            given.flags.writeable = False
        expected = classifier(**options).fit(X, Y).predict_proba(X)
        found = classifier(**options).fit(given, Y).predict_proba(given)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(given, X)

    @pytest.mark.parametrize("form", FORMS)
    def test_same_bits_of_an_ensemble(self, form, tmp_path):
        def fitted(X):
            return SemiSupervisedBaggingClassifier(
                classifier(max_epochs=1), n_estimators=2, n_labeled_per_class=4, random_state=0
            ).fit(X, Y)

        given = FORMS[form](tmp_path)
        expected, found = fitted(X), fitted(given)
        np.testing.assert_array_equal(
            found.member_probabilities(given), expected.member_probabilities(X)
        )
        np.testing.assert_array_equal(found.oob_decision_function_, expected.oob_decision_function_)

    @pytest.mark.parametrize("algorithm", [FlexMatch(0.7), SimMatch(0.7), Supervised()], ids=str)
    @pytest.mark.parametrize("rendering", ["passthrough", StandardScaler()], ids=str)
    @pytest.mark.parametrize(
        "options",
        [{}, {"early_stopping": True, "class_prior": "estimate", "class_weight": "balanced"}],
        ids=["plain", "more"],
    )
    def test_some_rows_of_an_array(self, algorithm, rendering, options):
        """What members of an ensemble do: other rows are there and take no part."""
        rng = np.random.default_rng(0)
        rows = np.sort(rng.choice(60, 45, replace=False))
        polluted = X.copy()
        polluted[np.setdiff1d(np.arange(60), rows)] = 1e6
        options = {"rendering": rendering, **options}
        found = classifier(clone(algorithm), **options)._fit_rows(polluted, Y, rows)
        expected = classifier(clone(algorithm), **options).fit(X[rows], Y[rows])
        np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
        np.testing.assert_array_equal(found.class_prior_, expected.class_prior_)
        for name, value in expected.algorithm_.state().items():
            assert torch.equal(found.algorithm_.state()[name], value), name

    def test_labels_of_rows_that_take_no_part_are_not_read(self):
        rows = np.flatnonzero((Y == 0) | (Y == 1))[::2]
        strange = Y.copy()
        strange[np.setdiff1d(np.arange(60), rows)] = 7
        found = classifier()._fit_rows(X, strange, rows)
        assert found.classes_.tolist() == [0, 1]

    def test_members_see_their_own_rows_only(self):
        ensemble = SemiSupervisedBaggingClassifier(
            classifier(max_epochs=1), n_estimators=2, n_labeled_per_class=4, random_state=0
        ).fit(X, Y)
        for member, rows in zip(ensemble.estimators_, ensemble.estimators_samples_, strict=True):
            own = clone(member).fit(X[rows], Y[rows])
            np.testing.assert_array_equal(own.predict_proba(X), member.predict_proba(X))


# Largest memory of one process beyond what it had before, in megabytes: pages of the map itself
# come and go as the system likes, those that belong to the process alone do not.
MEMORY = """
import json, sys, threading, time
import numpy as np, torch
torch.set_num_threads(1)
import warnings
warnings.simplefilter("ignore")
from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier
from skxrd.augmentation import PeakShift
from skxrd.semi_supervised import FixMatch

class Linear(torch.nn.Linear):
    def __init__(self, n_points, n_classes):
        super().__init__(n_points, n_classes)

def anonymous():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1000 for line in file if line.startswith("RssAnon"))

class Peak:
    def __enter__(self):
        self.start = self.highest = anonymous()
        self.going = True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while self.going:
            self.highest = max(self.highest, anonymous())
            time.sleep(0.002)

    def __exit__(self, *error):
        self.going = False
        self.thread.join()

X = np.load(sys.argv[1], mmap_mode="r")
y = np.full(len(X), -1)
y[:40] = np.arange(40) % 2
single = SemiSupervisedClassifier(
    FixMatch(0.6), Linear, weak_augmentation=PeakShift(1), strong_augmentation=PeakShift(2),
    rendering="passthrough", max_epochs=1, class_prior="estimate", random_state=0,
)
ensemble = SemiSupervisedBaggingClassifier(
    single, n_estimators=2, unlabeled_fraction=0.4, random_state=0
)
rng = np.random.default_rng(0)
small = rng.random((200, X.shape[1]), dtype=np.float32)
for model in (single, ensemble):  # what torch and others allocate once and for all
    model.fit(small, y[:200]).predict_proba(small)
peaks = {}
for name, model in {"single": single, "ensemble": ensemble}.items():
    with Peak() as peak:
        model.fit(X, y)
    peaks[name, "fit"] = peak.highest - peak.start
    with Peak() as peak:
        model.predict_proba(X)
    peaks[name, "predict"] = peak.highest - peak.start
with Peak() as peak:
    copy = np.array(X)
peaks["a", "copy"] = peak.highest - peak.start
print(json.dumps({" ".join(key): value for key, value in peaks.items()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_is_never_copied_as_a_whole(order, tmp_path):
    path = tmp_path / "X.npy"
    large = np.random.default_rng(0).random((20_000, 1000), dtype=np.float32)
    np.save(path, np.asarray(large, order=order))
    megabytes = large.nbytes / 1e6
    del large
    found = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    peaks = json.loads(found.stdout)
    assert peaks.pop("a copy") > 0.7 * megabytes  # the measurement can tell
    assert max(peaks.values()) < 0.4 * megabytes, peaks
