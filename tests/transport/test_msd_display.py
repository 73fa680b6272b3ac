"""The picture shows the curves, windows and lines of the fits."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skxrd.exceptions import MissingDependencyError
from skxrd.transport import (
    DiffusionEstimator,
    MeanSquaredDisplacementDisplay,
    make_hopping_trajectory,
)

LAGS = np.arange(51) * 0.1


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fits():
    return [
        DiffusionEstimator().fit(
            make_hopping_trajectory(hop_rate=rate, temperature=temperature, random_state=0)
        )
        for temperature, rate in ((600, 0.2), (900, 0.6))
    ]


def curves(display):
    """Lines of the axes that are not black fits."""
    return [line for line in display.ax_.lines if line.get_color() != "black"]


def lines(display):
    return [line for line in display.ax_.lines if line.get_color() == "black"]


def test_curves_are_those_of_the_estimators(fits):
    display = MeanSquaredDisplacementDisplay.from_estimators(fits)
    tracer, fast, collective, _ = curves(display)
    np.testing.assert_array_equal(tracer.get_xdata(), fits[0].lag_times_[1:])
    np.testing.assert_array_equal(tracer.get_ydata(), fits[0].mean_squared_displacement_[1:])
    np.testing.assert_array_equal(
        collective.get_ydata(), fits[0].collective_mean_squared_displacement_[1:]
    )
    assert tracer.get_color() == collective.get_color() != fast.get_color()
    assert tracer.get_linestyle() != collective.get_linestyle()
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlabel() == "Lag time (ps)"
    assert display.ax_.get_ylabel() == "Mean squared displacement (Å²)"


def test_lines_lie_on_the_curves(fits):
    display = MeanSquaredDisplacementDisplay.from_estimators(fits, scale="linear")
    assert len(lines(display)) == 4
    curve, line = curves(display)[0], lines(display)[0]
    np.testing.assert_allclose(line.get_xdata()[[0, -1]], fits[0].fit_window_)
    on_curve = np.interp(line.get_xdata(), curve.get_xdata(), curve.get_ydata())
    np.testing.assert_allclose(line.get_ydata(), on_curve, rtol=0.03)
    slope = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    np.testing.assert_allclose(slope, 6 * fits[0].diffusivity_ * 1e4)


def test_slope_follows_the_dimension():
    trajectory = make_hopping_trajectory(random_state=0)
    flat = DiffusionEstimator(dimension=2).fit(trajectory)
    full = DiffusionEstimator().fit(trajectory)
    displays = [MeanSquaredDisplacementDisplay.from_estimator(fit) for fit in (flat, full)]
    np.testing.assert_allclose(displays[0].lines, displays[1].lines)


def test_parameters_that_change_later_change_nothing():
    fit = DiffusionEstimator().fit(make_hopping_trajectory(random_state=0))
    expected = MeanSquaredDisplacementDisplay.from_estimator(fit).lines
    fit.set_params(dimension=1)
    np.testing.assert_array_equal(
        MeanSquaredDisplacementDisplay.from_estimator(fit).lines, expected
    )


@pytest.mark.parametrize(("quantity", "n_curves"), [("tracer", 2), ("collective", 2), ("both", 4)])
def test_quantity(fits, quantity, n_curves):
    display = MeanSquaredDisplacementDisplay.from_estimators(fits, quantity=quantity)
    assert len(curves(display)) == len(lines(display)) == n_curves
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend[:2] == ["600 K", "900 K"]
    assert ("Collective" in legend) == (quantity != "tracer")
    assert legend[-1] == "Fit window"


def test_names(fits):
    named = MeanSquaredDisplacementDisplay.from_estimators({"slow": fits[0], "fast": fits[1]})
    assert named.labels == ["slow", "fast"]
    assert MeanSquaredDisplacementDisplay.from_estimator(fits[0], label="mine").labels == ["mine"]
    nameless = DiffusionEstimator().fit(make_hopping_trajectory(temperature=None, random_state=0))
    assert MeanSquaredDisplacementDisplay.from_estimator(nameless).labels == ["0"]


def test_arrays_alone_and_given_axes():
    _, ax = plt.subplots()
    display = MeanSquaredDisplacementDisplay([LAGS, LAGS[:5]], [LAGS, 2 * LAGS[:5]])
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(curves(display)) == 2
    assert not lines(display)
    with pytest.raises(ValueError, match="needs collective displacements"):
        display.plot(quantity="collective")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lag_times": [], "tracer": []}, "at least one run"),
        ({"tracer": [LAGS[1:]]}, "tracer must have a value at each lag"),
        ({"collective": [LAGS, LAGS]}, "collective must have a value at each lag"),
        ({"labels": ["a", "b"]}, "labels must name all 1 runs; got 2"),
        ({"fit_windows": [[1, 2]]}, "belong together"),
        ({"fit_windows": [[1, 2]], "lines": [[1, 2]]}, r"shapes \(1, 2\) and \(1, 2, 2\)"),
    ],
)
def test_bad_arrays(arguments, message):
    with pytest.raises(ValueError, match=message):
        MeanSquaredDisplacementDisplay(**{"lag_times": [LAGS], "tracer": [LAGS], **arguments})


def test_bad_plots(fits):
    display = MeanSquaredDisplacementDisplay([LAGS], [LAGS])
    with pytest.raises(ValueError, match="scale must be 'log' or 'linear'; got 'loglog'"):
        display.plot(scale="loglog")
    with pytest.raises(ValueError, match=r"quantity must be .* got 'all'"):
        display.plot(quantity="all")
    with pytest.raises(NotFittedError):
        MeanSquaredDisplacementDisplay.from_estimator(DiffusionEstimator())
    with pytest.raises(ValueError, match="at least one run"):
        MeanSquaredDisplacementDisplay.from_estimators([])


def test_matplotlib_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match="MeanSquaredDisplacementDisplay needs"):
        MeanSquaredDisplacementDisplay([LAGS], [LAGS]).plot()
