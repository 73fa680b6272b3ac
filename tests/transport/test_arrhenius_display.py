"""The picture over 1000/T: what is drawn where, and what it says."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from skxrd._style import COLORS
from skxrd.exceptions import MissingDependencyError, TransportWarning
from skxrd.transport import ArrheniusDisplay, ArrheniusRegressor, eis_conductivity
from skxrd.transport._arrhenius._temperature_axis import round_temperatures

T = np.array([293.0, 298.0, 303.0, 313.0, 323.0])
SIGMA = eis_conductivity([875, 702, 580, 325, 212], thickness=0.05, area=0.785).value


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def model():
    return ArrheniusRegressor("sigma").fit(T, SIGMA)


def texts(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_from_estimator_draws_points_line_band_and_prediction(model):
    display = ArrheniusDisplay.from_estimator(model, T, SIGMA, label="LASeI")
    ax = display.ax_
    assert display.figure_ is ax.figure
    assert ax.get_xlabel() == "1000/T (1/K)"
    assert ax.get_ylabel() == "σ (S/cm)"
    assert ax.get_yscale() == "log"
    (points,) = ax.containers
    np.testing.assert_allclose(points[0].get_xdata(), 1000 / T)
    np.testing.assert_allclose(points[0].get_ydata(), SIGMA)
    dashed, solid, *_ = ax.get_lines()
    np.testing.assert_allclose(dashed.get_ydata(), model.predict(1000 / dashed.get_xdata()))
    assert solid.get_xdata().min() == pytest.approx(1000 / 323)
    prediction = ax.get_lines()[-1]
    assert prediction.get_xdata() == pytest.approx([1000 / 300])
    assert prediction.get_ydata() == pytest.approx([1.009551e-4], rel=1e-6)
    assert texts(display) == [
        "LASeI: Eₐ = 0.394 ± 0.051 eV (95 %)\nσ(300 K) = 1.01e-04 [9.35e-05, 1.09e-04] S/cm"
    ]
    band = ax.collections[0].get_paths()[0].vertices
    intervals = model.predict_interval(T)
    assert band[:, 1].min() == pytest.approx(intervals[0, 0])
    assert band[:, 1].max() == pytest.approx(intervals[-1, 1])


def test_line_reaches_the_extrapolation_and_is_dashed_beyond_the_measurements():
    temperatures = [600, 900, 1200]
    y = np.array([1e-5, 5e-5, 2e-4])
    model = ArrheniusRegressor("D").fit(temperatures, y, y_error=0.1 * y)
    display = ArrheniusDisplay.from_estimator(model, temperatures, y, 0.1 * y, extrapolate_to=300)
    dashed, solid, *_ = display.ax_.get_lines()
    assert (dashed.get_linestyle(), solid.get_linestyle()) == ("--", "-")
    assert dashed.get_xdata().max() == pytest.approx(1000 / 300)
    assert solid.get_xdata().max() == pytest.approx(1000 / 600)
    assert display.ax_.get_ylabel() == "D (cm²/s)"
    segments = display.ax_.containers[0][2][0].get_segments()
    np.testing.assert_allclose(segments[0][:, 1], 1e-5 * np.exp([-0.1, 0.1]))
    inside = ArrheniusDisplay.from_estimator(model, temperatures, y, extrapolate_to=None)
    assert inside.ax_.get_lines()[0].get_xdata().max() == pytest.approx(1000 / 600)
    assert "\n" not in texts(inside)[0]


def test_sigma_times_temperature_is_drawn_as_the_line_that_was_fitted():
    model = ArrheniusRegressor("sigmaT").fit(T, SIGMA)
    display = ArrheniusDisplay.from_estimator(model, T, SIGMA)
    assert display.ax_.get_ylabel() == "σT (S K/cm)"
    line = display.ax_.get_lines()[0]
    slope = np.diff(np.log(line.get_ydata())) / np.diff(line.get_xdata())
    np.testing.assert_allclose(slope, slope[0], rtol=1e-6)
    np.testing.assert_allclose(display.ax_.containers[0][0].get_ydata(), SIGMA * T)
    assert "σ(300 K) = 1.01e-04" in texts(display)[0]
    plain = ArrheniusDisplay.from_estimator(model, T, SIGMA, times_temperature=False)
    assert plain.ax_.get_ylabel() == "σ (S/cm)"
    np.testing.assert_allclose(plain.ax_.containers[0][0].get_ydata(), SIGMA)


def test_series_share_axes_and_differ_in_color_and_marker(model):
    first = ArrheniusDisplay.from_estimator(model, T, SIGMA, label="a")
    hot = T + 300
    other = ArrheniusRegressor("sigma").fit(hot, SIGMA)
    second = ArrheniusDisplay.from_estimator(other, hot, SIGMA, label="b", ax=first.ax_)
    assert second.ax_ is first.ax_
    points = [container[0] for container in second.ax_.containers]
    assert [to_hex(line.get_color()).upper() for line in points] == list(COLORS[:2])
    assert points[0].get_marker() != points[1].get_marker()
    assert [text[:2] for text in texts(second)] == ["a:", "b:"]
    (upper,) = second.ax_.child_axes  # one, with the ticks of the new limits
    shown = [float(text.get_text()) for text in upper.get_xticklabels()]
    assert min(shown) <= 300
    assert max(shown) >= 600
    np.testing.assert_allclose(upper.get_xticks(), 1000 / np.array(shown))


def test_color_is_that_of_the_user(model):
    display = ArrheniusDisplay.from_estimator(model, T, SIGMA, color="black")
    assert {to_hex(line.get_color()) for line in display.ax_.get_lines()} == {"#000000"}


def test_unknown_errors_leave_no_interval():
    with pytest.warns(TransportWarning):
        model = ArrheniusRegressor("sigma").fit(T[:2], SIGMA[:2])
    display = ArrheniusDisplay.from_estimator(model, T[:2], SIGMA[:2])
    assert "±" not in texts(display)[0]
    assert "[" not in texts(display)[0]
    display.figure_.canvas.draw()


def test_draws_again_on_other_axes(model):
    display = ArrheniusDisplay.from_estimator(model, T[:, np.newaxis], SIGMA)
    _, ax = plt.subplots()
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax


@pytest.mark.parametrize(
    ("left", "right"), [(0.6, 3.5), (3.08, 3.43), (0.6, 0.7), (-0.1, 3.0), (0.99, 1.01)]
)
def test_temperatures_on_the_upper_axis_are_round_and_apart(left, right):
    temperatures = round_temperatures(left, right)
    assert 3 <= len(temperatures) <= 10
    assert (temperatures == np.round(temperatures)).all()
    positions = 1000 / temperatures
    assert ((positions >= left) & (positions <= right)).all()
    assert (-np.diff(positions) >= 0.099 * (right - left)).all()


ARRAYS = {
    "line_temperatures": [300, 400],
    "line_values": [1.0, 2.0],
    "line_intervals": [[0.5, 2.0], [1.0, 4.0]],
    "activation_energy": 0.3,
    "activation_energy_interval": [0.2, 0.4],
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"errors": [0.1]}, "temperatures, values and errors"),
        ({"line_values": [1.0]}, "line_temperatures, line_values"),
        ({"line_intervals": [1.0, 2.0]}, "last two columns"),
        ({"extrapolate_to": 350}, "extrapolate_to must be one of line_temperatures, got 350"),
        ({"form": "log"}, "form must be one of"),
    ],
)
def test_bad_arrays(changed, message):
    with pytest.raises(ValueError, match=message):
        ArrheniusDisplay([300, 400], [1.0, 2.0], **{**ARRAYS, **changed})


def test_bad_arguments(model):
    with pytest.raises(ValueError, match="X must be positive"):
        ArrheniusDisplay.from_estimator(model, -T, SIGMA)
    with pytest.raises(ValueError, match="extrapolate_to must be positive"):
        ArrheniusDisplay.from_estimator(model, T, SIGMA, extrapolate_to=-300)
    with pytest.raises(ValueError, match="same length"):
        ArrheniusDisplay.from_estimator(model, T, SIGMA[:3])
    assert not plt.get_fignums()


def test_without_matplotlib(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match="ArrheniusDisplay needs matplotlib"):
        ArrheniusDisplay.from_estimator(model, T, SIGMA)


def test_parameters_that_change_later_change_nothing(model):
    model.set_params(form="D", confidence=0.5)
    display = ArrheniusDisplay.from_estimator(model, T, SIGMA)
    assert (display.form, display.confidence) == ("sigma", 0.95)
