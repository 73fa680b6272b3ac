"""Cross-validation, scores and comparisons that know about -1."""

from skxrd.model_selection._labeled_fold import LabeledFold

__all__ = ["LabeledFold"]
