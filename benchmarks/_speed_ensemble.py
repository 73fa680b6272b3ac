"""Ten small networks: in turn, in two processes, with vmap, with grouped layers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from _speed_common import LEARNING_RATE, N_MEMBERS, in_turn, table
from joblib import Parallel, delayed
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional as F

from skxrd.networks import ResNet1d


def train_steps(
    forward: Callable[[Tensor], Tensor], parameters: Any, X: Tensor, y: Tensor, n_steps: int
) -> float:
    """Seconds per step of forward pass, backward pass and AdamW; the first two are left out."""
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    n_members = len(y) if y.ndim == 2 else 1
    start = 0.0
    for step in range(2 + n_steps):
        if step == 2:
            _wait(X)
            start = time.perf_counter()
        # The sum over members of their means: no member's gradient depends on the others.
        loss = n_members * F.cross_entropy(forward(X).flatten(0, -2), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _wait(X)
    return (time.perf_counter() - start) / n_steps


def _wait(X: Tensor) -> None:
    if X.is_cuda:
        torch.cuda.synchronize()


def one_after_the_other(n_members: int, n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of separate networks."""
    with torch_threads(n_threads):
        X, y = batch(n_rows, device)
        networks = [ResNet1d(451, 2).to(device) for _ in range(n_members)]
        return float(np.mean([train_steps(n, n.parameters(), X, y, 10) for n in networks]))


def two_processes(n_rows: int) -> float:
    """Seconds per member and step of the ensemble's way: two workers, a thread each."""
    call = delayed(one_after_the_other)
    return float(np.mean(Parallel(n_jobs=2)(call(5, n_rows, 1) for _ in range(2)))) / 2


def vmapped(n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of stacked networks under `torch.func.vmap`.

    Running statistics of batch normalization are stacked like weights, so that each member keeps
    its own; dropout draws for each member.
    """
    with torch_threads(n_threads):
        networks = [ResNet1d(451, 2).to(device) for _ in range(N_MEMBERS)]
        params, buffers = stack_module_state(networks)
        skeleton = deepcopy(networks[0]).to("meta")
        forward = torch.vmap(
            lambda p, b, X: functional_call(skeleton, (p, b), (X,)), randomness="different"
        )
        X, y = batch(n_rows, device, N_MEMBERS)
        together = train_steps(lambda X: forward(params, buffers, X), params.values(), X, y, 4)
        return together / N_MEMBERS


class GroupedResNet1d(nn.Module):
    """Several `ResNet1d` as one network whose convolutions have a group per member."""

    def __init__(self, members: list[ResNet1d]):
        super().__init__()
        self.features = _grouped([member.features for member in members])
        self.dropout = members[0].classifier[0]
        heads = [member.classifier[1] for member in members]
        self.weight = nn.Parameter(torch.stack([head.weight.detach().T for head in heads]))
        self.bias = nn.Parameter(torch.stack([head.bias.detach()[None] for head in heads]))

    def forward(self, X: Tensor) -> Tensor:
        n_members, n_rows, n_points = X.shape
        position = torch.linspace(-1, 1, n_points, device=X.device).expand_as(X)
        channels = torch.stack([X, position], dim=2).transpose(0, 1).flatten(1, 2)
        features = self.features(as_image(channels)).flatten(2)
        pooled = [features.mean(dim=2), features.amax(dim=2)]
        pooled = [p.view(n_rows, n_members, -1).transpose(0, 1) for p in pooled]
        return torch.baddbmm(self.bias, self.dropout(torch.cat(pooled, dim=2)), self.weight)


def as_image(X: Tensor) -> Tensor:
    """Channels as images of one row, channels last in memory, as in `ResNet1d`."""
    return X[:, :, None].contiguous(memory_format=torch.channels_last)


def _grouped(modules: list[nn.Module]) -> nn.Module:
    """One module that does what all of them do, each on its own channels."""
    first = modules[0]
    if isinstance(first, nn.Conv2d):
        n = len(modules)
        merged = nn.Conv2d(
            n * first.in_channels,
            n * first.out_channels,
            first.kernel_size,
            stride=first.stride,
            padding=first.padding,
            groups=n,
            bias=False,
        )
        merged.weight.data = torch.cat([m.weight.detach() for m in modules]).contiguous(
            memory_format=torch.channels_last
        )
        return merged
    if isinstance(first, nn.BatchNorm2d):
        return nn.BatchNorm2d(len(modules) * first.num_features)
    merged = deepcopy(first)
    for name, _ in first.named_children():
        setattr(merged, name, _grouped([getattr(m, name) for m in modules]))
    return merged


def grouped(n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of ten networks as one with grouped convolutions."""
    with torch_threads(n_threads):
        members = [ResNet1d(451, 2, dropout=0.0) for _ in range(N_MEMBERS)]
        X, y = batch(n_rows, device, N_MEMBERS)
        network = GroupedResNet1d(members).to(device)
        alone = torch.stack([m.to(device)(rows) for m, rows in zip(members, X, strict=True)])
        torch.testing.assert_close(network(X), alone, rtol=1e-3, atol=1e-4)
        network.dropout = nn.Dropout(0.5)
        return train_steps(network, network.parameters(), X, y, 4) / N_MEMBERS


def batch(n_rows: int, device: str, *members: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(*members, n_rows, 451, generator=generator)
    return X.to(device), (X[..., 0] > 0.5).long().to(device)


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ensemble(options: argparse.Namespace) -> dict[str, Any]:
    n = options.threads
    numbers = {}
    for n_rows in (140, 224):
        print(f"  {n_rows} rows of 451 points, forward + backward + AdamW, per member and step:")
        functions = {
            "two processes, a thread each": lambda r=n_rows: two_processes(r),
            "one after the other, a thread": lambda r=n_rows: one_after_the_other(2, r, 1),
            f"one after the other, {n} threads": lambda r=n_rows: one_after_the_other(2, r, n),
            f"vmap, {n} threads": lambda r=n_rows: vmapped(r, n),
            f"grouped convolutions, {n} threads": lambda r=n_rows: grouped(r, n),
        }
        seconds = in_turn(functions, options.rounds)
        numbers[f"cpu_{n_rows}"] = table(seconds, "two processes, a thread each")
        winner = min(seconds, key=lambda name: np.median(seconds[name]))
        print(f"  fastest: {winner}")
        if torch.cuda.is_available():
            functions = {
                "cuda, one after the other": lambda r=n_rows: one_after_the_other(2, r, n, "cuda"),
                "cuda, vmap": lambda r=n_rows: vmapped(r, n, "cuda"),
                "cuda, grouped convolutions": lambda r=n_rows: grouped(r, n, "cuda"),
            }
            seconds = in_turn(functions, options.rounds)
            numbers[f"cuda_{n_rows}"] = table(seconds, "cuda, one after the other")
    return numbers
