"""From ohm and ampere to conductivities: the printed tables, errors, bad numbers."""

import numpy as np
import pandas as pd
import pytest

from skxrd.transport import (
    ArrheniusRegressor,
    dc_electronic_conductivity,
    eis_conductivity,
    ionic_transference_number,
)

PELLET = {"thickness": 0.05, "area": 0.785}
OHM = [875, 702, 580, 325, 212]


def test_table_s4():
    value, error = eis_conductivity(OHM, **PELLET)
    expected = [7.2793449e-5, 9.0732575e-5, 1.0981770e-4, 1.9598236e-4, 3.0044466e-4]
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    logarithms = [-4.1379077, -4.0422368, -3.9593276, -3.7077830, -3.5222355]
    np.testing.assert_allclose(np.log10(value), logarithms, atol=1e-6)
    assert error is None


def test_table_s5():
    electronic, error = dc_electronic_conductivity(1.5e-7, 0.3, **PELLET)
    assert electronic == pytest.approx(3.184713e-8, rel=1e-6)
    assert PELLET["thickness"] / (electronic * PELLET["area"]) == pytest.approx(2.0e6)
    assert error is None
    total = eis_conductivity(702, **PELLET).value
    assert electronic / total == pytest.approx(3.510e-4, rel=1e-6)
    assert ionic_transference_number(total, electronic).value == pytest.approx(0.999649, abs=1e-9)


def test_both_signs_of_a_polarization_mean_the_same():
    plus, minus = (dc_electronic_conductivity(s * 1.5e-7, s * 0.3, **PELLET) for s in (1, -1))
    assert plus == minus


def test_numbers_stay_numbers_and_arrays_broadcast():
    assert isinstance(eis_conductivity(702, **PELLET).value, float)
    value, error = eis_conductivity(
        np.array([[100.0], [200.0]]), thickness=[0.05, 0.1, 0.2], area=0.5, area_error=[0.01] * 3
    )
    assert value.shape == error.shape == (2, 3)
    np.testing.assert_allclose(value[1, 2], 0.2 / 200 / 0.5)
    one = eis_conductivity(100.0, thickness=0.05, area=0.5, resistance_error=[1.0, 2.0])
    assert np.shape(one.value) == np.shape(one.error) == (2,)
    series = eis_conductivity(pd.Series(OHM), **PELLET).value
    np.testing.assert_array_equal(series, eis_conductivity(OHM, **PELLET).value)


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (eis_conductivity, {"resistance": 702.0, **PELLET}),
        (dc_electronic_conductivity, {"current": 1.5e-7, "voltage": 0.3, **PELLET}),
        (ionic_transference_number, {"total": 9e-5, "electronic": 3e-5}),
    ],
)
def test_errors_are_those_of_many_draws(function, numbers):
    rng = np.random.default_rng(0)
    errors = {name: 0.01 * (1 + i) * value for i, (name, value) in enumerate(numbers.items())}
    drawn = {name: rng.normal(numbers[name], errors[name], 200_000) for name in numbers}

    def call(values, **options):
        order = [name for name in values if name not in PELLET]
        return function(
            *(values[name] for name in order),
            **{name: values[name] for name in values if name in PELLET},
            **options,
        )

    value, error = call(numbers, **{f"{name}_error": errors[name] for name in errors})
    assert error == pytest.approx(call(drawn).value.std(), rel=0.02)
    assert value == pytest.approx(np.median(call(drawn).value), rel=0.01)
    single = [call(numbers, **{f"{name}_error": errors[name]}).error for name in errors]
    assert error == pytest.approx(np.sqrt(np.sum(np.square(single))))
    assert call(numbers, **{f"{next(iter(errors))}_error": 0.0}).error == 0


def test_errors_go_into_the_line_of_arrhenius():
    temperatures = [293, 298, 303, 313, 323]
    measured = eis_conductivity(OHM, **PELLET, resistance_error=0.05 * np.array(OHM))
    np.testing.assert_allclose(measured.error / measured.value, 0.05)
    model = ArrheniusRegressor("sigma").fit(temperatures, measured.value, y_error=measured.error)
    assert model.reduced_chi_square_ > 0
    exact = eis_conductivity(OHM, **PELLET)
    model.fit(temperatures, exact.value, y_error=exact.error)  # None: no error is known
    assert np.isnan(model.reduced_chi_square_)


@pytest.mark.parametrize("wrong", [0.0, -5.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["resistance", "thickness", "area"])
def test_bad_pellets(name, wrong):
    numbers = {"resistance": 702.0, **PELLET, name: [100.0, wrong]}
    message = f"{name} must be {'positive' if np.isfinite(wrong) else 'finite'}; got {wrong:g}"
    with pytest.raises(ValueError, match=message):
        eis_conductivity(numbers.pop("resistance"), **numbers)


@pytest.mark.parametrize("name", ["resistance", "thickness", "area"])
def test_bad_errors(name):
    with pytest.raises(ValueError, match=f"{name}_error must not be negative; got -1"):
        eis_conductivity(702, **PELLET, **{f"{name}_error": -1})
    with pytest.raises(ValueError, match=f"{name}_error must be finite; got nan"):
        eis_conductivity(702, **PELLET, **{f"{name}_error": np.nan})


@pytest.mark.parametrize(
    ("current", "voltage", "message"),
    [
        (1.5e-7, -0.3, "same sign"),
        ([1e-7, -1e-7], 0.3, "same sign"),
        (0.0, 0.3, "current must be positive; got 0"),
        (1e-7, 0.0, "voltage must be positive; got 0"),
        (np.nan, 0.3, "current must be finite"),
        (1e-7, np.inf, "voltage must be finite"),
        ([1e-7, 1e-7], [0.3, 0.3, 0.3], r"do not fit together: current \(2,\), voltage \(3,\)"),
    ],
)
def test_bad_polarizations(current, voltage, message):
    with pytest.raises(ValueError, match=message):
        dc_electronic_conductivity(current, voltage, **PELLET)


@pytest.mark.parametrize(
    ("total", "electronic", "message"),
    [
        (1e-8, 1e-5, "electronic must not be larger than total"),
        (0.0, 1e-8, "total must be positive"),
        (1e-5, -1e-8, "electronic must be positive"),
        (1e-5, np.nan, "electronic must be finite"),
    ],
)
def test_bad_conductivities(total, electronic, message):
    with pytest.raises(ValueError, match=message):
        ionic_transference_number(total, electronic)


def test_shapes_and_types_that_do_not_fit():
    with pytest.raises(ValueError, match=r"resistance \(2,\), area_error \(3,\)"):
        eis_conductivity([1, 2], **PELLET, area_error=[0.1, 0.1, 0.1])
    with pytest.raises(ValueError, match="'resistance' parameter"):
        eis_conductivity(None, **PELLET)
    with pytest.raises(TypeError):
        eis_conductivity(702, 0.05, 0.785)  # which is which must be said
