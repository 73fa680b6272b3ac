"""What torch holds once per process: devices and the global random generators."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["check_precision", "seeded", "usable_device"]

# torch draws initial weights and dropout from one generator per process: one training at a time.
_RNG_LOCK = threading.RLock()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch for one training and leave its global generators as they were."""
    devices = [device] if device.type == "cuda" else []
    with _RNG_LOCK, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def check_precision(device: torch.device, mixed_precision: bool) -> None:
    """Refuse mixed precision on a device that lacks it."""
    if mixed_precision and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ValueError(
            f"mixed_precision=True needs a device with bfloat16, which {device} lacks; set it to "
            "False."
        )


def usable_device(name: str) -> torch.device:
    """Device of a model that is loaded: the CPU where there is no GPU."""
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        # The caller's caller: who loads a model, and not the method that restores it.
        warnings.warn(f"No GPU for a model of device {name!r}: it is put on the CPU.", stacklevel=3)
        return torch.device("cpu")
    return device
