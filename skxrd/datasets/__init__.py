"""Data sets: bundled (`load_*`), downloaded once and checked (`fetch_*`), synthetic (`make_*`).

Downloaded files lie in the folder that `get_data_home` tells: the argument `data_home`, else the
environment variable ``SKXRD_DATA``, else the user's cache folder. They come from pinned commits of
public repositories and are checked by their sha256. ``SKXRD_DATA_MIRROR`` names another host with
the same tree as https://raw.githubusercontent.com, for networks that cannot reach that one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULES = {
    "fetch_obelix": "skxrd.datasets._obelix",
    "fetch_xrdmatch": "skxrd.datasets._xrdmatch",
    "get_data_home": "skxrd.datasets._download",
    "load_argyrodite_trajectories": "skxrd.datasets._argyrodite_trajectories",
    "load_lithium_conductors": "skxrd.datasets._lithium_conductors",
    "load_xrdmatch_candidates": "skxrd.datasets._xrdmatch_candidates",
    "load_xrdmatch_measurements": "skxrd.datasets._xrdmatch_measurements",
    "make_hopping_trajectory": "skxrd.transport._diffusion._hopping",
    "make_lithium_pool": "skxrd.datasets._lithium_pool",
    "make_patterns": "skxrd.datasets._patterns",
}

__all__ = [
    "fetch_obelix",
    "fetch_xrdmatch",
    "get_data_home",
    "load_argyrodite_trajectories",
    "load_lithium_conductors",
    "load_xrdmatch_candidates",
    "load_xrdmatch_measurements",
    "make_hopping_trajectory",
    "make_lithium_pool",
    "make_patterns",
]

if TYPE_CHECKING:
    from skxrd.datasets._argyrodite_trajectories import load_argyrodite_trajectories
    from skxrd.datasets._download import get_data_home
    from skxrd.datasets._lithium_conductors import load_lithium_conductors
    from skxrd.datasets._lithium_pool import make_lithium_pool
    from skxrd.datasets._obelix import fetch_obelix
    from skxrd.datasets._patterns import make_patterns
    from skxrd.datasets._xrdmatch import fetch_xrdmatch
    from skxrd.datasets._xrdmatch_candidates import load_xrdmatch_candidates
    from skxrd.datasets._xrdmatch_measurements import load_xrdmatch_measurements
    from skxrd.transport._diffusion._hopping import make_hopping_trajectory


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'skxrd.datasets' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
