"""Predictions for unlabeled rows whose mean approaches a class prior."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from skxrd._sklearn import Interval, StrOptions
from skxrd.semi_supervised._algorithms._base import BaseAlgorithm
from skxrd.semi_supervised._algorithms._parts import align, running_mean

__all__ = ["AlignedAlgorithm", "ClassPrior"]

ClassPrior = Literal["labeled", "uniform", "estimate"] | ArrayLike | None


class AlignedAlgorithm(BaseAlgorithm):
    """Base class of algorithms with `class_prior` and `momentum`."""

    class_prior: ClassPrior
    momentum: float

    _parameter_constraints: dict[str, list[Any]] = {
        "class_prior": [None, StrOptions({"labeled", "uniform", "estimate"}), "array-like"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
    }

    def _start(self, y: Tensor) -> None:
        self.n_steps_ = torch.zeros((), device=y.device)
        self.label_frequencies_ = self._label_frequencies(y)
        self.class_prior_ = _initial_prior(self.class_prior, self.label_frequencies_)
        self.model_distribution_ = self.class_prior_.clone()

    def _aligned(self, p: Tensor) -> Tensor:
        """Probabilities scaled by the class prior over the running mean of the predictions."""
        if self.class_prior is None:
            return p
        step = (self.momentum, self.n_steps_)
        if isinstance(self.class_prior, str) and self.class_prior == "estimate":
            # One step of the EM algorithm of Saerens et al. (2002) per batch.
            expected = align(p, self.label_frequencies_, self.class_prior_).mean(dim=0)
            self.class_prior_ = running_mean(self.class_prior_, expected, *step)
        self.model_distribution_ = running_mean(self.model_distribution_, p.mean(dim=0), *step)
        return self._scaled(p)

    def _scaled(self, p: Tensor) -> Tensor:
        """Probabilities aligned by what is known, without an update of it."""
        if self.class_prior is None:
            return p
        return align(p, self.model_distribution_, self.class_prior_)


def _initial_prior(class_prior: ClassPrior, frequencies: Tensor) -> Tensor:
    if class_prior is None or isinstance(class_prior, str):
        uniform = torch.full_like(frequencies, 1 / len(frequencies))
        return uniform if class_prior in (None, "uniform") else frequencies.clone()
    prior = torch.as_tensor(class_prior, dtype=frequencies.dtype, device=frequencies.device)
    valid = prior.isfinite() & (prior > 0)  # NaN is neither
    if prior.shape != frequencies.shape or not valid.all():
        raise ValueError(
            f"class_prior needs one positive number for each of the {len(frequencies)} classes, "
            f"got {class_prior}."
        )
    return prior / prior.sum()
