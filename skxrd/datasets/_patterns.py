"""Synthetic stick patterns: families of crystals that share their line positions."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skxrd._labels import UNLABELED
from skxrd._sklearn import Interval, validate_params
from skxrd.grid import TwoThetaGrid

__all__ = ["make_patterns"]

# Standard deviation of the logarithm of intensity between the lines of a prototype, which makes a
# few strong and many weak ones, and median intensity of an extra line beside their median of 1.
_LINE_SPREAD = 1.0
_EXTRA_LINE_LEVEL = 0.3


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 1, None, closed="left")],
        "n_prototypes_per_class": [Interval(Integral, 1, None, closed="left")],
        "n_lines": [Interval(Integral, 1, None, closed="left")],
        "n_extra_lines": [Interval(Integral, 0, None, closed="left")],
        "class_sep": [Interval(Real, 0, 1, closed="both")],
        "strain": [Interval(Real, 0, 1, closed="left")],
        "intensity_spread": [Interval(Real, 0, None, closed="left")],
        "labeled_fraction": [Interval(Real, 0, 1, closed="right")],
        "grid": [TwoThetaGrid, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_patterns(
    n_samples: int = 200,
    *,
    n_classes: int = 2,
    n_prototypes_per_class: int = 1,
    n_lines: int = 30,
    n_extra_lines: int = 3,
    class_sep: float = 0.5,
    strain: float = 0.01,
    intensity_spread: float = 0.3,
    labeled_fraction: float = 1.0,
    grid: TwoThetaGrid | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make stick patterns of a few families of crystals, for examples and tests.

    Each class holds prototypes, and a prototype is a list of lines: lattice plane distances of its
    own, with intensities that all prototypes have in common. A sample is a prototype under
    isotropic lattice strain, which moves each line by Bragg's law, with every intensity varied, and
    with a few lines of its own. Strain moves a line by many grid points, so that the patterns of
    one class rarely agree point by point: without broadening (or augmentation) they are hard to
    tell apart, as real stick patterns are.

    Parameters
    ----------
    n_samples : int, default=200
        Number of patterns, at least `n_classes`. Classes and prototypes are balanced.
    n_classes : int, default=2
        Number of classes.
    n_prototypes_per_class : int, default=1
        Number of line lists in each class.
    n_lines : int, default=30
        Number of lines of a prototype.
    n_extra_lines : int, default=3
        Number of weak lines at random angles, drawn for each sample.
    class_sep : float, default=0.5
        Fraction of the lines, from 0 to 1, whose positions a prototype has for itself; the others
        lie at the same positions in all prototypes of all classes. At 0 nothing tells the classes
        apart.
    strain : float, default=0.01
        Largest lattice strain, at least 0 and below 1: the lattice plane distances of a sample are
        multiplied by one factor between 1 - strain and 1 + strain.
    intensity_spread : float, default=0.3
        Standard deviation of the logarithm of each line's intensity within a prototype.
    labeled_fraction : float, default=1.0
        Fraction of the rows of each class that keep their label, above 0 and at most 1; at least
        one row per class keeps it. The patterns do not depend on it: a call with the same
        `random_state` and the default tells the labels that were hidden.
    grid : TwoThetaGrid, default=None
        Angles; None stands for ``TwoThetaGrid()``, the grid of the XRDMatch paper.
    random_state : int, RandomState instance or None, default=None
        Seed; pass an int for the same patterns at each call.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_points)
        Stick patterns, zero between the lines, each with a maximum of 1.
    y : ndarray of int64 of shape (n_samples,)
        Class from 0 to n_classes - 1, or -1 for unlabeled rows.

    Raises
    ------
    ValueError
        If there are fewer samples than classes, or if `strain` is so large for the grid that every
        line could leave it.

    Examples
    --------
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> grid = TwoThetaGrid(10, 80, 701)
    >>> X, y = make_patterns(40, grid=grid, labeled_fraction=0.1, random_state=0)
    >>> X.shape, X.max().item()
    ((40, 701), 1.0)
    >>> [(y == label).sum().item() for label in (-1, 0, 1)]
    [36, 2, 2]
    """
    if n_samples < n_classes:
        raise ValueError(
            f"n_samples={n_samples} is too small for n_classes={n_classes}: each class needs at "
            "least one pattern."
        )
    grid = TwoThetaGrid() if grid is None else grid
    low, high = _line_range(grid, strain)
    rng = check_random_state(random_state)

    # A line's position is kept as sin(theta), which is inverse to the lattice plane distance.
    n_prototypes = n_classes * n_prototypes_per_class
    positions = rng.uniform(low, high, size=(n_prototypes, n_lines))
    # One list of intensities serves all, so that line positions alone tell the classes apart.
    intensities = rng.lognormal(sigma=_LINE_SPREAD, size=n_lines)
    n_shared = n_lines - round(class_sep * n_lines)
    positions[:, :n_shared] = positions[0, :n_shared]

    # Prototype p belongs to class p % n_classes, so that a cycle over prototypes balances both.
    prototype = rng.permutation(np.arange(n_samples) % n_prototypes)
    stretch = 1 + rng.uniform(-strain, strain, size=(n_samples, 1))
    variation = rng.lognormal(sigma=intensity_spread, size=(n_samples, n_lines))
    extra_positions = rng.uniform(low, high, size=(n_samples, n_extra_lines))
    extra_intensities = _EXTRA_LINE_LEVEL * rng.lognormal(size=(n_samples, n_extra_lines))

    sine = np.hstack([positions[prototype], extra_positions]) / stretch
    two_theta = 2 * np.degrees(np.arcsin(sine))
    intensity = np.hstack([intensities * variation, extra_intensities])
    X = np.empty((n_samples, grid.n_points), dtype=np.float32)
    for row in range(n_samples):
        pattern = grid.bin(two_theta[row], intensity[row])
        X[row] = pattern / pattern.max()

    y = (prototype % n_classes).astype(np.int64)
    return X, _hide_labels(y, labeled_fraction, rng)


def _line_range(grid: TwoThetaGrid, strain: float) -> tuple[float, float]:
    """Range of sin(theta) in which an unstrained line may lie and stay on the grid under strain."""
    # Real crystals have no lines at the lowest angles, hence the lowest tenth stays empty.
    first = grid.start + 0.1 * (grid.stop - grid.start)
    low = np.sin(np.radians(first / 2)) * (1 + strain)
    high = np.sin(np.radians(grid.stop / 2)) * (1 - strain)
    if low >= high:
        raise ValueError(
            f"strain={strain} moves lines out of the grid from {grid.start} to {grid.stop} "
            "degrees; lower strain or widen the grid."
        )
    return float(low), float(high)


def _hide_labels(y: NDArray[np.int64], labeled_fraction: float, rng: Any) -> NDArray[np.int64]:
    partial = np.full_like(y, UNLABELED)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        n_labeled = max(1, round(labeled_fraction * len(rows)))
        partial[rows[:n_labeled]] = label
    return partial
