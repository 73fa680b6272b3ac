"""Files: measured patterns into arrays, fitted models to disk and back."""

from skxrd.io._measured_patterns import MeasuredPattern, MeasuredPatterns
from skxrd.io._models import load_model, save_model
from skxrd.io._patterns import read_pattern, read_patterns

__all__ = [
    "MeasuredPattern",
    "MeasuredPatterns",
    "load_model",
    "read_pattern",
    "read_patterns",
    "save_model",
]
