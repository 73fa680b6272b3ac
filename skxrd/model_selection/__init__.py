"""Cross-validation, scores and comparisons that know about -1."""

from skxrd.model_selection._comparison import compare_methods
from skxrd.model_selection._comparison_display import MethodComparisonDisplay
from skxrd.model_selection._comparison_result import MethodComparison
from skxrd.model_selection._comparison_tests import (
    average_ranks,
    corrected_resampled_ttest,
    friedman_test,
    holm_correction,
    nemenyi_critical_difference,
)
from skxrd.model_selection._cross_validation import cross_val_predict_labeled
from skxrd.model_selection._groups import composition_groups
from skxrd.model_selection._label_budget import label_budget_curve
from skxrd.model_selection._label_budget_display import LabelBudgetDisplay
from skxrd.model_selection._label_draw import LabelDraw
from skxrd.model_selection._label_free import stability_score, view_agreement_score
from skxrd.model_selection._labeled_fold import LabeledFold
from skxrd.model_selection._scorers import masked_scorer, register_masked_scorers
from skxrd.model_selection._search import OneStandardErrorRule
from skxrd.model_selection._splits import mask_labels, train_test_split_labeled

register_masked_scorers()  # scoring="masked_f1_macro" and the like, throughout scikit-learn

__all__ = [
    "LabelBudgetDisplay",
    "LabelDraw",
    "LabeledFold",
    "MethodComparison",
    "MethodComparisonDisplay",
    "OneStandardErrorRule",
    "average_ranks",
    "compare_methods",
    "composition_groups",
    "corrected_resampled_ttest",
    "cross_val_predict_labeled",
    "friedman_test",
    "holm_correction",
    "label_budget_curve",
    "mask_labels",
    "masked_scorer",
    "nemenyi_critical_difference",
    "stability_score",
    "train_test_split_labeled",
    "view_agreement_score",
]
