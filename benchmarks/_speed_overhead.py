"""Our fit over a bare torch loop with the same arithmetic, views and rows."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from _speed_common import (
    LEARNING_RATE,
    N_UNLABELED,
    chain,
    fit,
    fit_step,
    in_turn,
    patterns,
    spread,
    text,
)
from torch import nn
from torch.nn import functional as F

from skxrd import SemiSupervisedClassifier
from skxrd.networks import VGG11, ResNet1d
from skxrd.semi_supervised import FixMatch


def bare_step(
    network: nn.Module, fitted: Any, X: np.ndarray, y: np.ndarray, *, joint: bool, n_epochs: int = 2
) -> float:
    """Seconds per step of our arithmetic in plain torch; every row passes the threshold.

    With batch normalization (`joint`) all views pass the network together; without, weak views pass
    it alone and without gradient.
    """
    rows, codes = torch.from_numpy(X), torch.from_numpy(y)
    labeled, unlabeled = torch.nonzero(codes >= 0).ravel(), torch.nonzero(codes < 0).ravel()
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    weak_of, strong_of = fitted.weak_augmentation_, fitted.strong_augmentation_
    network.train()
    seconds = []
    for _ in range(1 + n_epochs):
        start = time.perf_counter()
        order = unlabeled[torch.randperm(len(unlabeled), generator=generator)]
        batches = order.split(N_UNLABELED)
        for some in batches:
            few = labeled[torch.randperm(len(labeled), generator=generator)]
            views = [
                chain(fitted.rendering_, chain(augmentation, rows[chosen], generator))
                for augmentation, chosen in ((weak_of, few), (weak_of, some), (strong_of, some))
            ]
            if joint:
                sizes = [len(view) for view in views]
                of_labeled, of_weak, of_strong = network(torch.cat(views)).split(sizes)
            else:
                with torch.no_grad():
                    of_weak = network(views[1])
                of_labeled, of_strong = network(views[0]), network(views[2])
            confidence, pseudo_label = of_weak.detach().softmax(dim=1).max(dim=1)
            weight = (confidence >= 0).float()
            loss = F.cross_entropy(of_strong, pseudo_label, reduction="none")
            loss = F.cross_entropy(of_labeled, codes[few]) + 0.3 * (loss * weight).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append((time.perf_counter() - start) / len(batches))
    return float(np.median(seconds[1:]))


def overhead(options: argparse.Namespace) -> dict[str, Any]:
    X, y = patterns(n_steps=20)
    tiny = {"channels": (8, 16), "kernel_sizes": (16, 8), "hidden_units": (32,)}
    everything = FixMatch(threshold=0.0, unlabeled_weight=0.3)
    cases = {
        "ResNet1d, joint batch normalization": (
            SemiSupervisedClassifier(everything),
            lambda: ResNet1d(451, 2),
            True,
        ),
        "tiny VGG11, no batch normalization": (
            SemiSupervisedClassifier(everything, VGG11, module_params=tiny),
            lambda: VGG11(451, 2, **tiny),
            False,
        ),
    }
    numbers = {}
    for name, (classifier, network, joint) in cases.items():
        fitted = fit(classifier, X, y, 1)
        seconds = in_turn(
            {
                "bare": lambda f=fitted, n=network, j=joint: bare_step(n(), f, X, y, joint=j),
                "fit": lambda c=classifier: fit_step(c, X, y),
            },
            3 * options.rounds,
        )
        extra = 100 * (seconds["fit"] / seconds["bare"] - 1)
        # Few percent drown in what else the machine does; the fastest rounds had least of it.
        fastest = 100 * (seconds["fit"].min() / seconds["bare"].min() - 1)
        print(
            f"  {name}: bare loop {text(1e3 * seconds['bare'], 1)} ms, fit "
            f"{text(1e3 * seconds['fit'], 1)} ms a step; overhead {text(extra, 1)} %, of the "
            f"fastest rounds {fastest:.1f} %",
            flush=True,
        )
        numbers[name] = {f"{k}_milliseconds": spread(1e3 * v) for k, v in seconds.items()}
        numbers[name]["overhead_percent"] = {**spread(extra), "of_fastest_rounds": fastest}
    return numbers
