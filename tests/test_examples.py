"""Every script of the gallery runs: alone, without a network, silently on the error stream."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))
# pandas and others look for packages that warn when they are imported; what the scripts and skxrd
# themselves warn of is an error.
WARNINGS = "error::UserWarning,error::FutureWarning,error::RuntimeWarning"
NO_NETWORK = """
import runpy, socket, sys

def refuse(*args, **kwargs):
    raise OSError("an example must not need the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
runpy.run_path(sys.argv[1], run_name="__main__")
"""

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="a source distribution comes without examples"
)


def test_examples_are_found():
    assert SCRIPTS


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_example_runs(script, tmp_path):
    environment = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": WARNINGS,
    }
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not list(tmp_path.iterdir())  # no files left behind


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_example_reads_as_a_page(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith('"""\n===')
    assert text.count("\n# %%\n") >= 3
    assert "plt.show()" in text
