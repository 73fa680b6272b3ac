"""The paper's network on 4,501 points against the peer: ratios, FLOP/s against the peak."""

from __future__ import annotations

import argparse
from typing import Any

from _speed_common import fit, fit_step, flops_of, in_turn, patterns, peaks, table, with_option
from _speed_peers import AT_HAND, LOOPS_IN_WORKERS, peers
from sklearn.pipeline import make_pipeline

from skxrd import SemiSupervisedClassifier, XRDMatchClassifier
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.networks import VGG11
from skxrd.preprocessing import IntensityScaler
from skxrd.semi_supervised import FixMatch


def vgg11(options: argparse.Namespace) -> dict[str, Any]:
    peak = peaks()
    strong = make_pipeline(PeakShift(300), PeakScaling(1.0, 0.12), PeakElimination(0.12))
    unsure = SemiSupervisedClassifier(
        FixMatch(threshold=1.0),
        VGG11,
        weak_augmentation=PeakShift(150),
        strong_augmentation=strong,
        rendering=IntensityScaler("max"),
    )
    ours = {
        "skxrd, same mathematics": XRDMatchClassifier(),
        "skxrd, no row reaches the threshold": unsure,
        "skxrd, mixed precision": with_option(XRDMatchClassifier(), mixed_precision=True),
    }
    ours = {name: classifier for name, classifier in ours.items() if classifier is not None}
    X, y = patterns(n_steps=1)
    fitted = fit(XRDMatchClassifier(module_params={"channels": (2, 2, 2, 2)}), X, y, 1)
    functions = peers([AT_HAND, LOOPS_IN_WORKERS], lambda: VGG11(4501, 2), fitted, X, y, 3)
    flops = {AT_HAND: flops_of(functions[AT_HAND]) / 3}
    for name, classifier in ours.items():
        flops[name] = flops_of(lambda c=classifier: fit(c, X, y, 1))
        functions[name] = lambda c=classifier: fit_step(c, X, y)
    seconds = in_turn(functions, options.rounds)
    numbers = table(seconds, AT_HAND, flops)
    for name in flops:
        kind = "bfloat16" if "mixed" in name else "float32"
        part = numbers[name]["gigaflop_per_second"] / peak[kind]
        numbers[name]["part_of_peak"] = part
        print(f"  {name}: {100 * part:.0f} % of the {kind} peak")
    return {"peak_gigaflops": peak, "steps": numbers}
