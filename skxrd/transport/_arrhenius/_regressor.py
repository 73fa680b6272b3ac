"""The line of Arrhenius: activation energy and prefactor, with the errors that they have."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import constants, stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._sklearn import Interval, StrOptions, fit_context, validate_params
from skxrd.exceptions import TransportWarning
from skxrd.transport._measurements import check_weights, column, positive

__all__ = ["ArrheniusRegressor"]

_BOLTZMANN = constants.k / constants.e  # eV/K
_CONTRADICTION = 0.05  # chance of right errors to be taken for wrong

Form = Literal["D", "sigma", "sigmaT"]


class ArrheniusRegressor(RegressorMixin, BaseEstimator):
    r"""Fit the law of Arrhenius to diffusivities or conductivities at several temperatures.

    The logarithm of the property is a line over :math:`1/(k_\mathrm{B} T)`, whose slope is the
    negative activation energy:

    .. math::

        \ln D = \ln D_0 - \frac{E_a}{k_\mathrm{B} T}, \qquad
        \ln \sigma = \ln \sigma_0 - \frac{E_a}{k_\mathrm{B} T}, \qquad
        \ln \sigma T = \ln A - \frac{E_a}{k_\mathrm{B} T}

    Parameters
    ----------
    form : {"D", "sigma", "sigmaT"}, default="D"
        What is a line: the logarithm of `y` itself, a diffusivity (``"D"``) or a conductivity
        (``"sigma"``), or that of a conductivity times the temperature (``"sigmaT"``). ``"D"`` and
        ``"sigma"`` differ in units only. Since :math:`\sigma T \propto D` (Nernst and Einstein),
        activation energies of diffusivities compare with those of ``"sigmaT"``, which are higher
        by about :math:`k_\mathrm{B} T` than those of ``"sigma"``.
    confidence : float, default=0.95
        Level of the intervals, between 0 and 1.

    Attributes
    ----------
    activation_energy_ : float
        Activation energy in eV.
    activation_energy_error_ : float
        Its standard error in eV.
    activation_energy_interval_ : ndarray of shape (2,)
        Its interval in eV, of the level `confidence`.
    log_prefactor_ : float
        Natural logarithm of the prefactor.
    log_prefactor_error_ : float
        Its standard error.
    prefactor_ : float
        Prefactor in the unit of `y`; with ``form="sigmaT"`` in that unit times K.
    covariance_ : ndarray of shape (2, 2)
        Covariance of `log_prefactor_` and `activation_energy_`, in this order; the latter in eV.
    n_degrees_of_freedom_ : int
        Number of measurements (of positive weight) minus 2.
    reduced_chi_square_ : float
        Scatter about the line in units of `y_error`: about 1 where the errors are right. NaN
        without `y_error`, or without degrees of freedom.
    r2_ : float
        Coefficient of determination of the line, of logarithms.
    n_features_in_ : int
        Number of columns of `X`, always 1.

    Warns
    -----
    TransportWarning
        If two measurements are all there is and come without errors: a line through two points
        has no scatter to tell its errors, which are NaN (in `fit`).

    See Also
    --------
    ArrheniusDisplay : Measurements, line and extrapolation as a picture.

    Notes
    -----
    Where the intervals come from depends on what is known of the errors of `y`:

    - Without `y_error`, from the scatter about the line, with Student's t. `sample_weight` may tell
      how precise measurements are in relation to each other. Nominal levels are exact for any
      number of measurements if these ratios are right.
    - With `y_error`, from these errors, to first order in :math:`\Delta y / y` and with the normal
      distribution; they may be narrow even for three temperatures. If the scatter is larger than
      the errors (`reduced_chi_square_` above 1), all errors are multiplied by the square root of
      this number, the ratio of Birge [1]_ [2]_; they are never made smaller. If it is so large
      that right errors would give it in one case of twenty at most, the errors are taken to be
      wrong but for their ratios, and Student's t stands for the normal distribution, as if they
      had been given as weights. With a few measurements that is hard to tell: those who know errors
      only up to a factor should give ``sample_weight=(y / y_error) ** 2`` from the start. The user
      guide shows how often intervals hold the truth.

    The score, :math:`R^2` of `y` as for every regressor of scikit-learn, is ruled by the largest
    values; `r2_` is that of the logarithms.

    Neither interval knows of a change of mechanism or a phase transition between the measurements
    and the temperature of an extrapolation.

    References
    ----------
    .. [1] R. T. Birge, The calculation of errors by the method of least squares, Physical Review
       40, 207 (1932).
    .. [2] O. Bodnar and C. Elster, On the adjustment of inconsistent data using the Birge ratio,
       Metrologia 51, 516 (2014).

    Examples
    --------
    >>> from skxrd.transport import ArrheniusRegressor
    >>> temperatures = [293, 298, 303, 313, 323]  # K
    >>> conductivities = [7.28e-5, 9.07e-5, 1.10e-4, 1.96e-4, 3.00e-4]  # S/cm
    >>> model = ArrheniusRegressor("sigmaT").fit(temperatures, conductivities)
    >>> print(f"{model.activation_energy_:.2f} ± {model.activation_energy_error_:.2f} eV")
    0.42 ± 0.02 eV
    >>> model.predict_interval([300]).round(6)  # S/cm
    array([[9.40e-05, 1.09e-04]])
    """

    _parameter_constraints = {
        "form": [StrOptions({"D", "sigma", "sigmaT"})],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, form: Form = "D", *, confidence: float = 0.95) -> None:
        self.form = form
        self.confidence = confidence

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        y_error: ArrayLike | None = None,
    ) -> Self:
        """Fit the line.

        Parameters
        ----------
        X : array-like of shape (n_measurements,) or (n_measurements, 1)
            Temperatures in K.
        y : array-like of shape (n_measurements,)
            Diffusivities or conductivities, positive, in any unit.
        sample_weight : array-like of shape (n_measurements,), default=None
            Weights, of which only the ratios count: the inverse variance of the logarithm of each
            measurement, up to a factor. None stands for equal weights.
        y_error : array-like of shape (n_measurements,), default=None
            Standard errors of `y`, in its unit, independent of each other. Not both of this and
            `sample_weight`.

        Returns
        -------
        self
            The fitted regressor.

        Raises
        ------
        ValueError
            If there are fewer than two different temperatures, or a temperature, `y` or `y_error`
            is not a positive number.

        Warns
        -----
        TransportWarning
            If errors are unknown: two measurements without `y_error`.
        """
        if sample_weight is not None and y_error is not None:
            raise ValueError(
                "sample_weight and y_error were both given; give one of them: y_error weights the "
                "measurements already."
            )
        temperatures = self._temperatures(X, reset=True)
        y = positive(column(y, "y"), "y", "logarithms need positive values")
        check_consistent_length(temperatures, y)
        weights = np.ones_like(y)
        if y_error is not None:
            y_error = positive(column(y_error, "y_error"), "y_error", "leave unknown errors out")
            check_consistent_length(y, y_error)
            weights = (y / y_error) ** 2
        elif sample_weight is not None:
            weights = check_weights(sample_weight, y)
        counted = weights > 0
        different = np.unique(temperatures[counted])
        if len(different) < 2:
            found = ", ".join(f"{temperature:g} K" for temperature in different) or "none"
            raise ValueError(
                "X must hold at least two different temperatures (of positive weight); found: "
                f"{found}."
            )
        self._fit_line(temperatures[counted], y[counted], weights[counted], y_error is not None)
        return self

    def predict(
        self, X: ArrayLike, return_std: bool = False
    ) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict the property.

        Parameters
        ----------
        X : array-like of shape (n_temperatures,) or (n_temperatures, 1)
            Temperatures in K.
        return_std : bool, default=False
            Whether to return standard errors as well. They are of first order: where they are not
            small, `predict_interval`, which is symmetric in the logarithm, tells more.

        Returns
        -------
        ndarray of shape (n_temperatures,) or tuple of two
            Property in the unit of `y`, also with ``form="sigmaT"``, and its standard errors.
        """
        check_is_fitted(self)
        temperatures = self._temperatures(X)
        y = self._property(temperatures, self._log_line(temperatures))
        if not return_std:
            return y
        return y, y * np.sqrt(self._log_variance(temperatures))

    @validate_params(
        {
            "X": "no_validation",
            "kind": [StrOptions({"confidence", "prediction"})],
            "confidence": [Interval(Real, 0, 1, closed="neither"), None],
        },
        prefer_skip_nested_validation=True,
    )
    def predict_interval(
        self,
        X: ArrayLike,
        *,
        kind: Literal["confidence", "prediction"] = "confidence",
        confidence: float | None = None,
    ) -> NDArray[np.float64]:
        """Predict an interval of the property at each temperature.

        Parameters
        ----------
        X : array-like of shape (n_temperatures,) or (n_temperatures, 1)
            Temperatures in K.
        kind : {"confidence", "prediction"}, default="confidence"
            ``"confidence"``: where the line is. ``"prediction"``: where one more measurement would
            be, one of the mean weight of those that were fitted.
        confidence : float, default=None
            Level of the interval, between 0 and 1; None stands for that of the regressor when it
            was fitted.

        Returns
        -------
        ndarray of shape (n_temperatures, 2)
            Limits in the unit of `y`, each by itself and not for all temperatures at once; NaN
            where errors are unknown.
        """
        check_is_fitted(self)
        temperatures = self._temperatures(X)
        variance = self._log_variance(temperatures)
        if kind == "prediction":
            variance = variance + self._measurement_variance
        reach = self._quantile(confidence) * np.sqrt(variance)
        center = self._log_line(temperatures)
        limits = [self._property(temperatures, center + sign * reach) for sign in (-1, 1)]
        return np.column_stack(limits)

    def _temperatures(self, X: ArrayLike, *, reset: bool = False) -> NDArray[np.float64]:
        """Check temperatures and return them as one row; both shapes mean the same."""
        options: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": False}
        shape = np.shape(X)
        if len(shape) == 1:
            row = check_array(X, ensure_2d=False, input_name="X", **options)
            found = validate_data(self, row[:, np.newaxis], **options) if reset else row
        elif len(shape) == 2 and shape[1] == 1:
            found = validate_data(self, X, reset=reset, **options)
        else:
            raise ValueError(
                "X must hold temperatures only, in shape (n_samples,) or (n_samples, 1); got shape "
                f"{shape}."
            )
        return positive(found.reshape(-1), "X", "temperatures are in K")

    def _fit_line(
        self,
        temperatures: NDArray[np.float64],
        y: NDArray[np.float64],
        weights: NDArray[np.float64],
        has_errors: bool,
    ) -> None:
        # Line and intervals are of these, whatever the parameters become later.
        self._form, self._confidence = self.form, self.confidence
        x = 1 / (_BOLTZMANN * temperatures)
        log_y = np.log(y * temperatures if self.form == "sigmaT" else y)
        # polyfit weights residuals, not their squares
        line, covariance = np.polyfit(x, log_y, 1, w=np.sqrt(weights), cov="unscaled")
        fitted = np.polyval(line, x)
        self.n_degrees_of_freedom_ = dof = len(y) - 2
        scatter = float(weights @ (log_y - fitted) ** 2 / dof) if dof else np.nan
        self.reduced_chi_square_ = scatter if has_errors else np.nan
        scale = np.fmax(1.0, scatter) if has_errors else scatter
        if np.isnan(scale):
            warnings.warn(
                "Two measurements without y_error tell nothing about errors, which are NaN. A "
                "third one, or y_error, would.",
                TransportWarning,
                stacklevel=4,
            )
        implausible = stats.chi2.ppf(1 - _CONTRADICTION, dof) / dof if dof else np.inf
        self._has_known_errors = has_errors and not scatter > implausible
        self._measurement_variance = float(scale / weights.mean())
        turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # from (slope, intercept) to ours
        self.covariance_ = scale * (turn @ covariance @ turn.T)
        self.log_prefactor_, self.activation_energy_ = float(line[1]), -float(line[0])
        errors = np.sqrt(np.diag(self.covariance_)).tolist()
        self.log_prefactor_error_, self.activation_energy_error_ = errors
        reach = self._quantile() * self.activation_energy_error_
        self.activation_energy_interval_ = self.activation_energy_ + reach * np.array([-1, 1])
        with np.errstate(over="ignore"):
            self.prefactor_ = float(np.exp(self.log_prefactor_))
        self.r2_ = float(r2_score(log_y, fitted, sample_weight=weights))

    def _quantile(self, confidence: float | None = None) -> float:
        """Half width of an interval in standard errors."""
        tail = (1 + (self._confidence if confidence is None else confidence)) / 2
        if self._has_known_errors:
            return float(stats.norm.ppf(tail))
        return float(stats.t.ppf(tail, self.n_degrees_of_freedom_))  # NaN for none

    def _log_line(self, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.log_prefactor_ - self.activation_energy_ / (_BOLTZMANN * temperatures)

    def _log_variance(self, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        x = 1 / (_BOLTZMANN * temperatures)
        design = np.column_stack([np.ones_like(x), -x])
        variance = np.einsum("ij,jk,ik->i", design, self.covariance_, design)
        return np.maximum(variance, 0)  # rounding, where the line is exact

    def _property(
        self, temperatures: NDArray[np.float64], logarithm: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            values = np.exp(logarithm)
        return values / temperatures if self._form == "sigmaT" else values

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "activation_energy_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # As for IsotonicRegression: checks with several columns do not apply.
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.target_tags.positive_only = True
        return tags
