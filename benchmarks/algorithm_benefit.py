"""What each semi-supervised algorithm gains over training on the labels alone.

Synthetic patterns of two classes, 250 for training, of which four a class are labeled. Lattice
strain moves the lines of a class by more than the classes differ, so that the unlabeled rows trace
the way between the labeled ones. Every algorithm trains the same network for the same number of
steps and is scored on 300 patterns that played no part in the training; the gain is paired, over
the same data sets. The last row is a second baseline that sees the labeled rows in the strong view
instead of the weak one: a part of what algorithms gain is the augmentation. Settings that differ
from the defaults stand in the table. They were chosen on the first five data sets, and so were the
default weights of PiModel, TemporalEnsembling, MeanTeacher and MixMatch: an unseen comparison takes
``--first-seed 5``.

    python benchmarks/algorithm_benefit.py [--seeds 10] [--first-seed 0] [--jobs 1] [--only NAME]

A fit takes a few seconds on one core.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import (
    UDA,
    VAT,
    AdaMatch,
    BaseAlgorithm,
    CoMatch,
    Dash,
    DeFixMatch,
    FixMatch,
    FlexMatch,
    FreeMatch,
    MeanTeacher,
    MixMatch,
    PiModel,
    PseudoLabel,
    ReFixMatch,
    ReMixMatch,
    SequenceMatch,
    SimMatch,
    SoftMatch,
    Supervised,
    TemporalEnsembling,
)
from skxrd.testing import all_classes

GRID = TwoThetaGrid(10, 80, 351)
N_UNLABELED, N_TEST = 250, 300

ALGORITHMS: list[BaseAlgorithm] = [
    Supervised(),
    PseudoLabel(),
    PiModel(),
    TemporalEnsembling(),
    MeanTeacher(),
    VAT(unlabeled_weight=0.1),
    UDA(),
    MixMatch(),
    ReMixMatch(),
    FixMatch(0.9),
    FlexMatch(0.9),
    FreeMatch(),
    SoftMatch(),
    AdaMatch(0.9),
    Dash(),
    DeFixMatch(0.9, unlabeled_weight=0.3),
    ReFixMatch(0.9),
    SequenceMatch(0.9),
    CoMatch(0.9),
    SimMatch(0.9),
]
STRONG = make_pipeline(
    PeakShift(3), PeakScaling(epsilon=0.5, mode="multiplicative"), PeakElimination(0.1)
)


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patterns, their classes, and labels of the training rows, -1 where hidden."""
    X, truth = make_patterns(
        N_UNLABELED + N_TEST, grid=GRID, class_sep=0.2, strain=0.04, random_state=seed
    )
    rng = np.random.RandomState(seed)
    y = np.full(N_UNLABELED, -1)
    for label in (0, 1):
        rows = np.flatnonzero(truth[:N_UNLABELED] == label)
        y[rng.choice(rows, 4, replace=False)] = label
    return X, truth, y


def classifier(
    algorithm: BaseAlgorithm, *, strong_labeled: bool = False
) -> SemiSupervisedClassifier:
    return SemiSupervisedClassifier(
        algorithm,
        module_params={"channels": (8, 16, 24)},
        weak_augmentation=clone(STRONG) if strong_labeled else PeakShift(1),
        strong_augmentation=STRONG,
        rendering=make_pipeline(PeakBroadener(1.0, grid=GRID), IntensityScaler("sqrt")),
        max_epochs=25,
        batch_size=6,
        lr=3e-3,
        random_state=0,
    )


def run(member: SemiSupervisedClassifier, seed: int) -> tuple[float, float]:
    """Accuracy on unseen patterns, and seconds."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, truth, y = data(seed)
    start = time.perf_counter()
    with threadpool_limits(1):
        member = clone(member).fit(X[:N_UNLABELED], y)
    seconds = time.perf_counter() - start
    return member.score(X[N_UNLABELED:], truth[N_UNLABELED:]), seconds


def mean_and_error(values: np.ndarray) -> str:
    return f"{values.mean():6.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="names of algorithms")
    arguments = parser.parse_args()

    missing = {name for name, found in all_classes() if issubclass(found, BaseAlgorithm)} - {
        type(algorithm).__name__ for algorithm in ALGORITHMS
    }
    assert missing == {"BaseAlgorithm"}, missing

    members = {repr(algorithm): classifier(algorithm) for algorithm in ALGORITHMS}
    members["Supervised(), strong view"] = classifier(Supervised(), strong_labeled=True)
    reference = None
    print(f"{'algorithm':50s}{'accuracy':>15s}{'gain':>17s}{'s per fit':>11s}")
    for name, member in members.items():
        if arguments.only and not name.startswith(("Supervised()", *arguments.only)):
            continue
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        results = Parallel(n_jobs=arguments.jobs)(delayed(run)(member, seed) for seed in seeds)
        accuracy, seconds = np.array(results).T
        reference = accuracy if reference is None else reference
        gain = mean_and_error(accuracy - reference) if accuracy is not reference else ""
        print(
            f"{name:50s}{mean_and_error(accuracy):>15s}{gain:>17s}{np.median(seconds):11.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
