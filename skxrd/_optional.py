"""Import of optional dependencies, with a hint that says how to get them."""

from __future__ import annotations

import importlib
from types import ModuleType

from skxrd.exceptions import MissingDependencyError

__all__ = ["import_optional"]


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : str
        Name of the module.
    extra : str
        Extra of skxrd that installs it.
    purpose : str
        What it is needed for, as it reads in the error message.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingDependencyError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed; "
            f"install it with: pip install 'skxrd[{extra}]'"
        ) from error
