"""Bundled table: the candidates that the XRDMatch paper predicted, and what is known of them."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd
from sklearn.utils import Bunch

__all__ = ["load_xrdmatch_candidates"]

_DESCR = """\
Predicted conductors of the XRDMatch paper
==========================================

{n_candidates} lithium compounds that at least 5 of the paper's 10 models took for superionic
conductors: Table S2 of its supporting information. Of {n_labeled} the literature knows the
conductivity: {n_superionic} are superionic, {n_not} are not.

Columns of `frame`, in the order of the printed table:

- id: collection number as printed ("icsd_..." or "custom_...")
- formula: as printed, not reduced
- output_frequency: models, of 10, that vote for superionic
- label: 1 = superionic, 0 = not superionic, missing = not known. THE PAPER CODES THEM THE OTHER WAY
  ROUND; the bundled file has the paper's codes, and they are exchanged when it is read.
- similarity: to a known conductor, as printed; the paper does not say how it was computed
- reference: number of the publication in the reference list of the supporting information, missing
  where the label is

The file was compared with the text of the table: all values of all rows are the same.

Caveats
-------
- Candidates with fewer than 5 votes are not listed, so that nothing can be said about recall, nor
  about the precision below 5 votes.
- Known labels are no random sample of the candidates: they stand for the families that were
  measured.
- Rows are not independent. {n_repeated} formulas occur two or three times, from different
  structures, and many others belong to substitution series that one publication measured: the
  {n_labeled} labels come from {n_references} publications.
- Some labeled candidates have, but for small differences, the composition of a compound that the
  models were trained on. `benchmarks/candidate_agreement.py` counts them.
- D in a formula is deuterium, which pymatgen writes as H in reduced formulas (LiND2: LiH2N). Some
  formulas are not sums of their elements, such as Li2LiVCl4 and Li6AsSe4SeI.

License: facts. Citation: Z. Wan et al., "XRDMatch: a semi-supervised learning framework to
efficiently discover room temperature lithium superionic conductors", Energy Environ. Sci. 17, 9487
(2024), doi:10.1039/d4ee02970d, supporting information, Table S2.
"""


def load_xrdmatch_candidates() -> Bunch:
    """Load the 200 candidates of the XRDMatch paper with their votes and known labels.

    ============= ==================================================
    Candidates    200, with 5 to 10 votes of 10 models
    Known labels  51 superionic, 45 not superionic, 104 not known
    ============= ==================================================

    The table is part of the package: nothing is downloaded. Labels are those of skxrd, 1 for
    superionic; the paper's table has 0 for superionic.

    Returns
    -------
    Bunch
        Dictionary-like object with the attributes

        frame : DataFrame of shape (200, 6)
            Columns id, formula (as printed), output_frequency (votes of 10 models), label (1, 0 or
            missing; Int64), similarity (to a known conductor, 0 to 1, as printed), reference
            (number in the paper's list, or missing; Int64).
        target : ndarray of int64 of shape (200,)
            1 for superionic, 0 for not superionic, -1 where it is not known.
        target_names : list of str
            Meaning of 0 and 1.
        n_members : int
            Number of models that voted, 10.
        DESCR : str
            Origin, meaning of the columns, caveats and citation.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Table S2.

    Examples
    --------
    >>> from skxrd.datasets import load_xrdmatch_candidates
    >>> data = load_xrdmatch_candidates()
    >>> row = data.frame.set_index("id").loc["custom_300103"]
    >>> row["formula"], int(row["output_frequency"]), data.target_names[row["label"]]
    ('Li6PS5Cl', 10, 'superionic')
    >>> [int((data.target == label).sum()) for label in (1, 0, -1)]
    [51, 45, 104]
    """
    path = files("skxrd.datasets").joinpath("data", "xrdmatch_candidates.csv")
    with path.open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype={"label": "Int64", "reference": "Int64"})
    frame["label"] = 1 - frame["label"]  # the paper's 0 is superionic
    label = frame["label"]
    counts = frame["formula"].value_counts()
    return Bunch(
        frame=frame,
        target=label.fillna(-1).to_numpy(dtype="int64"),
        target_names=["not superionic", "superionic"],
        n_members=10,
        DESCR=_DESCR.format(
            n_candidates=len(frame),
            n_labeled=label.notna().sum(),
            n_superionic=(label == 1).sum(),
            n_not=(label == 0).sum(),
            n_repeated=(counts > 1).sum(),
            n_references=frame["reference"].nunique(),
        ),
    )
