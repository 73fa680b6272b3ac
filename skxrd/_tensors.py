"""The bridge between numpy arrays and torch kernels, crossed in both directions here only."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from torch import Tensor

__all__ = ["apply", "generator_from", "to_numpy", "to_tensor"]


def to_tensor(X: ArrayLike) -> Tensor:
    """Copy an array into a tensor; the copy also takes the read-only arrays that joblib maps."""
    return torch.from_numpy(np.array(X))


def to_numpy(X: Tensor) -> NDArray[Any]:
    """Bring a tensor back to numpy."""
    return X.numpy(force=True)


def generator_from(random_state: np.random.RandomState) -> torch.Generator:
    """Make a torch generator whose seed is drawn from a numpy generator."""
    return torch.Generator().manual_seed(int(random_state.randint(np.iinfo(np.int32).max)))


def apply(component: Any, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Send a batch through an augmentation, a preprocessing step, or a pipeline of them.

    Components with a torch kernel (`augment` or `render`) stay on the tensor's device; any other
    fitted transformer is used through its numpy `transform`.
    """
    if component is None or component == "passthrough":
        return X
    if isinstance(component, Pipeline):
        for _, step in component.steps:
            X = apply(step, X, generator)
        return X
    if hasattr(component, "augment"):
        return component.augment(X, generator)
    if hasattr(component, "render"):
        return component.render(X)
    return to_tensor(component.transform(to_numpy(X))).to(X)
