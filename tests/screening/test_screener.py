import joblib
import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.exceptions import ScreeningWarning
from skxrd.screening import (
    CandidateScreener,
    PatternSimilarity,
    _screener,
    column_descriptions,
    screen,
)

GRID = TwoThetaGrid(10, 80, 351)
X, Y = make_patterns(120, grid=GRID, labeled_fraction=0.4, class_sep=0.2, random_state=0)
POOL = X[Y == -1]
SIMILARITY = PatternSimilarity(grid=GRID)
FORMULAS = ["Li3PS4", "LiFePO4", "Li3N", "LiCoO2", "Na3PS4"]


def salt(cation, anion="Cl", a=5.13):
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


@pytest.fixture(scope="module")
def ensemble():
    return SemiSupervisedBaggingClassifier(
        SelfTrainingClassifier(LogisticRegression()), n_estimators=5, random_state=0
    ).fit(X, Y)


@pytest.fixture(scope="module")
def screener(ensemble):
    names = [f"row-{row}" for row in range(len(X))]
    formulas = [FORMULAS[row % 5] for row in range(len(X))]
    return CandidateScreener(ensemble, similarity=SIMILARITY).fit(
        X, Y, ids=names, formulas=formulas
    )


def test_votes_are_those_of_screen(screener, ensemble):
    table = screener.screen(POOL)
    ranking = screen(ensemble, POOL)
    numbers = ["output_frequency", "mean_probability", "probability_std", "vote_entropy"]
    assert table["id"].tolist() == ranking["id"].astype(str).tolist()
    pd.testing.assert_frame_equal(table[numbers], ranking[numbers], rtol=1e-6)
    assert screener.n_members_ == 5


def test_nearest_conductor_and_novelty(screener):
    table = screener.screen(POOL).set_index("id")
    similarity = SIMILARITY.fit(X[Y != -1]).transform(POOL)
    known = np.flatnonzero(Y != -1)
    conductors = np.flatnonzero(Y[known] == 1)
    for row in (0, 7, len(POOL) - 1):
        best = conductors[similarity[row, conductors].argmax()]
        found = table.loc[str(row)]
        assert found["nearest_conductor"] == f"row-{known[best]}"
        assert found["nearest_conductor_formula"] == FORMULAS[known[best] % 5]
        assert found["similarity"] == pytest.approx(similarity[row, best], abs=1e-6)
        assert found["novelty"] == pytest.approx(1 - similarity[row].max(), abs=1e-6)


def test_a_known_compound_is_not_novel(screener):
    table = screener.screen(X[Y == 1]).set_index("id").loc[map(str, range((Y == 1).sum()))]
    np.testing.assert_allclose(table["similarity"], 1, atol=1e-5)
    np.testing.assert_allclose(table["novelty"], 0, atol=1e-5)
    assert table["nearest_conductor"].tolist() == [f"row-{row}" for row in np.flatnonzero(Y == 1)]


def test_columns_are_described_and_typed(screener):
    rows = POOL[:3]
    table = screener.screen(
        rows,
        ids=["a", "b", "c"],
        formulas=["LiCl", "NaCl", "LiF"],
        structures=[salt("Li"), salt("Na", a=5.64), salt("Li", "F", a=4.03)],
        literature=pd.DataFrame({"id": ["x", "b"], "formula": ["LiCl", "KCl"], "label": [1, 0]}),
        properties=pd.DataFrame(
            {"id": ["c", "z"], "e_above_hull": [0.02, 0.3], "mine": ["u", "v"]}
        ),
    )
    described = column_descriptions().set_index("column")
    described = described.drop(index=["covered_fraction", "domain_percentile"])  # of measurements
    assert [*described.index, "mine"] == table.columns.tolist()
    for name, dtype in described["dtype"].items():
        assert any(str(table[name].dtype) == kind for kind in dtype.split(" or ")), name
    table = table.set_index("id")
    assert table["label"].dropna().to_dict() == {"a": 1, "b": 0}
    assert table.loc["b", "label_match"] == "id"
    assert table.loc["a", "label_match"] == "composition"
    assert table["spacegroup_number"].tolist() == [225, 225, 225]
    assert table["lacks_mobile_ion"].to_dict() == {"a": False, "b": True, "c": False}
    assert table.loc["c", "e_above_hull"] == 0.02
    assert table.loc[["a", "b"], "e_above_hull"].isna().all()
    assert table.loc["c", "mine"] == "u"


def test_composition_similarity_is_that_of_the_nearest_conductor(screener):
    formulas = [FORMULAS[row % 5] for row in range(len(POOL))]
    table = screener.screen(POOL, formulas=formulas)
    same = table["formula"] == table["nearest_conductor_formula"]
    assert 0 < same.sum() < len(table)
    np.testing.assert_allclose(table["composition_similarity"][same], 1, atol=1e-6)
    assert (table["composition_similarity"][~same] < 1).all()


def test_structures_give_labels_by_structure(screener):
    known = pd.DataFrame(
        {"id": ["x"], "formula": ["LiCl"], "label": [1], "structure": [salt("Li")]}
    )
    table = screener.screen(
        POOL[:2],
        formulas=["LiCl", "LiCl"],
        structures=[
            salt("Li", a=5.2),
            Structure(Lattice.cubic(3.2), ["Li", "Cl"], [[0] * 3, [0.5] * 3]),
        ],
        literature=known,
    ).set_index("id")
    assert table.loc["0", ["label", "label_source", "label_match"]].tolist() == [
        1,
        "x",
        "structure",
    ]
    assert pd.isna(table.loc["1", "label"])  # CsCl type: another compound


def test_labels_are_found_by_id_where_there_are_no_formulas(screener):
    known = pd.DataFrame({"id": ["1", "q"], "formula": ["LiCl", "LiF"], "label": [1, 0]})
    table = screener.screen(POOL[:3], literature=known).set_index("id")
    assert table["label_match"].dropna().to_dict() == {"1": "id"}
    assert table["label"].dropna().to_dict() == {"1": 1}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("batch_size", [7, 1000])
def test_batches_and_jobs_change_nothing(screener, n_jobs, batch_size):
    expected = screener.screen(POOL)
    other = clone(screener).set_params(n_jobs=n_jobs, batch_size=batch_size)
    other = other.set_params(classifier=screener.classifier_).fit(
        X,
        Y,
        ids=[f"row-{row}" for row in range(len(X))],
        formulas=[FORMULAS[i % 5] for i in range(len(X))],
    )
    pd.testing.assert_frame_equal(other.screen(POOL), expected, rtol=1e-6, atol=1e-5)


def test_files_and_memory_maps(screener, tmp_path):
    expected = screener.screen(POOL, ids=[f"p{row}" for row in range(len(POOL))])
    np.save(tmp_path / "X.npy", POOL)
    names = {"ids": expected.sort_values("id", key=lambda ids: ids.str[1:].astype(int))["id"]}
    pd.testing.assert_frame_equal(screener.screen(tmp_path / "X.npy", **names), expected)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    pd.testing.assert_frame_equal(screener.screen(mapped, **names), expected)


def test_parquet_brings_its_names(screener, tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(POOL, columns=[f"two_theta_{angle:.2f}" for angle in GRID.two_theta])
    frame.insert(0, "id", [f"p{row}" for row in range(len(POOL))])
    frame.insert(1, "formula", [FORMULAS[row % 5] for row in range(len(POOL))])
    frame.to_parquet(tmp_path / "X.parquet", row_group_size=17)
    expected = screener.screen(POOL, ids=frame["id"], formulas=frame["formula"])
    pd.testing.assert_frame_equal(screener.screen(tmp_path / "X.parquet"), expected)


class Interrupting(PatternSimilarity):
    """Is interrupted at the third batch."""

    calls = 0

    def transform(self, X):
        type(self).calls += 1
        if type(self).calls == 3:
            raise KeyboardInterrupt
        return super().transform(X)


def test_resume(ensemble, tmp_path):
    Interrupting.calls = 0
    screener = CandidateScreener(ensemble, similarity=Interrupting(grid=GRID), batch_size=16)
    screener.fit(X, Y)
    n_batches = -(-len(POOL) // 16)
    with pytest.raises(KeyboardInterrupt):
        screener.screen(POOL, memory=tmp_path)
    table = screener.screen(POOL, memory=tmp_path)
    assert Interrupting.calls == 3 + n_batches - 2  # the first two were not made again
    assert screener.screen(POOL, memory=str(tmp_path)).equals(table)
    assert Interrupting.calls == 3 + n_batches - 2
    pd.testing.assert_frame_equal(table, screener.screen(POOL))
    assert Interrupting.calls == 3 + 2 * n_batches - 2


def test_the_store_knows_what_a_result_depends_on(screener, ensemble, tmp_path):
    rows = POOL[:10]
    expected = screener.screen(rows, memory=tmp_path)
    changed = rows.copy()
    changed[-1] = X[Y == 1][0]
    found = screener.screen(changed, memory=tmp_path)
    pd.testing.assert_frame_equal(found, screener.screen(changed))
    assert not found.equals(expected)
    other = clone(ensemble).set_params(random_state=1).fit(X, Y)
    other = CandidateScreener(other, similarity=SIMILARITY).fit(X, Y)
    found = other.screen(rows, memory=tmp_path)
    pd.testing.assert_frame_equal(found, other.screen(rows))
    assert not found["mean_probability"].equals(expected["mean_probability"])
    assert screener.screen(rows, memory=tmp_path).equals(expected)


def test_no_candidate_above_the_cut(screener):
    full = screener.screen(POOL, formulas=["LiCl"] * len(POOL))
    none = screener.screen(POOL, formulas=["LiCl"] * len(POOL), min_votes=6)
    assert none.empty
    pd.testing.assert_series_equal(none.dtypes, full.dtypes)


def test_no_candidates_at_all(screener):
    assert screener.screen(POOL[:0]).empty


def test_classifiers_that_are_not_fitted_are_trained(ensemble):
    classifier = ExtraTreesClassifier(5, random_state=0)
    rows = Y != -1
    screener = CandidateScreener(classifier, similarity=SIMILARITY).fit(X[rows], Y[rows])
    assert not hasattr(classifier, "classes_")
    assert screener.classifier_.classes_.tolist() == [0, 1]
    assert screener.n_members_ == 1
    assert set(screener.screen(POOL)["output_frequency"]) <= {0, 1}


def test_text_labels():
    labels = np.array(["slow", "fast", "-1"], dtype=object)[np.where(Y == -1, 2, Y)]
    labels[labels == "-1"] = -1
    screener = CandidateScreener(LogisticRegression(), similarity=SIMILARITY, positive_class="fast")
    rows = Y != -1
    screener.fit(X[rows], labels[rows])
    assert set(screener.known_["label"]) == {"slow", "fast"}
    with pytest.raises(ValueError, match="No row of y has the label positive_class='quick'"):
        clone(screener).set_params(positive_class="quick").fit(X[rows], labels[rows])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": ["a"]}, "X has 3 rows, but ids has 1"),
        ({"ids": ["a", "b", "a"]}, "ids of the candidates must differ; 1 occur twice: 'a'"),
        ({"formulas": ["LiCl", "LiF"]}, "but formulas has 2"),
        ({"formulas": ["LiCl", "LiF", "hello"]}, r"'hello' \(row 2\) is no chemical formula"),
        ({"structures": []}, "but structures has 0"),
        ({"properties": pd.DataFrame({"a": [1]})}, "properties needs a column 'id'; it has 'a'"),
        (
            {"properties": pd.DataFrame({"id": ["q"], "a": [1]})},
            "holds none of the 3 candidates: it names 1 rows such as 'q', and a candidate is '0'",
        ),
        (
            {"properties": pd.DataFrame({"id": [0, "0"], "a": [1, 2]})},
            "ids of properties must differ",
        ),
        (
            {"properties": pd.DataFrame({"id": ["0"], "e_above_hull": ["n/a"]})},
            "properties: column 'e_above_hull' is not of its type",
        ),
        (
            {"properties": pd.DataFrame([["0", 1, 2]], columns=["id", "a", "a"])},
            "properties has more than one column 'a'",
        ),
        (
            {"properties": pd.DataFrame({"id": ["0"], "rank": [1]})},
            "properties has a column 'rank'",
        ),
        ({"ids": ["a", None, "b"]}, r"ids has 1 missing value\(s\), the first in row 1"),
        (
            {"formulas": ["LiCl"] * 3, "literature": pd.DataFrame({"id": ["q"]})},
            "label",
        ),
    ],
)
def test_bad_arguments(screener, arguments, message):
    with pytest.raises(ValueError, match=message):
        screener.screen(POOL[:3], **arguments)


def test_bad_arguments_are_told_before_the_work(screener, monkeypatch):
    monkeypatch.setattr(_screener, "screen_batches", None)
    with pytest.raises(ValueError, match="label"):
        screener.screen(POOL[:3], literature=pd.DataFrame({"id": ["q"], "formula": ["LiF"]}))
    with pytest.raises(TypeError, match="min_votes must be a whole number or None, got '5'"):
        screener.screen(POOL[:3], min_votes="5")


def test_bad_patterns(screener):
    broken = POOL[:30].copy()
    broken[[4, 20]] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinite values in row\(s\) 4, 20; leave these"):
        screener.screen(broken)
    with pytest.raises(ValueError, match=r"patterns of 350 points.*fitted on patterns of 351"):
        screener.screen(POOL[:, 1:])


def test_rows_of_later_batches_are_named(screener):
    broken = POOL.copy()
    broken[20] = np.inf
    other = CandidateScreener(screener.classifier_, similarity=SIMILARITY, batch_size=8).fit(X, Y)
    with pytest.raises(ValueError, match=r"in row\(s\) 20;"):
        other.screen(broken)


def test_bad_known_compounds(ensemble):
    screener = CandidateScreener(ensemble, similarity=SIMILARITY)
    with pytest.raises(NotFittedError):
        screener.screen(POOL)
    with pytest.raises(ValueError, match="all 120 rows of y are unlabeled"):
        screener.fit(X, np.full(len(X), -1))
    with pytest.raises(ValueError, match="ids of the known compounds must differ"):
        screener.fit(X, Y, ids=["a"] * len(X))
    with pytest.raises(ValueError, match="but y has 3"):
        screener.fit(X, Y[:3])
    with pytest.raises(ValueError, match="takes patterns of 351 points, X has 350"):
        screener.fit(X[:, 1:], Y)
    with pytest.raises(ValueError, match="mobile_ion"):
        CandidateScreener(ensemble, similarity=SIMILARITY, mobile_ion="Lithium").fit(X, Y)
    with pytest.raises(ValueError, match="No row of y has the label positive_class=2"):
        CandidateScreener(ensemble, similarity=SIMILARITY, positive_class=2).fit(X, Y)


def test_backends_agree(screener):
    expected = screener.screen(POOL)
    with joblib.parallel_config("threading", n_jobs=2):
        pd.testing.assert_frame_equal(screener.screen(POOL), expected)


class Undecided(BaseEstimator):
    """An ensemble of two members, of which one puts all rows into a class but for a few."""

    classes_ = np.array([0, 1])
    estimators_ = (None, None)

    def __init__(self, n_different=0):
        self.n_different = n_different

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def member_probabilities(self, X):
        positive = np.ones((2, len(X)))
        positive[1] = 0
        positive[1, : self.n_different] = 1
        return np.stack([1 - positive, positive], axis=2)

    def predict_proba(self, X):
        return self.member_probabilities(X).mean(axis=0)


def test_members_that_do_not_tell_candidates_apart():
    rows = np.resize(POOL, (200, X.shape[1]))
    screener = CandidateScreener(Undecided(39), similarity=SIMILARITY).fit(X, Y)
    with pytest.warns(ScreeningWarning, match="161 of 200 candidates have the same"):
        screener.screen(rows)
    screener = CandidateScreener(Undecided(40), similarity=SIMILARITY).fit(X, Y)
    screener.screen(rows)
    screener = CandidateScreener(Undecided(), similarity=SIMILARITY).fit(X, Y)
    screener.screen(rows[:99])  # too few to say
