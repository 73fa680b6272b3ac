"""From structures to conductivities: dynamics, diffusion, Arrhenius and the checks of each."""

from __future__ import annotations

import warnings
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone

from skxrd._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    validate_parameter_constraints,
)
from skxrd.exceptions import InvalidStructureError, TransportWarning
from skxrd.simulation._structures._read_structure import items_and_ids
from skxrd.transport._arrhenius._regressor import ArrheniusRegressor
from skxrd.transport._diffusion._estimator import DiffusionEstimator, check_charge_and_lags
from skxrd.transport._framework._check import FrameworkCheck
from skxrd.transport._md._mlip_md import MLIPMD
from skxrd.transport._md._schedule import make_schedules
from skxrd.transport._md._start import ordered_supercell
from skxrd.transport._md._temperatures import SimulationError
from skxrd.transport._screening._result import ConductivityResult, conductivity_of
from skxrd.transport._screening._table import conductivity_row, conductivity_table
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["ConductivityScreener"]


class ConductivityScreener(TransformerMixin, BaseEstimator):
    """Estimate the conductivity of structures by molecular dynamics at several temperatures.

    Each structure is simulated, its diffusivity at each temperature gives a line of Arrhenius, and
    the line the conductivity at the temperature that is asked for.

    Parameters
    ----------
    md : MLIPMD, default=None
        Molecular dynamics; anything with a method `run` that returns trajectories by temperature.
        With a `checkpoint_folder` each structure gets a folder of its own inside, and an
        interrupted `transform` goes on where it was. None means ``MLIPMD()``.
    diffusion : DiffusionEstimator, default=None
        Diffusivity of a trajectory; it says which ions are mobile and what their charge is. None
        means ``DiffusionEstimator("Li", charge=1)``.
    arrhenius : ArrheniusRegressor, default=None
        Line through the temperatures. None means ``ArrheniusRegressor("sigmaT")``.
    framework : FrameworkCheck, default=None
        Check of the other ions; None means its defaults. Its `species` is not used: the mobile ions
        are those of `diffusion`.
    unstable : {"drop", "keep"}, default="drop"
        Whether temperatures at which the framework has not held are left out of the line, or count.
    temperature : float, default=300.0
        Temperature of the conductivity in K.
    on_error : {"nan", "raise"}, default="nan"
        What becomes of a structure that cannot be simulated, or in which too few ions move: a row
        of missing values with the reason, or an error.

    Warns
    -----
    TransportWarning
        If structures deserve a look (in `transform`): see column "message". If a temperature is
        left out, or there is no line (in `run` and `analyze`).

    See Also
    --------
    MLIPMD : The simulations.
    FrameworkCheck : Whether a potential is too soft for the structure.

    Notes
    -----
    Conductivities are those of ions that move independently of each other (Haven ratio 1). Below
    the lowest temperature of the simulations nothing has been seen: an interval of the
    extrapolation holds only if neither the mechanism nor the phase changes.

    Temperatures are left out of the line where ions do not diffuse. A diffusivity that is not
    significantly above zero cannot go into a logarithm, and where the mean squared displacement
    does not grow linearly (`DiffusionEstimator.is_diffusive_`) it may be motion in cages. This
    favors temperatures where ions happened to move: simulate long enough that none is left out.
    Temperatures where the framework has not held are left out as well: ions that are too fast at
    the hot end of the line make it too steep, and the conductivity at room temperature too low.

    Examples
    --------
    >>> from skxrd.transport import ConductivityScreener, MLIPMD
    >>> md = MLIPMD("chgnet", temperatures=(600, 800, 1000), n_jobs=3, random_state=0)
    >>> screener = ConductivityScreener(md).fit()  # checks the parameters
    >>> table = screener.transform(structures)  # takes hours  # doctest: +SKIP
    """

    _parameter_constraints = {
        "md": [HasMethods("run"), None],
        "diffusion": [HasMethods("fit"), None],
        "arrhenius": [ArrheniusRegressor, None],
        "framework": [HasMethods("fit"), None],
        "unstable": [StrOptions({"drop", "keep"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "on_error": [StrOptions({"nan", "raise"})],
    }

    def __init__(
        self,
        md: Any = None,
        *,
        diffusion: DiffusionEstimator | None = None,
        arrhenius: ArrheniusRegressor | None = None,
        framework: FrameworkCheck | None = None,
        unstable: Literal["drop", "keep"] = "drop",
        temperature: float = 300.0,
        on_error: Literal["nan", "raise"] = "nan",
    ) -> None:
        self.md = md
        self.diffusion = diffusion
        self.arrhenius = arrhenius
        self.framework = framework
        self.unstable = unstable
        self.temperature = temperature
        self.on_error = on_error

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; nothing is learned.

        Parameters
        ----------
        X : object, default=None
            Not used.
        y : object, default=None
            Not used.

        Returns
        -------
        self
            The same screener.
        """
        md, parts = self._md(), self._parts()
        for part in (md, *parts.values()):
            if isinstance(part, BaseEstimator) and hasattr(part, "_parameter_constraints"):
                validate_parameter_constraints(
                    part._parameter_constraints, part.get_params(deep=False), type(part).__name__
                )
        if isinstance(parts["diffusion"], DiffusionEstimator):
            check_charge_and_lags(parts["diffusion"].charge, parts["diffusion"].lag_range)
        if isinstance(md, MLIPMD) and len(make_schedules(md)) < 2:
            raise ValueError(
                "a line of Arrhenius needs two temperatures or more; got temperatures="
                f"{md.temperatures!r} of MLIPMD."
            )
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Simulate structures and estimate their conductivities.

        Parameters
        ----------
        X : sequence of structures
            Ordered structures as `skxrd.simulation.read_structure` takes them.

        Returns
        -------
        DataFrame
            A row for each structure: "id"; "formula"; "activation_energy" in eV, with "_low" and
            "_high" of its interval; "conductivity" at `temperature` in S/cm, with "_low" and
            "_high"; "is_extrapolated", whether this temperature lies outside those that count;
            "framework_ok", whether the framework has held at all temperatures; "n_hops", the fewest
            hops of all ions at a temperature that counts; "n_temperatures" that count; for each
            temperature, whether it counts or not, "diffusivity_600K" and "diffusivity_error_600K"
            in cm2/s; "message", what deserves a look, or why there is nothing.
        """
        self.fit()
        items, ids = items_and_ids(X)
        raises = self.on_error == "raise"
        table = conductivity_table(
            [
                conductivity_row(item, name, self.run, raises=raises)
                for item, name in zip(items, ids, strict=True)
            ]
        )
        n_noted = int((table["message"] != "").sum())
        if n_noted:
            warnings.warn(
                f"{n_noted} of {len(table)} structures deserve a look: see column 'message'.",
                TransportWarning,
                stacklevel=2,
            )
        return table

    def run(self, structure: Structure) -> ConductivityResult:
        """Simulate a structure and keep everything.

        Parameters
        ----------
        structure : Structure
            Ordered structure.

        Returns
        -------
        ConductivityResult
            Trajectories, fits and the conductivity, which is NaN if fewer than two temperatures
            count. Temperatures at which the atoms fly apart are missing.

        Raises
        ------
        InvalidStructureError
            If the structure cannot be simulated, or has no mobile ions.
        TrajectoryError
            If the atoms fly apart at all temperatures.
        ValueError
            If a parameter is out of its range.
        """
        self.fit()
        md, species = self._md(), self._parts()["diffusion"].species
        if species not in {element.symbol for element in structure.composition.elements}:
            raise InvalidStructureError(
                f"diffusion has the mobile ions {species!r}; the structure, "
                f"{structure.composition.formula}, has none of them."
            )
        folder = getattr(md, "checkpoint_folder", None)
        if folder is not None:
            md = clone(md).set_params(checkpoint_folder=Path(folder) / _folder_name(structure))
        reference = ordered_supercell(structure, getattr(md, "supercell_min_length", None))
        try:
            trajectories = md.run(structure)
        except SimulationError as error:
            if not error.trajectories:
                raise
            trajectories = error.trajectories
            warnings.warn(str(error), TransportWarning, stacklevel=2)
        return self.analyze(trajectories, reference)

    def analyze(
        self, trajectories: dict[float, IonTrajectory], reference: Structure | None = None
    ) -> ConductivityResult:
        """Estimate the conductivity from trajectories.

        Parameters
        ----------
        trajectories : dict of float to IonTrajectory
            Trajectory at each temperature in K.
        reference : Structure, default=None
            Structure whose bonds the framework should keep, with the same ions in the same order;
            None takes the first frame of each trajectory.

        Returns
        -------
        ConductivityResult
            Fits and the conductivity, which is NaN if fewer than two temperatures count.

        Raises
        ------
        TrajectoryError
            If a trajectory has no mobile ions, or is too short.
        """
        result = conductivity_of(
            trajectories,
            reference,
            **self._parts(),
            unstable=self.unstable,
            temperature=self.temperature,
        )
        if result.problem:
            warnings.warn(result.problem, TransportWarning, stacklevel=2)
        else:
            for kelvin, reason in result.left_out.items():
                note = f"{kelvin:g} K is left out of the line: {reason}."
                warnings.warn(note, TransportWarning, stacklevel=2)
        return result

    def _md(self) -> Any:
        return MLIPMD() if self.md is None else self.md

    def _parts(self) -> dict[str, Any]:
        return {
            "diffusion": self.diffusion or DiffusionEstimator(),
            "arrhenius": self.arrhenius or ArrheniusRegressor("sigmaT"),
            "framework": self.framework or FrameworkCheck(),
        }

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.dict = True
        tags.requires_fit = False
        tags.no_validation = True
        return tags


def _folder_name(structure: Structure) -> str:
    """Name a structure so that no two share a folder, and a rerun finds its own."""
    sites = [site.species_string for site in structure]
    key = joblib.hash((np.array(structure.lattice.matrix), np.array(structure.frac_coords), sites))
    return f"{structure.composition.reduced_formula}-{key[:10]}"
