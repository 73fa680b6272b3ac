"""Files that look like patterns of two-theta and are not, or not those that they seem."""

import gzip
import re
import warnings

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io import read_pattern, read_patterns

ROWS = [(10.0, 52), (10.5, 61), (11.0, 55), (11.5, 49)]
MEAN = (2 * 1.540598 + 1.544426) / 3


def table(*more, separator=" "):
    """Rows of numbers, with the same further columns in each."""
    return "".join(separator.join(map(str, (*row, *more))) + "\n" for row in ROWS)


def read(path, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # only what a test expects
        return read_pattern(path, **{"wavelength": 1.5, **kwargs})


def refused(path, reason, **kwargs):
    with pytest.raises(PatternReadError, match=reason) as caught:
        read(path, **kwargs)
    assert str(caught.value).startswith(f"{path}: ")


class TestHugeContent:
    @pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \n"])
    def test_blank_lines_take_no_time(self, write, blank):
        path = write(blank * 100_000 + table().encode(), "a.txt")
        refused(path, "More than 10000 lines stand above")

    def test_blank_lines_below(self, write):
        assert len(read(write(table().encode() + b"\n" * 100_000, "a.txt")).two_theta) == 4

    @pytest.mark.parametrize("head", ["1 0.0001 1e308", "-1e308 1 1e308", "1 1e-4 1e300"])
    @pytest.mark.parametrize("suffix", ["dat", "txt", "gsa", "xdd"])
    def test_lists_of_impossible_ranges(self, write, head, suffix):
        path = write(f"{head}\n5\n6\n7\n", f"a.{suffix}")
        refused(path, ".")
        with pytest.warns(PatternWarning, match="1 of 1 files"):
            assert len(read_patterns([path], on_error="skip", wavelength=1.5)) == 0

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.xy", "1e308 5\n-1e308 6\n3 7\n"),
            ("a.xye", "10 1e308 1e308\n10 1e308 1e308\n11 5 1\n"),
            ("a.uxd", "_2THETA=10\n_STEPSIZE=1e308\n_COUNTS\n5 6 7 8\n"),
            ("a.gsa", "t\nBANK 1 4 1 CONST 1e308 1e308 0 0 ESD\n1 1 2 1 3 1 4 1\n"),
        ],
    )
    def test_overflow_is_refused_without_other_warnings(self, write, name, text):
        refused(write(text, name), ".")

    @pytest.mark.parametrize(
        ("old", "new"), [("startPosition", "1e308"), ("endPosition", "-1e308")]
    )
    def test_xrdml_angles(self, vendors, write, old, new):
        text = vendors.xrdml().decode()
        text = re.sub(rf"(<{old}>)[^<]*", rf"\g<1>{new}", text)
        refused(write(text, "a.xrdml"), ".")


class TestWavelengths:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("# Wavelength: 4.1329e-11 m", 0.41329),
            ("# Wavelength (nm): 0.15406", 1.5406),
            ("# Wavelength [nm] = 0.07093", 0.7093),
            ("# Wavelength (Å): 0.7093", 0.7093),
            ("# wavelength 15.406E-01 Å", 1.5406),
            ("# Wavelength (m) 1.5406e-10", 1.5406),
            ("# Wavelength 1.5406 measured", 1.5406),
            ("# K-Alpha1: 1.540598 K-Alpha2: 1.544426", MEAN),
            ("# CuKa1=1.540598 CuKa2=1.544426", MEAN),
            ("# Cu K-alpha1 (1.540598 A) and K-alpha2 (1.544426 A)", MEAN),
            ("# Wavelength 1: 1.540598\n# Wavelength 2: 1.544426\n# Ratio: 0.0", 1.540598),
            (
                "# K-Alpha1 wavelength,1.540598\n# K-Alpha2 wavelength,1.544426\n"
                "# Ratio K-Alpha2/K-Alpha1,0.5",
                MEAN,
            ),
            ("# target = Ag\n# radiation: CuKa", WAVELENGTHS["CuKa"]),
            ("# Mo Ka, a = 3.905 A", WAVELENGTHS["MoKa"]),
        ],
    )
    def test_stated(self, write, header, expected):
        pattern = read(write(f"{header}\n{table()}"), wavelength=None)
        assert pattern.wavelength == pytest.approx(expected, rel=1e-9)
        assert not pattern.wavelength_is_assumed

    @pytest.mark.parametrize(
        "header",
        [
            "# Wavelength: 4.1329e-11",
            "# Wavelength: 4.1329e-11 nm",
            "# Wavelength (nm): 1.5406 A",
            "# Wavelength: 2.5 keV",
            "# measured with 0.4133 A, converted to CuKa",
            "# Wavelengths CuKa 1.5406, CoKa 1.789",
            "# measured with 0.4133 A, converted to CuKa 1.5406 A",
            "# wavelength 0.4133 A, converted to CuKa 1.5406 A",
            "# Wavelength: 0.4133 A, shown for wavelength 1.5406 A",
        ],
    )
    def test_not_told(self, write, header):
        with pytest.warns(PatternWarning, match="no wavelength"):
            assert read_pattern(write(f"{header}\n{table()}")).wavelength_is_assumed


class TestNamesOfColumns:
    @pytest.mark.parametrize(
        "title",
        [
            "q_A^-1 I",
            "# q_nm^-1 I",
            "Q(1/A) S(Q)",
            "q DataSet1",
            "s Intensity",
            "2th_rad I",
            "2theta (mrad) I",
            "#  2th_rad   I",
            "Phi Counts",
            "Azimuthal angle (deg) Intensity",
            "Temperature/C  Heat flow",
            "Temperature/C Heat flow",
            "#L r(A) G(A^-2)",
            "Energy(keV) mu",
            "#Wave #Intensity",
            "Theta\tCounts\n(deg)\t(cps)",
            "2theta\tCounts\n(rad)\t(cps)",
            "time_s counts",
            "Omega,Intensity",
        ],
    )
    def test_of_other_axes(self, write, title):
        refused(write(f"{title}\n{table()}"), "is titled|are titled")

    @pytest.mark.parametrize(
        "title",
        [
            "d (A),Irel",
            "s,Intensity",
            "2theta (rad),Intensity",
            "2-Theta (radians),Intensity",
            "Theta (deg),Counts",
            "Omega,Intensity",
            "Wavelength (A),Intensity",
            "Channel,Counts",
        ],
    )
    def test_of_other_axes_between_commas(self, write, title):
        refused(write(f"{title}\n{table(separator=',')}", "a.csv"), "is titled|are titled")

    def test_radians_of_fit2d(self, write):
        path = write(f"a.tif\n2-Theta Angle (Radians)\nIntensity\n  4\n{table()}", "a.chi")
        refused(path, "degrees")

    @pytest.mark.parametrize(
        "title",
        [
            "",
            "# 2theta intensity",
            "Angle",
            "Angle PSD",
            "PSD",
            "x y",
            "X,Y",
            "x, I",
            "X-axis Y-axis",
            "raw counts",
            "# X Y",
            "Two Theta",
            "two theta  intensity",
            "2 theta (deg) counts",
            "LiX sample",
            "Sample 7",
            "scan 2",
            "D 5000",
            "# temperature 25",
            "# Energy (keV) 12.4",
            "# Wavelength 1.5406 A, intensity in counts",
            "# Temperature: 25 C, counts per second",
            "# time 10:30",
            "(deg) (cps)",
            "deg counts",
            "2Theta Intensity\n(deg) (counts)",
            "#       2th_deg             I",
            "Rietveld refinement",
            "# Rigaku D/MAX 2500",
            "D/teX Ultra",
            "Theta/2Theta scan, counts",
            "# theta-2theta scan, intensity in counts",
            "theta 2theta",
        ],
    )
    def test_of_no_harm(self, write, title):
        pattern = read(write(f"{title}\n{table()}"))
        assert pattern.two_theta.tolist() == [row[0] for row in ROWS]

    @pytest.mark.parametrize(
        "title",
        [
            "2theta,sampleA,sampleB",
            "2theta,Intensity A,Intensity B",
            "2theta,Iobs,Counts",
            "2theta,tth,Counts",
        ],
    )
    def test_of_several_patterns(self, write, title):
        refused(write(f"{title}\n{table(7, separator=',')}", "a.csv"), "title")

    def test_several_axes(self, write):
        rows = "".join(f"{a / 2} {a} {c}\n" for a, c in ROWS)
        with pytest.warns(PatternWarning, match="Columns were left out"):
            pattern = read_pattern(write(f"Omega 2Theta Counts\n{rows}"), wavelength=1.5)
        assert pattern.two_theta[0] == 10.0

    def test_unknown_name_beside_angle_and_uncertainty(self, write):
        pattern = read(write(f"2theta,LiX,esd\n{table(7, separator=',')}", "a.csv"))
        assert pattern.intensity[0] == 52
        assert pattern.uncertainty[0] == 7

    def test_of_a_peak_list(self, write):
        title = "Pos. [°2Th.],Height [cts],FWHM [°2Th.],d-spacing [Å],Rel. Int. [%]"
        rows = "10.3,52,0.1,8.6,52\n21.7,61,0.1,4.1,61\n24.1,55,0.1,3.7,55\n30.9,49,0.2,2.9,49\n"
        refused(write(f"{title}\n{rows}", "a.csv"), "list of peaks")

    def test_columns_that_are_left_out_are_warned_of(self, write):
        path = write(table(0.001))
        with pytest.warns(PatternWarning, match=r"Columns were left out: sample \(1\)"):
            read_pattern(path, wavelength=1.5)


class TestNumbersOfRowsAndColumns:
    @pytest.mark.parametrize("first", [0, 1])
    @pytest.mark.parametrize(("title", "separator"), [("", " "), (",0,1\n", ","), ("", ",")])
    @pytest.mark.parametrize("suffix", ["csv", "xye"])
    def test_index(self, write, first, title, separator, suffix):
        rows = (separator.join(map(str, (i, *row))) for i, row in enumerate(ROWS, start=first))
        refused(write(title + "\n".join(rows), f"a.{suffix}"), "numbers? of (the )?rows")

    def test_numbers_of_columns_are_no_row(self, write):
        assert read(write("0,1\n" + table(separator=","), "a.csv")).two_theta[0] == 10.0

    def test_a_first_row_of_small_numbers_is_one(self, write):
        assert read(write("0 1\n0.02 5\n0.04 6\n0.06 5\n")).two_theta[0] == 0.0

    def test_comment_between_slashes(self, write):
        pattern = read(write(f"/*\n5 6 7\nWavelength 0.7 A\n*/\n{table(7)}", "a.xye"))
        assert pattern.two_theta[0] == 10.0
        assert read(write(f"/* 5\n5 6 7 */ {table(7)}", "a.xye")).two_theta[0] == 10.0

    @pytest.mark.parametrize("suffix", ["csv", "xye"])
    def test_decimal_and_separating_commas(self, write, suffix):
        path = write("10,0,52\n10,5,61\n11,0,55\n", f"a.{suffix}")
        refused(path, "comma")

    @pytest.mark.parametrize("number", ["5_2", "٥٢", "５２"])
    def test_numbers_that_only_python_reads(self, write, number):
        refused(write(f"10.0 52\n10.5 {number}\n11.0 55\n"), "Line 2 holds no numbers")

    def test_in_files_of_instruments(self, write):
        refused(write("_2THETA=10\n_STEPSIZE=1\n_COUNTS\n5 5_2 7\n", "a.uxd"), "must be numbers")
        refused(write("_2THETA=1_0\n_STEPSIZE=1\n_COUNTS\n5 6 7\n", "a.uxd"), "_2THETA")


class TestOrderOfAngles:
    def test_swapped_columns(self, write):
        rng = np.random.default_rng(0)
        rows = "".join(f"{n} {10 + i}\n" for i, n in enumerate(rng.permutation(100) + 1))
        refused(write(rows), "back and forth")

    @pytest.mark.parametrize("n_times", [2, 3])
    def test_scans_that_follow_each_other(self, write, n_times):
        refused(write(table() * n_times), "several scans")

    def test_long_format(self, write):
        rows = "".join(f"{a},{c},{t}\n" for t in (300, 400) for a, c in ROWS)
        with pytest.raises(PatternReadError, match="several scans"):
            read_pattern(write(f"2theta,intensity,T\n{rows}", "a.csv"), wavelength=1.5)


class TestOtherText:
    def test_jcamp(self, write):
        text = "##TITLE=a\n##XYDATA=(X++(Y..Y))\n10.0 5 6 7\n13.0 8 9 5\n"
        refused(write(text, "a.txt"), "JCAMP")

    @pytest.mark.parametrize("start", ["<html><body>\n<pre>", "<pre>", "LiX\n<pre>"])
    def test_html(self, write, start):
        refused(write(start + table() + "</pre>\n", "a.txt"), "HTML")

    def test_list_of_detectors_and_counts(self, write):
        pairs = " ".join(f"1 {500 + 3 * i}" for i in range(21))
        numbers = pairs.split()
        lines = "\n".join(" ".join(numbers[at : at + 20]) for at in range(0, 42, 20))
        refused(write(f"LiX\n10 0.5 20\n{lines}\n", "a.dat"), "uncertaint")


class TestUxd:
    HEAD = "_DRIVE='COUPLED'\n_STEPSIZE=0.5\n"

    def test_first_angle_of_the_range_before(self, write):
        text = f"{self.HEAD}_2THETA=10\n_COUNTS\n5 6 7\n_START=20\n_COUNTS\n7 8 9\n"
        assert read(write(text, "a.uxd")).two_theta.tolist() == [10, 10.5, 11, 20, 20.5, 21]

    def test_range_without_a_first_angle(self, write):
        text = f"{self.HEAD}_2THETA=10\n_COUNTS\n5 6 7\n_COUNTS\n7 8 9\n"
        refused(write(text, "a.uxd"), "_2THETA or _START")

    def test_units(self, write):
        text = f"{self.HEAD}_2THETA=10\n_COUNTS\n5 6 7\n_2THETA=20\n_CPS\n7 8 9\n"
        path = write(text, "a.uxd")
        refused(path, r"different units \(counts, counts/s\); scan says")
        assert read(path, scan=1).two_theta[0] == 20

    @pytest.mark.parametrize(("start", "passes"), [(1, False), (16.5, True), (33, True)])
    def test_no_drive(self, write, start, passes):
        path = write(f"_START={start}\n_2THETA=33\n_STEPSIZE=1\n_COUNTS\n5 6 7\n", "a.uxd")
        if passes:
            assert read(path).two_theta[0] == 33
        else:
            refused(path, "_DRIVE")


@pytest.mark.parametrize(
    ("tag", "factor", "reason"),
    [
        ("intensities", "1e-308", "attenuation leave counts too large"),
        ("counts", "1e308", "intensity is inf"),
    ],
)
def test_attenuation_that_leaves_no_counts(vendors, write, tag, factor, reason):
    points = f"<{tag} unit='counts'>5 60 7</{tag}>"
    points += f"<commonBeamAttenuationFactor>{factor}</commonBeamAttenuationFactor>"
    refused(write(vendors.xrdml(points=points), "a.xrdml"), reason)


def test_packed_text_is_told_apart_too(write):
    refused(write(gzip.compress(f"Omega Counts\n{table()}".encode()), "a.xy.gz"), "titled")
