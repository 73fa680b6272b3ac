"""The displacement parameters of a CIF, in the two forms that a structure factor takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skxrd.simulation._structures._cif_block import CifBlock

__all__ = ["read_displacements"]

_B_TO_U = 1 / (8 * np.pi**2)  # B = 8 pi^2 <u^2>
_LARGEST = 1e3  # angstrom^2 and more is a mistake
_TENSOR = ("11", "22", "33", "23", "13", "12")
_AS_MATRIX = [0, 5, 4, 5, 1, 3, 4, 3, 2]


def read_displacements(
    block: CifBlock, lattice: NDArray[np.float64], labels: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read U, B or beta of the sites.

    Parameters
    ----------
    block : CifBlock
        Block of a CIF.
    lattice : ndarray of shape (3, 3)
        Rows a, b, c in angstrom.
    labels : list of str of length n_sites
        Labels of the sites, by which the table of tensors refers to them.

    Returns
    -------
    u_iso : ndarray of shape (n_sites,)
        Mean squared displacement in angstrom^2, NaN where it is unknown or a tensor is known.
    u_star : ndarray of shape (n_sites, 3, 3)
        Tensor of the factor exp(-2 pi^2 h U* h), NaN where it is unknown. The U of a CIF refers to
        axes of the lengths a*, b*, c*: U* = N U N with N = diag(a*, b*, c*) [1]_.

    References
    ----------
    .. [1] R. W. Grosse-Kunstleve and P. D. Adams, "On the handling of atomic anisotropic
       displacement parameters", Journal of Applied Crystallography 35, 477-480 (2002).
    """
    u_iso = np.full(len(labels), np.nan)
    for name, factor in (("U", 1.0), ("B", _B_TO_U)):
        values = factor * block.numbers(f"_atom_site_{name}_iso_or_equiv")
        if len(values) == len(labels):
            u_iso = np.where((values >= 0) & (values < _LARGEST), values, u_iso)

    u_star = np.full((len(labels), 3, 3), np.nan)
    rows = block.texts("_atom_site_aniso_label")
    if not rows:
        return u_iso, u_star
    lengths = np.linalg.norm(np.linalg.inv(lattice), axis=0)  # of a*, b*, c*
    norms = np.outer(lengths, lengths)
    for name, factors in (
        ("U", norms),
        ("B", _B_TO_U * norms),
        ("beta", np.full((3, 3), 1 / (2 * np.pi**2))),
    ):
        columns = [block.numbers(f"_atom_site_aniso_{name}_{index}") for index in _TENSOR]
        if {len(column) for column in columns} != {len(rows)}:
            continue
        tensors = dict(zip(rows, np.stack(columns)[_AS_MATRIX].T.reshape(-1, 3, 3), strict=True))
        for site, label in enumerate(labels):
            if label in tensors and (abs(tensors[label]) < _LARGEST).all():
                u_star[site] = tensors[label] * factors
    u_iso[np.isfinite(u_star).all(axis=(1, 2))] = np.nan
    return u_iso, u_star
