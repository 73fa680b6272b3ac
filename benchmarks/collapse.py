"""How often an algorithm ends with one class for all rows, where two classes make that easy.

The network of the paper, small and without batch normalization, is trained on ten labels a class
and on unlabeled rows in the ratio 80 to 20, of synthetic patterns whose strain moves lines by more
than the classes differ. A run counts as collapsed if more than 97 % of the unlabeled rows are
predicted to be of one class. Balanced accuracies are those of the unlabeled rows, as the mean and
its standard error over the data sets; the network starts from the same weights on each.

    python benchmarks/collapse.py [--data-sets 6] [--only NAME ...]

A fit takes about two seconds on one core; the table is in Markdown.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.networks import VGG11
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import (
    AdaMatch,
    BaseAlgorithm,
    Dash,
    FixMatch,
    FlexMatch,
    FreeMatch,
    SoftMatch,
)

GRID = TwoThetaGrid(10, 80, 351)
N_LABELED_PER_CLASS = 10
N_UNLABELED = (192, 48)  # of class 0 and of class 1
COLLAPSED = 0.97

ALGORITHMS: list[BaseAlgorithm] = [
    FlexMatch(rescale="paper"),
    FlexMatch(),
    FlexMatch(class_prior="labeled"),
    FlexMatch(class_prior="estimate"),
    FlexMatch(class_prior=[0.8, 0.2]),
    FreeMatch(),
    SoftMatch(),
    AdaMatch(),
    FixMatch(),
    Dash(),
    FlexMatch(rescale="paper", unlabeled_weight=0.3),
    FlexMatch(unlabeled_weight=0.3),
]


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patterns, their classes, and the labels that are shown, -1 where hidden."""
    X, truth = make_patterns(
        1000, grid=GRID, class_sep=0.2, strain=0.04, n_prototypes_per_class=2, random_state=seed
    )
    rng = np.random.RandomState(seed)
    rows = [rng.permutation(np.flatnonzero(truth == label)) for label in (0, 1)]
    labeled = np.concatenate([some[:N_LABELED_PER_CLASS] for some in rows])
    unlabeled = np.concatenate(
        [
            some[N_LABELED_PER_CLASS : N_LABELED_PER_CLASS + n]
            for some, n in zip(rows, N_UNLABELED, strict=True)
        ]
    )
    chosen = np.concatenate([labeled, unlabeled])
    y = np.concatenate([truth[labeled], np.full(len(unlabeled), -1)])
    return X[chosen], truth[chosen], y


def classifier(algorithm: BaseAlgorithm) -> SemiSupervisedClassifier:
    return SemiSupervisedClassifier(
        algorithm,
        VGG11,
        module_params={"channels": (8, 16, 16, 16), "hidden_units": (64,)},
        weak_augmentation=PeakShift(1),
        strong_augmentation=make_pipeline(
            PeakShift(3), PeakScaling(epsilon=0.5, mode="multiplicative"), PeakElimination(0.1)
        ),
        rendering=make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        max_epochs=20,
        batch_size=10,
        lr=1e-3,
        random_state=0,
    )


def run(algorithm: BaseAlgorithm, seed: int) -> tuple[bool, float]:
    """Whether all unlabeled rows end in one class, and their balanced accuracy."""
    X, truth, y = data(seed)
    # A short training may select all rows in its last epochs, or none.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = classifier(algorithm).fit(X, y)
        predicted = fitted.predict(X[y == -1])
    share = predicted.mean()
    accuracy = balanced_accuracy_score(truth[y == -1], predicted)
    return max(share, 1 - share) > COLLAPSED, accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=6)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="of algorithms")
    arguments = parser.parse_args()
    if arguments.data_sets < 2:
        parser.error("--data-sets must be at least 2: a standard error needs two")

    n = arguments.data_sets
    print("| algorithm | collapsed | balanced accuracy |\n|---|---|---|", flush=True)
    for algorithm in ALGORITHMS:
        if arguments.only and type(algorithm).__name__ not in arguments.only:
            continue
        collapsed, accuracies = np.array([run(algorithm, seed) for seed in range(n)]).T
        error = accuracies.std(ddof=1) / np.sqrt(n)
        print(
            f"| `{algorithm!r}` | {int(collapsed.sum())} of {n} "
            f"| {accuracies.mean():.2f} ± {error:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
