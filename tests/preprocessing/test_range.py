import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline

from skxrd import TwoThetaGrid
from skxrd.exceptions import PatternWarning
from skxrd.preprocessing import BaselineRemover, RangeSelector, RegionMasker

GRID = TwoThetaGrid(10, 80, 701)
TWO_THETA = GRID.two_theta


class TestRangeSelector:
    def test_both_ends_are_kept(self, rng):
        X = rng.uniform(size=(3, 701))
        selector = RangeSelector(20.1, 60.3, grid=GRID)
        np.testing.assert_array_equal(selector.fit_transform(X), X[:, 101:504])
        np.testing.assert_allclose(selector.grid_.two_theta, TWO_THETA[101:504])

    @settings(deadline=None, max_examples=60, derandomize=True)
    @given(start=st.floats(0, 79), width=st.floats(0.3, 180))
    def test_keeps_what_lies_in_the_range(self, start, width):
        stop = min(start + width, 180.0)
        if stop < 10.2:
            return
        selector = RangeSelector(start, stop, grid=GRID)
        kept = selector.fit_transform(TWO_THETA[np.newaxis])[0]
        inside = (start - 1e-6 <= TWO_THETA) & (stop + 1e-6 >= TWO_THETA)
        np.testing.assert_array_equal(kept, TWO_THETA[inside])
        np.testing.assert_allclose(selector.grid_.two_theta, kept, atol=1e-9)
        assert selector.grid_.step == pytest.approx(GRID.step)

    def test_open_ends(self, rng):
        X = rng.uniform(size=(2, 701))
        np.testing.assert_array_equal(RangeSelector(grid=GRID).fit_transform(X), X)
        assert RangeSelector(start=79, grid=GRID).fit(X).grid_ == TwoThetaGrid(79.0, 80.0, 11)
        assert RangeSelector(stop=11, grid=GRID).fit(X).grid_ == TwoThetaGrid(10.0, 11.0, 11)

    def test_names(self):
        selector = RangeSelector(20, 20.2, grid=GRID).fit(np.ones((1, 701)))
        names = selector.get_feature_names_out().tolist()
        assert names == ["two_theta_20.00", "two_theta_20.10", "two_theta_20.20"]

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            (
                {"start": 81},
                r"start=81 and stop=80 degrees hold 0 points of the grid from 10 to 80",
            ),
            ({"start": 20, "stop": 20.05}, "hold 1 points"),
            ({"start": 30, "stop": 20}, "hold 0 points"),
            ({"start": -1}, "start"),
            ({"stop": "all"}, "stop"),
            ({"grid": TwoThetaGrid(10, 80, 99)}, "grid has 99 points"),
        ],
    )
    def test_bad_parameters(self, params, reason):
        with pytest.raises(ValueError, match=reason):
            RangeSelector(**{"grid": GRID, **params}).fit(np.ones((1, 701)))

    def test_one_point(self):
        with pytest.raises(ValueError, match="at least two points"):
            RangeSelector().fit([[1.0]])


class TestRegionMasker:
    def test_zero(self, rng):
        X = rng.uniform(1, 2, size=(3, 701))
        masker = RegionMasker([(20, 22), (50, 51), (79.5, 120)], grid=GRID)
        masked = masker.fit_transform(X)
        inside = ((TWO_THETA > 19.99) & (TWO_THETA < 22.01)) | (
            (TWO_THETA > 49.99) & (TWO_THETA < 51.01)
        )
        inside |= TWO_THETA > 79.49
        np.testing.assert_array_equal(masker.mask_, inside)
        np.testing.assert_array_equal(masked, np.where(inside, 0, X))

    def test_line_is_exact_for_straight_lines(self):
        X = np.stack([3 * TWO_THETA - 7, np.full(701, 5.0)])
        broken = X.copy()
        regions = [(20, 22), (21, 30), (60, 60)]
        masker = RegionMasker(regions, fill="line", grid=GRID).fit(X)
        broken[:, masker.mask_] = 1e6
        np.testing.assert_allclose(masker.transform(broken), X, rtol=1e-12)

    def test_line_is_flat_at_the_ends(self, rng):
        X = rng.uniform(size=(2, 701))
        found = RegionMasker([(0, 12), (70, 90)], fill="line", grid=GRID).fit_transform(X)
        assert (found[:, :20] == X[:, [21]]).all()
        assert (found[:, 601:] == X[:, [599]]).all()
        np.testing.assert_array_equal(found[:, 21:600], X[:, 21:600])

    def test_a_region_between_two_points_masks_nothing_and_says_so(self, rng):
        X = rng.uniform(size=(2, 701))
        masker = RegionMasker([(20.02, 20.08), (30, 31), (90, 91)], grid=GRID)
        with pytest.warns(PatternWarning, match=r"from 20.02 to 20.08 degrees .*masks none") as w:
            masker.fit(X)
        assert len(w) == 1  # beyond the grid is no reason
        assert w[0].filename == __file__
        assert masker.mask_.sum() == 11

    def test_one_point_left(self):
        X = np.arange(701.0)[np.newaxis]
        found = RegionMasker([(0, 39.95), (40.05, 90)], fill="line", grid=GRID).fit_transform(X)
        np.testing.assert_array_equal(found, np.full((1, 701), 300.0))

    def test_line_spares_the_background(self, rng):
        """A hole in a background is a feature of its own; a straight line is none."""
        background = rng.poisson(200 + 100 * np.exp(-(((TWO_THETA - 30) / 15) ** 2)), (4, 701))
        left = {}
        for fill in ("zero", "line"):
            pipeline = make_pipeline(
                RegionMasker([(40, 42)], fill=fill, grid=GRID), BaselineRemover(grid=GRID)
            )
            near = (TWO_THETA > 38) & (TWO_THETA < 44)
            left[fill] = np.abs(pipeline.fit_transform(background.astype(float))[:, near]).mean()
        assert left["line"] < 0.5 * left["zero"]

    def test_zeros_can_be_dropped(self, rng):
        X = rng.uniform(1, 2, size=(5, 701))
        pipeline = make_pipeline(RegionMasker([(20, 22)], grid=GRID), VarianceThreshold())
        assert pipeline.fit_transform(X).shape == (5, 701 - 21)

    @pytest.mark.parametrize("regions", [(), [], np.empty((0, 2)), [(90, 100)]])
    @pytest.mark.parametrize("fill", ["zero", "line"])
    def test_no_region(self, regions, fill, rng):
        X = rng.uniform(size=(2, 701))
        found = RegionMasker(regions, fill=fill, grid=GRID).fit_transform(X)
        np.testing.assert_array_equal(found, X)

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({"regions": [(30, 20)]}, r"pairs of a first and a last angle.*\(30, 20\)"),
            ({"regions": [20, 30]}, "pairs of a first and a last angle"),
            ({"regions": [(20, np.nan)]}, "pairs of a first and a last angle"),
            ({"regions": [("a", "b")]}, "regions must be pairs of a first and a last angle"),
            ({"regions": [(20, 30), (40,)]}, "regions must be pairs of a first and a last angle"),
            ({"regions": [(0, 90)]}, "cover the whole grid from 10 to 80 degrees"),
            ({"regions": 3}, "regions"),
            ({"fill": "remove"}, "fill"),
            ({"grid": TwoThetaGrid(10, 80, 99)}, "grid has 99 points"),
        ],
    )
    def test_bad_parameters(self, params, reason):
        with pytest.raises(ValueError, match=reason):
            RegionMasker(**{"grid": GRID, **params}).fit(np.ones((1, 701)))
