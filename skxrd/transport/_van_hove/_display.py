"""Pictures of van Hove correlation functions."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skxrd._style import COLORS, pyplot
from skxrd.transport._van_hove._estimator import VanHove

__all__ = ["VanHoveDisplay"]

Part = Literal["self", "distinct"]

_LINE_STYLES = ("-", "--", "-.", ":")
_QUANTILE = 0.995  # of the values that are not 0: the few above share the last color
_N_CURVES = 4


class VanHoveDisplay:
    """Maps over time and distance, and curves at chosen times.

    `from_estimator` makes one and draws a map.

    Parameters
    ----------
    r : array-like of shape (n_bins,)
        Distances in angstrom.
    lag_times : array-like of shape (n_lags,)
        Times in ps, in ascending order.
    self_part : array-like of shape (n_lags, n_bins)
        Self part, 4 pi r^2 G_s(r, t), in 1/angstrom.
    distinct_part : array-like of shape (n_lags, n_bins)
        Distinct part, G_d(r, t).

    Attributes
    ----------
    r : ndarray of shape (n_bins,)
        Distances in angstrom.
    lag_times : ndarray of shape (n_lags,)
        Times in ps.
    self_part : ndarray of shape (n_lags, n_bins)
        Self part in 1/angstrom.
    distinct_part : ndarray of shape (n_lags, n_bins)
        Distinct part.
    ax_ : matplotlib Axes
        Axes that were drawn on last.
    figure_ : matplotlib Figure
        Figure of the axes.
    mesh_ : matplotlib QuadMesh
        The map.
    colorbar_ : matplotlib Colorbar
        Scale of the map.
    lines_ : list of matplotlib Line2D
        The curves.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    See Also
    --------
    VanHove : Computes both parts.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Figure S13.

    Examples
    --------
    >>> import numpy as np
    >>> from skxrd.transport import IonTrajectory, VanHove, VanHoveDisplay
    >>> rng = np.random.default_rng(0)
    >>> positions = np.cumsum(rng.normal(0, 0.02, size=(200, 20, 3)), axis=0)
    >>> trajectory = IonTrajectory(positions, 12 * np.eye(3), ["Li"] * 20, time_step=20.0)
    >>> display = VanHoveDisplay.from_estimator(VanHove(drift=None).fit(trajectory), part="self")
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('Time (ps)', 'Distance (Å)')
    """

    def __init__(
        self,
        r: ArrayLike,
        lag_times: ArrayLike,
        self_part: ArrayLike,
        distinct_part: ArrayLike,
    ) -> None:
        self.r = np.asarray(r, dtype=float)
        self.lag_times = np.asarray(lag_times, dtype=float)
        self.self_part = np.asarray(self_part, dtype=float)
        self.distinct_part = np.asarray(distinct_part, dtype=float)
        shape = (len(self.lag_times), len(self.r))
        for name in ("self_part", "distinct_part"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must have shape (n_lags, n_bins) = {shape}; got {found}.")

    def plot(
        self,
        *,
        ax: Any = None,
        part: Part = "distinct",
        cmap: str = "viridis",
        vmin: float = 0.0,
        vmax: float | None = None,
    ) -> Self:
        """Draw a map: time to the right, distance upwards.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        part : {"self", "distinct"}, default="distinct"
            Which part.
        cmap : str, default="viridis"
            Color map; the default is perceptually uniform and can be read in gray.
        vmin : float, default=0.0
            Value of the first color.
        vmax : float, default=None
            Value of the last color; None leaves out the highest 0.5 % of the values, such as those
            of ions that did not go anywhere yet, which an arrow at the scale then tells.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_`, `mesh_` and `colorbar_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If there is no such part, or one time only: a map needs two.
        """
        values = self._values(part)
        if len(self.lag_times) < 2 or len(self.r) < 2:
            raise ValueError(
                f"a map needs at least two times and two distances; got {values.shape}. "
                "plot_curves draws one time."
            )
        self._open(ax)
        if vmax is None:
            shown = values[values > 0]
            vmax = float(np.quantile(shown, _QUANTILE)) if shown.size else vmin + 1.0
        self.mesh_ = self.ax_.pcolormesh(
            self.lag_times, self.r, values.T, shading="nearest", cmap=cmap, vmin=vmin, vmax=vmax
        )
        self.mesh_.set_rasterized(True)  # thousands of cells make large vector files
        extend = "max" if np.nanmax(values, initial=vmin) > vmax else "neither"
        self.colorbar_ = self.figure_.colorbar(
            self.mesh_, ax=self.ax_, label=_LABELS[part], extend=extend
        )
        self.ax_.set(xlabel="Time (ps)", ylabel="Distance (Å)", ylim=(0, self._r_end()))
        return self

    def plot_curves(
        self, *, lag_times: ArrayLike | None = None, ax: Any = None, part: Part = "distinct"
    ) -> Self:
        """Draw curves over the distance at some times.

        Parameters
        ----------
        lag_times : array-like of float, default=None
            Times in ps; the nearest ones there are are drawn. None stands for four, evenly spaced,
            from 0 for the distinct part and from the first later one for the self part, which at 0
            is a peak without width.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        part : {"self", "distinct"}, default="distinct"
            Which part.

        Returns
        -------
        self
            The Display, with `ax_`, `figure_` and `lines_`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        ValueError
            If there is no such part.
        """
        values = self._values(part)
        self._open(ax)
        rows = self._rows(lag_times, part)
        self.lines_ = [
            self.ax_.plot(
                self.r,
                values[row],
                color=COLORS[number % len(COLORS)],
                linestyle=_LINE_STYLES[number % len(_LINE_STYLES)],
                label=f"{self.lag_times[row]:.3g} ps",
            )[0]
            for number, row in enumerate(rows)
        ]
        if part == "distinct":
            self.ax_.axhline(1, color="0.6", linewidth=0.8, zorder=0)
        self.ax_.set(xlabel="Distance (Å)", ylabel=_LABELS[part], xlim=(0, self._r_end()))
        self.ax_.set_ylim(bottom=0)
        self.ax_.legend(frameon=False)
        return self

    @classmethod
    def from_estimator(
        cls, estimator: VanHove, *, ax: Any = None, part: Part = "distinct", **plot_kwargs: Any
    ) -> Self:
        """Draw a map of a fitted estimator.

        Parameters
        ----------
        estimator : VanHove
            Fitted estimator.
        ax : matplotlib Axes, default=None
            As for `plot`.
        part : {"self", "distinct"}, default="distinct"
            Which part.
        **plot_kwargs : dict
            Further keywords of `plot`.

        Returns
        -------
        VanHoveDisplay
            The Display that was drawn.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no such part, or one time only.
        """
        check_is_fitted(estimator)
        display = cls(estimator.r_, estimator.lag_times_, estimator.self_, estimator.distinct_)
        return display.plot(ax=ax, part=part, **plot_kwargs)

    def _values(self, part: Part) -> NDArray[np.float64]:
        if part not in _LABELS:
            raise ValueError(f"part must be 'self' or 'distinct'; got {part!r}.")
        return self.self_part if part == "self" else self.distinct_part

    def _open(self, ax: Any) -> None:
        plt = pyplot(self)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure

    def _rows(self, lag_times: ArrayLike | None, part: Part) -> NDArray[np.intp]:
        if lag_times is None:
            first = int(part == "self" and len(self.lag_times) > 1 and self.lag_times[0] == 0)
            chosen = np.linspace(first, len(self.lag_times) - 1, _N_CURVES)
            return np.unique(np.rint(chosen).astype(np.intp))
        wanted = np.atleast_1d(np.asarray(lag_times, dtype=float))
        return np.abs(self.lag_times - wanted[:, None]).argmin(axis=1)

    def _r_end(self) -> float:
        """Upper edge of the last bin."""
        return float(self.r[-1] + self.r[0])


_LABELS = {
    "self": r"$4\pi r^2 G_\mathrm{s}(r, t)$ (Å$^{-1}$)",
    "distinct": r"$G_\mathrm{d}(r, t)$",
}
