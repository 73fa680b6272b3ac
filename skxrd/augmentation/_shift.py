"""Rigid shift of a pattern along two-theta."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from skxrd._sklearn import Interval
from skxrd.augmentation._base import BaseAugmentation

__all__ = ["PeakShift", "shift_patterns"]


def shift_patterns(X: Tensor, shift: Tensor) -> Tensor:
    """Move each pattern by a whole number of grid points; zeros are shifted in, nothing is wrapped.

    Parameters
    ----------
    X : Tensor of shape (n_patterns, n_points)
        Patterns.
    shift : Tensor of int64 of shape (n_patterns,)
        Grid points; positive moves to higher angles.

    Returns
    -------
    Tensor of shape (n_patterns, n_points)
        Shifted patterns.
    """
    if X.numel() == 0:
        return X.clone()
    # Windows of the padded patterns are copied row by row: much faster than gathering points.
    n_points = X.shape[1]
    reach = min(int(shift.abs().max()), n_points)
    windows = F.pad(X, (reach, reach)).unfold(1, n_points, 1)
    rows = torch.arange(len(X), device=X.device)
    return windows[rows, reach - shift.clamp(-reach, reach)]


class PeakShift(BaseAugmentation):
    """Shift each pattern as a whole by a random number of grid points (equation 1 of the paper).

    The shift is uniform within (-delta, delta), the same for all peaks of a pattern, in both
    directions and rounded to whole points. What leaves the grid is lost; zeros are shifted in.

    Parameters
    ----------
    delta : float, default=150
        Largest shift in grid points, at least 0 and below the number of points. On the paper's grid
        (0.02 degrees) its weak augmentation of 150 points is 3 degrees and its strong one of 300
        points is 6 degrees, far more than the zero error of a diffractometer (about 0.05 degrees):
        it imitates a change of the lattice rather than of the instrument.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `delta` is not below the number of points (in `fit`).

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.augmentation import PeakShift
    >>> sticks = np.eye(9)[[4, 4, 4]]
    >>> PeakShift(delta=4, random_state=1).fit_transform(sticks).argmax(axis=1)
    array([3, 5, 3])
    """

    _parameter_constraints = {
        **BaseAugmentation._parameter_constraints,
        "delta": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, delta: float = 150, *, random_state: int | np.random.RandomState | None = None
    ) -> None:
        self.delta = delta
        self.random_state = random_state

    def _check_n_points(self, n_points: int) -> None:
        if self.delta >= n_points > 0 and self.delta > 0:
            raise ValueError(
                f"delta={self.delta} grid points would shift patterns of n_features = {n_points} "
                "points off their grid; delta must be smaller."
            )

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Shift a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Shifted patterns.
        """
        uniform = 2 * torch.rand(len(X), generator=generator) - 1
        return shift_patterns(X, (self.delta * uniform).round().long().to(X.device))
