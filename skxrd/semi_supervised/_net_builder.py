"""The bridge to skorch: from the parameters of a classifier to a net."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import clone
from skorch.callbacks import EarlyStopping, GradientNormClipping
from torch import nn

from skxrd.semi_supervised._algorithms._base import BaseAlgorithm
from skxrd.semi_supervised._batches import PairedBatches, PlainBatches
from skxrd.semi_supervised._components import AUGMENTATIONS, Components
from skxrd.semi_supervised._net import EpochProgress, LearningRateSchedule, SemiSupervisedNet
from skxrd.semi_supervised._networks import (
    BatchNormPolicy,
    StudentTeacher,
    last_linear,
    without_batch_norm,
)

__all__ = ["SCHEDULES", "NetBuilderMixin"]

_PREDICT_BATCH_SIZE = 256
# Factor of the learning rate over the progress of the training, in [0, 1].
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "fixmatch": lambda progress: math.cos(7 * math.pi * progress / 16),
    "linear": lambda progress: 1 - progress,
}


class NetBuilderMixin:
    """Mixin for classifiers that train a net of `Components`."""

    max_epochs: int
    batch_size: int
    unlabeled_ratio: int
    lr: float
    lr_schedule: str | None
    weight_decay: float
    max_grad_norm: float | None
    ema_decay: float | None
    batch_norm: BatchNormPolicy
    mixed_precision: bool
    early_stopping: bool
    n_iter_no_change: int
    callbacks: list[Any] | None
    verbose: int
    classes_: NDArray[Any]
    algorithm_: BaseAlgorithm
    rendering_: Any
    _n_points: int  # of a rendered pattern
    _generators: tuple[torch.Generator, torch.Generator]  # of augmentations and of the order

    @abstractmethod
    def _components(self) -> Components:
        """Return the parts of the classifier, with every default filled in."""

    def _make_net(self, device: torch.device, n_epochs_done: int = 0) -> SemiSupervisedNet:
        """Translate our parameters to skorch's; the only place that does."""
        parts = self._components()
        augmentation, order = self._generators
        return SemiSupervisedNet(
            StudentTeacher,
            **{f"module__{name}": value for name, value in self._networks(parts).items()},
            algorithm=self.algorithm_,
            augmentations={
                name.removesuffix("_augmentation"): getattr(self, f"{name}_")
                for name in AUGMENTATIONS
            },
            rendering=self.rendering_,
            generator=augmentation,
            batch_norm=self.batch_norm,
            mixed_precision=self.mixed_precision,
            n_epochs_done=n_epochs_done,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            lr=self.lr,
            max_epochs=max(0, self.max_epochs - n_epochs_done),
            batch_size=self.batch_size,
            classes=list(range(len(self.classes_))),
            train_split=None,
            iterator_train=PairedBatches,
            iterator_train__unlabeled_ratio=self.unlabeled_ratio,
            iterator_train__with_unlabeled=any(
                view.startswith("unlabeled") for view in self.algorithm_.views
            ),
            iterator_train__generator=order,
            iterator_valid=PlainBatches,
            iterator_valid__batch_size=_PREDICT_BATCH_SIZE,
            callbacks=self._callbacks(),
            callbacks__print_log=None,
            device=str(device),
            verbose=0,
        )

    def _networks(self, parts: Components) -> dict[str, Any]:
        """Build what `StudentTeacher` is made of."""
        network = parts.module(
            n_points=self._n_points, n_classes=len(self.classes_), **parts.module_params
        )
        if self.batch_norm == "none":
            network = without_batch_norm(network)
        # Algorithms without heads take networks without a fully connected layer as well.
        has_heads = type(self.algorithm_).heads is not BaseAlgorithm.heads
        n_features = last_linear(network).in_features if has_heads else 0
        decay = self.ema_decay
        return {
            "network": network,
            "heads": self.algorithm_.heads(n_features, len(self.classes_)),
            "decay": self.algorithm_.teacher_decay if decay is None else decay,
            "predicts_by_average": decay is not None,
        }

    def _callbacks(self) -> list[Any]:
        callbacks: list[Any] = []
        if self.verbose:
            callbacks.append(("progress", EpochProgress()))
        if self.lr_schedule is not None:
            schedule = LearningRateSchedule(SCHEDULES[self.lr_schedule])
            callbacks.append(("lr_schedule", schedule))
        if self.max_grad_norm is not None:
            callbacks.append(("gradient_clipping", GradientNormClipping(self.max_grad_norm)))
        if self.early_stopping:
            stopping = EarlyStopping(patience=self.n_iter_no_change, load_best=True)
            callbacks.append(("early_stopping", stopping))
        return [*callbacks, *clone(self.callbacks or [], safe=False)]
