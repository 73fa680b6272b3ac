"""The names that skxrd promises, and scikit-learn's conventions for constructors."""

import inspect
import re
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator, clone

import skxrd
from skxrd.testing import (
    all_classes,
    all_displays,
    all_estimators,
    all_functions,
    make_instance,
    public_modules,
)

MODULES = public_modules()
# Everything with parameters, so the algorithms and the splitters that cannot be fitted as well.
PARAMETRIZED = [
    cls
    for _, cls in all_classes()
    if issubclass(cls, BaseEstimator) and not cls.__name__.startswith("Base")
]
OWN_FIGURE = {"PeriodicTableDisplay": "pymatgen's periodic_table_heatmap makes its own figure"}
API_PAGE = Path(__file__).parents[1] / "docs" / "api.rst"


def name_of(found) -> str:
    return found.__name__


@pytest.mark.parametrize("name", skxrd.__all__)
def test_stars_resolve(name):
    star = getattr(skxrd, name)
    if name != "__version__":
        assert star in [found for _, found in all_classes()]
        assert star.__name__ == name


def test_dir_lists_the_stars_and_nothing_else():
    assert dir(skxrd) == sorted(skxrd.__all__)
    assert set(skxrd.__all__) == {"__version__", *skxrd._STARS}


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'skxrd' has no attribute 'NoSuchName'"):
        skxrd.NoSuchName  # noqa: B018


def test_version_is_pep_440():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", skxrd.__version__)


@pytest.mark.parametrize("module", [module for _, module in MODULES], ids=name_of)
def test_all_names_exist(module):
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    assert not [name for name in module.__all__ if not hasattr(module, name)]
    assert not [name for name in module.__all__ if name.startswith("_")]


@pytest.mark.parametrize("module", [module for _, module in MODULES], ids=name_of)
def test_what_is_public_is_listed(module):
    written_here = [
        name
        for name, found in vars(module).items()
        if (inspect.isclass(found) or inspect.isfunction(found))
        and found.__module__ == module.__name__
        and not name.startswith("_")
    ]
    assert set(written_here) <= set(module.__all__)


def test_api_page_and_code_agree():
    if not API_PAGE.is_file():
        pytest.skip("a source distribution comes without docs")
    page = API_PAGE.read_text(encoding="utf-8")
    documented, module = set(), None
    for line in page.splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.fullmatch(r"   (\w+)", line):
            documented.add(f"{module}.{match[1]}")
    public = {f"{name}.{item}" for name, module in MODULES for item in module.__all__}
    assert documented == public


@pytest.mark.parametrize("cls", PARAMETRIZED, ids=name_of)
def test_constructor_only_stores_its_parameters(cls):
    instance = make_instance(cls)
    parameters = instance.get_params(deep=False)
    assert set(parameters) == set(inspect.signature(cls).parameters)
    assert vars(instance) == parameters


@pytest.mark.parametrize("cls", PARAMETRIZED, ids=name_of)
def test_parameters_make_the_round_trip(cls):
    instance = make_instance(cls)
    parameters = instance.get_params(deep=False)
    marks = {name: object() for name in parameters}
    assert instance.set_params(**marks) is instance
    assert instance.get_params(deep=False) == marks
    assert instance.set_params(**parameters).get_params(deep=False) == parameters
    with pytest.raises(ValueError, match="Invalid parameter"):
        instance.set_params(no_such_parameter=1)


@pytest.mark.parametrize("cls", PARAMETRIZED, ids=name_of)
def test_clone_and_repr(cls):
    instance = make_instance(cls)
    copy = clone(instance)
    assert type(copy) is cls
    assert copy is not instance
    assert repr(copy) == repr(instance)
    assert repr(instance).startswith(f"{cls.__name__}(")


@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()], ids=name_of)
def test_every_parameter_is_validated(cls):
    constraints = cls._parameter_constraints
    assert set(inspect.signature(cls).parameters) <= set(constraints)


@pytest.mark.parametrize("cls", [cls for _, cls in all_displays()], ids=name_of)
def test_displays_follow_scikit_learn(cls):
    assert ("ax" in inspect.signature(cls.plot).parameters) != (cls.__name__ in OWN_FIGURE)
    assert [name for name in dir(cls) if name.startswith("from_")]


def test_discovery_finds_what_it_promises():
    names = [name for name, _ in (*all_classes(), *all_functions())]
    assert len(set(names)) == len(names)
    assert {name for name, _ in all_estimators()} <= set(names)
    assert not any(inspect.isabstract(cls) for _, cls in all_estimators())


def test_make_instance_names_what_it_cannot_fill():
    class Needy:
        def __init__(self, something):
            self.something = something

    with pytest.raises(TypeError, match="Needy has parameters without a default: something"):
        make_instance(Needy)
