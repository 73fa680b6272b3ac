import numpy as np
import pytest

from skxrd.datasets import load_argyrodite_trajectories, load_lithium_conductors


@pytest.fixture(scope="module")
def data():
    return load_argyrodite_trajectories()


def test_temperatures_and_ions(data):
    assert len(data.trajectories) >= 3
    assert list(data.trajectories) == sorted(data.trajectories)
    for temperature, trajectory in data.trajectories.items():
        assert trajectory.temperature == temperature
        assert trajectory.species.tolist() == [site.specie.symbol for site in data.structure]
        assert data.structure.composition.reduced_formula == "Li6PS5Cl"
        assert (trajectory.n_frames, trajectory.time_step) == (301, 40.0)


def test_the_cell_is_that_of_the_bundled_compound(data):
    bundled = load_lithium_conductors()
    published = bundled.structures[bundled.ids.index("Li6PS5Cl-216")]
    for trajectory in data.trajectories.values():
        np.testing.assert_allclose(trajectory.lattice, published.lattice.matrix)


def test_ions_can_be_followed_and_started_in_the_structure(data):
    """Frames are close enough to unwrap, and phosphorus has not gone far from where it was."""
    for trajectory in data.trajectories.values():
        assert np.isfinite(trajectory.displacements("Li")).all()
        phosphorus = trajectory.indices("P")
        moved = trajectory.positions[0, phosphorus] - data.structure.frac_coords[phosphorus]
        moved -= np.round(moved)
        assert np.linalg.norm(moved @ trajectory.lattice, axis=1).max() < 2.0


def test_lithium_moves_more_where_it_is_hotter(data):
    mean = [
        (run.drift_corrected(species="Li").displacements("Li")[-150:] ** 2).sum(axis=2).mean()
        for run in data.trajectories.values()
    ]
    assert mean[0] < mean[-1]


def test_description_states_source_and_limits(data):
    for words in ("CHGNet", "too soft", "301 frames"):
        assert words in data.DESCR
