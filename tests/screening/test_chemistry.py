import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Element

from skxrd.screening import column_descriptions, composition_flags
from skxrd.screening._chemistry import ANIONS, REDOX_ACTIVE, TOXIC, _element_prices

GUIDE = Path(__file__).parents[2] / "docs" / "user_guide" / "candidate_facts.md"
FLAGS = [
    "contains_transition_metal",
    "contains_redox_active",
    "contains_toxic",
    "contains_radioactive",
    "lacks_anion",
    "lacks_mobile_ion",
]


def raised(formula: str, **options) -> set[str]:
    row = composition_flags([formula], **options).iloc[0]
    return {name for name in FLAGS if row[name]}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("Li6PS5Cl", set()),
        ("Li7La3Zr2O12", {"contains_transition_metal"}),  # group 4, but not reduced
        ("Li10GeP2S12", {"contains_redox_active"}),
        ("Li10SiP2S12", set()),
        ("Li0.33La0.557TiO3", {"contains_transition_metal", "contains_redox_active"}),
        ("Li2ZnCl4", {"contains_transition_metal", "contains_redox_active"}),  # group 12 counts
        ("LiFePO4", {"contains_transition_metal", "contains_redox_active"}),
        ("Li3InCl6", {"contains_redox_active"}),
        ("Li3PSe4", {"contains_toxic"}),
        ("LiBeF3", {"contains_toxic"}),
        ("LiPbI3", {"contains_redox_active", "contains_toxic"}),
        ("LiBiO2", {"contains_redox_active"}),  # Bi decays too slowly to count
        ("LiPmO2", {"contains_radioactive"}),
        ("Li4UO5", {"contains_redox_active", "contains_toxic", "contains_radioactive"}),
        (
            "GeLi1.08Zn0.92",  # from Table S2 of the paper
            {"contains_transition_metal", "contains_redox_active", "lacks_anion"},
        ),
        ("Na3PS4", {"lacks_mobile_ion"}),
        ("LiD", set()),  # deuterium is hydrogen, and that is an anion here
        ("LiBH4", set()),
        ("Li3P", set()),
        ("LiAl", {"lacks_anion"}),
    ],
)
def test_flags(formula, expected):
    assert raised(formula) == expected


def test_mobile_ion_can_be_another():
    assert raised("Na3PS4", mobile_ion="Na") == set()
    assert raised("Li3PS4", mobile_ion="Na") == {"lacks_mobile_ion"}


def test_one_row_per_formula_in_their_order():
    formulas = pd.Series(["LiAl", "Li3P", "LiAl"], index=[7, 3, 7])
    table = composition_flags(formulas)
    assert table.index.equals(pd.RangeIndex(3))
    assert table["lacks_anion"].tolist() == [True, False, True]


def test_no_formulas_give_a_typed_empty_table():
    pd.testing.assert_frame_equal(composition_flags([]), composition_flags(["Li3P"]).iloc[:0])


def test_columns_are_those_of_the_table_of_candidates():
    described = column_descriptions().set_index("column")
    table = composition_flags(["Li3P"])
    assert table.columns.tolist() == [*FLAGS, "raw_material_cost"]
    assert table.dtypes.astype(str).tolist() == described.loc[table.columns, "dtype"].tolist()


def test_compositions_and_charges_are_taken():
    table = composition_flags([Composition({"Li+": 1, "Cl-": 1}), "LiCl"])
    assert table.iloc[0].equals(table.iloc[1])


@pytest.mark.parametrize(
    "formula", ["LiXx", "abc", "", "Li1-xFeO2", "Li-2O", None, np.nan, ["Li"], {"Li": 1}]
)
def test_what_is_no_formula_is_named_with_its_row(formula):
    match = re.escape(f"{formula!r} (row 1)")
    with pytest.raises(ValueError, match=match):
        composition_flags(["Li3P", formula])


@pytest.mark.parametrize("mobile_ion", ["", "Li+", "Xx"])
def test_mobile_ion_must_be_an_element(mobile_ion):
    with pytest.raises(ValueError, match="mobile_ion must be the symbol of an element"):
        composition_flags(["Li3P"], mobile_ion=mobile_ion)


def test_cost_is_the_mean_price_by_mass():
    mass = {symbol: Element(symbol).atomic_mass for symbol in ("Li", "F")}
    expected = (83.5 * mass["Li"] + 2.0 * mass["F"]) / (mass["Li"] + mass["F"])
    cost = composition_flags(["LiF", "Li2F2", "Li"])["raw_material_cost"]
    assert cost.tolist() == pytest.approx([expected, expected, 83.5])


def test_cost_is_missing_where_a_price_is():
    cost = composition_flags(["LiF", "LiPmO2"])["raw_material_cost"]
    assert cost.isna().tolist() == [False, True]


def test_tables_hold_elements():
    prices = _element_prices()
    for symbols in (REDOX_ACTIVE, TOXIC, ANIONS, prices):
        assert all(Element.is_valid_symbol(symbol) for symbol in symbols)
    assert all(price > 0 for price in prices.values())
    assert {"Li", "Na", "La", "Zr", "P", "S", "Cl", "O"} <= set(prices)
    assert not any(Element(symbol).is_radioactive for symbol in prices)
    assert not set(REDOX_ACTIVE) & ANIONS


def test_user_guide_lists_the_same_elements():
    if not GUIDE.is_file():
        pytest.skip("a source distribution comes without docs")
    cells = [line.split("|")[1:3] for line in GUIDE.read_text(encoding="utf-8").splitlines()
             if line.startswith("| ")]  # fmt: skip
    listed = {"redox": set(), "toxic": set()}
    for flag, elements in cells:
        if flag.strip() in listed:
            listed[flag.strip()] |= set(re.findall(r"\b[A-Z][a-z]?\b", elements))
    assert listed == {"redox": set(REDOX_ACTIVE), "toxic": set(TOXIC)}
