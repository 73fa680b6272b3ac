"""How the defaults of SemiSupervisedClassifier were chosen: recipes on the bundled compounds.

Each run draws 10 + 10 of the bundled lithium compounds as labels and 800 of 1,000 pool structures
as unlabeled rows; the other bundled compounds are the test rows. Compounds of the test rows are
not in the pool. A recipe that is tuned here must be reported on other rows, as the other
benchmarks do.

    python benchmarks/default_recipe.py [--runs 10] [--jobs 2]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from _real_data import li_pool, li_pool_patterns
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, roc_auc_score
from threadpoolctl import threadpool_limits
from xrdmatch_table_s1 import members

from skxrd import PatternSimulator, SemiSupervisedClassifier
from skxrd._sklearn import set_random_states
from skxrd.datasets import load_lithium_conductors
from skxrd.semi_supervised import FixMatch, FlexMatch, PseudoLabel, Supervised


def recipes() -> dict[str, object]:
    """Recipes that are compared, by name."""
    return {
        "default": SemiSupervisedClassifier(),
        "supervised": SemiSupervisedClassifier(Supervised()),
        "pseudo-label": SemiSupervisedClassifier(PseudoLabel(unlabeled_weight=0.3)),
        "FixMatch, weight 1": SemiSupervisedClassifier(FixMatch()),
        "FixMatch, weight 1, lr 1e-3": SemiSupervisedClassifier(FixMatch(), lr=1e-3),
        "FlexMatch, weight 1": SemiSupervisedClassifier(FlexMatch()),
        "extremely randomized trees": members()["extremely randomized trees"][0],
    }


def run(member, X, y, pool, seed: int) -> dict[str, float]:
    warnings.simplefilter("ignore", ConvergenceWarning)
    rng = np.random.RandomState(seed)
    train = np.concatenate(
        [rng.choice(np.flatnonzero(y == code), 10, replace=False) for code in (0, 1)]
    )
    test = np.setdiff1d(np.arange(len(y)), train)
    unlabeled = pool[rng.permutation(len(pool))[: int(0.8 * len(pool))]]
    member = clone(member)
    set_random_states(member, rng)
    with threadpool_limits(1):
        if isinstance(member, SemiSupervisedClassifier):
            codes = np.concatenate([y[train], np.full(len(unlabeled), -1)])
            member.fit(np.concatenate([X[train], unlabeled]), codes)
        else:
            member.fit(X[train], y[train])
        probability = member.predict_proba(X[test])[:, 1]
        of_pool = member.predict_proba(unlabeled)[:, 1]
    return {
        "f1": f1_score(y[test], probability > 0.5, average="macro"),
        "auc": roc_auc_score(y[test], probability),
        "positive_in_pool": (of_pool > 0.5).mean(),
        "mask_rate": getattr(member, "history_", [{}])[-1].get("mask_rate", np.nan),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    data = load_lithium_conductors()
    X = PatternSimulator(n_jobs=arguments.jobs).fit_transform(data.structures)
    others = np.flatnonzero(~li_pool()["formula"].isin(set(data.frame["formula"])))
    pool = li_pool_patterns()[np.random.RandomState(0).permutation(others)[:1000]]
    print("mean over runs ± standard error; positive_in_pool: mean and standard deviation")
    for name, member in recipes().items():
        start = time.perf_counter()
        frame = pd.DataFrame(
            Parallel(n_jobs=arguments.jobs)(
                delayed(run)(member, X, data.target, pool, seed) for seed in range(arguments.runs)
            )
        )
        mean, error = frame.mean(), frame.std() / np.sqrt(arguments.runs)
        print(
            f"{name:28s} macro-F1 {mean['f1']:.3f} ± {error['f1']:.3f}  "
            f"AUC {mean['auc']:.3f} ± {error['auc']:.3f}  "
            f"positive_in_pool {mean['positive_in_pool']:.2f} "
            f"({frame['positive_in_pool'].std():.2f})  "
            f"mask rate {mean['mask_rate']:.2f}  {time.perf_counter() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
