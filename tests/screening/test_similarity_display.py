import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.exceptions import MissingDependencyError
from skxrd.screening import PatternSimilarity, SimilarityDisplay

GRID = TwoThetaGrid(10, 80, 351)
# Two families: rows 0 and 2 are like columns 1 and 3, rows 1 and 3 like columns 0 and 2.
BLOCKS = np.array([[0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.8, 0.2]] * 2)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def many(rng):
    candidates = [f"Li{number}PS{number}Cl0.5Br0.5" for number in range(100)]
    known = [f"Li{number}La3Zr2O12" for number in range(23)]
    return {
        "similarity": rng.uniform(0.4, 1, (100, 23)),
        "candidate_labels": candidates,
        "known_labels": known,
    }


def tick_texts(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_neighbors_are_alike():
    display = SimilarityDisplay.from_similarity(BLOCKS)
    rows, columns = display.row_order_.tolist(), display.column_order_.tolist()
    assert sorted(rows) == sorted(columns) == [0, 1, 2, 3]
    assert {frozenset(rows[:2]), frozenset(rows[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert {frozenset(columns[:2]), frozenset(columns[2:])} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }
    np.testing.assert_array_equal(display.image_.get_array(), BLOCKS[np.ix_(rows, columns)])


def test_labels_follow_the_order():
    display = SimilarityDisplay.from_similarity(
        BLOCKS, candidate_labels=list("abcd"), known_labels=list("wxyz")
    )
    assert tick_texts(display.ax_.yaxis) == ["abcd"[row] for row in display.row_order_]
    assert tick_texts(display.ax_.xaxis) == ["wxyz"[row] for row in display.column_order_]


def test_order_as_given():
    display = SimilarityDisplay.from_similarity(BLOCKS, order=False)
    assert display.row_order_.tolist() == display.column_order_.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(display.image_.get_array(), BLOCKS)
    assert tick_texts(display.ax_.yaxis) == ["0", "1", "2", "3"]


def test_from_patterns_is_the_similarity_of_patterns():
    X, _ = make_patterns(12, grid=GRID, random_state=0)
    similarity = PatternSimilarity("pearson", grid=GRID, fwhm=1.0)
    display = SimilarityDisplay.from_patterns(X[:8], X[8:], similarity=similarity)
    np.testing.assert_array_equal(display.similarity, similarity.fit(X[8:]).transform(X[:8]))
    default = SimilarityDisplay.from_patterns(X[:8], X[8:])
    np.testing.assert_array_equal(
        default.similarity, PatternSimilarity().fit(X[8:]).transform(X[:8])
    )


def test_from_patterns_leaves_the_transformer_alone():
    X, _ = make_patterns(5, grid=GRID, random_state=0)
    similarity = PatternSimilarity()
    SimilarityDisplay.from_patterns(X, X, similarity=similarity)
    assert not hasattr(similarity, "patterns_")


def overlaps(labels, renderer, side):
    """Number of neighboring labels that overlap by more than a tenth of their extent."""
    boxes = [label.get_window_extent(renderer) for label in labels]
    starts, ends = (np.array([getattr(box, f"{side}{end}") for box in boxes]) for end in (0, 1))
    order = np.argsort(starts)
    gap = starts[order][1:] - ends[order][:-1]
    return (gap < -0.1 * (ends - starts).mean()).sum()


def test_a_hundred_candidates_can_be_read(many):
    display = SimilarityDisplay.from_similarity(**many)
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    rows, columns = display.ax_.get_yticklabels(), display.ax_.get_xticklabels()
    assert (len(rows), len(columns)) == (100, 23)
    assert not overlaps(rows, renderer, "y")
    assert not overlaps(columns, renderer, "x")
    assert min(label.get_fontsize() for label in (*rows, *columns)) >= 6
    figure = display.figure_.bbox
    for label in (*rows, *columns):
        box = label.get_window_extent(renderer)
        assert figure.x0 <= box.x0
        assert figure.y0 <= box.y0
    assert not display.ax_.texts  # no values in 2,300 cells


def test_formulas_have_subscripts(many):
    display = SimilarityDisplay.from_similarity(**many, order=False)
    assert tick_texts(display.ax_.xaxis)[7] == "Li$_{7}$La$_{3}$Zr$_{2}$O$_{12}$"
    plain = SimilarityDisplay.from_similarity(**many, order=False, subscripts=False)
    assert tick_texts(plain.ax_.xaxis)[7] == "Li7La3Zr2O12"


@pytest.mark.parametrize("subscripts", [True, False])
def test_names_that_are_no_formulas_can_be_drawn(subscripts):
    names = ["mp-149", "a_b$c", "100 % $x^{", "icsd_84978"]
    display = SimilarityDisplay.from_similarity(
        BLOCKS, candidate_labels=names, known_labels=names, subscripts=subscripts
    )
    display.figure_.canvas.draw()


def test_labels_that_cannot_be_read_are_left_out(many, rng):
    _, ax = plt.subplots(figsize=(3, 3))
    display = SimilarityDisplay.from_similarity(**many, ax=ax)
    assert display.ax_ is ax
    assert not tick_texts(ax.yaxis)
    display = SimilarityDisplay.from_similarity(rng.uniform(size=(2000, 3)), order=False)
    assert display.figure_.get_size_inches()[1] <= 40
    assert not tick_texts(display.ax_.yaxis)
    assert len(tick_texts(display.ax_.xaxis)) == 3


def test_values_in_the_cells_of_a_small_table():
    display = SimilarityDisplay.from_similarity(BLOCKS, order=False)
    assert [text.get_text() for text in display.ax_.texts][:4] == ["0.10", "0.90", "0.20", "0.80"]
    assert {text.get_color() for text in display.ax_.texts} == {"white", "black"}
    assert not SimilarityDisplay.from_similarity(BLOCKS, include_values=False).ax_.texts


def test_limits_of_the_colors():
    image = SimilarityDisplay.from_similarity(np.float32([[0.41, 0.7], [0.66, 0.7]])).image_
    assert image.get_clim() == pytest.approx((0.4, 0.7))
    image = SimilarityDisplay.from_similarity([[-0.31, 0.5]], vmax=1.0).image_
    assert image.get_clim() == pytest.approx((-0.4, 1.0))
    low, high = SimilarityDisplay.from_similarity([[1.0, 1.0]]).image_.get_clim()
    assert low < high


def test_missing_similarities_are_gray():
    similarity = BLOCKS.copy()
    similarity[1, 2] = np.nan
    display = SimilarityDisplay.from_similarity(similarity)
    assert len(display.ax_.texts) == 15
    assert np.ma.is_masked(display.image_.get_array())
    assert display.image_.get_cmap().get_bad() == pytest.approx((0.8, 0.8, 0.8, 1))
    nothing = SimilarityDisplay.from_similarity(np.full((4, 4), np.nan))
    assert nothing.image_.get_clim() == (0, 1)


def test_color_bar_is_labeled():
    display = SimilarityDisplay.from_similarity(BLOCKS, colorbar_label="Cosine")
    assert display.colorbar_.ax.get_ylabel() == "Cosine"
    assert display.ax_.get_xlabel() == "Known compound"
    assert display.ax_.get_ylabel() == "Candidate"


def test_one_cell():
    display = SimilarityDisplay.from_similarity([[0.5]], candidate_labels=["a"])
    assert display.row_order_.tolist() == [0]


def test_input_stays_as_it_is():
    similarity = BLOCKS.copy()
    SimilarityDisplay.from_similarity(similarity)
    np.testing.assert_array_equal(similarity, BLOCKS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"similarity": [0.1, 0.2]}, r"got shape \(2,\)"),
        ({"similarity": np.empty((0, 3))}, r"got shape \(0, 3\)"),
        ({"similarity": BLOCKS, "candidate_labels": ["a"]}, "candidate_labels must name all 4"),
        ({"similarity": BLOCKS, "known_labels": ["a"]}, "known_labels must name all 4"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        SimilarityDisplay(**arguments)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match="SimilarityDisplay needs matplotlib"):
        SimilarityDisplay.from_similarity(BLOCKS)
