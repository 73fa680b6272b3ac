"""
==================================
A measured and a simulated pattern
==================================

Is the sample what it should be? The picture that answers shows the measured points, the pattern of
the structure over them, what remains between the two, and a tick for each line. Here we draw it,
find a second phase in it, and follow a sample through a furnace.

All measurements on this page are synthetic: made from bundled structures, with the background, the
noise and the displacement of a sample that a diffractometer would add. Files of your own are read
by :func:`skxrd.io.read_pattern`.
"""

# %%
# Lines and their indices
# -----------------------
# The cubic garnet :math:`\mathrm{Li_7La_3Zr_2O_{12}}` conducts lithium well. A
# :class:`~skxrd.simulation.PeakProfile` gives its lines the widths of a laboratory instrument;
# below them ticks show every line, and the strongest carry their indices hkl. Labels that would
# overlap are left out.

import matplotlib.pyplot as plt
import numpy as np

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.augmentation import BackgroundDrift, CountingNoise, SampleDisplacement
from skxrd.datasets import load_lithium_conductors
from skxrd.inspection import PatternDisplay
from skxrd.io import MeasuredPattern
from skxrd.preprocessing import BaselineRemover
from skxrd.simulation import PeakProfile

conductors = load_lithium_conductors()
cubic, tetragonal, zirconate = (
    conductors.structures[conductors.ids.index(name)]
    for name in ("Li7La3Zr2O12-230", "Li7La3Zr2O12-142", "Li2ZrO3-15")
)
grid = TwoThetaGrid(15, 70, 2751)
profile = PeakProfile(size=80.0)
PatternDisplay.from_structure(cubic, grid=grid, profile=profile, n_labels=12)
plt.show()

# %%
# A measurement
# -------------
# The synthetic sample lies 0.05 mm or less out of the axis of the goniometer, and holds a little of
# a lithium zirconate. A glass holder adds a hump, and photons are counted.

simulator = PatternSimulator(grid, profile=profile)
garnet, impurity = simulator.transform([cubic, zirconate]).astype(float)
sample = garnet + 0.12 * impurity
for effect in (
    SampleDisplacement(0.05, grid=grid, random_state=3),
    BackgroundDrift(0.1, max_hump=0.05, grid=grid, random_state=1),
    CountingNoise(4000, 4000, random_state=0),
):
    sample = effect.fit_transform([sample])[0]
counts = np.round(4000 * sample / sample.max())
measured = MeasuredPattern(grid.two_theta, counts, wavelength=1.54184)

# %%
# Both in one picture
# -------------------
# The simulated pattern is multiplied by one factor, found by least squares, and put on the
# background. Nothing else is fitted, so that the difference below shows what is wrong: lines that
# are displaced leave a peak next to a dip, and lines of another phase stand alone.

background = counts - BaselineRemover("snip", width=4.0, grid=grid).fit_transform([counts])[0]
(lines,) = simulator.peaks([cubic])
PatternDisplay.from_comparison(
    measured,
    garnet,
    grid=grid,
    background=background,
    peaks={"garnet": lines},
    n_labels=10,
)
plt.show()

# %%
# What is left over?
# ------------------
# Weak lines show on the scale of the square root, which also makes the noise equal everywhere. With
# ticks of both phases the strangers get a name. The axis can be Q or d instead of the angle: these
# are the same for any radiation.

garnet_lines, impurity_lines = simulator.peaks([cubic, zirconate])
PatternDisplay.from_comparison(
    measured,
    garnet + 0.12 * impurity,
    grid=grid,
    background=background,
    peaks={"garnet": garnet_lines, "zirconate": impurity_lines},
    labels=["measured", "both phases"],
    intensity_scale="sqrt",
    x_axis="q",
    x_range=(1.1, 3.5),
    n_labels=8,
)
plt.show()

# %%
# Through the furnace
# -------------------
# On heating the tetragonal garnet becomes the cubic one, and pairs of lines become one. This series
# of 60 patterns imitates that, with a transformation between 550 and 700 °C and an expansion that
# is made up: one line per pattern in the color of its temperature,

temperatures = np.linspace(25, 900, 60)
fractions = np.clip((temperatures - 550) / 150, 0, 1)
series = []
for temperature, fraction in zip(temperatures, fractions, strict=True):
    phases = [phase.copy() for phase in (tetragonal, cubic)]
    for phase in phases:
        phase.apply_strain(1.5e-5 * (temperature - 25))
    low, high = PatternSimulator(grid, profile=profile).transform(phases)
    series.append((1 - fraction) * low + fraction * high)
series = np.random.default_rng(0).poisson(300 * np.array(series) + 100)

furnace = {
    "grid": grid,
    "wavelength": "CuKa",
    "values": temperatures,
    "values_label": "Temperature (°C)",
}
PatternDisplay.from_patterns(series, kind="waterfall", x_range=(24, 36), **furnace)
plt.show()

# %%
# or a row of colors for each pattern. The map takes hundreds of patterns, and small shifts are
# easiest to see in it.

tetragonal_lines, cubic_lines = simulator.peaks([tetragonal, cubic])
PatternDisplay.from_patterns(
    series,
    kind="map",
    intensity_scale="sqrt",
    x_range=(24, 54),
    peaks={"tetragonal": tetragonal_lines, "cubic": cubic_lines},
    **furnace,
)
plt.show()
