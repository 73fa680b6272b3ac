"""Transformers that turn patterns into what a model reads: scale, smooth, broaden, resample, cut.

Most have two faces: `transform` takes and returns numpy arrays like any scikit-learn transformer,
and `render` is the same computation as a deterministic, batched torch kernel, which a classifier
runs on the device after augmentation (its `rendering` parameter). `BaselineRemover`,
`KAlpha2Stripper` and `MeasuredPatternTransformer` prepare measured patterns, once, and have the
first face only.
"""

from skxrd.preprocessing._axis import AxisConverter
from skxrd.preprocessing._base import BasePreprocessor
from skxrd.preprocessing._baseline import BaselineRemover
from skxrd.preprocessing._broadener import PeakBroadener
from skxrd.preprocessing._intensity import IntensityFloor, IntensityScaler
from skxrd.preprocessing._k_alpha2 import KAlpha2Stripper
from skxrd.preprocessing._measured import MeasuredPatternTransformer
from skxrd.preprocessing._range import RangeSelector, RegionMasker
from skxrd.preprocessing._resampler import PatternResampler
from skxrd.preprocessing._smoother import PatternSmoother

__all__ = [
    "AxisConverter",
    "BasePreprocessor",
    "BaselineRemover",
    "IntensityFloor",
    "IntensityScaler",
    "KAlpha2Stripper",
    "MeasuredPatternTransformer",
    "PatternResampler",
    "PatternSmoother",
    "PeakBroadener",
    "RangeSelector",
    "RegionMasker",
]
