"""Where a pattern is not empty."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["nonzero_points"]


def nonzero_points(flat: Tensor) -> Tensor:
    """List the indices of what is not zero, or not False, in a tensor of one dimension."""
    if flat.device.type == "cpu":  # numpy finds sticks three times as fast, as bool
        return torch.from_numpy(np.flatnonzero(flat.numpy() != 0))
    return torch.nonzero(flat).ravel()
