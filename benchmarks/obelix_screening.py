"""Screening with the measured conductivities of OBELiX: out-of-bag score over several seeds.

Labels are the 254 OBELiX rows with a structure (superionic from 1e-4 S/cm), unlabeled rows are
drawn from the pool of lithium structures. The default ensemble is compared with the same network
without unlabeled rows and with extremely randomized trees. With --families, whole families of
compounds are held out instead: the score for compounds unlike anything labeled.

    python benchmarks/obelix_screening.py [--seeds 5] [--jobs 2] [--unlabeled 2000] [--families]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from _real_data import li_pool, li_pool_patterns, obelix, simulate
from pymatgen.core import Composition
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from xrdmatch_table_s1 import interval, members

from skxrd import SemiSupervisedBaggingClassifier
from skxrd.datasets import load_lithium_conductors
from skxrd.metrics import classification_report_table
from skxrd.model_selection import LabeledFold


def unlike_bundled(formulas) -> np.ndarray:
    """Tell compounds that played no part in the choice of the defaults (see default_recipe.py).

    Their atomic fractions differ from those of every bundled compound by more than 0.01.
    """
    bundled = load_lithium_conductors().frame["formula"]
    known = [Composition(formula).fractional_composition for formula in bundled]
    return np.array(
        [
            not any(
                Composition(formula).fractional_composition.almost_equals(
                    other, rtol=0.01, atol=0.01
                )
                for other in known
            )
            for formula in formulas
        ]
    )


def hold_out_families(labeled, target, family, pool, arguments) -> None:
    """Print the score of five-fold cross-validation over families."""
    X = np.concatenate([labeled, pool])
    y = np.concatenate([target, np.full(len(pool), -1)])
    groups = np.concatenate([family, np.full(len(pool), "")])
    splitter = LabeledFold(StratifiedGroupKFold(5, shuffle=True, random_state=0))
    folds = list(splitter.split(X, y, groups))
    for name, (member, fraction) in members(arguments.epochs).items():
        predicted, score = np.full(len(y), -1), np.full(len(y), np.nan)
        for train, test in folds:
            ensemble = SemiSupervisedBaggingClassifier(
                member, unlabeled_fraction=fraction, n_jobs=arguments.jobs, random_state=0
            ).fit(X[train], y[train])
            predicted[test] = ensemble.predict(X[test])
            score[test] = ensemble.predict_proba(X[test])[:, 1]
        known = y != -1
        f1 = f1_score(y[known], predicted[known], average="macro")
        low, high = interval(y[known], predicted[known])
        auc = roc_auc_score(y[known], score[known])
        print(
            f"{name:28s} macro-F1 {f1:.3f} (95 % interval {low:.2f} to {high:.2f}), AUC {auc:.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--unlabeled", type=int, default=2000)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--families", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    data = obelix()
    rows = data.frame["has_cif"].to_numpy(dtype=bool)
    labeled = simulate(tuple(data.cifs[name] for name in data.frame["id"][rows]), arguments.jobs)
    target = data.target[rows]
    known = set(data.frame["formula"][rows])
    others = np.flatnonzero(~li_pool()["formula"].isin(known))
    pool = li_pool_patterns()[others]
    fresh = unlike_bundled(data.frame["formula"][rows])
    print(
        f"{len(target)} labeled rows ({(target == 1).sum()} superionic); other compounds than the "
        f"bundled ones: {fresh.sum()} ({(target[fresh] == 1).sum()} superionic)"
    )

    if arguments.families:
        drawn = np.random.default_rng(0).choice(len(pool), arguments.unlabeled, False)
        family = data.frame["family"][rows].fillna(data.frame["id"]).to_numpy()
        hold_out_families(labeled, target, family, pool[drawn], arguments)
        return
    for name, (member, fraction) in members(arguments.epochs).items():
        results, start = [], time.perf_counter()
        for seed in range(arguments.seeds):
            drawn = np.random.default_rng(seed).choice(len(pool), arguments.unlabeled, False)
            X = np.concatenate([labeled, pool[drawn]])
            y = np.concatenate([target, np.full(len(drawn), -1)])
            ensemble = SemiSupervisedBaggingClassifier(
                member, unlabeled_fraction=fraction, n_jobs=arguments.jobs, random_state=seed
            ).fit(X, y)
            out_of_bag = (y != -1) & (ensemble.oob_prediction_ != -1)
            low, high = interval(y[out_of_bag], ensemble.oob_prediction_[out_of_bag].astype(int))
            row = {"low": low, "high": high}
            for evaluation in ("out_of_bag", "resubstitution"):
                table = classification_report_table(ensemble, X, y, evaluation=evaluation)
                row[evaluation] = table.loc[(evaluation, "f1"), "Ensemble"]
            other = out_of_bag & np.concatenate([fresh, np.zeros(len(drawn), dtype=bool)])
            row["other_compounds"] = f1_score(
                y[other], ensemble.oob_prediction_[other].astype(int), average="macro"
            )
            scores = ensemble.oob_decision_function_[out_of_bag, 1]
            row["out_of_bag_auc"] = roc_auc_score(y[out_of_bag], scores)
            row["votes_of_pool"] = ensemble.vote_counts(pool[drawn])[:, 1].mean()
            results.append(row)
        seconds = (time.perf_counter() - start) / arguments.seeds
        frame = pd.DataFrame(results)
        summary = frame.agg(["mean", "std"]).round(3)
        print(f"\n## {name}  ({seconds:.0f} s per ensemble, {arguments.seeds} seeds)")
        print(summary.to_string(), flush=True)


if __name__ == "__main__":
    main()
