"""Which ions are meant, and which elements they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxrd.exceptions import TrajectoryError

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["atomic_masses", "element_symbols", "ion_indices"]


def ion_indices(ions: ArrayLike, n_ions: int, *, name: str) -> NDArray[np.intp]:
    """Turn indices or a mask into indices of at least one ion.

    Parameters
    ----------
    ions : array-like of int or bool
        Indices of ions, from the end if negative, or a mask over them.
    n_ions : int
        Number of ions there are.
    name : str
        Name of the argument for error messages.

    Returns
    -------
    ndarray of int
        Indices from 0.

    Raises
    ------
    TrajectoryError
        If there is no ion of that index, or none is chosen.
    """
    chosen = np.asarray(ions)
    if chosen.size == 0 or (chosen.dtype == bool and not chosen.any()):
        raise TrajectoryError(f"{name} must choose at least one ion; got none.")
    if chosen.ndim != 1 or chosen.dtype.kind not in "biu":
        raise TrajectoryError(
            f"{name} must be a list of indices or a mask; got an array of shape {chosen.shape} and "
            f"type {chosen.dtype}."
        )
    if chosen.dtype == bool and len(chosen) != n_ions:
        raise TrajectoryError(f"{name} is a mask over {len(chosen)} ions; there are {n_ions}.")
    if chosen.dtype != bool and not (-n_ions <= chosen.min() and chosen.max() < n_ions):
        raise TrajectoryError(
            f"{name} goes from {chosen.min()} to {chosen.max()}; there are {n_ions} ions."
        )
    return np.arange(n_ions)[chosen]


def atomic_masses(species: NDArray[np.str_]) -> NDArray[np.float64]:
    """Look up the mass of each ion in unified atomic mass units."""
    from pymatgen.core import Element

    symbols, inverse = np.unique(species, return_inverse=True)
    unknown = [symbol for symbol in symbols.tolist() if not Element.is_valid_symbol(symbol)]
    if unknown:
        raise TrajectoryError(
            f"no mass is known of species {', '.join(map(repr, unknown))}: species must be symbols "
            "of elements, or mass_weighted be False."
        )
    return np.array([float(Element(symbol).atomic_mass) for symbol in symbols.tolist()])[inverse]


def element_symbols(structure: Structure) -> list[str]:
    """List the element of each site of an ordered structure."""
    if not structure.is_ordered:
        raise TrajectoryError("structures must be ordered: each site holds one element.")
    return [site.specie.symbol for site in structure]
