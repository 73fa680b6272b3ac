"""Random changes of diffraction patterns, as scikit-learn transformers over batched torch kernels.

An augmentation inside a `Pipeline` also acts at predict time; given to a classifier as
`weak_augmentation` or `strong_augmentation` it acts in training only. Compose several with
scikit-learn's own `make_pipeline`; those that change lines also with `OnePass`, which is faster.
`PeakElimination`, `PeakScaling` and `PeakShift` are those of the XRDMatch paper; the others are
what samples and instruments do, in physical units.
"""

from skxrd.augmentation._background import BackgroundDrift
from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._elimination import PeakElimination
from skxrd.augmentation._impurity import ImpurityPhase
from skxrd.augmentation._intensities import DetectionLimit, IntensityJitter
from skxrd.augmentation._noise import CountingNoise
from skxrd.augmentation._one_pass import OnePass
from skxrd.augmentation._positions import LatticeStrain, SampleDisplacement, ZeroShift
from skxrd.augmentation._presets import physical_augmentation
from skxrd.augmentation._range import RangeMask
from skxrd.augmentation._scaling import PeakScaling
from skxrd.augmentation._shift import PeakShift
from skxrd.augmentation._texture import PreferredOrientation
from skxrd.augmentation._widths import SizeBroadening, StrainBroadening

__all__ = [
    "BackgroundDrift",
    "BaseAugmentation",
    "CountingNoise",
    "DetectionLimit",
    "ImpurityPhase",
    "IntensityJitter",
    "LatticeStrain",
    "OnePass",
    "PeakElimination",
    "PeakScaling",
    "PeakShift",
    "PreferredOrientation",
    "RangeMask",
    "SampleDisplacement",
    "SizeBroadening",
    "StrainBroadening",
    "ZeroShift",
    "physical_augmentation",
]
