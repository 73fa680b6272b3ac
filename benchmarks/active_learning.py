"""Campaigns of measurements on OBELiX: conductors found by strategies and by chance.

The labels of the 254 OBELiX rows with a structure (superionic from 1e-4 S/cm) are hidden but for
ten, and bought five at a time. All strategies begin each repetition with the same ten rows. The
number of conductors found is the mean over the repetitions with its standard error; the difference
to chance is paired, with the standard error of the differences. Rows are the same in all
repetitions: the errors tell how far the starts matter, not what other compounds would give.

    python benchmarks/active_learning.py [--repeats 20] [--jobs 1] [--figure curve.png]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from _real_data import obelix, simulate
from pymatgen.core import Composition
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import TwoThetaGrid
from skxrd.preprocessing import IntensityScaler, PatternResampler, PeakBroadener, RangeSelector
from skxrd.screening import CampaignDisplay, simulate_campaign
from skxrd.supervised import LabeledOnlyClassifier

STRATEGIES = ("random", "greedy", "uncertainty", "diversity", "expected_finds")
SHOWN = (30, 60, 100)  # compounds measured
N_PER_ROUND = 5


def make_data() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Descriptions of the compounds, their labels, and their reduced formulas."""
    data = obelix()
    rows = data.frame["has_cif"].to_numpy(dtype=bool)
    sticks = simulate(tuple(data.cifs[name] for name in data.frame["id"][rows]))
    # Lines of one degree on a grid of half a degree, so that neighboring ones meet.
    patterns = make_pipeline(
        PeakBroadener(1.0),
        RangeSelector(5, 85),
        PatternResampler(TwoThetaGrid(5, 85, 161), input_grid=TwoThetaGrid(5, 85, 4001)),
        IntensityScaler("sqrt"),
    ).fit_transform(sticks)
    compositions = [Composition(formula) for formula in data.frame["formula"][rows]]
    elements = sorted({str(element) for entry in compositions for element in entry})
    fractions = np.array(
        [[entry.get_atomic_fraction(element) for element in elements] for entry in compositions]
    )
    names = np.array([entry.reduced_formula for entry in compositions])
    return {"patterns": patterns, "compositions": fractions}, data.target[rows], names


def methods() -> dict[str, tuple[str, Any]]:
    """Classifiers, with the description of the compounds that each is given."""
    trees = LabeledOnlyClassifier(ExtraTreesClassifier(50))
    linear = SelfTrainingClassifier(LogisticRegression(C=10.0, max_iter=1000), threshold=0.9)
    return {
        "trees on compositions": ("compositions", trees),
        "trees on patterns": ("patterns", trees),
        "self-training on patterns": ("patterns", linear),
    }


def summary(campaign: pd.DataFrame, shown: tuple[int, ...]) -> pd.DataFrame:
    """Conductors found, and how many more than by chance from the same starts."""
    wide = campaign.pivot_table(
        index=["n_measured", "repetition"], columns="strategy", values="n_found"
    )
    rows = []
    for strategy in STRATEGIES:
        row = {"strategy": strategy}
        for n in shown:
            found, chance = wide.loc[n, strategy], wide.loc[n, "random"]
            gain = found - chance
            row[f"found of {n}"] = f"{found.mean():.1f} ± {found.sem():.1f}"
            row[f"gain at {n}"] = (
                "" if strategy == "random" else f"{gain.mean():+.1f} ± {gain.sem():.1f}"
            )
        rows.append(row)
    return pd.DataFrame(rows).set_index("strategy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--figure", help="picture of the last method")
    arguments = parser.parse_args()
    start = time.perf_counter()
    described, y, names = make_data()
    print(
        f"{len(y)} compounds ({(y == 1).sum()} superionic) of {len(set(names))} formulas; ten are "
        f"measured at the start, {N_PER_ROUND} in a round; {arguments.repeats} repetitions"
    )
    for name, (kind, estimator) in methods().items():
        begun = time.perf_counter()
        campaign = simulate_campaign(
            estimator,
            described[kind],
            y,
            strategy=STRATEGIES,
            n_initial=10,
            n_per_round=N_PER_ROUND,
            n_rounds=(max(SHOWN) - 10) // N_PER_ROUND,
            n_repeats=arguments.repeats,
            n_jobs=arguments.jobs,
            random_state=0,
        )
        print(f"\n## {name}  ({time.perf_counter() - begun:.0f} s)")
        print(summary(campaign, SHOWN).to_string(), flush=True)
    if arguments.figure:
        CampaignDisplay(campaign).plot().figure_.savefig(arguments.figure, dpi=150)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
