"""Arguments of the command; imports nothing heavy, so that ``--help`` is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import skxrd
from skxrd.cli._conduct_options import DESCRIPTION as CONDUCT
from skxrd.cli._conduct_options import EXAMPLES as CONDUCT_EXAMPLES
from skxrd.cli._conduct_options import add_conduct

__all__ = ["make_parser"]

_DESCRIPTION = """\
Semi-supervised screening of crystal structures by their powder X-ray diffraction patterns.
"""
_EXAMPLES = """\
examples:
  skxrd screen                                 the bundled data, nothing to prepare
  skxrd screen --labels measured.csv --structures cifs/ --out results
  skxrd simulate cifs/ --out patterns.npz
  skxrd conduct Li6PS5Cl.cif --out argyrodite
"""
_SCREEN = """\
Train an ensemble on labeled and unlabeled structures and rank the unlabeled ones.

Without --labels and --structures the bundled lithium conductors are the labels, and hypothetical
lithium compounds are the pool. The folder of results holds report.html (everything, to be opened in
a browser), candidates.csv (the ranking), structures/ (CIF files of the best candidates), report.csv
(precision, recall, F1), model.skops (for skxrd.io.load_model), summary.png, run.json (versions,
parameters, scores, timings) and, where structures failed, failures.csv. With --patterns measured
patterns are ranked instead of the structures, which are learned from nevertheless.
"""
_SCREEN_EXAMPLES = """\
tables:
  Names of columns are found in any case. Structures: "structure", "cif", "path" or "file" with the
  text of a CIF or a path relative to the table's folder, or --cif-dir with the ids as file names.
  Labels: "label" or "target" with 1, 0 and -1 or nothing for unknown (texts with --positive), or
  "conductivity" or "Ionic conductivity (S cm-1)" in S/cm, where "<1E-8" is an upper bound. A column
  "e_above_hull" in eV/atom is carried into the table of candidates.

examples:
  skxrd screen --members 5 --epochs 5 --out quick
  skxrd screen --labels obelix/train.csv --cif-dir obelix/cifs --structures pool.csv.gz --limit 2000
  skxrd screen --labels my.csv --label-column Class --positive fast --structures cifs/
  skxrd screen --labels my.csv --structures cifs/ --min-votes 5 --exclude-elements Fe Co Ni Mn
  skxrd screen --labels my.csv --structures cifs/ --patterns measured/*.xy
  skxrd screen --estimator paper --device cuda
"""
_SIMULATE = """\
Simulate the powder pattern of each structure.

A .npz file holds patterns, ids, formulas, two_theta and wavelength; a .csv file has one row per
structure with the columns id, formula and two_theta_*. A name without a dot makes a folder for
more patterns than fit into memory: patterns.npy, structures.csv and simulation.json. There, the
same command goes on where an interrupted one ended.
"""
_SIMULATE_EXAMPLES = """\
examples:
  skxrd simulate cifs/ --out patterns.npz
  skxrd simulate a.cif b.cif pool.csv --out patterns.csv --start 10 --stop 80 --points 3501
  skxrd simulate pool.csv.gz --out pool --preset physical --wavelength CuKa1+CuKa2 --on-error nan
"""


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"skxrd: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command and its subcommands.

    Returns
    -------
    argparse.ArgumentParser
        The parser; ``command`` of what it returns is "screen", "simulate" or "conduct".
    """
    look: dict[str, Any] = {
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }
    parser = _Parser(prog="skxrd", description=_DESCRIPTION, epilog=_EXAMPLES, **look)
    parser.add_argument("--version", action="version", version=f"skxrd {skxrd.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_screen(
        commands.add_parser(
            "screen",
            help="rank unlabeled structures with an ensemble",
            description=_SCREEN,
            epilog=_SCREEN_EXAMPLES,
            **look,
        )
    )
    _add_simulate(
        commands.add_parser(
            "simulate",
            help="turn structures into powder patterns",
            description=_SIMULATE,
            epilog=_SIMULATE_EXAMPLES,
            **look,
        )
    )
    add_conduct(
        commands.add_parser(
            "conduct",
            help="estimate a conductivity by molecular dynamics",
            description=CONDUCT,
            epilog=CONDUCT_EXAMPLES,
            **look,
        ),
        _positive_number,
        _whole,
    )
    return parser


def _add_screen(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("labels")
    data.add_argument("--labels", type=Path, metavar="CSV", help="table of labeled structures")
    data.add_argument(
        "--cif-dir", type=Path, metavar="DIR", help="folder with the structure of each id, ID.cif"
    )
    what = data.add_mutually_exclusive_group()
    what.add_argument("--label-column", metavar="NAME", help="column of labels")
    what.add_argument(
        "--conductivity-column", metavar="NAME", help="column of conductivities in S/cm"
    )
    data.add_argument(
        "--positive", metavar="TEXT", help="label of the class to find; all others are negative"
    )
    data.add_argument(
        "--threshold",
        type=_positive_number,
        default=1e-4,
        metavar="SIGMA",
        help="lowest conductivity of the positive class in S/cm (default: 1e-4)",
    )

    pool = parser.add_argument_group("structures to be screened")
    pool.add_argument(
        "--structures",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="folders of CIF files, tables or single files",
    )
    pool.add_argument(
        "--limit", type=_whole(1), metavar="N", help="screen N structures, drawn with --seed"
    )
    pool.add_argument(
        "--pool-size",
        type=_whole(1),
        default=1000,
        metavar="N",
        help="size of the bundled pool, where it is used (default: 1000)",
    )
    pool.add_argument(
        "--patterns",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="measured patterns to be ranked instead: files of two columns, or a folder of them",
    )
    _add_columns(parser.add_argument_group("tables"))
    _add_rules(parser.add_argument_group("candidates"))

    training = parser.add_argument_group("training")
    training.add_argument(
        "--estimator",
        choices=["fast", "paper"],
        default="fast",
        help="fast: a small residual network for CPUs (default); paper: the network and method of "
        "the XRDMatch paper, which wants a GPU (--device cuda)",
    )
    training.add_argument(
        "--members", type=_whole(1), default=10, metavar="N", help="ensemble size (default: 10)"
    )
    training.add_argument(
        "--epochs", type=_whole(1), metavar="N", help="epochs (default: the estimator's own)"
    )
    training.add_argument(
        "--device", default="cpu", help='device of the training, such as "cuda" (default: cpu)'
    )
    training.add_argument(
        "--seed",
        type=_whole(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="seed of everything random (default: 0)",
    )
    _add_jobs(training)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("skxrd-screening"),
        metavar="DIR",
        help="folder of the results (default: skxrd-screening); files of an earlier run are "
        "replaced at the end",
    )


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "structures",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="structure files, folders of CIF files or tables with a column of structures",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="file to be written, .npz or .csv, or a folder",
    )
    pattern = parser.add_argument_group("pattern")
    pattern.add_argument(
        "--preset",
        choices=["xrdmatch", "physical"],
        help="xrdmatch: sticks as in the data of the XRDMatch paper; physical: what a laboratory "
        "diffractometer shows from 10 to 80 degrees",
    )
    pattern.add_argument("--start", type=float, help="degrees (default: 0)")
    pattern.add_argument("--stop", type=float, help="degrees (default: 90)")
    pattern.add_argument("--points", type=int, help="grid points (default: 4501)")
    pattern.add_argument(
        "--wavelength",
        type=_number_or_name,
        default="CuKa",
        help="radiation, such as MoKa or CuKa1+CuKa2, or angstrom (default: CuKa)",
    )
    pattern.add_argument("--fwhm", type=float, help="line width in degrees (default: sticks)")
    _add_columns(parser.add_argument_group("tables"))
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip", "nan"],
        default="raise",
        help="what becomes of a structure without a pattern (default: raise)",
    )
    _add_jobs(parser)


def _add_rules(group: Any) -> None:
    group.add_argument(
        "--min-votes", type=_whole(0), metavar="N", help="leave out candidates with fewer votes"
    )
    group.add_argument(
        "--exclude-elements",
        nargs="+",
        metavar="SYMBOL",
        help="leave out candidates that contain one of these elements",
    )
    group.add_argument(
        "--max-e-above-hull",
        type=float,
        metavar="EV",
        help="leave out candidates whose energy above the hull in eV/atom is higher or not given",
    )
    group.add_argument(
        "--top",
        type=_whole(0),
        default=20,
        metavar="N",
        help="number of best candidates whose structures are written (default: 20)",
    )


def _add_columns(group: Any) -> None:
    group.add_argument("--id-column", metavar="NAME", help="column of names")
    group.add_argument("--structure-column", metavar="NAME", help="column of structures")


def _add_jobs(group: Any) -> None:
    group.add_argument(
        "--jobs", type=_whole(1), metavar="N", help="parallel jobs (default: all cores)"
    )


def _whole(low: int, high: float = float("inf")) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            limits = f"at least {low}" if high == float("inf") else f"between {low} and {high}"
            raise argparse.ArgumentTypeError(f"a whole number {limits} is needed, got {text}")
        return number

    whole_number.__name__ = "whole number"  # as argparse's messages call it
    return whole_number


def _positive_number(text: str) -> float:
    number = float(text)
    if not (isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"a positive number is needed, got {text}")
    return number


def _number_or_name(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
