"""Draws on the CPU that every device shares: one number per pattern or per line."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["log_uniform", "normal", "uniform"]


def uniform(
    low: float, high: float, n: int, generator: torch.Generator | None, like: Tensor
) -> Tensor:
    """Draw `n` numbers that are uniform within (low, high), for the device of `like`."""
    return torch.empty(n).uniform_(low, high, generator=generator).to(like)


def log_uniform(
    low: float, high: float, n: int, generator: torch.Generator | None, like: Tensor
) -> Tensor:
    """Draw `n` numbers whose logarithms are uniform, for the device of `like`."""
    return uniform(math.log(low), math.log(high), n, generator, like).exp()


def normal(n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Draw `n` standard normal numbers, for the device of `like`."""
    return torch.randn(n, generator=generator).to(like)
