import bz2
import gzip
import hashlib
import pickle
import warnings

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

from skxrd.exceptions import FileFormatError, PatternReadError, PatternWarning
from skxrd.io import MeasuredPattern, MeasuredPatterns, read_pattern, read_patterns
from skxrd.io._patterns import NOT_READ, READERS

ANGLES = [10.0, 10.5, 11.0, 11.5]
COUNTS = [52.0, 61.25, 55.0, 1000.0]

TABLES = {
    "spaces": "10.0 52\n10.5   61.25\n 11.0 55.0\n11.5 1e3\n",
    "tabs": "10.0\t52\n10.5\t61.25\n11.0\t55\n11.5\t1000\n",
    "commas": "10.0,52\n10.5, 61.25\n11.0 ,55\n11.5,1000\n",
    "trailing commas": "10.0,52,\n10.5,61.25,\n11.0,55,\n11.5,1000,\n",
    "semicolons": "10.0;52\n10.5;61.25\n11.0;55\n11.5;1000\n",
    "decimal commas, semicolons": "10,0;52\n10,5;61,25\n11,0;55\n11,5;1000\n",
    "decimal commas, tabs": "10,0\t52\n10,5\t61,25\n11,0\t55\n11,5\t1000\n",
    "decimal commas, spaces": "10,0 52\n10,5 61,25\n11,0 55\n11,5 1000\n",
    "quotes": '"10.0","52"\n"10.5","61.25"\n"11.0","55"\n"11.5","1000"\n',
    "Windows": "10.0 52\r\n10.5 61.25\r\n11.0 55\r\n11.5 1000\r\n",
    "old Mac": "10.0 52\r10.5 61.25\r11.0 55\r11.5 1000",
    "DOS": "10.0 52\r\n10.5 61.25\r\n11.0 55\r\n11.5 1000\r\n\x1a",
    "no last line end": "10.0 52\n10.5 61.25\n11.0 55\n11.5 1000",
    "empty lines": "\n\n10.0 52\n\n10.5 61.25\n11.0 55\n11.5 1000\n\n\n",
    "header": "Sample 7\nmeasured 3 May\n2theta intensity\n10 52\n10.5 61.25\n11 55\n11.5 1000",
    "comments": "# a\n10.0 52\n! b\n10.5 61.25\n' c\n11.0 55\n; d\n11.5 1000\n# the end",
    "count line": "LiX\n4\n10.0 52\n10.5 61.25\n11.0 55\n11.5 1000\n",
    "falling angles": "11.5 1000\n11.0 55\n10.5 61.25\n10.0 52\n",
    "swapped columns": "Counts,Angle\n52,10\n61.25,10.5\n55,11\n1000,11.5\n",
    "date": "LiX\n05.03.2024 10:00:00\n10 52\n10.5 61.25\n11.0 55\n11.5 1000\n",
    "day": "LiX\n3 May\n10 52\n10.5 61.25\n11.0 55\n11.5 1000\n",
    "header of numbers": "10 11.5 0.5 4\nLiX\n10 52\n10.5 61.25\n11 55\n11.5 1000\n",
    "range above the rows": "10.0 0.5 11.5\n10.0 52\n10.5 61.25\n11 55\n11.5 1000\n",
    "row of units": "2Theta\tIntensity\n(deg)\t(counts)\n10\t52\n10.5\t61.25\n11\t55\n11.5\t1000",
    "words below": "10.0 52\n10.5 61.25\n11.0 55\n11.5 1000\n[End of data]\n\n",
    "comments behind": "10.0 52 # first\n10.5 61.25\n11.0 55 ! third\n11.5 1000\n",
    "exponents of Fortran": "1.0D+01 5.2D1\n1.05d1 0.6125D+02\n1.1D1 5.5D1\n1.15D1 1.D3\n",
    "bars": "10.0|52\n10.5|61.25\n11.0|55\n11.5|1000\n",
    "tabs and commas": "10.0,\t52\n10.5,\t61.25\n11.0,\t55\n11.5,\t1000\n",
    "blanks that do not break": "10.0\u00a052\n10.5\u00a061.25\n11\u00a055\n11.5\u00a01000\n",
    "decimal commas in quotes": '"10,0","52"\n"10,5","61,25"\n"11,0","55"\n"11,5","1000"\n',
    "groups, tabs": "10.0\t52\n10.5\t61.25\n11.0\t55\n11.5\t1,000\n",
    "groups in quotes": '"10.0","52"\n"10.5","61.25"\n"11.0","55"\n"11.5","1,000"\n',
    "groups, decimal commas": "10,0;52\n10,5;61,25\n11,0;55\n11,5;1.000\n",
    "sep": "sep=;\n2theta;I\n10;52\n10.5;61.25\n11;55\n11.5;1000\n",
    "index": ",2theta,intensity\n0,10,52\n1,10.5,61.25\n2,11,55\n3,11.5,1000\n",
    "numbered": "Point,2Theta (deg),Intensity\n1,10,52\n2,10.5,61.25\n3,11,55\n4,11.5,1000\n",
}


def read(path):
    return read_pattern(path, wavelength=1.5406)


LEFT_OUT = pytest.mark.filterwarnings("ignore:Columns were left out")


@LEFT_OUT
@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("suffix", [".xy", ".csv", ".dat", ".txt", ".XY"])
def test_tables(write, text, suffix):
    pattern = read(write(text, f"sample{suffix}"))
    assert pattern.two_theta.tolist() == ANGLES
    assert pattern.intensity.tolist() == COUNTS
    assert pattern.uncertainty is None


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
def test_encodings(write, encoding):
    text = "# 25 °C, Müller\n" if encoding == "latin-1" else "# 2θ of a sample at 25 °C\n"
    if encoding in ("utf-16-le", "utf-16-be"):  # without a mark: told from Latin letters
        text = "# Wavelength 1.5406\n"
    pattern = read(write((text + TABLES["tabs"]).encode(encoding)))
    assert pattern.two_theta.tolist() == ANGLES


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, ".gz"), (bz2.compress, ".bz2")])
def test_packed_files(write, pack, suffix):
    content = pack(TABLES["tabs"].encode())
    pattern = read(write(content, f"sample.xy{suffix}"))
    assert pattern.intensity.tolist() == COUNTS
    assert pattern.name == "sample"
    assert pattern.format == "xy"
    with pytest.raises(PatternReadError, match=r"broken\.xy\.\w+: The file cannot be unpacked"):
        read(write(content[:-9], f"broken.xy{suffix}"))


def test_origin(write):
    path = write("# Sample: LiX\n# Temperature = 25 C\n" + TABLES["spaces"])
    pattern = read(path)
    assert pattern.path == path
    assert pattern.name == "sample"
    assert pattern.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pattern.format == "xy"
    assert pattern.metadata == {"Sample": "LiX", "Temperature": "25 C"}


class TestThirdColumn:
    def rows(self, third):
        return "".join(f"{a} {c} {t}\n" for a, c, t in zip(ANGLES, COUNTS, third, strict=True))

    def test_of_xye_is_the_uncertainty(self, write):
        pattern = read(write(self.rows([400, 300, 200, 100]), "sample.xye"))
        assert pattern.uncertainty.tolist() == [400, 300, 200, 100]

    def test_negative_uncertainty(self, write):
        path = write(self.rows([1, 2, -3, 4]), "sample.xye")
        with pytest.raises(PatternReadError, match=r"uncertainty is negative in data row 3"):
            read(path)

    def test_near_counting_statistics(self, write):
        third = np.sqrt(COUNTS).round(4).tolist()
        assert read(write(self.rows(third), "sample.dat")).uncertainty.tolist() == third

    def test_background_or_fit_is_left_out(self, write):
        with pytest.warns(PatternWarning, match=r"Columns were left out: sample \(1\)"):
            pattern = read(write(self.rows([50.0, 50.5, 51.0, 900.0])))
        assert pattern.uncertainty is None
        assert pattern.metadata == {"n_columns_left_out": 1}

    @LEFT_OUT
    def test_near_counting_statistics_by_chance(self, write):
        # Where counts are few, a computed pattern is as large as an uncertainty would be.
        counts = [1, 4, 2, 1]
        rows = "".join(f"{a} {c} {t}\n" for a, c, t in zip(ANGLES, counts, counts, strict=True))
        assert read(write(rows, "sample.dat")).uncertainty is not None
        assert read(write("2theta Intensity Ycalc\n" + rows)).uncertainty is None

    def test_of_xye_with_more_columns(self, write):
        rows = "".join(f"{a} {c} {a / 10} 7\n" for a, c in zip(ANGLES, COUNTS, strict=True))
        with pytest.warns(PatternWarning, match=r"Columns were left out: sample \(1\)"):
            pattern = read(write(rows, "sample.xye"))
        assert pattern.uncertainty.tolist() == [1.0, 1.05, 1.1, 1.15]
        assert pattern.metadata == {"n_columns_left_out": 1}

    def test_name_decides(self, write):
        text = "2theta Iobs esd\n" + self.rows([50.0, 50.5, 51.0, 900.0])
        assert read(write(text)).uncertainty.tolist() == [50.0, 50.5, 51.0, 900.0]


@LEFT_OUT
class TestNamesOfColumns:
    @pytest.mark.parametrize(
        "title",
        [
            "2theta,Icalc,Iobs,Diff",
            "Position [°2Th.],Background [cts],Iobs [cts],Residual",
            '"x","y_calc","y_obs","weight"',
            "2θ (°),d-spacing,Measured intensity,Fit",
            "<2Theta>,Simulated intensity,< I >,Weight",
            "Two Theta,Intensity_bkg,Intensity,Intensity difference",
            "Diffraction angle,Model,Counts per second,Nr",
        ],
    )
    def test_measured_intensity(self, write, title):
        rows = "".join(f"{a},7,{c},8\n" for a, c in zip(ANGLES, COUNTS, strict=True))
        pattern = read(write(f"{title}\n{rows}", "sample.csv"))
        assert pattern.two_theta.tolist() == ANGLES
        assert pattern.intensity.tolist() == COUNTS
        assert pattern.uncertainty is None

    @pytest.mark.parametrize("name", ["Error", "sigma(I)", "Intensity error", "esd", "counts_err"])
    def test_uncertainty(self, write, name):
        rows = "".join(f"{a};{c};9\n" for a, c in zip(ANGLES, COUNTS, strict=True))
        pattern = read(write(f"Angle;Intensity;{name}\n{rows}", "sample.csv"))
        assert pattern.uncertainty.tolist() == [9, 9, 9, 9]

    def test_above_a_row_of_units(self, write):
        rows = "".join(f"1\t{a}\t{c}\t9\n" for a, c in zip(ANGLES, COUNTS, strict=True))
        pattern = read(write(f"Nr\t2Theta\tIntensity\tError\n\tdeg\tcps\tcps\n{rows}"))
        assert pattern.intensity.tolist() == COUNTS
        assert pattern.uncertainty is not None


class TestSeveralBlocks:
    ROWS = "10 52\n10.5 61\n11 55\n"

    @pytest.mark.parametrize("between", ["\n\n", "# scan 2\n", "scan 2\n2theta counts\n"])
    def test_over_the_same_angles(self, write, between):
        path = write(f"2theta counts\n{self.ROWS}{between}{self.ROWS.replace('55', '56')}")
        with pytest.raises(PatternReadError, match=r"holds 2 scans over the same angles"):
            read(path)
        pattern = read_pattern(path, wavelength=1.5, scan=1)
        assert pattern.intensity.tolist() == [52, 61, 56]

    def test_that_follow_each_other(self, write):
        rows = self.ROWS.replace("10", "20").replace("11", "21")
        pattern = read(write(f"2theta counts\n{self.ROWS}\n2theta counts\n{rows}"))
        assert pattern.two_theta.tolist() == [10, 10.5, 11, 20, 20.5, 21]
        assert pattern.metadata["n_scans"] == 2

    def test_each_with_its_own_wavelength(self, write):
        path = write(f"# wavelength 1.5406\n{self.ROWS}# wavelength 0.7093\n{self.ROWS}")
        assert read_pattern(path, scan=0).wavelength == 1.5406
        assert read_pattern(path, scan=1).wavelength == 0.7093

    def test_falling_angles(self, write):
        rows = "11 52\n10.5 61\n10 55\n"
        with pytest.raises(PatternReadError, match=r"holds 2 scans over the same angles"):
            read(write(f"{rows}\n{rows}"))

    def test_comments_and_blank_lines_do_not_divide(self, write):
        pattern = read(write("10 52\n10.5 61\n\n# half way\n11 55\n11.5 57\n"))
        assert "n_scans" not in pattern.metadata


class TestFormatsByContent:
    """Instruments write their own text under general suffixes as well."""

    CASES = {
        "ras": "txt", "asc": "dat", "uxd": "txt", "gsas": "dat", "xrdml": "xml", "pdcif": "txt",
        "cpi": "dat", "udf": "txt",
    }  # fmt: skip

    @pytest.mark.parametrize("name", CASES)
    def test_read_all_the_same(self, vendors, write, name):
        path = write(getattr(vendors, name)(), f"sample.{self.CASES[name]}")
        pattern = read(path)
        np.testing.assert_allclose(pattern.two_theta, vendors.two_theta, atol=1e-9)
        assert pattern.intensity.tolist() == vendors.counts.tolist()
        assert pattern.format in {"gsas": "gsa", "pdcif": "cif"}.get(name, name)

    def test_in_utf_16(self, vendors, write):
        content = vendors.uxd().decode().encode("utf-16")
        assert read(write(content, "sample.txt")).format == "uxd"

    def test_broken_ones_are_named(self, write):
        content = "title\nBANK 1 4 1 CONST 1000 5\n 1 220 1 214 1 219\n"
        with pytest.raises(PatternReadError, match=r"sample\.xy: The bank announces 4 points"):
            read(write(content))


@pytest.mark.parametrize("axis", ["2-Theta Angle (Degrees)", "2-theta (deg)", "2th_deg"])
def test_fit2d(write, axis):
    path = write(
        f"LiX.tif\n{axis}\nIntensity\n    2\n 1.0E+01 5.2E+01\n 1.05E+01 6.0E+01\n", "a.chi"
    )
    assert read(path).intensity.tolist() == [52, 60]


@pytest.mark.parametrize("axis", ["Q (Inverse Nanometres)", "q_A^-1", "Radial Distance (mm)", ""])
def test_other_axes_of_fit2d(write, axis):
    path = write(f"LiX.tif\n{axis}\nIntensity\n 2\n 1.0E+01 5.2E+01\n 1.05E+01 6.0E+01\n", "a.chi")
    with pytest.raises(PatternReadError, match=r"a\.chi: The axis, in the second line"):
        read(path)


def test_negative_angles_are_left_out(write):
    path = write("-1.0 7\n-0.5 8\n0.0 9\n" + TABLES["spaces"])
    with pytest.warns(PatternWarning, match=r"Negative angles were left out: sample \(2\)"):
        pattern = read(path)
    assert pattern.two_theta.tolist() == [0.0, *ANGLES]
    assert pattern.metadata["n_negative_angles"] == 2


class TestWavelength:
    def test_assumed_with_a_warning(self, write):
        with pytest.warns(PatternWarning, match=r"no wavelength; Cu K-alpha \(1.54184.*: sample"):
            pattern = read_pattern(write(TABLES["spaces"]))
        assert pattern.wavelength == WAVELENGTHS["CuKa"]
        assert pattern.wavelength_is_assumed

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("# Wavelength: 0.7093", 0.7093),
            ("# wavelength (A) = 1.78897", 1.78897),
            ("*WAVE_LENGTH1 = 1.54059", 1.54059),
            ("; lambda 0,4137 A", 0.4137),
            ("# λ = 1.5406 Å", 1.5406),
            ("# wavelength 0.15406 nm", 1.5406),
            ("# wavelength 71.07 pm", 0.7107),
            ("K-Alpha1 wavelength,1.5406\nK-Alpha2 wavelength,1.5444", (2 * 1.5406 + 1.5444) / 3),
            ("K-Beta wavelength,1.39225\nK-Alpha1 wavelength,1.5406", 1.5406),
            ("Anode material: Co", WAVELENGTHS["CoKa"]),
            ("# Radiation Mo Ka", WAVELENGTHS["MoKa"]),
            ("# X-ray source = CuKa", WAVELENGTHS["CuKa"]),
            ('\'Id: "LiX" Anode: "Co" Scantype: "Coupled"', WAVELENGTHS["CoKa"]),
            ("# PbSO4 1.909A neutron data", 1.909),
            ("# 0.4137 Å synchrotron", 0.4137),
            ("# Cu K-alpha radiation, 40 kV", WAVELENGTHS["CuKa"]),
            ("# Mo-Kα1", WAVELENGTHS["MoKa1"]),
            ("# Cu Kα1,2", WAVELENGTHS["CuKa"]),
            ("# Wavelength (CuKa1): 1.540598", 1.540598),
            ("; KAlpha1 = 1.540593\n; KAlpha2 = 1.544414", (2 * 1.540593 + 1.544414) / 3),
            ("# lambda1 = 1.5406\n# lambda2 = 1.5444", (2 * 1.5406 + 1.5444) / 3),
            ("# Wavelengths: 1.5406 1.5444", (2 * 1.5406 + 1.5444) / 3),
            ("K-Alpha1 wavelength,1.5406\nRatio K-Alpha2/K-Alpha1,0.5", 1.5406),
        ],
    )
    def test_taken_from_the_header(self, write, header, expected):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pattern = read_pattern(write(f"{header}\n{TABLES['tabs']}"))
        assert pattern.wavelength == pytest.approx(expected, rel=1e-9)
        assert not pattern.wavelength_is_assumed

    @pytest.mark.parametrize(
        "header",
        [
            "# wavelength 8048.0 eV",
            "# target Co3O4",
            "# wavelength unknown",
            "# Synthesis target: Co doped LiMnO2",
            "# Radiation: synchrotron, Ag paste contact",
            "# X-ray source: synchrotron, sample Fe on Co",
            "# Ratio K-Alpha2/K-Alpha1,0.5",
            "# K-alpha 0.9",
            "# a = 5.431 A, neutron star",
            "# Fe karst, Co Kansas",
        ],
    )
    def test_not_taken_from_other_words(self, write, header):
        with pytest.warns(PatternWarning, match="no wavelength"):
            read_pattern(write(f"{header}\n{TABLES['tabs']}"))

    def test_argument_wins(self, write):
        path = write("# Wavelength: 0.7093\n" + TABLES["spaces"])
        assert read_pattern(path, wavelength="CoKa").wavelength == WAVELENGTHS["CoKa"]
        assert read_pattern(path, wavelength=1.2).wavelength == 1.2

    @pytest.mark.parametrize("wavelength", ["CuKx", 0, -1.5, np.nan])
    def test_bad_argument(self, write, wavelength):
        with pytest.raises(ValueError, match="wavelength"):
            read_pattern(write(TABLES["spaces"]), wavelength=wavelength)


def test_repeated_angles_are_averaged(write):
    path = write("10 4 1\n10 8 3\n11 5 2\n12 7 2\n", "sample.xye")
    with pytest.warns(PatternWarning, match=r"Angles repeat.*sample \(1\)"):
        pattern = read(path)
    assert pattern.two_theta.tolist() == [10, 11, 12]
    assert pattern.intensity.tolist() == [6, 5, 7]
    np.testing.assert_allclose(pattern.uncertainty, [np.sqrt(1 + 9) / 2, 2, 2])


def test_ranges_are_sorted_into_one(write):
    with pytest.warns(PatternWarning, match=r"back and forth.*sample \(2\)"):
        pattern = read(write("10 1\n11 2\n12 3\n10.5 4\n11.5 5\n"))
    assert pattern.two_theta.tolist() == [10, 10.5, 11, 11.5, 12]
    assert pattern.intensity.tolist() == [1, 4, 2, 5, 3]


BAD = {
    "empty": (b"", "The file is empty"),
    "blank": (b" \r\n\n", "The file is empty"),
    "binary": (b"RAW1.01\x00\x00\x01\x02" + bytes(50), "The file is binary"),
    "one column": (b"52\n61\n55\n", "found one column"),
    "words": (b"no numbers\nhere at all\n", "found no rows of numbers"),
    "header only": (b"2theta,intensity\n", "found no rows of numbers"),
    "one row": (b"10 52\n", "at least two angles, found 1"),
    "NaN": (b"10 52\n11 nan\n12 5\n", "intensity is nan in data row 2"),
    "infinite": (b"10 52\n11 inf\n12 5\n", "intensity is inf in data row 2"),
    "cut line": (b"10 52\n11 61\n12\n", "Line 3 has 1 columns, the first row has 2"),
    "first row": (b"2theta,I\n10.0,5x\n10.5,61\n11,55\n", "Line 2 holds no numbers"),
    "last row": (b"10.0 5\n10.5 61\n11,o 55\n", "Line 3 holds no numbers"),
    "digits in groups of two": (b"10.0\t52\n10.5\t61,25\n11.0\t1,000\n", "Line 2 holds no num"),
    "list of lines": (
        b"# 2-Theta  d(A)  FWHM\n10 8 0.1\n11 7 0.2\n",
        "none is named as intensity",
    ),
    "units below another axis": (b"Q\tIntensity\n(1/A)\t(a.u.)\n1 52\n1.1 61\n", "titled 'Q"),
    "long row": (b"1 " * 9000, "no rows of numbers"),
    "long line": (b"1 " * 600_000, "a line of 1200000 characters"),
    "many words": (b"word\n" * 10_001 + b"10 5\n11 6\n", "More than 10000 lines stand above"),
    "many blocks": (b"10 5\n11 6\n\n" * 10_001, "more than 10000 blocks"),
    "words inside": (b"10 52\n11 61\nfailed here\n12 5\n", "Line 3 holds no numbers"),
    "four columns": (b"1 2 3 4\n2 3 4 5\n", "4 columns without names"),
    "decimal and separating commas": (b"10,0,52,5\n10,5,61,2\n", "4 columns without names"),
    "one column of decimal commas": (b"52,1\n52,2\n52,3\n61,5\n61,2\n", "angles differ"),
    "counts first": (b"100 10\n200 11\n", "angles between 0 and 180"),
    "negative angles": (b"-1 10\n2 11\n", "angles between 0 and 180"),
    "Q axis": (b"Q (1/A) Intensity\n1.0 52\n1.1 61\n", "first must be two_theta"),
    "d axis": (b"# d-spacing, counts\n3.0,52\n3.1,61\n", "first must be two_theta"),
    "CIF": (b"data_x\nloop_\n_refln_index_h\n_refln_index_k\n1 0\n1 1\n", "text of a CIF"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_bad_files(write, content, reason):
    with pytest.raises(PatternReadError, match=rf"sample\.xy: .*{reason}") as caught:
        read(write(content))
    assert isinstance(caught.value, FileFormatError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("suffix", NOT_READ)
def test_known_formats_that_are_not_read(write, suffix):
    with pytest.raises(PatternReadError, match=r"sample\.\w+: The format .* is not read yet"):
        read(write(TABLES["spaces"], f"sample{suffix.upper()}"))


def test_unknown_suffix(write):
    with pytest.raises(PatternReadError, match=r"'\.pdf' is of no known format.*\.xye"):
        read(write(TABLES["spaces"], "sample.pdf"))


def test_formats_are_known_once():
    assert not set(READERS) & set(NOT_READ)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.xy")
    with pytest.raises(IsADirectoryError, match="read_patterns"):
        read(tmp_path)


class TestReadPatterns:
    @pytest.fixture
    def folder(self, write, tmp_path):
        write(TABLES["spaces"], "b.xy")
        write(TABLES["commas"], "a.csv")
        write("nothing\n", "c.txt")
        write("<xml/>", "d.xrdml")
        write("notes", "README.md")
        write(TABLES["spaces"], ".hidden.xy")
        (tmp_path / "inner.xy").mkdir()
        return tmp_path

    def test_folder(self, folder):
        with pytest.warns(PatternWarning, match="2 of 4 files were not read") as caught:
            patterns = read_patterns(folder, wavelength="CuKa", on_error="skip")
        assert [warning.filename for warning in caught] == [__file__]
        assert isinstance(patterns, MeasuredPatterns)
        assert [pattern.name for pattern in patterns] == patterns.ids == ["a", "b"]
        assert patterns[1] is patterns.patterns[1]
        assert patterns.failures["path"].tolist() == [str(folder / n) for n in ("c.txt", "d.xrdml")]
        assert "found no rows" in patterns.failures["reason"][0]

    def test_raises_by_default(self, folder):
        with pytest.raises(PatternReadError, match=r"c\.txt"):
            read_patterns(folder, wavelength="CuKa")

    def test_order_of_paths_is_kept(self, folder):
        patterns = read_patterns([folder / "b.xy", str(folder / "a.csv")], wavelength=1.2)
        assert patterns.ids == ["b", "a"]
        assert {pattern.wavelength for pattern in patterns} == {1.2}

    def test_one_file(self, folder):
        assert read_patterns(folder / "b.xy", wavelength=1.2).ids == ["b"]

    def test_repeated_stems(self, folder, write):
        other = write(TABLES["tabs"], "a.xy")
        patterns = read_patterns([folder / "a.csv", other, folder / "b.xy"], wavelength=1.2)
        assert patterns.ids == [str(folder / "a.csv"), str(other), "b"]

    def test_missing_file_is_a_failure(self, folder):
        with pytest.warns(PatternWarning, match="1 of 2 files"):
            patterns = read_patterns(
                [folder / "gone.xy", folder / "b.xy"], wavelength=1.2, on_error="skip"
            )
        assert patterns.ids == ["b"]
        assert len(patterns.failures) == 1

    def test_one_warning_for_all_assumed_wavelengths(self, folder):
        with pytest.warns(PatternWarning) as caught:
            read_patterns([folder / "b.xy", folder / "a.csv"])
        assert len(caught) == 1
        assert "2 of 2 files state no wavelength" in str(caught[0].message)
        assert caught[0].filename == __file__

    def test_nothing_to_read(self, tmp_path):
        with pytest.raises(ValueError, match="holds no file"):
            read_patterns(tmp_path)
        with pytest.raises(ValueError, match="names no file"):
            read_patterns([])

    def test_bad_argument(self, folder):
        with pytest.raises(ValueError, match="on_error"):
            read_patterns(folder, on_error="ignore")
        with pytest.raises(ValueError, match="CuKx"):
            read_patterns(folder, wavelength="CuKx", on_error="skip")


class TestMeasuredPattern:
    def test_arrays_are_copied_and_read_only(self):
        counts = np.array(COUNTS)
        pattern = MeasuredPattern(ANGLES, counts)
        counts[0] = -1
        assert pattern.intensity.tolist() == COUNTS
        with pytest.raises(ValueError, match="read-only"):
            pattern.intensity[0] = 0
        assert pattern.name == ""

    def test_pickle(self):
        pattern = pickle.loads(pickle.dumps(MeasuredPattern(ANGLES, COUNTS, wavelength=1.5)))
        assert pattern.two_theta.tolist() == ANGLES

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"two_theta": [10, 10, 11, 12]}, "increase strictly"),
            ({"two_theta": [10, 11, 12]}, "4 values for 3 angles"),
            ({"two_theta": [10, 20, 30, 181]}, "between 0 and 180"),
            ({"two_theta": [[10, 20, 30, 40]]}, "one-dimensional"),
            ({"intensity": [1, 2, 3, np.nan]}, "intensity holds values that are not finite"),
            ({"uncertainty": [1, 2, 3]}, "3 values for 4 angles"),
            ({"uncertainty": [1, 2, 3, -1]}, "uncertainty must not be negative"),
            ({"counts": [1, 2, 3, -1]}, "counts must not be negative"),
            ({"counts": [1, 2, 3]}, "3 values for 4 angles"),
            ({"wavelength": 0.0}, "wavelength must be positive"),
            ({"two_theta": [10], "intensity": [1]}, "at least two angles"),
        ],
    )
    def test_bad_input(self, change, reason):
        with pytest.raises(ValueError, match=reason):
            MeasuredPattern(**{"two_theta": ANGLES, "intensity": COUNTS, **change})


@pytest.mark.real_data
class TestRealFiles:
    EXPECTED = {  # points, first and last angle, strongest intensity, uncertainties
        "0454_HM_Nb2TaZr.xy": (182, 20.3008, 129.1904, 12398.0, False),
        "Li2MnO3-MnO-TiO2.xy": (9001, 10.0, 100.0, 11283.0, False),
        "LiMnO2.xy": (9001, 10.0, 100.0, 7624.0, False),
        "PbSO4_labxray_ed-16.dat": (3601, 10.0, 100.0, 15702.0, True),
        "ed-3.xye": (3098, 10.0, 164.85, 3532.0, True),
        "single.csv": (3048, 30.0031, 110.0656, 211765.0, False),
    }

    @pytest.mark.parametrize("name", EXPECTED)
    @pytest.mark.filterwarnings("ignore::skxrd.exceptions.PatternWarning")
    def test_text_files(self, shared_data, name):
        pattern = read_pattern(shared_data / "measured" / name)
        n_points, first, last, strongest, has_uncertainty = self.EXPECTED[name]
        assert len(pattern.two_theta) == n_points
        assert pattern.two_theta[[0, -1]] == pytest.approx([first, last], abs=1e-4)
        assert pattern.intensity.max() == strongest
        assert (pattern.uncertainty is not None) == has_uncertainty
        assert pattern.wavelength_is_assumed

    def test_the_folder(self, shared_data):
        with pytest.warns(PatternWarning) as caught:
            patterns = read_patterns(shared_data / "measured")
        assert len(patterns) == 22
        messages = " ".join(str(warning.message) for warning in caught)
        assert "6 of 22 files state no wavelength" in messages
        assert "single (2)" in messages
