"""The command `skxrd`: a thin face over the public API, without logic of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from skxrd.cli._parser import make_parser
from skxrd.exceptions import SkxrdError

__all__ = ["main"]

_FAILED, _INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `skxrd`.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        Arguments, without the name of the command; None stands for those of the process.

    Returns
    -------
    int
        Exit status: 0 after success, 2 if an argument, a file or an optional dependency is the
        reason of a failure (told in one line on the standard error stream), 130 after an
        interruption.

    Raises
    ------
    SystemExit
        After ``--help`` and ``--version``, and with status 2 if the arguments cannot be parsed.

    Examples
    --------
    >>> from skxrd.cli import main
    >>> main(["simulate", "no-such-file.cif", "--out", "patterns.npz"])
    2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = make_parser().parse_args(arguments)
    from skxrd.cli import _console

    try:
        with _console.one_line_warnings():
            return _run(args, arguments)
    except (SkxrdError, OSError, argparse.ArgumentError) as error:
        code, message = _FAILED, str(error)
    except KeyboardInterrupt as stop:
        code, message = _INTERRUPTED, str(stop) or "interrupted; nothing was written"
    # Not above: a progress bar that was cut short lives as long as the error's traceback.
    _console.show_message("error", message)
    return code


def _run(args: argparse.Namespace, arguments: list[str]) -> int:
    # Here and not above, so that --help waits neither for torch nor for pymatgen.
    if args.command == "simulate":
        from skxrd.cli._simulate import simulate

        simulate(args)
        return 0
    if args.command == "conduct":
        from skxrd.cli._conduct import conduct

        conduct(args)
        return 0
    from skxrd.cli._screen import screen

    return screen(args, arguments)
