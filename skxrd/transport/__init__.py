"""Motion of ions: trajectories, diffusivity, conductivity, and what the laboratory measures.

Units throughout: angstrom, fs between frames, ps for times that are reported, cm2/s, S/cm, K, eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULES = {
    "ArrheniusDisplay": "skxrd.transport._arrhenius_display",
    "ArrheniusRegressor": "skxrd.transport._arrhenius",
    "ConductivityResult": "skxrd.transport._conductivity_result",
    "ConductivityScreener": "skxrd.transport._conductivity_screener",
    "DiffusionEstimator": "skxrd.transport._diffusion",
    "FrameworkCheck": "skxrd.transport._framework",
    "IonTrajectory": "skxrd.transport._trajectory",
    "MLIPMD": "skxrd.transport._md._mlip_md",
    "MeanSquaredDisplacementDisplay": "skxrd.transport._msd_display",
    "MigrationDensity": "skxrd.transport._migration_density",
    "MigrationDensityDisplay": "skxrd.transport._migration_density_display",
    "VanHove": "skxrd.transport._van_hove",
    "VanHoveDisplay": "skxrd.transport._van_hove_display",
    "dc_electronic_conductivity": "skxrd.transport._impedance",
    "eis_conductivity": "skxrd.transport._impedance",
    "ionic_transference_number": "skxrd.transport._impedance",
    "make_hopping_trajectory": "skxrd.transport._hopping",
    "mean_squared_displacement": "skxrd.transport._mean_squared_displacement",
    "nernst_einstein_conductivity": "skxrd.transport._conductivity",
    "nernst_einstein_diffusivity": "skxrd.transport._conductivity",
    "read_trajectory": "skxrd.transport._read_trajectory",
    "write_vasp_inputs": "skxrd.transport._vasp_inputs",
}

__all__ = [
    "MLIPMD",
    "ArrheniusDisplay",
    "ArrheniusRegressor",
    "ConductivityResult",
    "ConductivityScreener",
    "DiffusionEstimator",
    "FrameworkCheck",
    "IonTrajectory",
    "MeanSquaredDisplacementDisplay",
    "MigrationDensity",
    "MigrationDensityDisplay",
    "VanHove",
    "VanHoveDisplay",
    "dc_electronic_conductivity",
    "eis_conductivity",
    "ionic_transference_number",
    "make_hopping_trajectory",
    "mean_squared_displacement",
    "nernst_einstein_conductivity",
    "nernst_einstein_diffusivity",
    "read_trajectory",
    "write_vasp_inputs",
]

if TYPE_CHECKING:
    from skxrd.transport._arrhenius import ArrheniusRegressor
    from skxrd.transport._arrhenius_display import ArrheniusDisplay
    from skxrd.transport._conductivity import (
        nernst_einstein_conductivity,
        nernst_einstein_diffusivity,
    )
    from skxrd.transport._conductivity_result import ConductivityResult
    from skxrd.transport._conductivity_screener import ConductivityScreener
    from skxrd.transport._diffusion import DiffusionEstimator
    from skxrd.transport._framework import FrameworkCheck
    from skxrd.transport._hopping import make_hopping_trajectory
    from skxrd.transport._impedance import (
        dc_electronic_conductivity,
        eis_conductivity,
        ionic_transference_number,
    )
    from skxrd.transport._md._mlip_md import MLIPMD
    from skxrd.transport._mean_squared_displacement import mean_squared_displacement
    from skxrd.transport._migration_density import MigrationDensity
    from skxrd.transport._migration_density_display import MigrationDensityDisplay
    from skxrd.transport._msd_display import MeanSquaredDisplacementDisplay
    from skxrd.transport._read_trajectory import read_trajectory
    from skxrd.transport._trajectory import IonTrajectory
    from skxrd.transport._van_hove import VanHove
    from skxrd.transport._van_hove_display import VanHoveDisplay
    from skxrd.transport._vasp_inputs import write_vasp_inputs


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'skxrd.transport' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
