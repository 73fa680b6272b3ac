"""The weaker half of the doublet that a tube without a monochromator gives to every line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._sklearn import fit_context
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of, row_batches
from skxrd.simulation._lines._wavelengths import emission_lines

__all__ = ["KAlpha2Stripper"]

_N_NODES = 4  # cubic: straight lines between points would leave a residue of narrow lines


class KAlpha2Stripper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Strip the K-alpha2 component from measured patterns by Rachinger's correction [1]_.

    Planes that reflect K-alpha1 at one angle reflect K-alpha2 at a somewhat larger one. What was
    found to be K-alpha1 at the smaller angle is scaled and subtracted at the larger one, from low
    angles to high ones. What remains is a pattern of K-alpha1: its wavelength is `wavelength_`, no
    longer the mean of the doublet.

    Parameters
    ----------
    wavelength : str or mapping, default="CuKa1+CuKa2"
        The doublet, as in `PatternSimulator`: "CuKa1+CuKa2" (of any anode), where K-alpha2 has half
        of the intensity, or a mapping from two names or wavelengths in angstrom to intensities, for
        instance ``{"CuKa1": 1, "CuKa2": 0.48}``.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    wavelength_ : float
        Wavelength of K-alpha1, and of the patterns afterwards, in angstrom.
    ratio_ : float
        Intensity of K-alpha2 relative to K-alpha1.
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns, a wavelength is unknown, or there
        are not two lines of which the weaker has the longer wavelength (in `fit`).

    See Also
    --------
    AxisConverter : From the wavelength of K-alpha1 to that of a model.

    Notes
    -----
    Rachinger's equation, I(two_theta) = I1(two_theta) + ratio * I1(two_theta'), where two_theta' is
    the angle at which K-alpha1 is reflected by the planes that reflect K-alpha2 at two_theta, is
    solved as a sparse system of linear equations for all patterns at once, with cubic interpolation
    between the points. The ratio is that of areas: it is multiplied by the derivative of two_theta'
    with respect to two_theta, which falls from 0.998 at low angles to 0.986 at 130 degrees (Cu).

    Noise is subtracted along with the lines: where the shift is several points, its standard
    deviation grows by 1 / sqrt(1 - ratio**2), 15 % for a ratio of a half. The correction assumes
    that both components have the same profile; wrong ratios leave a wiggle next to strong lines.
    Lines need at least five points over their FWHM: narrower ones, sticks above all, are
    interpolated so badly that a part of K-alpha2 remains.
    A background is taken for scattering of both components, and goes down by the same part.

    A row counts as measured from its first to its last point that is not zero; zeros before and
    after stay. Before the first point the pattern is assumed to go on with the same intensity.

    References
    ----------
    .. [1] W. A. Rachinger, A correction for the alpha1 alpha2 doublet in the measurement of widths
       of X-ray diffraction lines, Journal of Scientific Instruments 25, 254 (1948).

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import KAlpha2Stripper
    >>> grid = TwoThetaGrid(70, 80, 501)
    >>> def line(position, height):
    ...     return height * np.exp(-(((grid.two_theta - position) / 0.06) ** 2))
    >>> doublet = line(74.0, 100.0) + line(74.215, 50.0)
    >>> stripped = KAlpha2Stripper(grid=grid).fit_transform([doublet])
    >>> at = np.searchsorted(grid.two_theta, [74.0, 74.215])
    >>> doublet[at].round().tolist(), np.abs(stripped[0, at]).round().tolist()
    ([100.0, 50.0], [100.0, 0.0])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "wavelength": [str, Mapping],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        wavelength: str | Mapping[str | float, float] = "CuKa1+CuKa2",
        *,
        grid: TwoThetaGrid | None = None,
    ) -> None:
        self.wavelength = wavelength
        self.grid = grid

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the parameters and the number of points; there is nothing to learn.

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
        grid_of(self.grid, self.n_features_in_, "grid")
        lines = list(emission_lines(self.wavelength).items())
        if len(lines) != 2 or not (lines[0][0] < lines[1][0] and lines[0][1] > lines[1][1]):
            raise ValueError(
                "wavelength needs two lines, of which the weaker has the longer wavelength, such "
                f"as 'CuKa1+CuKa2', got {self.wavelength!r}."
            )
        (self.wavelength_, first), (self._second_wavelength, second) = lines
        self.ratio_ = second / first
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Strip the K-alpha2 component from each pattern.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        ndarray of shape (n_patterns, n_points)
            Patterns of K-alpha1; float32 stays float32, all else becomes float64.
        """
        check_is_fitted(self)
        stripped: NDArray[Any] = np.array(
            validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        )
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        if grid is None:  # one point is no line
            return stripped
        doublet = splu(self._doublet(grid), permc_spec="NATURAL")
        for rows in row_batches(*stripped.shape):
            filled, measured = _filled(stripped[rows].astype(np.float64))
            stripped[rows] = np.where(measured, doublet.solve(filled.T).T, 0.0)
        return stripped

    def _doublet(self, grid: TwoThetaGrid) -> csc_array:
        """Matrix that adds its K-alpha2 component to a pattern of K-alpha1."""
        n_points, n_nodes = grid.n_points, min(_N_NODES, grid.n_points)
        theta, shrink = np.radians(grid.two_theta) / 2, self.wavelength_ / self._second_wavelength
        first_theta = np.arcsin(shrink * np.sin(theta))
        # Lines grow wider with the shift; the derivative keeps the ratio that of their areas.
        ratio = self.ratio_ * shrink * np.cos(theta) / np.cos(first_theta)
        position = (2 * np.degrees(first_theta) - grid.start) / grid.step
        position = np.maximum(position, 0.0)  # the pattern goes on with its first intensity
        first = np.clip(np.floor(position) - (n_nodes // 2 - 1), 0, n_points - n_nodes)
        weights = ratio[:, np.newaxis] * _lagrange(position - first, n_nodes)
        column = first.astype(np.intp)[:, np.newaxis] + np.arange(n_nodes)
        row = np.repeat(np.arange(n_points), n_nodes)
        second = csc_array((weights.ravel(), (row, column.ravel())), shape=(n_points, n_points))
        return csc_array(eye_array(n_points) + second)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "ratio_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _lagrange(position: NDArray[np.float64], n_nodes: int) -> NDArray[np.float64]:
    """Weights of the nodes 0, 1, ... in the polynomial through them, at positions."""
    nodes = np.arange(n_nodes)
    return np.stack(
        [
            np.prod([(position - other) / (node - other) for other in nodes[nodes != node]], axis=0)
            for node in nodes
        ],
        axis=1,
    )


def _filled(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Continue rows to the left with their first intensity, and say which points were measured."""
    nonzero = X != 0
    point = np.arange(X.shape[1])
    first = nonzero.argmax(axis=1)[:, np.newaxis]
    last = X.shape[1] - 1 - nonzero[:, ::-1].argmax(axis=1)[:, np.newaxis]
    start = np.take_along_axis(X, first, axis=1)
    return np.where(point < first, start, X), (point >= first) & (point <= last)
