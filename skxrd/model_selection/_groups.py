"""Groups of compounds that are too alike to sit on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from skxrd._sklearn import HasMethods, Interval, StrOptions, validate_params

__all__ = ["composition_groups"]

Kinship = Literal["chemical_system", "anonymous_formula", "formula", "prototype"]
_KINSHIPS = {"chemical_system", "anonymous_formula", "formula", "prototype"}
# Atomic fractions are computed in floating point, and those of disordered structures from
# occupancies of three or four digits.
_ROUNDING = 1e-9
_SAME_FORMULA = 1e-3


@validate_params(
    {
        "by": [StrOptions(_KINSHIPS), list, tuple],
        "ignore": [list, tuple, set, frozenset],
        "tolerance": [Interval(Real, 0, 1, closed="left")],
        "matcher": [HasMethods("fit_anonymous"), None],
    },
    prefer_skip_nested_validation=True,
)
def composition_groups(
    compounds: Iterable[Any],
    *,
    by: Kinship | Sequence[Kinship] = "chemical_system",
    ignore: Iterable[str] = (),
    tolerance: float = 0.02,
    matcher: Any = None,
) -> NDArray[np.int64]:
    """Find groups of related compounds, for splitters that keep groups together.

    Polymorphs and the members of a substitution series have nearly the same pattern and nearly the
    same property. If they are on both sides of a split, memory passes for insight.

    Parameters
    ----------
    compounds : iterable of str, Composition, dict or Structure
        Formulas such as "Li6PS5Cl", compositions or structures of pymatgen, or dictionaries of
        element to amount, one per row.
    by : {"chemical_system", "anonymous_formula", "formula", "prototype"} or sequence of these, \
            default="chemical_system"
        What makes compounds relatives:

        - ``"chemical_system"``: they consist of the same elements, as La-Li-O-Ti;
        - ``"anonymous_formula"``: they have the same formula but for the names of the elements, as
          Li3PS4 and Na3SbS4;
        - ``"formula"``: their atomic fractions differ by at most `tolerance`, so that a lightly
          doped compound joins its parent;
        - ``"prototype"``: they are structures that pymatgen's `StructureMatcher` maps on each
          other, whatever their elements. Slow: structures of one anonymous formula are compared
          with each other.

        With a sequence, one of these suffices: relatives of relatives are in one group.
    ignore : iterable of str, default=()
        Elements that are left out first, such as ``["Li"]``, except from compounds that would be
        left with none, and from structures that are matched.
    tolerance : float, default=0.02
        Largest difference of an atomic fraction for ``"formula"``, in [0, 1). Chains of small
        differences also form one group.
    matcher : StructureMatcher or None, default=None
        Matcher for ``"prototype"``; None stands for pymatgen's defaults.

    Returns
    -------
    ndarray of int64 of shape (n_compounds,)
        Group of each row, from 0 in order of first appearance.

    Raises
    ------
    ValueError
        If a formula cannot be read, `by` is unknown or empty, or ``"prototype"`` is asked for
        without structures.

    See Also
    --------
    LabeledFold : Wraps splitters such as `GroupKFold`, which take groups.

    Examples
    --------
    >>> from skxrd.model_selection import composition_groups
    >>> formulas = ["Li7La3Zr2O12", "Li6.4La3Zr1.4Ta0.6O12", "Li6PS5Cl", "Li6PS5Br", "Li3PS4"]
    >>> composition_groups(formulas)
    array([0, 1, 2, 3, 4])
    >>> composition_groups(formulas, by="formula", tolerance=0.03)
    array([0, 0, 1, 2, 3])
    >>> composition_groups(formulas, by=["formula", "anonymous_formula"], tolerance=0.03)
    array([0, 0, 1, 1, 2])
    """
    kinships = [by] if isinstance(by, str) else list(by)
    unknown = [kinship for kinship in kinships if kinship not in _KINSHIPS]
    if unknown or not kinships:
        raise ValueError(f"by must be one or more of {sorted(_KINSHIPS)}, got {by!r}.")
    compounds = list(compounds)
    compositions = [_composition(compound, set(ignore)) for compound in compounds]
    pairs: list[tuple[int, int]] = []
    for kinship in kinships:
        if kinship == "chemical_system":
            pairs += _equal([composition.chemical_system for composition in compositions])
        elif kinship == "anonymous_formula":
            pairs += _alike(np.sort(_fractions(compositions)), _SAME_FORMULA)
        elif kinship == "formula":
            pairs += _alike(_fractions(compositions), tolerance)
        else:
            pairs += _matching(compounds, matcher)
    return _components(pairs, len(compounds))


def _composition(compound: Any, ignore: set[str]) -> Any:
    """Composition of elements, whatever their oxidation states."""
    from pymatgen.core import Composition

    composition = getattr(compound, "composition", compound)
    if not isinstance(composition, str | Mapping | Composition):
        raise ValueError(
            "compounds must hold formulas, compositions or structures, got "
            f"{type(compound).__name__}."
        )
    composition = Composition(composition).element_composition
    rest = {
        element: amount for element, amount in composition.items() if element.symbol not in ignore
    }
    return Composition(rest) if rest else composition


def _equal(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pair each row with the first row that has the same key."""
    first: dict[str, int] = {}
    for row, key in enumerate(keys):
        yield first.setdefault(key, row), row


def _fractions(compositions: Sequence[Any]) -> NDArray[np.float64]:
    """Atomic fractions, one column per element that occurs."""
    elements = sorted({element.symbol for each in compositions for element in each})
    return np.array(
        [[each.get_atomic_fraction(symbol) for symbol in elements] for each in compositions]
    ).reshape(len(compositions), len(elements))


def _alike(fractions: NDArray[np.float64], tolerance: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows of which no fraction differs by more than the tolerance."""
    if fractions.size == 0:
        return
    pairs = KDTree(fractions).query_pairs(tolerance + _ROUNDING, p=np.inf, output_type="ndarray")
    yield from pairs.tolist()


def _matching(compounds: Sequence[Any], matcher: Any) -> Iterator[tuple[int, int]]:
    """Pairs of structures that can be mapped on each other, elements exchanged."""
    from pymatgen.core import IStructure
    from pymatgen.core.structure_matcher import StructureMatcher

    strange = [compound for compound in compounds if not isinstance(compound, IStructure)]
    if strange:
        raise ValueError(
            f"by='prototype' needs structures of pymatgen, got {type(strange[0]).__name__}."
        )
    matcher = StructureMatcher() if matcher is None else matcher
    compositions = [_composition(compound, set()) for compound in compounds]
    same_formula = list(_alike(np.sort(_fractions(compositions)), _SAME_FORMULA))
    formulas = _components(same_formula, len(compounds))
    # The first structure of each prototype stands for it: comparing all pairs would take too long.
    prototypes: dict[int, list[int]] = {}
    for row, formula in enumerate(formulas.tolist()):
        known = prototypes.setdefault(formula, [])
        matches = (one for one in known if matcher.fit_anonymous(compounds[one], compounds[row]))
        match = next(matches, None)
        if match is None:
            known.append(row)
        else:
            yield match, row


def _components(pairs: Sequence[tuple[int, int]], n_rows: int) -> NDArray[np.int64]:
    """Give each connected component of a graph of rows its number."""
    if n_rows == 0:
        return np.empty(0, dtype=np.int64)
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_rows, n_rows))
    _, component = connected_components(graph.tocsr(), directed=False)
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
