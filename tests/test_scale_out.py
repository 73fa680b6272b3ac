"""The same bits on one core, on many and on a cluster; memory-mapped data are not copied whole."""

import inspect
import os

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelDraw, LabeledFold, compare_methods
from skxrd.preprocessing import PeakBroadener
from skxrd.screening import CandidateScreener, PatternSimilarity

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(120, grid=GRID, labeled_fraction=0.4, random_state=0)
SELF_TRAINING = SelfTrainingClassifier(LogisticRegression())
NETWORK = SemiSupervisedClassifier(
    module_params={"channels": (4, 8)},
    weak_augmentation=PeakShift(1),
    strong_augmentation=PeakShift(2),
    rendering=PeakBroadener(1.0, grid=GRID),
    max_epochs=1,
    random_state=0,
)

pytestmark = [
    pytest.mark.usefixtures("pickled_by_value"),
    # after a single epoch
    pytest.mark.filterwarnings("ignore:.*confidence threshold"),
    pytest.mark.filterwarnings("ignore:.*same number of votes"),
]


class Witness(ClassifierMixin, BaseEstimator):
    """Keeps what the function that called it holds as `X`, and its own process."""

    def __init__(self, folder=None, number=0):
        self.folder = folder
        self.number = number

    def fit(self, X, y):
        frame = inspect.currentframe().f_back
        while not isinstance(frame.f_locals.get("X"), np.ndarray):
            frame = frame.f_back
        whole = frame.f_locals["X"]
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        found = {
            "file": str(getattr(whole, "filename", None)),
            "n_rows": len(whole),
            "n_trained": len(X),
            "pid": os.getpid(),
        }
        joblib.dump(found, f"{self.folder}/{os.getpid()}-{id(self)}.pkl")
        self.classes_ = np.unique(y[y >= 0])
        return self

    def predict_proba(self, X):
        return np.tile([0.4, 0.6], (len(X), 1))

    def predict(self, X):
        return self.classes_[np.ones(len(X), dtype=int)]


def search(data, model=SELF_TRAINING, name="threshold", **params):
    found = GridSearchCV(model, {name: [0.6, 0.9]}, cv=LabeledFold(2), **params).fit(data, Y)
    return [pd.DataFrame(found.cv_results_).filter(like="test_score").to_numpy()]


def comparison(data, model=NETWORK, **params):
    found = compare_methods(
        {"model": model, "spreading": LabelSpreading()},
        data,
        Y,
        cv=LabelDraw(2, n_labeled_per_class=8, random_state=0),
        random_state=0,
        return_predictions=True,
        **params,
    )
    return found.scores["score"].to_numpy(), found.predictions.filter(like="proba_").to_numpy()


def bagging(data, model=NETWORK, **params):
    found = SemiSupervisedBaggingClassifier(model, n_estimators=3, random_state=0, **params)
    found.fit(data, Y)
    return found.member_probabilities(X), found.oob_decision_function_


def screening(data, model=NETWORK, **params):
    ensemble = SemiSupervisedBaggingClassifier(model, n_estimators=2, random_state=0).fit(X, Y)
    screener = CandidateScreener(
        ensemble, similarity=PatternSimilarity(grid=GRID), batch_size=32, **params
    )
    table = screener.fit(X, Y).screen(data)
    return table.select_dtypes("number").to_numpy(), table["id"].to_numpy()


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


@pytest.mark.slow
@pytest.mark.parametrize("run", [search, comparison, bagging, screening])
def test_a_dask_cluster_gives_the_same(cluster, run):
    expected = run(X)
    with joblib.parallel_config(backend="dask"):
        found = run(X)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_dask_cluster_stores_finished_fits(cluster, tmp_path):
    folder, memory = tmp_path / "fits", tmp_path / "store"
    folder.mkdir()
    with joblib.parallel_config(backend="dask"):
        found = comparison(X, Witness(folder), memory=memory)
    assert len(witnesses(folder)) == 2
    again = comparison(X, Witness(folder), memory=memory)  # here, from the store
    assert len(witnesses(folder)) == 2
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


def witnesses(folder):
    found = [joblib.load(file) for file in folder.iterdir()]
    assert os.getpid() not in [witness["pid"] for witness in found]
    return found


PARAMS = {search: {"name": "number", "refit": False}, comparison: {}, bagging: {}}


@pytest.mark.slow  # new processes import torch
@pytest.mark.parametrize("run", PARAMS)
def test_local_workers_share_one_memory_map(tmp_path, run):
    path, folder = tmp_path / "patterns.npy", tmp_path / "fits"
    folder.mkdir()
    np.save(path, X)
    run(np.load(path, mmap_mode="r"), Witness(folder), n_jobs=2, **PARAMS[run])
    found = witnesses(folder)
    assert len(found) >= 2
    for witness in found:
        assert witness["file"] == str(path)
        assert witness["n_rows"] == 120 > witness["n_trained"]  # a fit copies its own rows


@pytest.mark.slow
@pytest.mark.parametrize("run", PARAMS)
def test_workers_of_a_cluster_have_copies(cluster, tmp_path, run):
    path, folder = tmp_path / "patterns.npy", tmp_path / "fits"
    folder.mkdir()
    np.save(path, X)
    with joblib.parallel_config(backend="dask"):
        run(np.load(path, mmap_mode="r"), Witness(folder), **PARAMS[run])
    assert {witness["file"] for witness in witnesses(folder)} == {"None"}
