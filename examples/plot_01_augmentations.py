"""
============================================
What weak and strong augmentation look like
============================================

A semi-supervised classifier of the kind of XRDMatch looks at each unlabeled pattern twice: a weakly
changed view tells what it believes the pattern to be, and a strongly changed view has to agree.
This only makes sense if a change leaves the label as it is. Here we look at the changes of the
paper on a real compound and ask what they mean for a crystal.
"""

# %%
# A pattern
# ---------
# The argyrodite Li6PS5Cl is a superionic conductor; its structure comes with the package. On the
# grid of the paper, 0 to 90 degrees in steps of 0.02 degrees, its pattern is a list of sticks.

import matplotlib.pyplot as plt
import numpy as np

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import load_lithium_conductors
from skxrd.inspection import PatternDisplay
from skxrd.preprocessing import IntensityScaler, PeakBroadener

conductors = load_lithium_conductors()
argyrodite = conductors.structures[conductors.ids.index("Li6PS5Cl-216")]

grid = TwoThetaGrid()
sticks = PatternSimulator(grid).transform([argyrodite])
print(f"{np.count_nonzero(sticks)} lines on {grid.n_points} points of {grid.step:.2f} degrees")

PatternDisplay.from_structure(argyrodite, grid=grid)
plt.show()

# %%
# Weak: a shift
# -------------
# Equation 1 of the paper moves the pattern as a whole by a number of grid points that is uniform
# within (-150, 150). On this grid that is up to 3 degrees. Every call draws anew; with an integer
# ``random_state`` it draws the same again.

weak = PeakShift(delta=150, random_state=4)
views = weak.fit_transform(np.repeat(sticks, 4, axis=0))

PatternDisplay.from_patterns(
    np.vstack([sticks, views]),
    grid=grid,
    kind="sticks",
    labels=["original", "weak 1", "weak 2", "weak 3", "weak 4"],
)
plt.show()

# %%
# How much is 3 degrees? A sample that lies a little too high or low in a diffractometer moves lines
# by less than 0.1 degrees, so that no instrument explains it. A lattice does: by Bragg's law a line
# at :math:`2\theta` moves down by :math:`\delta` if all lattice spacings grow by the factor
# :math:`\sin\theta / \sin(\theta - \delta/2)`. Which growth would each of the paper's shifts need?

two_theta = np.array([15, 30, 45, 60, 90])
theta = np.radians(two_theta / 2)
print("line at (degrees)          ", *(f"{angle:5d}" for angle in two_theta))
for name, delta in [("weak", 150), ("strong", 300)]:
    shift = delta * grid.step
    growth = np.sin(theta) / np.sin(theta - np.radians(shift / 2)) - 1
    print(f"growth for {shift:.0f} degrees, {name:6s}", *(f"{value:5.0%}" for value in growth))

# %%
# Beyond what one lattice can do, therefore, and never the same for all lines. For comparison, what
# nature does when chlorine gives way to the larger bromine and iodine.

ids = ["Li6PS5Cl-216", "Li6PS5Br-216", "Li6PS5I-216"]
family = [conductors.structures[conductors.ids.index(name)] for name in ids]
halides = PatternSimulator(TwoThetaGrid(20, 55, 1751)).simulate(family)
growth = family[-1].lattice.a / family[0].lattice.a - 1
print(f"the lattice grows by {growth:.1%}")

PatternDisplay.from_patterns(
    halides.patterns,
    grid=TwoThetaGrid(20, 55, 1751),
    kind="sticks",
    labels=halides.formulas,
)
plt.show()

# %%
# Lines move by about one degree: a rigid shift of that size would imitate this family roughly. The
# paper's 3 and 6 degrees carry lines past their neighbors; they tell the network to care about the
# distances between lines more than about their places. Whether that pays is a question for a grid
# search, see :ref:`sphx_glr_gallery_plot_03_grid_search.py`.
#
# Strong: shift, scaling, elimination
# -----------------------------------
# The strong view is shifted twice as far. Then the heights change (equation 2), as they do with
# texture and with other elements on the same sites, and some lines shrink or vanish (equation 3).
# Here is one draw, step by step; each pattern is divided by its maximum, as the network sees it.

relative = IntensityScaler("max").fit_transform
shifted = PeakShift(delta=300, random_state=3).fit_transform(sticks)
scaled = PeakScaling(fraction=1.0, epsilon=0.12, random_state=3).fit_transform(shifted)
eliminated = PeakElimination(fraction=0.12, random_state=3).fit_transform(scaled)

lines = shifted > 0
print(f"scaling multiplies heights by {(scaled[lines] / shifted[lines]).mean():.2f} on average")
print(f"elimination leaves {np.count_nonzero(eliminated)} of {np.count_nonzero(scaled)} lines")

PatternDisplay.from_patterns(
    relative(np.vstack([sticks, shifted, scaled, eliminated])),
    grid=grid,
    kind="sticks",
    labels=["original", "shift", "+ scaling", "+ elimination"],
)
plt.show()

# %%
# As the equation is written, scaling makes every selected line about twice as high. With all lines
# selected, division by the maximum takes the factor out again, and a variation of some percent is
# left. ``mode="multiplicative"`` varies heights around what they were, also if few are selected.
#
# Profiles
# --------
# In a measured pattern a line is not one point but a profile that stands on a background. What does
# it mean to eliminate it? A factor for every point that is not zero, the rule for sticks, tears the
# profile apart. With ``peaks="profiles"`` a peak is a local maximum with its flanks: what stands
# above the line through the valleys on both sides is scaled, and a peak that is removed leaves its
# background behind.

measured = PeakBroadener(fwhm=0.25).fit_transform(sticks)
measured = relative(measured) + 0.15 * np.exp(-grid.two_theta / 30)

by_points = PeakElimination(fraction=0.3, random_state=3)
by_profiles = PeakElimination(fraction=0.3, peaks="profiles", random_state=3)

figure, axes = plt.subplots(3, 1, figsize=(7, 6), sharex=True, sharey=True, layout="constrained")
for ax, title, pattern in [
    (axes[0], "profile with background", measured),
    (
        axes[1],
        'eliminated with peaks="sticks": every point on its own',
        by_points.fit_transform(measured),
    ),
    (axes[2], 'eliminated with peaks="profiles": whole peaks', by_profiles.fit_transform(measured)),
]:
    PatternDisplay.from_patterns(pattern, grid=grid, ax=ax)
    ax.set_title(title, fontsize="medium")
    ax.label_outer()
axes[0].set_xlim(20, 45)
plt.show()

# %%
# The holes are no detail: a network learns to tell torn patterns from whole ones, which it will
# never meet again. The package's own recipe avoids the question where it can. Simulated patterns
# stay sticks, are augmented as sticks, and are broadened last (the parameter ``rendering`` of
# :class:`~skxrd.semi_supervised.SemiSupervisedClassifier`).
