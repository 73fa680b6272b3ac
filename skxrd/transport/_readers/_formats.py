"""Formats of trajectories, and how they are recognized."""

from __future__ import annotations

import re
from pathlib import Path

from skxrd.exceptions import TrajectoryError
from skxrd.transport._readers._ase_formats import AseTrajectoryReader, ExtendedXyzReader
from skxrd.transport._readers._frame_reader import FrameReader, open_binary
from skxrd.transport._readers._lammps_dump import LammpsDumpReader
from skxrd.transport._readers._npz import NpzReader
from skxrd.transport._readers._vasprun import VasprunReader
from skxrd.transport._readers._xdatcar import XdatcarReader

__all__ = ["READERS", "format_of"]

READERS: dict[str, type[FrameReader]] = {
    "xdatcar": XdatcarReader,
    "vasprun": VasprunReader,
    "lammps": LammpsDumpReader,
    "extxyz": ExtendedXyzReader,
    "traj": AseTrajectoryReader,
    "npz": NpzReader,
}

_SAMPLE = 4000  # bytes from the beginning that tell the format
_CONTENTS = {
    "npz": rb"PK\x03\x04",
    "traj": rb"- of Ulm",
    "lammps": rb"\s*ITEM: ",
    "vasprun": rb"(?s)\s*<\?xml.*<modeling>",
    "extxyz": rb"\s*\d+[ \t]*\r?\n[^\n]*Lattice\s*=",
    "xdatcar": rb"(?is).*^\s*direct configuration",
}
# For files that end before they say what they are.
_NAMES = {
    "xdatcar": r"xdatcar",
    "vasprun": r"vasprun.*\.xml",
    "lammps": r"\.(lammpstrj|lammpsdump|dump)\b",
    "extxyz": r"\.(ext)?xyz\b",
    "traj": r"\.traj\b",
    "npz": r"\.npz\b",
}


def format_of(path: Path) -> str:
    """Recognize the format of a file by its content, or else its name.

    Parameters
    ----------
    path : Path
        File.

    Returns
    -------
    str
        Key of `READERS`.

    Raises
    ------
    TrajectoryError
        If the format is not recognized.
    """
    with open_binary(path) as file:
        try:
            sample = file.read(_SAMPLE)
        except EOFError:  # packed, and cut short right at the beginning
            sample = b""
    for name, pattern in _CONTENTS.items():
        if re.match(pattern, sample, re.MULTILINE):
            return name
    for name, text in _NAMES.items():
        if re.search(text, path.name, re.IGNORECASE):
            return name
    raise TrajectoryError(
        f"the format of {path.name} is not recognized; say which one it is: format must be one of "
        f"{', '.join(READERS)}."
    )
