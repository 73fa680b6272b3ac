"""Reports and scores that scikit-learn lacks."""

from skxrd.metrics._agreement import agreement_by_output_frequency
from skxrd.metrics._ranking import enrichment_factor, precision_at_k
from skxrd.metrics._report import classification_report_table

__all__ = [
    "agreement_by_output_frequency",
    "classification_report_table",
    "enrichment_factor",
    "precision_at_k",
]
