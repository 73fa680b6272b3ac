"""Every public class, method and function says what it takes, gives and raises."""

from collections.abc import Iterator
from types import FunctionType

import pytest
from numpydoc.validate import validate

from skxrd.testing import all_classes, all_functions

IGNORED = {
    "GL01": "the summary starts on the line of the opening quotes",
    "GL02": "one-line docstrings close on their line",
    "ES01": "a good summary needs no extension",
    "RT04": "a formula may start with the small letter of its symbol",
    "SA01": "related names are found on the pages of the user guide",
}
IGNORED_FOR_METHODS = {"EX01": "the example of the class shows its methods"}
IGNORED_FOR_ERRORS = {"EX01": "an error is shown where it is raised"}
IGNORED_FOR_BASES = {"EX01": "what derives from it is its example"}


def path(found) -> str:
    return f"{found.__module__}.{found.__qualname__}"


def own_methods(cls: type) -> Iterator[str]:
    """Public methods and properties that skxrd wrote; those of other packages are theirs.

    A method marked as an override keeps the promise of the base, and needs no docstring of its own.
    """
    for name in dir(cls):
        owners = (base for base in cls.__mro__ if name in vars(base))
        owner = next((base for base in owners if not inherits_docstring(vars(base)[name])), object)
        if name.startswith("_") or owner.__module__.partition(".")[0] != "skxrd":
            continue
        if isinstance(vars(owner)[name], FunctionType | classmethod | staticmethod | property):
            yield f"{path(owner)}.{name}"


def inherits_docstring(method) -> bool:
    return getattr(method, "__override__", False) and not method.__doc__


CLASSES = [cls for _, cls in all_classes()]
FUNCTIONS = [function for _, function in all_functions()]
METHODS = sorted({name for cls in CLASSES for name in own_methods(cls)})


def problems(name: str, *ignored: dict[str, str]) -> list[str]:
    skip = {code for codes in (IGNORED, *ignored) for code in codes}
    return [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in skip]


@pytest.mark.parametrize("cls", CLASSES, ids=path)
def test_class(cls):
    ignored = {}
    if issubclass(cls, Exception):
        ignored = IGNORED_FOR_ERRORS
    elif cls.__name__.startswith("Base"):
        ignored = IGNORED_FOR_BASES
    assert not problems(path(cls), ignored)


@pytest.mark.parametrize("name", METHODS)
def test_method(name):
    assert not problems(name, IGNORED_FOR_METHODS)


@pytest.mark.parametrize("function", FUNCTIONS, ids=path)
def test_function(function):
    assert not problems(path(function))
