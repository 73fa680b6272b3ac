"""Parameters of a simulation that need more than a check of their type."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from importlib.util import find_spec
from numbers import Real
from typing import Any

import numpy as np

from skxrd.exceptions import MissingDependencyError
from skxrd.simulation._lines._scattering import is_known

__all__ = ["b_factors", "texture", "uses_numba"]


def b_factors(given: Any) -> float | dict[str, float] | None:
    """Check displacement parameters that the user gives.

    Parameters
    ----------
    given : float, mapping or None
        B in angstrom^2, of all elements or by symbol.

    Returns
    -------
    float, dict or None
        The same as plain numbers.

    Raises
    ------
    ValueError
        If a mapping holds anything but numbers of at least 0 by symbol.
    """
    if not isinstance(given, Mapping):
        return None if given is None else float(given)
    wrong = {
        symbol: b
        for symbol, b in given.items()
        if not (is_known(symbol) and isinstance(b, Real) and 0 <= float(b) < np.inf)
    }
    if wrong:
        raise ValueError(
            "debye_waller_factors needs numbers of angstrom^2 of at least 0 by the symbol of the "
            f"element, such as {{'Li': 1.5}}, got {wrong!r}."
        )
    return {symbol: float(b) for symbol, b in given.items()}


def texture(given: Any) -> tuple[tuple[int, int, int], float] | None:
    """Check a preferred orientation that the user gives.

    Parameters
    ----------
    given : tuple of ((h, k, l), r) or None
        Axis and March-Dollase parameter.

    Returns
    -------
    tuple or None
        The same as plain numbers.

    Raises
    ------
    ValueError
        If it is not of this form.
    """
    if given is None:
        return None
    try:
        indices, r = given
        h, k, miller_l = (operator.index(index) for index in indices)
        axis, ratio = (h, k, miller_l), float(r)
    except (TypeError, ValueError):
        axis, ratio = (0, 0, 0), 0.0
    if axis == (0, 0, 0) or not 0 < ratio < np.inf:
        raise ValueError(
            "preferred_orientation needs ((h, k, l), r) with whole numbers that are not all zero "
            f"and a positive r, such as ((0, 0, 1), 0.8), got {given!r}."
        )
    return axis, ratio


def uses_numba(engine: str) -> bool:
    """Tell whether numba computes the structure factors.

    Parameters
    ----------
    engine : {"auto", "numpy", "numba"}
        What the user wants.

    Returns
    -------
    bool
        Whether it is numba.

    Raises
    ------
    MissingDependencyError
        If numba is wanted and not installed.
    """
    if engine == "numpy":
        return False
    has_numba = find_spec("numba") is not None
    if engine == "numba" and not has_numba:
        raise MissingDependencyError(
            "engine='numba' needs numba, which is not installed; install it with: "
            "pip install 'skxrd[fast]'"
        )
    return has_numba
