"""Bragg's law as a change of axis: angles of one wavelength to Q, d, or angles of another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BraggAxis"]


class BraggAxis(NamedTuple):
    """An axis "q", "d" or "two_theta" beside angles in degrees, and the wavelengths of both."""

    name: str
    wavelength: float
    output_wavelength: float

    def values(self, two_theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values on the axis at angles; NaN where there are none."""
        # the edge of the first step may lie below 0 degrees, that of the last above 180
        sine = np.sin(np.radians(np.clip(two_theta, 0, 180)) / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.name == "q":
                return 4 * np.pi * sine / self.wavelength
            if self.name == "d":
                return self.wavelength / (2 * sine)
            return 2 * np.degrees(np.arcsin(sine * (self.output_wavelength / self.wavelength)))

    def two_theta(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Angles at values on the axis; NaN where there are none."""
        values = np.maximum(values, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.name == "q":
                sine = values * self.wavelength / (4 * np.pi)
            elif self.name == "d":
                sine = self.wavelength / (2 * values)
            else:
                angle = np.radians(np.minimum(values, 180)) / 2
                sine = np.sin(angle) * (self.wavelength / self.output_wavelength)
            return 2 * np.degrees(np.arcsin(sine))
