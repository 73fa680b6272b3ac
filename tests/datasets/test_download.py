import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pooch
import pytest

from skxrd.datasets import get_data_home
from skxrd.datasets._download import RemoteFile, fetch_file
from skxrd.datasets._obelix import _CIFS, _TABLE
from skxrd.datasets._xrdmatch import _FILE
from skxrd.exceptions import DataIntegrityError, DownloadError, SkxrdError

CONTENT = b"two_theta,intensity\n10.0,1.0\n" * 100
REMOTE = RemoteFile(
    repository="someone/something",
    commit="0" * 40,
    path="folder/file.csv",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    folder="something",
)


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_download_once(server, tmp_path):
    server.publish(REMOTE, CONTENT)
    for _ in range(2):
        path = fetch_file(REMOTE, data_home=tmp_path)
        assert path == tmp_path / "something" / "file.csv"
        assert path.read_bytes() == CONTENT
    assert server.requested == [f"/someone/something/{'0' * 40}/folder/file.csv"]
    assert files_below(tmp_path) == [path]


def test_file_put_by_hand_needs_no_network(server, tmp_path):
    (tmp_path / "something").mkdir()
    (tmp_path / "something" / "file.csv").write_bytes(CONTENT)
    assert fetch_file(REMOTE, data_home=tmp_path, download_if_missing=False).is_file()
    assert fetch_file(REMOTE, data_home=str(tmp_path)).is_file()
    assert server.requested == []


def test_relative_data_home(server, tmp_path, monkeypatch):
    server.publish(REMOTE, CONTENT)
    monkeypatch.chdir(tmp_path)
    path = fetch_file(REMOTE, data_home="data")
    assert path == tmp_path / "data" / "something" / "file.csv"
    assert path.read_bytes() == CONTENT


def test_damaged_file_is_replaced(server, tmp_path):
    server.publish(REMOTE, CONTENT)
    path = fetch_file(REMOTE, data_home=tmp_path)
    path.write_bytes(CONTENT[:-1])
    assert fetch_file(REMOTE, data_home=tmp_path).read_bytes() == CONTENT
    assert len(server.requested) == 2


def test_damaged_file_without_download(server, tmp_path):
    path = tmp_path / "something" / "file.csv"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    with pytest.raises(DataIntegrityError, match="differs from the published file") as caught:
        fetch_file(REMOTE, data_home=tmp_path, download_if_missing=False)
    assert str(path) in str(caught.value)
    assert REMOTE.sha256 in str(caught.value)
    assert server.requested == []
    assert path.read_bytes() == b"damaged"


def test_missing_without_download(server, tmp_path):
    with pytest.raises(DownloadError, match="download_if_missing=False") as caught:
        fetch_file(REMOTE, data_home=tmp_path, download_if_missing=False)
    assert str(tmp_path / "something" / "file.csv") in str(caught.value)
    assert server.requested == []
    assert not any(tmp_path.iterdir())


def assert_says_what_to_do(error, tmp_path):
    message = str(error)
    assert isinstance(error, SkxrdError)
    assert REMOTE.url in message
    assert REMOTE.sha256 in message
    assert "by hand" in message
    assert str(tmp_path / "something" / "file.csv") in message


def test_wrong_hash(server, tmp_path):
    server.publish(REMOTE, b"something else")
    with pytest.raises(DataIntegrityError, match="differs from the published one") as caught:
        fetch_file(REMOTE, data_home=tmp_path)
    assert isinstance(caught.value, ValueError)
    assert hashlib.sha256(b"something else").hexdigest() in str(caught.value)
    assert_says_what_to_do(caught.value, tmp_path)
    assert files_below(tmp_path) == []


def test_cut_connection(server, tmp_path):
    server.publish(REMOTE, CONTENT[:1000])
    server.missing_bytes = len(CONTENT) - 1000
    with pytest.raises(DownloadError, match="could not be downloaded") as caught:
        fetch_file(REMOTE, data_home=tmp_path)
    assert isinstance(caught.value, OSError)
    assert_says_what_to_do(caught.value, tmp_path)
    assert files_below(tmp_path) == []


def test_cut_connection_keeps_the_file_before(server, tmp_path):
    path = tmp_path / "something" / "file.csv"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    server.publish(REMOTE, CONTENT[:1000])
    server.missing_bytes = 1
    with pytest.raises(DownloadError):
        fetch_file(REMOTE, data_home=tmp_path)
    assert path.read_bytes() == b"damaged"
    assert files_below(tmp_path) == [path]


def test_missing_on_server(server, tmp_path):
    with pytest.raises(DownloadError, match="404") as caught:
        fetch_file(REMOTE, data_home=tmp_path)
    assert_says_what_to_do(caught.value, tmp_path)
    assert files_below(tmp_path) == []


def test_no_network(server, tmp_path):
    server.stop()  # nobody listens at its port any more
    with pytest.raises(DownloadError, match="Check the connection") as caught:
        fetch_file(REMOTE, data_home=tmp_path)
    assert_says_what_to_do(caught.value, tmp_path)
    assert files_below(tmp_path) == []


def test_mirror_that_is_no_address(tmp_path, monkeypatch):
    monkeypatch.setenv("SKXRD_DATA_MIRROR", "nonsense")
    with pytest.raises(DownloadError, match="nonsense/someone"):
        fetch_file(REMOTE, data_home=tmp_path)


def test_data_home_that_is_a_file(server, tmp_path):
    server.publish(REMOTE, CONTENT)
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="could not be downloaded"):
        fetch_file(REMOTE, data_home=tmp_path / "file")


def test_data_home(tmp_path, monkeypatch):
    monkeypatch.delenv("SKXRD_DATA", raising=False)
    assert get_data_home() == Path(pooch.os_cache("skxrd"))
    monkeypatch.setenv("SKXRD_DATA", str(tmp_path))
    assert get_data_home() == tmp_path
    assert get_data_home(tmp_path / "other") == tmp_path / "other"
    assert get_data_home("~") == Path.home()


def test_mirror_variable(monkeypatch):
    monkeypatch.delenv("SKXRD_DATA_MIRROR", raising=False)
    rest = f"someone/something/{'0' * 40}/folder/file.csv"
    assert REMOTE.url == f"https://raw.githubusercontent.com/{rest}"
    monkeypatch.setenv("SKXRD_DATA_MIRROR", "https://mirror.example/tree/")
    assert REMOTE.url == f"https://mirror.example/tree/{rest}"


@pytest.mark.parametrize("remote", [_FILE, _TABLE, _CIFS], ids=lambda remote: remote.name)
def test_files_are_pinned(remote):
    assert len(remote.commit) == 40
    assert int(remote.commit, 16) > 0
    assert len(remote.sha256) == 64
    assert int(remote.sha256, 16) > 0


def test_remote_files_do_not_share_a_place():
    places = {(remote.folder, remote.name) for remote in (_FILE, _TABLE, _CIFS)}
    assert len(places) == 3
    assert replace(REMOTE, path="file.csv").name == "file.csv"


def test_import_is_light():
    code = (
        "import sys, skxrd.datasets\n"
        "print([name for name in ('torch', 'pymatgen', 'matplotlib') if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert output.stdout.strip() == "[]"
