"""Patterns on disk: finished, interrupted, taken up again, and never mixed up."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

import skxrd.simulation._simulator as simulator_module
from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.exceptions import InvalidStructureError, PatternWarning
from skxrd.simulation._task import SimulationTask

GRID = TwoThetaGrid(20, 60, 401)


@pytest.fixture
def crystals():
    return [
        Structure(Lattice.cubic(a), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        for a in np.linspace(2.6, 3.2, 10)
    ]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(simulator_module, "_ROWS_PER_BLOCK", 4)


@pytest.fixture
def counted(monkeypatch):
    """Structures that were really simulated."""
    done = []
    run = SimulationTask.run

    def counting(self, items, **keywords):
        done.extend(items)
        return run(self, items, **keywords)

    monkeypatch.setattr(SimulationTask, "run", counting)
    return done


def test_patterns_on_disk_are_those_in_memory(crystals, tmp_path):
    simulator = PatternSimulator(GRID)
    stored = simulator.simulate_to_disk(crystals, tmp_path / "iron")
    expected = simulator.simulate(crystals)
    assert isinstance(stored.patterns, np.memmap)
    assert not stored.patterns.flags.writeable
    np.testing.assert_array_equal(stored.patterns, expected.patterns)
    assert (stored.ids, stored.formulas) == (expected.ids, expected.formulas)
    np.testing.assert_array_equal(stored.kept, np.arange(10))
    assert [path.name for path in tmp_path.iterdir()] == ["iron"]
    np.testing.assert_array_equal(np.load(tmp_path / "iron" / "patterns.npy"), expected.patterns)
    table = pd.read_csv(tmp_path / "iron" / "structures.csv")
    assert table["formula"].tolist() == ["Fe"] * 10
    parameters = json.loads((tmp_path / "iron" / "simulation.json").read_text())
    assert parameters["wavelength"] == "'CuKa'"


def test_the_same_call_reads_what_is_there(crystals, tmp_path, counted):
    simulator = PatternSimulator(GRID)
    first = simulator.simulate_to_disk(crystals, tmp_path / "iron")
    assert len(counted) == 10
    again = simulator.set_params(n_jobs=1, verbose=0).simulate_to_disk(crystals, tmp_path / "iron")
    assert len(counted) == 10
    np.testing.assert_array_equal(again.patterns, first.patterns)
    assert again.formulas == first.formulas


def test_an_interrupted_run_goes_on_where_it_ended(crystals, tmp_path, counted, monkeypatch):
    simulator = PatternSimulator(GRID)
    run = SimulationTask.run

    def interrupted(self, items, **keywords):
        if len(counted) >= 8:
            raise KeyboardInterrupt
        return run(self, items, **keywords)

    monkeypatch.setattr(SimulationTask, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulator.simulate_to_disk(crystals, tmp_path / "iron")
    assert [path.name for path in tmp_path.iterdir()] == ["iron.unfinished"]
    monkeypatch.setattr(SimulationTask, "run", run)
    counted.clear()
    stored = simulator.simulate_to_disk(crystals, tmp_path / "iron")
    assert len(counted) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["iron"]
    np.testing.assert_array_equal(stored.patterns, simulator.simulate(crystals).patterns)


def test_a_cut_line_of_the_journal_does_not_count(crystals, tmp_path, counted):
    simulator = PatternSimulator(GRID)
    simulator.simulate_to_disk(crystals, tmp_path / "iron")
    unfinished = tmp_path / "iron.unfinished"
    (tmp_path / "iron").rename(unfinished)
    journal = unfinished / "blocks.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    counted.clear()
    simulator.simulate_to_disk(crystals, tmp_path / "iron")
    stored = simulator.simulate_to_disk(crystals, tmp_path / "iron")  # its journal can be read
    assert len(counted) == 2
    np.testing.assert_array_equal(stored.patterns, simulator.simulate(crystals).patterns)


def test_a_run_that_had_hardly_begun_begins_anew(crystals, tmp_path):
    (tmp_path / "iron.unfinished").mkdir()
    (tmp_path / "iron.unfinished" / "patterns.npy").write_bytes(b"half")
    stored = PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron")
    assert stored.patterns.shape == (10, GRID.n_points)


def test_a_structure_that_is_no_cell_is_a_row_of_nan(crystals, tmp_path):
    flat = crystals[2].copy()
    flat.lattice = Lattice([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    simulator = PatternSimulator(GRID, on_error="nan")
    with pytest.warns(PatternWarning, match="1 of 2 structures gave no pattern"):
        stored = simulator.simulate_to_disk([crystals[0], flat], tmp_path / "iron")
    assert "no volume" in stored.failures["reason"][0]


def test_other_names_need_another_folder(crystals, tmp_path):
    names = [f"crystal {k}" for k in range(10)]
    PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron", ids=names)
    with pytest.raises(FileExistsError, match="at least one differs"):
        PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron", ids=names[::-1])
    with pytest.raises(ValueError, match="got 9 ids for 10 structures"):
        PatternSimulator(GRID).simulate(crystals, ids=names[:9])


def test_failures_are_rows_of_nan_and_are_told_again(crystals, tmp_path):
    crystals[5] = Structure(Lattice.cubic(4), ["Es"], [[0, 0, 0]])
    simulator = PatternSimulator(GRID, on_error="nan")
    for _ in range(2):
        with pytest.warns(PatternWarning, match="1 of 10 structures gave no pattern"):
            stored = simulator.simulate_to_disk(crystals, tmp_path / "iron")
        assert np.isnan(stored.patterns).all(axis=1).tolist() == [i == 5 for i in range(10)]
        assert stored.failures["position"].tolist() == [5]
        assert "Es" in stored.failures["reason"][0]
    table = pd.read_csv(tmp_path / "iron" / "structures.csv")
    assert table["reason"].notna().tolist() == [i == 5 for i in range(10)]


def test_an_error_keeps_the_blocks_before_it(crystals, tmp_path, counted):
    broken = [*crystals[:9], None]
    with pytest.raises(InvalidStructureError, match="Structure 9"):
        PatternSimulator(GRID).simulate_to_disk(broken, tmp_path / "iron")
    assert (tmp_path / "iron.unfinished").is_dir()
    counted.clear()
    stored = PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron")
    assert len(counted) == 2
    assert len(stored.patterns) == 10


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"wavelength": "MoKa"}, "wavelength was 'CuKa' and is 'MoKa' now"),
        ({"fwhm": 0.1}, "fwhm was None and is 0.1 now"),
        ({"grid": TwoThetaGrid(20, 60, 801)}, "grid was"),
    ],
)
def test_other_parameters_need_another_folder(crystals, tmp_path, parameters, message):
    simulator = PatternSimulator(GRID).set_params(**parameters)
    PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron")
    with pytest.raises(FileExistsError, match=message):
        simulator.simulate_to_disk(crystals, tmp_path / "iron")


def test_other_structures_need_another_folder(crystals, tmp_path):
    PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path / "iron")
    moved = [*crystals[:-1], crystals[0]]
    with pytest.raises(FileExistsError, match="of those from 8 on at least one differs"):
        PatternSimulator(GRID).simulate_to_disk(moved, tmp_path / "iron")
    with pytest.raises(FileExistsError, match="n_structures was 10 and is 9 now"):
        PatternSimulator(GRID).simulate_to_disk(crystals[:-1], tmp_path / "iron")


def test_a_file_that_was_changed_is_noticed(crystals, tmp_path):
    path = tmp_path / "iron.cif"
    crystals[0].to(str(path), fmt="cif")
    simulator = PatternSimulator(GRID)
    simulator.simulate_to_disk([path], tmp_path / "iron")
    crystals[1].to(str(path), fmt="cif")
    with pytest.raises(FileExistsError, match="at least one differs"):
        simulator.simulate_to_disk([str(path)], tmp_path / "iron")


def test_a_folder_of_something_else_is_left_alone(crystals, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="holds no simulated patterns"):
        PatternSimulator(GRID).simulate_to_disk(crystals, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_rows_cannot_be_skipped_on_disk(crystals, tmp_path):
    with pytest.raises(ValueError, match=r'use "nan"'):
        PatternSimulator(GRID, on_error="skip").simulate_to_disk(crystals, tmp_path / "iron")


def test_parallel_and_with_progress(crystals, tmp_path, capfd):
    simulator = PatternSimulator(GRID, n_jobs=2, verbose=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored = simulator.simulate_to_disk(crystals, tmp_path / "iron")
    assert "Simulating patterns" in capfd.readouterr().err
    np.testing.assert_array_equal(
        stored.patterns, PatternSimulator(GRID).simulate(crystals).patterns
    )
