"""How often elements, numbers of elements and anions occur in chemical formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from scipy.stats import binomtest

from skxrd._sklearn import StrOptions, validate_params
from skxrd.screening._compositions import compositions

if TYPE_CHECKING:
    from pymatgen.core import Composition

__all__ = ["COMPARED", "TITLES", "Key", "element_statistics"]

Key = Literal["element", "n_elements", "anion"]

TITLES: dict[Key, str] = {
    "element": "Element",
    "n_elements": "Number of elements",
    "anion": "Most abundant anion",
}
_ANIONS = ("F", "O", "Cl", "N", "Br", "I", "S", "Se", "Te")  # the most electronegative first
_COLUMNS = ["n_compounds", "share", "share_low", "share_high"]
COMPARED = [*_COLUMNS, *(f"other_{column}" for column in _COLUMNS), "enrichment"]


@validate_params(
    {
        "formulas": ["array-like"],
        "other": [None, "array-like"],
        "by": [StrOptions(set(TITLES))],
    },
    prefer_skip_nested_validation=True,
)
def element_statistics(
    formulas: Sequence[str], other: Sequence[str] | None = None, *, by: Key = "element"
) -> pd.DataFrame:
    r"""Count the compounds that contain each element, with the interval of their share.

    A compound counts once for each of its elements, whatever the amounts.

    Parameters
    ----------
    formulas : sequence of str of shape (n_compounds,)
        Chemical formulas, such as all those that were screened. Deuterium counts as H.
    other : sequence of str of shape (n_other,), default=None
        Formulas to be compared with them, such as those of the predicted candidates.
    by : {"element", "n_elements", "anion"}, default="element"
        What is counted:

        - ``"element"``: compounds that contain an element;
        - ``"n_elements"``: compounds of so many elements, 2 for binary ones;
        - ``"anion"``: compounds by the most abundant of F, O, Cl, N, Br, I, S, Se and Te, and the
          first in this list of equally abundant ones: Li6PS5Cl counts for S, Li2SO4 for O.
          Compounds without any of them count for H if they hold hydrogen, else for "none".

    Returns
    -------
    DataFrame
        One row for each element (number of elements, anion) that occurs, the most frequent among
        `formulas` first; numbers of elements ascend. Columns "n_compounds" (number of compounds),
        "share" (their part of all `formulas`, 0 to 1), "share_low" and "share_high" (Wilson's 95 %
        interval for it, as if the compounds were a random sample: families of related compounds
        are less than that, so that the true uncertainty is larger). With `other`, the same four
        with the prefix "other\_", and "enrichment": "other_share" divided by "share", infinite for
        what `formulas` lacks.

    Raises
    ------
    ValueError
        If a formula cannot be read, or there are none.

    See Also
    --------
    ElementStatisticsDisplay : Draws these tables.
    PeriodicTableDisplay : Draws a column on the periodic table.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figure S1.

    E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212.

    Examples
    --------
    >>> from skxrd.screening import element_statistics
    >>> pool = ["Li2O", "Li2S", "LiCl", "Li3PS4", "LiCoO2"]
    >>> table = element_statistics(pool, ["Li2S", "Li3PS4"])
    >>> table.loc[["Li", "S"], ["n_compounds", "share", "other_share", "enrichment"]]
             n_compounds  share  other_share  enrichment
    element
    Li                 5    1.0          1.0         1.0
    S                  2    0.4          1.0         2.5
    >>> element_statistics(pool, by="n_elements")["n_compounds"].to_dict()
    {2: 3, 3: 2}
    """
    sets = {"": _keys(formulas, by, "formulas")}
    if other is not None:
        sets["other_"] = _keys(other, by, "other")
    found = {key for keys in sets.values() for compound in keys for key in compound}
    index = pd.Index(sorted(found), name=by)
    parts = []
    for prefix, keys in sets.items():
        counts = Counter(key for compound in keys for key in compound)
        rows = [_row(counts[key], len(keys)) for key in index]
        parts.append(pd.DataFrame(rows, index, _COLUMNS).add_prefix(prefix))
    table = pd.concat(parts, axis=1)
    if other is not None:
        table["enrichment"] = table["other_share"] / table["share"]
    if by == "n_elements":
        return table
    return table.sort_values("n_compounds", ascending=False, kind="stable")


def _keys(formulas: Iterable[Any], by: Key, name: str) -> list[list[Any]]:
    """Return what each compound counts for."""
    found = compositions(formulas)
    if not found:
        raise ValueError(f"{name} must hold at least one formula, got none.")
    if by == "element":
        return [[element.symbol for element in composition] for composition in found]
    if by == "n_elements":
        return [[len(composition)] for composition in found]
    return [[_anion(composition)] for composition in found]


def _anion(composition: Composition) -> str:
    amounts = composition.get_el_amt_dict()
    anions = [symbol for symbol in _ANIONS if symbol in amounts]
    if anions:
        return max(anions, key=lambda symbol: amounts[symbol])  # the first of equal ones
    return "H" if "H" in amounts else "none"


def _row(count: int, total: int) -> list[float]:
    """Count, share and its interval."""
    interval = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return [count, count / total, interval.low, interval.high]
