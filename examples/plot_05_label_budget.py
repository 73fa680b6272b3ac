"""
=================================
How many labels, how large a pool
=================================

A label costs a measurement, an unlabeled pattern only a simulation. Which of the two is missing?
``label_budget_curve`` gives the answer for the classifier and the data at hand: it sets test rows
aside, trains with more and more labels and with more and more unlabeled rows, and writes every
score into a table.
"""

# %%
# Data
# ----
# Of 360 synthetic patterns of two classes, 120 carry a label: more than most projects have, so that
# there is something to leave out. The grid has steps of one degree, and the lines are broadened to
# match, so that a fit takes a fraction of a second.

import warnings

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelBudgetDisplay, label_budget_curve
from skxrd.networks import VGG11
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import FixMatch

grid = TwoThetaGrid(10, 80, 71)
X, y = make_patterns(
    360,
    n_lines=20,
    class_sep=0.2,
    strain=0.02,
    intensity_spread=0.5,
    labeled_fraction=1 / 3,
    grid=grid,
    random_state=0,
)
rendering = make_pipeline(PeakBroadener(2.0, grid=grid), IntensityScaler("max"))

# %%
# Two classifiers
# ---------------
# Self-training around a linear classifier is scikit-learn's own. The other is a small network with
# FixMatch, whose strong view shifts the lines by up to two degrees, about as far as the strain of
# these patterns does at high angles.

linear = make_pipeline(rendering, SelfTrainingClassifier(LogisticRegression(C=10.0), threshold=0.8))
network = SemiSupervisedClassifier(
    FixMatch(threshold=0.8, unlabeled_weight=0.3),
    VGG11,
    module_params={"channels": (8, 16), "kernel_sizes": (8, 4), "hidden_units": (32,)},
    weak_augmentation=PeakShift(0.5),
    strong_augmentation=PeakShift(2),
    rendering=rendering,
    batch_size=80,
    max_epochs=60,
    lr=3e-3,
)

# %%
# The table
# ---------
# Four folds of the labeled rows: each tests 30 of them, the same ones for all budgets. From the
# others, 3, 10 or 40 labels of each class are drawn; the rest leave the training set. Of the 240
# unlabeled rows, 24 or all are given. Macro-F1 is the default score.
#
# A batch of the network holds up to 80 labeled and 240 unlabeled rows, thus all of them: an epoch
# is one step whatever the budget. Otherwise the picture would show what a longer training does, and
# not what a larger pool does.

# With few labels FixMatch may never be confident, and warns of that; the scores tell it as well.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


curves = {
    name: label_budget_curve(
        model,
        X,
        y,
        n_labeled_per_class=(3, 10, 40),
        n_unlabeled=(24, 240),
        cv=4,
        random_state=0,
    )
    for name, model in {"Self-training, linear": linear, "FixMatch, network": network}.items()
}
table = pd.concat(curves, names=["classifier"])
budget = ["classifier", "n_labeled_per_class", "n_unlabeled"]
print(table.groupby(budget)["score"].agg(["mean", "std"]).round(2).to_string())

# %%
# The picture
# -----------
# A band is the standard deviation over the folds, to both sides of the mean.


def plot(x):
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    for ax, (name, curve) in zip(axes, curves.items(), strict=True):
        LabelBudgetDisplay(curve, score_name="Macro-F1").plot(ax=ax, x=x)
        ax.set_title(name, fontsize="medium")
    axes[0].get_legend().remove()  # the other panel has the same
    axes[1].set_ylabel("")
    plt.show()


plot("n_labeled_per_class")

# %%
# The same numbers the other way around: what the pool adds, one line for each number of labels.

plot("n_unlabeled")

# %%
# What the pool is worth
# ----------------------
# The gain from ten times the pool, with its standard error over the folds. The folds share most of
# their training rows, so that the true error is larger: a gain of less than twice this one says
# nothing.

wide = table.reset_index().pivot_table(
    index=["classifier", "n_labeled_per_class", "split"], columns="n_unlabeled", values="score"
)
gain = (wide[240] - wide[24]).groupby(level=[0, 1]).agg(["mean", "sem"])
print(gain.round(2).to_string())

# %%
# Labels help both classifiers, and far more than the pool does. Ten times the pool adds most where
# labels are fewest and the classifier is a network, and even there hardly more than chance would.
# With patterns that are as easy as these once there are enough labels, the next measurement is the
# better investment. Other data may say otherwise: the table is quickly made.
