"""How like the formulas of known compounds the formulas of candidates are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from skxrd._sklearn import StrOptions, fit_context
from skxrd.screening._compositions import compositions

__all__ = ["CompositionSimilarity"]

_N_ELEMENTS = 118
_BATCH = 1024


class CompositionSimilarity(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Similarity of chemical formulas to those of known compounds.

    With a and b the atomic fractions of the elements in two compounds,

    - ``"overlap"`` is 1 - ½ Σ|a - b| = Σ min(a, b), the fraction of atoms that they share;
    - ``"cosine"`` is ``a·b / (|a| |b|)``, where the most abundant element, often the anion, counts
      most.

    Elements are alike or not: chlorine is as far from bromine as from lanthanum.

    Parameters
    ----------
    metric : {"overlap", "cosine"}, default="overlap"
        What is computed from the atomic fractions.

    Attributes
    ----------
    fractions_ : ndarray of float64 of shape (n_known, 118)
        Atomic fractions of the known compounds, by atomic number from 1.

    See Also
    --------
    PatternSimilarity : Similarity of diffraction patterns.
    StructureSimilarity : Similarity of crystal structures.

    Notes
    -----
    A distance for scikit-learn's estimators with ``metric="precomputed"`` is 1 minus the
    similarity.

    Examples
    --------
    >>> from skxrd.screening import CompositionSimilarity
    >>> similarity = CompositionSimilarity().fit(["Li6PS5Cl", "Li7La3Zr2O12"])
    >>> similarity.transform(["Li6PS5Br", "Li3PO4"]).round(2)
    array([[0.92, 0.29],
           [0.45, 0.79]], dtype=float32)
    """

    _parameter_constraints: dict[str, list[Any]] = {"metric": [StrOptions({"overlap", "cosine"})]}

    def __init__(self, metric: Literal["overlap", "cosine"] = "overlap") -> None:
        self.metric = metric

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Remember the formulas of the known compounds.

        Parameters
        ----------
        X : sequence of str or Composition of length n_known
            Formulas of the known compounds; charges and oxidation states are dropped.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        ValueError
            If there is no formula, or one cannot be read.
        """
        self.fractions_ = _fractions(X)
        return self

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """Compare candidates with the known compounds.

        Parameters
        ----------
        X : sequence of str or Composition of length n_candidates
            Formulas of the candidates.

        Returns
        -------
        ndarray of float32 of shape (n_candidates, n_known)
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If there is no formula, or one cannot be read.
        """
        check_is_fitted(self)
        fractions = _fractions(X)
        similarity = np.empty((len(fractions), len(self.fractions_)), dtype=np.float32)
        for rows in gen_batches(len(fractions), _BATCH):
            if self.metric == "overlap":
                distance = cdist(fractions[rows], self.fractions_, "cityblock") / 2
            else:
                distance = cdist(fractions[rows], self.fractions_, "cosine")
            similarity[rows] = 1 - distance
        return np.clip(similarity, 0, 1, out=similarity)

    @property
    def _n_features_out(self) -> int:
        return len(self.fractions_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.no_validation = True
        return tags


def _fractions(formulas: Iterable[Any]) -> NDArray[np.float64]:
    """Atomic fractions by atomic number, one row per formula."""
    from pymatgen.core import Composition

    if isinstance(formulas, str | Composition):
        raise ValueError(f"A sequence of formulas is needed, got the single formula {formulas!r}.")
    items = list(formulas)
    if not items:
        raise ValueError("At least one formula is needed, got none.")
    fractions = np.zeros((len(items), _N_ELEMENTS))
    for row, found in enumerate(compositions(items)):
        for element, amount in found.items():
            fractions[row, element.Z - 1] = amount
    return fractions / fractions.sum(axis=1, keepdims=True)
