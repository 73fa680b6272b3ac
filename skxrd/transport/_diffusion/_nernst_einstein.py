"""Conductivity of ions that diffuse, by the relation of Nernst and Einstein."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import constants

from skxrd._sklearn import Interval, validate_params

__all__ = ["nernst_einstein_conductivity", "nernst_einstein_diffusivity"]

_CUBIC_CENTIMETER = 1e-24  # of a cubic angstrom

_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_CONSTRAINTS = {
    "n_ions": [Interval(Integral, 1, None, closed="left")],
    "volume": _POSITIVE,
    "temperature": _POSITIVE,
    "charge": [Real],
}


@validate_params(
    {"diffusivity": [Real, "array-like"], **_CONSTRAINTS}, prefer_skip_nested_validation=True
)
def nernst_einstein_conductivity(
    diffusivity: ArrayLike, *, n_ions: int, volume: float, temperature: float, charge: float = 1
) -> Any:
    r"""Compute the conductivity of ions from their diffusivity.

    .. math::

        \sigma = \frac{N z^2 e^2}{V k_\mathrm{B} T} D

    A charge diffusivity gives the conductivity; a tracer diffusivity gives that of ions which move
    independently of each other, and differs by the Haven ratio.

    Parameters
    ----------
    diffusivity : float or array-like
        Diffusivity in cm2/s, or several, such as the ends of an interval.
    n_ions : int
        Number N of mobile ions in the cell.
    volume : float
        Volume V of the cell in cubic angstrom.
    temperature : float
        Temperature T in K.
    charge : float, default=1
        Charge z of a mobile ion in units of the elementary charge; not 0.

    Returns
    -------
    float or ndarray
        Conductivity in S/cm.

    Raises
    ------
    ValueError
        If `n_ions`, `volume` or `temperature` is not positive, or `charge` is 0 or not finite.

    See Also
    --------
    nernst_einstein_diffusivity : The inverse.

    Examples
    --------
    >>> from skxrd.transport import nernst_einstein_conductivity
    >>> sigma = nernst_einstein_conductivity(1e-8, n_ions=24, volume=957.711, temperature=300)
    >>> print(f"{1000 * sigma:.4f} mS/cm")
    1.5531 mS/cm
    """
    return _times(diffusivity, _factor(n_ions, volume, temperature, charge))


@validate_params(
    {"conductivity": [Real, "array-like"], **_CONSTRAINTS}, prefer_skip_nested_validation=True
)
def nernst_einstein_diffusivity(
    conductivity: ArrayLike, *, n_ions: int, volume: float, temperature: float, charge: float = 1
) -> Any:
    r"""Compute the charge diffusivity of ions from their conductivity.

    .. math::

        D = \frac{V k_\mathrm{B} T}{N z^2 e^2} \sigma

    Parameters
    ----------
    conductivity : float or array-like
        Conductivity in S/cm, or several.
    n_ions : int
        Number N of mobile ions in the cell.
    volume : float
        Volume V of the cell in cubic angstrom.
    temperature : float
        Temperature T in K.
    charge : float, default=1
        Charge z of a mobile ion in units of the elementary charge; not 0.

    Returns
    -------
    float or ndarray
        Charge diffusivity in cm2/s.

    Raises
    ------
    ValueError
        If `n_ions`, `volume` or `temperature` is not positive, or `charge` is 0 or not finite.

    See Also
    --------
    nernst_einstein_conductivity : The inverse.

    Examples
    --------
    >>> from skxrd.transport import nernst_einstein_diffusivity
    >>> D = nernst_einstein_diffusivity(1e-3, n_ions=24, volume=957.711, temperature=300)
    >>> print(f"{D:.2e} cm2/s")
    6.44e-09 cm2/s
    """
    return _times(conductivity, 1 / _factor(n_ions, volume, temperature, charge))


def _factor(n_ions: int, volume: float, temperature: float, charge: float) -> float:
    """Conductivity over diffusivity, in S/cm per cm2/s."""
    if charge == 0 or not np.isfinite(charge):
        raise ValueError(
            f"charge must be that of a mobile ion, finite and not 0; got {charge}. Ions without a "
            "charge conduct nothing."
        )
    density = n_ions / (volume * _CUBIC_CENTIMETER)
    return density * (charge * constants.e) ** 2 / (constants.k * temperature)


def _times(value: ArrayLike, factor: float) -> Any:
    product = np.asarray(value, dtype=float) * factor
    return product if product.ndim else float(product)
