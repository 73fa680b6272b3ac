import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skxrd import TwoThetaGrid
from skxrd.exceptions import PatternWarning
from skxrd.preprocessing import AxisConverter

GRID = TwoThetaGrid(10, 80, 3501)
CU, MO = 1.54184, 0.71073
PROPERTY = settings(deadline=None, max_examples=60, derandomize=True)
UNHEARD = "ignore:New axis:skxrd.exceptions.PatternWarning"


def lines(two_theta, at, fwhm=0.2):
    return sum(np.exp(-4 * np.log(2) * ((two_theta - x) / fwhm) ** 2) for x in at)[np.newaxis]


def angle_of(d, wavelength):
    return 2 * np.degrees(np.arcsin(wavelength / (2 * d)))


class TestPositions:
    """Lines of silicon: 3.1355, 1.9201 and 1.6375 angstrom."""

    d = np.array([3.1355, 1.9201, 1.6375])

    @pytest.mark.parametrize("method", ["linear", "area"])
    @pytest.mark.parametrize(("axis", "expected"), [("d", d), ("q", 2 * np.pi / d)])
    def test_lines_are_where_bragg_has_them(self, axis, expected, method):
        X = [lines(GRID.two_theta, [angle], 0.1)[0] for angle in angle_of(self.d, CU)]
        converter = AxisConverter(axis, grid=GRID, n_points=8001, method=method).fit(X)
        found = converter.axis_[converter.transform(X).argmax(axis=1)]
        # a point of the old axis, then a point of the new one
        half = np.abs(np.gradient(converter._bragg_axis().values(GRID.two_theta))).max() / 2
        assert np.abs(found - expected).max() < half + np.diff(converter.axis_)[0]

    def test_another_wavelength(self):
        X = lines(GRID.two_theta, angle_of(self.d, CU), 0.1)
        converter = AxisConverter("two_theta", output_wavelength="MoKa", grid=GRID).fit(X)
        row = converter.transform(X)[0]
        peaks = np.flatnonzero((row[1:-1] > row[:-2]) & (row[1:-1] > row[2:]) & (row[1:-1] > 0.5))
        mo = angle_of(self.d, 0.71073)
        np.testing.assert_allclose(converter.axis_[peaks + 1], mo, atol=0.01)

    def test_heights_are_kept_by_linear(self):
        X = np.full((1, 3501), 7.0)
        for axis in ("q", "d"):
            found = AxisConverter(axis, method="linear", grid=GRID).fit_transform(X)
            np.testing.assert_allclose(found, 7.0)


@PROPERTY
@given(
    axis=st.sampled_from(["q", "two_theta"]),
    wavelength=st.floats(0.5, 2.5),
    ratio=st.floats(0.6, 1.3),
    fwhm=st.floats(0.15, 1.0),
    seed=st.integers(0, 1000),
)
def test_round_trip(axis, wavelength, ratio, fwhm, seed):
    rng = np.random.default_rng(seed)
    X = lines(GRID.two_theta, rng.uniform(12, 78, size=8), fwhm)
    other = ratio * wavelength if axis == "two_theta" else None
    converter = AxisConverter(
        axis, wavelength=wavelength, output_wavelength=other, method="linear", grid=GRID
    )
    back = converter.fit(X).inverse_transform(converter.transform(X))
    # linear interpolation errs by h^2 / 8 times the second derivative, 8 ln 2 / fwhm^2 at a line,
    # on each way; steps of the new axis are up to 1.4 times as wide as the old ones at one end
    bound = 2 * X.max() * (1.45 * GRID.step / fwhm) ** 2 * np.log(2)
    assert np.abs(back - X).max() < bound
    assert converter.lost_ == converter.uncovered_ == []


@PROPERTY
@given(
    axis=st.sampled_from(["q", "d", "two_theta"]),
    wavelength=st.floats(0.3, 2.5),
    ratio=st.floats(0.3, 1.3),
    n_points=st.integers(50, 3000),
)
def test_area_is_kept_there_and_back(axis, wavelength, ratio, n_points):
    """The integral over the new axis is the integral over two-theta."""
    grid = TwoThetaGrid(10, 80, 701)
    X = np.random.default_rng(0).uniform(0, 100, size=(2, 701))
    X[:, :60] = X[:, -60:] = 0  # steps of the new axis that reach over the ends are cut
    other = ratio * wavelength if axis == "two_theta" else None
    converter = AxisConverter(
        axis,
        wavelength=wavelength,
        output_wavelength=other,
        n_points=n_points,
        method="area",
        grid=grid,
    )
    found = converter.fit(X).transform(X)
    step = converter.axis_[1] - converter.axis_[0]
    np.testing.assert_allclose(found.sum(axis=1) * step, X.sum(axis=1) * grid.step, rtol=1e-9)
    assert (found >= 0).all()
    reach = np.abs(converter.axis_[[0, -1]] - converter.axis_[[1, -2]]).max()
    assume(reach < 0.02 * np.ptp(converter.axis_))
    back = converter.inverse_transform(found)
    np.testing.assert_allclose(back.sum(axis=1), X.sum(axis=1), rtol=1e-6 if axis != "d" else 0.05)


class TestRanges:
    @pytest.mark.parametrize("axis", ["q", "d"])
    def test_default_ends_lose_nothing(self, axis):
        converter = AxisConverter(axis, grid=GRID).fit(np.ones((1, 3501)))
        values = {"q": GRID.q(CU), "d": GRID.d_spacing(CU)}[axis]
        np.testing.assert_allclose(converter.axis_[[0, -1]], np.sort(values[[0, -1]]))
        assert converter.lost_ == converter.uncovered_ == []

    def test_lost_and_uncovered_are_told(self):
        X = np.ones((1, 3501))
        converter = AxisConverter(
            "q", start=0.5, stop=4.0, n_points=351, method="linear", grid=GRID
        )
        with pytest.warns(
            PatternWarning, match=r"q from 0.5 to 4 1/angstrom: 58.78 to 80 deg"
        ) as w:
            converter.fit(X)
        found = converter.transform(X)
        assert "0.5 to 0.7103 of it was not measured and is zero" in str(w[0].message)
        assert w[0].filename.endswith("test_axis.py")
        assert len(w) == 1
        ((low, high),) = converter.uncovered_
        measured = converter.axis_ >= high
        assert (found[0, measured] == 1).all()
        assert (found[0, ~measured] == 0).all()
        assert low == 0.5
        ((low, high),) = converter.lost_
        assert (round(low, 2), high) == (58.78, 80)

    def test_angles_that_do_not_exist_are_lost(self):
        """Planes closer than half of the longer wavelength do not diffract it."""
        grid = TwoThetaGrid(10, 140, 1301)
        converter = AxisConverter(
            "two_theta", wavelength=CU, output_wavelength=2 * CU, grid=grid, method="area"
        )
        with pytest.warns(PatternWarning, match="60 to 140 degrees of the patterns are lost"):
            converter.fit(np.ones((1, 1301)))
        assert converter.axis_[-1] == 180
        assert np.isfinite(converter.transform(np.ones((1, 1301)))).all()

    @pytest.mark.filterwarnings(UNHEARD)
    def test_area_of_what_is_kept(self):
        X = lines(GRID.two_theta, [30, 40], 0.2)
        converter = AxisConverter("q", start=1.0, stop=8.0, method="area", grid=GRID).fit(X)
        found = converter.transform(X).sum() * np.diff(converter.axis_)[0]
        assert found == pytest.approx(X.sum() * GRID.step)


@pytest.mark.parametrize("axis", ["q", "d"])
def test_no_line_of_a_stick_pattern_is_lost_by_default(axis, rng):
    """Where the new steps are wider than the old ones, points alone miss a part of the lines."""
    positions = rng.choice(np.arange(50, 3450), size=(100, 1), replace=False)
    sticks = np.zeros((100, 3501))
    np.put_along_axis(sticks, positions, 1.0, axis=1)
    converter = AxisConverter(axis, grid=GRID).fit(sticks)
    areas = converter.transform(sticks).sum(axis=1) * np.diff(converter.axis_)[0]
    np.testing.assert_allclose(areas, GRID.step, rtol=1e-6)
    points = AxisConverter(axis, method="linear", grid=GRID).fit_transform(sticks)
    # no step of Q is twice as wide as one of the angles, those of d are much wider in the end
    assert points.any(axis=1).all() == (axis == "q")


class TestManners:
    def test_names(self):
        X = np.ones((1, 3501))
        names = AxisConverter("two_theta", output_wavelength=CU, wavelength=CU, grid=GRID).fit(X)
        assert names.get_feature_names_out()[[0, 1000]].tolist() == [
            "two_theta_10.00",
            "two_theta_30.00",
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PatternWarning)
            converter = AxisConverter("q", start=1, stop=5, n_points=401, grid=GRID).fit(X)
        assert converter.get_feature_names_out()[[0, 20]].tolist() == ["q_1.00", "q_1.20"]
        frame = converter.set_output(transform="pandas").transform(X)
        assert frame.columns.tolist() == converter.get_feature_names_out().tolist()

    def test_default_grid(self):
        converter = AxisConverter().fit(np.ones((1, 901)))
        assert converter.axis_[0] == 0
        assert converter.axis_[-1] == pytest.approx(TwoThetaGrid().q(CU)[-1])

    @pytest.mark.parametrize("method", ["linear", "area"])
    def test_float32(self, method, rng):
        X = rng.uniform(size=(2, 3501)).astype(np.float32)
        converter = AxisConverter(method=method, grid=GRID).fit(X)
        found = converter.transform(X)
        assert found.dtype == np.float32
        assert converter.inverse_transform(found).dtype == np.float32

    def test_inverse_needs_the_points_of_the_axis(self):
        converter = AxisConverter(n_points=50, grid=GRID).fit(np.ones((1, 3501)))
        with pytest.raises(ValueError, match="X has 3501 points, but the new axis has 50"):
            converter.inverse_transform(np.ones((1, 3501)))

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({"axis": "theta"}, "axis"),
            ({"axis": "two_theta"}, "axis='two_theta' needs output_wavelength"),
            ({"wavelength": "XxKa"}, "wavelength must be .*XxKa"),
            ({"wavelength": -1.0}, "wavelength"),
            ({"n_points": 1}, "n_points"),
            ({"start": 5, "stop": 4}, r"start < stop, got start=5 and stop=4 1/angstrom"),
            (
                {"axis": "two_theta", "output_wavelength": CU, "stop": 190},
                r"start < stop <= 180, got start=10 and stop=190 degrees",
            ),
            (
                {"start": 6, "stop": 8},
                r"Nothing of 10 to 80 degrees lies on the new axis, q from 6",
            ),
            ({"axis": "d", "start": 10, "stop": 20}, "Nothing of 10 to 80 degrees"),
            ({"axis": "d", "grid": TwoThetaGrid(0, 90, 3501)}, "d is infinite; set stop"),
            ({"grid": TwoThetaGrid(10, 80, 99)}, "grid has 99 points"),
        ],
    )
    def test_bad_parameters(self, params, reason):
        with pytest.raises(ValueError, match=reason):
            AxisConverter(**{"grid": GRID, **params}).fit(np.ones((1, 3501)))

    def test_one_point(self):
        with pytest.raises(ValueError, match="at least two points"):
            AxisConverter().fit([[1.0]])
