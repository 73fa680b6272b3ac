"""How far a cross-validated score is chance when labels are few.

600 synthetic patterns of two classes, most of them unlabeled, are split again and again: the same
rows, the same labels and the same classifier, only the shuffle before the five folds differs. What
remains of a difference between two scores after that is what a search can see. The last columns
say how far the labels themselves matter: the true score, on the rows whose label was hidden.

    python benchmarks/label_noise.py [--draws 5] [--shuffles 10]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabeledFold, mask_labels
from skxrd.preprocessing import PeakBroadener

N_ROWS = 600
N_LABELED = (20, 40, 112)
N_FOLDS = 5


def make_data() -> tuple[np.ndarray, np.ndarray]:
    """Patterns on a coarse grid, broadened so that a linear classifier sees neighboring lines."""
    grid = TwoThetaGrid(10, 80, 71)
    X, y = make_patterns(
        N_ROWS, n_lines=20, class_sep=0.2, strain=0.02, intensity_spread=0.5, grid=grid,
        random_state=0,
    )  # fmt: skip
    X = PeakBroadener(2.0, grid=grid).fit_transform(X)
    return X / X.max(axis=1, keepdims=True), y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=5, help="draws of the labels")
    parser.add_argument("--shuffles", type=int, default=10, help="shuffles of each draw")
    arguments = parser.parse_args()
    start = time.perf_counter()
    X, truth = make_data()
    model = SelfTrainingClassifier(LogisticRegression(C=10.0))
    rows = []
    for n_labeled in N_LABELED:
        scores = np.empty((arguments.draws, arguments.shuffles))
        true_scores = []
        for draw in range(arguments.draws):
            y = mask_labels(truth, n_labeled // 2, random_state=draw)
            hidden = y == -1
            predicted = model.fit(X, y).predict(X[hidden])
            true_scores.append(f1_score(truth[hidden], predicted, average="macro"))
            for shuffle in range(arguments.shuffles):
                folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=shuffle)
                scores[draw, shuffle] = cross_val_score(
                    model, X, y, cv=LabeledFold(folds), scoring="masked_f1_macro"
                ).mean()
        rows.append(
            {
                "labels": n_labeled,
                "mean": scores.mean(),
                # within a draw: between shuffles of the same labels
                "SD of one 5-fold": np.sqrt(scores.var(axis=1, ddof=1).mean()),
                "lowest": scores.min(),
                "highest": scores.max(),
                "true mean": np.mean(true_scores),
                "SD over draws": np.std(true_scores, ddof=1),
            }
        )
    table = pd.DataFrame(rows).set_index("labels")
    print(
        f"Macro-F1 of self-training with logistic regression, {N_ROWS} rows, "
        f"{arguments.draws} draws of labels, {arguments.shuffles} shuffles each"
    )
    print(table.round(3).to_string())
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
