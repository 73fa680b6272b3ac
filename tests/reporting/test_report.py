"""What a report holds, as far as it can be read without a browser."""

import base64
import json
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from skxrd.exceptions import MissingDependencyError
from skxrd.reporting import KnownCompounds, write_report
from skxrd.reporting._figures import make_figures, score_figure
from skxrd.reporting._patterns import PatternPacker, sparkline
from skxrd.reporting._summary import Summary, score_rows
from skxrd.reporting._table import describe_columns, flag_names, plain_columns, ranks

pytest.importorskip("jinja2")
pytest.importorskip("plotly")
pytest.importorskip("itables")

TWO_THETA = np.linspace(10, 80, 701)
EVIL = ["<script>alert(1)</script>", "</script><b>", "a/b#c?d e%", "'\"&amp;"]
SCORES = pd.DataFrame(
    [
        ("out_of_bag", "macro_f1", 0.74, 0.65, 0.83, 100),
        ("out_of_bag", "precision", 0.76, np.nan, np.nan, 100),
        ("resubstitution", "macro_f1", 0.95, np.nan, np.nan, 120),
    ],
    columns=["evaluation", "metric", "value", "low", "high", "n"],
)


class Page(HTMLParser):
    """Scripts, addresses and ids of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.scripts, self.text = [], [], [], []
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag == "script":
            self._script = attributes.get("id", "")
            self.scripts.append([self._script, ""])

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.text.append(data)
        else:
            self.scripts[-1][1] += data

    @property
    def data(self):
        return json.loads(dict(self.scripts)["report-data"])


def sticks(n, seed=0):
    rng = np.random.default_rng(seed)
    patterns = np.zeros((n, len(TWO_THETA)), dtype=np.float32)
    for pattern in patterns:
        pattern[rng.choice(len(TWO_THETA), 20, replace=False)] = rng.uniform(1, 100, 20)
    return patterns


@pytest.fixture
def candidates():
    return pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "formula": ["Li3PS4", "LiCoO2", "LiCl"],
            "output_frequency": [9, 5, 0],
            "mean_probability": [0.9, 0.6, 0.1],
            "probability_std": [0.1, 0.2, np.nan],
            "label": np.array([1, pd.NA, 0], dtype=object),
            "similarity": [0.9, 0.2, 0.1],
            "nearest_conductor": ["k2", "k1", None],
            "spacegroup_number": pd.array([62, pd.NA, 225], dtype="Int64"),
            "contains_redox_active": [False, True, False],
            "lacks_anion": pd.array([False, pd.NA, True], dtype="boolean"),
        },
        index=pd.RangeIndex(1, 4, name="rank"),
    )


@pytest.fixture
def known():
    return KnownCompounds(
        ["k1", "k2", "k3"],
        sticks(3, seed=1),
        formulas=["Li3N", "Li6PS5Cl", "LiBr"],
        labels=[1, 1, 0],
    )


@pytest.fixture
def write(tmp_path, candidates):
    def write(table=candidates, **kwargs):
        options = {"two_theta": TWO_THETA, "patterns": sticks(len(table)), **kwargs}
        path = write_report(tmp_path / "report.html", table, **options)
        return Page(path.read_text(encoding="utf-8"))

    return write


class TestPage:
    def test_reads_nothing_from_elsewhere(self, write, known):
        page = write(known=known, scores=SCORES, about={"command": "skxrd screen"})
        assert page.addresses
        assert all(address.startswith(("#", "data:")) for address in page.addresses)
        assert "link" in page.tags  # the icon, as data
        assert not {"iframe", "img", "object"} & set(page.tags)

    def test_data(self, write, known, candidates):
        data = write(known=known, scores=SCORES, n_members=10).data
        assert data["rank"] == [1, 2, 3]
        assert data["nMembers"] == 10
        assert data["values"]["formula"] == candidates["formula"].tolist()
        assert data["values"]["label"] == ["1", None, "0"]
        assert data["values"]["probability_std"] == [0.1, 0.2, None]
        assert data["range"] == [10, 80]
        assert len(data["patterns"]) == 3
        # those that are somebody's nearest, and no others
        assert set(data["known"]) == {"k1", "k2"}
        assert data["known"]["k2"]["formula"] == "Li6PS5Cl"
        assert set(data["figures"]) == {"scores", "votes", "similarity", "elements", "conductors"}

    def test_says_what_was_found(self, write, known):
        page = write(
            known=known,
            scores=SCORES,
            n_members=10,
            about={
                "command": "skxrd screen --members 10",
                "versions": {"torch": "2.13"},
                "k": [1, 2],
            },
            title="Sulfides & more",
        )
        text = " ".join(" ".join(page.text).split())
        for part in (
            "Sulfides & more",
            "Of 3 candidates, 2 have the votes of at least 5 of 10 members of the ensemble, and 0",
            "0.740 0.65 to 0.83",
            "only by members that were not trained on it",
            "skxrd screen --members 10",
            "2.13",
            "1, 2",
            "10.1039/D4EE02970D",
        ):
            assert part in text

    def test_about_may_be_nested(self, write):
        rules = [{"rule": "output_frequency >= 5", "n_left": 7}, {"rule": "not toxic", "n_left": 3}]
        page = write(
            about={
                "rules": rules,
                "range": [0.5, 1 / 3],
                "command": ["skxrd", "screen"],
                "no": None,
            }
        )
        text = " ".join(" ".join(page.text).split())
        assert "rule output_frequency >= 5 n left 7 rule not toxic n left 3" in text
        assert "range 0.5, 0.333333" in text
        assert "command skxrd screen no –" in text

    def test_names_that_are_no_formulas(self, write, candidates):
        candidates["formula"] = ["my sample", "x!", "LiCl"]
        assert "elements" not in write(candidates).data["figures"]

    @pytest.mark.parametrize(
        "place", ["id", "formula", "spacegroup_symbol", "title", "about", "own"]
    )
    def test_texts_of_users_stay_texts(self, write, candidates, place):
        plain = write()
        options = {}
        if place in ("title", "about"):
            options[place] = EVIL[0] if place == "title" else {EVIL[0]: {EVIL[1]: EVIL[2]}}
        elif place == "own":
            candidates[EVIL[0]] = EVIL[:3]
        else:
            candidates[place] = EVIL[:3]
        page = write(candidates, **options)
        assert page.tags.count("script") == plain.tags.count("script")
        assert "alert(1)" not in [script.strip() for _, script in page.scripts]
        if place in candidates:
            assert page.data["values"][place] == EVIL[:3]
        if place == "title":
            assert EVIL[0] in page.text

    def test_links_to_candidates_are_quoted(self, write, candidates):
        candidates["id"] = EVIL[:3]
        links = write(candidates).addresses
        assert "#a%2Fb%23c%3Fd%20e%25" in links

    def test_only_ids(self, write):
        page = write(pd.DataFrame({"id": [7, 8]}))
        assert page.data["values"] == {"id": ["7", "8"]}
        assert page.data["figures"] == {}
        assert "2 candidates" in " ".join(" ".join(page.text).split())

    @pytest.mark.parametrize(
        "column", ["formula", "output_frequency", "mean_probability", "similarity", "label"]
    )
    def test_a_column_may_be_missing(self, write, candidates, column):
        page = write(candidates.drop(columns=column), scores=SCORES)
        assert column not in page.data["values"]
        needs = {
            "votes": {"output_frequency"},
            "similarity": {"similarity", "mean_probability"},
            "elements": {"formula"},
        }
        missing = {figure for figure, columns in needs.items() if column in columns}
        assert missing == needs.keys() - page.data["figures"].keys()

    def test_an_index_may_repeat(self, write, candidates):
        expected = write(candidates.reset_index(drop=True)).data
        assert write(candidates.set_axis([0] * len(candidates))).data == expected

    def test_no_candidates(self, write, candidates):
        page = write(candidates.iloc[:0], scores=SCORES)
        assert "No candidates: the table is empty." in " ".join(" ".join(page.text).split())
        assert page.data["rank"] == []

    def test_one_member_and_votes_of_none(self, write, candidates):
        candidates["output_frequency"] = 0
        page = write(candidates, n_members=1)
        assert "0 have the votes of at least 1 of 1 member " in " ".join(
            " ".join(page.text).split()
        )

    def test_nothing_is_changed(self, write, candidates, known):
        before, patterns = candidates.copy(deep=True), sticks(3)
        patterns.flags.writeable = False
        write(candidates, patterns=patterns, known=known)
        assert_frame_equal(candidates, before)

    def test_memory_map_gives_the_same(self, write, tmp_path):
        np.save(tmp_path / "patterns.npy", sticks(3))
        mapped = np.load(tmp_path / "patterns.npy", mmap_mode="r")
        assert write(patterns=mapped).data == write(patterns=sticks(3)).data

    def test_ten_thousand(self, tmp_path):
        n = 10_000
        table = pd.DataFrame(
            {
                "id": [f"compound-{row:05d}" for row in range(n)],
                "formula": ["Li6PS5Cl", "Li7La3Zr2O12"] * (n // 2),
                "output_frequency": np.arange(n) % 11,
                "similarity": np.linspace(0, 1, n),
                "mean_probability": np.linspace(0, 1, n),
            }
        )
        path = write_report(
            tmp_path / "report.html", table, two_theta=TWO_THETA, patterns=sticks(n)
        )
        assert path.stat().st_size < 15e6
        page = Page(path.read_text(encoding="utf-8"))
        points = page.data["figures"]["similarity"]["data"][0]["x"]
        assert len(points) == 1000  # a browser draws no more in good time


class TestFile:
    def test_an_error_leaves_the_old_file(self, tmp_path, candidates):
        path = tmp_path / "report.html"
        path.write_text("old")
        patterns = sticks(3)
        patterns[1, 5] = np.nan
        with pytest.raises(ValueError, match="patterns must be finite; row 1 holds NaN"):
            write_report(path, candidates, two_theta=TWO_THETA, patterns=patterns)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_replaces_a_file(self, tmp_path, candidates):
        path = tmp_path / "report.html"
        path.write_text("old")
        found = write_report(str(path), candidates, two_theta=TWO_THETA, patterns=sticks(3))
        assert found == path
        assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    @pytest.mark.parametrize("package", ["jinja2", "plotly.graph_objects", "itables"])
    def test_missing_package(self, write, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingDependencyError, match=r"skxrd\[report\]"):
            write()


class TestErrors:
    def test_ids_twice(self, write, candidates):
        candidates["id"] = ["a", "b", "a"]
        with pytest.raises(ValueError, match="ids of candidates must be unique; 'a' occurs twice"):
            write(candidates)

    def test_ids_missing(self, write, candidates):
        with pytest.raises(ValueError, match='a column "id" without missing values'):
            write(candidates.drop(columns="id"))
        candidates["id"] = ["a", None, "b"]
        with pytest.raises(ValueError, match='a column "id" without missing values'):
            write(candidates)

    def test_columns_twice(self, write, candidates):
        with pytest.raises(ValueError, match="each column once; 'label' occurs twice"):
            write(pd.concat([candidates, candidates[["label"]]], axis=1))

    @pytest.mark.parametrize("shape", [(2, 701), (3, 700), (701,)])
    def test_shape_of_patterns(self, write, shape):
        with pytest.raises(ValueError, match=r"patterns must have .* shape \(3, 701\); got"):
            write(patterns=np.ones(shape))

    @pytest.mark.parametrize("two_theta", [[10.0], TWO_THETA[::-1], np.ones(701), [TWO_THETA]])
    def test_two_theta(self, write, two_theta):
        with pytest.raises(ValueError, match="two_theta must be a rising sequence"):
            write(two_theta=two_theta)

    def test_votes_of_more_members_than_there_are(self, write):
        with pytest.raises(ValueError, match="output_frequency must be from 0 to n_members=8"):
            write(n_members=8)

    def test_nearest_conductor_is_unknown(self, write, candidates, known):
        candidates["nearest_conductor"] = ["k1", "k9", "k1"]
        with pytest.raises(ValueError, match="nearest_conductor 'k9' is none of the 3 ids"):
            write(candidates, known=known)

    def test_patterns_of_known_compounds(self, write):
        with pytest.raises(
            ValueError, match="known must have patterns on two_theta, of 701 points"
        ):
            write(known=KnownCompounds(["k1"], np.ones((1, 5))))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((["a", "a"], np.ones((2, 3))), "'a' occurs twice"),
            ((["a"], np.ones((2, 3))), "patterns of known compounds must have one entry per id"),
            ((["a"], np.ones(3)), "must have two dimensions, not 1"),
            ((["a"], np.ones((1, 3)), ["LiF", "LiCl"]), "formulas of known compounds"),
        ],
    )
    def test_known_compounds(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            KnownCompounds(*arguments)

    def test_scores(self, write):
        with pytest.raises(ValueError, match=r"scores must have the columns .* low, n not found"):
            write(scores=SCORES.drop(columns=["low", "n"]))
        with pytest.raises(ValueError, match="'macro_f1' of 'out_of_bag' occurs twice"):
            write(scores=SCORES.iloc[[0, 0]])


class TestPatterns:
    def unpack(self, text):
        content = base64.b64decode(text[1:])
        n = len(content) // 3
        return np.frombuffer(content[: 2 * n], "<u2"), np.frombuffer(content[2 * n :], np.uint8)

    def test_lines(self):
        pattern = np.zeros((1, 701))
        pattern[0, [0, 350, 700]] = [50, 200, 1]  # the last is below 1 %
        (text,) = PatternPacker(TWO_THETA, 1).pack(pattern, "patterns")
        positions, heights = self.unpack(text)
        assert text[0] == "s"
        np.testing.assert_allclose(10 + positions / 65535 * 70, TWO_THETA[[0, 350]], atol=1e-3)
        np.testing.assert_array_equal(heights, [64, 255])

    def test_strongest_of_many_lines(self):
        two_theta = np.linspace(0, 90, 4501)
        pattern = np.zeros((1, 4501))
        pattern[0, 100:400] = np.arange(1, 301)
        (text,) = PatternPacker(two_theta, 1).pack(pattern, "patterns")
        positions, _ = self.unpack(text)
        assert len(positions) == 150
        assert positions[0] / 65535 * 90 == pytest.approx(two_theta[250], abs=1e-3)
        assert (np.diff(positions.astype(int)) > 0).all()

    def test_profile_keeps_peaks(self):
        pattern = np.full((1, 4501), 10.0)
        pattern[0, 1234] = 40
        packer = PatternPacker(np.linspace(0, 90, 4501), 1)
        (text,) = packer.pack(pattern, "patterns")
        heights = np.frombuffer(base64.b64decode(text[1:]), np.uint8)
        assert text[0] == "p"
        assert len(heights) == len(packer.bin_positions) == 1000
        peak = packer.bin_positions[heights.argmax()]
        assert peak == pytest.approx(90 * 1234 / 4500, abs=0.1)
        assert np.median(heights) == 64

    def test_profiles_are_coarser_the_more_there_are(self):
        many = PatternPacker(np.linspace(0, 90, 4501), 10_000)
        assert len(many.bin_positions) == 400
        few_points = PatternPacker(np.linspace(0, 90, 91), 10)
        assert len(few_points.bin_positions) == 91

    def test_nothing_above_zero(self):
        assert list(PatternPacker(TWO_THETA, 2).pack(-np.ones((2, 701)), "patterns")) == ["s", "s"]

    def test_batches(self):
        patterns = sticks(2050)
        packer = PatternPacker(TWO_THETA, 2050)
        together = list(packer.pack(patterns, "patterns"))
        assert together == [next(packer.pack(row[None], "patterns")) for row in patterns]
        patterns[2001, 3] = np.inf
        with pytest.raises(ValueError, match="row 2001"):
            list(packer.pack(patterns, "patterns"))

    def test_sparkline(self):
        pattern = np.zeros(320, dtype=np.float32)
        pattern[[0, 319]] = [1, 0.5]
        assert sparkline(pattern) == "M0.5 28V0M159.5 28V14"
        assert sparkline(np.zeros(320, dtype=np.float32)) == ""


class TestTable:
    def test_flags_are_named_by_their_columns(self, candidates):
        candidates["contains_text"] = "yes"  # not a truth value
        assert flag_names(candidates) == ["contains_redox_active", "lacks_anion"]
        columns = describe_columns(
            candidates, pd.DataFrame(columns=["column", "unit", "description", "source"])
        )
        titles = {column["name"]: column["title"] for column in columns}
        assert titles["contains_redox_active"] == "redox active"
        assert titles["lacks_anion"] == "no anion"

    def test_descriptions(self, candidates):
        candidates["my_own"] = 1.0
        described = pd.DataFrame(
            [("similarity", "0 to 1", "How alike.", None)],
            columns=["column", "unit", "description", "source"],
        )
        columns = {one["name"]: one for one in describe_columns(candidates, described)}
        assert columns["similarity"]["description"] == "How alike."
        assert columns["similarity"]["source"] == ""
        assert columns["my_own"]["source"] == "user"
        assert columns["my_own"]["title"] == "my own"
        assert not columns["my_own"]["shown"]

    def test_plain_values(self):
        table = pd.DataFrame(
            {
                "id": [1, 2],
                "number": [1 / 3, np.inf],
                "whole": pd.array([3, pd.NA], dtype="Int64"),
                "text": ["a", None],
                "lacks_x": pd.array([True, pd.NA], dtype="boolean"),
            }
        )
        assert plain_columns(table) == {
            "id": ["1", "2"],
            "number": [0.333333, None],
            "whole": [3, None],
            "text": ["a", None],
            "lacks_x": [True, None],
        }

    def test_ranks(self, candidates):
        assert ranks(candidates[1:]) == [2, 3]
        assert ranks(candidates.reset_index(drop=True)) == [1, 2, 3]


class TestNumbers:
    def test_summary(self, candidates):
        summary = Summary(candidates, 10)
        assert summary.majority == 5
        assert summary.n_selected == 2
        assert summary.n_unanimous == 0
        assert summary.known_labels == {"1": 1}
        assert summary.counts.tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0]

    @pytest.mark.parametrize(("n_members", "majority"), [(1, 1), (2, 1), (5, 3), (10, 5)])
    def test_majority(self, candidates, n_members, majority):
        assert Summary(candidates, n_members).majority == majority

    def test_scores(self):
        evaluations, rows = score_rows(SCORES)
        assert [evaluation["n"] for evaluation in evaluations] == [100, 120]
        assert [row["metric"] for row in rows] == ["Macro F1", "Precision"]
        assert rows[0]["cells"][0] == {"value": 0.74, "low": 0.65, "high": 0.83, "n": 100}
        assert rows[1]["cells"] == [{"value": 0.76, "low": None, "high": None, "n": 100}, None]

    def test_score_figure(self):
        first, second = score_figure(*score_rows(SCORES))["data"]
        assert first["x"] == [0.74, 0.76]
        assert first["error_x"]["array"] == pytest.approx([0.09, 0])
        assert first["error_x"]["arrayminus"] == pytest.approx([0.09, 0])
        assert first["marker"]["symbol"] != second["marker"]["symbol"]  # told apart in gray
        assert score_figure(*score_rows(SCORES.assign(value=7.0))) is None

    def test_figures(self, candidates):
        made = {one["key"]: one for one in make_figures(Summary(candidates, 10), [1, 2, 3])}
        (bars,) = made["votes"]["figure"]["data"]
        assert bars["y"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
        everyone, chosen = made["elements"]["figure"]["data"]
        assert dict(zip(everyone["x"], everyone["y"], strict=True))["S"] == pytest.approx(100 / 3)
        assert dict(zip(chosen["x"], chosen["y"], strict=True))["S"] == 50
        assert "Li" not in everyone["x"]
        assert "all contain Li" in made["elements"]["caption"]
        assert made["conductors"]["figure"]["data"][0]["x"] == [1, 1]

    def test_many_more_without_votes(self):
        votes = np.repeat([0, 1], [5000, 1])
        summary = Summary(pd.DataFrame({"id": range(5001), "output_frequency": votes}), 1)
        (votes,) = make_figures(summary, list(range(5001)))
        assert votes["figure"]["layout"]["yaxis"]["type"] == "log"


def test_votes_that_rank_few_are_told(tmp_path):
    def page(n_different):
        votes = np.full(200, 3)
        votes[:n_different] = 6
        candidates = pd.DataFrame({"id": np.arange(200).astype(str), "output_frequency": votes})
        path = write_report(
            tmp_path / "report.html",
            candidates,
            two_theta=[10.0, 20.0],
            patterns=np.ones((200, 2)),
            n_members=10,
        )
        return path.read_text(encoding="utf-8")

    text = "190 of 200 candidates have the same number of votes, 3 of 10"
    assert text in page(10)
    assert "have the same number of votes" not in page(60)
