"""write_vasp_inputs: the protocol of the paper, in files that pymatgen reads back."""

import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Incar, Kpoints, Poscar

from skxrd.exceptions import InvalidStructureError
from skxrd.transport import write_vasp_inputs


@pytest.fixture
def salt():
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.13), ["Li", "Cl"], [[0] * 3, [0.5] * 3]
    )


def test_protocol_of_the_paper(salt, tmp_path):
    before = salt.copy()
    write_vasp_inputs(salt, tmp_path / "new", temperatures=(600, 1500))
    assert salt == before
    names = sorted(
        str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("INCAR")
    )
    assert names == [
        "1500K/1-heat/INCAR",
        "1500K/2-run/INCAR",
        "600K/1-heat/INCAR",
        "600K/2-run/INCAR",
        "relax/INCAR",
    ]
    relax = Incar.from_file(tmp_path / "new" / "relax" / "INCAR")
    assert relax["EDIFF"] == 1e-5
    assert relax["EDIFFG"] == -0.01
    assert relax["IBRION"] == 2
    heat = Incar.from_file(tmp_path / "new" / "1500K" / "1-heat" / "INCAR")
    run = Incar.from_file(tmp_path / "new" / "1500K" / "2-run" / "INCAR")
    assert (heat["TEBEG"], heat["TEEND"], heat["NSW"]) == (100, 1500, 1000)
    assert (run["TEBEG"], run["TEEND"], run["NSW"]) == (1500, 1500, 15000)
    for incar in (heat, run):
        assert incar["IBRION"] == 0
        assert incar["POTIM"] == 2
        assert incar["EDIFF"] == 1e-5
        assert (incar["MDALGO"], incar["SMASS"], incar["ISIF"]) == (2, 0, 2)
        assert incar["ISPIN"] == 1
    kpoints = Kpoints.from_file(tmp_path / "new" / "1500K" / "2-run" / "KPOINTS")
    assert tuple(kpoints.kpts[0]) == (1, 1, 1)
    folder = tmp_path / "new" / "600K" / "2-run"
    assert Poscar.from_file(folder / "POSCAR").structure.matches(salt)
    assert (folder / "POTCAR.spec").read_text().split() == ["Li_sv", "Cl"]
    assert not (folder / "POTCAR").exists()


def test_times_settings_and_supercell(salt, tmp_path):
    write_vasp_inputs(
        salt,
        tmp_path,
        temperatures=[700],
        time_step=1.0,
        heating_time=0.5,
        production_time=3,
        start_temperature=50,
        supercell_min_length=8,
        user_incar_settings={"NCORE": 4, "EDIFF": 1e-6},
    )
    heat = Incar.from_file(tmp_path / "700K" / "1-heat" / "INCAR")
    run = Incar.from_file(tmp_path / "700K" / "2-run" / "INCAR")
    assert (heat["POTIM"], heat["NSW"], heat["TEBEG"]) == (1, 500, 50)
    assert run["NSW"] == 3000
    assert run["NCORE"] == 4
    assert run["EDIFF"] == 1e-6
    assert len(Poscar.from_file(tmp_path / "relax" / "POSCAR").structure) == 64


def test_no_hubbard_u(tmp_path):
    oxide = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.3), ["Fe", "O"], [[0] * 3, [0.5] * 3]
    )
    write_vasp_inputs(oxide, tmp_path, temperatures=[600])
    for path in tmp_path.rglob("INCAR"):
        assert not Incar.from_file(path).get("LDAU", False)


def test_nothing_is_left_of_a_failure(salt, tmp_path):
    salt.replace(0, {"Li": 0.5})
    with pytest.raises(InvalidStructureError, match="disordered sites"):
        write_vasp_inputs(salt, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("result", ["relax/OUTCAR", "600K/2-run/vasprun.xml"])
def test_results_of_vasp_are_not_replaced(salt, tmp_path, result):
    write_vasp_inputs(salt, tmp_path, temperatures=(600, 900))
    write_vasp_inputs(salt, tmp_path, temperatures=(600, 900), heating_time=1.0)
    assert Incar.from_file(tmp_path / "600K" / "1-heat" / "INCAR")["NSW"] == 500
    (tmp_path / result).write_text("a week of computing")
    with pytest.raises(FileExistsError, match=r"(OUTCAR|vasprun.xml) is none of the inputs"):
        write_vasp_inputs(salt, tmp_path, temperatures=(900, 600))
    assert (tmp_path / result).read_text() == "a week of computing"
    assert Incar.from_file(tmp_path / "600K" / "1-heat" / "INCAR")["NSW"] == 500
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"temperatures": []}, "temperatures must be positive"),
        ({"temperatures": [300, 300]}, "temperatures must differ"),
        ({"time_step": 0}, "'time_step' parameter of write_vasp_inputs"),
    ],
)
def test_bad_parameters(salt, tmp_path, parameters, message):
    with pytest.raises(ValueError, match=message):
        write_vasp_inputs(salt, tmp_path / "out", **parameters)
