"""Columns of text, written with random numbers in random conventions, and read back equal."""

import bz2
import gzip
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skxrd.io import read_pattern

HEADERS = [
    "LiX",
    "Sample: LiX, 25 °C",
    "measured = 3 May",
    "User 7; Müller",
    "[Data]",
    "",
    "(deg) (cps)",
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]
PACKINGS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    separator: str
    decimal: str
    groups: bool
    quotes: bool
    exponent: str
    newline: str
    comment: str
    trailing: str
    last_newline: bool

    def number(self, text: str) -> str:
        whole, point, decimals = text.partition(".")
        if self.groups:
            whole = f"{int(whole):,}".replace(",", "." if self.decimal == "," else ",")
        written = whole + (self.decimal + decimals if point else "")
        if self.exponent and not self.groups:
            written += f"{self.exponent}+00"
        return f'"{written}"' if self.quotes else written

    def row(self, fields: list[str]) -> str:
        return self.separator.join(map(self.number, fields)) + self.trailing

    def join(self, lines: list[str]) -> str:
        return self.newline.join(lines) + (self.newline if self.last_newline else "")


@st.composite
def styles(draw) -> Style:
    separator = draw(st.sampled_from(["\t", " ", "   ", ";", "; ", ",", ", ", "|"]))
    decimal = draw(st.sampled_from([".", ","]))
    groups = draw(st.booleans())
    # A comma that separates and marks something else needs quotes.
    needed = "," in separator and (decimal == "," or groups)
    return Style(
        separator,
        decimal,
        groups,
        needed or ("," in separator and draw(st.booleans())),
        draw(st.sampled_from(["", "", "E", "e", "D"])),
        draw(st.sampled_from(["\n", "\r\n", "\r"])),
        draw(st.sampled_from(["# ", "; ", "! ", "// ", "% ", "' "])),
        draw(st.sampled_from(["", "", " ", separator])),
        draw(st.booleans()),
    )


@st.composite
def columns(draw) -> tuple[list[str], list[str]]:
    """Angles of three decimals, strictly increasing, and intensities."""
    n_points = draw(st.integers(2, 30))
    steps = draw(st.lists(st.integers(1, 4000), min_size=n_points, max_size=n_points))
    thousandths = draw(st.integers(0, 30_000)) + np.cumsum(steps)
    n_decimals = draw(st.integers(0, 3))
    heights = draw(st.lists(st.integers(0, 10**9), min_size=n_points, max_size=n_points))
    return (
        [f"{angle / 1000:.3f}" for angle in thousandths],
        [f"{height / 100:.{n_decimals}f}" for height in heights],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("text")


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    columns(),
    styles(),
    st.lists(st.sampled_from(HEADERS), max_size=4),
    st.booleans(),
    st.sampled_from(ENCODINGS),
    st.sampled_from([".xy", ".csv", ".dat", ".txt"]),
    st.sampled_from(sorted(PACKINGS)),
)
def test_what_was_written(folder, numbers, style, headers, falling, encoding, suffix, packing):
    lines = [f"{style.comment}{header}" for header in headers]
    lines += [style.row(list(row)) for row in zip(*numbers, strict=True)][:: -1 if falling else 1]
    path = folder / f"a{suffix}{packing}"
    path.write_bytes(PACKINGS[packing](style.join(lines).encode(encoding)))
    pattern = read_pattern(path, wavelength=1.5)
    assert pattern.two_theta.tolist() == list(map(float, numbers[0]))
    assert pattern.intensity.tolist() == list(map(float, numbers[1]))
    assert pattern.uncertainty is None
    assert "n_ranges" not in pattern.metadata


@settings(deadline=None, max_examples=100, derandomize=True)
@pytest.mark.filterwarnings("ignore:Columns were left out")
@given(columns(), styles(), st.permutations(["2theta", "Intensity", "esd", "Calc", "Nr"]))
def test_named_columns(folder, numbers, style, names):
    angles, heights = numbers
    if style.groups:  # whose first column has none
        names = sorted(names, key=lambda name: name != "2theta")
    columns = {
        "2theta": angles,
        "Intensity": heights,
        "esd": angles[::-1],
        "Calc": heights[::-1],
        "Nr": [str(number) for number in range(len(angles))],
    }
    title = style.separator.join(f'"{name}"' if style.quotes else name for name in names)
    rows = zip(*(columns[name] for name in names), strict=True)
    path = folder / "a.csv"
    path.write_bytes(style.join([title, *(style.row(list(row)) for row in rows)]).encode())
    pattern = read_pattern(path, wavelength=1.5)
    assert pattern.two_theta.tolist() == list(map(float, angles))
    assert pattern.intensity.tolist() == list(map(float, heights))
    assert pattern.uncertainty.tolist() == list(map(float, angles[::-1]))
    assert pattern.metadata == {"n_columns_left_out": 2}


@settings(deadline=None, max_examples=100, derandomize=True)
@given(columns(), styles(), st.randoms(use_true_random=False))
def test_uncertainties_and_order(folder, numbers, style, random):
    rows = [[angle, height, angle] for angle, height in zip(*numbers, strict=True)]
    turned = rows[::-1] if random.random() < 0.5 else rows
    path = folder / "a.xye"
    path.write_bytes(style.join([style.row(row) for row in turned]).encode())
    pattern = read_pattern(path, wavelength=1.5)
    assert pattern.intensity.tolist() == list(map(float, numbers[1]))
    assert pattern.uncertainty.tolist() == pattern.two_theta.tolist()


@settings(deadline=None, max_examples=100, derandomize=True)
@given(columns(), styles(), st.data())
def test_a_broken_number_is_never_passed_over(folder, numbers, style, data):
    lines = [style.row(list(row)) for row in zip(*numbers, strict=True)]
    place = data.draw(st.integers(0, len(lines) - 1))
    decimals = lines[place].index(style.decimal) + 2  # what is no number before is a title
    digits = [at for at, letter in enumerate(lines[place]) if letter.isdigit() and at >= decimals]
    at = data.draw(st.sampled_from(digits))
    lines[place] = lines[place][:at] + "x" + lines[place][at:]
    path = folder / "a.xy"
    path.write_bytes(style.join(lines).encode())
    with pytest.raises(ValueError, match=r"a\.xy: "):
        read_pattern(path, wavelength=1.5)


OTHER_AXES = ["Omega", "Q(1/A)", "q_nm^-1", "Theta", "Energy(keV)", "2theta(rad)", "Channel"]


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    columns(),
    styles(),
    st.lists(st.sampled_from(HEADERS[:4]), max_size=3),
    st.sampled_from(OTHER_AXES),
    st.sampled_from(["Intensity", "Counts", "I"]),
    st.booleans(),
)
def test_no_other_axis_passes(folder, numbers, style, headers, axis, name, third):
    names = [axis, name, *(["esd"] if third else [])]
    lines = [f"{style.comment}{header}" for header in headers]
    lines += [style.separator.join(f'"{one}"' if style.quotes else one for one in names)]
    lines += [style.row([*row, *row[1:][:third]]) for row in zip(*numbers, strict=True)]
    path = folder / "a.txt"
    path.write_bytes(style.join(lines).encode())
    with pytest.raises(ValueError, match=r"a\.txt: The columns are titled"):
        read_pattern(path, wavelength=1.5)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(columns(), styles(), st.sampled_from([0, 1]), st.sampled_from([".csv", ".xye", ".dat"]))
def test_numbers_of_rows_are_no_angles(folder, numbers, style, first, suffix):
    angles, heights = numbers
    rows = enumerate(zip(angles[:3], heights[:3], strict=True), start=first)
    path = folder / f"a{suffix}"
    path.write_bytes(style.join([style.row([str(i), *row]) for i, row in rows]).encode())
    if len(angles) > 2 and not style.groups:
        with pytest.raises(ValueError, match="numbers of the rows"):
            read_pattern(path, wavelength=1.5)
