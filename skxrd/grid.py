"""The two-theta axis that all patterns of one set share."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["TwoThetaGrid"]


@dataclass(frozen=True)
class TwoThetaGrid:
    """Evenly spaced two-theta axis in degrees.

    The defaults are the grid of the XRDMatch paper: 0 to 90 degrees in steps of 0.02 degrees.

    Parameters
    ----------
    start : float, default=0.0
        First angle in degrees, at least 0.
    stop : float, default=90.0
        Last angle in degrees, above `start` and at most 180. The grid includes it.
    n_points : int, default=4501
        Number of angles, at least 2.

    Attributes
    ----------
    step : float
        Distance between neighboring angles in degrees.
    two_theta : ndarray of shape (n_points,)
        The angles in degrees.

    Raises
    ------
    ValueError
        If the range or the number of points makes no grid.

    Examples
    --------
    >>> from skxrd import TwoThetaGrid
    >>> grid = TwoThetaGrid()
    >>> round(grid.step, 6), grid.two_theta[-1].item()
    (0.02, 90.0)
    >>> TwoThetaGrid(10, 80, 3501).bin([30.004, 30.016], [100.0, 20.0])[[1000, 1001]]
    array([100.,  20.])
    """

    start: float = 0.0
    stop: float = 90.0
    n_points: int = 4501

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop <= 180:
            raise ValueError(
                "A grid needs 0 <= start < stop <= 180 degrees two-theta, got "
                f"start={self.start} and stop={self.stop}."
            )
        if not isinstance(self.n_points, Integral) or self.n_points < 2:
            raise ValueError(f"n_points must be an integer of at least 2, got {self.n_points!r}.")

    @classmethod
    def from_step(cls, start: float, stop: float, step: float) -> TwoThetaGrid:
        """Make the grid that goes from `start` to `stop` degrees in steps of `step` degrees.

        Parameters
        ----------
        start, stop : float
            First and last angle in degrees.
        step : float
            Distance between neighboring angles in degrees; must divide the range.

        Returns
        -------
        TwoThetaGrid
            The grid.

        Raises
        ------
        ValueError
            If `step` is not positive or does not divide the range.

        Examples
        --------
        >>> from skxrd import TwoThetaGrid
        >>> TwoThetaGrid.from_step(10, 80, 0.02)
        TwoThetaGrid(start=10, stop=80, n_points=3501)
        """
        if step <= 0:
            raise ValueError(f"step must be positive, got {step}.")
        n_steps = (stop - start) / step
        if abs(n_steps - round(n_steps)) > 1e-6:
            raise ValueError(f"step={step} does not divide the range {start} to {stop} degrees.")
        return cls(start, stop, round(n_steps) + 1)

    @property
    def step(self) -> float:
        """Distance between neighboring angles in degrees."""
        return (self.stop - self.start) / (self.n_points - 1)

    @property
    def two_theta(self) -> NDArray[np.float64]:
        """The angles in degrees, of shape (n_points,)."""
        return np.linspace(self.start, self.stop, self.n_points)

    def q(self, wavelength: float) -> NDArray[np.float64]:
        """Length of the scattering vector at each angle.

        Parameters
        ----------
        wavelength : float
            Wavelength in angstrom.

        Returns
        -------
        ndarray of shape (n_points,)
            Q = 4 pi sin(theta) / wavelength in 1/angstrom.

        Examples
        --------
        >>> from skxrd import TwoThetaGrid
        >>> TwoThetaGrid(0, 180, 3).q(wavelength=2 * 3.141592653589793).round(3).tolist()
        [0.0, 1.414, 2.0]
        """
        return 4 * np.pi * np.sin(np.radians(self.two_theta) / 2) / wavelength

    def d_spacing(self, wavelength: float) -> NDArray[np.float64]:
        """Lattice plane distance that diffracts at each angle (Bragg's law).

        Parameters
        ----------
        wavelength : float
            Wavelength in angstrom.

        Returns
        -------
        ndarray of shape (n_points,)
            d = wavelength / (2 sin(theta)) in angstrom; infinite at an angle of zero.

        Examples
        --------
        >>> from skxrd import TwoThetaGrid
        >>> TwoThetaGrid(60, 180, 2).d_spacing(wavelength=1.5).round(6).tolist()
        [1.5, 0.75]
        """
        with np.errstate(divide="ignore", over="ignore"):
            return wavelength / (2 * np.sin(np.radians(self.two_theta) / 2))

    def bin(self, two_theta: ArrayLike, intensity: ArrayLike) -> NDArray[np.float64]:
        """Put lines on the grid: each goes to the nearest point, and lines that meet are summed.

        Parameters
        ----------
        two_theta : array-like of shape (n_lines,)
            Line positions in degrees; lines farther than half a step from the grid are left out.
        intensity : array-like of shape (n_lines,)
            Line intensities.

        Returns
        -------
        ndarray of shape (n_points,)
            Stick pattern.

        Examples
        --------
        >>> from skxrd import TwoThetaGrid
        >>> TwoThetaGrid(0, 4, 5).bin([0.9, 1.1, 3.0, 7.0], [1.0, 2.0, 4.0, 8.0]).tolist()
        [0.0, 3.0, 0.0, 4.0, 0.0]
        """
        index = np.rint((np.asarray(two_theta, dtype=float) - self.start) / self.step).astype(int)
        inside = (index >= 0) & (index < self.n_points)
        weights = np.asarray(intensity, dtype=float)[inside]
        return np.bincount(index[inside], weights=weights, minlength=self.n_points).astype(float)

    def resample(self, two_theta: ArrayLike, intensity: ArrayLike) -> NDArray[np.float64]:
        """Interpolate a measured profile linearly on the grid; zero where nothing was measured.

        Parameters
        ----------
        two_theta : array-like of shape (n_measured,)
            Measured angles in degrees, strictly increasing.
        intensity : array-like of shape (n_measured,)
            Measured intensities.

        Returns
        -------
        ndarray of shape (n_points,)
            Intensities on the grid.

        Raises
        ------
        ValueError
            If the angles do not increase or the lengths differ.

        Examples
        --------
        >>> from skxrd import TwoThetaGrid
        >>> TwoThetaGrid(0, 4, 5).resample([1.0, 2.5], [10.0, 25.0]).tolist()
        [0.0, 10.0, 20.0, 0.0, 0.0]
        """
        two_theta = np.asarray(two_theta, dtype=float)
        intensity = np.asarray(intensity, dtype=float)
        if two_theta.ndim != 1 or two_theta.shape != intensity.shape:
            raise ValueError(
                "two_theta and intensity must be one-dimensional and of one length, got shapes "
                f"{two_theta.shape} and {intensity.shape}."
            )
        if (np.diff(two_theta) <= 0).any():
            raise ValueError("two_theta must increase strictly; sort it and merge repeated angles.")
        return np.interp(self.two_theta, two_theta, intensity, left=0.0, right=0.0)
