"""Measured patterns from files: one table says which function reads which suffix."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import os
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import Literal

import pandas as pd

from skxrd._sklearn import Interval, StrOptions, validate_params
from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io._measured_patterns import MeasuredPattern, MeasuredPatterns
from skxrd.io._raw_patterns import RawPattern, cleaned
from skxrd.io._text_patterns import read_columns, read_columns_with_uncertainty
from skxrd.simulation._lines import wavelength_in_angstrom

__all__ = ["read_pattern", "read_patterns"]

_ASSUMED = "CuKa"  # where a file states no wavelength

# Suffix -> function from the content of a file to its columns. A new format is one more entry.
READERS: dict[str, Callable[[bytes], RawPattern]] = {
    ".csv": read_columns,
    ".dat": read_columns,
    ".txt": read_columns,
    ".xy": read_columns,
    ".xye": read_columns_with_uncertainty,
}
# Suffix -> name of a format that is known and not read.
NOT_READ = {
    ".asc": "Rigaku ASC",
    ".brml": "Bruker BRML",
    ".cif": "CIF",
    ".cpi": "Sietronics CPI",
    ".cwn": "GSAS histogram",
    ".fxye": "GSAS histogram",
    ".gsa": "GSAS histogram",
    ".gss": "GSAS histogram",
    ".mdi": "JADE MDI",
    ".ras": "Rigaku RAS",
    ".rasx": "Rigaku RASX",
    ".raw": "Bruker, Siemens, Rigaku or STOE RAW",
    ".rd": "Philips RD",
    ".udf": "Philips UDF",
    ".uxd": "Bruker UXD",
    ".xra": "GSAS histogram",
    ".xrdml": "PANalytical XRDML",
}
_UNPACKERS: dict[str, Callable[[bytes], bytes]] = {".bz2": bz2.decompress, ".gz": gzip.decompress}
_MOST_NAMED = 3
_WAVELENGTH: list[object] = [str, Interval(Real, 0, None, closed="neither"), None]


@validate_params(
    {"path": [str, os.PathLike], "wavelength": _WAVELENGTH}, prefer_skip_nested_validation=True
)
def read_pattern(
    path: str | os.PathLike[str], *, wavelength: str | float | None = None
) -> MeasuredPattern:
    r"""Read a measured powder pattern.

    Text in columns is read (``.xy``, ``.xye``, ``.csv``, ``.dat``, ``.txt``, also packed as ``.gz``
    or ``.bz2``): two-theta in degrees, intensity and, in an ``.xye`` or where it can be told, the
    uncertainty. Lines above the numbers and comments, any of the usual separators, decimal commas,
    angles that fall or repeat, line ends and encodings of any system are taken as they come.

    Parameters
    ----------
    path : str or path-like
        File to be read.
    wavelength : str, float or None, default=None
        Wavelength of the measurement: one of pymatgen's names such as "CuKa", or a number in
        angstrom. It takes the place of what the file states. None takes it from the file, and
        assumes Cu K-alpha, 1.54184 angstrom, where the file is silent, as text files mostly are.

    Returns
    -------
    MeasuredPattern
        The pattern, with increasing angles.

    Raises
    ------
    PatternReadError
        If the file is not of a format that is read, or does not hold a pattern.
    OSError
        If there is no such file, or it cannot be opened.
    ValueError
        If `wavelength` is unknown or not positive.

    Warns
    -----
    PatternWarning
        If the wavelength is assumed, if angles repeat and their intensities were averaged, or if
        several ranges were sorted into one.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skxrd.io import read_pattern
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "sample.xy"
    ...     _ = path.write_text("# Wavelength: 1.5406 A\n10.0 52\n10.5 61\n11.0 55\n")
    ...     pattern = read_pattern(path)
    >>> pattern.name, pattern.wavelength, pattern.intensity.tolist()
    ('sample', 1.5406, [52.0, 61.0, 55.0])
    """
    pattern = _read(Path(path), wavelength)
    _warn_of_assumptions([pattern])
    return pattern


@validate_params(
    {
        "paths": [str, os.PathLike, "array-like", Iterable],
        "wavelength": _WAVELENGTH,
        "on_error": [StrOptions({"raise", "skip"})],
    },
    prefer_skip_nested_validation=True,
)
def read_patterns(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    wavelength: str | float | None = None,
    on_error: Literal["raise", "skip"] = "raise",
) -> MeasuredPatterns:
    r"""Read measured powder patterns, one per file.

    Parameters
    ----------
    paths : str, path-like or iterable of them
        Files; or a folder, whose files with the suffix of a known format are read in the order of
        their names. Folders inside of it are left out.
    wavelength : str, float or None, default=None
        Wavelength of all measurements, see `read_pattern`.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a file that cannot be read: raise its error, or go on and list it in
        `failures`.

    Returns
    -------
    MeasuredPatterns
        The patterns, a sequence, with the files that could not be read.

    Raises
    ------
    PatternReadError
        If a file does not hold a pattern and `on_error` is "raise".
    OSError
        If a file cannot be opened and `on_error` is "raise".
    ValueError
        If there are no files, or `wavelength` is unknown.

    Warns
    -----
    PatternWarning
        If files were skipped, if wavelengths are assumed, or if angles repeat or go back.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skxrd.io import read_patterns
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a", "b"):
    ...         _ = (pathlib.Path(folder) / f"{name}.xy").write_text("10 5\n11 6\n")
    ...     patterns = read_patterns(folder, wavelength="CuKa")
    >>> len(patterns), patterns.ids, len(patterns.failures)
    (2, ['a', 'b'], 0)
    """
    files = _files(paths)
    patterns: list[MeasuredPattern] = []
    failures: list[tuple[str, str]] = []
    for file in files:
        try:
            patterns.append(_read(file, wavelength))
        except (PatternReadError, OSError) as error:
            if on_error == "raise":
                raise
            failures.append((str(file), str(error)))
    _warn_of_assumptions(patterns, [why for _, why in failures])
    return MeasuredPatterns(
        patterns, _unique_names(patterns), pd.DataFrame(failures, columns=["path", "reason"])
    )


def _files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    if not isinstance(paths, str | os.PathLike):
        files = [Path(path) for path in paths]
        if not files:
            raise ValueError("paths names no file.")
        return files
    folder = Path(paths)
    if not folder.is_dir():
        return [folder]
    known = {*READERS, *NOT_READ}
    files = sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith(".") and _suffix(file)[0] in known
    )
    if not files:
        raise ValueError(f"The folder {folder} holds no file with the suffix of a known format.")
    return files


def _suffix(path: Path) -> tuple[str, str]:
    """Suffix of the format, and that of the packing around it."""
    packing = path.suffix.lower()
    if packing in _UNPACKERS:
        return Path(path.stem).suffix.lower(), packing
    return packing, ""


def _read(path: Path, wavelength: str | float | None) -> MeasuredPattern:
    given = None if wavelength is None else wavelength_in_angstrom(wavelength)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; read_patterns reads all files of a folder.")
    content = path.read_bytes()
    suffix, packing = _suffix(path)
    try:
        raw = cleaned(_reader(suffix)(_unpacked(content, packing)))
    except PatternReadError as error:
        raise PatternReadError(f"{path}: {error}") from error
    stated = given or raw.wavelength
    return MeasuredPattern(
        raw.two_theta,
        raw.intensity,
        uncertainty=raw.uncertainty,
        wavelength=stated or wavelength_in_angstrom(_ASSUMED),
        wavelength_is_assumed=stated is None,
        metadata=raw.metadata,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        format=suffix.removeprefix("."),
    )


def _reader(suffix: str) -> Callable[[bytes], RawPattern]:
    if suffix in READERS:
        return READERS[suffix]
    advice = f"Export it as text in columns and name it {', '.join(READERS)}."
    if suffix in NOT_READ:
        raise PatternReadError(f"The format {NOT_READ[suffix]} is not read yet. {advice}")
    raise PatternReadError(f"The suffix {suffix!r} is of no known format. {advice}")


def _unpacked(content: bytes, packing: str) -> bytes:
    if not packing:
        return content
    try:
        return _UNPACKERS[packing](content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise PatternReadError(f"The file cannot be unpacked: {error}.") from error


def _unique_names(patterns: list[MeasuredPattern]) -> list[str]:
    """Name patterns by their stems, or by their paths where stems repeat."""
    counts = Counter(pattern.name for pattern in patterns)
    return [p.name if counts[p.name] == 1 else str(p.path) for p in patterns]


def _warn_of_assumptions(patterns: list[MeasuredPattern], failures: Sequence[str] = ()) -> None:
    if failures:
        n_files = len(patterns) + len(failures)
        _warn(f"{len(failures)} of {n_files} files were not read", failures)
    assumed = [pattern.name for pattern in patterns if pattern.wavelength_is_assumed]
    if assumed:
        _warn(
            f"{len(assumed)} of {len(patterns)} files state no wavelength; Cu K-alpha "
            f"({wavelength_in_angstrom(_ASSUMED)} angstrom) is assumed, pass wavelength to set it",
            assumed,
        )
    ranges = [
        f"{pattern.name} ({pattern.metadata['n_ranges']})"
        for pattern in patterns
        if "n_ranges" in pattern.metadata
    ]
    if ranges:
        _warn("Angles go back and forth; the ranges were sorted into one", ranges)
    repeated = [
        f"{pattern.name} ({pattern.metadata['n_repeated_angles']})"
        for pattern in patterns
        if "n_repeated_angles" in pattern.metadata
    ]
    if repeated:
        _warn("Angles repeat, and their intensities were averaged", repeated)


def _warn(what: str, names: Sequence[str]) -> None:
    more = "; ..." if len(names) > _MOST_NAMED else ""
    warnings.warn(f"{what}: {'; '.join(names[:_MOST_NAMED])}{more}", PatternWarning, stacklevel=5)
