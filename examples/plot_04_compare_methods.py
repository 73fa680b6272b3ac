"""
========================================
Comparing semi-supervised methods fairly
========================================

Which method is best for few labels? Papers answer with one data set, one split and one seed. Here
fifteen methods, networks and classics, are trained on the same draws of labels with the same seeds,
and the answer comes with its uncertainty.
"""

# %%
# Data that unlabeled rows can explain
# ------------------------------------
# Lattice strain moves the lines of a class by more than the two classes differ. Three labeled
# patterns per class do not show that; 150 unlabeled ones, between them, trace the way. All labels
# are known here, since the patterns are synthetic: a splitter draws three per class to train on,
# and every other labeled row tests.

import warnings

import matplotlib.pyplot as plt
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelDraw, MethodComparisonDisplay, compare_methods
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import (
    UDA,
    AdaMatch,
    DeFixMatch,
    FixMatch,
    FlexMatch,
    FreeMatch,
    MeanTeacher,
    MixMatch,
    PiModel,
    PseudoLabel,
    SoftMatch,
    Supervised,
)
from skxrd.supervised import LabeledOnlyClassifier

grid = TwoThetaGrid(10, 80, 351)
X, y = make_patterns(300, class_sep=0.2, strain=0.03, grid=grid, random_state=4)
y[150:] = -1

# %%
# Fifteen methods
# ---------------
# All networks are the same small one and take the same number of steps. The classics see the same
# rendering: broadened lines, square root of the intensity. A supervised classic is wrapped so that
# it never sees unlabeled rows.

rendering = make_pipeline(PeakBroadener(1.0, grid=grid), IntensityScaler("sqrt"))
network = SemiSupervisedClassifier(
    module_params={"channels": (8, 16, 24)},
    weak_augmentation=PeakShift(1),
    strong_augmentation=make_pipeline(
        PeakShift(3), PeakScaling(epsilon=0.5, mode="multiplicative"), PeakElimination(0.1)
    ),
    rendering=rendering,
    max_epochs=10,
    batch_size=6,
    lr=3e-3,
)
algorithms = [
    Supervised(),
    PseudoLabel(),
    PiModel(unlabeled_weight=1),
    MeanTeacher(unlabeled_weight=1),
    MixMatch(unlabeled_weight=5),
    UDA(),
    FixMatch(0.9),
    DeFixMatch(0.9, unlabeled_weight=0.3),
    FlexMatch(0.9),
    FreeMatch(),
    SoftMatch(),
    AdaMatch(0.9),
]
trees = ExtraTreesClassifier(100)
methods = {
    **{
        type(algorithm).__name__: SemiSupervisedClassifier(
            **{**network.get_params(deep=False), "algorithm": algorithm}
        )
        for algorithm in algorithms
    },
    "trees": LabeledOnlyClassifier(make_pipeline(rendering, trees)),
    "self-trained trees": make_pipeline(
        rendering, SelfTrainingClassifier(trees, criterion="k_best", k_best=20)
    ),
    "label spreading": make_pipeline(rendering, LabelSpreading("rbf", gamma=0.1)),
}

# %%
# Same splits, same seeds
# -----------------------
# `compare_methods` draws the splits once, and seeds every method from the split. Finished fits can
# be kept on disk (`memory`), so that an interrupted comparison goes on, and run in parallel
# (`n_jobs`).

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    comparison = compare_methods(
        methods, X, y, cv=LabelDraw(4, n_labeled_per_class=3, random_state=0), random_state=0
    )
print(comparison.summary().loc["f1_macro", ["mean", "std", "median", "fit_time"]].round(2))

# %%
# Scores of every split
# ---------------------
# Each point is a draw of labels. For most methods the spread between draws is as large as the
# differences between methods: which six patterns are labeled decides how good any of them can be.

MethodComparisonDisplay.from_comparison(comparison, kind="scores")
plt.show()

# %%
# Average ranks
# -------------
# Within a draw all methods had the same labels, so that ranks are steadier than scores. The bars
# join methods that these draws cannot tell apart (Nemenyi's critical difference): with four draws,
# a test tells the ends of the scale apart at most.

MethodComparisonDisplay.from_comparison(comparison, kind="ranks", test="nemenyi")
plt.show()

# %%
# What to take away
# -----------------
# Here most algorithms gain from unlabeled rows, because the views change what the pool varies in as
# well, and which one gains most is for more draws to tell. On measured
# conductivities the gain is smaller, see the benchmarks: compare on data of your own, against the
# supervised network and against trees, and with as many draws of labels as you can afford.

gain = comparison.differences("Supervised").set_index("method")["difference"]
print(gain.sort_values(ascending=False).round(3).to_string())
