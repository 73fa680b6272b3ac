import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymatgen.core import Lattice, Structure
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd._tensors import apply, to_tensor
from skxrd.augmentation import PeakScaling, PeakShift
from skxrd.preprocessing import (
    AxisConverter,
    IntensityFloor,
    IntensityScaler,
    PatternResampler,
    PatternSmoother,
    PeakBroadener,
    RangeSelector,
    RegionMasker,
)

GRID = TwoThetaGrid(10, 80, 351)
OTHER_RANGE = pytest.mark.filterwarnings("ignore:New grid:skxrd.exceptions.PatternWarning")
PREPROCESSORS = [
    IntensityScaler("max"),
    IntensityScaler("area"),
    IntensityScaler("vector"),
    IntensityScaler("sqrt"),
    IntensityScaler("log"),
    IntensityFloor(),
    AxisConverter(grid=GRID),
    AxisConverter("d", method="area", grid=GRID),
    PeakBroadener(grid=GRID),
    PeakBroadener(eta=0.5, grid=GRID),
    PatternResampler(TwoThetaGrid(10, 80, 71), input_grid=GRID),
    PatternResampler(TwoThetaGrid(10, 80, 71), input_grid=GRID, method="area"),
    PatternSmoother(1.6, grid=GRID),
    RangeSelector(20, 30, grid=GRID),
    RegionMasker([(20, 30)], grid=GRID),
    RegionMasker([(20, 30)], fill="line", grid=GRID),
]


@pytest.fixture(params=PREPROCESSORS, ids=str)
def preprocessor(request):
    return clone(request.param)


@pytest.fixture
def X(rng):
    return rng.uniform(size=(6, GRID.n_points))


def test_transform_and_render_are_one_computation(preprocessor, X):
    expected = preprocessor.fit_transform(X)
    np.testing.assert_array_equal(preprocessor.render(to_tensor(X)).numpy(), expected)


def test_input_is_not_changed(preprocessor, X):
    before = X.copy()
    X.flags.writeable = False
    preprocessor.fit_transform(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(preprocessor, X, dtype):
    assert preprocessor.fit_transform(X.astype(dtype)).dtype == dtype


def test_empty_and_negative_patterns_stay_finite(preprocessor):
    X = np.zeros((4, GRID.n_points))
    X[1] = -1.0
    X[2, 5] = -3.0
    X[3, 5] = 1e-300
    Xt = preprocessor.fit_transform(X)
    assert np.isfinite(Xt).all()
    assert (Xt[0] == 0).all()


def test_many_rows_are_transformed_in_batches(preprocessor, X):
    expected = preprocessor.fit_transform(X)
    n_times = 600  # more than fit into one batch
    many = preprocessor.transform(np.tile(X, (n_times, 1)))
    np.testing.assert_allclose(many, np.tile(expected, (n_times, 1)), rtol=1e-12, atol=1e-12)


def test_names_of_the_output(preprocessor, X):
    frame = preprocessor.set_output(transform="pandas").fit_transform(X)
    assert frame.columns.is_unique
    assert frame.columns.tolist() == preprocessor.get_feature_names_out().tolist()
    assert len(frame.columns) == frame.shape[1]


def test_gradients_pass(preprocessor, X):
    """Attribution along two-theta follows the output of a network back through the rendering."""
    tensor = to_tensor(X).requires_grad_()
    preprocessor.fit(X).render(tensor).sum().backward()
    assert torch.isfinite(tensor.grad).all()


def test_rows_do_not_depend_on_each_other(preprocessor, X):
    together = preprocessor.fit_transform(X)
    alone = np.concatenate([preprocessor.transform(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("max", [-0.25, 0.0, 0.25, 1.0]),
        ("area", [-0.25, 0.0, 0.25, 1.0]),
        ("vector", np.array([-1, 0, 1, 4]) / np.sqrt(18)),
        ("sqrt", [0.0, 0.0, 0.5, 1.0]),
        ("log", [0.0, 0.0, np.log(1 + 250) / np.log(1001), 1.0]),
    ],
)
def test_intensity_scaler(method, expected):
    X = np.array([[-1.0, 0.0, 1.0, 4.0]])
    np.testing.assert_allclose(IntensityScaler(method).fit_transform(X), [expected], rtol=1e-12)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    method=st.sampled_from(["max", "area", "vector", "sqrt", "log"]),
    unit=st.floats(1e-20, 1e20),
    X=arrays(float, (3, 7), elements=st.floats(0, 1e9, width=32)),
)
def test_intensity_scaler_forgets_the_unit(method, unit, X):
    X = np.round(X, 3)  # sums of denormal numbers lose digits
    scaler = IntensityScaler(method).fit(X)
    expected = scaler.transform(X)
    np.testing.assert_allclose(scaler.transform(unit * X), expected, rtol=1e-9, atol=1e-15)
    size = {"area": expected.sum(axis=1), "vector": np.linalg.norm(expected, axis=1)}
    np.testing.assert_allclose(size.get(method, expected.max(axis=1)), X.any(axis=1), rtol=1e-9)


@pytest.mark.parametrize(("method", "norm"), [("max", "max"), ("area", "l1"), ("vector", "l2")])
def test_intensity_scaler_agrees_with_scikit_learn(method, norm, X):
    expected = Normalizer(norm).fit_transform(X)
    np.testing.assert_allclose(IntensityScaler(method).fit_transform(X), expected, rtol=1e-12)


@pytest.mark.parametrize("row", [[1.0, -5.0, 2.0], [-3.0, 0.0, -1.0], [2.0, -2.0, 0.0]])
def test_areas_that_are_not_positive_scale_nothing(row):
    assert IntensityScaler("area").fit_transform([row]).tolist() == [row]


def test_noise_does_not_add_to_the_area(rng):
    line = np.zeros((1, 4000))
    line[0, 2000] = 100.0
    noisy = line + rng.normal(size=line.shape)
    scaled = IntensityScaler("area").fit_transform(noisy)
    # the sum has an uncertainty of sqrt(4000), absolute values would add 3192
    assert scaled[0, 2000] == pytest.approx(noisy[0, 2000] / noisy.sum())
    assert scaled.sum() == pytest.approx(1)


@pytest.mark.parametrize("method", ["max", "area", "vector"])
def test_large_and_small_float32_do_not_overflow(method):
    X = np.array([[1e30, 3e30], [1e-30, 3e-30], [0, 0]], dtype=np.float32)
    scaled = IntensityScaler(method).fit_transform(X)
    np.testing.assert_allclose(scaled[0], scaled[1], rtol=1e-6)
    assert scaled[0, 1] > 0.7
    assert (scaled[2] == 0).all()


def test_dynamic_range_of_the_logarithm():
    X = np.array([[0.01, 1.0]])
    weak = [IntensityScaler("log", dynamic_range=r).fit_transform(X)[0, 0] for r in (1, 100, 1e4)]
    np.testing.assert_allclose(
        weak, [np.log(1.01) / np.log(2), np.log(2) / np.log(101), np.log(101) / np.log(10001)]
    )


def test_floor_is_relative_to_each_maximum():
    X = np.array([[1.0, 9.9, 10.0, 100.0], [1.0, 9.9, 10.0, 20.0]])
    floored = IntensityFloor(0.1).fit_transform(X)
    assert floored.tolist() == [[0.0, 0.0, 10.0, 100.0], [0.0, 9.9, 10.0, 20.0]]
    assert IntensityFloor(0.0).fit_transform(X).tolist() == X.tolist()
    assert IntensityFloor(1.0).fit_transform(X).tolist() == [[0, 0, 0, 100], [0, 0, 0, 20]]


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_broadening_keeps_the_area(eta, rng):
    X = np.zeros((3, GRID.n_points))
    X[:, 120:230] = rng.uniform(size=(3, 110))
    broadened = PeakBroadener(1.0, eta=eta, grid=GRID).fit_transform(X)
    np.testing.assert_allclose(broadened.sum(axis=1), X.sum(axis=1), rtol=1e-10)
    assert broadened.max() < X.max()
    assert broadened.min() > -1e-12


def test_broadening_is_symmetric_with_the_width_asked_for():
    grid = TwoThetaGrid(10, 20, 1001)
    stick = np.zeros((1, 1001))
    stick[0, 500] = 1.0
    for eta in (0.0, 0.7):
        profile = PeakBroadener(1.0, eta=eta, grid=grid).fit_transform(stick)[0]
        np.testing.assert_allclose(profile, profile[::-1], atol=1e-15)
        assert profile.argmax() == 500
        assert profile[550] / profile[500] == pytest.approx(0.5)  # half of the FWHM away


def test_broadening_over_the_ends_wraps_nothing():
    X = np.zeros((2, GRID.n_points))
    X[0, 0] = X[1, -1] = 1.0
    broadened = PeakBroadener(1.0, grid=GRID).fit_transform(X)
    np.testing.assert_allclose(broadened[0, 30:], 0, atol=1e-15)
    np.testing.assert_allclose(broadened[1, :-30], 0, atol=1e-15)
    kernel = PeakBroadener(1.0, grid=GRID).fit(X).kernel_
    assert broadened[0].sum() == pytest.approx((1 + kernel.max()) / 2)


def test_broadening_agrees_with_direct_convolution(X):
    broadener = PeakBroadener(0.8, eta=0.3, grid=GRID).fit(X)
    expected = [np.convolve(row, broadener.kernel_, mode="full") for row in X]
    reach = len(broadener.kernel_) // 2
    expected = np.array(expected)[:, reach : reach + GRID.n_points]
    np.testing.assert_allclose(broadener.transform(X), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_broadening_makes_nothing_negative(dtype, rng):
    X = np.zeros((40, GRID.n_points), dtype=dtype)
    X[:, rng.integers(20, 330, size=10)] = rng.uniform(1, 100, size=10)
    X[1] *= -1
    broadened = PeakBroadener(0.5, grid=GRID).fit_transform(X)
    assert broadened[0].min() == 0
    assert broadened[2:].min() == 0
    np.testing.assert_allclose(broadened[1], -broadened[0], atol=1e-6 * broadened.max())


def test_zero_width_changes_nothing(X):
    np.testing.assert_array_equal(PeakBroadener(0.0, grid=GRID).fit_transform(X), X)


def test_kernel_wider_than_the_grid():
    X = np.ones((1, 5))
    broadened = PeakBroadener(30.0, grid=TwoThetaGrid(10, 14, 5)).fit_transform(X)
    assert broadened.shape == (1, 5)
    assert (broadened > 0).all()


@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_broadener_agrees_with_the_simulator(eta):
    salt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    grid = TwoThetaGrid(10, 90, 4001)
    sticks = PatternSimulator(grid).fit_transform([salt])
    simulated = PatternSimulator(grid, fwhm=0.3, eta=eta).fit_transform([salt])
    broadened = PeakBroadener(0.3, eta=eta, grid=grid).fit_transform(sticks)
    # The simulator broadens lines where they are, the broadener where the grid has put them.
    difference = np.abs(broadened - simulated).max()
    assert difference < 0.06 * simulated.max()
    # a Lorentzian's tail crosses the last angle
    np.testing.assert_allclose(broadened.sum(), simulated.sum(), rtol=0.01)


@OTHER_RANGE
def test_resampling_is_exact_for_linear_functions():
    source, target = TwoThetaGrid(10, 80, 351), TwoThetaGrid(12.34, 77.7, 123)
    X = np.stack([2 * source.two_theta - 3, -source.two_theta, np.ones(351)])
    resampled = PatternResampler(target, input_grid=source).fit_transform(X)
    expected = [2 * target.two_theta - 3, -target.two_theta, np.ones(123)]
    np.testing.assert_allclose(resampled, expected, atol=1e-10)


def test_resampling_to_the_same_grid_is_the_identity(X):
    resampled = PatternResampler(GRID, input_grid=GRID).fit_transform(X)
    np.testing.assert_allclose(resampled, X, atol=1e-9)


@OTHER_RANGE
def test_resampling_gives_zero_outside(rng):
    X = rng.uniform(1, 2, size=(2, 351))
    target = TwoThetaGrid(0, 90, 91)
    resampled = PatternResampler(target, input_grid=GRID).fit_transform(X)
    inside = (target.two_theta >= 10) & (target.two_theta <= 80)
    assert (resampled[:, inside] >= 1).all()  # both ends of the shared range included
    assert (resampled[:, ~inside] == 0).all()


@OTHER_RANGE
def test_resampling_agrees_with_the_grid(X):
    target = TwoThetaGrid(5, 85, 77)
    resampled = PatternResampler(target, input_grid=GRID).fit_transform(X)
    expected = [target.resample(GRID.two_theta, row) for row in X]
    np.testing.assert_allclose(resampled, expected, atol=1e-10)


def test_default_grids(X):
    resampler = PatternResampler().fit(X)
    assert resampler.transform(X).shape == (6, 4501)
    names = resampler.get_feature_names_out()
    assert len(set(names)) == 4501
    assert names[501] == "two_theta_10.02"


@pytest.mark.parametrize(
    "preprocessor",
    [PeakBroadener(grid=GRID), PatternResampler(input_grid=GRID)],
    ids=["broadener", "resampler"],
)
def test_wrong_number_of_points(preprocessor):
    with pytest.raises(ValueError, match=r"grid has 351 points, but .* n_features = 350"):
        preprocessor.fit(np.ones((2, 350)))


def test_patterns_of_one_point():
    assert PeakBroadener().fit_transform([[2.0]]).tolist() == [[2.0]]
    with pytest.raises(ValueError, match="at least two points"):
        PatternResampler().fit([[2.0]])


class TestApply:
    def test_nothing(self, X):
        tensor = to_tensor(X)
        assert apply(None, tensor) is tensor
        assert apply("passthrough", tensor) is tensor

    def test_pipeline_with_a_foreign_transformer(self, X):
        pipeline = make_pipeline(
            IntensityScaler("sqrt"), StandardScaler(), "passthrough", PeakBroadener(grid=GRID)
        ).fit(X)
        found = apply(pipeline, to_tensor(X.astype(np.float32)))
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), pipeline.transform(X), atol=1e-4)

    def test_augmentations_draw_from_the_generator(self, X):
        pipeline = make_pipeline(PeakShift(5), make_pipeline(PeakScaling(), IntensityScaler()))
        pipeline.fit(X)
        first, again, other = (
            apply(pipeline, to_tensor(X), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_read_only_arrays_are_copied(self, X):
        X.flags.writeable = False
        tensor = to_tensor(X)
        tensor[0] = 0
        assert X[0].min() > 0
