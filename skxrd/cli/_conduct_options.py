"""Arguments of ``skxrd conduct``; imports nothing heavy."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

__all__ = ["DESCRIPTION", "EXAMPLES", "add_conduct"]

DESCRIPTION = """\
Estimate the ionic conductivity of a structure by machine-learned molecular dynamics.

The structure is simulated at several temperatures; diffusivities give a line of Arrhenius, and the
line the conductivity at --at. The folder of results holds conductivity.csv (activation energy and
conductivity with intervals), temperatures.csv (diffusivities, hops, checks of the framework, and
why a temperature is left out of the line), msd.png, arrhenius.png and trajectories/ (for
skxrd.transport.read_trajectory). Run the same command again after an interruption, and it goes on;
with a longer --production-time it goes on as well.
"""
EXAMPLES = """\
examples:
  skxrd conduct Li6PS5Cl.cif --out argyrodite
  skxrd conduct Li6PS5Cl.cif --temperatures 600 750 900 --production-time 100 --jobs 3
  skxrd conduct NaCl.cif --species Na --supercell-length 10 --calculator 7net-0
  skxrd conduct Li6PS5Cl.cif --calculator my_potentials:make_calculator
"""


def add_conduct(
    parser: argparse.ArgumentParser,
    positive_number: Callable[[str], float],
    whole: Callable[..., Callable[[str], int]],
) -> None:
    """Add the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of the subcommand.
    positive_number : callable
        Type of positive numbers.
    whole : callable
        Makes the type of whole numbers between two limits.
    """
    parser.add_argument(
        "structure", type=Path, metavar="CIF", help="CIF or other file of an ordered structure"
    )
    ions = parser.add_argument_group("ions")
    ions.add_argument("--species", default="Li", metavar="SYMBOL", help="mobile ions (default: Li)")
    ions.add_argument(
        "--charge",
        type=_charge,
        default=1.0,
        metavar="Z",
        help="charge of a mobile ion (default: 1)",
    )
    ions.add_argument(
        "--at",
        type=positive_number,
        default=300.0,
        metavar="K",
        help="temperature of the conductivity in K (default: 300)",
    )
    dynamics = parser.add_argument_group("dynamics")
    dynamics.add_argument(
        "--calculator",
        default="chgnet",
        metavar="NAME",
        help="chgnet (default), 7net-0, or module:function that makes an ASE calculator",
    )
    dynamics.add_argument(
        "--temperatures",
        type=positive_number,
        nargs="+",
        default=[600.0, 900.0, 1200.0, 1500.0],
        metavar="K",
        help="two or more temperatures of the simulations in K (default: 600 900 1200 1500)",
    )
    for name, default, text in (
        ("--time-step", 2.0, "time step in fs"),
        ("--heating-time", 2.0, "heating from 100 K in ps"),
        ("--equilibration-time", 3.0, "time before the first frame in ps"),
        ("--production-time", 30.0, "time with frames in ps"),
    ):
        unit = text.rpartition(" ")[2].upper()
        dynamics.add_argument(
            name,
            type=positive_number,
            default=default,
            metavar=unit,
            help=f"{text} (default: {default:g})",
        )
    dynamics.add_argument(
        "--supercell-length",
        type=positive_number,
        metavar="ANGSTROM",
        help="repeat the structure until opposite faces are so far apart (default: as it is)",
    )
    dynamics.add_argument(
        "--relax",
        choices=["positions", "cell", "no"],
        default="positions",
        help="what is relaxed before (default: positions)",
    )
    dynamics.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="seed of everything random (default: 0)",
    )
    dynamics.add_argument(
        "--jobs", type=whole(1), metavar="N", help="parallel jobs (default: all cores)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("skxrd-conductivity"),
        metavar="DIR",
        help="folder of the results (default: skxrd-conductivity)",
    )


def _charge(text: str) -> float:
    charge = float(text)
    if charge == 0 or not math.isfinite(charge):
        raise argparse.ArgumentTypeError(f"a number other than 0 is needed, got {text}")
    return charge


_charge.__name__ = "number"  # as argparse's messages call it
