"""Several augmentations of lines in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from typing_extensions import override

from skxrd._sklearn import HasMethods
from skxrd.augmentation._intensities import IntensityJitter
from skxrd.augmentation._lines import BaseLineAugmentation, Lines
from skxrd.augmentation._positions import LatticeStrain, SampleDisplacement, ZeroShift
from skxrd.grid import TwoThetaGrid

__all__ = ["OnePass"]


class OnePass(BaseLineAugmentation):
    """Apply several augmentations of lines in one pass: sticks in, rendered last.

    On its own, each augmentation of lines takes a pattern apart and puts it back on the grid, where
    a line between two points is divided among them. Here that is done once for all of them:
    lines carry their exact positions from one to the next, each keeps its identity, the widths by
    size and strain are added before they are rendered, and most of the time is saved.

    Parameters
    ----------
    augmentation : augmentation of lines, Pipeline of them, or None, default=None
        What is done, in this order: any of `DetectionLimit`, `ImpurityPhase`, `IntensityJitter`,
        `LatticeStrain`, `PreferredOrientation`, `SampleDisplacement`, `SizeBroadening`,
        `StrainBroadening`, `ZeroShift`. None stands for lattice strain, jitter, zero shift and
        displacement with their defaults. Their own `random_state` is not used here.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns, for all steps. None stands for 0 to 90 degrees on the number of points
        of `X`.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Number of points of a pattern.

    Raises
    ------
    TypeError
        If a step does not change lines, but whole patterns, or is a class (in `fit`).
    ValueError
        If `grid` has another number of points than the patterns, or a step has another grid (in
        `fit`).

    See Also
    --------
    physical_augmentation : Presets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxrd import TwoThetaGrid
    >>> from skxrd.augmentation import IntensityJitter, LatticeStrain, OnePass, ZeroShift
    >>> steps = make_pipeline(LatticeStrain(0.01), IntensityJitter(0.2), ZeroShift(0.05))
    >>> both = OnePass(steps, grid=TwoThetaGrid(10, 80, 3501), random_state=0)
    >>> np.count_nonzero(both.fit_transform(np.eye(4, 3501, k=1000)), axis=1)
    array([2, 2, 2, 2])
    """

    _parameter_constraints = {
        **BaseLineAugmentation._parameter_constraints,
        "augmentation": [None, HasMethods(["augment_lines"]), Pipeline],
    }

    def __init__(
        self,
        augmentation: Any = None,
        *,
        grid: TwoThetaGrid | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.augmentation = augmentation
        self.grid = grid
        self.random_state = random_state

    def _steps(self) -> list[Any]:
        if self.augmentation is None:
            return [LatticeStrain(), IntensityJitter(), ZeroShift(), SampleDisplacement()]
        return list(_steps_of(self.augmentation))

    @override
    def _check_n_points(self, n_points: int) -> None:
        super()._check_n_points(n_points)
        for step in self._steps():
            if isinstance(step, type):
                raise TypeError(
                    f"augmentation holds the class {step.__name__}; an instance is needed, such as "
                    f"{step.__name__}()."
                )
            name = type(step).__name__
            if not hasattr(step, "augment_lines"):
                raise TypeError(
                    f"augmentation holds {name}, which changes whole patterns and not lines; put "
                    "it behind OnePass, in a Pipeline of both."
                )
            if step.grid not in (None, self.grid):
                raise ValueError(
                    f"{name} has the grid {step.grid}, but OnePass has {self.grid}; leave the grid "
                    "of the steps at None."
                )
            step._validate_params()
            step._check_n_points(n_points)

    @override
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        for step in self._steps():
            lines = step.augment_lines(lines, generator)
        return lines


def _steps_of(augmentation: Any) -> Iterator[Any]:
    """Walk through a pipeline, and through those within it."""
    if isinstance(augmentation, Pipeline):
        for _, step in augmentation.steps:
            yield from _steps_of(step)
    elif augmentation not in (None, "passthrough"):
        yield augmentation
