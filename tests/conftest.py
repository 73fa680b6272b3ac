import importlib.util
import os
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
import torch

torch.set_num_threads(1)  # small networks: a second thread makes the suite several times slower

SHARED = Path(os.environ.get("SKXRD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real data that are not part of the project; tests skip without it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}; set SKXRD_SHARED_DATA")
    return SHARED


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def pickled_by_value(request):
    """Send classes of the test module to workers as code: they cannot import it by name."""
    # joblib brought its own cloudpickle until it came to depend on the package.
    names = [name for name in ("cloudpickle", "joblib.externals.cloudpickle") if _exists(name)]
    for name in names:
        importlib.import_module(name).register_pickle_by_value(request.module)
    yield
    for name in names:
        importlib.import_module(name).unregister_pickle_by_value(request.module)


def _exists(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
