"""Real data of the benchmarks: read where they lie, simulated once and kept."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from skxrd import PatternSimulator
from skxrd.datasets import fetch_obelix, fetch_xrdmatch, get_data_home

SHARED = Path(os.environ.get("SKXRD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
memory = joblib.Memory(get_data_home() / "benchmarks", verbose=0)


def xrdmatch():
    """Return the paper's labels: downloaded, or taken from the shared folder."""
    source = SHARED / "xrdmatch" / "labelled.csv.gz"
    target = get_data_home() / "xrdmatch" / "lbs.csv"
    if source.is_file() and not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with gzip.open(source) as packed, partial.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        partial.rename(target)
    return fetch_xrdmatch()


def obelix():
    """Return the OBELiX train split: downloaded, or taken from the shared folder."""
    for name in ("train.csv", "train_cifs.tar.gz"):
        source, target = SHARED / "obelix" / name, get_data_home() / "obelix" / name
        if source.is_file() and not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target.with_suffix(".partial"))
            target.with_suffix(".partial").rename(target)
    return fetch_obelix()


def li_pool() -> pd.DataFrame:
    """Structures of the unlabeled pool, without the formulas of the XRDMatch labels."""
    path = SHARED / "li_pool" / "li_pool.csv.gz"
    if not path.is_file():
        raise SystemExit(f"No pool at {path}; set SKXRD_SHARED_DATA to the folder above li_pool/.")
    frame = pd.read_csv(path)
    return frame[~frame["in_xrdmatch"]].reset_index(drop=True)


@memory.cache
def simulate(cifs: tuple[str, ...], n_jobs: int = 1) -> np.ndarray:
    """Patterns of CIF texts on the paper's grid; the result is kept on disk."""
    return PatternSimulator(n_jobs=n_jobs).fit_transform(list(cifs))


def li_pool_patterns(n_chunks: int = 40) -> np.ndarray:
    """Patterns of the whole pool: 11,228 structures take about ten minutes, once."""
    chunks = np.array_split(li_pool()["cif"].to_numpy(dtype=object), n_chunks)
    return np.concatenate([simulate(tuple(chunk)) for chunk in chunks])
