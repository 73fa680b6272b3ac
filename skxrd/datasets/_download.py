"""Published files on the local disk: downloaded once, checked by hash, never half written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from skxrd.exceptions import DataIntegrityError, DownloadError

__all__ = ["RemoteFile", "fetch_file", "get_data_home"]

_HOST = "https://raw.githubusercontent.com"
_TIMEOUT = 30  # seconds without an answer


@dataclass(frozen=True)
class RemoteFile:
    """File of a public GitHub repository at one commit.

    Parameters
    ----------
    repository : str
        Owner and name, such as ``"NRC-Mila/OBELiX"``.
    commit : str
        Full hash of the commit, so that the file never changes.
    path : str
        Path within the repository.
    sha256 : str
        Hash of the content.
    folder : str
        Folder within the data home that keeps the file.
    """

    repository: str
    commit: str
    path: str
    sha256: str
    folder: str

    @property
    def name(self) -> str:
        """Name of the file without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def url(self) -> str:
        """Address of the file.

        The environment variable ``SKXRD_DATA_MIRROR`` replaces its beginning,
        ``https://raw.githubusercontent.com``, by the address of a copy of that site's tree; the
        hash is checked all the same.
        """
        host = os.environ.get("SKXRD_DATA_MIRROR") or _HOST
        return f"{host.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of the downloaded files; it is not created.

    Parameters
    ----------
    data_home : path-like, default=None
        Folder; None stands for the environment variable ``SKXRD_DATA`` or, without that, for the
        user's cache folder.

    Returns
    -------
    Path
        The folder, with ``~`` expanded.

    Examples
    --------
    >>> from skxrd.datasets import get_data_home
    >>> get_data_home("data").name
    'data'
    """
    if data_home is None:
        data_home = os.environ.get("SKXRD_DATA") or pooch.os_cache("skxrd")
    return Path(data_home).expanduser()


def fetch_file(
    remote: RemoteFile,
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
) -> Path:
    """Give the path of a published file, after a download if there is no intact copy.

    Parameters
    ----------
    remote : RemoteFile
        The file.
    data_home : path-like, default=None
        See `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download a file that is missing or damaged; a damaged one is replaced when the
        download is complete and its hash is right.

    Returns
    -------
    Path
        Local file with the published content.

    Raises
    ------
    DownloadError
        If the file is missing and must not or cannot be downloaded.
    DataIntegrityError
        If the downloaded file, or a local one that must not be downloaded anew, has another hash.
    """
    path = get_data_home(data_home).absolute() / remote.folder / remote.name
    present = path.is_file()
    if present and pooch.file_hash(str(path), alg="sha256") == remote.sha256:
        return path
    if not download_if_missing:
        raise _missing(remote, path, present)
    try:
        # pooch downloads to a temporary name and renames the file when its hash is right. The files
        # are small, and without streaming no connection stays open after an error.
        pooch.retrieve(
            remote.url,
            known_hash=f"sha256:{remote.sha256}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT, stream=False),
        )
    except OSError as error:  # includes the errors of requests
        raise DownloadError(
            f"{remote.url} could not be downloaded: {error}. Check the connection and try again, "
            f"or download the file by hand and put it at {path} (sha256 {remote.sha256})."
        ) from error
    except ValueError as error:
        raise DataIntegrityError(
            f"The file at {remote.url} differs from the published one: {error} "
            f"Try again, or put the file with sha256 {remote.sha256} at {path} by hand."
        ) from error
    return path


def _missing(remote: RemoteFile, path: Path, present: bool) -> Exception:
    remedy = (
        f"Call with download_if_missing=True, or download {remote.url} by hand and put it there."
    )
    if present:
        return DataIntegrityError(
            f"{path} differs from the published file: its sha256 is "
            f"{pooch.file_hash(str(path), alg='sha256')}, not {remote.sha256}. {remedy}"
        )
    return DownloadError(f"{path} is missing and download_if_missing=False. {remedy}")
