"""``skxrd conduct``: a structure to its conductivity."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from rich.console import Console

from skxrd._files import complete_folder
from skxrd._optional import import_optional
from skxrd.cli._console import show_warnings_of_worker
from skxrd.exceptions import SkxrdError, TrajectoryError
from skxrd.simulation import read_structure, structure_id
from skxrd.transport import (
    MLIPMD,
    ArrheniusDisplay,
    ConductivityResult,
    ConductivityScreener,
    DiffusionEstimator,
    MeanSquaredDisplacementDisplay,
)

__all__ = ["conduct"]

_RELAX: dict[str, Any] = {"positions": True, "cell": "cell", "no": False}


def conduct(args: argparse.Namespace) -> None:
    """Run the subcommand.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments as the parser returns them.
    """
    import_optional("matplotlib", extra="plot", purpose="skxrd conduct")  # now, not hours later
    if args.out.exists() and not args.out.is_dir():
        raise NotADirectoryError(f"--out: {args.out} is a file; a folder is needed.")
    screener = _make_screener(args)
    structure = read_structure(args.structure)
    try:
        with joblib.parallel_config("loky", initializer=show_warnings_of_worker):
            result = screener.run(structure)
    except SkxrdError:
        raise
    except (TypeError, ValueError) as error:  # of a potential, or what it makes of the structure
        raise argparse.ArgumentError(None, str(error)) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; the same command goes on with what lies in {args.out}"
        ) from None
    about = {
        "id": structure_id(args.structure, 0),
        "formula": structure.composition.reduced_formula,
    }
    with complete_folder(args.out, stale=("arrhenius.png",)) as folder:
        pd.DataFrame([about | result.row()]).to_csv(folder / "conductivity.csv", index=False)
        _temperatures(result).to_csv(folder / "temperatures.csv", index=False)
        _draw(result, about["formula"], folder)
    if result.problem:
        raise TrajectoryError(
            "no line can be drawn through the temperatures: see the warnings, and the reasons in "
            f"{args.out / 'temperatures.csv'}."
        )
    low, high = result.arrhenius.activation_energy_interval_
    sigma_low, sigma_high = result.conductivity_interval
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{about['formula']}: {result.arrhenius.activation_energy_:.3f} eV ({low:.3f} to "
        f"{high:.3f}), {result.conductivity:.2e} S/cm ({sigma_low:.2e} to {sigma_high:.2e}) at "
        f"{result.temperature:g} K. Tables, pictures and trajectories in {args.out}."
    )


def _make_screener(args: argparse.Namespace) -> ConductivityScreener:
    md = MLIPMD(
        _calculator(args.calculator),
        temperatures=args.temperatures,
        time_step=args.time_step,
        heating_time=args.heating_time,
        equilibration_time=args.equilibration_time,
        production_time=args.production_time,
        sample_interval=10 * args.time_step,
        relax=_RELAX[args.relax],
        supercell_min_length=args.supercell_length,
        n_jobs=args.jobs or joblib.cpu_count(),
        random_state=args.seed,
        checkpoint_folder=args.out / "trajectories",
        progress=True,
    )
    diffusion = DiffusionEstimator(args.species, charge=args.charge)
    try:
        return ConductivityScreener(md, diffusion=diffusion, temperature=args.at).fit()
    except ValueError as error:  # nothing but the parameters has been looked at
        raise argparse.ArgumentError(None, str(error)) from error


def _calculator(name: str) -> Any:
    """Find the function of ``module:function``; other names are those of `MLIPMD`."""
    module, colon, function = name.partition(":")
    if not colon:
        if name not in ("chgnet", "7net-0"):
            raise argparse.ArgumentError(
                None, f"--calculator: chgnet, 7net-0 or module:function is needed, got {name}."
            )
        return name
    folder = str(Path.cwd())
    if folder not in sys.path:  # where the module of a user lies; a command does not look there
        sys.path.insert(0, folder)
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise argparse.ArgumentError(None, f"--calculator {name}: {error}.") from error


def _temperatures(result: ConductivityResult) -> pd.DataFrame:
    rows = []
    for kelvin, diffusion in result.diffusions.items():
        row = {
            "temperature": kelvin,
            "is_used": kelvin in result.used,
            "reason": result.left_out.get(kelvin, ""),
        }
        for name in ("diffusivity", "conductivity", "charge_conductivity"):
            low, high = getattr(diffusion, f"{name}_interval_")
            row |= {name: getattr(diffusion, f"{name}_"), f"{name}_low": low, f"{name}_high": high}
        row |= {"haven_ratio": diffusion.haven_ratio_, "n_hops": diffusion.n_hops_}
        if kelvin in result.frameworks:
            check = result.frameworks[kelvin]
            row |= {
                "framework_ok": check.is_stable_,
                "lindemann_ratio": check.lindemann_ratio_,
                "lost_bonds": check.lost_bonds_,
                "gained_bonds": check.gained_bonds_,
            }
        rows.append(row)
    return pd.DataFrame(rows).sort_values("temperature")


def _draw(result: ConductivityResult, formula: str, folder: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    ax = figure.subplots()
    runs = {f"{kelvin:g} K": result.diffusions[kelvin] for kelvin in sorted(result.diffusions)}
    MeanSquaredDisplacementDisplay.from_estimators(runs, ax=ax)
    ax.set_title(formula)
    figure.savefig(folder / "msd.png", dpi=150)
    if result.problem:
        return
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    ax = figure.subplots()
    ArrheniusDisplay.from_estimator(
        result.arrhenius,
        result.used,
        result.values,
        result.errors,
        extrapolate_to=result.temperature,
        ax=ax,
    )
    ax.set_title(formula)
    figure.savefig(folder / "arrhenius.png", dpi=150)
