"""What the structure of a candidate tells a chemist: space group, size and order."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterable, Sized
from math import ceil
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from joblib import effective_n_jobs
from sklearn.utils.parallel import delayed

from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import Interval, StrOptions, validate_params
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.simulation._structures._read_structure import items_and_ids, read_with_notes
from skxrd.simulation._structures._spglib import silent_spglib

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["is_missing", "structure_facts"]

_MAX_BATCH = 64  # structures per task: about a second of work, so that progress stays visible

_DTYPES = {
    "spacegroup_number": "Int64",
    "spacegroup_symbol": "string",
    "n_sites": "Int64",
    "volume_per_atom": "float64",
    "is_ordered": "boolean",
}


class _Facts(NamedTuple):
    """What a worker sends back: plain values, in the order of the columns, and what went wrong."""

    spacegroup_number: int | None = None
    spacegroup_symbol: str | None = None
    n_sites: int | None = None
    volume_per_atom: float | None = None
    is_ordered: bool | None = None
    reason: str = ""


@validate_params(
    {
        "structures": "no_validation",
        "symprec": [Interval(Real, 0, None, closed="neither")],
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def structure_facts(
    structures: Iterable[Any],
    *,
    symprec: float = 0.1,
    on_error: str = "nan",
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Tell space group, size and order of crystal structures.

    Parameters
    ----------
    structures : iterable of structures of length n_structures
        Each as `read_structure` takes it, or None where there is none: its row is missing.
    symprec : float, default=0.1
        How far in angstrom atoms may lie from their symmetric places. 0.1 suits relaxed
        structures, 0.01 refined ones.
    on_error : {"nan", "raise"}, default="nan"
        What becomes of a structure that cannot be read or whose symmetry spglib does not find:
        missing values and a warning, or an error.
    n_jobs : int, default=None
        Number of parallel jobs; None means 1 unless in a ``joblib.parallel_config`` context, -1
        all processors. The result does not depend on it.
    verbose : int, default=0
        Above 0, show the progress on the standard error stream.

    Returns
    -------
    DataFrame
        One row per structure, in their order, with a RangeIndex and the columns

        spacegroup_number : Int64
            1 to 230, by spglib [1]_ through pymatgen. Sites of unlike occupancy are unlike sites.
        spacegroup_symbol : string
            Hermann-Mauguin symbol, such as "Fm-3m".
        n_sites : Int64
            Sites in the cell as given, partially occupied ones included.
        volume_per_atom : float64
            Volume of the cell in angstrom^3 over its atoms, the sum of the occupancies.
        is_ordered : boolean
            Whether every site is fully occupied by one element.

    Raises
    ------
    InvalidStructureError
        If a structure fails and `on_error` is "raise".
    ValueError
        If a parameter is invalid or `structures` is no sequence of structures.

    Warns
    -----
    PatternWarning
        If structures failed, with their number and the first of them.

    References
    ----------
    .. [1] A. Togo, K. Shinohara, I. Tanaka, Sci. Technol. Adv. Mater. Methods 4, 2384822 (2024),
       doi:10.1080/27660400.2024.2384822.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.screening import structure_facts
    >>> salt = Structure.from_spacegroup(
    ...     "Fm-3m", Lattice.cubic(5.14), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    ... )
    >>> facts = structure_facts([salt, None])
    >>> print(facts[["spacegroup_number", "spacegroup_symbol", "n_sites"]])
       spacegroup_number spacegroup_symbol  n_sites
    0                225             Fm-3m        8
    1               <NA>              <NA>     <NA>
    >>> facts["volume_per_atom"].round(2).tolist()
    [16.97, nan]
    """
    if isinstance(structures, Sized) and len(structures) == 0:
        return pd.DataFrame(columns=list(_DTYPES)).astype(_DTYPES)
    items, ids = items_and_ids(structures)
    rows: list[tuple[Any, ...]] = []
    failures: list[str] = []
    with contextlib.closing(_outcomes(items, symprec, n_jobs)) as outcomes:
        shown = tracked(outcomes, "Reading structures", len(items)) if verbose else outcomes
        for position, outcome in enumerate(shown):
            rows.append(outcome[:-1])
            if not outcome.reason:
                continue
            failures.append(f"{position} ({ids[position]}): {outcome.reason}")
            if on_error == "raise":
                raise InvalidStructureError(f"Structure {failures[0]}")
    if failures:
        message = f"{len(failures)} of {len(items)} structures lack facts, the first is"
        warnings.warn(f"{message} {failures[0]}", PatternWarning, stacklevel=2)
    return pd.DataFrame(rows, columns=list(_DTYPES)).astype(_DTYPES)


def is_missing(item: Any) -> bool:
    """Tell whether None or NaN stands in the place of a structure."""
    return item is None or item is pd.NA or (isinstance(item, float) and item != item)


def _outcomes(items: list[Any], symprec: float, n_jobs: int | None) -> Generator[_Facts]:
    size = min(_MAX_BATCH, ceil(len(items) / (4 * effective_n_jobs(n_jobs))))
    tasks = (
        delayed(_batch_facts)(items[start : start + size], symprec)
        for start in range(0, len(items), size)
    )
    with contextlib.closing(as_they_come(tasks, n_jobs)) as batches:
        for batch in batches:
            yield from batch


def _batch_facts(items: list[Any], symprec: float) -> list[_Facts]:
    return [_Facts() if is_missing(item) else _item_facts(item, symprec) for item in items]


def _item_facts(item: Any, symprec: float) -> _Facts:
    try:
        structure, _ = read_with_notes(item)
    except InvalidStructureError as error:
        return _Facts(reason=str(error))
    facts = _Facts(
        n_sites=len(structure),
        volume_per_atom=structure.volume / structure.composition.num_atoms,
        is_ordered=structure.is_ordered,
    )
    return _with_symmetry(facts, structure, symprec)


def _with_symmetry(facts: _Facts, structure: Structure, symprec: float) -> _Facts:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with silent_spglib():
        try:
            analyzer = SpacegroupAnalyzer(structure, symprec=symprec)
        except SymmetryUndeterminedError as error:
            return facts._replace(reason=f"spglib finds no symmetry: {error}")
        return facts._replace(
            spacegroup_number=int(analyzer.get_space_group_number()),
            spacegroup_symbol=analyzer.get_space_group_symbol(),
        )
