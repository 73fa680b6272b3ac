"""Patterns are drawn as they are, one above the other, with their angles."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from pymatgen.core import Lattice, Structure

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd._style import COLORS
from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import MissingDependencyError
from skxrd.inspection import PatternDisplay
from skxrd.inspection._pattern_comparison import simulated_at
from skxrd.io import MeasuredPattern, read_pattern
from skxrd.simulation import PeakProfile

GRID = TwoThetaGrid(10, 20, 6)
PATTERNS = np.array([[0.0, 0.0, 100.0, 0.0, 50.0, 0.0], [0.0, 80.0, 0.0, 0.0, 0.0, 10.0]])
WAVELENGTH = 1.54184
SILICON = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]])
GRID_OF_SILICON = TwoThetaGrid(20, 100, 4001)


@pytest.fixture(scope="module")
def silicon():
    """Lines and profile of silicon."""
    simulator = PatternSimulator(GRID_OF_SILICON, fwhm=0.2)
    return simulator.peaks([SILICON])[0], simulator.transform([SILICON])[0].astype(float)


def text_boxes(display):
    display.figure_.draw_without_rendering()
    return [text.get_window_extent() for text in display.hkl_texts_]


def texts(artists):
    return [artist.get_text() for artist in artists]


def tick_positions(lines):
    return np.array([segment[0, 0] for segment in lines.get_segments()])


def test_arrays_are_stored():
    display = PatternDisplay(GRID.two_theta.tolist(), PATTERNS.tolist(), labels=("a", "b"))
    np.testing.assert_array_equal(display.two_theta, GRID.two_theta)
    np.testing.assert_array_equal(display.patterns, PATTERNS)
    assert display.labels == ["a", "b"]
    assert display.wavelength is None
    assert not hasattr(display, "ax_")


def test_plot_returns_the_display_with_its_artists():
    display = PatternDisplay(GRID.two_theta, PATTERNS)
    assert display.plot() is display
    assert display.figure_ is display.ax_.figure
    assert display.lines_ == display.ax_.get_lines()
    assert display.ax_.get_xlabel() == "2θ (degrees)"
    assert display.ax_.get_ylabel() == "Intensity (arb. units)"
    assert display.ax_.get_xlim() == (10, 20)
    assert (display.ticks_ax_, display.difference_ax_, display.series_) == (None, None, None)
    assert display.figure_.axes == [display.ax_]


def test_profiles_are_the_patterns_one_above_the_other():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID)
    for row, line in enumerate(display.lines_):
        np.testing.assert_array_equal(line.get_xdata(), GRID.two_theta)
        np.testing.assert_allclose(line.get_ydata(), PATTERNS[row] + row * 110)
    assert not display.ax_.get_yticks().size  # the numbers would be wrong for the upper one


def test_sticks_stand_on_the_zero_line():
    display = PatternDisplay.from_patterns(PATTERNS[0], grid=GRID, kind="sticks")
    (line,) = display.lines_
    assert line.get_xdata().tolist() == [10, 14, 14, 14, 18, 18, 18, 20]
    assert line.get_ydata().tolist() == [0, 0, 100, 0, 0, 50, 0, 0]
    assert display.ax_.get_yticks().size


def test_sticks_of_an_empty_pattern():
    display = PatternDisplay.from_patterns(np.zeros((2, 6)), grid=GRID, kind="sticks")
    assert [line.get_ydata().tolist() for line in display.lines_] == [[0, 0], [1, 1]]


def test_offset_zero_draws_on_top_with_a_legend():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=0)
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), PATTERNS[1])
    assert texts(display.ax_.get_legend().get_texts()) == ["a", "b"]


def test_stacked_labels_stand_beside_their_patterns():
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, labels=["a", "b"], offset=200)
    assert display.ax_.get_legend() is None
    names = display.ax_.texts
    assert [(text.get_text(), text.xy) for text in names] == [("a", (1, 0)), ("b", (1, 200))]
    assert [text.get_color() for text in names] == [line.get_color() for line in display.lines_]


def test_given_axes_and_style_are_used():
    _, ax = plt.subplots()
    style = {"color": "red", "linewidth": 3}
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, ax=ax, line_kwargs=style)
    assert display.ax_ is ax
    assert {to_hex(line.get_color()) for line in display.lines_} == {"#ff0000"}
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert style == {"color": "red", "linewidth": 3}


def test_default_grid_spans_0_to_90_degrees():
    display = PatternDisplay.from_patterns(PATTERNS)
    assert display.two_theta.tolist() == [0, 18, 36, 54, 72, 90]


@pytest.mark.parametrize("rows", [1, 20])
def test_large_sets_are_rasterized(rows):
    display = PatternDisplay.from_patterns(np.ones((rows, 4501)))
    assert {line.get_rasterized() for line in display.lines_} == {rows > 11}


@pytest.mark.parametrize("dtype", [np.uint16, np.int8, bool])
def test_integers_do_not_wrap_around(dtype):
    X = np.full((3, 6), np.iinfo(dtype).max if dtype is not bool else True, dtype=dtype)
    highest = float(X.max())
    display = PatternDisplay.from_patterns(X, grid=GRID, offset=10_000)
    expected = highest + 10_000 * np.arange(3)
    assert [line.get_ydata().max() for line in display.lines_] == expected.tolist()
    waterfall = PatternDisplay.from_patterns(X, grid=GRID, offset=10_000, kind="waterfall")
    heights = [segment[:, 1].max() for segment in waterfall.series_.get_segments()]
    assert heights[::-1] == expected.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_precision(dtype):
    assert PatternDisplay(GRID.two_theta, PATTERNS.astype(dtype)).patterns.dtype == dtype


@pytest.mark.parametrize("style", [{"lw": 3, "c": "red"}, {"linewidth": 3, "color": "red"}])
@pytest.mark.parametrize("kind", ["profile", "sticks", "comparison"])
def test_short_names_of_styles(style, kind):
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, kind=kind, line_kwargs=style)
    line = display.lines_[-1]
    assert (to_hex(line.get_color()), line.get_linewidth()) == ("#ff0000", 3)


@pytest.mark.parametrize("style", [{"lw": 3}, {"linewidth": 3}, {"linewidths": 3}])
def test_short_names_of_styles_of_a_waterfall(style):
    display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, kind="waterfall", line_kwargs=style)
    assert display.series_.get_linewidth() == [3]


class TestStructure:
    def test_sticks_and_profiles(self):
        grid = TwoThetaGrid(20, 60, 2001)
        display = PatternDisplay.from_structure(SILICON, grid=grid)
        (line,) = display.lines_
        assert line.get_label() == "Si"
        peaks = line.get_xdata()[line.get_ydata() > 0]
        np.testing.assert_allclose(peaks, [28.44, 47.30, 56.12], atol=0.1)  # tabulated for Si
        assert display.ticks_ax_ is None
        broad = PatternDisplay.from_structure(SILICON, grid=grid, fwhm=0.5, label="broad")
        assert len(broad.lines_[0].get_xdata()) == grid.n_points
        assert broad.lines_[0].get_label() == "broad"

    @pytest.mark.parametrize("wavelength", ["CuKa", "CuKa1+CuKa2"])
    def test_labels_of_lines(self, wavelength):
        display = PatternDisplay.from_structure(
            SILICON,
            grid=TwoThetaGrid(20, 60, 2001),
            profile=PeakProfile(),
            wavelength=wavelength,
            n_labels=3,
        )
        assert sorted(texts(display.hkl_texts_)) == ["111", "220", "311"]
        assert len(tick_positions(display.ticks_[0])) == 3  # those of a doublet are marked once
        assert display.wavelength == pytest.approx(1.54184, abs=1e-5)


class TestTicks:
    def test_stand_below_their_lines(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(pattern, grid=GRID_OF_SILICON, peaks=peaks)
        at_lines = tick_positions(display.ticks_[0])
        np.testing.assert_array_equal(at_lines, peaks.two_theta)
        summits = GRID_OF_SILICON.two_theta[1:-1][
            (pattern[1:-1] > pattern[:-2]) & (pattern[1:-1] > pattern[2:])
        ]
        np.testing.assert_allclose(at_lines, summits, atol=GRID_OF_SILICON.step)
        assert display.ticks_ax_.get_xlim() == display.ax_.get_xlim()
        assert display.ticks_ax_.get_position().y1 <= display.ax_.get_position().y0
        assert display.ticks_ax_.get_xlabel() == "2θ (degrees)"
        assert not display.ax_.get_xlabel()

    def test_phases_have_rows_names_and_colors(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, peaks={"first": peaks, "second": peaks}
        )
        names = display.ticks_ax_.get_yticklabels()
        assert texts(names) == ["first", "second"]
        assert [name.get_color() for name in names] == list(COLORS[:2])
        assert [to_hex(row.get_color()[0], keep_alpha=False).upper() for row in display.ticks_] == [
            *COLORS[:2]
        ]
        rows = [row.get_segments()[0][:, 1].mean() for row in display.ticks_]
        assert rows == [0, 1]
        bottom, top = display.ticks_ax_.get_ylim()
        assert bottom > top  # the first phase is on top

    def test_of_another_wavelength_are_converted_through_d(self, silicon):
        peaks = PatternSimulator(TwoThetaGrid(5, 60, 5), wavelength="MoKa").peaks([SILICON])[0]
        copper, pattern = silicon
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, wavelength="CuKa", peaks=peaks
        )
        converted = tick_positions(display.ticks_[0])
        assert len(converted) < len(peaks)  # copper does not reach all of them
        converted = converted[(converted > 20) & (converted < 100)]
        np.testing.assert_allclose(converted, copper.two_theta, atol=1e-6)

    def test_of_several_wavelengths_need_that_of_the_patterns(self, silicon):
        copper, pattern = silicon
        molybdenum = PatternSimulator(TwoThetaGrid(5, 60, 5), wavelength="MoKa").peaks([SILICON])[0]
        peaks = [copper, molybdenum]
        with pytest.raises(ValueError, match=r"several wavelengths \(0.710\d* to 1.5418\d* angs"):
            PatternDisplay(GRID_OF_SILICON.two_theta, [pattern], peaks=peaks)
        PatternDisplay(GRID_OF_SILICON.two_theta, [pattern], peaks=peaks, wavelength="CuKa")

    def test_axes_without_a_place_in_a_grid(self, silicon):
        peaks, pattern = silicon
        ax = plt.figure().add_axes((0.1, 0.2, 0.8, 0.7))
        display = PatternDisplay.from_patterns(pattern, grid=GRID_OF_SILICON, peaks=peaks, ax=ax)
        low, high = display.ticks_ax_.get_position(), ax.get_position()
        assert low.y0 == pytest.approx(0.2, abs=0.01)
        assert high.y1 == pytest.approx(0.9)
        assert low.y1 < high.y0
        assert (low.x0, low.x1) == (high.x0, high.x1)

    def test_titles_go_to_the_picture(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(pattern, grid=GRID_OF_SILICON, peaks=peaks)
        assert plt.gca() is display.ax_

    @pytest.mark.parametrize("peaks", ["Si", [1.0], {"Si": np.zeros(3)}])
    def test_must_be_lists_of_lines(self, peaks):
        with pytest.raises(TypeError, match=r"peaks must be a PeakList, .*PatternSimulator\.peaks"):
            PatternDisplay(GRID.two_theta, PATTERNS, peaks=peaks)


class TestLabels:
    @pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
    @pytest.mark.parametrize("width", [7.0, 3.3])
    def test_never_overlap_nor_leave_the_axes(self, silicon, scale, width):
        peaks, pattern = silicon
        larger = SILICON.copy().apply_strain(0.03)  # has its lines just beside
        both = [peaks, *PatternSimulator(GRID_OF_SILICON).peaks([larger])]
        _, ax = plt.subplots(figsize=(width, 0.7 * width), layout="constrained")
        display = PatternDisplay.from_patterns(
            pattern,
            grid=GRID_OF_SILICON,
            peaks=both,
            n_labels=9,
            ax=ax,
            intensity_scale=scale,
        )
        boxes = text_boxes(display)
        assert 4 < len(boxes) < 18
        frame = ax.get_window_extent()
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:number])
            assert frame.x0 <= box.x0 < box.x1 <= frame.x1
            assert frame.y0 <= box.y0 < box.y1 <= frame.y1

    def test_stand_on_their_lines(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, peaks=peaks, n_labels=3
        )
        where = dict(zip(peaks.labels(), peaks.two_theta, strict=True))
        assert sorted(texts(display.hkl_texts_)) == ["111", "220", "311"]
        for text in display.hkl_texts_:
            x, y = text.xy
            assert x == where[text.get_text()]
            assert y == pytest.approx(pattern[abs(GRID_OF_SILICON.two_theta - x) < 0.05].max())

    def test_the_stronger_line_keeps_its_label(self, silicon):
        peaks, pattern = silicon
        other = PatternSimulator(GRID_OF_SILICON).peaks([SILICON.copy().apply_strain(0.001)])[0]
        weak = type(peaks)(
            other.two_theta, other.intensity / 2, other.d_spacing, other.wavelength, other.hkls
        )
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, peaks=[weak, peaks], n_labels=2
        )
        assert [text.xy[0] for text in display.hkl_texts_] == peaks.two_theta[:2].tolist()

    def test_above_stacked_patterns_stand_above_the_axes(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(
            [pattern, pattern], grid=GRID_OF_SILICON, peaks=peaks, n_labels=3
        )
        boxes = text_boxes(display)
        assert len(boxes) == 3
        assert all(box.y0 > display.ax_.get_window_extent().y1 for box in boxes)

    def test_need_lines_with_indices(self, silicon):
        peaks = PatternSimulator(GRID_OF_SILICON).peaks([SILICON], hkl=False)[0]
        display = PatternDisplay(GRID_OF_SILICON.two_theta, [silicon[1]], peaks=peaks)
        assert display.plot().ticks_
        with pytest.raises(ValueError, match=r"no Miller indices; make it with hkl=True"):
            display.plot(n_labels=2)


class TestAxes:
    def test_q(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, wavelength="CuKa", peaks=peaks, x_axis="q"
        )
        q = GRID_OF_SILICON.q(WAVELENGTH)
        np.testing.assert_allclose(display.lines_[0].get_xdata(), q)
        np.testing.assert_allclose(tick_positions(display.ticks_[0]), 2 * np.pi / peaks.d_spacing)
        assert display.ax_.get_xlim() == pytest.approx((q[0], q[-1]))
        assert display.ticks_ax_.get_xlabel() == "Q (Å$^{-1}$)"

    def test_d_ends_behind_the_first_line(self, silicon):
        peaks, _ = silicon
        grid = TwoThetaGrid(0, 60, 3001)
        pattern = PatternSimulator(grid).transform([SILICON])[0]
        display = PatternDisplay.from_patterns(
            pattern, grid=grid, wavelength=WAVELENGTH, peaks=peaks, kind="sticks", x_axis="d"
        )
        low, high = display.ax_.get_xlim()
        assert low == pytest.approx(WAVELENGTH)  # at 60 degrees
        assert high == pytest.approx(1.05 * peaks.d_spacing[0], rel=1e-3)
        np.testing.assert_allclose(tick_positions(display.ticks_[0]), peaks.d_spacing)
        assert display.ticks_ax_.get_xlabel() == "d (Å)"

    def test_range_is_all_that_is_drawn(self, silicon):
        peaks, pattern = silicon
        display = PatternDisplay.from_patterns(
            pattern, grid=GRID_OF_SILICON, peaks=peaks, x_range=(40, 60), n_labels=2
        )
        assert display.ax_.get_xlim() == (40, 60)
        x = display.lines_[0].get_xdata()
        assert x[[0, -1]].tolist() == [40, 60]
        assert sorted(texts(display.hkl_texts_)) == ["220", "311"]  # the strongest is out of range

    def test_sqrt_of_one_pattern_is_the_scale_of_the_axis(self):
        display = PatternDisplay.from_patterns(PATTERNS[:1], grid=GRID, intensity_scale="sqrt")
        np.testing.assert_array_equal(display.lines_[0].get_ydata(), PATTERNS[0])
        pixels = display.ax_.transData.transform([(10, 0), (10, 25), (10, 100)])[:, 1]
        assert (pixels[2] - pixels[0]) / (pixels[1] - pixels[0]) == pytest.approx(2)

    def test_sqrt_of_stacked_patterns_is_drawn(self):
        display = PatternDisplay.from_patterns(PATTERNS, grid=GRID, intensity_scale="sqrt")
        np.testing.assert_allclose(display.lines_[1].get_ydata(), np.sqrt(PATTERNS[1]) + 11)
        assert display.ax_.get_ylabel() == "Square root of intensity"

    def test_log_ends_four_decades_down(self):
        pattern = [[1e-9, 1.0, 1e5, 0.0, 100.0, 1000.0]]
        one = PatternDisplay.from_patterns(pattern, grid=GRID, intensity_scale="log")
        assert one.ax_.get_yscale() == "log"
        assert 1 < one.ax_.get_ylim()[0] < 10
        two = PatternDisplay.from_patterns(
            [*pattern, *pattern], grid=GRID, intensity_scale="log", offset=5
        )
        np.testing.assert_allclose(two.lines_[0].get_ydata(), [0, 0, 4, 0, 1, 2])


class TestSeries:
    X = np.random.default_rng(0).random((30, 6))
    TEMPERATURES = np.linspace(300, 590, 30)

    def draw(self, kind, **kwargs):
        arguments = {"values": self.TEMPERATURES, "values_label": "T (K)", **kwargs}
        return PatternDisplay.from_patterns(self.X, grid=GRID, kind=kind, **arguments)

    def test_waterfall(self):
        display = self.draw("waterfall", offset=2)
        segments = display.series_.get_segments()[
            ::-1
        ]  # the lowest pattern is drawn last, in front
        np.testing.assert_array_equal(display.series_.get_array()[::-1], self.TEMPERATURES)
        for row, segment in enumerate(segments):
            np.testing.assert_array_equal(segment[:, 0], GRID.two_theta)
            np.testing.assert_allclose(segment[:, 1], self.X[row] + 2 * row)
        assert display.colorbar_.ax.get_ylabel() == "T (K)"
        assert display.lines_ == []
        assert not display.ax_.get_yticks().size
        low, high = display.ax_.get_ylim()
        assert low < self.X[0].min()
        assert high > self.X[-1].max() + 2 * 29

    def test_colors_are_in_the_order_of_lightness(self):
        """In gray, too, a later pattern is a lighter one."""
        colors = self.draw("waterfall").series_.get_cmap()(np.linspace(0, 1, 50))[:, :3]
        lightness = colors @ [0.299, 0.587, 0.114]
        assert (np.diff(lightness) > 0).all()
        assert lightness.max() < 0.75  # can be seen on white

    def test_map(self):
        display = self.draw("map", intensity_scale="sqrt")
        np.testing.assert_array_equal(display.series_.get_array(), self.X)
        assert display.ax_.get_ylabel() == "T (K)"
        assert display.colorbar_.ax.get_ylabel() == "Intensity (arb. units)"
        low, high = display.ax_.get_ylim()
        assert (low, high) == pytest.approx((295, 595))  # half a row on both sides
        assert display.series_.get_rasterized()
        assert display.series_.norm(0.25 * self.X.max()) == pytest.approx(0.5)

    def test_map_on_d_leaves_out_the_angle_of_zero(self):
        display = PatternDisplay.from_patterns(
            self.X, grid=TwoThetaGrid(0, 50, 6), wavelength=1.0, kind="map", x_axis="d"
        )
        assert display.series_.get_array().shape == (30, 5)

    def test_map_of_the_log_has_no_holes(self):
        X = np.array([[0.0, 1.0, 1e6, -1.0, 0.0, 5.0]] * 2)
        display = PatternDisplay.from_patterns(X, grid=GRID, kind="map", intensity_scale="log")
        assert display.series_.get_array().min() == 100
        assert not np.ma.is_masked(display.series_.norm(display.series_.get_array()))

    def test_without_values_patterns_are_counted(self):
        display = self.draw("map", values=None, values_label=None)
        assert display.ax_.get_ylabel() == "Pattern"
        assert display.ax_.get_ylim() == pytest.approx((-0.5, 29.5))

    @pytest.mark.parametrize("values", [None, [300.0]])
    def test_map_of_one_pattern(self, values):
        display = PatternDisplay.from_patterns(self.X[:1], grid=GRID, kind="map", values=values)
        center = 0.0 if values is None else 300.0
        assert display.ax_.get_ylim() == (center - 0.5, center + 0.5)
        np.testing.assert_array_equal(display.series_.get_array(), self.X[:1])
        display.figure_.draw_without_rendering()

    def test_edges_of_a_map_lie_between_the_patterns(self):
        display = self.draw("map", values=[*range(29), 100.0])
        y = display.series_.get_coordinates()[:, 0, 1]
        np.testing.assert_allclose(y[[0, 1, -2, -1]], [-0.5, 0.5, 64, 136])
        x = display.series_.get_coordinates()[0, :, 0]
        np.testing.assert_allclose(x, np.linspace(9, 21, 7))

    def test_map_needs_an_order(self):
        there_and_back = [*range(15), *range(15)]
        self.draw("waterfall", values=there_and_back)
        with pytest.raises(ValueError, match=r"needs values that rise or fall .*'waterfall'"):
            self.draw("map", values=there_and_back)


class TestMeasured:
    def test_one_with_its_axis(self):
        measured = MeasuredPattern(GRID.two_theta, PATTERNS[0], wavelength=1.0)
        display = PatternDisplay.from_measured(measured)
        np.testing.assert_array_equal(display.lines_[0].get_ydata(), PATTERNS[0])
        assert display.wavelength == 1.0
        assert display.labels is None

    def test_series_has_the_names_of_files(self, tmp_path):
        patterns = [
            MeasuredPattern(GRID.two_theta, row, wavelength=1.0, path=tmp_path / f"{name}.xy")
            for row, name in zip(PATTERNS, "ab", strict=True)
        ]
        display = PatternDisplay.from_measured(patterns, kind="waterfall", values=[20, 30])
        assert display.labels == ["a", "b"]
        np.testing.assert_array_equal(display.patterns, PATTERNS)

    @pytest.mark.parametrize(
        ("second", "message"),
        [
            (MeasuredPattern([1, 2], [3, 4]), "share their angles; those of item 1 differ"),
            (
                MeasuredPattern(GRID.two_theta, PATTERNS[1], wavelength=0.7),
                "share their wavelength; that of item 1 is 0.7, that of the first 1.5 angstrom",
            ),
            (
                MeasuredPattern(GRID.two_theta, PATTERNS[1]),
                "share their wavelength; that of item 1 is None",
            ),
        ],
    )
    def test_others_must_fit(self, second, message):
        first = MeasuredPattern(GRID.two_theta, PATTERNS[0], wavelength=1.5)
        with pytest.raises(ValueError, match=message):
            PatternDisplay.from_measured([first, second])

    def test_nothing_and_something_else(self):
        with pytest.raises(ValueError, match="at least one pattern, got none"):
            PatternDisplay.from_measured([])
        with pytest.raises(TypeError, match="got a ndarray as item 0"):
            PatternDisplay.from_measured(PATTERNS)


class TestComparison:
    def measured(self, pattern, *, wavelength=WAVELENGTH, grid=GRID_OF_SILICON, noise=1):
        counts = np.random.default_rng(0).poisson(400 * pattern + 30 * noise)
        return MeasuredPattern(grid.two_theta, counts, wavelength=wavelength)

    def test_scale_and_difference(self, silicon):
        peaks, pattern = silicon
        measured = self.measured(pattern)
        display = PatternDisplay.from_comparison(
            measured,
            pattern,
            grid=GRID_OF_SILICON,
            wavelength=WAVELENGTH,
            background=np.full(4001, 30.0),
            peaks={"Si": peaks},
        )
        assert display.scale_ == pytest.approx(400, rel=0.02)
        rest = measured.intensity - (display.scale_ * pattern + 30)
        np.testing.assert_allclose(display.difference_.get_ydata(), rest)
        best = np.linalg.lstsq(pattern[:, None], measured.intensity - 30, rcond=None)[0].item()
        assert display.scale_ == pytest.approx(best)
        points, line = display.lines_
        np.testing.assert_array_equal(points.get_ydata(), measured.intensity)
        assert (points.get_linestyle(), points.get_marker()) == ("None", ".")
        assert (line.get_linestyle(), line.get_marker()) == ("-", "None")
        assert texts(display.ax_.get_legend().get_texts()) == ["measured", "simulated"]
        heights = [ax.get_position().y0 for ax in (display.ax_, display.ticks_ax_)]
        assert sorted([*heights, display.difference_ax_.get_position().y0])[::-1][:2] == heights
        assert display.difference_ax_.get_xlabel() == "2θ (degrees)"
        assert line.get_color() not in {to_hex(c) for t in display.ticks_ for c in t.get_color()}

    def test_small_differences_have_the_scale_of_the_patterns(self, silicon):
        display = PatternDisplay.from_comparison(
            self.measured(silicon[1]),
            silicon[1],
            grid=GRID_OF_SILICON,
            background=np.full(4001, 30),
        )
        display.figure_.draw_without_rendering()

        def per_inch(ax):
            low, high = ax.get_ylim()
            return (high - low) / ax.get_window_extent().height

        assert per_inch(display.difference_ax_) == pytest.approx(per_inch(display.ax_), rel=0.2)

    def test_large_differences_are_seen_as_a_whole(self, silicon):
        shifted = np.roll(silicon[1], 40)
        display = PatternDisplay.from_comparison(
            self.measured(silicon[1]), shifted, grid=GRID_OF_SILICON
        )
        low, high = display.difference_ax_.get_ylim()
        assert high > np.abs(display.difference_.get_ydata()).max()
        assert low == -high

    def test_another_wavelength_is_converted_through_d(self, silicon):
        """The same crystal, simulated with copper and measured with molybdenum."""
        grid = TwoThetaGrid(10, 60, 5001)
        simulator = PatternSimulator(grid, wavelength="MoKa", fwhm=0.1)
        measured = self.measured(
            simulator.transform([SILICON])[0].astype(float), wavelength=0.71073, grid=grid
        )
        display = PatternDisplay.from_comparison(
            measured, silicon[1], grid=GRID_OF_SILICON, peaks=silicon[0]
        )
        x, curve = display.lines_[1].get_data()
        moly = simulator.peaks([SILICON])[0]
        for line in moly.two_theta[:3]:
            near = np.abs(x - line) < 0.5
            assert x[near][np.nanargmax(curve[near])] == pytest.approx(line, abs=0.02)
        copper_range = 2 * np.degrees(
            np.arcsin(np.sin(np.radians([10, 50])) * 0.71073 / WAVELENGTH)
        )
        covered = x[np.isfinite(curve)]
        np.testing.assert_allclose(covered[[0, -1]], np.maximum(copper_range, 10), atol=0.02)
        np.testing.assert_allclose(tick_positions(display.ticks_[0])[:3], moly.two_theta[:3])

    def test_doublet_and_its_mean_are_one_wavelength(self):
        simulator = PatternSimulator(GRID_OF_SILICON, wavelength="CuKa1+CuKa2", fwhm=0.1)
        pattern = simulator.transform([SILICON])[0].astype(float)
        display = PatternDisplay.from_comparison(
            self.measured(pattern, wavelength=1.541837, noise=0),
            pattern,
            grid=GRID_OF_SILICON,
            wavelength="CuKa1+CuKa2",
        )
        difference = np.abs(display.difference_.get_ydata()[1:-1]).max()
        assert difference < 6 * np.sqrt(display.patterns[0].max())  # noise and nothing else

    def test_nothing_that_was_passed_is_changed(self, silicon):
        pattern, background = silicon[1].copy(), np.full(4001, 30.0)
        PatternDisplay.from_comparison(
            self.measured(pattern), pattern, grid=GRID_OF_SILICON, background=background
        )
        np.testing.assert_array_equal(pattern, silicon[1])
        assert (background == 30).all()

    def test_labels_do_not_overlap_in_small_axes(self, silicon):
        figure, axes = plt.subplots(2, 2, figsize=(6.4, 4.8), layout="constrained")
        displays = [
            PatternDisplay.from_comparison(
                self.measured(silicon[1]), silicon[1], grid=GRID_OF_SILICON, peaks=silicon[0], ax=ax
            )
            for ax in axes.flat
        ]
        figure.draw_without_rendering()
        for display in displays:
            labels = [display.ax_.yaxis.label, display.difference_ax_.yaxis.label]
            upper, lower = (label.get_window_extent() for label in labels)
            assert labels[0].get_text() == "Intensity"
            assert not labels[1].get_text() or not upper.overlaps(lower)
        large = PatternDisplay.from_comparison(
            self.measured(silicon[1]), silicon[1], grid=GRID_OF_SILICON
        )
        assert large.ax_.get_ylabel() == "Intensity (arb. units)"
        assert large.difference_ax_.get_ylabel() == "Difference"

    def test_sticks_of_all_structures_are_refused_and_profiles_pass(self):
        """Dense sticks have neighbors, and profiles that were cut into points have none alone."""
        structures = list(load_lithium_conductors().structures)
        grid = TwoThetaGrid(10, 80, 3501)
        measured = MeasuredPattern(grid.two_theta, np.ones(3501), wavelength=WAVELENGTH)
        sticks = PatternSimulator(grid).transform(structures).astype(float)
        profiles = PatternSimulator(grid, fwhm=0.1).transform(structures).astype(float)
        for row, profile in zip(sticks, profiles, strict=True):
            with pytest.raises(ValueError, match="this one holds sticks"):
                simulated_at(measured, row, grid, WAVELENGTH)
            found = simulated_at(measured, profile, grid, WAVELENGTH)
            np.testing.assert_allclose(found, profile, atol=1e-9)

    def test_log_scale_ends_above_zero(self, silicon):
        display = PatternDisplay.from_comparison(
            self.measured(silicon[1]), silicon[1], grid=GRID_OF_SILICON, intensity_scale="log"
        )
        assert display.ax_.get_yscale() == "log"
        assert display.ax_.get_ylim()[0] > 0
        assert display.difference_ax_.get_yscale() == "linear"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"measured": {"wavelength": None}}, r"must have a wavelength .*read_pattern\(path, w"),
            ({"simulated": np.zeros(4001)}, "no intensity at the measured angles"),
            ({"simulated": np.ones(4000)}, r"got shape \(4000,\) for 4001 angles"),
            ({"simulated": np.ones((1, 4001))}, "simulated must be one pattern"),
            ({"simulated": np.eye(1, 4001, 500)[0]}, "this one holds sticks"),
            ({"background": [1.0, 2.0]}, r"each of the 4001 measured angles, got shape \(2,\)"),
            ({"background": np.full(4001, 1e6)}, "must be positive: background lies above"),
            ({"wavelength": "CuKb7"}, "wavelength must be a number of angstrom or one of"),
            ({"wavelength": 100.0}, "no intensity at the measured angles"),
        ],
    )
    def test_what_cannot_be_compared(self, silicon, change, message):
        measured = self.measured(silicon[1], **change.pop("measured", {}))
        arguments = {"simulated": silicon[1], "grid": GRID_OF_SILICON, **change}
        with pytest.raises(ValueError, match=message):
            PatternDisplay.from_comparison(measured, **arguments)

    def test_arrays_are_no_measurement(self, silicon):
        with pytest.raises(TypeError, match="measured must be a MeasuredPattern"):
            PatternDisplay.from_comparison(silicon[1], silicon[1], grid=GRID_OF_SILICON)


@pytest.mark.parametrize("patterns", [PATTERNS[0], PATTERNS[:, :5], PATTERNS[None]])
def test_wrong_shapes(patterns):
    with pytest.raises(ValueError, match=r"patterns must have shape \(n_patterns, n_points\)"):
        PatternDisplay(GRID.two_theta, patterns)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": ["a"]}, "got 1 labels for 2 patterns"),
        ({"values": [1.0]}, r"values must hold a number for each pattern: got shape \(1,\) for 2"),
        ({"wavelength": "XyKa"}, "wavelength must be a number of angstrom or one of"),
        ({"values": [1.0, np.nan]}, "values must be finite, got nan for pattern 1"),
        ({"wavelength": -1}, "wavelength must be a positive number of angstrom, got -1"),
        ({"wavelength": np.nan}, "wavelength must be a positive number of angstrom, got nan"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PatternDisplay(GRID.two_theta, PATTERNS, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "bars"}, "kind must be one of 'profile', 'sticks', .*, got 'bars'"),
        ({"kind": "comparison"}, "needs two patterns, a measured and a simulated one, got 3"),
        ({"x_axis": "angle"}, "x_axis must be one of 'two_theta', 'q', 'd', got 'angle'"),
        ({"x_axis": "q"}, "x_axis='q' needs a wavelength"),
        ({"x_range": (30, 40)}, "at least two points of the patterns, which go from 10 to 20"),
        ({"x_range": (12, None)}, r"x_range must be None or two numbers, low .*got \(12, None\)"),
        ({"x_range": (12, 14, 16)}, r"x_range must be None or two numbers"),
        ({"x_range": 12}, "x_range must be None or two numbers, low and high, got 12"),
        ({"offset": "auto"}, "offset must be None or a number of at least 0, got 'auto'"),
        ({"offset": -3}, "offset must be None or a number of at least 0, got -3"),
        ({"offset": np.nan}, "offset must be None or a number of at least 0, got nan"),
        ({"intensity_scale": "cube"}, "intensity_scale must be one of 'linear', 'sqrt', 'log'"),
        ({"n_labels": 3}, "n_labels=3 needs peaks"),
        ({"n_labels": -1}, "n_labels must be a whole number of at least 0, got -1"),
        ({"n_labels": 1.5}, "n_labels must be a whole number of at least 0, got 1.5"),
    ],
)
def test_wrong_plots(arguments, message):
    display = PatternDisplay(GRID.two_theta, [*PATTERNS, PATTERNS[0]])
    with pytest.raises(ValueError, match=message):
        display.plot(**arguments)
    assert not plt.get_fignums()


def test_matplotlib_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"PatternDisplay needs .*skxrd\[plot\]"):
        PatternDisplay(GRID.two_theta, PATTERNS).plot()


@pytest.mark.real_data
def test_ticks_stand_on_the_lines_of_a_measured_pattern(shared_data):
    """Lead sulfate of the round robin on Rietveld refinement (laboratory X-rays).

    Structure: anglesite, Miyake, Minato, Morikawa, Iwai, American Mineralogist 63, 506 (1978).
    """
    anglesite = Structure.from_spacegroup(
        "Pnma",
        Lattice.orthorhombic(8.478, 5.397, 6.958),
        ["Pb", "S", "O", "O", "O"],
        [
            [0.188, 0.25, 0.167],
            [0.063, 0.25, 0.684],
            [0.908, 0.25, 0.595],
            [0.194, 0.25, 0.543],
            [0.082, 0.026, 0.809],
        ],
    )
    measured = read_pattern(shared_data / "measured" / "PBSO4.XRA", wavelength="CuKa1")
    simulator = PatternSimulator(TwoThetaGrid(15, 60, 2251), wavelength="CuKa1", fwhm=0.12)
    (peaks,) = simulator.peaks([anglesite])
    display = PatternDisplay.from_comparison(
        measured,
        simulator.transform([anglesite])[0],
        grid=simulator.grid,
        wavelength="CuKa1",
        peaks=peaks,
        x_range=(15, 60),
        n_labels=8,
    )
    assert len(display.hkl_texts_) > 4
    for text in display.hkl_texts_:  # the strongest lines, each with its maximum at K-alpha1
        near = np.abs(measured.two_theta - text.xy[0]) < 0.4
        summit = measured.two_theta[near][measured.intensity[near].argmax()]
        assert summit == pytest.approx(text.xy[0], abs=0.1)  # degrees; lines are as wide
