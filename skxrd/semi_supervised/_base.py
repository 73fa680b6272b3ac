"""The scikit-learn side of all semi-supervised classifiers: validate, encode, train, keep state."""

from __future__ import annotations

import math
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
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import EarlyStopping, GradientNormClipping
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from skxrd._classifiers import SemiSupervisedClassifierMixin
from skxrd._labels import UNLABELED, encode_labels
from skxrd._sklearn import Interval, StrOptions, fit_context, set_random_states
from skxrd._tensors import apply, generator_from, to_numpy, to_tensor
from skxrd.calibration import adjust_class_prior, estimate_class_prior
from skxrd.semi_supervised._algorithms._base import BaseAlgorithm
from skxrd.semi_supervised._batches import EXCLUDED, PairedBatches, PlainBatches
from skxrd.semi_supervised._net import EpochProgress, LearningRateSchedule, SemiSupervisedNet
from skxrd.semi_supervised._networks import (
    BatchNormPolicy,
    StudentTeacher,
    last_linear,
    without_batch_norm,
)

__all__ = ["BaseSemiSupervisedClassifier", "Components"]

_PREDICT_BATCH_SIZE = 256
_CHUNK = 4096
_MAX_SEED = np.iinfo(np.int32).max
_TRANSFORMERS = ("weak_augmentation", "medium_augmentation", "strong_augmentation", "rendering")
# Factor of the learning rate over the progress of the training, in [0, 1].
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "fixmatch": lambda progress: math.cos(7 * math.pi * progress / 16),
    "linear": lambda progress: 1 - progress,
}
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
    medium_augmentation: Any = "passthrough"


class BaseSemiSupervisedClassifier(SemiSupervisedClassifierMixin, BaseEstimator):
    """Base class of classifiers that train a network on labeled and unlabeled rows.

    Subclasses say what they are made of in `_components`.
    """

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
    class_weight: Any
    logit_adjustment: float
    class_prior: Any
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    callbacks: list[Any] | None
    device: str
    warm_start: bool
    verbose: int
    random_state: Any
    history_: list[dict[str, float]]
    _training_state: dict[str, Any] | None

    _parameter_constraints: dict[str, list[Any]] = {
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_ratio": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [None, StrOptions(set(SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
        "ema_decay": [None, Interval(Real, 0, 1, closed="left")],
        "batch_norm": [StrOptions({"joint", "labeled", "none"})],
        "mixed_precision": ["boolean"],
        "class_weight": [None, StrOptions({"balanced"}), dict],
        "logit_adjustment": [Interval(Real, 0, None, closed="left")],
        "class_prior": [None, StrOptions({"labeled", "uniform", "estimate"}), "array-like"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [None, list],
        "device": [str],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _components(self) -> Components:
        """Return the parts of the classifier, with every default filled in."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on labeled and unlabeled rows.

        A `KeyboardInterrupt` ends the training and keeps the state reached. Arrays of float32, also
        memory-mapped ones, are not copied as a whole.

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
        return self._fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def _fit_rows(self, X: ArrayLike, y: ArrayLike, rows: NDArray[np.int64]) -> Self:
        """Train on some rows of an array that is shared, without a copy of them."""
        return self._fit(X, y, rows)

    def _fit(self, X: ArrayLike, y: ArrayLike, rows: NDArray[np.int64] | None = None) -> Self:
        reset = not (self.warm_start and hasattr(self, "net_"))
        classes = None
        if y is not None:
            some = np.asarray(y) if rows is None else np.asarray(y)[rows]
            classes, y = encode_labels(some, estimator_name=type(self).__name__)
        if rows is not None:
            y = _scattered(y, rows, len(np.asarray(X)))
        patterns, codes = validate_data(self, X, y, dtype=np.float32, reset=reset)
        device = torch.device(self.device)
        if reset:
            self.classes_ = classes
            self._check_class_prior(codes)
            self._prepare(patterns, codes, device)
        else:
            self._check_continued(classes, codes)
        codes, validation = self._split_off_validation(codes)
        with _seeded(self._torch_seed, device):
            if reset:
                self.algorithm_.initialize(
                    torch.as_tensor(codes[codes != EXCLUDED]).to(device),
                    self._class_weight(codes),
                    float(self.logit_adjustment),
                )
                self.net_ = self._make_net(device).initialize()
            else:
                self._restore_training_state(device)
            self._train(patterns, codes, validation, device)
        self._warn_about_training(int((codes == UNLABELED).sum()))
        self._set_class_prior(patterns, codes)
        return self

    def _train(
        self,
        patterns: NDArray[np.float32],
        codes: NDArray[np.int64],
        validation: NDArray[np.int64],
        device: torch.device,
    ) -> None:
        earlier = self.history_ if self.net_.n_epochs_done else []
        if len(validation):
            held_out = Dataset(patterns[validation], self._all_codes[validation])
            self.net_.train_split = predefined_split(held_out)
        if self.net_.max_epochs:
            self.net_.partial_fit(patterns, codes)
        self.net_.train_split = None
        self.history_ = earlier + _epoch_rows(self.net_, n_earlier=len(earlier))
        self.n_iter_ = len(self.history_)
        self.interrupted_ = getattr(self.net_, "interrupted_", False)
        if self.warm_start:
            self._training_state = self._current_training_state(device)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`, for the class frequencies `class_prior_`.
        """
        check_is_fitted(self, "net_")  # a training that was refused leaves other attributes
        X = validate_data(self, X, reset=False, dtype=np.float32)
        p = self.net_.predict_proba(X)
        if self.class_prior is None:
            return p
        return adjust_class_prior(p, train_prior=self._train_prior, class_prior=self.class_prior_)

    def _prepare(
        self, X: NDArray[np.float32], codes: NDArray[np.int64], device: torch.device
    ) -> None:
        """Draw all seeds and fit the components."""
        _check_precision(device, self.mixed_precision)
        random_state = check_random_state(self.random_state)
        parts = self._components()
        self.algorithm_ = clone(parts.algorithm)
        seen = np.flatnonzero(codes != EXCLUDED)
        for name in _TRANSFORMERS:
            component = clone(getattr(parts, name), safe=False)
            if hasattr(component, "fit"):
                # A pipeline transforms while it is fitted, unseeded from numpy's global generator.
                set_random_states(component, random_state)
                component.fit(X[seen] if _learns(component) else X[seen[:2]])
            setattr(self, f"{name}_", component)
        self._n_points = apply(self.rendering_, to_tensor(X[seen[:2]])).shape[1]
        self._torch_seed = int(random_state.randint(_MAX_SEED))
        self._generators = (generator_from(random_state), generator_from(random_state))
        self._validation_seed = int(random_state.randint(_MAX_SEED))
        self._all_codes = codes
        self._training_state = None

    def _check_continued(self, classes: Any, codes: NDArray[np.int64]) -> None:
        if self._training_state is None:
            raise ValueError(
                f"{type(self).__name__}: warm_start=True finds no training to continue, since the "
                "earlier call of fit failed or had warm_start=False; call it once with "
                "warm_start=False to begin anew, and set warm_start=True before the first call."
            )
        if not np.array_equal(classes, self.classes_) or not np.array_equal(codes, self._all_codes):
            raise ValueError(
                f"{type(self).__name__}: with warm_start=True a training continues on the rows it "
                "began with, but y differs from that of the earlier call of fit; set "
                "warm_start=False to begin anew."
            )

    def _split_off_validation(
        self, codes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Codes of the training rows, and labeled rows that are held out for early stopping."""
        if not self.early_stopping:
            return codes, np.array([], dtype=np.int64)
        labeled = np.flatnonzero(codes >= 0)
        try:
            parts = train_test_split(
                labeled,
                test_size=self.validation_fraction,
                stratify=codes[labeled],
                random_state=self._validation_seed,
            )
        except ValueError as error:
            raise self._too_few_labels(codes) from error
        if any(len(np.unique(codes[part])) < len(self.classes_) for part in parts):
            raise self._too_few_labels(codes)
        codes = codes.copy()
        codes[parts[1]] = EXCLUDED
        return codes, parts[1]

    def _too_few_labels(self, codes: NDArray[np.int64]) -> ValueError:
        counts = np.bincount(codes[codes >= 0]).tolist()
        return ValueError(
            f"{type(self).__name__}: early_stopping=True needs rows of every class both for the "
            f"training and for the validation; with validation_fraction={self.validation_fraction} "
            f"the labels of {counts} rows per class do not suffice. Label more rows, change "
            "validation_fraction or set early_stopping=False."
        )

    def _class_weight(self, codes: NDArray[np.int64]) -> torch.Tensor | None:
        if self.class_weight is None:
            return None
        known = self.classes_[codes[codes >= 0]]
        weight = compute_class_weight(self.class_weight, classes=self.classes_, y=known)
        return torch.as_tensor(weight)

    def _check_class_prior(self, codes: NDArray[np.int64]) -> None:
        """Refuse before the training what could not be used after it."""
        if self.class_prior is None or isinstance(self.class_prior, str):
            if self.class_prior == "estimate" and not (codes == UNLABELED).any():
                raise ValueError(
                    f"{type(self).__name__}: class_prior='estimate' needs unlabeled rows, y has "
                    "none."
                )
            return
        equal = np.full(len(self.classes_), 1 / len(self.classes_))
        adjust_class_prior(equal[None], train_prior=equal, class_prior=self.class_prior)

    def _set_class_prior(self, X: NDArray[np.float32], codes: NDArray[np.int64]) -> None:
        """Class frequencies that the network has learned, and those that predictions assume."""
        frequencies = (
            np.bincount(codes[codes >= 0], minlength=len(self.classes_)) / (codes >= 0).sum()
        )
        learned = frequencies ** (1 - self.logit_adjustment)
        weight = self._class_weight(codes)
        if weight is not None:
            learned = learned * weight.numpy()
        self._train_prior = learned / learned.sum()
        if self.class_prior is None:
            self.class_prior_ = self._train_prior
        elif not isinstance(self.class_prior, str):
            self.class_prior_ = np.asarray(self.class_prior, dtype=np.float64)
            self.class_prior_ = self.class_prior_ / self.class_prior_.sum()
        elif self.class_prior == "uniform":
            self.class_prior_ = np.full(len(frequencies), 1 / len(frequencies))
        elif self.class_prior == "labeled":
            self.class_prior_ = frequencies
        else:
            self.class_prior_ = self._estimated_prior(X, np.flatnonzero(codes == UNLABELED))

    def _estimated_prior(
        self, X: NDArray[np.float32], unlabeled: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        chunks = np.array_split(unlabeled, -(-len(unlabeled) // _CHUNK))
        p = np.concatenate([self.net_.predict_proba(X[rows]) for rows in chunks])
        return estimate_class_prior(p, train_prior=self._train_prior)

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
                for name in _TRANSFORMERS
                if name != "rendering"
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

    def _warn_about_training(self, n_unlabeled: int) -> None:
        name = type(self).__name__
        if self.interrupted_:
            warnings.warn(
                f"{name}: training was interrupted after {self.n_iter_} of {self.max_epochs} "
                "epochs; the state reached is kept.",
                ConvergenceWarning,
                stacklevel=5,
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
            stacklevel=5,
        )

    def _current_training_state(self, device: torch.device) -> dict[str, Any]:
        """All that another call of `fit` needs to continue as if there had been no break."""
        augmentation, order = self._generators
        return _to_plain(
            {
                "optimizer": self.net_.optimizer_.state_dict(),
                "torch": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
                "order": order.get_state(),
                "augmentation": augmentation.get_state(),
            }
        )

    def _restore_training_state(self, device: torch.device) -> None:
        state = _to_tensors(self._training_state)
        augmentation, order = self._generators
        order.set_state(state["order"])
        augmentation.set_state(state["augmentation"])
        weights = {name: value.clone() for name, value in self.net_.module_.state_dict().items()}
        self.net_ = self._make_net(device, n_epochs_done=self.n_iter_).initialize()
        self.net_.module_.load_state_dict(weights)
        self.net_.optimizer_.load_state_dict(state["optimizer"])
        for group in self.net_.optimizer_.param_groups:  # the user may have changed them
            group |= {"lr": self.lr, "weight_decay": self.weight_decay}
        torch.set_rng_state(state["torch"])
        if state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], device)

    def __getstate__(self) -> dict[str, Any]:
        # A copy: the dictionary that scikit-learn returns is the live one.
        state = dict(super().__getstate__())
        net = state.pop("net_", None)
        algorithm = state.pop("algorithm_", None)
        state.pop("_generators", None)
        if not self.warm_start and "_training_state" in state:
            state.pop("_all_codes", None)
            state["_training_state"] = None
        if net is not None:
            state["_weights"] = _to_plain(dict(net.module_.state_dict()))
        if algorithm is not None:
            state["_algorithm_state"] = _to_plain(algorithm.state())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        weights = state.pop("_weights", None)
        memory = state.pop("_algorithm_state", {})
        super().__setstate__(state)
        if weights is None:
            return
        device = _usable_device(self.device)
        self._generators = (torch.Generator(), torch.Generator())
        self.algorithm_ = clone(self._components().algorithm)
        self.algorithm_.load_state(
            {name: torch.as_tensor(value).to(device) for name, value in memory.items()}
        )
        with _seeded(0, device):  # the weights it draws are overwritten
            self.net_ = self._make_net(device).initialize()
        self.net_.module_.load_state_dict(_to_tensors(weights))


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch for one training and leave its global generators as they were."""
    devices = [device] if device.type == "cuda" else []
    with _RNG_LOCK, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _check_precision(device: torch.device, mixed_precision: bool) -> None:
    if mixed_precision and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ValueError(
            f"mixed_precision=True needs a device with bfloat16, which {device} lacks; set it to "
            "False."
        )


def _usable_device(name: str) -> torch.device:
    """Device of a model that is loaded: the CPU where there is no GPU."""
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        warnings.warn(f"No GPU for a model of device {name!r}: it is put on the CPU.", stacklevel=3)
        return torch.device("cpu")
    return device


def _scattered(codes: NDArray[np.int64], rows: NDArray[np.int64], n_rows: int) -> NDArray[np.int64]:
    """Codes of all rows of an array of which only some take part."""
    everything = np.full(n_rows, EXCLUDED, dtype=np.int64)
    everything[rows] = codes
    return everything


def _to_plain(value: Any) -> Any:
    """Turn tensors, also inside dictionaries and lists, into numpy arrays."""
    return _mapped(value, torch.Tensor, lambda tensor: np.array(to_numpy(tensor)))


def _to_tensors(value: Any) -> Any:
    """Turn numpy arrays, also inside dictionaries and lists, into tensors."""
    return _mapped(value, np.ndarray, to_tensor)


def _mapped(value: Any, kind: type, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, dict):
        return {key: _mapped(item, kind, function) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, kind, function) for item in value]
    return value


def _learns(component: Any) -> bool:
    """Whether a transformer learns from data; those of skxrd read nothing but the shape."""
    if isinstance(component, Pipeline):
        return any(_learns(step) for _, step in component.steps)
    return hasattr(component, "fit") and not (
        hasattr(component, "augment") or hasattr(component, "render")
    )


def _epoch_rows(net: SemiSupervisedNet, n_earlier: int) -> list[dict[str, float]]:
    """Finished epochs of a net, one dictionary of numbers each, counted on from earlier ones."""
    rows = [
        {
            name: float(row[name])
            for name in row
            if isinstance(row[name], Real) and "_best" not in name
        }
        for row in net.history
        if "train_loss" in row
    ]
    return [{**row, "epoch": row["epoch"] + n_earlier} for row in rows]
