"""The relation of Nernst and Einstein, in the units of the laboratory."""

import numpy as np
import pytest

from skxrd.transport import nernst_einstein_conductivity, nernst_einstein_diffusivity

# Diffusivity in cm2/s, cell, and conductivity in mS/cm.
KNOWN = [
    (1.0, {"n_ions": 4, "volume": 1000, "temperature": 300}, 2.478998371e7),
    (1e-5, {"n_ions": 100, "volume": 4096, "temperature": 900}, 504.35351),
    (1e-8, {"n_ions": 24, "volume": 9.857**3, "temperature": 300}, 1.553078),
]


@pytest.mark.parametrize(("diffusivity", "cell", "expected"), KNOWN)
def test_known_values(diffusivity, cell, expected):
    sigma = nernst_einstein_conductivity(diffusivity, **cell)
    assert isinstance(sigma, float)
    assert 1000 * sigma == pytest.approx(expected, rel=3e-7)
    assert nernst_einstein_diffusivity(sigma, **cell) == pytest.approx(diffusivity, rel=1e-12)


def test_charge_counts_squared():
    cell = KNOWN[0][1]
    one, two, minus = (nernst_einstein_conductivity(1e-6, charge=z, **cell) for z in (1, 2, -1))
    assert two == pytest.approx(4 * one, rel=1e-12)
    assert minus == one


def test_intervals():
    cell = KNOWN[0][1]
    sigma = nernst_einstein_conductivity([-1e-6, 1e-6], **cell)
    assert sigma.shape == (2,)
    assert sigma[0] == -sigma[1]
    np.testing.assert_allclose(nernst_einstein_diffusivity(sigma, **cell), [-1e-6, 1e-6])


@pytest.mark.parametrize("function", [nernst_einstein_conductivity, nernst_einstein_diffusivity])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_ions": 0}, "'n_ions' parameter"),
        ({"volume": 0.0}, "'volume' parameter"),
        ({"temperature": -300}, "'temperature' parameter"),
        ({"charge": 0}, "charge must be that of a mobile ion"),
        ({"charge": float("nan")}, "charge must be that of a mobile ion"),
    ],
)
def test_bad_arguments(function, changed, message):
    with pytest.raises(ValueError, match=message):
        function(1e-6, **{**KNOWN[0][1], **changed})
