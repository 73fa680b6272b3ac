"""Diffusivities of motions that are known, and what is said where they cannot be."""

import gzip
import json
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport import (
    DiffusionEstimator,
    IonTrajectory,
    make_hopping_trajectory,
    mean_squared_displacement,
    nernst_einstein_conductivity,
)
from skxrd.transport._diffusion._errors import Estimate, estimate, ratio_interval
from skxrd.transport._diffusion._fit_window import find_fit_window
from skxrd.transport._trajectory import _drift

TRUTH = 0.2 * 3**2 / 6 * 1e-4  # of the default hop model, in cm2/s
QUIET = pytest.mark.filterwarnings("ignore::skxrd.exceptions.TransportWarning")


@pytest.fixture(scope="module")
def trajectory():
    return make_hopping_trajectory(random_state=0)


@pytest.fixture(scope="module")
def fitted(trajectory):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a good run is fitted without a word
        return DiffusionEstimator().fit(trajectory)


def brownian(n_ions, n_frames, rng, *, variance=0.03, common=0.0, axes=(0, 1, 2)):
    """Mobile ions in a large cell, with a variance per step and axis, and one framework ion."""
    steps = np.sqrt(variance) * rng.normal(size=(n_frames, n_ions, 3))
    steps += np.sqrt(common) * rng.normal(size=(n_frames, 1, 3))
    steps[..., np.setdiff1d(range(3), axes)] = 0
    positions = np.concatenate([steps.cumsum(axis=0), np.zeros((n_frames, 1, 3))], axis=1) / 100
    return IonTrajectory(
        positions,
        100 * np.eye(3),
        ["Li"] * n_ions + ["S"],
        time_step=20,
        temperature=500,
        is_unwrapped=True,
    )


def messages(estimator, trajectory):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(trajectory)
    assert all(issubclass(warning.category, TransportWarning) for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def test_finds_the_truth_of_the_hop_model(fitted):
    assert fitted.diffusivity_ == pytest.approx(TRUTH, rel=0.25)
    assert fitted.diffusivity_interval_[0] < TRUTH < fitted.diffusivity_interval_[1]
    assert fitted.charge_diffusivity_interval_[0] < TRUTH < fitted.charge_diffusivity_interval_[1]
    assert fitted.haven_ratio_ == fitted.diffusivity_ / fitted.charge_diffusivity_
    assert fitted.haven_ratio_interval_[0] < 1 < fitted.haven_ratio_interval_[1]
    assert fitted.n_hops_ == pytest.approx(0.2 * 40 * 24, rel=0.25)
    assert fitted.intercept_ == pytest.approx(6 * 0.35**2, rel=0.2)
    assert fitted.is_diffusive_
    assert (fitted.n_ions_, fitted.n_blocks_) == (24, 8)


def test_the_mean_squared_displacement_is_that_of_the_function(fitted, trajectory):
    displacements = trajectory.drift_corrected("framework", species="Li").displacements("Li")
    n_lags = len(fitted.lag_times_)
    np.testing.assert_allclose(
        fitted.mean_squared_displacement_,
        mean_squared_displacement(displacements, max_lag=n_lags - 1),
    )
    np.testing.assert_allclose(
        fitted.collective_mean_squared_displacement_,
        mean_squared_displacement(displacements, collective=True, max_lag=n_lags - 1),
        rtol=1e-9,
    )
    np.testing.assert_allclose(fitted.lag_times_, 0.02 * np.arange(1001))


def test_the_line_is_that_of_least_squares(fitted):
    first, last = fitted.fit_window_
    inside = (fitted.lag_times_ >= first - 1e-9) & (fitted.lag_times_ <= last + 1e-9)
    for values, diffusivity, intercept in (
        (fitted.mean_squared_displacement_, fitted.diffusivity_, fitted.intercept_),
        (
            fitted.collective_mean_squared_displacement_,
            fitted.charge_diffusivity_,
            fitted.charge_intercept_,
        ),
    ):
        slope, height = np.polyfit(fitted.lag_times_[inside], values[inside], 1)
        assert diffusivity == pytest.approx(slope / 6 * 1e-4, rel=1e-9)
        assert intercept == pytest.approx(height, rel=1e-9)


def test_conductivity(fitted, trajectory):
    cell = {"n_ions": 24, "volume": trajectory.volume, "temperature": 600}
    for name in ("diffusivity_", "charge_diffusivity_"):
        conductivity = name.replace("diffusivity", "conductivity")
        for ending in ("", "interval_"):
            expected = nernst_einstein_conductivity(getattr(fitted, name + ending), **cell)
            np.testing.assert_allclose(getattr(fitted, conductivity + ending), expected)


def test_temperature_and_charge(trajectory, fitted):
    other = DiffusionEstimator(temperature=300, charge=2).fit(trajectory)
    assert other.temperature_ == 300
    assert other.conductivity_ == pytest.approx(8 * fitted.conductivity_)
    nameless = make_hopping_trajectory(temperature=None, random_state=0)
    unknown = DiffusionEstimator().fit(nameless)
    assert np.isnan(unknown.conductivity_)
    assert np.isnan(unknown.charge_conductivity_interval_).all()
    assert unknown.diffusivity_ == fitted.diffusivity_


def test_uniform_drift_changes_nothing(trajectory, fitted):
    unwrapped = trajectory.unwrapped()
    drift = np.arange(2000)[:, None, None] * np.array([0.01, -0.02, 0.005]) / 15
    drifting = IonTrajectory(
        unwrapped.positions + drift,
        trajectory.lattice,
        trajectory.species,
        time_step=20,
        temperature=600,
        is_unwrapped=True,
    )
    found = DiffusionEstimator().fit(drifting)
    assert found.diffusivity_ == pytest.approx(fitted.diffusivity_, rel=1e-10)
    assert found.charge_diffusivity_ == pytest.approx(fitted.charge_diffusivity_, rel=1e-9)
    np.testing.assert_allclose(
        found.mean_squared_displacement_, fitted.mean_squared_displacement_, rtol=1e-10
    )
    with pytest.warns(TransportWarning, match="motion in cages, or a drift"):
        still = DiffusionEstimator(drift=None).fit(drifting)
    assert still.charge_diffusivity_ > 2 * found.charge_diffusivity_


def test_wrapped_and_unwrapped_agree(trajectory, fitted):
    found = DiffusionEstimator().fit(trajectory.unwrapped())
    assert found.diffusivity_ == pytest.approx(fitted.diffusivity_, rel=1e-9)


def test_the_trajectory_is_not_changed(trajectory):
    before = trajectory.positions.copy()
    DiffusionEstimator().fit(trajectory)
    np.testing.assert_array_equal(trajectory.positions, before)


def test_tensor(fitted):
    tensor = fitted.diffusivity_tensor_
    np.testing.assert_array_equal(tensor, tensor.T)
    assert np.trace(tensor) / 3 == pytest.approx(fitted.diffusivity_, rel=1e-9)


@QUIET
def test_tensor_of_motion_along_a_diagonal(rng):
    steps = rng.normal(size=(3000, 10, 1)) * np.array([1.0, 1.0, 0.0])
    positions = 0.1 * steps.cumsum(axis=0) / 100
    tilted = IonTrajectory(positions, 100 * np.eye(3), ["Li"] * 10, time_step=20, is_unwrapped=True)
    tensor = DiffusionEstimator(drift=None).fit(tilted).diffusivity_tensor_
    expected = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]]) * tensor[0, 0]
    np.testing.assert_allclose(tensor, expected, atol=1e-9 * tensor[0, 0])
    assert tensor[0, 0] == pytest.approx(0.01 / 2 / 0.02 * 1e-4, rel=0.2)


@QUIET
def test_dimension(rng):
    layer = brownian(50, 2000, rng, axes=(0, 1))
    expected = 0.03 / 2 / 0.02 * 1e-4
    found = DiffusionEstimator(dimension=2).fit(layer)
    assert found.diffusivity_ == pytest.approx(expected, rel=0.1)
    assert DiffusionEstimator().fit(layer).diffusivity_ == pytest.approx(found.diffusivity_ * 2 / 3)


def test_haven_ratio_of_walkers_with_a_common_walk():
    ratios = []
    for seed in range(40):
        walk = brownian(24, 2000, np.random.default_rng(seed), variance=4e-3, common=8e-4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TransportWarning)
            ratios.append(DiffusionEstimator().fit(walk).haven_ratio_)
    assert np.nanmedian(ratios) == pytest.approx((1 + 0.2) / (1 + 24 * 0.2), abs=0.04)


def test_one_ion_is_its_own_collective(rng):
    walk = brownian(1, 10000, rng)
    found = DiffusionEstimator(error="blocks").fit(walk)
    assert found.charge_diffusivity_ == pytest.approx(found.diffusivity_, rel=1e-9)
    assert found.haven_ratio_ == pytest.approx(1)
    said = messages(DiffusionEstimator(), walk)
    assert len(said) == 1
    assert "needs two mobile ions and found 1" in said[0]


def test_errors_can_be_left_out(trajectory):
    found = DiffusionEstimator(error=None).fit(trajectory)
    assert found.diffusivity_ == pytest.approx(TRUTH, rel=0.25)
    assert np.isnan(found.diffusivity_error_)
    assert np.isnan(found.charge_diffusivity_interval_).all()
    assert np.isnan(found.haven_ratio_)


def test_confidence_widens(trajectory, fitted):
    wide = DiffusionEstimator(confidence=0.99).fit(trajectory)
    assert wide.diffusivity_error_ == fitted.diffusivity_error_
    for name in ("diffusivity_interval_", "charge_diffusivity_interval_", "haven_ratio_interval_"):
        assert np.ptp(getattr(wide, name)) > 1.2 * np.ptp(getattr(fitted, name))
    # Student's t for 23 and for 7 degrees of freedom, from a table
    assert np.ptp(wide.diffusivity_interval_) / 2 / wide.diffusivity_error_ == pytest.approx(
        2.807, abs=1e-3
    )
    assert np.ptp(wide.charge_diffusivity_interval_) / 2 / wide.charge_diffusivity_error_ == (
        pytest.approx(3.499, abs=1e-3)
    )


def test_few_hops_are_told():
    said = messages(DiffusionEstimator(), make_hopping_trajectory(hop_rate=0.01, random_state=0))
    assert any("hops each of 3 angstrom" in text for text in said)


def test_no_haven_ratio_where_the_interval_holds_zero():
    few = make_hopping_trajectory(hop_rate=0.01, random_state=1)
    estimator = DiffusionEstimator()
    said = messages(estimator, few)
    assert estimator.charge_diffusivity_interval_[0] < 0  # never cut off
    assert np.isnan(estimator.haven_ratio_)
    assert np.isnan(estimator.haven_ratio_interval_).all()
    assert any("which holds 0: no Haven ratio" in text for text in said)


def test_wide_interval_is_told():
    few = make_hopping_trajectory(n_ions=3, random_state=0)
    assert any("wider than the value" in text for text in messages(DiffusionEstimator(), few))


def test_motion_in_cages_is_told():
    rattling = make_hopping_trajectory(
        hop_rate=0, vibration=0.8, relaxation_time=5000, random_state=0
    )
    estimator = DiffusionEstimator()
    said = messages(estimator, rattling)
    assert any("does not grow linearly" in text for text in said)
    assert not estimator.is_diffusive_


@pytest.mark.parametrize("relaxation_time", [100, 500, 1000, 2000])
@QUIET
def test_rattling_ions_never_pass_for_diffusing_ones(relaxation_time):
    for seed in range(10):
        rattling = make_hopping_trajectory(
            n_frames=601, hop_rate=0, relaxation_time=relaxation_time, random_state=seed
        )
        found = DiffusionEstimator().fit(rattling)
        assert not found.is_diffusive_ or found.diffusivity_interval_[0] <= 0


@pytest.mark.parametrize("relaxation_time", [100, 500])
@pytest.mark.parametrize("speed", [0.0005, 0.002, 0.01])
@QUIET
def test_ions_that_drift_do_not_diffuse(speed, relaxation_time):
    for seed in range(5):
        rattling = make_hopping_trajectory(
            hop_rate=0, relaxation_time=relaxation_time, random_state=seed
        ).unwrapped()
        positions = rattling.positions.copy()
        positions[:, rattling.indices("Li"), 0] += speed * np.arange(len(positions))[:, None]
        drifting = IonTrajectory(
            positions, rattling.lattice, rattling.species, time_step=20, is_unwrapped=True
        )
        assert not DiffusionEstimator().fit(drifting).is_diffusive_


@pytest.mark.parametrize("hop_rate", [0.05, 0.2, 0.5])
@QUIET
def test_ions_that_hop_diffuse_in_short_runs_too(hop_rate):
    for seed in range(10):
        hopping = make_hopping_trajectory(n_frames=601, hop_rate=hop_rate, random_state=seed)
        assert DiffusionEstimator().fit(hopping).is_diffusive_


@pytest.mark.parametrize(
    ("parameters", "largest_excess", "lowest"),
    [
        ({"hop_rate": 0.1, "relaxation_time": 2000, "vibration": 0.5}, 1.25, 0.6),
        ({"hop_rate": 0.02, "relaxation_time": 1000}, 1.45, 0.7),
    ],
)
def test_slow_relaxation_in_cages_is_told(parameters, largest_excess, lowest):
    truth = parameters["hop_rate"] * 9 / 6 * 1e-4
    found = []
    for seed in range(20):
        estimator = DiffusionEstimator()
        said = messages(estimator, make_hopping_trajectory(random_state=seed, **parameters))
        is_told = any("No lag was found from which growth is linear" in text for text in said)
        assert is_told == (estimator.is_diffusive_ and not estimator.has_linear_start_)
        if is_told:
            np.testing.assert_allclose(estimator.fit_window_, [1.98, 3.98], atol=0.021)
        low, high = estimator.diffusivity_interval_
        found.append([is_told, estimator.diffusivity_ / truth, low <= truth <= high])
    told, ratio, held = np.mean(found, axis=0)
    assert told > 0.8
    assert ratio < largest_excess
    assert held >= lowest


def test_a_linear_start_needs_no_word(trajectory, fitted):
    assert fitted.has_linear_start_
    slow = make_hopping_trajectory(hop_rate=0.1, relaxation_time=2000, random_state=0)
    said = messages(given := DiffusionEstimator(lag_range=(2.0, 4.0)), slow)
    assert given.has_linear_start_  # the user says so
    assert not any("No lag was found" in text for text in said)


@pytest.mark.parametrize("n_ions", [2, 3, 4, 5])
@QUIET
def test_haven_ratio_of_few_ions(n_ions):
    unknown = 0
    for seed in range(20):
        found = DiffusionEstimator().fit(make_hopping_trajectory(n_ions=n_ions, random_state=seed))
        low, high = found.haven_ratio_interval_
        unknown += np.isnan(low)
        assert np.isnan([low, high]).all() or low <= found.haven_ratio_ <= high
    assert unknown < 20 or n_ions == 2


def test_haven_ratio_without_an_interval_is_told():
    said = messages(DiffusionEstimator(), make_hopping_trajectory(n_ions=2, random_state=0))
    assert any("Haven ratio" in text and "has no interval" in text for text in said)


def test_without_a_framework(trajectory):
    lithium = trajectory.select(trajectory.indices("Li"))
    estimator = DiffusionEstimator()
    said = messages(estimator, lithium)
    assert len(said) == 1
    assert "no framework, all ions are Li" in said[0]
    assert np.isnan(estimator.max_framework_displacement_)
    assert estimator.diffusivity_ == pytest.approx(TRUTH, rel=0.3)
    silent = DiffusionEstimator(drift=None)
    assert not messages(silent, lithium)
    assert silent.diffusivity_ == estimator.diffusivity_
    with pytest.raises(TrajectoryError, match=r"needs other ions than Li.*drift=None"):
        DiffusionEstimator(drift="center_of_mass").fit(lithium)


@pytest.mark.parametrize("error", ["jackknife", None])
def test_a_center_of_mass_at_rest_shows_no_charge_diffusivity(trajectory, error):
    lithium = trajectory.select(trajectory.indices("Li")).drift_corrected("center_of_mass")
    estimator = DiffusionEstimator(drift=None, error=error)
    said = messages(estimator, lithium)
    assert len(said) == 1
    assert "The center of mass rests: the charge diffusivity cannot be seen" in said[0]
    assert estimator.diffusivity_ == pytest.approx(TRUTH, rel=0.3)
    assert np.isfinite(estimator.conductivity_)
    for name in ("charge_diffusivity_", "charge_conductivity_", "haven_ratio_"):
        assert np.isnan(getattr(estimator, name))
        assert np.isnan(getattr(estimator, f"{name}interval_")).all()
    assert np.isnan(estimator.charge_diffusivity_error_)


@pytest.mark.parametrize("drift", ["framework", "center_of_mass", None])
@QUIET
def test_long_runs_are_read_in_batches_of_ions(trajectory, drift, monkeypatch):
    expected = DiffusionEstimator(drift=drift).fit(trajectory)
    monkeypatch.setattr(_drift, "_BATCH_BYTES", 5 * trajectory.n_frames * 24)
    found = DiffusionEstimator(drift=drift).fit(trajectory)
    assert found.diffusivity_ == pytest.approx(expected.diffusivity_, rel=1e-12)
    assert found.charge_diffusivity_ == pytest.approx(expected.charge_diffusivity_, rel=1e-10)
    held = trajectory.unwrapped() if drift is None else None
    held = held or trajectory.drift_corrected(drift, species="Li")
    moved = held.select(held.others("Li")).displacements()
    largest = np.linalg.norm(moved, axis=2).max()
    assert found.max_framework_displacement_ == pytest.approx(largest, rel=1e-12)
    assert expected.max_framework_displacement_ == pytest.approx(largest, rel=1e-12)


@QUIET
def test_memory_is_that_of_the_mobile_ions(monkeypatch):
    run = make_hopping_trajectory(n_ions=10, n_framework=90, n_frames=4000, random_state=0)
    monkeypatch.setattr(_drift, "_BATCH_BYTES", 10 * run.n_frames * 24)
    DiffusionEstimator().fit(run[:100])
    tracemalloc.start()
    try:
        DiffusionEstimator().fit(run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < run.positions.nbytes


def test_framework_displacement(rng):
    walk = brownian(5, 500, rng)
    positions = walk.positions.copy()
    positions[300, 5] = [0.03, 0.0, 0.04]
    walk = IonTrajectory(positions, walk.lattice, walk.species, time_step=20, is_unwrapped=True)
    found = DiffusionEstimator(drift=None, error=None).fit(walk)
    assert found.max_framework_displacement_ == pytest.approx(5)


@QUIET
def test_user_window(trajectory):
    found = DiffusionEstimator(lag_range=(0.5, 2.0)).fit(trajectory)
    np.testing.assert_allclose(found.fit_window_, [0.5, 2.0])
    only_end = DiffusionEstimator(lag_range=(None, 2.0)).fit(trajectory)
    assert only_end.fit_window_[1] == pytest.approx(2.0)
    only_start = DiffusionEstimator(lag_range=(1.0, None)).fit(trajectory)
    np.testing.assert_allclose(only_start.fit_window_, [1.0, 3.98])


def test_a_long_window_leaves_fewer_blocks(trajectory):
    estimator = DiffusionEstimator(lag_range=(1, 10))
    messages(estimator, trajectory)
    assert estimator.n_blocks_ == 3
    said = messages(DiffusionEstimator(lag_range=(1, 30)), trajectory)
    assert any("less than two blocks of time" in text for text in said)
    assert len(estimator.lag_times_) == 1001
    estimator = DiffusionEstimator(lag_range=(1, 30))
    messages(estimator, trajectory)
    assert len(estimator.lag_times_) == 1501


def test_automatic_window_starts_behind_the_cages():
    lags = np.arange(1001) * 0.02
    caged = 0.735 * (1 - np.exp(-lags / 0.1)) + 1.8 * lags
    window = find_fit_window(caged, 2001, 0.02, (None, None))
    assert 0.2 < window.start * 0.02 < 0.5
    assert window.stop == 4 * window.start
    assert window.is_diffusive
    assert window.has_linear_start
    flying = np.minimum(lags, 0.1) ** 2 * 30 + caged  # a ballistic start changes nothing
    assert find_fit_window(flying, 2001, 0.02, (None, None)).start * 0.02 < 0.6
    bent = find_fit_window(lags**0.4, 2001, 0.02, (None, None))
    assert bent == (100, 200, False, False)  # the later half of a tenth of the run


def test_window_to_half_of_the_run_has_nothing_behind_it():
    lags = np.arange(2001) * 0.02
    assert find_fit_window(lags, 2001, 0.02, (None, 30.0)).is_diffusive
    assert not find_fit_window(lags**0.5, 2001, 0.02, (None, 30.0)).is_diffusive


def test_window_of_nothing_that_moves():
    assert find_fit_window(np.zeros(501), 1001, 0.02, (None, None)) == (50, 100, False, False)


@pytest.mark.parametrize(
    ("lag_range", "message"),
    [
        ((None, 41.0), "ends at 41 ps, after the end of the run at 39.98 ps"),
        ((4.0, None), "leaves the lags from 4 to 3.98 ps"),
        ((1.0, 1.0), "a line needs two of them"),
    ],
)
def test_window_outside_the_run(trajectory, lag_range, message):
    with pytest.raises(TrajectoryError, match=message):
        DiffusionEstimator(lag_range=lag_range).fit(trajectory)


@pytest.mark.parametrize("lag_range", [(1,), (1, 2, 3), (-1, 2), ("a", 2), (1, float("inf"))])
def test_lag_range_is_a_pair_of_lags(trajectory, lag_range):
    with pytest.raises(ValueError, match="lag_range must hold the first and the last lag"):
        DiffusionEstimator(lag_range=lag_range).fit(trajectory)


@pytest.mark.parametrize("n_frames", [1, 2, 30])
def test_too_few_frames(n_frames):
    short = make_hopping_trajectory(n_frames=n_frames, random_state=0)
    words = (
        "one frame shows no motion" if n_frames == 1 else f"has {n_frames} frames: .* at least 31"
    )
    with pytest.raises(TrajectoryError, match=words):
        DiffusionEstimator().fit(short)


@QUIET
def test_just_enough_frames():
    found = DiffusionEstimator().fit(make_hopping_trajectory(n_frames=31, random_state=0))
    assert np.isfinite(found.diffusivity_)
    assert found.fit_window_[1] == pytest.approx(0.06)


def test_ions_at_rest(trajectory):
    still = IonTrajectory(
        np.full((100, 3, 3), 0.5), 10 * np.eye(3), ["Li", "Li", "S"], time_step=20
    )
    estimator = DiffusionEstimator()
    said = messages(estimator, still)
    assert estimator.diffusivity_ == pytest.approx(0, abs=1e-20)
    assert any("hops each" in text for text in said)
    assert np.isnan(estimator.haven_ratio_)


def test_bad_input(trajectory):
    with pytest.raises(TrajectoryError, match=r"no ion of species 'Li\+'.*without charge"):
        DiffusionEstimator("Li+").fit(trajectory)
    with pytest.raises(TrajectoryError, match="no ion of species 'Na'"):
        DiffusionEstimator("Na").fit(trajectory)
    with pytest.raises(TypeError, match="must be an IonTrajectory; got ndarray"):
        DiffusionEstimator().fit(trajectory.positions)
    with pytest.raises(ValueError, match="charge must be finite and not 0"):
        DiffusionEstimator(charge=0).fit(trajectory)


@pytest.mark.parametrize(
    "parameters",
    [
        {"error": "std"},
        {"n_blocks": 1},
        {"confidence": 1.0},
        {"drift": "Li"},
        {"dimension": 4},
        {"temperature": 0.0},
        {"hop_length": -3.0},
        {"species": 3},
        {"lag_range": 2.0},
    ],
)
def test_bad_parameters(trajectory, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        DiffusionEstimator(**parameters).fit(trajectory)


def test_clone_pickle_and_fit_again(trajectory, fitted):
    assert not hasattr(clone(fitted), "diffusivity_")
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.diffusivity_ == fitted.diffusivity_
    assert copy.fit(trajectory) is copy
    assert copy.charge_diffusivity_ == fitted.charge_diffusivity_
    check_is_fitted(fitted)
    with pytest.raises(NotFittedError):
        check_is_fitted(DiffusionEstimator())
    assert repr(DiffusionEstimator("Na", confidence=0.9)) == (
        "DiffusionEstimator(confidence=0.9, species='Na')"
    )


def test_estimate_is_the_jackknife(rng):
    parts = rng.normal(size=9)
    rest = np.array([np.delete(parts, part).mean() for part in range(9)])
    jackknife = np.sqrt(8 / 9 * np.square(rest - rest.mean()).sum())
    assert estimate(1.0, parts).error == pytest.approx(jackknife, rel=1e-12)
    assert np.isnan(estimate(1.0, parts[:1]).error)


def test_ratio_interval_is_fiellers():
    top, bottom = Estimate(2.0, 0.1, 50), Estimate(4.0, 0.5, 7)
    low, high = ratio_interval(top, bottom, 0.95)
    assert low < 0.5 < high
    for ratio in (low, high):  # the difference is t standard errors from 0
        error = np.hypot(0.1, ratio * 0.5)
        assert abs(2 - ratio * 4) / error == pytest.approx(2.3646, abs=1e-4)
    assert np.isnan(ratio_interval(top, Estimate(4.0, np.nan, 0), 0.95)).all()
    few = Estimate(2.0, 0.1, 1)  # t is 12.7: the denominator may be 0
    assert np.isnan(ratio_interval(few, bottom, 0.95)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "largest_bias", "largest_rmse", "lowest", "common"),
    [
        ({}, 0.03, 0.11, 0.91, 0.0),
        ({"hop_rate": 0.02}, 0.06, 0.30, 0.91, 0.0),
        ({"hop_rate": 0.0666667, "common_diffusivity": 2e-6}, 0.04, 0.16, 0.88, 2e-6),
    ],
    ids=["192 hops", "19 hops", "common walk"],
)
@QUIET
def test_intervals_hold_the_truth(parameters, largest_bias, largest_rmse, lowest, common):
    truth = parameters.get("hop_rate", 0.2) * 9 / 6 * 1e-4 + common
    charge_truth = truth + 23 * common
    found = []
    for seed in range(200):
        fit = DiffusionEstimator().fit(make_hopping_trajectory(random_state=seed, **parameters))
        low, high = fit.diffusivity_interval_
        first, last = fit.charge_diffusivity_interval_
        is_held = (low <= truth <= high, first <= charge_truth <= last)
        found.append([fit.diffusivity_ / truth - 1, *is_held])
    errors, tracer, charge = np.array(found, dtype=float).T
    assert abs(errors.mean()) < largest_bias
    assert np.sqrt(np.square(errors).mean()) < largest_rmse
    assert lowest <= tracer.mean() <= 0.99
    assert 0.91 <= charge.mean() <= 0.99


@pytest.fixture(scope="module")
def lgps(shared_data):
    """Li10GeP2S12 at 600 K: 20 ps, in which lithium hardly hops."""
    with gzip.open(shared_data / "md" / "DiffusionAnalyzer.json.gz") as file:
        data = json.load(file)
    matrix = np.array(data["structure"]["lattice"]["matrix"])
    sites = data["structure"]["sites"]
    paths = np.moveaxis(np.array(data["displacements"]), 0, 1) @ np.linalg.inv(matrix)
    return IonTrajectory(
        np.array([site["abc"] for site in sites]) + paths,
        matrix,
        [site["species"][0]["element"] for site in sites],
        time_step=20,
        temperature=600,
        is_unwrapped=True,
    )


@pytest.mark.real_data
def test_lgps_values_of_others(lgps):
    held = lgps.drift_corrected("framework", species="Li", mass_weighted=False)
    lags = mean_squared_displacement(held.displacements("Li"))
    assert lags[7] == pytest.approx(0.0404666867, rel=1e-8)
    framework = held.select(np.flatnonzero(held.species != "Li")).displacements()
    largest = np.linalg.norm(framework, axis=2).max()
    assert largest == pytest.approx(1.18656839605, rel=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize("lag_range", [(None, None), (0.5, 2.0), (1.0, 4.0), (1.0, 10.0)])
def test_lgps_is_too_short(lgps, lag_range):
    estimator = DiffusionEstimator(lag_range=lag_range)
    said = messages(estimator, lgps)
    assert any("hops each" in text for text in said)
    assert any("no Haven ratio can be given" in text for text in said)
    assert np.isnan(estimator.haven_ratio_)
    if lag_range == (None, None):
        assert any("does not grow linearly" in text for text in said)
    if lag_range == (1.0, 10.0):
        assert estimator.diffusivity_ == pytest.approx(1.11e-6, rel=0.01)
        assert estimator.diffusivity_error_ == pytest.approx(0.37e-6, rel=0.02)


def test_pymatgen_analysis_diffusion_agrees(trajectory):
    analyzer = pytest.importorskip("pymatgen.analysis.diffusion.analyzer")
    held = trajectory.drift_corrected("framework", species="Li", mass_weighted=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn as they like
        peer = analyzer.DiffusionAnalyzer(
            trajectory.structure(),
            np.moveaxis(held.displacements(), 0, 1),
            "Li",
            600,
            time_step=20,
            step_skip=1,
            smoothed="max",
        )
    # Their lags, in fs, begin at 1 ps.
    lags = np.rint(peer.dt / 20).astype(int)
    displacements = held.displacements("Li")
    ours = mean_squared_displacement(displacements)
    np.testing.assert_allclose(ours[lags], peer.msd, rtol=1e-8)
    both = mean_squared_displacement(displacements, collective=True)
    np.testing.assert_allclose(both[lags], peer.mscd, rtol=1e-6)
    cell = {"n_ions": 24, "volume": trajectory.volume, "temperature": 600}
    sigma = nernst_einstein_conductivity(peer.diffusivity, **cell)
    assert 1000 * sigma == pytest.approx(peer.conductivity, rel=1e-6)
