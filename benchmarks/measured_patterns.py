"""Backgrounds of measured patterns, and how often `domain_gap` sees a gap where there is none.

Part "baseline": patterns of bundled compounds, sharp or broad, weak or strong, get the background
of a sample under a polymer film (a hump of 7 degrees at 20 degrees, air scattering, a constant) and
noise (1: that of counting; 0.1: a tenth of it, as in patterns that were smoothed); each method of
`BaselineRemover` takes the background away again. Judged are lines of at least a tenth of the
strongest: the change of their area, in percent of it, and what is left of the background between
the lines, in percent of the hump (root mean squares; 100: all of it). Mean over compounds and its
standard error. The default of `BaselineRemover` was chosen on the first 30 compounds; the table is
made of the others.

Part "gap": with an offset of 0 both sets are drawn from one distribution, and a test at 5 % should
see a gap in 5 % of the runs, a 95 % interval hold 0.5 in 95 %. With another offset there is a gap
to be seen. The trees are fewer than those of the default, for speed.

    python benchmarks/measured_patterns.py [--parts baseline gap] [--runs 100]
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from scipy.signal import find_peaks
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.exceptions import PatternWarning
from skxrd.preprocessing import BaselineRemover
from skxrd.screening import domain_gap

GRID = TwoThetaGrid(10, 80, 3501)
HUMP = 400 * np.exp(-(((GRID.two_theta - 20) / 3.0) ** 2) / 2)
N_CHOSEN_ON = 30
METHODS = [
    *(BaselineRemover("snip", width=width, grid=GRID) for width in (2.0, 4.0, 8.0)),
    *(BaselineRemover("arpls", width=width, grid=GRID) for width in (2.0, 4.0, 8.0)),
    BaselineRemover("psalsa", grid=GRID),
    BaselineRemover("asls", grid=GRID),
    BaselineRemover("rolling_ball", grid=GRID),
]
CONDITIONS = [  # width of lines in degrees, strongest line in counts, noise
    (0.1, 1_000, 1.0),
    (0.1, 10_000, 1.0),
    (0.4, 1_000, 1.0),
    (0.4, 10_000, 1.0),
    (0.1, 10_000, 0.1),
]
CLASSIFIERS = {
    "logistic": LogisticRegression(),
    "trees": ExtraTreesClassifier(20, class_weight="balanced", random_state=0),
}


def background() -> np.ndarray:
    """Hump of a film, air scattering that falls with the angle, and a constant, in counts."""
    return HUMP + 250 * np.exp(-GRID.two_theta / 25) + 60


def judge(clean: np.ndarray, found: np.ndarray, fwhm: float) -> tuple[float, float]:
    """Median change of the area of strong lines, and background left between lines, in percent."""
    reach = round(1.5 * fwhm / GRID.step)
    lines, _ = find_peaks(clean, height=0.1 * clean.max(), distance=2 * reach)
    windows = [slice(max(line - reach, 0), line + reach + 1) for line in lines]
    changes = [abs(found[w].sum() / clean[w].sum() - 1) for w in windows]
    between = clean < 0.01 * clean.max()
    # noise is not background: it is averaged out over a degree
    left, hump = (
        np.convolve(part[between], np.full(50, 1 / 50), mode="valid")
        for part in (found - clean, HUMP)
    )
    return 100 * float(np.median(changes)), 100 * float(
        np.sqrt((left**2).mean() / (hump**2).mean())
    )


def baseline_table() -> pd.DataFrame:
    structures = list(load_lithium_conductors().structures)[N_CHOSEN_ON:]
    rows = []
    for fwhm, counts, noise in CONDITIONS:
        patterns = PatternSimulator(GRID, fwhm=fwhm, eta=0.5).transform(structures)
        clean = counts * patterns / patterns.max(axis=1, keepdims=True)
        mean = clean + background()
        measured = mean + noise * (np.random.default_rng(0).poisson(mean) - mean)
        for remover in METHODS:
            with warnings.catch_warnings():  # that a fit stopped early is what the table shows
                warnings.simplefilter("ignore", PatternWarning)
                found = remover.fit_transform(measured)
            judged = np.array([judge(*pair, fwhm) for pair in zip(clean, found, strict=True)])
            average = judged.mean(axis=0)
            error = judged.std(axis=0, ddof=1) / np.sqrt(len(judged))
            rows.append(
                {
                    "fwhm": fwhm,
                    "counts": counts,
                    "noise": noise,
                    "method": remover.method,
                    "width": f"{remover.width:g}",
                    "change of area (%)": f"{average[0]:.1f} ± {error[0]:.1f}",
                    "hump left (%)": f"{average[1]:.1f} ± {error[1]:.1f}",
                }
            )
    return pd.DataFrame(rows)


def gap_table(n_runs: int) -> pd.DataFrame:
    rows = []
    for name, estimator in CLASSIFIERS.items():
        for n_new in (10, 30):
            for offset in (0.0, 0.7):
                rng = np.random.default_rng(0)
                gaps = []
                for run in range(n_runs):
                    train = 5 + rng.normal(size=(100, 5))
                    new = 5 + rng.normal(size=(n_new, 5)) + offset
                    gaps.append(domain_gap(train, new, estimator=estimator, random_state=run))
                seen = np.mean([gap.p_value < 0.05 for gap in gaps])
                held = np.mean([gap.auc_low <= 0.5 <= gap.auc_high for gap in gaps])
                rows.append(
                    {
                        "classifier": name,
                        "n_new": n_new,
                        "offset": offset,
                        "mean AUC": f"{np.mean([gap.auc for gap in gaps]):.2f}",
                        "p < 0.05 (%)": _share(seen, n_runs),
                        "0.5 in interval (%)": _share(held, n_runs),
                    }
                )
    return pd.DataFrame(rows)


def _share(share: float, n_runs: int) -> str:
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / n_runs):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=["baseline", "gap"])
    parser.add_argument("--runs", type=int, default=100, help="runs per row of the part gap")
    arguments = parser.parse_args()
    if "baseline" in arguments.parts:
        print(baseline_table().to_string(index=False))
    if "gap" in arguments.parts:
        print(gap_table(arguments.runs).to_string(index=False))


if __name__ == "__main__":
    main()
