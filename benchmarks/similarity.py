"""Similarities to known compounds: how fast they are, and what they are worth as a ranking.

``speed`` compares 10,000 patterns of the pool with 200 others, with scikit-learn's and scipy's
functions on the same rendered patterns as peers. ``ranking`` asks how well the similarity to the
nearest known conductor ranks the conductors among the OBELiX rows with a structure, where other
rows of the same composition, or of the same family, do not count as known; the interval is that of
a bootstrap over these groups. ``kin`` asks whether the bundled compound with the most similar
pattern, of another composition, is of the same family. ``hubs`` counts which conductor is the
nearest to patterns of the pool, and how often it is the same one. ``structures`` measures the
fingerprints of structures: time, and whether they know a published (often disordered) structure
again among computed ones. Times are those of the processor on one thread, for busy machines:
median (lowest to highest).

    python benchmarks/similarity.py [speed] [ranking] [kin] [hubs] [structures]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from _real_data import SHARED, li_pool, li_pool_patterns, obelix, simulate
from pymatgen.analysis.local_env import CrystalNN
from scipy.spatial.distance import cdist
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.model_selection import composition_groups
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.screening import CompositionSimilarity, PatternSimilarity, StructureSimilarity
from skxrd.simulation import read_structure

N_KNOWN, N_CANDIDATES, N_POINTS_SHIFT = 200, 10_000, 10  # 0.2 degrees on the paper's grid
MAX_STRAIN, N_STRAINS = 0.02, 61  # as many as the metric tries on the paper's grid
REPEATS, DRAWS = 3, 500
N_HUBS = 2000
PATTERN = {
    "pattern, cosine (default)": {},
    "pattern, Pearson": {"metric": "pearson"},
    "pattern, shifted cosine": {"metric": "shifted_cosine"},
    "pattern, strained cosine": {"metric": "strained_cosine"},
    "pattern, cosine, FWHM 0.1": {"fwhm": 0.1},
    "pattern, cosine, FWHM 1.0": {"fwhm": 1.0},
    "pattern, cosine, intensity as it is": {"intensity": "max"},
    "pattern, cosine, logarithm": {"intensity": "log"},
    "pattern, cosine of sticks as they are": {"fwhm": 0.0, "intensity": "max"},
}


def timed(compute: Callable, repeats: int = REPEATS) -> tuple:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = compute()
        seconds.append(time.process_time() - start)
    return result, f"{np.median(seconds):7.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def largest_over_shifts(candidates: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Cosine over shifts as one would write it with scikit-learn, zeros shifted in."""
    best = np.zeros((len(candidates), len(known)))
    padded = np.pad(known, ((0, 0), (N_POINTS_SHIFT, N_POINTS_SHIFT)))
    for start in range(2 * N_POINTS_SHIFT + 1):
        view = padded[:, start : start + known.shape[1]]
        np.maximum(best, cosine_similarity(candidates, view), out=best)
    return best


def largest_over_strains(candidates: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Cosine over strains as one would write it on the two-theta axis, pattern by pattern."""
    angles = TwoThetaGrid().two_theta
    candidates, known = (normalize(X * (angles >= 5)) for X in (candidates, known))
    best = np.zeros((len(candidates), len(known)))
    largest = np.log1p(MAX_STRAIN)
    for strain in np.expm1(np.linspace(-largest, largest, N_STRAINS)):
        source = 2 * np.degrees(np.arcsin(np.sin(np.radians(angles / 2)) * (1 + strain)))
        strained = np.stack([np.interp(source, angles, row, right=0) for row in known])
        strained *= np.sqrt(np.gradient(source, angles))  # of the same length as before
        np.maximum(best, candidates @ strained.T.astype(candidates.dtype), out=best)
    return best


def speed() -> None:
    patterns = li_pool_patterns()
    rows = np.random.default_rng(0).permutation(len(patterns))
    known = patterns[rows[:N_KNOWN]]
    candidates = patterns[rows[N_KNOWN : N_KNOWN + N_CANDIDATES]]
    print(f"{len(candidates)} x {len(known)} patterns of {patterns.shape[1]} points")
    rendering = make_pipeline(PeakBroadener(0.5), IntensityScaler("sqrt")).fit(known)
    rendered, text = timed(lambda: rendering.transform(candidates))
    print(f"rendering alone                              {text}")
    others = rendering.transform(known)
    peers = {
        "cosine": {
            "sklearn cosine_similarity": lambda: cosine_similarity(rendered, others),
            "scipy cdist": lambda: 1 - cdist(rendered, others, "cosine"),
        },
        "pearson": {"scipy cdist": lambda: 1 - cdist(rendered, others, "correlation")},
        "shifted_cosine": {
            "sklearn, 21 shifted copies": lambda: largest_over_shifts(rendered, others)
        },
        "strained_cosine": {
            "numpy, 61 strained copies": lambda: largest_over_strains(rendered, others)
        },
    }
    for metric, functions in peers.items():
        similarity = PatternSimilarity(metric).fit(known)
        ours, text = timed(lambda similarity=similarity: similarity.transform(candidates))
        print(f"{metric:15s} PatternSimilarity, rendering too {text}")
        for name, compute in functions.items():
            theirs, text = timed(compute)
            difference = np.abs(ours - theirs).max()
            print(f"{metric:15s} {name:28s} {text}, largest difference {difference:.1e}")
    formulas = li_pool()["formula"].to_numpy()[rows]
    similarity = CompositionSimilarity().fit(formulas[:N_KNOWN])
    _, text = timed(lambda: similarity.transform(formulas[N_KNOWN : N_KNOWN + N_CANDIDATES]))
    print(f"CompositionSimilarity                        {text}")


def nearest_conductor(similarity: np.ndarray, target: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Similarity of each row to the nearest conductor of another group."""
    hidden = (group[:, None] == group) | (target != 1)
    return np.where(hidden, -1, similarity).max(axis=1)


def bootstrap(target: np.ndarray, scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """AUC of each column of scores on resampled clusters of rows."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(cluster == one) for one in np.unique(cluster)]
    aucs = []
    for _ in range(DRAWS):
        drawn = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[one] for one in drawn])
        if len(set(target[rows])) == 2:
            aucs.append([roc_auc_score(target[rows], column[rows]) for column in scores])
    return np.array(aucs)


def ranking() -> None:
    data = obelix()
    rows = data.frame["has_cif"].to_numpy(dtype=bool)
    cifs = [data.cifs[name] for name in data.frame["id"][rows]]
    target, formulas = data.target[rows], data.frame["formula"][rows].tolist()
    patterns = simulate(tuple(cifs))
    found = {
        name: PatternSimilarity(**parameters).fit_transform(patterns)
        for name, parameters in PATTERN.items()
    }
    for metric in ("overlap", "cosine"):
        found[f"composition, {metric}"] = CompositionSimilarity(metric).fit_transform(formulas)
    for sites in ("framework", "all"):
        found[f"structure, {sites}"] = StructureSimilarity(sites=sites).fit_transform(cifs)
    composition = composition_groups(formulas, by="formula", tolerance=0.01)
    family = data.frame["family"][rows].fillna(data.frame["id"][rows]).to_numpy()
    # A family holds all rows of its compositions.
    pairs = {"composition": composition, "family": np.unique(family, return_inverse=True)[1]}
    print(
        f"{len(target)} rows ({(target == 1).sum()} superionic), {len(set(composition))} "
        f"compositions, {len(set(family))} families"
    )
    for left_out, group in pairs.items():
        scores = np.array([nearest_conductor(each, target, group) for each in found.values()])
        draws = bootstrap(target, scores, group)
        low, high = np.percentile(draws, [2.5, 97.5], axis=0)
        gain = np.percentile(draws - draws[:, :1], [2.5, 97.5], axis=0)
        print(f"left out: {left_out}")
        for row, name in enumerate(found):
            print(
                f"| {name} | {roc_auc_score(target, scores[row]):.3f} | {low[row]:.2f} to "
                f"{high[row]:.2f} | {gain[0, row]:+.2f} to {gain[1, row]:+.2f} |"
            )


def kin() -> None:
    bundled = load_lithium_conductors()
    patterns = PatternSimulator().fit_transform(bundled.structures)
    family = bundled.frame["family"].to_numpy()
    group = composition_groups(bundled.frame["formula"].tolist(), by="formula", tolerance=0.01)
    has_kin = np.array(
        [((family == f) & (group != g)).any() for f, g in zip(family, group, strict=True)]
    )
    reference = None
    for name, parameters in PATTERN.items():
        similarity = PatternSimilarity(**parameters).fit_transform(patterns)
        similarity[group[:, None] == group] = -1
        right = (family[similarity.argmax(axis=1)] == family)[has_kin]
        reference = right if reference is None else reference
        low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
        print(
            f"| {name} | {right.sum()} of {len(right)} ({100 * low:.0f} to {100 * high:.0f} %) | "
            f"+{(right & ~reference).sum()}, -{(reference & ~right).sum()} |"
        )


def hubs() -> None:
    data = obelix()
    has_cif = data.frame["has_cif"].to_numpy(dtype=bool)
    conductor = data.target[has_cif] == 1
    formulas = data.frame["formula"][has_cif].to_numpy()[conductor]
    known = simulate(tuple(data.cifs[name] for name in data.frame["id"][has_cif]))[conductor]
    patterns = li_pool_patterns()
    patterns = patterns[np.random.default_rng(0).choice(len(patterns), N_HUBS, replace=False)]
    n_lines = np.count_nonzero(known, axis=1)
    print(f"{len(known)} conductors, {np.median(n_lines):.0f} lines (median)")
    for name, parameters in PATTERN.items():
        nearest = PatternSimilarity(**parameters).fit(known).transform(patterns).argmax(axis=1)
        count = np.bincount(nearest, minlength=len(known))
        first = count.argmax()
        low, high = binomtest(int(count[first]), N_HUBS).proportion_ci(method="wilson")
        print(
            f"| {name} | {formulas[first]} ({n_lines[first]} lines) | "
            f"{100 * count[first] / N_HUBS:.1f} % ({100 * low:.1f} to {100 * high:.1f}) | "
            f"{np.count_nonzero(count)} |"
        )


def structures() -> None:
    bundled = load_lithium_conductors()
    pool = li_pool()
    drawn = np.random.default_rng(0).choice(len(pool), 100, replace=False)
    items = [read_structure(pool["cif"][row]) for row in drawn]
    n_sites = np.array([len(item) for item in items])
    print(f"100 structures of the pool, {np.median(n_sites):.0f} sites (median)")
    for sites in ("framework", "all"):
        similarity = StructureSimilarity(sites=sites)
        _, text = timed(lambda similarity=similarity: similarity.fit(items))
        print(f"100 fingerprints, {sites:10s} {text}")
    smallest = np.argsort(n_sites, kind="stable")[:20]

    def neighbors() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no oxidation states
            for row in smallest:
                for site in range(n_sites[row]):
                    CrystalNN().get_nn_info(items[row], site)

    _, text = timed(lambda: StructureSimilarity().fit([items[row] for row in smallest]))
    print(f"20 smallest: fingerprints            {text}")
    _, text = timed(neighbors, repeats=1)
    print(f"20 smallest: CrystalNN's neighbors   {text}")
    disordered = np.array([not one.is_ordered for one in bundled.structures])
    failed = 0
    for one in np.array(bundled.structures, dtype=object)[disordered]:
        try:
            CrystalNN().get_nn_info(one, 0)
        except (AttributeError, ValueError):
            failed += 1
    of_all = f"{failed} of {disordered.sum()}"
    print(f"CrystalNN fails on the first site of {of_all} disordered bundled structures")
    know_again(bundled, disordered)


def know_again(bundled: Bunch, disordered: np.ndarray) -> None:
    """Rank computed structures by their similarity to the published one of the same formula."""
    pool = pd.read_csv(SHARED / "li_pool" / "li_pool.csv.gz")
    pool = pool[pool["nsites"] < 120].reset_index(drop=True)
    formula = pool["formula"].to_numpy()
    published = np.flatnonzero(bundled.frame["formula"].isin(formula))
    same = np.flatnonzero(np.isin(formula, bundled.frame["formula"][published]))
    others = np.random.default_rng(0).choice(len(pool), 400, replace=False)
    rows = np.union1d(same, others)
    family = bundled.frame["family"].to_numpy()
    has_kin = np.array([(family == one).sum() > 1 for one in family])
    print(f"{len(published)} published structures with the formula of a computed one, {len(rows)}")
    for sites in ("framework", "all"):
        similarity = StructureSimilarity(sites=sites).fit(pool["cif"][rows].tolist())
        found = similarity.transform([bundled.structures[one] for one in published])
        ranks = []
        for values, name in zip(found, bundled.frame["formula"][published], strict=True):
            ranks.append((values > values[formula[rows] == name].max()).sum())
        first = np.array(ranks) == 0
        among = StructureSimilarity(sites=sites).fit_transform(bundled.structures)
        np.fill_diagonal(among, -1)
        kin = (family[among.argmax(axis=1)] == family)[has_kin]
        messy = disordered[published]
        print(
            f"| {sites} | {first[~messy].sum()} of {(~messy).sum()} | {first[messy].sum()} of "
            f"{messy.sum()} | {kin.sum()} of {len(kin)} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {"speed": speed, "ranking": ranking, "kin": kin, "hubs": hubs, "structures": structures}
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(parts))
    chosen = parser.parse_args().parts or list(parts)
    if unknown := set(chosen) - set(parts):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name in chosen:
        print(f"--- {name}")
        with threadpool_limits(1):
            parts[name]()


if __name__ == "__main__":
    main()
