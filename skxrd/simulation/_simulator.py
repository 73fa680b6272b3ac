"""Transformer from crystal structures to powder X-ray diffraction patterns."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import delayed

from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._lines import lines_of, wavelength_in_angstrom
from skxrd.simulation._profiles import profile_kernel
from skxrd.simulation._structures import items_and_ids, read_with_notes

if TYPE_CHECKING:
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.core import Structure

__all__ = ["PatternSimulator", "SimulatedPatterns"]

_MAX_BATCH = 16  # structures per task: a few seconds of work, so that progress stays visible


@dataclass(frozen=True, eq=False)
class SimulatedPatterns:
    """Patterns of a batch of structures, and what happened on the way.

    Parameters
    ----------
    patterns : ndarray of float32 of shape (n_patterns, n_points)
        One pattern per row.
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


class PatternSimulator(TransformerMixin, BaseEstimator):
    """Simulate powder X-ray diffraction patterns of crystal structures.

    Positions and intensities of the lines come from pymatgen's ``XRDCalculator`` [1]_: structure
    factors from tabulated scattering factors and occupancies, and the Lorentz-polarization
    factor, without absorption or texture. The strongest line between the ends of the grid has the
    intensity 100; lines that meet on a grid point are summed.

    Parameters
    ----------
    grid : TwoThetaGrid, default=None
        Two-theta axis; None means ``TwoThetaGrid()``, 0 to 90 degrees in steps of 0.02 degrees.
    wavelength : str or float, default="CuKa"
        Radiation by pymatgen's name (CuKa, CuKa1, MoKa, CoKa, ...) or wavelength in angstrom.
        "CuKa" is the weighted mean, 1.54184 angstrom.
    fwhm : float, default=None
        Full width at half maximum of the lines in degrees. None and 0 leave sticks. Broadening
        keeps the area of each line, so that heights shrink.
    eta : float, default=0.0
        Shape of broadened lines, from 0 (Gaussian) to 1 (Lorentzian), see `pseudo_voigt`.
    on_error : {"raise", "skip", "nan"}, default="raise"
        What becomes of a structure that cannot be read or has no pattern: raise an error, leave
        its row out, or fill its row with NaN.
    n_jobs : int, default=None
        Number of parallel jobs; None means 1 unless in a ``joblib.parallel_config`` context, -1
        all processors. The result does not depend on it.
    verbose : int, default=0
        Above 0, show the progress on the standard error stream.

    Attributes
    ----------
    failures_ : DataFrame with columns "position", "id", "reason"
        Structures of the last `transform` that gave no pattern.
    notes_ : DataFrame with columns "position", "id", "note"
        Structures of the last `transform` whose file or pattern deserves a look, for instance
        because no line lies on the grid.
    kept_ : ndarray of int of shape (n_patterns,)
        Position in the input of each row that the last `transform` returned.

    See Also
    --------
    TwoThetaGrid : The two-theta axis.
    read_structure : What counts as a structure.

    Notes
    -----
    The simulator learns nothing: `transform` works without `fit`. With ``on_error="skip"`` the
    output may be shorter than the input; use `kept_` to select the labels, and "nan" where rows
    must stay aligned, as in a pipeline or with pandas output.

    References
    ----------
    .. [1] S. P. Ong et al., "Python Materials Genomics (pymatgen): A robust, open-source python
       library for materials analysis", Computational Materials Science 68, 314-319 (2013).

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd import PatternSimulator, TwoThetaGrid
    >>> silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.431), ["Si"], [[0, 0, 0]])
    >>> simulator = PatternSimulator(TwoThetaGrid(20, 60, 2001))
    >>> X = simulator.fit_transform([silicon])
    >>> X.shape
    (1, 2001)
    >>> simulator.grid.two_theta[X[0] > 0].round(2).tolist()
    [28.46, 47.34, 56.18]
    >>> X[0, X[0] > 0].round().tolist()
    [100.0, 67.0, 40.0]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "grid": [TwoThetaGrid, None],
        "wavelength": [str, Interval(Real, 0, None, closed="neither")],
        "fwhm": [Interval(Real, 0, None, closed="left"), None],
        "eta": [Interval(Real, 0, 1, closed="both")],
        "on_error": [StrOptions({"raise", "skip", "nan"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        grid: TwoThetaGrid | None = None,
        *,
        wavelength: str | float = "CuKa",
        fwhm: float | None = None,
        eta: float = 0.0,
        on_error: str = "raise",
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.grid = grid
        self.wavelength = wavelength
        self.fwhm = fwhm
        self.eta = eta
        self.on_error = on_error
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any = None, y: Any = None) -> PatternSimulator:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : sequence of structures, default=None
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        PatternSimulator
            The simulator itself.

        Raises
        ------
        ValueError
            If a parameter is invalid.
        """
        wavelength_in_angstrom(self.wavelength)
        return self

    def transform(self, X: Sequence[Any]) -> NDArray[np.float32]:
        """Simulate the pattern of each structure.

        Parameters
        ----------
        X : sequence of structures of length n_structures
            Each a path, the text of a CIF, a pymatgen Structure or its dictionary, see
            `read_structure`. A pandas Series or a DataFrame of one column is a sequence as well.

        Returns
        -------
        ndarray of float32 of shape (n_structures, n_points)
            One pattern per row; fewer rows if failures are skipped.

        Raises
        ------
        InvalidStructureError
            If a structure gives no pattern and `on_error` is "raise".
        ValueError
            If a parameter is invalid or `X` is no sequence of structures.

        Warns
        -----
        PatternWarning
            If structures failed, or if their files or patterns deserve a look.
        """
        simulated = self.simulate(X)
        self.failures_ = simulated.failures
        self.notes_ = simulated.notes
        self.kept_ = simulated.kept
        return simulated.patterns

    def simulate(self, structures: Sequence[Any]) -> SimulatedPatterns:
        """Simulate as `transform` does, and return names and formulas of the rows as well.

        Parameters
        ----------
        structures : sequence of structures of length n_structures
            As for `transform`.

        Returns
        -------
        SimulatedPatterns
            Patterns, names, formulas and reports of failures.

        Raises
        ------
        InvalidStructureError
            If a structure gives no pattern and `on_error` is "raise".
        ValueError
            If a parameter is invalid or `structures` is no sequence of structures.

        Warns
        -----
        PatternWarning
            If structures failed, or if their files or patterns deserve a look.

        Examples
        --------
        >>> from pymatgen.core import Lattice, Structure
        >>> from skxrd import PatternSimulator
        >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        >>> simulated = PatternSimulator().simulate([iron, iron.as_dict()])
        >>> simulated.ids, simulated.formulas, simulated.patterns.shape
        (['0', '1'], ['Fe', 'Fe'], (2, 4501))
        """
        self._validate_params()
        items, ids = items_and_ids(structures)
        grid = self._grid()
        patterns = np.full((len(items), grid.n_points), np.nan, dtype=np.float32)
        formulas: list[str] = []
        failures: list[tuple[int, str, str]] = []
        notes: list[tuple[int, str, str]] = []
        with contextlib.closing(self._outcomes(items, grid)) as outcomes:
            shown: Iterator[_Outcome] = outcomes
            if self.verbose:
                shown = tracked(outcomes, "Simulating patterns", len(items))
            for position, outcome in enumerate(shown):
                name = ids[position]
                formulas.append(outcome.formula)
                notes.extend((position, name, note) for note in outcome.notes)
                if outcome.pattern is not None:
                    patterns[position] = outcome.pattern
                    continue
                if self.on_error == "raise":
                    raise InvalidStructureError(f"Structure {position} ({name}): {outcome.reason}")
                failures.append((position, name, outcome.reason))

        _warn("structures gave no pattern", failures, len(items))
        _warn("structures deserve a look", notes, len(items))
        kept = np.arange(len(items))
        if self.on_error == "skip" and failures:
            kept = np.delete(kept, [position for position, _, _ in failures])
            patterns = patterns[kept]
        return SimulatedPatterns(
            patterns=patterns,
            ids=[ids[position] for position in kept],
            formulas=[formulas[position] for position in kept],
            kept=kept,
            failures=pd.DataFrame(failures, columns=["position", "id", "reason"]),
            notes=pd.DataFrame(notes, columns=["position", "id", "note"]),
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of the output by their angles.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str of shape (n_points,)
            Such as "two_theta_10.02".
        """
        two_theta = self._grid().two_theta
        decimals = next(
            (n for n in range(2, 8) if np.allclose(two_theta, two_theta.round(n), atol=1e-9)), 8
        )
        return np.array([f"two_theta_{angle:.{decimals}f}" for angle in two_theta], dtype=object)

    def _grid(self) -> TwoThetaGrid:
        return TwoThetaGrid() if self.grid is None else self.grid

    def _outcomes(self, items: list[Any], grid: TwoThetaGrid) -> Generator[_Outcome]:
        task = {
            "grid": grid,
            "wavelength": wavelength_in_angstrom(self.wavelength),
            "kernel": profile_kernel(self.fwhm or 0.0, grid.step, eta=self.eta),
            "stop_at_failure": self.on_error == "raise",
        }
        size = min(_MAX_BATCH, ceil(len(items) / (4 * effective_n_jobs(self.n_jobs))))
        tasks = (
            delayed(_simulate_batch)(items[start : start + size], **task)
            for start in range(0, len(items), size)
        )
        with contextlib.closing(as_they_come(tasks, self.n_jobs)) as batches:
            for batch in batches:
                yield from batch

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.dict = True
        tags.requires_fit = False
        tags.no_validation = True
        return tags


class _Outcome(NamedTuple):
    """What a worker sends back: arrays and text, for not every exception can be pickled."""

    pattern: NDArray[np.float32] | None
    formula: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


def _simulate_batch(
    items: list[Any],
    *,
    grid: TwoThetaGrid,
    wavelength: float,
    kernel: NDArray[np.float64],
    stop_at_failure: bool,
) -> list[_Outcome]:
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    calculator = XRDCalculator(wavelength)
    outcomes = []
    for item in items:
        outcomes.append(_simulate_item(item, calculator, grid, kernel))
        if stop_at_failure and outcomes[-1].pattern is None:
            break
    return outcomes


def _simulate_item(
    item: Any, calculator: XRDCalculator, grid: TwoThetaGrid, kernel: NDArray[np.float64]
) -> _Outcome:
    try:
        structure, notes = read_with_notes(item)
        two_theta, intensity = lines_of(structure, calculator, grid)
    except InvalidStructureError as error:
        return _Outcome(None, reason=str(error))
    if not len(two_theta):
        notes = [*notes, f"no line between {grid.start:g} and {grid.stop:g} degrees two-theta"]
    pattern = grid.bin(two_theta, intensity)
    if len(kernel) > 1:
        pattern = convolve1d(pattern, kernel, mode="constant")
    return _Outcome(pattern.astype(np.float32), _readable_formula(structure), notes=tuple(notes))


def _readable_formula(structure: Structure) -> str:
    """Reduced formula without the rounding errors that sums of occupancies carry."""
    from pymatgen.core import Composition

    amounts = structure.composition.element_composition.items()
    return Composition({element: round(n, 2) for element, n in amounts}).reduced_formula


def _warn(what: str, report: list[tuple[int, str, str]], n_structures: int) -> None:
    if not report:
        return
    n_affected = len({position for position, _, _ in report})
    first = "; ".join(f"{position} ({name}): {text}" for position, name, text in report[:3])
    more = "; ..." if len(report) > 3 else ""
    message = f"{n_affected} of {n_structures} {what}: {first}{more}"
    warnings.warn(message, PatternWarning, stacklevel=3)
