"""The bundled Tables S3 to S5: what they hold, and that they are the printed ones."""

import re

import numpy as np
import pytest

from skxrd.datasets import load_xrdmatch_measurements
from skxrd.transport import dc_electronic_conductivity, eis_conductivity


@pytest.fixture(scope="module")
def data():
    return load_xrdmatch_measurements()


def test_shapes(data):
    assert data.sintering.shape == (5, 2)
    assert data.impedance.shape == (5, 6)
    assert data.polarization.shape == (1, 7)
    for frame in (data.sintering, data.impedance, data.polarization):
        assert set(map(str, frame.dtypes)) == {"float64"}
    assert data.sintering["sintering_temperature"].isna().tolist() == [True, *[False] * 4]


def test_impedance_agrees_with_itself_but_for_one_number(data):
    frame = data.impedance
    computed = eis_conductivity(
        frame["resistance"], thickness=frame["thickness"], area=frame["area"]
    ).value
    np.testing.assert_allclose(np.log10(computed), frame["log10_conductivity"], atol=6e-5)
    printed = frame["conductivity"].to_numpy()
    wrong = np.abs(computed - printed) > 0.5e-2 * 10 ** np.floor(np.log10(computed))
    assert frame["temperature"][wrong].tolist() == [303]
    assert computed[2] == pytest.approx(1.098e-4, abs=5e-8)
    assert "1.098e-4" in data.DESCR


def test_polarization_agrees_with_itself(data):
    (row,) = data.polarization.itertuples()
    assert row.voltage / row.current == pytest.approx(row.resistance)
    assert np.pi * row.diameter**2 / 4 == pytest.approx(row.area, abs=5e-4)
    measured = dc_electronic_conductivity(
        row.current, row.voltage, thickness=row.thickness, area=row.area
    )
    assert measured.value == pytest.approx(row.conductivity, abs=5e-11)


def test_calls_share_nothing(data):
    other = load_xrdmatch_measurements().impedance
    other.loc[0, "resistance"] = 0
    assert load_xrdmatch_measurements().impedance.loc[0, "resistance"] == 875


@pytest.mark.real_data
def test_they_are_the_printed_tables(data, shared_data):
    texts = sorted((shared_data.parent / "paper").glob("000_*.txt"))
    if not texts:
        pytest.skip("the text of the paper is not there")
    text = texts[0].read_text(encoding="utf-8")
    s3, s4, s5 = (text.index(f"Table S{n}. ") for n in (3, 4, 5))
    end = text.index("Figure S10.")
    # Table S3 lost its multiplication signs and superscripts: 2.6 times 10 to the -5 is 2.610-5.
    printed = re.findall(r"(\d\.\d)\W*10-5", text[s3:s4])
    assert [float(f"{value}e-5") for value in printed] == data.sintering["conductivity"].tolist()
    kelvin = [float(v) for v in re.findall(r"(\d+) K\b", text[s3:s4])]
    assert kelvin == data.sintering["sintering_temperature"].dropna().tolist()
    rows = re.findall(
        r"(\d{3}) ([\d.]+) ([\d.]+) (\d{3}) ([\d.]+) × 10-(\d) (-[\d.]+)", text[s4:s5]
    )
    found = [
        [*map(float, (t, area, thickness, ohm)), float(f"{value}e-{power}"), float(log)]
        for t, area, thickness, ohm, value, power, log in rows
    ]
    assert found == data.impedance.to_numpy().tolist()
    compact = re.sub(r"\s+", "", text[s5:end])
    for number in ("0.0510.785", "1.50×10-7", "0.32.00×1063.18×10-8"):
        assert number in compact
