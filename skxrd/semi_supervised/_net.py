"""The skorch side: a net whose training step makes views and asks an algorithm for losses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.utils import to_tensor
from torch import Tensor

from skxrd._labels import UNLABELED
from skxrd._tensors import apply
from skxrd.semi_supervised._algorithms._base import (
    UNLABELED_WEAK,
    BaseAlgorithm,
    TrainingBatch,
)
from skxrd.semi_supervised._networks import BatchNormPolicy, TrainingNetwork, autocast

__all__ = ["EpochProgress", "LearningRateSchedule", "SemiSupervisedNet"]


class SemiSupervisedNet(NeuralNetClassifier):
    """A skorch classifier that trains on labeled and unlabeled rows together.

    Parameters
    ----------
    module : StudentTeacher
        Network from patterns to logits.
    algorithm : BaseAlgorithm
        Initialized algorithm.
    augmentations : dict of str to transformer or "passthrough"
        Random changes of the views by their strength, "weak", "medium" or "strong"; fitted.
    rendering : transformer or "passthrough"
        Fitted transformer between patterns and network, in training and at predict.
    generator : torch.Generator
        Source of the augmentations' randomness.
    batch_norm : {"joint", "labeled", "none"}
        How batch normalization sees the views.
    mixed_precision : bool
        Whether the network computes in bfloat16 where that is safe.
    n_epochs_done : int
        Epochs of earlier trainings that this one continues.
    *args, **kwargs
        Parameters of `skorch.NeuralNetClassifier`.
    """

    def __init__(
        self,
        module: Any,
        *args: Any,
        algorithm: BaseAlgorithm,
        augmentations: dict[str, Any],
        rendering: Any,
        generator: torch.Generator,
        batch_norm: BatchNormPolicy = "joint",
        mixed_precision: bool = False,
        n_epochs_done: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.algorithm = algorithm
        self.augmentations = augmentations
        self.rendering = rendering
        self.generator = generator
        self.batch_norm = batch_norm
        self.mixed_precision = mixed_precision
        self.n_epochs_done = n_epochs_done

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        # Accuracy on a validation set is left to the user's callbacks: there is none by default.
        kept = [item for item in super()._default_callbacks if item[0] != "valid_acc"]
        return [("epoch_averages", EpochAverages()), *kept]

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        iterator = super().get_iterator(dataset, training=training)
        if training:
            self.n_batches_ = len(iterator)
        return iterator

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        rendered = apply(self.rendering, to_tensor(x, device=self.device))
        with autocast(rendered.device, self.mixed_precision):
            return super().infer(rendered, **fit_params).float()

    def train_step_single(
        self, batch: tuple[dict[str, Tensor], Tensor], **fit_params: Any
    ) -> dict[str, Tensor]:
        self._set_training(True)
        data, codes = batch
        X, index, codes = (
            to_tensor(t, device=self.device) for t in (data["X"], data["index"], codes)
        )
        labeled = codes != UNLABELED
        training_batch = TrainingBatch(
            y=codes[labeled],
            labeled_index=index[labeled],
            unlabeled_index=index[~labeled],
            progress=self.progress(),
            views=self._views(X[labeled], X[~labeled]),
        )
        network = TrainingNetwork(
            self.module_, self.batch_norm, self.generator, self.mixed_precision
        )
        terms = self.algorithm.step(network, training_batch)
        loss = torch.stack(list(terms.values())).sum()
        loss.backward()
        for name, value in terms.items():
            self.history.record_batch(name, value.item())
        monitored = self.algorithm.monitor() if UNLABELED_WEAK in training_batch.views else {}
        for name, number in monitored.items():
            self.history.record_batch(name, number)
        # Rows of the batch stand in several views: there is no one prediction to report.
        return {"loss": loss.detach(), "y_pred": X.new_empty(0)}

    def train_step(
        self, batch: tuple[dict[str, Tensor], Tensor], **fit_params: Any
    ) -> dict[str, Tensor]:
        step = super().train_step(batch, **fit_params)
        self.module_.update_average()
        return step

    def _views(self, labeled: Tensor, unlabeled: Tensor) -> dict[str, Tensor]:
        views = {}
        for view in self.algorithm.views:
            kind, strength = view.split("_")[:2]
            rows = labeled if kind == "labeled" else unlabeled
            if len(rows):
                views[view] = apply(self.augmentations[strength], rows, self.generator)
        rendered = apply(self.rendering, torch.cat(list(views.values())))
        sizes = [len(X) for X in views.values()]
        return dict(zip(views, rendered.split(sizes), strict=True))

    def progress(self) -> float:
        """Part of the training that is done, in [0, 1]."""
        n_epochs, n_batches = len(self.history) - 1, len(self.history[-1]["batches"]) - 1
        total = self.n_epochs_done + self.max_epochs
        return (self.n_epochs_done + n_epochs + n_batches / self.n_batches_) / total

    def fit_loop(self, *args: Any, **kwargs: Any) -> SemiSupervisedNet:
        self.interrupted_ = False
        with ExitStack() as on_failure:
            # skorch ends callbacks itself unless the training fails: no progress bar outlives it.
            on_failure.callback(self.notify, "on_train_end")
            try:
                super().fit_loop(*args, **kwargs)
            except KeyboardInterrupt:
                # skorch keeps what was reached. A callback that stops the training raises this
                # error as well, and that is no interruption.
                self.interrupted_ = not getattr(self, "stopped_by_callback_", False)
                on_failure.pop_all()
                raise
            on_failure.pop_all()
        return self

    def notify(self, method_name: str, **callback_kwargs: Any) -> None:
        self.stopped_by_callback_ = False
        try:
            super().notify(method_name, **callback_kwargs)
        except KeyboardInterrupt:
            self.stopped_by_callback_ = True
            raise


class EpochAverages(Callback):
    """Write the mean of everything recorded per batch into the row of the epoch.

    With few unlabeled rows some batches of an epoch hold none, and record nothing of them.
    """

    def on_epoch_end(self, net: SemiSupervisedNet, **kwargs: Any) -> None:
        batches = net.history[-1]["batches"]
        for name in dict.fromkeys(name for batch in batches for name in batch):
            if not name.startswith(("train_", "valid_")):
                values = [batch[name] for batch in batches if name in batch]
                net.history.record(name, float(np.mean(values)))


class LearningRateSchedule(Callback):
    """Set the learning rate of each step by how much of the training is done.

    Unlike a scheduler of torch it has no state, so that a training that is continued later takes
    the same rates.

    Parameters
    ----------
    factor : callable
        From progress in [0, 1] to a factor of the learning rate.
    """

    def __init__(self, factor: Callable[[float], float]) -> None:
        self.factor = factor

    def on_batch_begin(self, net: SemiSupervisedNet, training: bool = False, **kwargs: Any) -> None:
        if not training:
            return
        rate = net.lr * self.factor(net.progress())
        for group in net.optimizer_.param_groups:
            group["lr"] = rate


class EpochProgress(Callback):
    """Show a progress bar with the losses of the last epoch."""

    def on_train_begin(self, net: SemiSupervisedNet, **kwargs: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self.progress_ = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task_ = self.progress_.add_task("training", total=net.max_epochs)
        self.progress_.start()

    def on_epoch_end(self, net: SemiSupervisedNet, **kwargs: Any) -> None:
        row = net.history[-1]
        shown = [
            f"{name} {row[name]:.3f}"
            for name in ("labeled_loss", "unlabeled_loss", "mask_rate")
            if name in row
        ]
        self.progress_.update(self.task_, advance=1, description="  ".join(shown))

    def on_train_end(self, net: SemiSupervisedNet, **kwargs: Any) -> None:
        self.progress_.stop()
