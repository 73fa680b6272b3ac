"""The only file that imports private names of scikit-learn, so that a change there is one edit."""

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.ensemble._base import _set_random_states as set_random_states
from sklearn.metrics._scorer import _SCORERS
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._missing import is_pandas_na
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_method_params as check_method_params

__all__ = [
    "BaseScorer",
    "HasMethods",
    "Hidden",
    "Interval",
    "Options",
    "StrOptions",
    "check_method_params",
    "classification_scorers",
    "fit_context",
    "is_pandas_na",
    "register_scorers",
    "safe_indexing",
    "safe_split",
    "set_random_states",
    "validate_parameter_constraints",
    "validate_params",
]


def classification_scorers() -> dict[str, BaseScorer]:
    """Return scikit-learn's own scorers of classifiers by name, without those of many labels."""
    return {
        name: scorer
        for name, scorer in _SCORERS.items()
        if scorer._score_func.__module__.startswith("sklearn.metrics.")
        and not scorer._score_func.__module__.endswith("._regression")
        and ".cluster." not in scorer._score_func.__module__
        and not name.startswith("masked_")
        and not name.endswith("_samples")
    }


def register_scorers(scorers: Mapping[str, BaseScorer]) -> None:
    """Let names of scorers be used as `scoring` throughout scikit-learn, in this process.

    scikit-learn has no public way to do so. Names are looked up in one dictionary, but each class
    and function with a parameter `scoring` also keeps a copy of the names that existed when its
    module was imported, and refuses others. The names are added to the dictionary, from which
    modules that are imported later take theirs, and to the copies of modules imported already.
    Nothing is replaced but scorers of the same name, so that a second call changes nothing.
    """
    known = set(_SCORERS) - set(scorers)
    _SCORERS.update(scorers)
    modules = [module for name, module in sys.modules.items() if name.startswith("sklearn.")]
    for module in modules:
        for options in _scoring_options(module):
            if known <= set(options.options):  # the names of all scorers, not a choice of them
                options.options = {*options.options, *scorers}


def _scoring_options(module: ModuleType) -> Iterator[StrOptions]:
    """Options of every parameter `scoring` of the classes and functions of a module."""
    for found in list(vars(module).values()):
        attributes: Mapping[str, Any] = getattr(found, "__dict__", {})
        for name in ("_parameter_constraints", "_skl_parameter_constraints"):
            constraints = attributes.get(name)
            if isinstance(constraints, dict):
                options = constraints.get("scoring", ())
                yield from (option for option in options if isinstance(option, StrOptions))
