"""Crystal structures and measured conductivities of OBELiX, downloaded from its repository."""

from __future__ import annotations

import os
import tarfile
from numbers import Real
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skxrd._labels import UNLABELED
from skxrd._sklearn import Interval, validate_params
from skxrd.datasets._download import RemoteFile, fetch_file
from skxrd.datasets._xrdmatch import SHARED_WITH_OBELIX

__all__ = ["fetch_obelix", "label_by_conductivity"]

_REPOSITORY = "NRC-Mila/OBELiX"
_COMMIT = "4eaac889809dd489e3bae468c45d5c0e02b9147a"
_TABLE = RemoteFile(
    repository=_REPOSITORY,
    commit=_COMMIT,
    path="data/downloads/train.csv",
    sha256="01d87779862807e24bc45bb2c759852f892390b99f9340f13906c54805aa8776",
    folder="obelix",
)
_CIFS = RemoteFile(
    repository=_REPOSITORY,
    commit=_COMMIT,
    path="data/downloads/train_cifs.tar.gz",
    sha256="0c461b79d3650e68228f2b921d1b9b58944dcbe470eeffcf85653748c13ce19e",
    folder="obelix",
)

_DESCR = """\
OBELiX, training split
======================

478 synthesized solid electrolytes that contain lithium, with their ionic conductivity measured at
room temperature, space group and lattice parameters, and for 254 of them a CIF.

Labels: 1 = superionic (at least `superionic_threshold`, 1e-4 S/cm by default), 0 = not superionic,
-1 = unknown. 29 conductivities are published as an upper bound ("<1E-10", "<1E-8"): `conductivity`
holds the bound and `conductivity_censored` is True; the label of such a row is unknown where the
bound is above the threshold. With the default, 218 rows are superionic, 93 of them with a CIF.

What to know before learning from the data:

- The coordinates in the CIFs were randomized by the authors of the data, within the symmetry and
  with the exact lattice. Computed line positions are exact, computed intensities are approximate.
- 195 of the 254 structures are disordered (partial occupancies), 7 have no lithium site, and 52
  come from another publication on a similar material (`close_match`).
- Rows depend on each other: the 478 come from 176 publications (`doi`), and 80 repeat the
  `formula` of an earlier row, often with another conductivity (5 more do so in another spelling).
  Split by groups of one or the other.
- Overlap: 84 rows have the ICSD number (36 rows) or the composition (80 rows) of a row of
  `fetch_xrdmatch` (`shared_with_xrdmatch`); 8 of the 36 differ by more than a factor of ten in
  conductivity. Leave the 84 out when one set is to test what was learned from the other.

The test split of OBELiX is not a part of this set.

License: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/

Citation: F. Therrien et al., "OBELiX: A Curated Dataset of Crystal Structures and Experimentally
Measured Ionic Conductivities for Lithium Solid-State Electrolytes", arXiv:2502.14234 (2025).
Source: https://github.com/NRC-Mila/OBELiX
"""


@validate_params(
    {
        "superionic_threshold": [Interval(Real, 0, None, closed="neither")],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_obelix(
    *,
    superionic_threshold: float = 1e-4,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load the training split of OBELiX; download it at the first call (0.3 MB).

    ============= ================================================
    Materials     478, of which 254 have a CIF
    Labels        218 superionic, 260 not (default threshold)
    License       CC BY 4.0
    ============= ================================================

    The returned `DESCR` tells what to know about the data: randomized coordinates, repeated
    compositions, and the overlap with `fetch_xrdmatch`.

    Parameters
    ----------
    superionic_threshold : float, default=1e-4
        Lowest conductivity of a superionic conductor in S/cm, above 0.
    data_home : path-like, default=None
        Folder of the downloaded files; None stands for the environment variable ``SKXRD_DATA``
        or, without that, for the user's cache folder.
    download_if_missing : bool, default=True
        Whether to download a missing or damaged file; False raises an error instead.
    return_X_y : bool, default=False
        Whether to return the CIF texts and the labels of the rows with a CIF only.

    Returns
    -------
    Bunch or tuple of (list of str, ndarray)
        The Bunch holds

        frame : DataFrame of 478 rows
            ``id``, ``formula`` (reduced), ``composition`` (of the unit cell), ``family`` (missing
            in 18 rows), ``conductivity`` in S/cm at room temperature, ``conductivity_censored``
            (whether it is an upper bound only), ``space_group_number``, the lattice parameters
            ``a``, ``b``, ``c`` in angstrom and ``alpha``, ``beta``, ``gamma`` in degrees, ``doi``
            (publication of the conductivity, in lower case), ``icsd`` (collection number, may be
            missing), ``has_cif``, ``close_match`` (whether the structure is that of a similar
            material) and ``shared_with_xrdmatch`` (whether `fetch_xrdmatch` has the ICSD number or
            the composition too).
        target : ndarray of int64 of shape (478,)
            1 for a superionic conductor, 0 for others, -1 where a bound above the threshold
            leaves it open.
        target_names : list of str
            Meaning of 0 and 1.
        cifs : dict of str to str
            CIF text of each id that has one, in the order of `frame`.
        DESCR : str
            Origin, caveats, license and citation.

        With ``return_X_y=True``, the CIF texts in the order of `frame` and their labels.

    Raises
    ------
    DownloadError
        If a file is missing and must not or cannot be downloaded.
    DataIntegrityError
        If a file differs from the published one.

    Examples
    --------
    >>> from skxrd.datasets import fetch_obelix
    >>> cifs, y = fetch_obelix(return_X_y=True)  # doctest: +SKIP
    >>> len(cifs), y.sum().item()  # doctest: +SKIP
    (254, 93)
    """
    where: dict[str, Any] = {"data_home": data_home, "download_if_missing": download_if_missing}
    published = pd.read_csv(fetch_file(_TABLE, **where), dtype={"ID": str})
    texts = _read_cifs(fetch_file(_CIFS, **where))

    frame = _make_frame(published)
    frame["has_cif"] = frame["id"].isin(texts)
    frame["close_match"] = published["close match"].eq("Yes")
    frame["shared_with_xrdmatch"] = frame["id"].isin(
        {obelix_id for ids in SHARED_WITH_OBELIX.values() for obelix_id in ids}
    )
    target = label_by_conductivity(frame, superionic_threshold)
    cifs = {row: texts[row] for row in frame["id"] if row in texts}
    if return_X_y:
        return list(cifs.values()), target[frame["has_cif"].to_numpy()]
    return Bunch(
        frame=frame,
        target=target,
        target_names=["not superionic", "superionic"],
        cifs=cifs,
        DESCR=_DESCR,
    )


def _make_frame(published: pd.DataFrame) -> pd.DataFrame:
    conductivity = published["Ionic conductivity (S cm-1)"].astype(str).str.strip()
    censored = conductivity.str.startswith("<")
    return pd.DataFrame(
        {
            "id": published["ID"],
            "formula": published["Reduced Composition"].str.strip(),
            "composition": published["True Composition"].str.strip(),
            "family": published["Family"],
            "conductivity": conductivity.str.removeprefix("<").astype(float),
            "conductivity_censored": censored,
            "space_group_number": published["Space group #"],
            **{name: published[name] for name in ("a", "b", "c", "alpha", "beta", "gamma")},
            "doi": published["DOI"].str.lower(),  # one is published in two spellings
            "icsd": published["ICSD ID"].astype("Int64"),
        }
    )


def label_by_conductivity(frame: pd.DataFrame, threshold: float) -> NDArray[np.int64]:
    """Label rows with columns "conductivity" and "conductivity_censored"; -1 where unknown."""
    conductivity = frame["conductivity"].to_numpy()
    censored = frame["conductivity_censored"].to_numpy()
    target = (conductivity >= threshold).astype(np.int64)
    target[censored & (conductivity > threshold)] = UNLABELED
    target[censored & (conductivity == threshold)] = 0  # the value is below its bound
    return target


def _read_cifs(path: Path) -> dict[str, str]:
    """Read the CIFs of an archive in memory, so that no name in it can reach the disk."""
    cifs = {}
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None and member.name.endswith(".cif"):
                cifs[PurePosixPath(member.name).stem] = content.read().decode("utf-8")
    return cifs
