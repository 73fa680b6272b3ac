import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from skxrd._labels import labeled_mask
from skxrd.model_selection import mask_labels, train_test_split_labeled

Y = np.array([0] * 24 + [1] * 12 + [-1] * 30)
Y = np.random.RandomState(0).permutation(Y)
X = np.arange(len(Y))[:, None] * [1.0, 2.0]
NAMES = [f"sample {row}" for row in range(len(Y))]
GROUPS = np.arange(len(Y)) // 5


def split_rows(**kwargs):
    X_train, X_test, *_ = train_test_split_labeled(X, Y, **kwargs)
    return X_train[:, 0].astype(int), X_test[:, 0].astype(int)


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("stratify", [True, False])
def test_unlabeled_rows_train(stratify, groups):
    train, test = split_rows(stratify=stratify, groups=groups, random_state=0)
    assert sorted([*train, *test]) == list(range(len(Y)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    assert (Y[test] != -1).all()
    if groups is not None:
        assert not set(groups[test]) & set(groups[train[Y[train] != -1]])


def test_size_and_stratification():
    _, test = split_rows(random_state=0)
    assert np.bincount(Y[test]).tolist() == [6, 3]
    _, test = split_rows(test_size=6, random_state=0)
    assert np.bincount(Y[test]).tolist() == [4, 2]
    counts = {
        tuple(np.bincount(Y[split_rows(stratify=False, random_state=seed)[1]]))
        for seed in range(10)
    }
    assert len(counts) > 1


@pytest.mark.parametrize("test_size", [0.5, 18])
def test_size_with_groups(test_size):
    for stratify in (True, False):
        _, test = split_rows(
            test_size=test_size if stratify else 0.5,
            stratify=stratify,
            groups=GROUPS,
            random_state=0,
        )
        assert 9 <= len(test) <= 27


def test_order_and_types_are_those_of_scikit_learn():
    frame, series = pd.DataFrame(X), pd.Series(Y, index=np.arange(len(Y))[::-1])
    parts = train_test_split_labeled(frame, series, NAMES, sparse.csr_array(X), X, random_state=0)
    assert len(parts) == 10
    train, test = split_rows(random_state=0)
    for part, rows in zip(parts[::2], [train] * 5, strict=True):
        assert part.shape[0] == len(rows) if hasattr(part, "shape") else len(part) == len(rows)
    assert isinstance(parts[0], pd.DataFrame)
    assert isinstance(parts[2], pd.Series)
    assert parts[3].tolist() == Y[test].tolist()
    assert parts[5] == [NAMES[row] for row in test]
    np.testing.assert_array_equal(parts[7].toarray(), X[test])


def test_splits_are_reproducible():
    one, other, third = (split_rows(random_state=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert one.tolist() != third.tolist()


def test_errors_of_splits():
    with pytest.raises(ValueError, match="all 3 rows are unlabeled"):
        train_test_split_labeled([[0]] * 3, [-1, -1, -1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        train_test_split_labeled(X, Y, NAMES[1:])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        train_test_split_labeled(X, Y, groups=GROUPS[1:])
    with pytest.raises(ValueError, match="'test_size' parameter"):
        train_test_split_labeled(X, Y, test_size=1.5)
    with pytest.raises(ValueError, match="least populated class"):
        train_test_split_labeled([[0]] * 4, [0, 0, 0, 1])


LABELS = {
    "integers": np.array([0, 0, 0, 1, 1, 1, -1]),
    "small integers": np.array([0, 0, 0, 1, 1, 1, -1], dtype=np.int8),
    "floats": np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0]),
    "text": np.array(["a", "a", "a", "b", "b", "b", "-1"]),
    "objects": np.array(["a", "a", "a", "b", "b", "b", None], dtype=object),
    "list": ["a", "a", "a", "b", "b", "b", None],
    "Series": pd.Series(["a", "a", "a", "b", "b", "b", None]),
    "unsigned": np.array([0, 0, 0, 1, 1, 1], dtype=np.uint8),
    "booleans": np.array([False, False, False, True, True, True]),
}


@pytest.mark.parametrize("unlabeled_value", [-1, None, np.nan])
@pytest.mark.parametrize("name", LABELS)
def test_mask_labels(name, unlabeled_value):
    y = LABELS[name]
    before = list(y)
    masked = mask_labels(y, 2, random_state=0, unlabeled_value=unlabeled_value)
    assert list(map(str, y)) == list(map(str, before))  # NaN differs from itself
    labeled = labeled_mask(masked)
    assert labeled[:3].sum() == labeled[3:6].sum() == 2
    assert not labeled[6:].any()
    kept = np.asarray(y)[labeled]
    assert (masked[labeled] == kept).all()
    if unlabeled_value == -1:
        assert (masked[~labeled] == -1).all()
        assert masked.dtype.kind in "ifO"
        if name in ("integers", "small integers", "floats"):
            assert masked.dtype == y.dtype
    else:
        assert masked.dtype == object


def test_larger_budgets_hold_smaller_ones():
    sets = [
        set(np.flatnonzero(mask_labels(Y, n, random_state=3) != -1).tolist()) for n in (2, 5, 12)
    ]
    assert sets[0] < sets[1] < sets[2]
    assert [len(rows) for rows in sets] == [4, 10, 24]


def test_numbers_by_class():
    masked = mask_labels(Y, {0: 3, 1: 0}, random_state=0)
    assert (masked == 0).sum() == 3
    assert (masked == 1).sum() == 0
    masked = mask_labels(np.array(["no", "yes"])[Y.clip(0)], {"no": 1, "yes": 2}, random_state=0)
    assert masked.dtype == object
    assert sorted(masked[masked != -1]) == ["no", "yes", "yes"]


def test_masked_labels_are_good_for_scikit_learn():
    y = mask_labels(np.array(["no", "yes"])[Y.clip(0)], 5, random_state=0)
    model = SelfTrainingClassifier(DecisionTreeClassifier()).fit(X, y)
    assert set(model.classes_) == {"no", "yes"}


def test_draws_differ_between_seeds():
    draws = {tuple(mask_labels(Y, 2, random_state=seed)) for seed in range(5)}
    assert len(draws) == 5
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    mask_labels(Y, 2, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_errors_of_masks():
    with pytest.raises(ValueError, match="asks for 13 labels of class 1, but only 12 rows"):
        mask_labels(Y, 13)
    with pytest.raises(ValueError, match=r"must name the classes of y, \[0, 1\], got \[0\]"):
        mask_labels(Y, {0: 1})
    with pytest.raises(ValueError, match=r"must name the classes of y, \[0, 1\], got \[0, 1, 2\]"):
        mask_labels(Y, {0: 1, 1: 1, 2: 0})
    with pytest.raises(ValueError, match="integers of at least 0"):
        mask_labels(Y, {0: 1, 1: -2})
    with pytest.raises(ValueError, match="'n_labeled_per_class' parameter"):
        mask_labels(Y, 0)
    with pytest.raises(ValueError, match="unlabeled_value must be -1, None or NaN, got 'none'"):
        mask_labels(Y, 2, unlabeled_value="none")
    with pytest.raises(ValueError, match="all 2 rows are unlabeled"):
        mask_labels([-1, -1], 1)
