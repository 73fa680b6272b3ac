"""A cell of Li6PS5Cl with one ion on each site, made from the measured, disordered structure."""

from __future__ import annotations

import numpy as np
from pymatgen.core import PeriodicSite, Structure

from skxrd.datasets import load_lithium_conductors


def ordered_argyrodite() -> Structure:
    """Make a cell of 52 ions.

    Each lithium ion lies in the middle between two half-occupied sites (24g). Chlorine takes two of
    the four sites 4a, where the sample had 60 %, and two of the four sites 4d, where it had 40 %.
    """
    bundled = load_lithium_conductors()
    published = bundled.structures[bundled.ids.index("Li6PS5Cl-216")]
    lattice = published.lattice
    ions = [*_lithium(published), *_anions(published)]
    ions += [(site.specie.symbol, site.frac_coords) for site in published if site.is_ordered]
    sites = [PeriodicSite(symbol, place, lattice) for symbol, place in ions]
    return Structure.from_sites(sites).get_sorted_structure()


def _lithium(published: Structure) -> list[tuple[str, np.ndarray]]:
    halves = [site.frac_coords for site in published if "Li" in site.species]
    distance = published.lattice.get_all_distances(halves, halves)
    np.fill_diagonal(distance, np.inf)
    partner = distance.argmin(axis=1)
    assert (partner[partner] == np.arange(len(halves))).all()
    middles = []
    for one, other in enumerate(partner):
        if one < other:
            step = halves[other] - halves[one]
            middles.append(("Li", halves[one] + (step - np.round(step)) / 2))
    return middles


def _anions(published: Structure) -> list[tuple[str, np.ndarray]]:
    mixed = [site for site in published if {"S", "Cl"} <= set(site.species.get_el_amt_dict())]
    anions = []
    for share in sorted({site.species["Cl"] for site in mixed}):
        places = [site.frac_coords for site in mixed if site.species["Cl"] == share]
        symbols = ["Cl"] * (len(places) // 2) + ["S"] * (len(places) - len(places) // 2)
        anions += list(zip(symbols, places, strict=True))
    return anions
