import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import PatternWarning
from skxrd.io import MeasuredPattern, read_patterns
from skxrd.preprocessing import BaselineRemover, IntensityScaler, MeasuredPatternTransformer

GRID = TwoThetaGrid(10, 80, 1401)
CU = 1.54184


def line(two_theta, position, fwhm=0.2, height=1000.0):
    return height * np.exp(-4 * np.log(2) * ((two_theta - position) / fwhm) ** 2)


def pattern(start=5.0, stop=85.0, step=0.02, positions=(30.0, 45.0), background=0.0, **kwargs):
    two_theta = np.arange(start, stop + step / 2, step)
    intensity = sum(line(two_theta, position) for position in positions) + background
    return MeasuredPattern(two_theta, intensity, **{"wavelength": CU, **kwargs})


def plain(grid=GRID, **params):
    return MeasuredPatternTransformer(grid, baseline="passthrough", **params)


def test_shape_scale_and_positions():
    X = plain().fit_transform([pattern(), pattern(positions=(50.0,))])
    assert X.shape == (2, 1401)
    assert X.dtype == np.float32
    assert X.max(axis=1).tolist() == [100.0, 100.0]
    assert GRID.two_theta[X.argmax(axis=1)].round(6).tolist() == [30.0, 50.0]


def test_measurement_of_a_simulated_pattern_gives_it_back():
    structure = load_lithium_conductors().structures[0]
    fine = TwoThetaGrid(5, 90, 17001)
    profile = PatternSimulator(fine, fwhm=0.2).transform([structure])[0]
    expected = PatternSimulator(GRID, fwhm=0.2).transform([structure])[0]
    found = plain().fit_transform([MeasuredPattern(fine.two_theta, profile, wavelength=CU)])[0]
    expected *= 100 / expected.max()
    # the simulator on the coarser grid moves lines by up to half a step
    assert np.corrcoef(found, expected)[0, 1] > 0.98


@pytest.mark.parametrize("step", [0.005, 0.013, 0.05, 0.11])
def test_area_of_a_line_is_kept_whatever_the_step(step):
    measured = pattern(step=step, positions=(30.0, 45.013))
    X = plain().fit_transform([measured])[0].astype(float)
    areas = [X[np.abs(GRID.two_theta - center) < 1].sum() for center in (30.0, 45.013)]
    assert areas[0] == pytest.approx(areas[1], rel=0.01)


def test_averages_are_exact_for_a_straight_line():
    two_theta = 5 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.5, 400))
    measured = MeasuredPattern(two_theta, 3 * two_theta, wavelength=CU)
    X = plain().fit_transform([measured])[0]
    np.testing.assert_allclose(X, 100 * GRID.two_theta / 80, rtol=1e-5)


def test_other_wavelength_is_converted_through_d():
    d = CU / (2 * np.sin(np.radians(15)))  # diffracts Cu K-alpha at 30 degrees
    molybdenum = 0.7107
    at = 2 * np.degrees(np.arcsin(molybdenum / (2 * d)))
    measured = pattern(start=3, stop=40, step=0.005, positions=(at,), wavelength=molybdenum)
    X = plain().fit_transform([measured])
    assert GRID.two_theta[X[0].argmax()] == pytest.approx(30.0, abs=GRID.step / 2)


def test_planes_that_cannot_diffract_are_left_out():
    chromium = 2.2909
    transformer = plain(TwoThetaGrid(10, 170, 1601), wavelength=chromium)
    with pytest.warns(PatternWarning, match=r"lacks 10.00 to 14\.\d\d"):
        X = transformer.fit_transform([pattern(start=10, stop=150, positions=(30.0,))])
    assert np.isfinite(X).all()
    expected = 2 * np.degrees(np.arcsin(np.sin(np.radians(15)) * chromium / CU))
    assert TwoThetaGrid(10, 170, 1601).two_theta[X[0].argmax()] == pytest.approx(expected, abs=0.06)


def test_background_goes(rng):
    two_theta = pattern().two_theta
    hump = 400 * np.exp(-(((two_theta - 20) / 3) ** 2) / 2) + 50
    measured = pattern(background=rng.poisson(hump).astype(float))
    X = MeasuredPatternTransformer(GRID).fit_transform([measured])[0]
    expected = plain().fit_transform([pattern()])[0]
    assert X.min() == 0
    assert np.abs(X - expected)[expected < 0.1].mean() < 2
    np.testing.assert_allclose(X[expected > 50], expected[expected > 50], atol=6)


def test_baseline_gets_the_measured_range_only(monkeypatch):
    seen = []

    class Spy(BaselineRemover):
        def transform(self, X):
            seen.append((self.grid, X.shape))
            return super().transform(X)

    spy = Spy("snip")
    with pytest.warns(PatternWarning):
        MeasuredPatternTransformer(GRID, baseline=spy).fit_transform([pattern(20, 60)])
    grid, shape = seen[0]
    assert (round(grid.start, 6), round(grid.stop, 6)) == (20, 60)
    assert shape == (1, grid.n_points)
    assert grid.step == pytest.approx(GRID.step)
    assert spy.grid is None


def test_range_that_was_not_measured():
    transformer = plain(TwoThetaGrid(0, 90, 901))
    with pytest.warns(PatternWarning) as caught:
        X = transformer.transform([pattern(10, 80), pattern(0, 90)])
    message = str(caught[0].message)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "1 of 2 measured patterns" in message
    assert "0 lacks 0.00 to 10.00 and 80.00 to 90.00" in message
    two_theta = TwoThetaGrid(0, 90, 901).two_theta
    assert (X[0, (two_theta < 9.99) | (two_theta > 80.01)] == 0).all()
    coverage = transformer.coverage_
    assert coverage["covered_fraction"].round(4).tolist() == [round(701 / 901, 4), 1.0]
    assert coverage["start"].tolist() == [10.0, 0.0]


def test_range_that_was_measured_is_no_reason_to_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain().fit_transform([pattern(10, 80), pattern(10.02, 79.98)])


def two_scans(background=0.0):
    """One file of two ranges: 10 to 20 and 60 to 80 degrees."""
    two_theta = np.concatenate([np.arange(10, 20, 0.02), np.arange(60, 80.01, 0.02)])
    intensity = line(two_theta, 15.0) + line(two_theta, 70.0) + 300.0 + background
    return MeasuredPattern(two_theta, intensity, wavelength=CU)


@pytest.mark.parametrize("baseline", ["passthrough", None])
def test_a_hole_in_a_measurement_was_not_measured(baseline):
    transformer = MeasuredPatternTransformer(GRID, baseline=baseline)
    with pytest.warns(PatternWarning, match=r"0 lacks 19.98 to 60.00$"):
        X = transformer.transform([two_scans(), pattern()])
    hole = (GRID.two_theta > 19.99) & (GRID.two_theta < 59.99)
    assert (X[0, hole] == 0).all()
    assert (X[0, ~hole] > 0).all() or baseline is None
    assert X[0].max() == pytest.approx(100)
    assert GRID.two_theta[X[0].argmax()] in (15.0, 70.0)
    fractions = transformer.coverage_["covered_fraction"]
    assert fractions.tolist() == pytest.approx([1 - hole.mean(), 1.0])


def test_a_hole_narrower_than_a_step_loses_no_point():
    two_theta = np.arange(5, 85, 0.001)
    kept = np.abs(two_theta - 30.005) > 0.01  # twenty steps are missing
    measured = MeasuredPattern(two_theta[kept], two_theta[kept], wavelength=CU)
    transformer = plain()
    assert transformer.fit_transform([measured])[0].min() > 0
    assert transformer.coverage_["covered_fraction"].tolist() == [1.0]


def test_many_holes_are_not_all_named():
    two_theta = np.arange(10, 80.01, 0.02)
    two_theta = two_theta[(two_theta % 5) < 4]
    measured = MeasuredPattern(two_theta, np.ones(len(two_theta)), wavelength=CU)
    with pytest.warns(PatternWarning, match=r"0 lacks 14.00 to 15.02 .* and 11 other ranges$"):
        plain().fit_transform([measured])


def test_a_hole_over_the_end_of_the_grid_is_named_up_to_there():
    with pytest.warns(PatternWarning, match=r"0 lacks 30.00 to 60.00$"):
        plain(TwoThetaGrid(30, 80, 501)).fit_transform([two_scans()])


def test_a_grid_within_a_hole_is_out_of_reach():
    with pytest.raises(ValueError, match=r"its grid goes from 30 to 50 .* outside of holes"):
        plain(TwoThetaGrid(30, 50, 201)).fit_transform([two_scans()])


def test_steps_that_widen_with_the_wavelength_are_no_holes():
    """Towards 180 degrees, even steps become wide ones."""
    two_theta = np.linspace(10, 92, 8201)
    measured = MeasuredPattern(two_theta, np.ones(8201), wavelength=1.0)
    grid = TwoThetaGrid(20, 170, 3001)
    transformer = plain(grid, wavelength=1.0 / np.sin(np.radians(45.99)))
    X = transformer.fit_transform([measured])
    assert X[0].min() > 0
    assert transformer.coverage_["covered_fraction"].tolist() == [1.0]


def test_patterns_of_the_same_range_share_one_fit():
    n_rows = []

    class Spy(BaselineRemover):
        def fit(self, X, y=None):
            n_rows.append(len(X))
            return super().fit(X)

    patterns = [
        pattern(12, 70, background=50),
        pattern(20, 60, positions=(30.0,), background=9),
        pattern(12, 70, positions=(50.0,), background=70),
        pattern(11.981, 70.0, background=80),
    ]
    with pytest.warns(PatternWarning):
        X = MeasuredPatternTransformer(GRID, baseline=Spy()).fit_transform(patterns)
    assert sorted(n_rows) == [1, 3]
    for row, measured in zip(X, patterns, strict=True):
        with pytest.warns(PatternWarning):
            alone = MeasuredPatternTransformer(GRID).fit_transform([measured])
        np.testing.assert_array_equal(row, alone[0])


def test_unknown_wavelength_is_taken_for_the_models():
    with pytest.warns(PatternWarning, match="unknown wavelength.*1.54184"):
        X = plain().fit_transform([pattern(wavelength=None)])
    np.testing.assert_array_equal(X, plain().fit_transform([pattern()]))


@pytest.mark.parametrize("intensity", [0.0, -3.0])
def test_nothing_left(intensity):
    empty = MeasuredPattern([5.0, 45.0, 85.0], [intensity] * 3, wavelength=CU)
    with pytest.warns(PatternWarning, match="1 of 1 .* without any intensity"):
        X = plain().fit_transform([empty])
    assert (X == 0).all()


def test_out_of_reach():
    with pytest.raises(ValueError, match=r"Pattern 0: measured from 81.00 .* 10 to 80 degrees"):
        plain().fit_transform([pattern(81, 89)])


@pytest.mark.parametrize(
    ("X", "error", "reason"),
    [
        ([], ValueError, "At least one"),
        ([np.ones(5)], TypeError, "item 0 is a ndarray"),
        (["a.xy"], TypeError, "read_patterns"),
        (pattern(), TypeError, "in a list"),
    ],
)
def test_bad_input(X, error, reason):
    with pytest.raises(error, match=reason):
        plain().fit_transform(X)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"wavelength": "CuKx"}, "CuKx"),
        ({"wavelength": -1.0}, "wavelength"),
        ({"baseline": "magic"}, "baseline"),
        ({"baseline": make_pipeline(BaselineRemover())}, "baseline must have .*'grid'.* Pipeline"),
        ({"baseline": IntensityScaler()}, "baseline must have a parameter 'grid'"),
        ({"grid": 5}, "grid"),
    ],
)
def test_bad_parameters(params, reason):
    with pytest.raises(ValueError, match=reason):
        MeasuredPatternTransformer(**params).fit()


def test_scikit_learn_manners():
    transformer = clone(MeasuredPatternTransformer(GRID, baseline=BaselineRemover("snip")))
    measured = pattern()
    before = measured.intensity.copy()
    transformer.set_params(baseline__width=6.0)
    assert transformer.baseline.width == 6.0
    X = transformer.set_output(transform="pandas").fit_transform([measured])
    assert X.columns[:2].tolist() == ["two_theta_10.00", "two_theta_10.05"]
    np.testing.assert_array_equal(measured.intensity, before)


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::skxrd.exceptions.PatternWarning")
def test_real_measurements(shared_data):
    patterns = read_patterns(shared_data / "measured", on_error="skip")
    transformer = MeasuredPatternTransformer()
    X = transformer.fit_transform(patterns)
    assert X.shape == (22, 4501)
    assert X.max(axis=1).tolist() == [100.0] * 22
    kept = MeasuredPatternTransformer(baseline="passthrough").fit_transform(patterns)
    two_theta = TwoThetaGrid().two_theta
    hump = (two_theta > 11) & (two_theta < 14)  # no lines of LiMnO2 there
    row = patterns.ids.index("LiMnO2")
    assert kept[row, hump].mean() > 20
    assert X[row, hump].mean() < 1
