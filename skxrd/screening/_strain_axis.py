"""The axis on which an isotropic strain of a lattice moves all lines by the same distance."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from skxrd.grid import TwoThetaGrid

_START = 5.0  # degrees two-theta


def strain_axis(grid: TwoThetaGrid) -> tuple[csr_array, float]:
    """Prepare the change from two-theta to u = ln(sin(theta)).

    A lattice that is longer by the factor 1 + strain diffracts at sin(theta) / (1 + strain)
    (Bragg's law): on this axis all its lines lie ln(1 + strain) lower, for any wavelength.

    The axis begins at 5 degrees: it stretches low angles without end. It has as many points as
    `grid` has from there on. Each is the mean over its interval of angles, so that a line loses
    nothing where the points lie farther apart than those of `grid` (by a factor of 3.5 at 90
    degrees on the paper's grid), times the square root of the interval's length (the Jacobian): a
    scalar product on this axis is the integral over two-theta, as it is on `grid`.

    Parameters
    ----------
    grid : TwoThetaGrid
        Grid of the patterns.

    Returns
    -------
    matrix : csr_array of float32 of shape (n_axis_points, n_points)
        Turns a pattern on `grid` into one on the axis.
    step : float
        Distance between neighboring points of the axis.

    Raises
    ------
    ValueError
        If `grid` ends at 5 degrees or below.
    """
    if grid.stop <= _START:
        raise ValueError(
            f"strained_cosine needs a grid that goes beyond {_START:g} degrees two-theta, got "
            f"{grid}."
        )
    half = grid.step / 2
    edges = np.clip(np.append(grid.two_theta - half, grid.stop + half), 0, 180)
    first, last = max(_START, edges[0]), edges[-1]
    n_axis_points = int((grid.two_theta >= _START).sum())
    u_first, u_last = np.log(np.sin(np.radians([first, last]) / 2))
    u = np.linspace(u_first, u_last, n_axis_points + 1)
    axis_edges = np.degrees(2 * np.arcsin(np.exp(np.minimum(u, 0))))
    axis_edges[[0, -1]] = first, last  # without rounding
    # Between neighboring edges of either kind lies the overlap of one interval of each axis.
    every = np.union1d(edges[edges > first], axis_edges)
    middle = (every[1:] + every[:-1]) / 2
    row, column = np.searchsorted(axis_edges, middle) - 1, np.searchsorted(edges, middle) - 1
    weight = np.diff(every) / np.sqrt(np.diff(axis_edges))[row]
    shape = (n_axis_points, grid.n_points)
    matrix = csr_array((weight.astype(np.float32), (row, column)), shape=shape)
    return matrix, float(u[1] - u[0])
