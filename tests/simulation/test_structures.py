import gzip
from pathlib import Path

import pytest

from skxrd.exceptions import InvalidStructureError, PatternWarning, SkxrdError
from skxrd.simulation import read_structure, structure_id


def _write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def cif(structures):
    salt = structures["NaCl"].copy().remove_oxidation_states()
    salt.relabel_sites()
    return salt.to(fmt="cif")


@pytest.mark.parametrize(
    "kind", ["CIF", "path", "str path", "gz", "POSCAR", "json", "dict", "self"]
)
@pytest.mark.parametrize("name", ["Si", "LiFePO4", "half"])
def test_every_kind_of_item_gives_the_same_composition(structures, tmp_path, kind, name):
    structure = structures[name]
    if kind == "POSCAR" and not structure.is_ordered:
        pytest.skip("POSCAR holds ordered structures only")
    if kind == "gz":
        item = tmp_path / "a.cif.gz"
        item.write_bytes(gzip.compress(structure.to(fmt="cif").encode()))
    else:
        item = {
            "CIF": lambda: structure.to(fmt="cif"),
            "path": lambda: _write(tmp_path, "data_1.cif", structure.to(fmt="cif")),
            "str path": lambda: str(_write(tmp_path, "data_1.CIF", structure.to(fmt="cif"))),
            "POSCAR": lambda: _write(tmp_path, "POSCAR", structure.to(fmt="poscar")),
            "json": lambda: _write(tmp_path, "a.json", structure.to(fmt="json")),
            "dict": structure.as_dict,
            "self": lambda: structure,
        }[kind]()
    read = read_structure(item)
    assert read.composition.almost_equals(structure.composition)
    assert read.is_ordered == structure.is_ordered
    assert read.volume == pytest.approx(structure.volume)


def test_structure_is_returned_as_it_is(structures):
    assert read_structure(structures["Si"]) is structures["Si"]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("folder/mp-1.cif", "mp-1"),
        (Path("folder/LiCl.v2.cif"), "LiCl.v2"),
        ("mp-1.cif.gz", "mp-1"),
        ("POSCAR", "POSCAR"),
        ("data_001.cif", "data_001"),
        ("# a comment\ndata_NaCl\n_cell_length_a 5.6\n", "NaCl"),
        ("_cell_length_a 5.6\n", "5"),
        ({}, "5"),
        (None, "5"),
    ],
)
def test_structure_id(item, name):
    assert structure_id(item, 5) == name


def _occupied(cif, occupancy):
    """Set the occupancy, the last word of a site's line, of all sodium sites."""
    return "\n".join(
        f"{line.rpartition(' ')[0]} {occupancy}" if line.startswith("  Na") else line
        for line in cif.splitlines()
    )


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("nowhere/missing.cif", "'nowhere/missing.cif' is neither a file nor the text of a CIF"),
        ("", "neither a file"),
        (None, "got None of type NoneType"),
        (3.5, "got 3.5 of type float"),
        ([[0.0, 1.0]], "of type list"),
        ({"lattice": 1}, "dict holds no valid structure"),
        ("data_x\n_cell_length_a 5\n", r"CIF text \(data_x\).*no atom sites"),
        ("data_x\n_atom_site_fract_x 0\n", "CIF text"),
    ],
)
def test_bad_items_say_what_is_wrong(item, reason):
    with pytest.raises(InvalidStructureError, match=reason):
        read_structure(item)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.cif", b"data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\n"),
        ("cut.cif.gz", gzip.compress(b"data_x\n" * 500, mtime=0)[:20]),
        ("not.cif.gz", b"plain text"),
        ("bad.json", b"{"),
        ("other.json", b"{}"),
        ("POSCAR", b"nothing\n"),
        ("vasprun.xml", b"<modeling>"),
        ("picture.png", b"\x89PNG\xff\xfe"),
        ("empty.cif", b""),
    ],
)
def test_bad_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidStructureError, match=name) as caught:
        read_structure(tmp_path / name)
    assert isinstance(caught.value, ValueError | SkxrdError)


def test_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidStructureError, match="neither a file"):
        read_structure(tmp_path)


def test_occupancies_a_little_above_one_are_scaled_down(cif):
    with pytest.warns(PatternWarning, match=r"sum to > 1"):
        structure = read_structure(_occupied(cif, 1.02))
    assert structure.composition.reduced_formula == "NaCl"


def test_occupancies_far_above_one_are_an_error(cif):
    with pytest.raises(InvalidStructureError, match=r"Occupancy 1.3 exceeded tolerance"):
        read_structure(_occupied(cif, 1.3))


def test_first_of_several_structures_is_noted(structures, cif):
    with pytest.warns(PatternWarning, match="holds 2 structures, the first one was taken"):
        structure = read_structure(cif + structures["Si"].to(fmt="cif"))
    assert structure.composition.reduced_formula == "NaCl"


def test_blocks_without_sites_are_passed_over_silently(cif):
    structure = read_structure("data_global\n_journal_year 2020\n\n" + cif)
    assert structure.composition.reduced_formula == "NaCl"


def test_elements_that_have_no_site_are_noted(cif):
    without_hydrogen = cif.replace(
        "_chemical_formula_sum   'Na4 Cl4'", "_chemical_formula_sum   'Na4 Cl4 H4'"
    )
    with pytest.warns(PatternWarning, match="Missing elements H"):
        read_structure(without_hydrogen)
