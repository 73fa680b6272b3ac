"""
===================================
From a trajectory to a conductivity
===================================

Molecular dynamics of the lithium argyrodite Li6PS5Cl with a machine-learned potential, at several
temperatures: how far the ions go, what conductivity that makes at room temperature, and where
they go.
"""

import warnings

import matplotlib.pyplot as plt

from skxrd.datasets import load_argyrodite_trajectories
from skxrd.exceptions import TransportWarning
from skxrd.transport import (
    ArrheniusDisplay,
    ConductivityScreener,
    FrameworkCheck,
    MeanSquaredDisplacementDisplay,
    MigrationDensity,
    MigrationDensityDisplay,
    VanHove,
    VanHoveDisplay,
)

data = load_argyrodite_trajectories()
for trajectory in data.trajectories.values():
    print(trajectory)

# %%
# Has the framework held?
# -----------------------
# Potentials that learned from crystals near their minima are too soft between them. Where anions
# leave their places, the ions move in something that is no longer this crystal.

for temperature, trajectory in data.trajectories.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransportWarning)  # printed here
        check = FrameworkCheck("Li").fit(trajectory, data.structure)
    print(f"{temperature:g} K: {'held' if check.is_stable_ else '; '.join(check.messages_)}")

# %%
# Mean squared displacement
# -------------------------
# The slope of the line is six times the diffusivity. Short times show vibrations, the window of the
# fit begins where these end; the collective displacement is one path of all ions together, and
# scatters. ``ConductivityScreener`` leaves out temperatures whose framework broke.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", TransportWarning)  # short runs: see the intervals
    result = ConductivityScreener().analyze(data.trajectories, data.structure)
print("left out:", result.left_out)
MeanSquaredDisplacementDisplay.from_estimators(list(result.diffusions.values()))
plt.show()

# %%
# Extrapolation to 300 K
# ----------------------
# The interval knows the errors of the diffusivities and the distance to 300 K. It does not know
# that the potential is too soft: the laboratory found 1.3e-3 S/cm.

ArrheniusDisplay.from_estimator(
    result.arrhenius, result.used, result.values, result.errors, label="Li6PS5Cl, CHGNet"
)
plt.show()

# %%
# Where the others are
# --------------------
# The distinct part of van Hove's function at short distances: ions that follow another one into the
# site that it has left.

hottest = result.used.max()
van_hove = VanHove("Li", r_max=8).fit(data.trajectories[hottest])
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
VanHoveDisplay.from_estimator(van_hove, part="self", ax=axes[0])
VanHoveDisplay.from_estimator(van_hove, part="distinct", ax=axes[1])
figure.suptitle(f"Li6PS5Cl, {hottest:g} K")
plt.show()

# %%
# Where ions go
# -------------
# With 24 ions and 301 frames a single visit must not count: the density is smoothed, and a level
# below one visit gives a warning. Does the volume above a level go through the crystal?

density = MigrationDensity("Li", spacing=0.25, smooth=0.4).fit(data.trajectories[hottest])
level = 1e-3  # per cubic bohr and ion
for times in (0.25, 0.5, 1):
    through = density.percolates(times * level)
    print(
        f"{times * level:g} a0^-3: {100 * density.volume_fraction(times * level):.0f} % of the "
        f"volume, goes through along {sum(through)} of 3 axes"
    )

# %%

display = MigrationDensityDisplay.from_estimator(density, axis="c")
plt.show()

# %%
# The surface at which the density has the lowest of these levels, in space; ``density.to_chgcar``,
# ``to_cube`` and ``to_xsf`` write files for VESTA, where it can be turned.

display.plot_isosurface(0.25 * level)
plt.show()
