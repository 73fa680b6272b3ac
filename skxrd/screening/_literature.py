"""Known labels of candidates: matched by id, by structure, and by composition."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skxrd._labels import labeled_mask
from skxrd._sklearn import HasMethods, Interval, validate_params
from skxrd.exceptions import PatternWarning
from skxrd.screening._compositions import composition
from skxrd.screening._given_structures import GivenStructures, default_fit
from skxrd.screening._structures import is_missing

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.core.structure_matcher import StructureMatcher

__all__ = ["match_labels"]


@validate_params(
    {
        "candidates": [pd.DataFrame],
        "known": [pd.DataFrame],
        "structures": "no_validation",
        "known_structures": "no_validation",
        "matcher": [HasMethods("fit"), None],
        "tolerance": [Interval(Real, 0, 1, closed="left")],
        "composition_only": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def match_labels(
    candidates: pd.DataFrame,
    known: pd.DataFrame,
    *,
    structures: Sequence[Any] | Mapping[str, Any] | None = None,
    known_structures: Sequence[Any] | Mapping[str, Any] | None = None,
    matcher: StructureMatcher | None = None,
    tolerance: float = 0.002,
    composition_only: bool = False,
) -> pd.DataFrame:
    """Look up candidates in a table of known compounds.

    The rules, of which the first that finds something decides:

    1. "id": the known compound has the same id.
    2. "structure": the atomic fractions of the elements agree within `tolerance`, and `matcher`
       maps the structures on each other.
    3. "composition": the atomic fractions agree, and at least one of the two structures is not
       given, or `composition_only` is True.

    Where the compounds that a rule finds have different labels, as polymorphs and repeated
    measurements may, the label is missing and `label_match` is "conflict".

    Parameters
    ----------
    candidates : DataFrame of shape (n_candidates, n_columns)
        Columns "id" (unique) and "formula". A missing or empty formula is matched by id only.
    known : DataFrame of shape (n_known, n_columns)
        Columns "id", "formula", "label" and, if there are any, "reference" (where the label comes
        from). Rows without a label (-1, None, NaN) are left out.
    structures : sequence or dict, default=None
        Structures of the candidates as `read_structure` takes them, one per row with None where
        there is none, or a dictionary of id to structure. Only those are read whose composition
        is known.
    known_structures : sequence or dict, default=None
        Structures of the known compounds, likewise.
    matcher : StructureMatcher or None, default=None
        Compares two structures by its method ``fit``. None stands for pymatgen's
        ``StructureMatcher`` [1]_ with its default tolerances (lengths 0.2, sites 0.3, angles 5
        degrees; volumes are scaled, cells are made primitive) and occupancies that may differ by
        0.05 of each element on each site. See Notes.
    tolerance : float, default=0.002
        Largest difference of an atomic fraction, in [0, 1). It takes rounded occupancies for the
        same compound, but tells Li6.4La3Zr1.4Ta0.6O12 from Li6.5La3Zr1.5Ta0.5O12.
    composition_only : bool, default=False
        Whether the composition is enough where both structures are given and do not match.

    Returns
    -------
    DataFrame of shape (n_candidates, 3)
        The index is that of `candidates`. Columns

        label : Int64 if all known labels are whole numbers, else object
            The known label, missing where there is none.
        label_source : string
            Id of the known compound and its reference in parentheses, of all if several agree;
            with their labels if they conflict.
        label_match : string
            "id", "structure", "composition" or "conflict".

    Raises
    ------
    ValueError
        If a column is missing, an id is missing or occurs twice among the candidates, an id of
        `known` has two labels, a formula cannot be read, or structures fit no row.

    Warns
    -----
    PatternWarning
        If structures cannot be read; they count as not given.

    Notes
    -----
    pymatgen's own comparators ask for equal occupancies. Structures with different numbers of
    sites never match, so an ordered model does not match a disordered refinement, nor do two
    refinements that split the lithium sites differently. ``StructureMatcher(
    ignored_species=["Li"])`` compares the rest; but then compounds match that differ in the order
    of lithium only, such as tetragonal and cubic Li7La3Zr2O12, of which only the cubic one
    conducts well.

    References
    ----------
    .. [1] S. P. Ong et al., Computational Materials Science 68, 314 (2013),
       doi:10.1016/j.commatsci.2012.10.028.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.screening import match_labels
    >>> candidates = pd.DataFrame({"id": ["a", "b", "c"], "formula": ["Li3N", "Li6PS5Cl", "LiF"]})
    >>> known = pd.DataFrame(
    ...     {"id": ["a", "k1"], "formula": ["Li3N", "Li12P2S10Cl2"], "label": [1, 1]}
    ... )
    >>> print(match_labels(candidates, known))
       label label_source  label_match
    0      1            a           id
    1      1           k1  composition
    2   <NA>         <NA>         <NA>
    """
    _check_columns(candidates, "candidates", ["id", "formula"])
    _check_columns(known, "known", ["id", "formula", "label"])
    ids = _ids(candidates, "candidates")
    known_ids = _ids(known, "known")
    _check_unique(ids)
    is_default = matcher is None
    fit = default_fit() if matcher is None else matcher.fit
    candidate_structures = GivenStructures(structures, ids, "structures", reduced=is_default)
    compounds = _KnownCompounds(
        known,
        known_ids,
        GivenStructures(known_structures, known_ids, "known_structures", reduced=is_default),
        tolerance,
    )

    found = []
    for row, (name, formula) in enumerate(zip(ids, candidates["formula"], strict=True)):
        rows = compounds.by_id.get(name, [])
        how = "id"
        if not rows:
            alike = compounds.alike(formula, f"candidates, row {row}")
            if alike:
                rows, how = compounds.decide(
                    alike, candidate_structures[row], fit, composition_only=composition_only
                )
        found.append(compounds.describe(rows, how))

    _warn_unread([candidate_structures, compounds.structures])
    columns = ["label", "label_source", "label_match"]
    table = pd.DataFrame(found, columns=columns, dtype=object)
    table.index = candidates.index
    label_type = "Int64" if compounds.has_whole_labels else "object"
    return table.astype({"label": label_type, "label_source": "string", "label_match": "string"})


class _KnownCompounds:
    """Labeled rows of the table of known compounds, found by id and by composition."""

    def __init__(
        self, known: pd.DataFrame, ids: list[str], structures: GivenStructures, tolerance: float
    ) -> None:
        self.ids = ids
        self.structures = structures
        self.tolerance = tolerance
        self.labels = known["label"].to_numpy(dtype=object)
        self.references = known["reference"].tolist() if "reference" in known else None
        rows = np.flatnonzero(labeled_mask(self.labels)).tolist()
        self.by_id: dict[str, list[int]] = {}
        # The elements come first: few known compounds are left whose fractions are compared.
        self._by_elements: dict[frozenset[str], list[tuple[int, dict[str, float]]]] = {}
        for row in rows:
            self.by_id.setdefault(ids[row], []).append(row)
            formula = known["formula"].iloc[row]
            if not _is_blank(formula):
                fractions = _fractions(formula, f"known, row {row}")
                self._by_elements.setdefault(frozenset(fractions), []).append((row, fractions))
        self._alike: dict[Any, list[int]] = {}
        self._check_labels()
        self.has_whole_labels = all(_is_whole(self.labels[row]) for row in rows)

    def alike(self, formula: Any, where: str) -> list[int]:
        """Rows of the same composition."""
        if _is_blank(formula):
            return []
        key = str(formula)
        if key not in self._alike:
            fractions = _fractions(formula, where)
            self._alike[key] = [
                row
                for row, others in self._by_elements.get(frozenset(fractions), [])
                if all(
                    abs(fractions[symbol] - others[symbol]) <= self.tolerance for symbol in others
                )
            ]
        return self._alike[key]

    def decide(
        self,
        alike: list[int],
        structure: Structure | None,
        fit: Callable[..., bool],
        *,
        composition_only: bool,
    ) -> tuple[list[int], str]:
        """Rows, of those with the same composition, that the structures leave, and the rule."""
        comparable = [
            other for other in alike if structure is not None and self.structures[other] is not None
        ]
        matches = [other for other in comparable if fit(structure, self.structures[other])]
        if matches:
            return matches, "structure"
        rest = alike if composition_only else [other for other in alike if other not in comparable]
        return rest, "composition"

    def describe(self, rows: list[int], how: str) -> tuple[Any, Any, Any]:
        """Label, source and rule of what was found."""
        if not rows:
            return pd.NA, pd.NA, pd.NA
        labels = dict.fromkeys(self.labels[row] for row in rows)
        if len(labels) == 1:
            return next(iter(labels)), "; ".join(dict.fromkeys(map(self._source, rows))), how
        sources = [f"{self._source(row)}: {self.labels[row]}" for row in rows]
        return pd.NA, "; ".join(sources), "conflict"

    def _source(self, row: int) -> str:
        reference = None if self.references is None else self.references[row]
        return self.ids[row] if _is_blank(reference) else f"{self.ids[row]} ({reference})"

    def _check_labels(self) -> None:
        mixed = [
            f"{name!r} ({', '.join(map(str, labels))})"
            for name, rows in self.by_id.items()
            if len(labels := dict.fromkeys(self.labels[row] for row in rows)) > 1
        ]
        if mixed:
            more = ", ..." if len(mixed) > 5 else ""
            raise ValueError(
                f"known gives {len(mixed)} ids more than one label: {', '.join(mixed[:5])}{more}."
            )


def _fractions(formula: Any, where: str) -> dict[str, float]:
    found = composition(formula, where)
    return {element.symbol: found.get_atomic_fraction(element) for element in found}


def _check_columns(table: pd.DataFrame, name: str, needed: list[str]) -> None:
    missing = [column for column in needed if column not in table]
    if missing:
        raise ValueError(
            f"{name} needs the columns {needed}; {missing} are missing, found "
            f"{table.columns.tolist()}."
        )


def _ids(table: pd.DataFrame, name: str) -> list[str]:
    missing = np.flatnonzero(table["id"].isna())
    if len(missing):
        raise ValueError(
            f"{name} has {len(missing)} rows without an id, the first is row {missing[0]}."
        )
    return [
        str(value) for value in table["id"]
    ]  # a CSV file may hold numbers where another has text


def _check_unique(ids: list[str]) -> None:
    repeated = pd.Index(ids)[pd.Index(ids).duplicated()].unique().tolist()
    if repeated:
        more = ", ..." if len(repeated) > 5 else ""
        raise ValueError(
            f"candidates has {len(repeated)} ids in more than one row: "
            f"{', '.join(map(repr, repeated[:5]))}{more}."
        )


def _warn_unread(groups: list[GivenStructures]) -> None:
    unread = [text for group in groups for text in group.unread]
    if unread:
        message = f"{len(unread)} structures could not be read and count as not given, the first is"
        warnings.warn(f"{message} {unread[0]}", PatternWarning, stacklevel=3)


def _is_blank(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def _is_whole(label: Any) -> bool:
    is_number = isinstance(label, int | float | np.number) and not isinstance(label, bool)
    return is_number and float(label).is_integer()
