import numpy as np
import pandas as pd
import pytest

from skxrd.screening import CandidateFilter, ElementFilter

CANDIDATES = pd.DataFrame(
    {
        "formula": ["Li3PS4", "LiFePO4", "Li3N", "LiCoO2"],
        "output_frequency": [9, 8, 3, 8],
        "e_above_hull": [0.01, 0.2, np.nan, 0.0],
        "contains_toxic": [False, False, False, True],
        "label": pd.array([1, None, 1, 0], dtype="Int64"),
    },
    index=pd.RangeIndex(1, 5, name="rank"),
)
VOTED = CandidateFilter("output_frequency", minimum=8)
STABLE = CandidateFilter("e_above_hull", maximum=0.05)


def formulas(rule):
    return rule.apply(CANDIDATES)["formula"].tolist()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (VOTED, ["Li3PS4", "LiFePO4", "LiCoO2"]),
        (CandidateFilter("output_frequency", minimum=3, maximum=8), ["LiFePO4", "Li3N", "LiCoO2"]),
        (STABLE, ["Li3PS4", "LiCoO2"]),
        (
            CandidateFilter("e_above_hull", maximum=0.05, missing="keep"),
            ["Li3PS4", "Li3N", "LiCoO2"],
        ),
        (~STABLE, ["LiFePO4", "Li3N"]),
        (CandidateFilter("contains_toxic"), ["LiCoO2"]),
        (CandidateFilter("label", one_of=[1]), ["Li3PS4", "Li3N"]),
        (CandidateFilter("label", one_of=[1], missing="keep"), ["Li3PS4", "LiFePO4", "Li3N"]),
        (ElementFilter(["Fe", "Co"]), ["LiFePO4", "LiCoO2"]),
        (ElementFilter("Fe"), ["LiFePO4"]),
        (ElementFilter(["P", "S"], require="all"), ["Li3PS4"]),
        (VOTED & STABLE, ["Li3PS4", "LiCoO2"]),
        (VOTED & ~CandidateFilter("contains_toxic"), ["Li3PS4", "LiFePO4"]),
        (STABLE | ElementFilter("N"), ["Li3PS4", "Li3N", "LiCoO2"]),
    ],
    ids=str,
)
def test_rules(rule, expected):
    assert formulas(rule) == expected


def test_ranks_and_columns_stay():
    before = CANDIDATES.copy()
    left = (~ElementFilter("Fe")).apply(CANDIDATES)
    assert left.index.tolist() == [1, 3, 4]
    assert left.columns.tolist() == CANDIDATES.columns.tolist()
    pd.testing.assert_frame_equal(CANDIDATES, before)


def test_text_tells_the_rule():
    rule = VOTED & (STABLE | ~ElementFilter(["S", "O"])) & CandidateFilter("label", one_of=[1, 0])
    assert str(rule) == (
        "output_frequency >= 8 and (e_above_hull <= 0.05 or not any of O, S) and label in 1, 0"
    )
    between = CandidateFilter("novelty", minimum=0.1, maximum=0.2)
    assert str(~between) == "not (novelty >= 0.1 and novelty <= 0.2)"
    assert str(~(VOTED & STABLE)) == "not (output_frequency >= 8 and e_above_hull <= 0.05)"


def test_funnel_counts_part_by_part():
    funnel = (VOTED & STABLE & ~ElementFilter("Co")).funnel(CANDIDATES)
    assert funnel["rule"].tolist() == [
        "output_frequency >= 8",
        "e_above_hull <= 0.05",
        "not any of Co",
    ]
    assert funnel["n_meeting"].tolist() == [3, 2, 3]
    assert funnel["n_left"].tolist() == [3, 2, 1]


def test_values_that_can_be_read_once_serve_twice():
    rule = CandidateFilter("output_frequency", one_of=iter([9]))
    assert formulas(rule) == formulas(rule) == ["Li3PS4"]


def test_a_text_is_one_value():
    assert formulas(CandidateFilter("formula", one_of="Li3N")) == ["Li3N"]


def test_empty_table():
    assert (VOTED & ElementFilter("P")).apply(CANDIDATES.iloc[:0]).empty


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CandidateFilter("a", missing="both"), "missing must be 'drop' or 'keep'"),
        (lambda: CandidateFilter("a", minimum=2, maximum=1), "No value of 'a' is at least"),
        (lambda: CandidateFilter("a", minimum=2, one_of=[1]), "one_of names the values"),
        (lambda: CandidateFilter("a", maximum=float("nan")), "limits of 'a' must be numbers"),
        (lambda: ElementFilter(["Li", "Xx"]), "symbols of elements; found 'Xx'"),
        (lambda: ElementFilter([]), "symbols of elements; found none"),
        (lambda: ElementFilter("Li", require="some"), "require must be 'any' or 'all'"),
    ],
)
def test_bad_rules(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_missing_column_and_bad_formula():
    with pytest.raises(ValueError, match="has no column 'novelty'; it has 'formula'"):
        CandidateFilter("novelty", maximum=0.5).apply(CANDIDATES)
    with pytest.raises(ValueError, match="'hello' is no chemical formula"):
        ElementFilter("Li").apply(pd.DataFrame({"formula": ["LiCl", "hello"]}))


def test_only_rules_are_joined():
    with pytest.raises(TypeError, match="unsupported operand"):
        VOTED & True
