"""The picture of simulated campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skxrd._style import COLORS, MARKERS, pyplot
from skxrd.screening._campaign import simulate_campaign

__all__ = ["CampaignDisplay"]

# Marks and dashes serve where there is no color.
_LINE_STYLES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 1)))
_COLUMNS = (
    "strategy",
    "repetition",
    "round",
    "n_measured",
    "n_found",
    "n_compounds",
    "n_conductors",
)


class CampaignDisplay:
    """Conductors found over compounds measured, next to chance and to the ideal.

    The ideal campaign buys nothing but conductors until none is left; chance finds them in
    proportion. `from_estimator` simulates, makes a Display and draws it; a table of
    `simulate_campaign` is given to the constructor.

    Parameters
    ----------
    campaign : DataFrame
        Table of `simulate_campaign`.

    Attributes
    ----------
    campaign : DataFrame
        Table of `simulate_campaign`.
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib Line2D
        Mean of each strategy over the repetitions, "ideal", and "chance": its expected value.
    bands_ : dict of str to matplotlib PolyCollection
        Band of each strategy: one standard error of the mean to either side. A single repetition
        has none.

    Raises
    ------
    ValueError
        If the table lacks a column or has no rows.

    See Also
    --------
    simulate_campaign : Makes the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxrd.screening import CampaignDisplay
    >>> campaign = pd.DataFrame(
    ...     {
    ...         "strategy": "greedy",
    ...         "repetition": [0, 0, 1, 1],
    ...         "round": [0, 1, 0, 1],
    ...         "n_measured": [10, 15, 10, 15],
    ...         "n_found": [3, 7, 4, 7],
    ...         "n_compounds": 100,
    ...         "n_conductors": 30,
    ...     }
    ... )
    >>> display = CampaignDisplay(campaign).plot()
    >>> list(display.lines_)
    ['ideal', 'greedy', 'chance']
    >>> display.lines_["ideal"].get_ydata().tolist()
    [3.5, 8.5]
    """

    def __init__(self, campaign: pd.DataFrame) -> None:
        self.campaign = campaign
        missing = [name for name in _COLUMNS if name not in campaign.columns]
        if missing or campaign.empty:
            raise ValueError(
                "campaign must be a table of simulate_campaign with at least one row; "
                f"it has {len(campaign)} rows and lacks the columns {missing}."
            )

    def plot(self, *, ax: Any = None, line_kwargs: Mapping[str, Any] | None = None) -> Self:
        """Draw the mean number of conductors found, with its standard error.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        line_kwargs : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot`, for the lines of the strategies.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `lines_` and `bands_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        if ax is None:
            plt = pyplot(self)
            _, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
        self.lines_: dict[str, Any] = {}
        self.bands_: dict[str, Any] = {}
        references = self._references()
        (self.lines_["ideal"],) = ax.plot(
            references.index, references["ideal"], color="black", lw=1, ls=":", label="Ideal"
        )
        looks = zip(cycle(COLORS), cycle(MARKERS), cycle(_LINE_STYLES), strict=False)
        # In the order of the table, not of the alphabet: the same strategy keeps its color.
        groups = self.campaign.groupby("strategy", sort=False)
        for (strategy, rows), (color, marker, dashes) in zip(groups, looks, strict=False):
            found = rows.groupby("n_measured")["n_found"].agg(["mean", "sem"])
            style = {
                "color": color,
                "marker": marker,
                "markersize": 4,
                "linestyle": dashes,
                "label": _readable(str(strategy)),
                **(line_kwargs or {}),
            }
            (line,) = ax.plot(found.index, found["mean"], **style)
            self.lines_[str(strategy)] = line
            if found["sem"].notna().any():
                low, high = found["mean"] - found["sem"], found["mean"] + found["sem"]
                self.bands_[str(strategy)] = ax.fill_between(
                    found.index, low, high, color=line.get_color(), alpha=0.2, lw=0
                )
        (self.lines_["chance"],) = ax.plot(
            references.index, references["chance"], color="0.45", lw=1, label="Chance (expected)"
        )
        ax.set(xlabel="Compounds measured", ylabel="Conductors found")
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _references(self) -> pd.DataFrame:
        """Count what the ideal and, on average, chance find from the same starts."""
        table = self.campaign
        starts = table[table["round"] == 0].groupby("repetition").first()
        start = table[["repetition"]].join(starts, on="repetition")
        bought = table["n_measured"] - start["n_measured"]
        open_compounds = start["n_compounds"] - start["n_measured"]
        open_conductors = start["n_conductors"] - start["n_found"]
        # Nothing is bought where nothing is left.
        rate = open_conductors / open_compounds.clip(lower=1)
        ideal = start["n_found"] + bought.clip(upper=open_conductors)
        chance = start["n_found"] + bought * rate
        return (
            pd.DataFrame({"n_measured": table["n_measured"], "ideal": ideal, "chance": chance})
            .groupby("n_measured")
            .mean()
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        strategy: str | Sequence[str] = ("greedy", "random"),
        n_initial: int = 10,
        n_per_round: int = 5,
        n_rounds: int = 10,
        n_repeats: int = 20,
        similarity: ArrayLike | None = None,
        positive_class: Any = 1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        ax: Any = None,
        line_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Simulate campaigns and draw them.

        Parameters
        ----------
        estimator : classifier
            As for `simulate_campaign`, like all that follow up to `verbose`.
        X : array-like of shape (n_samples, n_points)
            Patterns.
        y : array-like of shape (n_samples,)
            Labels; -1 marks rows without a label.
        strategy : str or sequence of str, default=("greedy", "random")
            Strategies to compare.
        n_initial : int, default=10
            Compounds measured at the start.
        n_per_round : int, default=5
            Compounds measured in a round.
        n_rounds : int, default=10
            Number of rounds.
        n_repeats : int, default=20
            Number of repetitions.
        similarity : array-like of shape (n_samples, n_samples), default=None
            Similarities of the rows; None stands for the cosine of `X`.
        positive_class : label, default=1
            Class to be found.
        n_jobs : int or None, default=None
            Number of repetitions at a time.
        random_state : int, RandomState instance or None, default=None
            Seed.
        verbose : int, default=0
            With 1, a progress bar is shown.
        ax : matplotlib Axes, default=None
            As for `plot`.
        line_kwargs : dict, default=None
            As for `plot`.

        Returns
        -------
        CampaignDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If the campaign asks for more compounds than have a label, or an argument is invalid.
        """
        campaign = simulate_campaign(
            estimator,
            X,
            y,
            strategy=strategy,
            n_initial=n_initial,
            n_per_round=n_per_round,
            n_rounds=n_rounds,
            n_repeats=n_repeats,
            similarity=similarity,
            positive_class=positive_class,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        return cls(campaign).plot(ax=ax, line_kwargs=line_kwargs)


def _readable(strategy: str) -> str:
    """Name of a strategy as it reads in a legend: Expected finds for expected_finds."""
    return strategy.replace("_", " ").capitalize()
