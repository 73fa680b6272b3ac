"""Bundled data set: lithium compounds with their structure and ionic conductivity."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skxrd._sklearn import Interval, validate_params
from skxrd.exceptions import DataIntegrityError

__all__ = ["load_lithium_conductors"]

_DESCR = """\
Lithium ion conductors
======================

{n_entries} lithium compounds, {n_superionic} of them superionic (conductivity at room temperature
of at least {threshold:g} S/cm): LGPS, argyrodites, garnets, NASICON, perovskites, halides, spinels,
thiophosphates, nitrides, oxides, hydrides and more.

What is in it
-------------
Per compound: name, formula, family, space group, lattice parameters (angstrom, degrees), Wyckoff
sites with occupancies, ionic conductivity in S/cm near 25 degrees Celsius, and the DOI of the
publication that reports it. `conductivity_censored` marks values that are upper bounds: the
compound conducts less than that. The values are kept in one JSON file that can be read by eye.

How it was made
---------------
The facts were written down compound by compound: space group and lattice parameters of the sample
that was measured (for Li3YCl6 and Li3InCl6 a rounded cell from the literature), and sites of the
structure type. For all others, 99 compounds, cell, conductivity and DOI were taken over from the
table of OBELiX (Therrien et al., arXiv:2502.14234, CC BY 4.0), its coordinates were not. The field
`coordinates` of the file says where the atoms come from: "determined" (parameters of a structure
determination of this compound or type, rounded), "parent" (those of an isotypic compound),
"adjusted" (parent parameters or an ideal packing, moved until the bond lengths of the framework
agree with those usual for its ions), "fixed" (special positions without a free parameter).

How it was verified
-------------------
`benchmarks/verify_lithium_conductors.py` expands each entry with its space group and checks the
composition against the formula, charge balance, occupancies, distances, bond lengths and density,
and compares lattices with measured ones and atoms with relaxed structures where those are at hand.
A comparison of cells with OBELiX checks the transcription only.

Caveats
-------
One value per compound: reported conductivities scatter by an order of magnitude with preparation,
density of the pellet and temperature, so that labels near the threshold are uncertain. Many entries
are average structures with partial occupancies, and the distribution of lithium over its sites is
approximate. Diffraction patterns of entries whose coordinates are "parent" or "adjusted" have the
right line positions, but approximate intensities. Not a substitute for a database of structures.
"""


@validate_params(
    {
        "superionic_threshold": [Interval(Real, 0, None, closed="neither")],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_lithium_conductors(
    *, superionic_threshold: float = 1e-4, return_X_y: bool = False
) -> Bunch | tuple[list[Any], NDArray[np.int64]]:
    """Load lithium compounds with crystal structure and ionic conductivity.

    About a hundred compounds, a third of them superionic. They are part of the package: nothing is
    downloaded. Labels near the threshold are uncertain, since measured conductivities scatter by an
    order of magnitude with the preparation; see `DESCR`.

    Parameters
    ----------
    superionic_threshold : float, default=1e-4
        Conductivity at room temperature in S/cm from which on a compound counts as superionic.
    return_X_y : bool, default=False
        Return ``(structures, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like object with the attributes

        structures : list of pymatgen.core.Structure, length n_compounds
            Conventional cells, disordered ones with partial occupancies.
        target : ndarray of int64 of shape (n_compounds,)
            1 for superionic, 0 for not superionic. A compound of which only an upper bound is known
            counts as not superionic.
        target_names : list of str
            Meaning of 0 and 1.
        ids : list of str
            Formula and space group number, unique, such as "Li6PS5Cl-216".
        frame : DataFrame of shape (n_compounds, 9)
            Columns id, name, formula, family, space_group_symbol, space_group_number,
            conductivity (S/cm), conductivity_censored (True for an upper bound), doi.
        DESCR : str
            How the data were made and checked, and what they are not.

    (structures, target) : tuple if `return_X_y`
        List of structures and array of labels.

    Raises
    ------
    DataIntegrityError
        If the file in the package was changed so that a site just misses a special position.

    Examples
    --------
    >>> from skxrd.datasets import load_lithium_conductors
    >>> data = load_lithium_conductors()
    >>> row = data.ids.index("Li6PS5Cl-216")
    >>> data.frame.loc[row, "conductivity"].item(), data.target_names[data.target[row]]
    (0.0013, 'superionic')
    >>> data.structures[row].composition.reduced_formula
    'Li6PS5Cl'
    """
    entries = read_entries()
    conductivity = np.array([entry["conductivity"] for entry in entries])
    # An upper bound above the threshold would not tell the class; the file has none at 1e-4.
    censored = np.array([entry["conductivity_censored"] for entry in entries])
    target = ((conductivity >= superionic_threshold) & ~censored).astype(np.int64)
    structures = [make_structure(entry) for entry in entries]
    if return_X_y:
        return structures, target
    return Bunch(
        structures=structures,
        target=target,
        target_names=["not superionic", "superionic"],
        ids=[entry["id"] for entry in entries],
        frame=_make_frame(entries),
        DESCR=_DESCR.format(
            n_entries=len(entries), n_superionic=target.sum(), threshold=superionic_threshold
        ),
    )


def read_entries() -> list[dict[str, Any]]:
    """Read the entries of the bundled file, one dictionary per compound."""
    path = files("skxrd.datasets").joinpath("data", "lithium_conductors.json")
    return json.loads(path.read_text(encoding="utf-8"))["entries"]


def _make_frame(entries: list[dict[str, Any]]) -> Any:
    import pandas as pd
    from pymatgen.core import Composition

    return pd.DataFrame(
        {
            "id": [entry["id"] for entry in entries],
            "name": [entry["name"] for entry in entries],
            "formula": [Composition(entry["formula"]).reduced_formula for entry in entries],
            "family": [entry["family"] for entry in entries],
            "space_group_symbol": [entry["space_group"]["symbol"] for entry in entries],
            "space_group_number": [entry["space_group"]["number"] for entry in entries],
            "conductivity": [entry["conductivity"] for entry in entries],
            "conductivity_censored": [entry["conductivity_censored"] for entry in entries],
            "doi": [entry["doi"] for entry in entries],
        }
    )


def expand_sites(entry: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Apply the space group of an entry to its sites.

    Parameters
    ----------
    entry : dict
        One entry of `read_entries`.

    Returns
    -------
    coords : ndarray of shape (n_atoms, 3)
        Fractional coordinates in [0, 1).
    site : ndarray of int64 of shape (n_atoms,)
        Row of the entry's site list to which each atom belongs.
    """
    rotation, translation = _symmetry_operations(entry["space_group"]["symbol"])
    coords, site = [], []
    for row, (label, _, position) in enumerate(entry["sites"]):
        images = rotation @ np.array(position, dtype=float) + translation
        orbit, gap = _drop_repeated(images)
        if gap < 0.01:
            raise DataIntegrityError(
                f"Site {label} of {entry['id']} at {position} has images only {gap:.4f} cell "
                "lengths apart: it lies near a special position, but not on it."
            )
        coords.append(orbit)
        site.append(np.full(len(orbit), row))
    return np.concatenate(coords), np.concatenate(site)


def make_structure(entry: dict[str, Any]) -> Any:
    """Make the pymatgen structure of an entry.

    Parameters
    ----------
    entry : dict
        One entry of `read_entries`.

    Returns
    -------
    pymatgen.core.Structure
        Conventional cell.
    """
    from pymatgen.core import Composition, Lattice, Structure

    coords, site = expand_sites(entry)
    species = [Composition(occupancies) for _, occupancies, _ in entry["sites"]]
    lattice = Lattice.from_parameters(*entry["lattice"])
    return Structure(lattice, [species[row] for row in site], coords)


# Building the operations takes up to a second, and a few groups serve most entries.
@cache
def _symmetry_operations(symbol: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from pymatgen.symmetry.groups import SpaceGroup

    # The set of operations has no order of its own: sorted, each call gives the same atoms.
    operations = sorted(
        SpaceGroup(symbol).symmetry_ops, key=lambda op: op.affine_matrix.ravel().tolist()
    )
    rotation = np.array([op.rotation_matrix for op in operations])
    translation = np.array([op.translation_vector for op in operations])
    return rotation, translation


def _drop_repeated(images: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Images that differ by more than rounding, in the cell, and the smallest step between them."""
    images = images - np.floor(images + 1e-6)
    difference = images[:, None] - images[None]
    difference -= np.round(difference)
    step = np.abs(difference).max(axis=2)
    same = step < 1e-4
    return images[np.argmax(same, axis=1) == np.arange(len(images))], float(
        step.min(initial=1.0, where=~same)
    )
