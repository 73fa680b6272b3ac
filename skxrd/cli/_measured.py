"""Measured patterns as candidates."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console

from skxrd.cli._candidates import Candidates
from skxrd.exceptions import PatternReadError
from skxrd.io import MeasuredPatterns, read_patterns
from skxrd.preprocessing import MeasuredPatternTransformer, PeakBroadener
from skxrd.screening import DomainGap, domain_gap

__all__ = ["Measured", "read_measured"]

_FWHM = 0.5  # degrees, as in PatternSimilarity


@dataclass(frozen=True, eq=False)
class Measured:
    """Patterns from files.

    Parameters
    ----------
    patterns : MeasuredPatterns
        The patterns as they were measured.
    """

    patterns: MeasuredPatterns

    def on_grid_of(self, X_train: NDArray[np.float32], console: Console) -> Candidates:
        """Bring the patterns to the grid of the training rows and tell how far they are from them.

        Parameters
        ----------
        X_train : ndarray of shape (n_samples, n_points)
            Training rows, simulated.
        console : Console
            Where the domain gap is printed.

        Returns
        -------
        Candidates
            Rows with the columns "id", "covered_fraction" and "domain_percentile".
        """
        transformer = MeasuredPatternTransformer()
        try:
            X = transformer.fit_transform(self.patterns)
        except ValueError as error:  # a measurement outside of the grid
            raise argparse.ArgumentError(None, f"--patterns: {error}") from error
        # Sticks hardly ever meet a profile, and where nobody measured there is nothing to compare.
        broadener = PeakBroadener(_FWHM).fit(X_train)
        is_measured = X.any(axis=0)
        gap = domain_gap(
            broadener.transform(X_train)[:, is_measured],
            broadener.transform(X)[:, is_measured],
            random_state=0,
        )
        console.print(_tell(gap))
        table = pd.DataFrame(
            {
                "id": self.patterns.ids,
                "covered_fraction": transformer.coverage_["covered_fraction"].to_numpy(),
                "domain_percentile": gap.rows["percentile"].to_numpy(),
            }
        )
        return Candidates(table, X)


def _tell(gap: DomainGap) -> str:
    # Not the area under the ROC curve: line shapes give any measurement away among simulated rows.
    far = int((gap.rows["percentile"] >= 95).sum())
    return (
        f"Domain gap: {far} of {gap.n_new} measured patterns are farther from the nearest "
        "simulated one than 95 % of these are from each other."
    )


def read_measured(paths: Sequence[Path], console: Console) -> Measured:
    """Read files of measured patterns, or those of a folder.

    Parameters
    ----------
    paths : sequence of Path
        Files, or a single folder.
    console : Console
        Where the number of patterns is printed.

    Returns
    -------
    Measured
        The patterns.

    Raises
    ------
    PatternReadError
        If a file does not hold a pattern.
    OSError
        If a file cannot be opened.
    """
    try:
        patterns = read_patterns(paths[0] if len(paths) == 1 else paths)
    except PatternReadError:
        raise
    except ValueError as error:  # an empty folder
        raise argparse.ArgumentError(None, f"--patterns: {error}") from error
    console.print(f"Measured patterns to be ranked: {len(patterns)}.")
    return Measured(patterns)
