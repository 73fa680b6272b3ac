"""Van Hove functions against brute force, closed formulas and real trajectories."""

import itertools
import json
import warnings
from gzip import open as gzip_open

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport import IonTrajectory, VanHove, read_trajectory

TRICLINIC = np.array([[5.0, 0.0, 0.0], [1.5, 4.0, 0.0], [-1.0, 0.8, 6.0]])


def brute_force(positions, others, lattice, edges, *, same):
    """Count pairs by a loop over a cube of images that is certainly large enough."""
    counts = np.zeros(len(edges) - 1, dtype=int)
    images = np.array(list(itertools.product(range(-5, 6), repeat=3))) @ lattice
    for i, ion in enumerate(positions % 1 @ lattice):
        for j, other in enumerate(others % 1 @ lattice):
            if same and i == j:
                continue
            distances = np.sqrt(((ion - other - images) ** 2).sum(axis=1))
            counts += np.histogram(distances[distances < edges[-1]], edges)[0]
    return counts


def brownian(rng, n_ions, n_frames, length, *, time_step, diffusivity, species=None):
    """Random walk of an ideal gas; diffusivity in square angstrom per ps."""
    step = np.sqrt(2 * diffusivity * time_step / 1000) / length
    moves = rng.normal(0, step, size=(n_frames, n_ions, 3))
    positions = rng.random((n_ions, 3)) + np.cumsum(moves, axis=0)
    return IonTrajectory(
        positions,
        length * np.eye(3),
        species or ["Li"] * n_ions,
        time_step=time_step,
        is_unwrapped=True,
    )


@pytest.fixture
def mixture(rng):
    positions = rng.random((4, 8, 3)) * 4 - 2  # far outside of the cell, as unwrapped ones are
    species = ["Li", "S", "Li", "Li", "S", "Li", "P", "Li"]
    return IonTrajectory(positions, TRICLINIC, species, time_step=100.0, is_unwrapped=True)


@pytest.mark.parametrize("reference", [None, "Li", "S"])
@pytest.mark.parametrize("r_max", [1.5, 9.0])
def test_pairs_are_those_of_brute_force_in_an_oblique_cell(mixture, reference, r_max):
    van_hove = VanHove(
        "Li", reference, lag_times=[0, 0.2], r_max=r_max, spacing=0.3, n_origins=None, drift=None
    ).fit(mixture)
    edges = np.linspace(0, r_max, len(van_hove.r_) + 1)
    ions = mixture.positions[:, mixture.indices("Li")]
    others = mixture.positions[:, mixture.indices(reference or "Li")]
    same = reference != "S"
    for row, lag in enumerate([0, 2]):
        n_origins = 4 - lag
        expected = sum(
            brute_force(ions[t + lag], others[t], TRICLINIC, edges, same=same)
            for t in range(n_origins)
        )
        assert_array_equal(van_hove.pair_counts_[row], expected)
        density = (others.shape[1] - same) / mixture.volume
        shells = 4 / 3 * np.pi * np.diff(edges**3)
        assert_allclose(
            van_hove.distinct_[row], expected / (n_origins * 5 * density * shells), rtol=1e-12
        )
    assert_array_equal(van_hove.n_origins_, [4, 2])


def test_changing_cell_counts_with_the_later_one_and_measures_ways_with_the_mean(rng):
    cells = np.array([scale * TRICLINIC for scale in (1.0, 1.1, 0.9)])
    positions = rng.random((3, 4, 3))
    trajectory = IonTrajectory(positions, cells, ["Li"] * 4, time_step=10.0, is_unwrapped=True)
    van_hove = VanHove(lag_times=[0.01], r_max=6.0, spacing=0.5, n_origins=None, drift=None)
    van_hove.fit(trajectory)
    edges = np.linspace(0, 6, 13)
    counts = [
        brute_force(positions[t + 1], positions[t], cells[t + 1], edges, same=True)
        for t in range(2)
    ]
    assert_array_equal(van_hove.pair_counts_[0], sum(counts))
    volumes = np.abs(np.linalg.det(cells[1:]))
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    expected = (counts[0] * volumes[0] + counts[1] * volumes[1]) / (2 * 4 * 3 * shells)
    assert_allclose(van_hove.distinct_[0], expected, rtol=1e-12)
    moved = np.concatenate([positions[t + 1] - positions[t] for t in range(2)]) @ TRICLINIC
    expected, _ = np.histogram(np.linalg.norm(moved, axis=1), edges)
    assert_allclose(van_hove.self_[0], expected / 8 / 0.5, rtol=1e-12)


def test_simple_cubic_crystal_has_its_shells_even_beyond_the_cell():
    sites = np.array(list(itertools.product((0, 0.5), repeat=3)))
    trajectory = IonTrajectory([sites, sites], 6 * np.eye(3), ["Li"] * 8, time_step=10.0)
    van_hove = VanHove(lag_times=[0], r_max=8.95, spacing=0.1, n_origins=1, drift=None)
    counts = van_hove.fit(trajectory).pair_counts_[0]
    found = {round(van_hove.r_[i], 2): counts[i] / 8 for i in np.flatnonzero(counts)}
    # Neighbors at 3, 3 sqrt 2, 3 sqrt 3, 3 sqrt 5 and 3 sqrt 6; those at 6, 6 sqrt 2 are one's own.
    expected = {3.0: 6, 3 * 2**0.5: 12, 3 * 3**0.5: 8, 3 * 5**0.5: 24, 3 * 6**0.5: 24}
    assert len(found) == len(expected)
    assert_allclose(list(found), list(expected), atol=0.06)
    assert list(found.values()) == list(expected.values())


def test_self_part_of_diffusion_is_that_of_the_diffusion_equation(rng):
    trajectory = brownian(rng, 100, 2500, 16.0, time_step=20.0, diffusivity=0.1)  # 1e-5 cm2/s
    van_hove = VanHove(lag_times=[10], r_max=15.0, n_origins=400, drift=None).fit(trajectory)
    r, density = van_hove.r_, van_hove.self_[0]
    width = r[1] - r[0]
    exact = 4 * np.pi * r**2 * (4 * np.pi * 0.1 * 10) ** -1.5 * np.exp(-(r**2) / 4)
    assert exact.max() == pytest.approx(0.41511, abs=2e-3)
    assert np.abs(density - exact).sum() * width < 0.08
    assert (r * density).sum() * width == pytest.approx(2.25676, rel=0.03)
    assert (r**2 * density).sum() * width == pytest.approx(6.000, rel=0.06)
    assert abs(r[density.argmax()] - 2.0) < 0.35


def test_integral_of_the_self_part_is_one(rng):
    trajectory = brownian(rng, 10, 60, 8.0, time_step=20.0, diffusivity=0.1)
    van_hove = VanHove(r_max=12.0, drift=None).fit(trajectory)
    assert len(van_hove.lag_times_) == 30
    assert_allclose(van_hove.self_.sum(axis=1) * 0.1, 1, atol=1e-12)
    near = VanHove(r_max=0.5, spacing=0.05, lag_times=[0, 0.5], drift=None).fit(trajectory)
    assert near.self_.sum(axis=1)[0] * 0.05 == pytest.approx(1, abs=1e-12)
    assert near.self_.sum(axis=1)[1] * 0.05 < 0.9  # others went further


@pytest.fixture(scope="module")
def ideal_gas():
    """24 ions with 1e-4 cm2/s in the cell of Li6PS5Cl, and one other at rest, over 240 ps."""
    rng = np.random.default_rng(1)
    gas = brownian(rng, 24, 600, 9.857, time_step=400.0, diffusivity=1.0)
    positions = np.concatenate([gas.positions, np.zeros((600, 1, 3))], axis=1)
    return IonTrajectory(
        positions, gas.lattice, ["Li"] * 24 + ["S"], time_step=400.0, is_unwrapped=True
    )


def far(r, distinct):
    """Mean over distances from 4 to 9.5 angstrom, most of them beyond half of the cell."""
    return distinct[:, (r > 4) & (r < 9.5)].mean(axis=1)


def test_distinct_part_of_an_ideal_gas_stays_one(ideal_gas):
    times = [0, 10, 30, 60, 88, 100]
    van_hove = VanHove(lag_times=times, n_origins=250).fit(ideal_gas)
    assert_allclose(far(van_hove.r_, van_hove.distinct_), 1, atol=0.02)
    # Counts are those of a gas as well in the shells between.
    assert_allclose(van_hove.distinct_[:, 30:].mean(axis=0), 1, atol=0.1)


def test_distinct_part_of_the_peer_falls(ideal_gas):
    """The peer is no reference: it does not see the images of ions that left the cell."""
    pytest.importorskip("pymatgen.analysis.diffusion", reason="an oracle of the extra dev")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's
        from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
        from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

        displacements = ideal_gas.displacements().transpose(1, 0, 2)
        analyzer = DiffusionAnalyzer(
            ideal_gas.structure(), displacements, "Li", 900, 2, 200, smoothed=False, min_obs=2
        )
        peer = VanHoveAnalysis(
            analyzer, avg_nsteps=15, ngrid=101, rmax=10, step_skip=220, species=["Li"]
        )
    at_start, *_, at_end = far(peer.interval, peer.gdrt)
    assert at_start == pytest.approx(1, abs=0.1)
    assert at_end < 0.6
    van_hove = VanHove(lag_times=[0, 88], n_origins=250).fit(ideal_gas)
    assert_allclose(far(van_hove.r_, van_hove.distinct_), 1, atol=0.02)


def test_wrapped_positions_give_the_same(rng):
    unwrapped = brownian(rng, 12, 80, 9.0, time_step=20.0, diffusivity=0.1)
    wrapped = IonTrajectory(
        unwrapped.positions % 1, unwrapped.lattice, unwrapped.species, time_step=20.0
    )
    van_hove = VanHove(n_origins=5, drift=None)
    first, second = (clone(van_hove).fit(t) for t in (unwrapped, wrapped))
    assert_array_equal(first.pair_counts_, second.pair_counts_)
    assert_allclose(first.self_, second.self_, atol=1e-9)


def test_drift_is_taken_out(rng):
    species = ["Li"] * 6 + ["S"] * 6
    still = brownian(rng, 12, 80, 9.0, time_step=20.0, diffusivity=0.1, species=species)
    motion = np.arange(80)[:, None, None] * np.array([0.02, 0.01, 0.0])
    moving = IonTrajectory(
        still.positions + motion, still.lattice, species, time_step=20.0, is_unwrapped=True
    )
    before = moving.positions.copy()
    first, second = (VanHove("Li", "S", n_origins=5).fit(t) for t in (still, moving))
    assert_allclose(first.distinct_, second.distinct_, atol=1e-9)
    assert_allclose(first.self_, second.self_, atol=1e-9)
    as_it_is = VanHove("Li", "S", n_origins=5, drift=None).fit(moving)
    assert np.abs(as_it_is.self_ - first.self_).max() > 0.05
    assert_array_equal(moving.positions, before)


def test_self_part_agrees_with_displacements_in_changing_cells(rng):
    still = brownian(rng, 6, 80, 9.0, time_step=20.0, diffusivity=1.0)
    cells = 9 * np.eye(3) * (1 + 0.03 * rng.standard_normal((80, 1, 1)))
    trajectory = IonTrajectory(
        still.positions, cells, still.species, time_step=20.0, is_unwrapped=True
    )
    van_hove = VanHove(lag_times=[0.8], r_max=12.0, n_origins=None, drift=None).fit(trajectory)
    moved = trajectory.displacements()
    distances = np.linalg.norm(moved[40:] - moved[:-40], axis=2)
    counts = np.histogram(distances, np.linspace(0, 12, 121))[0]
    assert_allclose(van_hove.self_[0], counts / distances.size / 0.1)


def test_times(rng):
    trajectory = brownian(rng, 3, 401, 9.0, time_step=20.0, diffusivity=0.1)
    automatic = VanHove(drift=None, r_max=2.0, n_origins=1).fit(trajectory)
    assert_allclose(automatic.lag_times_, np.linspace(0, 4, 51))
    assert_array_equal(automatic.n_origins_, 1)
    chosen = VanHove(drift=None, r_max=2.0, lag_times=[8.0, 0.05, 0.03, 0.041]).fit(trajectory)
    assert_allclose(chosen.lag_times_, [0.04, 8.0])  # frames 2 and 400
    assert_array_equal(chosen.n_origins_, [100, 1])
    assert_allclose(np.diff(chosen.r_), 0.1)
    assert len(VanHove(drift=None).fit(trajectory[:2]).lag_times_) == 2


@pytest.mark.parametrize("time", [6.0006, 6.0004])
def test_times_are_rounded_before_they_are_checked(rng, time):
    trajectory = brownian(rng, 1, 6001, 9.0, time_step=1.0, diffusivity=0.1)  # of 6 ps
    van_hove = VanHove("Li", lag_times=[time], r_max=2.0, drift=None)
    if time > 6.0005:
        with pytest.raises(ValueError, match="0 to the length of the run, 6 ps"):
            van_hove.fit(trajectory)
        return
    with pytest.warns(TransportWarning, match="no distinct part"):
        van_hove.fit(trajectory)
    assert_allclose(van_hove.lag_times_, [6.0])
    assert_array_equal(van_hove.n_origins_, [1])


def test_one_ion_has_no_distinct_part(rng):
    trajectory = brownian(rng, 1, 20, 9.0, time_step=20.0, diffusivity=0.1)
    with pytest.warns(TransportWarning, match="one ion of Li: there is no distinct part") as caught:
        van_hove = VanHove(drift=None).fit(trajectory)
    assert caught[0].filename == __file__
    assert np.isnan(van_hove.distinct_).all()
    assert not van_hove.pair_counts_.any()
    assert_allclose(van_hove.self_.sum(axis=1) * 0.1, 1, atol=1e-12)


def test_no_framework_is_a_warning(rng):
    trajectory = brownian(rng, 3, 20, 9.0, time_step=20.0, diffusivity=0.1)
    with pytest.warns(TransportWarning, match="no framework, all ions are Li") as caught:
        van_hove = VanHove().fit(trajectory)
    assert caught[0].filename == __file__
    assert_array_equal(van_hove.distinct_, VanHove(drift=None).fit(trajectory).distinct_)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"lag_times": [0, 0.9]}, "0 to the length of the run, 0.38 ps"),
        ({"lag_times": [-0.1]}, "lag_times must be a sequence of times in ps"),
        ({"lag_times": [np.nan]}, "lag_times must be a sequence of times in ps"),
        ({"lag_times": []}, "lag_times must be a sequence of times in ps"),
        ({"r_max": 0.1, "spacing": 0.5}, r"spacing \(0.5\) must not exceed r_max \(0.1\)"),
        ({"r_max": 0}, "'r_max' parameter of VanHove"),
        ({"n_origins": 0}, "'n_origins' parameter of VanHove"),
        ({"drift": "anions"}, "'drift' parameter of VanHove"),
        ({"species": "Na"}, "no ion of species 'Na'"),
        ({"reference_species": "S2-"}, "no ion of species 'S2-'"),
    ],
)
def test_bad_parameters(rng, parameters, match):
    trajectory = brownian(rng, 3, 20, 9.0, time_step=20.0, diffusivity=0.1)
    with pytest.raises(ValueError, match=match):
        VanHove(**{"drift": None, **parameters}).fit(trajectory)


def test_bad_trajectories(rng):
    trajectory = brownian(rng, 3, 20, 9.0, time_step=20.0, diffusivity=0.1)
    with pytest.raises(TypeError, match="must be an IonTrajectory; got ndarray"):
        VanHove().fit(trajectory.positions)
    with pytest.raises(TrajectoryError, match="one frame shows no motion"):
        VanHove().fit(trajectory[:1])
    with pytest.raises(
        TrajectoryError, match=r"center_of_mass' needs other ions than Li.*drift=None"
    ):
        VanHove(drift="center_of_mass").fit(trajectory)
    sparse = IonTrajectory(rng.random((20, 3, 3)), 9 * np.eye(3), ["Li"] * 3, time_step=1000.0)
    with pytest.raises(TrajectoryError, match="written more often"):
        VanHove(drift=None).fit(sparse)


def test_clone_and_refit(rng):
    trajectory = brownian(rng, 5, 30, 9.0, time_step=20.0, diffusivity=0.1)
    van_hove = VanHove(drift=None, r_max=3.0).fit(trajectory)
    assert_array_equal(clone(van_hove).fit(trajectory).distinct_, van_hove.distinct_)
    assert van_hove.fit(trajectory[:10]).lag_times_[-1] < 0.1


@pytest.fixture(scope="module")
def lgps(shared_data):
    """Li20Ge2P4S24 at 600 K, with the displacements of the peer's own test."""
    from pymatgen.core import Structure

    with gzip_open(shared_data / "md" / "DiffusionAnalyzer.json.gz") as file:
        content = json.load(file)
    structure = Structure.from_dict(content["structure"])
    moved = np.array(content["displacements"]).transpose(1, 0, 2)
    positions = structure.frac_coords + moved @ np.linalg.inv(structure.lattice.matrix)
    species = [site.specie.symbol for site in structure]
    return IonTrajectory(
        positions, structure.lattice.matrix, species, time_step=20.0, is_unwrapped=True
    )


@pytest.mark.real_data
@pytest.mark.parametrize("reference", ["Li", "S"])
def test_real_pairs_are_those_of_pymatgens_neighbor_list(lgps, reference):
    van_hove = VanHove("Li", reference, lag_times=[0], n_origins=1, drift=None).fit(lgps)
    structure = lgps.structure(0)
    centers, others, _, distances = structure.get_neighbor_list(10.0)
    chosen = np.isin(centers, lgps.indices("Li")) & np.isin(others, lgps.indices(reference))
    if reference == "Li":
        chosen &= centers != others
    expected, _ = np.histogram(distances[chosen], np.linspace(0, 10, 101))
    assert expected.sum() > 1500
    assert_array_equal(van_hove.pair_counts_[0], expected)


@pytest.mark.real_data
def test_real_superionic_conductor(shared_data):
    trajectory = read_trajectory(shared_data / "md" / "Li6PS5Cl_XDATCAR.gz", time_step=100.0)
    van_hove = VanHove(lag_times=[0, 1, 6], n_origins=10).fit(trajectory)
    r, distinct = van_hove.r_, van_hove.distinct_
    assert_allclose(distinct[:, r > 8].mean(axis=1), 1, atol=0.03)
    assert not van_hove.pair_counts_[0, r < 1.9].any()  # ions keep their distance
    near = distinct[:, r < 0.5].mean(axis=1)
    assert near[0] == 0
    assert near[2] > 2  # by then, ions went where others were
    mean_square = (van_hove.self_ * r**2).sum(axis=1) * 0.1
    assert 4 < mean_square[2] < 9
