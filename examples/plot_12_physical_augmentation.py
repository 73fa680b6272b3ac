"""
=====================================================
Augmentations that a diffractometer would recognize
=====================================================

The augmentations of the XRDMatch paper shift a pattern by degrees and scale points of a grid. What
do samples and instruments really do? Here we look at effects in physical units, check one of them
against a structure, and see what a model meets in training when it shall read measured patterns.
"""

# %%
# How far lines move
# ------------------
# Three things move lines, each with its own dependence on the angle. A zero error of the goniometer
# moves all alike, a sample that lies too low moves them by :math:`-2 s \cos\theta / R`, and a
# lattice that is larger by the factor :math:`1 + \varepsilon` by nearly
# :math:`-2 \varepsilon \tan\theta`. To see that, we send single lines through each augmentation and
# look where they end.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.augmentation import (
    IntensityJitter,
    LatticeStrain,
    PeakShift,
    PreferredOrientation,
    SampleDisplacement,
    ZeroShift,
    physical_augmentation,
)
from skxrd.datasets import load_lithium_conductors
from skxrd.inspection import PatternDisplay
from skxrd.preprocessing import IntensityScaler, PeakBroadener

grid = TwoThetaGrid(10, 80, 3501)
angles = np.arange(15.0, 78.0, 3.0)


def largest_shift(augmentation):
    """Largest shift of each single line among many draws."""
    shifts = []
    for angle in angles:
        views = augmentation.fit_transform(np.tile(grid.bin([angle], [1.0]), (300, 1)))
        shifts.append(abs(views @ grid.two_theta / views.sum(axis=1) - angle).max())
    return np.array(shifts)


effects = {
    "paper, weak shift (150 points)": (PeakShift(150, random_state=0), "#000000", "--"),
    "LatticeStrain(0.02)": (LatticeStrain(0.02, grid=grid, random_state=0), "#D55E00", "-"),
    "LatticeStrain(0.005)": (LatticeStrain(0.005, grid=grid, random_state=0), "#E69F00", "-."),
    "SampleDisplacement(0.2)": (
        SampleDisplacement(0.2, grid=grid, random_state=0),
        "#0072B2",
        "-",
    ),
    "ZeroShift(0.05)": (ZeroShift(0.05, grid=grid, random_state=0), "#009E73", ":"),
}

figure, ax = plt.subplots(figsize=(8.5, 4), layout="constrained")
for name, (augmentation, color, style) in effects.items():
    ax.semilogy(angles, largest_shift(augmentation), style, color=color, lw=2, label=name)
ax.set(
    xlabel=r"$2\theta$ (degrees)", ylabel="largest shift (degrees)", ylim=(0.02, 6), xlim=(13, 79)
)
ax.grid(alpha=0.3, which="both")
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# The instrument accounts for hundredths of a degree, the lattice for tenths to one degree, and
# nothing moves all lines by three. Note the other difference: a strain moves lines at high angles
# farther, so that a strained pattern is no shifted pattern.
#
# A strained structure
# --------------------
# Is an augmented pattern what the strained structure would give? Iodine is larger than chlorine:
# here is the argyrodite with all its edges longer by 1 %, simulated once more from the structure,
# next to the sticks of the original moved by :class:`~skxrd.augmentation.LatticeStrain`. Its draws
# are uniform within its bounds; of 500 views we take the one that is most like the truth.

conductors = load_lithium_conductors()
argyrodite = conductors.structures[conductors.ids.index("Li6PS5Cl-216")]
larger = argyrodite.copy()
larger.apply_strain(0.01)
original, truth = PatternSimulator(grid).transform([argyrodite, larger]).astype(float)

broaden = PeakBroadener(fwhm=0.15, grid=grid).fit_transform
views = LatticeStrain(0.012, grid=grid, random_state=0).fit_transform(np.tile(original, (500, 1)))
cosines = cosine_similarity(broaden(views), broaden([truth])).ravel()
moved = views[cosines.argmax()]
unmoved = cosine_similarity(broaden([original]), broaden([truth])).item()
print(f"cosine with the strained structure: original {unmoved:.3f}, augmented {cosines.max():.3f}")

PatternDisplay.from_patterns(
    broaden(np.vstack([original, moved, truth])),
    grid=grid,
    labels=["original", "augmented", "structure strained by 1 %"],
).ax_.set_xlim(40, 80)
plt.show()

# %%
# Heights
# -------
# Few grains make each line stronger or weaker on its own (``IntensityJitter``); plates or needles
# that lie the same way do so systematically (``PreferredOrientation``, by the formula of March and
# Dollase). Without the indices of the lines the angle of their planes to the axis of the texture is
# made up, smoothly in d, and the expected height stays what it was.

jittered = IntensityJitter(0.3, grid=grid, random_state=0).fit_transform([original])[0]
textured = PreferredOrientation(1.8, grid=grid, random_state=3).fit_transform([original])[0]
PatternDisplay.from_patterns(
    broaden(np.vstack([original, jittered, textured])),
    grid=grid,
    labels=["original", "jitter of 30 %", "texture"],
).ax_.set_xlim(10, 60)
plt.show()

# %%
# What a model meets
# ------------------
# :func:`~skxrd.augmentation.physical_augmentation` puts effects together. What acts on lines does
# so in one pass, with exact positions, and the grid comes last; for ``measured=True`` lines get the
# widths of small crystallites, and strong views also a background, the noise of counting and an
# end of the scan. Each view is rendered in the same way and divided by its maximum.

family = conductors.structures[:6]
sticks = np.vstack([PatternSimulator(grid).transform(family), original[None]]).astype(float)

figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, sharey=True, layout="constrained")
scale = IntensityScaler("max").fit_transform
for row, measured in enumerate((False, True)):
    for column, strength in enumerate(("weak", "strong")):
        augmentation = physical_augmentation(
            strength, measured=measured, grid=grid, random_state=2
        ).fit(sticks)
        rows = [augmentation.transform(np.roll(sticks, k, axis=0))[k - 1] for k in range(1, 4)]
        shown = PeakBroadener(0.1, grid=grid).fit_transform(np.vstack([original, *rows]))
        ax = axes[row, column]
        PatternDisplay.from_patterns(scale(shown), grid=grid, ax=ax)
        kind = "for measured patterns" if measured else "for simulated patterns"
        ax.set_title(f"{strength}, {kind}", fontsize="medium")
        ax.label_outer()
plt.show()

# %%
# The lowest curve is the original each time. Give the pipelines to a classifier, not into its
# pipeline, and they act in training only:
#
# .. code-block:: python
#
#     SemiSupervisedClassifier(
#         weak_augmentation=physical_augmentation("weak", grid=grid),
#         strong_augmentation=physical_augmentation("strong", grid=grid),
#     )
#
# Whether a model gets better by it is a question for a comparison on your own data, see
# :ref:`sphx_glr_gallery_plot_04_compare_methods.py`; no benchmark of skxrd has answered it yet.
