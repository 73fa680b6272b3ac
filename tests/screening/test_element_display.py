from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from skxrd.datasets import load_lithium_conductors
from skxrd.screening import ElementStatisticsDisplay, element_statistics

POOL = ["Li2O", "Li2S", "LiCl", "Li3PS4", "LiCoO2"]
PREDICTED = ["Li2S", "Li3PS4"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_compounds_are_counted_not_atoms():
    table = element_statistics(POOL)
    assert table.index.tolist() == ["Li", "O", "S", "Cl", "Co", "P"]  # ties in alphabetical order
    assert table["n_compounds"].tolist() == [5, 2, 2, 1, 1, 1]
    assert table["n_compounds"].dtype == np.int64
    assert table.columns.tolist() == ["n_compounds", "share", "share_low", "share_high"]
    np.testing.assert_allclose(table["share"], [1, 0.4, 0.4, 0.2, 0.2, 0.2])


def test_intervals_are_those_of_wilson():
    table = element_statistics(POOL)
    n, z = 5, 1.959964
    for share, low, high in table[["share", "share_low", "share_high"]].to_numpy():
        center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        np.testing.assert_allclose([low, high], [center - half, center + half], atol=1e-6)


def test_comparison_with_other_formulas():
    table = element_statistics(POOL, [*PREDICTED, "Na2S", "NaCl"])
    assert table.loc["S", "enrichment"] == pytest.approx(0.75 / 0.4)
    assert table.loc["O", ["other_n_compounds", "enrichment"]].tolist() == [0, 0]
    assert table.loc["Na", ["n_compounds", "enrichment"]].tolist() == [0, np.inf]
    assert table["other_n_compounds"].dtype == np.int64
    pd.testing.assert_frame_equal(
        table.loc[["Li", "S"], ["other_share", "other_share_low"]].set_axis(
            ["share", "share_low"], axis=1
        ),
        element_statistics([*PREDICTED, "Na2S", "NaCl"]).loc[["Li", "S"], ["share", "share_low"]],
    )


def test_numbers_of_elements():
    table = element_statistics(["Li3PS4", "Li", "LiCl", "Li2S", "LiFePO4"], ["Li"], by="n_elements")
    assert table["n_compounds"].to_dict() == {1: 1, 2: 2, 3: 1, 4: 1}
    assert table["other_n_compounds"].to_dict() == {1: 1, 2: 0, 3: 0, 4: 0}


@pytest.mark.parametrize(
    ("formula", "anion"),
    [
        ("Li6PS5Cl", "S"),
        ("Li2SO4", "O"),
        ("LiClO4", "O"),
        ("Li2OS", "O"),  # as many of both: the more electronegative
        ("LiNH2", "N"),
        ("LiBH4", "H"),
        ("LiZnAs", "none"),
    ],
)
def test_anions(formula, anion):
    assert element_statistics([formula], by="anion").index.tolist() == [anion]


def test_shares_of_anions_and_of_numbers_add_up_to_one():
    formulas = load_lithium_conductors().frame["formula"]
    for by in ("n_elements", "anion"):
        assert element_statistics(formulas, by=by)["share"].sum() == pytest.approx(1)
    assert element_statistics(formulas).loc["Li", "share"] == 1


def test_isotopes_and_containers():
    expected = element_statistics(["LiOH", "Li2O"])
    for formulas in (np.array(["LiOD", "Li2O"]), pd.Series(["LiOD", "Li2O"], index=[7, 3])):
        pd.testing.assert_frame_equal(element_statistics(formulas), expected)


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ([], "formulas must hold at least one formula, got none"),
        (["Li2O", "nothing"], "'nothing'.*row 1"),
        (["Li2O", ""], "''.*row 1"),
        (["Li2O", None], "None.*row 1"),
        ("Li2O", "'formulas' parameter"),
    ],
)
def test_bad_formulas(formulas, message):
    with pytest.raises(ValueError, match=message):
        element_statistics(formulas)


def test_other_errors():
    with pytest.raises(ValueError, match="other must hold at least one formula, got none"):
        element_statistics(POOL, [])
    with pytest.raises(ValueError, match="'by' parameter"):
        element_statistics(POOL, by="color")


def test_marks_intervals_and_enrichments():
    display = ElementStatisticsDisplay.from_formulas(POOL, PREDICTED)
    assert len(display.axes_) == 3
    assert display.figure_ is display.axes_[0].figure
    table = element_statistics(POOL, PREDICTED)
    shown, compared = display.containers_[:2]
    np.testing.assert_allclose(shown.lines[0].get_xdata(), table["share"])
    np.testing.assert_allclose(compared.lines[0].get_xdata(), table["other_share"])
    ends = np.array([segment[:, 0] for segment in compared.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, table[["other_share_low", "other_share_high"]], atol=1e-12)
    ax = display.axes_[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == table.index.tolist()
    assert ax.yaxis_inverted()
    assert [text.get_text() for text in ax.texts][:3] == ["1.0×", "0×", "2.5×"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["Unlabeled (5)", "Predicted (2)"]
    assert {each.get_xlabel() for each in display.axes_} == {"Share of compounds (%)"}


def test_series_differ_without_color():
    first, second = ElementStatisticsDisplay.from_formulas(POOL, PREDICTED).containers_[:2]
    assert first.lines[0].get_marker() != second.lines[0].get_marker()
    assert first.lines[0].get_markerfacecolor() != second.lines[0].get_markerfacecolor()


def test_only_what_chance_explains_badly_is_bold():
    pool = ["Li2S"] * 50 + ["Li2O"] * 50
    for n_predicted, weight in ((3, "normal"), (30, "bold")):
        display = ElementStatisticsDisplay.from_formulas(pool, ["Li2S"] * n_predicted)
        weights = {text.get_text(): text.get_fontweight() for text in display.axes_[0].texts}
        assert weights["2.0×"] == weight
        assert weights["1.0×"] == "normal"


def test_most_frequent_elements_of_either_set():
    pool = ["Li2O"] * 6 + ["LiCl"] * 3 + ["LiI"]
    display = ElementStatisticsDisplay.from_formulas(pool, ["LiI"], n_elements=3)
    labels = [tick.get_text() for tick in display.axes_[0].get_yticklabels()]
    assert labels == ["Li", "O", "I"]
    assert len(display.tables["element"]) == 4


def test_infinite_and_tiny_enrichments():
    display = ElementStatisticsDisplay.from_formulas(["LiCl"] * 500, ["NaI"] * 499 + ["LiCl"])
    texts = dict(
        zip(
            [tick.get_text() for tick in display.axes_[0].get_yticklabels()],
            [text.get_text() for text in display.axes_[0].texts],
            strict=False,
        )
    )
    assert texts == {"Li": "<0.01×", "Cl": "<0.01×", "I": "∞", "Na": "∞"}


def test_axes_of_the_user():
    _, axes = plt.subplots(1, 3)
    tables = [
        element_statistics(POOL, PREDICTED, by=by) for by in ("element", "n_elements", "anion")
    ]
    display = ElementStatisticsDisplay(*tables, names=("a", "b")).plot(ax=axes)
    assert list(display.axes_) == list(axes)
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["a", "b"]


@pytest.mark.parametrize("n_compounds", [10, 10_000])
def test_panels_are_readable_at_any_size(n_compounds):
    pool = (list(load_lithium_conductors().frame["formula"]) * 100)[:n_compounds]
    display = ElementStatisticsDisplay.from_formulas(pool, pool[: n_compounds // 5])
    display.figure_.canvas.draw()
    for ax in display.axes_:
        boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
    legend = display.axes_[0].get_legend().get_window_extent()
    assert not any(text.get_window_extent().overlaps(legend) for text in display.axes_[0].texts)


def test_display_errors():
    tables = [
        element_statistics(POOL, PREDICTED, by=by) for by in ("element", "n_elements", "anion")
    ]
    with pytest.raises(ValueError, match=r"by 'n_elements' .* lacks the columns \['enrichment'\]"):
        ElementStatisticsDisplay(tables[0], tables[1].drop(columns="enrichment"), tables[2])
    with pytest.raises(ValueError, match=r"by 'element' must .* it has 0"):
        ElementStatisticsDisplay(tables[0][:0], *tables[1:])
    with pytest.raises(ValueError, match="names must be two names"):
        ElementStatisticsDisplay(*tables, names=["a", "b", "c"])
    with pytest.raises(ValueError, match="names must be two names"):
        ElementStatisticsDisplay(*tables, names="ab")
    with pytest.raises(ValueError, match="n_elements must be at least 1, got 0"):
        ElementStatisticsDisplay(*tables).plot(n_elements=0)
    with pytest.raises(ValueError, match="ax must hold 3 axes, got 1"):
        ElementStatisticsDisplay(*tables).plot(ax=plt.subplots()[1])
    with pytest.raises(ValueError, match="other must hold at least one"):
        ElementStatisticsDisplay.from_formulas(POOL, [])
