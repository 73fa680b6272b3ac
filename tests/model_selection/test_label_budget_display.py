import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelBudgetDisplay, label_budget_curve

CURVE = pd.DataFrame(
    [
        {"n_labeled_per_class": n, "n_unlabeled": m, "split": split, "score": score + 0.1 * split}
        for n, m, score in [(2, 0, 0.5), (2, 1000, 0.6), (10, 0, 0.7), (10, 1000, 0.8)]
        for split in range(2)
    ]
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("x", "lines", "labels"),
    [
        ("n_labeled_per_class", [[0.55, 0.75], [0.65, 0.85]], ["0", "1,000"]),
        ("n_unlabeled", [[0.55, 0.65], [0.75, 0.85]], ["2", "10"]),
    ],
)
def test_lines_and_bands(x, lines, labels):
    display = LabelBudgetDisplay(CURVE, score_name="Macro-F1").plot(x=x)
    budgets = sorted(set(CURVE[x]))
    for line, expected in zip(display.lines_, lines, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), budgets)
        np.testing.assert_allclose(line.get_ydata(), expected)
    assert [line.get_label() for line in display.lines_] == labels
    for band, expected in zip(display.bands_, lines, strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(min(expected) - 0.05)
        assert heights.max() == pytest.approx(max(expected) + 0.05)
    assert display.ax_.get_ylabel() == "Macro-F1"
    assert (
        display.ax_.get_xlabel()
        == {
            "n_labeled_per_class": "Number of labels per class",
            "n_unlabeled": "Number of unlabeled rows",
        }[x]
    )
    ticks = [tick.get_text() for tick in display.ax_.get_xticklabels()]
    assert ticks == [f"{budget:,}" for budget in budgets]


def test_lines_differ_without_color():
    lines = LabelBudgetDisplay(CURVE).plot().lines_
    assert len({line.get_marker() for line in lines}) == 2
    assert len({line.get_linestyle() for line in lines}) == 2


def test_axes_of_the_user_and_keywords():
    _, ax = plt.subplots()
    display = LabelBudgetDisplay(CURVE).plot(ax=ax, line_kwargs={"color": "black"})
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert {line.get_color() for line in display.lines_} == {"black"}


def test_one_line_needs_no_legend():
    display = LabelBudgetDisplay(CURVE[CURVE["n_unlabeled"] == 0]).plot()
    assert display.ax_.get_legend() is None


def test_wide_budgets_are_drawn_on_a_logarithmic_axis():
    wide = CURVE.assign(n_unlabeled=CURVE["n_unlabeled"].replace(0, 10))
    assert LabelBudgetDisplay(wide).plot(x="n_unlabeled").ax_.get_xscale() == "symlog"
    assert LabelBudgetDisplay(CURVE).plot().ax_.get_xscale() == "linear"


def test_from_estimator():
    X, y = make_patterns(100, grid=TwoThetaGrid(10, 80, 71), labeled_fraction=0.3, random_state=0)
    model = SelfTrainingClassifier(LogisticRegression())
    arguments = {"n_labeled_per_class": (2, 5), "n_unlabeled": (20, 70), "random_state": 0}
    display = LabelBudgetDisplay.from_estimator(model, X, y, cv=3, **arguments)
    expected = label_budget_curve(model, X, y, cv=3, **arguments)
    pd.testing.assert_frame_equal(
        display.curve.drop(columns="fit_time"), expected.drop(columns="fit_time")
    )
    assert display.ax_.get_ylabel() == "F1 macro"
    named = LabelBudgetDisplay.from_estimator(
        model, X, y, cv=2, n_labeled_per_class=(2,), scoring=lambda *_: 1.0, score_name="One"
    )
    assert named.ax_.get_ylabel() == "One"


def test_errors():
    with pytest.raises(ValueError, match=r"lacks the columns \['score'\]"):
        LabelBudgetDisplay(CURVE.drop(columns="score"))
    with pytest.raises(ValueError, match="it has 0 rows"):
        LabelBudgetDisplay(CURVE[:0])
    with pytest.raises(ValueError, match="x must be one of"):
        LabelBudgetDisplay(CURVE).plot(x="split")
