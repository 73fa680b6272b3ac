"""Deep semi-supervised classifiers whose `y` holds -1 for unlabeled rows.

`SemiSupervisedClassifier` composes an algorithm, a network, augmentations and a rendering;
`XRDMatchClassifier` is the method of the XRDMatch paper with the paper's knobs.
"""

from skxrd.semi_supervised._algorithms import (
    UDA,
    VAT,
    AdaMatch,
    BaseAlgorithm,
    CoMatch,
    Dash,
    DeFixMatch,
    FixMatch,
    FlexMatch,
    FreeMatch,
    MeanTeacher,
    MixMatch,
    PiModel,
    PseudoLabel,
    ReFixMatch,
    ReMixMatch,
    SequenceMatch,
    SimMatch,
    SoftMatch,
    Supervised,
    TemporalEnsembling,
    TrainingBatch,
)
from skxrd.semi_supervised._classifier import SemiSupervisedClassifier
from skxrd.semi_supervised._xrdmatch import XRDMatchClassifier

__all__ = [
    "UDA",
    "VAT",
    "AdaMatch",
    "BaseAlgorithm",
    "CoMatch",
    "Dash",
    "DeFixMatch",
    "FixMatch",
    "FlexMatch",
    "FreeMatch",
    "MeanTeacher",
    "MixMatch",
    "PiModel",
    "PseudoLabel",
    "ReFixMatch",
    "ReMixMatch",
    "SemiSupervisedClassifier",
    "SequenceMatch",
    "SimMatch",
    "SoftMatch",
    "Supervised",
    "TemporalEnsembling",
    "TrainingBatch",
    "XRDMatchClassifier",
]
