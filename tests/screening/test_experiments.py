import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from skxrd.screening import suggest_experiments
from skxrd.screening._acquisition import expected_finds
from skxrd.screening._experiments import STRATEGIES

PROBABILITY = [0.9, 0.85, 0.55, 0.5, 0.1]
TABLE = pd.DataFrame(
    {"id": list("abcde"), "mean_probability": PROBABILITY},
    index=pd.RangeIndex(1, 6, name="rank"),
)
# b is almost a, d is c, e stands alone
SIMILARITY = np.array(
    [
        [1.0, 0.9, 0.1, 0.1, 0.0],
        [0.9, 1.0, 0.1, 0.1, 0.0],
        [0.1, 0.1, 1.0, 1.0, 0.0],
        [0.1, 0.1, 1.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)


def arguments(strategy):
    """What a strategy needs beside the table."""
    more = {}
    if strategy in ("diversity", "expected_finds"):
        more["similarity"] = SIMILARITY
    if strategy == "expected_improvement":
        more["best_value"] = 0.0
    return more


def full_table():
    return TABLE.assign(predicted_value=[3.0, 2.0, 1.0, 0.0, -1.0], predicted_std=1.0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_of_the_table_in_order_with_score_and_reason(strategy):
    table = full_table()
    before = table.copy(deep=True)
    chosen = suggest_experiments(table, 3, strategy=strategy, random_state=0, **arguments(strategy))
    pd.testing.assert_frame_equal(table, before)
    assert chosen.columns.tolist() == [*table.columns, "score", "reason"]
    assert chosen["id"].is_unique
    assert chosen.index.name == "rank"
    pd.testing.assert_frame_equal(chosen[table.columns], table.loc[chosen.index])
    assert np.isfinite(chosen["score"]).all()
    assert chosen["reason"].str.len().min() > 5
    again = suggest_experiments(table, 3, strategy=strategy, random_state=0, **arguments(strategy))
    pd.testing.assert_frame_equal(chosen, again)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_can_be_suggested(strategy):
    chosen = suggest_experiments(
        full_table(), 5, strategy=strategy, random_state=0, **arguments(strategy)
    )
    assert sorted(chosen["id"]) == list("abcde")


def test_greedy():
    table = TABLE.iloc[::-1]
    chosen = suggest_experiments(table, 3, strategy="greedy")
    assert chosen["id"].tolist() == ["a", "b", "c"]
    assert chosen["score"].tolist() == PROBABILITY[:3]


def test_greedy_is_the_default_and_ties_keep_the_order():
    table = pd.DataFrame({"id": range(100), "mean_probability": 0.5})
    assert suggest_experiments(table, 7)["id"].tolist() == list(range(7))


def test_uncertainty_is_the_entropy_in_bits():
    chosen = suggest_experiments(TABLE, 5, strategy="uncertainty")
    assert chosen["id"].tolist() == ["d", "c", "b", "a", "e"]
    p = chosen["mean_probability"].to_numpy()
    np.testing.assert_allclose(chosen["score"], -p * np.log2(p) - (1 - p) * np.log2(1 - p))
    assert chosen["score"].iloc[0] == 1


def test_uncertainty_of_certain_rows_is_zero():
    table = TABLE.assign(mean_probability=[0.0, 1.0, 0.2, 0.0, 1.0])
    chosen = suggest_experiments(table, 5, strategy="uncertainty")
    assert chosen["score"].tolist()[1:] == [0, 0, 0, 0]


def test_diversity_passes_over_what_is_almost_the_same():
    chosen = suggest_experiments(TABLE, 5, strategy="diversity", similarity=SIMILARITY)
    # then b at 0.85 * 0.1 before e at 0.1 * 1 would be wrong
    assert chosen["id"].tolist() == ["a", "c", "e", "b", "d"]
    np.testing.assert_allclose(chosen["score"], [0.9, 0.55 * 0.9, 0.1, 0.085, 0.0])
    assert chosen["reason"].iloc[1] == "probability 0.55, distance 0.90 to the nearest above"


def test_diversity_of_identical_patterns_goes_by_probability():
    table = TABLE.assign(mean_probability=[0.3, 0.9, 0.5, 0.7, 0.1])
    chosen = suggest_experiments(table, 5, strategy="diversity", X=np.ones((5, 3)))
    assert chosen["id"].tolist() == ["b", "d", "c", "a", "e"]


def test_ten_copies_are_suggested_once():
    X = np.vstack([np.tile([1.0, 0.0, 0.0], (10, 1)), np.eye(3)[1:]])
    table = pd.DataFrame({"id": range(12), "mean_probability": [0.9] * 10 + [0.4, 0.3]})
    chosen = suggest_experiments(table, 3, strategy="diversity", X=X)
    assert chosen["id"].tolist() == [0, 10, 11]


def brute_force_finds(probability, similarity, budget):
    """Score of the first choice, one candidate and one label at a time."""
    n = len(probability)
    scores = []
    for i in range(n):
        expected = probability[i]
        for label, weight in ((1, probability[i]), (0, 1 - probability[i])):
            after = []
            for j in range(n):
                if j == i:
                    continue
                others = [k for k in range(n) if k != j]
                nearest = sorted(others, key=lambda k: -similarity[k, j])[:10]
                s = similarity[i, j] if i in nearest else 0.0
                after.append((probability[j] + s * label) / (1 + s))
            expected += weight * sum(sorted(after, reverse=True)[: budget - 1])
        scores.append(expected)
    return np.array(scores)


@pytest.mark.parametrize("budget", [1, 2, 6, 40])
def test_expected_finds_against_brute_force(rng, budget):
    probability = rng.random(20)
    similarity = rng.random((20, 20))
    similarity = (similarity + similarity.T) / 2
    rows, scores = expected_finds(probability, similarity, 1, budget)
    expected = brute_force_finds(probability, similarity, budget)
    assert rows[0] == expected.argmax()
    np.testing.assert_allclose(scores[0], expected.max())


def test_expected_finds_with_nothing_to_follow_is_greedy():
    chosen = suggest_experiments(
        TABLE, 1, strategy="expected_finds", similarity=SIMILARITY, budget=1
    )
    assert chosen["id"].tolist() == ["a"]
    assert chosen["score"].tolist() == [0.9]


def test_expected_finds_prefers_the_middle_of_a_family_if_the_budget_allows():
    # 0 is a little more probable and alone, 1 to 8 are one family: one label tells of all
    similarity = np.eye(9)
    similarity[1:, 1:] = 1.0
    table = pd.DataFrame({"id": range(9), "mean_probability": [0.52] + [0.5] * 8})
    one, many = (
        suggest_experiments(
            table, 1, strategy="expected_finds", similarity=similarity, budget=budget
        )
        for budget in (1, 3)
    )
    assert one["id"].tolist() == [0]
    assert many["id"].tolist() == [1]


def test_expected_finds_takes_what_it_has_chosen_for_negative():
    similarity = np.eye(4)
    similarity[:2, :2] = 0.9
    table = pd.DataFrame({"id": range(4), "mean_probability": [0.8, 0.75, 0.5, 0.2]})
    chosen = suggest_experiments(table, 2, strategy="expected_finds", similarity=similarity)
    # 0.75 / (1 + 0.9) = 0.39 is less than 0.5
    assert chosen["id"].tolist() == [0, 2]
    np.testing.assert_allclose(chosen["score"].iloc[1], 0.5)


def test_expected_improvement():
    mean, std, best = np.array([1.0, 0.5, 0.9, 2.0]), np.array([0.1, 2.0, 0.0, 0.0]), 1.2
    table = pd.DataFrame({"id": list("abcd"), "predicted_value": mean, "predicted_std": std})
    chosen = suggest_experiments(table, 4, strategy="expected_improvement", best_value=best)
    draws = norm.rvs(size=(200_000, 2), random_state=0) * std[:2] + mean[:2]
    expected = dict(zip("ab", np.maximum(draws - best, 0).mean(axis=0), strict=True))
    expected |= {"c": 0.0, "d": 0.8}  # without spread: known exactly
    found = chosen.set_index("id")["score"]
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.01)
    assert chosen["id"].tolist() == ["d", "b", "a", "c"]


def test_random_state():
    table = pd.DataFrame({"id": range(1000)})  # no column is needed
    chosen = [
        suggest_experiments(table, 20, strategy="random", random_state=seed)["id"].tolist()
        for seed in (0, 0, 1)
    ]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 20


def test_the_global_generator_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    suggest_experiments(TABLE, 2, strategy="random", random_state=3)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA, -1])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_known_labels_are_passed_over(strategy, unknown):
    label = pd.Series([1, unknown, 0, unknown, unknown], dtype=object, index=TABLE.index)
    chosen = suggest_experiments(
        full_table().assign(label=label),
        3,
        strategy=strategy,
        random_state=0,
        **arguments(strategy),
    )
    assert sorted(chosen["id"]) == ["b", "d", "e"]


def test_x_belongs_to_the_rows_of_the_whole_table():
    X = np.array([[1, 0], [1, 0], [1, 0.1], [0, 1], [1, 0.2]], dtype=float)
    label = pd.Series([1, pd.NA, pd.NA, pd.NA, pd.NA], dtype="Int64", index=TABLE.index)
    chosen = suggest_experiments(TABLE.assign(label=label), 2, strategy="diversity", X=X)
    assert chosen["id"].tolist() == ["b", "d"]


def test_cosine_of_x():
    X = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    table = TABLE.iloc[:3]
    by_x = suggest_experiments(table, 3, strategy="diversity", X=X)
    cosine = np.array([[1, 0.5**0.5, 0], [0.5**0.5, 1, 0.5**0.5], [0, 0.5**0.5, 1]])
    by_similarity = suggest_experiments(table, 3, strategy="diversity", similarity=cosine)
    assert by_x["id"].tolist() == by_similarity["id"].tolist()
    np.testing.assert_allclose(by_x["score"], by_similarity["score"])


def test_negative_similarity_counts_as_none():
    signed = np.where(np.eye(5) == 1, 1.0, -0.5)
    by_signed = suggest_experiments(TABLE, 3, strategy="expected_finds", similarity=signed)
    by_none = suggest_experiments(TABLE, 3, strategy="expected_finds", similarity=np.eye(5))
    pd.testing.assert_frame_equal(by_signed, by_none)


@pytest.mark.parametrize("strategy", ["diversity", "expected_finds"])
def test_many_candidates_are_compared_in_bounded_memory(rng, tmp_path, strategy):
    X = np.lib.format.open_memmap(
        tmp_path / "X.npy", mode="w+", dtype=np.float32, shape=(30_000, 8)
    )
    X[:] = rng.random(X.shape)
    table = pd.DataFrame({"id": range(len(X)), "mean_probability": rng.random(len(X))})
    chosen = suggest_experiments(table, 5, strategy=strategy, X=X)
    assert chosen["mean_probability"].min() > 0.95  # of the 1,000 most probable


@pytest.mark.parametrize(
    ("change", "more", "match"),
    [
        ({}, {"n": 6}, r"n=6 candidates are asked for, but only 5 of the 5 rows"),
        ({"label": [1, 0, 1, 0, None]}, {"n": 2}, "only 1 of the 5 rows of candidates have no"),
        ({"id": list("abcca")}, {}, r"found more than once: \['c', 'a'\]"),
        ({"mean_probability": [0.5, np.nan, 1, 1, 1]}, {}, "1 rows do not, the first is row 1"),
        ({"mean_probability": [0.5, 1, 1, 1, 1.2]}, {}, "from 0 to 1; .* row 4 with 1.2"),
        ({"score": 1.0}, {}, r"columns \['score'\].* rename them"),
        ({}, {"strategy": "diversity"}, "either X or similarity, got none"),
        (
            {},
            {"strategy": "diversity", "X": np.ones((5, 2)), "similarity": SIMILARITY},
            "either X or similarity, got both",
        ),
        ({}, {"strategy": "diversity", "X": np.ones((4, 2))}, r"X must have shape \(5, n_points\)"),
        ({}, {"strategy": "diversity", "X": np.ones(5)}, r"X must have shape .* got \(5,\)"),
        ({}, {"strategy": "diversity", "X": np.full((5, 2), np.nan)}, "X contains NaN"),
        (
            {},
            {"strategy": "expected_finds", "similarity": np.ones((5, 4))},
            r"similarity must have shape \(5, 5\) .* got \(5, 4\)",
        ),
        (
            {},
            {"strategy": "expected_finds", "similarity": SIMILARITY * np.nan},
            "similarity contains NaN",
        ),
        (
            {},
            {"strategy": "expected_finds", "similarity": SIMILARITY * 3},
            "similarity must not exceed 1, found 3",
        ),
        ({}, {"budget": 1}, "budget=1 must cover the n=2 candidates"),
        ({}, {"strategy": "expected_improvement"}, "lacks .*'predicted_value', 'predicted_std'"),
        (
            {"predicted_value": 1.0, "predicted_std": 1.0},
            {"strategy": "expected_improvement"},
            "needs best_value",
        ),
        (
            {"predicted_value": 1.0, "predicted_std": -1.0},
            {"strategy": "expected_improvement", "best_value": 1.0},
            "'predicted_std' of candidates must hold finite numbers from 0",
        ),
        ({}, {"strategy": "best"}, "'strategy' parameter"),
        ({}, {"n": 0}, "'n' parameter"),
    ],
)
def test_bad_input(change, more, match):
    table = TABLE.assign(**change)
    with pytest.raises(ValueError, match=match):
        suggest_experiments(table, **{"n": 2, **more})


def test_a_missing_column():
    with pytest.raises(ValueError, match=r"lacks \['mean_probability'\]"):
        suggest_experiments(TABLE[["id"]], 2)


def test_an_empty_table():
    with pytest.raises(ValueError, match="only 0 of the 0 rows"):
        suggest_experiments(TABLE.iloc[:0], 1)
