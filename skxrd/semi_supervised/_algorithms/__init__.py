"""Semi-supervised algorithms: the views of a batch they need, the losses they make."""

from skxrd.semi_supervised._algorithms._base import BaseAlgorithm, Supervised, TrainingBatch
from skxrd.semi_supervised._algorithms._consistency import (
    VAT,
    MeanTeacher,
    PiModel,
    TemporalEnsembling,
)
from skxrd.semi_supervised._algorithms._fixmatch import UDA, DeFixMatch, FixMatch, ReFixMatch
from skxrd.semi_supervised._algorithms._flexmatch import FlexMatch
from skxrd.semi_supervised._algorithms._graph import CoMatch, SimMatch
from skxrd.semi_supervised._algorithms._mixing import MixMatch, ReMixMatch
from skxrd.semi_supervised._algorithms._pseudo_label import PseudoLabel
from skxrd.semi_supervised._algorithms._relative import AdaMatch, Dash
from skxrd.semi_supervised._algorithms._self_adaptive import FreeMatch, SoftMatch
from skxrd.semi_supervised._algorithms._sequence import SequenceMatch

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
    "SequenceMatch",
    "SimMatch",
    "SoftMatch",
    "Supervised",
    "TemporalEnsembling",
    "TrainingBatch",
]
