"""Patterns are drawn as they are, one above the other, with their angles."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from skxrd import TwoThetaGrid
from skxrd.exceptions import MissingDependencyError
from skxrd.inspection import PatternDisplay

GRID = TwoThetaGrid(10, 20, 6)
PATTERNS = np.array([[0.0, 0.0, 100.0, 0.0, 50.0, 0.0], [0.0, 80.0, 0.0, 0.0, 0.0, 10.0]])


def test_arrays_are_stored():
    display = PatternDisplay(GRID.two_theta.tolist(), PATTERNS.tolist(), labels=("a", "b"))
    np.testing.assert_array_equal(display.two_theta, GRID.two_theta)
    np.testing.assert_array_equal(display.patterns, PATTERNS)
    assert display.labels == ["a", "b"]
    assert not hasattr(display, "ax_")


def test_plot_returns_the_display_with_its_artists():
    display = PatternDisplay(GRID.two_theta, PATTERNS)
    assert display.plot() is display
    assert display.figure_ is display.ax_.figure
    assert display.lines_ == display.ax_.get_lines()
    assert display.ax_.get_xlabel() == "2θ (degrees)"
    assert display.ax_.get_ylabel() == "Intensity (arb. units)"
    assert display.ax_.get_xlim() == (10, 20)


def test_profiles_are_the_patterns_one_above_the_other():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID)
    for row, line in enumerate(display.lines_):
        np.testing.assert_array_equal(line.get_xdata(), GRID.two_theta)
        np.testing.assert_allclose(line.get_ydata(), PATTERNS[row] + row * 110)
    assert not display.ax_.get_yticks().size  # the numbers would be wrong for the upper one


def test_sticks_stand_on_the_zero_line():
    display = PatternDisplay.from_patterns(PATTERNS[0], grid=GRID, kind="sticks")
    (line,) = display.lines_
    assert line.get_xdata().tolist() == [10, 14, 14, 14, 18, 18, 18, 20]
    assert line.get_ydata().tolist() == [0, 0, 100, 0, 0, 50, 0, 0]
    assert display.ax_.get_yticks().size


def test_sticks_of_an_empty_pattern():
    display = PatternDisplay.from_patterns(np.zeros((2, 6)), grid=GRID, kind="sticks")
    assert [line.get_ydata().tolist() for line in display.lines_] == [[0, 0], [1, 1]]


def test_offset_zero_draws_on_top_with_a_legend():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=0)
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), PATTERNS[1])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b"]


def test_stacked_labels_stand_beside_their_patterns():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=200)
    assert display.ax_.get_legend() is None
    texts = display.ax_.texts
    assert [(text.get_text(), text.xy) for text in texts] == [("a", (1, 0)), ("b", (1, 200))]
    assert [text.get_color() for text in texts] == [line.get_color() for line in display.lines_]


def test_given_axes_and_style_are_used():
    _, ax = plt.subplots()
    style = {"color": "red", "linewidth": 3}
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, ax=ax, line_kwargs=style)
    assert display.ax_ is ax
    assert {to_hex(line.get_color()) for line in display.lines_} == {"#ff0000"}
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert style == {"color": "red", "linewidth": 3}


def test_default_grid_spans_0_to_90_degrees():
    display = PatternDisplay.from_patterns(PATTERNS)
    assert display.two_theta.tolist() == [0, 18, 36, 54, 72, 90]


def test_from_structure():
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
def test_wrong_shapes(patterns):
    with pytest.raises(ValueError, match=r"patterns must have shape \(n_patterns, n_points\)"):
        PatternDisplay(GRID.two_theta, patterns)


def test_wrong_number_of_labels():
    with pytest.raises(ValueError, match="got 1 labels for 2 patterns"):
        PatternDisplay(GRID.two_theta, PATTERNS, labels=["a"])


def test_unknown_kind():
    with pytest.raises(ValueError, match="kind must be 'profile' or 'sticks', got 'bars'"):
        PatternDisplay(GRID.two_theta, PATTERNS).plot(kind="bars")


def test_matplotlib_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"PatternDisplay needs .*skxrd\[plot\]"):
        PatternDisplay(GRID.two_theta, PATTERNS).plot()
