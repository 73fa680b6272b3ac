"""The scikit-learn side of all semi-supervised classifiers: validate, encode, train, keep state."""

from __future__ import annotations

import threading
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from skxrd._classifiers import SemiSupervisedClassifierMixin
from skxrd._labels import UNLABELED, encode_labels
from skxrd._sklearn import Interval, fit_context, set_random_states
from skxrd._tensors import apply, generator_from, to_numpy, to_tensor
from skxrd.semi_supervised._algorithms._base import UNLABELED_WEAK, BaseAlgorithm
from skxrd.semi_supervised._batches import PairedBatches, PlainBatches
from skxrd.semi_supervised._net import EpochProgress, SemiSupervisedNet

__all__ = ["BaseSemiSupervisedClassifier", "Components"]

_PREDICT_BATCH_SIZE = 256
# torch draws initial weights and dropout from one generator per process: one training at a time.
_RNG_LOCK = threading.RLock()


@dataclass
class Components:
    """What a classifier is made of, with every default filled in; nothing is cloned yet."""

    algorithm: BaseAlgorithm
    module: Callable[..., nn.Module]
    module_params: dict[str, Any]
    weak_augmentation: Any
    strong_augmentation: Any
    rendering: Any


class BaseSemiSupervisedClassifier(SemiSupervisedClassifierMixin, BaseEstimator):
    """Base class of classifiers that train a network on labeled and unlabeled rows.

    Subclasses say what they are made of in `_components`.
    """

    max_epochs: int
    batch_size: int
    unlabeled_ratio: int
    lr: float
    weight_decay: float
    callbacks: list[Any] | None
    device: str
    verbose: int
    random_state: Any

    _parameter_constraints: dict[str, list[Any]] = {
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_ratio": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "callbacks": [None, list],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _components(self) -> Components:
        """Return the parts of the classifier, with every default filled in."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on labeled and unlabeled rows.

        A `KeyboardInterrupt` ends the training and keeps the state reached.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks unlabeled rows, and so do None and NaN in an array of objects. Without
            any, the training is supervised.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled, or if a parameter or the input is invalid.
        """
        if y is not None:
            self.classes_, y = encode_labels(y, estimator_name=type(self).__name__)
        patterns, codes = validate_data(self, X, y, dtype=np.float32)
        # A copy: workers receive read-only arrays, which torch does not take.
        patterns = np.array(patterns)
        random_state = check_random_state(self.random_state)
        device = torch.device(self.device)
        n_unlabeled = int((codes == UNLABELED).sum())
        self._prepare_components(patterns, random_state)
        self.algorithm_.initialize(len(self.classes_), n_unlabeled, device)
        with _seeded(random_state, device):
            self.net_ = self._make_net(random_state, device).initialize()
            self.net_.partial_fit(patterns, codes)
        self.history_ = _epoch_rows(self.net_)
        self.n_iter_ = len(self.history_)
        self.interrupted_ = self.net_.interrupted_
        self._warn_about_training(n_unlabeled)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32)
        return self.net_.predict_proba(np.array(X))

    def _prepare_components(
        self, X: NDArray[np.float32], random_state: np.random.RandomState
    ) -> None:
        parts = self._components()
        self.algorithm_ = clone(parts.algorithm)
        for name in ("weak_augmentation", "strong_augmentation", "rendering"):
            component = clone(getattr(parts, name), safe=False)
            if hasattr(component, "fit"):
                # A pipeline transforms while it is fitted, unseeded from numpy's global generator.
                set_random_states(component, random_state)
                component.fit(X if _learns(component) else X[:2])
            setattr(self, f"{name}_", component)
        self._n_points = apply(self.rendering_, to_tensor(X[:2])).shape[1]

    def _make_net(
        self, random_state: np.random.RandomState, device: torch.device
    ) -> SemiSupervisedNet:
        """Translate our parameters to skorch's; the only place that does."""
        parts = self._components()
        callbacks = clone(self.callbacks or [], safe=False)
        if self.verbose:
            callbacks = [("progress", EpochProgress()), *callbacks]
        return SemiSupervisedNet(
            parts.module,
            **{f"module__{name}": value for name, value in parts.module_params.items()},
            module__n_points=self._n_points,
            module__n_classes=len(self.classes_),
            algorithm=self.algorithm_,
            weak_augmentation=self.weak_augmentation_,
            strong_augmentation=self.strong_augmentation_,
            rendering=self.rendering_,
            generator=generator_from(random_state),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            lr=self.lr,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            classes=list(range(len(self.classes_))),
            train_split=None,
            iterator_train=PairedBatches,
            iterator_train__unlabeled_ratio=self.unlabeled_ratio,
            iterator_train__with_unlabeled=UNLABELED_WEAK in self.algorithm_.views,
            iterator_train__generator=generator_from(random_state),
            iterator_valid=PlainBatches,
            iterator_valid__batch_size=_PREDICT_BATCH_SIZE,
            callbacks=callbacks,
            callbacks__print_log=None,
            device=str(device),
            verbose=0,
        )

    def _warn_about_training(self, n_unlabeled: int) -> None:
        name = type(self).__name__
        if self.interrupted_:
            warnings.warn(
                f"{name}: training was interrupted after {self.n_iter_} of {self.max_epochs} "
                "epochs; the state reached is kept.",
                ConvergenceWarning,
                stacklevel=4,
            )
        rates = [row["mask_rate"] for row in self.history_ if "mask_rate" in row]
        if not n_unlabeled or not rates:
            return
        if max(rates) == 0:
            hint = "none reached it: unlabeled rows were not used; lower it or train longer"
        elif min(rates) == 1:
            hint = "all passed it: it selected nothing; raise it or use FixMatch"
        else:
            return
        warnings.warn(
            f"{name}: the confidence threshold had no effect on {n_unlabeled} unlabeled rows in "
            f"the whole run; {hint}.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def __getstate__(self) -> dict[str, Any]:
        # A copy: the dictionary that scikit-learn returns is the live one.
        state = dict(super().__getstate__())
        net = state.pop("net_", None)
        algorithm = state.pop("algorithm_", None)
        if net is not None:
            weights = net.module_.state_dict()
            state["_weights"] = {name: to_numpy(value) for name, value in weights.items()}
        if algorithm is not None:
            values = algorithm.state()
            state["_algorithm_state"] = {name: to_numpy(value) for name, value in values.items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        weights = state.pop("_weights", None)
        memory = state.pop("_algorithm_state", {})
        super().__setstate__(state)
        if weights is None:
            return
        device = _usable_device(self.device)
        self.algorithm_ = clone(self._components().algorithm)
        for name, value in memory.items():
            setattr(self.algorithm_, name, torch.as_tensor(value).to(device))
        random_state = np.random.RandomState(0)  # the weights it draws are overwritten
        with _seeded(random_state, device):
            self.net_ = self._make_net(random_state, device).initialize()
        self.net_.module_.load_state_dict(
            {name: torch.as_tensor(value) for name, value in weights.items()}
        )


@contextmanager
def _seeded(random_state: np.random.RandomState, device: torch.device) -> Iterator[None]:
    """Seed torch for one training and leave its global generators as they were."""
    devices = [device] if device.type == "cuda" else []
    with _RNG_LOCK, torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(random_state.randint(np.iinfo(np.int32).max)))
        yield


def _usable_device(name: str) -> torch.device:
    """Device of a model that is loaded: the CPU where there is no GPU."""
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        warnings.warn(f"No GPU for a model of device {name!r}: it is put on the CPU.", stacklevel=3)
        return torch.device("cpu")
    return device


def _learns(component: Any) -> bool:
    """Whether a transformer learns from data; those of skxrd read nothing but the shape."""
    if isinstance(component, Pipeline):
        return any(_learns(step) for _, step in component.steps)
    return hasattr(component, "fit") and not (
        hasattr(component, "augment") or hasattr(component, "render")
    )


def _epoch_rows(net: SemiSupervisedNet) -> list[dict[str, float]]:
    """Finished epochs of a net, one dictionary of numbers each."""
    return [
        {
            name: float(row[name])
            for name in row
            if isinstance(row[name], Real) and "_best" not in name
        }
        for row in net.history
        if "train_loss" in row
    ]
