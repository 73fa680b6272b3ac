"""Save and restore: what a stored model keeps, and what a continued training goes on from.

Saved state is data, arrays and plain values; live nets, algorithms and generators are built anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from skxrd._tensors import to_numpy, to_tensor
from skxrd.semi_supervised._devices import seeded, usable_device
from skxrd.semi_supervised._net import SemiSupervisedNet
from skxrd.semi_supervised._net_builder import NetBuilderMixin

__all__ = ["RestorableEstimator"]


class RestorableEstimator(NetBuilderMixin, BaseEstimator):
    """Estimator that is pickled as arrays, and whose training is continued with `warm_start`."""

    device: str
    warm_start: bool
    net_: SemiSupervisedNet
    n_iter_: int
    _all_codes: NDArray[np.int64]
    _training_state: dict[str, Any] | None

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
        """Build a net that continues the training; torch's generators must be forked already."""
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
        # Last, because the new net has drawn initial weights.
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
            # Of use to a continued training only, and the optimizer is twice as large as the net.
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
        device = usable_device(self.device)
        # Unseeded: they are set from the training state before anything is drawn.
        self._generators = (torch.Generator(), torch.Generator())
        self.algorithm_ = clone(self._components().algorithm)
        self.algorithm_.load_state(
            {name: torch.as_tensor(value).to(device) for name, value in memory.items()}
        )
        with seeded(0, device):  # the weights it draws are overwritten
            self.net_ = self._make_net(device).initialize()
        self.net_.module_.load_state_dict(_to_tensors(weights))


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
