"""VASP's vasprun.xml, of forces from first principles and of machine-learned ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from skxrd.transport._readers._frame_reader import Frame, FrameReader, open_binary

__all__ = ["VasprunReader"]

# From this version on, ML_OUTBLOCK thins out the structures of vasprun.xml; NBLOCK never does
# (VASP Wiki, "ML_OUTBLOCK").
_FIRST_WITH_OUTBLOCK = (6, 4, 3)
_DEFAULT_TEBEG = 1e-4  # K, of runs without a thermostat


class VasprunReader(FrameReader):
    """Reader of the structures of a vasprun.xml.

    Structures of steps from first principles stand inside a calculation, those of machine-learned
    steps beside it; the file has them in the order of time.
    """

    tells_time = True
    _names: NDArray[np.str_] | None = None

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames; elements of the file are forgotten once they were read."""
        with open_binary(self.path) as file:
            structures = islice(self._structures(file), wanted.start, wanted.stop, wanted.step)
            for number, structure in structures:
                yield self._frame(number, structure)

    def _structures(self, file: BinaryIO) -> Iterator[tuple[int, ElementTree.Element]]:
        """Yield each structure without a name: first, last and primitive cell have one."""
        self._settings: dict[str, str] = {}
        root, depth = None, 0
        try:
            for event, element in ElementTree.iterparse(file, events=("start", "end")):
                if event == "start":
                    root = element if root is None else root
                    depth += 1
                    continue
                depth -= 1
                if element.tag == "structure" and "name" not in element.attrib:
                    yield self.n_complete, element
                    self.n_complete += 1
                elif element.tag in ("generator", "incar", "parameters"):
                    self._read_settings(element)
                elif element.tag == "atominfo":
                    self._names = self._read_names(element)
                if depth == 1 and root is not None:
                    root.clear()
        except ElementTree.ParseError as error:
            raise self.incomplete(error) from error

    def _read_settings(self, element: ElementTree.Element) -> None:
        for item in element.iter("i"):
            self._settings[item.get("name", "")] = (item.text or "").strip()
        self.time_step = self._time_between_structures()
        begin, end = self._number("TEBEG"), self._number("TEEND")
        is_set = begin is not None and begin > _DEFAULT_TEBEG
        self.temperature = begin if is_set and begin == end else None

    def _time_between_structures(self) -> float | None:
        time_step = self._number("POTIM")
        if time_step is None or self._number("IBRION") != 0:  # no molecular dynamics
            return None
        version = tuple(map(int, re.findall(r"\d+", self._settings.get("version", ""))[:3]))
        is_predicting = self._settings.get("ML_MODE", "").lower() in ("run", "predict") or (
            self._number("ML_ISTART") == 2
        )
        if is_predicting and version >= _FIRST_WITH_OUTBLOCK:
            return time_step * (self._number("ML_OUTBLOCK") or 1)
        return time_step

    def _number(self, name: str) -> float | None:
        try:
            return float(self._settings[name])
        except (KeyError, ValueError):  # VASP prints stars where a number is too long
            return None

    def _read_names(self, element: ElementTree.Element) -> NDArray[np.str_]:
        rows = element.findall("array[@name='atoms']/set/rc")
        return self.symbols((row[0].text or "").strip() for row in rows)

    def _frame(self, number: int, structure: ElementTree.Element) -> Frame:
        names = self._names
        if names is None:
            raise self.bad_frame(number, "no list of the atoms (atominfo) comes before it.")
        try:
            lattice = _vectors(structure, "crystal/varray[@name='basis']/v")
            positions = _vectors(structure, "varray[@name='positions']/v")
        except ValueError as error:
            raise self.bad_frame(number, f"{error}.") from error
        if lattice.shape != (3, 3) or positions.shape != (len(names), 3):
            raise self.bad_frame(
                number,
                f"three vectors and {len(names)} positions are needed; found arrays of shape "
                f"{lattice.shape} and {positions.shape}.",
            )
        return Frame(names, positions, lattice)


def _vectors(structure: ElementTree.Element, path: str) -> NDArray[np.float64]:
    return np.array([(row.text or "").split() for row in structure.findall(path)], dtype=float)
