"""Every method on real labels: 20 splits of 10 + 10 labels, identical for all.

Labels are the paper's 112 rows with the whole pool as unlabeled rows (xrdmatch), or the 254 OBELiX
rows with a structure and 2,000 rows of the pool (obelix). Each split trains on 10 + 10 labeled rows
and all unlabeled ones; every other labeled row is a test row, and nothing is chosen on it: each
algorithm has its default parameters, and all networks take about as many steps. Differences to the
supervised network are paired, with the standard error over the draws, given these rows. The last
columns are the scores of the mean probability over the splits that did not draw a row (out-of-bag).

Finished fits are kept: a second call goes on where the first was interrupted.

    python benchmarks/method_comparison.py {xrdmatch,obelix} [--splits 20] [--jobs 2]
        [--figure ranks.png] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _real_data import li_pool, li_pool_patterns, obelix, simulate, xrdmatch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier

from skxrd import SemiSupervisedClassifier, TwoThetaGrid
from skxrd.datasets import get_data_home
from skxrd.model_selection import LabelDraw, MethodComparisonDisplay, compare_methods
from skxrd.preprocessing import IntensityScaler, PatternResampler, PeakBroadener
from skxrd.semi_supervised import (
    UDA,
    VAT,
    AdaMatch,
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
from skxrd.supervised import LabeledOnlyClassifier

# Passes over the unlabeled rows that make about 120 steps.
EPOCHS = {"xrdmatch": 1, "obelix": 6}


def deep(epochs: int) -> dict[str, SemiSupervisedClassifier]:
    """Networks of the default recipe, one per algorithm."""
    algorithms = {
        "supervised": Supervised(),
        "FixMatch, weight 0.3 (default)": None,
        "FixMatch": FixMatch(),
        "FixMatch, estimated prior": FixMatch(class_prior="estimate"),
        "FlexMatch": FlexMatch(),
        "FlexMatch, paper's thresholds": FlexMatch(rescale="paper"),
        "pseudo-label": PseudoLabel(),
        "Pi-model": PiModel(),
        "temporal ensembling": TemporalEnsembling(),
        "mean teacher": MeanTeacher(),
        "VAT": VAT(),
        "UDA": UDA(),
        "MixMatch": MixMatch(),
        "ReMixMatch": ReMixMatch(),
        "Dash": Dash(),
        "AdaMatch": AdaMatch(),
        "FreeMatch": FreeMatch(),
        "SoftMatch": SoftMatch(),
        "DeFixMatch": DeFixMatch(),
        "ReFixMatch": ReFixMatch(),
        "SequenceMatch": SequenceMatch(),
        "CoMatch": CoMatch(),
        "SimMatch": SimMatch(),
    }
    return {
        name: SemiSupervisedClassifier(algorithm, max_epochs=epochs)
        for name, algorithm in algorithms.items()
    }


def classical() -> dict[str, object]:
    """Methods of scikit-learn on the square root of patterns broadened by 0.3 degrees."""

    def on_features(classifier):
        return make_pipeline(
            PeakBroadener(0.3),
            PatternResampler(TwoThetaGrid(0, 90, 901)),
            IntensityScaler("sqrt"),
            classifier,
        )

    trees = ExtraTreesClassifier(200)
    supervised = {
        "extremely randomized trees": trees,
        "Gaussian process": GaussianProcessClassifier(RBF(5.0)),
        "logistic regression": LogisticRegression(max_iter=1000),
        "nearest neighbors": KNeighborsClassifier(5, weights="distance", metric="cosine"),
    }
    network = SemiSupervisedClassifier(Supervised(), max_epochs=120)
    return {
        **{name: LabeledOnlyClassifier(on_features(c)) for name, c in supervised.items()},
        "label spreading": on_features(LabelSpreading("rbf", gamma=0.1)),
        "label propagation": on_features(LabelPropagation("rbf", gamma=0.1)),
        "self-training, trees": on_features(SelfTrainingClassifier(trees, criterion="k_best")),
        "self-training, network": SelfTrainingClassifier(
            network, criterion="k_best", k_best=100, max_iter=1
        ),
    }


def load(name: str, n_jobs: int) -> tuple[np.ndarray, np.ndarray]:
    """Patterns and labels, -1 for the pool."""
    pool = li_pool_patterns()
    if name == "xrdmatch":
        data = xrdmatch()
        labeled, target = data.data, data.target
    else:
        data = obelix()
        rows = data.frame["has_cif"].to_numpy(dtype=bool)
        labeled = simulate(tuple(data.cifs[key] for key in data.frame["id"][rows]), n_jobs)
        target = data.target[rows]
        others = np.flatnonzero(~li_pool()["formula"].isin(set(data.frame["formula"][rows])))
        pool = pool[np.random.default_rng(0).choice(others, 2000, replace=False)]
    y = np.concatenate([target, np.full(len(pool), -1)])
    return np.concatenate([labeled, pool]).astype(np.float32), y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=EPOCHS)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--figure")
    parser.add_argument("--only", nargs="+")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    X, y = load(arguments.data, arguments.jobs)
    methods = {**classical(), **deep(EPOCHS[arguments.data])}
    if arguments.only:
        methods = {name: methods[name] for name in arguments.only}
    comparison = compare_methods(
        methods,
        X,
        y,
        cv=LabelDraw(arguments.splits, random_state=0),
        n_jobs=arguments.jobs,
        random_state=0,
        memory=get_data_home() / "benchmarks",
        return_predictions=True,
        verbose=1,
    )
    known = y[y != -1]
    print(
        f"{arguments.data}: {len(known)} labeled rows ({(known == 1).sum()} superionic), "
        f"{(y == -1).sum()} unlabeled, {arguments.splits} splits; mean ± standard deviation"
    )
    out_of_bag = comparison.ensemble_scores()
    order = comparison.table("f1_macro").mean().sort_values(ascending=False).index
    columns = ["f1_macro", "balanced_accuracy", "roc_auc"]
    tables = {metric: comparison.table(metric) for metric in columns}
    header = [*columns, "f1_macro minus supervised", "out-of-bag f1_macro", "out-of-bag roc_auc"]
    print("| method | " + " | ".join(header) + " |")
    print("|---" * (len(header) + 1) + "|")
    for name in order:
        cells = [f"{tables[m][name].mean():.3f} ± {tables[m][name].std():.3f}" for m in columns]
        gain = tables["f1_macro"][name] - tables["f1_macro"].get("supervised", np.nan)
        cells.append(f"{gain.mean():+.3f} ± {gain.sem():.3f}")
        cells += [f"{out_of_bag.loc[name, m]:.3f}" for m in ("f1_macro", "roc_auc")]
        print(f"| {name} | " + " | ".join(cells) + " |")
    if arguments.figure:
        display = MethodComparisonDisplay.from_comparison(comparison, metric="roc_auc")
        display.figure_.savefig(arguments.figure, dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main()
