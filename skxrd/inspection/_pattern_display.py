"""Diffraction patterns over two-theta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skxrd.grid import TwoThetaGrid
from skxrd.inspection._pattern_comparison import (
    Wavelength,
    background_of,
    checked_measured,
    common_axis,
    mean_wavelength,
    scale_factor,
    simulated_at,
)
from skxrd.inspection._pattern_marks import Peaks, phases_of
from skxrd.inspection._pattern_plot import PatternPlot
from skxrd.io import MeasuredPattern
from skxrd.simulation import PatternSimulator, PeakProfile

__all__ = ["PatternDisplay"]


class PatternDisplay(PatternPlot):
    """Diffraction patterns: stacked or on top of each other, a series, or measured and simulated.

    `from_patterns`, `from_structure`, `from_measured` and `from_comparison` make one and draw it.

    Parameters
    ----------
    two_theta : array-like of shape (n_points,)
        Angles in degrees.
    patterns : array-like of shape (n_patterns, n_points)
        Intensities, one pattern per row; they are drawn as they are, not normalized.
    labels : sequence of str of length n_patterns, default=None
        Name of each pattern; the kinds "waterfall" and "map" have no place for names.
    wavelength : str, float or mapping, default=None
        Radiation, as for `PatternSimulator`; of several lines the mean is taken. It is needed for
        the axes Q and d.
    peaks : PeakList, sequence of PeakList or dict of str to PeakList, default=None
        Lines of one or several phases, the keys being their names. A row of ticks below the
        patterns shows the lines of each. Where `wavelength` is given, they are put where their
        plane distances diffract at it, and otherwise where they were computed.
    values : array-like of float of shape (n_patterns,), default=None
        What changes along a series, such as temperature or time, in finite numbers; for the kinds
        "waterfall" and "map". None stands for 0, 1, 2, ...
    values_label : str, default=None
        Name and unit of `values`.

    Attributes
    ----------
    two_theta : ndarray of shape (n_points,)
        Angles in degrees.
    patterns : ndarray of shape (n_patterns, n_points)
        Intensities, as floating-point numbers.
    labels : list of str or None
        Name of each pattern.
    wavelength : float or None
        Wavelength in angstrom.
    peaks : PeakList, sequence of PeakList, dict of str to PeakList or None
        Lines of the phases.
    values : ndarray of shape (n_patterns,) or None
        What changes along a series.
    values_label : str or None
        Name and unit of `values`.
    scale_ : float
        Factor of the simulated pattern, of `from_comparison` only.
    ax_ : matplotlib Axes
        Axes with the patterns.
    ticks_ax_, difference_ax_ : matplotlib Axes or None
        Panels below with the ticks and with the difference; they share the x axis.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        One line per pattern; empty for the kinds "waterfall" and "map".
    series_ : matplotlib LineCollection, QuadMesh or None
        What "waterfall" and "map" draw.
    colorbar_ : matplotlib Colorbar or None
        Color bar of the series.
    difference_ : matplotlib Line2D or None
        Measured minus simulated.
    ticks_ : list of matplotlib LineCollection
        Ticks of each phase.
    hkl_texts_ : list of matplotlib Annotation
        Labels of the strongest lines.

    Raises
    ------
    TypeError
        If `peaks` holds something else than lists of lines.
    ValueError
        If the lengths of the arguments do not fit together, `values` are not finite, or
        `wavelength` is unknown.

    See Also
    --------
    TrainingDisplay : Losses and thresholds over the epochs of a training.

    Examples
    --------
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.inspection import PatternDisplay
    >>> X, y = make_patterns(3, n_classes=3, grid=TwoThetaGrid(10, 80, 351), random_state=0)
    >>> display = PatternDisplay.from_patterns(
    ...     X, grid=TwoThetaGrid(10, 80, 351), labels=["a", "b", "c"], kind="sticks"
    ... )
    >>> len(display.lines_)
    3
    """

    def __init__(
        self,
        two_theta: ArrayLike,
        patterns: ArrayLike,
        *,
        labels: Sequence[str] | None = None,
        wavelength: Wavelength | None = None,
        peaks: Peaks | None = None,
        values: ArrayLike | None = None,
        values_label: str | None = None,
    ) -> None:
        self.two_theta = np.asarray(two_theta, dtype=float)
        self.patterns = np.asarray(patterns)
        if not np.issubdtype(self.patterns.dtype, np.floating):
            self.patterns = self.patterns.astype(float)  # small integers would wrap around
        self.labels = None if labels is None else [str(label) for label in labels]
        self.wavelength = None if wavelength is None else mean_wavelength(wavelength)
        self.peaks = peaks
        self.values = None if values is None else np.asarray(values, dtype=float)
        self.values_label = values_label
        if self.patterns.ndim != 2 or self.two_theta.shape != self.patterns.shape[1:]:
            raise ValueError(
                "patterns must have shape (n_patterns, n_points) with one point per angle of "
                f"two_theta, got shapes {self.patterns.shape} and {self.two_theta.shape}."
            )
        if self.labels is not None and len(self.labels) != len(self.patterns):
            raise ValueError(
                f"labels must name each pattern: got {len(self.labels)} labels for "
                f"{len(self.patterns)} patterns."
            )
        if self.values is not None and self.values.shape != (len(self.patterns),):
            raise ValueError(
                f"values must hold a number for each pattern: got shape {self.values.shape} for "
                f"{len(self.patterns)} patterns."
            )
        if self.values is not None and not np.isfinite(self.values).all():
            number = int(np.flatnonzero(~np.isfinite(self.values))[0])
            raise ValueError(
                f"values must be finite, got {self.values[number]} for pattern {number}."
            )
        phases_of(peaks, self.wavelength)

    @classmethod
    def from_patterns(
        cls,
        X: ArrayLike,
        *,
        grid: TwoThetaGrid | None = None,
        labels: Sequence[str] | None = None,
        wavelength: Wavelength | None = None,
        peaks: Peaks | None = None,
        values: ArrayLike | None = None,
        values_label: str | None = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw the rows of a pattern set.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_points) or (n_points,)
            Patterns, or a single one.
        grid : TwoThetaGrid, default=None
            Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
        labels : sequence of str of length n_patterns, default=None
            Name of each pattern.
        wavelength : str, float or mapping, default=None
            As for the class.
        peaks : PeakList, sequence of PeakList or dict of str to PeakList, default=None
            As for the class.
        values : array-like of float of shape (n_patterns,), default=None
            As for the class.
        values_label : str, default=None
            As for the class.
        **plot_kwargs : dict
            Arguments of `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If the shape of `X`, the grid and the labels do not fit together.
        """
        X = np.atleast_2d(np.asarray(X))
        grid = TwoThetaGrid(0, 90, X.shape[-1]) if grid is None else grid
        display = cls(
            grid.two_theta,
            X,
            labels=labels,
            wavelength=wavelength,
            peaks=peaks,
            values=values,
            values_label=values_label,
        )
        return display.plot(**plot_kwargs)

    @classmethod
    def from_structure(
        cls,
        structure: Any,
        *,
        grid: TwoThetaGrid | None = None,
        wavelength: Wavelength = "CuKa",
        fwhm: float | None = None,
        profile: PeakProfile | None = None,
        label: str | None = None,
        n_labels: int = 0,
        **plot_kwargs: Any,
    ) -> Self:
        """Simulate the pattern of a crystal structure and draw it.

        Parameters
        ----------
        structure : path, str, dict or pymatgen Structure
            The structure, see `skxrd.simulation.read_structure`.
        grid : TwoThetaGrid, default=None
            Two-theta axis; None stands for 0 to 90 degrees in steps of 0.02 degrees.
        wavelength : str, float or mapping, default="CuKa"
            Radiation, as for `PatternSimulator`.
        fwhm : float, default=None
            Full width at half maximum of the lines in degrees. None and 0 draw sticks.
        profile : PeakProfile, default=None
            Shape and width of the lines in place of `fwhm`.
        label : str, default=None
            Name of the pattern; None stands for the reduced formula.
        n_labels : int, default=0
            Number of strongest lines over which hkl is written; above 0, ticks show all lines.
        **plot_kwargs : dict
            Arguments of `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        InvalidStructureError
            If the structure cannot be read or has no pattern.
        MissingDependencyError
            If matplotlib is not installed.
        """
        grid = TwoThetaGrid() if grid is None else grid
        simulator = PatternSimulator(grid, wavelength=wavelength, fwhm=fwhm, profile=profile)
        simulated = simulator.simulate([structure])
        # the lines of a doublet have the same indices: they are marked once, in their middle
        mean = mean_wavelength(wavelength)
        peaks = PatternSimulator(grid, wavelength=mean).peaks([structure])[0] if n_labels else None
        display = cls(
            grid.two_theta,
            simulated.patterns,
            labels=simulated.formulas if label is None else [label],
            wavelength=mean,
            peaks=peaks,
        )
        plot_kwargs = {"kind": "profile" if fwhm or profile else "sticks", **plot_kwargs}
        return display.plot(n_labels=n_labels, **plot_kwargs)

    @classmethod
    def from_measured(
        cls,
        measured: MeasuredPattern | Sequence[MeasuredPattern],
        *,
        labels: Sequence[str] | None = None,
        peaks: Peaks | None = None,
        values: ArrayLike | None = None,
        values_label: str | None = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw measured patterns that share their angles, such as those of a series.

        Parameters
        ----------
        measured : MeasuredPattern or sequence of MeasuredPattern
            What `read_pattern` or `read_patterns` gives.
        labels : sequence of str of length n_patterns, default=None
            Name of each pattern; None stands for the names of the files.
        peaks : PeakList, sequence of PeakList or dict of str to PeakList, default=None
            As for the class.
        values : array-like of float of shape (n_patterns,), default=None
            As for the class.
        values_label : str, default=None
            As for the class.
        **plot_kwargs : dict
            Arguments of `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        TypeError
            If `measured` holds something else than measured patterns.
        ValueError
            If there is no pattern, or if angles or wavelengths differ: patterns of several
            instruments have to be put on one grid before, by
            `skxrd.preprocessing.MeasuredPatternTransformer`.
        """
        patterns = [measured] if isinstance(measured, MeasuredPattern) else list(measured)
        two_theta, wavelength = common_axis(patterns)
        names = [pattern.name for pattern in patterns]
        if labels is None and all(names):
            labels = names
        display = cls(
            two_theta,
            np.array([pattern.intensity for pattern in patterns]),
            labels=labels,
            wavelength=wavelength,
            peaks=peaks,
            values=values,
            values_label=values_label,
        )
        return display.plot(**plot_kwargs)

    @classmethod
    def from_comparison(
        cls,
        measured: MeasuredPattern,
        simulated: ArrayLike,
        *,
        grid: TwoThetaGrid | None = None,
        wavelength: Wavelength = "CuKa",
        background: ArrayLike | None = None,
        labels: Sequence[str] | None = None,
        peaks: Peaks | None = None,
        **plot_kwargs: Any,
    ) -> Self:
        """Draw a measured pattern, a simulated one over it, and their difference below.

        The simulated pattern is multiplied by the factor, kept as `scale_`, that makes the sum of
        the squared differences smallest where both patterns have angles. Nothing else is fitted:
        what is wrong with lattice, zero, widths and intensities is seen. The picture is that of a
        Rietveld refinement and not its result.

        Parameters
        ----------
        measured : MeasuredPattern
            What `read_pattern` gives. Its wavelength must be known.
        simulated : array-like of shape (n_points,)
            Simulated profile; sticks would fall between the measured angles.
        grid : TwoThetaGrid, default=None
            Grid of `simulated`. None stands for 0 to 90 degrees on its number of points.
        wavelength : str, float or mapping, default="CuKa"
            Radiation of `simulated`, as for `PatternSimulator`; of several lines the mean is taken.
            If it is not that of the measurement, the simulated angles are converted to it through
            the plane distances. The heights of the lines remain as they are.
        background : array-like of shape (n_measured,), default=None
            Background at each measured angle, which is added to the scaled pattern; None stands for
            zero.
        labels : sequence of 2 str, default=None
            Names in the legend; None stands for "measured" and "simulated".
        peaks : PeakList, sequence of PeakList or dict of str to PeakList, default=None
            As for the class.
        **plot_kwargs : dict
            Arguments of `plot`.

        Returns
        -------
        PatternDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        TypeError
            If `measured` is no measured pattern.
        ValueError
            If the wavelength of the measurement is unknown, if shapes do not fit together, if
            `simulated` holds sticks, or if the patterns have nothing in common.

        Examples
        --------
        >>> import numpy as np
        >>> from skxrd import PatternSimulator, TwoThetaGrid
        >>> from skxrd.datasets import load_lithium_conductors
        >>> from skxrd.inspection import PatternDisplay
        >>> from skxrd.io import MeasuredPattern
        >>> grid = TwoThetaGrid(10, 80, 3501)
        >>> structure = load_lithium_conductors().structures[0]
        >>> simulated = PatternSimulator(grid, fwhm=0.1).transform([structure])[0]
        >>> counts = np.random.default_rng(0).poisson(30 * simulated + 50)
        >>> measured = MeasuredPattern(grid.two_theta, counts, wavelength=1.54184)
        >>> background = np.full(len(counts), 50)
        >>> display = PatternDisplay.from_comparison(
        ...     measured, simulated, grid=grid, background=background
        ... )
        >>> round(display.scale_)
        30
        """
        (measured,) = checked_measured([measured])
        simulated = np.asarray(simulated, dtype=float)
        grid = TwoThetaGrid(0, 90, simulated.shape[-1]) if grid is None else grid
        curve = simulated_at(measured, simulated, grid, mean_wavelength(wavelength))
        zero_line = background_of(measured, background)
        scale = scale_factor(measured.intensity - zero_line, curve)
        display = cls(
            measured.two_theta,
            np.array([measured.intensity, scale * curve + zero_line]),
            labels=labels,
            wavelength=measured.wavelength,
            peaks=peaks,
        )
        display.scale_ = scale
        return display.plot(**{"kind": "comparison", **plot_kwargs})
