"""The one bridge to pymatgen's structures: whatever holds a structure becomes a `Structure`."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import os
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError, PatternWarning

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = [
    "invalid_structure",
    "items_and_ids",
    "read_structure",
    "read_with_notes",
    "structure_id",
]

# Refined occupancies add up to a little more than one; pymatgen scales them down to one.
OCCUPANCY_TOLERANCE = 1.05

OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}

# What pymatgen's reader says about nearly every file, and what changes no pattern.
_HARMLESS = (
    "Issues encountered while parsing CIF",  # repeats the others
    "fractional coordinates rounded",
    "Pauling file corrections",
    "Keys changed to match new magCIF",
    "Cannot determine chemical composition from CIF",
    "Skipping relative stoichiometry check",
)


def read_structure(item: Any) -> Structure:
    """Read a crystal structure, with partially occupied sites if it has them.

    Parameters
    ----------
    item : str, path-like, dict or pymatgen Structure
        One of

        - path of a CIF (also `.gz` or `.bz2`) or of another file that pymatgen reads (POSCAR,
          `.json`, ...);
        - text of a CIF: a `str` of several lines;
        - dictionary made by ``Structure.as_dict``;
        - pymatgen Structure, returned as it is.

    Returns
    -------
    pymatgen.core.Structure
        The cell as the item gives it. Of several structures in a CIF the first is taken, and
        occupancies that add up to at most 1.05 on a site are scaled down to one.

    Raises
    ------
    InvalidStructureError
        If there is no such file, or if pymatgen finds no valid structure.

    Warns
    -----
    PatternWarning
        If the file deserves a look, for instance because its formula names elements that have no
        site.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.simulation import read_structure
    >>> salt = Structure.from_spacegroup(
    ...     "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    ... )
    >>> read_structure(salt.to(fmt="cif")).composition.reduced_formula
    'NaCl'
    """
    structure, notes = read_with_notes(item)
    if notes:
        warnings.warn(f"{describe(item)}: {'; '.join(notes)}", PatternWarning, stacklevel=2)
    return structure


def structure_id(item: Any, position: object) -> str:
    """Name a structure: stem of its file, name of its CIF block, or its position.

    Parameters
    ----------
    item : str, path-like, dict or pymatgen Structure
        See `read_structure`.
    position : object
        What stands in for a name where the item has none, such as its position in a sequence.

    Returns
    -------
    str
        The name.

    Examples
    --------
    >>> from skxrd.simulation import structure_id
    >>> structure_id("cifs/mp-149.cif.gz", 0), structure_id({"lattice": {}}, 7)
    ('mp-149', '7')
    """
    if is_cif_text(item):
        block = _block_name(item)
        return block if block else str(position)
    if isinstance(item, str | os.PathLike):
        path = Path(item)
        return Path(path.stem).stem if path.suffix.lower() in OPENERS else path.stem
    return str(position)


def items_and_ids(structures: Any, ids: Sequence[str] | None = None) -> tuple[list[Any], list[str]]:
    """List the structures of a sequence, Series or one-column frame, and name each of them.

    Parameters
    ----------
    structures : sequence of structures
        Structures as `read_structure` takes them.
    ids : sequence of str of length n_structures, default=None
        Their names if they are known.

    Returns
    -------
    items : list
        The structures.
    ids : list of str
        Their names, by default those of `structure_id`; pandas labels stand in where an item has
        no name.

    Raises
    ------
    ValueError
        If `structures` is a single structure, an array of several columns, or empty, or if there
        are more or fewer names than structures.
    """
    single = isinstance(structures, str | os.PathLike | Mapping) or hasattr(structures, "lattice")
    if single or not isinstance(structures, Iterable):
        raise ValueError(
            f"A sequence of structures is needed, got {type(structures).__name__}; put a single "
            "structure in a list."
        )
    if isinstance(structures, pd.DataFrame | np.ndarray):
        structures = _one_column(structures)
    items = list(structures)
    if not items:
        raise ValueError("At least one structure is needed, got none.")
    if ids is not None:
        if len(ids) != len(items):
            raise ValueError(
                f"ids must name each structure: got {len(ids)} ids for {len(items)} structures."
            )
        return items, [str(name) for name in ids]
    labels = list(structures.index) if isinstance(structures, pd.Series) else range(len(items))
    return items, [structure_id(item, label) for item, label in zip(items, labels, strict=True)]


def _one_column(table: pd.DataFrame | NDArray[Any]) -> pd.Series[Any] | NDArray[Any]:
    if table.ndim == 1 and isinstance(table, np.ndarray):
        return table
    if table.ndim != 2 or table.shape[1] != 1:
        raise ValueError(
            f"One column of structures is needed, got an array of shape {table.shape}."
        )
    return table.iloc[:, 0] if isinstance(table, pd.DataFrame) else table[:, 0]


def read_with_notes(item: Any) -> tuple[Structure, list[str]]:
    """Read a structure as `read_structure` does, and return what deserves a look as text."""
    from pymatgen.core import IStructure, Structure

    if isinstance(item, IStructure):
        return item, []
    if is_cif_text(item):
        return _parse_cif(item, describe(item))
    if isinstance(item, str | os.PathLike):
        return _read_file(Path(item))
    if isinstance(item, Mapping):
        with invalid_structure(describe(item)):
            return Structure.from_dict(dict(item)), []
    raise InvalidStructureError(
        "A structure is a path, the text of a CIF, a pymatgen Structure or its dictionary, got "
        f"{item!r:.80} of type {type(item).__name__}."
    )


@contextlib.contextmanager
def invalid_structure(description: str) -> Iterator[None]:
    """Turn what pymatgen raises on bad structures into an `InvalidStructureError`."""
    from pymatgen.core.composition import CompositionError
    from pymatgen.core.structure import StructureError

    try:
        yield
    except InvalidStructureError:
        raise
    except (
        ValueError,  # most of pymatgen; also JSON, Unicode and linear algebra
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,  # cut or empty tables of a CIF end in a division by zero
        AssertionError,
        RuntimeError,
        SyntaxError,  # parsers of VASP and XML files
        OSError,
        EOFError,
        zlib.error,
        CompositionError,
        StructureError,
    ) as error:
        reason = " ".join(str(error).split())
        if not isinstance(error, ValueError | OSError):  # a bare KeyError says only the key
            reason = f"{type(error).__name__}: {reason}"
        raise InvalidStructureError(f"{description} holds no valid structure: {reason}") from error


def is_cif_text(item: Any) -> bool:
    # "data_" alone does not tell: files have such names, for instance data_001.cif
    return isinstance(item, str) and ("\n" in item or "_cell_length_a" in item)


def _block_name(text: str) -> str:
    block = re.search(r"^\s*data_(\S+)", text, flags=re.MULTILINE)
    return block[1] if block else ""


def describe(item: Any) -> str:
    if is_cif_text(item):
        return f"CIF text (data_{_block_name(item)})"
    if isinstance(item, str | os.PathLike):
        return f"'{os.fspath(item)}'"
    return f"{type(item).__name__}"


def _read_file(path: Path) -> tuple[Structure, list[str]]:
    description = f"'{path}'"
    if not path.is_file():
        raise InvalidStructureError(f"{description} is neither a file nor the text of a CIF.")
    if re.search(r"\.m?cif\b", path.name, flags=re.IGNORECASE):
        opener = OPENERS.get(path.suffix.lower(), open)
        with (
            invalid_structure(description),
            opener(path, "rt", encoding="utf-8", errors="replace") as file,
        ):
            text = file.read()
        return _parse_cif(text, description)

    from pymatgen.core import Structure

    with warnings.catch_warnings(record=True) as caught, invalid_structure(description):
        warnings.simplefilter("always")
        structure = Structure.from_file(path)
    return structure, _important(str(warning.message) for warning in caught)


def _parse_cif(text: str, description: str) -> tuple[Structure, list[str]]:
    from pymatgen.io.cif import CifParser

    # Blocks without sites (data_global and the like) would only add warnings.
    blocks = re.split(r"^(?=\s*data_)", text, flags=re.MULTILINE)
    with_sites = [block for block in blocks if "_atom_site_fract_x" in block.lower()]
    if not with_sites:
        raise InvalidStructureError(
            f"{description} holds no valid structure: no atom sites (_atom_site_fract_x) in it."
        )
    with warnings.catch_warnings(record=True) as caught, invalid_structure(description):
        warnings.simplefilter("always")
        parser = CifParser.from_str("\n".join(with_sites), occupancy_tolerance=OCCUPANCY_TOLERANCE)
        structures: list[Structure] = []
        with contextlib.suppress(ValueError):  # "no structures": the warnings say why
            structures = parser.parse_structures(primitive=False)
    messages = [*parser.warnings, *(str(warning.message) for warning in caught)]
    notes = _important(messages)
    if not structures:
        reason = "; ".join(notes) or "no structure in it"
        raise InvalidStructureError(f"{description} holds no valid structure: {reason}")
    if len(structures) > 1:
        notes.append(f"holds {len(structures)} structures, the first one was taken")
    return structures[0], notes


def _important(messages: Iterable[str]) -> list[str]:
    texts = (" ".join(message.split()) for message in messages)
    kept = (text for text in texts if not any(known in text for known in _HARMLESS))
    return list(dict.fromkeys(kept))  # pymatgen says most things twice
