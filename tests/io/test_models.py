import os
import re
import stat
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

import skxrd
from skxrd import (
    SemiSupervisedBaggingClassifier,
    SemiSupervisedClassifier,
    TwoThetaGrid,
    XRDMatchClassifier,
)
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.exceptions import FileFormatError, MissingDependencyError, SkxrdError
from skxrd.io import load_model, save_model
from skxrd.networks import ResNet1d
from skxrd.preprocessing import IntensityFloor, IntensityScaler, PeakBroadener

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(40, grid=GRID, labeled_fraction=0.5, random_state=0)

pytestmark = pytest.mark.filterwarnings("ignore:.*confidence threshold")


def network(**params):
    defaults = {
        "module_params": {"channels": (4, 8)},
        "weak_augmentation": PeakShift(1),
        "strong_augmentation": make_pipeline(PeakShift(2)),
        "rendering": make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        "max_epochs": 1,
        "random_state": 0,
    }
    return SemiSupervisedClassifier(**{**defaults, **params})


class OwnNetwork(ResNet1d):
    """A network that skxrd does not know."""


SELF_TRAINING = SelfTrainingClassifier(LogisticRegression())
ESTIMATORS = {
    "network": network(),
    "xrdmatch": XRDMatchClassifier(
        weak_delta=1,
        strong_delta=2,
        max_epochs=1,
        module_params={"channels": (4,), "kernel_sizes": (4,), "hidden_units": (8,)},
    ),
    "options": network(
        ema_decay=0.9,
        lr_schedule="cosine",
        batch_norm="none",
        class_weight={"no": 2, "yes": 1, 0: 2, 1: 1},
        class_prior="estimate",
        early_stopping=True,
        warm_start=True,
    ),
    "ensemble": SemiSupervisedBaggingClassifier(network(), n_estimators=2, random_state=0),
    "pipeline": make_pipeline(IntensityFloor(0.05), network()),
    "scikit-learn": SemiSupervisedBaggingClassifier(SELF_TRAINING, n_estimators=2, random_state=0),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("labels", [[0, 1, -1], ["no", "yes", -1]], ids=["int", "text"])
def test_round_trip(name, labels, tmp_path):
    y = np.array(labels, dtype=object)[Y]
    model = clone(ESTIMATORS[name]).fit(X, y)
    path = tmp_path / "model.skops"
    save_model(model, path)
    loaded = load_model(str(path))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.get_params().keys() == model.get_params().keys()
    assert [file.name for file in tmp_path.iterdir()] == ["model.skops"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "model.skops"
    save_model(IntensityFloor(0.1).fit(X), path)
    save_model(IntensityFloor(0.2).fit(X), path)
    assert load_model(path).threshold == 0.2


def test_untrusted_types_are_refused(tmp_path):
    path = tmp_path / "model.skops"
    model = network(module=OwnNetwork).fit(X, Y)
    save_model(model, path)
    name = f"{OwnNetwork.__module__}.OwnNetwork"
    with pytest.raises(FileFormatError, match=f"not trusted: {re.escape(name)}"):
        load_model(path)
    with pytest.raises(FileFormatError, match="not trusted"):
        load_model(path, trusted=["another.Network"])


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_file_of_another_kind(content, tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"model\.skops is no model written by") as caught:
        load_model(path)
    assert isinstance(caught.value, SkxrdError)


def test_other_archives(tmp_path):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text", "hello")
    with pytest.raises(FileFormatError, match="no model"):
        load_model(path)
    skops.io.dump(LogisticRegression(), path)
    with pytest.raises(FileFormatError, match="no model"):
        load_model(path)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "missing.skops")


def test_another_version_warns(tmp_path, monkeypatch):
    path = tmp_path / "model.skops"
    with monkeypatch.context() as patch:
        patch.setattr(skxrd, "__version__", "0.0.1")
        save_model(IntensityFloor(0.3).fit(X), path)
    with pytest.warns(UserWarning, match=r"written by skxrd 0\.0\.1, this is") as caught:
        model = load_model(path)
    assert caught[0].filename == __file__
    assert model.threshold == 0.3


def test_failures_leave_no_file(tmp_path, monkeypatch):
    model = IntensityFloor(0.1).fit(X)
    path = tmp_path / "model.skops"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(OSError, match="no space left"):
            save_model(model, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.skops"]
    assert path.read_bytes() == b"old"
    with pytest.raises(FileNotFoundError):
        save_model(model, tmp_path / "missing" / "model.skops")
    with pytest.raises(IsADirectoryError):
        save_model(model, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.skops"]


def test_an_interrupt_leaves_no_file(tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_model(IntensityFloor(0.1).fit(X), tmp_path / "model.skops")
    assert not list(tmp_path.iterdir())


def test_permissions_are_those_of_new_files(tmp_path):
    path = tmp_path / "model.skops"
    before = os.umask(0o077)
    try:
        save_model(IntensityFloor(0.1).fit(X), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    with pytest.raises(IsADirectoryError):
        load_model(tmp_path)
    path = tmp_path / "model.skops"
    save_model(IntensityFloor(0.1).fit(X), path)

    def forbidden(**kwargs):
        raise PermissionError("not yours")

    monkeypatch.setattr(skops.io, "get_untrusted_types", forbidden)
    with pytest.raises(PermissionError, match="not yours"):
        load_model(path)


def test_without_skops(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skops.io", None)
    with pytest.raises(
        MissingDependencyError, match=r"Saving a model needs skops.*skxrd\[persist\]"
    ):
        save_model(IntensityFloor(), tmp_path / "model.skops")
    with pytest.raises(MissingDependencyError, match="Loading a model needs skops"):
        load_model(tmp_path / "model.skops")
