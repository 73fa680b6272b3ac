"""What a simulation returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["SimulatedPatterns"]


@dataclass(frozen=True, eq=False)
class SimulatedPatterns:
    """Patterns of a batch of structures, and what happened on the way.

    Parameters
    ----------
    patterns : ndarray of float32 of shape (n_patterns, n_points)
        One pattern per row; a memory map of a file if they were simulated to disk.
    ids : list of str of length n_patterns
        Name of each row, see `structure_id`.
    formulas : list of str of length n_patterns
        Reduced formula of each row; empty where a structure failed and its row is NaN.
    kept : ndarray of int of shape (n_patterns,)
        Position of each row in the input.
    failures : DataFrame with columns "position", "id", "reason"
        Structures without a pattern.
    notes : DataFrame with columns "position", "id", "note"
        Structures whose file or pattern deserves a look.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd import PatternSimulator
    >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> simulated = PatternSimulator().simulate([iron])
    >>> simulated.formulas, len(simulated.failures)
    (['Fe'], 0)
    """

    patterns: NDArray[np.float32]
    ids: list[str]
    formulas: list[str]
    kept: NDArray[np.intp]
    failures: pd.DataFrame
    notes: pd.DataFrame
