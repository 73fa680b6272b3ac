"""Mean squared displacement over all time origins, by the fast Fourier transform."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from skxrd._sklearn import Interval, validate_params
from skxrd.exceptions import TrajectoryError

__all__ = ["mean_squared_displacement"]

_BLOCK_BYTES = 64_000_000


@validate_params(
    {
        "displacements": ["array-like"],
        "collective": ["boolean"],
        "max_lag": [Interval(Integral, 0, None, closed="left"), None],
        "per_ion": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def mean_squared_displacement(
    displacements: ArrayLike,
    *,
    collective: bool = False,
    max_lag: int | None = None,
    per_ion: bool = False,
) -> NDArray[np.float64]:
    r"""Average the squared displacement over all time origins, for every lag.

    .. math::

        \mathrm{MSD}_i(l) = \frac{1}{T - l} \sum_{t=0}^{T-l-1} |r_i(t + l) - r_i(t)|^2

    The average over the N ions belongs to the tracer diffusivity. The collective one is
    :math:`\mathrm{MSD}(l)` of :math:`\sum_i r_i`, divided by N, and belongs to the conductivity:
    both are equal where ions move independently of each other.

    Parameters
    ----------
    displacements : array-like of shape (n_frames, n_ions, n_dimensions)
        Unwrapped positions or displacements in angstrom, such as `IonTrajectory.displacements`
        returns. A memory map is read in blocks of ions.
    collective : bool, default=False
        Whether the displacements are summed over the ions before they are squared.
    max_lag : int, default=None
        Longest lag in frames; None stands for ``n_frames - 1``.
    per_ion : bool, default=False
        Whether every ion is kept instead of the average over the ions.

    Returns
    -------
    ndarray of shape (max_lag + 1,) or (max_lag + 1, n_ions)
        Mean squared displacement in square angstrom at the lags 0, 1, 2, ... frames.

    Raises
    ------
    TrajectoryError
        If the displacements are not of this shape, not finite, or of fewer than ``max_lag + 1``
        frames.
    ValueError
        If both `collective` and `per_ion` are asked for.

    See Also
    --------
    DiffusionEstimator : Diffusivities from the slope.

    Notes
    -----
    The sum splits into squares, which are accumulated once for all lags, and an autocorrelation,
    which the Fourier transform gives in O(T log T) [1]_. It is the difference of large numbers:
    positions are centered first, and the rounding error is about 1e-16 times the square of the
    extent of the path.

    References
    ----------
    .. [1] V. Calandrini et al., nMoldyn - Interfacing spectroscopic experiments, molecular dynamics
       simulations and models for time correlation functions, Collection SFN 12, 201 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.transport import mean_squared_displacement
    >>> steady = np.arange(4.0)[:, None, None] * [1.0, 0.0, 0.0]  # one ion, 1 angstrom per frame
    >>> mean_squared_displacement(steady).round(12)
    array([0., 1., 4., 9.])
    """
    if collective and per_ion:
        raise ValueError("collective=True adds the ions up: per_ion=True cannot keep them apart.")
    positions = np.asanyarray(displacements)
    if positions.ndim != 3 or 0 in positions.shape or not np.isrealobj(positions):
        raise TrajectoryError(
            "displacements must be real numbers of shape (n_frames, n_ions, n_dimensions), none of "
            f"them zero; got {positions.dtype} of shape {positions.shape}."
        )
    n_frames, n_ions, _ = positions.shape
    if max_lag is None:
        max_lag = n_frames - 1
    if max_lag >= n_frames:
        raise TrajectoryError(
            f"max_lag={max_lag} needs at least {max_lag + 1} frames; displacements has {n_frames}."
        )
    if collective:
        total = np.zeros((n_frames, 1, positions.shape[2]))
        for block in _ion_blocks(positions):
            total[:, 0] += block.sum(axis=0).T
        return _lag_averages(next(_ion_blocks(total)), max_lag)[0] / n_ions
    if per_ion:
        blocks = [_lag_averages(block, max_lag) for block in _ion_blocks(positions)]
        return np.concatenate(blocks).T
    summed = np.zeros(max_lag + 1)
    for block in _ion_blocks(positions):
        summed += _lag_averages(block, max_lag).sum(axis=0)
    return summed / n_ions


def _ion_blocks(positions: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
    """Paths of a few ions at a time, centered, as (n_ions, n_dimensions, n_frames)."""
    n_frames, n_ions, n_dimensions = positions.shape
    # The path, padded to twice its length, and its transform.
    size = max(1, _BLOCK_BYTES // (5 * 8 * n_frames * n_dimensions))
    for first in range(0, n_ions, size):
        paths = np.array(
            np.moveaxis(positions[:, first : first + size], 0, -1), dtype=np.float64, order="C"
        )
        paths -= paths.mean(axis=-1, keepdims=True)
        if not np.isfinite(paths).all():
            raise TrajectoryError(
                f"displacements of ions {first} to {first + len(paths) - 1} are not all finite."
            )
        yield paths


def _lag_averages(paths: NDArray[np.float64], max_lag: int) -> NDArray[np.float64]:
    """Average over the origins, as (n_ions, max_lag + 1)."""
    n_frames = paths.shape[-1]
    # Zeros behind the path keep its end from meeting its beginning.
    length = fft.next_fast_len(n_frames + max_lag, real=True)
    spectrum = fft.rfft(paths, length)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    products = fft.irfft(power.sum(axis=1), length)[:, : max_lag + 1]

    squares = np.square(paths).sum(axis=1)
    sums = np.zeros((len(paths), n_frames + 1))
    np.cumsum(squares, axis=1, out=sums[:, 1:])
    lags = np.arange(max_lag + 1)
    ends = sums[:, n_frames - lags]  # of the origins t
    starts = sums[:, -1:] - sums[:, lags]  # of t + lag
    averages = (ends + starts - 2 * products) / (n_frames - lags)
    averages[:, 0] = 0.0
    return np.maximum(averages, 0.0, out=averages)  # of ions at rest, zero up to rounding
