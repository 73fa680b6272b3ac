"""Measured patterns from files."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from skxrd._sklearn import Interval, StrOptions, validate_params
from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io._formats import NOT_READ, READERS, format_of, suffix_of
from skxrd.io._measured_patterns import MeasuredPattern, MeasuredPatterns
from skxrd.io._raw_patterns import cleaned, joined
from skxrd.io._unpacking import read_bounded, unpacked
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = ["read_pattern", "read_patterns"]

_ASSUMED = "CuKa"  # where a file states no wavelength

_MOST_NAMED = 3
# Key of the metadata -> what was done to the pattern, as a warning says it.
_DEEDS = {
    "n_negative_angles": "Negative angles were left out",
    "n_scans_left_out": "Scans of other axes were left out",
    "n_columns_left_out": "Columns were left out",
    "n_ranges": "Angles go back and forth; the ranges were sorted into one",
    "n_repeated_angles": "Angles repeat, and their intensities were averaged",
}
_WAVELENGTH: list[object] = [str, Interval(Real, 0, None, closed="neither"), None]


@validate_params(
    {
        "path": [str, os.PathLike],
        "wavelength": _WAVELENGTH,
        "scan": [Interval(Integral, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def read_pattern(
    path: str | os.PathLike[str],
    *,
    wavelength: str | float | None = None,
    scan: int | None = None,
) -> MeasuredPattern:
    r"""Read a measured powder pattern.

    Files of instruments are read: PANalytical ``.xrdml``; Rigaku ``.ras``, ``.rasx`` and ``.asc``;
    Bruker and Siemens ``.raw`` (version 1 to 4), ``.brml`` and ``.uxd``; STOE ``.raw``; Philips
    ``.udf``, ``.rd`` and ``.sd``; Sietronics ``.cpi``. So are histograms of GSAS at constant
    wavelength (``.gsa``, ``.gss``, ``.fxye``, ``.cwn``, ``.xra``, ``.gda``, ``.raw``) and patterns
    in a ``.cif``. The suffix says which it is, or the content of a file whose suffix says no more
    than text; any file may be packed as ``.gz`` or ``.bz2``.

    Text in columns is read as well (``.xy``, ``.xye``, ``.csv``, ``.tsv``, ``.dat``, ``.txt``,
    ``.prn``, ``.chi``, ``.xdd``): two-theta in degrees, intensity and, in an ``.xye`` or where it
    can be told, the uncertainty. Lines above the numbers and comments, any of the usual separators,
    decimal commas, digits in groups, angles that fall or repeat, line ends and encodings of any
    system are taken as they come.

    Parameters
    ----------
    path : str or path-like
        File to be read.
    wavelength : str, float or None, default=None
        Wavelength of the measurement: one of pymatgen's names such as "CuKa", or a number in
        angstrom. It takes the place of what the file states. None takes it from the file, and
        assumes Cu K-alpha, 1.54184 angstrom, where the file is silent, as text files mostly are.
        Where it states both lines of the doublet, their mean is taken, weighted as they are.
    scan : int or None, default=None
        Number of the scan, from 0, in a file that holds several. None takes the only one, or joins
        those that follow each other in angle.

    Returns
    -------
    MeasuredPattern
        The pattern, with increasing angles. Its `metadata` are what the file states of "sample",
        "comment", "operator", "instrument", "date", "anode", "kalpha1" and "kalpha2" (angstrom),
        "kalpha_ratio", "voltage" (kV), "current" (mA), "radius" (mm), "scan_axis", "step_time" (s)
        and "intensity_unit"; text in columns gives its own names instead. What the reader did is
        there as well, as "n_scans", "n_scans_left_out", "n_columns_left_out", "n_negative_angles",
        "n_ranges" and "n_repeated_angles", where there is any.

    Raises
    ------
    PatternReadError
        If the file is not of a format that is read, or does not hold a pattern; if it holds
        several scans over the same angles and `scan` is None, or has no such scan.
    OSError
        If there is no such file, or it cannot be opened.
    ValueError
        If `wavelength` is unknown or not positive.

    Warns
    -----
    PatternWarning
        If the wavelength is assumed, if angles repeat and their intensities were averaged, if
        several ranges were sorted into one, or if negative angles, further columns or scans of
        other axes were left out.

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
    pattern = _read(Path(path), wavelength, scan)
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
        If files were skipped, or for the reasons of `read_pattern`.

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
        if file.is_file() and not file.name.startswith(".") and suffix_of(file)[0] in known
    )
    if not files:
        raise ValueError(f"The folder {folder} holds no file with the suffix of a known format.")
    return files


def _read(path: Path, wavelength: str | float | None, scan: int | None = None) -> MeasuredPattern:
    given = None if wavelength is None else wavelength_in_angstrom(wavelength)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; read_patterns reads all files of a folder.")
    suffix, packing = suffix_of(path)
    try:
        with path.open("rb") as file:
            content = read_bounded(file, "The file")
        plain = unpacked(content, packing)
        suffix = format_of(suffix, plain)
        # What overflows is refused as not finite.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            raw = cleaned(joined(READERS[suffix](plain), scan))
    except PatternReadError as error:
        raise PatternReadError(f"{path}: {error}") from error
    stated = given or raw.wavelength
    return MeasuredPattern(
        raw.two_theta,
        raw.intensity,
        uncertainty=raw.uncertainty,
        wavelength=stated or wavelength_in_angstrom(_ASSUMED),
        wavelength_is_assumed=stated is None,
        metadata={key: value for key, value in raw.metadata.items() if value is not None},
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        format=suffix.removeprefix("."),
        counts=raw.counts,
    )


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
    for key, what in _DEEDS.items():
        names = [f"{p.name} ({p.metadata[key]})" for p in patterns if key in p.metadata]
        if names:
            _warn(what, names)


def _warn(what: str, names: Sequence[str]) -> None:
    more = "; ..." if len(names) > _MOST_NAMED else ""
    warnings.warn(f"{what}: {'; '.join(names[:_MOST_NAMED])}{more}", PatternWarning, stacklevel=5)
