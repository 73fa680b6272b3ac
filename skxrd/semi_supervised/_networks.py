"""The network in training: its heads, its running average, and the pass over several views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

__all__ = ["StudentTeacher", "TrainingNetwork", "autocast", "last_linear", "without_batch_norm"]

BatchNormPolicy = Literal["joint", "labeled", "none"]


class StudentTeacher(nn.Module):
    """A network with heads on its features and, if wanted, the average of it over the training.

    Parameters
    ----------
    network : Module
        From patterns to logits.
    heads : mapping of str to Module
        Networks from the input of the network's last fully connected layer.
    decay : float or None
        Decay of the running average of weights and buffers; None keeps no average.
    predicts_by_average : bool
        Whether the average predicts, rather than the network itself.
    """

    def __init__(
        self,
        network: nn.Module,
        heads: Mapping[str, nn.Module],
        decay: float | None,
        predicts_by_average: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.heads = nn.ModuleDict(dict(heads))
        self.predicts_by_average = predicts_by_average
        self.average: AveragedModel | None = None
        if decay is not None:
            self.average = AveragedModel(
                network, multi_avg_fn=_warmed_up_average(decay), use_buffers=True
            ).requires_grad_(False)
            self.average.eval()

    def forward(self, X: Tensor) -> Tensor:
        """Compute the logits for prediction."""
        if self.average is not None and self.predicts_by_average:
            return self.average(X)
        return self.network(X)

    def logits_and_heads(self, X: Tensor) -> dict[str, Tensor]:
        """Compute the logits, named "", and the output of each head."""
        if not self.heads:
            return {"": self.network(X)}
        seen: list[Tensor] = []
        hook = last_linear(self.network).register_forward_pre_hook(
            lambda _, arguments: seen.append(arguments[0])
        )
        try:
            logits = self.network(X)
        finally:
            hook.remove()
        return {"": logits} | {f"_{name}": head(seen[0]) for name, head in self.heads.items()}

    def train(self, mode: bool = True) -> StudentTeacher:
        """Set the mode of network and heads; the average always predicts."""
        super().train(mode)
        if self.average is not None:
            self.average.eval()
        return self

    def update_average(self) -> None:
        """Move the average towards the network, after a step of the optimizer."""
        if self.average is not None:
            self.average.update_parameters(self.network)


def _warmed_up_average(decay: float) -> Any:
    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], n_averaged: Tensor) -> None:
        # At the full decay from the start, the average would hold on to the initial weights.
        n = float(n_averaged)
        share = 1 - min(decay, (1 + n) / (10 + n))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:  # counters of batch normalization
                mean.copy_(value)

    return update


def last_linear(network: nn.Module) -> nn.Linear:
    """Find the last fully connected layer, whose input an algorithm's heads read."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    if not layers:
        raise ValueError(
            f"The algorithm reads the input of the last torch.nn.Linear of the network, but "
            f"{type(network).__name__} has none."
        )
    return layers[-1]


def without_batch_norm(network: nn.Module) -> nn.Module:
    """Replace each batch normalization by a group normalization of the same channels."""
    for name, layer in network.named_children():
        if isinstance(layer, _BatchNorm):
            n_channels = layer.num_features
            n_groups = max(n for n in range(1, 9) if n_channels % n == 0)
            setattr(network, name, nn.GroupNorm(n_groups, n_channels))
        else:
            without_batch_norm(layer)
    return network


def autocast(device: torch.device, enabled: bool) -> torch.autocast:
    """Compute in bfloat16 where that is safe, if wanted."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


class TrainingNetwork:
    """The network as an algorithm sees it in one training step.

    Parameters
    ----------
    module : StudentTeacher
        Network, heads and average.
    batch_norm : {"joint", "labeled", "none"}
        Whether views are normalized together, or each by itself with running statistics of labeled
        views only.
    generator : torch.Generator
        Source of randomness.
    mixed_precision : bool
        Whether the network computes in bfloat16 where that is safe. Logits and losses never do.
    """

    def __init__(
        self,
        module: StudentTeacher,
        batch_norm: BatchNormPolicy,
        generator: torch.Generator,
        mixed_precision: bool = False,
    ) -> None:
        self.module = module
        self.generator = generator
        self.mixed_precision = mixed_precision
        self._norms = [layer for layer in module.network.modules() if isinstance(layer, _BatchNorm)]
        self.rows_are_independent = not self._norms
        self.couples_views = bool(self._norms) and batch_norm != "labeled"

    def __call__(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute logits by view, and the output of each head as "<view>_<head>"."""
        if self.couples_views or self.rows_are_independent:
            return self._joint_pass(views)
        outputs: dict[str, Tensor] = {}
        for view, X in views.items():
            if view.startswith("labeled"):
                outputs |= self._joint_pass({view: X})
            else:
                with self.frozen_statistics():
                    outputs |= self._joint_pass({view: X})
        return outputs

    def _joint_pass(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        sizes = [len(X) for X in views.values()]
        joined = torch.cat(list(views.values()))
        with autocast(joined.device, self.mixed_precision):
            computed = self.module.logits_and_heads(joined)
        return {
            f"{view}{name}": part.float()
            for name, values in computed.items()
            for view, part in zip(views, values.split(sizes), strict=True)
        }

    @torch.no_grad()
    def teacher(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute logits by view with the average of the network, without gradient or dropout."""
        average = self.module.average
        assert average is not None  # `teacher_decay` of the algorithm asked for it
        sizes = [len(X) for X in views.values()]
        joined = torch.cat(list(views.values()))
        # As in the student, the batch normalizes itself: averaged running statistics lag behind
        # twice in a short training. They serve when the average predicts.
        with _own_statistics(average), autocast(joined.device, self.mixed_precision):
            logits = average(joined).float()
        return dict(zip(views, logits.split(sizes), strict=True))

    @contextmanager
    def frozen_statistics(self) -> Iterator[None]:
        """Keep the running statistics of batch normalization as they are."""
        with _untracked(self._norms):
            yield


@contextmanager
def _untracked(layers: Iterable[_BatchNorm]) -> Iterator[None]:
    # Tracked statistics are neither read nor written in training mode without this flag; their
    # counter, of which layers without a momentum make use, stands still as well.
    tracking = [layer for layer in layers if layer.track_running_stats]
    for layer in tracking:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in tracking:
            layer.track_running_stats = True


@contextmanager
def _own_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch normalization of a network in evaluation mode use the statistics of the batch."""
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    with _untracked(layers):
        for layer in layers:
            layer.train()
        try:
            yield
        finally:
            for layer in layers:
                layer.eval()
