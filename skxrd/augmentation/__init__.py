"""Random changes of diffraction patterns, as scikit-learn transformers over batched torch kernels.

An augmentation inside a `Pipeline` also acts at predict time; given to a classifier as
`weak_augmentation` or `strong_augmentation` it acts in training only. Compose several with
scikit-learn's own `make_pipeline`.
"""

from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._elimination import PeakElimination
from skxrd.augmentation._scaling import PeakScaling
from skxrd.augmentation._shift import PeakShift

__all__ = ["BaseAugmentation", "PeakElimination", "PeakScaling", "PeakShift"]
