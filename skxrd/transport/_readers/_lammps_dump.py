"""Text dumps of LAMMPS: any order of ions, any kind of coordinates, any cell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.transport._readers._frame_reader import Frame, FrameReader, open_binary

__all__ = ["LammpsDumpReader"]

_ITEM = b"ITEM: "
_LENGTH_IN_ANGSTROM = ("metal", "real")


class _Coordinates(NamedTuple):
    columns: tuple[str, str, str]
    is_scaled: bool
    is_unwrapped: bool


# The first that a dump has is taken.
_COORDINATES = (
    _Coordinates(("xsu", "ysu", "zsu"), is_scaled=True, is_unwrapped=True),
    _Coordinates(("xu", "yu", "zu"), is_scaled=False, is_unwrapped=True),
    _Coordinates(("xs", "ys", "zs"), is_scaled=True, is_unwrapped=False),
    _Coordinates(("x", "y", "z"), is_scaled=False, is_unwrapped=False),
)
_IMAGES = ("ix", "iy", "iz")


class _RawFrame(NamedTuple):
    number: int
    step: int
    box: NDArray[np.float64]  # the three lines as they stand
    columns: list[str]
    lines: list[bytes]


class LammpsDumpReader(FrameReader):
    """Reader of LAMMPS's text dumps of style atom or custom."""

    _ids: NDArray[np.int64] | None = None

    def frames(self, wanted: slice) -> Iterator[Frame]:
        """Yield frames with ions in the order of their ids."""
        with open_binary(self.path) as file:
            raw_frames = islice(self._raw_frames(file), wanted.start, wanted.stop)
            for place, raw in enumerate(self._evenly_spaced(raw_frames)):
                if place % wanted.step == 0:
                    yield self._frame(raw)

    def _evenly_spaced(self, raw_frames: Iterator[_RawFrame]) -> Iterator[_RawFrame]:
        before, interval = None, None
        for raw in raw_frames:
            if before is not None:
                found = raw.step - before
                interval = found if interval is None else interval
                if found != interval or found <= 0:
                    raise self.bad_frame(
                        raw.number,
                        f"TIMESTEP is {raw.step}, {found} after the frame before, where "
                        f"{interval if interval > 0 else 'more than 0'} is expected: frames must "
                        "be evenly spaced. start and stop read a part in which they are.",
                    )
            before = raw.step
            yield raw

    def _raw_frames(self, file: BinaryIO) -> Iterator[_RawFrame]:
        sections: dict[str, list[bytes]] = {}
        n_ions = 0
        while title := next(file, b""):
            if not title.strip():
                continue
            if not title.startswith(_ITEM):
                raise self.bad_frame(
                    self.n_complete,
                    f"a line 'ITEM: ...' is expected after {n_ions} ions; found "
                    f"{title.strip()[:60]!r}.",
                )
            name = title.removeprefix(_ITEM).decode("latin-1").strip()
            if not name.startswith("ATOMS"):
                sections[name.partition(" ")[0]] = self._section(name, file)
                continue
            n_ions, step, box = self._header(sections)
            lines = list(islice(file, n_ions))
            if len(lines) < n_ions or not lines[-1].endswith(b"\n"):
                raise self.incomplete(f"with {len(lines)} lines for {n_ions} ions")
            yield _RawFrame(self.n_complete, step, box, name.split()[1:], lines)
            self.n_complete += 1
            sections = {}
        if sections:
            raise self.incomplete("its header ends with the file")

    def _section(self, name: str, file: BinaryIO) -> list[bytes]:
        """Read what stands under a title; for the box, its boundaries stand in the title."""
        n_lines = 3 if name.startswith("BOX BOUNDS") else 1
        lines = list(islice(file, n_lines))
        if len(lines) < n_lines or not lines[-1].endswith(b"\n"):
            raise self.incomplete("its header ends with the file")
        if name == "UNITS" and lines[0].decode("latin-1").strip() not in _LENGTH_IN_ANGSTROM:
            raise self.bad_frame(
                self.n_complete,
                f"lengths are in units {lines[0].decode('latin-1').strip()!r}; angstrom, so one of "
                f"{', '.join(_LENGTH_IN_ANGSTROM)}, is needed.",
            )
        boundaries = [word for word in name.split()[2:] if len(word) == 2 and word[0] in "pfsm"]
        if n_lines == 3 and boundaries not in ([], ["pp"] * 3):
            raise self.bad_frame(
                self.n_complete,
                f"the boundaries of the box are {' '.join(boundaries)}; they must be pp pp pp.",
            )
        return lines

    def _header(self, sections: dict[str, list[bytes]]) -> tuple[int, int, NDArray[np.float64]]:
        missing = {"TIMESTEP", "NUMBER", "BOX"} - set(sections)
        if missing:
            raise self.bad_frame(self.n_complete, f"its header lacks {', '.join(sorted(missing))}.")
        try:
            box = np.array([line.split() for line in sections["BOX"]], dtype=float)
            n_ions, step = int(sections["NUMBER"][0]), int(sections["TIMESTEP"][0])
            if n_ions < 1 or box.shape not in ((3, 2), (3, 3), (3, 4)):
                raise ValueError("ions and a box with two to four numbers a line are needed")
            if not (np.isfinite(box).all() and np.linalg.det(_cell(box)[0]) > 0):
                raise ValueError("the box must be finite and have a volume")
        except ValueError as error:
            raise self.bad_frame(
                self.n_complete, f"its header is not understood: {error}."
            ) from error
        return n_ions, step, box

    def _frame(self, raw: _RawFrame) -> Frame:
        coordinates = next(
            (known for known in _COORDINATES if set(known.columns) <= set(raw.columns)), None
        )
        if coordinates is None or not {"id"} < {"id", "type", "element"} & set(raw.columns):
            raise self.bad_frame(
                raw.number,
                "columns id, type or element, and x y z, xs ys zs, xu yu zu or xsu ysu zsu are "
                f"needed; found {' '.join(raw.columns)}.",
            )
        table = self._table(raw)
        try:
            ids = table[:, raw.columns.index("id")].astype(np.int64)
            order = np.argsort(ids, kind="stable")
            table = table[order]
            positions = self._numbers(table, raw.columns, coordinates.columns)
            has_images = not coordinates.is_unwrapped and set(_IMAGES) <= set(raw.columns)
            images = self._numbers(table, raw.columns, _IMAGES) if has_images else 0.0
            names = self._names(table, raw.columns)
            if not np.isfinite(positions).all():
                raise ValueError("positions must be finite numbers")
        except ValueError as error:
            raise self.bad_frame(raw.number, f"{error}.") from error
        self._check_ids(ids[order], raw.number)
        lattice, origin = _cell(raw.box)
        if not coordinates.is_scaled:
            positions = (positions - origin) @ np.linalg.inv(lattice)
        self.is_unwrapped = coordinates.is_unwrapped or has_images
        return Frame(self.symbols(names), positions + images, lattice)

    def _names(self, table: NDArray[np.bytes_], columns: list[str]) -> NDArray[np.str_]:
        if "type" not in columns:
            return table[:, columns.index("element")].astype(str)
        types = table[:, columns.index("type")].astype(str)
        # Who names types means them: elements are all C unless LAMMPS was told what they are.
        if "element" not in columns or not self.species.keys().isdisjoint(types.tolist()):
            return types
        return table[:, columns.index("element")].astype(str)

    def _table(self, raw: _RawFrame) -> NDArray[np.bytes_]:
        words = b" ".join(raw.lines).split()
        if len(words) != len(raw.lines) * len(raw.columns):
            raise self.bad_frame(
                raw.number,
                f"{len(raw.lines)} ions with {len(raw.columns)} columns each are needed; found "
                f"{len(words)} words.",
            )
        return np.array(words).reshape(len(raw.lines), -1)

    @staticmethod
    def _numbers(
        table: NDArray[np.bytes_], columns: list[str], wanted: tuple[str, str, str]
    ) -> NDArray[np.float64]:
        return table[:, [columns.index(name) for name in wanted]].astype(float)

    def _check_ids(self, ids: NDArray[np.int64], number: int) -> None:
        if self._ids is None:
            self._ids = ids
        if (np.diff(ids) == 0).any():
            raise self.bad_frame(number, "two ions have the same id.")
        if not np.array_equal(ids, self._ids):
            raise self.bad_frame(
                number,
                f"it has {len(ids)} ions with other ids than the {len(self._ids)} of the first "
                "frame; the ions must stay the same.",
            )


def _cell(box: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Make vectors and origin of the cell from the three lines of the box.

    Two numbers are the bounds of a box with right angles. A third is a tilt, xy, xz and yz: the
    bounds are then those of the box around the tilted cell. Four are a vector and one component of
    the origin (LAMMPS documentation, "dump" and "Howto triclinic").
    """
    if box.shape[1] == 4:
        return box[:, :3], box[:, 3]
    low, high = box[:, 0].copy(), box[:, 1].copy()
    xy, xz, yz = box[:, 2] if box.shape[1] == 3 else (0.0, 0.0, 0.0)
    low[:2] -= min(0.0, xy, xz, xy + xz), min(0.0, yz)
    high[:2] -= max(0.0, xy, xz, xy + xz), max(0.0, yz)
    lattice = np.diag(high - low)
    lattice[1, 0], lattice[2, 0], lattice[2, 1] = xy, xz, yz
    return lattice, low
