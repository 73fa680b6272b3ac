"""Files of the user to tables with the columns "id", "structure" and "label"."""

from __future__ import annotations

import argparse
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skxrd._labels import UNLABELED
from skxrd.datasets._obelix import label_by_conductivity
from skxrd.exceptions import FileFormatError
from skxrd.simulation import structure_id

__all__ = ["PROPERTIES", "Columns", "make_table", "read_labels", "read_structures"]

_IDS = ("id", "material_id", "name")
_STRUCTURES = ("structure", "cif", "path", "file")
_LABELS = ("label", "target")
_CONDUCTIVITIES = (
    "conductivity",
    "ionic conductivity (s cm-1)",
    "ionic conductivity",
    "ionic_conductivity",
)
# Columns of numbers that go from a table of structures into that of candidates; their usual names.
PROPERTIES = {"e_above_hull": ("e_above_hull", "energy_above_hull")}
_MISSING = ("", "nan", "none")
_CODES = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": UNLABELED, "-1.0": UNLABELED}


@dataclass(frozen=True)
class Columns:
    """Names of columns as the options give them; None stands for the usual names.

    Where tables of several kinds are read, the names may be those of another one: if they are not
    `binding`, the usual names stand in for them.
    """

    id: str | None = None
    structure: str | None = None
    label: str | None = None
    conductivity: str | None = None
    binding: bool = True


def make_table(ids: Sequence[str], structures: Sequence[Any], labels: Any) -> pd.DataFrame:
    """Put ids, structures and labels side by side.

    Parameters
    ----------
    ids : sequence of str
        Names.
    structures : sequence of structures
        Structures as `skxrd.simulation.read_structure` takes them.
    labels : int or array-like of int
        1, 0 or -1, one for each row or the same for all.

    Returns
    -------
    DataFrame with columns "id", "structure", "label"
        The table.
    """
    items = np.empty(len(structures), dtype=object)  # pandas would take a Structure for a list
    for row, structure in enumerate(structures):
        items[row] = structure
    return pd.DataFrame({"id": list(ids), "structure": items, "label": labels})


def read_labels(
    path: Path,
    columns: Columns,
    *,
    cif_dir: Path | None = None,
    positive: str | None = None,
    threshold: float = 1e-4,
) -> tuple[pd.DataFrame, int]:
    """Read a table of labeled structures.

    Parameters
    ----------
    path : Path
        Table of comma-separated values.
    columns : Columns
        Names of its columns.
    cif_dir : Path or None, default=None
        Folder with the structure of each id, in place of a column of structures.
    positive : str or None, default=None
        Label of the class to find; None for labels that are numbers.
    threshold : float, default=1e-4
        Lowest conductivity of the positive class in S/cm.

    Returns
    -------
    table : DataFrame with columns "id", "structure", "label"
        Rows that have a structure.
    n_left_out : int
        Number of rows without one.

    Raises
    ------
    FileFormatError
        If the table lacks a column or holds a label that is not known.
    OSError
        If a file cannot be read.
    """
    frame = _read_csv(path)
    labels = _labels(frame, path, columns, positive, threshold)
    if cif_dir is None:
        table = _with_structures(frame, path, columns)
    else:
        table = _with_files(frame, path, columns, cif_dir)
    table["label"] = labels
    has_structure = table["structure"] != ""
    if not has_structure.any():
        where = "its column of structures is empty" if cif_dir is None else f"none is in {cif_dir}"
        raise FileFormatError(f"{path}: none of its {len(table)} rows has a structure; {where}.")
    return table[has_structure].reset_index(drop=True), int((~has_structure).sum())


def read_structures(paths: Sequence[Path], columns: Columns) -> pd.DataFrame:
    """List the structures of folders, tables and single files.

    Parameters
    ----------
    paths : sequence of Path
        Folders of CIF files, tables of comma-separated values, structure files.
    columns : Columns
        Names of the tables' columns.

    Returns
    -------
    DataFrame with columns "id", "structure", "label"
        One row for each structure; none is labeled.

    Raises
    ------
    FileFormatError
        If a folder has no CIF file or a table has no column of structures.
    OSError
        If a file cannot be read.
    """
    return pd.concat([_list_structures(path, columns) for path in paths], ignore_index=True)


def _list_structures(path: Path, columns: Columns) -> pd.DataFrame:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_cif(file))
        if not files:
            raise FileFormatError(f"{path} holds no CIF file.")
    elif re.search(r"\.csv(\.\w+)?$", path.name, flags=re.IGNORECASE):
        table = _with_structures(_read_csv(path), path, columns)
        return table[table["structure"] != ""]
    elif path.exists():
        files = [path]
    else:
        raise FileNotFoundError(f"There is no file or folder {path}.")
    names = [str(file) for file in files]
    return make_table([structure_id(name, 0) for name in names], names, UNLABELED)


def _is_cif(path: Path) -> bool:
    return re.search(r"\.cif(\.gz|\.bz2)?$", path.name, flags=re.IGNORECASE) is not None


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # As text: ids such as "1e9" and "007" are no numbers, and "nan" may be one.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, EOFError, zlib.error) as error:  # parser, encoding and compression
        raise FileFormatError(f"{path} is no table of comma-separated values: {error}") from error
    if frame.empty:
        raise FileFormatError(f"{path} has no rows.")
    return frame.fillna("").apply(lambda column: column.str.strip())


def _find(
    frame: pd.DataFrame, path: Path, columns: Columns, role: str, usual: Sequence[str]
) -> str | None:
    wanted = getattr(columns, role)
    by_name = _by_name(frame)
    if wanted in frame.columns:
        return wanted
    if wanted is not None and wanted.strip().lower() in by_name:
        return by_name[wanted.strip().lower()]
    if wanted is not None and columns.binding:
        raise FileFormatError(f"{path} has no column {wanted!r}; it has {_listed(frame)}.")
    return _find_usual(frame, usual)


def _find_usual(frame: pd.DataFrame, usual: Sequence[str]) -> str | None:
    by_name = _by_name(frame)
    return next((by_name[name] for name in usual if name in by_name), None)


def _by_name(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name).strip().lower(): str(name) for name in reversed(frame.columns)}


def _listed(frame: pd.DataFrame) -> str:
    return ", ".join(map(repr, frame.columns))


def _with_structures(frame: pd.DataFrame, path: Path, columns: Columns) -> pd.DataFrame:
    name = _find(frame, path, columns, "structure", _STRUCTURES)
    if name is None:
        raise FileFormatError(
            f"{path} has no column of structures ({', '.join(_STRUCTURES)}); name it with "
            f"--structure-column, or the folder of CIF files of a table of labels with --cif-dir. "
            f"It has {_listed(frame)}."
        )
    items = [_item(value, path.parent) for value in frame[name]]
    ids = _find(frame, path, columns, "id", _IDS)
    if ids is None:
        names = _numbered([structure_id(item, row) for row, item in enumerate(items)])
    else:
        names = frame[ids].tolist()
    return _with_properties(make_table(names, items, UNLABELED), frame, path)


def _numbered(names: list[str]) -> list[str]:
    """Tell apart names that nobody chose: blocks of CIF texts are often named by the formula."""
    seen: Counter[str] = Counter()
    taken = set(names)
    numbered = []
    for name in names:
        seen[name] += 1
        new = name
        while seen[name] > 1 and new in taken:
            new = f"{name}-{seen[name]}"
            seen[name] += new in taken
        taken.add(new)
        numbered.append(new)
    return numbered


def _with_properties(table: pd.DataFrame, frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name, usual in PROPERTIES.items():
        column = _find_usual(frame, usual)
        if column is None:
            continue
        values = frame[column].where(~frame[column].str.lower().isin(_MISSING))
        numbers = pd.to_numeric(values, errors="coerce")
        bad = values[values.notna() & numbers.isna()]
        if len(bad):
            raise FileFormatError(
                f"{path}: {column} {bad.iloc[0]!r} in row {bad.index[0] + 1} is no number."
            )
        table[name] = numbers.to_numpy(dtype=float)
    return table


def _with_files(frame: pd.DataFrame, path: Path, columns: Columns, folder: Path) -> pd.DataFrame:
    if not folder.is_dir():
        raise NotADirectoryError(f"--cif-dir {folder} is no folder.")
    ids = _find(frame, path, columns, "id", _IDS)
    if ids is None:
        raise FileFormatError(
            f"{path} has no column of ids ({', '.join(_IDS)}), which --cif-dir needs; name it with "
            f"--id-column. It has {_listed(frame)}."
        )
    files = [folder / f"{name}.cif" for name in frame[ids]]
    items = [str(file) if file.is_file() else "" for file in files]
    return _with_properties(make_table(frame[ids].tolist(), items, UNLABELED), frame, path)


def _item(value: str, folder: Path) -> str:
    is_text = value == "" or "\n" in value or "_cell_length_a" in value
    return value if is_text else str(folder / value)


def _labels(
    frame: pd.DataFrame, path: Path, columns: Columns, positive: str | None, threshold: float
) -> NDArray[np.int64]:
    if columns.conductivity is None:
        name = _find(frame, path, columns, "label", _LABELS)
        if name is not None:
            return _parse_labels(frame[name], path, positive)
    if positive is not None:
        raise argparse.ArgumentError(None, "--positive needs a column of labels (--label-column).")
    name = _find(frame, path, columns, "conductivity", _CONDUCTIVITIES)
    if name is not None:
        return _parse_conductivities(frame[name], path, threshold)
    raise FileFormatError(
        f"{path} has no column of labels ({', '.join(_LABELS)}) and none of conductivities "
        f"({', '.join(_CONDUCTIVITIES[:2])}); name one with --label-column or "
        f"--conductivity-column. It has {_listed(frame)}."
    )


def _parse_labels(values: pd.Series[str], path: Path, positive: str | None) -> NDArray[np.int64]:
    unknown = values.str.lower().isin(_MISSING) | (values == str(UNLABELED))
    if positive is None:
        bad = values[~unknown & ~values.isin(_CODES)]
        if len(bad):
            raise FileFormatError(
                f"{path}: label {bad.iloc[0]!r} in row {bad.index[0] + 1} is none of 1, 0, -1 and "
                "nothing; name the class to find with --positive."
            )
        return np.array([_CODES.get(value, UNLABELED) for value in values], dtype=np.int64)
    if not (values == positive).any():
        found = ", ".join(map(repr, sorted(set(values[~unknown]))[:10]))
        raise FileFormatError(f"{path}: no label is {positive!r} (--positive); found: {found}.")
    labels = np.array(values == positive, dtype=np.int64)
    labels[(unknown & (values != positive)).to_numpy()] = UNLABELED
    return labels


def _parse_conductivities(
    values: pd.Series[str], path: Path, threshold: float
) -> NDArray[np.int64]:
    unknown = values.str.lower().isin(_MISSING)
    censored = values.str.startswith("<")
    conductivity = pd.to_numeric(values.str.removeprefix("<"), errors="coerce")
    bad = values[~unknown & ~(conductivity >= 0)]
    if len(bad):
        raise FileFormatError(
            f"{path}: conductivity {bad.iloc[0]!r} in row {bad.index[0] + 1} is neither a number "
            'of S/cm nor a bound such as "<1E-8".'
        )
    frame = pd.DataFrame({"conductivity": conductivity, "conductivity_censored": censored})
    labels = label_by_conductivity(frame, threshold)
    labels[unknown.to_numpy()] = UNLABELED
    return labels
