"""One table says which function reads which suffix, another what text betrays its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from skxrd.exceptions import PatternReadError
from skxrd.io._brml import read_brml
from skxrd.io._gsas import read_gsas
from skxrd.io._pdcif import read_pdcif
from skxrd.io._philips import read_rd, read_udf
from skxrd.io._raw_files import read_raw
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._rigaku import read_asc, read_ras, read_rasx
from skxrd.io._text_lists import read_columns_or_list, read_cpi, read_xdd
from skxrd.io._text_patterns import read_chi, read_columns, read_columns_with_uncertainty
from skxrd.io._unpacking import PACKINGS
from skxrd.io._uxd import read_uxd
from skxrd.io._xrdml import read_xrdml

__all__ = ["NOT_READ", "READERS", "format_of", "suffix_of"]

# Suffix -> function from the content of a file to its scans. A new format is one more entry.
_Reader = Callable[[bytes], Sequence[RawPattern | PatternReadError]]
READERS: dict[str, _Reader] = {
    ".asc": read_asc,
    ".brml": read_brml,
    ".chi": read_chi,
    ".cif": read_pdcif,
    ".cpi": read_cpi,
    ".csv": read_columns,
    ".cwn": read_gsas,
    ".dat": read_columns_or_list,
    ".fxye": read_gsas,
    ".gda": read_gsas,
    ".gsa": read_gsas,
    ".gsas": read_gsas,
    ".gss": read_gsas,
    ".prn": read_columns,
    ".ras": read_ras,
    ".rasx": read_rasx,
    ".raw": read_raw,
    ".rd": read_rd,
    ".sd": read_rd,
    ".tsv": read_columns,
    ".txt": read_columns_or_list,
    ".udf": read_udf,
    ".uxd": read_uxd,
    ".xdd": read_xdd,
    ".xra": read_gsas,
    ".xrdml": read_xrdml,
    ".xy": read_columns,
    ".xye": read_columns_with_uncertainty,
}
# Suffix -> name of a format that is known and not read.
NOT_READ = {".mdi": "JADE MDI"}
# Instruments write their text under general suffixes too: what begins a line -> suffix to read by.
_COLUMNS = (".asc", ".csv", ".dat", ".prn", ".tsv", ".txt", ".xy", ".xye")
_BETRAYED = {
    rb"\*RAS_(DATA|HEADER)_START": ".ras",
    rb"\*COUNT\s*=": ".asc",
    rb"BANK\s+\d+\s+\d+\s+\d+": ".gsa",
    rb"_(2THETA)?(COUNTS|CPS)(TIME)?\s*$": ".uxd",
    rb"<(\w+:)?xrdMeasurements\b": ".xrdml",
    rb"_pd_(meas|proc|calc)_(2theta|intensity|counts)": ".cif",
    rb"SIETRONICS XRD SCAN": ".cpi",
    rb"RawScan\s*$": ".udf",
}
_LOOKED_AT = 100_000  # bytes of a file in which the format is told
_ADVICE = "Export it as text in columns and name it .xy, .xye, .csv, .dat or .txt."


def format_of(suffix: str, content: bytes) -> str:
    """Return the suffix by which a file is to be read.

    It is the suffix of the file, unless that says no more than text, or nothing, and the text is
    that of an instrument.

    Raises
    ------
    PatternReadError
        If the file is of no known format.
    """
    if suffix in READERS and suffix not in _COLUMNS:
        return suffix
    start = content[:_LOOKED_AT].replace(b"\0", b"")  # as in UTF-16
    for line, betrayed in _BETRAYED.items():
        if re.search(rb"^[ \t]*" + line, start, re.MULTILINE):
            return betrayed
    if suffix in READERS:
        return suffix
    if suffix in NOT_READ:
        raise PatternReadError(f"The format {NOT_READ[suffix]} is not read yet. {_ADVICE}")
    raise PatternReadError(f"The suffix {suffix!r} is of no known format. {_ADVICE}")


def suffix_of(path: Path) -> tuple[str, str]:
    """Suffix of the format, and that of the packing around it."""
    packing = path.suffix.lower()
    if packing in PACKINGS:
        return Path(path.stem).suffix.lower(), packing
    return packing, ""
