"""Small pure functions that several algorithms share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "align",
    "kl_divergence",
    "mixup",
    "push",
    "ramp_up",
    "running_mean",
    "sharpen",
]


def ramp_up(progress: float, length: float) -> float:
    """Grow linearly from 0 to 1 over the first `length` of the training."""
    return 1.0 if progress >= length else progress / length


def sharpen(p: Tensor, temperature: float) -> Tensor:
    """Raise probabilities to the power 1 / `temperature` and normalize them."""
    return torch.softmax(p.clamp(min=1e-12).log() / temperature, dim=1)


def align(p: Tensor, model_distribution: Tensor, class_prior: Tensor) -> Tensor:
    """Scale probabilities by `class_prior` / `model_distribution` and normalize them."""
    p = p * (class_prior / model_distribution.clamp(min=1e-6))
    return p / p.sum(dim=1, keepdim=True)


def running_mean(mean: Tensor, value: Tensor, momentum: float, n_steps: Tensor) -> Tensor:
    """Update an exponential moving average whose start value counts as one step.

    A fixed momentum of 0.999 would hold on to the start value for a thousand steps, longer than
    most trainings on a few thousand patterns last.
    """
    keep = torch.clamp((n_steps + 1) / (n_steps + 2), max=momentum)
    return torch.lerp(value.to(mean), mean, keep.to(mean))


def kl_divergence(target: Tensor, logits: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softmax(`logits`) from `target`, one value per row."""
    return F.kl_div(logits.log_softmax(dim=1), target, reduction="none").sum(dim=1)


def mixup(
    inputs: Tensor, targets: Tensor, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each row with another one, itself keeping the larger share (Beta distributed)."""
    share = _beta(alpha, generator)
    other = torch.randperm(len(inputs), generator=generator).to(inputs.device)
    return torch.lerp(inputs[other], inputs, share), torch.lerp(targets[other], targets, share)


def _beta(alpha: float, generator: torch.Generator) -> float:
    # torch's Beta distribution draws from the global generator only.
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    share = np.random.default_rng(seed).beta(alpha, alpha)
    return max(share, 1 - share)


def push(queue: Tensor, rows: Tensor) -> Tensor:
    """Append rows to a queue of fixed length and drop the oldest ones."""
    return torch.cat([queue, rows.to(queue)])[-len(queue) :]
