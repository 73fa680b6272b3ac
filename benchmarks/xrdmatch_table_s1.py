"""Table S1 of the XRDMatch paper, by the paper's protocol and by an honest one.

The paper judges each member and the vote on all labeled rows, the ones that each member was
trained on included (resubstitution). Here every row is also judged only by the members that never
saw it (out-of-bag). Both are printed for four ensembles of the same draws: the semi-supervised
default, the same network without unlabeled rows, extremely randomized trees on broadened patterns,
and a lookup table that has learned nothing but its own rows.

    python benchmarks/xrdmatch_table_s1.py [--seeds 5] [--jobs 2] [--epochs N] [--members 10]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from _real_data import li_pool_patterns, xrdmatch
from scipy.stats import bootstrap
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier, TwoThetaGrid
from skxrd.metrics import classification_report_table
from skxrd.preprocessing import IntensityScaler, PatternResampler, PeakBroadener
from skxrd.semi_supervised import Supervised


class LookupTable(ClassifierMixin, BaseEstimator):
    """Says "superionic" for the superionic rows it was trained on, "not" for everything else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y[y != -1])
        self.rows_ = {row.tobytes() for row in np.ascontiguousarray(X[y == self.classes_[1]])}
        return self

    def predict_proba(self, X):
        known = np.array([row.tobytes() in self.rows_ for row in np.ascontiguousarray(X)])
        return np.column_stack([~known, known]).astype(float)


def members(epochs: int | None = None) -> dict[str, tuple[object, float]]:
    """Members of the ensembles that are compared, and the part of the pool that each draws."""
    trees = make_pipeline(
        PeakBroadener(0.3),
        PatternResampler(TwoThetaGrid(0, 90, 901)),
        IntensityScaler("sqrt"),
        ExtraTreesClassifier(200),
    )
    length = {} if epochs is None else {"max_epochs": epochs}
    return {
        "semi-supervised (default)": (SemiSupervisedClassifier(**length), 0.8),
        "supervised network": (SemiSupervisedClassifier(Supervised(), **length), 0.8),
        "extremely randomized trees": (trees, 0.0),
        "lookup table": (LookupTable(), 0.0),
    }


def interval(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of macro-F1 over the labeled rows."""
    result = bootstrap(
        (truth, predicted),
        lambda t, p: f1_score(t, p, average="macro", zero_division=0),
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return tuple(result.confidence_interval)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--members", type=int, default=10)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    labels = xrdmatch()
    pool = li_pool_patterns()
    X = np.concatenate([labels.data, pool])
    y = np.concatenate([labels.target, np.full(len(pool), -1)])
    print(
        f"{len(labels.target)} labeled rows ({labels.target.sum()} superionic), "
        f"{len(pool)} unlabeled rows"
    )

    for name, (member, fraction) in members(arguments.epochs).items():
        tables, intervals, start = [], [], time.perf_counter()
        for seed in range(arguments.seeds):
            ensemble = SemiSupervisedBaggingClassifier(
                member,
                n_estimators=arguments.members,
                unlabeled_fraction=fraction,
                n_jobs=arguments.jobs,
                random_state=seed,
            ).fit(X, y)
            tables.append(
                pd.concat(
                    classification_report_table(ensemble, X, y, evaluation=evaluation)
                    for evaluation in ("out_of_bag", "resubstitution")
                )
            )
            seen = (y != -1) & (ensemble.oob_prediction_ != -1)
            intervals.append(interval(y[seen], ensemble.oob_prediction_[seen].astype(int)))
        seconds = (time.perf_counter() - start) / arguments.seeds
        print(f"\n## {name}  ({seconds:.0f} s per ensemble)")
        print(f"\nfirst seed, macro averages:\n{tables[0].round(2).to_string()}")
        scores = pd.concat(tables, keys=range(arguments.seeds))["Ensemble"].unstack("metric")
        summary = scores.groupby("evaluation")[["precision", "recall", "f1"]].agg(["mean", "std"])
        print(f"\nensemble over {arguments.seeds} seeds:\n{summary.round(3).to_string()}")
        low, high = np.mean(intervals, axis=0)
        print(f"out-of-bag macro-F1, 95 % bootstrap interval over rows: {low:.2f} to {high:.2f}")


if __name__ == "__main__":
    main()
