"""How like the crystal structures of known compounds the structures of candidates are."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import InvalidStructureError
from skxrd.screening._structure_fingerprint import Fingerprint, fingerprints_of
from skxrd.simulation._structures._read_structure import items_and_ids

__all__ = ["StructureSimilarity"]

_MAX_TASK = 16  # structures per task of a worker


class StructureSimilarity(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Similarity of crystal structures to those of known compounds, whatever their elements.

    Atoms have one of three roles: mobile ion, anion or cation. The cell is scaled to a volume of 10
    cubic angstrom per atom of the framework, which is all but the mobile ions. The fingerprint of a
    structure is the power spectrum of the smooth overlap of atomic positions (SOAP) [1]_ in terms
    of roles, computed by DScribe [2]_, averaged over the sites and of length one. Isostructural
    compounds thus have the same fingerprint but for the positions of their atoms. With a and b two
    fingerprints,

    - ``"distance"`` is 1 / (1 + \|a - b\|), from 0.41 to 1;
    - ``"cosine"`` is a·b, from 0 to 1, which is above 0.9 for most pairs.

    Both give the same order.

    Parameters
    ----------
    metric : {"distance", "cosine"}, default="distance"
        What is computed from fingerprints, see above.
    sites : {"framework", "all"}, default="framework"
        Whether mobile ions are left out. Published structures of conductors spread their mobile
        ions over partly filled sites and computed ones do not, so that mobile ions make the same
        compound look different.
    mobile_ion : str, default="Li"
        Symbol of the mobile element.
    cutoff : float, default=6.0
        Radius in angstrom, in the scaled cell, of the surroundings of a site; above 1.
    on_error : {"raise", "nan"}, default="raise"
        What becomes of a structure that cannot be read or has no framework: raise an error, or fill
        its row (in `fit`: its column) with NaN.
    n_jobs : int, default=None
        Number of parallel jobs; None means 1 unless in a ``joblib.parallel_config`` context, -1
        all processors. The result does not depend on it.

    Attributes
    ----------
    fingerprints_ : ndarray of float32 of shape (n_known, n_components)
        Fingerprints of the known compounds, of length one.
    n_disordered_ : int
        Structures of the last `fit` or `transform` with sites that are shared or not full. Their
        fingerprint is that of an ordered stand-in, see Notes.
    failures_ : DataFrame with columns "position", "id", "reason"
        Structures of the last `fit` or `transform` without a fingerprint.

    See Also
    --------
    PatternSimilarity : Similarity of diffraction patterns, also of measured ones.
    CompositionSimilarity : Similarity of chemical formulas.

    Notes
    -----
    A disordered site gets the role with the highest occupancy, and is left out if it is less than
    half full. Zirconium and tantalum on one site are one role, so that much of the disorder of
    conductors does not matter.

    N, O, F, S, Cl, Se, Br, Te and I count as anions, and in compounds of none of them the most
    electronegative element. That is wrong for the sulfur of a sulfate, but for that of all sulfates
    alike.

    Needs DScribe: ``pip install 'skxrd[structure]'``.

    References
    ----------
    .. [1] A. P. Bartók, R. Kondor and G. Csányi, "On representing chemical environments", Physical
       Review B 87, 184115 (2013).
    .. [2] L. Himanen et al., "DScribe: Library of descriptors for machine learning in materials
       science", Computer Physics Communications 247, 106949 (2020).

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.screening import StructureSimilarity
    >>> def rock_salt(a, cation, anion):
    ...     sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
    ...     return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], sites)
    >>> known = [rock_salt(5.64, "Na", "Cl")]
    >>> cesium_chloride = Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> similarity = StructureSimilarity().fit(known)
    >>> similarity.transform([rock_salt(4.21, "Mg", "O"), cesium_chloride]).round(2)
    array([[1.  ],
           [0.81]], dtype=float32)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "metric": [StrOptions({"distance", "cosine"})],
        "sites": [StrOptions({"framework", "all"})],
        "mobile_ion": [str],
        "cutoff": [Interval(Real, 1, None, closed="neither")],
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        metric: Literal["distance", "cosine"] = "distance",
        *,
        sites: Literal["framework", "all"] = "framework",
        mobile_ion: str = "Li",
        cutoff: float = 6.0,
        on_error: Literal["raise", "nan"] = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.metric = metric
        self.sites = sites
        self.mobile_ion = mobile_ion
        self.cutoff = cutoff
        self.on_error = on_error
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[Any], y: Any = None) -> Self:
        """Compute the fingerprints of the known compounds and remember them.

        Parameters
        ----------
        X : sequence of structures of length n_known
            Each a path, the text of a CIF, a pymatgen Structure or its dictionary, see
            `read_structure`.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        InvalidStructureError
            If a structure has no fingerprint and `on_error` is "raise".
        MissingDependencyError
            If DScribe is not installed.
        ValueError
            If `X` is no sequence of structures, or `mobile_ion` no element.
        """
        from pymatgen.core import Element

        if not Element.is_valid_symbol(self.mobile_ion):
            raise ValueError(
                f"mobile_ion must be the symbol of an element, got {self.mobile_ion!r}."
            )
        self.fingerprints_ = self._fingerprints(X)
        return self

    def transform(self, X: Sequence[Any]) -> NDArray[np.float32]:
        """Compare candidates with the known compounds.

        Parameters
        ----------
        X : sequence of structures of length n_candidates
            As for `fit`.

        Returns
        -------
        ndarray of float32 of shape (n_candidates, n_known)
            Similarities in [0, 1]; NaN where a structure has no fingerprint.

        Raises
        ------
        InvalidStructureError
            If a structure has no fingerprint and `on_error` is "raise".
        ValueError
            If `X` is no sequence of structures.
        """
        check_is_fitted(self)
        fingerprints = self._fingerprints(X)
        if self.metric == "cosine":
            return np.clip(fingerprints @ self.fingerprints_.T, 0, 1)
        # cdist subtracts: sqrt(2 - 2 cosine) would make 0.9995 of two equal fingerprints.
        return (1 / (1 + cdist(fingerprints, self.fingerprints_))).astype(np.float32)

    def _fingerprints(self, X: Sequence[Any]) -> NDArray[np.float32]:
        items, ids = items_and_ids(X)
        tasks = Parallel(n_jobs=self.n_jobs)(
            delayed(fingerprints_of)(
                items[rows], self.mobile_ion, float(self.cutoff), self.sites == "all"
            )
            for rows in gen_batches(len(items), _MAX_TASK)
        )
        found: list[Fingerprint] = [fingerprint for task in tasks for fingerprint in task]
        failures = [
            (position, ids[position], fingerprint.reason)
            for position, fingerprint in enumerate(found)
            if fingerprint.reason
        ]
        if failures and self.on_error == "raise":
            position, name, reason = failures[0]
            raise InvalidStructureError(f"Structure {position} ({name}): {reason}")
        self.failures_ = pd.DataFrame(failures, columns=["position", "id", "reason"])
        self.n_disordered_ = sum(fingerprint.is_disordered for fingerprint in found)
        return np.stack([fingerprint.values for fingerprint in found])

    @property
    def _n_features_out(self) -> int:
        return len(self.fingerprints_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.dict = True
        tags.no_validation = True
        return tags
