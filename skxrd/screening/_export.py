"""Tables of candidates and their structures as files."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skxrd._files import complete_file, complete_folder
from skxrd._optional import import_optional
from skxrd.exceptions import FileFormatError
from skxrd.screening._columns import typed
from skxrd.screening._compositions import composition

__all__ = ["read_candidates", "write_candidates", "write_structures"]

_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
    }
)
_LATEX_COLUMNS = (  # of the paper's Table S2, as far as there are any
    "id",
    "formula",
    "output_frequency",
    "mean_probability",
    "label",
    "similarity",
    "nearest_conductor_formula",
    "label_source",
)


def write_candidates(
    candidates: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
) -> None:
    """Write a table of candidates; the suffix of the file tells the format.

    The file is written under a temporary name and renamed when it is complete.

    Parameters
    ----------
    candidates : DataFrame
        Table that `CandidateScreener.screen` or `screen` returned, or rows of it.
    path : str or path-like
        File: ``.csv`` (also ``.csv.gz``), ``.parquet``, ``.json`` (a list of records) or ``.tex``
        (a longtable for the packages booktabs and longtable).
    columns : sequence of str, default=None
        Columns to be written. None stands for all of them, in LaTeX for those of the paper's Table
        S2 and what helps to read it.

    Raises
    ------
    FileFormatError
        If the suffix is none of these.
    MissingDependencyError
        If the format is Parquet and pyarrow is not installed.
    ValueError
        If the table lacks one of `columns`.

    See Also
    --------
    read_candidates : Read such a file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> from skxrd.screening import read_candidates, write_candidates
    >>> candidates = pd.DataFrame(
    ...     {"id": ["a", "b"], "formula": ["Li3PS4", "Li3N"], "output_frequency": [9, 7]},
    ...     index=pd.RangeIndex(1, 3, name="rank"),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "candidates.csv"
    ...     write_candidates(candidates, path)
    ...     read_candidates(path).equals(candidates)
    True
    """
    path = Path(path)
    kind = _format_of(path)
    if columns is None and kind == ".tex":
        columns = [name for name in _LATEX_COLUMNS if name in candidates]
    if columns is not None:
        missing = [name for name in columns if name not in candidates]
        if missing:
            raise ValueError(
                f"The table of candidates lacks the column(s) {', '.join(map(repr, missing))} of "
                f"columns; it has {', '.join(map(repr, candidates.columns))}."
            )
        candidates = candidates[list(columns)]
    content = _WRITERS[kind](candidates, path)
    with complete_file(path) as file:
        file.write(content)


def read_candidates(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""Read a table that `write_candidates` wrote.

    Parameters
    ----------
    path : str or path-like
        File: ``.csv`` (also ``.csv.gz``), ``.parquet`` or ``.json``.

    Returns
    -------
    DataFrame
        The table, with the ranks as its index and its columns of their types.

    Raises
    ------
    FileFormatError
        If the suffix is none of these, or if the file holds no ranked table.
    MissingDependencyError
        If the file is a Parquet file and pyarrow is not installed.

    See Also
    --------
    write_candidates : Write such a file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skxrd.screening import read_candidates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "candidates.csv"
    ...     _ = path.write_text("rank,id,output_frequency\n1,007,9\n2,008,5\n")
    ...     read_candidates(path)["id"].tolist()
    ['007', '008']
    """
    path = Path(path)
    kind = _format_of(path)
    if kind == ".tex":
        raise FileFormatError(f"{path}: tables of LaTeX are written, not read.")
    text = {"id": str, "nearest_conductor": str, "label_source": str}
    try:
        if kind == ".csv":
            table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
        elif kind == ".json":
            table = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
            if table.empty:  # no record, no columns
                table = pd.DataFrame({"rank": np.empty(0, np.int64), "id": np.empty(0, object)})
        else:
            import_optional("pyarrow", extra="parquet", purpose=f"Reading {path}")
            table = pd.read_parquet(path)
    except (ValueError, EOFError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise FileFormatError(f"{path} is no table of candidates: {error}") from error
    if "rank" not in table or "id" not in table:
        raise FileFormatError(
            f"{path} is no table of candidates: it lacks the columns 'rank' and 'id'; it has "
            f"{', '.join(map(repr, table.columns))}."
        )
    return typed(table.set_index("rank"))


def write_structures(
    candidates: pd.DataFrame,
    structures: Mapping[str, Any],
    folder: str | os.PathLike[str],
    *,
    n: int | None = None,
) -> list[Path]:
    """Write the structures of the best candidates as CIF files.

    Parameters
    ----------
    candidates : DataFrame
        Table of candidates; its order is the order of the files.
    structures : mapping of str to structure
        Structure of each id, as `skxrd.simulation.read_structure` takes them. A CIF is copied as it
        is, so that nothing that its author wrote is lost; all else is written by pymatgen.
    folder : str or path-like
        Folder of the files. They appear when all are written, and are named by rank and id.
    n : int or None, default=None
        Number of candidates; None stands for all of them.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidStructureError
        If a structure cannot be read.
    ValueError
        If `structures` lacks a candidate.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.screening import write_structures
    >>> salt = Structure.from_spacegroup(
    ...     "Fm-3m", Lattice.cubic(5.13), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    ... )
    >>> candidates = pd.DataFrame({"id": ["LiCl"]}, index=pd.RangeIndex(1, 2, name="rank"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_structures(candidates, {"LiCl": salt}, folder)]
    ['1_LiCl.cif']
    """
    best = candidates["id"].head(len(candidates) if n is None else n)
    unknown = [name for name in best if name not in structures]
    if unknown:
        raise ValueError(
            f"structures lacks {len(unknown)} of the {len(best)} candidates, such as "
            f"{unknown[0]!r}."
        )
    width = len(str(max(best.index, default=1)))
    folder = Path(folder)
    paths = []
    with complete_folder(folder) as unfinished:
        for rank, name in best.items():
            file_name = f"{rank:0{width}d}_{_safe(name)}.cif"
            _write_cif(structures[name], unfinished / file_name)
            paths.append(folder / file_name)
    return paths


def _write_cif(item: Any, path: Path) -> None:
    from skxrd.simulation import read_structure

    if isinstance(item, str) and "\n" in item:
        path.write_text(item, encoding="utf-8")
    elif isinstance(item, str | os.PathLike) and str(item).lower().endswith(".cif"):
        shutil.copyfile(item, path)
    else:
        read_structure(item).to(filename=str(path), fmt="cif")


def _safe(name: str) -> str:
    """Part of a file name that every system takes."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80] or "candidate"


def _format_of(path: Path) -> str:
    name = path.name.lower()
    kind = next((kind for kind in _WRITERS if name.endswith((kind, f"{kind}.gz"))), None)
    if kind is None or (name.endswith(".gz") and kind != ".csv"):
        raise FileFormatError(
            f"{path}: the format is told by the suffix, one of .csv, .csv.gz, .parquet, .json and "
            ".tex."
        )
    return kind


def _to_csv(candidates: pd.DataFrame, path: Path) -> bytes:
    buffer = io.BytesIO()
    # Without the time in the header, equal tables give equal files.
    packing = {"method": "gzip", "mtime": 0} if path.name.lower().endswith(".gz") else None
    candidates.to_csv(buffer, compression=packing, lineterminator="\n")
    return buffer.getvalue()


def _to_parquet(candidates: pd.DataFrame, path: Path) -> bytes:
    import_optional("pyarrow", extra="parquet", purpose=f"Writing {path}")
    buffer = io.BytesIO()
    candidates.reset_index().to_parquet(buffer, index=False)
    return buffer.getvalue()


def _to_json(candidates: pd.DataFrame, path: Path) -> bytes:
    table = candidates.reset_index().astype(object)
    records = table.where(table.notna(), None).to_dict("records")
    # Not by pandas, which rounds to 15 digits.
    return f"{json.dumps(records, indent=1, ensure_ascii=False)}\n".encode()


def _to_latex(candidates: pd.DataFrame, path: Path) -> bytes:
    table = candidates.reset_index()
    for name in table.columns:
        if name == "formula" or name.endswith("_formula"):
            table[name] = table[name].map(_latex_formula, na_action="ignore")
        elif not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].map(_latex_text, na_action="ignore")
    table.columns = [_latex_text(name.replace("_", " ")) for name in table.columns]
    text = table.to_latex(
        index=False, longtable=True, escape=False, float_format="%.3g", na_rep="--"
    )
    return text.encode()


def _latex_formula(formula: str) -> str:
    from pymatgen.util.string import latexify

    composition(formula)  # an unreadable one would break the document
    return latexify(formula)


def _latex_text(text: object) -> str:
    return str(text).translate(_LATEX)


_WRITERS = {
    ".csv": _to_csv,
    ".parquet": _to_parquet,
    ".json": _to_json,
    ".tex": _to_latex,
}
