import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skxrd.datasets import _obelix, fetch_obelix
from skxrd.exceptions import DataIntegrityError, DownloadError

ROWS = {
    "ID": ["fft", "1e9", "007", "zzz", "yyy"],  # the second and the third look like numbers
    "Reduced Composition": ["Li3N", " Li3SbS3", "LiI", "Li2S", "LiF"],
    "True Composition": ["Li3N1", "Li12Sb4S12", "Li4I4 ", "Li8S4", "Li4F4"],
    "Ionic conductivity (S cm-1)": ["5.77e-4", "1E-07", "<1E-8", "<1E-10", "1e-4"],
    "Space group #": [191, 33, 225, 225, 225],
    "a": [3.648, 8.0, 6.0, 5.7, 4.0],
    "b": [3.648, 6.8, 6.0, 5.7, 4.0],
    "c": [3.875, 10.1, 6.0, 5.7, 4.0],
    "alpha": [90.0] * 5,
    "beta": [90.0] * 5,
    "gamma": [120.0, 90.0, 90.0, 90.0, 90.0],
    "Family": ["nitrides", None, "halides", "sulfides", "halides"],
    "DOI": ["10.1/A", "10.1/b", "10.1/c", "10.1/d", "10.1/e"],
    "close match": [None, None, "Yes", None, None],
    "ICSD ID": [34280.0, 424834.0, None, None, None],
}
CIFS = {"007": "data_LiI", "fft": "data_Li3N"}  # not in the order of the table


def make_archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        members = {f"cifs/{name}.cif": text for name, text in CIFS.items()}
        members |= {"cifs/README.txt": "about", "../../outside.cif": "data_outside"}
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("cifs/zzz.cif")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/hostname"
        archive.addfile(link)
    return buffer.getvalue()


@pytest.fixture
def home(server, tmp_path, monkeypatch):
    table = pd.DataFrame(ROWS).to_csv(index=False).encode()
    for name, content in {"_TABLE": table, "_CIFS": make_archive()}.items():
        digest = hashlib.sha256(content).hexdigest()
        remote = replace(getattr(_obelix, name), sha256=digest)
        monkeypatch.setattr(_obelix, name, remote)
        server.publish(remote, content)
    return tmp_path / "home"


def test_frame(home):
    frame = fetch_obelix(data_home=home).frame
    assert frame["id"].tolist() == ROWS["ID"]
    assert frame["formula"].tolist() == ["Li3N", "Li3SbS3", "LiI", "Li2S", "LiF"]
    assert frame["composition"].tolist() == ["Li3N1", "Li12Sb4S12", "Li4I4", "Li8S4", "Li4F4"]
    assert frame["family"].isna().tolist() == [False, True, False, False, False]
    assert frame["space_group_number"].tolist() == [191, 33, 225, 225, 225]
    for name in ("a", "b", "c", "alpha", "beta", "gamma"):
        assert frame[name].tolist() == ROWS[name]
    assert frame["doi"].tolist() == ["10.1/a", "10.1/b", "10.1/c", "10.1/d", "10.1/e"]
    assert frame["icsd"].tolist() == [34280, 424834, pd.NA, pd.NA, pd.NA]
    assert frame["has_cif"].tolist() == [True, False, True, False, False]
    assert frame["close_match"].tolist() == [False, False, True, False, False]
    assert frame["shared_with_xrdmatch"].tolist() == [True, True, False, False, False]


def test_censored_conductivity(home):
    frame = fetch_obelix(data_home=home).frame
    assert frame["conductivity"].tolist() == [5.77e-4, 1e-7, 1e-8, 1e-10, 1e-4]
    assert frame["conductivity_censored"].tolist() == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("threshold", "target"),
    [
        (1e-4, [1, 0, 0, 0, 1]),  # the threshold itself counts as superionic
        (1e-3, [0, 0, 0, 0, 0]),
        (1e-8, [1, 1, 0, 0, 1]),  # a value below a bound at the threshold is below it
        (1e-9, [1, 1, -1, 0, 1]),  # a value below 1e-8 may be on either side
        (1e-11, [1, 1, -1, -1, 1]),
    ],
)
def test_target(home, threshold, target):
    bunch = fetch_obelix(data_home=home, superionic_threshold=threshold)
    assert bunch.target.tolist() == target
    assert bunch.target.dtype == np.int64


def test_archive_is_read_in_memory(home, tmp_path):
    cifs = fetch_obelix(data_home=home).cifs
    assert cifs == CIFS  # no link, no other file, nothing that the table does not know
    assert list(cifs) == ["fft", "007"]
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"train.csv", "train_cifs.tar.gz"}


def test_return_X_y(home):
    cifs, y = fetch_obelix(data_home=home, superionic_threshold=1e-9, return_X_y=True)
    assert cifs == ["data_Li3N", "data_LiI"]
    assert y.tolist() == [1, -1]


@pytest.mark.parametrize(
    "word", ["CC BY 4.0", "Citation", "randomized", "shared_with_xrdmatch", "doi"]
)
def test_description(home, word):
    assert word in fetch_obelix(data_home=home).DESCR


def test_download_once(home, server):
    for _ in range(2):
        fetch_obelix(data_home=home)
    assert len(server.requested) == 2


def test_missing(tmp_path):
    with pytest.raises(DownloadError, match=r"train\.csv"):
        fetch_obelix(data_home=tmp_path, download_if_missing=False)


def test_other_archive(home, server):
    server.publish(_obelix._CIFS, b"other")
    with pytest.raises(DataIntegrityError, match=r"train_cifs\.tar\.gz"):
        fetch_obelix(data_home=home)


@pytest.mark.parametrize("threshold", [0, -1e-4, "high"])
def test_wrong_threshold(threshold):
    with pytest.raises(ValueError, match="superionic_threshold"):
        fetch_obelix(superionic_threshold=threshold)


@pytest.mark.real_data
def test_real_numbers(server, tmp_path, obelix_files):
    for remote, content in zip((_obelix._TABLE, _obelix._CIFS), obelix_files, strict=True):
        server.publish(remote, content)
    bunch = fetch_obelix(data_home=tmp_path)
    frame = bunch.frame
    assert len(frame) == len(bunch.target) == 478
    assert frame["id"].is_unique
    assert frame["conductivity"].between(4.2e-18, 0.025).all()
    assert frame["conductivity_censored"].sum() == 29
    assert np.unique(bunch.target, return_counts=True)[1].tolist() == [260, 218]
    assert (frame["conductivity"] >= 1e-3).sum() == 82
    assert frame["has_cif"].sum() == len(bunch.cifs) == 254
    assert frame["close_match"].sum() == 52
    assert frame["family"].isna().sum() == 18
    assert frame["formula"].duplicated().sum() == 80  # 76 before blanks are stripped
    assert frame["doi"].nunique() == 176
    assert frame["shared_with_xrdmatch"].sum() == 84
    assert all(text.count("_cell_length_a") == 1 for text in bunch.cifs.values())

    cifs, y = fetch_obelix(data_home=tmp_path, return_X_y=True)
    assert (len(cifs), len(y), y.sum()) == (254, 254, 93)
    _, y = fetch_obelix(data_home=tmp_path, superionic_threshold=5e-5, return_X_y=True)
    assert y.sum() == 99
