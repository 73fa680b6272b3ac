import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.utils import Bunch

import skxrd
from skxrd import PatternSimulator, TwoThetaGrid, _files
from skxrd.cli import (
    _gather,
    _report,
    _scores,
    _screen,
    _simulate,
    _tables,
    _train,
    main,
)
from skxrd.datasets import _obelix
from skxrd.exceptions import FileFormatError, MissingDependencyError
from skxrd.io import load_model
from skxrd.preprocessing import PeakBroadener
from skxrd.screening import column_descriptions, read_candidates

# One epoch on a dozen structures selects no unlabeled row, and the estimators say so.
pytestmark = [
    pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("default::skxrd.exceptions.PatternWarning"),
]
QUICK = ["--members", "2", "--epochs", "1", "--jobs", "1"]
FILES = [
    "candidates.csv",
    "model.skops",
    "report.csv",
    "report.html",
    "run.json",
    "structures",
    "summary.png",
]


def salt(i: int) -> Structure:
    """Rock salt for even numbers, the structure of CsCl for odd ones, each with its own cell."""
    if i % 2 == 0:
        sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
        return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5 + 0.04 * i), ["Li", "Cl"], sites)
    return Structure(Lattice.cubic(3.4 + 0.03 * i), ["Li", "Br"], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(scope="module")
def texts():
    return [salt(i).to(fmt="cif") for i in range(16)]


@pytest.fixture(scope="module")
def table(texts):
    """Twelve labeled structures and four unlabeled ones; names that look like numbers."""
    labels = [str(1 - i % 2) for i in range(12)] + ["", "-1", "nan", ""]
    return pd.DataFrame({"ID": [f"{i:03d}" for i in range(16)], "CIF": texts, "Label": labels})


@pytest.fixture
def csv(table, tmp_path):
    path = tmp_path / "labels.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    """Folder of a finished run, and what it said."""
    home = tmp_path_factory.mktemp("finished")
    table.to_csv(home / "labels.csv", index=False)
    out = home / "new" / "results"
    command = ["screen", "--labels", f"{home}/labels.csv", "--out", str(out), "--seed", "3", *QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "skxrd", *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out, done, command


def fails(capsys, *arguments) -> str:
    """Run a command that must fail, and return its one line of error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        code = stop.code
    assert code == 2
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    errors = [line for line in shown.splitlines() if "skxrd: error: " in line]
    assert len(errors) == 1  # and nothing after it
    assert shown.endswith(f"{errors[0]}\n")
    return errors[0].removeprefix("skxrd: error: ")


# Help, version, start -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["screen"], ["simulate"]])
def test_help_shows_examples_and_loads_nothing_heavy(command):
    code = (
        "import sys; from skxrd.cli import main\n"
        f"try: main({[*command, '--help']})\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'torch', 'pymatgen', 'sklearn', 'pandas', 'numpy', 'matplotlib'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "heavy: []" in done.stdout
    assert f"\n  skxrd {' '.join(command)}" in done.stdout.partition("examples:")[2]


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"skxrd {skxrd.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["guess"], "invalid choice: 'guess'"),
        (["screen", "--members", "0"], "--members: a whole number at least 1 is needed, got 0"),
        (["screen", "--members", "many"], "invalid whole number value: 'many'"),
        (["screen", "--seed", str(2**32)], "between 0 and 4294967295"),
        (["screen", "--threshold", "-1"], "a positive number is needed, got -1"),
        (["screen", "--label-column", "a", "--conductivity-column", "b"], "not allowed with"),
        (["screen", "--positive", "fast"], "--positive says how to read --labels"),
        (["screen", "--cif-dir", "cifs"], "--cif-dir says how to read --labels"),
        (["screen", "--device", "abacus"], "--device abacus: "),
        (["simulate", "a.cif"], "required: --out"),
        (["simulate", "a.cif", "--out", "patterns.txt"], "--out needs a file .npz or .csv"),
        (["simulate", "a.cif", "--out", "no/where.npz"], "there is no folder no"),
        (["simulate", "a.cif", "--out", "a.npz", "--stop", "200"], "stop=200.0"),
        (["simulate", "a.cif", "--out", "a.npz", "--wavelength", "XrayKa"], "got 'XrayKa'"),
        (["simulate", "a.cif", "--out", "a.npz", "--fwhm", "-1"], "'fwhm' parameter"),
        (["simulate", "a.cif", "--out", "a.npz"], "There is no file or folder a.cif"),
    ],
)
def test_wrong_arguments(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in fails(capsys, *arguments)
    assert not list(tmp_path.iterdir())


# Screening ----------------------------------------------------------------------------------------


def test_results(finished):
    out, done, _ = finished
    assert sorted(file.name for file in out.iterdir()) == FILES
    candidates = read_candidates(out / "candidates.csv")
    # neither measured patterns nor energies were given
    not_given = {"covered_fraction", "domain_percentile", "e_above_hull"}
    columns = [name for name in column_descriptions()["column"] if name not in not_given]
    assert candidates.columns.tolist() == columns
    assert sorted(candidates["id"]) == ["012", "013", "014", "015"]  # the unlabeled ones
    expected = candidates["id"].map(lambda name: salt(int(name)).composition.reduced_formula)
    assert candidates["formula"].tolist() == expected.tolist()
    assert candidates["output_frequency"].is_monotonic_decreasing
    assert candidates["output_frequency"].between(0, 2).all()
    assert (out / "summary.png").read_bytes().startswith(b"\x89PNG")
    for name in candidates["id"]:
        assert name in done.stdout
    assert "of 2 │" in done.stdout


def test_report_and_structures(finished, texts):
    out, _, _ = finished
    candidates = read_candidates(out / "candidates.csv")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert all(f'"{name}"' in page for name in candidates["id"])
    names = [f"{rank}_{name}.cif" for rank, name in candidates["id"].items()]
    assert sorted(file.name for file in (out / "structures").iterdir()) == names
    assert (out / "structures" / names[0]).read_text() == texts[
        int(candidates.loc[1, "id"])
    ].strip()


def test_rules(csv, table, texts, tmp_path, capsys):
    pool = tmp_path / "pool.csv"
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "cif": texts[12:15], "E_above_hull": [0.01, 0.2, ""]}
    )
    frame.to_csv(pool, index=False)
    table[:12].to_csv(csv, index=False)
    out = tmp_path / "results"
    command = ["screen", "--labels", csv, "--structures", pool, "--out", out, *QUICK, "--top", 0]
    assert main([*map(str, command), "--max-e-above-hull", "0.1"]) == 0
    candidates = read_candidates(out / "candidates.csv")
    assert candidates[["id", "e_above_hull"]].to_numpy().tolist() == [["a", 0.01]]
    assert not (out / "structures").exists()
    assert "1 candidates after the rule: e_above_hull <= 0.1" in capsys.readouterr().out
    rules = json.loads((out / "run.json").read_text())["data"]["rules"]
    assert rules == [{"rule": "e_above_hull <= 0.1", "n_meeting": 1, "n_left": 1}]

    assert main([*map(str, command), "--exclude-elements", "Cl", "Br", "--min-votes", "0"]) == 0
    assert read_candidates(out / "candidates.csv").empty
    shown = capsys.readouterr().out
    assert "3 candidates after the rule: output_frequency >= 0" in shown
    assert "No candidate met the rules; the table is empty." in shown
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-votes", 3], "--min-votes 3: there are 2 members"),
        (["--exclude-elements", "Xx"], "--exclude-elements: elements must be symbols"),
        (
            ["--max-e-above-hull", 0.1],
            "no structure to be screened has a number",
        ),
        (["--max-e-above-hull", 0.1, "--patterns", "x.xy"], "measured patterns have neither"),
    ],
)
def test_rules_that_cannot_be_met(capsys, csv, tmp_path, options, message):
    command = ["screen", "--labels", csv, "--out", tmp_path / "results", *QUICK, *options]
    assert message in fails(capsys, *command)


def test_measured_patterns(csv, table, texts, tmp_path, capsys):
    pytest.importorskip("pybaselines")
    folder = tmp_path / "measured"
    folder.mkdir()
    grid = TwoThetaGrid()
    for row in (12, 13):
        pattern = PeakBroadener(0.2).fit_transform(PatternSimulator().transform([texts[row]]))[0]
        counts = 1000 * pattern / pattern.max() + 100
        columns = np.column_stack([grid.two_theta, counts])[500:4001]
        np.savetxt(folder / f"sample-{row}.xy", columns, header="wavelength 1.54184")
    hump = 1000 * np.exp(-(((grid.two_theta - 40) / 10) ** 2)) + 100  # of glass: no phase has it
    hump += 300 * np.sin(grid.two_theta)
    np.savetxt(
        folder / "glass.xy",
        np.column_stack([grid.two_theta, hump])[500:4001],
        header="wavelength 1.54184",
    )
    out = tmp_path / "results"
    command = ["screen", "--labels", csv, "--patterns", folder, "--out", out, *QUICK]
    assert main(list(map(str, command))) == 0
    candidates = read_candidates(out / "candidates.csv")
    assert sorted(candidates["id"]) == ["glass", "sample-12", "sample-13"]
    assert "formula" not in candidates
    np.testing.assert_allclose(candidates["covered_fraction"], 70 / 90, atol=1e-3)
    percentile = candidates.set_index("id")["domain_percentile"]
    assert percentile.between(0, 100).all()
    assert percentile["glass"] > percentile[["sample-12", "sample-13"]].max()
    assert not (out / "structures").exists()
    shown = capsys.readouterr()
    assert "Domain gap: " in shown.out
    assert "cover" in shown.err  # not 0 to 10 and 80 to 90 degrees


def test_measured_patterns_that_cannot_be_ranked(capsys, csv, tmp_path):
    pytest.importorskip("pybaselines")
    (tmp_path / "empty").mkdir()
    command = ["screen", "--labels", csv, "--out", tmp_path / "results", *QUICK, "--patterns"]
    assert fails(capsys, *command, tmp_path / "empty").startswith("--patterns: ")
    (tmp_path / "far.xy").write_text("95 10\n96 20\n97 10\n")
    assert "--patterns: " in fails(capsys, *command, tmp_path / "far.xy")
    (tmp_path / "bad.xy").write_text("no numbers")
    assert "bad.xy" in fails(capsys, *command, tmp_path / "bad.xy")
    assert not (tmp_path / "results").exists()


def test_ids_that_name_two_structures(capsys, csv, table, texts, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.cif").write_text(texts[12])
    command = ["screen", "--labels", csv, "--structures", tmp_path / "one", tmp_path / "two"]
    message = fails(capsys, *command, "--out", tmp_path / "results")
    assert "1 id(s) name more than one structure, such as 'same'" in message


def test_energies_that_are_no_numbers(capsys, csv, texts, tmp_path):
    pool = tmp_path / "pool.csv"
    pd.DataFrame({"id": ["a"], "cif": texts[12:13], "e_above_hull": ["low"]}).to_csv(
        pool, index=False
    )
    message = fails(capsys, "screen", "--labels", csv, "--structures", pool)
    assert "e_above_hull 'low' in row 1 is no number" in message


def test_table_agrees_with_the_saved_model(finished, texts):
    out, _, _ = finished
    candidates = pd.read_csv(out / "candidates.csv", dtype={"id": str}).set_index("id").sort_index()
    ensemble = load_model(out / "model.skops")
    X = PatternSimulator().transform(texts[12:])
    probabilities = ensemble.member_probabilities(X)[..., 1]
    np.testing.assert_allclose(candidates["mean_probability"], probabilities.mean(0), atol=1e-5)
    np.testing.assert_allclose(candidates["probability_std"], probabilities.std(0), atol=1e-5)
    assert candidates["output_frequency"].tolist() == ensemble.vote_counts(X)[:, 1].tolist()


def test_report_names_both_evaluations(finished):
    out, done, _ = finished
    report = pd.read_csv(out / "report.csv", index_col=["evaluation", "metric"])
    assert report.columns.tolist() == ["Model 1", "Model 2", "Ensemble"]
    assert set(report.index.get_level_values("evaluation")) == {"out_of_bag", "resubstitution"}
    for evaluation in ("out_of_bag", "resubstitution"):
        assert f"{report.loc[(evaluation, 'f1'), 'Ensemble']:.3f}" in done.stdout
    assert "The out-of-bag number is the honest one" in done.stdout


def test_record(finished):
    out, done, command = finished
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == ["skxrd", *command]
    assert record["parameters"]["seed"] == 3
    assert record["parameters"]["threshold"] == 1e-4
    assert record["parameters"]["out"] == str(out)
    assert not record["interrupted"]
    data = record["data"]
    assert (data["n_positive"], data["n_negative"], data["n_unlabeled"]) == (6, 6, 4)
    assert (data["n_failures"], data["n_rows_without_structure"]) == (0, 0)
    # 10 of each class are wanted, but then none of the 6 would be left to judge by
    assert record["members"]["n_labeled_per_class"] == 4
    assert "each member draws 4 per class instead of 10" in done.stdout
    assert record["members"]["n_trained"] == 2
    assert set(record["seconds"]) == {"reading", "simulation", "training", "screening", "report"}
    assert record["versions"]["skxrd"] == skxrd.__version__
    assert {"python", "numpy", "torch", "pymatgen", "scikit-learn"} <= set(record["versions"])
    scores = record["scores"]
    low, high = scores["macro_f1_out_of_bag_interval_95"]
    assert 0 <= low <= scores["macro_f1_out_of_bag"] <= high <= 1
    report = pd.read_csv(out / "report.csv", index_col=["evaluation", "metric"])
    assert scores["n_out_of_bag"] == report.loc[("out_of_bag", "n_labeled"), "Ensemble"]


def test_warnings_are_lines_of_their_own(finished):
    _, done, _ = finished
    warned = [line for line in done.stderr.splitlines() if "warning" in line.lower()]
    assert len(warned) == 1  # of two members the same, told once
    assert warned[0].startswith("skxrd: warning: SemiSupervisedClassifier: the confidence")
    assert "ConvergenceWarning" not in done.stderr


@pytest.mark.slow
def test_number_of_jobs_changes_nothing(finished, tmp_path, capfd):
    reference, _, command = finished
    out = tmp_path / "results"
    command = [*command, "--out", str(out), "--jobs", "2"]  # the last one counts
    assert main(command) == 0
    for name in ("candidates.csv", "report.csv"):
        assert (out / name).read_bytes() == (reference / name).read_bytes()
    shown = capfd.readouterr().err  # of the workers, too
    assert "skxrd: warning: SemiSupervisedClassifier" in shown
    assert "ConvergenceWarning" not in shown


def test_seed_changes_the_result(finished, tmp_path):
    reference, _, command = finished
    assert main([*command, "--out", str(tmp_path / "results"), "--seed", "4"]) == 0
    changed = (tmp_path / "results" / "candidates.csv").read_bytes()
    assert changed != (reference / "candidates.csv").read_bytes()


def test_bundled_data_without_arguments(monkeypatch, tmp_path, capsys):
    asked = []

    def load(superionic_threshold):
        asked.append(superionic_threshold)
        ids = [f"known-{i}" for i in range(12)]
        target = np.array([1 - i % 2 for i in range(12)])
        return Bunch(structures=[salt(i) for i in range(12)], ids=ids, target=target)

    def make(n_structures, random_state):
        asked.append((n_structures, random_state))
        return Bunch(structures=[salt(i) for i in (12, 13)], ids=["pool-0", "pool-1"])

    monkeypatch.setattr(_gather, "load_lithium_conductors", load)
    monkeypatch.setattr(_gather, "make_lithium_pool", make)
    monkeypatch.chdir(tmp_path)
    assert main(["screen", *QUICK, "--threshold", "1e-3", "--seed", "5"]) == 0
    assert asked == [1e-3, (1000, 5)]
    out = tmp_path / "skxrd-screening"
    assert sorted(file.name for file in out.iterdir()) == FILES
    assert sorted(pd.read_csv(out / "candidates.csv")["id"]) == ["pool-0", "pool-1"]
    assert "skxrd.datasets.make_lithium_pool" in capsys.readouterr().out


@pytest.mark.slow
def test_real_bundled_data(tmp_path):
    out = tmp_path / "results"
    command = ["screen", "--out", str(out), "--pool-size", "12", "--members", "1", "--epochs", "1"]
    assert main([*command, "--jobs", "1"]) == 0
    assert len(pd.read_csv(out / "candidates.csv")) == 12


def test_size_of_the_bundled_pool_can_be_wrong(capsys, csv, tmp_path, table, monkeypatch):
    def make(n_structures, random_state):
        raise ValueError(f"n_structures={n_structures} is too large")

    monkeypatch.setattr(_gather, "make_lithium_pool", make)
    table[:12].to_csv(csv, index=False)  # nothing unlabeled in it
    command = ["screen", "--labels", csv, "--pool-size", 10**9, "--out", tmp_path / "results"]
    assert fails(capsys, *command).startswith("--pool-size: n_structures=1000000000 is too large")


def test_pool_of_folders_tables_and_files(csv, table, texts, tmp_path, capsys):
    table[:12].to_csv(csv, index=False)
    folder = tmp_path / "cifs"
    folder.mkdir()
    (folder / "twelve.CIF").write_text(texts[12])
    (folder / "README.txt").write_text("no structure")
    (tmp_path / "thirteen.cif").write_text(texts[13])
    pool = tmp_path / "pool.csv.gz"
    # The text of a labeled structure again, a path, and a cell that is empty
    pd.DataFrame({"cif": [texts[0], "thirteen.cif", ""]}).to_csv(pool, index=False)
    (tmp_path / "fourteen.cif").write_text(texts[14])
    (tmp_path / "broken.cif").write_text("data_broken")
    out = tmp_path / "results"
    paths = [folder, pool, tmp_path / "fourteen.cif", tmp_path / "broken.cif"]
    command = ["screen", "--labels", csv, "--structures", *paths, "--out", out, *QUICK]
    assert main(list(map(str, command))) == 0
    candidates = pd.read_csv(out / "candidates.csv")
    assert sorted(candidates["id"]) == ["fourteen", "thirteen", "twelve"]
    failures = pd.read_csv(out / "failures.csv")
    assert failures["id"].tolist() == ["broken"]
    assert "no atom sites" in failures["reason"][0]
    shown = capsys.readouterr()
    assert "1 structures gave no pattern; see failures.csv." in shown.out
    assert "skxrd: warning: 1 of 16 structures gave no pattern" in shown.err
    assert json.loads((out / "run.json").read_text())["data"]["n_failures"] == 1

    # A second run without failures takes the old file away and keeps what is not its own.
    (out / "notes.txt").write_text("mine")
    command = ["screen", "--labels", csv, "--structures", folder, "--out", out, *QUICK]
    assert main(list(map(str, command))) == 0
    assert sorted(file.name for file in out.iterdir()) == sorted([*FILES, "notes.txt"])
    assert len(pd.read_csv(out / "candidates.csv")) == 1


def gathered(*arguments):
    args = _screen_args(*arguments)
    return _gather.gather(args, _Silent()).table


def _screen_args(*arguments):
    from skxrd.cli._parser import make_parser

    return make_parser().parse_args(["screen", *map(str, arguments)])


class _Silent:
    def print(self, *_, **__):
        pass


def test_limit_draws_by_seed(csv):
    def drawn(seed):
        table = gathered("--labels", csv, "--limit", 2, "--seed", seed)
        assert (table["label"] != -1).sum() == 12
        return table["id"][12:].tolist()

    assert len(drawn(0)) == 2
    assert drawn(0) == drawn(0) == sorted(drawn(0))
    assert len({tuple(drawn(seed)) for seed in range(8)}) > 1


def test_paper_estimator():
    args = _screen_args("--estimator", "paper", "--epochs", 7, "--members", 3, "--seed", 2)
    labels = np.repeat([0, 1, -1], 20)
    ensemble = _train.make_ensemble(args, labels, _Silent())
    steps = [type(step).__name__ for _, step in ensemble.estimator.steps]
    assert steps == ["IntensityScaler", "IntensityFloor", "XRDMatchClassifier"]
    assert ensemble.estimator[-1].max_epochs == 7
    assert ensemble.estimator[1].threshold == 0.1
    assert (ensemble.n_estimators, ensemble.random_state) == (3, 2)
    assert (ensemble.n_labeled_per_class, ensemble.unlabeled_fraction) == (10, 0.8)


@pytest.mark.parametrize(("smallest", "drawn"), [(2, 1), (3, 2), (10, 7), (11, 10), (40, 10)])
def test_some_labels_stay_out_of_bag(smallest, drawn):
    labels = np.repeat([0, 1, -1], [40, smallest, 5])
    ensemble = _train.make_ensemble(_screen_args(), labels, _Silent())
    assert ensemble.n_labeled_per_class == drawn < smallest


# What goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"Label": None}, [], "has no column of labels (label, target)"),
        ({"CIF": None}, [], "has no column of structures"),
        ({}, ["--label-column", "klass"], "has no column 'klass'; it has 'ID', 'CIF', 'Label'"),
        ({}, ["--structure-column", "x"], "has no column 'x'"),
        ({}, ["--id-column", "x"], "has no column 'x'"),
        ({}, ["--positive", "fast"], "no label is 'fast' (--positive); found: '0', '1'"),
        ({"Label": "fast"}, [], "label 'fast' in row 1 is none of 1, 0, -1"),
        ({"Label": "1"}, [], "found 16 positive and 0 negative"),
        ({"Label": ""}, [], "found 0 positive and 0 negative"),
        ({"CIF": ""}, [], "none of its 16 rows has a structure; its column"),
        ({"CIF": "absent.cif"}, [], "None of the 16 structures gave a pattern; the first:"),
        ({"CIF": "data_x\n_nothing 1"}, [], "None of the 16 structures gave a pattern"),
        ({}, ["--cif-dir", "absent"], "--cif-dir absent is no folder"),
        ({}, ["--cif-dir", "."], "none of its 16 rows has a structure; none is in ."),
        ({"ID": None}, ["--cif-dir", "."], "has no column of ids"),
        ({}, ["--structures", "absent"], "There is no file or folder absent"),
        ({}, ["--structures", "."], ". holds no CIF file"),
        ({"Label": None, "conductivity": "high"}, [], "conductivity 'high' in row 1 is neither"),
        ({"Label": None, "conductivity": "1"}, ["--positive", "1"], "--positive needs a column"),
        ({}, ["--out", "labels.csv"], "labels.csv is a file; a folder is needed"),
    ],
)
def test_wrong_tables(capsys, csv, table, tmp_path, monkeypatch, change, options, message):
    monkeypatch.chdir(tmp_path)
    for name, value in change.items():
        table = table.drop(columns=name) if value is None else table.assign(**{name: value})
    table.to_csv(csv, index=False)
    command = ["screen", "--labels", "labels.csv", "--out", "results", *QUICK, *options]
    assert message in fails(capsys, *command)
    assert [file.name for file in tmp_path.iterdir()] == ["labels.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory: 'labels.csv'"),
        (b"", "labels.csv is no table of comma-separated values"),
        (b"id,cif,label\n", "labels.csv has no rows"),
        (b"\xff\xfe\xfa,a\n1,2\n", "labels.csv is no table of comma-separated values"),
        (b'id,label\n1,2,3\n"', "labels.csv is no table of comma-separated values"),
    ],
)
def test_wrong_files(capsys, tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "labels.csv").write_bytes(content)
    assert message in fails(capsys, "screen", "--labels", "labels.csv")


def test_damaged_compression(capsys, tmp_path):
    (tmp_path / "pool.csv.gz").write_bytes(b"no gzip")
    message = fails(capsys, "simulate", tmp_path / "pool.csv.gz", "--out", tmp_path / "a.npz")
    assert "gzip" in message


def test_classes_that_failed_to_simulate(capsys, csv, table, tmp_path):
    texts = [text if i % 2 or i >= 12 else "data_x\n" for i, text in enumerate(table["CIF"])]
    table.assign(CIF=texts).to_csv(csv, index=False)
    message = fails(capsys, "screen", "--labels", csv, "--out", tmp_path / "results", *QUICK)
    assert "found 0 positive and 6 negative after 6 structures gave no pattern" in message
    assert not (tmp_path / "results").exists()


def test_nothing_to_screen(capsys, csv, table, tmp_path):
    table[:12].to_csv(csv, index=False)
    command = ["screen", "--labels", csv, "--structures", csv, "--out", tmp_path / "results"]
    assert "no unlabeled structures" in fails(capsys, *command)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("skops.io", "skxrd[persist]"),
        ("matplotlib", "skxrd[plot]"),
        ("itables", "skxrd[report]"),
    ],
)
def test_missing_dependency_is_told_first(capsys, csv, monkeypatch, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(_gather, "read_labels")  # any work would fail with a traceback
    message = fails(capsys, "screen", "--labels", csv)
    assert extra in message
    with pytest.raises(MissingDependencyError):
        _screen.screen(_screen_args("--labels", csv), [])


def test_missing_gpu_is_told_first(capsys, csv, monkeypatch):
    monkeypatch.setattr(_train.torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(_gather, "read_labels")
    assert "torch finds no such GPU" in fails(capsys, "screen", "--device", "cuda")


def no_space(*_):
    raise OSError(28, "No space left on device")


def test_failed_write_leaves_nothing(capsys, csv, tmp_path, monkeypatch):
    monkeypatch.setattr(_report, "draw_summary", no_space)
    out = tmp_path / "results"
    command = ["screen", "--labels", csv, "--out", out, *QUICK]
    assert "No space left on device" in fails(capsys, *command)
    assert not out.exists()
    out.mkdir()
    (out / "candidates.csv").write_text("earlier")
    assert "No space left on device" in fails(capsys, *command)
    assert [file.name for file in out.iterdir()] == ["candidates.csv"]
    assert (out / "candidates.csv").read_text() == "earlier"


def test_bugs_keep_their_traceback(csv, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("a bug")

    monkeypatch.setattr(_screen, "rank", broken)
    with pytest.raises(ValueError, match="a bug"):
        main(["screen", "--labels", str(csv), "--out", str(tmp_path / "results"), *QUICK])
    assert not (tmp_path / "results").exists()


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_interrupted_simulation(capsys, csv, tmp_path, monkeypatch):
    monkeypatch.setattr(_screen, "run_simulator", interrupt)
    assert main(["screen", "--labels", str(csv), "--out", str(tmp_path / "results")]) == 130
    assert "interrupted; nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_interrupted_training_keeps_the_members(capsys, csv, tmp_path, monkeypatch):
    fit = _train.SemiSupervisedClassifier.fit
    calls = []

    def fit_once(self, X, y):
        calls.append(len(y))
        return fit(self, X, y) if len(calls) == 1 else interrupt()

    monkeypatch.setattr(_train.SemiSupervisedClassifier, "fit", fit_once)
    out = tmp_path / "results"
    command = ["screen", "--labels", str(csv), "--out", str(out), *QUICK, "--members", "3"]
    assert main(command) == 130
    assert "the ensemble keeps 1 of 3 members" in capsys.readouterr().err
    record = json.loads((out / "run.json").read_text())
    assert record["interrupted"]
    assert record["members"]["n_trained"] == 1
    assert sorted(file.name for file in out.iterdir()) == FILES


# Tables -------------------------------------------------------------------------------------------


def labels_of(tmp_path, columns, **options):
    path = tmp_path / "table.csv"
    n_rows = len(next(iter(columns.values())))
    frame = pd.DataFrame({"cif": [f"{i}.cif" for i in range(n_rows)], **columns})
    frame.to_csv(path, index=False)
    names = {name: options.pop(name, None) for name in ("label", "conductivity")}
    return _tables.read_labels(path, _tables.Columns(**names), **options)[0]["label"].tolist()


def test_labels_as_text(tmp_path):
    columns = {"Class": ["fast", "slow", "", "dead", "-1", "Fast"]}
    found = labels_of(tmp_path, columns, label="class", positive="fast")
    assert found == [1, 0, -1, 0, -1, 0]


def test_labels_as_numbers(tmp_path):
    columns = {"target": ["1", "0.0", "-1", " 1.0 ", "None", "0"]}
    assert labels_of(tmp_path, columns) == [1, 0, -1, 1, -1, 0]


def test_conductivities(tmp_path):
    columns = {"Conductivity": ["1e-4", "9.9E-5", "<1E-10", "<1e-4", "<1E-3", "", "2"]}
    assert labels_of(tmp_path, columns) == [1, 0, 0, 0, -1, -1, 1]
    assert labels_of(tmp_path, columns, threshold=1.0) == [0, 0, 0, 0, 0, -1, 1]


def test_labels_go_before_conductivities_unless_told(tmp_path):
    columns = {"label": ["1", "0"], "conductivity": ["1e-9", "1"]}
    assert labels_of(tmp_path, columns) == [1, 0]
    assert labels_of(tmp_path, columns, conductivity="conductivity") == [0, 1]


@pytest.mark.parametrize("value", [">1e-3", "-1e-4", "fast"])
def test_odd_conductivities(tmp_path, value):
    with pytest.raises(FileFormatError, match="in row 2 is neither a number"):
        labels_of(tmp_path, {"conductivity": ["1e-4", value]})


def test_paths_are_relative_to_the_table(tmp_path):
    path = tmp_path / "table.csv"
    pd.DataFrame({"File": ["sub/a.cif", "/abs/b.cif.gz"]}).to_csv(path, index=False)
    table = _tables.read_structures([path], _tables.Columns())
    assert table["structure"].tolist() == [str(tmp_path / "sub" / "a.cif"), "/abs/b.cif.gz"]
    assert table["id"].tolist() == ["a", "b"]


def test_structures_of_the_same_name_are_numbered(tmp_path, texts):
    assert _tables._numbered(["a", "b", "a", "a", "a-2"]) == ["a", "b", "a-3", "a-4", "a-2"]
    path = tmp_path / "pool.csv"
    pd.DataFrame({"cif": [texts[0], texts[1], texts[2]]}).to_csv(path, index=False)
    table = _tables.read_structures([path], _tables.Columns())
    assert table["id"].tolist() == ["LiCl", "LiBr", "LiCl-2"]


def test_named_columns_bind_one_kind_of_table(tmp_path, texts):
    pd.DataFrame({"Key": ["a"], "cif": texts[:1]}).to_csv(tmp_path / "pool.csv", index=False)
    columns = _tables.Columns(id="key", structure="text")
    with pytest.raises(FileFormatError, match="has no column 'text'; it has 'Key', 'cif'"):
        _tables.read_structures([tmp_path / "pool.csv"], columns)
    table = _tables.read_structures([tmp_path / "pool.csv"], replace(columns, binding=False))
    assert (table["id"][0], table["structure"][0]) == ("a", texts[0].strip())


@pytest.mark.real_data
def test_labels_of_obelix(shared_data, obelix_cifs):
    path = shared_data / "obelix" / "train.csv"
    table, n_left_out = _tables.read_labels(path, _tables.Columns(), cif_dir=obelix_cifs)
    published = _obelix._make_frame(pd.read_csv(path, dtype={"ID": str}))
    expected = dict(
        zip(published["id"], _obelix.label_by_conductivity(published, 1e-4), strict=True)
    )
    assert (len(table), n_left_out, table["label"].sum()) == (254, 224, 93)
    assert table["label"].tolist() == [expected[name] for name in table["id"]]


@pytest.fixture
def obelix_cifs(shared_data, tmp_path):
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name, text in _obelix._read_cifs(shared_data / "obelix" / "train_cifs.tar.gz").items():
        (folder / f"{name}.cif").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.real_data
@pytest.mark.slow
def test_screening_with_rows_of_obelix(shared_data, obelix_cifs, tmp_path, texts):
    rows = pd.read_csv(shared_data / "obelix" / "train.csv", dtype={"ID": str})
    frame = _obelix._make_frame(rows)
    superionic = _obelix.label_by_conductivity(frame, 1e-4) == 1
    has_cif = frame["id"].isin([file.stem for file in obelix_cifs.iterdir()])
    chosen = pd.concat(
        [
            rows[has_cif & superionic].head(10),
            rows[has_cif & ~superionic].head(10),
            rows[~has_cif].head(3),
        ]
    )
    chosen.to_csv(tmp_path / "obelix.csv", index=False)
    pd.DataFrame({"cif": texts[:4]}).to_csv(tmp_path / "pool.csv", index=False)
    out = tmp_path / "results"
    command = ["screen", "--labels", tmp_path / "obelix.csv", "--cif-dir", obelix_cifs]
    command += ["--structures", tmp_path / "pool.csv", "--out", out, *QUICK]
    command += ["--id-column", "ID", "--conductivity-column", "ionic conductivity (S cm-1)"]
    assert main(list(map(str, command))) == 0
    data = json.loads((out / "run.json").read_text())["data"]
    assert (data["n_positive"], data["n_negative"], data["n_rows_without_structure"]) == (10, 10, 3)
    assert len(pd.read_csv(out / "candidates.csv")) == 4


def test_bootstrap_interval():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=60)
    predicted = np.where(rng.random(60) < 0.8, truth, 1 - truth)
    table = _scores.bootstrap_intervals(truth, predicted, seed=1)
    pd.testing.assert_frame_equal(table, _scores.bootstrap_intervals(truth, predicted, seed=1))
    draws = np.random.default_rng(2).integers(60, size=(400, 60))
    for name, score in {
        "f1": f1_score,
        "recall": recall_score,
        "precision": precision_score,
    }.items():
        assert table.loc[name, "value"] == pytest.approx(score(truth, predicted, average="macro"))
        scores = [score(truth[rows], predicted[rows], average="macro") for rows in draws]
        bounds = table.loc[name, ["low", "high"]].astype(float)
        np.testing.assert_allclose(bounds, np.quantile(scores, [0.025, 0.975]), atol=0.03)


def test_macro_scores_without_a_class():
    truth, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])
    expected = precision_score(truth, predicted, average="macro", zero_division=0)
    assert _scores.macro_scores(truth, predicted)[0] == expected


# Simulation ---------------------------------------------------------------------------------------


@pytest.fixture
def cifs(texts, tmp_path):
    folder = tmp_path / "cifs"
    folder.mkdir()
    for i in (0, 1):
        (folder / f"salt-{i}.cif").write_text(texts[i])
    return folder


def test_simulate_npz(cifs, texts, tmp_path, capsys):
    out = tmp_path / "patterns.npz"
    grid = ["--start", "10", "--stop", "80", "--points", "701", "--wavelength", "0.7"]
    assert main(["simulate", str(cifs), "--out", str(out), *grid, "--jobs", "1"]) == 0
    simulator = PatternSimulator(skxrd.TwoThetaGrid(10, 80, 701), wavelength=0.7)
    with np.load(out) as file:
        np.testing.assert_array_equal(file["patterns"], simulator.transform(texts[:2]))
        np.testing.assert_array_equal(file["two_theta"], simulator.grid.two_theta)
        assert file["ids"].tolist() == ["salt-0", "salt-1"]
        assert file["formulas"].tolist() == ["LiCl", "LiBr"]
        assert file["wavelength"] == 0.7
    assert "Patterns of 2 structures" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cifs", "patterns.npz"]


def test_simulate_csv(cifs, tmp_path):
    out = tmp_path / "patterns.CSV"
    command = ["simulate", str(cifs / "salt-0.cif"), str(cifs / "salt-1.cif"), "--out", str(out)]
    assert main([*command, "--points", "91", "--fwhm", "2", "--jobs", "1"]) == 0
    table = pd.read_csv(out)
    assert table.columns[:3].tolist() == ["id", "formula", "two_theta_0.00"]
    assert table.shape == (2, 93)
    simulator = PatternSimulator(skxrd.TwoThetaGrid(0, 90, 91), fwhm=2)
    expected = simulator.transform([salt(0), salt(1)])
    np.testing.assert_allclose(table.iloc[:, 2:], expected, rtol=1e-4, atol=1e-3)


def test_simulate_to_a_folder_and_again(cifs, tmp_path, capsys):
    out = tmp_path / "patterns"
    command = ["simulate", str(cifs), "--out", str(out), "--preset", "physical", "--jobs", "1"]
    command += ["--points", "701", "--wavelength", "CuKa1+CuKa2"]
    for _ in range(2):  # the second call reads what the first one made
        assert main(command) == 0
        assert "Patterns of 2 structures" in capsys.readouterr().out
    simulator = PatternSimulator.from_preset(
        "physical", grid=skxrd.TwoThetaGrid(10, 80, 701), wavelength="CuKa1+CuKa2"
    )
    expected = simulator.transform([salt(0), salt(1)])
    np.testing.assert_allclose(np.load(out / "patterns.npy"), expected, rtol=1e-4, atol=1e-4)
    table = pd.read_csv(out / "structures.csv")
    assert table["id"].tolist() == ["salt-0", "salt-1"]
    assert table["formula"].tolist() == ["LiCl", "LiBr"]
    message = fails(capsys, *command, "--start", 20)
    assert "grid was" in message


def test_interrupted_simulation_to_a_folder_tells_what_is_kept(cifs, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(PatternSimulator, "simulate_to_disk", interrupted)
    out = tmp_path / "patterns"
    assert main(["simulate", str(cifs), "--out", str(out), "--jobs", "1"]) == 130
    assert f"goes on with what lies in {out}.unfinished" in capsys.readouterr().err


def test_simulate_to_a_folder_keeps_rows_aligned(cifs, tmp_path, capsys):
    (cifs / "broken.cif").write_text("data_broken")
    out = tmp_path / "patterns"
    command = ["simulate", str(cifs), "--out", str(out), "--jobs", "1", "--on-error"]
    assert "take nan" in fails(capsys, *command, "skip")
    assert main([*command, "nan"]) == 0
    assert np.isnan(np.load(out / "patterns.npy")).all(axis=1).tolist() == [True, False, False]


def test_simulate_like_the_paper(cifs, tmp_path):
    out = tmp_path / "patterns.npz"
    assert main(["simulate", str(cifs), "--out", str(out), "--preset", "xrdmatch", "--jobs=1"]) == 0
    with np.load(out) as file:
        expected = PatternSimulator.from_preset("xrdmatch").transform([salt(0), salt(1)])
        np.testing.assert_array_equal(file["patterns"] > 0, expected > 0)
        assert file["patterns"].max() == 1


@pytest.mark.parametrize(("on_error", "n_rows"), [("skip", 2), ("nan", 3)])
def test_simulate_with_a_broken_file(cifs, tmp_path, capsys, on_error, n_rows):
    (cifs / "broken.cif").write_text("data_broken")
    out = tmp_path / "patterns.npz"
    command = ["simulate", str(cifs), "--out", str(out), "--on-error", on_error, "--jobs", "1"]
    assert main(command) == 0
    with np.load(out) as file:
        assert file["patterns"].shape == (n_rows, 4501)
        assert file["ids"].tolist() == ["broken", "salt-0", "salt-1"][3 - n_rows :]
    assert "Patterns of 2 structures" in capsys.readouterr().out


@pytest.mark.parametrize("on_error", ["raise", "skip", "nan"])
def test_simulate_nothing_but_broken_files(cifs, tmp_path, capsys, on_error):
    path = cifs / "salt-0.cif"
    path.write_text("data_broken")
    out = tmp_path / "patterns.npz"
    command = ["simulate", path, "--out", out, "--on-error", on_error, "--jobs", 1]
    assert "no atom sites" in fails(capsys, *command)
    assert not out.exists()


def test_failed_write_of_patterns_leaves_nothing(cifs, tmp_path, capsys, monkeypatch):
    def half(file, **_):
        file.write(b"half")
        no_space()

    monkeypatch.setattr(_simulate.np, "savez_compressed", half)
    out = tmp_path / "patterns.npz"
    out.write_bytes(b"earlier")
    message = fails(capsys, "simulate", cifs, "--out", out, "--jobs", 1)
    assert "No space left on device" in message
    assert out.read_bytes() == b"earlier"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cifs", "patterns.npz"]


def test_complete_folder_moves_at_the_end(tmp_path):
    out = tmp_path / "out"
    with _files.complete_folder(out) as folder:
        (folder / "a.txt").write_text("a")
        assert not (out / "a.txt").exists()
    assert [file.name for file in out.iterdir()] == ["a.txt"]
