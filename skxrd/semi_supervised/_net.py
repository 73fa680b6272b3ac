"""The skorch side: a net whose training step makes views and asks an algorithm for losses."""

from __future__ import annotations

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
    LABELED,
    UNLABELED_STRONG,
    UNLABELED_WEAK,
    BaseAlgorithm,
)

__all__ = ["EpochProgress", "SemiSupervisedNet"]


class SemiSupervisedNet(NeuralNetClassifier):
    """A skorch classifier that trains on labeled and unlabeled rows together.

    Parameters
    ----------
    module : class or Module
        Network from patterns to logits.
    algorithm : BaseAlgorithm
        Initialized algorithm.
    weak_augmentation, strong_augmentation : transformer or "passthrough"
        Random changes of the views; fitted.
    rendering : transformer or "passthrough"
        Fitted transformer between patterns and network, in training and at predict.
    generator : torch.Generator
        Source of the augmentations' randomness.
    *args, **kwargs
        Parameters of `skorch.NeuralNetClassifier`.
    """

    def __init__(
        self,
        module: Any,
        *args: Any,
        algorithm: BaseAlgorithm,
        weak_augmentation: Any,
        strong_augmentation: Any,
        rendering: Any,
        generator: torch.Generator,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.algorithm = algorithm
        self.weak_augmentation = weak_augmentation
        self.strong_augmentation = strong_augmentation
        self.rendering = rendering
        self.generator = generator

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
        x = to_tensor(x, device=self.device)
        return super().infer(apply(self.rendering, x), **fit_params)

    def train_step_single(
        self, batch: tuple[dict[str, Tensor], Tensor], **fit_params: Any
    ) -> dict[str, Tensor]:
        self._set_training(True)
        data, y = batch
        X, index, y = (to_tensor(t, device=self.device) for t in (data["X"], data["index"], y))
        labeled = y != UNLABELED
        views = self._views(X[labeled], X[~labeled])
        # One forward pass over all views, so that batch normalization sees them together.
        logits = self.infer(torch.cat(list(views.values())), **fit_params)
        sizes = [len(view) for view in views.values()]
        outputs = dict(zip(views, logits.split(sizes), strict=True))
        terms = self.algorithm.losses(outputs, y[labeled], index[~labeled], self._progress())
        loss = torch.stack(list(terms.values())).sum()
        loss.backward()
        for name, value in terms.items():
            self.history.record_batch(name, value.item())
        monitored = self.algorithm.monitor() if len(index[~labeled]) else {}
        for name, number in monitored.items():
            self.history.record_batch(name, number)
        predicted = [outputs[view] for view in (LABELED, UNLABELED_WEAK) if view in outputs]
        return {"loss": loss.detach(), "y_pred": torch.cat(predicted).detach()}

    def _views(self, labeled: Tensor, unlabeled: Tensor) -> dict[str, Tensor]:
        sources = {
            LABELED: (labeled, self.weak_augmentation),
            UNLABELED_WEAK: (unlabeled, self.weak_augmentation),
            UNLABELED_STRONG: (unlabeled, self.strong_augmentation),
        }
        return {
            view: apply(augmentation, rows, self.generator)
            for view, (rows, augmentation) in sources.items()
            if view in self.algorithm.views and len(rows)
        }

    def _progress(self) -> float:
        n_epochs, n_batches = len(self.history) - 1, len(self.history[-1]["batches"]) - 1
        return (n_epochs + n_batches / self.n_batches_) / self.max_epochs

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

    With few unlabeled rows the last batches of an epoch hold none, and record nothing of them.
    """

    def on_epoch_end(self, net: SemiSupervisedNet, **kwargs: Any) -> None:
        batches = net.history[-1]["batches"]
        for name in batches[0]:
            if not name.startswith(("train_", "valid_")):
                values = [batch[name] for batch in batches if name in batch]
                net.history.record(name, float(np.mean(values)))


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
