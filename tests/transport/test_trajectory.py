"""The container of positions: what it takes, and how ions are followed through it."""

import tracemalloc

import numpy as np
import pytest
from pymatgen.core import Element, Lattice, Structure
from scipy.signal import lfilter

from skxrd.exceptions import TrajectoryError
from skxrd.transport import DiffusionEstimator, IonTrajectory
from skxrd.transport._trajectory import _unwrapping

CELL = np.array([[9.0, 0.0, 0.0], [1.0, 8.0, 0.0], [0.5, -1.0, 10.0]])
SPECIES = ["Li", "S", "Li", "P", "S"]


def random_walk(rng, n_frames=60, n_ions=5, scale=0.08):
    """Fractional coordinates that leave the cell."""
    steps = rng.normal(scale=scale, size=(n_frames, n_ions, 3)).clip(-0.4, 0.4)
    steps[0] = rng.random((n_ions, 3))
    return steps.cumsum(axis=0)


def changing_cells(rng, n_frames=60):
    return CELL * (1 + 0.02 * rng.standard_normal((n_frames, 1, 3)))


@pytest.fixture
def walk(rng):
    return random_walk(rng)


@pytest.fixture
def trajectory(walk):
    return IonTrajectory(walk % 1, CELL, SPECIES, time_step=20.0, temperature=600)


def test_what_it_tells(trajectory):
    assert len(trajectory) == trajectory.n_frames == 60
    assert trajectory.n_ions == 5
    assert trajectory.times[[0, 1, -1]] == pytest.approx([0, 0.02, 1.18])
    assert trajectory.volume == pytest.approx(np.linalg.det(CELL))
    assert trajectory.indices("Li").tolist() == [0, 2]
    assert repr(trajectory) == "IonTrajectory(Li2 P1 S2: 60 frames, 20 fs apart, 600 K)"


def test_volume_is_the_mean_where_the_cell_changes(walk, rng):
    cells = changing_cells(rng)
    volume = IonTrajectory(walk, cells, SPECIES, time_step=1).volume
    assert volume == pytest.approx(np.mean([abs(np.linalg.det(cell)) for cell in cells]))


@pytest.mark.parametrize("n_bytes", [8_000_000, 700])  # all at once; six frames at a time
def test_unwrapping_restores_the_walk(trajectory, walk, monkeypatch, n_bytes):
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", n_bytes)
    unwrapped = trajectory.unwrapped()
    assert unwrapped.is_unwrapped
    assert unwrapped.unwrapped() is unwrapped
    offset = walk[0] - unwrapped.positions[0]
    np.testing.assert_allclose(unwrapped.positions + offset, walk, atol=1e-12)
    # Whole cells are taken off, and nothing else.
    images = unwrapped.positions - trajectory.positions
    np.testing.assert_allclose(images, images.round(), atol=1e-12)


@pytest.mark.parametrize("n_bytes", [8_000_000, 700])
def test_displacements_in_angstrom(trajectory, walk, monkeypatch, n_bytes):
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", n_bytes)
    expected = (walk - walk[0]) @ CELL
    np.testing.assert_allclose(trajectory.displacements(), expected, atol=1e-11)
    np.testing.assert_allclose(trajectory.displacements("Li"), expected[:, [0, 2]], atol=1e-11)


def test_displacements_take_the_mean_cell():
    # Of the same way in each step; pymatgen-analysis-diffusion, with the cell of each frame, finds
    # 0.21 for the first one and 0.19 for the second.
    fractions = np.repeat([[[0.5]], [[0.6]], [[0.7]]], 3, axis=2)
    cells = np.eye(3) * np.array([2.0, 2.1, 2.2])[:, None, None]
    trajectory = IonTrajectory(fractions, cells, ["Li"], time_step=1.0)
    np.testing.assert_allclose(trajectory.mean_lattice, 2.1 * np.eye(3))
    displacements = trajectory.displacements()
    np.testing.assert_allclose(displacements[:, 0], [[0] * 3, [0.21] * 3, [0.42] * 3], atol=1e-12)


@pytest.mark.parametrize("n_bytes", [8_000_000, 700])
def test_displacements_in_changing_cells(walk, rng, monkeypatch, n_bytes):
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", n_bytes)
    cells = changing_cells(rng)
    trajectory = IonTrajectory(walk % 1, cells, SPECIES, time_step=1.0)
    expected = (walk - walk[0]) @ cells.mean(axis=0)
    np.testing.assert_allclose(trajectory.displacements(), expected, atol=1e-11)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_walkers_in_a_fluctuating_cell_have_their_diffusivity(seed):
    """Edges that fluctuate by 3 % for 50 frames; the cell of each frame gives 4 to 9 % too much."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.02, size=(10_000, 20, 3))  # 1 A2/ps in a cell of 10 A
    keep = np.exp(-1 / 50)
    noise = rng.normal(0, np.sqrt(1 - keep**2), size=(10_000, 3))
    edges = 10 * (1 + 0.03 * lfilter([1], [1, -keep], noise, axis=0))
    cells = edges[:, :, None] * np.eye(3)
    trajectory = IonTrajectory(
        steps.cumsum(axis=0), cells, ["Li"] * 20, time_step=20.0, is_unwrapped=True
    )
    estimator = DiffusionEstimator(drift=None).fit(trajectory)
    low, high = estimator.diffusivity_interval_
    assert low < 1e-4 < high
    assert estimator.diffusivity_ == pytest.approx(1e-4, rel=0.03)


def test_an_ion_at_rest_in_a_breathing_cell_does_not_move(rng):
    positions = np.tile(rng.random((1, 5, 3)), (60, 1, 1))
    trajectory = IonTrajectory(positions, changing_cells(rng), SPECIES, time_step=1.0)
    assert not trajectory.displacements().any()


def test_one_frame():
    trajectory = IonTrajectory([[[0.1, 0.2, 0.3]]], CELL, ["Li"], time_step=1.0)
    assert trajectory.displacements().tolist() == [[[0, 0, 0]]]
    assert trajectory.drift_corrected("center_of_mass").n_frames == 1


def test_integer_positions_and_lists_are_taken():
    trajectory = IonTrajectory(
        [[[0, 0, 0]], [[1, 0, 0]]], 5 * np.eye(3, dtype=int), ["Li"], time_step=1, is_unwrapped=True
    )
    assert trajectory.positions.dtype == float
    assert trajectory.displacements()[1, 0].tolist() == [5, 0, 0]


def test_single_precision_costs_no_more_than_its_digits(walk):
    exact = IonTrajectory(walk % 1, CELL, SPECIES, time_step=1.0)
    single = IonTrajectory((walk % 1).astype(np.float32), CELL, SPECIES, time_step=1.0)
    assert single.positions.dtype == np.float32
    corrected = single.drift_corrected(species="Li")
    assert corrected.positions.dtype == float
    np.testing.assert_allclose(single.displacements(), exact.displacements(), atol=3e-6)
    np.testing.assert_allclose(
        corrected.positions, exact.drift_corrected(species="Li").positions, atol=3e-7
    )


def test_single_precision_that_is_unwrapped_already(walk):
    single = IonTrajectory(walk.astype(np.float32), CELL, SPECIES, time_step=1.0, is_unwrapped=True)
    assert single.displacements().dtype == float
    assert single.drift_corrected(species="Li").positions.dtype == float


@pytest.fixture
def mapped(tmp_path, rng):
    """400 frames of 500 ions on disk, 2.4 MB."""
    positions = np.lib.format.open_memmap(
        tmp_path / "positions.npy", "w+", dtype=np.float32, shape=(400, 500, 3)
    )
    positions[:] = random_walk(rng, 400, 500, scale=0.01) % 1
    positions.flush()
    return np.load(tmp_path / "positions.npy", mmap_mode="r")


def test_memory_maps_are_not_copied_for_some_ions(mapped, monkeypatch):
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", 100_000)
    tracemalloc.start()
    trajectory = IonTrajectory(mapped, CELL, ["Li"] * 5 + ["S"] * 495, time_step=1.0)
    part = trajectory[10:]
    displacements = part.displacements("Li")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(trajectory.positions, mapped)
    assert np.shares_memory(part.positions, mapped)
    assert displacements.shape == (390, 5, 3)
    assert peak < mapped.nbytes / 3


def test_what_the_user_passed_is_left_alone(walk):
    positions, cell = walk % 1, CELL.copy()
    trajectory = IonTrajectory(positions, cell, SPECIES, time_step=1.0)
    before = positions.copy()
    trajectory.drift_corrected(species="Li").displacements()
    assert (positions == before).all()
    unwrapped = trajectory.unwrapped()
    kept = unwrapped.positions.copy()
    unwrapped.drift_corrected(species="Li")
    assert (unwrapped.positions == kept).all()
    assert (cell == CELL).all()


def test_what_the_user_changes_later_does_not_change_it(walk):
    cell, species = CELL.copy(), np.array(SPECIES)
    trajectory = IonTrajectory(walk, cell, species, time_step=1.0)
    cell *= 2
    species[0] = "P"
    assert (trajectory.lattice == CELL).all()
    assert trajectory.species.tolist() == SPECIES


def test_others(trajectory):
    assert trajectory.others("Li").tolist() == [1, 3, 4]
    assert trajectory.select([0, 2]).others("Li").size == 0
    with pytest.raises(TrajectoryError, match="no ion of species 'Na'"):
        trajectory.others("Na")


def test_too_sparse_frames_name_the_first_jump(walk):
    positions = np.tile(walk[:1] % 1, (60, 1, 1))
    positions[7, 3, 2] += 0.5
    positions[20, 1, 0] += 0.5
    trajectory = IonTrajectory(positions, CELL, SPECIES, time_step=20.0)
    with pytest.raises(
        TrajectoryError,
        match=r"an ion of P goes by 0\.50 of .* axis c between frames 6 and 7, 20.*is_unwrapped=T",
    ):
        trajectory.unwrapped()
    assert trajectory.select([0, 2]).unwrapped()  # the others are fine
    assert trajectory[:7].displacements().shape == (7, 5, 3)


def test_a_flip_of_the_cell_is_noticed(walk):
    # As LAMMPS does: the same lattice with another third vector.
    flip = np.array([[1, 0, 0], [0, 1, 0], [-1, -1, 1]])
    cells = np.array([CELL] * 30 + [flip @ CELL] * 30)
    for is_unwrapped in (False, True):
        trajectory = IonTrajectory(walk, cells, SPECIES, time_step=1.0, is_unwrapped=is_unwrapped)
        with pytest.raises(TrajectoryError, match="between frames 29 and 30: other vectors"):
            trajectory.displacements()
        assert trajectory[:30].displacements("Li").shape == (30, 2, 3)


@pytest.mark.parametrize("reference", ["framework", "center_of_mass", [1, 3], "mask"])
@pytest.mark.parametrize("mass_weighted", [True, False])
def test_drift_is_taken_out(walk, rng, reference, mass_weighted):
    mask = np.array([False, True, False, True, False])
    ions = {"framework": [1, 3, 4], "center_of_mass": range(5)}
    chosen = list(ions[reference]) if reference in (*ions,) else [1, 3]
    reference = mask if reference == "mask" else reference
    cells = changing_cells(rng)
    trajectory = IonTrajectory(walk % 1, cells, SPECIES, time_step=1.0)
    corrected = trajectory.drift_corrected(reference, species="Li", mass_weighted=mass_weighted)
    masses = [float(Element(symbol).atomic_mass) for symbol in SPECIES]
    weights = np.array(masses)[chosen] if mass_weighted else np.ones(len(chosen))
    # In angstrom, and in cells that change: there the mean motion is zero as well.
    moved = corrected.displacements()
    mean = np.average(moved[:, chosen], axis=1, weights=weights)
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    before = trajectory.displacements()
    drift = np.average(before[:, chosen], axis=1, weights=weights)
    np.testing.assert_allclose(moved, before - drift[:, None], atol=1e-11)


def test_uniform_drift_changes_nothing(walk):
    drift = 0.01 * np.arange(60)[:, None, None] * np.array([1.0, -0.5, 0.2])
    still = IonTrajectory(walk % 1, CELL, SPECIES, time_step=1.0)
    drifting = IonTrajectory((walk + drift) % 1, CELL, SPECIES, time_step=1.0)
    np.testing.assert_allclose(
        drifting.drift_corrected(species="Li").displacements(),
        still.drift_corrected(species="Li").displacements(),
        atol=1e-10,
    )


def test_references_that_do_not_work(trajectory, walk):
    with pytest.raises(ValueError, match="species must name the mobile ions"):
        trajectory.drift_corrected()
    with pytest.raises(ValueError, match="reference must be 'framework'"):
        trajectory.drift_corrected("lattice", species="Li")
    with pytest.raises(TrajectoryError, match=r"no framework: all ions are Li\. Correct no drift"):
        trajectory.select([0, 2]).drift_corrected(species="Li")
    with pytest.raises(TrajectoryError, match="reference must choose at least one ion"):
        trajectory.drift_corrected([])
    numbered = IonTrajectory(walk, CELL, ["1", "2", "1", "2", "2"], time_step=1.0)
    with pytest.raises(TrajectoryError, match=r"no mass is known of species '2'.*mass_weighted"):
        numbered.drift_corrected(species="1")
    assert numbered.drift_corrected(species="1", mass_weighted=False).n_ions == 5


@pytest.mark.parametrize("ions", [[2, 0], [-3, 0], [True, False, True, False, False]])
def test_select(trajectory, ions):
    part = trajectory.select(ions)
    order = np.arange(5)[np.asarray(ions)]
    assert part.species.tolist() == ["Li", "Li"]
    assert (part.positions == trajectory.positions[:, order]).all()
    assert part.temperature == 600


@pytest.mark.parametrize(
    ("ions", "message"),
    [
        ([], "at least one ion"),
        ([False] * 5, "at least one ion"),
        ([True, False], "mask over 2 ions; there are 5"),
        ([0, 5], "goes from 0 to 5; there are 5"),
        ([-6], "goes from -6"),
        ([0.5], "indices or a mask"),
        (3, "indices or a mask"),
    ],
)
def test_ions_that_are_not_there(trajectory, ions, message):
    with pytest.raises(TrajectoryError, match=message):
        trajectory.select(ions)


@pytest.mark.parametrize("species", ["Na", "Li+", "li"])
def test_wrong_species(trajectory, species):
    with pytest.raises(TrajectoryError, match=r"the trajectory has 'Li', 'P', 'S'.*without charge"):
        trajectory.displacements(species)


def test_slices(walk, rng):
    cells = changing_cells(rng)
    trajectory = IonTrajectory(walk, cells, SPECIES, time_step=20.0, temperature=600)
    part = trajectory[10:50:4]
    assert part.time_step == 80.0
    assert (part.positions == walk[10:50:4]).all()
    assert (part.lattice == cells[10:50:4]).all()
    assert part.times[1] == pytest.approx(0.08)
    with pytest.raises(TypeError, match="slice"):
        trajectory[3]
    with pytest.raises(ValueError, match="forwards"):
        trajectory[::-1]
    with pytest.raises(TrajectoryError, match="no frame is left of 60"):
        trajectory[100:]


def nan_at(frame):
    positions = np.zeros((60, 5, 3))
    positions[frame, 2, 1] = np.nan
    return positions


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"positions": np.zeros((5, 3))}, r"positions must have shape .* got \(5, 3\)"),
        ({"positions": np.zeros((0, 5, 3))}, "at least one frame"),
        ({"positions": np.zeros((60, 5, 2))}, "positions must have shape"),
        ({"positions": nan_at(41)}, "positions of frame 41 are not all finite"),
        ({"lattice": np.zeros((3, 3))}, "span a volume"),
        ({"lattice": np.full((3, 3), np.nan)}, "finite"),
        ({"lattice": np.eye(3)[None].repeat(59, 0)}, r"lattice must have shape .* or \(60, 3, 3\)"),
        ({"species": ["Li"]}, "name each of the 5 ions"),
        ({"time_step": 0}, "time_step must be a positive number; got 0"),
        ({"time_step": np.inf}, "time_step must be"),
        ({"temperature": -1}, "temperature must be a positive number"),
    ],
)
def test_bad_input(monkeypatch, changed, message):
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", 700)
    good = {
        "positions": np.zeros((60, 5, 3)),
        "lattice": CELL,
        "species": SPECIES,
        "time_step": 1.0,
    }
    IonTrajectory(**good)
    with pytest.raises(TrajectoryError, match=message):
        IonTrajectory(**{**good, **changed})


def test_structures_make_the_round_trip(trajectory):
    structures = [trajectory.structure(frame) for frame in range(3)]
    again = IonTrajectory.from_structures(structures, time_step=20.0, temperature=600)
    np.testing.assert_allclose(again.positions, trajectory.positions[:3], atol=1e-14)
    np.testing.assert_allclose(again.lattice, CELL, atol=1e-14)
    assert again.species.tolist() == SPECIES


def test_structures_in_changing_cells(walk, rng):
    cells = changing_cells(rng)
    trajectory = IonTrajectory(walk, cells, SPECIES, time_step=20.0)
    structures = [trajectory.structure(frame) for frame in range(3)]
    again = IonTrajectory.from_structures(structures, time_step=20.0)
    np.testing.assert_allclose(again.lattice, cells[:3], atol=1e-13)


def test_structures_that_make_no_trajectory():
    lattice = Lattice.cubic(5)
    salt = Structure(lattice, ["Li+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    other = Structure(lattice, ["Cl-", "Li+"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    mixed = Structure(lattice, [{"Li": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert IonTrajectory.from_structures([salt], time_step=1.0).species.tolist() == ["Li", "Cl"]
    with pytest.raises(TrajectoryError, match="at least one frame"):
        IonTrajectory.from_structures([], time_step=1.0)
    with pytest.raises(TrajectoryError, match="structure 1 has other sites"):
        IonTrajectory.from_structures([salt, other], time_step=1.0)
    with pytest.raises(TrajectoryError, match="ordered"):
        IonTrajectory.from_structures([mixed], time_step=1.0)


def test_saved_files_hold_data_and_appear_when_complete(trajectory, tmp_path, monkeypatch):
    trajectory.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert set(file.files) == {
            "positions",
            "lattice",
            "species",
            "time_step",
            "is_unwrapped",
            "temperature",
        }
        assert (file["positions"] == trajectory.positions).all()
    with pytest.raises(ValueError, match=r"path must end in \.npz"):
        trajectory.save(tmp_path / "run.npy")

    def full(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        trajectory.save(tmp_path / "other.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
