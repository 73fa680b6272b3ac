"""A training is drawn as its history tells it."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.datasets import make_patterns
from skxrd.exceptions import MissingDependencyError
from skxrd.inspection import TrainingDisplay
from skxrd.preprocessing import IntensityScaler
from skxrd.semi_supervised import Supervised

GRID = TwoThetaGrid(10, 20, 6)
HISTORY = [
    {
        "epoch": epoch,
        "train_loss": 1.5 / epoch,
        "labeled_loss": 1.0 / epoch,
        "unlabeled_loss": 0.5 / epoch,
        "mask_rate": epoch / 10,
        "threshold_0": 0.9,
        "threshold_1": epoch / 20,
    }
    for epoch in (1, 2, 3)
]


def small_classifier(**params):
    return XRDMatchClassifier(
        weak_delta=1,
        strong_delta=2,
        batch_size=8,
        max_epochs=3,
        module_params={"channels": (4,), "kernel_sizes": (4,), "hidden_units": (8,)},
        random_state=0,
    ).set_params(**params)


def test_history_is_copied():
    history = [dict(row) for row in HISTORY]
    display = TrainingDisplay(history, class_names=("a", "b"))
    history[0]["mask_rate"] = 7.0
    assert display.history == HISTORY
    assert display.class_names == ["a", "b"]


def test_three_panels():
    display = TrainingDisplay(HISTORY, class_names=["a", "b"])
    assert display.plot() is display
    assert [ax.get_ylabel() for ax in display.axes_] == ["Loss", "Mask rate", "Threshold"]
    assert {ax.get_xlabel() for ax in display.axes_} == {"Epoch"}
    assert display.figure_ is display.axes_[0].figure
    legend = [text.get_text() for text in display.axes_[2].get_legend().get_texts()]
    assert legend == ["a", "b"]


def test_lines_are_the_columns_of_the_history():
    display = TrainingDisplay(HISTORY).plot()
    names = {"labeled_loss", "unlabeled_loss", "mask_rate", "threshold_0", "threshold_1"}
    assert set(display.lines_) == names
    for name, line in display.lines_.items():
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata().tolist() == [row[name] for row in HISTORY]


def test_without_unlabeled_rows_there_are_only_losses():
    history = [{**row, "mask_rate": float("nan")} for row in HISTORY]
    display = TrainingDisplay(history).plot()
    assert [ax.get_ylabel() for ax in display.axes_] == ["Loss"]


def test_a_history_without_named_terms_shows_the_training_loss():
    display = TrainingDisplay([{"train_loss": 1.0}, {"train_loss": 0.5}]).plot()
    assert list(display.lines_) == ["train_loss"]


def test_given_axes_and_style_are_used():
    _, axes = plt.subplots(3, 1)
    display = TrainingDisplay(HISTORY).plot(ax=axes, line_kwargs={"linewidth": 3})
    assert list(display.axes_) == list(axes)
    assert {line.get_linewidth() for line in display.lines_.values()} == {3}


# Three epochs of a tiny net: whether it learns anything is not the question here.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_from_estimator():
    X, y = make_patterns(60, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.4, random_state=0)
    classifier = small_classifier().fit(X, np.array(["a", "b", None], dtype=object)[y])
    display = TrainingDisplay.from_estimator(classifier)
    assert len(display.axes_) == 3
    assert display.class_names == ["a", "b"]
    rates = [row["mask_rate"] for row in classifier.history_]
    assert display.lines_["mask_rate"].get_ydata().tolist() == rates


def test_from_a_pipeline_of_a_supervised_training():
    X, y = make_patterns(40, grid=TwoThetaGrid(0, 90, 91), random_state=0)
    classifier = SemiSupervisedClassifier(
        Supervised(),
        module_params={"channels": (4, 4)},
        max_epochs=2,
        random_state=0,
    )
    pipeline = make_pipeline(IntensityScaler(), classifier).fit(X, y)
    display = TrainingDisplay.from_estimator(pipeline)
    assert list(display.lines_) == ["labeled_loss"]


def test_labels_only_with_a_threshold_algorithm():
    X, y = make_patterns(40, grid=TwoThetaGrid(10, 80, 71), random_state=0)
    display = TrainingDisplay.from_estimator(small_classifier().fit(X, y))
    assert list(display.lines_) == ["labeled_loss"]


def test_not_fitted():
    with pytest.raises(NotFittedError):
        TrainingDisplay.from_estimator(small_classifier())


def test_estimator_without_history():
    X, y = make_patterns(10, grid=GRID, n_lines=2, random_state=0)
    with pytest.raises(TypeError, match=r"keeps a history_.*got LogisticRegression"):
        TrainingDisplay.from_estimator(LogisticRegression().fit(X, y))


def test_empty_history():
    with pytest.raises(ValueError, match="at least one epoch"):
        TrainingDisplay([])


def test_wrong_number_of_axes():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"3 panels \(Loss, Mask rate, Threshold\).* 1 axes"):
        TrainingDisplay(HISTORY).plot(ax=ax)


def test_wrong_number_of_class_names():
    with pytest.raises(ValueError, match="got 3 names for 2 thresholds"):
        TrainingDisplay(HISTORY, class_names=["a", "b", "c"]).plot()


def test_matplotlib_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"TrainingDisplay needs .*skxrd\[plot\]"):
        TrainingDisplay(HISTORY).plot()
