import sys

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.pipeline import make_pipeline

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import MissingDependencyError, PatternWarning
from skxrd.preprocessing import BaselineRemover, IntensityScaler

ARPLS_STOPS = "ignore:.*'arpls' stopped early"  # simulated patterns without noise
METHODS = ["arpls", "asls", "psalsa", "rolling_ball", "snip"]
GRID = TwoThetaGrid(10, 80, 1751)
TWO_THETA = GRID.two_theta
HUMP = 400 * np.exp(-(((TWO_THETA - 20) / 3) ** 2) / 2) + 60


@pytest.fixture(scope="module")
def lines():
    structures = list(load_lithium_conductors().structures)[30:36]
    return 100 * PatternSimulator(GRID, fwhm=0.2).transform(structures).astype(float)


@pytest.fixture(params=METHODS)
def remover(request):
    return BaselineRemover(request.param, grid=GRID)


def test_hump_goes_and_lines_stay(remover, lines, rng):
    measured = rng.poisson(lines + HUMP).astype(float)
    found = remover.fit_transform(measured)
    between = lines < 1
    left = np.abs((found - lines)[between].mean())
    assert left < 0.05 * HUMP[(TWO_THETA > 18) & (TWO_THETA < 22)].mean()
    assert np.abs(found - lines)[lines > 1000].mean() < 0.05 * lines.max()


def test_default_keeps_areas_of_strong_lines(lines, rng):
    found = BaselineRemover(grid=GRID).fit_transform(rng.poisson(lines + HUMP).astype(float))
    strong = lines > 2000
    assert found[strong].sum() == pytest.approx(lines[strong].sum(), rel=0.03)


@pytest.mark.parametrize("method", ["asls", "psalsa", "rolling_ball", "snip"])
def test_hump_goes_without_noise(method, lines):
    found = BaselineRemover(method, grid=GRID).fit_transform(lines + HUMP)
    assert np.abs((found - lines)[lines < 1]).mean() < 0.02 * np.ptp(HUMP)


def test_arpls_warns_where_it_stops_early():
    spike = np.ones((1, GRID.n_points))
    spike[0, 500] = 1e12
    remover = BaselineRemover("arpls", grid=GRID).fit(spike)
    with pytest.warns(PatternWarning, match=r"1 of 1 patterns: The fit of 'arpls' stopped.*snip"):
        remover.transform(spike)


@pytest.mark.parametrize("method", ["arpls", "asls", "psalsa"])
def test_fits_that_end_at_the_last_iteration_stopped_early(method, lines, monkeypatch):
    remover = BaselineRemover(method, grid=GRID).fit(lines)
    options = remover._options
    monkeypatch.setattr(remover, "_options", lambda *at: {**options(*at), "max_iter": 1})
    with pytest.warns(PatternWarning, match=f"6 of 6 patterns: The fit of '{method}' stopped"):
        remover.transform(lines + HUMP)


def test_fits_that_stopped_early_are_counted_the_same_in_threads(lines, rng, monkeypatch):
    monkeypatch.setattr("skxrd.preprocessing._base._NUMBERS_AT_A_TIME", 5 * GRID.n_points)
    X = np.tile(lines + HUMP, (15, 1))  # 18 tasks of five rows
    X[::3] = rng.poisson(X[::3])  # enough noise for arPLS
    told = []
    for n_jobs in (1, 4):
        with pytest.warns(PatternWarning) as caught, parallel_config("threading", n_jobs=n_jobs):
            BaselineRemover("arpls", grid=GRID).fit_transform(X)
        told.append([str(each.message) for each in caught])
    assert len(told[0]) == 1
    assert told[0] == told[1]


@pytest.mark.filterwarnings(ARPLS_STOPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_input_are_kept(remover, lines, dtype):
    X = (lines + HUMP).astype(dtype)
    before = X.copy()
    X.flags.writeable = False
    assert remover.fit_transform(X).dtype == dtype
    np.testing.assert_array_equal(X, before)


@pytest.mark.filterwarnings(ARPLS_STOPS)
def test_rows_do_not_depend_on_each_other(remover, lines):
    X = lines + HUMP
    alone = [remover.fit_transform(row[np.newaxis])[0] for row in X]
    np.testing.assert_array_equal(remover.fit_transform(X), alone)


@pytest.mark.filterwarnings(ARPLS_STOPS)
@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_unit_of_intensity_does_not_matter(remover, lines, unit):
    X = lines[:2] + HUMP
    expected = remover.fit_transform(X)
    np.testing.assert_allclose(
        remover.fit_transform(X * unit) / unit, expected, atol=1e-4 * np.ptp(X)
    )


def test_step_of_the_grid_does_not_matter():
    """The width is in degrees: half as many points see about the same baseline."""
    fine = BaselineRemover(grid=GRID).fit_transform(HUMP[np.newaxis] + 5)
    coarse_grid = TwoThetaGrid(10, 80, 876)
    coarse = BaselineRemover(grid=coarse_grid).fit_transform(HUMP[np.newaxis, ::2] + 5)
    np.testing.assert_allclose(coarse, fine[:, ::2], atol=0.03 * HUMP.max())


def test_wider_is_stiffer(lines):
    X = lines + HUMP
    hump = (TWO_THETA > 18) & (TWO_THETA < 22) & (lines < 1).all(axis=0)
    left = [
        np.abs(BaselineRemover(width=width, grid=GRID).fit_transform(X)[:, hump]).mean()
        for width in (4.0, 20.0)
    ]
    assert left[0] < 0.3 * left[1]


@pytest.mark.filterwarnings(ARPLS_STOPS)
def test_what_was_not_measured_stays_zero(remover, lines):
    X = lines[:1] + HUMP
    X[:, :300] = X[:, 1500:] = 0.0
    found = remover.fit_transform(X)
    assert (found[:, :300] == 0).all()
    assert (found[:, 1500:] == 0).all()
    assert np.abs(np.median(found[:, 300:1500])) < 0.05 * HUMP.max()


@pytest.mark.filterwarnings(ARPLS_STOPS)
def test_patterns_without_contrast(remover):
    X = np.zeros((3, GRID.n_points))
    X[1] = 7.0
    X[2, 40:43] = 5.0  # too short to tell a background from a line
    found = remover.fit_transform(X)
    assert (found[:2] == 0).all()
    np.testing.assert_array_equal(found[2], X[2])


@pytest.mark.filterwarnings(ARPLS_STOPS)
def test_spikes_and_short_patterns_stay_finite(remover):
    X = np.ones((1, GRID.n_points))
    X[0, 500] = 1e12
    assert np.isfinite(remover.fit_transform(X)).all()
    short = BaselineRemover(remover.method).fit_transform([[1.0, 2.0, 9.0, 2.0, 1.0, 1.0]])
    assert np.isfinite(short).all()
    assert BaselineRemover(remover.method).fit_transform([[3.0]]).tolist() == [[3.0]]


def test_failed_fit_leaves_the_pattern_and_warns(lines, monkeypatch):
    remover = BaselineRemover(grid=GRID).fit(lines)
    monkeypatch.setattr(remover, "_baseline", lambda row, step: (np.full_like(row, np.nan), False))
    with pytest.warns(PatternWarning, match=r"2 of 2 patterns: No baseline .*rows 0, 1"):
        found = remover.transform(lines[:2] + 1)
    np.testing.assert_array_equal(found, lines[:2] + 1)


@pytest.mark.slow  # workers have to start
def test_result_does_not_depend_on_n_jobs(lines):
    X = np.tile(lines + HUMP, (150, 1)).astype(np.float32)  # more rows than one task takes
    expected = BaselineRemover("rolling_ball", grid=GRID).fit_transform(X)
    parallel = BaselineRemover("rolling_ball", grid=GRID, n_jobs=2).fit_transform(X)
    np.testing.assert_array_equal(parallel, expected)
    np.testing.assert_array_equal(expected[6:12], expected[:6])


def test_rows_are_named_across_tasks(lines, monkeypatch):
    X = np.tile(lines[:1] + 1, (700, 1))
    remover = BaselineRemover("rolling_ball", grid=GRID).fit(X)
    X[650] *= 2
    monkeypatch.setattr(
        remover, "_baseline", lambda row, step: (np.where(row.max() > X[0].max(), np.nan, row), 0)
    )
    with pytest.warns(PatternWarning, match=r"1 of 700 patterns: No baseline .*rows 650"):
        remover.transform(X)


def test_in_a_pipeline(lines):
    X = make_pipeline(BaselineRemover(grid=GRID), IntensityScaler("sqrt")).fit_transform(
        lines + HUMP
    )
    np.testing.assert_allclose(X.max(axis=1), 1)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"method": "magic"}, "method"),
        ({"n_jobs": 0.5}, "n_jobs"),
        ({"width": 0}, "width"),
        ({"width": "wide"}, "width"),
        ({"grid": TwoThetaGrid(10, 80, 99)}, "grid has 99 points, but .* n_features = 1751"),
    ],
)
def test_bad_parameters(lines, params, reason):
    with pytest.raises(ValueError, match=reason):
        BaselineRemover(**params).fit(lines)


def test_nan_is_refused(remover, lines):
    X = lines.copy()
    X[0, 5] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        remover.fit_transform(X)


def test_missing_package_is_named(lines, monkeypatch):
    monkeypatch.setitem(sys.modules, "pybaselines", None)
    with pytest.raises(MissingDependencyError, match=r"skxrd\[baseline\]"):
        BaselineRemover(grid=GRID).fit(lines)
