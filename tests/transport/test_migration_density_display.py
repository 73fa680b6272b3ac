"""What the pictures of densities show."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("matplotlib")
from matplotlib import pyplot as plt

from skxrd.exceptions import TransportWarning
from skxrd.transport import IonTrajectory, MigrationDensity, MigrationDensityDisplay
from skxrd.transport._density._isosurface import surface_points
from skxrd.transport._density._view import density_view

TRICLINIC = np.array([[5.0, 0.0, 0.0], [1.5, 4.0, 0.0], [-1.0, 0.8, 6.0]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def density(rng):
    return rng.random((5, 4, 6))


@pytest.fixture
def display(density):
    return MigrationDensityDisplay(
        density,
        TRICLINIC,
        framework_species=["S", "P", "S"],
        framework_positions=[[0, 0, 0], [0.5, 0.5, 0.5], [0.2, 0.4, -0.1]],
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_projection_keeps_the_integral(density, axis):
    view = density_view(density, TRICLINIC, axis, None)
    corners = np.stack([view.x, view.y], axis=-1)
    edges = corners[1:, :-1] - corners[:-1, :-1], corners[:-1, 1:] - corners[:-1, :-1]
    areas = np.abs(edges[0][..., 0] * edges[1][..., 1] - edges[0][..., 1] * edges[1][..., 0])
    volume = abs(np.linalg.det(TRICLINIC))
    assert (view.values * areas).sum() == pytest.approx(density.mean() * volume)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slice_is_drawn_in_its_plane(density, axis):
    view = density_view(density, TRICLINIC, axis, 0.5)
    first, second, _ = view.axes
    lengths = np.linalg.norm(TRICLINIC, axis=1)
    assert_allclose(np.linalg.norm(view.plane, axis=1), lengths[[first, second]])
    assert view.plane[0] @ view.plane[1] == pytest.approx(TRICLINIC[first] @ TRICLINIC[second])
    # Voxel (i, j) is centered on the point (i, j) of the grid.
    middle = (view.x[1, 2] + view.x[2, 2] + view.x[1, 3] + view.x[2, 3]) / 4
    fractional = np.array([1, 2]) / view.values.shape
    assert middle == pytest.approx((fractional @ view.plane)[0])


def test_slice_takes_the_nearest_layer(display, density):
    display.plot(height=0.2)
    assert_array_equal(display.mesh_.get_array(), density[:, :, 1])
    display.plot(height=0.95, axis="a")  # nearest to the first layer of the next cell
    assert_array_equal(display.mesh_.get_array(), density[0])
    display.plot(height=-0.25, axis="b")
    assert_array_equal(display.mesh_.get_array(), density[:, 3].T)


def test_plot(display):
    figure, ax = plt.subplots()
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert ax.get_xlabel() == "Distance along a, projected (Å)"
    assert ax.get_ylabel() == "Distance perpendicular to a (Å)"
    assert display.colorbar_.ax.get_ylabel() == "Li density along c (Å$^{-2}$)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["P", "S"]
    phosphorus, sulfur = ax.collections[1:]
    assert len(sulfur.get_offsets()) == 2
    assert_allclose(phosphorus.get_offsets()[0] @ [0, 1], 0.5 * display_height(display))
    figure.canvas.draw()


def test_labels_tell_lattice_vectors_from_their_projections(density):
    # b and c lie at right angles in the plane of the paper once they are seen along a.
    lattice = np.array([[0.0, 0.0, 5.0], [0.0, 4.0, 1.0], [3.0, 0.0, 1.0]])
    projection = density_view(density, lattice, 0, None)
    assert projection.x_label == "Distance along b, projected (Å)"
    assert projection.y_label == "Distance along c, projected (Å)"
    slice_ = density_view(density, lattice, 0, 0.5)  # in its own plane, where they are as they are
    assert slice_.x_label == "Distance along b (Å)"
    assert slice_.y_label == "Distance perpendicular to b (Å)"


def display_height(display):
    """Extent of the cell upwards in the picture."""
    y = display.mesh_.get_coordinates()[..., 1]
    return y.max() - y.min()


def test_slice_shows_the_ions_near_it(display):
    display.plot(height=0.0)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["S"]
    assert display.colorbar_.ax.get_ylabel() == "Li density at 0 c (Å$^{-3}$)"
    assert display.plot(height=0.28).ax_.get_legend() is None


def test_straight_cell_and_range_of_colors(density):
    display = MigrationDensityDisplay(density, 4 * np.eye(3), species="Na").plot(axis="b", vmax=0.1)
    assert display.ax_.get_xlabel() == "Distance along c (Å)"
    assert display.ax_.get_ylabel() == "Distance along a (Å)"
    assert display.mesh_.get_clim() == (0, 0.1)
    assert display.colorbar_.extend == "max"
    assert display.ax_.get_legend() is None
    MigrationDensityDisplay(np.zeros((2, 2, 2)), np.eye(3)).plot().figure_.canvas.draw()


@pytest.mark.parametrize("lattice", [10 * np.eye(3), 2 * TRICLINIC])
def test_points_lie_on_the_surface(lattice):
    """A ball whose density falls with the distance from its center."""
    shape = np.array([40, 40, 40])
    fractions = np.stack(np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij"), axis=-1)
    center = np.full(3, 0.5) @ lattice
    distances = np.linalg.norm(fractions @ lattice - center, axis=-1)
    points, normals = surface_points(10 - distances, lattice, level=8.0)
    radii = np.linalg.norm(points - center, axis=1)
    assert len(points) > 500
    assert_allclose(radii, 2, atol=0.05)
    # Up to the sampling of the gradient on the grid.
    assert (np.einsum("ij,ij->i", normals, (points - center) / radii[:, None]) > 0.98).all()


def test_isosurface(display):
    display.density[:] = 0.01
    display.density[1:3, 1:3, 2:4] = 0.05
    assert display.plot_isosurface(0.005) is display
    assert len(display.points_.get_sizes()) == 8 + 3  # a small block is all surface
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["Li, 0.005 a$_0^{-3}$", "P", "S"]
    assert display.ax_.get_zlabel() == "z (Å)"
    display.figure_.canvas.draw()
    everywhere = display.plot_isosurface(0.01, "angstrom^-3")
    assert len(everywhere.points_.get_sizes()) == 5 * 4 * 6 - 3 * 2 * 4 + 3  # faces of the cell


def test_isosurface_that_says_little(display):
    display.one_visit = 0.6
    with pytest.warns(TransportWarning, match="single visit") as caught:
        display.plot_isosurface(0.5, "angstrom^-3")
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match=r"level is 13.5 angstrom.*at most 0\.9"):
        display.plot_isosurface(2.0)
    with pytest.raises(ValueError, match='projection="3d"'):
        display.plot_isosurface(0.7, "angstrom^-3", ax=plt.figure().add_subplot())
    with pytest.raises(ValueError, match="'unit' parameter"):
        display.plot_isosurface(0.7, "bohr")


def test_from_estimator(rng):
    positions = np.array([[0.5, 0.5, 0.5], [0, 0, 0]]) + rng.normal(0, 0.01, size=(50, 2, 3))
    trajectory = IonTrajectory(positions, 5 * np.eye(3), ["Li", "S"], time_step=20.0)
    density = MigrationDensity(smooth=0.2).fit(trajectory).set_params(species="Na")
    display = MigrationDensityDisplay.from_estimator(density, height=0.5)
    assert display.species == "Li"  # as it was fitted
    assert_array_equal(display.density, density.density_)
    assert display.one_visit == density.one_visit_
    assert display.framework_species.tolist() == ["S"]
    assert display.mesh_.get_array().max() == density.density_[:, :, 12].max()
    with pytest.raises(ValueError, match="not fitted yet"):
        MigrationDensityDisplay.from_estimator(MigrationDensity())


def test_bad_input(density):
    with pytest.raises(ValueError, match=r"got shapes \(4, 6\) and \(3, 3\)"):
        MigrationDensityDisplay(density[0], TRICLINIC)
    with pytest.raises(ValueError, match="must name each of the framework_positions"):
        MigrationDensityDisplay(density, TRICLINIC, framework_species=["S"])
    with pytest.raises(ValueError, match="'axis' parameter"):
        MigrationDensityDisplay(density, TRICLINIC).plot(axis="z")
