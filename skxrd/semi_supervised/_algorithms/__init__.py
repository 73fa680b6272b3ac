"""Semi-supervised algorithms: the views of a batch they need, the losses they make."""

from skxrd.semi_supervised._algorithms._base import BaseAlgorithm, Supervised
from skxrd.semi_supervised._algorithms._consistency import FixMatch, FlexMatch
from skxrd.semi_supervised._algorithms._pseudo_label import PseudoLabel

__all__ = ["BaseAlgorithm", "FixMatch", "FlexMatch", "PseudoLabel", "Supervised"]
