"""The same crystal as other samples show it: strained within its symmetry, and textured."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed

from skxrd._parallel import as_they_come
from skxrd._sklearn import Interval
from skxrd.exceptions import InvalidStructureError
from skxrd.simulation._lines._families import laue_rotations
from skxrd.simulation._report import SimulationReport
from skxrd.simulation._simulated_patterns import SimulatedPatterns
from skxrd.simulation._simulator import PatternSimulator
from skxrd.simulation._structures._cell import Cell
from skxrd.simulation._structures._read_structure import items_and_ids
from skxrd.simulation._task import Outcome, SimulationTask

__all__ = ["VariantSimulator"]

# Axes of a texture: faces that crystals show.
_AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))


class VariantSimulator(BaseEstimator):
    """Simulate each structure several times, with random strain and texture.

    Where the crystal is known, each line moves and changes as its own lattice planes do: the cell
    is strained, as by another composition, temperature or level of theory, in a way that keeps its
    symmetry, so that a cubic crystal stays cubic and an orthorhombic one changes each axis by its
    own amount; and grains prefer to lie on a face, by the law of March and Dollase. For patterns
    without a structure there are `LatticeStrain` and `PreferredOrientation`.

    Parameters
    ----------
    simulator : PatternSimulator, default=None
        Simulator of the patterns; None means ``PatternSimulator()``. Its `on_error` must not be
        "skip".
    n_variants : int, default=10
        Patterns per structure.
    max_strain : float, default=0.01
        Upper end of the largest principal strain, which is uniform between 0 and it.
    max_ratio : float, default=1.0
        Largest r of March and Dollase, at least 1; ln r is uniform within plus and minus its
        logarithm, and the axis is one of the seven faces 100, 110, 111, ... of the cell. 1 leaves
        the texture of the simulator.
    random_state : int, RandomState instance or None, default=None
        Source of randomness; an int gives the same patterns at each call, for any number of jobs.

    See Also
    --------
    PatternSimulator : One pattern per structure.

    References
    ----------
    N. J. Szymanski et al., Chemistry of Materials 33, 4204 (2021), vary cells within their symmetry
    by up to 3 %. W. A. Dollase, Journal of Applied Crystallography 19, 267 (1986).

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from skxrd.simulation import VariantSimulator
    >>> iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> variants = VariantSimulator(n_variants=3, random_state=0).simulate([iron, iron])
    >>> variants.patterns.shape, variants.kept.tolist()
    ((6, 4501), [0, 0, 0, 1, 1, 1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "simulator": [PatternSimulator, None],
        "n_variants": [Interval(Integral, 1, None, closed="left")],
        "max_strain": [Interval(Real, 0, 0.5, closed="left")],
        "max_ratio": [Interval(Real, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        simulator: PatternSimulator | None = None,
        *,
        n_variants: int = 10,
        max_strain: float = 0.01,
        max_ratio: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.simulator = simulator
        self.n_variants = n_variants
        self.max_strain = max_strain
        self.max_ratio = max_ratio
        self.random_state = random_state

    def simulate(
        self, structures: Sequence[Any], *, ids: Sequence[str] | None = None
    ) -> SimulatedPatterns:
        """Simulate the variants of each structure, one after the other.

        Parameters
        ----------
        structures : sequence of structures of length n_structures
            As for `PatternSimulator.transform`.
        ids : sequence of str of length n_structures, default=None
            Name of each structure; None means `structure_id`.

        Returns
        -------
        SimulatedPatterns
            ``n_structures * n_variants`` patterns; `kept` holds the position of the structure of
            each, by which labels follow: ``y[variants.kept]``.

        Raises
        ------
        InvalidStructureError
            If a structure gives no pattern and `on_error` of the simulator is "raise".
        ValueError
            If a parameter is invalid, or `structures` is no sequence of structures.

        Warns
        -----
        PatternWarning
            If structures failed, or if their files or patterns deserve a look.
        """
        self._validate_params()
        simulator = PatternSimulator() if self.simulator is None else self.simulator
        if simulator.on_error == "skip":
            raise ValueError('on_error="skip" is not possible with variants; use "nan".')
        task = simulator._task()
        items, names = items_and_ids(structures, ids)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        patterns = np.full(
            (len(items), self.n_variants, task.grid.n_points), np.nan, dtype=np.float32
        )
        report = SimulationReport(names)
        size = simulator._batch_size(len(items))
        tasks = (
            delayed(self._batch)(task, items[start : start + size], seed, start)
            for start in range(0, len(items), size)
        )
        with contextlib.closing(as_they_come(tasks, simulator.n_jobs)) as batches:
            each = (outcomes for batch in batches for outcomes in batch)
            for position, outcomes in enumerate(simulator._shown(each, len(items))):
                report.add(position, _merged(outcomes), simulator.on_error)
                for variant, outcome in enumerate(outcomes):
                    if outcome.pattern is not None:
                        patterns[position, variant] = outcome.pattern
        report.warn()
        rows = patterns.reshape(-1, task.grid.n_points)
        return report.simulated(rows, np.repeat(np.arange(len(items)), self.n_variants))

    def _batch(
        self, task: SimulationTask, items: list[Any], seed: int, start: int
    ) -> list[list[Outcome]]:
        # one stream per structure, whatever the batches
        return [
            self._variants(task, item, np.random.default_rng([seed, position]))
            for position, item in enumerate(items, start)
        ]

    def _variants(
        self, task: SimulationTask, item: Any, generator: np.random.Generator
    ) -> list[Outcome]:
        try:
            cell, notes = task.read(item)
            rotations = laue_rotations(cell)
        except InvalidStructureError as error:
            return [Outcome(None, reason=str(error))] * self.n_variants
        outcomes = []
        for _ in range(self.n_variants):
            variant = strained(cell, rotations, self.max_strain, generator)
            axis = _AXES[generator.integers(len(_AXES))]
            ratio = float(np.exp(generator.uniform(-1, 1) * np.log(self.max_ratio)))
            textured = task
            if self.max_ratio > 1:
                diffraction = replace(task.diffraction, texture=(axis, ratio))
                textured = replace(task, diffraction=diffraction)
            outcomes.append(textured.simulate(variant, notes))
        return outcomes


def _merged(outcomes: Sequence[Outcome]) -> Outcome:
    """Put together what is to be told: the first failure, and each note once."""
    reasons = [outcome.reason for outcome in outcomes if outcome.reason]
    notes = dict.fromkeys(note for outcome in outcomes for note in outcome.notes)
    return outcomes[0]._replace(reason=reasons[0] if reasons else "", notes=tuple(notes))


def strained(
    cell: Cell,
    rotations: NDArray[np.integer],
    max_strain: float,
    generator: np.random.Generator,
) -> Cell:
    """Strain a cell at random in a way that keeps its symmetry.

    Parameters
    ----------
    cell : Cell
        Unit cell.
    rotations : ndarray of int of shape (n_rotations, 3, 3)
        Its Laue class, see `laue_rotations`.
    max_strain : float
        Upper end of the largest principal strain.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Cell
        The cell with another lattice; fractional coordinates stay.
    """
    to_cartesian = cell.lattice.T
    cartesian = to_cartesian @ rotations @ np.linalg.inv(to_cartesian)
    any_strain = generator.uniform(-1, 1, size=(3, 3))
    strain = (cartesian @ (any_strain + any_strain.T) @ cartesian.transpose(0, 2, 1)).mean(axis=0)
    strain *= generator.uniform(0, max_strain) / np.abs(np.linalg.eigvalsh(strain)).max()
    return cell._replace(lattice=cell.lattice @ (np.eye(3) + strain))
