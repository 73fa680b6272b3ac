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

_DATA = re.compile(r"^\s*data_", flags=re.MULTILINE)
_STAR = re.compile(r"(?:^|\s)(?:save_|stop_|global_|loop_\S)")
_STAR_WORD = re.compile(r"save_|stop_|global_|loop_\S")
_QUOTED_SIGN = re.compile(r"""['"].*\s#""")
_READ = ("_atom_site", "_cell", "_chemical_formula", "_magn", "_space_group", "_symmetry")


@dataclass
class CifBlock:
    """Block of a CIF.

    Parameters
    ----------
    items : dict of str to list of str
        Values of each tag about the crystal as they are written, one value where no loop is; tags
        in lower case, for their case means nothing.
    tags : list of str
        Tags as they are written.
    doubts : list of str
        What another reader may take in another way, in the words of a note.
    contradictions : list of str
        What the file tells in two ways that cannot both be right.
    """

    items: dict[str, list[str]]
    tags: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        gemmi = import_gemmi()
        self._as_number: Callable[[str], float] = gemmi.cif.as_number
        self._as_string: Callable[[str], str] = gemmi.cif.as_string

    def __contains__(self, tag: str) -> bool:
        return tag.lower() in self.items

    def raw(self, tag: str) -> list[str]:
        """Values of a tag as they are written; no such tag gives none."""
        return self.items.get(tag.lower(), [])

    def texts(self, tag: str) -> list[str]:
        """Values of a tag without their quotes; '?' and '.' are empty."""
        return [self._as_string(value) for value in self.raw(tag)]

    def numbers(self, tag: str) -> NDArray[np.float64]:
        """Values of a tag without their uncertainties, NaN for what is no number."""
        return np.array([self._as_number(value) for value in self.raw(tag)], dtype=float)

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
    block = _block(with_sites[0])
    if len(with_sites) > 1:
        block.doubts.append(f"it has {len(with_sites)} blocks with atom sites")
    block.doubts += _odd_syntax(text, len(document))
    if "powder_pattern" in with_sites[0].name:
        block.doubts.append("its block is named powder_pattern")
    return block


def _odd_syntax(text: str, n_blocks: int) -> list[str]:
    """Find what pymatgen's reader, made of regular expressions, splits in its own way."""
    doubts = []
    lower = text.lower()
    if lower.count("data_") != n_blocks and len(_DATA.findall(lower)) != n_blocks:
        doubts.append("'data_' starts a line within a block")
    if _STAR_WORD.search(lower) and _STAR.search(lower):  # the second one is slow
        doubts.append("it has words of the STAR syntax")
    if any(_QUOTED_SIGN.search(line) for line in text.split("\n") if "#" in line):
        doubts.append("a text holds the sign of comments, #")
    return doubts


def _block(block: Any) -> CifBlock:
    found = CifBlock({})
    for item in block:
        if item.pair is not None:
            tags, values = [item.pair[0]], [item.pair[1]]
        elif item.loop is not None:
            tags = item.loop.tags
            if not any(tag.lower().startswith(_READ) for tag in tags):
                continue
            values = list(item.loop.values)
        else:
            continue
        found.tags += tags
        for column, tag in enumerate(tags):
            found.items[tag.lower()] = values[column :: len(tags)]
    return found
