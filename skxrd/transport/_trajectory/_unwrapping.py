"""Ions followed across the faces of the cell, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError

__all__ = ["check_cell_is_continuous", "frame_blocks", "unwrap"]

# Two frames apart, an ion that crossed half of the cell cannot be told from its periodic image;
# the margin keeps one that came near from being taken for the wrong one.
MAX_STEP = 0.45
_BLOCK_BYTES = 8_000_000  # of float64; a few such arrays are alive at a time


def frame_blocks(shape: tuple[int, ...], start: int = 0) -> Iterator[slice]:
    """Cut the frames of an array of this shape into blocks of bounded memory."""
    n_frames, n_ions = shape[:2]
    size = max(1, _BLOCK_BYTES // (n_ions * 24))
    for first in range(start, n_frames, size):
        yield slice(first, min(first + size, n_frames))


def unwrap(
    positions: NDArray[Any], species: NDArray[np.str_], time_step: float
) -> NDArray[np.float64]:
    """Let each ion go the shortest way from frame to frame.

    This is done in fractions of the cell, in which a cell that changes does not move the ions. What
    is taken off are whole cells, so that nothing is lost to rounding however long the run.

    Parameters
    ----------
    positions : ndarray of shape (n_frames, n_ions, 3)
        Fractional coordinates; may lie in a memory map.
    species : ndarray of str of shape (n_ions,)
        Symbols for the error message.
    time_step : float
        Time between two frames in fs for the error message.

    Returns
    -------
    ndarray of shape (n_frames, n_ions, 3)
        Fractional coordinates, in a new array.

    Raises
    ------
    TrajectoryError
        If an ion goes by more than 0.45 of the cell between two frames.
    """
    unwrapped = np.empty(positions.shape)
    unwrapped[0] = positions[0]
    crossed = np.zeros(positions.shape[1:])  # cells that each ion has crossed so far
    for block in frame_blocks(positions.shape, start=1):
        now = positions[block].astype(float)
        steps = now - positions[block.start - 1 : block.stop - 1]
        images = np.round(steps)
        steps -= images
        _check_steps(np.abs(steps, out=steps), block.start, species, time_step)
        np.cumsum(images, axis=0, out=images)
        images += crossed
        np.subtract(now, images, out=unwrapped[block])
        crossed = images[-1].copy()
    return unwrapped


def _check_steps(
    steps: NDArray[np.float64], start: int, species: NDArray[np.str_], time_step: float
) -> None:
    if steps.max() <= MAX_STEP:
        return
    # The first frame of all that are too far from the one before, not the worst: it is where
    # somebody who looks for the reason should start.
    block_frame = int(np.argmax((steps > MAX_STEP).any(axis=(1, 2))))
    ion, axis = np.unravel_index(steps[block_frame].argmax(), steps.shape[1:])
    frame = start + block_frame
    raise TrajectoryError(
        # No number of the ion: it may be one of those that were chosen.
        f"an ion of {species[ion]} goes by {steps[block_frame, ion, axis]:.2f} of the cell along "
        f"axis {'abc'[axis]} between frames {frame - 1} and {frame}, {time_step:g} fs apart; at "
        f"most {MAX_STEP} is allowed, for which way it went cannot be told. Frames must be written "
        "more often, or positions be unwrapped by the program that made them, which "
        "is_unwrapped=True says."
    )


def check_cell_is_continuous(lattice: NDArray[np.float64]) -> None:
    """Raise an error where the vectors of the cell were chosen anew from one frame to the next.

    LAMMPS does so with a cell that is tilted by more than half, its "box flip": the lattice goes on
    as before, but fractions of the cell before and after have nothing to do with each other.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3) or (n_frames, 3, 3)
        Lattice vectors in rows.

    Raises
    ------
    TrajectoryError
        If a vector changes by more than half of one.
    """
    if lattice.ndim == 2:
        return
    changes = lattice[1:] @ np.linalg.inv(lattice[:-1]) - np.eye(3)
    jumps = (np.abs(changes) > 0.5).any(axis=(1, 2))
    if jumps.any():
        frame = int(np.argmax(jumps))
        raise TrajectoryError(
            f"the cell changes by more than half between frames {frame} and {frame + 1}: other "
            "vectors were chosen for it, as LAMMPS does when it flips a tilted box, and ions "
            "cannot be followed across. Take the frames before or after, or let LAMMPS run with "
            "flip no."
        )
