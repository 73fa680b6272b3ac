"""
======================================
A first fit with labeled and other rows
======================================

Few compounds have been measured, many have a known structure. All of them go into one array of
patterns; in ``y``, -1 marks the rows without a label. Here we fit such a set, look at the training,
score it, and ask what the unlabeled rows were good for.
"""

# %%
# The data
# --------
# Synthetic stick patterns of two classes, each with two kinds of crystal. Lattices are strained by
# up to 3 %, heights vary, and every pattern has a few lines of its own. Of 400 training rows 12 keep
# their label; 300 more rows are held out and serve for nothing but the final comparison.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import (
    KFold,
    RepeatedStratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.inspection import PatternDisplay, TrainingDisplay
from skxrd.model_selection import LabeledFold
from skxrd.semi_supervised import FixMatch, Supervised

grid = TwoThetaGrid(0, 90, 451)


def make_data(seed):
    X, y_true = make_patterns(
        700,
        n_prototypes_per_class=2,
        n_lines=20,
        n_extra_lines=6,
        class_sep=0.4,
        strain=0.03,
        intensity_spread=0.5,
        grid=grid,
        random_state=seed,
    )
    X, X_test, y_true, y_test = train_test_split(
        X, y_true, test_size=300, stratify=y_true, random_state=seed
    )
    rows = np.arange(len(y_true))
    labeled, _ = train_test_split(rows, train_size=12, stratify=y_true, random_state=seed)
    y = np.full(len(y_true), -1)
    y[labeled] = y_true[labeled]
    return X, y, X_test, y_test


X, y, X_test, y_test = make_data(seed=0)
labels, counts = np.unique(y, return_counts=True)
print({int(label): int(count) for label, count in zip(labels, counts, strict=True)})

one_of_each = [np.flatnonzero(y == label)[0] for label in (0, 1, -1)]
PatternDisplay.from_patterns(
    X[one_of_each], grid=grid, kind="sticks", labels=["class 0", "class 1", "unlabeled"]
)
plt.show()

# %%
# The fit
# -------
# The strong augmentation shifts by up to 5 grid points (1 degree), varies heights and removes lines.
# Both views use it. The network is small, which is enough here and fast on a CPU.

strong = make_pipeline(
    PeakShift(delta=5), PeakScaling(epsilon=0.5, mode="multiplicative"), PeakElimination(0.12)
)
semi_supervised = SemiSupervisedClassifier(
    FixMatch(threshold=0.95),
    module_params={"channels": (8, 16, 32, 32)},
    weak_augmentation=strong,
    strong_augmentation=strong,
    batch_size=16,
    unlabeled_ratio=4,
    max_epochs=12,
    random_state=0,
)
semi_supervised.fit(X, y)
print(f"classes {semi_supervised.classes_}, accuracy {semi_supervised.score(X_test, y_test):.2f}")

# %%
# ``history_`` holds what happened in each epoch, and a Display draws it. The labeled loss falls; the
# mask rate is the part of the unlabeled rows whose prediction reached the threshold, so that they
# taught the network something. It has to leave zero, and a rate of one from the start would mean
# that the threshold selects nothing. FixMatch has one fixed threshold, FlexMatch one per class.

TrainingDisplay.from_estimator(semi_supervised)
plt.show()

# %%
# Scoring with few labels
# -----------------------
# Without held-out rows there is only cross-validation. A plain ``KFold`` puts unlabeled rows into
# the test folds. scikit-learn's accuracy then counts each of them as an error, for no classifier
# predicts -1. (The classifier's own ``score`` leaves them out, but a fold may hold no label at all.)
# ``LabeledFold`` tests on labeled rows only and leaves all others in training.

quick = clone(semi_supervised).set_params(max_epochs=4)
plain = cross_val_score(quick, X, y, cv=KFold(2, shuffle=True, random_state=0), scoring="accuracy")
folds = LabeledFold(RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0))
aware = cross_val_score(quick, X, y, cv=folds)
print("KFold      ", plain.round(2))
print("LabeledFold", aware.round(2))

# %%
# Even so, a test fold holds six rows: its accuracy has a standard error of 0.2 at worst.
#
# What were the unlabeled rows good for?
# --------------------------------------
# One run proves nothing. We repeat everything, data included, with five seeds, and compare three
# trainings: on labels alone with the smallest shift, on labels alone with the strong augmentation,
# and semi-supervised. The second one, the baseline that counts, gets three times as many epochs,
# since it costs little and learns slowly.

contestants = {
    "labels only, shift of 1 point": clone(semi_supervised).set_params(
        algorithm=Supervised(), weak_augmentation=PeakShift(delta=1), max_epochs=36
    ),
    "labels only, strong": clone(semi_supervised).set_params(algorithm=Supervised(), max_epochs=36),
    "semi-supervised, strong": semi_supervised,
}
accuracy = pd.DataFrame(
    index=pd.RangeIndex(1, 6, name="seed"), columns=list(contestants), dtype=float
)
for seed in accuracy.index:
    X, y, X_test, y_test = make_data(seed)
    for name, contestant in contestants.items():
        fitted = clone(contestant).set_params(random_state=seed).fit(X, y)
        accuracy.loc[seed, name] = fitted.score(X_test, y_test)

print(accuracy.T.round(2).to_string())
print(accuracy.agg(["mean", "std"]).T.round(3).to_string())

# %%
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for seed, row in accuracy.iterrows():
    ax.plot(row, np.arange(3), marker="o", color="0.6", linewidth=0.8, markersize=4)
ax.errorbar(
    accuracy.mean(),
    np.arange(3),
    xerr=accuracy.sem(),
    fmt="D",
    color="#0072B2",
    capsize=4,
    label="mean and standard error",
)
ax.set_yticks(np.arange(3), list(contestants))
ax.set(xlabel="Accuracy on 300 held-out rows", ylim=(-0.5, 2.5))
ax.legend(frameon=False, loc="lower left")
plt.show()
