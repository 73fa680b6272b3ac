"""Ions that hop on a lattice and vibrate: a trajectory whose diffusivity is known."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from sklearn.utils import check_random_state

from skxrd._sklearn import Interval, validate_params
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

__all__ = ["make_hopping_trajectory"]

# An ion that hops and vibrates must stay within 0.45 of the edge in one frame.
_FEWEST_CELLS = 5
_SQUARE_CM_PER_S = 10.0  # in square angstrom per fs

_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]


@validate_params(
    {
        "n_ions": [Interval(Integral, 1, None, closed="left")],
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "time_step": _POSITIVE,
        "hop_rate": _NOT_NEGATIVE,
        "hop_length": _POSITIVE,
        "vibration": _NOT_NEGATIVE,
        "relaxation_time": _POSITIVE,
        "common_diffusivity": _NOT_NEGATIVE,
        "n_framework": [Interval(Integral, 0, None, closed="left")],
        "temperature": [*_POSITIVE, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_hopping_trajectory(
    n_ions: int = 24,
    n_frames: int = 2000,
    *,
    time_step: float = 20.0,
    hop_rate: float = 0.2,
    hop_length: float = 3.0,
    vibration: float = 0.35,
    relaxation_time: float = 100.0,
    common_diffusivity: float = 0.0,
    n_framework: int = 24,
    temperature: float | None = 600.0,
    random_state: int | np.random.RandomState | None = None,
) -> IonTrajectory:
    r"""Make a trajectory of lithium that hops between the sites of a cubic lattice.

    Ions hop to one of their six neighbor sites, independently of each other and of whether it is
    occupied, and vibrate about their sites. With the rate :math:`\Gamma`, the length a and the
    common diffusivity :math:`D_c` the truth is

    .. math::

        D = \frac{\Gamma a^2}{6} + D_c, \qquad D_\sigma = \frac{\Gamma a^2}{6} + N D_c, \qquad
        H = \frac{D}{D_\sigma}

    for the tracer diffusivity, the charge diffusivity and the Haven ratio of N mobile ions.

    Parameters
    ----------
    n_ions : int, default=24
        Number of mobile ions, of species "Li".
    n_frames : int, default=2000
        Number of frames.
    time_step : float, default=20.0
        Time between two frames in fs.
    hop_rate : float, default=0.2
        Hops of an ion per ps, at most one per frame.
    hop_length : float, default=3.0
        Distance between neighbor sites in angstrom.
    vibration : float, default=0.35
        Standard deviation of the vibrations along each axis in angstrom, an Ornstein-Uhlenbeck
        process.
    relaxation_time : float, default=100.0
        Time after which vibrations are forgotten, in fs.
    common_diffusivity : float, default=0.0
        Diffusivity of a Brownian motion that all mobile ions make together, in cm2/s.
    n_framework : int, default=24
        Number of ions of species "S", which vibrate about the centers of the cubes.
    temperature : float, default=600.0
        Temperature in K that the trajectory bears; it changes nothing.
    random_state : int, RandomState instance or None, default=None
        Seed; pass an int for the same trajectory at each call.

    Returns
    -------
    IonTrajectory
        Mobile ions and, behind them, the framework, with positions wrapped into the cell.

    Raises
    ------
    ValueError
        If there would be more than one hop per frame.

    See Also
    --------
    DiffusionEstimator : Finds the diffusivities again.

    Examples
    --------
    >>> from skxrd.transport import make_hopping_trajectory
    >>> make_hopping_trajectory(n_frames=500, random_state=0)
    IonTrajectory(Li24 S24: 500 frames, 20 fs apart, 600 K)
    """
    probability = hop_rate * time_step / 1000
    if probability > 1:
        raise ValueError(
            f"hop_rate={hop_rate} per ps makes {probability:.3g} hops per frame of {time_step} fs; "
            "at most one is possible: lower hop_rate or time_step."
        )
    rng = check_random_state(random_state)
    n_cells = max(_FEWEST_CELLS, math.ceil(max(n_ions, n_framework) ** (1 / 3) - 1e-9))
    edge = n_cells * hop_length
    sites = np.indices((n_cells,) * 3).reshape(3, -1).T

    mobile = np.zeros((n_frames, n_ions, 3))
    mobile[1:] = _hops((n_frames - 1, n_ions), probability, rng)
    mobile[0] = sites[rng.permutation(len(sites))[:n_ions]]
    np.cumsum(mobile, axis=0, out=mobile)
    mobile *= hop_length
    step = math.sqrt(2 * common_diffusivity * _SQUARE_CM_PER_S * time_step)
    mobile[1:] += step * np.cumsum(rng.standard_normal((n_frames - 1, 1, 3)), axis=0)

    framework = (sites[rng.permutation(len(sites))[:n_framework]] + 0.5) * hop_length
    positions = np.concatenate([mobile, np.broadcast_to(framework, (n_frames, n_framework, 3))], 1)
    positions += vibration * _noise(positions.shape, math.exp(-time_step / relaxation_time), rng)
    positions /= edge
    positions -= np.floor(positions)
    return IonTrajectory(
        positions,
        edge * np.eye(3),
        ["Li"] * n_ions + ["S"] * n_framework,
        time_step=time_step,
        temperature=temperature,
    )


def _hops(
    shape: tuple[int, int], probability: float, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Hops of each frame and ion in units of their length, along one axis each."""
    frame, ion = np.nonzero(rng.random_sample(shape) < probability)
    hops = np.zeros((*shape, 3))
    hops[frame, ion, rng.randint(3, size=len(frame))] = rng.choice([-1, 1], size=len(frame))
    return hops


def _noise(
    shape: tuple[int, ...], memory: float, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Stationary noise of unit variance; `memory` is its correlation from frame to frame."""
    noise = rng.standard_normal(shape)
    noise[1:] *= math.sqrt(1 - memory**2)
    return signal.lfilter([1.0], [1.0, -memory], noise, axis=0)
