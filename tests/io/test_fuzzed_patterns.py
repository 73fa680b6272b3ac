"""Broken files: whatever bytes a file holds, it is read or refused with the reason.

`benchmarks/fuzz_readers.py` does the same with many more mutations of files of real instruments.
"""

import warnings

import numpy as np
import pytest

from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io import read_pattern

N_MUTATIONS = 30
TEXTS = {  # beside the files of instruments
    "a.csv": ",2theta,Intensity,esd\n" + "".join(f"{i},{i / 50},{i % 7},1\n" for i in range(60)),
    "a.dat": "LiX\n10 0.5 20\n" + "52 61 55\n" * 7,
    "a.chi": "a.tif\n2-Theta Angle (Degrees)\nIntensity\n 60\n"
    + "".join(f"{i / 50:E} {i % 7:E}\n" for i in range(60)),
    "a.txt": "# Wavelength: 0.7093 A\n2theta\tI\n(deg)\t(cps)\n"
    + "".join(f"{i / 50}\t{i % 7}\n" for i in range(60)),
    "a.xy": "Anode: Cu\n" + "".join(f"{i},5 {i % 7}\n" for i in range(60)),
    "a.xye": "/* LiX */\n" + "".join(f"{i / 50} {i % 7} 1\n" for i in range(60)),
}
FILES = {
    "a.asc": "asc",
    "a.brml": "brml",
    "a.cif": "pdcif",
    "a.cpi": "cpi",
    "a.rd": "rd",
    "a.udf": "udf",
    "a.xdd": "xdd",
    "a.gsa": "gsas",
    "a.ras": "ras",
    "a.rasx": "rasx",
    "a.uxd": "uxd",
    "a.xrdml": "xrdml",
    "b.raw": "raw1",
    "c.raw": "raw2",
    "d.raw": "raw3",
    "e.raw": "raw4",
    "f.raw": "stoe",
}


def mutated(content, rng):
    """Change, remove, repeat or insert a few bytes, or cut the end."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at, length = (int(rng.integers(len(content))) for _ in range(2))
        some = bytes(rng.integers(0, 256, rng.integers(1, 9), dtype=np.uint8))
        match rng.integers(6):
            case 0:
                content[at : at + len(some)] = some
            case 1:
                content[at] ^= 1 << int(rng.integers(8))
            case 2:
                del content[at : at + length % 64 + 1]
            case 3:
                content[at:at] = content[at : at + length % 64]
            case 4:
                number = rng.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"1e309", b"1e308", b"nan", b"-7"]
                )
                content[at : at + len(number)] = number
            case _:
                del content[len(content) // 2 + at // 2 :]
        if not content:
            return b"\0"
    return bytes(content)


@pytest.mark.parametrize("name", [*FILES, *TEXTS])
def test_read_or_refused(vendors, write, name):
    whole = TEXTS[name].encode() if name in TEXTS else getattr(vendors, FILES[name])()
    rng = np.random.default_rng(len(whole))
    reasons = []
    for _ in range(N_MUTATIONS):
        path = write(mutated(whole, rng), name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PatternWarning)  # others are errors
                pattern = read_pattern(path)
        except PatternReadError as error:
            reasons.append(str(error).removeprefix(f"{path}: "))
        else:
            assert len(pattern.two_theta) == len(pattern.intensity) >= 2
    assert reasons  # else nothing was mutated
    assert min(map(len, reasons)) > 10
    assert not any(str(path) in reason for reason in reasons)
