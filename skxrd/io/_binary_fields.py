"""Numbers and text at places of a binary file."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError

__all__ = ["Fields"]


class Fields:
    """Little-endian numbers and text at places of a binary file.

    Parameters
    ----------
    content : bytes
        Content of the file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def unpack(self, form: str, at: int) -> tuple[Any, ...]:
        """Return the values that `form`, as of struct, describes."""
        if at < 0 or at + struct.calcsize("<" + form) > self.size:
            raise PatternReadError(f"The file ends after {self.size} bytes, before its byte {at}.")
        return struct.unpack_from("<" + form, self._content, at)

    def number(self, form: str, at: int) -> Any:
        """Return one value."""
        return self.unpack(form, at)[0]

    def text(self, at: int, length: int) -> str:
        """Return text up to the first zero."""
        return self._content[at : at + length].split(b"\0")[0].decode("latin-1").strip()

    def column(
        self, dtype: str, at: int, n_points: int, stride: int | None = None
    ) -> NDArray[np.float64]:
        """Return one number per point, that many bytes apart."""
        kind = np.dtype(dtype)
        stride = kind.itemsize if stride is None else stride
        if n_points < 2 or stride < kind.itemsize or at + n_points * stride > self.size:
            raise PatternReadError(
                f"The header announces {n_points} points of {stride} bytes from byte {at} on; the "
                f"file has {self.size} bytes."
            )
        values = np.ndarray((n_points,), kind, self._content, at, (stride,))
        with np.errstate(invalid="ignore"):  # of NaN, which are refused later
            return values.astype(np.float64)
