"""Mutate bytes of measured files and read them: nothing but patterns and PatternReadErrors.

Files of instruments are taken from the folder measured/ of SKXRD_SHARED_DATA, or from --folder.
Their copies are read in processes of their own, with a limit of memory and of time for each file.

    python benchmarks/fuzz_readers.py --n-mutations 10000
    python benchmarks/fuzz_readers.py --n-mutations 1000 --reader geddes
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import io
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from skxrd.exceptions import PatternReadError, PatternWarning
from skxrd.io import read_pattern

ADDRESS_SPACE = 3 * 2**30  # bytes; importing the package takes one and a half
SECONDS_PER_FILE = 10
TOKENS = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x00\x80\x7f", b"1e309", b"1e308",
          b"nan", b"-1", b"<", b"'", b"\n", b"\n;", b"loop_", b"BANK 1", b"*RAS_INT_START\n",
          b"\n" * 50_000]  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Mutate a file or, mostly, what is packed in it, which checksums would protect."""
    inside = rng.random() < 0.7
    if inside and content.startswith(b"\x1f\x8b"):
        return gzip.compress(changed(gzip.decompress(content), rng), 1)
    if inside and content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = sorted(members)[rng.integers(len(members))]
        members[name] = changed(members[name], rng)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, member in members.items():
                archive.writestr(name, member)
        return buffer.getvalue()
    return changed(content, rng)


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """Change, remove, repeat, insert or move bytes; every second time only near the start."""
    result = bytearray(content)
    # Other bytes than those of text are refused at once: text mostly stays text.
    letters = b"\0" not in content[:1000] and rng.random() < 0.8
    reach = min(len(result), 4096) if rng.random() < 0.5 else len(result)
    for _ in range(rng.integers(1, 8)):
        at = int(rng.integers(max(1, min(reach, len(result)))))
        length = int(rng.integers(1, 200))
        match rng.integers(7):
            case 0:
                low, high = (32, 127) if letters else (0, 256)
                some = rng.integers(low, high, rng.integers(1, 9), dtype=np.uint8)
                result[at : at + len(some)] = bytes(some)
            case 1 if at < len(result) and not letters:
                result[at] ^= 1 << int(rng.integers(8))
            case 2:
                del result[at : at + length]
            case 3:
                result[at:at] = result[at : at + length]
            case 4:
                token = TOKENS[rng.integers(3 if letters else 0, len(TOKENS))]
                result[at : at + min(len(token), 16)] = token  # blank lines replace little
            case 5:
                piece = result[at : at + length]
                del result[at : at + length]
                to = int(rng.integers(len(result) + 1))
                result[to:to] = piece
            case _ if rng.random() < 0.2:
                del result[at:]
    return bytes(result)


def work(path: Path, seed: int, n_mutations: int, reader: str) -> dict[str, object]:
    """Read mutations of one file; runs in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    signal.signal(signal.SIGALRM, _too_slow)
    content = path.read_bytes()
    rng = np.random.default_rng(seed)
    outcomes: dict[str, int] = {}
    worst: list[str] = []
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for number in range(n_mutations):
            copy.write_bytes(mutated(content, rng))
            start = time.perf_counter()
            signal.alarm(SECONDS_PER_FILE)
            outcome = _outcome(copy) if reader == "skxrd" else _outcome_of_geddes(copy)
            signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - start)
            kind = outcome.partition(":")[0]
            outcomes[kind] = outcomes.get(kind, 0) + 1
            if kind not in ("read", "refused"):
                worst.append(f"{path.name}, seed {seed}, mutation {number}: {outcome}")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "outcomes": outcomes,
        "slowest (s)": slowest,
        "memory (MiB)": (after - before) / 1024,
        "worst": worst,
    }


def _outcome(path: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", PatternWarning)
            read_pattern(path)
    except PatternReadError as error:
        named = str(error).startswith(f"{path}: ") and len(str(error)) > len(f"{path}: ") + 10
        return "refused" if named else f"unnamed: {error}"
    except TimeoutError:
        return "hang: took too long"
    except Exception as error:  # what is looked for
        return f"{type(error).__name__}: {error}"
    return "read"


def _outcome_of_geddes(path: Path) -> str:
    """Say what another reader makes of a file; its errors are those of Rust, panics among them."""
    geddes = importlib.import_module("geddes")
    try:
        pattern = geddes.read(str(path))
    except TimeoutError:  # an OSError as well
        return "hang: took too long"
    except (ValueError, OSError):
        return "refused"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {error}"
    finite = np.isfinite(pattern.x).all() and np.isfinite(pattern.y).all()
    return "read" if finite and len(pattern.x) >= 2 else "nonsense: not finite, or too short"


def _too_slow(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n-mutations", type=int, default=10_000, help="of all files together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="with files to be mutated")
    parser.add_argument("--reader", choices=("skxrd", "geddes"), default="skxrd")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        found = work(arguments.work, arguments.seed, arguments.n_mutations, arguments.reader)
        print(json.dumps(found))
        return
    folder = arguments.folder
    if folder is None:
        from _real_data import SHARED

        folder = SHARED / "measured"
    paths = sorted(path for path in folder.glob("*") if path.suffix != ".md")
    if not paths:
        raise SystemExit(f"No files in {folder}; name a folder with --folder.")
    share = -(-arguments.n_mutations // len(paths))
    table, worst = [], []
    for path in paths:
        command = [sys.executable, __file__, "--work", str(path), "--seed", str(arguments.seed),
                   "--n-mutations", str(share), "--reader", arguments.reader]  # fmt: skip
        limit = 60 + share * SECONDS_PER_FILE
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=limit)
            end = f"ended with {run.returncode}: {run.stderr[-300:]}" if run.returncode else ""
        except subprocess.TimeoutExpired:
            end = f"was still busy after {limit} s"
        if end:
            worst.append(f"{path.name}: the process {end}")
            table.append({"file": path.name, "mutations": share, "other": share})
            continue
        found = json.loads(run.stdout)
        outcomes = found["outcomes"]
        worst += found["worst"]
        table.append(
            {
                "file": path.name,
                "mutations": share,
                "read": outcomes.get("read", 0),
                "refused": outcomes.get("refused", 0),
                "other": share - outcomes.get("read", 0) - outcomes.get("refused", 0),
                "slowest (s)": found["slowest (s)"],
                "memory (MiB)": found["memory (MiB)"],
            }
        )
    frame = pd.DataFrame(table)
    print(frame.to_string(index=False, float_format="{:.2f}".format))
    print(f"{frame['mutations'].sum()} mutations, {frame['other'].sum()} neither read nor refused")
    print("\n".join(worst[:20]))
    sys.exit(bool(worst))


if __name__ == "__main__":
    main()
