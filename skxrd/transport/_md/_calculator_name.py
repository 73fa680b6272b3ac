"""Which potential this is, in words that are the same the next time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import packages_distributions, version
from typing import Any

import joblib
import numpy as np

from skxrd.transport._md._calculators import make_calculator

__all__ = ["calculator_settings"]

_PACKAGES = {"chgnet": "chgnet", "7net-0": "sevenn"}
_CHANGING = {"atoms", "results", "parameters"}  # the last is looked at before
_LONGEST = 300


def calculator_settings(calculator: Any) -> dict[str, str]:
    """Say in words which potential this is, so that a checkpoint of another one is noticed.

    Parameters
    ----------
    calculator : str, ASE calculator, or callable returning one
        What is given to `MLIPMD`.

    Returns
    -------
    dict of str
        "calculator": a name, or the class with its parameters. Where these are not kept as ASE
        does, the numbers and strings among its attributes; weights of a network are not looked at.
        "calculator_version": the package with its version, empty for one that is not installed.
    """
    made = make_calculator(calculator)
    if isinstance(calculator, str):
        name, package = calculator, _PACKAGES[calculator]
    else:
        name, package = _in_words(made), type(made).__module__.partition(".")[0]
        if not hasattr(calculator, "get_forces") or isinstance(calculator, type):
            name = f"{_described(calculator)}: {name}"
    installed = sorted(set(packages_distributions().get(package, ())))
    return {
        "calculator": name,
        "calculator_version": ", ".join(f"{each} {version(each)}" for each in installed),
    }


def _in_words(made: Any) -> str:
    values = getattr(made, "parameters", None) or {
        key: value
        for key, value in getattr(made, "__dict__", {}).items()
        if not key.startswith("_") and key not in _CHANGING and _is_plain(value)
    }
    words = ", ".join(f"{key}={_described(value)}" for key, value in sorted(values.items()))
    return f"{_qualified(type(made))}({words if len(words) <= _LONGEST else joblib.hash(words)})"


def _described(value: Any) -> str:
    """Describe a value without the address that its repr may have."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float | complex | bytes):
        return repr(value)
    if isinstance(value, np.ndarray):
        return f"array({joblib.hash(value)})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_described(k)}: {_described(v)}' for k, v in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_described, value)))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, functools.partial):
        return f"partial{_described([value.func, *value.args, value.keywords])}"
    return _qualified(value if hasattr(value, "__qualname__") else type(value))


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    # No None: an attribute that is filled at the first use is no parameter.
    return isinstance(value, str | int | float | complex | bytes | np.generic | np.ndarray)


def _qualified(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"
