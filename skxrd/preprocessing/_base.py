"""What the preprocessing steps share: two faces of one computation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from skxrd._sklearn import fit_context
from skxrd._tensors import to_numpy, to_tensor
from skxrd.grid import TwoThetaGrid

__all__ = ["BasePreprocessor", "axis_names", "grid_of", "in_batches", "row_batches"]

_NUMBERS_AT_A_TIME = 2**20  # 4 MB of float32: kernels stay in the cache, and need little memory


class BasePreprocessor(TransformerMixin, BaseEstimator):
    """Deterministic transformer around a torch kernel."""

    _parameter_constraints: dict[str, list[Any]] = {}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters and the number of points.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.
        """
        validate_data(self, X, dtype=[np.float64, np.float32])
        self._prepare()
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Transform patterns.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_patterns, n_points_out)
            Transformed patterns; float32 stays float32, all else becomes float64.
        """
        check_is_fitted(self)
        checked: NDArray[Any] = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return in_batches(checked, self.render)

    @abstractmethod
    def render(self, X: Tensor) -> Tensor:
        """Transform a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points_out)
            Transformed patterns.
        """

    def _prepare(self) -> None:
        """Derive fitted attributes after the input has been validated."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def grid_of(grid: TwoThetaGrid | None, n_points: int, argument: str) -> TwoThetaGrid | None:
    """Return the grid of patterns of `n_points`; None when one point makes no grid."""
    if grid is None:
        return TwoThetaGrid(0, 90, n_points) if n_points > 1 else None
    if grid.n_points != n_points:
        raise ValueError(
            f"{argument} has {grid.n_points} points, but the patterns have n_features = {n_points}."
        )
    return grid


def row_batches(n_patterns: int, n_points: int) -> Iterator[slice]:
    """Slices of rows that fit into the cache of a processor."""
    return gen_batches(n_patterns, max(1, _NUMBERS_AT_A_TIME // n_points))


def in_batches(X: NDArray[Any], kernel: Callable[[Tensor], Tensor]) -> NDArray[Any]:
    """Send patterns through a torch kernel, a batch at a time."""
    first, *others = row_batches(*X.shape)
    batch = to_numpy(kernel(to_tensor(X[first])))
    transformed = np.empty((len(X), batch.shape[1]), dtype=batch.dtype)
    transformed[first] = batch
    for rows in others:
        transformed[rows] = to_numpy(kernel(to_tensor(X[rows])))
    return transformed


def axis_names(axis: str, values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Name points by their values, with as many decimals as tell them apart, and at least two."""
    tolerance = 1e-3 * np.abs(np.diff(values)).min(initial=np.inf)
    decimals = next(
        (n for n in range(2, 12) if (abs(values - values.round(n)) <= tolerance).all()), 12
    )
    return np.array([f"{axis}_{value:.{decimals}f}" for value in values], dtype=object)
