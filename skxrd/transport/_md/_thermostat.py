"""ASE's integrators with a state that can be saved; its private names are used here only."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np

__all__ = ["Thermostat", "ThermostatName"]

ThermostatName = Literal["nose-hoover", "langevin"]


class Thermostat:
    """Molecular dynamics at a temperature that can be changed between two steps.

    The center of mass rests, which leaves 3 N - 3 degrees of freedom. ASE's Nosé-Hoover chain
    counts 3 N, which would make a cell of 50 atoms hotter by 2 %; it gets N - 1 atoms here.

    Parameters
    ----------
    atoms : ase.Atoms
        Atoms with a calculator; they are moved.
    name : {"nose-hoover", "langevin"}
        Which thermostat.
    time_step : float
        Time step in fs.
    damping : float
        Time in fs in which the thermostat acts.
    rng : numpy.random.Generator
        Source of the random forces of Langevin dynamics.
    """

    def __init__(
        self,
        atoms: Any,
        name: ThermostatName,
        *,
        time_step: float,
        damping: float,
        rng: np.random.Generator,
    ) -> None:
        from ase import units
        from ase.constraints import FixCom
        from ase.md.langevin import Langevin
        from ase.md.nose_hoover_chain import NoseHooverChainNVT

        self.atoms = atoms
        self.rng = rng
        self._damping = damping * units.fs
        self._chain: Any = None
        if name == "langevin":
            atoms.set_constraint(FixCom())
            self._dynamics: Any = Langevin(
                atoms,
                time_step * units.fs,
                temperature_K=1.0,
                friction=1 / self._damping,
                fixcm=False,
                rng=rng,
            )
        else:
            self._dynamics = NoseHooverChainNVT(
                atoms, time_step * units.fs, temperature_K=1.0, tdamp=self._damping
            )
            self._chain = (np.zeros(3), np.zeros(3))

    def step(self, temperature: float) -> None:
        """Go on by one time step, at a temperature in K."""
        if self._chain is None:
            self._dynamics.set_temperature(temperature_K=temperature)
            self._dynamics.step()
            return
        from ase.md.nose_hoover_chain import NoseHooverChainThermostat

        thermostat = NoseHooverChainThermostat(
            num_atoms_global=len(self.atoms) - 1,
            masses=self._dynamics.masses,
            temperature_K=temperature,
            tdamp=self._damping,
        )
        thermostat._eta, thermostat._p_eta = self._chain
        self._dynamics._thermostat = thermostat
        self._dynamics.step()

    def temperature(self) -> float:
        """Return the temperature of the motion in K."""
        from ase.units import kB

        return float(2 * self.atoms.get_kinetic_energy() / (3 * (len(self.atoms) - 1) * kB))

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on, as arrays."""
        state = {
            "positions": self.atoms.get_positions(),
            "momenta": self.atoms.get_momenta(),
            "random_state": np.array(json.dumps(self.rng.bit_generator.state)),
        }
        if self._chain is not None:
            state["eta"], state["p_eta"] = (part.copy() for part in self._chain)
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self.atoms.set_positions(state["positions"], apply_constraint=False)
        self.atoms.set_momenta(state["momenta"], apply_constraint=False)
        self.rng.bit_generator.state = json.loads(str(state["random_state"]))
        if self._chain is not None:
            self._chain = (state["eta"].copy(), state["p_eta"].copy())
            # The integrator keeps its own copies.
            self._dynamics._q = self.atoms.get_positions()
            self._dynamics._p = self.atoms.get_momenta()
