import numpy as np
import pandas as pd
import pytest

from skxrd import SemiSupervisedBaggingClassifier
from skxrd._labels import as_labels, encode_labels, labeled_mask, plain_labels, winner_or_unlabeled
from skxrd.model_selection import cross_val_predict_labeled, label_budget_curve, mask_labels
from skxrd.supervised import LabeledOnlyClassifier

NAN = float("nan")


def encode(y):
    classes, codes = encode_labels(y, estimator_name="Test")
    return classes, codes.tolist()


def objects(*labels):
    return np.array(labels, dtype=object)


@pytest.mark.parametrize(
    ("y", "labeled"),
    [
        ([0, 1, -1], [True, True, False]),
        (np.array([0.0, -1.0]), [True, False]),
        (["a", "b"], [True, True]),
        (objects("a", None, float("nan"), -1, "b", -1.0), [True, False, False, False, True, False]),
        (objects(0, 1, None), [True, True, False]),
        (objects(1, pd.NA), [True, False]),
        (pd.Series(["a", None, "b"]), [True, False, True]),
        (pd.Series([0, -1], name="y"), [True, False]),
        (np.array([True, False]), [True, True]),
        (np.array([0, 255], dtype=np.uint8), [True, True]),
        ([], []),
        (["a", NAN], [True, False]),
        (["a", np.nan, None, pd.NA, -1, "nan"], [True, False, False, False, False, True]),
        (("a", NAN), [True, False]),
        ([0, None, 1], [True, False, True]),
        ([0, pd.NA], [True, False]),
        (pd.Series([1, None, 0, -1], dtype="Int64"), [True, False, True, False]),
        (pd.array([1, None, 0], dtype="Int64"), [True, False, True]),
        (pd.Series([1.0, None], dtype="Float64"), [True, False]),
        (pd.Series([True, None], dtype="boolean"), [True, False]),
        (pd.Series(["a", None], dtype="string"), [True, False]),
        (pd.Series(["a", None], dtype="category"), [True, False]),
        (pd.Series([1, None], dtype="category"), [True, False]),
    ],
)
def test_labeled_mask(y, labeled):
    assert labeled_mask(y).tolist() == labeled
    assert labeled_mask(y).dtype == bool


def test_minus_one_that_numpy_turned_into_text_is_unlabeled():
    # np.array(["a", "b", -1]) holds "-1": without care it would become a third class
    y = np.array(["a", "b", -1])
    assert y.dtype.kind == "U"
    assert labeled_mask(y).tolist() == [True, True, False]
    classes, codes = encode(["a", "b", -1])
    assert classes.tolist() == ["a", "b"]
    assert codes == [0, 1, -1]


@pytest.mark.parametrize(
    ("y", "classes", "kind", "codes"),
    [
        ([7, 3, -1, 3], [3, 7], "i", [1, 0, -1, 0]),
        (np.array([0.0, 1.0, -1.0]), [0.0, 1.0], "f", [0, 1, -1]),
        (["b", "a", "b"], ["a", "b"], "U", [1, 0, 1]),
        (objects("b", -1, "a", None, np.nan), ["a", "b"], "O", [1, -1, 0, -1, -1]),
        (objects(2, None, 0, -1), [0, 2], "i", [1, -1, 0, -1]),
        (objects(1.0, np.nan, 0.0), [0.0, 1.0], "f", [1, -1, 0]),
        (objects(True, False, None), [False, True], "b", [1, 0, -1]),
        (np.array([True, False]), [False, True], "b", [1, 0]),
        (["b", NAN, "a"], ["a", "b"], "O", [1, -1, 0]),
        (["b", pd.NA, "a", None, -1, NAN], ["a", "b"], "O", [1, -1, 0, -1, -1, -1]),
        (["b", "nan", "b"], ["b", "nan"], "U", [0, 1, 0]),  # a text is a label
        ([2, None, 0, pd.NA], [0, 2], "i", [1, -1, 0, -1]),
        (pd.Series([2, None, 0], dtype="Int64"), [0, 2], "i", [1, -1, 0]),
        (pd.array([2, None, 0], dtype="Int64"), [0, 2], "i", [1, -1, 0]),
        (pd.Series([1.0, None, 0.0], dtype="Float64"), [0.0, 1.0], "f", [1, -1, 0]),
        (pd.Series([True, None, False], dtype="boolean"), [False, True], "b", [1, -1, 0]),
        (pd.Series(["b", None, "a"], dtype="string"), ["a", "b"], "O", [1, -1, 0]),
        (pd.Series(["b", None, "a"], dtype="category"), ["a", "b"], "O", [1, -1, 0]),
    ],
)
def test_encode_labels(y, classes, kind, codes):
    found, encoded = encode(y)
    assert found.tolist() == classes
    assert found.dtype.kind == kind
    assert encoded == codes


def test_encode_does_not_change_y():
    y = np.array([5, -1, 2])
    y.flags.writeable = False
    encode(y)
    assert y.tolist() == [5, -1, 2]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, -1, -1], "Test needs labeled rows of at least two classes, but all 3 rows"),
        (objects(None, np.nan), "all 2 rows"),
        ([1, 1, -1], r"y holds one class: \[1\]"),
        (np.array([0.0, 1.0, np.nan]), "NaN"),
        (np.array([0.5, 1.5, -1]), "Unknown label type: continuous"),
        ([[0, 1], [1, 0]], "1d array"),
        (objects(1, "a", None), "Unknown label type"),
        ([1, "a", "b"], "Unknown label type"),
        (["a", NAN], r"one class: \['a'\]"),
    ],
)
def test_encode_labels_errors(y, message):
    with pytest.raises(ValueError, match=message):
        encode(y)


def test_plain_labels_keep_text_and_mixtures():
    text = objects("a", "b")
    assert plain_labels(text) is text
    mixture = objects("a", 1)
    assert plain_labels(mixture) is mixture
    integers = np.array([1, 2], dtype=np.int8)
    assert plain_labels(integers) is integers
    assert plain_labels(objects(1, 2)).dtype.kind == "i"


def test_as_labels_copies_no_array():
    for y in (np.array([1, -1]), np.array(["a", "nan"]), objects("a", None)):
        assert as_labels(y) is y


def test_as_labels_leaves_text_and_numbers_to_numpy():
    assert as_labels(["a", "-1"]).dtype.kind == "U"
    assert as_labels([0, -1]).dtype.kind == "i"
    assert as_labels(pd.Series([0.0, np.nan])).dtype.kind == "f"
    assert as_labels([["a"], [NAN]]).shape == (2, 1)


X = np.arange(12.0).reshape(12, 1)
Y = ["no"] * 4 + [NAN, None, -1, pd.NA] + ["yes"] * 4


@pytest.mark.parametrize(
    "estimator",
    [
        LabeledOnlyClassifier(),
        SemiSupervisedBaggingClassifier(LabeledOnlyClassifier(), n_estimators=2, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_classifiers_learn_no_missing_label_of_a_list(estimator):
    fitted = estimator.fit(X, Y)
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.score(X, Y) == 1


def test_model_selection_tests_no_missing_label_of_a_list():
    found = cross_val_predict_labeled(LabeledOnlyClassifier(), X, Y, cv=2)
    assert found.tolist() == ["no"] * 4 + [-1] * 4 + ["yes"] * 4
    masked = mask_labels(Y, 1, random_state=0)
    assert sorted(label for label in masked if label != -1) == ["no", "yes"]
    curve = label_budget_curve(
        LabeledOnlyClassifier(), X, Y, n_labeled_per_class=(2,), cv=2, random_state=0
    )
    assert (curve["score"] == 1).all()


@pytest.mark.parametrize(
    ("classes", "expected", "kind"),
    [
        (np.array([3, 5], dtype=np.uint8), [3, -1, 5], "i"),
        (np.array(["a", "b"]), ["a", -1, "b"], "O"),
        (objects("a", "b"), ["a", -1, "b"], "O"),
    ],
)
def test_winner_or_unlabeled(classes, expected, kind):
    scores = np.array([[1, 1], [0, 0], [0, 2]])  # of equal ones the first
    found = winner_or_unlabeled(scores, classes, np.array([True, False, True]))
    assert found.tolist() == expected
    assert found.dtype.kind == kind
