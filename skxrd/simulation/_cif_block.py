"""The grammar of CIF, left to gemmi: tags and values of the block that holds the atom sites."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd._optional import import_optional
from skxrd.exceptions import InvalidStructureError

__all__ = ["CifBlock", "import_gemmi", "read_block"]

_READ = ("_atom_site", "_cell", "_chemical_formula", "_magn", "_space_group", "_symmetry")


@dataclass
class CifBlock:
    """Block of a CIF.

    Parameters
    ----------
    items : dict of str to list of str
        Values of each tag about the crystal as they are written, one value where no loop is.
    doubts : list of str
        What another reader may take in another way, in the words of a note.
    contradictions : list of str
        What the file tells in two ways that cannot both be right.
    """

    items: dict[str, list[str]]
    doubts: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        gemmi = import_gemmi()
        self._as_number: Callable[[str], float] = gemmi.cif.as_number
        self._as_string: Callable[[str], str] = gemmi.cif.as_string

    def texts(self, tag: str) -> list[str]:
        """Values of a tag without their quotes; '?' and '.' are empty, no such tag gives none."""
        return [self._as_string(value) for value in self.items.get(tag, [])]

    def numbers(self, tag: str) -> NDArray[np.float64]:
        """Values of a tag without their uncertainties, NaN for what is no number."""
        return np.array([self._as_number(value) for value in self.items.get(tag, [])], dtype=float)

    def number(self, tag: str) -> float:
        """Value of a tag that has one, else NaN."""
        values = self.numbers(tag)
        return float(values[0]) if len(values) == 1 else np.nan


def import_gemmi() -> ModuleType:
    """Import gemmi, or raise a `MissingDependencyError`."""
    return import_optional("gemmi", extra="cif", purpose="Reading CIF files with gemmi")


def read_block(text: str) -> CifBlock:
    """Read the first block with atom sites.

    Parameters
    ----------
    text : str
        Text of a CIF.

    Returns
    -------
    CifBlock
        The block.

    Raises
    ------
    InvalidStructureError
        If the text is not of CIF syntax or holds no atom sites.
    MissingDependencyError
        If gemmi is not installed.
    """
    gemmi = import_gemmi()
    text = text.encode("ascii", "ignore").decode()  # as pymatgen does
    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise InvalidStructureError(f"no valid CIF: {error}") from error
    with_sites = [block for block in document if block.find_values("_atom_site_fract_x")]
    if not with_sites:
        raise InvalidStructureError("no atom sites (_atom_site_fract_x) in it")
    block = CifBlock(_items(with_sites[0]))
    if len(with_sites) > 1:
        block.doubts.append(f"it has {len(with_sites)} blocks with atom sites")
    # Places where pymatgen's reader, made of regular expressions, splits in its own way.
    if re.search(r"(?:^|\s)(?:save|stop|global)_", text, flags=re.IGNORECASE):
        block.doubts.append("it has words of the STAR syntax")
    if len(re.findall(r"^\s*data_", text, flags=re.MULTILINE)) != len(document):
        block.doubts.append("'data_' starts a line within a block")
    if "powder_pattern" in with_sites[0].name:
        block.doubts.append("its block is named powder_pattern")
    if re.search(r"""['"][^'"\n]*\s#""", text):
        block.doubts.append("a text holds the sign of comments, #")
    return block


def _items(block: Any) -> dict[str, list[str]]:
    items: dict[str, list[str]] = {}
    for item in block:
        if item.pair is not None:
            tag, value = item.pair
            items[tag] = [value]
        elif item.loop is not None:
            tags = item.loop.tags
            if any(tag.lower().startswith(_READ) for tag in tags):
                values = list(item.loop.values)
                items |= {tag: values[n :: len(tags)] for n, tag in enumerate(tags)}
    return items
