"""How the rooms of skxrd depend on each other and on other packages.

The first half reads the import statements; the second half imports in fresh interpreters.
"""

import ast
import importlib.util
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import skxrd

PACKAGE = Path(skxrd.__file__).parent

# Imports run downwards only: a room may import the rooms above it in this list, and itself.
# Modules whose name starts with an underscore lie at the very bottom, next to grid and exceptions.
LAYERS = [
    "grid",
    "simulation",
    "io",
    "transport",
    "preprocessing",
    "augmentation",
    "networks",
    "calibration",
    "semi_supervised",
    "supervised",
    "ensemble",
    "model_selection",
    "metrics",
    "screening",
    "inspection",
    "datasets",
    "reporting",
    "cli",
    "testing",
    "__main__",
]
BOTTOM = {"grid", "exceptions"}

LEARNING = (
    "skorch",
    "skxrd.ensemble",
    "skxrd.networks",
    "skxrd.semi_supervised",
    "torch.nn",
    "torch.optim",
)
# Where -> what must not be imported there, and what is allowed nevertheless.
FORBIDDEN = {
    "skxrd.simulation": (LEARNING, ()),
    "skxrd.io": (LEARNING, ()),
    "skxrd.transport": (LEARNING, ()),
    "skxrd.datasets": (LEARNING, ()),
    "skxrd.networks": (("sklearn", "skorch"), ()),
    "skxrd.semi_supervised._algorithms": (("sklearn", "skorch"), ("sklearn.base",)),
}

OPTIONAL = (
    "ase",
    "chgnet",
    "dask",
    "dscribe",
    "gemmi",
    "itables",
    "jinja2",
    "matplotlib",
    "numba",
    "plotly",
    "pyarrow",
    "pybaselines",
    "sevenn",
    "skops",
)
HEAVY = ("matplotlib", "pandas", "pymatgen", "skops", "skorch", "sklearn", "torch")
WITHOUT_TORCH = (
    "skxrd.cli",
    "skxrd.exceptions",
    "skxrd.grid",
    "skxrd.io",
    "skxrd.simulation",
    "skxrd.transport",
)


class Import(NamedTuple):
    name: str
    line: int
    lazy: bool  # inside a function
    typing: bool  # under "if TYPE_CHECKING:"


def module_name(path: Path) -> str:
    parts = ("skxrd", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"  # names only, imported when they are used
}


def imports(module: str) -> list[Import]:
    path = MODULES[module]
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return list(_imports(tree, package, lazy=False, typing=False))


def _imports(node: ast.AST, package: str, *, lazy: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            base = importlib.util.resolve_name("." * child.level + (child.module or ""), package)
            names = [_origin(base, alias.name) for alias in child.names]
        elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            names = [f"torch.{child.attr}"] if child.value.id == "torch" else []
        else:
            names = []
        yield from (Import(name, child.lineno, lazy, typing) for name in names)
        yield from _imports(
            child,
            package,
            lazy=lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef),
            typing=typing
            or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)),
        )


def _origin(base: str, name: str) -> str:
    """Where a name of ``from base import name`` comes from; the stars lie in their own rooms."""
    if base == "skxrd" and name in skxrd._STARS:
        return f"{skxrd._STARS[name]}.{name}"
    return f"{base}.{name}"


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def layer(name: str) -> int:
    room = name.split(".")[1]
    is_bottom = room in BOTTOM or (room.startswith("_") and room not in LAYERS)
    return 0 if is_bottom else LAYERS.index(room)


def test_each_room_has_its_layer():
    rooms = {name.split(".")[1] for name in MODULES}
    assert {room for room in rooms if not room.startswith("_")} <= {*LAYERS, *BOTTOM}


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    upwards = [
        f"line {found.line}: {found.name}"
        for found in imports(module)
        if found.name.startswith("skxrd.")
        and layer(found.name) > layer(module)
        and not (found.lazy and within(module, ("skxrd.io",)))  # save_model and load_model
    ]
    assert not upwards


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_do_not_know(room):
    forbidden, allowed = FORBIDDEN[room]
    known = [
        f"{module}, line {found.line}: {found.name}"
        for module in MODULES
        if within(module, (room,))
        for found in imports(module)
        if within(found.name, forbidden)
        and not within(found.name, allowed)
        and not (found.lazy and room == "skxrd.io")
    ]
    assert not known


@pytest.mark.parametrize("module", MODULES)
def test_private_names_of_scikit_learn_are_imported_in_one_file(module):
    if module == "skxrd._sklearn":
        assert any("._" in found.name for found in imports(module))  # the table is not empty
        return
    private = [
        f"line {found.line}: {found.name}"
        for found in imports(module)
        if found.name.startswith("sklearn.") and "._" in found.name
    ]
    assert not private


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_inside_functions(module):
    # What numba compiles stands in modules of its own, which are imported inside functions instead.
    compiled = module.endswith("_compiled")
    eager = [
        f"line {found.line}: {found.name}"
        for found in imports(module)
        if not (found.lazy or found.typing)
        and (
            within(found.name, ("pymatgen", *OPTIONAL))
            or found.name.endswith("_compiled")
            or "_compiled." in found.name
        )
        and not (compiled and within(found.name, ("numba",)))
    ]
    assert not eager


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_fast():
    code = (
        "from time import perf_counter; start = perf_counter(); import skxrd; "
        "print(perf_counter() - start)"
    )
    assert min(float(run(code)) for _ in range(5)) < 0.3  # the best of five: machines are busy


def test_import_loads_nothing_heavy():
    loaded = json.loads(run("import json, sys, skxrd; print(json.dumps(sorted(sys.modules)))"))
    assert "skxrd" in loaded
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)
    assert "skxrd.testing" not in loaded


def test_optional_packages_are_optional():
    # None in sys.modules makes an import of that name fail; pymatgen must not be needed either
    public = sorted(
        module for module in MODULES if not any(part.startswith("_") for part in module.split("."))
    )
    code = "\n".join(
        [
            "import importlib, sys",
            f"sys.modules.update(dict.fromkeys({('pymatgen', *OPTIONAL)}))",
            f"for name in {public}: importlib.import_module(name)",
        ]
    )
    run(code)


@pytest.mark.parametrize("module", [name for name in WITHOUT_TORCH if name in MODULES])
def test_rooms_without_learning_load_no_torch(module):
    assert run(f"import sys, {module}; print('torch' in sys.modules)").strip() == "False"


def test_discovery_and_files_agree():
    top = {module.name for module in pkgutil.iter_modules(skxrd.__path__)}
    assert {name.split(".")[1] for name in MODULES} == top
