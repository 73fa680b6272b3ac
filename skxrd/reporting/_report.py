"""One page of HTML with everything that a screening found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

import skxrd
from skxrd._files import complete_file
from skxrd._optional import import_optional
from skxrd._sklearn import Interval, validate_params
from skxrd.reporting._figures import make_figures, score_figure, subscripts
from skxrd.reporting._known import KnownCompounds
from skxrd.reporting._patterns import PatternPacker, sparkline
from skxrd.reporting._summary import Summary, score_rows
from skxrd.reporting._table import describe_columns, plain_columns, ranks
from skxrd.screening import column_descriptions

__all__ = ["write_report"]

_PURPOSE = "A report"


@validate_params(
    {
        "path": [str, os.PathLike],
        "candidates": [pd.DataFrame],
        "two_theta": ["array-like"],
        "patterns": ["array-like"],
        "known": [KnownCompounds, None],
        "scores": [pd.DataFrame, None],
        "n_members": [Interval(Integral, 1, None, closed="left"), None],
        "about": [Mapping, None],
        "title": [str],
    },
    prefer_skip_nested_validation=True,
)
def write_report(
    path: str | os.PathLike[str],
    candidates: pd.DataFrame,
    *,
    two_theta: ArrayLike,
    patterns: ArrayLike,
    known: KnownCompounds | None = None,
    scores: pd.DataFrame | None = None,
    n_members: int | None = None,
    about: Mapping[str, Any] | None = None,
    title: str = "Screening report",
) -> Path:
    """Write the report of a screening as one file of HTML.

    The file holds all it needs, data, styles and programs, and reads nothing from a network. It
    shows a summary, the scores with their intervals, a table to be sorted, searched and filtered,
    each candidate with its pattern above that of the nearest known conductor, figures, and what is
    known about the run. It appears under its name when it is complete.

    Parameters
    ----------
    path : str or path-like
        File to be written; one of this name is replaced.
    candidates : DataFrame of shape (n_candidates, n_columns)
        Table of candidates, the best first, such as `skxrd.screening.screen` returns; see
        `skxrd.screening.column_descriptions`. Only the column "id" is needed, and no id may occur
        twice. Columns of truth values whose names start with ``contains_`` or ``lacks_`` are
        flags. Every row adds to the file: of a table of much more than 10,000 rows, pass the head.
    two_theta : array-like of shape (n_points,)
        Angles of the patterns in degrees, rising.
    patterns : array-like of shape (n_candidates, n_points)
        Pattern of each row of the table; a memory map is read in pieces. Patterns of separate lines
        are shown by their 150 strongest lines of at least 1 % of the strongest, others by the
        largest values of up to 1,000 intervals.
    known : KnownCompounds, default=None
        Compounds that the column "nearest_conductor" names.
    scores : DataFrame, default=None
        Columns "evaluation" ("out_of_bag", "resubstitution" or another name), "metric", "value",
        "low" and "high" (bounds of the 95 % interval, NaN where there is none) and "n" (number of
        rows that were judged).
    n_members : int, default=None
        Members of the ensemble; None stands for the largest "output_frequency" of the table.
    about : mapping, default=None
        What is known about the run: texts, numbers, or mappings of these, such as "command",
        "parameters", "data", "versions" and "seconds".
    title : str, default="Screening report"
        Title of the page.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingDependencyError
        If jinja2, plotly or itables is not installed.
    ValueError
        If lengths do not fit together, ids are missing or occur twice, patterns are not finite, a
        nearest conductor is not among the known compounds, or columns of the scores are missing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skxrd.reporting import KnownCompounds, write_report
    >>> candidates = pd.DataFrame(
    ...     {"id": ["a", "b"], "formula": ["Li3PS4", "LiCl"], "output_frequency": [9, 2],
    ...      "nearest_conductor": ["c", "c"], "similarity": [0.8, 0.1]}
    ... )
    >>> two_theta = np.linspace(10, 80, 701)
    >>> patterns = np.zeros((3, 701))
    >>> patterns[:, [100, 300]] = [100, 40]
    >>> known = KnownCompounds(["c"], patterns[2:], formulas=["Li6PS5Cl"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(
    ...         pathlib.Path(folder) / "report.html", candidates, two_theta=two_theta,
    ...         patterns=patterns[:2], known=known, n_members=10,
    ...     )
    ...     page = path.read_text(encoding="utf-8")
    >>> page.startswith("<!DOCTYPE html>"), "<script src=" in page
    (True, False)
    """
    angles = _check_two_theta(two_theta)
    candidates = candidates.rename(columns=str)
    _check_candidates(candidates, patterns, len(angles))
    if known is not None and np.shape(known.patterns)[1] != len(angles):
        raise ValueError(
            f"known must have patterns on two_theta, of {len(angles)} points; got "
            f"{np.shape(known.patterns)[1]}."
        )
    # Everything is made before the first byte is written, so that an error costs no file.
    page = _render(candidates, angles, patterns, known, scores, n_members, about, title)
    path = Path(path)
    with complete_file(path) as file:
        file.write(page.encode("utf-8"))
    return path


def _check_two_theta(two_theta: ArrayLike) -> NDArray[np.float64]:
    angles = np.asarray(two_theta, dtype=float)
    if angles.ndim != 1 or len(angles) < 2 or not (np.diff(angles) > 0).all():
        raise ValueError("two_theta must be a rising sequence of at least two angles.")
    return angles


def _check_candidates(candidates: pd.DataFrame, patterns: ArrayLike, n_points: int) -> None:
    if np.shape(patterns) != (len(candidates), n_points):
        raise ValueError(
            "patterns must have one row per candidate and one point per angle, shape "
            f"{(len(candidates), n_points)}; got {np.shape(patterns)}."
        )
    if not candidates.columns.is_unique:
        raise ValueError(
            "candidates must have each column once; "
            f"{candidates.columns[candidates.columns.duplicated()][0]!r} occurs twice."
        )
    if "id" not in candidates or candidates["id"].isna().any():
        raise ValueError('candidates must have a column "id" without missing values.')
    names = candidates["id"].map(str)
    if (twice := names.duplicated()).any():
        raise ValueError(
            f"ids of candidates must be unique; {names[twice].iloc[0]!r} occurs twice."
        )


def _votes_of(candidates: pd.DataFrame, n_members: int | None) -> int | None:
    if "output_frequency" not in candidates:
        return None
    votes = candidates["output_frequency"]
    most = 0 if candidates.empty else int(votes.max())
    if votes.isna().any() or (votes < 0).any() or (n_members is not None and most > n_members):
        raise ValueError(
            f"output_frequency must be from 0 to n_members={n_members} and never missing; got "
            f"{votes.min()} to {votes.max()}."
        )
    return n_members or max(most, 1)


def _render(
    candidates: pd.DataFrame,
    two_theta: NDArray[np.float64],
    patterns: Any,
    known: KnownCompounds | None,
    scores: pd.DataFrame | None,
    n_members: int | None,
    about: Mapping[str, Any] | None,
    title: str,
) -> str:
    jinja2 = import_optional("jinja2", extra="report", purpose=_PURPOSE)
    summary = Summary(candidates, _votes_of(candidates, n_members))
    evaluations, rows = ([], []) if scores is None else score_rows(scores)
    columns = describe_columns(candidates, column_descriptions())
    figures = [] if candidates.empty else make_figures(summary, ranks(candidates))
    packer = PatternPacker(two_theta, len(candidates))
    data: dict[str, Any] = {
        "rank": ranks(candidates),
        "columns": columns,
        "values": plain_columns(candidates),
        "nMembers": summary.n_members,
        "range": [float(two_theta[0]), float(two_theta[-1])],
        "bins": [float(f"{position:.6g}") for position in packer.bin_positions],
        "patterns": list(packer.pack(patterns, "patterns")),
        "known": _pack_known(candidates, known, packer),
        "figures": {made["key"]: made["figure"] for made in figures},
    }
    if rows and (drawn := score_figure(evaluations, rows)) is not None:
        data["figures"]["scores"] = drawn
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("skxrd.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "allow_nan": False,
        "separators": (",", ":"),
    }
    environment.filters["formula"] = _formula
    return environment.get_template("report.html.jinja").render(
        title=title,
        version=skxrd.__version__,
        summary=summary,
        values=data["values"],
        ranks=data["rank"],
        sparklines=[
            sparkline(np.asarray(row, np.float32)) for row in patterns[: len(summary.best)]
        ],
        columns=columns,
        flags=[column for column in columns if column["kind"] == "flag"],
        evaluations=evaluations,
        score_rows=rows,
        figures=figures,
        about=about or {},
        data=data,
        **_sources(),
    )


def _pack_known(
    candidates: pd.DataFrame, known: KnownCompounds | None, packer: PatternPacker
) -> dict[str, dict[str, Any]]:
    if known is None or "nearest_conductor" not in candidates:
        return {}
    names = [str(name) for name in candidates["nearest_conductor"].dropna().unique()]
    rows = [known.row(name) for name in names]
    # Only those that are somebody's nearest: a page has no use for the others.
    packed = packer.pack(np.asarray(known.patterns)[rows], "patterns of known compounds")
    labels = None if known.labels is None else np.asarray(known.labels)
    return {
        name: {
            "formula": None if known.formulas is None else str(known.formulas[row]),
            "label": None if labels is None else str(labels[row]),
            "pattern": pattern,
        }
        for name, row, pattern in zip(names, rows, packed, strict=True)
    }


def _formula(text: str) -> Any:
    markup = import_optional("markupsafe", extra="report", purpose=_PURPOSE)
    return markup.Markup(subscripts(str(text)))


def _sources() -> dict[str, str]:
    """Programs and styles that the page brings along."""
    plotly = import_optional("plotly.offline", extra="report", purpose=_PURPOSE)
    import_optional("itables", extra="report", purpose=_PURPOSE)
    own, tables = files("skxrd.reporting") / "templates", files("itables") / "html"
    return {
        "plotly_js": plotly.get_plotlyjs(),
        "datatables_js": (tables / "dt_bundle.js").read_text(encoding="utf-8"),
        "datatables_css": (tables / "dt_bundle.css").read_text(encoding="utf-8"),
        "report_js": (own / "report.js").read_text(encoding="utf-8"),
        "report_css": (own / "report.css").read_text(encoding="utf-8"),
    }
