import numpy as np
import pandas as pd
import pytest

from skxrd._labels import encode_labels, labeled_mask, plain_labels


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
