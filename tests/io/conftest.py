"""Small files in the formats of instruments, written here by the descriptions of the formats."""

import io
import struct
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

TWO_THETA = np.linspace(10.0, 30.0, 41)
COUNTS = np.round(50 + 400 * np.exp(-(((TWO_THETA - 20) / 0.7) ** 2)))
STEP = 0.5
ALPHA1, ALPHA2, RATIO = 1.5406, 1.54439, 0.5


def numbers(values, form="{:.0f}"):
    return " ".join(form.format(value) for value in values)


def xrdml(scans=((10.0, 30.0),), axis="Gonio", points=None, intended="K-Alpha 1"):
    points = points or f"<intensities unit='counts'>{numbers(COUNTS)}</intensities>"
    found = "".join(
        f"<scan scanAxis='{axis}'><header><startTimeStamp>2024-11-14</startTimeStamp><source>"
        "<instrumentID>0815</instrumentID></source></header><dataPoints>"
        f"<positions axis='2Theta' unit='deg'><startPosition>{start}</startPosition>"
        f"<endPosition>{end}</endPosition></positions><commonCountingTime>12.5"
        f"</commonCountingTime>{points}</dataPoints></scan>"
        for start, end in scans
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<xrdMeasurements xmlns='http://www.xrdml.com/XRDMeasurement/1.5'>"
        "<sample><id>S7</id><name>LiX</name></sample><xrdMeasurement>"
        f"<usedWavelength intended='{intended}'><kAlpha1>{ALPHA1}</kAlpha1>"
        f"<kAlpha2>{ALPHA2}</kAlpha2><kBeta>1.39225</kBeta>"
        f"<ratioKAlpha2KAlpha1>{RATIO}</ratioKAlpha2KAlpha1></usedWavelength><incidentBeamPath>"
        "<radius>240</radius><xRayTube><tension>45</tension><current>40</current>"
        f"<anodeMaterial>Cu</anodeMaterial></xRayTube></incidentBeamPath>{found}"
        "</xrdMeasurement></xrdMeasurements>"
    ).encode()


def ras(axis="TwoTheta", factors=None, unit="counts", wave_type="Ka", n_scans=1):
    factors = np.ones(len(COUNTS)) if factors is None else factors
    rows = "\r\n".join(
        f"{a:.4f} {c:.4f} {f:.4f}" for a, c, f in zip(TWO_THETA, COUNTS, factors, strict=True)
    )
    header = {
        "FILE_SAMPLE": "LiX",
        "FILE_OPERATOR": "M\x83",  # not of UTF-8
        "HW_GONIOMETER_NAME": "SmartLab|SmartLab",
        "HW_XG_TARGET_NAME": "Cu",
        "HW_XG_WAVE_LENGTH_ALPHA1": ALPHA1,
        "HW_XG_WAVE_LENGTH_ALPHA2": ALPHA2,
        "HW_XG_WAVE_LENGTH_BETA": 1.39225,
        "MEAS_COND_XG_WAVE_TYPE": wave_type,
        "MEAS_SCAN_AXIS_X_INTERNAL": axis,
        "MEAS_SCAN_SPEED": 2.5,
        "MEAS_SCAN_SPEED_UNIT": "deg/min",
        "MEAS_SCAN_STEP": STEP,
        "MEAS_SCAN_UNIT_Y": unit,
    }
    told = "\r\n".join(f'*{key} "{value}"' for key, value in header.items())
    scan = (
        f"*RAS_HEADER_START\r\n{told}\r\n*RAS_HEADER_END\r\n*RAS_INT_START\r\n{rows}\r\n"
        "*RAS_INT_END\r\n"
    )
    return f"*RAS_DATA_START\r\n{n_scans * scan}*RAS_DATA_END\r\n".encode("latin-1")


def rasx():
    rows = "".join(f"{a:.4f}\t{c:.0f}\t1\r\n" for a, c in zip(TWO_THETA, COUNTS, strict=True))
    conditions = (
        "<MeasurementConditions><GeneralInformation><SampleName>LiX</SampleName>"
        "<SystemName>SmartLab</SystemName></GeneralInformation><HWConfigurations><XrayGenerator>"
        f"<TargetName>Cu</TargetName><WavelengthKalpha1>{ALPHA1}</WavelengthKalpha1>"
        f"<WavelengthKalpha2>{ALPHA2}</WavelengthKalpha2></XrayGenerator></HWConfigurations>"
        "<ScanInformation><AxisName>TwoThetaTheta</AxisName><Speed>2.5</Speed><Step>0.5</Step>"
        "<SpeedUnit>deg/min</SpeedUnit><IntensityUnit>counts</IntensityUnit></ScanInformation>"
        "</MeasurementConditions>"
    )
    return zipped(
        {
            "Data0/Profile0.txt": rows.encode("utf-8-sig"),
            "Data0/MesurementConditions0.xml": conditions.encode("utf-8-sig"),
        }
    )


def asc():
    rows = "\n".join(", ".join(f"{c:.0f}" for c in COUNTS[at : at + 4]) for at in range(0, 41, 4))
    return (
        "*TYPE\t=  Raw\n*SAMPLE\t=  LiX\n*GONIO\t=  SmartLab, 0.0\n*TARGET\t=  29\n"
        f"*WAVE_LENGTH1\t=  {ALPHA1}\n*WAVE_LENGTH2\t=  {ALPHA2}\n*SCAN_AXIS\t=  2theta/theta\n"
        "*YUNIT\t=  counts\n*BEGIN\n*START\t=  10\n*STOP\t=  30\n*STEP\t=  0.5\n"
        f"*COUNT\t=  41\n{rows}\n*END\n\n*EOF\n"
    ).encode()


def brml(axis="TwoTheta", with_views=True, length=1):
    rows = "".join(
        f"<Datum>1.2,1,{a:.4f},{a / 2:.4f},{c:.0f}</Datum>"
        for a, c in zip(TWO_THETA, COUNTS, strict=True)
    )
    views = (
        "<DataViews><RawDataView Start='0' Length='1' LogicName='MeasuredTime'/>"
        "<RawDataView Start='2' Length='2'><Varying>"
        f"<FieldDefinitions FieldName='{axis}'/><FieldDefinitions FieldName='Theta'/></Varying>"
        f"</RawDataView><RawDataView Start='4' Length='{length}'><Recording/></RawDataView>"
        "</DataViews>"
    )
    xml = (
        "<?xml version='1.0'?><RawData><TimeStampStarted>2025-12-08</TimeStampStarted><DataRoutes>"
        "<DataRoute RouteFlag='Final'/><DataRoute RouteFlag='Measured'><ScanInformation "
        "VisibleName='Coupled TwoTheta/Theta'><TimePerStep>1.2</TimePerStep><ScanAxes>"
        f"<ScanAxisInfo AxisId='{axis}'/><ScanAxisInfo AxisId='Theta'/></ScanAxes>"
        f"</ScanInformation>{rows}{views if with_views else ''}</DataRoute></DataRoutes>"
        "<FixedInformation><InfoItem Name='SampleName' Value='LiX'/><Tube><WaveLengthAlpha1 "
        f"Value='{ALPHA1}'/><WaveLengthAlpha2 Value='{ALPHA2}'/><WaveLengthRatio Value='{RATIO}'/>"
        "<TubeMaterial>Cu</TubeMaterial></Tube></FixedInformation>"
        "<Identifier MachineName='D6'/></RawData>"
    )
    return zipped({"Experiment0/RawData0.xml": xml.encode()})


def uxd(drive="COUPLED", kind="_2THETACOUNTS", values=None):
    if kind.startswith("_2THETA"):
        values = values or "\n".join(
            f"{a:.3f}\t{c:.0f}" for a, c in zip(TWO_THETA, COUNTS, strict=True)
        )
    else:
        values = values or "\n".join(numbers(COUNTS[at : at + 10]) for at in range(0, 41, 10))
    return (
        f"; converted\n_FILEVERSION=2\n_SAMPLE='LiX'\n_SITE='D8'\n_WL1={ALPHA1}\n_WL2={ALPHA2}\n"
        f"_WLRATIO={RATIO}\n_ANODE='Cu'\n; (Data for Range number 1)\n_DRIVE='{drive}'\n"
        f"_STEPTIME=0.5\n_STEPSIZE={STEP}\n_START=10.0\n_2THETA=10.0\n{kind}\n{values}\n"
    ).encode()


def gsas(kind="STD", binning="CONST", title="LiX   Cu Ka"):
    if kind == "STD":
        fields = [f"{n:2d}{c:6.0f}" for n, c in zip(1 + np.arange(41) % 2, COUNTS, strict=True)]
        per_line = 10
    elif kind == "ESD":
        fields = [f"{c:8.1f}{np.sqrt(c):8.2f}" for c in COUNTS]
        per_line = 5
    else:
        fields = [
            f"{100 * a:12.3f}{c:12.3f}{np.sqrt(c):12.5f}"
            for a, c in zip(TWO_THETA, COUNTS, strict=True)
        ]
        per_line = 1
    lines = ["".join(fields[at : at + per_line]) for at in range(0, len(fields), per_line)]
    bank = f"BANK 1 {len(COUNTS)} {len(lines)} {binning} 1000.0 50.0 0 0 {kind}"
    return "".join(f"{line:80s}\r\n" for line in [title, bank, *lines]).encode()


def pdcif(intensity="_pd_meas_counts_total", with_angles=True, wavelength="1.54184"):
    values = [f"{c:.0f}" for c in COUNTS]
    if "intensity" in intensity:
        values = [f"{c:.0f}({np.sqrt(c):.0f})" for c in COUNTS]
    if with_angles:
        values = [f"{a:.3f} {v}" for a, v in zip(TWO_THETA, values, strict=True)]
    range_of_angles = (
        "_pd_proc_2theta_range_min 10.0\n_pd_proc_2theta_range_max 30.0\n"
        "_pd_proc_2theta_range_inc 0.5\n"
    )
    return (
        "#\\#CIF_1.1\ndata_LiX\n_pd_block_id 'O''Hara''s sample'\n_chemical_name ? # none\n"
        "_publ_text\n;\nloop_\n _pd_meas_2theta_scan\n;\n"
        f"_diffrn_radiation_wavelength {wavelength}\n"
        "loop_\n_atom_site_label\n_atom_site_x\nLi1 0.25\n"
        f"{'' if with_angles else range_of_angles}"
        f"loop_\n{'_pd_meas_2theta_scan' if with_angles else ''}\n{intensity}\n"
        + "\n".join(values)
        + "\ndata_other\n_cell_length_a 3.0\n"
    ).encode()


def raw1(n_ranges=1):
    scans = [
        struct.pack("<IffI4xffff32sff72xI", len(COUNTS), 4.0, STEP, 0, start, 0, 0, 0, b"LiX  ",
                    ALPHA1, ALPHA2, more)
        + COUNTS.astype("<f4").tobytes()
        for start, more in zip(10.0 + 30.0 * np.arange(n_ranges), [1] * (n_ranges - 1) + [0],
                               strict=True)
    ]  # fmt: skip
    return b"RAW " + b"RAW ".join(scans)


def raw2():
    header = bytearray(256)
    struct.pack_into("<4sH", header, 0, b"RAW2", 1)
    struct.pack_into("<20s2sfff", header, 168, b"01-Jan-1999", b"Cu", ALPHA1, ALPHA2, RATIO)
    scan = struct.pack("<HH4xfff26xH", 48, len(COUNTS), 4.0, STEP, 10.0, 298)
    return bytes(header) + scan + COUNTS.astype("<f4").tobytes()


def raw3(kind=0, starts=(10.0,), times=None, extra=0):
    header = bytearray(712)
    struct.pack_into("<8sII10s10s", header, 0, b"RAW1.01", 1, len(starts), b"06/05/08", b"11:45:35")
    struct.pack_into("<60s", header, 326, b"LiX")
    struct.pack_into("<4s4xddddd", header, 608, b"Cu", 1.5418, ALPHA1, ALPHA2, 1.39222, RATIO)
    content = bytes(header)
    for start, time in zip(starts, times or [0.5] * len(starts), strict=True):
        scan = bytearray(304)
        struct.pack_into("<IIdd", scan, 0, 304, len(COUNTS), start / 2, start)
        struct.pack_into("<d8xfI", scan, 176, STEP, time, kind)
        struct.pack_into("<II", scan, 224, 40, 30)
        struct.pack_into("<III", scan, 248, 0, 4, extra)
        content += bytes(scan) + bytes(extra) + COUNTS.astype("<f4").tobytes()
    return content


def raw4(drive=b"2Theta", scan_type=b"Locked Coupled", record=8):
    header = bytearray(61)
    struct.pack_into("<8s4x12s10s", header, 0, b"RAW4.00", b"08/30/2021", b"20:35:58")
    name = struct.pack("<II4x24s3s", 10, 39, b"SAMPLEID", b"LiX")
    source = bytearray(136)
    struct.pack_into("<II", source, 0, 30, 136)
    struct.pack_into("<ddddd4x4s", source, 72, 1.5418, ALPHA1, ALPHA2, 1.39222, RATIO, b"Cu")
    drives = bytearray(92)
    struct.pack_into("<III24s20xd", drives, 0, 50, 92, 2, drive, 10.0)
    scan = bytearray(160)
    struct.pack_into("<24s16xddIf", scan, 32, scan_type, 10.0, STEP, len(COUNTS), 288.0)
    struct.pack_into("<ff", scan, 100, 40.0, 30.0)
    struct.pack_into("<II", scan, 136, record, len(drives))
    points = np.zeros(len(COUNTS), [("counts", "<f4"), ("rest", "V", max(record - 4, 1))])
    points["counts"] = COUNTS
    body = points.tobytes() if record > 4 else COUNTS.astype("<f4").tobytes()
    return bytes(header) + name + bytes(source) + bytes(scan) + bytes(drives) + body


def stoe(form=0, n_done=1):
    header = bytearray(512)
    struct.pack_into(
        "<8s8s16s80s192s", header, 0, b"RAW_1.06", b"Powdat", b"22-Sep-20", b"LiX", b""
    )
    struct.pack_into("<2hff", header, 318, 40, 30, ALPHA1, ALPHA2)
    struct.pack_into(
        "<i5h8h", header, 466, len(COUNTS), 1, 0, 2, 3, 0, *([2] * n_done), *([0] * (8 - n_done))
    )
    scan = bytearray(512)
    struct.pack_into(
        "<4hf7f", scan, 32, 0, len(COUNTS), 0, form, 0.0, 10.0, 5.0, 30.0, 15.0, STEP, 0.25, 12.0
    )
    body = COUNTS.astype("<i2" if form else "<i4").tobytes()
    return bytes(header + scan) + body.ljust(512, b"\0")  # fmt: skip


def udf():
    rows = ",\n".join(", ".join(f"{c:8.0f}" for c in COUNTS[at : at + 8]) for at in range(0, 41, 8))
    return (
        "SampleIdent,LiX ,/\nTitle1,Dat2rit program ,/\nDiffrType,PW1710,/\nAnode,Cu,/\n"
        f"LabdaAlpha1, {ALPHA1},/\nLabdaAlpha2, {ALPHA2},/\nRatioAlpha21, {RATIO},/\n"
        "GeneratorVoltage,  40,/\nDataAngleRange,  10.0000,  30.0000,/\n"
        f"ScanStepSize,    {STEP},/\nScanStepTime,    1.00,/\nRawScan\n{rows}/\n"
    ).encode()


def rd(version=b"V5RD"):
    content = bytearray({b"V3RD": 250, b"V5RD": 810}[version])
    content[:4] = version
    content[146:149] = b"LiX"
    struct.pack_into("<ddd", content, 214, STEP, 10.0, 30.0)
    return bytes(content) + np.ceil(10 * np.sqrt(COUNTS)).astype("<u2").tobytes()


def cpi():
    head = [
        "SIETRONICS XRD SCAN",
        10.0,
        30.0,
        STEP,
        "Cu",
        1.54186,
        "1-1-1900",
        0.6,
        "LiX",
        "SCANDATA",
    ]
    return "\r\n".join(map(str, [*head, *COUNTS.astype(int), ""])).encode()


def xdd(comment="/* LiX, Cu Kα\n   second line */"):
    return f"{comment}\n10.0 {STEP} 30.0\n{numbers(COUNTS)}\n".encode()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def vendors():
    """Functions that write files, and what these files hold."""
    functions = (
        xrdml, ras, rasx, asc, brml, uxd, gsas, pdcif, raw1, raw2, raw3, raw4, stoe, udf, rd, cpi,
        xdd, zipped
    )  # fmt: skip
    return SimpleNamespace(
        two_theta=TWO_THETA, counts=COUNTS, **{write.__name__: write for write in functions}
    )


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="sample.xy"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file
