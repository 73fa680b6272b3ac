"""What the parts of training_speed.py share: data, clocks, tables and counts of operations."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from skxrd.datasets import make_patterns

N_LABELED, N_UNLABELED = 32, 96
LEARNING_RATE = 3e-4
N_MEMBERS = 10


def patterns(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Stick patterns for an epoch of so many full batches, with as many lines as real ones."""
    n_rows = N_LABELED + N_UNLABELED * n_steps
    X, y = make_patterns(n_rows, n_lines=110, n_extra_lines=10, random_state=0)
    kept = np.concatenate([np.flatnonzero(y == code)[: N_LABELED // 2] for code in (0, 1)])
    return X, np.where(np.isin(np.arange(n_rows), kept), y, -1)


class Clock(Callback):
    """Wall time of each epoch."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.seconds_: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.start_ = time.perf_counter()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.seconds_.append(time.perf_counter() - self.start_)


def fit(classifier: Any, X: np.ndarray, y: np.ndarray, n_epochs: int) -> Any:
    callbacks = [("clock", Clock())]
    classifier = clone(classifier).set_params(
        max_epochs=n_epochs, callbacks=callbacks, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(X, y)


def fit_step(classifier: Any, X: np.ndarray, y: np.ndarray, n_epochs: int = 2) -> float:
    """Seconds per step of a fit, the first epoch left out."""
    fitted = fit(classifier, X, y, 1 + n_epochs)
    epochs = dict(fitted.net_.callbacks_)["clock"].seconds_[1:]
    return float(np.median(epochs)) / ((y < 0).sum() // N_UNLABELED)


def in_turn(functions: dict[str, Callable[[], float]], n_rounds: int) -> dict[str, np.ndarray]:
    """Seconds that each function reports; in turn, so that all see the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(n_rounds):
        for name, function in functions.items():
            seconds[name].append(function())
    return {name: np.array(values) for name, values in seconds.items()}


def spread(values: np.ndarray) -> dict[str, float]:
    return {"median": np.median(values), "lowest": values.min(), "highest": values.max()}


def text(values: np.ndarray, digits: int = 2) -> str:
    of = spread(values)
    return f"{of['median']:.{digits}f} ({of['lowest']:.{digits}f} to {of['highest']:.{digits}f})"


def table(
    seconds: dict[str, np.ndarray], reference: str, flops: dict[str, float] | None = None
) -> dict[str, Any]:
    """Print seconds per step and how many times faster than the reference each is."""
    numbers: dict[str, Any] = {}
    for name, values in seconds.items():
        ratio = seconds[reference] / values
        numbers[name] = {"milliseconds": spread(1e3 * values), "times_faster": spread(ratio)}
        line = f"  {name:46s} {text(1e3 * values, 1):>26s} ms   {text(ratio):>22s} x"
        if flops and name in flops:
            rate = flops[name] / np.median(values)
            numbers[name] |= {"gigaflop": flops[name] / 1e9, "gigaflop_per_second": rate / 1e9}
            line += f"   {flops[name] / 1e9:7.1f} GFLOP, {rate / 1e9:6.1f} GFLOP/s"
        print(line, flush=True)
    return numbers


def gigaflops(dtype: torch.dtype, device: str = "cpu", size: int = 4096) -> float:
    """Rate of a large matrix product, the practical peak of the machine."""
    a = torch.ones(size, size, dtype=dtype, device=device)
    rates = []
    for _ in range(6):
        start = time.perf_counter()
        a @ a
        if device != "cpu":
            torch.cuda.synchronize()
        rates.append(2e-9 * size**3 / (time.perf_counter() - start))
    return float(np.median(rates[1:]))


def peaks(device: str = "cpu") -> dict[str, float]:
    found = {
        str(dtype).removeprefix("torch."): gigaflops(dtype, device)
        for dtype in (torch.float32, torch.bfloat16)
    }
    rates = ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in found.items())
    print(f"  peak of {device} by a matrix product of 4096: {rates}")
    return found


def flops_of(function: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def chain(component: Any, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Send a batch through a pipeline of augmentations or renderings."""
    for step in [s for _, s in component.steps] if isinstance(component, Pipeline) else [component]:
        X = step.augment(X, generator) if hasattr(step, "augment") else step.render(X)
    return X


def with_option(classifier: Any, **options: Any) -> Any | None:
    """Return the classifier with options, or None where it does not have them."""
    return (
        classifier.set_params(**options) if set(options) <= set(classifier.get_params()) else None
    )
