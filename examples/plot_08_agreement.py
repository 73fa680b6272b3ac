"""
=============================
How many candidates are right
=============================

The XRDMatch paper lists 200 compounds that at least five of its ten models took for superionic
conductors. The literature knows 96 of them. This example counts how many are right, looks for a
trend with the number of votes, and then judges a ranking of its own, in two ways of which one
flatters.
"""

# %%
# The paper's candidates
# ----------------------
# The table comes with skxrd. Labels are 1 for superionic and missing where nothing is known; the
# paper itself prints 0 for superionic.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors, load_xrdmatch_candidates
from skxrd.inspection import AgreementDisplay
from skxrd.metrics import agreement_by_output_frequency, enrichment_factor, precision_at_k

candidates = load_xrdmatch_candidates().frame
print(candidates.dropna(subset="label").head().to_string(index=False))

# %%
# Precision over votes
# --------------------
# On the left, candidates with exactly so many votes; on the right, those that a cut at this number
# of votes leaves. Points on the right share candidates, so that they look smoother than they are
# certain.

table = agreement_by_output_frequency(candidates["output_frequency"], candidates["label"])
print(table.round(2).to_string())

_, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, votes in zip(axes, ("exactly", "at_least"), strict=True):
    AgreementDisplay(table).plot(ax=ax, votes=votes)
axes[1].set_ylabel("")
plt.show()

# %%
# Half of the labeled candidates are conductors, whatever the votes. The Mann-Whitney test asks
# whether right candidates have more votes than wrong ones:

known = candidates.dropna(subset="label")
right = known["label"] == 1
test = mannwhitneyu(known.loc[right, "output_frequency"], known.loc[~right, "output_frequency"])
chance = test.statistic / (right.sum() * (~right).sum())
print(
    f"a right one has more votes than a wrong one: probability {chance:.2f}, p = {test.pvalue:.2f}"
)

# %%
# No trend can be seen from five votes upwards. Candidates with fewer votes are not in the table,
# and labels exist for what the literature covers. So neither the recall nor the precision among
# unknown compounds follows from it; see the page on agreement in the user guide.
#
# A ranking of our own
# --------------------
# For the bundled compounds all labels are known, so that an enrichment factor can be computed: how
# many times more conductors stand at the top than a random choice would have. A classical
# classifier ranks each compound by models that did not see it. In one case, the folds are drawn
# compound by compound; in the other, families stay together (all garnets, all argyrodites), as in
# a search for something new.

data = load_lithium_conductors()
grid = TwoThetaGrid(10, 60, 501)
X = np.sqrt(PatternSimulator(grid, fwhm=0.4).fit_transform(data.structures))
forest = ExtraTreesClassifier(100, min_samples_leaf=2, class_weight="balanced", random_state=0)
compounds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, data.target)
families = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(
    X, data.target, groups=data.frame["family"]
)
scores = {
    name: cross_val_predict(forest, X, data.target, cv=list(cv), method="predict_proba")[:, 1]
    for name, cv in {"compounds": compounds, "families": families}.items()
}

# %%
# What its top is worth
# ---------------------
# The first twenty of the ranking, with 95 % intervals:

rows = {
    (name, metric.__name__): metric(data.target, score, k=20)
    for name, score in scores.items()
    for metric in (precision_at_k, enrichment_factor)
}
print(pd.DataFrame.from_dict(rows, orient="index").iloc[:, :5].round(2).to_string())

# %%
# The enrichment over the length of the list. A random choice has 1, the dotted line is the best
# possible. Bands are 95 % intervals, each for its own length.

lengths = np.arange(5, len(data.target) + 1, 4)
_, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
looks = [("#0072B2", "-"), ("#D55E00", "--")]
for (name, score), (color, dashes) in zip(scores.items(), looks, strict=True):
    curve = pd.DataFrame([enrichment_factor(data.target, score, k=int(k)) for k in lengths])
    ax.plot(lengths, curve["value"], color=color, linestyle=dashes, label=f"folds of {name}")
    ax.fill_between(lengths, curve["low"], curve["high"], color=color, alpha=0.2, linewidth=0)
n_conductors = int(data.target.sum())
best = len(data.target) / np.maximum(lengths, n_conductors)
ax.plot(lengths, best, color="black", linestyle=":", label="best possible")
ax.axhline(1, color="0.45", linewidth=1, label="random choice")
ax.set(xlabel="Compounds at the top", ylabel="Enrichment factor", ylim=(0, None))
ax.legend(frameon=False)
plt.show()

# %%
# With folds of compounds the top holds more than twice as many conductors as a random choice. With
# whole families held out, nothing is left that is certain: the forest had recognized relatives.
# Which of the two answers counts depends on what will be screened, and literature labels, which
# come in families, tend to give the first.
