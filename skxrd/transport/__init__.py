"""Motion of ions: trajectories, diffusivity, conductivity, and what the laboratory measures.

Units throughout: angstrom, fs between frames, ps for times that are reported, cm2/s, S/cm, K, eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULES = {
    "ArrheniusDisplay": "skxrd.transport._arrhenius._display",
    "ArrheniusRegressor": "skxrd.transport._arrhenius._regressor",
    "ConductivityResult": "skxrd.transport._screening._result",
    "ConductivityScreener": "skxrd.transport._screening._screener",
    "DiffusionEstimator": "skxrd.transport._diffusion._estimator",
    "FrameworkCheck": "skxrd.transport._framework._check",
    "IonTrajectory": "skxrd.transport._trajectory._ion_trajectory",
    "MLIPMD": "skxrd.transport._md._mlip_md",
    "MeanSquaredDisplacementDisplay": "skxrd.transport._diffusion._display",
    "MigrationDensity": "skxrd.transport._density._estimator",
    "MigrationDensityDisplay": "skxrd.transport._density._display",
    "VanHove": "skxrd.transport._van_hove._estimator",
    "VanHoveDisplay": "skxrd.transport._van_hove._display",
    "dc_electronic_conductivity": "skxrd.transport._impedance",
    "eis_conductivity": "skxrd.transport._impedance",
    "ionic_transference_number": "skxrd.transport._impedance",
    "make_hopping_trajectory": "skxrd.transport._diffusion._hopping",
    "mean_squared_displacement": "skxrd.transport._diffusion._mean_squared_displacement",
    "nernst_einstein_conductivity": "skxrd.transport._diffusion._nernst_einstein",
    "nernst_einstein_diffusivity": "skxrd.transport._diffusion._nernst_einstein",
    "read_trajectory": "skxrd.transport._readers._read_trajectory",
    "write_vasp_inputs": "skxrd.transport._md._vasp_inputs",
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
    from skxrd.transport._arrhenius._display import ArrheniusDisplay
    from skxrd.transport._arrhenius._regressor import ArrheniusRegressor
    from skxrd.transport._density._display import MigrationDensityDisplay
    from skxrd.transport._density._estimator import MigrationDensity
    from skxrd.transport._diffusion._display import MeanSquaredDisplacementDisplay
    from skxrd.transport._diffusion._estimator import DiffusionEstimator
    from skxrd.transport._diffusion._hopping import make_hopping_trajectory
    from skxrd.transport._diffusion._mean_squared_displacement import mean_squared_displacement
    from skxrd.transport._diffusion._nernst_einstein import (
        nernst_einstein_conductivity,
        nernst_einstein_diffusivity,
    )
    from skxrd.transport._framework._check import FrameworkCheck
    from skxrd.transport._impedance import (
        dc_electronic_conductivity,
        eis_conductivity,
        ionic_transference_number,
    )
    from skxrd.transport._md._mlip_md import MLIPMD
    from skxrd.transport._md._vasp_inputs import write_vasp_inputs
    from skxrd.transport._readers._read_trajectory import read_trajectory
    from skxrd.transport._screening._result import ConductivityResult
    from skxrd.transport._screening._screener import ConductivityScreener
    from skxrd.transport._trajectory._ion_trajectory import IonTrajectory
    from skxrd.transport._van_hove._display import VanHoveDisplay
    from skxrd.transport._van_hove._estimator import VanHove


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'skxrd.transport' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
