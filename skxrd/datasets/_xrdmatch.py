"""The labeled patterns of the XRDMatch paper, downloaded from its repository."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skxrd._sklearn import validate_params
from skxrd.datasets._download import RemoteFile, fetch_file
from skxrd.grid import TwoThetaGrid

__all__ = ["SHARED_WITH_OBELIX", "fetch_xrdmatch"]

_FILE = RemoteFile(
    repository="zhengwan-chem/XRDMatch",
    commit="739fe18700c80991f82eb0363eb67a9bfc5c7712",
    path="xrd_data/lbs.csv",
    sha256="a8be2dbbe9363bcb5caa81eeff2fa089dd96c779e7fd257ab926e0cf857b9c3e",
    folder="xrdmatch",
)

# ICSD number of an XRDMatch row, and the OBELiX rows (training split) that have this ICSD number or
# the same composition. Compositions are compared as fractions of the elements, after the prefixes
# and suffixes of formula_id were removed; the tests derive the table anew from both sets.
_SHARED = """
1125:6l9 9082:9zk 10257:9lo,w7d 16218:bv2 16568:n27 16798:kkn 16935:dth 18152:bsa 19002:h6c
22247:883 25385:x2i 26880:11b 31050:lkm 31316:sg0 33506:0iv,2ro 34118:tka 34280:fft,gvd
35018:joc,nhq 40245:bq9 41022:5bz,qa9 42697:5z0 54864:68u,gkl 54866:8k7,gz8,hcm,ka6
59708:b4c,x94 63201:fft,gvd 65177:dth 67265:qbb 71085:5bz,qa9 73276:45e 73835:tws 74958:r5y
83501:ix1,z7n 84092:kkn 85171:l9v 89456:ur9 92200:e6b 92236:s3h 94565:t0h 99217:95j 150918:pbz
150920:7ek 155950:jqc 158372:b7v,kbq 158373:uw9 163861:544,7o7,h89,hud,ner 180318:joc,nhq
183607:2mn,3qz,9p1,etz,wyu 183684:2mn,3qz,9p1,etz,wyu 188887:1hh,j8q,mtn,nkr,zzr
237200:gyw,ps0,zxr 238600:fj5 251656:xas 252036:k4x,mqo 252039:nip,ns3
261302:2mn,3qz,9p1,etz,wyu 280927:kfp 391258:qy4 413370:oi6 418490:122,97p,tt3 420286:mde
424834:1e9
"""
SHARED_WITH_OBELIX: dict[int, tuple[str, ...]] = {
    int(icsd): tuple(ids.split(","))
    for icsd, _, ids in (entry.partition(":") for entry in _SHARED.split())
}

_DESCR = """\
Labeled patterns of the XRDMatch paper
======================================

112 powder patterns of lithium compounds, 23 of them superionic conductors at room temperature.

Patterns: computed from ICSD structures for Cu K-alpha radiation (1.54184 angstrom) from 0 to 90
degrees two-theta in steps of 0.02 degrees. They are sticks, without broadening, background or
noise. A line at an angle t is at point ceil(t / 0.02), and where lines meet in one point the last
one replaced the others. Intensities are divided by that of the strongest line, and two rows,
Li7(P3S11)(EES) and Li3FeP3O12, have a lower maximum than 1 because another line replaced theirs.

Labels: 1 = superionic (23 rows), 0 = not superionic (89 rows). The original file codes them the
other way round. Every label follows from the measured conductivity by the rule that a superionic
conductor has at least 5e-5 S/cm.

Anomalies of the original file:

- Its last intensity column, v4501, is no intensity: it tells the label of 69 of the 89 rows that
  are not superionic. It is set to zero here.
- formula_id is a label and not always a formula: it has prefixes (a_, b_, c_, as_, ms_,
  tetragonal_) and suffixes ((EES), (NC), (nc_error)); Li2.667Mg0.667 lacks its anions and
  Li15Ge3V2O4 is not balanced in charge. Li7La3Zr2O12 occurs twice, from two structures.
- Three conductivities disagree with OBELiX by more than a factor of ten: Li3OBr, Li7La3Zr2O12
  (ICSD 261302) and Li0.87Hf2.032P3O12. The first two would have the other label there.

Overlap: 61 rows have the ICSD number or the composition of rows in the training split of OBELiX
(`fetch_obelix`); `frame["obelix_ids"]` lists these. Leave them out when one set is to test what
was learned from the other.

License: the repository states none, hence the file is downloaded from there and is not a part of
skxrd.

Citation: Z. Wan et al., "XRDMatch: a semi-supervised learning framework to efficiently discover
room temperature lithium superionic conductors", Energy Environ. Sci. 17, 9487 (2024),
doi:10.1039/d4ee02970d. Source: https://github.com/zhengwan-chem/XRDMatch
"""


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_xrdmatch(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load the labeled patterns of the XRDMatch paper; download them at the first call (1.2 MB).

    ============= ==================================
    Patterns      112, of 4,501 points
    Labels        23 superionic, 89 not superionic
    Radiation     Cu K-alpha, 0 to 90 degrees
    ============= ==================================

    The last intensity column of the original file leaks the label and is set to zero; the
    returned `DESCR` tells more about the data.

    Parameters
    ----------
    data_home : path-like, default=None
        Folder of the downloaded files; None stands for the environment variable ``SKXRD_DATA``
        or, without that, for the user's cache folder.
    download_if_missing : bool, default=True
        Whether to download a missing or damaged file; False raises an error instead.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` only.

    Returns
    -------
    Bunch or tuple of (ndarray, ndarray)
        The Bunch holds

        data : ndarray of float32 of shape (112, 4501)
            Stick patterns, with a maximum of 1 in all but two rows.
        target : ndarray of int64 of shape (112,)
            1 for a superionic conductor (at least 5e-5 S/cm at room temperature), else 0.
        target_names : list of str
            Meaning of 0 and 1.
        frame : DataFrame of 112 rows
            ``id`` (``name`` without the underscore), ``formula_id`` and ``name`` as published,
            ``conductivity`` in S/cm at room temperature, ``icsd`` (collection number, missing in
            one row), ``label`` (equal to `target`), ``shared_with_obelix`` (whether `fetch_obelix`
            has the ICSD number or the composition too) and ``obelix_ids`` (tuple of the ids
            there).
        grid : TwoThetaGrid
            Angles.
        wavelength : float
            Wavelength in angstrom.
        DESCR : str
            Origin, anomalies, license and citation.

    Raises
    ------
    DownloadError
        If the file is missing and must not or cannot be downloaded.
    DataIntegrityError
        If the file differs from the published one.

    Examples
    --------
    >>> from skxrd.datasets import fetch_xrdmatch
    >>> X, y = fetch_xrdmatch(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.sum().item()  # doctest: +SKIP
    ((112, 4501), 23)
    """
    path = fetch_file(_FILE, data_home=data_home, download_if_missing=download_if_missing)
    published = pd.read_csv(path)
    grid = TwoThetaGrid()
    columns = [f"v{number}" for number in range(1, grid.n_points + 1)]
    data = published[columns].to_numpy(dtype=np.float32, copy=True)
    data[:, -1] = 0  # leaks the label, see _DESCR
    target = (published["label"] == 0).to_numpy().astype(np.int64)  # published: 0 = superionic
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=["not superionic", "superionic"],
        frame=_make_frame(published, target),
        grid=grid,
        wavelength=1.54184,
        DESCR=_DESCR,
    )


def _make_frame(published: pd.DataFrame, target: np.ndarray) -> pd.DataFrame:
    name = published["name"]
    icsd = name.str.extract(r"^icsd_?(\d+)$", expand=False).astype("Float64").astype("Int64")
    obelix_ids = [() if pd.isna(number) else SHARED_WITH_OBELIX.get(number, ()) for number in icsd]
    return pd.DataFrame(
        {
            "id": name.str.replace("_", ""),
            "formula_id": published["formula_id"],
            "name": name,
            "conductivity": published["condutivity"],  # misspelled in the file
            "icsd": icsd,
            "label": target,
            "shared_with_obelix": [len(ids) > 0 for ids in obelix_ids],
            "obelix_ids": obelix_ids,
        }
    )
