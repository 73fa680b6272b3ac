import gzip
import json

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from skxrd.exceptions import FileFormatError, InvalidStructureError
from skxrd.screening import read_candidates, write_candidates, write_structures

SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.13), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
CIF = SALT.to(fmt="cif")


@pytest.fixture
def candidates():
    return pd.DataFrame(
        {
            "id": ["007", "a,b", "c/d"],
            "formula": ["Li3PS4", "Li10Ge(PS6)2", "Li1.08GeZn0.92"],
            "output_frequency": np.array([9, 8, 5]),
            "mean_probability": [0.1 + 0.2, 1 / 3, 0.5],  # digits that rounding would show
            "label": pd.array([1, None, 0], dtype="Int64"),
            "label_source": ["ref_1 & 2", None, "x%"],
            "spacegroup_number": pd.array([62, None, 1], dtype="Int64"),
            "contains_toxic": [False, True, False],
            "my_note": ["ä", "b", "c"],
        },
        index=pd.RangeIndex(1, 4, name="rank"),
    ).astype({"label_source": "str"})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".json"])
def test_round_trip(candidates, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"candidates{suffix}"
    write_candidates(candidates, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    found = read_candidates(path)
    pd.testing.assert_frame_equal(found, candidates, check_dtype=False, rtol=0, atol=0)
    for name in ("id", "label", "output_frequency", "spacegroup_number", "contains_toxic"):
        assert found[name].dtype == candidates[name].dtype


def test_packed_files_are_reproducible(candidates, tmp_path):
    first, second = tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"
    write_candidates(candidates, first)
    write_candidates(candidates, second)
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()).startswith(b"rank,id,")


def test_empty_table(candidates, tmp_path):
    for suffix in (".csv", ".json", ".tex"):
        write_candidates(candidates.iloc[:0], tmp_path / f"none{suffix}")
    assert read_candidates(tmp_path / "none.csv").empty
    assert json.loads((tmp_path / "none.json").read_text()) == []
    assert read_candidates(tmp_path / "none.json").empty


def test_ids_that_look_like_missing_values(candidates, tmp_path):
    candidates["id"] = ["NA", "null", "nan"]
    for suffix in (".csv", ".json"):
        write_candidates(candidates, tmp_path / f"table{suffix}")
        assert read_candidates(tmp_path / f"table{suffix}")["id"].tolist() == ["NA", "null", "nan"]


def test_latex(candidates, tmp_path):
    path = tmp_path / "table.tex"
    candidates["id"] = ["007", "a,b", r"a^b\c"]
    write_candidates(candidates, path)
    text = path.read_text()
    assert r"\begin{longtable}" in text
    assert r"Li$_{3}$PS$_{4}$" in text
    assert r"ref\_1 \& 2" in text
    assert "x\\%" in text
    assert r"a\textasciicircum{}b\textbackslash{}c" in text
    assert "output frequency" in text
    assert "toxic" not in text  # more than a page is wide
    assert "--" in text  # the missing label


def test_columns(candidates, tmp_path):
    write_candidates(candidates, tmp_path / "short.csv", columns=["id", "my_note"])
    header = (tmp_path / "short.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "rank,id,my_note"
    with pytest.raises(ValueError, match="lacks the column\\(s\\) 'novelty'"):
        write_candidates(candidates, tmp_path / "no.csv", columns=["id", "novelty"])
    assert not (tmp_path / "no.csv").exists()


@pytest.mark.parametrize("name", ["table.xlsx", "table", "table.json.gz"])
def test_unknown_formats(candidates, tmp_path, name):
    with pytest.raises(FileFormatError, match="the format is told by the suffix"):
        write_candidates(candidates, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(candidates, tmp_path):
    path = tmp_path / "table.tex"
    path.write_text("old")
    candidates.loc[2, "formula"] = "hello"
    with pytest.raises(ValueError, match="'hello' is no chemical formula"):
        write_candidates(candidates, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_table(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(FileFormatError, match="lacks the columns 'rank' and 'id'; it has 'x', 'y'"):
        read_candidates(tmp_path / "a.csv")
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(FileFormatError, match="is no table of candidates"):
        read_candidates(tmp_path / "b.json")
    (tmp_path / "c.tex").write_text("")
    with pytest.raises(FileFormatError, match="written, not read"):
        read_candidates(tmp_path / "c.tex")
    with pytest.raises(FileNotFoundError):
        read_candidates(tmp_path / "none.csv")


def test_structures(candidates, tmp_path):
    path = tmp_path / "mine.cif"
    path.write_text(f"# a remark of the author\n{CIF}")
    structures = {"007": path, "a,b": CIF, "c/d": SALT, "of another": SALT}
    paths = write_structures(candidates, structures, tmp_path / "cifs")
    assert [path.name for path in paths] == ["1_007.cif", "2_a-b.cif", "3_c-d.cif"]
    assert paths[0].read_text().startswith("# a remark")
    assert all(Structure.from_file(path).matches(SALT) for path in paths)
    assert len(write_structures(candidates, structures, tmp_path / "two", n=2)) == 2
    assert write_structures(candidates.iloc[:0], {}, tmp_path / "none") == []


def test_bad_structures_leave_no_files(candidates, tmp_path):
    with pytest.raises(ValueError, match="lacks 2 of the 3 candidates, such as 'a,b'"):
        write_structures(candidates, {"007": SALT}, tmp_path / "cifs")
    broken = {"007": SALT, "a,b": {"no": "structure"}, "c/d": SALT}
    with pytest.raises(InvalidStructureError):
        write_structures(candidates, broken, tmp_path / "cifs")
    assert not (tmp_path / "cifs").exists()
