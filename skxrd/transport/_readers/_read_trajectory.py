"""Trajectories that other programs wrote."""

from __future__ import annotations

import io
import math
import os
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import chain
from numbers import Integral, Real
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from skxrd._files import complete_file
from skxrd.exceptions import TrajectoryError
from skxrd.transport._readers._formats import READERS, format_of
from skxrd.transport._readers._frame_reader import Frame, FrameReader
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["read_trajectory"]


def read_trajectory(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    time_step: float | None = None,
    temperature: float | None = None,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    species: Mapping[int | str, str] | None = None,
    memory_map: str | os.PathLike[str] | None = None,
    is_unwrapped: bool | None = None,
) -> IonTrajectory:
    r"""Read the trajectory of a simulation of molecular dynamics.

    Frames are read one after another, so that memory holds little but the positions, or with
    `memory_map` not even these. Only "npz" is read as a whole.

    Parameters
    ----------
    path : str or path-like
        File; all but ``.traj`` and ``.npz`` may be packed by gzip.
    format : {"xdatcar", "vasprun", "lammps", "extxyz", "traj", "npz"}, default=None
        Format; None recognizes it by the content, or else the name, of the file:

        - "xdatcar": VASP's XDATCAR from version 5.2 on, with one cell or a cell for each frame;
        - "vasprun": VASP's vasprun.xml, also with machine-learned forces;
        - "lammps": text dump of LAMMPS of style atom or custom, in units metal or real, with
          columns id, type or element, and any kind of coordinates;
        - "extxyz": extended XYZ, through ASE;
        - "traj": ASE's own format, through ASE;
        - "npz": what `IonTrajectory.save` wrote.
    time_step : float, default=None
        Time between two frames of the file in fs, which is the time step of the integrator times
        the number of steps from one frame written to the next (NBLOCK in VASP). None takes what the
        file says, which only "vasprun" and "npz" can do.
    temperature : float, default=None
        Temperature in K. None takes what the file says: that of "npz", and TEBEG of "vasprun" if
        TEEND is the same.
    start : int, default=0
        First frame to read, from 0.
    stop : int, default=None
        Frame to stop before; None reads to the end.
    stride : int, default=1
        Read every `stride`-th frame. Positions between are not seen: ions must not go by half of
        the cell from one frame that is read to the next.
    species : dict of int or str to str, default=None
        Symbols of elements by the names that the file has for them, such as
        ``{1: "Li", 2: "P", 3: "S"}`` for the types of LAMMPS. It is needed where the file only
        numbers the species, as XDATCAR of VASP 4 does as well. Names that are not among the keys
        must be symbols themselves.
    memory_map : str or path-like, default=None
        File in NumPy's format ``.npy`` that positions are written to as float32, and that stays
        their place: they are read from it as they are needed. It appears when it is complete, in
        the place of one of the same name. None keeps positions in memory as float64.
    is_unwrapped : bool, default=None
        Whether positions follow each ion across the faces of the cell. None takes what the file
        says (see Notes).

    Returns
    -------
    IonTrajectory
        The frames, with `time_step` times `stride` between them.

    Raises
    ------
    TrajectoryError
        If the format is not recognized; if there is no frame; if a frame is incomplete, such as the
        last one of a run that was killed, holds no finite numbers, or not the same ions; if frames
        of "lammps" are not evenly spaced in time; or if species are not known, or `species` names
        none that the file has.
    FileNotFoundError
        If there is no such file.
    ValueError
        If `time_step` is needed, or a parameter is out of its range.
    TypeError
        If `species` is no dict, or `is_unwrapped` no bool.
    MissingDependencyError
        If ASE is needed and not installed.

    See Also
    --------
    IonTrajectory.from_structures : Make one of structures of pymatgen.

    Notes
    -----
    Positions count as unwrapped if the file says so: "lammps" with xu or xsu, or with the images
    ix iy iz, and "npz". All others are taken for wrapped. Where they are not, as in files of the
    molecular dynamics of ASE, which never wraps, nothing is lost while ions go by less than half of
    the cell between frames: they are not moved by unwrapping them. For frames that are further
    apart, `is_unwrapped` tells what the file does not.

    In "vasprun", structures of all ionic steps are read, also those of machine-learned steps, which
    stand outside of the calculations. NBLOCK does not thin them out, and ML_OUTBLOCK does so from
    VASP 6.4.3 on [1]_; the time between them is computed accordingly.

    References
    ----------
    .. [1] VASP Wiki, "ML_OUTBLOCK", https://vasp.at/wiki/ML_OUTBLOCK.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skxrd.transport import read_trajectory
    >>> lines = ["LiCl", "1.0", "5 0 0", "0 5 0", "0 0 5", "Li Cl", "1 1"]
    >>> for number, x in enumerate([0.8, 0.95, 0.1], start=1):
    ...     lines += [f"Direct configuration= {number}", f"{x} 0.0 0.0", "0.5 0.5 0.5"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "XDATCAR")
    ...     _ = path.write_text("\n".join(lines))
    ...     trajectory = read_trajectory(path, time_step=100.0, temperature=600.0)
    >>> trajectory
    IonTrajectory(Cl1 Li1: 3 frames, 100 fs apart, 600 K)
    >>> trajectory.displacements("Li")[:, 0, 0].round(6)
    array([0.  , 0.75, 1.5 ])
    """
    _check_parameters(format, time_step, temperature, start, stop, stride, species, memory_map)
    if is_unwrapped is not None and not isinstance(is_unwrapped, bool):
        raise TypeError(f"is_unwrapped must be True, False or None; got {is_unwrapped!r}.")
    path = Path(path)
    path.stat()  # a FileNotFoundError, before any reader has words of its own for it
    reader = READERS[format or format_of(path)](path, species)
    if time_step is None and not reader.tells_time:
        raise _missing_time_step(path)
    with closing(_checked(reader, slice(start, stop, stride))) as frames:
        if memory_map is None:
            buffer = io.BytesIO()
            shape, symbols, lattices = _write_positions(frames, buffer, np.dtype(float))
            positions = np.frombuffer(buffer.getbuffer(), dtype=float).reshape(shape)
        else:
            with complete_file(Path(memory_map)) as file:
                _, symbols, lattices = _write_npy(frames, file)
            positions = np.load(memory_map, mmap_mode="r")
    time_step = time_step or reader.time_step
    if time_step is None:
        raise _missing_time_step(path)
    return IonTrajectory(
        positions,
        lattices[0] if (lattices == lattices[0]).all() else lattices,
        symbols,
        time_step=time_step * stride,
        temperature=temperature or reader.temperature,
        is_unwrapped=reader.is_unwrapped if is_unwrapped is None else is_unwrapped,
    )


# By hand, for scikit-learn's validation needs more time and memory to be imported than most
# trajectories to be read.
def _check_parameters(
    format: str | None,
    time_step: float | None,
    temperature: float | None,
    start: int,
    stop: int | None,
    stride: int,
    species: Mapping[int | str, str] | None,
    memory_map: str | os.PathLike[str] | None,
) -> None:
    if format is not None and format not in READERS:
        raise ValueError(f"format must be one of {', '.join(READERS)}, or None; got {format!r}.")
    for name, value in {"time_step": time_step, "temperature": temperature}.items():
        if value is not None and not (isinstance(value, Real) and 0 < value < math.inf):
            raise ValueError(f"{name} must be a positive number; got {value!r}.")
    for name, number, smallest in [("start", start, 0), ("stop", stop, 0), ("stride", stride, 1)]:
        is_default = name == "stop" and number is None
        if not (is_default or (isinstance(number, Integral) and number >= smallest)):
            raise ValueError(f"{name} must be an integer of at least {smallest}; got {number!r}.")
    if stop is not None and stop <= start:
        raise ValueError(f"stop must be larger than start; got start={start} and stop={stop}.")
    if species is not None and not isinstance(species, Mapping):
        raise TypeError(
            "species must be a dict from the names of the file to symbols, such as {1: 'Li', 2: "
            f"'S'}}; got {species!r}."
        )
    if memory_map is not None and Path(memory_map).suffix != ".npy":
        raise ValueError(f"memory_map must end in .npy; got {Path(memory_map).name}.")


def _missing_time_step(path: Path) -> ValueError:
    return ValueError(
        f"{path.name} does not tell the time between its frames: give time_step in fs, the time "
        "step of the simulation times the number of steps between frames."
    )


def _checked(reader: FrameReader, wanted: slice) -> Generator[Frame]:
    """Yield frames of the same ions at finite positions, and at least one."""
    first = None
    number = wanted.start
    try:
        for frame in reader.frames(wanted):
            first = first or frame
            if frame.species is not first.species and not np.array_equal(
                frame.species, first.species
            ):
                raise reader.bad_frame(
                    number,
                    f"it has other ions, {len(frame.species)} in all, than the first one with "
                    f"{len(first.species)}.",
                )
            if not (np.isfinite(frame.positions).all() and np.isfinite(frame.lattice).all()):
                raise reader.bad_frame(number, "positions and cell must be finite numbers.")
            yield frame
            number += wanted.step
    except (EOFError, zlib.error) as error:  # of a packed file
        raise reader.incomplete(error) from error
    if first is None:
        raise TrajectoryError(
            f"{reader.path.name} has no frame to read"
            + (f" from start={wanted.start} on." if wanted.start else ".")
        )


def _write_positions(
    frames: Iterator[Frame], file: BinaryIO, dtype: np.dtype
) -> tuple[tuple[int, int, int], NDArray[np.str_], NDArray[np.float64]]:
    """Write positions frame by frame; return their shape, the symbols of the ions and the cells."""
    lattices = []
    for frame in frames:
        file.write(frame.positions.astype(dtype).tobytes())
        lattices.append(frame.lattice)
    return (len(lattices), len(frame.species), 3), frame.species, np.array(lattices)


def _write_npy(
    frames: Iterator[Frame], file: BinaryIO
) -> tuple[tuple[int, int, int], NDArray[np.str_], NDArray[np.float64]]:
    """Write a file in NumPy's format; how many frames there are is known at its end only."""
    first = next(frames)
    header = {"descr": "<f4", "fortran_order": False, "shape": (0, len(first.species), 3)}
    np.lib.format.write_array_header_1_0(file, header)
    written = _write_positions(chain([first], frames), file, np.dtype("<f4"))
    # NumPy keeps room in the header for arrays that grow along their first axis.
    file.seek(0)
    np.lib.format.write_array_header_1_0(file, {**header, "shape": written[0]})
    return written
