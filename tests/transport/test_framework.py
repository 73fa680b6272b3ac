"""FrameworkCheck: what it sees of bonds that break, units that leave, and units that rotate."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport import FrameworkCheck, IonTrajectory
from skxrd.transport._framework._bonds import shortest_vectors

EDGE = 9.859
N_FRAMES = 200


@pytest.fixture(scope="module")
def argyrodite():
    return Structure.from_spacegroup(
        "F-43m",
        Lattice.cubic(EDGE),
        ["Li", "P", "S", "S", "Cl"],
        [[0.25, 0.017, 0.25], [0.5] * 3, [0.3817] * 3, [0.75] * 3, [0, 0, 0]],
    )


def vibrating(structure, rng, amplitude=0.1):
    """Cartesian positions over time; each ion about its own place."""
    return structure.cart_coords + rng.normal(scale=amplitude, size=(N_FRAMES, len(structure), 3))


def trajectory(structure, positions):
    return IonTrajectory(
        positions / EDGE,
        structure.lattice.matrix,
        [site.specie.symbol for site in structure],
        time_step=20.0,
        is_unwrapped=True,
    )


def phosphate(structure):
    """One P and its four S, near each other in the cell."""
    center = next(i for i, site in enumerate(structure) if site.specie.symbol == "P")
    ligands = [
        neighbor.index
        for neighbor in structure.get_neighbors(structure[center], 2.5)
        if neighbor.specie.symbol == "S"
    ]
    assert len(ligands) == 4
    return center, np.array(ligands)


def arms_of(structure, center, ligands):
    arms = structure.cart_coords[ligands] - structure.cart_coords[center]
    return arms - EDGE * np.round(arms / EDGE)


def test_a_framework_that_vibrates_has_held(argyrodite, rng):
    check = FrameworkCheck().fit(trajectory(argyrodite, vibrating(argyrodite, rng, 0.05)))
    assert check.is_stable_
    assert check.messages_ == []
    assert check.n_bonds_ == 16
    assert sorted(len(unit) for unit in check.units_) == [1] * 8 + [5] * 4
    assert check.lost_bonds_ == check.gained_bonds_ == 0
    assert 1.05 < check.longest_bond_ < 1.2


def test_lindemann_ratio_is_amplitude_over_distance(argyrodite, rng):
    check = FrameworkCheck().fit(trajectory(argyrodite, vibrating(argyrodite, rng, 0.07)))
    singles = [i for i, unit in enumerate(check.units_) if len(unit) == 1]
    # S on 4d and Cl have P, the center of the next phosphate, at sqrt(3)/4 of the edge
    expected = 0.07 * np.sqrt(3) / (EDGE * np.sqrt(3) / 4)
    np.testing.assert_allclose(check.lindemann_ratios_[singles], expected, rtol=0.1)
    groups = [i for i, unit in enumerate(check.units_) if len(unit) == 5]
    np.testing.assert_allclose(check.lindemann_ratios_[groups], expected / np.sqrt(5), rtol=0.15)


def test_anions_that_rotate_have_held(argyrodite, rng):
    positions = vibrating(argyrodite, rng, 0.05)
    center, ligands = phosphate(argyrodite)
    arms = arms_of(argyrodite, center, ligands)
    angles = np.linspace(0, 4 * np.pi, N_FRAMES)
    turned = np.stack([Rotation.from_rotvec([0, 0, a]).apply(arms) for a in angles])
    positions[:, ligands] = argyrodite.cart_coords[center] + turned
    check = FrameworkCheck().fit(trajectory(argyrodite, positions), argyrodite)
    assert check.is_stable_
    moved = positions[:, ligands].std(axis=0)
    assert np.linalg.norm(moved, axis=1).max() > 1  # each S alone is far from its place


def test_a_bond_that_breaks_is_told(argyrodite, rng):
    positions = vibrating(argyrodite, rng, 0.05)
    center, ligands = phosphate(argyrodite)
    arm = arms_of(argyrodite, center, ligands)[0]
    positions[N_FRAMES // 4 :, ligands[0]] += 0.4 * arm
    with pytest.warns(TransportWarning, match=r"5% of 16 bonds are broken.* too soft .*Deng"):
        check = FrameworkCheck(max_changed_bonds=0.04).fit(
            trajectory(argyrodite, positions), argyrodite
        )
    assert not check.is_stable_
    assert check.lost_bonds_ == pytest.approx(0.75 / 16, abs=0.01)
    assert check.longest_bond_ > 1.3
    assert FrameworkCheck().fit(trajectory(argyrodite, positions)).is_stable_  # below 5 %


def test_a_fifth_neighbor_is_told(argyrodite, rng):
    positions = vibrating(argyrodite, rng, 0.02)
    center, ligands = phosphate(argyrodite)
    free = next(
        i
        for i, site in enumerate(argyrodite)
        if site.specie.symbol == "S"
        and min(
            argyrodite.get_distance(i, j)
            for j, other in enumerate(argyrodite)
            if other.specie.symbol == "P"
        )
        > 3
    )
    arms = arms_of(argyrodite, center, ligands)
    positions[:, free] = argyrodite.cart_coords[center] - arms[0]
    with pytest.warns(TransportWarning, match="new bonds have formed, 6% of 16"):
        check = FrameworkCheck().fit(trajectory(argyrodite, positions), argyrodite)
    assert check.gained_bonds_ == pytest.approx(1 / 16)
    assert check.lost_bonds_ == 0


def test_an_ion_that_diffuses_is_told(argyrodite, rng):
    positions = vibrating(argyrodite, rng)
    chloride = next(i for i, site in enumerate(argyrodite) if site.specie.symbol == "Cl")
    positions[:, chloride] += np.linspace(0, 5, N_FRAMES)[:, None]
    with pytest.warns(TransportWarning, match="units Cl leave their places"):
        check = FrameworkCheck().fit(trajectory(argyrodite, positions))
    assert not check.is_stable_
    assert check.lindemann_ratio_ > 0.5


def test_drift_of_the_cell_and_wrapping_are_no_motion(argyrodite, rng):
    positions = vibrating(argyrodite, rng)
    still = FrameworkCheck().fit(trajectory(argyrodite, positions), argyrodite)
    drifting = positions + np.linspace(0, 30, N_FRAMES)[:, None, None]
    wrapped = trajectory(argyrodite, drifting % EDGE)
    wrapped.is_unwrapped = False
    moved = FrameworkCheck().fit(wrapped, argyrodite)
    np.testing.assert_allclose(moved.lindemann_ratios_, still.lindemann_ratios_, rtol=1e-9)
    assert moved.lost_bonds_ == still.lost_bonds_


def test_ions_of_a_network_stand_alone():
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), ["Mg", "O"], [[0] * 3, [0.5] * 3])
    cell.append("Li", [0.25] * 3)
    positions = np.repeat(np.array(cell.frac_coords)[None], 3, axis=0)
    still = IonTrajectory(
        positions,
        cell.lattice.matrix,
        [site.specie.symbol for site in cell],
        time_step=20.0,
        is_unwrapped=True,
    )
    check = FrameworkCheck(bond_tolerance=1.3).fit(still)
    assert check.n_bonds_ > 0
    assert [len(unit) for unit in check.units_] == [1] * 8


@pytest.mark.parametrize(
    ("lattice", "symbols", "places"),
    [
        (
            Lattice.rhombohedral(4.99, 32.8),
            ["Li", "Co", "O", "O"],
            [[0.5] * 3, [0] * 3, [0.26] * 3, [0.74] * 3],
        ),
        (
            Lattice.rhombohedral(4.2 / np.sqrt(2), 60),
            ["Li", "Mg", "O"],
            [[0.25] * 3, [0] * 3, [0.5] * 3],
        ),
    ],
    ids=["LiCoO2", "MgO with Li"],
)
def test_bonds_are_no_shorter_than_half_of_a_small_cell(lattice, symbols, places):
    cell = Structure(lattice, symbols, places)
    still = IonTrajectory(
        np.repeat(np.array(cell.frac_coords)[None], 3, axis=0),
        lattice.matrix,
        symbols,
        time_step=20.0,
        is_unwrapped=True,
    )
    check = FrameworkCheck(bond_tolerance=1.3).fit(still)
    assert check.n_bonds_ > 0
    assert check.lost_bonds_ == check.gained_bonds_ == 0
    assert check.longest_bond_ == pytest.approx(1, abs=0.02)
    assert check.is_stable_


@pytest.mark.parametrize("changes", [False, True])
def test_shortest_vectors_in_skewed_cells(changes, rng):
    find_mic = pytest.importorskip("ase.geometry").find_mic
    for _ in range(20):
        angles = rng.uniform(35, 65, 3)
        matrix = np.array(Lattice.from_parameters(*rng.uniform(3, 9, 3), *angles).matrix)
        fractional = rng.uniform(-2, 2, size=(4, 30, 3))
        cells = matrix * np.linspace(1, 1.05, 4)[:, None, None]
        found = shortest_vectors(fractional, cells if changes else matrix)
        for frame, vectors in enumerate(fractional):
            cell = cells[frame] if changes else matrix
            _, expected = find_mic(vectors @ cell, cell)
            np.testing.assert_allclose(np.linalg.norm(found[frame], axis=1), expected)
            off = (found[frame] - vectors @ cell) @ np.linalg.inv(cell)
            np.testing.assert_allclose(off, np.round(off), atol=1e-9)


def test_bad_input(argyrodite, rng):
    good = trajectory(argyrodite, vibrating(argyrodite, rng))
    with pytest.raises(TypeError, match="must be an IonTrajectory; got Structure"):
        FrameworkCheck().fit(argyrodite)
    with pytest.raises(TrajectoryError, match="no ion of species 'Na'"):
        FrameworkCheck("Na").fit(good)
    with pytest.raises(TrajectoryError, match="one frame shows no motion"):
        FrameworkCheck().fit(good[:1])
    with pytest.raises(TrajectoryError, match="no framework"):
        FrameworkCheck().fit(good.select(good.indices("Li")))
    with pytest.raises(TrajectoryError, match="reference must have the ions of the trajectory"):
        FrameworkCheck().fit(good, argyrodite.copy().remove_sites([0]))
    with pytest.raises(ValueError, match="'bond_stretch' parameter of FrameworkCheck"):
        FrameworkCheck(bond_stretch=0.9).fit(good)
