import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import LogNorm

from skxrd.datasets import load_lithium_conductors
from skxrd.screening import PeriodicTableDisplay, element_statistics

POOL = ["Li2O", "Li2S", "LiCl", "Li3PS4", "LiCoO2"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def numbers(display):
    return {symbol: text.get_text() for symbol, text in display.texts_.items()}


def face_colors(display):
    """Color of the cell of each symbol, as it is drawn."""
    display.figure_.canvas.draw()
    mesh = display.mesh_
    cells = [path.get_extents() for path in mesh.get_paths()]
    colors = {}
    for text in display.ax_.texts:
        inside = [cell.contains(*text.get_position()) for cell in cells]
        colors.setdefault(text.get_text(), tuple(mesh.get_facecolors()[inside.index(True)]))
    return colors


def test_counts():
    display = PeriodicTableDisplay.from_formulas(POOL)
    assert numbers(display) == {"Li": "5", "O": "2", "S": "2", "P": "1", "Cl": "1", "Co": "1"}
    assert display.colorbar_.ax.get_ylabel() == "Number of compounds"
    assert display.mesh_.get_clim() == (0, 5)
    assert display.figure_ is display.ax_.figure


def test_every_number_stands_below_its_element():
    values = {"H": 1, "Li": 2, "O": 3, "La": 4, "Lu": 5, "U": 6, "Og": 7}
    display = PeriodicTableDisplay(values).plot()
    places = {text.get_text(): text.get_position() for text in display.ax_.texts}
    for symbol, text in display.texts_.items():
        assert text.get_text() == str(values[symbol])
        x, y = places[symbol]
        assert text.get_position()[0] == x
        assert y < text.get_position()[1] < np.ceil(y)  # the axis points down
    assert places["H"][0] < places["O"][0] < places["Og"][0]
    assert places["Lu"][1] < places["U"][1]
    assert display.ax_.yaxis_inverted()


def test_elements_that_never_occur_are_blank():
    display = PeriodicTableDisplay({"Li": 3, "Na": 0, "K": np.nan}).plot()
    assert numbers(display) == {"Li": "3"}
    colors = face_colors(display)
    blank = matplotlib.colors.to_rgba("0.95")
    assert colors["Na"] == colors["K"] == colors["Fe"] == blank
    assert colors["Li"] != blank


@pytest.mark.parametrize("quantity", ["count", "share", "enrichment"])
@pytest.mark.parametrize("log_scale", [False, True])
def test_blank_cells_on_every_scale(quantity, log_scale):
    display = PeriodicTableDisplay({"Li": 1, "O": 0.001}, quantity=quantity).plot(
        log_scale=log_scale
    )
    assert face_colors(display)["Fe"] == matplotlib.colors.to_rgba("0.95")


def test_shares_in_percent():
    display = PeriodicTableDisplay.from_formulas(POOL, quantity="share")
    assert numbers(display)["Li"] == "100"
    assert numbers(display)["O"] == "40"
    assert display.colorbar_.ax.get_ylabel() == "Share of compounds (%)"
    rare = PeriodicTableDisplay({"Li": 1, "O": 0.0123, "S": 2e-5}, quantity="share").plot()
    assert numbers(rare) == {"Li": "100", "O": "1.2", "S": "<0.01"}


def test_enrichments():
    predicted = ["Li2S", "Li3PS4"]
    display = PeriodicTableDisplay.from_formulas(POOL, predicted, quantity="enrichment")
    pd.testing.assert_series_equal(
        display.values, element_statistics(POOL, predicted)["enrichment"], check_names=False
    )
    assert numbers(display) == {
        "Li": "1.0", "S": "2.5", "P": "2.5", "O": "0", "Cl": "0", "Co": "0"
    }  # fmt: skip
    low, high = display.mesh_.get_clim()
    assert (low, high) == (pytest.approx(0.4), pytest.approx(2.5))
    colors = face_colors(display)
    assert colors["O"] == display.mesh_.cmap(0.0)
    assert colors["S"] == display.mesh_.cmap(1.0)
    assert min(colors["Li"][:3]) > 0.94  # an enrichment of one has no color


def test_scale_of_enrichments_is_bounded():
    wild = PeriodicTableDisplay({"Li": 500.0, "O": np.inf, "S": 0.0}, quantity="enrichment").plot()
    assert wild.mesh_.get_clim() == (pytest.approx(0.1), pytest.approx(10))
    assert numbers(wild) == {"Li": "500", "O": "∞", "S": "0"}
    tame = PeriodicTableDisplay({"Li": 1.0}, quantity="enrichment").plot()
    assert tame.mesh_.get_clim() == (0.5, 2)
    nothing = PeriodicTableDisplay({"Li": 0.0}, quantity="enrichment").plot()
    assert nothing.mesh_.get_clim() == (0.5, 2)


def test_log_scale():
    values = {"Li": 10_000, "O": 1000, "S": 100, "Fe": 10}
    display = PeriodicTableDisplay(values).plot(log_scale=True)
    assert isinstance(display.mesh_.norm, LogNorm)
    assert display.mesh_.get_clim() == (10, 10_000)
    assert numbers(display)["Li"] == "10,000"
    colors = face_colors(display)
    np.testing.assert_allclose(colors["S"], display.mesh_.cmap(1 / 3))
    ticks = [tick.get_text() for tick in display.colorbar_.ax.get_yticklabels()]
    assert {"10", "100", "1,000", "10,000"} <= set(ticks)
    linear = PeriodicTableDisplay(values).plot()
    np.testing.assert_allclose(face_colors(linear)["S"], linear.mesh_.cmap(0.01))


def test_one_value_has_a_scale():
    for log_scale in (False, True):
        display = PeriodicTableDisplay({"Li": 10}).plot(log_scale=log_scale)
        low, high = display.mesh_.get_clim()
        assert low <= 10 <= high
        assert low < high
        display.figure_.canvas.draw()


def luminance(color):
    """Relative luminance of the Web Content Accessibility Guidelines."""
    rgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("quantity", ["count", "enrichment"])
def test_numbers_stand_out_from_their_cells(quantity):
    symbols = ["H", "Li", "Na", "K", "Rb", "Cs", "O", "S", "Se", "Te", "F", "Cl", "Br", "I", "Fe"]
    values = dict(zip(symbols, np.geomspace(0.1, 10, len(symbols)), strict=True))
    display = PeriodicTableDisplay(values, quantity=quantity).plot(log_scale=True)
    colors = face_colors(display)
    for symbol, text in display.texts_.items():
        pair = sorted([luminance(colors[symbol][:3]), luminance(text.get_color())])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 3, symbol  # the least for large text


def test_large_numbers_fit_into_their_cells():
    display = PeriodicTableDisplay({"Li": 1_234_567, "O": 99_999, "S": 100_000}).plot()
    assert numbers(display) == {"Li": "1M", "O": "99,999", "S": "100k"}
    display.figure_.canvas.draw()
    width = display.ax_.transData.transform([(0, 0), (1, 0)])[:, 0] @ [-1, 1]
    for text in display.texts_.values():
        assert text.get_window_extent().width < width


def test_color_map_of_the_user_is_not_changed():
    cmap = matplotlib.colormaps["magma"]
    under = tuple(cmap.get_under())
    display = PeriodicTableDisplay({"Li": 1, "O": 2}).plot(cmap=cmap)
    assert display.mesh_.cmap.name == "magma"
    assert tuple(cmap.get_under()) == under
    assert PeriodicTableDisplay({"Li": 1}).plot(cmap="magma").mesh_.cmap.name == "magma"


def test_values_of_the_user_are_not_changed():
    values = {"Li": 1.0, "O": 0.0, "S": np.nan}
    PeriodicTableDisplay(values).plot()
    assert values["O"] == 0
    assert list(values) == ["Li", "O", "S"]


@pytest.mark.parametrize("n_compounds", [10, 10_000])
def test_bundled_compounds(n_compounds):
    formulas = (list(load_lithium_conductors().frame["formula"]) * 100)[:n_compounds]
    display = PeriodicTableDisplay.from_formulas(formulas, log_scale=True)
    assert numbers(display)["Li"] == f"{n_compounds:,}"
    assert len(display.texts_) == len(element_statistics(formulas))


@pytest.mark.parametrize(
    ("values", "quantity", "message"),
    [
        ({"Xx": 1}, "count", r"symbols of elements, got \['Xx'\]"),
        ({3: 1}, "count", r"symbols of elements, got \[3\]"),
        ({"Li": -1}, "count", "between 0 and"),
        ({"Li": np.inf}, "count", "between 0 and"),
        ({"Li": 40}, "share", "between 0 and 1 for quantity='share', got {'Li': 40.0}"),
        ({"Li": -0.1}, "enrichment", "between 0 and inf"),
        ({}, "count", "at least one element that is not blank"),
        ({"Li": 0}, "count", "at least one element that is not blank"),
        ({"Li": np.nan}, "enrichment", "at least one element that is not blank"),
        ({"Li": 1}, "weight", "quantity must be one of"),
    ],
)
def test_bad_values(values, quantity, message):
    with pytest.raises(ValueError, match=message):
        PeriodicTableDisplay(values, quantity=quantity)


def test_errors():
    with pytest.raises(ValueError, match=r"symbols of elements, got \['D'\]"):
        PeriodicTableDisplay({"D": 1, "Li": 2})
    with pytest.raises(ValueError, match=r"each element once, got \['Li'\] more than once"):
        PeriodicTableDisplay(pd.Series([1, 2], index=["Li", "Li"]))
    with pytest.raises(ValueError, match="quantity='enrichment' without other"):
        PeriodicTableDisplay.from_formulas(POOL, quantity="enrichment")
    with pytest.raises(ValueError, match="quantity='count' with other"):
        PeriodicTableDisplay.from_formulas(POOL, ["Li2S"])
    with pytest.raises(ValueError, match="quantity must be one of"):
        PeriodicTableDisplay.from_formulas(POOL, quantity="weight")
    with pytest.raises(ValueError, match="formulas must hold at least one formula"):
        PeriodicTableDisplay.from_formulas([])
