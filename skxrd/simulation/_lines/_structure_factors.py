"""Structure factors of all reflections in a range."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._lines._scattering import scattering_factors
from skxrd.simulation._structures._cell import Cell

__all__ = ["Reflections", "structure_factors"]

_MAX_ENTRIES = 2**21  # complex numbers in memory at once: 32 MB
_MAX_BOX = 5e7  # (2h + 1)(2k + 1)(2l + 1): cubic cells up to 200 angstrom with Cu K-alpha
_ROUNDING = 1e-8  # 1/angstrom: reflections on the outer end of the range belong to it


class Reflections(NamedTuple):
    """Half of the reflections in a range: of hkl and -h-k-l one, for they scatter alike."""

    hkl: NDArray[np.int32]  # (n, 3)
    g_squared: NDArray[np.float64]  # (n,): 1 / d^2 in 1/angstrom^2
    structure_factor: NDArray[np.complex128]  # (n,)


class Kinds(NamedTuple):
    """Sites that scatter alike, one after the other."""

    frac_coords: NDArray[np.float64]  # (n_sites, 3), sorted by kind
    start: NDArray[np.intp]  # (n_kinds + 1,): first site of each kind
    occupancies: NDArray[np.float64]  # (n_kinds, n_elements)
    b_iso: NDArray[np.float64]  # (n_kinds,) in angstrom^2


def structure_factors(
    cell: Cell,
    g_range: tuple[float, float],
    *,
    b_of_element: NDArray[np.float64] | None = None,
    compiled: bool = False,
) -> Reflections:
    """Compute the structure factors of all reflections with 1/d in a range.

    The phase of a site is a product, exp(2 pi i hx) exp(2 pi i ky) exp(2 pi i lz), so that the sum
    over the sites is a matrix product for each plane of h. Sites that scatter alike are summed
    first and multiplied by their common scattering factor afterwards.

    Parameters
    ----------
    cell : Cell
        Unit cell. Its displacements damp the scattering where they are given: NaN counts as zero.
    g_range : tuple of 2 float
        Smallest and largest 1/d in 1/angstrom, both included.
    b_of_element : ndarray of shape (n_elements,), default=None
        Displacement parameters B of the elements in angstrom^2, in addition to those of the cell.
    compiled : bool, default=False
        Whether the kernel that numba compiles does the sum.

    Returns
    -------
    Reflections
        In no particular order.

    Raises
    ------
    InvalidStructureError
        If the scattering factors of an element are not known.
    """
    anisotropic = _anisotropic_sites(cell)
    kinds = _kinds(cell, ~anisotropic)
    if compiled:
        from skxrd.simulation._lines._structure_factors_compiled import sum_by_kind_compiled

        reflections = sum_by_kind_compiled(cell, kinds, g_range, b_of_element)
    else:
        reflections = _sum_by_kind(cell, kinds, g_range, b_of_element)
    if anisotropic.any():
        reflections.structure_factor[:] += _sum_sites(
            cell, np.flatnonzero(anisotropic), reflections, b_of_element
        )
    return reflections


def _anisotropic_sites(cell: Cell) -> NDArray[np.bool_]:
    if cell.u_star is None:
        return np.zeros(len(cell.frac_coords), dtype=bool)
    return np.asarray(np.isfinite(cell.u_star).all(axis=(1, 2)))


def _kinds(cell: Cell, chosen: NDArray[np.bool_]) -> Kinds:
    keys = cell.occupancies
    if cell.u_iso is not None:
        keys = np.column_stack([keys, 8 * np.pi**2 * np.nan_to_num(cell.u_iso)])
    keys, coords = keys[chosen], cell.frac_coords[chosen]
    # Sorted by a number that brings equal rows together: many times faster than np.unique by rows.
    order = np.argsort(keys @ np.sqrt(np.arange(2.0, 2 + keys.shape[1])))
    keys = keys[order]
    is_start = np.ones(len(keys) + 1, dtype=bool)  # the end of the last kind is one as well
    is_start[1:-1] = (keys[1:] != keys[:-1]).any(axis=1)
    start = np.flatnonzero(is_start)
    table = keys[start[:-1]]
    b_iso = np.zeros(len(table)) if cell.u_iso is None else table[:, -1]
    return Kinds(coords[order], start, table[:, : len(cell.elements)], b_iso)


def largest_indices(cell: Cell, g_max: float) -> NDArray[np.int64]:
    """Find the largest h, k and l in a sphere: |h| = |g . a| is at most |g| |a|.

    Parameters
    ----------
    cell : Cell
        Unit cell.
    g_max : float
        Radius of the sphere in 1/angstrom.

    Returns
    -------
    ndarray of int of shape (3,)
        The indices.

    Raises
    ------
    InvalidStructureError
        If there are more reflections than a powder pattern can show.
    """
    largest = np.floor(g_max * np.linalg.norm(cell.lattice, axis=1) + 1e-8)
    if (2 * largest + 1).prod() > _MAX_BOX:
        a, b, c = np.linalg.norm(cell.lattice, axis=1)
        raise InvalidStructureError(
            f"A cell of {a:.4g} x {b:.4g} x {c:.4g} angstrom has too many reflections in range "
            "for a powder pattern."
        )
    return largest.astype(np.int64)


def _sum_by_kind(
    cell: Cell,
    kinds: Kinds,
    g_range: tuple[float, float],
    b_of_element: NDArray[np.float64] | None,
) -> Reflections:
    reciprocal = cell.reciprocal
    n_h, n_k, n_l = largest_indices(cell, g_range[1])
    h, k = np.arange(n_h + 1), np.arange(-n_k, n_k + 1)
    miller_l = np.arange(-n_l, n_l + 1)
    phase_h = _phases(n_h, kinds.frac_coords[:, 0])
    phase_k = _both_signs(_phases(n_k, kinds.frac_coords[:, 1]))
    phase_l = _both_signs(_phases(n_l, kinds.frac_coords[:, 2]))
    g_low, g_high = g_range[0] ** 2, (g_range[1] + _ROUNDING) ** 2
    metric = reciprocal @ reciprocal.T
    # Blocks of h planes; a cell of the usual size is one block.
    block = max(1, _MAX_ENTRIES // (len(k) * max(len(miller_l), len(kinds.frac_coords), 1)))
    parts = []
    for first in range(0, len(h), block):
        planes = h[first : first + block]
        hh, kk, ll = planes[:, None, None], k[:, None], miller_l
        g_squared = (
            (metric[0, 0] * hh * hh + metric[1, 1] * kk * kk + 2 * metric[0, 1] * hh * kk)
            + metric[2, 2] * ll * ll
            + (2 * (metric[0, 2] * hh + metric[1, 2] * kk)) * ll
        )
        inside = (g_squared <= g_high) & (g_squared >= g_low)
        if first == 0:  # half of the plane h = 0
            inside[0, :n_k] = False
            inside[0, n_k, : n_l + 1] = False
        index = np.flatnonzero(inside)
        g_squared = g_squared.ravel()[index]
        factors = _kind_factors(cell.elements, kinds, g_squared, b_of_element)
        total = np.zeros(len(index), dtype=complex)
        left = np.concatenate(phase_h[planes, None] * phase_k)
        for kind, (start, stop) in enumerate(zip(kinds.start, kinds.start[1:], strict=False)):
            sums = left[:, start:stop] @ phase_l[:, start:stop].T
            total += factors[kind] * sums.ravel()[index]
        hkl = np.stack(np.unravel_index(index, inside.shape), axis=1).astype(np.int32)
        hkl += np.array([first, -n_k, -n_l], dtype=np.int32)
        parts.append(Reflections(hkl, g_squared, total))
    return Reflections(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _phases(n: int, coords: NDArray[np.float64]) -> NDArray[np.complex128]:
    """exp(2 pi i h x) for h from 0 to n: powers, many times faster than as many exponentials."""
    phases = np.ones((n + 1, len(coords)), dtype=complex)
    phases[1:] = np.exp(2j * np.pi * coords)
    return np.multiply.accumulate(phases, axis=0, out=phases)


def _both_signs(phases: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Put the conjugates, which are those of negative indices, in front."""
    return np.concatenate([phases[:0:-1].conj(), phases])


def _kind_factors(
    elements: tuple[str, ...],
    kinds: Kinds,
    g_squared: NDArray[np.float64],
    b_of_element: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    s_squared = g_squared / 4
    factors = kinds.occupancies @ _element_factors(elements, s_squared, b_of_element)
    if kinds.b_iso.any():
        factors *= np.exp(np.outer(-kinds.b_iso, s_squared))
    return factors


def _element_factors(
    elements: tuple[str, ...],
    s_squared: NDArray[np.float64],
    b_of_element: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    factors = scattering_factors(elements, s_squared)
    if b_of_element is not None:
        factors *= np.exp(np.outer(-b_of_element, s_squared))
    return factors


def _sum_sites(
    cell: Cell,
    sites: NDArray[np.intp],
    reflections: Reflections,
    b_of_element: NDArray[np.float64] | None,
) -> NDArray[np.complex128]:
    """Sum sites one by one: anisotropic damping is no product of terms of h, k and l."""
    assert cell.u_star is not None
    coords, u_star = cell.frac_coords[sites], cell.u_star[sites]
    total = np.empty(len(reflections.hkl), dtype=complex)
    chunk = max(1, _MAX_ENTRIES // len(sites))
    for first in range(0, len(total), chunk):
        rows = slice(first, first + chunk)
        hkl = reflections.hkl[rows].astype(float)
        pairs = (hkl[:, :, None] * hkl[:, None, :]).reshape(-1, 9)
        exponent = 2j * np.pi * (hkl @ coords.T)
        exponent -= 2 * np.pi**2 * (pairs @ u_star.reshape(-1, 9).T)
        factors = _element_factors(cell.elements, reflections.g_squared[rows] / 4, b_of_element)
        of_site = cell.occupancies[sites] @ factors
        total[rows] = (np.exp(exponent) * of_site.T).sum(axis=1)
    return total
