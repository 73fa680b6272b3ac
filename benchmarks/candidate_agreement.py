"""What Table S2 of the XRDMatch paper tells about the candidates, and what it cannot tell.

The table (bundled with skxrd) has the votes, the known label and the similarity of 200 candidates.
Asked are the precision among the labeled ones, whether it rises with the votes or with the
similarity, and how many labeled candidates have the composition of a compound that the models
were trained on. Labels of one publication are relatives: intervals resample publications.

    python benchmarks/candidate_agreement.py [--resamples 5000]
"""

from __future__ import annotations

import argparse
import re

import numpy as np
import pandas as pd
from _real_data import xrdmatch
from pymatgen.core import Composition
from scipy.stats import bootstrap, mannwhitneyu
from sklearn.metrics import roc_auc_score

from skxrd.datasets import load_xrdmatch_candidates
from skxrd.metrics import agreement_by_output_frequency

TOLERANCE = 0.02  # largest difference of an atomic fraction between "the same" compositions
NOT_IN_A_FORMULA = r"^(a|b|c|as|ms|tetragonal)_|\((EES|NC|nc_error)\)"  # see fetch_xrdmatch


def by_publication(labeled: pd.DataFrame, statistic, resamples: int) -> str:
    """Value of a statistic of the rows, and its interval over draws of whole publications."""
    groups = [rows for _, rows in labeled.groupby("reference")]

    def of_groups(numbers: np.ndarray) -> float:
        return statistic(pd.concat([groups[number] for number in numbers]))

    interval = bootstrap(
        (np.arange(len(groups)),),
        of_groups,
        vectorized=False,
        n_resamples=resamples,
        method="percentile",
        rng=0,
    ).confidence_interval
    return f"{statistic(labeled):.2f} ({interval.low:.2f} to {interval.high:.2f})"


def precision(rows: pd.DataFrame) -> float:
    return float(rows["label"].mean())


def trend(column: str):
    """Probability that a right candidate has more of it than a wrong one; 0.5 is no trend."""
    return lambda rows: float(roc_auc_score(rows["label"], rows[column]))


def pvalue(rows: pd.DataFrame, column: str) -> float:
    right = rows["label"] == 1
    return float(mannwhitneyu(rows[column][right], rows[column][~right]).pvalue)


def is_trained_on(formulas: pd.Series) -> list[bool]:
    """Whether the models were trained on a compound of this composition, or nearly this one."""
    names = xrdmatch().frame["formula_id"].str.replace(NOT_IN_A_FORMULA, "", regex=True)
    trained = [fractions(name) for name in names]
    return [any(is_near(fractions(formula), other) for other in trained) for formula in formulas]


def fractions(formula: str) -> dict[str, float]:
    """Atomic fractions, with deuterium as hydrogen."""
    formula = re.sub("D(?![a-z])", "H", formula)
    return Composition(formula).fractional_composition.get_el_amt_dict()


def is_near(first: dict[str, float], second: dict[str, float]) -> bool:
    return first.keys() == second.keys() and all(
        abs(first[element] - second[element]) < TOLERANCE for element in first
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=5000, help="draws of the publications")
    resamples = parser.parse_args().resamples
    frame = load_xrdmatch_candidates().frame
    table = agreement_by_output_frequency(frame["output_frequency"], frame["label"])
    print(table.round(2).to_string(), end="\n\n")

    frame["trained"] = is_trained_on(frame["formula"])
    labeled = frame.dropna(subset="label").astype({"label": int})
    parts = {
        "all": labeled,
        "composition not trained on": labeled[~labeled["trained"]],
        "composition trained on": labeled[labeled["trained"]],
    }
    print(f"Intervals resample publications, {resamples} times.")
    print("| labeled candidates | publications | superionic | not | precision |")
    print("|---|---:|---:|---:|---|")
    for name, rows in parts.items():
        right = int(rows["label"].sum())
        print(
            f"| {len(rows)}, {name} | {rows['reference'].nunique()} | {right} "
            f"| {len(rows) - right} | {by_publication(rows, precision, resamples)} |"
        )
    print("\n| superionic rather than not, by | AUC | p (Mann-Whitney, rows as independent) |")
    print("|---|---|---:|")
    for name in ("all", "composition not trained on"):
        for column in ("output_frequency", "similarity"):
            rows = parts[name]
            print(
                f"| {column}, {name} | {by_publication(rows, trend(column), resamples)} "
                f"| {pvalue(rows, column):.3f} |"
            )


if __name__ == "__main__":
    main()
