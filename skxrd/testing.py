"""Discovery of everything public, for the tests of skxrd and of those who extend it.

A test that is parametrized by these functions covers what is added later without being edited.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from sklearn.base import BaseEstimator

import skxrd
from skxrd.grid import TwoThetaGrid

__all__ = [
    "all_classes",
    "all_displays",
    "all_estimators",
    "all_functions",
    "make_instance",
    "public_modules",
]

# Values for the few constructor parameters that have no default, by name.
_REQUIRED: dict[str, Callable[[], Any]] = {
    "grid": lambda: TwoThetaGrid(0.0, 90.0, 91),
    "input_grid": lambda: TwoThetaGrid(0.0, 90.0, 181),
}


def public_modules() -> list[tuple[str, ModuleType]]:
    """Import and list the public modules of skxrd.

    Returns
    -------
    list of (str, module)
        Full names in alphabetical order, and modules; no part of a name starts with an underscore.

    Examples
    --------
    >>> from skxrd.testing import public_modules
    >>> "skxrd.grid" in dict(public_modules())
    True
    """
    return [(name, importlib.import_module(name)) for name in sorted(_walk(skxrd.__path__))]


def _walk(path: Any, parent: str = "skxrd") -> Iterator[str]:
    # pkgutil.walk_packages would import private packages too, and pass over import errors
    for module in pkgutil.iter_modules(path, f"{parent}."):
        if module.name.rpartition(".")[2].startswith("_"):
            continue
        yield module.name
        if module.ispkg:
            yield from _walk(importlib.import_module(module.name).__path__, module.name)


def _public_objects() -> Iterator[tuple[str, Any]]:
    seen = set()
    for _, module in public_modules():
        for name in getattr(module, "__all__", ()):
            found = getattr(module, name)
            if id(found) not in seen:
                seen.add(id(found))
                yield name, found


def all_classes() -> list[tuple[str, type]]:
    """List every public class, base classes and errors included.

    Returns
    -------
    list of (str, type)
        Names in alphabetical order, and classes.

    Examples
    --------
    >>> from skxrd.testing import all_classes
    >>> dict(all_classes())["TwoThetaGrid"]
    <class 'skxrd.grid.TwoThetaGrid'>
    """
    classes = ((name, found) for name, found in _public_objects() if inspect.isclass(found))
    return sorted(classes, key=lambda pair: pair[0])


def all_estimators() -> list[tuple[str, type]]:
    """List every public estimator that can be fitted.

    Returns
    -------
    list of (str, type)
        Names in alphabetical order, and concrete subclasses of scikit-learn's `BaseEstimator` that
        have a method `fit`; base classes are left out.

    Examples
    --------
    >>> from skxrd.testing import all_estimators
    >>> "IntensityScaler" in dict(all_estimators())
    True
    """
    return [
        (name, found)
        for name, found in all_classes()
        if issubclass(found, BaseEstimator) and hasattr(found, "fit") and not _is_base(found)
    ]


def all_displays() -> list[tuple[str, type]]:
    """List every public Display.

    Returns
    -------
    list of (str, type)
        Names in alphabetical order, and classes whose name ends in "Display".

    Examples
    --------
    >>> from skxrd.testing import all_displays
    >>> all(hasattr(display, "plot") for _, display in all_displays())
    True
    """
    return [
        (name, found)
        for name, found in all_classes()
        if name.endswith("Display") and not _is_base(found)
    ]


def all_functions() -> list[tuple[str, FunctionType]]:
    """List every public function.

    Returns
    -------
    list of (str, function)
        Names in alphabetical order, and functions.

    Examples
    --------
    >>> from skxrd.testing import all_functions
    >>> "all_functions" in dict(all_functions())
    True
    """
    functions = ((name, found) for name, found in _public_objects() if inspect.isfunction(found))
    return sorted(functions, key=lambda pair: pair[0])


def make_instance(class_: type) -> Any:
    """Make an instance with default parameters.

    Parameters
    ----------
    class_ : type
        Public class of skxrd.

    Returns
    -------
    object
        Instance; parameters without a default that skxrd knows by name (`grid`, `input_grid`) get
        a small value.

    Raises
    ------
    TypeError
        If another parameter has no default.

    Examples
    --------
    >>> from skxrd.preprocessing import IntensityScaler
    >>> from skxrd.testing import make_instance
    >>> make_instance(IntensityScaler)
    IntensityScaler()
    """
    required = [
        parameter.name
        for parameter in inspect.signature(class_).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    unknown = [name for name in required if name not in _REQUIRED]
    if unknown:
        raise TypeError(
            f"{class_.__name__} has parameters without a default: {', '.join(unknown)}. Give them "
            "one, or make the instance by hand."
        )
    return class_(**{name: _REQUIRED[name]() for name in required})


def _is_base(cls: type) -> bool:
    return inspect.isabstract(cls) or cls.__name__.startswith("Base")
