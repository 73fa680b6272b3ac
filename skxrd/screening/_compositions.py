"""Chemical formulas of users, read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.core import Composition

__all__ = ["composition", "compositions"]


def composition(formula: Any, where: str = "") -> Composition:
    """Read a chemical formula.

    Parameters
    ----------
    formula : str or Composition
        Formula; charges and oxidation states are dropped.
    where : str, default=""
        Place of the formula, such as "row 3", for the error message.

    Returns
    -------
    pymatgen Composition
        Amounts of the elements.

    Raises
    ------
    ValueError
        If the formula cannot be read or is empty.
    """
    from pymatgen.core import Composition

    place = f" ({where})" if where else ""
    if not isinstance(formula, str | Composition):
        raise ValueError(
            f"{formula!r}{place} is no chemical formula: text or a pymatgen Composition is needed, "
            f"got {type(formula).__name__}."
        )
    try:
        found = Composition(formula).element_composition
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{formula!r}{place} is no chemical formula: {error}") from error
    if not found or not found.valid:  # pymatgen takes unknown symbols for dummy species
        raise ValueError(f"{formula!r}{place} is no chemical formula: it holds unknown elements.")
    return found


def compositions(formulas: Iterable[Any]) -> list[Composition]:
    """Read chemical formulas; each text that occurs is parsed once.

    Parameters
    ----------
    formulas : iterable of str or Composition
        Formulas.

    Returns
    -------
    list of pymatgen Composition
        One for each formula; equal texts share one.

    Raises
    ------
    ValueError
        If a formula cannot be read; the message names its row.
    """
    known: dict[str, Composition] = {}
    found = []
    for row, formula in enumerate(formulas):
        if not isinstance(formula, str):
            found.append(composition(formula, f"row {row}"))
            continue
        if formula not in known:
            known[formula] = composition(formula, f"row {row}")
        found.append(known[formula])
    return found
