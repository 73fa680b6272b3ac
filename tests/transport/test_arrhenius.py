"""The line of Arrhenius: exact numbers, honest intervals, scikit-learn's habits."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import constants
from sklearn.base import clone, is_regressor
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags

from skxrd.exceptions import TransportWarning
from skxrd.transport import ArrheniusRegressor, eis_conductivity

KB = constants.k / constants.e
T = np.array([293.0, 298.0, 303.0, 313.0, 323.0])
SIGMA = eis_conductivity([875, 702, 580, 325, 212], thickness=0.05, area=0.785).value


def law(temperatures, prefactor=1e-3, energy=0.25):
    return prefactor * np.exp(-energy / (KB * np.asarray(temperatures, dtype=float)))


# Energy, standard error, half width, log prefactor, r2, value and interval at 300 K: computed with
# a separate least-squares routine from the resistances of Table S4.
@pytest.mark.parametrize(
    ("form", "energy", "error", "half", "log_prefactor", "r2", "value", "interval"),
    [
        *(
            (form, 0.394430, 0.016137, 0.05135, 6.056395, 0.99500, 1.009551e-4, values)
            for form, values in [
                ("sigma", [9.34749e-5, 1.090339e-4]),
                ("D", [9.34749e-5, 1.090339e-4]),
            ]
        ),
        (
            *("sigmaT", 0.420941, 0.016243, 0.05169, 12.785978, 0.99555, 1.009865e-4),
            [9.34564e-5, 1.091234e-4],
        ),
    ],
)
def test_table_s4(form, energy, error, half, log_prefactor, r2, value, interval):
    model = ArrheniusRegressor(form).fit(T, SIGMA)
    assert model.activation_energy_ == pytest.approx(energy, abs=1e-6)
    assert model.activation_energy_error_ == pytest.approx(error, abs=1e-6)
    np.testing.assert_allclose(
        model.activation_energy_interval_, [energy - half, energy + half], atol=1e-5
    )
    assert model.log_prefactor_ == pytest.approx(log_prefactor, abs=2e-6)
    assert model.prefactor_ == pytest.approx(np.exp(log_prefactor), rel=2e-6)
    assert model.r2_ == pytest.approx(r2, abs=1e-5)
    assert model.n_degrees_of_freedom_ == 3
    assert np.isnan(model.reduced_chi_square_)
    np.testing.assert_allclose(model.predict([300]), [value], rtol=1e-6)
    np.testing.assert_allclose(model.predict_interval([300]), [interval], rtol=1e-6)


def test_prediction_interval_holds_the_measurement():
    model = ArrheniusRegressor("sigma").fit(T, SIGMA)
    ((low, high),) = model.predict_interval([298], kind="prediction")
    assert (low, high) == pytest.approx((7.66e-5, 1.084e-4), rel=1e-3)
    assert low < SIGMA[1] < high
    ((inner_low, inner_high),) = model.predict_interval([298])
    assert low < inner_low < inner_high < high


@pytest.mark.parametrize("form", ["D", "sigma", "sigmaT"])
def test_an_exact_law_is_found(form):
    temperatures = np.array([600, 900, 1200, 1500])
    y = law(temperatures) / (temperatures if form == "sigmaT" else 1)
    model = ArrheniusRegressor(form).fit(temperatures, y)
    assert model.activation_energy_ == pytest.approx(0.25, rel=1e-9)
    assert model.prefactor_ == pytest.approx(1e-3, rel=1e-9)
    expected = 6.312260e-8 / (300 if form == "sigmaT" else 1)
    np.testing.assert_allclose(model.predict([300]), [expected], rtol=2e-7)  # of seven digits
    np.testing.assert_allclose(
        model.predict([300]), law([300]) / (300 if form == "sigmaT" else 1), rtol=1e-9
    )
    assert model.r2_ == pytest.approx(1)
    assert model.score(temperatures, y) == pytest.approx(1)
    assert (model.predict_interval([300]) > 0).all()  # no square root of a negative rounding error


def test_activation_energies_of_the_two_forms_differ_by_kT():
    energies = [ArrheniusRegressor(f).fit(T, SIGMA).activation_energy_ for f in ("sigma", "sigmaT")]
    assert np.diff(energies) == pytest.approx(KB * T.mean(), rel=0.02)


def coverage(relative_errors, *, claim, n_draws=2000, scale=1.0):
    """Part of the 95 % intervals that hold the activation energy, and the value at 300 K."""
    rng = np.random.default_rng(7)
    temperatures = np.linspace(600, 1500, len(relative_errors))
    truth, hits = law(temperatures), np.zeros(2)
    for noise in rng.normal(size=(n_draws, len(temperatures))):
        y = truth * np.exp(scale * relative_errors * noise)
        model = ArrheniusRegressor().fit(temperatures, y, **claim(relative_errors, y))
        low, high = model.activation_energy_interval_
        hits[0] += low <= 0.25 <= high
        ((low, high),) = model.predict_interval([300])
        hits[1] += low <= law(300) <= high
    return hits / n_draws


ERRORS = np.array([0.5, 0.15, 0.05, 0.03])
CLAIMS = {
    "y_error": lambda relative, y: {"y_error": relative * y},
    "sample_weight": lambda relative, y: {"sample_weight": relative**-2.0},
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(
    "relative_errors",
    [
        ERRORS,
        pytest.param(ERRORS[:3], marks=pytest.mark.slow),
        pytest.param(np.full(6, 0.1), marks=pytest.mark.slow),
    ],
    ids=len,
)
def test_intervals_of_right_errors_hold_the_truth(claim, relative_errors):
    found = coverage(relative_errors, claim=CLAIMS[claim])
    assert ((found >= 0.93) & (found <= 0.97)).all(), found


def test_intervals_of_wrong_errors():
    # With errors too small by a factor of 2, weights are still right, and errors are not.
    options = {"scale": 2.0, "n_draws": 1000}
    weights = coverage(ERRORS, claim=CLAIMS["sample_weight"], **options)
    errors = coverage(ERRORS, claim=CLAIMS["y_error"], **options)
    assert ((weights >= 0.93) & (weights <= 0.97)).all(), weights
    assert ((errors >= 0.84) & (errors <= 0.90)).all(), errors  # 0.68 if the errors were believed


def test_contradicted_errors_count_as_weights():
    errors = np.array([0.01, 0.02, 0.01, 0.02, 0.01])
    weights = ArrheniusRegressor("sigma").fit(T, SIGMA, sample_weight=errors**-2)
    contradicted = ArrheniusRegressor("sigma").fit(T, SIGMA, y_error=errors * SIGMA)
    assert contradicted.reduced_chi_square_ > 2.605  # chi-square of 3, 5 % level, divided by 3
    kinds = ("confidence", "prediction")
    for kind in kinds:
        np.testing.assert_allclose(
            contradicted.predict_interval([300], kind=kind),
            weights.predict_interval([300], kind=kind),
        )
    np.testing.assert_allclose(
        contradicted.activation_energy_interval_, weights.activation_energy_interval_
    )
    # A scatter that is larger than the errors but plausible widens them, with the normal quantile.
    factor = np.sqrt(contradicted.reduced_chi_square_ / 2)
    plausible = ArrheniusRegressor("sigma").fit(T, SIGMA, y_error=factor * errors * SIGMA)
    assert plausible.reduced_chi_square_ == pytest.approx(2)
    np.testing.assert_allclose(plausible.covariance_, contradicted.covariance_)
    half = np.diff(plausible.activation_energy_interval_) / 2
    assert half == pytest.approx(1.959964 * plausible.activation_energy_error_, rel=1e-6)


def test_weighted_line_is_better_than_an_unweighted_one():
    rng = np.random.default_rng(0)
    temperatures = np.array([600, 900, 1200, 1500])
    y = law(temperatures) * np.exp(ERRORS * rng.normal(size=(300, 4)))
    plain = [ArrheniusRegressor().fit(temperatures, row).activation_energy_ for row in y]
    weighted = [
        ArrheniusRegressor().fit(temperatures, row, y_error=ERRORS * row).activation_energy_
        for row in y
    ]
    assert np.std(plain) == pytest.approx(0.045, abs=0.006)
    assert np.std(weighted) == pytest.approx(0.020, abs=0.003)


def test_errors_grow_with_the_scatter_and_never_shrink():
    errors = 1e-3 * SIGMA
    small = ArrheniusRegressor("sigma").fit(T, SIGMA, y_error=errors)
    assert small.reduced_chi_square_ > 100
    scatter = ArrheniusRegressor("sigma").fit(T, SIGMA)  # the same relative errors: equal weights
    np.testing.assert_allclose(small.covariance_, scatter.covariance_, rtol=1e-8)
    large = ArrheniusRegressor("sigma").fit(T, SIGMA, y_error=SIGMA)
    assert large.reduced_chi_square_ < 0.1
    twice = ArrheniusRegressor("sigma").fit(T, SIGMA, y_error=2 * SIGMA)
    np.testing.assert_allclose(twice.covariance_, 4 * large.covariance_)
    x = 1 / (KB * T)
    expected = 1 / np.sqrt(np.sum((x - x.mean()) ** 2))  # for ln y known to 1
    assert large.activation_energy_error_ == pytest.approx(expected)


def test_covariance_gives_the_error_of_the_prediction():
    model = ArrheniusRegressor("sigma").fit(T, SIGMA)
    assert np.sqrt(model.covariance_[0, 0]) == pytest.approx(model.log_prefactor_error_)
    assert np.sqrt(model.covariance_[1, 1]) == pytest.approx(model.activation_energy_error_)
    value, error = model.predict([300.0], return_std=True)
    gradient = np.array([1, -1 / (KB * 300)])
    assert error[0] / value[0] == pytest.approx(np.sqrt(gradient @ model.covariance_ @ gradient))
    assert model.covariance_[0, 1] > 0  # a steeper line starts higher


def test_two_temperatures_give_a_line_without_errors():
    with pytest.warns(TransportWarning, match="Two measurements without y_error"):
        model = ArrheniusRegressor().fit([600, 900], law([600, 900]))
    assert model.activation_energy_ == pytest.approx(0.25)
    assert np.isnan(model.activation_energy_error_)
    assert np.isnan(model.activation_energy_interval_).all()
    assert np.isnan(model.predict_interval([300])).all()
    np.testing.assert_allclose(model.predict([300]), law([300]))


def test_two_temperatures_with_errors_have_intervals():
    y = law([600, 900])
    model = ArrheniusRegressor().fit([600, 900], y, y_error=[0.2, 0.1] * y)
    expected = np.hypot(0.2, 0.1) * KB / (1 / 600 - 1 / 900)
    assert model.activation_energy_error_ == pytest.approx(expected)
    assert np.isnan(model.reduced_chi_square_)
    half = np.diff(model.activation_energy_interval_)[0] / 2
    assert half == pytest.approx(1.959964 * expected, rel=1e-6)


def test_confidence():
    wide, narrow = (
        ArrheniusRegressor("sigma", confidence=level).fit(T, SIGMA) for level in (0.99, 0.68)
    )
    assert np.diff(wide.activation_energy_interval_) > np.diff(narrow.activation_energy_interval_)
    np.testing.assert_allclose(
        wide.predict_interval([300], confidence=0.68), narrow.predict_interval([300])
    )


def test_weights_are_ratios_and_zero_removes():
    weights = np.array([1.0, 2.0, 0.0, 3.0, 1.0])
    model = ArrheniusRegressor().fit(T, SIGMA, sample_weight=weights)
    scaled = ArrheniusRegressor().fit(T, SIGMA, sample_weight=100 * weights)
    kept = weights > 0
    removed = ArrheniusRegressor().fit(T[kept], SIGMA[kept], sample_weight=weights[kept])
    for other in (scaled, removed):
        np.testing.assert_allclose(model.covariance_, other.covariance_)
        np.testing.assert_allclose(model.predict_interval([300]), other.predict_interval([300]))
        assert model.n_degrees_of_freedom_ == other.n_degrees_of_freedom_ == 2
    repeated = ArrheniusRegressor().fit(T.repeat([1, 2, 0, 3, 1]), SIGMA.repeat([1, 2, 0, 3, 1]))
    assert repeated.activation_energy_ == pytest.approx(model.activation_energy_)
    assert model.activation_energy_ != ArrheniusRegressor().fit(T, SIGMA).activation_energy_


def test_prediction_interval_of_weights_is_that_of_the_mean_weight():
    one = ArrheniusRegressor().fit(T, SIGMA)
    other = ArrheniusRegressor().fit(T, SIGMA, sample_weight=np.full(5, 7.0))
    kinds = {"kind": "prediction"}
    np.testing.assert_allclose(
        one.predict_interval([298], **kinds), other.predict_interval([298], **kinds)
    )


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([300, -5, 400], SIGMA[:3], r"X must be positive .*in K\); row 1 is -5"),
        ([300, 350, np.nan], SIGMA[:3], "row 2 is nan"),
        ([300, 350, np.inf], SIGMA[:3], "row 2 is inf"),
        ([0, 0, 400], SIGMA[:3], "row 0 is 0, and 1 more"),
        ([300, 350, 400], [1, 0, 1], r"y must be positive .*row 1 is 0\."),
        ([300, 350, 400], [1, 1, -2], r"y must be positive .*row 2 is -2\."),
        ([300, 350, 400], [1, np.nan, 1], "y must be positive .*row 1 is nan"),
        ([300, 300, 300], [1, 2, 1], "at least two different temperatures.*found: 300 K"),
        ([300], [1], "at least two different temperatures"),
        ([], [], "0 sample"),
        ([300, 350, 400], [1, 2], "inconsistent numbers of samples"),
        (np.ones((3, 2)), [1, 2, 3], r"shape \(n_samples,\) or \(n_samples, 1\); got shape \(3, 2"),
        (300.0, [1.0], r"got shape \(\)"),
        ([300, 350, 400], np.ones((3, 2)), "y should be a 1d array"),
        (["warm", "hot"], [1, 2], "could not convert"),
    ],
)
def test_bad_measurements(X, y, message):
    with pytest.raises(ValueError, match=message):
        ArrheniusRegressor().fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y_error": [0.1, 0, 0.1]}, "y_error must be positive .*row 1 is 0"),
        ({"y_error": [0.1, np.nan, 0.1]}, "y_error must be positive .*row 1 is nan"),
        ({"y_error": [0.1, 0.1]}, "inconsistent numbers"),
        ({"sample_weight": [1, -1, 1]}, "sample_weight .* row 1 is -1"),
        ({"sample_weight": [1, 1]}, "inconsistent numbers"),
        ({"sample_weight": [1, 0, 0]}, "two different temperatures .*found: 300 K"),
        ({"sample_weight": [0, 0, 0]}, "found: none"),
        ({"sample_weight": [1, 1, 1], "y_error": [1, 1, 1]}, "sample_weight and y_error"),
    ],
)
def test_bad_weights(options, message):
    with pytest.raises(ValueError, match=message):
        ArrheniusRegressor().fit([300, 350, 400], [1.0, 2.0, 3.0], **options)


@pytest.mark.parametrize("parameters", [{"form": "linear"}, {"confidence": 1.0}])
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=f"The {next(iter(parameters))!r} parameter"):
        ArrheniusRegressor(**parameters).fit(T, SIGMA)


def test_bad_requests():
    model = ArrheniusRegressor()
    with pytest.raises(NotFittedError):
        model.predict([300])
    with pytest.raises(NotFittedError):
        model.predict_interval([300])
    model.fit(T, SIGMA)
    with pytest.raises(ValueError, match="X must be positive"):
        model.predict([-1])
    with pytest.raises(ValueError, match="'kind' parameter"):
        model.predict_interval([300], kind="credible")
    with pytest.raises(ValueError, match="'confidence' parameter"):
        model.predict_interval([300], confidence=95)
    with pytest.raises(ValueError, match="got shape"):
        model.predict([[300, 301]])


def test_both_shapes_and_frames_mean_the_same():
    row = ArrheniusRegressor().fit(T, SIGMA)
    for X in (T[:, np.newaxis], T.tolist(), pd.Series(T), pd.DataFrame({"temperature": T})):
        model = ArrheniusRegressor().fit(X, pd.Series(SIGMA))
        assert model.n_features_in_ == 1
        assert model.predict(X).shape == T.shape
        np.testing.assert_array_equal(model.predict(X), row.predict(T))
        np.testing.assert_array_equal(model.predict([300]), row.predict([[300]]))
    assert model.feature_names_in_.tolist() == ["temperature"]
    with pytest.warns(DataConversionWarning):
        ArrheniusRegressor().fit(T, SIGMA[:, np.newaxis])


def test_input_is_left_alone():
    arrays = [T.copy(), SIGMA.copy(), 0.1 * SIGMA]
    for array in arrays:
        array.setflags(write=False)
    model = ArrheniusRegressor().fit(arrays[0], arrays[1], y_error=arrays[2])
    model.predict_interval(arrays[0])
    np.testing.assert_array_equal(arrays[0], T)


def test_order_of_rows_does_not_matter(rng):
    order = rng.permutation(5)
    np.testing.assert_allclose(
        ArrheniusRegressor().fit(T[order], SIGMA[order]).covariance_,
        ArrheniusRegressor().fit(T, SIGMA).covariance_,
    )


def test_scikit_learn_habits():
    model = ArrheniusRegressor("sigmaT", confidence=0.9)
    assert is_regressor(model)
    tags = get_tags(model).input_tags
    assert tags.one_d_array
    assert not tags.two_d_array  # of one column only
    assert clone(model).get_params() == {"form": "sigmaT", "confidence": 0.9}
    model.fit(T, SIGMA)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_interval(T), model.predict_interval(T))
    assert not hasattr(clone(model), "activation_energy_")
    assert model.fit(T, SIGMA) is model
    with pytest.raises(TypeError):
        ArrheniusRegressor("D", 0.9)


@pytest.mark.parametrize(
    "check",
    [
        # All that take no data of their own: for one column scikit-learn has no data.
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_checks_of_scikit_learn(check):
    getattr(estimator_checks, check)("ArrheniusRegressor", ArrheniusRegressor())


def test_pipeline_from_celsius():
    celsius = FunctionTransformer(lambda t: t + 273.15, validate=True)
    model = make_pipeline(celsius, ArrheniusRegressor("sigma")).fit((T - 273.15)[:, None], SIGMA)
    np.testing.assert_allclose(model.predict([[26.85]]), [1.009551e-4], rtol=1e-6)


def test_search_over_forms_finds_the_true_one(rng):
    temperatures = np.linspace(300, 900, 40)
    y = law(temperatures, energy=0.1) / temperatures * np.exp(0.002 * rng.normal(size=40))
    search = GridSearchCV(ArrheniusRegressor(), {"form": ["D", "sigma", "sigmaT"]}, cv=4)
    search.fit(temperatures[:, None], y)
    assert search.best_params_ == {"form": "sigmaT"}
    assert cross_val_score(search.best_estimator_, temperatures, y, cv=4).mean() > 0.9


def test_a_hopeless_extrapolation_does_not_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ArrheniusRegressor().fit([1000, 1001, 1002], [1.0, 1e5, 1.0])
        ((low, high),) = model.predict_interval([10])
    assert low == 0
    assert high == np.inf


def test_parameters_that_change_later_change_nothing():
    model = ArrheniusRegressor("D").fit(T, SIGMA)
    expected = model.predict([300]), model.predict_interval([300])
    model.set_params(form="sigmaT", confidence=0.5)
    np.testing.assert_array_equal(model.predict([300]), expected[0])
    np.testing.assert_array_equal(model.predict_interval([300]), expected[1])
