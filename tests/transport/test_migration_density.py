"""Densities against counts by hand, closed formulas, other programs' readers and real data."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from skxrd.exceptions import MissingDependencyError, TrajectoryError, TransportWarning
from skxrd.transport import IonTrajectory, MigrationDensity
from skxrd.transport._density._grid import gaussian_kernel, wraps_around
from skxrd.transport._trajectory import _unwrapping

TRICLINIC = np.array([[5.0, 0.0, 0.0], [1.5, 4.0, 0.0], [-1.0, 0.8, 6.0]])


def gas(rng, lattice, n_frames=50, n_ions=4):
    positions = rng.random((n_frames, n_ions, 3)) * 6 - 3
    return IonTrajectory(positions, lattice, ["Li"] * n_ions, time_step=10.0)


def walk(*cells, n_frames=400, shift=(0.5, 0.5, 0.5)):
    """One ion that goes at even speed through the corners of a path, in fractions of the cell."""
    corners = np.array(cells, dtype=float)
    at = np.linspace(0, len(corners) - 1, n_frames)
    path = np.stack([np.interp(at, np.arange(len(corners)), column) for column in corners.T])
    positions = path.T[:, None] + np.array(shift)
    return IonTrajectory(positions, 4 * np.eye(3), ["Li"], time_step=10.0)


@pytest.fixture
def conductor(rng):
    """Two ions that vibrate within an oblique framework of interleaved species."""
    species = ["Li", "S", "Li", "P", "S"]
    sites = np.array([[0.98, 0.5, 0.5], [0, 0, 0], [0.25, 0.25, 0.75], [0.5, 0, 0], [0.7, 0.7, 0]])
    positions = sites + rng.normal(0, 0.01, size=(300, 5, 3))
    return IonTrajectory(positions % 1, TRICLINIC, species, time_step=10.0)


@pytest.mark.parametrize("smooth", [0.0, 0.4])
@pytest.mark.parametrize("lattice", [7.3 * np.eye(3), TRICLINIC])
def test_integral(rng, lattice, smooth):
    trajectory = gas(rng, lattice)
    volume = abs(np.linalg.det(lattice))
    density = MigrationDensity(smooth=smooth, drift=None).fit(trajectory)
    assert density.density_.mean() * volume == pytest.approx(1, abs=1e-12)
    assert density.density_.min() >= 0
    assert density.shape_ == tuple(np.ceil(np.linalg.norm(lattice, axis=1) / 0.2))
    total = MigrationDensity(smooth=smooth, normalize="total", drift=None).fit(trajectory)
    assert_allclose(total.density_, 4 * density.density_, rtol=1e-12)
    assert total.one_visit_ == pytest.approx(4 * density.one_visit_)


def test_voxels_are_centered_on_grid_points():
    positions = np.array([[[0.0, 0.1, 0.24]], [[-0.12, 1.13, 0.26]]])  # a width is 0.25
    trajectory = IonTrajectory(positions, 4 * np.eye(3), ["Li"], time_step=10.0)
    density = MigrationDensity(spacing=1.0, drift=None).fit(trajectory)
    expected = np.zeros((4, 4, 4))
    expected[0, 0, 1] = expected[0, 1, 1] = 0.5
    assert_allclose(density.density_, expected, rtol=1e-12)
    assert density.one_visit_ == pytest.approx(0.5)


@pytest.mark.parametrize("length", [10.0, 9.9, 10.2, 3.0])
def test_planes_of_a_gas_are_even_where_the_spacing_does_not_fit(rng, length):
    n = 40_000
    trajectory = gas(rng, length * np.eye(3), n_frames=n // 4)
    density = MigrationDensity(spacing=0.3, drift=None).fit(trajectory)
    for axes in ((1, 2), (0, 2), (0, 1)):
        planes = density.density_.mean(axis=axes) * length**3
        error = np.sqrt((len(planes) - 1) / n)  # of counts that follow a Poisson distribution
        assert np.abs(planes - 1).max() < 4 * error
        assert 0.5 * error < np.std(planes) < 1.5 * error


@pytest.mark.parametrize("site", [0.95, 0.0, 0.5, 0.31])
@pytest.mark.parametrize("spacing", [0.3, 0.17])
def test_site_is_where_it_is(rng, site, spacing):
    moves = rng.normal(0, 0.02, size=(2000, 1, 3))
    trajectory = IonTrajectory(np.full(3, site) + moves, 10 * np.eye(3), ["Li"], time_step=10.0)
    density = MigrationDensity(spacing=spacing, smooth=0.2, drift=None).fit(trajectory)
    sites = density.stable_sites(min_distance=3.0)
    assert len(sites) == 1
    away = sites[["a", "b", "c"]].to_numpy() - site
    assert np.abs(away - np.round(away)).max() * 10 < 0.05  # a sixth of the wider voxel
    assert sites["n_ions"][0] == pytest.approx(1, abs=0.01)
    highest = np.array(np.unravel_index(density.density_.argmax(), density.shape_))
    away = highest / density.shape_ - site
    assert np.abs(away - np.round(away)).max() * 10 <= 0.5 * spacing + 0.1


def test_sites_in_an_oblique_cell(conductor):
    density = MigrationDensity(smooth=0.2).fit(conductor)
    sites = density.stable_sites()
    assert list(sites.columns) == ["a", "b", "c", "density", "n_ions"]
    found = sites.sort_values("a")[["a", "b", "c"]].to_numpy()
    assert_allclose(found, [[0.25, 0.25, 0.75], [0.98, 0.5, 0.5]], atol=0.02)
    assert_allclose(sites["n_ions"], 0.85, atol=0.02)  # that much lies within half an angstrom
    assert sites["density"].is_monotonic_decreasing
    assert sites["density"][0] == density.density_.max()
    total = MigrationDensity(smooth=0.2, normalize="total").fit(conductor)
    assert_allclose(total.stable_sites()["n_ions"], sites["n_ions"])
    assert len(density.stable_sites(min_distance=3.6)) == 1  # they are 3.3 angstrom apart
    with pytest.raises(ValueError, match=r"smallest height of the cell, 3.9.*got 5"):
        density.stable_sites(min_distance=5)


@pytest.mark.parametrize("lattice", [8 * np.eye(3), 2 * TRICLINIC])
def test_gaussian_is_round_in_any_cell(lattice):
    shape, sigma = (40, 36, 44), 0.5
    kernel = gaussian_kernel(shape, lattice, sigma)
    steps = np.stack(np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij"), axis=-1) @ lattice
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    covariance = np.einsum("ijk,ijka,ijkb->ab", kernel, steps, steps)
    assert_allclose(covariance, 0.25 * np.eye(3), atol=2e-3)


def test_gaussian_wider_than_the_cell_is_even():
    assert_allclose(gaussian_kernel((5, 6, 7), np.eye(3), 2.0), 1 / 210, rtol=1e-6)


def test_smoothing_turns_with_the_cell(rng):
    turn = Rotation.random(rng=1).as_matrix()
    first, second = (
        MigrationDensity(smooth=0.4, drift=None).fit(gas(np.random.default_rng(3), lattice))
        for lattice in (TRICLINIC, TRICLINIC @ turn)
    )
    assert_allclose(first.density_, second.density_, rtol=1e-9)


def test_one_visit(rng):
    trajectory = walk((0, 0, 0), (0, 0, 0), n_frames=10)
    plain = MigrationDensity(drift=None).fit(trajectory)
    assert plain.one_visit_ == pytest.approx(1 / (10 * 0.2**3))
    smooth = MigrationDensity(smooth=0.3, drift=None).fit(trajectory)
    assert smooth.one_visit_ == pytest.approx(smooth.density_.max() / 10)
    assert smooth.one_visit_ == pytest.approx((2 * np.pi * 0.09) ** -1.5 / 10, rel=1e-3)


def test_level_and_unit(rng):
    trajectory = gas(rng, 4 * np.eye(3), n_frames=5000, n_ions=4)
    density = MigrationDensity(spacing=0.5, drift=None).fit(trajectory)
    bohr = density.isosurface(2.3e-3)
    assert 0.2 < bohr.mean() < 0.8
    assert_array_equal(bohr, density.isosurface(2.3 * 6.748334e-3, "angstrom^-3"))
    assert density.volume_fraction(2.3e-3) == bohr.mean()
    at = density.density_.max()
    assert density.volume_fraction(at, "angstrom^-3") > 0
    assert density.volume_fraction(at * 1.0001, "angstrom^-3") == 0


@pytest.mark.parametrize("method", ["isosurface", "volume_fraction", "percolates"])
def test_level_of_a_single_visit_is_a_warning(rng, method):
    # The smallest number of positions for 0.001 bohr^-3 and voxels of 0.2 angstrom is 18,523.
    few = MigrationDensity(drift=None).fit(gas(rng, 4 * np.eye(3), n_frames=4600))
    with pytest.warns(TransportWarning, match="0.00675 angstrom.*a single visit") as caught:
        getattr(few, method)()
    assert caught[0].filename == __file__
    many = MigrationDensity(drift=None).fit(gas(rng, 4 * np.eye(3), n_frames=4650))
    getattr(many, method)()


def percolates(trajectory, **parameters):
    density = MigrationDensity(spacing=0.25, drift=None, **parameters).fit(trajectory)
    return density.percolates(0.5, "angstrom^-3").tolist()


def test_paths_that_percolate():
    assert percolates(walk((0, 0, 0), (1, 0, 0))) == [True, False, False]
    assert percolates(walk((0, 0, 0), (0, 0.3, 0), (0, 0.3, 1), (0, 0, 1))) == [False, False, True]
    # Along a diagonal, in steps along the axes, for voxels are joined by their faces.
    stairs = list(itertools.accumulate([np.zeros(3), *[np.eye(3)[i % 2] / 8 for i in range(16)]]))
    assert percolates(walk(*stairs)) == [True, True, False]


def test_paths_that_only_touch_both_faces():
    # From face to face, but the ends are not neighbors of each other.
    assert percolates(walk((-0.45, 0, 0), (0, 0, 0), (0, 0.3, 0), (0.45, 0.3, 0))) == [False] * 3
    # Through the face and back: across it twice, with a sum of nothing.
    ring = walk((0.3, 0, 0), (0.7, 0, 0), (0.7, 0.3, 0), (0.3, 0.3, 0), (0.3, 0, 0))
    assert percolates(ring) == [False] * 3


def reaches_itself(inside):
    """Walk through the cells around until a voxel is met again in another one."""
    shape = inside.shape
    voxels = {tuple(voxel) for voxel in np.argwhere(inside).tolist()}
    wraps = [False, False, False]
    for start in voxels:
        seen, reached = {start}, [start]
        while reached:
            a, b, c = reached.pop()
            for near in [(a + s, b, c) for s in (1, -1)] + [
                *[(a, b + s, c) for s in (1, -1)],
                *[(a, b, c + s) for s in (1, -1)],
            ]:
                home = tuple(x % n for x, n in zip(near, shape, strict=True))
                is_close = all(abs(x) <= 3 * n for x, n in zip(near, shape, strict=True))
                if home in voxels and is_close and near not in seen:
                    seen.add(near)
                    reached.append(near)
                    if home == start:
                        wraps = [w or x != y for w, x, y in zip(wraps, near, start, strict=True)]
    return wraps


def test_percolation_is_that_of_a_walk_through_the_cells(rng):
    results = []
    for shape in [(3, 3, 3), (1, 3, 2), (4, 2, 3)] * 5:
        inside = rng.random(shape) < rng.uniform(0.2, 0.5)
        results.append(reaches_itself(inside))
        assert_array_equal(wraps_around(inside), results[-1])
    assert 0.1 < np.mean(results) < 0.9


def test_nothing_and_everything_inside():
    assert_array_equal(wraps_around(np.zeros((3, 3, 3), dtype=bool)), False)
    assert_array_equal(wraps_around(np.ones((3, 3, 3), dtype=bool)), True)


def test_changing_cell_is_seen_in_fractions(rng):
    fixed = gas(rng, 5 * np.eye(3), n_frames=4)
    cells = np.array([length * np.eye(3) for length in (4.9, 5.1, 4.8, 5.2)])
    moving = IonTrajectory(fixed.positions, cells, fixed.species, time_step=10.0)
    first, second = (MigrationDensity(drift=None).fit(t) for t in (fixed, moving))
    assert_allclose(second.lattice_, 5 * np.eye(3))
    assert_allclose(first.density_, second.density_, rtol=1e-12)


def test_framework_is_drawn_where_it_is_on_average(conductor):
    density = MigrationDensity().fit(conductor)
    assert density.framework_species_.tolist() == ["S", "P", "S"]
    expected = [[0, 0, 0], [0.5, 0, 0], [0.7, 0.7, 0]]
    away = density.framework_positions_ - expected
    # The first frame is where the drift is counted from.
    assert np.abs(away - np.round(away)).max() < 0.02
    assert_allclose(density.mobile_positions_, conductor.positions[0, [0, 2]])


def test_drift_is_taken_out(rng, conductor):
    motion = np.arange(300)[:, None, None] * np.array([0.01, 0.0, 0.004])
    moving = IonTrajectory(
        conductor.unwrapped().positions + motion,
        TRICLINIC,
        conductor.species,
        time_step=10.0,
        is_unwrapped=True,
    )
    before = moving.positions.copy()
    still, corrected = (MigrationDensity(smooth=0.1).fit(t) for t in (conductor, moving))
    assert_allclose(still.density_, corrected.density_, atol=1e-3 * still.density_.max())
    smeared = MigrationDensity(smooth=0.1, drift=None).fit(moving)
    assert smeared.density_.max() < 0.5 * still.density_.max()
    assert_array_equal(moving.positions, before)


def test_no_framework_is_a_warning():
    trajectory = walk((0, 0, 0), (1, 0, 0))
    with pytest.warns(TransportWarning, match="no framework, all ions are Li") as caught:
        MigrationDensity().fit(trajectory)
    assert caught[0].filename == __file__


def test_mobile_ions_may_be_too_fast_to_be_followed(rng):
    framework = (
        np.array([[0.1, 0.1, 0.1], [0.5, 0.5, 0.6]]) + 0.3 * np.linspace(0, 1, 50)[:, None, None]
    )
    lithium = rng.random((50, 3, 3))
    trajectory = IonTrajectory(
        np.concatenate([lithium, framework], axis=1) % 1,
        TRICLINIC,
        ["Li"] * 3 + ["S"] * 2,
        time_step=10_000.0,
    )
    density = MigrationDensity(spacing=0.5).fit(trajectory)
    still = IonTrajectory(
        lithium - 0.3 * np.linspace(0, 1, 50)[:, None, None], TRICLINIC, ["Li"] * 3, time_step=1.0
    )
    assert_allclose(density.density_, MigrationDensity(spacing=0.5, drift=None).fit(still).density_)
    assert_allclose(density.framework_positions_, framework[0], atol=1e-12)
    with pytest.raises(TrajectoryError, match="written more often"):
        MigrationDensity(drift="center_of_mass").fit(trajectory)


def test_means_of_positions_are_those_of_all_blocks(conductor, monkeypatch):
    whole = MigrationDensity().fit(conductor)
    monkeypatch.setattr(_unwrapping, "_BLOCK_BYTES", 700)
    blocks = MigrationDensity().fit(conductor)
    assert_allclose(blocks.framework_positions_, whole.framework_positions_, atol=1e-12)
    away = whole.framework_positions_[1] - [0.5, 0, 0]
    assert_allclose(away - np.round(away), 0, atol=0.03)


@pytest.mark.parametrize("drift", [None, "framework", "center_of_mass"])
def test_a_flip_of_the_cell_is_noticed(conductor, drift):
    flip = np.array([[1, 0, 0], [0, 1, 0], [-1, -1, 1]])
    cells = np.array([TRICLINIC] * 150 + [flip @ TRICLINIC] * 150)
    flipped = IonTrajectory(conductor.positions, cells, conductor.species, time_step=10.0)
    with pytest.raises(TrajectoryError, match="between frames 149 and 150: other vectors"):
        MigrationDensity(drift=drift).fit(flipped)


def test_parameters_that_change_later_change_nothing(tmp_path, conductor):
    density = MigrationDensity(smooth=0.2).fit(conductor)
    n_ions = density.stable_sites()["n_ions"]
    density.set_params(normalize="total", species="Na")
    assert_array_equal(density.stable_sites()["n_ions"], n_ions)
    density.to_chgcar(tmp_path / "CHGCAR")
    assert (tmp_path / "CHGCAR").read_text().startswith("Li2 P1 S2\n")


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"spacing": 0}, "'spacing' parameter of MigrationDensity"),
        ({"spacing": 0.001}, "spacing=0.001 cuts the cell into 6.4e.10 voxels"),
        ({"smooth": -1}, "'smooth' parameter of MigrationDensity"),
        ({"normalize": "volume"}, "'normalize' parameter of MigrationDensity"),
        ({"species": "Na"}, "no ion of species 'Na'"),
    ],
)
def test_bad_parameters(parameters, match):
    with pytest.raises(ValueError, match=match):
        MigrationDensity(**{"drift": None, **parameters}).fit(walk((0, 0, 0), (1, 0, 0)))


def test_bad_input(conductor):
    with pytest.raises(TypeError, match="must be an IonTrajectory; got ndarray"):
        MigrationDensity().fit(conductor.positions)
    with pytest.raises(TrajectoryError, match="one frame shows no motion"):
        MigrationDensity().fit(conductor[:1])
    with pytest.raises(
        TrajectoryError, match=r"center_of_mass' needs other ions than Li.*drift=None"
    ):
        MigrationDensity(drift="center_of_mass").fit(conductor.select([0, 2]))
    density = MigrationDensity().fit(conductor)
    with pytest.raises(ValueError, match=r"'unit' parameter of MigrationDensity.percolates"):
        density.percolates(0.1, "A^-3")
    with pytest.raises(ValueError, match=r"'level' parameter of MigrationDensity.isosurface"):
        density.isosurface(0.0)
    with pytest.raises(ValueError, match="'threshold' parameter"):
        density.stable_sites(threshold=2)
    with pytest.raises(ValueError, match="'convention' parameter"):
        density.to_chgcar("CHGCAR", convention="castep")


@pytest.mark.parametrize(
    "method", ["isosurface", "percolates", "stable_sites", "volume_fraction", "to_chgcar"]
)
def test_not_fitted(tmp_path, method):
    arguments = (tmp_path / "CHGCAR",) if method == "to_chgcar" else ()
    with pytest.raises(ValueError, match="not fitted yet"):
        getattr(MigrationDensity(), method)(*arguments)
    assert not list(tmp_path.iterdir())


def test_chgcar_is_read_back_by_pymatgen(tmp_path, conductor):
    from pymatgen.io.vasp import Chgcar

    density = MigrationDensity(spacing=0.5, smooth=0.3).fit(conductor)
    density.to_chgcar(tmp_path / "CHGCAR")
    chgcar = Chgcar.from_file(str(tmp_path / "CHGCAR"))
    volume = conductor.volume
    assert_allclose(chgcar.data["total"] / volume, density.density_, atol=1e-9)
    assert chgcar.data["total"].mean() == pytest.approx(1, abs=1e-9)
    assert [site.specie.symbol for site in chgcar.structure] == ["Li", "Li", "P", "S", "S"]
    assert_allclose(chgcar.structure.lattice.matrix, TRICLINIC, atol=1e-6)
    assert_allclose(chgcar.structure.frac_coords[2], density.framework_positions_[1], atol=1e-6)
    assert (tmp_path / "CHGCAR").read_text().startswith("Li2 P1 S2\n")

    density.to_chgcar(tmp_path / "CHGCAR", convention="vesta")
    chgcar = Chgcar.from_file(str(tmp_path / "CHGCAR"))
    # What VESTA shows: values divided by the volume in bohr^3.
    assert_allclose(
        chgcar.data["total"] / (volume * 6.748334), density.density_, rtol=1e-6, atol=1e-9
    )
    assert chgcar.data["total"].mean() == pytest.approx(6.748334, rel=1e-6)


def test_cube_is_read_back_by_ase_and_pymatgen(tmp_path, conductor):
    ase_cube = pytest.importorskip("ase.io.cube")
    from pymatgen.io.common import VolumetricData

    density = MigrationDensity(spacing=0.5, smooth=0.3).fit(conductor)
    density.to_cube(tmp_path / "density.cube")
    with open(tmp_path / "density.cube") as file:
        content = ase_cube.read_cube(file)
    assert_allclose(content["data"], density.density_ / 6.748334, rtol=1e-5, atol=1e-9)
    assert content["atoms"].get_chemical_symbols() == ["Li", "Li", "P", "S", "S"]
    assert_allclose(content["atoms"].cell.array, TRICLINIC, atol=1e-4)
    assert_allclose(content["spacing"] * np.array([density.shape_]).T, TRICLINIC, atol=1e-4)
    density.to_cube(tmp_path / "density.cube", unit="angstrom^-3")
    volumetric = VolumetricData.from_cube(tmp_path / "density.cube")
    assert_allclose(volumetric.data["total"], density.density_, rtol=1e-5, atol=1e-9)


def test_xsf_is_read_back_by_ase(tmp_path, conductor):
    ase_xsf = pytest.importorskip("ase.io.xsf")
    density = MigrationDensity(spacing=0.5, smooth=0.3).fit(conductor)
    density.to_xsf(tmp_path / "density.xsf")
    with open(tmp_path / "density.xsf") as file:
        values, origin, vectors, atoms = ase_xsf.read_xsf(file, read_data=True)
    assert_allclose(values[:-1, :-1, :-1], density.density_, rtol=1e-8, atol=1e-12)
    for axis in range(3):  # the last face is the first one again
        assert_array_equal(values.take(-1, axis), values.take(0, axis))
    assert_array_equal(origin, 0)
    assert_allclose(vectors, TRICLINIC)
    assert_allclose(atoms.cell.array, TRICLINIC)
    assert atoms.get_chemical_symbols() == ["Li", "Li", "P", "S", "S"]
    density.to_xsf(tmp_path / "density.xsf", unit="bohr^-3")
    with open(tmp_path / "density.xsf") as file:
        values, *_ = ase_xsf.read_xsf(file, read_data=True)
    assert values.max() == pytest.approx(density.density_.max() / 6.748334)


def test_interrupted_file_leaves_the_old_one(tmp_path, conductor, monkeypatch):
    from pymatgen.io.vasp import Chgcar

    def fail(self, path):
        with open(path, "w") as file:
            file.write("half")
        raise OSError("disk full")

    density = MigrationDensity(spacing=0.5).fit(conductor)
    (tmp_path / "CHGCAR").write_text("old")
    monkeypatch.setattr(Chgcar, "write_file", fail)
    with pytest.raises(OSError, match="disk full"):
        density.to_chgcar(tmp_path / "CHGCAR")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("CHGCAR", "old")]


def test_without_ase(tmp_path, conductor, monkeypatch):
    density = MigrationDensity(spacing=0.5).fit(conductor)
    for name in ("cube", "xsf"):
        monkeypatch.setitem(__import__("sys").modules, f"ase.io.{name}", None)
        with pytest.raises(MissingDependencyError, match=f"{name} files needs ase"):
            getattr(density, f"to_{name}")(tmp_path / "density")
    assert not list(tmp_path.iterdir())


def test_density_is_that_of_the_peer_where_its_grid_is_even(rng):
    pathway = pytest.importorskip(
        "pymatgen.analysis.diffusion.aimd.pathway", reason="an oracle of the extra dev"
    )
    trajectory = gas(rng, 8 * np.eye(3), n_frames=300)
    density = MigrationDensity(spacing=0.5, drift=None).fit(trajectory)
    peer = pathway.ProbabilityDensityAnalysis(
        trajectory.structure(0), trajectory.positions, 0.5, ["Li"]
    )
    assert_allclose(density.density_, peer.Pr, rtol=1e-12)


@pytest.fixture(scope="module")
def na3ps4(shared_data):
    from pymatgen.core import Structure

    structure = Structure.from_file(shared_data / "md" / "cNa3PS4.cif")
    positions = np.load(shared_data / "md" / "cNa3PS4_trajectories.npy")
    species = [site.specie.symbol for site in structure]
    return IonTrajectory(positions, structure.lattice.matrix, species, time_step=10.0)


@pytest.mark.real_data
def test_real_density_needs_smoothing(na3ps4):
    plain = MigrationDensity("Na").fit(na3ps4)
    with pytest.warns(TransportWarning, match="single visit"):
        everything = plain.volume_fraction()
    assert everything == np.mean(plain.density_ > 0)
    smooth = MigrationDensity("Na", smooth=0.3).fit(na3ps4)
    level = 2 * smooth.one_visit_
    assert 0 < smooth.volume_fraction(level, "angstrom^-3") < 0.5
    assert smooth.stable_sites()["n_ions"].sum() <= len(na3ps4.indices("Na"))
