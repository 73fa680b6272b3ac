import numpy as np
import pytest

from skxrd.simulation import gaussian, lorentzian, profile_kernel, pseudo_voigt

X = np.arange(-2000, 2001) * 0.01  # 20 degrees to each side


@pytest.mark.parametrize(
    ("profile", "area"),
    [
        (gaussian(X, 0.2), 1.0),
        (lorentzian(X, 0.2), 2 / np.pi * np.arctan(2 * 20 / 0.2)),
        (pseudo_voigt(X, 0.2, 0.3), 0.7 + 0.3 * 2 / np.pi * np.arctan(2 * 20 / 0.2)),
    ],
)
def test_area_is_one_and_half_maximum_is_at_half_the_fwhm(profile, area):
    np.testing.assert_allclose(np.trapezoid(profile, X), area, rtol=1e-5)
    center = len(X) // 2
    np.testing.assert_allclose(profile[[center - 10, center + 10]] / profile[center], 0.5)


@pytest.mark.parametrize(("eta", "reach"), [(0.0, 2), (0.4, 8), (1.0, 8)])
@pytest.mark.parametrize("fwhm", [0.001, 0.06, 0.13, 2.5])
def test_kernel_is_symmetric_and_sums_to_one(fwhm, eta, reach):
    kernel = profile_kernel(fwhm, 0.02, eta=eta)
    assert kernel.ndim == 1
    assert len(kernel) % 2 == 1
    assert len(kernel) // 2 == np.ceil(round(reach * fwhm / 0.02, 6))
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-12)
    np.testing.assert_array_equal(kernel, kernel[::-1])
    assert kernel.argmax() == len(kernel) // 2


def test_kernel_has_the_width_asked_for():
    kernel = profile_kernel(0.2, 0.001, eta=0.5)
    above = np.flatnonzero(kernel >= kernel.max() / 2)
    np.testing.assert_allclose((above[-1] - above[0]) * 0.001, 0.2, atol=0.002)


def test_no_width_changes_nothing():
    np.testing.assert_array_equal(profile_kernel(0, 0.02, eta=0.5), [1.0])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: gaussian(X, 0), "fwhm"),
        (lambda: lorentzian(X, -1), "fwhm"),
        (lambda: pseudo_voigt(X, np.nan, 0.5), "fwhm"),
        (lambda: pseudo_voigt(X, 0.1, 1.5), "eta"),
        (lambda: profile_kernel(-0.1, 0.02), "fwhm"),
        (lambda: profile_kernel(0.1, 0), "step"),
        (lambda: profile_kernel(0.1, 0.02, eta=-0.1), "eta"),
    ],
)
def test_wrong_values_name_the_argument(call, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        call()
