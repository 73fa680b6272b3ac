import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from skxrd.exceptions import MissingDependencyError
from skxrd.model_selection import MethodComparison, MethodComparisonDisplay


def comparison(effects, n_splits=20, noise=0.01):
    rng = np.random.default_rng(0)
    rows = [
        {
            "method": method,
            "split": split,
            "metric": metric,
            "score": effect * (metric == "accuracy") + rng.normal(0, noise),
            "fit_time": 1.0,
            "n_train_labeled": 80,
            "n_test": 20,
        }
        for method, effect in effects.items()
        for split in range(n_splits)
        for metric in ("accuracy", "roc_auc")
    ]
    return MethodComparison(pd.DataFrame(rows))


FOUR = comparison({"b": 0.5, "d": 0.1, "a": 0.9, "c": 0.5})
MANY = comparison({f"method number {i}": 0.5 + 0.01 * i for i in range(18)}, noise=0.03)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def bars(ax):
    return [line for line in ax.lines if line.get_linewidth() == 3]


class TestRanks:
    def test_bars_join_what_does_not_differ(self):
        display = MethodComparisonDisplay.from_comparison(FOUR)
        assert [sorted(group) for group in display.cliques_] == [["b", "c"]]
        (bar,) = bars(display.ax_)
        ranks = FOUR.ranks()
        low, high = bar.get_xdata()
        assert low < ranks[["b", "c"]].min() <= ranks[["b", "c"]].max() < high
        assert ranks["a"] < low < high < ranks["d"]

    def test_each_method_is_named_with_its_rank(self):
        display = MethodComparisonDisplay.from_comparison(MANY)
        assert len(texts(display.ax_)) == 18
        for name, rank in MANY.ranks().items():
            assert {f"{name}  {rank:.2f}", f"{rank:.2f}  {name}"} & set(texts(display.ax_))

    def test_labels_of_many_methods_do_not_overlap(self):
        for kind in ("ranks", "scores", "differences"):
            display = MethodComparisonDisplay.from_comparison(MANY, kind=kind)
            display.figure_.canvas.draw()
            labels = display.ax_.texts or display.ax_.get_yticklabels()
            boxes = [label.get_window_extent() for label in labels]
            assert len(boxes) >= 17
            for i, box in enumerate(boxes):
                assert not any(box.overlaps(other) for other in boxes[:i])
                assert display.figure_.bbox.contains(box.x0, box.y0)
                assert display.figure_.bbox.contains(box.x1, box.y1)

    def test_bars_are_runs_of_neighbors_none_of_which_differ(self):
        display = MethodComparisonDisplay.from_comparison(MANY)
        pairs = MANY.differences().set_index(["method", "reference"])["pvalue_holm"]
        order = list(MANY.ranks().index)
        assert len(display.cliques_) > 1
        for group in display.cliques_:
            start = order.index(group[0])
            assert group == order[start : start + len(group)]
            p = [pairs.get((a, b), pairs.get((b, a))) for a in group for b in group if a != b]
            assert min(p) >= 0.05
        for group, after in zip(display.cliques_, display.cliques_[1:], strict=False):
            assert not set(after) <= set(group)  # none within another

    def test_nemenyi_joins_ranks_within_the_critical_difference(self):
        display = MethodComparisonDisplay.from_comparison(MANY, test="nemenyi", alpha=0.1)
        distance = MANY.critical_difference(alpha=0.1)
        ranks = MANY.ranks()
        for group in display.cliques_:
            assert np.ptp(ranks[group]) <= distance
        assert f"critical difference {distance:.2f}" in texts(display.ax_)

    def test_no_bar_where_all_differ(self):
        display = MethodComparisonDisplay.from_comparison(comparison({"a": 0.9, "b": 0.1}))
        assert display.cliques_ == []
        assert not bars(display.ax_)

    def test_alpha_and_test_matter(self):
        strict = MethodComparisonDisplay.from_comparison(MANY, alpha=1e-6).cliques_
        loose = MethodComparisonDisplay.from_comparison(MANY, test="wilcoxon").cliques_
        assert max(map(len, strict)) > max(map(len, loose))


class TestScores:
    def test_every_split_is_drawn_and_rows_are_sorted_by_the_median(self):
        display = MethodComparisonDisplay.from_comparison(FOUR, kind="scores")
        ax = display.ax_
        names = [label.get_text() for label in ax.get_yticklabels()]
        table = FOUR.table("accuracy")
        assert names == list(table.median().sort_values().index)
        assert names[0] == "d"
        assert names[-1] == "a"  # the best on top
        for name, line in zip(names, ax.lines, strict=False):
            np.testing.assert_array_equal(line.get_xdata(), table[name])
        medians = next(line for line in ax.lines if line.get_label() == "median")
        np.testing.assert_array_equal(medians.get_xdata(), table.median()[names])
        assert ax.get_xlabel() == "accuracy"

    def test_other_metrics(self):
        display = MethodComparisonDisplay.from_comparison(FOUR, metric="roc_auc", kind="scores")
        assert display.ax_.get_xlabel() == display.metric == "roc_auc"


class TestDifferences:
    def test_means_and_intervals(self):
        display = MethodComparisonDisplay.from_comparison(FOUR, kind="differences", baseline="b")
        ax = display.ax_
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert names[0] == "d"
        assert names[-1] == "a"
        assert "b" not in names
        table = FOUR.differences("b").set_index("method").loc[names]
        (segments,) = ax.collections
        ends = np.array(segments.get_segments())[:, :, 0]
        np.testing.assert_allclose(ends, table[["low", "high"]])
        by_label = {line.get_label(): line for line in ax.lines}
        assert set(by_label["mean, differs (Holm, 0.05)"].get_ydata()) == {0, 2}
        assert by_label["mean, does not differ"].get_ydata().tolist() == [1]
        assert ax.get_xlabel() == "accuracy minus that of b"

    def test_the_first_method_is_the_baseline_by_default(self):
        display = MethodComparisonDisplay.from_comparison(FOUR, kind="differences")
        assert display.ax_.get_xlabel() == "accuracy minus that of b"


class TestDisplay:
    @pytest.mark.parametrize("kind", ["ranks", "scores", "differences"])
    def test_given_axes_are_used(self, kind):
        _, ax = plt.subplots()
        display = MethodComparisonDisplay(FOUR)
        assert display.plot(ax=ax, kind=kind) is display
        assert display.ax_ is ax
        assert display.figure_ is ax.figure

    def test_nothing_is_drawn_by_the_constructor(self):
        display = MethodComparisonDisplay(FOUR)
        assert display.metric == "accuracy"
        assert not hasattr(display, "ax_")
        assert not plt.get_fignums()

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"kind": "pie"}, "kind must be one of"),
            ({"kind": "scores", "test": "nemenyi"}, "test='nemenyi' is for kind='ranks'"),
            ({"test": "t"}, "test must be 'corrected_t' or 'wilcoxon'"),
            ({"kind": "differences", "baseline": "z"}, "baseline must be one of"),
            ({"metric": "f1"}, "metric must be one of"),
        ],
    )
    def test_errors_come_before_a_figure_is_made(self, params, message):
        with pytest.raises(ValueError, match=message):
            MethodComparisonDisplay.from_comparison(FOUR, **params)
        assert not plt.get_fignums()

    def test_matplotlib_is_optional(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(MissingDependencyError, match=r"MethodComparisonDisplay needs .*plot\]"):
            MethodComparisonDisplay(FOUR).plot()
