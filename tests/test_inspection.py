"""Displays store arrays, draw what they were given and say what does not fit."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedClassifier, TwoThetaGrid, XRDMatchClassifier
from skxrd.datasets import make_patterns
from skxrd.exceptions import MissingDependencyError
from skxrd.inspection import PatternDisplay, TrainingDisplay
from skxrd.preprocessing import IntensityScaler
from skxrd.semi_supervised import Supervised

GRID = TwoThetaGrid(10, 20, 6)
PATTERNS = np.array([[0.0, 0.0, 100.0, 0.0, 50.0, 0.0], [0.0, 80.0, 0.0, 0.0, 0.0, 10.0]])
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


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def small_classifier(**params):
    return XRDMatchClassifier(
        weak_delta=1,
        strong_delta=2,
        batch_size=8,
        max_epochs=3,
        module_params={"channels": (4,), "kernel_sizes": (4,), "hidden_units": (8,)},
        random_state=0,
    ).set_params(**params)


class TestPatternDisplay:
    def test_arrays_are_stored(self):
        display = PatternDisplay(GRID.two_theta.tolist(), PATTERNS.tolist(), labels=("a", "b"))
        np.testing.assert_array_equal(display.two_theta, GRID.two_theta)
        np.testing.assert_array_equal(display.patterns, PATTERNS)
        assert display.labels == ["a", "b"]
        assert not hasattr(display, "ax_")

    def test_plot_returns_the_display_with_its_artists(self):
        display = PatternDisplay(GRID.two_theta, PATTERNS)
        assert display.plot() is display
        assert display.figure_ is display.ax_.figure
        assert display.lines_ == display.ax_.get_lines()
        assert display.ax_.get_xlabel() == "2θ (degrees)"
        assert display.ax_.get_ylabel() == "Intensity (arb. units)"
        assert display.ax_.get_xlim() == (10, 20)

    def test_profiles_are_the_patterns_one_above_the_other(self):
        display = PatternDisplay.from_patterns(PATTERNS, grid=GRID)
        for row, line in enumerate(display.lines_):
            np.testing.assert_array_equal(line.get_xdata(), GRID.two_theta)
            np.testing.assert_allclose(line.get_ydata(), PATTERNS[row] + row * 110)
        assert not display.ax_.get_yticks().size  # the numbers would be wrong for the upper one

    def test_sticks_stand_on_the_zero_line(self):
        display = PatternDisplay.from_patterns(PATTERNS[0], grid=GRID, kind="sticks")
        (line,) = display.lines_
        assert line.get_xdata().tolist() == [10, 14, 14, 14, 18, 18, 18, 20]
        assert line.get_ydata().tolist() == [0, 0, 100, 0, 0, 50, 0, 0]
        assert display.ax_.get_yticks().size

    def test_sticks_of_an_empty_pattern(self):
        display = PatternDisplay.from_patterns(np.zeros((2, 6)), grid=GRID, kind="sticks")
        assert [line.get_ydata().tolist() for line in display.lines_] == [[0, 0], [1, 1]]

    def test_offset_zero_draws_on_top_with_a_legend(self):
        display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=0)
        np.testing.assert_array_equal(display.lines_[1].get_ydata(), PATTERNS[1])
        assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b"]

    def test_stacked_labels_stand_beside_their_patterns(self):
        display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=200)
        assert display.ax_.get_legend() is None
        texts = display.ax_.texts
        assert [(text.get_text(), text.xy) for text in texts] == [("a", (1, 0)), ("b", (1, 200))]
        assert [text.get_color() for text in texts] == [line.get_color() for line in display.lines_]

    def test_given_axes_and_style_are_used(self):
        _, ax = plt.subplots()
        style = {"color": "red", "linewidth": 3}
        display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, ax=ax, line_kwargs=style)
        assert display.ax_ is ax
        assert {to_hex(line.get_color()) for line in display.lines_} == {"#ff0000"}
        assert {line.get_linewidth() for line in display.lines_} == {3}
        assert style == {"color": "red", "linewidth": 3}

    def test_default_grid_spans_0_to_90_degrees(self):
        display = PatternDisplay.from_patterns(PATTERNS)
        assert display.two_theta.tolist() == [0, 18, 36, 54, 72, 90]

    def test_from_structure(self):
        from pymatgen.core import Lattice, Structure

        silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]])
        grid = TwoThetaGrid(20, 60, 2001)
        display = PatternDisplay.from_structure(silicon, grid=grid)
        (line,) = display.lines_
        assert line.get_label() == "Si"
        peaks = line.get_xdata()[line.get_ydata() > 0]
        np.testing.assert_allclose(peaks, [28.44, 47.30, 56.12], atol=0.1)  # tabulated for Si
        broad = PatternDisplay.from_structure(silicon, grid=grid, fwhm=0.5, label="broad")
        assert len(broad.lines_[0].get_xdata()) == grid.n_points
        assert broad.lines_[0].get_label() == "broad"

    @pytest.mark.parametrize("patterns", [PATTERNS[0], PATTERNS[:, :5], PATTERNS[None]])
    def test_wrong_shapes(self, patterns):
        with pytest.raises(ValueError, match=r"patterns must have shape \(n_patterns, n_points\)"):
            PatternDisplay(GRID.two_theta, patterns)

    def test_wrong_number_of_labels(self):
        with pytest.raises(ValueError, match="got 1 labels for 2 patterns"):
            PatternDisplay(GRID.two_theta, PATTERNS, labels=["a"])

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="kind must be 'profile' or 'sticks', got 'bars'"):
            PatternDisplay(GRID.two_theta, PATTERNS).plot(kind="bars")

    def test_matplotlib_is_optional(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(MissingDependencyError, match=r"PatternDisplay needs .*skxrd\[plot\]"):
            PatternDisplay(GRID.two_theta, PATTERNS).plot()


class TestTrainingDisplay:
    def test_history_is_copied(self):
        history = [dict(row) for row in HISTORY]
        display = TrainingDisplay(history, class_names=("a", "b"))
        history[0]["mask_rate"] = 7.0
        assert display.history == HISTORY
        assert display.class_names == ["a", "b"]

    def test_three_panels(self):
        display = TrainingDisplay(HISTORY, class_names=["a", "b"])
        assert display.plot() is display
        assert [ax.get_ylabel() for ax in display.axes_] == ["Loss", "Mask rate", "Threshold"]
        assert {ax.get_xlabel() for ax in display.axes_} == {"Epoch"}
        assert display.figure_ is display.axes_[0].figure
        legend = [text.get_text() for text in display.axes_[2].get_legend().get_texts()]
        assert legend == ["a", "b"]

    def test_lines_are_the_columns_of_the_history(self):
        display = TrainingDisplay(HISTORY).plot()
        names = {"labeled_loss", "unlabeled_loss", "mask_rate", "threshold_0", "threshold_1"}
        assert set(display.lines_) == names
        for name, line in display.lines_.items():
            assert line.get_xdata().tolist() == [1, 2, 3]
            assert line.get_ydata().tolist() == [row[name] for row in HISTORY]

    def test_without_unlabeled_rows_there_are_only_losses(self):
        history = [{**row, "mask_rate": float("nan")} for row in HISTORY]
        display = TrainingDisplay(history).plot()
        assert [ax.get_ylabel() for ax in display.axes_] == ["Loss"]

    def test_a_history_without_named_terms_shows_the_training_loss(self):
        display = TrainingDisplay([{"train_loss": 1.0}, {"train_loss": 0.5}]).plot()
        assert list(display.lines_) == ["train_loss"]

    def test_given_axes_and_style_are_used(self):
        _, axes = plt.subplots(3, 1)
        display = TrainingDisplay(HISTORY).plot(ax=axes, line_kwargs={"linewidth": 3})
        assert list(display.axes_) == list(axes)
        assert {line.get_linewidth() for line in display.lines_.values()} == {3}

    # Three epochs of a tiny net: whether it learns anything is not the question here.
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_from_estimator(self):
        X, y = make_patterns(
            60, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.4, random_state=0
        )
        classifier = small_classifier().fit(X, np.array(["a", "b", None], dtype=object)[y])
        display = TrainingDisplay.from_estimator(classifier)
        assert len(display.axes_) == 3
        assert display.class_names == ["a", "b"]
        rates = [row["mask_rate"] for row in classifier.history_]
        assert display.lines_["mask_rate"].get_ydata().tolist() == rates

    def test_from_a_pipeline_of_a_supervised_training(self):
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

    def test_labels_only_with_a_threshold_algorithm(self):
        X, y = make_patterns(40, grid=TwoThetaGrid(10, 80, 71), random_state=0)
        display = TrainingDisplay.from_estimator(small_classifier().fit(X, y))
        assert list(display.lines_) == ["labeled_loss"]

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            TrainingDisplay.from_estimator(small_classifier())

    def test_estimator_without_history(self):
        X, y = make_patterns(10, grid=GRID, n_lines=2, random_state=0)
        with pytest.raises(TypeError, match=r"keeps a history_.*got LogisticRegression"):
            TrainingDisplay.from_estimator(LogisticRegression().fit(X, y))

    def test_empty_history(self):
        with pytest.raises(ValueError, match="at least one epoch"):
            TrainingDisplay([])

    def test_wrong_number_of_axes(self):
        _, ax = plt.subplots()
        with pytest.raises(ValueError, match=r"3 panels \(Loss, Mask rate, Threshold\).* 1 axes"):
            TrainingDisplay(HISTORY).plot(ax=ax)

    def test_wrong_number_of_class_names(self):
        with pytest.raises(ValueError, match="got 3 names for 2 thresholds"):
            TrainingDisplay(HISTORY, class_names=["a", "b", "c"]).plot()

    def test_matplotlib_is_optional(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(MissingDependencyError, match=r"TrainingDisplay needs .*skxrd\[plot\]"):
            TrainingDisplay(HISTORY).plot()
