"""Files with the suffix .raw: six formats share it, and their first bytes tell which it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from skxrd.exceptions import PatternReadError
from skxrd.io._bruker_raw import read_raw1, read_raw2, read_raw3, read_raw4
from skxrd.io._gsas import read_gsas
from skxrd.io._raw_patterns import RawPattern
from skxrd.io._stoe_raw import read_stoe_raw

__all__ = ["read_raw"]

_READERS: dict[bytes, Callable[[bytes], Sequence[RawPattern | PatternReadError]]] = {
    b"RAW4.00": read_raw4,
    b"RAW1.01": read_raw3,
    b"RAW_1.05": read_stoe_raw,
    b"RAW_1.06": read_stoe_raw,
    b"RAW2": read_raw2,
    b"RAW ": read_raw1,
}


def read_raw(content: bytes) -> Sequence[RawPattern | PatternReadError]:
    """Read a .raw file of Siemens, Bruker or STOE, or one of GSAS.

    Parameters
    ----------
    content : bytes
        Content of the file.

    Returns
    -------
    list of RawPattern or PatternReadError
        One for each scan; errors stand for scans of other axes.

    Raises
    ------
    PatternReadError
        If the content is of none of these, or contradicts itself.
    """
    for magic, reader in _READERS.items():
        if content.startswith(magic):
            return reader(content)
    if re.search(rb"^BANK\s", content, re.MULTILINE):
        return read_gsas(content)
    if content.startswith(b"FI"):
        raise PatternReadError("This is a binary file of Rigaku; export it as .ras or .asc.")
    raise PatternReadError(
        f"The file begins with {content[:8]!r}, which no .raw file of Siemens, Bruker, STOE or "
        "GSAS does."
    )
