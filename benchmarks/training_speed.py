"""How fast a training step is, as ratios against named peers measured in the same run.

Every ratio compares alternating runs on the same machine, threads, network and batch (32 labeled
rows, 96 weak and 96 strong views), and is printed as median (lowest to highest) over the rounds.
Ours is a whole `fit`: the time of an epoch divided by its steps, augmentation, rendering, loading
and bookkeeping included. The peer is the step of semilearn 0.3.2; `_peer_step.py` says what of it
was replicated, and why. The parts:

overhead   our fit over a bare torch loop with the same arithmetic, views and rows
vgg11      the paper's network on 4,501 points against the peer: ratios, FLOP/s against the peak
small      the default recipe against the peer: ratios, profiles of both
ensemble   ten small networks: one after the other, two processes, torch.func.vmap, grouped layers
rows       time and memory of one epoch against the number of memory-mapped unlabeled rows
paper      ten members at the paper's full size on a GPU; skipped where there is none

    python benchmarks/training_speed.py [PART ...] [--rounds 3] [--threads N] [--json FILE]
                                        [--max-rows 30000] [--plot FILE] [--synthetic]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import multiprocessing
import os
import platform
import pstats
import shutil
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _peer_step import Peer, as_is, loop_over_bins, one_row_at_a_time
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier, XRDMatchClassifier
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.datasets import make_patterns
from skxrd.networks import VGG11, ResNet1d
from skxrd.preprocessing import IntensityScaler
from skxrd.semi_supervised import FixMatch

N_LABELED, N_UNLABELED = 32, 96
LEARNING_RATE = 3e-4
N_MEMBERS = 10


# ---- what all parts share ------------------------------------------------------------------------


def patterns(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Stick patterns for an epoch of so many full batches, with as many lines as real ones."""
    n_rows = N_LABELED + N_UNLABELED * n_steps
    X, y = make_patterns(n_rows, n_lines=110, n_extra_lines=10, random_state=0)
    kept = np.concatenate([np.flatnonzero(y == code)[: N_LABELED // 2] for code in (0, 1)])
    return X, np.where(np.isin(np.arange(n_rows), kept), y, -1)


class Clock(Callback):
    """Wall time of each epoch."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.seconds_: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.start_ = time.perf_counter()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.seconds_.append(time.perf_counter() - self.start_)


def fit(classifier: Any, X: np.ndarray, y: np.ndarray, n_epochs: int) -> Any:
    callbacks = [("clock", Clock())]
    classifier = clone(classifier).set_params(
        max_epochs=n_epochs, callbacks=callbacks, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(X, y)


def fit_step(classifier: Any, X: np.ndarray, y: np.ndarray, n_epochs: int = 2) -> float:
    """Seconds per step of a fit, the first epoch left out."""
    fitted = fit(classifier, X, y, 1 + n_epochs)
    epochs = dict(fitted.net_.callbacks_)["clock"].seconds_[1:]
    return float(np.median(epochs)) / ((y < 0).sum() // N_UNLABELED)


def in_turn(functions: dict[str, Callable[[], float]], n_rounds: int) -> dict[str, np.ndarray]:
    """Seconds that each function reports; in turn, so that all see the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(n_rounds):
        for name, function in functions.items():
            seconds[name].append(function())
    return {name: np.array(values) for name, values in seconds.items()}


def spread(values: np.ndarray) -> dict[str, float]:
    return {"median": np.median(values), "lowest": values.min(), "highest": values.max()}


def text(values: np.ndarray, digits: int = 2) -> str:
    of = spread(values)
    return f"{of['median']:.{digits}f} ({of['lowest']:.{digits}f} to {of['highest']:.{digits}f})"


def table(
    seconds: dict[str, np.ndarray], reference: str, flops: dict[str, float] | None = None
) -> dict[str, Any]:
    """Print seconds per step and how many times faster than the reference each is."""
    numbers: dict[str, Any] = {}
    for name, values in seconds.items():
        ratio = seconds[reference] / values
        numbers[name] = {"milliseconds": spread(1e3 * values), "times_faster": spread(ratio)}
        line = f"  {name:46s} {text(1e3 * values, 1):>26s} ms   {text(ratio):>22s} x"
        if flops and name in flops:
            rate = flops[name] / np.median(values)
            numbers[name] |= {"gigaflop": flops[name] / 1e9, "gigaflop_per_second": rate / 1e9}
            line += f"   {flops[name] / 1e9:7.1f} GFLOP, {rate / 1e9:6.1f} GFLOP/s"
        print(line, flush=True)
    return numbers


def gigaflops(dtype: torch.dtype, device: str = "cpu", size: int = 4096) -> float:
    """Rate of a large matrix product, the practical peak of the machine."""
    a = torch.ones(size, size, dtype=dtype, device=device)
    rates = []
    for _ in range(6):
        start = time.perf_counter()
        a @ a
        if device != "cpu":
            torch.cuda.synchronize()
        rates.append(2e-9 * size**3 / (time.perf_counter() - start))
    return float(np.median(rates[1:]))


def peaks(device: str = "cpu") -> dict[str, float]:
    found = {
        str(dtype).removeprefix("torch."): gigaflops(dtype, device)
        for dtype in (torch.float32, torch.bfloat16)
    }
    rates = ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in found.items())
    print(f"  peak of {device} by a matrix product of 4096: {rates}")
    return found


def flops_of(function: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def chain(component: Any, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Send a batch through a pipeline of augmentations or renderings."""
    for step in [s for _, s in component.steps] if isinstance(component, Pipeline) else [component]:
        X = step.augment(X, generator) if hasattr(step, "augment") else step.render(X)
    return X


AT_HAND = "semilearn, views at hand"
ROW_BY_ROW = "semilearn, our augmentation row by row"
LOOPS = "semilearn, the paper's loops"
LOOPS_IN_WORKERS = "semilearn, the paper's loops in 2 workers"


def peers(
    names: list[str],
    network: Callable[[], nn.Module],
    fitted: Any,
    X: np.ndarray,
    y: np.ndarray,
    n_steps: int,
) -> dict[str, Callable[[], float]]:
    """Return trainings by the peer, which differ in how rows are augmented."""
    generator = torch.Generator().manual_seed(0)

    def alone(component: Any) -> Callable[[np.ndarray], Tensor]:
        return one_row_at_a_time(lambda row: chain(component, row, generator))

    loops = loop_over_bins(strong=False), loop_over_bins(strong=True)
    kinds = {
        AT_HAND: (as_is, as_is),
        ROW_BY_ROW: (alone(fitted.weak_augmentation_), alone(fitted.strong_augmentation_)),
        LOOPS: loops,
        LOOPS_IN_WORKERS: loops,
    }
    trainings = {}
    for name in names:
        peer = Peer(network(), X, y, *kinds[name], lambda rows: chain(fitted.rendering_, rows))
        peer.run(1)
        n_workers = 2 if name == LOOPS_IN_WORKERS else 0
        trainings[name] = lambda peer=peer, n_workers=n_workers: peer.run(n_steps, n_workers)
    return trainings


def with_option(classifier: Any, **options: Any) -> Any | None:
    """Return the classifier with options, or None where it does not have them."""
    return (
        classifier.set_params(**options) if set(options) <= set(classifier.get_params()) else None
    )


# ---- overhead ------------------------------------------------------------------------------------


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


# ---- against the peer ----------------------------------------------------------------------------


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


# ---- ensembles in one process --------------------------------------------------------------------


def train_steps(
    forward: Callable[[Tensor], Tensor], parameters: Any, X: Tensor, y: Tensor, n_steps: int
) -> float:
    """Seconds per step of forward pass, backward pass and AdamW; the first two are left out."""
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    n_members = len(y) if y.ndim == 2 else 1
    start = 0.0
    for step in range(2 + n_steps):
        if step == 2:
            _wait(X)
            start = time.perf_counter()
        # The sum over members of their means: no member's gradient depends on the others.
        loss = n_members * F.cross_entropy(forward(X).flatten(0, -2), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _wait(X)
    return (time.perf_counter() - start) / n_steps


def _wait(X: Tensor) -> None:
    if X.is_cuda:
        torch.cuda.synchronize()


def one_after_the_other(n_members: int, n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of separate networks."""
    with torch_threads(n_threads):
        X, y = batch(n_rows, device)
        networks = [ResNet1d(451, 2).to(device) for _ in range(n_members)]
        return float(np.mean([train_steps(n, n.parameters(), X, y, 10) for n in networks]))


def two_processes(n_rows: int) -> float:
    """Seconds per member and step of the ensemble's way: two workers, a thread each."""
    call = delayed(one_after_the_other)
    return float(np.mean(Parallel(n_jobs=2)(call(5, n_rows, 1) for _ in range(2)))) / 2


def vmapped(n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of stacked networks under `torch.func.vmap`.

    Running statistics of batch normalization are stacked like weights, so that each member keeps
    its own; dropout draws for each member.
    """
    with torch_threads(n_threads):
        networks = [ResNet1d(451, 2).to(device) for _ in range(N_MEMBERS)]
        params, buffers = stack_module_state(networks)
        skeleton = deepcopy(networks[0]).to("meta")
        forward = torch.vmap(
            lambda p, b, X: functional_call(skeleton, (p, b), (X,)), randomness="different"
        )
        X, y = batch(n_rows, device, N_MEMBERS)
        together = train_steps(lambda X: forward(params, buffers, X), params.values(), X, y, 4)
        return together / N_MEMBERS


class GroupedResNet1d(nn.Module):
    """Several `ResNet1d` as one network whose convolutions have a group per member."""

    def __init__(self, members: list[ResNet1d]):
        super().__init__()
        self.features = _grouped([member.features for member in members])
        self.dropout = members[0].classifier[0]
        heads = [member.classifier[1] for member in members]
        self.weight = nn.Parameter(torch.stack([head.weight.detach().T for head in heads]))
        self.bias = nn.Parameter(torch.stack([head.bias.detach()[None] for head in heads]))

    def forward(self, X: Tensor) -> Tensor:
        n_members, n_rows, n_points = X.shape
        position = torch.linspace(-1, 1, n_points, device=X.device).expand_as(X)
        channels = torch.stack([X, position], dim=2).transpose(0, 1).flatten(1, 2)
        features = self.features(as_image(channels)).flatten(2)
        pooled = [features.mean(dim=2), features.amax(dim=2)]
        pooled = [p.view(n_rows, n_members, -1).transpose(0, 1) for p in pooled]
        return torch.baddbmm(self.bias, self.dropout(torch.cat(pooled, dim=2)), self.weight)


def as_image(X: Tensor) -> Tensor:
    """Channels as images of one row, channels last in memory, as in `ResNet1d`."""
    return X[:, :, None].contiguous(memory_format=torch.channels_last)


def _grouped(modules: list[nn.Module]) -> nn.Module:
    """One module that does what all of them do, each on its own channels."""
    first = modules[0]
    if isinstance(first, nn.Conv2d):
        n = len(modules)
        merged = nn.Conv2d(
            n * first.in_channels,
            n * first.out_channels,
            first.kernel_size,
            stride=first.stride,
            padding=first.padding,
            groups=n,
            bias=False,
        )
        merged.weight.data = torch.cat([m.weight.detach() for m in modules]).contiguous(
            memory_format=torch.channels_last
        )
        return merged
    if isinstance(first, nn.BatchNorm2d):
        return nn.BatchNorm2d(len(modules) * first.num_features)
    merged = deepcopy(first)
    for name, _ in first.named_children():
        setattr(merged, name, _grouped([getattr(m, name) for m in modules]))
    return merged


def grouped(n_rows: int, n_threads: int, device: str = "cpu") -> float:
    """Seconds per member and step of ten networks as one with grouped convolutions."""
    with torch_threads(n_threads):
        members = [ResNet1d(451, 2, dropout=0.0) for _ in range(N_MEMBERS)]
        X, y = batch(n_rows, device, N_MEMBERS)
        network = GroupedResNet1d(members).to(device)
        alone = torch.stack([m.to(device)(rows) for m, rows in zip(members, X, strict=True)])
        torch.testing.assert_close(network(X), alone, rtol=1e-3, atol=1e-4)
        network.dropout = nn.Dropout(0.5)
        return train_steps(network, network.parameters(), X, y, 4) / N_MEMBERS


def batch(n_rows: int, device: str, *members: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(*members, n_rows, 451, generator=generator)
    return X.to(device), (X[..., 0] > 0.5).long().to(device)


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ensemble(options: argparse.Namespace) -> dict[str, Any]:
    n = options.threads
    numbers = {}
    for n_rows in (140, 224):
        print(f"  {n_rows} rows of 451 points, forward + backward + AdamW, per member and step:")
        functions = {
            "two processes, a thread each": lambda r=n_rows: two_processes(r),
            "one after the other, a thread": lambda r=n_rows: one_after_the_other(2, r, 1),
            f"one after the other, {n} threads": lambda r=n_rows: one_after_the_other(2, r, n),
            f"vmap, {n} threads": lambda r=n_rows: vmapped(r, n),
            f"grouped convolutions, {n} threads": lambda r=n_rows: grouped(r, n),
        }
        seconds = in_turn(functions, options.rounds)
        numbers[f"cpu_{n_rows}"] = table(seconds, "two processes, a thread each")
        winner = min(seconds, key=lambda name: np.median(seconds[name]))
        print(f"  fastest: {winner}")
        if torch.cuda.is_available():
            functions = {
                "cuda, one after the other": lambda r=n_rows: one_after_the_other(2, r, n, "cuda"),
                "cuda, vmap": lambda r=n_rows: vmapped(r, n, "cuda"),
                "cuda, grouped convolutions": lambda r=n_rows: grouped(r, n, "cuda"),
            }
            seconds = in_turn(functions, options.rounds)
            numbers[f"cuda_{n_rows}"] = table(seconds, "cuda, one after the other")
    return numbers


# ---- number of unlabeled rows --------------------------------------------------------------------


def write_rows(path: Path, n_rows: int, chunk: int = 1000) -> None:
    """Write stick patterns in chunks; the same ones again and again, which costs a training all."""
    X, _ = patterns(n_steps=11)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, X.shape[1]))
    for start in range(0, n_rows, chunk):
        stop = min(start + chunk, n_rows)
        out[start:stop] = X[: stop - start]
    out.flush()


def anonymous_memory() -> float:
    """Memory of this process that no file stands behind, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no RssAnon; this part needs Linux.")


def one_epoch(path: Path, n_unlabeled: int, n_threads: int) -> dict[str, float]:
    """Time and highest anonymous memory of one epoch; runs in a process of its own."""
    torch.set_num_threads(n_threads)
    fit(SemiSupervisedClassifier(), *patterns(n_steps=2), 1)  # what is loaded once
    X = np.load(path, mmap_mode="r")[: N_LABELED + n_unlabeled]
    y = np.full(len(X), -1)
    y[:N_LABELED] = np.arange(N_LABELED) % 2
    before = highest = anonymous_memory()
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.01):
            highest = max(highest, anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    fit(SemiSupervisedClassifier(), X, y, 1)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return {"seconds": seconds, "anonymous_mb": highest, "anonymous_mb_before": before}


def rows(options: argparse.Namespace) -> dict[str, Any]:
    sizes = [n for n in (1_000, 3_000, 10_000, 30_000, 100_000) if n <= options.max_rows]
    needed = (N_LABELED + sizes[-1]) * 4501 * 4
    results = []
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free
        if free < 1.5 * needed:
            raise SystemExit(f"{needed / 1e9:.1f} GB of rows: only {free / 1e9:.1f} GB are free.")
        path = Path(folder) / "rows.npy"
        write_rows(path, N_LABELED + sizes[-1])
        for n in sizes:
            # A process of its own each, whose memory holds nothing of the one before.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                result = pool.submit(one_epoch, path, n, options.threads).result()
            results.append({"n_unlabeled": n, "file_mb": n * 4501 * 4 / 1e6, **result})
            print(
                f"  {n:7,d} unlabeled rows ({results[-1]['file_mb']:6.0f} MB): "
                f"{result['seconds']:7.1f} s an epoch; anonymous memory (RssAnon, sampled) up to "
                f"{result['anonymous_mb']:5.0f} MB, before the fit "
                f"{result['anonymous_mb_before']:.0f} MB",
                flush=True,
            )
    n = np.array([r["n_unlabeled"] for r in results], dtype=float)
    seconds = np.array([r["seconds"] for r in results])
    slope = float(np.polyfit(np.log(n), np.log(seconds), 1)[0])
    grown = np.array([r["anonymous_mb"] - r["anonymous_mb_before"] for r in results])
    per_row = float(np.polyfit(n, grown, 1)[0] * 1e6)
    print(f"  time grows as n^{slope:.2f}; memory by {per_row:.0f} bytes a row of {4 * 4501} bytes")
    if options.plot:
        plot_rows(results, slope, options.plot)
    return {"sizes": results, "exponent_of_time": slope, "bytes_per_row": per_row}


def plot_rows(results: list[dict[str, float]], slope: float, path: Path) -> None:
    import matplotlib.pyplot as plt

    n = np.array([r["n_unlabeled"] for r in results])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    seconds = np.array([r["seconds"] for r in results])
    left.loglog(n, seconds, "o-", color="#0072B2", label=f"one epoch, slope {slope:.2f}")
    left.loglog(n, seconds[-1] * n / n[-1], "--", color="0.4", label="proportional to rows")
    left.set(xlabel="Unlabeled rows of 4,501 points", ylabel="Time (s)")
    right.loglog(n, [r["file_mb"] for r in results], "--", color="0.4", label="the file itself")
    added = np.array([r["anonymous_mb"] - r["anonymous_mb_before"] for r in results])
    right.loglog(n, added.clip(min=1), "s-", color="#D55E00", label="added by the training")
    right.set(xlabel="Unlabeled rows of 4,501 points", ylabel="Anonymous memory (MB)")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"  plot: {path}")


# ---- the paper's size on a GPU -------------------------------------------------------------------


def paper(options: argparse.Namespace) -> dict[str, Any]:
    if not torch.cuda.is_available():
        print("  skipped: no GPU is at hand (torch.cuda.is_available() is False)")
        return {"skipped": "no GPU"}
    X, y = _synthetic_pool() if options.synthetic else _real_pool()
    peak = peaks("cuda")
    classifier = XRDMatchClassifier(device="cuda", max_epochs=options.epochs)
    numbers: dict[str, Any] = {"n_rows": len(X), "peak_gigaflops": peak}
    modes = {"float32": classifier}
    mixed = with_option(clone(classifier), mixed_precision=True)
    if mixed is not None:
        modes["mixed precision"] = mixed
    for name, member in modes.items():
        few = np.flatnonzero(y >= 0)[:N_LABELED]
        few = np.concatenate([few, np.flatnonzero(y < 0)[:N_UNLABELED]])
        one_step = clone(member).set_params(max_epochs=1)
        fit(one_step, X[few], y[few], 1)
        flops = flops_of(lambda c=one_step, f=few: fit(c, X[f], y[f], 1))
        bagging = SemiSupervisedBaggingClassifier(member, n_estimators=N_MEMBERS, random_state=0)
        with gpu_utilization() as samples, warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.perf_counter()
            bagging.fit(X, y)
            seconds = time.perf_counter() - start
        n_steps = -(-round(0.8 * (y < 0).sum()) // N_UNLABELED) * options.epochs * N_MEMBERS
        rate = flops * n_steps / seconds / 1e9
        utilization = float(np.median(samples)) if samples else float("nan")
        memory = torch.cuda.max_memory_allocated() / 1e9
        print(
            f"  {name}: {N_MEMBERS} members, {options.epochs} epochs, {(y < 0).sum()} unlabeled "
            f"rows: {seconds:.0f} s, {1e3 * seconds / n_steps:.2f} ms a step, {rate:.0f} GFLOP/s "
            f"({rate / peak['float32']:.0%} of the float32 peak), utilization {utilization:.0f} %, "
            f"{memory:.1f} GB",
            flush=True,
        )
        numbers[name] = {
            "seconds": seconds,
            "milliseconds_per_step": 1e3 * seconds / n_steps,
            "gigaflop_per_second": rate,
            "utilization_percent": utilization,
            "memory_gb": memory,
        }
    return numbers


def _real_pool() -> tuple[np.ndarray, np.ndarray]:
    from _real_data import li_pool_patterns, xrdmatch

    labels, pool = xrdmatch(), li_pool_patterns()
    y = np.concatenate([labels.target, np.full(len(pool), -1)])
    return np.concatenate([labels.data, pool]), y


def _synthetic_pool() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_patterns(112 + 6000, n_lines=110, n_extra_lines=10, random_state=0)
    return X, np.where(np.arange(len(y)) < 112, y, -1)


@contextmanager
def gpu_utilization() -> Iterator[list[float]]:
    """Collect the utilization that the driver reports, once a second; nothing without its tool."""
    samples: list[float] = []
    if shutil.which("nvidia-smi") is None:
        yield samples
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-l1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield samples
    finally:
        process.terminate()
        lines = process.communicate()[0].split()
        samples.extend(float(line) for line in lines if line.isdigit())


# ---- command line --------------------------------------------------------------------------------

PARTS = {
    "overhead": overhead,
    "vgg11": vgg11,
    "small": small,
    "ensemble": ensemble,
    "rows": rows,
    "paper": paper,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--max-rows", type=int, default=30_000, help="of the part rows")
    parser.add_argument("--plot", type=Path, help="file for the plot of the part rows")
    parser.add_argument("--epochs", type=int, default=100, help="of the part paper")
    parser.add_argument("--synthetic", action="store_true", help="made-up rows in the part paper")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.max_rows < 3_000:
        parser.error("--max-rows must be at least 3000: a slope needs two sizes")

    torch.set_num_threads(options.threads)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "torch": torch.__version__,
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    numbers: dict[str, Any] = {"machine": machine}
    for part in options.parts or PARTS:
        print(f"\n## {part}", flush=True)
        start = time.perf_counter()
        numbers[part] = PARTS[part](options)
        print(f"  ({time.perf_counter() - start:.0f} s)", flush=True)
    if options.json:
        partial = options.json.with_suffix(".partial")
        partial.write_text(json.dumps(numbers, indent=2, default=float))
        partial.rename(options.json)


if __name__ == "__main__":
    main()
