"""Figures of a report, as plotly draws them; the page gives them the colors of its theme."""

from __future__ import annotations

import json
from collections import Counter
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from skxrd._optional import import_optional
from skxrd.reporting._summary import Summary
from skxrd.screening import element_statistics

__all__ = ["make_figures", "score_figure"]

# Okabe and Ito's colors; report.js replaces them by lighter ones on dark ground.
_BLUE, _VERMILION, _GRAY = "#0072B2", "#D55E00", "#7F8C9B"
_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
_N_ELEMENTS, _N_CONDUCTORS, _N_POINTS = 24, 12, 1000
_LOG_FROM = 50  # ratio of the highest bar to the lowest from which on a linear axis hides bars


def make_figures(summary: Summary, ranks: list[int]) -> list[dict[str, Any]]:
    """Make the figures for which the table holds the columns.

    Parameters
    ----------
    summary : Summary
        Table of candidates with its numbers.
    ranks : list of int
        Rank of each row.

    Returns
    -------
    list of dict
        Keys "key", "title", "caption" and "figure" (what plotly.js draws).
    """
    candidates = summary.candidates
    figures: list[dict[str, Any] | None] = []
    if summary.has_votes:
        figures.append(_votes(summary))
    if {"similarity", "mean_probability"} <= set(candidates.columns):
        figures.append(_similarity(candidates, ranks))
    if "formula" in candidates:
        figures.append(_elements(summary))
    if "nearest_conductor" in candidates and summary.n_selected:
        figures.append(_conductors(summary))
    return [figure for figure in figures if figure is not None]


def score_figure(
    evaluations: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Draw scores with their intervals.

    Parameters
    ----------
    evaluations, rows : list of dict
        What `score_rows` returns.

    Returns
    -------
    dict or None
        What plotly.js draws; None if there is no score from 0 to 1.
    """
    go = _plotly()
    traces = []
    for place, evaluation in enumerate(evaluations):
        shown = [
            (row["metric"], cell)
            for row in rows
            if (cell := row["cells"][place]) is not None
            and cell["value"] is not None
            and 0 <= cell["value"] <= 1
        ]
        if not shown:
            continue
        values = [cell["value"] for _, cell in shown]
        traces.append(
            go.Scatter(
                x=values,
                y=[metric for metric, _ in shown],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(cell["high"], cell["value"]) for _, cell in shown],
                    "arrayminus": [_reach(cell["value"], cell["low"]) for _, cell in shown],
                    "thickness": 2,
                    "width": 5,
                },
                name=evaluation["title"],
                mode="markers",
                marker={
                    "size": 11,
                    "color": (_BLUE, _VERMILION, _GRAY)[place % 3],
                    "symbol": _SYMBOLS[place % len(_SYMBOLS)] + ("" if place == 0 else "-open"),
                    "line": {"width": 2},
                },
                hovertemplate="%{y}: %{x:.3f}<extra>%{fullData.name}</extra>",
            )
        )
    if not traces:
        return None
    figure = go.Figure(traces)
    figure.update_layout(scattermode="group", scattergap=0.5)
    figure.update_xaxes(title="score", range=[-0.02, 1.02])
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5], automargin=True)
    return _plain(figure)


def _reach(high: float | None, low: float | None) -> float:
    return 0.0 if high is None or low is None else max(high - low, 0.0)


def _votes(summary: Summary) -> dict[str, Any]:
    counts = summary.counts
    figure = _plotly().Figure(
        _plotly().Bar(
            x=list(range(len(counts))),
            y=counts.tolist(),
            marker_color=[
                _BLUE if votes >= summary.majority else _GRAY for votes in range(len(counts))
            ],
            text=[f"{count:,}" if count else "" for count in counts],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x} votes: %{y:,} candidates<extra></extra>",
        )
    )
    figure.update_xaxes(
        title=f"votes of {summary.n_members} members", dtick=_tick(len(counts)), showgrid=False
    )
    figure.update_layout(uniformtext={"minsize": 9, "mode": "hide"})  # on narrow screens
    _count_axis(figure, counts)
    return {
        "key": "votes",
        "title": "Votes",
        "caption": f"Number of candidates by votes; blue: at least {summary.majority} of "
        f"{summary.n_members}.",
        "figure": _plain(figure),
    }


def _tick(n_bars: int) -> int:
    return max(1, n_bars // 12)


def _count_axis(figure: Any, counts: np.ndarray) -> None:
    found = counts[counts > 0]
    if len(found) and found.max() >= _LOG_FROM * found.min():
        # A bar of one candidate would have no height if the axis began at one.
        top = np.log10(found.max()) + 0.35
        figure.update_yaxes(
            title="candidates (log scale)", type="log", range=[np.log10(0.5), top], dtick=1
        )
    else:
        figure.update_yaxes(title="candidates", rangemode="tozero")


def _similarity(candidates: pd.DataFrame, ranks: list[int]) -> dict[str, Any]:
    shown = candidates.iloc[:_N_POINTS]
    names = shown["formula"] if "formula" in shown else shown["id"]
    shown = shown.assign(_rank=ranks[: len(shown)], _name=names).dropna(
        subset=["similarity", "mean_probability"]
    )
    labels = shown["label"].map(str, na_action="ignore") if "label" in shown else None
    groups = [("no known label", shown if labels is None else shown[labels.isna()])]
    if labels is not None:
        groups += [(f"label {label}", shown[labels == label]) for label in _common(labels)]
    traces = [
        _plotly().Scatter(
            x=group["similarity"].astype(float).tolist(),
            y=group["mean_probability"].astype(float).tolist(),
            text=[
                f"{rank}. {escape(str(label))}"
                for rank, label in zip(group["_rank"], group["_name"], strict=True)
            ],
            customdata=group["id"].map(str).tolist(),
            name=name,
            mode="markers",
            marker={
                "size": 8 if place else 7,
                "opacity": 0.9 if place else 0.55,
                "color": (_BLUE, _VERMILION, "#009E73", _GRAY)[place % 4],
                "symbol": _SYMBOLS[place % len(_SYMBOLS)],
            },
            hovertemplate="%{text}<br>similarity %{x:.2f}, probability %{y:.2f}<extra></extra>",
        )
        for place, (name, group) in enumerate(groups)
        if len(group)
    ]
    figure = _plotly().Figure(traces)
    figure.update_layout(showlegend=labels is not None)
    lowest = min(0.0, float(shown["similarity"].min())) if len(shown) else 0.0
    figure.update_xaxes(title="similarity to nearest conductor", range=[lowest - 0.03, 1.03])
    figure.update_yaxes(title="mean probability", range=[-0.03, 1.05])
    is_cut = len(candidates) > _N_POINTS
    which = f"of the first {_N_POINTS:,} candidates" if is_cut else "candidate"
    return {
        "key": "similarity",
        "title": "Probable and new",
        "caption": f"One point for each {which}; top left: probable and unlike what is known. "
        "A click opens the candidate.",
        "figure": _plain(figure),
    }


def _common(labels: pd.Series) -> list[str]:
    return [str(label) for label, _ in Counter(labels.dropna()).most_common(3)]


def _elements(summary: Summary) -> dict[str, Any] | None:
    formulas = summary.candidates["formula"].dropna()
    chosen = summary.candidates["formula"][summary.is_selected].dropna()
    is_compared = summary.has_votes and len(chosen) > 0
    try:
        table = element_statistics(formulas.tolist(), chosen.tolist() if is_compared else None)
    except ValueError:
        return None  # a report also serves names that are no formulas
    # Lithium, as a rule: a tall bar that tells nothing and makes the others low.
    is_everywhere = table["share"] == 1
    if is_everywhere.all():
        is_everywhere[:] = False
    in_all = table.index[is_everywhere]
    shown = table[~is_everywhere].head(_N_ELEMENTS)
    groups = [("all candidates", "share", _GRAY)]
    if is_compared:
        groups.append((f"at least {summary.majority} votes", "other_share", _BLUE))
    figure = _plotly().Figure(
        [
            _plotly().Bar(
                x=shown.index.tolist(),
                y=(100 * shown[column]).tolist(),
                name=label,
                marker_color=color,
                hovertemplate="%{x}: %{y:.1f} %<extra>%{fullData.name}</extra>",
            )
            for label, column, color in groups
        ]
    )
    figure.update_xaxes(tickangle=0, tickfont_size=11, showgrid=False)
    figure.update_yaxes(title="compounds (%)", rangemode="tozero")
    left_out = f"; all contain {', '.join(in_all)}" if len(in_all) else ""
    return {
        "key": "elements",
        "title": "Elements",
        "caption": f"Part of the compounds that contain an element, the {len(shown)} most frequent "
        f"ones{left_out}.",
        "figure": _plain(figure),
    }


def _conductors(summary: Summary) -> dict[str, Any]:
    chosen = summary.candidates[summary.is_selected]
    column = "nearest_conductor_formula"
    names = chosen[column if column in chosen else "nearest_conductor"].dropna().map(str)
    counts = names.value_counts().head(_N_CONDUCTORS)
    figure = _plotly().Figure(
        _plotly().Bar(
            x=counts.tolist(),
            y=[subscripts(name) for name in counts.index],
            orientation="h",
            marker_color=_BLUE,
            text=[f"{count:,}" for count in counts],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,} candidates<extra></extra>",
        )
    )
    figure.update_xaxes(title="candidates nearest to it", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True, type="category", showgrid=False)
    which = f" with at least {summary.majority} votes" if summary.has_votes else ""
    return {
        "key": "conductors",
        "title": "Relatives",
        "caption": f"Known conductors that the candidates{which} resemble most, the first "
        f"{len(counts)}.",
        "figure": _plain(figure),
    }


def subscripts(formula: str) -> str:
    """Set the numbers of a chemical formula lower; everything else is escaped."""
    from pymatgen.util.string import htmlify

    return htmlify(escape(formula))


def _plotly() -> Any:
    return import_optional("plotly.graph_objects", extra="report", purpose="A report")


def _plain(figure: Any) -> dict[str, Any]:
    figure.update_layout(template="none", margin={"l": 64, "r": 24, "t": 16, "b": 52})
    return json.loads(figure.to_json())
