"""What the pictures of van Hove functions show."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("matplotlib")
from matplotlib import pyplot as plt

from skxrd.transport import IonTrajectory, VanHove, VanHoveDisplay

R = np.array([0.5, 1.5, 2.5])
TIMES = np.array([0.0, 1.0, 2.0, 4.0])
SELF = np.array([[1.0, 0, 0], [0.5, 0.4, 0.1], [0.4, 0.3, 0.2], [0.3, 0.3, 0.3]])
DISTINCT = np.array([[0.0, 2.0, 1.0], [0.5, 1.5, 1.0], [0.7, 1.2, 1.0], [1.0, 1.0, 1.0]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def display():
    return VanHoveDisplay(R, TIMES, SELF, DISTINCT)


@pytest.mark.parametrize(("part", "values"), [("self", SELF), ("distinct", DISTINCT)])
def test_map(display, part, values):
    figure, ax = plt.subplots()
    assert display.plot(ax=ax, part=part) is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert_array_equal(display.mesh_.get_array(), values.T)
    assert ax.get_xlabel() == "Time (ps)"
    assert ax.get_ylabel() == "Distance (Å)"
    assert_allclose(ax.get_ylim(), (0, 3))
    assert part[0] in display.colorbar_.ax.get_ylabel()
    assert ("Å" in display.colorbar_.ax.get_ylabel()) == (part == "self")
    figure.canvas.draw()


def test_colors_leave_out_the_highest_values(rng):
    values = rng.random((40, 50))
    values[0, 0] = 100.0
    display = VanHoveDisplay(np.arange(50) + 0.5, np.arange(40), values, values).plot()
    low, high = display.mesh_.get_clim()
    assert low == 0
    assert 0.9 < high < 1
    assert display.colorbar_.extend == "max"
    assert display.plot(vmin=0.5, vmax=100).mesh_.get_clim() == (0.5, 100)
    assert display.colorbar_.extend == "neither"
    empty = VanHoveDisplay(R, TIMES, np.zeros_like(SELF), DISTINCT)
    assert empty.plot(part="self").mesh_.get_clim() == (0, 1)


def test_curves(display):
    display.plot_curves()
    assert [line.get_label() for line in display.lines_] == ["0 ps", "1 ps", "2 ps", "4 ps"]
    assert_array_equal(display.lines_[2].get_ydata(), DISTINCT[2])
    assert len({line.get_linestyle() for line in display.lines_}) == 4  # told apart in gray
    assert display.ax_.get_xlabel() == "Distance (Å)"
    # The self part starts later: at 0 it is a peak without width.
    display.plot_curves(part="self")
    assert [line.get_label() for line in display.lines_] == ["1 ps", "2 ps", "4 ps"]
    display.plot_curves(lag_times=[3.4, 0.2])
    assert [line.get_label() for line in display.lines_] == ["4 ps", "0 ps"]
    display.plot_curves(lag_times=1.0, part="self")
    assert_array_equal(display.lines_[0].get_ydata(), SELF[1])


def test_from_estimator(rng):
    positions = np.cumsum(rng.normal(0, 0.02, size=(50, 6, 3)), axis=0)
    trajectory = IonTrajectory(positions, 9 * np.eye(3), ["Li"] * 6, time_step=20.0)
    van_hove = VanHove(drift=None, n_origins=5).fit(trajectory)
    display = VanHoveDisplay.from_estimator(van_hove, part="self", vmax=2.0)
    assert_array_equal(display.mesh_.get_array(), van_hove.self_.T)
    assert display.mesh_.get_clim() == (0, 2)
    with pytest.raises(ValueError, match="not fitted yet"):
        VanHoveDisplay.from_estimator(VanHove())


def test_no_distinct_part_is_an_empty_map():
    display = VanHoveDisplay(R, TIMES, SELF, np.full_like(SELF, np.nan)).plot()
    display.figure_.canvas.draw()


def test_bad_input(display):
    with pytest.raises(ValueError, match=r"self_part must have shape .* \(4, 3\); got \(3, 4\)"):
        VanHoveDisplay(R, TIMES, SELF.T, DISTINCT)
    with pytest.raises(ValueError, match="part must be 'self' or 'distinct'; got 'both'"):
        display.plot(part="both")
    single = VanHoveDisplay(R, TIMES[:1], SELF[:1], DISTINCT[:1])
    with pytest.raises(ValueError, match="at least two times"):
        single.plot()
    assert len(single.plot_curves(part="self").lines_) == 1
