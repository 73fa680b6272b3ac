"""Picture of measurements, the line of Arrhenius, and what it says of another temperature."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skxrd._style import COLORS, MARKERS, pyplot
from skxrd.transport._arrhenius._regressor import ArrheniusRegressor
from skxrd.transport._arrhenius._temperature_axis import draw_temperatures

__all__ = ["ArrheniusDisplay"]

_SYMBOLS = {"D": "D", "sigma": "σ", "sigmaT": "σ"}
_UNITS = {"D": "cm²/s", "sigma": "S/cm", "sigmaT": "S/cm"}
_N_POINTS = 200  # enough for a smooth band


class ArrheniusDisplay:
    """Diffusivities or conductivities over 1000/T, with line, band and extrapolation.

    `from_estimator` makes one and draws it. Several can be drawn on the same axes.

    Parameters
    ----------
    temperatures : array-like of shape (n_measurements,)
        Temperatures of the measurements in K.
    values : array-like of shape (n_measurements,)
        Diffusivities in cm2/s or conductivities in S/cm.
    line_temperatures : array-like of shape (n_points,)
        Temperatures of the points of the line in K.
    line_values : array-like of shape (n_points,)
        Values of the line.
    line_intervals : array-like of shape (n_points, 2)
        Intervals of the line; NaN where they are unknown.
    activation_energy : float
        Activation energy in eV.
    activation_energy_interval : array-like of shape (2,)
        Its interval in eV; NaN where it is unknown.
    errors : array-like of shape (n_measurements,), default=None
        Standard errors of the values, in their unit.
    extrapolate_to : float, default=None
        One of `line_temperatures`, in K, at which the prediction is drawn and written.
    form : {"D", "sigma", "sigmaT"}, default="D"
        What is a line, as for `ArrheniusRegressor`.
    confidence : float, default=0.95
        Level of the intervals.
    label : str, default=None
        Name of the material or the series.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure of the axes.

    Raises
    ------
    ValueError
        If lengths do not fit together, or `extrapolate_to` is no temperature of the line.

    See Also
    --------
    ArrheniusRegressor : The fit that is shown.

    Examples
    --------
    >>> from skxrd.transport import ArrheniusDisplay, ArrheniusRegressor
    >>> T, D = [600, 900, 1200, 1500], [8e-6, 3.8e-5, 9.1e-5, 1.4e-4]
    >>> display = ArrheniusDisplay.from_estimator(ArrheniusRegressor("D").fit(T, D), T, D)
    >>> display.ax_.get_ylabel()
    'D (cm²/s)'
    """

    def __init__(
        self,
        temperatures: ArrayLike,
        values: ArrayLike,
        *,
        line_temperatures: ArrayLike,
        line_values: ArrayLike,
        line_intervals: ArrayLike,
        activation_energy: float,
        activation_energy_interval: ArrayLike,
        errors: ArrayLike | None = None,
        extrapolate_to: float | None = None,
        form: str = "D",
        confidence: float = 0.95,
        label: str | None = None,
    ) -> None:
        self.temperatures = np.asarray(temperatures, dtype=float)
        self.values = np.asarray(values, dtype=float)
        self.errors = None if errors is None else np.asarray(errors, dtype=float)
        self.line_temperatures = np.asarray(line_temperatures, dtype=float)
        self.line_values = np.asarray(line_values, dtype=float)
        self.line_intervals = np.asarray(line_intervals, dtype=float)
        self.activation_energy = activation_energy
        self.activation_energy_interval = np.asarray(activation_energy_interval, dtype=float)
        self.extrapolate_to = extrapolate_to
        self.form = form
        self.confidence = confidence
        self.label = label
        self._check()

    def _check(self) -> None:
        n_values, n_points = self.values.shape, self.line_values.shape
        if self.temperatures.shape != n_values or (
            self.errors is not None and self.errors.shape != n_values
        ):
            raise ValueError("temperatures, values and errors must have the same length.")
        if self.line_temperatures.shape != n_points or self.line_intervals.shape != (*n_points, 2):
            raise ValueError(
                "line_temperatures, line_values and line_intervals must have the same length, and "
                "the last two columns."
            )
        if self.form not in _SYMBOLS:
            raise ValueError(f"form must be one of {list(_SYMBOLS)}, got {self.form!r}.")
        if self.extrapolate_to is not None and self.extrapolate_to not in self.line_temperatures:
            raise ValueError(
                "extrapolate_to must be one of line_temperatures, got "
                f"{self.extrapolate_to} between {self.line_temperatures.min():g} and "
                f"{self.line_temperatures.max():g}."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: ArrheniusRegressor,
        X: ArrayLike,
        y: ArrayLike,
        y_error: ArrayLike | None = None,
        *,
        extrapolate_to: float | None = 300.0,
        label: str | None = None,
        ax: Any = None,
        times_temperature: bool | None = None,
        color: str | None = None,
    ) -> Self:
        """Draw a fitted regressor and the measurements.

        Parameters
        ----------
        estimator : ArrheniusRegressor
            Fitted regressor.
        X : array-like of shape (n_measurements,) or (n_measurements, 1)
            Temperatures in K.
        y : array-like of shape (n_measurements,)
            Diffusivities in cm2/s or conductivities in S/cm.
        y_error : array-like of shape (n_measurements,), default=None
            Standard errors of `y`, drawn as bars.
        extrapolate_to : float, default=300.0
            Temperature in K up to which the line is drawn, with the prediction there; None stands
            for the range of the measurements.
        label : str, default=None
            Name of the material or the series.
        ax : matplotlib Axes, default=None
            As for `plot`.
        times_temperature : bool, default=None
            As for `plot`.
        color : str, default=None
            As for `plot`.

        Returns
        -------
        ArrheniusDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If lengths do not fit together or a temperature is not positive.
        """
        temperatures = np.asarray(X, dtype=float).reshape(-1)
        estimator.predict(temperatures)  # whether it is fitted, and the temperatures are sound
        ends = [temperatures.min(), temperatures.max()]
        if extrapolate_to is not None:
            if not extrapolate_to > 0:
                raise ValueError(f"extrapolate_to must be positive, in K; got {extrapolate_to}.")
            ends.append(extrapolate_to)
        between = 1 / np.linspace(1 / max(ends), 1 / min(ends), _N_POINTS)
        line = np.unique(np.concatenate([between[1:-1], ends]))
        display = cls(
            temperatures,
            y,
            errors=y_error,
            line_temperatures=line,
            line_values=estimator.predict(line),
            line_intervals=estimator.predict_interval(line),
            activation_energy=estimator.activation_energy_,
            activation_energy_interval=estimator.activation_energy_interval_,
            extrapolate_to=extrapolate_to,
            form=estimator._form,
            confidence=estimator._confidence,
            label=label,
        )
        return display.plot(ax=ax, times_temperature=times_temperature, color=color)

    def plot(
        self, *, ax: Any = None, times_temperature: bool | None = None, color: str | None = None
    ) -> Self:
        """Draw measurements, line, band and prediction.

        The line is solid between the measurements and dashed beyond. Bars of measurements are
        standard errors, band and bar of the prediction are intervals. The prediction is a
        hollow mark. The legend tells the activation energy with half the width of its interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on, with those drawn before; None makes a figure.
        times_temperature : bool, default=None
            Whether conductivities are drawn times the temperature. None stands for what makes a
            line, which is True for ``form="sigmaT"`` only; False allows to draw both forms on the
            same axes.
        color : str, default=None
            Color; None stands for the next of the color-blind safe ones.

        Returns
        -------
        self
            The Display, with `ax_` and `figure_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        if times_temperature is None:
            times_temperature = self.form == "sigmaT"
        if ax is None:
            plt = pyplot(self)
            _, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        number = len(ax.containers)  # one for each series drawn before
        color = color or COLORS[number % len(COLORS)]
        marker = MARKERS[number % len(MARKERS)]
        self._draw_line(color, times_temperature)
        self._draw_points(color, marker, times_temperature)
        self._draw_prediction(color, marker, times_temperature)
        symbol, unit = _SYMBOLS[self.form], _UNITS[self.form]
        label = f"{symbol}T ({unit.replace('/', ' K/')})" if times_temperature else None
        ax.set(xlabel="1000/T (1/K)", ylabel=label or f"{symbol} ({unit})", yscale="log")
        ax.legend(frameon=False, loc="best", fontsize="small")
        draw_temperatures(ax)
        return self

    def _draw_line(self, color: str, times_temperature: bool) -> None:
        temperatures = self.line_temperatures
        factor = temperatures if times_temperature else np.ones_like(temperatures)
        x, y = 1000 / temperatures, self.line_values * factor
        low, high = self.line_intervals.T * factor
        self.ax_.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
        self.ax_.plot(x, y, color=color, linewidth=1, linestyle="--")
        measured = (temperatures >= self.temperatures.min()) & (
            temperatures <= self.temperatures.max()
        )
        self.ax_.plot(x[measured], y[measured], color=color, linewidth=1.6)

    def _draw_points(self, color: str, marker: str, times_temperature: bool) -> None:
        y = self.values * (self.temperatures if times_temperature else 1)
        bars = None
        if self.errors is not None:
            factor = np.exp(self.errors / self.values)  # as the fit sees them: symmetric in ln y
            bars = [y - y / factor, y * factor - y]
        self.ax_.errorbar(
            1000 / self.temperatures,
            y,
            yerr=bars,
            fmt=marker,
            color=color,
            markersize=5,
            capsize=2,
            label="\n".join(self._texts()),
        )

    def _texts(self) -> list[str]:
        """Write the legend: the activation energy and the prediction."""
        name = "" if self.label is None else f"{self.label}: "
        texts = [f"{name}Eₐ = {self._energy_text()}"]
        if self.extrapolate_to is not None:
            value, low, high = self._prediction()
            interval = f" [{low:.2e}, {high:.2e}]" if np.isfinite([low, high]).all() else ""
            symbol, unit = _SYMBOLS[self.form], _UNITS[self.form]
            texts.append(f"{symbol}({self.extrapolate_to:g} K) = {value:.2e}{interval} {unit}")
        return texts

    def _energy_text(self) -> str:
        low, high = self.activation_energy_interval
        half = (high - low) / 2
        if not np.isfinite(half) or half <= 0:
            return f"{self.activation_energy:.3f} eV"
        digits = max(0, 1 - math.floor(math.log10(half)))  # two that count
        level = f"{100 * self.confidence:g} %"
        return f"{self.activation_energy:.{digits}f} ± {half:.{digits}f} eV ({level})"

    def _prediction(self) -> tuple[float, float, float]:
        """Value and limits at the temperature of the extrapolation."""
        position = np.flatnonzero(self.line_temperatures == self.extrapolate_to)[0]
        return self.line_values[position], *self.line_intervals[position]

    def _draw_prediction(self, color: str, marker: str, times_temperature: bool) -> None:
        if self.extrapolate_to is None:
            return
        factor = self.extrapolate_to if times_temperature else 1
        x = 1000 / self.extrapolate_to
        value, low, high = factor * np.array(self._prediction())
        self.ax_.vlines(x, low, high, color=color, linewidth=1.6)
        style = {"markerfacecolor": "white", "markeredgewidth": 1.4, "markersize": 7, "zorder": 3}
        self.ax_.plot(x, value, marker, color=color, linestyle="none", **style)
