"""Files of instruments: each is written by its description in conftest.py, and read back."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io import _unpacking, read_pattern, read_patterns
from skxrd.io._formats import READERS
from skxrd.io._raw_patterns import LARGEST

DOUBLET = (2 * 1.5406 + 1.54439) / 3
# Suffix, name of the function in conftest.py, its arguments.
FILES = [
    (".xrdml", "xrdml", {}),
    (".xrdml", "xrdml", {"axis": "2Theta-Omega"}),
    (".ras", "ras", {}),
    (".rasx", "rasx", {}),
    (".asc", "asc", {}),
    (".brml", "brml", {}),
    (".brml", "brml", {"with_views": False}),
    (".uxd", "uxd", {}),
    (".uxd", "uxd", {"kind": "_COUNTS"}),
    (".raw", "raw1", {}),
    (".raw", "raw2", {}),
    (".raw", "raw3", {}),
    (".raw", "raw3", {"extra": 40}),
    (".raw", "raw4", {}),
    (".raw", "raw4", {"record": 4}),
    (".cpi", "cpi", {}),
    (".udf", "udf", {}),
    (".cif", "pdcif", {}),
    (".cif", "pdcif", {"with_angles": False}),
]
NAMES = [" ".join([suffix, name, *map(str, kwargs.values())]) for suffix, name, kwargs in FILES]


@pytest.mark.parametrize(("suffix", "name", "kwargs"), FILES, ids=NAMES)
def test_angles_counts_and_wavelength(vendors, write, suffix, name, kwargs):
    pattern = read_pattern(write(getattr(vendors, name)(**kwargs), f"sample{suffix}"))
    np.testing.assert_allclose(pattern.two_theta, vendors.two_theta, atol=1e-9)
    assert pattern.intensity.tolist() == vendors.counts.tolist()
    assert pattern.counts.tolist() == vendors.counts.tolist()
    assert pattern.wavelength == pytest.approx(DOUBLET, abs=3e-5)
    assert not pattern.wavelength_is_assumed
    assert pattern.metadata["intensity_unit"] == "counts"
    if name not in ("pdcif", "raw2"):
        assert pattern.metadata["sample"] == "LiX"
    if name not in ("pdcif", "raw1"):
        assert pattern.metadata["anode"] == "Cu"
    assert pattern.format == suffix[1:]
    assert len(pattern.sha256) == 64


def test_packed_file(vendors, write):
    pattern = read_pattern(write(gzip.compress(vendors.ras()), "sample.RAS.gz"))
    assert pattern.counts.tolist() == vendors.counts.tolist()
    assert pattern.name == "sample"


def test_facts_of_the_measurement(vendors, write):
    metadata = read_pattern(write(vendors.xrdml(), "a.xrdml")).metadata
    assert metadata == {
        "anode": "Cu",
        "kalpha1": 1.5406,
        "kalpha2": 1.54439,
        "kalpha_ratio": 0.5,
        "sample": "LiX",
        "radius": 240.0,
        "voltage": 45.0,
        "current": 40.0,
        "scan_axis": "Gonio",
        "date": "2024-11-14",
        "instrument": "0815",
        "step_time": 12.5,
        "intensity_unit": "counts",
    }
    metadata = read_pattern(write(vendors.raw3(), "a.raw")).metadata
    assert metadata["date"] == "06/05/08 11:45:35"
    assert (metadata["voltage"], metadata["current"], metadata["step_time"]) == (40, 30, 0.5)
    metadata = read_pattern(write(vendors.ras(), "a.ras")).metadata
    assert (metadata["instrument"], metadata["step_time"]) == ("SmartLab", 12.0)
    assert metadata["header"]["FILE_SAMPLE"] == "LiX"


class TestRadiation:
    def test_monochromator_leaves_the_first_line(self, vendors, write):
        pattern = read_pattern(write(vendors.ras(wave_type="Ka1"), "a.ras"))
        assert pattern.wavelength == 1.5406
        assert pattern.metadata["kalpha_ratio"] == 0.0

    def test_k_beta(self, vendors, write):
        assert read_pattern(write(vendors.ras(wave_type="Kb"), "a.ras")).wavelength == 1.39225
        content = vendors.xrdml(intended="K-Beta")
        assert read_pattern(write(content, "a.xrdml")).wavelength == 1.39225

    def test_anode_alone(self, vendors, write):
        content = vendors.uxd().replace(b"_WL1=1.5406\n_WL2=1.54439\n", b"")
        assert read_pattern(write(content, "a.uxd")).wavelength == 1.54184

    def test_nonsense_counts_as_absent(self, vendors, write):
        content = vendors.uxd().replace(b"_WL1=1.5406", b"_WL1=0").replace(b"1.54439", b"nan")
        content = content.replace(b"_ANODE='Cu'", b"_ANODE='??'")
        with pytest.warns(PatternWarning, match="no wavelength; Cu K-alpha"):
            assert read_pattern(write(content, "a.uxd")).wavelength_is_assumed

    def test_stoe_has_a_monochromator(self, vendors, write):
        assert read_pattern(write(vendors.stoe(), "a.raw")).wavelength == 1.5406

    @pytest.mark.parametrize(
        ("kind", "name"), [(r"'Cu K\a'", "CuKa"), (r"MoK\a~1~", "MoKa1"), ("'Co K\\a'", "CoKa")]
    )
    def test_cif_with_the_name_of_the_radiation(self, vendors, write, kind, name):
        content = vendors.pdcif(wavelength="?").replace(
            b"_diffrn_radiation_wavelength ?", f"_diffrn_radiation_type {kind}".encode()
        )
        assert read_pattern(write(content, "a.cif")).wavelength == WAVELENGTHS[name]

    def test_cif_with_two_lines_and_weights(self, vendors, write):
        loop = (
            b"loop_\n_diffrn_radiation_wavelength\n_diffrn_radiation_wavelength_wt\n"
            b"1.5406 1.0\n1.54439 0.5\n"
        )
        content = vendors.pdcif().replace(b"_diffrn_radiation_wavelength 1.54184\n", loop)
        assert read_pattern(write(content, "a.cif")).wavelength == pytest.approx(DOUBLET)

    def test_cif_with_the_wavelength_in_another_block(self, vendors, write):
        content = vendors.pdcif().replace(b"_diffrn_radiation_wavelength 1.54184\n", b"")
        content += b"_diffrn_radiation_wavelength 2.0785(2)\n"
        assert read_pattern(write(content, "a.cif")).wavelength == 2.0785


class TestIntensity:
    def test_attenuation_of_rigaku(self, vendors, write):
        factors = np.where(vendors.counts > 100, 10.0, 1.0)
        pattern = read_pattern(write(vendors.ras(factors=factors), "a.ras"))
        assert pattern.counts.tolist() == vendors.counts.tolist()
        assert pattern.intensity.tolist() == (vendors.counts * factors).tolist()

    def test_attenuation_of_xrdml(self, vendors, write):
        factors = " ".join(["10"] * 20 + ["1"] * 21)
        listed = " ".join(f"{c:.0f}" for c in vendors.counts)
        more = f"<beamAttenuationFactors>{factors}</beamAttenuationFactors>"
        raw = read_pattern(
            write(vendors.xrdml(points=f"<counts>{listed}</counts>{more}"), "a.xrdml")
        )
        assert raw.counts.tolist() == vendors.counts.tolist()
        assert raw.intensity[:20].tolist() == (10 * vendors.counts[:20]).tolist()
        done = f"<intensities>{listed}</intensities><commonBeamAttenuationFactor>2"
        done = vendors.xrdml(points=f"{done}</commonBeamAttenuationFactor>")
        done = read_pattern(write(done.replace(b">61 ", b">60 "), "b.xrdml"))
        assert done.intensity[5] == vendors.counts[5]  # multiplied before it was stored

    def test_per_second(self, vendors, write):
        pattern = read_pattern(write(vendors.ras(unit="cps"), "a.ras"))
        assert pattern.counts is None
        assert pattern.metadata["intensity_unit"] == "counts/s"
        assert read_pattern(write(vendors.uxd(kind="_CPS"), "a.uxd")).counts is None

    @pytest.mark.parametrize("form", [0, 1])
    def test_stoe(self, vendors, write, form):
        pattern = read_pattern(write(vendors.stoe(form), "a.raw"))
        assert pattern.two_theta.tolist() == vendors.two_theta.tolist()
        assert pattern.counts.tolist() == vendors.counts.tolist()
        assert pattern.metadata["sample"] == "LiX"

    def test_cif_with_uncertainties(self, vendors, write):
        content = vendors.pdcif("_pd_meas_intensity_total")
        content = content.replace(b" 50(7)\n", b" ?\n", 1)
        pattern = read_pattern(write(content, "a.cif"))
        assert len(pattern.two_theta) == 40  # what is unknown is left out
        assert pattern.counts is None
        np.testing.assert_allclose(pattern.uncertainty, np.sqrt(pattern.intensity), atol=0.5)

    def test_names_of_the_new_dictionaries(self, write):
        content = (
            "data_x\n_diffrn_radiation_wavelength.value 1.5\nloop_\n_pd_meas.2theta_scan\n"
            "_pd_meas.intensity_total\n_pd_meas.intensity_total_su\n10 12 3\n11 15 4\n"
        )
        pattern = read_pattern(write(content, "a.cif"))
        assert pattern.wavelength == 1.5
        assert pattern.intensity.tolist() == [12, 15]
        assert pattern.uncertainty.tolist() == [3, 4]

    def test_digits_of_uncertainties(self, write):
        content = (
            "data_x\n_diffrn_radiation_wavelength 1.5\nloop_\n_pd_meas_2theta_scan\n"
            "_pd_proc_intensity_total\n10 12.50(25)\n11 1.250e2(3)\n12 .5(1)\n"
        )
        pattern = read_pattern(write(content, "a.cif"))
        assert pattern.intensity.tolist() == [12.5, 125, 0.5]
        assert pattern.uncertainty == pytest.approx([0.25, 0.3, 0.1])

    @pytest.mark.parametrize("version", [b"V3RD", b"V5RD"])
    def test_roots_of_counts(self, vendors, write, version):
        suffix = "rd" if version == b"V3RD" else "sd"
        pattern = read_pattern(write(vendors.rd(version), f"a.{suffix}"))
        np.testing.assert_allclose(pattern.two_theta, vendors.two_theta, atol=1e-9)
        error = pattern.intensity - vendors.counts  # at most one step of the roots
        assert (np.abs(error) <= 0.2 * np.sqrt(vendors.counts) + 1).all()
        assert pattern.counts is None
        assert (pattern.wavelength, pattern.metadata["sample"]) == (1.54184, "LiX")

    def test_topas_list(self, vendors, write):
        pattern = read_pattern(write(vendors.xdd(), "a.xdd"))
        assert pattern.counts.tolist() == vendors.counts.tolist()
        assert pattern.wavelength == 1.54184
        assert pattern.metadata["title"] == "LiX, Cu Kα    second line"
        assert not read_pattern(write(vendors.xdd("/* Mo Ka */"), "a.xdd")).wavelength_is_assumed

    def test_different_times_of_points(self, vendors, write):
        times = np.where(np.arange(41) < 20, 1.0, 4.0)
        points = (
            f"<countingTimes>{' '.join(map(str, times))}</countingTimes>"
            f"<counts unit='counts'>{' '.join(map(str, vendors.counts))}</counts>"
        )
        of_xrdml = read_pattern(write(vendors.xrdml(points=points), "a.xrdml"))
        rows = "\n".join(
            f"{a} {c} {t}" for a, c, t in zip(vendors.two_theta, vendors.counts, times, strict=True)
        )
        of_uxd = read_pattern(write(vendors.uxd(kind="_2THETACOUNTSTIME", values=rows), "a.uxd"))
        for pattern in (of_xrdml, of_uxd):
            np.testing.assert_allclose(pattern.intensity, vendors.counts / times)
            assert pattern.counts.tolist() == vendors.counts.tolist()
            assert pattern.metadata["intensity_unit"] == "counts/s"
        broken = vendors.xrdml(points=points.replace(">1.0 ", ">"))
        with pytest.raises(PatternReadError, match="40 times of counting for 41 points"):
            read_pattern(write(broken, "b.xrdml"))


class TestGsas:
    @pytest.mark.parametrize("suffix", [".gsa", ".gss", ".cwn", ".xra", ".fxye", ".raw", ".gda"])
    @pytest.mark.parametrize("kind", ["STD", "ESD", "FXYE"])
    def test_kinds(self, vendors, write, kind, suffix):
        pattern = read_pattern(write(vendors.gsas(kind), f"a{suffix}"), wavelength="CuKa")
        np.testing.assert_allclose(pattern.two_theta, vendors.two_theta, atol=1e-9)
        assert pattern.intensity.tolist() == vendors.counts.tolist()
        detectors = 1 + np.arange(41) % 2 if kind == "STD" else 1
        expected = np.sqrt(vendors.counts / detectors)
        np.testing.assert_allclose(pattern.uncertainty, expected, atol=0.006)
        if kind == "STD":  # the mean of one or two detectors
            assert pattern.counts.tolist() == (vendors.counts * detectors).tolist()

    def test_wavelength_of_the_title(self, vendors, write):
        content = vendors.gsas(title="LiX, wavelength 1.909 A")
        assert read_pattern(write(content, "a.gsa")).wavelength == 1.909

    @pytest.mark.parametrize("kind", ["STD", "ESD", "FXYE"])
    def test_records_without_line_ends(self, vendors, write, kind):
        content = vendors.gsas(kind).replace(b"\r\n", b"")
        pattern = read_pattern(write(content, "a.gsa"), wavelength="CuKa")
        assert pattern.intensity.tolist() == vendors.counts.tolist()

    def test_pairs_with_blanks_between(self, write):
        content = b"LiX\nbank 1 4 2 CONST 1000 50 0 0 ESD\n 52.0 7.2 61.25 7.8\n 55 7.4 1000 31\n"
        pattern = read_pattern(write(content, "a.gsa"), wavelength="CuKa")
        assert pattern.intensity.tolist() == [52, 61.25, 55, 1000]
        assert pattern.uncertainty.tolist() == [7.2, 7.8, 7.4, 31]

    @pytest.mark.parametrize("kind", ["ALT", "TIME_MAP", "XYZ"])
    def test_other_kinds_are_named(self, vendors, write, kind):
        content = vendors.gsas().replace(b"STD", kind.encode())
        with pytest.raises(PatternReadError, match=rf"a\.gsa: .*{kind}"):
            read_pattern(write(content, "a.gsa"))

    def test_time_of_flight(self, vendors, write):
        with pytest.raises(PatternReadError, match=r"a\.gsa: .*SLOG: no constant wavelength"):
            read_pattern(write(vendors.gsas("FXYE", "SLOG"), "a.gsa"))

    def test_list_after_start_step_stop(self, vendors, write):
        rows = "\n".join(" ".join(f"{c:.0f}" for c in vendors.counts[at : at + 10])
                         for at in range(0, 41, 10))  # fmt: skip
        text = f"10.0 0.5 30.0 LiX, lambda = 1.909 A\n{rows} 0 0\n"
        pattern = read_pattern(write(text, "a.dat"))
        assert pattern.two_theta.tolist() == vendors.two_theta.tolist()
        assert pattern.intensity.tolist() == vendors.counts.tolist()
        assert pattern.wavelength == 1.909

    def test_list_and_its_uncertainties(self, vendors, write):
        lists = "\n".join(
            " ".join(f"{value:.1f}" for value in column[at : at + 10])
            for column in (vendors.counts, np.sqrt(vendors.counts))
            for at in range(0, 41, 10)
        )
        text = f"LiX, lambda = 1.909 A\nmonitor 1000\n10.0 0.5 30.0 1000.\n{lists}\n"
        pattern = read_pattern(write(text, "a.dat"))
        assert pattern.two_theta.tolist() == vendors.two_theta.tolist()
        assert pattern.intensity.tolist() == vendors.counts.tolist()
        np.testing.assert_allclose(pattern.uncertainty, np.sqrt(vendors.counts), atol=0.05)
        assert pattern.wavelength == 1.909


class TestSeveralScans:
    def test_that_follow_each_other_are_joined(self, vendors, write):
        pattern = read_pattern(write(vendors.xrdml([(30.5, 50.5), (10, 30)]), "a.xrdml"))
        assert len(pattern.two_theta) == 82
        assert pattern.metadata["n_scans"] == 2
        assert pattern.counts.tolist() == 2 * vendors.counts.tolist()
        assert len(read_pattern(write(vendors.raw1(2), "a.raw")).two_theta) == 82

    def test_that_share_their_ends(self, vendors, write):
        content = vendors.xrdml([(10, 30), (30, 50)])
        with pytest.warns(PatternWarning, match="Angles repeat"):
            pattern = read_pattern(write(content, "a.xrdml"))
        shared = pattern.two_theta.tolist().index(30)
        assert pattern.intensity[shared] == vendors.counts[0]  # the mean
        assert pattern.counts[shared] == 2 * vendors.counts[0]  # the sum

    def test_over_the_same_angles_are_told_apart(self, vendors, write):
        path = write(vendors.ras(n_scans=3), "a.ras")
        with pytest.raises(PatternReadError, match=r"a\.ras: .*3 scans over the same angles"):
            read_pattern(path)
        assert read_pattern(path, scan=2).counts.tolist() == vendors.counts.tolist()
        with pytest.raises(PatternReadError, match="scan is 3, but the file holds 3 scans"):
            read_pattern(path, scan=3)
        with pytest.raises(ValueError, match="scan"):
            read_pattern(path, scan=-1)

    def test_of_other_axes_are_left_out(self, vendors, write):
        rocking = b"<scan scanAxis='Omega'><dataPoints/></scan><scan scanAxis="
        for name, content in {
            "a.xrdml": vendors.xrdml().replace(b"<scan scanAxis=", rocking, 1),
            "a.uxd": vendors.uxd("THETA") + vendors.uxd(),
            "a.ras": vendors.ras("Omega") + vendors.ras(),
            "a.raw": vendors.raw3(starts=(5.0, 10.0)).replace(
                b"\0\0\0\0" + bytes(24) + b"\x28\0\0\0", b"\3\0\0\0" + bytes(24) + b"\x28\0\0\0", 1
            ),
        }.items():
            path = write(content, name)
            with pytest.warns(PatternWarning, match=r"Scans of other axes were left out: a \(1\)"):
                pattern = read_pattern(path)
            assert pattern.counts.tolist() == vendors.counts.tolist()
            assert read_pattern(path, scan=1).two_theta[0] == 10
            with pytest.raises(PatternReadError, match=r"not of two_theta"):
                read_pattern(path, scan=0)

    def test_of_different_times_are_brought_to_one_rate(self, vendors, write):
        content = vendors.raw3(starts=(10.0, 40.0), times=[0.5, 2.0])
        pattern = read_pattern(write(content, "a.raw"))
        assert pattern.metadata["intensity_unit"] == "counts/s"
        assert "step_time" not in pattern.metadata
        assert pattern.intensity[:41].tolist() == (vendors.counts / 0.5).tolist()
        assert pattern.intensity[41:].tolist() == (vendors.counts / 2).tolist()
        assert pattern.counts.tolist() == 2 * vendors.counts.tolist()


BAD = {
    "xrdml: rocking curve": ("a.xrdml", "xrdml", {"axis": "Omega"}, "one of 'Omega', not of two"),
    "xrdml: no scan": ("a.xrdml", "xrdml", {"scans": ()}, "holds no scan"),
    "xrdml: words": ("a.xrdml", "xrdml", {"points": "<counts>1 x</counts>"}, "counts must be num"),
    "ras: rocking curve": ("a.ras", "ras", {"axis": "Omega"}, "not of two_theta"),
    "brml: rocking curve": ("a.brml", "brml", {"axis": "Phi"}, "one of Phi, Theta, not of two"),
    "brml: lines": ("a.brml", "brml", {"length": 192}, "images or whole lines"),
    "uxd: rocking curve": ("a.uxd", "uxd", {"drive": "THETA"}, "not of two_theta"),
    "uxd: odd": ("a.uxd", "uxd", {"values": "10 5\n11"}, "3 numbers do not make rows of 2"),
    "raw3: rocking curve": ("a.raw", "raw3", {"kind": 3}, "kind 3, not of two_theta"),
    "raw4: rocking curve": (
        "a.raw", "raw4", {"drive": b"Theta", "scan_type": b"Rocking Curve"}, "not of two_theta"
    ),
    "raw4: theta": ("a.raw", "raw4", {"drive": b"Theta"}, "one of 'theta', not of two_theta"),
    "raw4: unknown": (
        "a.raw", "raw4", {"drive": b"Z", "scan_type": b"Height"}, "one of 'Height', not of two"
    ),
    "stoe: nothing measured": ("a.raw", "stoe", {"n_done": 0}, "no range that was measured"),
    "cif: computed": ("a.cif", "pdcif", {"intensity": "_pd_calc_intensity_total"}, "no measured"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "name", "kwargs", "reason"), BAD.values(), ids=BAD)
def test_bad_files(vendors, write, file, name, kwargs, reason):
    with pytest.raises(PatternReadError, match=rf"{file}: .*{reason}"):
        read_pattern(write(getattr(vendors, name)(**kwargs), file))


WRONG = {
    "a.xrdml": (b"<xml/>", "its root is 'xml'"),
    "b.xrdml": (b"<xrdMeasurements>", "XML is broken"),
    "c.xrdml": (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
    "a.rasx": (b"PK\x03\x04", "no zip archive"),
    "a.brml": (b"", "no zip archive"),
    "a.ras": (b"*RAS_HEADER_START\n", "no \\*RAS_INT_START"),
    "b.ras": (b"*RAS_INT_START\n10 5 1\n", "ends within a scan"),
    "a.uxd": (b"_A=1\n", "no UXD"),
    "a.gsa": (b"title\n1 2\n", "no line begins with BANK"),
    "b.gsa": (b"title\nBANK 1 100 10 CONST 1000 5 0 0\n 1 2\n", "announces 100 points"),
    "a.cif": (b"data_x\n_cell_length_a 3\n", "holds no powder pattern"),
    "b.cif": (b"data_x\nloop_\n_pd_meas_counts_total\n5\n6\n", "no two_theta for its 2"),
    "c.cif": (b"data_x\nloop_\n_pd_meas_counts_total\n_pd_x\n5\n6\n7\n", "3 values for the 2"),
    "a.raw": (b"FI\0\0", "binary file of Rigaku"),
    "b.raw": (b"abcdefgh", "begins with b'abcdefgh'"),
    "c.raw": (b"RAW1.01\0", "The file ends after 8 bytes"),
    "d.raw": (b"RAW4.00\0" + bytes(100), "The file ends after"),
    "a.udf": (b"Anode,Cu,/\n", "no line RawScan"),
    "b.udf": (b"DataAngleRange,1,9,/\nScanStepSize,1,/\nRawScan\n1,2/\n", "does not make 2 points"),
    "a.cpi": (b"SIETRONICS XRD SCAN\n1\n", "no CPI"),
    "b.cpi": (b"SIETRONICS XRD SCAN\n1\n2\nx\nSCANDATA\n5\n", "angle and step are needed"),
    "a.xdd": (b"/* a */\n1 1 4\n5 6 7\n", "no line of start, step and stop with as many"),
    "a.rd": (b"V4RD", "V3RD or V5RD is needed"),
    "b.rd": (b"V3RD" + bytes(300), "is no pattern"),
    "c.rd": (b"V3RD" + bytes(100), "ends after 104 bytes"),
    "a.asc": (b"*BEGIN\n*START = 10\n*COUNT = 3\n1, 2, 3\n", r"\*STOP and \*STEP are needed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_of_something_else(write, name):
    content, reason = WRONG[name]
    with pytest.raises(PatternReadError, match=rf"{name}: .*{reason}"):
        read_pattern(write(content, name))


def test_asc_may_be_columns(write):
    assert len(read_pattern(write("10 5\n11 6\n", "a.asc"), wavelength=1.5).two_theta) == 2


class TestSize:
    def test_files_grow_no_further_than_patterns_do(self, write):
        bomb = gzip.compress(bytes(LARGEST + 1))
        with pytest.raises(PatternReadError, match=r"unpacked file is larger than 32 MiB"):
            read_pattern(write(bomb, "a.xy.gz"))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Data0/Profile0.txt", bytes(LARGEST + 1))
        with pytest.raises(PatternReadError, match=r"Profile0\.txt is larger than 32 MiB"):
            read_pattern(write(buffer.getvalue(), "a.rasx"))

    def test_members_of_archives(self, vendors, write):
        many = vendors.zipped({f"Data{n}/Profile0.txt": b"" for n in range(10_001)})
        with pytest.raises(PatternReadError, match="The archive has 10001 members"):
            read_pattern(write(many, "a.rasx"))

    def test_all_members_of_an_archive(self, vendors, write, monkeypatch):
        with zipfile.ZipFile(io.BytesIO(vendors.brml())) as archive:
            member = archive.read("Experiment0/RawData0.xml")
        content = vendors.zipped({f"RawData{n}.xml": member for n in range(3)})
        monkeypatch.setattr(_unpacking, "_LARGEST_ARCHIVE", 3 * len(member))
        assert read_pattern(write(content, "a.brml"), scan=2).counts is not None
        monkeypatch.setattr(_unpacking, "_LARGEST_ARCHIVE", 3 * len(member) - 1)
        with pytest.raises(PatternReadError, match=r"members of the archive are larger than"):
            read_pattern(write(content, "a.brml"), scan=2)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"<a>" * 300, "more than 100 in each other"),
            (b"<a>" + b"<b/>" * 1000, "more than 1000 elements"),
            (b"<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "document type"),
        ],
    )
    def test_xml(self, write, monkeypatch, content, reason):
        monkeypatch.setattr(_unpacking, "_MOST_ELEMENTS", 1000)
        with pytest.raises(PatternReadError, match=rf"a\.xrdml: .*{reason}"):
            read_pattern(write(content, "a.xrdml"))

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.uxd", b"".join(b"_A%d=1\n" % n for n in range(1001))),
            ("b.uxd", b"_STEPSIZE=1\n" + b"_2THETA=1\n_COUNTS\n1 2\n" * 10_001),
            ("a.ras", b"*RAS_INT_START\n1 2 1\n2 3 1\n*RAS_INT_END\n" * 10_001),
            ("a.asc", b"*BEGIN\n" + b"".join(b"*A%d = 1\n" % n for n in range(1001))),
        ],
    )
    def test_headers_and_scans(self, write, name, content):
        with pytest.raises(
            PatternReadError, match=r"The file holds more than 10000 (scans|.* 1000 names)"
        ):
            read_pattern(write(content, name))

    def test_large_file(self, tmp_path):
        path = tmp_path / "a.raw"
        with path.open("wb") as file:
            file.truncate(LARGEST + 1)
        with pytest.raises(PatternReadError, match=r"a\.raw: The file is larger than 32 MiB"):
            read_pattern(path)


def test_folder_of_many_formats(vendors, write, tmp_path):
    for number, (suffix, name, kwargs) in enumerate(FILES):
        write(getattr(vendors, name)(**kwargs), f"{number}{suffix}")
    patterns = read_patterns(tmp_path)
    assert len(patterns) == len(FILES)


def test_every_suffix_is_tried():
    tried = {suffix for suffix, _, _ in FILES} | {".gsa", ".gss", ".cwn", ".xra", ".fxye", ".gda"}
    tried |= {".rd", ".sd", ".xdd"}
    columns = {".chi", ".csv", ".dat", ".prn", ".tsv", ".txt", ".xy", ".xye"}
    assert set(READERS) - tried == {".gsas", *columns}


@pytest.mark.real_data
class TestRealFiles:
    EXPECTED = {  # points, first and last angle, strongest intensity and its angle, wavelength
        "1517474.cif": (3296, 1.518, 166.268, 8440, 9.118, 2.0785),
        "2Theta.asc.gz": (7601, 4, 80, 717569, 69.14, 1.541863),
        "BT86_.UXD": (2374, 3, 40, 5774, 9.065, 1.541863),
        "Cu3Au-1.raw": (3901, 22, 100, 138, 41.5, 1.541863),
        "Li2CO3_0p9001-ZrO2_0p1000--2min.xrdml": (2071, 10.0217, 99.9959, 17121, 31.9285, 1.541874),
        "Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml": (8282, 10.0094, 99.9944, 19257, 31.9053, 1.541874),
        "MB120718Si3.ras.gz": (1401, 2, 30, 173128, 6.88, 1.541867),
        "PBSO4.CWN": (2919, 10, 155.9, 2459, 54.95, 1.909),
        "PBSO4.XRA": (6001, 10, 160, 15702, 29.65, 1.54184),
        "RM20220915Si01.rasx": (2151, 8.5, 30, 639, 21.13, 1.541867),
        "TwoTheta_scan_powder.rasx": (2726, 10, 119, 1698.5085, 32.68, 1.540593),
        "XRD-918-16_10.xrdml": (5027, 4.0066, 69.9994, 100168, 26.6169, 1.541874),
        "YBCO-A1-HG-600C-950C.brml": (4133, 4.9979, 89.9933, 5307, 5.0185, 1.541863),
        "brk_raw1.raw": (876, 4.98, 39.98, 12880, 9.14, 1.541877),
        "bruker4_v5converter.raw": (4059, 37.0001, 120.0046, 94855, 43.0137, 1.541863),
        "stoe.raw": (5404, 10, 91.045, 5824, 34.225, 1.20793),
    }

    @pytest.mark.parametrize("name", EXPECTED)
    @pytest.mark.filterwarnings("ignore::skxrd.exceptions.PatternWarning")
    def test_values(self, shared_data, name):
        pattern = read_pattern(shared_data / "measured" / name)
        top = pattern.intensity.argmax()
        found = (
            *pattern.two_theta[[0, -1]], pattern.intensity[top], pattern.two_theta[top],
            pattern.wavelength,
        )  # fmt: skip
        n_points, *expected = self.EXPECTED[name]
        assert len(pattern.two_theta) == n_points
        assert found == pytest.approx(expected, abs=1e-4)
        assert not pattern.wavelength_is_assumed

    def test_two_files_of_one_measurement(self, shared_data):
        # The round robin of PbSO4, as a histogram of GSAS to 160 and as text to 100 degrees.
        folder = shared_data / "measured"
        gsas = read_pattern(folder / "PBSO4.XRA", wavelength="CuKa")
        text = read_pattern(folder / "PbSO4_labxray_ed-16.dat", wavelength="CuKa")
        n_points = len(text.two_theta)
        np.testing.assert_allclose(gsas.two_theta[:n_points], text.two_theta, atol=1e-9)
        assert gsas.intensity[:n_points].tolist() == text.intensity.tolist()

    @pytest.mark.filterwarnings("ignore::skxrd.exceptions.PatternWarning")
    def test_another_reader_agrees(self, shared_data):
        geddes = pytest.importorskip("geddes")
        n_compared = 0
        for path in sorted((shared_data / "measured").iterdir()):
            if path.name == "README.md":
                continue
            try:
                other = geddes.read(str(path))
            except (ValueError, OSError):
                continue
            pattern = read_pattern(path)
            np.testing.assert_allclose(pattern.two_theta, other.x, rtol=0, atol=1e-9)
            np.testing.assert_array_equal(pattern.intensity, other.y)
            n_compared += 1
        assert n_compared >= 15
