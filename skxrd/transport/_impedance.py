"""From what the laboratory measures, ohm and ampere, to conductivities with their errors."""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd._sklearn import validate_params

__all__ = ["dc_electronic_conductivity", "eis_conductivity", "ionic_transference_number"]

_NUMBERS = ["array-like", Real]
_OPTIONAL_NUMBERS = ["array-like", Real, None]


class MeasuredValue(NamedTuple):
    """What the functions of this module give."""

    value: float | NDArray[np.float64]
    error: float | NDArray[np.float64] | None


@validate_params(
    {
        "resistance": _NUMBERS,
        "thickness": _NUMBERS,
        "area": _NUMBERS,
        "resistance_error": _OPTIONAL_NUMBERS,
        "thickness_error": _OPTIONAL_NUMBERS,
        "area_error": _OPTIONAL_NUMBERS,
    },
    prefer_skip_nested_validation=True,
)
def eis_conductivity(
    resistance: ArrayLike,
    *,
    thickness: ArrayLike,
    area: ArrayLike,
    resistance_error: ArrayLike | None = None,
    thickness_error: ArrayLike | None = None,
    area_error: ArrayLike | None = None,
) -> MeasuredValue:
    r"""Conductivity of a pellet from the resistance of its impedance spectrum.

    .. math::

        \sigma = \frac{L}{R A}, \qquad
        \left(\frac{\Delta\sigma}{\sigma}\right)^2 = \left(\frac{\Delta R}{R}\right)^2 +
        \left(\frac{\Delta L}{L}\right)^2 + \left(\frac{\Delta A}{A}\right)^2

    All arguments are numbers or arrays, which broadcast.

    Parameters
    ----------
    resistance : array-like or float
        Resistance R in ohm; bulk and grain boundaries together give the total conductivity.
    thickness : array-like or float
        Thickness L of the pellet in cm.
    area : array-like or float
        Area A of contact in cm2.
    resistance_error : array-like or float, default=None
        Standard error of the resistance in ohm.
    thickness_error : array-like or float, default=None
        Standard error of the thickness in cm.
    area_error : array-like or float, default=None
        Standard error of the area in cm2.

    Returns
    -------
    namedtuple
        `value`, the conductivity in S/cm, and `error`, its standard error of first order for
        independent errors; those not given count as 0. `error` is None if none is given.

    Raises
    ------
    ValueError
        If a number is not positive and finite, an error is negative, or shapes do not broadcast.

    See Also
    --------
    dc_electronic_conductivity : What electrons carry.
    ArrheniusRegressor : Activation energy of conductivities.

    Notes
    -----
    Errors of thickness and area are the same at all temperatures: they shift the line of Arrhenius
    and leave its slope alone. Give `ArrheniusRegressor` the error from `resistance_error` only.

    Examples
    --------
    >>> from skxrd.transport import eis_conductivity
    >>> conductivity, error = eis_conductivity(
    ...     702, thickness=0.05, area=0.785, resistance_error=7
    ... )
    >>> print(f"{conductivity:.2e} ± {error:.0e} S/cm")
    9.07e-05 ± 9e-07 S/cm
    """
    return _product(
        ("resistance", resistance, resistance_error, -1),
        ("thickness", thickness, thickness_error, 1),
        ("area", area, area_error, -1),
    )


@validate_params(
    {
        "current": _NUMBERS,
        "voltage": _NUMBERS,
        "thickness": _NUMBERS,
        "area": _NUMBERS,
        "current_error": _OPTIONAL_NUMBERS,
        "voltage_error": _OPTIONAL_NUMBERS,
        "thickness_error": _OPTIONAL_NUMBERS,
        "area_error": _OPTIONAL_NUMBERS,
    },
    prefer_skip_nested_validation=True,
)
def dc_electronic_conductivity(
    current: ArrayLike,
    voltage: ArrayLike,
    *,
    thickness: ArrayLike,
    area: ArrayLike,
    current_error: ArrayLike | None = None,
    voltage_error: ArrayLike | None = None,
    thickness_error: ArrayLike | None = None,
    area_error: ArrayLike | None = None,
) -> MeasuredValue:
    r"""Electronic conductivity from the steady current between electrodes that block ions.

    .. math::

        \sigma_\mathrm{e} = \frac{I L}{U A}

    Relative errors add in squares, as for `eis_conductivity`. All arguments are numbers or arrays,
    which broadcast.

    Parameters
    ----------
    current : array-like or float
        Current I in A after the ions have come to rest; earlier, ions are part of it, and the
        result is an upper limit.
    voltage : array-like or float
        Voltage U in V, of the sign of the current.
    thickness : array-like or float
        Thickness L of the pellet in cm.
    area : array-like or float
        Area A of contact in cm2.
    current_error : array-like or float, default=None
        Standard error of the current in A.
    voltage_error : array-like or float, default=None
        Standard error of the voltage in V.
    thickness_error : array-like or float, default=None
        Standard error of the thickness in cm.
    area_error : array-like or float, default=None
        Standard error of the area in cm2.

    Returns
    -------
    namedtuple
        `value`, the electronic conductivity in S/cm, and `error`, its standard error of first order
        for independent errors; those not given count as 0. `error` is None if none is given.

    Raises
    ------
    ValueError
        If current and voltage are zero or of opposite sign, a number is not finite, thickness or
        area are not positive, an error is negative, or shapes do not broadcast.

    See Also
    --------
    ionic_transference_number : What part of the current ions carry.

    Examples
    --------
    >>> from skxrd.transport import dc_electronic_conductivity
    >>> measured = dc_electronic_conductivity(1.5e-7, 0.3, thickness=0.05, area=0.785)
    >>> print(f"{measured.value:.2e} S/cm")
    3.18e-08 S/cm
    """
    current, voltage = _finite("current", current), _finite("voltage", voltage)
    _common_shape((("current", current, None, 1), ("voltage", voltage, None, 1)))
    if (np.sign(current) * np.sign(voltage) < 0).any():
        raise ValueError(
            "current and voltage must have the same sign; a current against the voltage is no "
            "conduction."
        )
    return _product(
        ("current", np.abs(current), current_error, 1),
        ("voltage", np.abs(voltage), voltage_error, -1),
        ("thickness", thickness, thickness_error, 1),
        ("area", area, area_error, -1),
    )


@validate_params(
    {
        "total": _NUMBERS,
        "electronic": _NUMBERS,
        "total_error": _OPTIONAL_NUMBERS,
        "electronic_error": _OPTIONAL_NUMBERS,
    },
    prefer_skip_nested_validation=True,
)
def ionic_transference_number(
    total: ArrayLike,
    electronic: ArrayLike,
    *,
    total_error: ArrayLike | None = None,
    electronic_error: ArrayLike | None = None,
) -> MeasuredValue:
    r"""Part of the current that ions carry.

    .. math::

        t_\mathrm{ion} = 1 - \frac{\sigma_\mathrm{e}}{\sigma}

    All arguments are numbers or arrays, which broadcast.

    Parameters
    ----------
    total : array-like or float
        Conductivity of ions and electrons together in S/cm, as `eis_conductivity` gives it.
    electronic : array-like or float
        Electronic conductivity in S/cm, as `dc_electronic_conductivity` gives it.
    total_error : array-like or float, default=None
        Standard error of the total conductivity in S/cm.
    electronic_error : array-like or float, default=None
        Standard error of the electronic conductivity in S/cm.

    Returns
    -------
    namedtuple
        `value`, the number, between 0 and 1, and `error`, its standard error of first order for
        independent errors; those not given count as 0. `error` is None if none is given.

    Raises
    ------
    ValueError
        If a conductivity is not positive and finite, the electronic one is larger than the total,
        an error is negative, or shapes do not broadcast.

    Notes
    -----
    Where both come from one pellet, the errors of its thickness and area cancel: leave them out.

    Examples
    --------
    >>> from skxrd.transport import ionic_transference_number
    >>> print(f"{ionic_transference_number(9.07e-5, 3.18e-8).value:.5f}")
    0.99965
    """
    ratio, error = _product(
        ("electronic", electronic, electronic_error, 1), ("total", total, total_error, -1)
    )
    if np.any(np.asarray(ratio) > 1):
        raise ValueError(
            "electronic must not be larger than total, of which it is a part; got a ratio of "
            f"{np.max(ratio):g}. Is it in the same unit?"
        )
    return MeasuredValue(1 - ratio, error)


def _product(*factors: tuple[str, ArrayLike, ArrayLike | None, int]) -> MeasuredValue:
    """Multiply or divide (power 1 or -1) positive numbers; relative errors add in squares."""
    values = {name: _positive(name, value) for name, value, _, _ in factors}
    shape = _common_shape(factors)
    result, relative_square = np.ones(shape), np.zeros(shape)
    for name, _, error, power in factors:
        result = result * values[name] ** power
        if error is not None:
            relative_square = relative_square + (_error(name, error) / values[name]) ** 2
    known = any(error is not None for _, _, error, _ in factors)
    # [()] makes numbers of arrays without dimensions
    return MeasuredValue(result[()], (result * np.sqrt(relative_square))[()] if known else None)


def _common_shape(
    factors: tuple[tuple[str, ArrayLike, ArrayLike | None, int], ...],
) -> tuple[int, ...]:
    shapes = {name: np.shape(value) for name, value, _, _ in factors}
    shapes |= {
        f"{name}_error": np.shape(error) for name, _, error, _ in factors if error is not None
    }
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"shapes do not fit together: {found}.") from error


def _finite(name: str, value: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(value, dtype=float)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite; got {found[~np.isfinite(found)].flat[0]:g}.")
    return found


def _positive(name: str, value: ArrayLike) -> NDArray[np.float64]:
    found = _finite(name, value)
    if (found <= 0).any():
        raise ValueError(f"{name} must be positive; got {found.min():g}.")
    return found


def _error(name: str, value: ArrayLike) -> NDArray[np.float64]:
    found = _finite(f"{name}_error", value)
    if (found < 0).any():
        raise ValueError(f"{name}_error must not be negative; got {found.min():g}.")
    return found
