"""Transformer from crystal structures to powder X-ray diffraction patterns."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from math import ceil
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import delayed

from skxrd import __version__
from skxrd._parallel import as_they_come
from skxrd._progress import tracked
from skxrd._sklearn import Interval, StrOptions, fit_context
from skxrd.exceptions import InvalidStructureError
from skxrd.grid import TwoThetaGrid
from skxrd.simulation._lines._peak_list import PeakList
from skxrd.simulation._lines._peaks import Diffraction
from skxrd.simulation._lines._wavelengths import emission_lines
from skxrd.simulation._options import b_factors, texture, uses_numba
from skxrd.simulation._pattern_folder import PatternFolder, fingerprint
from skxrd.simulation._profiles._peak_profile import PeakProfile
from skxrd.simulation._profiles._shapes import profile_kernel
from skxrd.simulation._report import SimulationReport
from skxrd.simulation._simulated_patterns import SimulatedPatterns
from skxrd.simulation._structures._cell_reading import has_gemmi
from skxrd.simulation._structures._cif_block import import_gemmi
from skxrd.simulation._structures._read_structure import items_and_ids
from skxrd.simulation._task import Outcome, SimulationTask

__all__ = ["PatternSimulator"]

T = TypeVar("T")

_MAX_BATCH = 64  # structures per task: well below a second of work, so that progress is seen
_ROWS_PER_BLOCK = 1024  # of patterns on disk that are finished together: 18 MB on the usual grid


class PatternSimulator(TransformerMixin, BaseEstimator):
    """Simulate powder X-ray diffraction patterns of crystal structures.

    Structure factors are sums over tabulated scattering factors of neutral atoms, with occupancies,
    and intensities carry multiplicity and the Lorentz-polarization factor; there is no absorption.
    Lines and intensities equal those of pymatgen's ``XRDCalculator`` [1]_, and do not depend on the
    choice of the cell. The strongest line between the ends of the grid has the intensity 100; lines
    that meet on a grid point are summed.

    Parameters
    ----------
    grid : TwoThetaGrid, default=None
        Two-theta axis; None means ``TwoThetaGrid()``, 0 to 90 degrees in steps of 0.02 degrees.
    wavelength : str, float or dict, default="CuKa"
        Radiation by pymatgen's name (CuKa, CuKa1, MoKa, CoKa, ...) or wavelength in angstrom.
        "CuKa" is the weighted mean, 1.54184 angstrom; "CuKa1+CuKa2", of any anode, is the doublet
        with intensities 2:1. A dictionary gives the intensity of each wavelength.
    fwhm : float, default=None
        Full width at half maximum of the lines in degrees, the same at all angles; lines are put on
        the nearest grid point first. None and 0 leave sticks. Broadening keeps the area of each
        line, so that heights shrink.
    eta : float, default=0.0
        Shape of lines of the width `fwhm`, from 0 (Gaussian) to 1 (Lorentzian), see `pseudo_voigt`.
    profile : PeakProfile, default=None
        Shape and width of the lines by instrument, crystallite size and microstrain, in place of
        `fwhm` and `eta`.
    debye_waller_factors : "structure", float, dict or None, default=None
        Damping by thermal motion: the displacement parameters in the structure, isotropic and
        anisotropic, where sites have them; or B = 8 pi^2 <u^2> in angstrom^2, the same for all
        elements or by symbol (an element without one is not damped). The amplitude of an atom is
        multiplied by exp(-B sin^2(theta) / wavelength^2).
    monochromator_two_theta : float, default=0.0
        Angle between the beams at the crystal of a monochromator in degrees, such as 26.6 for
        graphite and Cu K-alpha; 0 for none.
    preferred_orientation : tuple of ((h, k, l), r), default=None
        Texture after March and Dollase: planes hkl of the cell as it is given that lie flat in
        the sample more often than not (r below 1) or less often (r above 1).
    binning : {"sum", "xrdmatch"}, default="sum"
        How sticks get on the grid: on the nearest point and summed, or as in the data of the
        XRDMatch paper: on the next point above, where the last one counts, and divided by 100.
    engine : {"auto", "numpy", "numba"}, default="auto"
        What computes structure factors: numba (extra `fast`) where it is installed, or one of them.
        Intensities, from 0 to 100, then agree to 1e-6.
    cif_reader : {"auto", "gemmi", "pymatgen", "both"}, default="auto"
        Who reads CIFs: gemmi (extra `cif`) where it is installed, many times faster, with pymatgen
        for every file that shows a sign of trouble; one of them; or both, with a note where they
        disagree.
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
    PeakProfile : Shape of the lines.
    read_structure : What counts as a structure.

    Notes
    -----
    The simulator learns nothing: `transform` works without `fit`. With ``on_error="skip"`` the
    output may be shorter than the input; use `kept_` to select the labels, and "nan" where rows
    must stay aligned, as in a pipeline or with pandas output.

    The phase factor of a site is a product of terms of h, k and l, so that structure factors are
    matrix products; sites that scatter alike share one scattering factor. Planes whose angles round
    to the same multiple of 1e-5 degrees make one line, and lines below 1e-5 of the strongest are
    left out, as in pymatgen.

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
        "wavelength": [str, Mapping, Interval(Real, 0, None, closed="neither")],
        "fwhm": [Interval(Real, 0, None, closed="left"), None],
        "eta": [Interval(Real, 0, 1, closed="both")],
        "profile": [PeakProfile, None],
        "debye_waller_factors": [
            StrOptions({"structure"}),
            Interval(Real, 0, None, closed="left"),
            Mapping,
            None,
        ],
        "monochromator_two_theta": [Interval(Real, 0, 180, closed="left")],
        "preferred_orientation": [tuple, None],
        "binning": [StrOptions({"sum", "xrdmatch"})],
        "engine": [StrOptions({"auto", "numpy", "numba"})],
        "cif_reader": [StrOptions({"auto", "gemmi", "pymatgen", "both"})],
        "on_error": [StrOptions({"raise", "skip", "nan"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        grid: TwoThetaGrid | None = None,
        *,
        wavelength: str | float | Mapping[str | float, float] = "CuKa",
        fwhm: float | None = None,
        eta: float = 0.0,
        profile: PeakProfile | None = None,
        debye_waller_factors: Literal["structure"] | float | Mapping[str, float] | None = None,
        monochromator_two_theta: float = 0.0,
        preferred_orientation: tuple[tuple[int, int, int], float] | None = None,
        binning: str = "sum",
        engine: str = "auto",
        cif_reader: str = "auto",
        on_error: str = "raise",
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.grid = grid
        self.wavelength = wavelength
        self.fwhm = fwhm
        self.eta = eta
        self.profile = profile
        self.debye_waller_factors = debye_waller_factors
        self.monochromator_two_theta = monochromator_two_theta
        self.preferred_orientation = preferred_orientation
        self.binning = binning
        self.engine = engine
        self.cif_reader = cif_reader
        self.on_error = on_error
        self.n_jobs = n_jobs
        self.verbose = verbose

    @classmethod
    def from_preset(cls, preset: str, **parameters: Any) -> Self:
        """Make a simulator for a purpose.

        Parameters
        ----------
        preset : {"xrdmatch", "physical"}
            "xrdmatch": the patterns of the XRDMatch paper, sticks of Cu K-alpha (1.54184
            angstrom) from 0 to 90 degrees in steps of 0.02 degrees, with its rule of binning.
            "physical": what a laboratory diffractometer with Cu K-alpha shows from 10 to 80 degrees
            in steps of 0.02 degrees, with the widths of `PeakProfile`.
        **parameters : dict
            Parameters of the simulator that differ from the preset or are not in it.

        Returns
        -------
        PatternSimulator
            The simulator.

        Raises
        ------
        ValueError
            If there is no such preset.

        Examples
        --------
        >>> from skxrd import PatternSimulator
        >>> PatternSimulator.from_preset("physical", n_jobs=2).grid
        TwoThetaGrid(start=10, stop=80, n_points=3501)
        """
        presets: dict[str, dict[str, Any]] = {
            "xrdmatch": {"grid": TwoThetaGrid(), "binning": "xrdmatch"},
            "physical": {"grid": TwoThetaGrid(10, 80, 3501), "profile": PeakProfile()},
        }
        if preset not in presets:
            raise ValueError(f"preset must be one of {', '.join(presets)}, got {preset!r}.")
        return cls(**{**presets[preset], **parameters})

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
        self._task()
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

    def simulate(
        self, structures: Sequence[Any], *, ids: Sequence[str] | None = None
    ) -> SimulatedPatterns:
        """Simulate as `transform` does, and return names and formulas of the rows as well.

        Parameters
        ----------
        structures : sequence of structures of length n_structures
            As for `transform`.
        ids : sequence of str of length n_structures, default=None
            Name of each structure; None means `structure_id`.

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
        items, ids = items_and_ids(structures, ids)
        task = self._task()
        patterns = np.full((len(items), task.grid.n_points), np.nan, dtype=np.float32)
        report = SimulationReport(ids)
        with contextlib.closing(self._outcomes(items, task)) as outcomes:
            for position, outcome in enumerate(self._shown(outcomes, len(items))):
                if outcome.pattern is not None:
                    patterns[position] = outcome.pattern
                report.add(position, outcome, self.on_error)

        report.warn()
        kept = np.arange(len(items))
        if self.on_error == "skip" and report.failures:
            kept = np.delete(kept, [position for position, _, _ in report.failures])
            patterns = patterns[kept]
        return report.simulated(patterns, kept)

    def simulate_to_disk(
        self,
        structures: Sequence[Any],
        folder: str | os.PathLike[str],
        *,
        ids: Sequence[str] | None = None,
    ) -> SimulatedPatterns:
        """Simulate more patterns than fit into memory, and go on where an earlier run ended.

        Patterns go to ``patterns.npy`` in a new folder, names, formulas and reports to
        ``structures.csv`` and the parameters to ``simulation.json``. Until all is done the folder
        has the suffix ``.unfinished``; the same call takes it up again, block by block of 1,024
        structures. A structure without a pattern has a row of NaN.

        Parameters
        ----------
        structures : sequence of structures of length n_structures
            As for `transform`. Paths need the least memory.
        folder : path-like
            Folder that is made. If it exists and holds the result of the same call, that is read.
        ids : sequence of str of length n_structures, default=None
            Name of each structure; None means `structure_id`.

        Returns
        -------
        SimulatedPatterns
            Patterns as a read-only memory map, names, formulas and reports of failures.

        Raises
        ------
        InvalidStructureError
            If a structure gives no pattern and `on_error` is "raise"; blocks before it are kept.
        FileExistsError
            If the folder holds anything else, such as patterns of other parameters or structures.
        ValueError
            If a parameter is invalid, `on_error` is "skip" or `structures` is no sequence of
            structures.

        Warns
        -----
        PatternWarning
            If structures failed, or if their files or patterns deserve a look.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from pymatgen.core import Lattice, Structure
        >>> from skxrd import PatternSimulator
        >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     simulated = PatternSimulator().simulate_to_disk([iron], Path(folder) / "iron")
        ...     print(simulated.formulas, simulated.patterns.shape)
        ['Fe'] (1, 4501)
        """
        self._validate_params()
        if self.on_error == "skip":
            raise ValueError(
                'on_error="skip" is not possible on disk, where rows stay aligned; use "nan".'
            )
        items, ids = items_and_ids(structures, ids)
        task = self._task()
        shape = (len(items), task.grid.n_points)
        on_disk = PatternFolder(folder, self._described(task), shape)
        report = SimulationReport(ids)
        with contextlib.closing(self._outcomes_on_disk(items, ids, task, on_disk)) as outcomes:
            for position, outcome in enumerate(self._shown(outcomes, len(items))):
                report.add(position, outcome, self.on_error)
        on_disk.finish(report.table())
        report.warn()
        return report.simulated(on_disk.patterns(), np.arange(len(items)))

    def peaks(self, structures: Sequence[Any], *, hkl: bool = True) -> list[PeakList]:
        """Compute the lines of each structure.

        Parameters
        ----------
        structures : sequence of structures of length n_structures
            As for `transform`.
        hkl : bool, default=True
            Whether to tell the lattice planes of each line and their multiplicities, in terms of
            the cell as it is given. Symmetry, whose Laue class makes planes equivalent, is found
            by spglib with a tolerance of 0.01 angstrom; that takes longer than the lines.

        Returns
        -------
        list of PeakList of length n_structures
            Lines between the ends of the grid.

        Raises
        ------
        InvalidStructureError
            If a structure cannot be read or cannot diffract, whatever `on_error` says.
        ValueError
            If a parameter is invalid or `structures` is no sequence of structures.

        Examples
        --------
        >>> from pymatgen.core import Lattice, Structure
        >>> from skxrd import PatternSimulator
        >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        >>> peaks = PatternSimulator().peaks([iron])[0]
        >>> list(zip(peaks.labels(), peaks.two_theta.round(2).tolist()))
        [('110', 44.65), ('200', 64.99), ('211', 82.29)]
        """
        self._validate_params()
        items, ids = items_and_ids(structures)
        task = self._task()
        size = self._batch_size(len(items))
        tasks = (
            delayed(task.peaks)(items[start : start + size], hkl=hkl)
            for start in range(0, len(items), size)
        )
        found: list[PeakList] = []
        with contextlib.closing(as_they_come(tasks, self.n_jobs)) as batches:
            for batch in batches:
                for peaks in batch:
                    if isinstance(peaks, str):
                        position = len(found)
                        raise InvalidStructureError(
                            f"Structure {position} ({ids[position]}): {peaks}"
                        )
                    found.append(peaks)
        return found

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

    def _task(self) -> SimulationTask:
        """Check what depends on several parameters, and put them into what travels to workers."""
        grid = self._grid()
        with_displacements = self.debye_waller_factors == "structure"
        if self.cif_reader in ("gemmi", "both"):
            import_gemmi()
        diffraction = Diffraction(
            emission=emission_lines(self.wavelength),
            two_theta_range=(grid.start, grid.stop),
            monochromator_two_theta=self.monochromator_two_theta,
            b_factors=None if with_displacements else b_factors(self.debye_waller_factors),
            texture=texture(self.preferred_orientation),
            compiled=uses_numba(self.engine),
        )
        task = SimulationTask(
            grid=grid,
            diffraction=diffraction,
            profile=self._profile(grid),
            binning=self.binning,
            cif_reader=self.cif_reader,
            with_displacements=with_displacements,
        )
        if self.profile is not None:  # its errors belong here and not to the first structure
            angles = np.linspace(*task.widened_range, 181)
            self.profile.fwhm_and_eta(angles, min(diffraction.emission))
        return task

    def _profile(self, grid: TwoThetaGrid) -> PeakProfile | NDArray[np.float64] | None:
        is_broad = self.profile is not None or bool(self.fwhm)
        if self.profile is not None and self.fwhm:
            raise ValueError(
                f"fwhm={self.fwhm} and profile both set the width of the lines; give one of them."
            )
        if is_broad and self.binning == "xrdmatch":
            raise ValueError('binning="xrdmatch" leaves sticks; it goes with no fwhm and profile.')
        if self.profile is not None:
            return self.profile
        return profile_kernel(self.fwhm, grid.step, eta=self.eta) if self.fwhm else None

    def _batch_size(self, n_items: int) -> int:
        return min(_MAX_BATCH, ceil(n_items / (4 * effective_n_jobs(self.n_jobs))))

    def _outcomes(self, items: Sequence[Any], task: SimulationTask) -> Generator[Outcome]:
        size = self._batch_size(len(items))
        stop = self.on_error == "raise"
        tasks = (
            delayed(task.run)(items[start : start + size], stop_at_failure=stop)
            for start in range(0, len(items), size)
        )
        with contextlib.closing(as_they_come(tasks, self.n_jobs)) as batches:
            for batch in batches:
                yield from batch

    def _outcomes_on_disk(
        self, items: Sequence[Any], ids: Sequence[str], task: SimulationTask, on_disk: PatternFolder
    ) -> Generator[Outcome]:
        for start in range(0, len(items), _ROWS_PER_BLOCK):
            block = items[start : start + _ROWS_PER_BLOCK]
            key = fingerprint(block, ids[start : start + _ROWS_PER_BLOCK])
            outcomes = on_disk.read(start, key)
            if outcomes is not None:
                yield from outcomes
                continue
            outcomes = []
            with contextlib.closing(self._outcomes(block, task)) as computed:
                for outcome in computed:
                    outcomes.append(outcome)
                    yield outcome
            on_disk.write(start, key, outcomes)

    def _described(self, task: SimulationTask) -> dict[str, str]:
        """Tell what patterns depend on; how the work is done does not matter."""
        parameters = {**self.get_params(deep=False), "grid": task.grid}
        for name in ("on_error", "n_jobs", "verbose"):
            del parameters[name]
        described = {name: repr(value) for name, value in parameters.items()}
        # what "auto" means here
        described["engine"] = "numba" if task.diffraction.compiled else "numpy"
        described["cif_reader"] += "" if has_gemmi() else " without gemmi"
        return {"skxrd": __version__, **described}

    def _shown(self, outcomes: Iterator[T], n_items: int) -> Iterator[T]:
        if not self.verbose:
            return outcomes
        return tracked(outcomes, "Simulating patterns", n_items)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.dict = True
        tags.requires_fit = False
        tags.no_validation = True
        return tags
