"""
============================================
Which known conductor a candidate looks like
============================================

A candidate that a classifier proposes is easier to judge next to what it resembles. Here
hypothetical lithium compounds are compared with the bundled conductors by diffraction pattern, by
formula and by crystal structure, and drawn as a heat map in the layout of the XRDMatch paper's
Figures S3 and S4.
"""

# %%
# Known conductors and candidates
# -------------------------------
# The known conductors are bundled compounds of the superionic class, the candidates are made from
# bundled compounds and common prototypes by exchange of similar ions.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skxrd import PatternSimulator
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.screening import CompositionSimilarity, PatternSimilarity, SimilarityDisplay

data = load_lithium_conductors()
names = data.frame["formula"].to_numpy()
conductors = np.flatnonzero(data.target == 1)[:23]
simulator = PatternSimulator()
known = simulator.simulate([data.structures[row] for row in conductors])
pool = make_lithium_pool(100, random_state=0)
candidates = simulator.simulate(pool.structures)

# %%
# Patterns
# --------
# Lines are broadened to 0.5 degrees and the square root of the intensity is taken before patterns
# are compared. Rows and columns are ordered so that neighbors are alike: relatives among the known
# conductors stand side by side, and candidates from one family make a block.

display = SimilarityDisplay.from_patterns(
    candidates.patterns,
    known.patterns,
    candidate_labels=candidates.formulas,
    known_labels=names[conductors],
    colorbar_label="Cosine of the patterns",
)
plt.show()

# %%
# Patterns and formulas
# ---------------------
# The last two columns compare a candidate with the conductor whose pattern is most similar. Where
# the pattern is familiar and the formula is not, a known structure type may hold other elements.

pattern = display.similarity
formula = CompositionSimilarity().fit(known.formulas).transform(candidates.formulas)
nearest = pattern.argmax(axis=1)
table = pd.DataFrame(
    {
        "candidate": candidates.formulas,
        "nearest conductor": names[conductors][nearest],
        "pattern": pattern.max(axis=1),
        "formula": formula[np.arange(len(nearest)), nearest],
    }
)
print(table.sort_values("pattern", ascending=False).head(8).round(2).to_string(index=False))

# %%
# Errors of the goniometer
# ------------------------
# A zero error shifts all lines by the same angle. The shifted cosine undoes it up to `max_shift`;
# the plain cosine falls as the shift approaches the width of the lines.

shifts = np.arange(0, 31, 3)  # grid points of 0.02 degrees
X = known.patterns[:5]
_, ax = plt.subplots(layout="constrained")
for metric, style in (("cosine", "o-"), ("shifted_cosine", "s--")):
    similarity = PatternSimilarity(metric, max_shift=0.3).fit(X)
    means = [similarity.transform(np.roll(X, shift, axis=1)).diagonal().mean() for shift in shifts]
    color = "#0072B2" if metric == "cosine" else "#D55E00"
    ax.plot(0.02 * shifts, means, style, color=color, label=metric)
ax.axvline(0.3, color="0.5", linewidth=0.8)
ax.annotate("max_shift", (0.3, ax.get_ylim()[0]), xytext=(4, 4), textcoords="offset points")
ax.set(xlabel="Zero error (degrees)", ylabel="Similarity to the same compound")
ax.legend(frameon=False)
plt.show()

# %%
# Structures
# ----------
# `StructureSimilarity` compares crystal structures whatever their elements and needs DScribe, an
# optional dependency, so that this page does without it:
#
# .. code-block:: python
#
#     from skxrd.screening import StructureSimilarity
#
#     similarity = StructureSimilarity().fit([data.structures[row] for row in conductors])
#     similarity.transform(pool.structures)
