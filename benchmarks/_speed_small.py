"""The default recipe against the peer: ratios, profiles of both."""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _speed_common import fit, fit_step, in_turn, patterns, table, with_option
from _speed_peers import AT_HAND, LOOPS, LOOPS_IN_WORKERS, ROW_BY_ROW, peers

from skxrd import SemiSupervisedClassifier
from skxrd.networks import ResNet1d


def small(options: argparse.Namespace) -> dict[str, Any]:
    X, y = patterns(n_steps=12)
    classifier = SemiSupervisedClassifier()
    fitted = fit(classifier, X, y, 1)
    names = [AT_HAND, ROW_BY_ROW, LOOPS, LOOPS_IN_WORKERS]
    peer = peers(names, lambda: ResNet1d(451, 2), fitted, X, y, n_steps=12)
    ours = {
        "skxrd, default recipe": classifier,
        "skxrd, mixed precision": with_option(SemiSupervisedClassifier(), mixed_precision=True),
    }
    functions = peer | {
        name: lambda c=c: fit_step(c, X, y) for name, c in ours.items() if c is not None
    }
    numbers = table(in_turn(functions, options.rounds), LOOPS_IN_WORKERS)
    profiles = {
        f"before ({LOOPS})": profile(peer[LOOPS]),
        "after (skxrd, default recipe)": profile(lambda: fit(classifier, X, y, 3)),
    }
    for title, entries in profiles.items():
        print(f"\n  {title}: share of the time in a function itself")
        for name, share in entries.items():
            print(f"    {share:6.1%}  {name}")
    return {"steps": numbers, "profiles": profiles}


def profile(function: Callable[[], Any], n_entries: int = 8) -> dict[str, float]:
    """Functions with the largest time of their own, and their share of the whole."""
    profiler = cProfile.Profile()
    profiler.runcall(function)
    stats = pstats.Stats(profiler)
    own: dict[str, float] = {}
    for (file, _, name), (_, _, seconds, _, _) in stats.stats.items():
        key = name if file == "~" else f"{Path(file).name}: {name}"
        own[key] = own.get(key, 0.0) + seconds / stats.total_tt
    return dict(sorted(own.items(), key=lambda item: -item[1])[:n_entries])
