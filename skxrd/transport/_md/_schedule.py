"""How long, how hot and how often: times in ps become numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skxrd.transport._md._thermostat import ThermostatName

if TYPE_CHECKING:
    from skxrd.transport._md._mlip_md import MLIPMD

__all__ = ["Schedule", "damping_of", "make_schedules"]

_DAMPING = {"nose-hoover": 100.0, "langevin": 1000.0}  # fs


@dataclass(frozen=True)
class Schedule:
    """How long, how hot and how often, in steps and K."""

    time_step: float
    temperature: float
    start_temperature: float
    n_heating: int
    n_equilibration: int
    n_production: int
    frame_interval: int
    thermostat: ThermostatName
    damping: float

    @property
    def first_frame(self) -> int:
        """Step of the first frame."""
        return self.n_heating + self.n_equilibration

    @property
    def n_steps(self) -> int:
        """Number of all steps."""
        return self.first_frame + self.n_production

    @property
    def n_frames(self) -> int:
        """Number of frames, the first included."""
        return self.n_production // self.frame_interval + 1

    def target(self, step: int) -> float:
        """Temperature of the thermostat in a step, in K: a linear ramp, then constant."""
        if step >= self.n_heating:
            return self.temperature
        part = (step + 1) / self.n_heating
        return self.start_temperature + part * (self.temperature - self.start_temperature)

    def has_frame(self, step: int) -> bool:
        """Tell whether the positions after so many steps are a frame."""
        since = step - self.first_frame
        return since >= 0 and since % self.frame_interval == 0


def make_schedules(md: MLIPMD) -> dict[float, Schedule]:
    """Make the schedule of each temperature.

    Parameters
    ----------
    md : MLIPMD
        Parameters, each valid by itself.

    Returns
    -------
    dict of float to Schedule
        Schedules by temperature in K.

    Raises
    ------
    ValueError
        If temperatures are not positive and different, or times do not fit together.
    """
    temperatures = np.asarray(md.temperatures, dtype=float)
    if temperatures.ndim != 1 or not temperatures.size or not (temperatures > 0).all():
        raise ValueError(
            f"temperatures must be one or more positive numbers in K; got {md.temperatures!r}."
        )
    if len(np.unique(temperatures)) < len(temperatures):
        raise ValueError(f"temperatures must differ; got {md.temperatures!r}.")
    interval = round(md.sample_interval / md.time_step)
    if interval < 1 or not np.isclose(interval * md.time_step, md.sample_interval):
        raise ValueError(
            f"sample_interval must be a multiple of time_step, {md.time_step:g} fs; got "
            f"{md.sample_interval:g} fs."
        )
    n_production = _n_steps(md.production_time, md.time_step)
    if n_production < interval:
        raise ValueError(
            f"production_time must be at least one sample_interval, {md.sample_interval:g} fs; got "
            f"{md.production_time:g} ps."
        )
    return {
        float(temperature): Schedule(
            time_step=md.time_step,
            temperature=float(temperature),
            start_temperature=md.start_temperature,
            n_heating=_n_steps(md.heating_time, md.time_step),
            n_equilibration=_n_steps(md.equilibration_time, md.time_step),
            n_production=n_production,
            frame_interval=interval,
            thermostat=md.thermostat,
            damping=damping_of(md),
        )
        for temperature in temperatures
    }


def damping_of(md: MLIPMD) -> float:
    """Return the time in fs in which the thermostat acts."""
    return _DAMPING[md.thermostat] if md.damping is None else md.damping


def _n_steps(picoseconds: float, time_step: float) -> int:
    return round(1000 * picoseconds / time_step)
