"""How like the patterns of known compounds the patterns of candidates are."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.utils import gen_batches
from sklearn.utils.validation import assert_all_finite, check_is_fitted, validate_data

from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.screening._strain_axis import strain_axis

__all__ = ["PatternSimilarity"]

Metric = Literal["cosine", "pearson", "shifted_cosine", "strained_cosine"]
Intensity = Literal["max", "sqrt", "log"]

_BATCH = 256  # candidates that are rendered at a time: a few megabytes on the paper's grid


class PatternSimilarity(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Similarity of diffraction patterns to those of known compounds.

    Patterns are broadened and their intensities scaled before they are compared: sticks that differ
    by one grid point have nothing in common, and a single strong line outweighs all others. Then,
    with a and b two rendered patterns,

    - ``"cosine"`` is ``a·b / (|a| |b|)``;
    - ``"pearson"`` is the cosine after the mean of each pattern was subtracted, so that a high
      background does not make patterns alike;
    - ``"shifted_cosine"`` is the largest cosine over rigid shifts of b by up to `max_shift`;
    - ``"strained_cosine"`` is the largest cosine over isotropic strains of the lattice of b, or of
      a, by up to `max_strain`.

    A shift covers a zero error of the goniometer, and roughly the displacement of a flat sample by
    s, which moves lines by -2 (s/R) cos(theta): over 10 to 90 degrees two-theta it varies by 30 %
    of its size. It does not cover a change of the lattice, which moves a line by
    -2 strain tan(theta), ever more with the angle.

    An isotropic strain, as between compounds of one structure type with atoms of other sizes,
    divides sin(theta) by 1 + strain (Bragg's law), for any wavelength. On the axis
    u = ln(sin(theta)) it is a shift by -ln(1 + strain): rendered patterns are put on this axis,
    with the square root of d(2 theta)/du as weight, so that without a strain the cosine is that of
    the two-theta axis. It does not cover cells that change their shape, other intensities, or lines
    that a lower symmetry splits or adds.

    Parameters
    ----------
    metric : {"cosine", "pearson", "shifted_cosine", "strained_cosine"}, default="cosine"
        What is computed from rendered patterns, see above.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
    fwhm : float, default=0.5
        Full width at half maximum in degrees of the Gaussian that lines are broadened with; 0 for
        patterns that are broad already, such as measured ones.
    intensity : {"max", "sqrt", "log"}, default="sqrt"
        Scale of the intensities, as `method` of `IntensityScaler`.
    max_shift : float, default=0.2
        Largest shift in degrees to either side for ``"shifted_cosine"``. Every shift by a whole
        number of grid points is tried; intensity that leaves the grid is lost.
    max_strain : float, default=0.02
        Largest strain, dimensionless, for ``"strained_cosine"``: a lattice may be longer than the
        other by up to the factor 1 + max_strain. The axis in u goes from 5 degrees, below which
        intensity is dropped, to the end of the grid, on as many points as the grid has there. Every
        shift by a whole number of points is tried (steps in the strain of 0.0007 on the paper's
        grid); intensity that leaves the axis is lost.

    Attributes
    ----------
    patterns_ : ndarray of float32 of shape (n_known, n_points)
        Rendered patterns of the known compounds, of length one; for ``"strained_cosine"`` on the
        axis in u.
    n_features_in_ : int
        Number of points of a pattern.
    feature_names_in_ : ndarray of shape (n_points,)
        Names of the columns of `X` in `fit`, if it has names.

    See Also
    --------
    CompositionSimilarity : Similarity of chemical formulas.
    StructureSimilarity : Similarity of crystal structures.
    SimilarityDisplay : Picture of similarities.

    Notes
    -----
    A pattern without intensity has the similarity 0 to all, and so has one that is rendered as a
    constant with ``"pearson"``. A distance for scikit-learn's estimators with
    ``metric="precomputed"`` is 1 minus the similarity.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.screening import PatternSimilarity
    >>> grid = TwoThetaGrid(10, 80, 701)
    >>> known = np.stack([grid.bin([20, 35], [100, 40]), grid.bin([25, 60], [100, 40])])
    >>> moved = grid.bin([20.2, 35.2], [100, 40])
    >>> PatternSimilarity(grid=grid).fit(known).transform([moved]).round(2)
    array([[0.9, 0. ]], dtype=float32)
    >>> PatternSimilarity("shifted_cosine", grid=grid).fit(known).transform([moved]).round(2)
    array([[1., 0.]], dtype=float32)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "metric": [StrOptions({"cosine", "pearson", "shifted_cosine", "strained_cosine"})],
        "grid": [TwoThetaGrid, None],
        "fwhm": [Interval(Real, 0, None, closed="left")],
        "intensity": [StrOptions({"max", "sqrt", "log"})],
        "max_shift": [Interval(Real, 0, None, closed="left")],
        "max_strain": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        metric: Metric = "cosine",
        *,
        grid: TwoThetaGrid | None = None,
        fwhm: float = 0.5,
        intensity: Intensity = "sqrt",
        max_shift: float = 0.2,
        max_strain: float = 0.02,
    ) -> None:
        self.metric = metric
        self.grid = grid
        self.fwhm = fwhm
        self.intensity = intensity
        self.max_shift = max_shift
        self.max_strain = max_strain

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Render the patterns of the known compounds and remember them.

        Parameters
        ----------
        X : array-like of shape (n_known, n_points)
            Patterns of the known compounds.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        ValueError
            If a pattern is not finite, or `grid` has another number of points than the patterns,
            or for ``"strained_cosine"`` ends at 5 degrees or below.
        """
        X = self._open(X, reset=True)
        self._rendering = make_pipeline(
            PeakBroadener(self.fwhm, grid=self.grid), IntensityScaler(self.intensity)
        ).fit(_as_finite(X[:1]))
        grid = self.grid or TwoThetaGrid(0, 90, max(X.shape[1], 2))
        self._axis, self._reach = None, 0  # no other axis than the grid's, no shifts
        if self.metric == "shifted_cosine":
            self._reach = round(self.max_shift / grid.step)
        elif self.metric == "strained_cosine":
            self._axis, step = strain_axis(grid)
            self._reach = round(np.log1p(self.max_strain) / step)
        self.patterns_ = np.concatenate(
            [self._render(X[rows]) for rows in gen_batches(len(X), _BATCH)]
        )
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Compare candidates with the known compounds.

        Memory grows with the result only: `X` may be a memory map, which is read once, in batches.

        Parameters
        ----------
        X : array-like of shape (n_candidates, n_points)
            Patterns of the candidates.

        Returns
        -------
        ndarray of float32 of shape (n_candidates, n_known)
            Similarities; in [0, 1], for ``"pearson"`` in [-1, 1].

        Raises
        ------
        ValueError
            If a pattern is not finite or has another number of points than in `fit`.
        """
        check_is_fitted(self)
        X = self._open(X, reset=False)
        similarity = np.empty((len(X), len(self.patterns_)), dtype=np.float32)
        for rows in gen_batches(len(X), _BATCH):
            similarity[rows] = self._compare(self._render(X[rows]))
        lowest = -1 if self.metric == "pearson" else 0
        return np.clip(similarity, lowest, 1, out=similarity)

    def _open(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        """Check shape and type without a copy of a large array; values are checked in batches."""
        return validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            ensure_all_finite=False,
            ensure_min_features=2 if reset and self.metric == "strained_cosine" else 1,
        )

    def _render(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Render a batch and give its rows length one; rows of zeros remain zeros."""
        X = self._rendering.transform(_as_finite(X))
        if self.metric == "pearson":
            X -= X.mean(axis=1, keepdims=True)
        if self._axis is not None:
            X = (self._axis @ X.T).T
        norm = np.linalg.norm(X, axis=1, keepdims=True)
        # What is left of a constant pattern is rounding, which must not be blown up.
        is_empty = norm <= 1e-5 * np.sqrt(X.shape[1])
        return np.where(is_empty, 0, X / np.where(is_empty, 1, norm))

    def _compare(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        similarity = X @ self.patterns_.T
        n_points = X.shape[1]
        # Slices are views: no shifted copy of anything is made.
        for shift in range(1, min(self._reach, n_points - 1) + 1):
            right, left = slice(shift, None), slice(None, n_points - shift)
            np.maximum(similarity, X[:, right] @ self.patterns_[:, left].T, out=similarity)
            np.maximum(similarity, X[:, left] @ self.patterns_[:, right].T, out=similarity)
        return similarity

    @property
    def _n_features_out(self) -> int:
        return len(self.patterns_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _as_finite(X: NDArray[Any]) -> NDArray[np.float32]:
    assert_all_finite(X, input_name="X", estimator_name=PatternSimilarity.__name__)
    with np.errstate(over="ignore"):  # told by the next line
        X = np.asarray(X, dtype=np.float32)
    assert_all_finite(X, input_name="X", estimator_name=PatternSimilarity.__name__)
    return X
