"""Semi-supervised screening of crystal structures and diffraction patterns.

Only names live here; each is imported when it is first used, so that ``import skxrd`` stays
fast and loads neither torch nor pymatgen nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_STARS = {
    "PatternSimulator": "skxrd.simulation",
    "SemiSupervisedBaggingClassifier": "skxrd.ensemble",
    "SemiSupervisedClassifier": "skxrd.semi_supervised",
    "TwoThetaGrid": "skxrd.grid",
    "XRDMatchClassifier": "skxrd.semi_supervised",
}

__all__ = [  # noqa: RUF022 - the version first, then the stars
    "__version__",
    "PatternSimulator",
    "SemiSupervisedBaggingClassifier",
    "SemiSupervisedClassifier",
    "TwoThetaGrid",
    "XRDMatchClassifier",
]

if TYPE_CHECKING:
    from skxrd.ensemble import SemiSupervisedBaggingClassifier
    from skxrd.grid import TwoThetaGrid
    from skxrd.semi_supervised import SemiSupervisedClassifier, XRDMatchClassifier
    from skxrd.simulation import PatternSimulator


def __getattr__(name: str) -> Any:
    if name in _STARS:
        return getattr(importlib.import_module(_STARS[name]), name)
    raise AttributeError(f"module 'skxrd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
