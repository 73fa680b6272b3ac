"""Measured patterns become rows on the grid of a model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from sklearn.base import BaseEstimator, TransformerMixin, clone

from skxrd._sklearn import HasMethods, Interval, StrOptions, fit_context
from skxrd.exceptions import PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.io import MeasuredPattern
from skxrd.preprocessing._base import axis_names
from skxrd.preprocessing._baseline import BaselineRemover
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = ["MeasuredPatternTransformer"]

_SAME = 1e-5  # relative difference of wavelengths that moves no line by a visible amount
_MOST_NAMED = 3


class MeasuredPatternTransformer(TransformerMixin, BaseEstimator):
    """Bring measured patterns onto the grid, the wavelength and the scale of simulated ones.

    Angles measured with another wavelength are converted through the lattice plane distance
    (Bragg's law); intensities are averaged over each step of the grid, so that the area under a
    line is kept whether the measurement has finer or coarser steps; the background is removed,
    what is then negative becomes zero, and the maximum becomes 100 as in `PatternSimulator`.
    Points that were not measured are zero.

    Parameters
    ----------
    grid : TwoThetaGrid or None, default=None
        Grid of the model. None stands for the paper's, 0 to 90 degrees on 4,501 points.
    wavelength : str or float, default="CuKa"
        Wavelength of the model: one of pymatgen's names, or a number in angstrom.
    baseline : transformer, "passthrough" or None, default=None
        Removes the background. It gets each measured range by itself, on a grid that is set as its
        parameter `grid`. None stands for ``BaselineRemover()``, "passthrough" keeps the background.

    Attributes
    ----------
    coverage_ : DataFrame with columns "name", "start", "stop", "covered_fraction"
        Of the last call of `transform`, one row per pattern: first and last measured angle in
        degrees at the wavelength of the model, and the part of the grid that lies between.

    Raises
    ------
    MissingDependencyError
        If pybaselines is needed and not installed (in `fit`).
    ValueError
        If `wavelength` is unknown (in `fit`), or if a pattern does not reach into the grid.
    TypeError
        If an item is no `MeasuredPattern`.

    See Also
    --------
    skxrd.io.read_patterns : Measured patterns from files.
    skxrd.screening.domain_gap : How far measured rows are from those a model was trained on.

    Notes
    -----
    Only angles are converted to another wavelength. Intensities also depend on it, through the
    polarization, absorption and anomalous scattering; that is left as it was measured.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.io import MeasuredPattern
    >>> from skxrd.preprocessing import MeasuredPatternTransformer
    >>> two_theta = np.linspace(10, 60, 2501)
    >>> line = 400 * np.exp(-(((two_theta - 30) / 0.1) ** 2))
    >>> pattern = MeasuredPattern(two_theta, line + 50, wavelength=1.54184)
    >>> grid = TwoThetaGrid(10, 60, 1001)
    >>> X = MeasuredPatternTransformer(grid).fit_transform([pattern])
    >>> X.shape, X.max().item(), grid.two_theta[X[0].argmax()].item()
    ((1, 1001), 100.0, 30.0)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "grid": [TwoThetaGrid, None],
        "wavelength": [str, Interval(Real, 0, None, closed="neither")],
        "baseline": [HasMethods(["fit", "transform"]), StrOptions({"passthrough"}), None],
    }

    def __init__(
        self,
        grid: TwoThetaGrid | None = None,
        *,
        wavelength: str | float = "CuKa",
        baseline: BaselineRemover | Literal["passthrough"] | None = None,
    ) -> None:
        self.grid = grid
        self.wavelength = wavelength
        self.baseline = baseline

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : sequence of MeasuredPattern, default=None
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self
            The transformer itself.
        """
        wavelength_in_angstrom(self.wavelength)
        if self.baseline is None:
            BaselineRemover().fit(np.zeros((1, 2)))  # says what is not installed
        return self

    def transform(self, X: Sequence[MeasuredPattern]) -> NDArray[np.float32]:
        """Make a row of each pattern.

        Parameters
        ----------
        X : sequence of MeasuredPattern of length n_patterns
            Measured patterns, such as `read_patterns` returns.

        Returns
        -------
        ndarray of float32 of shape (n_patterns, n_points)
            One row per pattern.

        Raises
        ------
        TypeError
            If an item is no `MeasuredPattern`.
        ValueError
            If there are no patterns, or if one does not reach into the grid.

        Warns
        -----
        PatternWarning
            If a part of the grid was not measured, if a wavelength is unknown and taken for the
            model's, or if nothing is left of a pattern.
        """
        self._validate_params()
        patterns = _checked(X)
        grid = TwoThetaGrid() if self.grid is None else self.grid
        target = wavelength_in_angstrom(self.wavelength)
        rows = np.zeros((len(patterns), grid.n_points), dtype=np.float32)
        names = [pattern.name or str(number) for number, pattern in enumerate(patterns)]
        coverage = []
        for number, (name, pattern) in enumerate(zip(names, patterns, strict=True)):
            two_theta, intensity = _at_wavelength(pattern, target)
            inside = _measured(grid, two_theta)
            if inside.stop - inside.start < 2:
                raise ValueError(f"Pattern {name}: {_out_of_reach(grid, two_theta, pattern)}")
            row = _averages(grid, inside, two_theta, intensity)
            row = np.clip(self._without_background(row, grid, inside), 0, None)
            rows[number, inside] = row * (100 / row.max()) if row.max() > 0 else 0.0
            fraction = (inside.stop - inside.start) / grid.n_points
            coverage.append((name, two_theta[0], two_theta[-1], fraction))
        self.coverage_ = pd.DataFrame(
            coverage, columns=["name", "start", "stop", "covered_fraction"]
        )
        _warn_of_coverage(self.coverage_, grid)
        _warn(
            "of unknown wavelength, which is taken for the model's "
            f"{target:g} angstrom; set MeasuredPattern.wavelength",
            [name for name, p in zip(names, patterns, strict=True) if p.wavelength is None],
            len(patterns),
        )
        _warn(
            "without any intensity above the background: their rows are zero",
            [names[number] for number in np.flatnonzero(~rows.any(axis=1))],
            len(patterns),
        )
        return rows

    def _without_background(
        self, row: NDArray[np.float64], grid: TwoThetaGrid, inside: slice
    ) -> NDArray[np.float64]:
        if self.baseline == "passthrough":
            return row
        two_theta = grid.two_theta
        span = TwoThetaGrid(two_theta[inside.start], two_theta[inside.stop - 1], len(row))
        remover = BaselineRemover() if self.baseline is None else clone(self.baseline)
        return remover.set_params(grid=span).fit_transform(row[np.newaxis])[0]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the points of the grid by their angles.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str of shape (n_points,)
            Names such as "two_theta_10.02".
        """
        grid = TwoThetaGrid() if self.grid is None else self.grid
        return axis_names("two_theta", grid.two_theta)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.no_validation = True
        return tags


def _checked(X: Any) -> list[MeasuredPattern]:
    if isinstance(X, MeasuredPattern):
        raise TypeError("A sequence of MeasuredPattern is needed; put a single one in a list.")
    patterns = list(X)
    for number, item in enumerate(patterns):
        if not isinstance(item, MeasuredPattern):
            raise TypeError(
                f"A MeasuredPattern is needed, item {number} is a {type(item).__name__}; "
                "skxrd.io.read_patterns reads files."
            )
    if not patterns:
        raise ValueError("At least one measured pattern is needed, got none.")
    return patterns


def _at_wavelength(
    pattern: MeasuredPattern, target: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return angles at another wavelength, and the intensities whose planes diffract there."""
    two_theta, intensity = pattern.two_theta, pattern.intensity
    if pattern.wavelength is None or abs(pattern.wavelength / target - 1) < _SAME:
        return two_theta, intensity
    sine = np.sin(np.radians(two_theta) / 2) * (target / pattern.wavelength)
    possible = sine < 1
    return 2 * np.degrees(np.arcsin(sine[possible])), intensity[possible]


def _measured(grid: TwoThetaGrid, two_theta: NDArray[np.float64]) -> slice:
    """Find the points of the grid that lie between the first and the last angle."""
    if len(two_theta) < 2:
        return slice(0, 0)
    tolerance = 1e-6 * grid.step  # rounding must not cost the last angle of a shared range
    limits = [two_theta[0] - tolerance, two_theta[-1] + tolerance]
    start, stop = np.searchsorted(grid.two_theta, limits)
    return slice(int(start), int(stop))


def _averages(
    grid: TwoThetaGrid,
    inside: slice,
    two_theta: NDArray[np.float64],
    intensity: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Average the straight lines between measured points over each step of the grid."""
    centers = grid.two_theta[inside]
    edges = np.append(centers - grid.step / 2, centers[-1] + grid.step / 2)
    edges = np.clip(edges, two_theta[0], two_theta[-1])
    integral = make_interp_spline(two_theta, intensity, k=1).antiderivative()
    return np.diff(integral(edges)) / np.diff(edges)


def _out_of_reach(
    grid: TwoThetaGrid, two_theta: NDArray[np.float64], pattern: MeasuredPattern
) -> str:
    found = "no angle" if len(two_theta) == 0 else f"{two_theta[0]:.2f} to {two_theta[-1]:.2f}"
    return (
        f"measured from {pattern.two_theta[0]:.2f} to {pattern.two_theta[-1]:.2f} degrees, which "
        f"is {found} at the wavelength of the model; its grid goes from {grid.start:g} to "
        f"{grid.stop:g} degrees, and at least two of its points must be covered."
    )


def _warn_of_coverage(coverage: pd.DataFrame, grid: TwoThetaGrid) -> None:
    missing = []
    for name, start, stop in coverage[["name", "start", "stop"]].itertuples(index=False):
        # half a step is rounding
        gaps = [
            f"{low:.2f} to {high:.2f}"
            for low, high in ((grid.start, start), (stop, grid.stop))
            if high - low > grid.step / 2
        ]
        if gaps:
            missing.append(f"{name} lacks {' and '.join(gaps)}")
    _warn(
        f"that do not cover the model's range {grid.start:g} to {grid.stop:g} degrees two-theta; "
        "points that were not measured are zero",
        missing,
        len(coverage),
        level=5,
    )


def _warn(what: str, names: list[str], n_patterns: int, *, level: int = 4) -> None:
    if not names:
        return
    more = "; ..." if len(names) > _MOST_NAMED else ""
    warnings.warn(
        f"{len(names)} of {n_patterns} measured patterns {what}: "
        f"{'; '.join(names[:_MOST_NAMED])}{more}",
        PatternWarning,
        stacklevel=level,
    )
