"""What the README promises: its example runs, and its commands are one line each."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block_under(heading, language=""):
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(rf"```{language}\n(.*?)```", section, flags=re.DOTALL).group(1)


@pytest.mark.slow
def test_example_runs(capsys):
    code = block_under("In Python", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Ensemble" in printed
    assert "output_frequency" in printed
    assert len(names["ensemble"].estimators_) == 5


@pytest.mark.parametrize("heading", ["Run", "Test"])
def test_commands_are_one_line(heading):
    command = block_under(heading)
    assert len(command.strip().splitlines()) == 1
    assert "-c constraints.txt" in command
