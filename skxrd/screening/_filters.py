"""Rules that candidates have to meet, joined by ``&``, ``|`` and ``~``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["BaseFilter", "CandidateFilter", "ElementFilter"]


class BaseFilter(ABC):
    """A rule over the rows of a table of candidates.

    Rules are joined by ``&`` (both), ``|`` (either) and ``~`` (not). ``str(rule)`` tells what it
    asks for.
    """

    @abstractmethod
    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell which rows meet the rule.

        Parameters
        ----------
        candidates : DataFrame
            Table of candidates.

        Returns
        -------
        ndarray of bool of shape (n_candidates,)
            True where a row meets the rule.

        Raises
        ------
        ValueError
            If the table lacks the column that the rule looks at.
        """

    def apply(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """Keep the rows that meet the rule.

        Parameters
        ----------
        candidates : DataFrame
            Table of candidates; it is not changed.

        Returns
        -------
        DataFrame
            The rows that are left, with the ranks that they had.

        Raises
        ------
        ValueError
            If the table lacks the column that the rule looks at.
        """
        return candidates[self.mask(candidates)]

    def funnel(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """Count what the parts of the rule leave, one after the other.

        Parameters
        ----------
        candidates : DataFrame
            Table of candidates.

        Returns
        -------
        DataFrame
            Columns "rule", "n_meeting" (rows that meet this part alone) and "n_left" (rows that
            meet this and all parts above); one row per part joined by ``&``.

        Raises
        ------
        ValueError
            If the table lacks a column that the rule looks at.
        """
        left = np.ones(len(candidates), dtype=bool)
        rows = []
        for part in self._parts():
            meeting = part.mask(candidates)
            left &= meeting
            rows.append((str(part), int(meeting.sum()), int(left.sum())))
        return pd.DataFrame(rows, columns=["rule", "n_meeting", "n_left"])

    def _parts(self) -> list[BaseFilter]:
        return [self]

    def __and__(self, other: BaseFilter) -> BaseFilter:
        return _All(self, other) if isinstance(other, BaseFilter) else NotImplemented

    def __or__(self, other: BaseFilter) -> BaseFilter:
        return _Any(self, other) if isinstance(other, BaseFilter) else NotImplemented

    def __invert__(self) -> BaseFilter:
        return _Not(self)


@dataclass(frozen=True)
class CandidateFilter(BaseFilter):
    """A rule on one column.

    Without `minimum`, `maximum` and `one_of` the column holds flags and has to be true.

    Parameters
    ----------
    column : str
        Name of the column, see `column_descriptions`.
    minimum, maximum : float, default=None
        Smallest and largest value, in the unit of the column, both included.
    one_of : iterable, default=None
        Values of which the column has to hold one.
    missing : {"drop", "keep"}, default="drop"
        Whether rows meet the rule where the column holds no value. ``~rule`` turns that over as
        well.

    Raises
    ------
    ValueError
        If `missing` is neither "drop" nor "keep", if `minimum` is above `maximum` or a limit is
        NaN, or if `one_of` stands beside a limit.

    See Also
    --------
    ElementFilter : Rule on the elements of the formula.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.screening import CandidateFilter, ElementFilter
    >>> candidates = pd.DataFrame(
    ...     {
    ...         "formula": ["Li3PS4", "LiFePO4", "Li3N"],
    ...         "output_frequency": [9, 8, 3],
    ...         "e_above_hull": [0.01, 0.0, None],
    ...     }
    ... )
    >>> rule = (
    ...     CandidateFilter("output_frequency", minimum=5)
    ...     & CandidateFilter("e_above_hull", maximum=0.05, missing="keep")
    ...     & ~ElementFilter(["Fe", "Co"])
    ... )
    >>> print(rule)
    output_frequency >= 5 and e_above_hull <= 0.05 (or missing) and not any of Co, Fe
    >>> rule.apply(candidates)["formula"].tolist()
    ['Li3PS4']
    >>> rule.funnel(candidates)["n_left"].tolist()
    [2, 2, 1]
    """

    column: str
    minimum: float | None = None
    maximum: float | None = None
    one_of: Iterable[Any] | None = None
    missing: str = "drop"

    def __post_init__(self) -> None:
        """Check what belongs together."""
        if self.missing not in ("drop", "keep"):
            raise ValueError(f"missing must be 'drop' or 'keep', got {self.missing!r}.")
        limits = [limit for limit in (self.minimum, self.maximum) if limit is not None]
        if self.one_of is not None:
            if limits:
                raise ValueError("one_of names the values; give it without minimum and maximum.")
            values = (self.one_of,) if isinstance(self.one_of, str) else tuple(self.one_of)
            object.__setattr__(self, "one_of", values)  # an iterable may be read only once
        if any(limit != limit for limit in limits):
            raise ValueError(f"The limits of {self.column!r} must be numbers, got NaN.")
        if len(limits) == 2 and limits[0] > limits[1]:
            raise ValueError(
                f"No value of {self.column!r} is at least minimum={self.minimum} and at most "
                f"maximum={self.maximum}."
            )

    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell which rows meet the rule.

        Parameters
        ----------
        candidates : DataFrame
            Table of candidates.

        Returns
        -------
        ndarray of bool of shape (n_candidates,)
            True where a row meets the rule.

        Raises
        ------
        ValueError
            If the table lacks the column.
        """
        values = _column(candidates, self.column)
        if self.one_of is not None:
            met = values.isin(list(self.one_of))
        elif self.minimum is None and self.maximum is None:
            met = values.astype("boolean")
        else:
            met = pd.Series(True, index=values.index)
            if self.minimum is not None:
                met &= values >= self.minimum
            if self.maximum is not None:
                met &= values <= self.maximum
        return np.where(values.isna(), self.missing == "keep", met.fillna(False)).astype(bool)

    def __str__(self) -> str:
        parts = []
        if self.one_of is not None:
            parts.append(f"{self.column} in {', '.join(map(str, self.one_of))}")
        if self.minimum is not None:
            parts.append(f"{self.column} >= {self.minimum:g}")
        if self.maximum is not None:
            parts.append(f"{self.column} <= {self.maximum:g}")
        text = " and ".join(parts) or self.column
        if len(parts) == 2:
            text = f"({text})"
        return f"{text} (or missing)" if self.missing == "keep" else text


@dataclass(frozen=True)
class ElementFilter(BaseFilter):
    """A rule on the elements of the formula: it has to contain any, or all, of some.

    Parameters
    ----------
    elements : iterable of str
        Symbols of elements.
    require : {"any", "all"}, default="any"
        How many of them the formula has to contain.

    Raises
    ------
    ValueError
        If a symbol is no element, or `require` is neither "any" nor "all".

    See Also
    --------
    CandidateFilter : Rule on a column.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.screening import ElementFilter
    >>> candidates = pd.DataFrame({"formula": ["Li3PS4", "Li6PS5Cl", "LiCl"]})
    >>> ElementFilter(["P", "S"], require="all").apply(candidates)["formula"].tolist()
    ['Li3PS4', 'Li6PS5Cl']
    """

    elements: Iterable[str]
    require: str = "any"

    def __post_init__(self) -> None:
        """Check the symbols."""
        from pymatgen.core import Element

        if self.require not in ("any", "all"):
            raise ValueError(f"require must be 'any' or 'all', got {self.require!r}.")
        elements = [self.elements] if isinstance(self.elements, str) else list(self.elements)
        unknown = [symbol for symbol in elements if not Element.is_valid_symbol(symbol)]
        if unknown or not elements:
            found = ", ".join(map(repr, unknown)) or "none"
            raise ValueError(f"elements must be symbols of elements; found {found}.")
        object.__setattr__(self, "elements", frozenset(elements))

    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell which rows meet the rule.

        Parameters
        ----------
        candidates : DataFrame
            Table of candidates.

        Returns
        -------
        ndarray of bool of shape (n_candidates,)
            True where a row meets the rule; a missing formula meets none.

        Raises
        ------
        ValueError
            If the table lacks the column "formula", or a formula cannot be read.
        """
        from skxrd.screening._compositions import composition

        wanted = frozenset(self.elements)
        formulas = _column(candidates, "formula")
        met = {}
        for formula in formulas.dropna().unique():
            found = {element.symbol for element in composition(formula).elements}
            met[formula] = wanted <= found if self.require == "all" else bool(wanted & found)
        return np.array([met.get(formula, False) for formula in formulas], dtype=bool)

    def __str__(self) -> str:
        return f"{self.require} of {', '.join(sorted(self.elements))}"


@dataclass(frozen=True)
class _Joined(BaseFilter):
    first: BaseFilter
    second: BaseFilter


class _All(_Joined):
    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        return self.first.mask(candidates) & self.second.mask(candidates)

    def _parts(self) -> list[BaseFilter]:
        return [*self.first._parts(), *self.second._parts()]

    def __str__(self) -> str:
        return " and ".join(_bracketed(part, _Any) for part in self._parts())


class _Any(_Joined):
    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        return self.first.mask(candidates) | self.second.mask(candidates)

    def __str__(self) -> str:
        return f"{_bracketed(self.first, _All)} or {_bracketed(self.second, _All)}"


@dataclass(frozen=True)
class _Not(BaseFilter):
    rule: BaseFilter

    def mask(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        return ~self.rule.mask(candidates)

    def __str__(self) -> str:
        return f"not {_bracketed(self.rule, _Joined)}"


def _bracketed(rule: BaseFilter, kind: type[Any]) -> str:
    return f"({rule})" if isinstance(rule, kind) else str(rule)


def _column(candidates: pd.DataFrame, name: str) -> pd.Series:
    if name not in candidates:
        raise ValueError(
            f"The table of candidates has no column {name!r}; it has "
            f"{', '.join(map(repr, candidates.columns))}."
        )
    return candidates[name]
