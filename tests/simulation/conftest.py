import pytest
from pymatgen.core import Lattice, Structure


def _olivine():
    return Structure.from_spacegroup(
        "Pnma",
        Lattice.orthorhombic(10.33, 6.01, 4.69),
        ["Li", "Fe", "P", "O", "O", "O"],
        [
            [0, 0, 0],
            [0.282, 0.25, 0.975],
            [0.095, 0.25, 0.418],
            [0.097, 0.25, 0.743],
            [0.457, 0.25, 0.206],
            [0.166, 0.047, 0.285],
        ],
    )


@pytest.fixture(scope="session")
def structures():
    """Known cells by formula; two of them with partly occupied or mixed sites."""
    rock_salt = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return {
        "Si": Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]]),
        "NaCl": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na+", "Cl-"], rock_salt),
        "LiFePO4": _olivine(),
        "half": Structure.from_spacegroup(
            "Fm-3m", Lattice.cubic(5.5), [{"Li": 0.5}, {"Cl": 0.75, "Br": 0.25}], rock_salt
        ),
    }
