"""What the formula of a candidate tells a chemist: elements that deserve a look, and prices."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd

from skxrd._sklearn import validate_params
from skxrd.screening._compositions import compositions

if TYPE_CHECKING:
    from pymatgen.core import Composition

__all__ = ["ANIONS", "REDOX_ACTIVE", "TOXIC", "composition_flags"]

# What counts is whether reduction or oxidation leaves something that conducts electrons: such an
# interphase goes on growing. P and S are reduced as well, but to Li3P and Li2S, which stop it.
REDOX_ACTIVE = {
    **dict.fromkeys(
        ("V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Mo"),
        "changes its charge between 1.5 and 5 V: the metal of cathodes (Whittingham 2004)",
    ),
    "Ti": "Ti(IV) is reduced below 1.75 V in LLTO, 2.17 V in LATP (Zhu 2015, Wenzel 2015)",
    "Nb": "Nb(V) is reduced below 1.74 V in LiNbO3 (Zhu 2015)",
    "Ge": "reduced to Li-Ge alloys below 1.71 V in LGPS, 2.70 V in LAGP (Zhu 2015, Wenzel 2016)",
    "Zn": "reduced to the metal below 1.44 V in LISICON (Zhu 2015)",
    "In": "reduced to the metal in Li3InCl6 (Riegger 2021)",
    **dict.fromkeys(
        ("Ga", "As", "Ag", "Cd", "Sn", "Sb", "Au", "Hg", "Tl", "Pb", "Bi"),
        "reduced to a metal that alloys with lithium (Obrovac 2014)",
    ),
    **dict.fromkeys(
        ("Tc", "Ru", "Rh", "Pd", "W", "Re", "Os", "Ir", "Pt"),
        "reduced near the potential of hydrogen or above, 3 V against lithium (Bratsch 1989)",
    ),
    **dict.fromkeys(("Ce", "Eu", "U"), "has two stable charges (Bratsch 1989)"),
}

_CLP = "its compounds as a group are toxic, carcinogenic or toxic for reproduction (CLP)"
TOXIC = {
    **dict.fromkeys(("Cd", "Hg", "Pb"), "restricted in electrical equipment (RoHS)"),
    **dict.fromkeys(("Be", "As", "Se", "Tl", "U"), _CLP),
}

ANIONS = frozenset({"H", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "Te", "I"})

_DTYPES = {
    "contains_transition_metal": bool,
    "contains_redox_active": bool,
    "contains_toxic": bool,
    "contains_radioactive": bool,
    "lacks_anion": bool,
    "lacks_mobile_ion": bool,
    "raw_material_cost": float,
}


@validate_params(
    {"formulas": ["array-like"], "mobile_ion": [str]}, prefer_skip_nested_validation=True
)
def composition_flags(formulas: Iterable[Any], *, mobile_ion: str = "Li") -> pd.DataFrame:
    """Flag elements that make a solid electrolyte doubtful, and estimate what the elements cost.

    A flag is a reason to look, no verdict: it sees elements, not charges. Deuterium and tritium
    count as hydrogen.

    Parameters
    ----------
    formulas : iterable of str of shape (n_compounds,)
        Chemical formulas, also with fractional amounts, or pymatgen Compositions.
    mobile_ion : str, default="Li"
        Symbol of the element whose ion moves.

    Returns
    -------
    DataFrame
        One row per formula, in their order, with a RangeIndex and the columns

        contains_transition_metal : bool
            An element of the groups 3 to 12, without the lanthanides and actinides but for La and
            Ac, as in pymatgen's ``Element.is_transition_metal``. So Zn, Cd and Hg count, and the
            Zr and La of garnets: for what conducts electrons, see the next flag.
        contains_redox_active : bool
            An element that takes up or gives off electrons in the window of a battery and leaves
            something that conducts electrons, so that the reaction goes on [1]_ [2]_: V, Cr, Mn,
            Fe, Co, Ni, Cu and Mo, the metals of cathodes [3]_; Ti [1]_ [4]_ and Nb [1]_;
            Ge [1]_ [2]_, Zn [1]_, In [5]_, and Ga, As, Ag, Cd, Sn, Sb, Au, Hg, Tl, Pb and Bi, which
            are reduced to metals that alloy with lithium [6]_; Tc, Ru, Rh, Pd, W, Re, Os, Ir and
            Pt, and Ce, Eu and U with two charges [7]_. Si and Al form alloys as well, but are a
            backbone of electrolytes and do not count; nor do P and anions.
        contains_toxic : bool
            Cd, Hg or Pb, which RoHS restricts in electrical equipment [8]_, or Be, As, Se, Tl or
            U, whose compounds CLP classifies as a group [9]_. Elements that are toxic in some of
            their compounds or charges only, such as Cr, Ni, Co, V and Ba, do not count.
        contains_radioactive : bool
            An element without stable isotope, as in pymatgen's ``Element.is_radioactive``: Tc, Pm
            and all from Po on. Bi does not count.
        lacks_anion : bool
            None of H, N, O, F, P, S, Cl, Se, Br, Te and I: most likely an alloy.
        lacks_mobile_ion : bool
            No `mobile_ion` in the formula.
        raw_material_cost : float
            Price of the elements in a kilogram of the compound in USD/kg: the sum of mass
            fraction times price of the element, mostly of 2018 to 2020 [10]_. Missing where a
            price is. Good to a factor of a few: prices move, and lithium is bought as carbonate.

    Raises
    ------
    ValueError
        If a formula cannot be read, with its row and text, or if `mobile_ion` is no element.

    References
    ----------
    .. [1] Y. Zhu, X. He, Y. Mo, ACS Appl. Mater. Interfaces 7, 23685 (2015),
       doi:10.1021/acsami.5b07517. Reduction potentials against Li/Li+.
    .. [2] S. Wenzel et al., Chem. Mater. 28, 2400 (2016), doi:10.1021/acs.chemmater.6b00610.
    .. [3] M. S. Whittingham, Chem. Rev. 104, 4271 (2004), doi:10.1021/cr020731c.
    .. [4] S. Wenzel et al., Solid State Ionics 278, 98 (2015), doi:10.1016/j.ssi.2015.06.001.
    .. [5] L. M. Riegger et al., Angew. Chem. 133 (2021), doi:10.1002/ange.202015238.
    .. [6] M. N. Obrovac, V. L. Chevrier, Chem. Rev. 114, 11444 (2014), doi:10.1021/cr500207g.
    .. [7] S. G. Bratsch, J. Phys. Chem. Ref. Data 18, 1 (1989), doi:10.1063/1.555839.
    .. [8] Directive 2011/65/EU (RoHS), Annex II.
    .. [9] Regulation (EC) No 1272/2008 (CLP), Annex VI, Table 3: entries for the compounds of an
       element as a group that are in the categories 1 to 3 of acute toxicity or in category 1 of
       carcinogenicity or reproductive toxicity.
    .. [10] Wikipedia, "Prices of chemical elements", means of the ranges given there, taken from
       https://github.com/energy-storage-analysis/LDES-Survey, commit 024a456,
       datasets/wiki_element_cost/output/process.csv.

    Examples
    --------
    >>> from skxrd.screening import composition_flags
    >>> flags = composition_flags(["Li10GeP2S12", "Li6PS5Cl", "LiZn"])
    >>> flags["contains_redox_active"].tolist()
    [True, False, True]
    >>> flags["lacks_anion"].tolist()
    [False, False, True]
    >>> flags["raw_material_cost"].round().tolist()
    [129.0, 13.0, 10.0]
    """
    from pymatgen.core import Element

    if not Element.is_valid_symbol(mobile_ion):
        raise ValueError(f"mobile_ion must be the symbol of an element, got {mobile_ion!r}.")
    formulas = list(formulas)
    parsed = dict(zip(formulas, compositions(formulas), strict=True))
    facts = {formula: _facts(found, mobile_ion) for formula, found in parsed.items()}
    rows = [facts[formula] for formula in formulas]
    return pd.DataFrame(rows, columns=list(_DTYPES)).astype(_DTYPES)


def _facts(composition: Composition, mobile_ion: str) -> tuple[Any, ...]:
    symbols = {element.symbol for element in composition}
    return (
        any(element.is_transition_metal for element in composition),
        not symbols.isdisjoint(REDOX_ACTIVE),
        not symbols.isdisjoint(TOXIC),
        any(element.is_radioactive for element in composition),
        symbols.isdisjoint(ANIONS),
        mobile_ion not in symbols,
        _cost(composition),
    )


def _cost(composition: Composition) -> float:
    prices = _element_prices()
    masses = {element: element.atomic_mass * amount for element, amount in composition.items()}
    costs = [mass * prices.get(element.symbol, float("nan")) for element, mass in masses.items()]
    return float(sum(costs) / sum(masses.values()))


@lru_cache
def _element_prices() -> dict[str, float]:
    """Price of each element in USD/kg."""
    path = files("skxrd.screening").joinpath("data", "element_prices.csv")
    with path.open(encoding="utf-8") as file:
        table = pd.read_csv(file)
    return dict(zip(table["element"], table["usd_per_kg"], strict=True))
