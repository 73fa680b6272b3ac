"""Bundled data set: molecular dynamics of Li6PS5Cl at several temperatures."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch

from skxrd.transport import IonTrajectory

__all__ = ["load_argyrodite_trajectories"]

_FILE = "argyrodite_trajectories.npz"
_STEPS = 2**16  # positions are kept as whole multiples of the cell over this number

_DESCR = """\
Molecular dynamics of Li6PS5Cl
==============================

Positions of the 52 ions of a cell of lithium argyrodite at {temperatures} K, {n_frames} frames
each, {time_step:g} fs apart.

How it was made
---------------
By `benchmarks/argyrodite_conductivity.py` of this project: MLIPMD with CHGNet 0.3.0 (Deng et al.,
Nature Machine Intelligence 5, 1031 (2023)) at constant volume, time step 2 fs, Nose-Hoover chain,
heating from 100 K in 1 ps, 1 ps of equilibration. The cell is that of the bundled compound
"Li6PS5Cl-216", whose sites are partly occupied: lithium was put between each two split sites, and
chlorine on half of either of the two sites that it shares with sulfur. Every second frame was kept.
Positions are fractional coordinates in the cell, rounded to 1/65536 of it, 0.00015 angstrom.

What it is not
--------------
The truth about Li6PS5Cl. The potential is too soft between its minima (Deng et al., npj
Computational Materials 11, 9 (2025)): lithium moves more easily than in the laboratory, and at the
highest temperature sulfur leaves its places, which `FrameworkCheck` notices. Twelve picoseconds of
24 ions are few.
"""


def load_argyrodite_trajectories() -> Bunch:
    """Load molecular dynamics of a lithium conductor at several temperatures.

    A small real set for examples and tests of `skxrd.transport`; nothing is downloaded.

    Returns
    -------
    Bunch
        Dictionary-like object with the attributes

        trajectories : dict of float to IonTrajectory
            Trajectory at each temperature in K, positions wrapped into the cell.
        structure : pymatgen.core.Structure
            The cell before it was relaxed and heated, its sites in the order of the ions.
        DESCR : str
            How the data were made, and what they are not.

    Examples
    --------
    >>> from skxrd.datasets import load_argyrodite_trajectories
    >>> data = load_argyrodite_trajectories()
    >>> data.trajectories[600]
    IonTrajectory(Cl4 Li24 P4 S20: 301 frames, 40 fs apart, 600 K)
    """
    from pymatgen.core import Structure

    with (files("skxrd.datasets") / "data" / _FILE).open("rb") as file, np.load(file) as arrays:
        lattice, species = arrays["lattice"], arrays["species"]
        time_step = float(arrays["time_step"])
        trajectories = {
            float(temperature): IonTrajectory(
                arrays[f"positions_{temperature:g}K"] / _STEPS,
                lattice,
                species,
                time_step=time_step,
                temperature=float(temperature),
            )
            for temperature in arrays["temperatures"]
        }
        structure = Structure(lattice, species.tolist(), arrays["structure"])
    first = next(iter(trajectories.values()))
    return Bunch(
        trajectories=trajectories,
        structure=structure,
        DESCR=_DESCR.format(
            temperatures=", ".join(f"{temperature:g}" for temperature in trajectories),
            n_frames=first.n_frames,
            time_step=time_step,
        ),
    )
