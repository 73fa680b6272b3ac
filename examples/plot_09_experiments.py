"""
=====================
Which to measure next
=====================

A table of candidates is not yet a plan: ten patterns that are almost the same teach little more
than one, and a measurement takes weeks. ``suggest_experiments`` turns the table into a list to work
through, and ``simulate_campaign`` asks beforehand what a way to choose would have found among
compounds whose labels are known.
"""

# %%
# Known compounds and candidates
# ------------------------------
# The bundled lithium compounds have labels. The candidates are hypothetical, made from them and
# from common prototypes by exchange of ions. The lines are as wide as two steps of a coarse grid:
# the cosine of two patterns then tolerates a small shift.

import matplotlib.pyplot as plt
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors, make_lithium_pool
from skxrd.inspection import PatternDisplay
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.screening import CampaignDisplay, screen, simulate_campaign, suggest_experiments
from skxrd.supervised import LabeledOnlyClassifier

grid = TwoThetaGrid(10, 80, 141)
patterns = make_pipeline(
    PatternSimulator(grid), PeakBroadener(1.0, grid=grid), IntensityScaler("sqrt")
)

known = load_lithium_conductors()
pool = make_lithium_pool(200, random_state=0)
X = patterns.fit_transform(known.structures)
X_pool = patterns.transform(pool.structures)
y = known.target
print(f"{len(y)} known compounds, {y.sum()} of them superionic; {len(X_pool)} candidates")

# %%
# The list
# --------
# Extremely randomized trees need labels only. The table comes sorted; ``X`` must have the order of
# its rows.

classifier = LabeledOnlyClassifier(ExtraTreesClassifier(200, random_state=0)).fit(X, y)
table = screen(classifier, X_pool, formulas=pool.frame["formula"])
X_table = X_pool[table["id"]]

lists = {
    strategy: suggest_experiments(table, 6, strategy=strategy, X=X_table)
    for strategy in ("greedy", "diversity")
}
for strategy, chosen in lists.items():
    print(strategy)
    print(chosen[["formula", "score", "reason"]].round(2).to_string(), end="\n\n")

# %%
# Relatives of Li10GeP2S12 come twice in the greedy list. Weighted by the distance, those of what
# stands above them have to wait, and candidates of other kinds move up. That has its price: they
# are less probable.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
for ax, (strategy, chosen) in zip(axes, lists.items(), strict=True):
    PatternDisplay.from_patterns(
        X_pool[chosen["id"]], grid=grid, labels=chosen["formula"].tolist(), ax=ax
    )
    ax.set_title(strategy.capitalize())
plt.show()

# %%
# What would it have found?
# -------------------------
# The labels of the known compounds are hidden, but for eight, and bought four at a time. After each
# round the trees are trained again. All strategies begin with the same eight compounds, ten times.

campaign = simulate_campaign(
    LabeledOnlyClassifier(ExtraTreesClassifier(20)),
    X,
    y,
    strategy=("greedy", "diversity", "expected_finds", "uncertainty", "random"),
    n_initial=8,
    n_per_round=4,
    n_rounds=6,
    n_repeats=10,
    random_state=0,
)
CampaignDisplay(campaign).plot()
plt.show()

# %%
# In pairs
# --------
# Some starts are luckier than others, for all strategies alike, so that differences to chance are
# best taken within a repetition. The standard error is over the starts; other compounds are another
# matter.

last = campaign[campaign["round"] == campaign["round"].max()]
found = last.pivot(index="repetition", columns="strategy", values="n_found")
gain = found.drop(columns="random").sub(found["random"], axis=0)
print(gain.agg(["mean", "sem"]).round(1).to_string())

# %%
# A gain of less than twice its error says nothing. Ten starts tell that some strategies beat chance
# here, hardly which of them is best; the user guide has a larger comparison, on measured compounds.
