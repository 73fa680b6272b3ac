"""Measured patterns become rows on the grid of a model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone

from skxrd._sklearn import HasMethods, Interval, StrOptions, fit_context
from skxrd.exceptions import PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.io import MeasuredPattern
from skxrd.preprocessing._base import axis_names
from skxrd.preprocessing._baseline import BaselineRemover
from skxrd.preprocessing._measured_grid import OnGrid, on_grid
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = ["MeasuredPatternTransformer"]

_MOST_NAMED = 3
_MOST_GAPS = 4


class MeasuredPatternTransformer(TransformerMixin, BaseEstimator):
    """Bring measured patterns onto the grid, the wavelength and the scale of simulated ones.

    Angles measured with another wavelength are converted through the lattice plane distance
    (Bragg's law); intensities are averaged over each step of the grid, so that the area under a
    line is kept whether the measurement has finer or coarser steps; the background is removed,
    what is then negative becomes zero, and the maximum becomes 100 as in `PatternSimulator`.
    Points that were not measured are zero: those outside of the measured range, and those in a
    hole, which is a distance between two measured angles of more than ten times the median (and of
    more than a step of the grid), as between two scans in one file.

    Parameters
    ----------
    grid : TwoThetaGrid or None, default=None
        Grid of the model. None stands for the paper's, 0 to 90 degrees on 4,501 points.
    wavelength : str or float, default="CuKa"
        Wavelength of the model: one of pymatgen's names, or a number in angstrom.
    baseline : transformer, "passthrough" or None, default=None
        Removes the background. It must have a parameter `grid`, and is fitted to all patterns that
        cover the same part of the grid, which is set there; straight lines bridge holes. None
        stands for ``BaselineRemover()``, "passthrough" keeps the background.

    Attributes
    ----------
    coverage_ : DataFrame with columns "name", "start", "stop", "covered_fraction"
        Of the last call of `transform`, which replaces it, one row per pattern: first and last
        measured angle in degrees at the wavelength of the model, and the part of the points of the
        grid that lies between, without those in holes.

    Raises
    ------
    MissingDependencyError
        If pybaselines is needed and not installed (in `fit`).
    ValueError
        If `wavelength` is unknown or `baseline` has no parameter `grid` (in `fit`), or if a pattern
        does not reach into the grid.
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

    Rows in a warning of the baseline are counted among the patterns that cover the same part of the
    grid.

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
        "baseline": [
            HasMethods(["fit_transform", "get_params", "set_params"]),
            StrOptions({"passthrough"}),
            None,
        ],
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
        _check_baseline(self.baseline)
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
        _check_baseline(self.baseline)
        patterns = _checked(X)
        grid = TwoThetaGrid() if self.grid is None else self.grid
        target = wavelength_in_angstrom(self.wavelength)
        names = [pattern.name or str(number) for number, pattern in enumerate(patterns)]
        measured = [
            on_grid(grid, target, pattern, name)
            for pattern, name in zip(patterns, names, strict=True)
        ]
        rows = self._rows(measured, grid)
        self.coverage_ = pd.DataFrame(
            {
                "name": names,
                "start": [each.start for each in measured],
                "stop": [each.stop for each in measured],
                "covered_fraction": [each.is_measured.sum() / grid.n_points for each in measured],
            }
        )
        _warn_of_coverage(names, measured, grid)
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

    def _rows(self, measured: list[OnGrid], grid: TwoThetaGrid) -> NDArray[np.float32]:
        """Remove the background and scale, for all patterns of the same range at once."""
        numbers: dict[tuple[int, int], list[int]] = {}
        for number, each in enumerate(measured):
            numbers.setdefault((each.inside.start, each.inside.stop), []).append(number)
        rows = np.zeros((len(measured), grid.n_points), dtype=np.float32)
        for (first, end), group in numbers.items():
            found = np.array([measured[number].row for number in group])
            found = np.clip(self._without_background(found, grid, first, end), 0, None)
            found[[~measured[number].is_measured[first:end] for number in group]] = 0
            highest = found.max(axis=1, keepdims=True)
            rows[group, first:end] = found * np.divide(
                100, highest, out=np.zeros_like(highest), where=highest > 0
            )
        return rows

    def _without_background(
        self, rows: NDArray[np.float64], grid: TwoThetaGrid, first: int, end: int
    ) -> NDArray[np.float64]:
        if self.baseline == "passthrough":
            return rows
        two_theta = grid.two_theta
        span = TwoThetaGrid(two_theta[first], two_theta[end - 1], end - first)
        remover = BaselineRemover() if self.baseline is None else clone(self.baseline)
        return np.asarray(remover.set_params(grid=span).fit_transform(rows))

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


def _check_baseline(baseline: Any) -> None:
    if baseline is None or isinstance(baseline, str):
        return
    if "grid" not in baseline.get_params(deep=False):
        raise ValueError(
            f"baseline must have a parameter 'grid', and {type(baseline).__name__} has none; a "
            "BaselineRemover has it, a pipeline around one has not."
        )


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


def _warn_of_coverage(names: list[str], measured: list[OnGrid], grid: TwoThetaGrid) -> None:
    missing = []
    for name, each in zip(names, measured, strict=True):
        spans = [(grid.start, each.start), *each.holes, (each.stop, grid.stop)]
        # half a step is rounding
        gaps = [f"{low:.2f} to {high:.2f}" for low, high in spans if high - low > grid.step / 2]
        if len(gaps) > _MOST_GAPS:
            gaps[_MOST_GAPS - 1 :] = [f"{len(gaps) - _MOST_GAPS + 1} other ranges"]
        if gaps:
            missing.append(f"{name} lacks {' and '.join(gaps)}")
    _warn(
        f"that do not cover the model's range {grid.start:g} to {grid.stop:g} degrees two-theta; "
        "points that were not measured are zero",
        missing,
        len(names),
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
