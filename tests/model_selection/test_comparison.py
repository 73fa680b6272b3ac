import os
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, PredefinedSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skxrd import SemiSupervisedBaggingClassifier, SemiSupervisedClassifier, TwoThetaGrid
from skxrd.datasets import make_patterns
from skxrd.model_selection import LabelDraw, LabeledFold, MethodComparison, compare_methods
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.semi_supervised import Supervised
from skxrd.supervised import LabeledOnlyClassifier

GRID = TwoThetaGrid(10, 80, 141)
X, Y = make_patterns(
    120, grid=GRID, class_sep=0.3, strain=0.02, labeled_fraction=0.5, random_state=0
)
X.flags.writeable = Y.flags.writeable = False
CV = LabelDraw(3, n_labeled_per_class=8, random_state=0)
FOREST = LabeledOnlyClassifier(RandomForestClassifier(5))
KEYS = ["method", "split", "metric", "score", "n_train_labeled", "n_train_unlabeled", "n_test"]


pytestmark = pytest.mark.usefixtures("pickled_by_value")


class Counting(ClassifierMixin, BaseEstimator):
    """Writes a line per fit to a file; its answers depend on its seed and its rows."""

    def __init__(self, log=None, name="", random_state=None):
        self.log = log
        self.name = name
        self.random_state = random_state

    def fit(self, X, y):
        if Path(f"{self.log}.stop").is_file() and len(lines(self.log)) >= 3:
            time.sleep(0.5)  # a fit in the other worker may finish
            raise KeyboardInterrupt
        if self.log is not None:
            with open(self.log, "a") as log:
                log.write(f"{self.name} {self.random_state} {joblib.hash((X, y))} {os.getpid()}\n")
        self.classes_ = np.unique(y[y >= 0])
        self.seed_ = self.random_state + len(y)
        return self

    def predict_proba(self, X):
        p = np.random.default_rng([self.seed_, len(X)]).dirichlet([1, 1], len(X))
        return 0.5 * p + 0.5 * (X[:, :2] > 0.1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def lines(path):
    return [line.split() for line in Path(path).read_text().splitlines()] if path else []


def compare(estimators, **params):
    return compare_methods(estimators, X, Y, **{"cv": CV, "random_state": 0, **params})


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.scores[KEYS], other.scores[KEYS], check_exact=True)
    if one.predictions is not None:
        pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)


class TestTable:
    def test_one_row_per_method_split_and_metric(self):
        found = compare({"forest": FOREST, "spreading": LabelSpreading("knn", n_neighbors=5)})
        scores = found.scores
        assert list(scores) == [
            *["method", "split", "metric", "score", "fit_time", "predict_time"],
            *["n_train_labeled", "n_train_unlabeled", "n_test"],
        ]
        assert len(scores) == 2 * 3 * 3
        assert not scores.duplicated(["method", "split", "metric"]).any()
        assert (scores["n_train_labeled"] == 16).all()
        assert (scores["n_train_unlabeled"] == (Y == -1).sum()).all()
        assert (scores["n_test"] == (Y != -1).sum() - 16).all()
        assert (scores[["fit_time", "predict_time"]] > 0).all(axis=None)
        assert found.methods == ["forest", "spreading"]
        assert found.metrics == ["f1_macro", "balanced_accuracy", "roc_auc"]
        assert repr(found) == "MethodComparison(methods=['forest', 'spreading'], 3 splits)"

    def test_scores_are_those_of_a_fit_by_hand(self):
        model = LabeledOnlyClassifier(LogisticRegression(C=10))
        found = compare({"model": model, "svc": LabeledOnlyClassifier(SVC())})
        for number, (train, test) in enumerate(CV.split(X, Y)):
            fitted = clone(model).fit(X[train], Y[train])
            predicted = fitted.predict(X[test])
            expected = {
                "f1_macro": f1_score(Y[test], predicted, average="macro"),
                "balanced_accuracy": balanced_accuracy_score(Y[test], predicted),
                "roc_auc": roc_auc_score(Y[test], fitted.decision_function(X[test])),
            }
            for metric, value in expected.items():
                assert found.table(metric).loc[number, "model"] == pytest.approx(value)
        svc = LabeledOnlyClassifier(SVC()).fit(X[train], Y[train])  # has no predict_proba
        expected = roc_auc_score(Y[test], svc.decision_function(X[test]))
        assert found.table("roc_auc").loc[2, "svc"] == pytest.approx(expected)

    @pytest.mark.parametrize(
        "cv",
        [
            3,
            None,
            StratifiedKFold(4),
            LabeledFold(3),
            PredefinedSplit(np.arange((Y != -1).sum()) % 2),
            LabelDraw(2, n_labeled_per_class=5, random_state=0),
        ],
    )
    def test_every_splitter_is_made_to_know_the_marker(self, cv):
        found = compare({"forest": FOREST}, cv=cv, return_predictions=True)
        rows = found.predictions["row"].to_numpy()
        assert (Y[rows] != -1).all()
        np.testing.assert_array_equal(found.predictions["y_true"], Y[rows])
        assert (found.scores["n_train_unlabeled"] == (Y == -1).sum()).all()

    def test_pairs_count_all_rows_and_unlabeled_ones_are_not_tested(self):
        pairs = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
        masks = [(np.arange(120) < 60, np.arange(120) >= 60)]
        for cv in (pairs, iter(pairs), masks):
            found = compare({"forest": FOREST}, cv=cv, return_predictions=True)
            first = found.predictions[found.predictions["split"] == 0]
            assert first["row"].tolist() == [row for row in range(60, 120) if Y[row] != -1]
            assert found.scores["n_train_unlabeled"][0] == (Y[:60] == -1).sum()

    def test_groups(self):
        groups = np.arange(120) // 10
        found = compare(
            {"forest": FOREST}, cv=GroupKFold(3), groups=groups, return_predictions=True
        )
        by_split = found.predictions.groupby("split")["row"].apply(lambda rows: set(groups[rows]))
        assert not by_split[0] & by_split[1]

    @pytest.mark.parametrize("missing", [None, np.nan, -1])
    def test_labels_of_text(self, missing):
        named = np.array(["no", "yes", missing], dtype=object)[Y]
        methods = {"spreading": LabelSpreading(), "forest": FOREST}
        scoring = {"f1": make_scorer(f1_score, pos_label="yes"), "auc": "roc_auc"}
        found = compare_methods(
            methods, X, named, cv=CV, scoring=scoring, random_state=0, return_predictions=True
        )
        plain = compare(methods, scoring={"f1": "f1", "auc": "roc_auc"})
        np.testing.assert_array_equal(found.scores["score"], plain.scores["score"])
        assert set(found.predictions["y_pred"]) == {"no", "yes"}
        assert list(found.predictions)[-2:] == ["proba_no", "proba_yes"]
        assert found.ensemble_scores().shape == (2, 3)

    def test_containers(self):
        # Trees choose among all columns, and rows of a csr_array are those of the array.
        tree = {"tree": LabeledOnlyClassifier(DecisionTreeClassifier())}
        expected = compare(tree)
        for container in (X.tolist(), pd.DataFrame(X).add_prefix("p"), sparse.csr_array(X)):
            found = compare_methods(tree, container, Y.tolist(), cv=CV, random_state=0)
            assert_same(found, expected)

    def test_three_classes(self):
        X3, y3 = make_patterns(120, n_classes=3, grid=GRID, labeled_fraction=0.5, random_state=0)
        with pytest.raises(ValueError, match="multi_class must be in"):
            compare_methods({"forest": FOREST}, X3, y3)
        found = compare_methods(
            {"forest": FOREST, "svc": LabeledOnlyClassifier(SVC())},
            X3,
            y3,
            cv=CV,
            scoring="accuracy",
            return_predictions=True,
        )
        assert (found.scores["score"] > 1 / 3).all()
        votes = found.predictions.query("method == 'svc'").filter(like="proba_").to_numpy()
        assert ((votes == 1).sum(axis=1) == 1).all()

    def test_a_class_that_no_training_row_has(self):
        X3, y3 = make_patterns(90, n_classes=3, grid=GRID, random_state=0)
        train = np.flatnonzero(y3 != 1)[:40]
        found = compare_methods(
            {"forest": FOREST},
            X3,
            y3,
            cv=[(train, np.setdiff1d(np.arange(90), train))],
            scoring="roc_auc_ovr",
            return_predictions=True,
        )
        probabilities = found.predictions.filter(like="proba_")
        assert (probabilities["proba_1"] == 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)


class TestMethods:
    def test_all_kinds_of_estimators(self):
        rendering = PeakBroadener(1.0, grid=GRID)
        network = SemiSupervisedClassifier(
            Supervised(), module_params={"channels": (4, 8)}, rendering=rendering, max_epochs=1
        )
        methods = {
            "self-training": SelfTrainingClassifier(LogisticRegression()),
            "propagation": LabelPropagation(),
            "spreading": LabelSpreading(),
            "pipeline": make_pipeline(IntensityScaler("max"), LabelSpreading()),
            "tree": LabeledOnlyClassifier(DecisionTreeClassifier()),
            "svc": make_pipeline(rendering, LabeledOnlyClassifier(SVC())),
            "network": network,
            "bagging": SemiSupervisedBaggingClassifier(
                SelfTrainingClassifier(LogisticRegression()), n_estimators=2, n_labeled_per_class=5
            ),
            "self-training network": SelfTrainingClassifier(network, max_iter=1),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one epoch trains nothing, and this is not the point
            found = compare(methods, cv=LabelDraw(2, random_state=0), return_predictions=True)
        assert np.isfinite(found.scores["score"]).all()
        assert found.summary().loc["f1_macro"].index.isin(methods).all()
        assert list(found.ensemble_scores().index) == list(methods)

    def test_supervised_methods_must_not_learn_the_marker(self):
        with pytest.raises(TypeError, match=r"RandomForestClassifier has learned -1.*LabeledOnly"):
            compare({"forest": RandomForestClassifier(2)}, error_score=np.nan)

    def test_given_estimators_are_not_touched(self):
        forest = RandomForestClassifier(5, random_state=7)
        compare({"forest": LabeledOnlyClassifier(forest)})
        assert not hasattr(forest, "estimators_")
        assert forest.random_state == 7

    def test_all_see_the_same_rows_and_seeds(self, tmp_path):
        log = tmp_path / "log"
        nested = make_pipeline(IntensityScaler("max"), Counting(log, "nested"))
        compare({"a": Counting(log, "a"), "b": Counting(log, "b"), "nested": nested})
        written = pd.DataFrame(lines(log), columns=["name", "seed", "rows", "pid"])
        plain = written[written["name"] != "nested"].groupby("name")
        assert plain.get_group("a")["rows"].tolist() == plain.get_group("b")["rows"].tolist()
        for _, group in written.groupby("name"):
            assert group["seed"].nunique() == 3
            assert group["seed"].tolist() == written["seed"][:9:3].tolist()

    def test_random_state(self):
        # The state of an ensemble member is nested three deep.
        method = {"sgd": LabeledOnlyClassifier(make_pipeline(SGDClassifier(max_iter=5, tol=None)))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one, same, other = (compare(method, random_state=seed) for seed in (0, 0, 1))
        assert_same(one, same)
        assert (one.scores["score"] != other.scores["score"]).any()

    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_number_of_jobs_does_not_matter(self, backend):
        methods = {
            "forest": FOREST,
            "logistic": LabeledOnlyClassifier(LogisticRegression()),
            "spreading": LabelSpreading(),
        }
        expected = compare(methods, return_predictions=True)
        with joblib.parallel_config(backend=backend):
            found = compare(methods, n_jobs=2, return_predictions=True)
        assert_same(found, expected)

    def test_number_of_jobs_does_not_matter_for_networks(self):
        network = SemiSupervisedClassifier(
            Supervised(), module_params={"channels": (4, 8)}, rendering="passthrough", max_epochs=2
        )
        expected = compare({"network": network}, return_predictions=True)
        found = compare({"network": network}, n_jobs=2, return_predictions=True)
        assert_same(found, expected)

    def test_progress(self, capsys):
        compare({"forest": FOREST}, verbose=1)
        assert "Comparing methods" in capsys.readouterr().err
        compare({"forest": FOREST})
        assert capsys.readouterr().err == ""


class TestMemory:
    @pytest.mark.parametrize("n_jobs", [None, 2])
    @pytest.mark.parametrize("kind", [str, Path, joblib.Memory])
    def test_no_finished_fit_is_repeated(self, tmp_path, n_jobs, kind):
        log = tmp_path / "log"
        memory = kind(tmp_path / "store") if kind is not joblib.Memory else None
        memory = joblib.Memory(tmp_path / "store", verbose=0) if memory is None else memory
        methods = {"a": Counting(log, "a"), "b": Counting(log, "b")}
        params = {"memory": memory, "n_jobs": n_jobs, "return_predictions": True}
        first = compare(methods, **params)
        assert len(lines(log)) == 6
        again = compare(methods, **params)
        assert len(lines(log)) == 6
        pd.testing.assert_frame_equal(first.scores, again.scores)  # times as well
        assert_same(first, again)
        assert_same(first, compare(methods, return_predictions=True))  # without a store
        assert len(lines(log)) == 12

    def test_the_code_is_in_every_store_before_workers_start(self, tmp_path):
        # A worker that misses it empties the store.
        for folder in (tmp_path / "one", tmp_path / "other"):
            compare({"forest": FOREST}, memory=folder)
            (code,) = folder.rglob("func_code.py")
            written = code.stat().st_mtime_ns
            (code.parent / "results").mkdir()
            compare({"forest": FOREST}, memory=folder)
            assert code.stat().st_mtime_ns == written
            code.write_text("# first line: 1\n# code of an older version\n")
            compare({"forest": FOREST}, memory=folder)
            assert "def fit_predict" in code.read_text()
            assert not (code.parent / "results").exists()

    def test_other_scores_and_more_methods_repeat_nothing(self, tmp_path):
        log, memory = tmp_path / "log", tmp_path / "store"
        compare({"a": Counting(log, "a")}, memory=memory)
        compare({"a": Counting(log, "a")}, memory=memory, scoring=["accuracy", "neg_log_loss"])
        assert len(lines(log)) == 3
        found = compare({"b": Counting(log, "b"), "a": Counting(log, "a")}, memory=memory)
        assert [name for name, *_ in lines(log)] == ["a"] * 3 + ["b"] * 3
        assert found.methods == ["b", "a"]

    def test_whatever_matters_makes_a_new_fit(self, tmp_path):
        log, memory = tmp_path / "log", tmp_path / "store"
        method = {"a": Counting(log, "a")}
        changed = X.copy()
        changed[0, 0] += 1
        draws = {"cv": CV, "random_state": 0, "memory": memory}
        compare_methods(method, X, Y, **draws)
        for n_fits, (data, labels, params) in enumerate(
            [
                (changed, Y, {}),
                (X, np.where(Y == -1, -1, 1 - Y), {}),
                (X, Y, {"random_state": 1}),
                (X, Y, {"cv": LabelDraw(3, n_labeled_per_class=9, random_state=0)}),
            ],
            start=2,
        ):
            compare_methods(method, data, labels, **{**draws, **params})
            assert len(lines(log)) == 3 * n_fits

    # The interruption ends the workers, and new ones take their time.
    @pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
    def test_resumes_after_an_interruption(self, tmp_path, n_jobs):
        log, memory, stop = tmp_path / "log", tmp_path / "store", tmp_path / "log.stop"
        log.touch()
        stop.touch()
        methods = {"a": Counting(log, "a"), "b": Counting(log, "b")}
        with pytest.raises(KeyboardInterrupt):
            compare(methods, memory=memory, n_jobs=n_jobs)
        interrupted = lines(log)
        assert 3 <= len(interrupted) <= 4  # two workers may start the third and fourth together
        stop.unlink()
        resumed = compare(methods, memory=memory, n_jobs=n_jobs)
        finished = lines(log)
        assert len(finished) == 6  # three fits more: none is repeated
        assert finished[: len(interrupted)] == interrupted
        assert len({tuple(line[:2]) for line in finished}) == 6
        assert_same(resumed, compare(methods))

    def test_an_interrupted_network_is_no_finished_fit(self, tmp_path, monkeypatch):
        network = SemiSupervisedClassifier(
            Supervised(), module_params={"channels": (4,)}, rendering="passthrough", max_epochs=1
        )
        fit = SemiSupervisedClassifier.fit

        def interrupted_fit(self, X, y):
            fit(self, X, y)
            self.interrupted_ = True  # what Ctrl+C during the training leaves
            return self

        for method in (network, make_pipeline(network), SelfTrainingClassifier(network)):
            with monkeypatch.context() as patch:
                patch.setattr(SemiSupervisedClassifier, "fit", interrupted_fit)
                with pytest.raises(KeyboardInterrupt):
                    compare({"network": method}, memory=tmp_path, cv=3)

    def test_a_memory_map_is_the_data_that_it_holds(self, tmp_path):
        log, memory = tmp_path / "log", tmp_path / "store"
        np.save(tmp_path / "X.npy", X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        compare({"a": Counting(log, "a")}, memory=memory)
        compare_methods({"a": Counting(log, "a")}, mapped, Y, cv=CV, random_state=0, memory=memory)
        assert len(lines(log)) == 3

    def test_data_are_hashed_once(self, tmp_path, monkeypatch):
        hashed = []

        def counting_hash(found, **params):
            hashed.append(any(part is X for part in found))
            return original(found, **params)

        original = joblib.hash
        monkeypatch.setattr(joblib, "hash", counting_hash)
        compare({"forest": FOREST, "spreading": LabelSpreading()}, memory=tmp_path)
        assert len(hashed) == 1 + 6
        assert sum(hashed) == 1

    def test_methods_that_cannot_be_pickled(self, tmp_path):
        with pytest.raises(ValueError, match=r"memory needs methods.*'a' cannot"):
            compare({"a": Counting(log=None, name=lambda: 0)}, memory=tmp_path)


class TestFailures:
    def test_errors_are_raised_or_counted(self):
        methods = {"forest": FOREST, "bad": LabeledOnlyClassifier(LogisticRegression(C=-1))}
        for n_jobs in (None, 2):
            with pytest.raises(ValueError, match="'C' parameter") as caught:
                compare(methods, n_jobs=n_jobs)
            (note,) = caught.value.__notes__
            assert note.startswith("Raised by the fit of 'bad' on split ")
        with pytest.warns(FitFailedWarning, match=r"3 fits or scores failed.*'bad' on split 0"):
            found = compare(methods, error_score=np.nan, return_predictions=True)
        assert found.scores.groupby("method")["score"].count().to_dict() == {"bad": 0, "forest": 9}
        assert found.predictions["method"].unique().tolist() == ["forest"]
        assert found.summary().loc[("f1_macro", "bad"), "n_splits"] == 0
        with pytest.raises(ValueError, match="two splits in common"):
            found.differences("forest")
        with pytest.raises(ValueError, match="no split on which every method"):
            found.ranks()

    def test_failed_fits_are_not_stored(self, tmp_path):
        methods = {"bad": LabeledOnlyClassifier(LogisticRegression(C=-1))}
        for _ in range(2):
            with pytest.warns(FitFailedWarning, match="3 fits"):
                compare(methods, error_score=np.nan, memory=tmp_path)

    def test_scores_that_a_method_cannot_have(self):
        methods = {"svc": LabeledOnlyClassifier(SVC()), "forest": FOREST}
        with pytest.raises(AttributeError, match="predict_proba") as caught:
            compare(methods, scoring=["accuracy", "neg_brier_score"])
        assert caught.value.__notes__[-1] == (
            "Raised by the score 'neg_brier_score' of 'svc' on split 0."
        )
        with pytest.warns(FitFailedWarning, match="neg_brier_score of 'svc' on split 0"):
            found = compare(methods, scoring=["accuracy", "neg_brier_score"], error_score=np.nan)
        assert found.table("neg_brier_score").isna().sum().to_dict() == {"forest": 0, "svc": 3}
        assert found.table("accuracy").notna().all(axis=None)

    def test_mistakes_show_before_the_first_fit(self, tmp_path):
        log = tmp_path / "log"
        log.touch()
        method = {"a": Counting(log)}
        for params, message in [
            ({"scoring": "no_such_score"}, "no_such_score"),
            ({"scoring": []}, "at least one score"),
            ({"cv": [(np.arange(60), np.flatnonzero(Y == -1))]}, "Split 0 of cv has no labeled"),
            ({"cv": []}, "at least one split"),
            ({"error_score": 0.0}, "'error_score' parameter"),
            ({"groups": [0]}, "inconsistent numbers of samples"),
        ]:
            with pytest.raises(ValueError, match=message):
                compare(method, **params)
        with pytest.raises(ValueError, match="at least one method"):
            compare({})
        with pytest.raises(ValueError, match="all 120 rows of y are unlabeled"):
            compare_methods(method, X, np.full(120, -1))
        assert lines(log) == []


class TestResult:
    @pytest.fixture
    def comparison(self, rng):
        effects = {"best": 0.3, "good": 0.28, "same": 0.0, "base": 0.0}
        common = rng.normal(0, 0.05, 25)
        rows = [
            {
                "method": method,
                "split": split,
                "metric": metric,
                "score": effect * (metric == "a") + common[split] + rng.normal(0, 0.02),
                "fit_time": 2.0,
                "n_train_labeled": 80,
                "n_test": 20,
            }
            for method, effect in effects.items()
            for split in range(25)
            for metric in ("a", "b")
        ]
        return MethodComparison(pd.DataFrame(rows))

    def test_summary(self, comparison):
        summary = comparison.summary()
        assert summary.index.names == ["metric", "method"]
        assert list(summary.loc["a"].index)[:2] == ["best", "good"]
        scores = comparison.table("a")["good"]
        row = summary.loc[("a", "good")]
        assert row["mean"] == pytest.approx(scores.mean())
        assert row["std"] == pytest.approx(scores.std())
        assert row["std_error"] == pytest.approx(scores.std() * np.sqrt(1 / 25 + 20 / 80))
        assert row["fit_time"] == 2
        assert row["n_splits"] == 25

    def test_differences_to_a_baseline(self, comparison):
        table = comparison.differences("base", metric="a").set_index("method")
        assert list(table.index) == ["best", "good", "same"]
        assert table["difference"]["best"] == pytest.approx(0.3, abs=0.02)
        assert (table["low"] < table["difference"]).all()
        assert (table["difference"] < table["high"]).all()
        assert (table["pvalue_holm"] < 0.05).to_dict() == {
            "best": True,
            "good": True,
            "same": False,
        }
        assert (table["pvalue_holm"] >= table["pvalue"]).all()

    @pytest.mark.parametrize("test", ["corrected_t", "wilcoxon"])
    def test_differences_of_all_pairs(self, comparison, test):
        table = comparison.differences(test=test)
        assert len(table) == 6
        smallest = table["pvalue"].idxmin()
        assert table["pvalue_holm"][smallest] == pytest.approx(6 * table["pvalue"][smallest])
        swapped = comparison.differences("best", test=test).set_index("method")
        pair = table.query("method == 'best' and reference == 'base'").iloc[0]
        assert pair["difference"] == pytest.approx(-swapped["difference"]["base"])
        assert pair["pvalue"] == pytest.approx(swapped["pvalue"]["base"])

    def test_wilcoxon_splits_the_ranks_of_zeros(self, comparison):
        scores = comparison.scores
        same = scores["method"] == "same"
        base = scores[scores["method"] == "base"]["score"].to_numpy()
        equal = MethodComparison(scores.assign(score=scores["score"].mask(same, 0.0)))
        equal.scores.loc[same, "score"] = base
        row = equal.differences("base", test="wilcoxon").set_index("method").loc["same"]
        assert row["pvalue"] == 1
        assert row["difference"] == 0

    def test_ranks(self, comparison):
        ranks = comparison.ranks("a")
        assert set(ranks.index[:2]) == {"best", "good"}
        assert ranks.sum() == pytest.approx(1 + 2 + 3 + 4)
        assert ranks.is_monotonic_increasing
        assert comparison.friedman("a").pvalue < 1e-6
        assert comparison.friedman("b").pvalue > 0.01
        assert comparison.critical_difference("a") == pytest.approx(
            2.569 * np.sqrt(20 / (6 * 25)), abs=1e-3
        )

    def test_a_split_that_failed_is_left_out_in_pairs(self, comparison):
        scores = comparison.scores.copy()
        failed = (scores["method"] == "same") & (scores["split"] < 5)
        scores.loc[failed, "score"] = np.nan
        part = MethodComparison(scores)
        rows = scores[~scores["split"].isin(range(5))]
        expected = MethodComparison(rows).differences("base").set_index("method")
        found = part.differences("base").set_index("method")
        assert found["difference"]["same"] == pytest.approx(expected["difference"]["same"])
        whole = comparison.differences("base").set_index("method")
        assert found["pvalue"]["best"] == whole["pvalue"]["best"]

    def test_ensemble_scores_are_out_of_bag(self):
        cv = LabelDraw(8, n_labeled_per_class=10, random_state=0)
        model = LabeledOnlyClassifier(LogisticRegression())
        found = compare({"model": model}, cv=cv, return_predictions=True)
        total, count = np.zeros((120, 2)), np.zeros(120)
        for train, test in cv.split(X, Y):
            total[test] += clone(model).fit(X[train], Y[train]).predict_proba(X[test])
            count[test] += 1
        rows = np.flatnonzero(count)
        mean = total[rows] / count[rows, None]
        ensemble = found.ensemble_scores().loc["model"]
        assert ensemble["n_rows"] == len(rows)
        assert ensemble["roc_auc"] == pytest.approx(roc_auc_score(Y[rows], mean[:, 1]))
        expected = f1_score(Y[rows], mean.argmax(axis=1), average="macro")
        assert ensemble["f1_macro"] == pytest.approx(expected)

    def test_errors(self, comparison):
        with pytest.raises(ValueError, match=r"metric must be one of \['a', 'b'\], got 'c'"):
            comparison.table("c")
        with pytest.raises(ValueError, match="baseline must be one of"):
            comparison.differences("worst")
        with pytest.raises(ValueError, match="test must be 'corrected_t' or 'wilcoxon'"):
            comparison.differences(test="t")
        with pytest.raises(ValueError, match="return_predictions=True"):
            comparison.ensemble_scores()
        with pytest.raises(ValueError, match="lacks the columns"):
            MethodComparison(comparison.scores.drop(columns="n_test"))
        only = MethodComparison(comparison.scores.query("method == 'base'"))
        with pytest.raises(ValueError, match="needs two methods"):
            only.differences()
