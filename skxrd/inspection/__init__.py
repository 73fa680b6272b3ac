"""Displays of patterns, trainings and agreement, in the manner of scikit-learn's Displays.

Each stores arrays and draws them with `plot`; matplotlib is imported there and nowhere else.
"""

from skxrd.inspection._agreement_display import AgreementDisplay
from skxrd.inspection._pattern_display import PatternDisplay
from skxrd.inspection._training_display import TrainingDisplay

__all__ = ["AgreementDisplay", "PatternDisplay", "TrainingDisplay"]
