"""The picture shows the numbers of the table, and says how many labels are behind each."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from skxrd.datasets import load_xrdmatch_candidates
from skxrd.exceptions import MissingDependencyError
from skxrd.inspection import AgreementDisplay
from skxrd.metrics import agreement_by_output_frequency

VOTES = [5, 5, 5, 6, 6, 7, 9, 9]
LABELS = [1, 0, -1, 1, 1, -1, 0, 1]


def make(**kwargs):
    return AgreementDisplay.from_predictions(VOTES, LABELS, **kwargs)


def points(display):
    line = display.errorbar_.lines[0]
    return line.get_xdata().tolist(), line.get_ydata().tolist()


def test_table_is_copied():
    table = agreement_by_output_frequency(VOTES, LABELS)
    display = AgreementDisplay(table)
    table["n_labeled"] = 0
    assert display.agreement["n_labeled"].sum() > 0
    assert not hasattr(display, "ax_")


def test_plot_returns_the_display_with_its_artists():
    display = AgreementDisplay(agreement_by_output_frequency(VOTES, LABELS))
    assert display.plot() is display
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_xlabel() == "Output frequency (votes)"
    assert display.ax_.get_ylabel() == "Precision among labeled candidates"


@pytest.mark.parametrize(
    ("votes", "x", "y", "numbers"),
    [
        ("exactly", [5, 6, 9], [0.5, 1, 0.5], ["2", "2", "2"]),  # 7 votes: no label, no point
        ("at_least", [5, 6, 7, 9], [4 / 6, 3 / 4, 1 / 2, 1 / 2], ["6", "4", "2", "2"]),
    ],
)
def test_points_and_their_numbers(votes, x, y, numbers):
    display = make(votes=votes)
    assert points(display) == (x, pytest.approx(y))
    assert [text.get_text() for text in display.ax_.texts] == numbers
    high = display.agreement.loc[votes, "high"].dropna()
    assert [text.xy for text in display.ax_.texts] == list(zip(x, high, strict=True))


def test_bars_end_at_the_limits():
    display = make(confidence_level=0.8)
    table = display.agreement.loc["exactly"].dropna()
    (bars,) = display.errorbar_.lines[2]
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, table[["low", "high"]])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["all labeled candidates: 4 of 6", "precision and 80 % interval"]


def test_baseline_is_the_precision_among_all():
    for votes in ("exactly", "at_least"):
        assert make(votes=votes).baseline_.get_ydata() == pytest.approx([4 / 6] * 2)


def test_given_axes_and_style_are_used():
    _, ax = plt.subplots()
    style = {"color": "red"}
    display = make(ax=ax, errorbar_kwargs=style)
    assert display.ax_ is ax
    assert to_hex(display.errorbar_.lines[0].get_color()) == "#ff0000"
    assert style == {"color": "red"}


def test_a_large_ensemble_is_not_numbered():
    votes = np.repeat(np.arange(50), 3)
    display = AgreementDisplay.from_predictions(votes, np.ones(len(votes), dtype=int))
    assert len(points(display)[0]) == 50
    assert not display.ax_.texts


def test_the_papers_table_fits_on_the_axes():
    data = load_xrdmatch_candidates()
    display = AgreementDisplay.from_predictions(data.frame["output_frequency"], data.frame["label"])
    x, y = points(display)
    assert x == [5, 6, 7, 8, 9, 10]
    low, high = display.ax_.get_ylim()
    assert low < 0
    assert high > 1
    assert all(0 < value < 1 for value in y)


def test_errors():
    with pytest.raises(ValueError, match="none of the 3 candidates has one"):
        AgreementDisplay.from_predictions([5, 6, 7], [-1, -1, -1])
    with pytest.raises(ValueError, match="none of the 0 candidates has one"):
        AgreementDisplay.from_predictions([], [])
    with pytest.raises(ValueError, match="votes must be 'exactly' or 'at_least', got 'all'"):
        make(votes="all")
    table = agreement_by_output_frequency(VOTES, LABELS)
    with pytest.raises(ValueError, match=r"missing: \['low'\]"):
        AgreementDisplay(table.drop(columns="low"))
    with pytest.raises(ValueError, match=r"got levels \[None\]"):
        AgreementDisplay(table.reset_index(drop=True))


def test_matplotlib_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"AgreementDisplay needs .*skxrd\[plot\]"):
        make()
