from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier
from skxrd.screening import CampaignDisplay, simulate_campaign
from skxrd.supervised import LabeledOnlyClassifier

ALL = ("random", "greedy", "uncertainty", "diversity", "expected_finds")
TREES = LabeledOnlyClassifier(ExtraTreesClassifier(10))


@pytest.fixture(scope="module")
def data():
    """Two clouds that overlap a little, sorted by class as data often are."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [70, 30])
    return rng.normal(size=(100, 4)) + 1.5 * y[:, None], y


class Spy(ClassifierMixin, BaseEstimator):
    """Note what it is taught; the first feature is its probability."""

    seen: list = []

    def fit(self, X, y):
        Spy.seen.append(y.copy())
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        return (X[:, 0] > 0.5).astype(int)


@pytest.fixture
def spy():
    Spy.seen = []
    return Spy()


class Interrupted(Spy):
    """Interrupted in the fit of a given number."""

    def __init__(self, at=0, how="raise"):
        self.at = at
        self.how = how

    def fit(self, X, y):
        super().fit(X, y)
        if len(Spy.seen) == self.at:
            if self.how == "raise":
                raise KeyboardInterrupt
            self.interrupted_ = True
        return self


def test_columns_and_counts(data):
    X, y = data
    campaign = simulate_campaign(
        TREES, X, y, strategy=ALL, n_rounds=4, n_repeats=3, n_per_round=7, random_state=0
    )
    assert campaign.columns.tolist() == [
        "strategy", "repetition", "round", "n_measured", "n_found", "n_compounds", "n_conductors",
    ]  # fmt: skip
    assert len(campaign) == 5 * 3 * 5
    assert campaign["strategy"].unique().tolist() == list(ALL)
    assert (campaign["n_measured"] == 10 + 7 * campaign["round"]).all()
    assert (campaign["n_compounds"] == 100).all()
    assert (campaign["n_conductors"] == 30).all()
    new = campaign.groupby(["strategy", "repetition"])["n_found"].diff().dropna()
    assert new.between(0, 7).all()
    starts = campaign[campaign["round"] == 0].groupby("repetition")["n_found"]
    assert (starts.nunique() == 1).all()  # all strategies begin with the same compounds
    assert starts.min().min() >= 1


def test_strategies_find_more_than_chance(data):
    X, y = data
    campaign = simulate_campaign(
        TREES, X, y, strategy=("random", "greedy"), n_rounds=4, n_repeats=10, random_state=0
    )
    last = campaign[campaign["round"] == 4].pivot(
        index="repetition", columns="strategy", values="n_found"
    )
    gain = last["greedy"] - last["random"]
    assert gain.mean() > 5 * gain.sem()


def test_everything_is_found_in_the_end(data):
    X, y = data
    campaign = simulate_campaign(
        TREES, X, y, strategy=ALL, n_initial=10, n_per_round=30, n_rounds=3, n_repeats=1,
        random_state=0,
    )  # fmt: skip
    assert (campaign.loc[campaign["n_measured"] == 100, "n_found"] == 30).all()


@pytest.mark.parametrize("strategy", ALL[1:])
def test_only_bought_labels_are_taught(spy, strategy):
    rng = np.random.default_rng(0)
    X, y = rng.random((60, 3)), np.repeat([0, 1, -1], [20, 20, 20])
    simulate_campaign(
        spy, X, y, strategy=strategy, n_initial=4, n_per_round=3, n_rounds=5, n_repeats=1,
        random_state=0,
    )  # fmt: skip
    known = [set(np.flatnonzero(seen != -1)) for seen in Spy.seen]
    assert [len(rows) for rows in known] == [4, 7, 10, 13, 16]
    for earlier, later in pairwise(known):
        assert earlier < later
    for seen, rows in zip(Spy.seen, known, strict=True):
        assert len(seen) == 60  # compounds that were not measured are unlabeled rows
        assert (seen[list(rows)] == y[list(rows)]).all()
        assert max(rows) < 40  # no label is bought where none is known


def test_hidden_labels_change_no_choice(spy):
    """The same compounds are bought when the labels of all others are swapped."""
    X = np.random.default_rng(0).random((60, 3))
    y = np.arange(60) % 2
    parameters = {"strategy": "greedy", "n_repeats": 1, "n_rounds": 6, "random_state": 0}
    simulate_campaign(spy, X, y, **parameters)
    bought = np.flatnonzero(Spy.seen[-1] != -1)
    start = np.flatnonzero(Spy.seen[0] != -1)
    swapped = 1 - y
    swapped[start] = y[start]
    Spy.seen = []
    simulate_campaign(spy, X, swapped, **parameters)
    # The draw of the start looks at all labels: here, the swap does not change it.
    np.testing.assert_array_equal(np.flatnonzero(Spy.seen[0] != -1), start)
    np.testing.assert_array_equal(np.flatnonzero(Spy.seen[-1] != -1), bought)


def test_greedy_buys_the_most_probable(spy):
    X = np.linspace(0, 1, 50)[:, None]
    y = (np.arange(50) % 5 == 0).astype(int)
    simulate_campaign(
        spy, X, y, strategy="greedy", n_initial=2, n_per_round=4, n_rounds=3, n_repeats=1,
        random_state=0,
    )  # fmt: skip
    start, *_, last = [set(np.flatnonzero(seen != -1)) for seen in Spy.seen]
    assert last - start == set(sorted(set(range(50)) - start)[-8:])


def test_ties_do_not_follow_the_order_of_the_rows(spy):
    X, y = np.full((200, 2), 0.5), np.repeat([1, 0], [20, 180])  # conductors first
    campaign = simulate_campaign(
        spy, X, y, strategy="greedy", n_initial=2, n_per_round=10, n_rounds=2, n_repeats=40,
        random_state=0,
    )  # fmt: skip
    bought = campaign[campaign["round"] == 2]["n_found"] - 1
    assert abs(bought.mean() - 20 * 19 / 198) < 4 * bought.sem()


def test_similarity_takes_the_place_of_the_cosine(data):
    X, y = data
    parameters = {
        "strategy": ("diversity", "expected_finds"), "n_rounds": 3, "n_repeats": 2,
        "random_state": 0,
    }  # fmt: skip
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    by_cosine = simulate_campaign(TREES, X, y, **parameters)
    given = simulate_campaign(TREES, X, y, similarity=np.clip(unit @ unit.T, -1, 1), **parameters)
    pd.testing.assert_frame_equal(by_cosine, given)
    alone = simulate_campaign(TREES, X, y, similarity=np.eye(100), **parameters)
    assert not by_cosine.equals(alone)


@pytest.mark.parametrize(
    "estimator",
    [
        SelfTrainingClassifier(LogisticRegression()),
        SemiSupervisedBaggingClassifier(
            SelfTrainingClassifier(LogisticRegression()), n_estimators=3, n_labeled_per_class=None
        ),
    ],
    ids=["self-training", "bagging"],
)
def test_semi_supervised_classifiers(data, estimator):
    X, y = data
    campaign = simulate_campaign(estimator, X, y, n_rounds=2, n_repeats=2, random_state=0)
    assert set(campaign["strategy"]) == {"greedy", "random"}


@pytest.mark.parametrize("positive", ["c", "a"])
def test_labels_of_text_and_three_classes(data, positive):
    X, _ = data
    y = np.array([["a", "b", "c"][i % 3] for i in range(100)], dtype=object)
    y[:10] = None
    campaign = simulate_campaign(
        TREES, X, y, n_rounds=2, n_repeats=2, n_initial=3, positive_class=positive, random_state=0
    )
    assert (campaign["n_compounds"] == 90).all()
    assert (campaign["n_conductors"] == 30).all()
    assert (campaign.loc[campaign["round"] == 0, "n_found"] == 1).all()


@pytest.mark.slow
def test_the_result_does_not_depend_on_n_jobs(data):
    X, y = data
    parameters = {"strategy": ALL, "n_rounds": 2, "n_repeats": 3, "random_state": 5}
    serial = simulate_campaign(TREES, X, y, **parameters)
    pd.testing.assert_frame_equal(serial, simulate_campaign(TREES, X, y, n_jobs=2, **parameters))
    other = simulate_campaign(TREES, X, y, **{**parameters, "random_state": 6})
    assert not serial.equals(other)


def test_repetitions_before_are_the_same_if_there_are_more(data):
    X, y = data
    few, many = (
        simulate_campaign(TREES, X, y, n_rounds=2, n_repeats=n, random_state=0) for n in (2, 4)
    )
    pd.testing.assert_frame_equal(few, many[many["repetition"] < 2].reset_index(drop=True))


def test_nothing_of_the_user_is_changed(data):
    X, y = data[0].copy(), data[1].copy()
    estimator = LabeledOnlyClassifier(ExtraTreesClassifier(5))
    simulate_campaign(estimator, X, y, n_rounds=1, n_repeats=1)
    np.testing.assert_array_equal(X, data[0])
    np.testing.assert_array_equal(y, data[1])
    assert estimator.estimator.random_state is None
    assert not hasattr(estimator, "classes_")


def test_progress_goes_to_stderr(data, capsys):
    X, y = data
    simulate_campaign(TREES, X, y, n_rounds=1, n_repeats=1, verbose=1)
    captured = capsys.readouterr()
    assert "Simulating campaigns" in captured.err
    assert not captured.out


@pytest.mark.parametrize("how", ["raise", "attribute"])
def test_interruption_keeps_finished_repetitions(spy, how):
    X, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 2
    parameters = {"strategy": ("greedy", "random"), "n_rounds": 3, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match="2 of 5 repetitions are kept"):
        kept = simulate_campaign(Interrupted(8, how), X, y, n_repeats=5, **parameters)
    whole = simulate_campaign(spy, X, y, n_repeats=2, **parameters)
    pd.testing.assert_frame_equal(kept, whole)


def test_interruption_before_anything_is_finished():
    Spy.seen = []
    X, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 2
    with pytest.raises(KeyboardInterrupt):
        simulate_campaign(Interrupted(2), X, y, strategy="greedy", n_rounds=3)


def test_a_supervised_classifier_is_told_apart(data):
    X, y = data
    with pytest.raises(TypeError, match=r"learned -1.*LabeledOnlyClassifier"):
        simulate_campaign(ExtraTreesClassifier(5), X, y, n_rounds=1, n_repeats=1)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (
            {"n_rounds": 19},
            "10 compounds and 19 rounds of 5 make 105 measurements, but y holds 100",
        ),
        ({"strategy": "best"}, "strategy must name"),
        ({"strategy": "expected_improvement"}, "strategy must name"),
        ({"strategy": ["greedy", "best"]}, r"strategy must name at least one of \['diversity'"),
        ({"strategy": []}, "at least one of"),
        ({"positive_class": 2}, r"positive_class=2 is not among the classes \[0, 1\] of y"),
        ({"similarity": np.eye(3)}, r"similarity must have shape \(100, 100\) .* got \(3, 3\)"),
        ({"n_initial": 1}, "'n_initial' parameter"),
        ({"y": np.full(100, -1)}, "all 100 rows"),
        ({"y": np.ones(100)}, "one class"),
        ({"y": np.arange(100) % 3, "n_initial": 2}, "one compound of each of the 3 classes"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"estimator": LabeledOnlyClassifier(LogisticRegression), "n_jobs": "x"}, "'n_jobs'"),
    ],
)
def test_bad_input(data, more, match):
    X, y = data
    with pytest.raises(ValueError, match=match):
        simulate_campaign(**{"estimator": TREES, "X": X, "y": y, **more})


@pytest.fixture(scope="module")
def campaign(data):
    X, y = data
    return simulate_campaign(
        TREES, X, y, strategy=ALL, n_rounds=4, n_repeats=4, n_per_round=10, random_state=0
    )


def test_display(campaign):
    display = CampaignDisplay(campaign).plot()
    assert list(display.lines_) == ["ideal", *ALL, "chance"]
    assert list(display.bands_) == list(ALL)
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_xlabel() == "Compounds measured"
    assert display.ax_.get_ylabel() == "Conductors found"
    line = display.lines_["expected_finds"]
    mean = campaign[campaign["strategy"] == "expected_finds"].groupby("n_measured")["n_found"]
    np.testing.assert_allclose(line.get_ydata(), mean.mean())
    assert line.get_label() == "Expected finds"
    band = display.bands_["expected_finds"].get_paths()[0].vertices
    at_50 = band[band[:, 0] == 50][:, 1]
    np.testing.assert_allclose(at_50.max() - at_50.min(), 2 * mean.sem()[50])


def test_ideal_and_chance_are_bounds_and_mean(campaign):
    display = CampaignDisplay(campaign).plot()
    ideal = display.lines_["ideal"].get_ydata()
    start = campaign[campaign["round"] == 0].groupby("repetition")["n_found"].first()
    assert ideal[0] == start.mean()
    assert ideal[-1] == 30  # 40 are bought, and no more than 30 are there
    for strategy in ALL:
        assert (display.lines_[strategy].get_ydata() <= ideal).all()
    expected = [(start + 10 * i * (30 - start) / 90).mean() for i in range(5)]
    np.testing.assert_allclose(display.lines_["chance"].get_ydata(), expected)


def test_a_single_repetition_has_no_band(campaign):
    display = CampaignDisplay(campaign[campaign["repetition"] == 1]).plot()
    assert not display.bands_


def test_display_from_estimator_on_given_axes(data):
    import matplotlib.pyplot as plt

    X, y = data
    _, ax = plt.subplots()
    display = CampaignDisplay.from_estimator(
        TREES, X, y, strategy="greedy", n_rounds=2, n_repeats=2, random_state=0, ax=ax,
        line_kwargs={"color": "red"},
    )  # fmt: skip
    assert display.ax_ is ax
    assert display.lines_["greedy"].get_color() == "red"
    parameters = {"strategy": "greedy", "n_rounds": 2, "n_repeats": 2, "random_state": 0}
    pd.testing.assert_frame_equal(display.campaign, simulate_campaign(TREES, X, y, **parameters))


def test_display_of_no_campaign(campaign):
    with pytest.raises(ValueError, match=r"lacks the columns \['n_found'\]"):
        CampaignDisplay(campaign.drop(columns="n_found"))
    with pytest.raises(ValueError, match="it has 0 rows"):
        CampaignDisplay(campaign.iloc[:0])
