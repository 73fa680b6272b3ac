import contextlib
import multiprocessing
import time

import pytest
from joblib import parallel_config
from sklearn.utils.parallel import delayed

from skxrd._parallel import as_they_come

BACKENDS = ["loky", "multiprocessing", "threading"]


def squared(number):
    return number**2


def failing(number):
    if number == 3:
        raise ValueError("three")
    return number


# Python 3.12 warns where a process that has threads is forked, as "multiprocessing" does.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_come_in_the_order_of_the_tasks(backend):
    tasks = (delayed(squared)(number) for number in range(20))
    with (
        parallel_config(backend=backend, n_jobs=2),
        contextlib.closing(as_they_come(tasks, None)) as results,
    ):
        assert list(results) == [number**2 for number in range(20)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_first_error_is_raised(backend):
    tasks = (delayed(failing)(number) for number in range(20))
    with (
        parallel_config(backend=backend, n_jobs=2),
        contextlib.closing(as_they_come(tasks, None)) as results,
        pytest.raises(ValueError, match="three"),
    ):
        list(results)


def test_closing_gives_up_the_remaining_tasks():
    taken = []

    def tasks():
        for number in range(100_000):
            taken.append(number)
            yield delayed(time.sleep)(0.05)

    with contextlib.closing(as_they_come(tasks(), 2)) as results:
        next(results)
    assert len(taken) < 1000
    assert multiprocessing.active_children() == []
