"""What a semi-supervised classifier is made of, and the fitting of the transformers among it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from torch import nn

from skxrd._sklearn import set_random_states
from skxrd.semi_supervised._algorithms._base import BaseAlgorithm

__all__ = ["AUGMENTATIONS", "Components", "fitted_transformers"]

AUGMENTATIONS = ("weak_augmentation", "medium_augmentation", "strong_augmentation")
# The order in which transformers draw their seeds: another one gives other models.
_TRANSFORMERS = (*AUGMENTATIONS, "rendering")


@dataclass
class Components:
    """What a classifier is made of, with every default filled in; nothing is cloned yet."""

    algorithm: BaseAlgorithm
    module: Callable[..., nn.Module]
    module_params: dict[str, Any]
    weak_augmentation: Any
    strong_augmentation: Any
    rendering: Any
    medium_augmentation: Any = "passthrough"


def fitted_transformers(
    components: Components,
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    random_state: np.random.RandomState,
) -> Iterator[tuple[str, Any]]:
    """Clone, seed and fit the transformers on some rows of an array; yield name and transformer."""
    for name in _TRANSFORMERS:
        component = clone(getattr(components, name), safe=False)
        if hasattr(component, "fit"):
            # A pipeline transforms while it is fitted, unseeded from numpy's global generator.
            set_random_states(component, random_state)
            component.fit(X[rows] if _learns(component) else X[rows[:2]])
        yield name, component


def _learns(component: Any) -> bool:
    """Whether a transformer learns from data; those of skxrd read nothing but the shape."""
    if isinstance(component, Pipeline):
        return any(_learns(step) for _, step in component.steps)
    return hasattr(component, "fit") and not (
        hasattr(component, "augment") or hasattr(component, "render")
    )
