"""CIF files read with gemmi: the same crystals as pymatgen's, or a note that says why not."""

import bz2
import gzip
import re
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from skxrd.exceptions import InvalidStructureError, MissingDependencyError
from skxrd.simulation._structures._cell_reading import differences, read_cell

gemmi = pytest.importorskip("gemmi")

# Quartz-like: x, 2x and 1/3 in a hexagonal cell, with uncertainties and charges.
HEXAGONAL = """\
data_hexagonal
_cell_length_a 4.9137(3)
_cell_length_b 4.9137(3)
_cell_length_c 5.4047(4)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'P 3 m 1'
_symmetry_Int_Tables_number 156
_chemical_formula_sum 'Si1 O3'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-y, x-y, z'
'-x+y, -x, z'
'-y, -x, z'
'-x+y, y, z'
'x, x-y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_symmetry_multiplicity
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si4+ 1 0.3333 0.6667 0.25 1.0
O1 O2- 3 0.1520(2) 0.8480(2) 0.6 1.0
"""

# Monoclinic, a general position and one on the twofold axis, a tensor and a number.
DISPLACED = """\
data_displaced
_cell_length_a 9.5
_cell_length_b 6.1
_cell_length_c 7.3
_cell_angle_alpha 90
_cell_angle_beta 108.3
_cell_angle_gamma 90
_space_group_name_H-M_alt 'C 2/c'
loop_
_space_group_symop_operation_xyz
x,y,z
-x,y,-z+1/2
-x,-y,-z
x,-y,z+1/2
x+1/2,y+1/2,z
-x+1/2,y+1/2,-z+1/2
-x+1/2,-y+1/2,-z
x+1/2,-y+1/2,z+1/2
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
Li1 Li 0.13 0.41 0.07 0.025
O1 O 0.31 0.12 0.22 0.018
Fe1 Fe 0 0.27 0.25 0.011
loop_
_atom_site_aniso_label
_atom_site_aniso_U_11
_atom_site_aniso_U_22
_atom_site_aniso_U_33
_atom_site_aniso_U_23
_atom_site_aniso_U_13
_atom_site_aniso_U_12
O1 0.02 0.015 0.03 0.004 -0.006 0.003
Fe1 0.010 0.02 0.012 0 0.003 0
"""


def fluorite(lithium="Li1 Li+ 8 0.25 0.25 0.25 1", oxygen="O1 O2- 4 0 0 0 1", **replaced):
    """CIF of Li2O with all 192 operations; keywords replace what stands at a tag."""
    operations = gemmi.find_spacegroup_by_name("F m -3 m").operations()
    values = {
        "_cell_length_a": "4.62",
        "_cell_length_b": "4.62",
        "_cell_length_c": "4.62",
        "_cell_angle_alpha": "90",
        "_cell_angle_beta": "90",
        "_cell_angle_gamma": "90",
        "_symmetry_space_group_name_H-M": "'F m -3 m'",
        "_symmetry_Int_Tables_number": "225",
        "_chemical_formula_sum": "'Li2 O'",
        **{f"_{tag}": value for tag, value in replaced.items()},
    }
    lines = ["data_fluorite", *(f"{tag} {value}" for tag, value in values.items())]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{op.triplet()}'" for op in operations)]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol",
              "_atom_site_symmetry_multiplicity", "_atom_site_fract_x", "_atom_site_fract_y",
              "_atom_site_fract_z", "_atom_site_occupancy", lithium, oxygen]  # fmt: skip
    return "\n".join([*lines, ""])


def read_both(text):
    return read_cell(text, cif_reader="gemmi"), read_cell(text, cif_reader="pymatgen")


def assert_plain(text):
    """Nobody can doubt the file, gemmi alone reads it, and pymatgen reads the same."""
    alone, referee = read_both(text)
    assert alone.notes == []
    assert referee.notes == []
    assert differences(alone.cell, referee.cell) == []
    assert alone.formula == referee.formula
    assert read_cell(text).reader == "gemmi"


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING", "ignore:Site labels are not unique")
@pytest.mark.parametrize("symprec", [None, 1e-3])
@pytest.mark.parametrize("name", ["Si", "NaCl", "LiFePO4", "half"])
def test_cifs_of_pymatgen_are_plain(structures, name, symprec):
    structure = structures[name].copy().remove_oxidation_states()
    assert_plain(str(CifWriter(structure, symprec=symprec)))


@pytest.mark.parametrize("text", [HEXAGONAL, DISPLACED, fluorite()])
def test_cifs_of_hands_are_plain(text):
    assert_plain(text)


def test_special_positions():
    cell = read_cell(HEXAGONAL, cif_reader="gemmi").cell
    assert cell.elements == ("O", "Si")
    assert cell.occupancies.sum(axis=0).tolist() == [3, 1]
    assert cell.frac_coords[cell.occupancies[:, 1] > 0].tolist() == [[1 / 3, 2 / 3, 0.25]]
    assert read_cell(fluorite(), cif_reader="gemmi").cell.frac_coords.shape == (12, 3)


def test_lattice_is_that_of_pymatgen():
    cell = read_cell(HEXAGONAL, cif_reader="gemmi").cell
    lattice = Lattice.from_parameters(4.9137, 4.9137, 5.4047, 90, 90, 120)
    np.testing.assert_allclose(cell.lattice, lattice.matrix, atol=1e-12)


@pytest.mark.parametrize("suffix", ["cif", "CIF", "cif.gz", "cif.bz2", "mcif"])
def test_files(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    pack = {"gz": gzip.compress, "bz2": bz2.compress}.get(path.suffix[1:], bytes)
    path.write_bytes(pack(HEXAGONAL.replace("\n", "\r\n").encode()))
    for item in (path, str(path)):
        reading = read_cell(item)
        assert (reading.reader, reading.formula, reading.notes) == ("gemmi", "SiO3", [])


def test_what_is_no_cif_goes_through_pymatgen(structures, tmp_path):
    silicon = structures["Si"]
    silicon.to(filename=str(tmp_path / "POSCAR"))
    for item in (silicon, silicon.as_dict(), tmp_path / "POSCAR"):
        reading = read_cell(item, cif_reader="gemmi")
        assert (reading.reader, reading.formula) == ("pymatgen", "Si")
        assert reading.cell.frac_coords.shape == (8, 3)


def test_letters_beyond_ascii_are_no_reason_to_fail():
    assert_plain(HEXAGONAL.replace("data_hexagonal", "data_hexagonal\n_publ_author_name 'Å. Ü'"))


def test_the_parser_of_pymatgen_is_not_loaded():
    code = (
        "import sys; from skxrd.simulation._structures._cell_reading import read_cell; "
        f"assert read_cell({HEXAGONAL!r}).reader == 'gemmi'; "
        "print('pymatgen.io.cif' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Files that could be taken in two ways ----------------------------------------------------------


def without_operations(text):
    start, stop = text.index("loop_\n_symmetry"), text.index("loop_\n_atom_site")
    return text[:start] + text[stop:]


DOUBTS = {
    "formula lacks an element": (fluorite(chemical_formula_sum="'Li2 O S'"), "same elements"),
    "formula of other amounts": (fluorite(chemical_formula_sum="'Li3 O'"), "same composition"),
    "formula of other elements": (fluorite(chemical_formula_sum="'Li2 S0'"), "same elements (O)"),
    "formula in words": (fluorite(chemical_formula_sum="'Li2(O)'"), "formula is given as"),
    "no operations": (without_operations(fluorite()), "no symmetry operations"),
    "a missing operation": (fluorite().replace("'-x,-y,z'\n", ""), "no listed space group"),
    "decimals in an operation": (
        fluorite().replace("'x,y+1/2,z+1/2'", "'x,y+.5,z+.5'"),
        "written in their own way",
    ),
    "too much on a site": (fluorite("Li1 Li 8 .25 .25 .25 1.03"), "add up to 1.03"),
    "empty site": (fluorite("Li1 Li 8 .25 .25 .25 0"), "occupancies are 0"),
    "unknown occupancy": (fluorite("Li1 Li 8 .25 .25 .25 ?"), "occupancies are ?"),
    "rounded special position": (fluorite("Li1 Li 8 .25004 .25 .25 1"), "by rounding only"),
    "missed special position": (fluorite("Li1 Li 8 .2506 .25 .25 .1"), "apart"),
    "deuterium": (HEXAGONAL.replace("Si4+", "D1+"), "atoms called D1+"),
    "label as a symbol": (HEXAGONAL.replace("Si4+", "SI"), "atoms called SI"),
    "two blocks": (fluorite() + HEXAGONAL, "2 blocks"),
    "disorder group": (
        DISPLACED.replace("_U_iso_or_equiv", "_disorder_group").replace("0.025", "1"),
        "disorder_group tells 1",
    ),
    "magnetic": (
        DISPLACED + "loop_\n_atom_site_moment_label\n_atom_site_moment_crystalaxis_x\nFe1 2\n",
        "magnetic",
    ),
    "tag in its own case": (HEXAGONAL.replace("_atom_site_fract_x", "_atom_site_fract_X"), "tags"),
    "other words": (HEXAGONAL.replace("loop_\n_atom", "stop_\nloop_\n_atom"), "STAR"),
    "data_ within a block": (
        HEXAGONAL.replace("loop_\n_atom", "_publ_text\n;\ndata_ of long ago\n;\nloop_\n_atom"),
        "'data_' starts a line",
    ),
}
CONTRADICTIONS = {
    "name of another group": (
        fluorite(**{"symmetry_space_group_name_H-M": "'F d -3 m'"}),
        "those of Fm-3m (number 225), its space group is given as F d -3 m",
    ),
    "number of another group": (fluorite(symmetry_Int_Tables_number="227"), "as number 227"),
    "cell of less symmetry": (fluorite(cell_length_c="5.1"), "lacks the symmetry of Fm-3m"),
    "other multiplicity": (
        fluorite("Li1 Li 4 .25 .25 .25 1"),
        "a site of Li is given as 4-fold, its symmetry operations make it 8-fold",
    ),
    "atoms in each other": (
        fluorite("Li1 Li 32 .23 .23 .23 1", chemical_formula_sum="'Li8 O'"),
        "exclude each other are 0.26 angstrom apart",
    ),
}


@pytest.mark.parametrize("case", [*DOUBTS, *CONTRADICTIONS])
def test_signs_of_trouble_are_seen(case):
    text, sign = {**DOUBTS, **CONTRADICTIONS}[case]
    try:
        notes = read_cell(text, cif_reader="gemmi").notes
    except InvalidStructureError as error:
        notes = [str(error)]
    assert any(sign in note for note in notes), notes


@pytest.mark.parametrize("case", DOUBTS)
def test_in_doubt_the_result_is_that_of_pymatgen(case):
    text, _ = DOUBTS[case]
    try:
        referee = read_cell(text, cif_reader="pymatgen")
    except InvalidStructureError as error:
        with pytest.raises(InvalidStructureError, match=re.escape(str(error))):
            read_cell(text)
        return
    reading = read_cell(text)
    assert differences(reading.cell, referee.cell) == []
    assert set(referee.notes) <= set(reading.notes)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_noted(case):
    text, sign = CONTRADICTIONS[case]
    assert any(sign in note for note in read_cell(text).notes)
    assert any(sign in note for note in read_cell(text, cif_reader="both").notes)


def test_where_the_two_differ_pymatgen_wins_and_a_note_tells():
    water = fluorite(oxygen="Wat1 Wat 4 0 0 0 1", chemical_formula_sum="'Li2 O'")
    for cif_reader in ("auto", "both"):
        reading = read_cell(water, cif_reader=cif_reader)
        assert (reading.reader, reading.formula) == ("pymatgen", "Li2O")
        assert "differ in composition (Li8 W4 and Li8 O4), pymatgen's cell" in reading.notes[-1]
        assert "atoms called Wat" in reading.notes[-1]


def test_both_agree_on_a_plain_file():
    reading = read_cell(DISPLACED, cif_reader="both")
    assert (reading.reader, reading.notes) == ("gemmi", [])
    assert reading.cell.u_star is not None


def test_what_only_pymatgen_reads_is_noted():
    reading = read_cell(HEXAGONAL + "_cell_length_a 4.9137\n")
    assert reading.reader == "pymatgen"
    assert reading.formula == "SiO3"
    assert reading.notes == [
        "gemmi finds no structure: no valid CIF: string:29 in data_hexagonal: duplicate tag "
        "_cell_length_a"
    ]


@pytest.mark.parametrize("cif_reader", ["auto", "gemmi", "pymatgen", "both"])
@pytest.mark.parametrize(
    "text",
    [
        "data_a\n",
        "data_a\n_cell_length_a 'x\n",
        HEXAGONAL.replace("5.4047(4)", "?"),
        HEXAGONAL.replace("0.8480(2)", "nan"),
        HEXAGONAL.replace("4.9137(3)", "0.0001"),
        HEXAGONAL.replace("-y, x-y, z", "-y, x-q, z") + "?",
        fluorite("Li1 Li 8 .25 .25 .25 1.2"),
        fluorite("Li1 Li 8 .25 .25 ? 1"),
    ],
)
def test_what_is_no_structure_fails_with_a_reason(text, cif_reader, tmp_path):
    path = tmp_path / "bad.cif"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidStructureError, match=r"bad\.cif' holds no valid structure: \S"):
        read_cell(path, cif_reader=cif_reader)


@pytest.mark.parametrize("cif_reader", ["auto", "gemmi"])
def test_missing_file(tmp_path, cif_reader):
    with pytest.raises(InvalidStructureError, match="neither a file nor the text"):
        read_cell(tmp_path / "none.cif", cif_reader=cif_reader)
    (tmp_path / "cut.cif.gz").write_bytes(gzip.compress(HEXAGONAL.encode())[:-20])
    with pytest.raises(InvalidStructureError, match=r"cut\.cif\.gz"):
        read_cell(tmp_path / "cut.cif.gz", cif_reader=cif_reader)


@pytest.mark.parametrize("number", ["1e-300", "1e300", "-4", "1e5000", "9" * 400])
@pytest.mark.parametrize("place", ["4.9137(3)", "120", "0.6 1.0", "0.3333", "1.0", "'Si1 O3'"])
def test_numbers_beyond_reason(place, number):
    for text in (HEXAGONAL, HEXAGONAL.replace("occupancy", "U_iso_or_equiv")):
        try:
            reading = read_cell(text.replace(place, number), cif_reader="gemmi")
        except InvalidStructureError:
            continue
        for array in (reading.cell.lattice, reading.cell.frac_coords, reading.cell.occupancies):
            assert np.isfinite(array).all()


def test_unknown_reader():
    with pytest.raises(ValueError, match="cif_reader"):
        read_cell(HEXAGONAL, cif_reader="fast")


def test_without_gemmi(monkeypatch):
    monkeypatch.setitem(sys.modules, "gemmi", None)
    reading = read_cell(HEXAGONAL)
    assert (reading.reader, reading.formula) == ("pymatgen", "SiO3")
    for cif_reader in ("gemmi", "both"):
        with pytest.raises(MissingDependencyError, match=r"skxrd\[cif\]"):
            read_cell(HEXAGONAL, cif_reader=cif_reader)


# Displacements ----------------------------------------------------------------------------------


def structure_factors(cell, hkl):
    """Structure factors as a plain sum over the sites."""
    stol2 = (np.linalg.norm(hkl @ cell.reciprocal, axis=1) / 2) ** 2
    form = np.array([[gemmi.Element(e).it92.calculate_sf(s) for e in cell.elements] for s in stol2])
    factors = (form @ cell.occupancies.T) * np.exp(2j * np.pi * hkl @ cell.frac_coords.T)
    if cell.u_iso is not None:
        factors *= np.exp(-8 * np.pi**2 * stol2[:, None] * np.nan_to_num(cell.u_iso))
    if cell.u_star is not None:
        exponent = np.einsum("hi,nij,hj->hn", hkl, np.nan_to_num(cell.u_star), hkl)
        factors *= np.exp(-2 * np.pi**2 * exponent)
    return factors.sum(axis=1)


INDICES = np.array([(h, k, m) for h in range(-3, 4) for k in range(4) for m in range(-3, 4)])


def test_displacements_give_the_structure_factors_of_gemmi():
    cell = read_cell(DISPLACED).cell
    structure = gemmi.make_small_structure_from_block(gemmi.cif.read_string(DISPLACED)[0])
    # gemmi counts an atom on a special position once per operation, unless it is told not to
    structure.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    expected = [
        calculator.calculate_sf_from_small_structure(structure, hkl.tolist()) for hkl in INDICES
    ]
    np.testing.assert_allclose(structure_factors(cell, INDICES), expected, atol=1e-5)


def test_each_site_has_one_kind_of_displacement():
    cell = read_cell(DISPLACED).cell
    lithium, iron, oxygen = (
        cell.occupancies[:, cell.elements.index(e)] > 0 for e in ("Li", "Fe", "O")
    )
    assert (cell.u_iso[lithium] == 0.025).all()
    assert np.isnan(cell.u_iso[iron | oxygen]).all()
    assert np.isnan(cell.u_star[lithium]).all()
    assert np.isfinite(cell.u_star[iron | oxygen]).all()
    plain = read_cell(HEXAGONAL).cell
    assert plain.u_iso is None
    assert plain.u_star is None


def test_equivalent_planes_scatter_alike():
    cell = read_cell(DISPLACED).cell
    intensity = abs(structure_factors(cell, INDICES)) ** 2
    for signs in ([-1, -1, -1], [1, -1, 1], [-1, 1, -1]):
        np.testing.assert_allclose(
            abs(structure_factors(cell, INDICES * signs)) ** 2, intensity, atol=1e-8
        )
    # ... which they do not if the tensor is not rotated with the site
    oxygen = np.flatnonzero(cell.occupancies[:, cell.elements.index("O")])
    fixed = cell._replace(u_star=cell.u_star.copy())
    fixed.u_star[oxygen] = cell.u_star[oxygen[0]]
    turned = abs(structure_factors(fixed, INDICES * [1, -1, 1])) ** 2
    assert not np.allclose(turned, abs(structure_factors(fixed, INDICES)) ** 2, rtol=1e-3)


def test_u_b_and_beta_are_one():
    expected = read_cell(DISPLACED).cell
    lines = DISPLACED.splitlines()
    lengths = np.linalg.norm(expected.reciprocal, axis=1)
    norms = np.outer(lengths, lengths)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    for name, factors in (("B", 8 * np.pi**2), ("beta", 2 * np.pi**2 * norms)):
        table = []
        for line in lines[-2:]:
            label, *values = line.split()
            table.append(" ".join([label, *map(str, np.array(values, float) * factors)]))
        text = "\n".join([*lines[:-2], *table, ""]).replace("_aniso_U_", f"_aniso_{name}_")
        np.testing.assert_allclose(read_cell(text).cell.u_star, expected.u_star, rtol=1e-12)
    b_iso = DISPLACED.replace("_U_iso_or_equiv", "_B_iso_or_equiv")
    u_iso = read_cell(b_iso).cell.u_iso
    np.testing.assert_allclose(u_iso, expected.u_iso / (8 * np.pi**2), rtol=1e-12)


def test_atoms_on_one_site_keep_their_displacements():
    text = fluorite("Li1 Li 8 .25 .25 .25 .6 .03\nNa1 Na 8 .25 .25 .25 .4 .02",
                    "O1 O 4 0 0 0 1 .01", chemical_formula_sum="'Li1.2 Na.8 O1'")  # fmt: skip
    apart = text.replace("_site_occupancy", "_site_occupancy\n_atom_site_U_iso_or_equiv")
    reading = read_cell(apart)
    assert (reading.reader, reading.notes) == ("gemmi", [])
    assert sorted(set(reading.cell.u_iso)) == [0.01, 0.02, 0.03]
    assert len(reading.cell.frac_coords) == 8 + 8 + 4
    equal = read_cell(apart.replace(".02\n", ".03\n")).cell
    assert len(equal.frac_coords) == 8 + 4
    assert differences(reading.cell, equal) == []
    assert differences(equal, read_cell(apart, cif_reader="pymatgen").cell) == []


# Cells ------------------------------------------------------------------------------------------


def test_differences_are_told():
    cell = read_cell(fluorite()).cell
    assert differences(cell, cell._replace(frac_coords=cell.frac_coords - 2)) == []
    assert differences(cell, cell._replace(lattice=1.001 * cell.lattice)) == ["the cell"]
    moved = cell.frac_coords + np.eye(12, 3) * 0.01
    assert differences(cell, cell._replace(frac_coords=moved)) == ["coordinates or occupancies"]
    fewer = cell._replace(frac_coords=cell.frac_coords[1:], occupancies=cell.occupancies[1:])
    assert differences(cell, fewer) == [
        "composition (Li8 O4 and Li7 O4)",
        "number of sites (12 and 11)",
    ]
    other = differences(cell, cell._replace(elements=("Li", "S")))
    assert other == ["composition (Li8 O4 and Li8 S4)"]


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    order=st.permutations(range(4)),
    shifts=st.lists(st.integers(-2, 2), min_size=12, max_size=12),
    operation=st.integers(0, 191),
)
def test_order_and_choice_of_the_sites_do_not_matter(order, shifts, operation):
    rows = [("Li1 Li 8", [0.25, 0.25, 0.25], 0.5), ("Na1 Na 8", [0.25, 0.25, 0.25], 0.25),
            ("O1 O 4", [0.0, 0.0, 0.0], 1), ("S1 S 32", [0.1, 0.1, 0.1], 0.05)]  # fmt: skip
    group = list(gemmi.find_spacegroup_by_name("F m -3 m").operations())
    formula = {"chemical_formula_sum": "'Li4 Na2 O4 S1.6'"}
    expected = read_cell(fluorite(*_halves(map(_row, rows)), **formula), cif_reader="gemmi")
    chosen = []
    for number in order:
        name, coords, occupancy = rows[number]
        coords = np.add(group[operation].apply_to_xyz(coords), shifts[3 * number : 3 * number + 3])
        chosen.append(_row((name, coords.tolist(), occupancy)))
    reading = read_cell(fluorite(*_halves(chosen), **formula), cif_reader="gemmi")
    assert reading.notes == expected.notes == []
    assert differences(reading.cell, expected.cell) == []


def _row(row):
    name, coords, occupancy = row
    return f"{name} {' '.join(f'{x:.12f}' for x in coords)} {occupancy}"


def _halves(rows):
    rows = list(rows)
    return "\n".join(rows[:2]), "\n".join(rows[2:])


def mutated(text, rng):
    """Change a character, a word or a line."""
    lines = text.splitlines()
    line = int(rng.integers(len(lines)))
    kind = rng.integers(6)
    if kind == 0:
        del lines[line]
    elif kind == 1:
        lines.insert(int(rng.integers(len(lines))), lines[line])
    elif kind == 2:
        place = int(rng.integers(len(lines[line]) + 1))
        character = chr(rng.integers(32, 127))
        lines[line] = lines[line][:place] + character + lines[line][place + 1 :]
    else:
        words = lines[line].split()
        new = ["?", ".", "#", "'", "0", "1/3", "0.3333", "Wat", "loop_", "(3)", "-0.2501", "stop_"]
        words[rng.integers(len(words))] = new[rng.integers(len(new))]
        lines[line] = " ".join(words)
    return "\n".join([*lines, ""])


def test_mutated_files_agree_fail_or_are_flagged():
    rng = np.random.default_rng(0)
    sources = [HEXAGONAL, DISPLACED]
    n_plain = n_other = 0
    for _ in range(300):
        text = mutated(sources[rng.integers(len(sources))], rng)
        try:
            alone = read_cell(text, cif_reader="gemmi")
        except InvalidStructureError:
            n_other += 1
            continue
        if alone.notes:
            n_other += 1
            continue
        n_plain += 1
        referee = read_cell(text, cif_reader="pymatgen")
        assert differences(alone.cell, referee.cell) == [], text
        assert referee.notes == [], text
    assert n_plain > 30
    assert n_other > 100


@pytest.mark.real_data
@pytest.mark.parametrize("names", [("uex", "9yt"), None], ids=["outliers", "sample"])
def test_real_files(shared_data, names):
    archive = shared_data / "obelix" / "train_cifs.tar.gz"
    with tarfile.open(archive) as packed:
        members = sorted(packed.getnames())
        wanted = [m for m in members if names and m.rpartition("/")[2][:-4] in names]
        wanted = wanted or [m for m in members if m.endswith(".cif")][::12]
        texts = [packed.extractfile(name).read().decode() for name in wanted]
    assert texts
    for text in texts:
        alone, referee = read_both(text)
        assert differences(alone.cell, referee.cell) == []
        assert alone.formula == referee.formula
        assert read_cell(text).reader == "gemmi"


def test_structure_of_the_cell_is_that_of_the_file():
    cell = read_cell(DISPLACED).cell
    group = gemmi.find_spacegroup_by_name("C 2/c")
    structure = Structure.from_spacegroup(
        group.short_name(),
        Lattice.from_parameters(9.5, 6.1, 7.3, 90, 108.3, 90),
        ["Li", "O", "Fe"],
        [[0.13, 0.41, 0.07], [0.31, 0.12, 0.22], [0, 0.27, 0.25]],
    )
    assert differences(cell, read_cell(structure).cell) == []
