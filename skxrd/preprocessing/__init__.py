"""Transformers that turn patterns into what a model reads: scale, floor, broaden, resample.

Most have two faces: `transform` takes and returns numpy arrays like any scikit-learn transformer,
and `render` is the same computation as a deterministic, batched torch kernel, which a classifier
runs on the device after augmentation (its `rendering` parameter). `BaselineRemover` and
`MeasuredPatternTransformer` prepare measured patterns, once, and have the first face only.
"""

from skxrd.preprocessing._base import BasePreprocessor
from skxrd.preprocessing._baseline import BaselineRemover
from skxrd.preprocessing._broadener import PeakBroadener
from skxrd.preprocessing._intensity import IntensityFloor, IntensityScaler
from skxrd.preprocessing._measured import MeasuredPatternTransformer
from skxrd.preprocessing._resampler import PatternResampler

__all__ = [
    "BasePreprocessor",
    "BaselineRemover",
    "IntensityFloor",
    "IntensityScaler",
    "MeasuredPatternTransformer",
    "PatternResampler",
    "PeakBroadener",
]
