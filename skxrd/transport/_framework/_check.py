"""Whether the framework has held while the mobile ions moved."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skxrd._sklearn import Interval, fit_context
from skxrd.exceptions import TrajectoryError, TransportWarning
from skxrd.transport._framework._bonds import find_bonds, shortest_vectors, units_of
from skxrd.transport._trajectory._drift import check_run
from skxrd.transport._trajectory._ion_trajectory import IonTrajectory

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["FrameworkCheck"]

_SOFTENING = (
    "Machine-learned potentials are known to be too soft far from the minima of the energy (Deng "
    "et al., npj Comput. Mater. 11, 9 (2025)): with one of them, the diffusivity of this run is "
    "rather too high, and one extrapolated from it to lower temperatures too low. Compare with a "
    "lower temperature or another potential."
)


class FrameworkCheck(BaseEstimator):
    """Check whether the ions that should not move have stayed, with their bonds.

    Two things are looked at. Bonds between framework ions of different elements, found in a
    reference structure by covalent radii: how many of them are broken in a mean frame, and how many
    there are that were not there. And the vibrations of the units of the framework, which are
    molecular anions such as PS4 where bonds make them, else single ions: the root mean square
    distance from the mean place, over the distance to the nearest other unit, is Lindemann's ratio
    [1]_. Anions that only rotate keep bonds and places.

    Parameters
    ----------
    species : str, default="Li"
        Symbol of the mobile ions; all others are the framework.
    max_lindemann_ratio : float, default=0.2
        Largest ratio of a framework that holds. Simple crystals melt at 0.1 to 0.15; single anions
        among mobile ions reach that far below melting.
    max_changed_bonds : float, default=0.05
        Largest fraction of bonds, lost or gained in a mean frame, of a framework that holds.
    bond_stretch : float, default=1.2
        Times the mean length in the reference up to which two ions are bonded in a frame.
    bond_tolerance : float, default=1.2
        Times the sum of the covalent radii up to which two ions are bonded in the reference.

    Attributes
    ----------
    is_stable_ : bool
        Whether the framework has held.
    lindemann_ratio_ : float
        Largest of `lindemann_ratios_`.
    lindemann_ratios_ : ndarray of shape (n_units,)
        Lindemann's ratio of each unit.
    units_ : list of ndarray of int
        Ions of each unit.
    lost_bonds_, gained_bonds_ : float
        Bonds that are broken, or were not there, in a mean frame, as fractions of all bonds; 0 if
        the framework has none.
    longest_bond_ : float
        Longest of the bonds of the reference at any time, over their mean length; NaN without
        bonds.
    n_bonds_ : int
        Number of bonds of the reference.
    messages_ : list of str
        What is wrong, in words; empty if the framework has held.

    Warns
    -----
    TransportWarning
        If the framework has not held (in `fit`).

    See Also
    --------
    MLIPMD : Molecular dynamics whose framework may turn out too soft.

    References
    ----------
    .. [1] F. A. Lindemann, The calculation of molecular vibration frequencies, Physikalische
       Zeitschrift 11, 609 (1910).
    .. [2] B. Deng et al., Systematic softening in universal machine learning interatomic
       potentials, npj Computational Materials 11, 9 (2025),
       https://doi.org/10.1038/s41524-024-01500-6

    Examples
    --------
    >>> from skxrd.transport import FrameworkCheck, make_hopping_trajectory
    >>> trajectory = make_hopping_trajectory(vibration=0.2, random_state=0)
    >>> FrameworkCheck("Li").fit(trajectory).is_stable_
    True
    """

    _parameter_constraints = {
        "species": [str],
        "max_lindemann_ratio": [Interval(Real, 0, None, closed="neither")],
        "max_changed_bonds": [Interval(Real, 0, 1, closed="both")],
        "bond_stretch": [Interval(Real, 1, None, closed="neither")],
        "bond_tolerance": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        species: str = "Li",
        *,
        max_lindemann_ratio: float = 0.2,
        max_changed_bonds: float = 0.05,
        bond_stretch: float = 1.2,
        bond_tolerance: float = 1.2,
    ) -> None:
        self.species = species
        self.max_lindemann_ratio = max_lindemann_ratio
        self.max_changed_bonds = max_changed_bonds
        self.bond_stretch = bond_stretch
        self.bond_tolerance = bond_tolerance

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, trajectory: IonTrajectory, reference: Structure | None = None) -> Self:
        """Look at a trajectory.

        Parameters
        ----------
        trajectory : IonTrajectory
            Positions over time.
        reference : Structure, default=None
            Structure with the first bonds, its sites in the order of the ions; None takes the first
            frame, in which bonds may be stretched already.

        Returns
        -------
        self
            The check with its results.

        Raises
        ------
        TrajectoryError
            If there is no ion of the species, no framework, one frame only, or the reference has
            other sites.
        TypeError
            If `trajectory` is no `IonTrajectory`.
        """
        check_run(trajectory)
        framework = trajectory.others(self.species)
        corrected = trajectory.drift_corrected("framework", species=self.species).select(framework)
        start = self._reference(trajectory, reference, framework)
        bonds = find_bonds(start, self.bond_tolerance)
        self.n_bonds_ = 0 if bonds is None else bonds.n_bonds
        self.lost_bonds_, self.gained_bonds_, self.longest_bond_ = 0.0, 0.0, np.nan
        if bonds is not None:
            lost, gained, self.longest_bond_ = bonds.changes(
                corrected.positions, corrected.lattice, self.bond_stretch
            )
            self.lost_bonds_, self.gained_bonds_ = float(lost.mean()), float(gained.mean())
        self.units_ = units_of(start, bonds)
        self.lindemann_ratios_ = _lindemann_ratios(corrected, start, self.units_)
        self.lindemann_ratio_ = float(np.nan_to_num(self.lindemann_ratios_).max())
        self.messages_ = self._messages(start)
        self.is_stable_ = not self.messages_
        if self.messages_:
            warnings.warn(
                f"The framework has not held: {'; '.join(self.messages_)}. {_SOFTENING}",
                TransportWarning,
                stacklevel=3,
            )
        return self

    def _reference(
        self, trajectory: IonTrajectory, reference: Structure | None, framework: NDArray[np.intp]
    ) -> Structure:
        """Return the framework of the reference."""
        if reference is None:
            reference = trajectory.structure(0)
        found = [site.specie.symbol if site.is_ordered else "" for site in reference]
        if found != trajectory.species.tolist():
            raise TrajectoryError(
                "reference must have the ions of the trajectory, in their order, on ordered sites; "
                f"it has {len(reference)} sites of {reference.composition.formula}."
            )
        from pymatgen.core import Structure

        return Structure.from_sites([reference[int(ion)] for ion in framework])

    def _messages(self, start: Structure) -> list[str]:
        messages = []
        if self.lindemann_ratio_ > self.max_lindemann_ratio:
            worst = self.units_[int(np.nanargmax(self.lindemann_ratios_))]
            symbols = "".join(start[int(ion)].specie.symbol for ion in worst)
            messages.append(
                f"units {symbols} leave their places (Lindemann ratio "
                f"{self.lindemann_ratio_:.2f}, limit {self.max_lindemann_ratio:g})"
            )
        if self.lost_bonds_ > self.max_changed_bonds:
            messages.append(f"{self.lost_bonds_:.0%} of {self.n_bonds_} bonds are broken")
        if self.gained_bonds_ > self.max_changed_bonds:
            messages.append(f"new bonds have formed, {self.gained_bonds_:.0%} of {self.n_bonds_}")
        return messages

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _lindemann_ratios(
    trajectory: IonTrajectory, start: Structure, units: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Compute the ratio of each unit; NaN if there is no other one."""
    displacements: Any = trajectory.displacements()
    fractional = np.array(start.frac_coords)
    matrix = np.array(start.lattice.matrix)
    centers = np.empty((len(units), 3))
    amplitudes = np.empty(len(units))
    for index, unit in enumerate(units):
        offsets = shortest_vectors(fractional[unit] - fractional[unit[0]], matrix)
        centers[index] = fractional[unit[0]] + start.lattice.get_fractional_coords(
            offsets.mean(axis=0)
        )
        moved = displacements[:, unit].mean(axis=1)
        amplitudes[index] = np.sqrt(moved.var(axis=0).sum())
    distances = start.lattice.get_all_distances(centers, centers)
    np.fill_diagonal(distances, np.inf)  # its own images are as far as they were
    nearest = distances.min(axis=1)
    return np.where(np.isfinite(nearest), amplitudes / nearest, np.nan)
