from types import SimpleNamespace

import pytest
import torch

from skxrd.semi_supervised._batches import PairedBatches, PlainBatches


def make(n_labeled, n_unlabeled, batch_size=4, ratio=3, with_unlabeled=True, seed=0):
    """Row i of X holds i, so that batches tell which rows they are made of."""
    n = n_labeled + n_unlabeled
    generator = torch.Generator().manual_seed(7)
    y = torch.full((n,), -1)
    y[torch.randperm(n, generator=generator)[:n_labeled]] = torch.arange(n_labeled) % 2
    dataset = SimpleNamespace(X=torch.arange(n, dtype=torch.float32)[:, None], y=y)
    return PairedBatches(
        dataset,
        batch_size,
        unlabeled_ratio=ratio,
        with_unlabeled=with_unlabeled,
        generator=torch.Generator().manual_seed(seed),
    )


CASES = [  # labeled, unlabeled, expected batches at 4 labeled and 12 unlabeled rows each
    (4, 12, 1),
    (4, 13, 2),
    (2, 100, 9),
    (5, 0, 2),
    (40, 7, 10),
    (9, 30, 3),
]


@pytest.mark.parametrize(("n_labeled", "n_unlabeled", "n_batches"), CASES)
def test_a_pass(n_labeled, n_unlabeled, n_batches):
    batches = make(n_labeled, n_unlabeled)
    passes = list(batches)
    assert len(passes) == len(batches) == n_batches
    labeled_rows, unlabeled_rows = [], []
    for data, y in passes:
        assert len(data["X"]) == len(data["index"]) == len(y)
        labeled = y != -1
        # labeled rows come first
        assert labeled.tolist() == sorted(labeled.tolist(), reverse=True)
        assert labeled.sum() == min(4, n_labeled)
        assert (~labeled).sum() <= 12
        rows = data["X"].ravel().long()
        assert torch.equal(batches.y[rows], y)
        assert (data["index"][labeled] == -1).all()
        # the index leads to the same unlabeled row
        assert torch.equal(batches.unlabeled[data["index"][~labeled]], rows[~labeled])
        labeled_rows += rows[labeled].tolist()
        unlabeled_rows += rows[~labeled].tolist()
    assert sorted(unlabeled_rows) == batches.unlabeled.tolist()  # each exactly once
    counts = [labeled_rows.count(row) for row in batches.labeled.tolist()]
    assert min(counts) >= 1
    assert max(counts) - min(counts) <= 1


def test_unlabeled_rows_are_spread_evenly():
    sizes = [int((y == -1).sum()) for _, y in make(4, 50)]
    assert max(sizes) - min(sizes) <= 1


def test_without_unlabeled_rows_the_number_of_batches_is_the_same():
    batches = make(4, 50, with_unlabeled=False)
    passes = list(batches)
    assert len(passes) == len(make(4, 50))
    assert all((y != -1).all() for _, y in passes)


def test_order():
    def order(batches):
        return [data["X"].ravel().tolist() for data, _ in batches]

    assert order(make(9, 30)) == order(make(9, 30))
    assert order(make(9, 30)) != order(make(9, 30, seed=1))
    batches = make(9, 30)
    assert order(batches) != order(batches)  # each pass is shuffled anew


def test_plain_batches_keep_the_order():
    batches = PlainBatches(SimpleNamespace(X=torch.arange(10.0)[:, None]), batch_size=4)
    assert len(batches) == 3
    assert torch.cat([X for X, _ in batches]).ravel().tolist() == list(range(10))
    assert [len(X) for X, _ in batches] == [4, 4, 2]
