"""Physical augmentations, put together."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from skxrd._sklearn import Interval, StrOptions, set_random_states, validate_params
from skxrd.augmentation._background import BackgroundDrift
from skxrd.augmentation._impurity import ImpurityPhase
from skxrd.augmentation._intensities import DetectionLimit, IntensityJitter
from skxrd.augmentation._noise import CountingNoise
from skxrd.augmentation._one_pass import OnePass
from skxrd.augmentation._positions import LatticeStrain, SampleDisplacement, ZeroShift
from skxrd.augmentation._range import RangeMask
from skxrd.augmentation._texture import PreferredOrientation
from skxrd.augmentation._widths import SizeBroadening, StrainBroadening
from skxrd.grid import TwoThetaGrid

__all__ = ["physical_augmentation"]

_COPPER = 1.54184  # angstrom, mean of the K-alpha lines


@validate_params(
    {
        "strength": [StrOptions({"weak", "strong"})],
        "measured": ["boolean"],
        "grid": [None, TwoThetaGrid],
        "wavelength": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def physical_augmentation(
    strength: Literal["weak", "strong"] = "weak",
    *,
    measured: bool = False,
    grid: TwoThetaGrid | None = None,
    wavelength: float = 1.54184,
    random_state: int | np.random.RandomState | None = None,
) -> Pipeline:
    """Make a weak or strong augmentation of stick patterns from physical effects.

    ========================  ==================  ======================================
    effect                    weak                strong
    ========================  ==================  ======================================
    `LatticeStrain`           0.5 %               1 %
    `IntensityJitter`         10 %                30 %
    `PreferredOrientation`                        March ratio up to 1.5
    `ImpurityPhase`                               up to 10 %
    `DetectionLimit`                              0.1 to 2 %
    ========================  ==================  ======================================

    and, if the patterns to predict are `measured`, also

    ========================  ==================  ======================================
    effect                    weak                strong
    ========================  ==================  ======================================
    `SampleDisplacement`      0.1 mm at 240 mm    0.2 mm at 240 mm
    `ZeroShift`               0.03 degrees        0.05 degrees
    `SizeBroadening`          50 to 200 nm        20 to 200 nm
    `StrainBroadening`                            up to 0.2 %
    `BackgroundDrift`                             up to 5 %, and a hump of up to 5 %
    `CountingNoise`                               1,000 to 100,000 counts
    `RangeMask`                                   up to a tenth below, a fifth above
    ========================  ==================  ======================================

    Parameters
    ----------
    strength : {"weak", "strong"}, default="weak"
        Weak, for views on which pseudo-labels are made, or strong, for views that must agree.
    measured : bool, default=False
        Whether the model shall predict measured patterns; else patterns simulated like those of the
        training, which no instrument has touched.
    grid : TwoThetaGrid or None, default=None
        Grid of the patterns. None stands for 0 to 90 degrees on the number of points of `X`.
    wavelength : float, default=1.54184
        Wavelength in angstrom, above 0; sets the width by size, and where the hump of the
        background lies.
    random_state : int, RandomState instance or None, default=None
        Source of randomness of all steps.

    Returns
    -------
    Pipeline
        Augmentations, to be used or changed like any other pipeline.

    Notes
    -----
    The values are of the size of what samples and instruments do; no benchmark of skxrd has chosen
    them. What acts on lines comes first, in `OnePass`; what acts on profiles follows.

    In a classifier with a `rendering`, background and noise come before it: a broadening in the
    rendering smooths the noise and adds to the widths by size and strain. For measured patterns,
    render without a broadening or with a small one, of the width of the instrument at most.

    Examples
    --------
    >>> from skxrd.augmentation import physical_augmentation
    >>> list(physical_augmentation("strong", measured=True).named_steps)
    ['onepass', 'backgrounddrift', 'countingnoise', 'rangemask']
    >>> weak = physical_augmentation("weak")
    >>> weak.set_params(onepass__augmentation__latticestrain__max_strain=0.02)["onepass"]
    OnePass(augmentation=Pipeline(steps=[('latticestrain', LatticeStrain(max_strain=0.02)),
                                         ('intensityjitter', IntensityJitter(relative=0.1))]))
    """
    strong = strength == "strong"
    lines = _strong_lines() if strong else [LatticeStrain(0.005), IntensityJitter(0.1)]
    profiles: list[Any] = []
    if measured:
        lines += _instrument(strong, wavelength)
    if measured and strong:
        profiles = _measurement(grid, wavelength)
    pipeline = make_pipeline(OnePass(make_pipeline(*lines), grid=grid), *profiles)
    if random_state is not None:
        set_random_states(pipeline, random_state)
    return pipeline


def _strong_lines() -> list[Any]:
    """Make what differs between samples; an impurity brings a strain and texture of its own."""
    return [
        PreferredOrientation(1.5),
        IntensityJitter(0.3),
        LatticeStrain(0.01),
        ImpurityPhase(0.1),
        DetectionLimit(0.001, 0.02),
    ]


def _instrument(strong: bool, wavelength: float) -> list[Any]:
    """Make what a diffractometer and the grains do to the lines of all phases alike."""
    if not strong:
        size = SizeBroadening(50.0, 200.0, wavelength=wavelength)
        return [SampleDisplacement(0.1), ZeroShift(0.03), size]
    size = SizeBroadening(20.0, 200.0, wavelength=wavelength)
    return [SampleDisplacement(0.2), ZeroShift(0.05), size, StrainBroadening(0.002)]


def _measurement(grid: TwoThetaGrid | None, wavelength: float) -> list[Any]:
    """Make what a detector sees beside lines, within the range of its scan."""
    extent = 90.0 if grid is None else grid.stop - grid.start
    # What is amorphous has its distances, not its angles.
    centers, widths = (
        [round(_angle_at(angle, wavelength), 2) for angle in angles]
        for angles in ((15.0, 30.0), (4.0, 12.0))
    )
    return [
        BackgroundDrift(
            0.05,
            max_hump=0.05,
            min_center=centers[0],
            max_center=centers[1],
            min_width=widths[0],
            max_width=widths[1],
            grid=grid,
        ),
        CountingNoise(1e3, 1e5),
        RangeMask(0.1 * extent, 0.2 * extent, grid=grid),
    ]


def _angle_at(copper_angle: float, wavelength: float) -> float:
    """Angle two-theta at which a wavelength sees what Cu K-alpha has at `copper_angle`."""
    sine = math.sin(math.radians(copper_angle / 2)) * wavelength / _COPPER
    return math.degrees(2 * math.asin(min(sine, 1.0)))
