"""Structures that the user gave along with a table, and how two of them are compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from skxrd.exceptions import InvalidStructureError
from skxrd.screening._structures import is_missing
from skxrd.simulation._structures._read_structure import read_with_notes

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["GivenStructures", "default_fit"]

# Refinements of one compound differ in their occupancies by a few hundredths.
_OCCUPANCY_TOLERANCE = 0.05


class GivenStructures:
    """Structures of a table by row, read when they are needed."""

    def __init__(self, items: Any, ids: list[str], name: str, *, reduced: bool) -> None:
        self.items = _aligned(items, ids, name)
        self.ids = ids
        self.name = name
        self.reduced = reduced
        self.unread: list[str] = []
        self._read: dict[int, Structure | None] = {}

    def __getitem__(self, row: int) -> Structure | None:
        if row not in self._read:
            self._read[row] = self._try(row)
        return self._read[row]

    def _try(self, row: int) -> Structure | None:
        if is_missing(self.items[row]):
            return None
        try:
            structure, _ = read_with_notes(self.items[row])
        except InvalidStructureError as error:
            self.unread.append(f"{self.name} of {self.ids[row]!r}: {error}")
            return None
        if not self.reduced:
            return structure
        return structure.get_reduced_structure(reduction_algo="niggli").get_primitive_structure()


def default_fit() -> Callable[..., bool]:
    """Comparison of two reduced structures, with tolerant occupancies.

    Reducing each structure once, not in every comparison, is several times faster.
    """
    from pymatgen.core import Composition
    from pymatgen.core.structure_matcher import ElementComparator, StructureMatcher

    class OccupancyComparator(ElementComparator):
        def are_equal(self, sp1: Any, sp2: Any) -> bool:
            first, second = (Composition(each).element_composition for each in (sp1, sp2))
            return first.almost_equals(second, rtol=0, atol=_OCCUPANCY_TOLERANCE)

        def get_hash(self, composition: Any) -> int:
            return 0  # compositions were compared before, with a tolerance

    matcher = StructureMatcher(comparator=OccupancyComparator())
    return partial(matcher.fit, skip_structure_reduction=True)


def _aligned(items: Any, ids: list[str], name: str) -> list[Any]:
    """One item per row, None where there is none."""
    if items is None:
        return [None] * len(ids)
    if isinstance(items, Mapping):
        by_id = {str(key): item for key, item in items.items()}
        unknown = sorted(set(by_id) - set(ids))
        if unknown:
            raise ValueError(
                f"{name} holds {len(unknown)} ids that are in no row of the table, such as "
                f"{unknown[0]!r}."
            )
        return [by_id.get(key) for key in ids]
    if isinstance(items, str | os.PathLike) or not isinstance(items, Iterable):
        raise ValueError(
            f"{name} must be a sequence or a dictionary of id to structure, got "
            f"{type(items).__name__}."
        )
    items = list(items)
    if len(items) != len(ids):
        raise ValueError(f"{name} has {len(items)} items, but its table has {len(ids)} rows.")
    return items
