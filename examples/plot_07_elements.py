"""
=========================================
Which elements are the candidates made of
=========================================

A screening leaves a long list of formulas. Before the first one is computed or made, a look at the
elements tells what kind of chemistry the classifier prefers: the one that is known to conduct, or
an accident of the labels. Here a quick ensemble screens hypothetical compounds, and two Displays
compare its candidates with all that it has seen.
"""

# %%
# Patterns
# --------
# The bundled lithium ion conductors carry labels, superionic or not. The pool is made from them and
# from common prototypes by exchange of ions. We leave out its large cells: their patterns take
# longest.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import PatternSimulator, SemiSupervisedBaggingClassifier, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.preprocessing import IntensityScaler
from skxrd.screening import ElementStatisticsDisplay, PeriodicTableDisplay, element_statistics

known = load_lithium_conductors()
pool = make_lithium_pool(600, random_state=0)
small = [len(structure) <= 20 for structure in pool.structures]
structures = [
    structure for structure, is_small in zip(pool.structures, small, strict=True) if is_small
]
formulas = pool.frame.loc[small, "formula"]

simulator = PatternSimulator(TwoThetaGrid(10, 50, 401), fwhm=0.5)
X = simulator.fit_transform([*known.structures, *structures])
y = np.concatenate([known.target, np.full(len(structures), -1)])
print(f"{len(known.target)} labeled compounds, {len(structures)} in the pool")

# %%
# Candidates
# ----------
# A candidate is a compound of the pool that at least 8 of 10 members take for superionic.

ensemble = SemiSupervisedBaggingClassifier(
    make_pipeline(
        IntensityScaler("sqrt"),
        IntensityScaler("max"),
        SelfTrainingClassifier(LogisticRegression()),
    ),
    n_estimators=10,
    random_state=0,
).fit(X, y)
votes = ensemble.vote_counts(X[y == -1])[:, 1]
predicted = formulas[votes >= 8]
print(f"{len(predicted)} candidates of {len(formulas)}")

# %%
# How far can these votes be trusted? Each labeled compound is judged by the members that were not
# trained on it. Guessing scores 0.5.

judged = ensemble.oob_prediction_[y != -1]
print(f"balanced accuracy, out-of-bag: {balanced_accuracy_score(known.target, judged):.2f}")

# %%
# Shares with their intervals
# ---------------------------
# Squares stand for the whole pool, dots for the candidates, and lines for 95 % intervals. The
# number at the right is the enrichment, the ratio of the two shares: bold where the intervals do
# not overlap, a reason to look and no proof, since pools hold whole series of relatives. With a few
# dozen candidates hardly any number is: the intervals say how little so short a list can tell.

ElementStatisticsDisplay.from_formulas(formulas, predicted, names=("Pool", "Candidates"))
plt.show()

# %%
# The same numbers as a table, the most enriched of the elements that ten compounds or more contain:

table = element_statistics(formulas, predicted)
frequent = table[table["n_compounds"] >= 10].sort_values("enrichment", ascending=False)
columns = ["n_compounds", "share", "other_share", "other_share_low", "other_share_high"]
print(frequent[[*columns, "enrichment"]].head(8).round(2).to_string())

# %%
# The periodic table
# ------------------
# How often each element occurs in the pool. Lithium is everywhere and most metals are rare, so that
# a logarithmic scale shows more. Elements that never occur stay blank.

PeriodicTableDisplay.from_formulas(formulas, log_scale=True)
plt.show()

# %%
# The enrichment of every element: orange where the candidates have more of it than the pool. There
# are no intervals here, and a rare element that happens to be absent among the candidates looks as
# dark as one that the classifier avoids. Look both up in the table above.

PeriodicTableDisplay.from_formulas(formulas, predicted, quantity="enrichment")
plt.show()

# %%
# What to make of it
# ------------------
# The classifier has seen patterns, not elements. A preference for an element comes by way of cell
# sizes and scattering power, and from the labels: families with many measured conductors draw their
# relatives along. What is enriched here says what this ensemble believes. Whether it is right, only
# labels that it has not seen can tell.
