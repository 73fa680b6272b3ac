"""Deep semi-supervised classifiers whose `y` holds -1 for unlabeled rows.

`SemiSupervisedClassifier` composes an algorithm, a network, augmentations and a rendering;
`XRDMatchClassifier` is the method of the XRDMatch paper with the paper's knobs.
"""

from skxrd.semi_supervised._algorithms import (
    BaseAlgorithm,
    FixMatch,
    FlexMatch,
    PseudoLabel,
    Supervised,
)
from skxrd.semi_supervised._classifier import SemiSupervisedClassifier, XRDMatchClassifier

__all__ = [
    "BaseAlgorithm",
    "FixMatch",
    "FlexMatch",
    "PseudoLabel",
    "SemiSupervisedClassifier",
    "Supervised",
    "XRDMatchClassifier",
]
