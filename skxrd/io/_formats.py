"""One table says which function reads which suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skxrd.exceptions import PatternReadError
from skxrd.io._brml import read_brml
from skxrd.io._gsas import read_columns_or_list, read_gsas
from skxrd.io._pdcif import read_pdcif
from skxrd.io._raw_files import read_raw
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._rigaku import read_asc, read_ras, read_rasx
from skxrd.io._text_patterns import read_columns, read_columns_with_uncertainty
from skxrd.io._unpacking import PACKINGS
from skxrd.io._uxd import read_uxd
from skxrd.io._xrdml import read_xrdml

__all__ = ["NOT_READ", "READERS", "reader_of", "suffix_of"]

# Suffix -> function from the content of a file to its scans. A new format is one more entry.
READERS: dict[str, Callable[[bytes], RawPattern | list[RawPattern]]] = {
    ".asc": read_asc,
    ".brml": read_brml,
    ".cif": read_pdcif,
    ".csv": read_columns,
    ".cwn": read_gsas,
    ".dat": read_columns_or_list,
    ".fxye": read_gsas,
    ".gda": read_gsas,
    ".gsa": read_gsas,
    ".gsas": read_gsas,
    ".gss": read_gsas,
    ".ras": read_ras,
    ".rasx": read_rasx,
    ".raw": read_raw,
    ".txt": read_columns,
    ".uxd": read_uxd,
    ".xra": read_gsas,
    ".xrdml": read_xrdml,
    ".xy": read_columns,
    ".xye": read_columns_with_uncertainty,
}
# Suffix -> name of a format that is known and not read.
NOT_READ = {
    ".cpi": "Sietronics CPI",
    ".mdi": "JADE MDI",
    ".rd": "Philips RD",
    ".udf": "Philips UDF",
}
_ADVICE = "Export it as text in columns and name it .xy, .xye, .csv, .dat or .txt."


def reader_of(suffix: str) -> Callable[[bytes], RawPattern | list[RawPattern]]:
    """Return the function that reads files with a suffix.

    Raises
    ------
    PatternReadError
        If there is none.
    """
    if suffix in READERS:
        return READERS[suffix]
    if suffix in NOT_READ:
        raise PatternReadError(f"The format {NOT_READ[suffix]} is not read yet. {_ADVICE}")
    raise PatternReadError(f"The suffix {suffix!r} is of no known format. {_ADVICE}")


def suffix_of(path: Path) -> tuple[str, str]:
    """Suffix of the format, and that of the packing around it."""
    packing = path.suffix.lower()
    if packing in PACKINGS:
        return Path(path.stem).suffix.lower(), packing
    return packing, ""
