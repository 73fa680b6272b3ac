"""What is kept on disk of a simulation, so that it goes on where it was stopped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxrd._files import complete_file
from skxrd.exceptions import FileFormatError

if sys.platform != "win32":
    import fcntl

__all__ = ["Checkpoint", "check_settings"]

_SETTINGS = "settings.json"


def check_settings(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Compare settings with those of the folder, and write them if it is new.

    Parameters
    ----------
    folder : Path
        Folder of all checkpoints; made if there is none.
    settings : dict
        Numbers and strings that the trajectory depends on. A "seed" that is None stands for any.

    Returns
    -------
    dict
        The settings of the folder.

    Raises
    ------
    FileFormatError
        If the folder has other settings.
    """
    path = folder / _SETTINGS
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if settings["seed"] is None:
            settings = {**settings, "seed": new_seed()}
        with complete_file(path) as file:
            file.write(json.dumps(settings, indent=1, default=_plain).encode())
        return settings
    known = json.loads(path.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(settings, default=_plain))
    if wanted["seed"] is None:
        wanted["seed"] = known.get("seed")
    # Not those that only `wanted` has: an older version did not write them.
    differing = [name for name in known if known[name] != wanted.get(name)]
    if differing:
        found = "; ".join(
            f"{name} was {known.get(name)!r} and is {wanted.get(name)!r}" for name in differing
        )
        raise FileFormatError(
            f"checkpoint_folder {folder} holds a simulation with other settings: {found}. Give "
            "another folder, or the settings of this one to go on with it."
        )
    return known


def new_seed() -> int:
    """Draw a seed from the system, without touching any generator."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def _plain(number: np.generic) -> Any:
    return number.item()


class Checkpoint:
    """Frames and state of one simulation in a folder.

    Frames are written to a file of raw float64, then the state with their number is replaced in one
    step. Frames beyond that number are those after the last whole segment, or what a killed process
    had begun with.

    Parameters
    ----------
    folder : Path
        Folder of this simulation; made if there is none.
    n_ions : int
        Number of ions of each frame.
    """

    def __init__(self, folder: Path, n_ions: int) -> None:
        self._folder = folder
        self._frames = folder / "frames.f64"
        self._state = folder / "state.npz"
        self._frame_size = n_ions * 3 * 8
        self._shape = (-1, n_ions, 3)
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes away; the system frees the folder when this one ends.

        Windows, and file systems without locks, let everybody in.

        Raises
        ------
        FileFormatError
            If another process is in the folder.
        """
        with open(self._folder / "lock", "ab") as file:
            if sys.platform != "win32":
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise FileFormatError(
                        f"{self._folder} is being simulated by another process. Wait until it has "
                        "finished, or give another checkpoint_folder."
                    ) from None
                except OSError:  # a file system that has no locks
                    pass
            yield

    def load(self) -> dict[str, Any] | None:
        """Return the last state; None at the beginning."""
        if not self._state.exists():
            return None
        with np.load(self._state) as state:
            return dict(state)

    def save(
        self, frames: list[NDArray[np.float64]], state: dict[str, Any], *, reached: int
    ) -> None:
        """Add frames and replace the state.

        Parameters
        ----------
        frames : list of ndarray of shape (n_ions, 3)
            The frames since the last state.
        state : dict of arrays
            Where a longer simulation goes on, with its "step"; gets the number of frames until then
            as "n_frames".
        reached : int
            The step of the last frames; behind that of the state if this is the end of a simulation
            in the middle of a segment.

        Raises
        ------
        FileFormatError
            If frames of the last state are missing.
        """
        last = self.load()
        n_before = int(last["n_frames"]) if last else 0
        n_after = n_before + len(frames)
        self._check_length(n_before)
        with open(self._frames, "r+b" if self._frames.exists() else "wb") as file:
            file.seek(n_before * self._frame_size)
            for frame in frames:
                file.write(np.ascontiguousarray(frame, dtype=np.float64).tobytes())
            file.truncate()  # not before: a finished simulation that is made longer keeps its end
            file.flush()
            os.fsync(file.fileno())
        n_frames = n_after if reached == int(state["step"]) else n_before
        with complete_file(self._state) as opened:
            np.savez(
                opened,
                allow_pickle=False,
                **{**state, "n_frames": np.array(n_frames), "reached": np.array(reached)},
            )

    def frames(self, n_frames: int) -> NDArray[np.float64]:
        """Read the first frames; raise FileFormatError if there are fewer."""
        self._check_length(n_frames)
        values = np.fromfile(self._frames, count=n_frames * self._frame_size // 8)
        return values.reshape(self._shape)

    def _check_length(self, n_frames: int) -> None:
        size = self._frames.stat().st_size if self._frames.exists() else 0
        if size < n_frames * self._frame_size:
            raise FileFormatError(
                f"{self._frames} has {size // self._frame_size} frames, fewer than the {n_frames} "
                f"that its state says. Remove {self._folder} to simulate this temperature again."
            )
