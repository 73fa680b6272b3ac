import numpy as np
import pandas as pd
import pytest

from skxrd.exceptions import FileFormatError
from skxrd.screening._pattern_source import open_patterns

X = np.random.default_rng(0).random((23, 5)).astype(np.float32)


@pytest.fixture(params=["array", "list", "frame", "npy", "parquet"])
def source(request, tmp_path):
    if request.param == "array":
        return X
    if request.param == "list":
        return X.tolist()
    if request.param == "frame":
        return pd.DataFrame(X)
    if request.param == "npy":
        np.save(tmp_path / "X.npy", X)
        return tmp_path / "X.npy"
    return write_parquet(tmp_path / "X.parquet", row_group_size=7)


def write_parquet(path, **options):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(X, columns=[f"two_theta_{10 + i}.00" for i in range(5)])
    frame.insert(0, "id", [f"row-{i}" for i in range(len(X))])
    frame.to_parquet(path, **options)
    return path


@pytest.mark.parametrize("size", [1, 4, 7, 10, 23, 100])
def test_batches(source, size):
    opened = open_patterns(source)
    assert (opened.n_patterns, opened.n_points) == X.shape
    for _ in range(2):  # a source can be read again
        batches = list(opened.batches(size))
        assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
        np.testing.assert_array_equal(np.concatenate(batches), X)


def test_memory_maps_are_not_read(tmp_path):
    np.save(tmp_path / "X.npy", X)
    batches = list(open_patterns(str(tmp_path / "X.npy")).batches(10))
    assert all(isinstance(batch, np.memmap) for batch in batches)


def test_other_columns(tmp_path):
    source = open_patterns(write_parquet(tmp_path / "X.parquet"))
    assert source.columns()["id"].tolist()[:2] == ["row-0", "row-1"]
    assert open_patterns(X).columns().shape == (23, 0)


def test_no_patterns():
    assert list(open_patterns(np.empty((0, 5))).batches(10)) == []


def test_bad_sources(tmp_path):
    with pytest.raises(ValueError, match=r"1 dimension\(s\) of shape \(5,\)"):
        open_patterns(X[0])
    with pytest.raises(FileFormatError, match=r"from \.npy and \.parquet files, not from"):
        open_patterns("patterns.csv")
    with pytest.raises(FileNotFoundError):
        open_patterns(tmp_path / "none.npy")
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(FileFormatError, match="is no array of patterns"):
        open_patterns(tmp_path / "bad.npy")


def test_bad_parquet_files(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    with pytest.raises(FileFormatError, match="is no Parquet file"):
        open_patterns(tmp_path / "bad.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(FileFormatError, match=r"has no columns of patterns.*it has 'a'"):
        open_patterns(tmp_path / "other.parquet")
