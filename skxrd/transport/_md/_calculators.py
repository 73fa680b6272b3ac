"""Forces between atoms: potentials by name, calculators of ASE, and functions that make one."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from skxrd._optional import import_optional
from skxrd.exceptions import InvalidStructureError, TrajectoryError

__all__ = ["CALCULATORS", "CalculatorMaker", "check_elements", "make_calculator"]

CalculatorMaker = Callable[[], Any]
CALCULATORS = ("chgnet", "7net-0")
_CHGNET_LARGEST_NUMBER = 94  # its table of elements ends with plutonium


def make_calculator(calculator: Any) -> Any:
    """Make a calculator that remembers nothing of earlier structures.

    Parameters
    ----------
    calculator : {"chgnet", "7net-0"}, ASE calculator, or callable returning one
        What is given to `MLIPMD`.

    Returns
    -------
    ASE calculator
        A new one; a calculator that is given is copied.

    Raises
    ------
    MissingDependencyError
        If the package of the potential is not installed.
    TypeError
        If what was made is no calculator.
    """
    if isinstance(calculator, str):
        return {"chgnet": _chgnet, "7net-0": _seven_net}[calculator]()
    if hasattr(calculator, "get_forces") and not isinstance(calculator, type):
        made = copy.deepcopy(calculator)
        if hasattr(made, "reset"):
            made.reset()
        return made
    made = calculator()
    if not hasattr(made, "get_forces"):
        raise TypeError(
            f"calculator must make a calculator of ASE; {calculator!r} made a "
            f"{type(made).__name__}."
        )
    return made


def check_elements(calculator: Any, numbers: np.ndarray) -> None:
    """Refuse elements that CHGNet has never seen; other potentials tell themselves."""
    if calculator == "chgnet" and numbers.max() > _CHGNET_LARGEST_NUMBER:
        from ase.data import chemical_symbols

        unknown = sorted({int(number) for number in numbers if number > _CHGNET_LARGEST_NUMBER})
        raise InvalidStructureError(
            f"CHGNet knows the elements up to Pu (94); the structure has "
            f"{', '.join(chemical_symbols[number] for number in unknown)}."
        )


def _chgnet() -> Any:
    """Make a calculator of the CHGNet 0.3.0 that lies in its wheel.

    CHGNet's own calculator prints a line, and always computes stress and magnetic moments as well,
    which takes half as long again.
    """
    purpose = 'calculator "chgnet"'
    model_module = import_optional("chgnet.model.model", extra="mlip", purpose=purpose)
    base = import_optional("ase.calculators.calculator", extra="mlip", purpose=purpose)
    from ase.units import GPa
    from pymatgen.core import Structure

    with contextlib.redirect_stdout(io.StringIO()):  # its constructor prints, whatever "verbose"
        model = model_module.CHGNet.load(verbose=False)
    model.graph_converter.set_isolated_atom_response("error")
    device = next(model.parameters()).device

    class CHGNetForces(base.Calculator):  # type: ignore[name-defined]
        implemented_properties = ("energy", "free_energy", "forces", "stress")

        def calculate(self, atoms: Any, properties: Any, system_changes: Any) -> None:
            super().calculate(atoms, properties, system_changes)
            task = "efs" if "stress" in properties else "ef"
            # pymatgen's own bridge warns of the constraint that Langevin dynamics needs.
            structure = Structure(
                self.atoms.cell.array,
                self.atoms.get_chemical_symbols(),
                self.atoms.positions,
                coords_are_cartesian=True,
            )
            try:
                graph = model.graph_converter(structure)
            except ValueError as error:
                if "isolated atom" not in str(error):
                    raise
                raise TrajectoryError(
                    "CHGNet needs a neighbor within 6 angstrom of each atom; some have none any "
                    "more, or had none in the structure."
                ) from error
            with warnings.catch_warnings():  # torch's opinion on a line of CHGNet
                warnings.filterwarnings("ignore", "Converting a tensor with requires_grad=True")
                predicted = model.predict_graph(graph.to(device), task=task)
            energy = float(predicted["e"]) * (len(self.atoms) if model.is_intensive else 1)
            self.results = {
                "energy": energy,
                "free_energy": energy,
                "forces": predicted["f"].astype(float),
            }
            if task == "efs":
                stress = predicted["s"].astype(float) * GPa
                self.results["stress"] = stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]

    return CHGNetForces()


def _seven_net() -> Any:
    """Make a calculator of the SevenNet-0 (July 2024) that lies in the wheel of sevenn."""
    with contextlib.redirect_stdout(io.StringIO()):
        module = import_optional(
            "sevenn.calculator", extra="mlip-7net", purpose='calculator "7net-0"'
        )
        return module.SevenNetCalculator("7net-0")
