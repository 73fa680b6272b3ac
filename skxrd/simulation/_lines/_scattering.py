"""Scattering factors of neutral atoms, from pymatgen's table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from skxrd.exceptions import InvalidStructureError

__all__ = ["atomic_numbers", "is_known", "scattering_factor_table", "scattering_factors"]

_MOTT_BETHE = 41.78214  # 8 pi^2 m e^2 / h^2 in 1/angstrom, to pymatgen's digits
_POINTS_PER_UNIT = 8192  # of 1/angstrom^2: cubic interpolation is then exact to 1e-9


class _Parameters(NamedTuple):
    """Electron scattering factors of elements: sums over exp(-b s^2), all in one matrix."""

    atomic_numbers: NDArray[np.float64]  # (n_elements,)
    a: NDArray[np.float64]  # (n_elements, n_terms) in angstrom, zero for terms of other elements
    b: NDArray[np.float64]  # (n_terms,) in angstrom^2


@lru_cache(maxsize=512)
def _parameters(elements: tuple[str, ...]) -> _Parameters:
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS
    from pymatgen.core import Element

    if not elements:
        raise InvalidStructureError("There are no atoms on the sites.")
    for element in elements:
        if element not in ATOMIC_SCATTERING_PARAMS:
            raise InvalidStructureError(f"There are no scattering factors of {element!r}.")
    terms = [np.array(ATOMIC_SCATTERING_PARAMS[element], dtype=float) for element in elements]
    return _Parameters(
        np.array([Element(element).Z for element in elements], dtype=float),
        block_diag(*(a_and_b[:, 0] for a_and_b in terms)),
        np.concatenate([a_and_b[:, 1] for a_and_b in terms]),
    )


def is_known(element: object) -> bool:
    """Tell whether there are scattering factors of an element.

    Parameters
    ----------
    element : object
        Chemical symbol.

    Returns
    -------
    bool
        Whether it is the symbol of an element of the table.
    """
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    return element in ATOMIC_SCATTERING_PARAMS


def atomic_numbers(elements: Sequence[str]) -> NDArray[np.float64]:
    """Look up the numbers of electrons of neutral atoms.

    Parameters
    ----------
    elements : sequence of str of length n_elements
        Chemical symbols.

    Returns
    -------
    ndarray of shape (n_elements,)
        Atomic numbers.

    Raises
    ------
    InvalidStructureError
        If the scattering factors of an element are not known.
    """
    return _parameters(tuple(elements)).atomic_numbers


def scattering_factors(
    elements: Sequence[str], s_squared: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute scattering factors f(s) of neutral atoms, without anomalous dispersion.

    The factors for X-rays follow from those for electrons by the formula of Mott and Bethe, f(s) =
    Z - 41.78214 s^2 sum_i a_i exp(-b_i s^2), as in pymatgen, whose parameters are taken.

    Parameters
    ----------
    elements : sequence of str of length n_elements
        Chemical symbols.
    s_squared : ndarray of shape (n,)
        (sin(theta) / wavelength)^2 in 1/angstrom^2.

    Returns
    -------
    ndarray of shape (n_elements, n)
        Scattering factors in electrons.

    Raises
    ------
    InvalidStructureError
        If the scattering factors of an element are not known.
    """
    numbers, a, b = _parameters(tuple(elements))
    return numbers[:, None] - (_MOTT_BETHE * s_squared) * (a @ np.exp(np.outer(-b, s_squared)))


@lru_cache(maxsize=512)
def _table(
    elements: tuple[str, ...], s_squared_max: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    s_squared = np.arange(-1.0, s_squared_max * _POINTS_PER_UNIT + 2) / _POINTS_PER_UNIT
    table = np.ascontiguousarray(scattering_factors(elements, s_squared).T)
    for shared in (s_squared, table):
        shared.setflags(write=False)
    return s_squared, table


def scattering_factor_table(
    elements: Sequence[str], s_squared_max: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tabulate scattering factors for cubic interpolation.

    Parameters
    ----------
    elements : sequence of str of length n_elements
        Chemical symbols.
    s_squared_max : float
        Largest (sin(theta) / wavelength)^2 in 1/angstrom^2 that is needed.

    Returns
    -------
    s_squared : ndarray of shape (n_table,)
        Evenly spaced; the second is zero, so that there is one point beyond each end.
    table : ndarray of shape (n_table, n_elements)
        Scattering factors. Both arrays are shared and read-only.
    """
    # Few different ends, so that tables are made once and serve all wavelengths in use.
    end = 2.0 ** math.ceil(math.log2(max(s_squared_max, 1 / 16)))
    return _table(tuple(elements), end)
