"""Files of other programs: the same numbers as they have, and clear words where they are wrong."""

import gzip
import subprocess
import sys
import tracemalloc
from itertools import islice

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Xdatcar

from skxrd.exceptions import MissingDependencyError, TrajectoryError
from skxrd.transport import IonTrajectory, read_trajectory

CELL = np.array([[9.0, 0.0, 0.0], [1.0, 8.0, 0.0], [0.5, -1.0, 10.0]])  # as LAMMPS wants it
SPECIES = ["Li", "Li", "S"]
N_FRAMES = 12


@pytest.fixture
def walk(rng):
    steps = rng.normal(scale=0.05, size=(N_FRAMES, 3, 3))
    return 0.9 + steps.cumsum(axis=0)


@pytest.fixture
def cells(rng):
    return CELL * (1 + 0.01 * rng.standard_normal((N_FRAMES, 1, 1)))


# --- writers -------------------------------------------------------------------------------------


def header(cell, symbols="Li S", scale="1.0"):
    vectors = [" ".join(f"{value:.10f}" for value in vector) for vector in cell]
    return ["a comment", f"  {scale}", *vectors, *([symbols] if symbols else []), "2 1"]


def xdatcar(positions, cells=CELL, **kwargs):
    """Lines of an XDATCAR; the header is repeated where there is a cell for each frame."""
    lines = header(cells, **kwargs) if cells.ndim == 2 else []
    for number, frame in enumerate(positions):
        lines += header(cells[number], **kwargs) if cells.ndim == 3 else []
        lines.append(f"Direct configuration={number + 1:6d}")
        lines += ["".join(f"{value:12.8f}" for value in row) for row in frame]
    return lines


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def dump(positions, cells, columns="id type x y z", *, interval=50, origin=(1.0, -2.0, 3.0)):
    """Lines of a LAMMPS dump of these unwrapped fractions, ions in another order each time."""
    lines = []
    for number, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
        xy, xz, yz = cell[1, 0], cell[2, 0], cell[2, 1]
        low = np.array(origin)
        high = low + np.diag(cell)
        bounds = [
            (low[0] + min(0, xy, xz, xy + xz), high[0] + max(0, xy, xz, xy + xz), xy),
            (low[1] + min(0, yz), high[1] + max(0, yz), xz),
            (low[2], high[2], yz),
        ]
        lines += ["ITEM: TIMESTEP", str(number * interval), "ITEM: NUMBER OF ATOMS", "3"]
        lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp"]
        lines += [" ".join(f"{value:.16e}" for value in row) for row in bounds]
        lines += [f"ITEM: ATOMS {columns}"]
        wrapped, images = frame % 1, np.floor(frame).astype(int)
        values = {"id": [10, 20, 30], "type": [1, 1, 2], "element": SPECIES, "vx": [0.5] * 3}
        for axis, name in enumerate("xyz"):
            values[name] = (wrapped @ cell + low)[:, axis]
            values[f"{name}u"] = (frame @ cell + low)[:, axis]
            values[f"{name}s"] = wrapped[:, axis]
            values[f"{name}su"] = frame[:, axis]
            values[f"i{name}"] = images[:, axis]
        for ion in np.roll([0, 1, 2], number):
            lines.append(" ".join(str(values[name][ion]) for name in columns.split()) + " ")
    return lines


def structure_xml(cell, positions, name=""):
    def rows(vectors):
        return "".join("<v> {:.8f} {:.8f} {:.8f} </v>\n".format(*vector) for vector in vectors)

    return (
        f"<structure{name}>\n<crystal>\n<varray name='basis' >\n{rows(cell)}</varray>\n"
        f"<i name='volume'> 1.0 </i>\n<varray name='rec_basis' >\n{rows(cell)}</varray>\n"
        f"</crystal>\n<varray name='positions' >\n{rows(positions)}</varray>\n</structure>\n"
    )


SETTINGS = {
    "IBRION": "0",
    "POTIM": " 2.00000000",
    "TEBEG": "900.0",
    "TEEND": "900.0",
    "NBLOCK": "10",
}


def vasprun(positions, cells, *, learned=(), version="6.3.0", **settings):
    """Text of a vasprun.xml; structures of machine-learned steps stand outside of calculations."""
    items = "".join(f"<i name='{k}'>{v}</i>\n" for k, v in {**SETTINGS, **settings}.items())
    rows = "".join(f"<rc><c>{symbol} </c><c>1</c></rc>" for symbol in ("Li", "Li", "S "))
    text = (
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n<modeling>\n<generator>"
        f"<i name='version' type='string'>{version}  </i></generator>\n"
        f"<incar>{items}</incar>\n<parameters><separator name='ionic'>{items}</separator>"
        "</parameters>\n<atominfo><atoms> 3 </atoms><array name='atoms'><set>"
        f"{rows}</set></array></atominfo>\n"
        + structure_xml(CELL, positions[0], " name='initialpos' ")
    )
    for number, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
        structure = structure_xml(cell, frame)
        forces = "<varray name='forces' ><v> 0.1 0.1 0.1 </v></varray>\n"
        energy = "<energy><i name='kinetic'> 0.1 </i></energy>\n"
        text += (
            f"{structure}{forces}{energy}"
            if number in learned
            else f"<calculation>\n<scstep>{energy}</scstep>{structure}{forces}</calculation>\n"
        )
    return text + structure_xml(CELL, positions[-1], " name='finalpos' ") + "</modeling>\n"


def atoms_of(positions, cells):
    return [
        Atoms(SPECIES, scaled_positions=frame, cell=cell, pbc=True)
        for frame, cell in zip(positions, cells, strict=True)
    ]


def assert_same_motion(trajectory, walk, cells, atol=1e-7):
    """Check the way of each ion, and where it started up to whole cells."""
    assert trajectory.species.tolist() == SPECIES
    np.testing.assert_allclose(trajectory.lattice, cells, atol=1e-7)
    unwrapped = trajectory.unwrapped().positions
    np.testing.assert_allclose(unwrapped - unwrapped[0], walk - walk[0], atol=atol)
    np.testing.assert_allclose((unwrapped[0] - walk[0] + 0.5) % 1, 0.5, atol=atol)


# --- XDATCAR -------------------------------------------------------------------------------------


def test_xdatcar(tmp_path, walk):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1))
    trajectory = read_trajectory(path, time_step=100.0, temperature=600)
    assert trajectory.lattice.shape == (3, 3)
    assert (trajectory.time_step, trajectory.temperature) == (100.0, 600.0)
    assert not trajectory.is_unwrapped
    assert_same_motion(trajectory, walk, CELL)


def test_xdatcar_with_a_header_before_each_frame(tmp_path, walk, cells):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1, cells))
    assert_same_motion(read_trajectory(path, time_step=1.0), walk, cells)


def test_xdatcar_of_runs_one_after_another(tmp_path, walk):
    lines = [*xdatcar(walk[:5] % 1), "", " ", *xdatcar(walk[5:] % 1)]
    with pytest.raises(TrajectoryError, match="frame 5"):  # two empty lines are no header
        read_trajectory(write(tmp_path / "XDATCAR", lines), time_step=1.0)
    lines = xdatcar(walk[:5] % 1) + xdatcar(walk[5:] % 1)
    assert_same_motion(
        read_trajectory(write(tmp_path / "XDATCAR", lines), time_step=1.0), walk, CELL
    )


@pytest.mark.parametrize(
    ("scale", "factor"),
    [("2.0", 2.0), ("-5760.0", 2.0), ("1.0 1.5 2.0", np.array([1.0, 1.5, 2.0]))],
)
def test_xdatcar_is_scaled(tmp_path, walk, scale, factor):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1, scale=scale))
    np.testing.assert_allclose(read_trajectory(path, time_step=1.0).lattice, CELL * factor)


@pytest.mark.parametrize("symbols", ["Li_sv S", "Li/a1b2c3 S/d4e5f6"])
def test_xdatcar_with_names_of_potentials(tmp_path, walk, symbols):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1, symbols=symbols))
    assert read_trajectory(path, time_step=1.0).species.tolist() == SPECIES


def test_xdatcar_without_symbols(tmp_path, walk):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1, symbols=None))
    with pytest.raises(TrajectoryError, match=r"ions of type '1', .*species=\{1: 'Li', ...\}"):
        read_trajectory(path, time_step=1.0)
    with pytest.raises(TrajectoryError, match="ions of type '2'"):
        read_trajectory(path, time_step=1.0, species={1: "Li"})
    named = read_trajectory(path, time_step=1.0, species={1: "Li", 2: "S"})
    assert named.species.tolist() == SPECIES


def test_xdatcar_as_pymatgen_writes_it(tmp_path, walk):
    structures = [Structure(Lattice(CELL), SPECIES, frame % 1) for frame in walk]
    path = tmp_path / "XDATCAR"
    writer = Xdatcar.__new__(Xdatcar)
    writer.structures, writer.comment = structures, "Li2 S1"
    writer.write_file(path)
    assert_same_motion(read_trajectory(path, time_step=1.0), walk, CELL, atol=2e-8)


def test_xdatcar_as_ase_writes_it(tmp_path, walk):
    path = tmp_path / "XDATCAR"
    ase.io.write(path, atoms_of(walk, [CELL] * N_FRAMES), format="vasp-xdatcar")
    assert_same_motion(read_trajectory(path, time_step=1.0), walk, CELL, atol=2e-8)


@pytest.mark.parametrize("n_kept", [3, 2, 1, 0])
def test_xdatcar_that_is_cut_short(tmp_path, walk, n_kept):
    lines = xdatcar(walk % 1)
    lines = lines[: len(lines) - n_kept] if n_kept < 3 else lines[:-3]
    path = write(tmp_path / "XDATCAR", lines)
    if n_kept == 0:
        assert read_trajectory(path, time_step=1.0).n_frames == N_FRAMES
        return
    with pytest.raises(
        TrajectoryError,
        match=rf"frame 11 .*with {3 - n_kept} lines for 3 ions.*stop=11 reads the 11 complete",
    ):
        read_trajectory(path, time_step=1.0)
    assert read_trajectory(path, time_step=1.0, stop=11).n_frames == 11


def test_xdatcar_whose_last_number_is_cut(tmp_path, walk):
    text = "\n".join(xdatcar(walk % 1))
    path = tmp_path / "XDATCAR"
    path.write_text(text)  # complete, without a line feed at its end
    assert read_trajectory(path, time_step=1.0).n_frames == N_FRAMES
    for n_lost in (1, 5, 11):
        path.write_text(text[:-n_lost])
        with pytest.raises(TrajectoryError, match=r"frame 11 .* is incomplete"):
            read_trajectory(path, time_step=1.0)


def test_xdatcar_that_ends_in_a_header(tmp_path, walk, cells):
    lines = xdatcar(walk % 1, cells)
    path = write(tmp_path / "XDATCAR", lines[: 11 * 11 + 4])
    with pytest.raises(TrajectoryError, match=r"frame 11 .* its header ends with the file"):
        read_trajectory(path, time_step=1.0)


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (8, "0.1 abc 0.3", r"frame 0 .*could not convert string 'abc'"),
        (12, "0.1 nan 0.3", "frame 1 .*must be finite"),
        (12, "0.1 ******** 0.3", r"frame 1 .*convert string '\*+'"),
        (12, "0.1 0.2", "frame 1 .*2 columns"),
        (12, "", "frame 1 .*a line is empty"),
        (12, "Direct configuration= 3", "frame 1"),
        (1, "one", "its header is not understood"),
        (3, "1.0 2.0", "its header is not understood"),
        (6, "2 1 4", "its header is not understood"),
        (6, "3 -1", "at least one ion"),
        (6, "0 0", "at least one ion"),
        (4, "0 0 0", "a cell with a volume"),
        (7, "Cartesian", "'Direct configuration=' is needed"),
    ],
)
def test_xdatcar_with_garbage(tmp_path, walk, line, text, message):
    lines = xdatcar(walk % 1)
    lines[line] = text
    path = write(tmp_path / "XDATCAR", lines)
    with pytest.raises(TrajectoryError, match=message):
        read_trajectory(path, time_step=1.0)


def test_xdatcar_with_other_ions_later(tmp_path, walk):
    lines = xdatcar(walk % 1) + header(CELL, "Li P") + xdatcar(walk % 1)[7:]
    with pytest.raises(TrajectoryError, match=r"frame 12 .*other ions, 3 in all"):
        read_trajectory(write(tmp_path / "XDATCAR", lines), time_step=1.0)


# --- LAMMPS --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "is_unwrapped"),
    [
        ("id type x y z", False),
        ("type x y z id vx", False),
        ("id element xs ys zs", False),
        ("id type xu yu zu", True),
        ("id type xsu ysu zsu", True),
        ("id type x y z ix iy iz", True),
        ("id type ix iy iz xs ys zs", True),
        ("id type x y z xu yu zu", True),
    ],
)
def test_lammps_coordinates(tmp_path, walk, cells, columns, is_unwrapped):
    path = write(tmp_path / "run.lammpstrj", dump(walk, cells, columns))
    names = None if "element" in columns else {1: "Li", "2": "S"}
    trajectory = read_trajectory(path, time_step=100.0, species=names)
    assert trajectory.is_unwrapped == is_unwrapped
    assert_same_motion(trajectory, walk, cells, atol=1e-12)
    if is_unwrapped:
        np.testing.assert_allclose(trajectory.positions, walk, atol=1e-12)


def test_lammps_unwrapped_coordinates_may_be_sparse(tmp_path, rng):
    walk = rng.normal(size=(N_FRAMES, 3, 3))
    path = write(tmp_path / "run.dump", dump(walk, [CELL] * N_FRAMES, "id element xu yu zu"))
    displacements = read_trajectory(path, time_step=1.0).displacements("Li")
    np.testing.assert_allclose(displacements, ((walk - walk[0]) @ CELL)[:, :2], atol=1e-10)


def test_lammps_box_with_right_angles(tmp_path, walk):
    cell = np.diag([9.0, 8.0, 10.0])
    lines = dump(walk, [cell] * N_FRAMES)
    for number, line in enumerate(lines):
        if line.startswith("ITEM: BOX BOUNDS"):
            lines[number] = "ITEM: BOX BOUNDS pp pp pp"
            lines[number + 1 : number + 4] = [
                " ".join(row.split()[:2]) for row in lines[number + 1 : number + 4]
            ]
    path = write(tmp_path / "run.dump", lines)
    trajectory = read_trajectory(path, time_step=1.0, species={1: "Li", 2: "S"})
    assert trajectory.lattice.shape == (3, 3)
    assert_same_motion(trajectory, walk, cell, atol=1e-12)


def test_lammps_general_box(tmp_path, walk):
    rotated = CELL[:, [1, 2, 0]]
    origin = np.array([1.0, -2.0, 3.0])
    lines = dump(walk, [CELL] * N_FRAMES, "id element xs ys zs")
    for number, line in enumerate(lines):
        if line.startswith("ITEM: BOX BOUNDS"):
            lines[number] = "ITEM: BOX BOUNDS abc origin pp pp pp"
            for axis in range(3):
                row = [*rotated[axis], origin[axis]]
                lines[number + 1 + axis] = " ".join(map(str, row))
    scaled = read_trajectory(write(tmp_path / "s.dump", lines), time_step=1.0)
    assert_same_motion(scaled, walk, rotated, atol=1e-12)
    # The same in angstrom.
    for number, line in enumerate(lines):
        if line.startswith("ITEM: ATOMS"):
            lines[number] = "ITEM: ATOMS id element x y z"
            for row in range(number + 1, number + 4):
                ion, symbol, *fractions = lines[row].split()
                place = np.array(fractions, dtype=float) @ rotated + origin
                lines[row] = " ".join([ion, symbol, *map(str, place)])
    angstrom = read_trajectory(write(tmp_path / "a.dump", lines), time_step=1.0)
    np.testing.assert_allclose(angstrom.positions, scaled.positions, atol=1e-12)


def test_lammps_agrees_with_ase(tmp_path, walk, cells):
    path = write(tmp_path / "run.dump", dump(walk, cells, "id element x y z"))
    trajectory = read_trajectory(path, time_step=1.0)
    for frame, atoms in enumerate(ase.io.read(path, ":", format="lammps-dump-text")):
        np.testing.assert_allclose(trajectory.lattice[frame], atoms.cell, atol=1e-12)
        # ASE keeps the origin of the box in its positions.
        moved = atoms.positions - trajectory.positions[frame] @ trajectory.lattice[frame]
        np.testing.assert_allclose(moved, moved[:1].repeat(3, 0), atol=1e-10)


def test_lammps_types_count_where_they_are_named(tmp_path, walk, cells):
    # LAMMPS calls all elements C until it is told better.
    lines = [
        line.replace("Li", "C").replace("S", "C") if line[:2].isdigit() else line
        for line in dump(walk, cells, "id type element x y z")
    ]
    path = write(tmp_path / "run.dump", lines)
    trajectory = read_trajectory(path, time_step=1.0, species={1: "Li", 2: "S"})
    assert trajectory.species.tolist() == SPECIES


def test_lammps_elements_count_where_they_are_named(tmp_path, walk, cells):
    lines = [
        line.replace("Li", "C").replace("S", "O") if line[:2].isdigit() else line
        for line in dump(walk, cells, "id type element x y z")
    ]
    path = write(tmp_path / "run.dump", lines)
    trajectory = read_trajectory(path, time_step=1.0, species={"C": "Li", "O": "S"})
    assert trajectory.species.tolist() == SPECIES
    assert read_trajectory(path, time_step=1.0).species.tolist() == ["C", "C", "O"]


def test_lammps_units_and_time(tmp_path, walk, cells):
    lines = ["ITEM: UNITS", "metal", "ITEM: TIME", "0.0", *dump(walk, cells, "id element x y z")]
    path = write(tmp_path / "run.dump", lines)
    assert read_trajectory(path, time_step=1.0).n_frames == N_FRAMES
    lines[1] = "lj"
    with pytest.raises(TrajectoryError, match="units 'lj'; angstrom"):
        read_trajectory(write(path, lines), time_step=1.0)


LINES_OF_A_FRAME = 12  # of dump: 9 of header and 3 ions


@pytest.mark.parametrize("n_lost", [1, 2, 3, 5, 11])
def test_lammps_that_is_cut_short(tmp_path, walk, cells, n_lost):
    lines = dump(walk, cells, "id element x y z")[:-n_lost]
    path = write(tmp_path / "run.dump", lines)
    with pytest.raises(TrajectoryError, match=r"frame 11 .* is incomplete.*stop=11 reads the 11"):
        read_trajectory(path, time_step=1.0)
    assert read_trajectory(path, time_step=1.0, stop=11).n_frames == 11


def test_lammps_that_is_cut_within_a_line(tmp_path, walk, cells):
    path = tmp_path / "run.dump"
    path.write_text("\n".join(dump(walk, cells, "id element x y z"))[:-2])
    with pytest.raises(
        TrajectoryError, match=r"frame 11 .* is incomplete, with 3 lines for 3 ions"
    ):
        read_trajectory(path, time_step=1.0)


def test_lammps_frames_must_be_evenly_spaced(tmp_path, walk, cells):
    lines = dump(walk, cells, "id element x y z")
    twice = lines[: 6 * LINES_OF_A_FRAME] + lines[5 * LINES_OF_A_FRAME :]  # as after a restart
    path = write(tmp_path / "run.dump", twice)
    with pytest.raises(TrajectoryError, match=r"frame 6 .*TIMESTEP is 250, 0 after .* 50 is exp"):
        read_trajectory(path, time_step=1.0)
    parts = [({"stop": 6}, 6), ({"start": 6}, 7), ({"start": 6, "stride": 3}, 3)]
    for part, n_frames in parts:
        assert read_trajectory(path, time_step=1.0, **part).n_frames == n_frames
    with pytest.raises(TrajectoryError, match="frame 6"):  # in between counts as well
        read_trajectory(path, time_step=1.0, stride=6)


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "first", "frame 0 .*its header is not understood"),
        (3, "four", "its header is not understood"),
        (3, "2", "'ITEM: ...' is expected after 2 ions; found"),
        (3, "4", "could not|are needed|found"),
        (4, "ITEM: BOX BOUNDS xy xz yz pp pp ff", "boundaries of the box are pp pp ff"),
        (5, "0 1 2 3 4", "its header is not understood"),
        (5, "0 nan 1", "frame 0 .*finite"),
        (5, "0 0 0", "frame 0 .*the box must be finite and have a volume"),
        (8, "ITEM: ATOMS id element vx vy vz", "columns id, type or element.*found id element vx"),
        (8, "ITEM: ATOMS element x y z q", "columns id"),
        (8, "ITEM: ATOMS id q x y z", "columns id, type or element"),
        (9, "10 Li 1.0 oops 2.0 ", "frame 0 .*oops"),
        (9, "10 Li 1.0 2.0 ", "3 ions with 5 columns each are needed; found 14 words"),
        (9, "20 Li 1.0 2.0 3.0 ", "frame 0 .*two ions have the same id"),
        (9, "10 Q1 1.0 2.0 3.0 ", "ions of type 'Q1', which is no element"),
        (9, "10 L\u00ee 1.0 2.0 3.0 ", "frame 0 .*decode"),
        (9, "10 Li inf 2.0 3.0 ", "frame 0 .*finite"),
        (12, "ITEM: ATOMS id element x y z", "its header lacks BOX, NUMBER, TIMESTEP"),
        (23, "40 Li 1.0 2.0 3.0 ", "frame 1 .*other ids"),
    ],
)
def test_lammps_with_garbage(tmp_path, walk, cells, line, text, message):
    lines = dump(walk, cells, "id element x y z")
    lines[line] = text
    path = write(tmp_path / "run.dump", lines)
    with pytest.raises(TrajectoryError, match=message):
        read_trajectory(path, time_step=1.0)


def test_lammps_number_of_ions_changes(tmp_path, walk, cells):
    lines = dump(walk, cells, "id element x y z")
    lines[3 * LINES_OF_A_FRAME + 3] = "2"
    del lines[3 * LINES_OF_A_FRAME + 11]
    with pytest.raises(TrajectoryError, match=r"frame 3 .*it has 2 ions"):
        read_trajectory(write(tmp_path / "run.dump", lines), time_step=1.0)


def test_lammps_types_without_names(tmp_path, walk, cells):
    path = write(tmp_path / "run.dump", dump(walk, cells))
    with pytest.raises(TrajectoryError, match=r"ions of type '1', .*species=\{1: 'Li', ...\}"):
        read_trajectory(path, time_step=1.0)


# --- vasprun.xml ---------------------------------------------------------------------------------


@pytest.mark.parametrize("learned", [(), range(N_FRAMES), range(1, N_FRAMES, 2)])
def test_vasprun(tmp_path, walk, cells, learned):
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(walk % 1, cells, learned=learned))
    trajectory = read_trajectory(path)
    assert (trajectory.time_step, trajectory.temperature) == (2.0, 900.0)
    assert_same_motion(trajectory, walk, cells, atol=2e-8)
    assert read_trajectory(path, time_step=5.0, temperature=300).time_step == 5.0


@pytest.mark.parametrize(
    ("settings", "time_step"),
    [
        ({"version": "6.3.0", "ML_MODE": "run"}, 2.0),
        ({"version": "6.4.2", "ML_MODE": "RUN"}, 2.0),
        ({"version": "6.4.3", "ML_MODE": "RUN "}, 20.0),
        ({"version": "6.5.1", "ML_ISTART": "2"}, 20.0),
        ({"version": "6.5.1", "ML_MODE": "train"}, 2.0),
    ],
)
def test_vasprun_that_is_thinned_out(tmp_path, walk, cells, settings, time_step):
    path = tmp_path / "vasprun.xml"
    text = vasprun(walk % 1, cells, learned=range(N_FRAMES), ML_OUTBLOCK="10", **settings)
    path.write_text(text)
    assert read_trajectory(path, stride=3).time_step == time_step * 3


def test_vasprun_that_does_not_tell_the_time(tmp_path, walk, cells):
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(walk % 1, cells, TEBEG="0.0001", TEEND="0.0001"))
    assert read_trajectory(path).temperature is None
    path.write_text(vasprun(walk % 1, cells, IBRION="2", TEEND="300.0"))
    with pytest.raises(ValueError, match=r"vasprun\.xml does not tell the time"):
        read_trajectory(path)
    assert read_trajectory(path, time_step=2.0).temperature is None


def test_vasprun_of_a_run_that_was_killed(tmp_path, walk, cells):
    text = vasprun(walk % 1, cells)
    path = tmp_path / "vasprun.xml"
    path.write_text(text[: text.rindex("</calculation>") - 400])
    with pytest.raises(TrajectoryError, match=r"frame 11 .* is incomplete, .*stop=11"):
        read_trajectory(path)
    trajectory = read_trajectory(path, stop=11)
    assert_same_motion(trajectory, walk[:11], cells[:11], atol=2e-8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<calculation>", "<calculation", "frame 0 .* is incomplete, not well-formed"),
        ("<atominfo>", "<atominfo name='x'>", None),
        ("<rc><c>S  </c>", "<rc><c>r </c>", r"ions of type 'r', .*species=\{'r': "),
        ("<rc><c>S  </c><c>1</c></rc>", "", r"2 positions are needed; .*\(3, 3\)"),
        ("<set>", "<sets>", "incomplete, mismatched tag"),
    ],
)
def test_vasprun_with_garbage(tmp_path, walk, cells, old, new, message):
    text = vasprun(walk % 1, cells)
    assert old in text
    path = tmp_path / "vasprun.xml"
    path.write_text(text.replace(old, new))
    if message is None:
        assert read_trajectory(path).n_frames == N_FRAMES
        return
    with pytest.raises(TrajectoryError, match=message):
        read_trajectory(path)


def test_vasprun_with_stars(tmp_path, walk, cells):
    text = vasprun(walk % 1, cells)
    place = text.rindex("<v>", 0, text.rindex("</calculation>"))
    place = text.rindex("<varray name='positions' >", 0, place)
    text = text[:place] + text[place:].replace("<v> 0.", "<v> *****", 1)
    path = tmp_path / "vasprun.xml"
    path.write_text(text)
    with pytest.raises(TrajectoryError, match=r"frame 11 .*could not convert"):
        read_trajectory(path)


def test_vasprun_is_forgotten_as_it_is_read(tmp_path, walk, cells):
    path = tmp_path / "vasprun.xml"
    n_times = 200
    path.write_text(vasprun(np.tile(walk % 1, (n_times, 1, 1)), np.tile(cells, (n_times, 1, 1))))
    read_trajectory(path, stop=1)  # what the first call imports
    tracemalloc.start()
    trajectory = read_trajectory(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert trajectory.n_frames == n_times * N_FRAMES
    assert peak < path.stat().st_size  # the tree of its elements is several times the file


# --- ASE -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.extxyz", "run.xyz", "run.extxyz.gz", "run@2.traj"])
def test_ase_formats(tmp_path, walk, cells, name):
    path = tmp_path / name
    atoms = atoms_of(walk, cells)
    atoms[0].calc = SinglePointCalculator(atoms[0], energy=1.0, forces=np.zeros((3, 3)))
    ase.io.write(path, atoms, format="traj" if "traj" in name else "extxyz")
    trajectory = read_trajectory(path, time_step=10.0)
    assert not trajectory.is_unwrapped
    assert_same_motion(trajectory, walk, cells)
    part = read_trajectory(path, time_step=10.0, start=2, stop=9, stride=3)
    assert (part.positions == trajectory.positions[2:9:3]).all()
    assert part.time_step == 30.0


def test_ase_trajectory_that_is_damaged(tmp_path, walk, cells):
    path = tmp_path / "run.traj"
    ase.io.write(path, atoms_of(walk, cells))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(TrajectoryError, match="ASE cannot read it"):
        read_trajectory(path, time_step=1.0)


def test_extxyz_that_is_cut_short(tmp_path, walk, cells):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, atoms_of(walk, cells))
    lines = path.read_text().splitlines()
    write(path, lines[:-1])
    with pytest.raises(TrajectoryError, match=r"frame 11 .*ASE cannot read it.*stop=11"):
        read_trajectory(path, time_step=1.0)
    assert read_trajectory(path, time_step=1.0, stop=11).n_frames == 11
    lines[7] = "Li 0.0 garbage 1.0"
    with pytest.raises(TrajectoryError, match=r"frame 1 .*garbage"):
        read_trajectory(write(path, lines), time_step=1.0)


@pytest.mark.parametrize("change", [{"pbc": [True, True, False]}, {"cell": None}])
def test_ase_without_a_periodic_cell(tmp_path, walk, cells, change):
    path = tmp_path / "run.traj"
    atoms = atoms_of(walk, cells)
    for frame in atoms:
        frame.set_pbc(change.get("pbc", True))
        frame.set_cell(change.get("cell", frame.cell))
    ase.io.write(path, atoms)
    with pytest.raises(TrajectoryError, match="periodic along three axes"):
        read_trajectory(path, time_step=1.0)


@pytest.mark.parametrize("n_lost", [1, 3, 9])
@pytest.mark.parametrize("is_packed", [True, False])
def test_extxyz_whose_last_number_is_cut(tmp_path, walk, cells, n_lost, is_packed):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, atoms_of(walk, cells))
    content = path.read_bytes().rstrip(b" \n")
    content = content[: len(content) + 1 - n_lost]  # at least the line feed
    path.write_bytes(gzip.compress(content) if is_packed else content)
    for part in ({}, {"stop": 12}, {"stop": 20}, {"start": 11}, {"start": 1, "stride": 5}):
        with pytest.raises(
            TrajectoryError, match=r"frame 11 .* is incomplete, its last line.*stop=11 r"
        ):
            read_trajectory(path, time_step=1.0, **part)
    for part, n_frames in [({"stop": 11}, 11), ({"stride": 5}, 3), ({"start": 3, "stop": 5}, 2)]:
        assert read_trajectory(path, time_step=1.0, **part).n_frames == n_frames


def test_ase_files_of_sparse_frames_may_be_unwrapped(tmp_path, rng):
    walk = rng.normal(size=(N_FRAMES, 3, 3))
    path = tmp_path / "run.traj"
    ase.io.write(path, atoms_of(walk, [CELL] * N_FRAMES))
    with pytest.raises(TrajectoryError, match="which is_unwrapped=True says"):
        read_trajectory(path, time_step=1.0).displacements()
    trajectory = read_trajectory(path, time_step=1.0, is_unwrapped=True)
    np.testing.assert_allclose(trajectory.displacements(), (walk - walk[0]) @ CELL, atol=1e-10)


def test_what_a_file_says_of_unwrapping_can_be_overruled(tmp_path, walk, cells):
    path = write(tmp_path / "run.dump", dump(walk, cells, "id element xu yu zu"))
    assert not read_trajectory(path, time_step=1.0, is_unwrapped=False).is_unwrapped
    with pytest.raises(TypeError, match="is_unwrapped must be True, False or None; got 'no'"):
        read_trajectory(path, time_step=1.0, is_unwrapped="no")


def test_ase_is_optional(tmp_path, walk, cells, monkeypatch):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, atoms_of(walk, cells))
    monkeypatch.setitem(sys.modules, "ase.io", None)
    with pytest.raises(MissingDependencyError, match=r"run\.extxyz needs ase.*skxrd\[md\]"):
        read_trajectory(path, time_step=1.0)


# --- npz -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [None, 600.0])
@pytest.mark.parametrize("is_unwrapped", [True, False])
def test_saved_trajectories(tmp_path, walk, cells, temperature, is_unwrapped):
    trajectory = IonTrajectory(
        walk, cells, SPECIES, time_step=20.0, temperature=temperature, is_unwrapped=is_unwrapped
    )
    trajectory.save(tmp_path / "run.npz")
    again = read_trajectory(tmp_path / "run.npz")
    assert (again.positions == walk).all()
    assert (again.lattice == cells).all()
    assert again.species.tolist() == SPECIES
    assert (again.time_step, again.temperature) == (20.0, temperature)
    assert again.is_unwrapped == is_unwrapped
    part = read_trajectory(tmp_path / "run.npz", start=1, stride=2)
    assert (part.positions == walk[1::2]).all()
    assert part.time_step == 40.0


def test_saved_names_come_back_as_they_are(tmp_path, walk):
    names = ["Li_a", "Li1", "S"]
    IonTrajectory(walk, CELL, names, time_step=20.0).save(tmp_path / "run.npz")
    assert read_trajectory(tmp_path / "run.npz").species.tolist() == names
    named = read_trajectory(tmp_path / "run.npz", species={"Li_a": "Na", "Li1": "K"})
    assert named.species.tolist() == ["Na", "K", "S"]
    with pytest.raises(
        TrajectoryError, match=r"ions of type 'Li1', .*species=\{'Li1': 'Li', ...\}"
    ):
        read_trajectory(tmp_path / "run.npz", species={"Li_a": "Li"})


def test_npz_of_something_else(tmp_path, walk):
    np.savez(tmp_path / "run.npz", positions=walk)
    with pytest.raises(TrajectoryError, match=r"not written by IonTrajectory\.save: lattice, spec"):
        read_trajectory(tmp_path / "run.npz")
    (tmp_path / "run.npz").write_bytes((tmp_path / "run.npz").read_bytes()[:300])
    with pytest.raises(TrajectoryError, match=r"run\.npz cannot be read"):
        read_trajectory(tmp_path / "run.npz")


# --- all formats ---------------------------------------------------------------------------------


def write_as(format, folder, walk, cells):
    """Write the same motion in each format, under a name that does not tell which."""
    path = folder / "run.data"
    if format == "xdatcar":
        write(path, xdatcar(walk % 1, cells))
    elif format == "lammps":
        write(path, dump(walk, cells, "id element x y z"))
    elif format == "vasprun":
        path.write_text(vasprun(walk % 1, cells))
    elif format == "npz":
        IonTrajectory(walk, cells, SPECIES, time_step=1.0).save(folder / "run.npz")
        (folder / "run.npz").rename(path)
    else:
        ase.io.write(path, atoms_of(walk, cells), format=format)
    return path


FORMATS = ["xdatcar", "lammps", "vasprun", "extxyz", "traj", "npz"]


@pytest.mark.parametrize("format", FORMATS)
def test_formats_are_recognized_by_their_content(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk, cells)
    assert_same_motion(read_trajectory(path, time_step=1.0), walk, cells)
    named = read_trajectory(str(path), time_step=1.0, format=format)
    assert_same_motion(named, walk, cells)


@pytest.mark.parametrize("format", FORMATS)
def test_names_that_a_file_does_not_have(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk, cells)
    with pytest.raises(
        TrajectoryError, match=r"species names 1, 'Na', none of which .* of types 'Li', 'S'"
    ):
        read_trajectory(path, time_step=1.0, species={1: "Li", "Na": "S"})
    named = read_trajectory(path, time_step=1.0, species={"Li": "Na"})
    assert named.species.tolist() == ["Na", "Na", "S"]


@pytest.mark.parametrize("format", FORMATS)
def test_parts_of_the_frames(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk, cells)
    whole = read_trajectory(path, time_step=10.0)
    for start, stop, stride in [(0, None, 5), (3, 4, 1), (2, 9, 3), (11, None, 1), (0, 100, 1)]:
        part = read_trajectory(path, time_step=10.0, start=start, stop=stop, stride=stride)
        assert (part.positions == whole.positions[start:stop:stride]).all()
        assert part.time_step == 10.0 * stride
        lattice = whole.lattice[start:stop:stride]
        assert (part.lattice == (lattice if len(lattice) > 1 else lattice[0])).all()
    with pytest.raises(TrajectoryError, match="no frame to read from start=12 on"):
        read_trajectory(path, time_step=10.0, start=12)


@pytest.mark.parametrize("format", FORMATS)
def test_memory_map(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk, cells)
    memory_map = tmp_path / "positions.npy"
    memory_map.write_text("of an earlier call")
    trajectory = read_trajectory(path, time_step=1.0, memory_map=memory_map)
    whole = read_trajectory(path, time_step=1.0)
    assert trajectory.positions.dtype == np.float32
    assert (trajectory.positions == whole.positions.astype(np.float32)).all()
    assert isinstance(trajectory.positions.base, np.memmap)
    assert not trajectory.positions.flags.writeable
    assert (np.load(memory_map) == trajectory.positions).all()
    assert_same_motion(trajectory, walk, cells, atol=1e-6)


def test_memory_maps_appear_when_they_are_complete(tmp_path, walk):
    lines = xdatcar(walk % 1)
    path = write(tmp_path / "XDATCAR", lines[:-1])
    with pytest.raises(TrajectoryError, match="incomplete"):
        read_trajectory(path, time_step=1.0, memory_map=tmp_path / "positions.npy")
    assert [found.name for found in tmp_path.iterdir()] == ["XDATCAR"]


def test_memory_stays_bounded(tmp_path, rng):
    positions = rng.random((3000, 3, 3))
    path = write(tmp_path / "XDATCAR", xdatcar(positions))
    read_trajectory(path, time_step=1.0, stop=1)
    tracemalloc.start()
    trajectory = read_trajectory(path, time_step=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * trajectory.positions.nbytes  # the list of cells is as long as the positions


@pytest.mark.parametrize("name", ["XDATCAR", "run.dump", "vasprun.xml", "md.xyz"])
def test_packed_files(tmp_path, walk, cells, name):
    format = {"X": "xdatcar", "r": "lammps", "v": "vasprun", "m": "extxyz"}[name[0]]
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(write_as(format, tmp_path, walk, cells).read_bytes()))
    whole = read_trajectory(path, time_step=1.0)
    assert_same_motion(whole, walk, cells)
    unnamed = path.rename(tmp_path / "file")
    assert read_trajectory(unnamed, time_step=1.0).n_frames == N_FRAMES


@pytest.mark.parametrize("format", ["xdatcar", "lammps", "vasprun"])
def test_packed_files_that_are_cut_short(tmp_path, rng, format):
    walk = 0.9 + rng.normal(scale=0.05, size=(3000, 3, 3)).cumsum(axis=0)
    cells = np.tile(CELL, (3000, 1, 1))
    path = tmp_path / "packed.gz"
    packed = gzip.compress(write_as(format, tmp_path, walk, cells).read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(
        TrajectoryError, match=r"cut short: .*stop=\d+ reads the \d+ comp"
    ) as caught:
        read_trajectory(path, time_step=1.0)
    stop = int(str(caught.value).partition("stop=")[2].split()[0])
    assert 500 < stop < 2500
    part = read_trajectory(path, time_step=1.0, stop=stop)
    assert_same_motion(part, walk[:stop], CELL)


@pytest.mark.parametrize("format", ["xdatcar", "lammps", "extxyz", "traj"])
def test_the_time_between_frames_is_needed(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk, cells)
    with pytest.raises(ValueError, match="does not tell the time between its frames: give time_st"):
        read_trajectory(path)


@pytest.mark.parametrize("format", FORMATS)
def test_one_frame(tmp_path, walk, cells, format):
    path = write_as(format, tmp_path, walk[:1], cells[:1])
    trajectory = read_trajectory(path, time_step=1.0)
    assert trajectory.n_frames == 1
    assert trajectory.lattice.shape == (3, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("XDATCAR", b""),
        ("XDATCAR", b"\n \n"),
        ("run.lammpstrj", b""),
        ("run.xyz", b""),
        ("XDATCAR.gz", gzip.compress(b"", mtime=0)),
        ("vasprun.xml", b"<?xml version='1.0'?><modeling></modeling>"),
    ],
)
def test_files_without_a_frame(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TrajectoryError, match="has no frame to read"):
        read_trajectory(path, time_step=1.0)


def test_a_header_alone_is_cut_short(tmp_path):
    path = write(tmp_path / "XDATCAR", header(CELL))
    with pytest.raises(TrajectoryError, match=r"its header ends with the file\. There is no compl"):
        read_trajectory(path, time_step=1.0)


@pytest.mark.parametrize("content", [b"", b"some text\n", b"\x00\x01\x02", b"3\nno cell\n"])
def test_unknown_format(tmp_path, content):
    path = tmp_path / "run.data"
    path.write_bytes(content)
    with pytest.raises(TrajectoryError, match=r"run\.data is not recognized; .*xdatcar, vasprun"):
        read_trajectory(path, time_step=1.0)


def test_a_file_that_does_not_exist(tmp_path):
    for format in (None, *FORMATS):
        with pytest.raises(FileNotFoundError, match="XDATCAR"):
            read_trajectory(tmp_path / "XDATCAR", time_step=1.0, format=format)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"format": "poscar"}, "format must be one of xdatcar, vasprun, .*; got 'poscar'"),
        ({"time_step": 0.0}, "time_step must be a positive number; got 0"),
        ({"time_step": float("nan")}, "time_step must be a positive number; got nan"),
        ({"time_step": "2 fs"}, "time_step must be a positive number"),
        ({"temperature": -300}, "temperature must be a positive number; got -300"),
        ({"start": -1}, "start must be an integer of at least 0; got -1"),
        ({"start": 0.5}, "start must be an integer"),
        ({"stop": -5}, "stop must be an integer of at least 0; got -5"),
        ({"stride": 0}, "stride must be an integer of at least 1; got 0"),
        ({"stride": -2}, "stride must be an integer of at least 1; got -2"),
        ({"start": 5, "stop": 5}, "stop must be larger than start; got start=5 and stop=5"),
        ({"memory_map": "positions.dat"}, r"memory_map must end in \.npy; got positions\.dat"),
    ],
)
def test_parameters_out_of_range(tmp_path, walk, parameters, message):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1))
    with pytest.raises(ValueError, match=message):
        read_trajectory(path, **{"time_step": 1.0, **parameters})


def test_species_must_be_a_dict(tmp_path, walk):
    path = write(tmp_path / "XDATCAR", xdatcar(walk % 1))
    with pytest.raises(TypeError, match=r"species must be a dict .*\{1: 'Li', 2: 'S'\}; got 'Li'"):
        read_trajectory(path, time_step=1.0, species="Li")


def test_reading_needs_no_heavy_packages():
    heavy = ("ase", "matplotlib", "pandas", "pymatgen", "sklearn", "torch")
    code = (
        "import sys; from skxrd.transport import read_trajectory; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- real files ----------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_xdatcar(shared_data):
    path = shared_data / "md" / "Li6PS5Cl_XDATCAR.gz"
    trajectory = read_trajectory(path, time_step=100.0)
    assert (trajectory.n_frames, trajectory.n_ions) == (140, 416)
    assert {s: int((trajectory.species == s).sum()) for s in ("Li", "P", "S", "Cl")} == {
        "Li": 192,
        "P": 32,
        "S": 160,
        "Cl": 32,
    }
    structures = Xdatcar(path, ionicstep_start=1, ionicstep_end=12).structures
    for frame, structure in enumerate(structures):
        assert (trajectory.positions[frame] == structure.frac_coords).all()
        assert [site.specie.symbol for site in structure] == trajectory.species.tolist()
    assert (trajectory.lattice == structures[0].lattice.matrix).all()
    # What pymatgen-analysis-diffusion finds for the last frame (README of the data), but for the
    # weights of the framework.
    moved = trajectory.drift_corrected(species="Li").displacements("Li")
    assert (moved[-1] ** 2).sum(axis=1).mean() == pytest.approx(11.8137, abs=1e-3)


@pytest.mark.real_data
@pytest.mark.parametrize(("n_ions", "n_units"), [(8, 1), (64, 8)])
def test_real_dumps(shared_data, tmp_path, n_ions, n_units):
    path = shared_data / "md" / f"Li3PS4_{n_ions}atoms_100ps.lammpsdump.gz"
    names = {1: "Li", 2: "P", 3: "S"}
    trajectory = read_trajectory(path, time_step=100.0, species=names)
    assert (trajectory.n_frames, trajectory.n_ions) == (1001, n_ions)
    counts = [int((trajectory.species == symbol).sum()) for symbol in ["Li", "P", "S"]]
    assert counts == [3 * n_units, n_units, 4 * n_units]
    first = tmp_path / "first.dump"  # ASE needs a minute for all
    with gzip.open(path, "rt") as file:
        first.write_text("".join(islice(file, 15 * (n_ions + 9))))
    for frame, atoms in enumerate(ase.io.read(first, ":", format="lammps-dump-text")):
        np.testing.assert_allclose(trajectory.lattice[frame], atoms.cell, rtol=1e-13, atol=1e-13)
        ours = trajectory.positions[frame] @ trajectory.lattice[frame]
        offset = atoms.positions[0] - ours[0]  # the origin of the box
        np.testing.assert_allclose(ours + offset, atoms.positions, atol=1e-12)
    assert frame == 14
    # LAMMPS chose other vectors for the cell several times.
    with pytest.raises(TrajectoryError, match="flips a tilted box"):
        trajectory.displacements("Li")
    assert trajectory[:10].displacements("Li").shape == (10, 3 * n_units, 3)
