"""From a two-theta grid to an axis that does not depend on the wavelength, and back."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_is_fitted
from torch import Tensor

from skxrd._bragg import BraggAxis
from skxrd._sklearn import Interval, StrOptions
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import BasePreprocessor, axis_names, grid_of, in_batches
from skxrd.preprocessing._ranges import outside, warn_of_ranges
from skxrd.preprocessing._weights import add_up, interpolate, linear, overlap
from skxrd.simulation._lines._wavelengths import wavelength_in_angstrom

__all__ = ["AxisConverter"]

_UNITS = {"q": "1/angstrom", "d": "angstrom", "two_theta": "degrees"}


class AxisConverter(BasePreprocessor):
    """Bring patterns to an even axis of Q, of lattice plane distance, or of another wavelength.

    Two-theta depends on the wavelength of the measurement, and the others do not. All follow from
    Bragg's law. Points of the new axis that were not measured become zero.

    Parameters
    ----------
    axis : {"q", "d", "two_theta"}, default="q"
        New axis: ``"q"`` is the length of the scattering vector, 4 pi sin(theta) / wavelength, in
        1/angstrom, ``"d"`` the distance of the lattice planes in angstrom, ``"two_theta"`` the
        angle in degrees that the same planes have at `output_wavelength`.
    start, stop : float or None, default=None
        First and last value of the new axis. None stands for that end of the patterns.
    n_points : int or None, default=None
        Number of points of the new axis. None stands for as many as the patterns have.
    wavelength : str or float, default="CuKa"
        Wavelength of the patterns: one of pymatgen's names, or a number in angstrom.
    output_wavelength : str, float or None, default=None
        Wavelength of the new axis; needed for ``"two_theta"`` and not used for the others.
    method : {"area", "linear"}, default="area"
        ``"area"`` keeps integrals: the sum times the step of the new axis is the sum times the step
        of the old one, and no line is lost. Intensities are per unit of the new axis, and heights
        change along it by the derivative of two-theta. ``"linear"`` gives each point the intensity
        at its angle: heights are kept, as in plots that change nothing but their axis. What lies
        between two points of the new axis vanishes, lines of stick patterns above all: use it for
        profiles that are several of its steps wide.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.

    Attributes
    ----------
    axis_ : ndarray of shape (n_points_out,)
        Values of the new axis, evenly spaced and increasing.
    lost_ : list of (float, float)
        Ranges of the patterns, in degrees, that have no place on the new axis.
    uncovered_ : list of (float, float)
        Ranges of the new axis that the patterns do not reach; they are zero.
    n_features_in_ : int
        Number of points of an input pattern.

    Raises
    ------
    ValueError
        If `grid` has another number of points than the patterns, the ends make no axis, a
        wavelength is missing or unknown, or nothing of the patterns is on the new axis (in `fit`).

    Warns
    -----
    PatternWarning
        If a part of the patterns is lost, or a part of the new axis is not covered (in `fit`).

    See Also
    --------
    PatternResampler : From one two-theta grid to another at the same wavelength.
    MeasuredPatternTransformer : Measured patterns as rows on the grid of a model.

    Notes
    -----
    An even axis of d has few points at high angles: with Cu K-alpha and 4,501 points from 1.1 to 20
    angstrom, a step is 0.4 degrees at a two-theta of 90 degrees. Q follows two-theta far better.
    Only the axis is converted; polarization, absorption and anomalous scattering depend on the
    wavelength as well, and stay.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.preprocessing import AxisConverter
    >>> grid = TwoThetaGrid(20, 60, 2001)
    >>> pattern = np.exp(-(((grid.two_theta - 28.44) / 0.1) ** 2))  # the line 111 of silicon
    >>> converter = AxisConverter("d", grid=grid)
    >>> X = converter.fit_transform([pattern])
    >>> converter.axis_[X[0].argmax()].round(2).item()
    3.14
    >>> converter.get_feature_names_out()[[0, -1]].tolist()
    ['d_1.541840', 'd_4.439551']
    """

    _parameter_constraints = {
        "axis": [StrOptions({"q", "d", "two_theta"})],
        "start": [None, Interval(Real, 0, None, closed="left")],
        "stop": [None, Interval(Real, 0, None, closed="neither")],
        "n_points": [None, Interval(Integral, 2, None, closed="left")],
        "wavelength": [str, Interval(Real, 0, None, closed="neither")],
        "output_wavelength": [None, str, Interval(Real, 0, None, closed="neither")],
        "method": [StrOptions({"linear", "area"})],
        "grid": [None, TwoThetaGrid],
    }

    def __init__(
        self,
        axis: Literal["q", "d", "two_theta"] = "q",
        *,
        start: float | None = None,
        stop: float | None = None,
        n_points: int | None = None,
        wavelength: str | float = "CuKa",
        output_wavelength: str | float | None = None,
        method: Literal["area", "linear"] = "area",
        grid: TwoThetaGrid | None = None,
    ) -> None:
        self.axis = axis
        self.start = start
        self.stop = stop
        self.n_points = n_points
        self.wavelength = wavelength
        self.output_wavelength = output_wavelength
        self.method = method
        self.grid = grid

    def _prepare(self) -> None:
        grid = grid_of(self.grid, self.n_features_in_, "grid")
        if grid is None:
            raise ValueError("An axis needs at least two points a pattern, got n_features = 1.")
        axis = self._bragg_axis()
        start, stop = self._ends(axis, grid)
        self.axis_ = np.linspace(start, stop, self.n_points or grid.n_points)
        step = (stop - start) / (len(self.axis_) - 1)

        def on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return (axis.two_theta(values) - grid.start) / grid.step

        def on_axis(two_theta: NDArray[np.float64]) -> NDArray[np.float64]:
            return (axis.values(two_theta) - start) / step

        self._there = self._weights(on_grid, self.axis_, step, grid.n_points, grid.step)
        self._back = self._weights(on_axis, grid.two_theta, grid.step, len(self.axis_), step)
        self._look_at_ranges(axis, grid, step)

    def _weights(
        self,
        position: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        values: NDArray[np.float64],
        step: float,
        n_points: int,
        step_before: float,
    ) -> Any:
        """Weights for evenly spaced values, whose `position` says where they lie in the input."""
        if self.method == "linear":
            return linear(position(values), n_points)
        edges = [position(values + half) for half in (-step / 2, step / 2)]
        edges = [np.nan_to_num(edge, nan=np.inf, posinf=np.inf) for edge in edges]  # above 180
        target, source, shared = overlap(np.minimum(*edges), np.maximum(*edges), n_points)
        return target, source, shared * (step_before / step)

    def render(self, X: Tensor) -> Tensor:
        """Convert a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_points_out)
            Patterns on the new axis.
        """
        if self.method == "linear":
            return interpolate(X, *self._there)
        return add_up(X, *self._there, n_out=len(self.axis_))

    def inverse_transform(self, X: ArrayLike) -> NDArray[Any]:
        """Bring patterns on the new axis back to the two-theta grid.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points_out)
            Patterns on the new axis.

        Returns
        -------
        ndarray of shape (n_patterns, n_points)
            Patterns on the grid; zero where the new axis does not reach.

        Raises
        ------
        ValueError
            If the patterns do not have the points of the new axis.
        """
        check_is_fitted(self)
        rows: NDArray[Any] = check_array(X, dtype=[np.float64, np.float32])
        if rows.shape[1] != len(self.axis_):
            raise ValueError(
                f"X has {rows.shape[1]} points, but the new axis has {len(self.axis_)}."
            )
        return in_batches(rows, self._return)

    def _return(self, X: Tensor) -> Tensor:
        if self.method == "linear":
            return interpolate(X, *self._back)
        return add_up(X, *self._back, n_out=self.n_features_in_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the points of the new axis by their values.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str of shape (n_points_out,)
            Names such as "q_1.20", "d_3.14" or "two_theta_30.00".
        """
        check_is_fitted(self)
        return axis_names(self.axis, self.axis_)

    def _bragg_axis(self) -> BraggAxis:
        wavelength = wavelength_in_angstrom(self.wavelength)
        if self.axis != "two_theta":
            return BraggAxis(self.axis, wavelength, wavelength)
        if self.output_wavelength is None:
            raise ValueError("axis='two_theta' needs output_wavelength, got None.")
        return BraggAxis(self.axis, wavelength, wavelength_in_angstrom(self.output_wavelength))

    def _ends(self, axis: BraggAxis, grid: TwoThetaGrid) -> tuple[float, float]:
        ends = _ends_of(grid, axis)
        start = ends[0] if self.start is None else float(self.start)
        stop = ends[1] if self.stop is None else float(self.stop)
        if stop == np.inf:
            raise ValueError(
                "The patterns begin at 0 degrees, where d is infinite; set stop, in angstrom."
            )
        limit = 180.0 if self.axis == "two_theta" else np.inf
        if not start < stop <= limit:
            raise ValueError(
                f"The new axis needs start < stop{' <= 180' if limit < np.inf else ''}, got "
                f"start={start:g} and stop={stop:g} {_UNITS[self.axis]}."
            )
        return start, stop

    def _look_at_ranges(self, axis: BraggAxis, grid: TwoThetaGrid, step: float) -> None:
        start, stop = self.axis_[[0, -1]].tolist()
        reached = np.nan_to_num(axis.two_theta(self.axis_[[0, -1]]), nan=180.0)
        self.lost_ = outside((grid.start, grid.stop), sorted(reached.tolist()), grid.step)
        self.uncovered_ = outside((start, stop), _ends_of(grid, axis), step)
        name = f"{self.axis} from {start:.4g} to {stop:.4g} {_UNITS[self.axis]}"
        if sum(high - low for low, high in self.lost_) > grid.stop - grid.start - grid.step / 2:
            raise ValueError(
                f"Nothing of {grid.start:g} to {grid.stop:g} degrees lies on the new axis, {name}."
            )
        warn_of_ranges(f"axis, {name}", self.lost_, self.uncovered_)


def _ends_of(grid: TwoThetaGrid, axis: BraggAxis) -> list[float]:
    """Lower and upper end of a grid on the axis; no angle is larger than 180 degrees."""
    ends = axis.values(np.array([grid.start, grid.stop]))
    return sorted(np.nan_to_num(ends, nan=180.0, posinf=np.inf).tolist())
