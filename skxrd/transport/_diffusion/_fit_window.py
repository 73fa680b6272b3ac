"""The line through the mean squared displacement, and the lags over which it is one."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import TrajectoryError
from skxrd.transport._diffusion._mean_squared_displacement import mean_squared_displacement

__all__ = ["SQUARE_CM_PER_S", "FitLine", "FitWindow", "find_fit_window"]

SQUARE_CM_PER_S = 1e-4  # of a square angstrom per ps
_LARGEST_FRACTION = 0.1  # of the run: longer lags are averages over a few independent intervals
_LARGEST_RATIO = 4  # of the last lag to the first one; longer lags only add noise
_LOWEST_EXPONENT = 0.9
_STEADY = (0.5, 2.0)  # how much growth behind the window may differ from the line's
_RATTLING = 0.5  # ps, several periods of the vibrations of ions
_FEWEST_FRAMES = 31  # for three lags within the tenth of the run


class FitWindow(NamedTuple):
    """First and last lag in frames, both included, and what growth is like in and behind them."""

    start: int
    stop: int
    is_diffusive: bool
    has_linear_start: bool


def find_fit_window(
    mean_squared_displacement: NDArray[np.float64],
    n_frames: int,
    time_step: float,
    lag_range: tuple[float | None, float | None],
) -> FitWindow:
    """Choose the lags of the line.

    Parameters
    ----------
    mean_squared_displacement : ndarray of shape (n_lags,)
        Mean squared displacement at the lags 0, 1, 2, ... frames, up to half of the run or more.
    n_frames : int
        Number of frames of the trajectory.
    time_step : float
        Time between two frames in ps.
    lag_range : tuple of two float or None
        First and last lag in ps; None chooses one.

    Returns
    -------
    FitWindow
        First and last lag in frames, at least one apart. It is diffusive if the mean squared
        displacement goes on about as the line does until half of the run. It has a linear start if
        a lag was found from which growth is linear; without one, it is the later half of the lags
        that it may hold. Both are true if the first lag was given.

    Raises
    ------
    TrajectoryError
        If the trajectory has too few frames, or the range does not lie within the run or holds
        fewer than two lags.
    """
    first, last = lag_range
    if last is None and n_frames < _FEWEST_FRAMES:
        raise TrajectoryError(
            f"the trajectory has {n_frames} frame{'s' if n_frames != 1 else ''}: an automatic fit "
            f"window needs at least {_FEWEST_FRAMES}. Give a longer run, or the end of lag_range."
        )
    if last is None:
        stop = int(_LARGEST_FRACTION * (n_frames - 1))
    else:
        stop = math.floor(last / time_step + 1e-9)
    if stop >= n_frames:
        raise TrajectoryError(
            f"lag_range ends at {last:g} ps, after the end of the run at "
            f"{(n_frames - 1) * time_step:g} ps."
        )
    linear = _linear_start(mean_squared_displacement[: stop + 1], time_step)
    if first is not None:
        start = max(1, math.ceil(first / time_step - 1e-9))
    elif linear is None:  # ions may still relax in their cages: the latest lags hold least of it
        start = max(1, stop // 2)
    else:
        start = linear
        stop = stop if last is not None else min(stop, _LARGEST_RATIO * start)
    if start >= stop:
        raise TrajectoryError(
            f"lag_range={tuple(lag_range)} leaves the lags from {start * time_step:g} to "
            f"{stop * time_step:g} ps, {time_step:g} ps apart: a line needs two of them at least. "
            "None as its end stands for a tenth of the run or less."
        )
    if first is not None:
        return FitWindow(start, stop, is_diffusive=True, has_linear_start=True)
    has_linear_start = linear is not None
    if stop >= n_frames // 2:  # nothing behind the window to compare with
        return FitWindow(start, stop, has_linear_start, has_linear_start)
    goes_on = _goes_on(mean_squared_displacement[: n_frames // 2 + 1], start, stop)
    return FitWindow(start, stop, goes_on, has_linear_start)


def _goes_on(mean_squared_displacement: NDArray[np.float64], start: int, stop: int) -> bool:
    """Tell whether growth behind the window is about that of the line in it.

    Ions in cages come to a halt sooner or later, and a drift outruns every line. Both can pass for
    linear over the few lags of a window.
    """
    lags = np.arange(start, stop + 1)
    slope = np.polyfit(lags, mean_squared_displacement[lags], 1)[0]
    end = len(mean_squared_displacement) - 1
    growth = mean_squared_displacement[end] - mean_squared_displacement[stop]
    low, high = _STEADY
    expected = slope * (end - stop)
    return bool(expected > 0 and low * expected <= growth <= high * expected)


def _linear_start(mean_squared_displacement: NDArray[np.float64], time_step: float) -> int | None:
    """First lag from which growth is linear up to four times that lag; None without any."""
    exponent = _growth_exponent(mean_squared_displacement)
    if not exponent.size:
        return None
    # Ions fly at first (exponent 2) and rattle in their cages then: 1 is passed twice. Later minima
    # are noise.
    caged = int(exponent[: max(1, int(_RATTLING / time_step))].argmin())
    linear = np.flatnonzero(exponent[caged:] >= _LOWEST_EXPONENT)
    return caged + int(linear[0]) + 1 if linear.size else None


def _growth_exponent(mean_squared_displacement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponent a of A + B t**a through the lags l, 2l and 4l, for l = 1, 2, ... frames.

    Vibrations make the constant A, which the usual exponent, that of the mean squared displacement
    itself, takes for slow growth: it comes near 1 long after the vibrations have died out.
    """
    lags = np.arange(1, (len(mean_squared_displacement) - 1) // 4 + 1)
    first, second, third = (mean_squared_displacement[factor * lags] for factor in (1, 2, 4))
    early, late = second - first, third - second
    grows = (early > 0) & (late > 0)
    ratio = np.divide(late, early, out=np.ones(len(lags)), where=grows)
    return np.where(grows, np.log2(ratio), -np.inf)


class FitLine:
    """Line of least squares through the mean squared displacement over the lags of a window.

    Parameters
    ----------
    window : FitWindow
        First and last lag in frames.
    time_step : float
        Time between two frames in ps.
    dimension : int
        Number of dimensions.
    """

    def __init__(self, window: FitWindow, time_step: float, dimension: int) -> None:
        self.lags = np.arange(window.start, window.stop + 1)
        times = self.lags * time_step
        deviations = times - times.mean()
        self.slope_weights: NDArray[np.float64] = deviations / (deviations @ deviations)
        self.mean_time = times.mean()
        self.dimension = dimension

    def diffusivities(self, displacements: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the diffusivity of each ion.

        Parameters
        ----------
        displacements : ndarray of shape (n_frames, n_ions, n_axes)
            Displacements in angstrom.

        Returns
        -------
        ndarray of shape (n_ions,)
            Diffusivities in cm2/s.
        """
        ions = mean_squared_displacement(displacements, max_lag=self.lags[-1], per_ion=True)
        return self.slope_weights @ ions[self.lags] / (2 * self.dimension) * SQUARE_CM_PER_S

    def intercept(self, averages: NDArray[np.float64]) -> float:
        """Compute the height of the line at lag 0.

        Parameters
        ----------
        averages : ndarray of shape (n_lags,)
            Mean squared displacement in square angstrom at the lags 0, 1, 2, ... frames.

        Returns
        -------
        float
            Height in square angstrom.
        """
        inside = averages[self.lags]
        return float(inside.mean() - self.slope_weights @ inside * self.mean_time)

    def tensor(self, displacements: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the tensor of the diffusivity.

        Parameters
        ----------
        displacements : ndarray of shape (n_frames, n_ions, 3)
            Displacements in angstrom.

        Returns
        -------
        ndarray of shape (3, 3)
            Symmetric tensor in cm2/s, with half of the slope along each axis on its diagonal.
        """
        tensor = np.zeros((3, 3))
        # The slope along x + y is that along x, that along y and twice the mixed one.
        for a, b in itertools.combinations_with_replacement(range(3), 2):
            axis = (
                displacements[..., a] if a == b else displacements[..., a] + displacements[..., b]
            )
            averages = mean_squared_displacement(axis[..., None], max_lag=self.lags[-1])
            tensor[a, b] = tensor[b, a] = self.slope_weights @ averages[self.lags] / 2
        for a, b in itertools.combinations(range(3), 2):
            mixed = (tensor[a, b] - tensor[a, a] - tensor[b, b]) / 2
            tensor[a, b] = tensor[b, a] = mixed
        return tensor * SQUARE_CM_PER_S
