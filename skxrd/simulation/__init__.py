"""Structures to powder patterns: lines of a structure, binned on a grid and broadened."""

from skxrd.simulation._lines._peak_list import HKLFamily, PeakList
from skxrd.simulation._profiles._peak_profile import PeakProfile
from skxrd.simulation._profiles._shapes import gaussian, lorentzian, profile_kernel, pseudo_voigt
from skxrd.simulation._simulated_patterns import SimulatedPatterns
from skxrd.simulation._simulator import PatternSimulator
from skxrd.simulation._structures._read_structure import read_structure, structure_id
from skxrd.simulation._variants import VariantSimulator

__all__ = [
    "HKLFamily",
    "PatternSimulator",
    "PeakList",
    "PeakProfile",
    "SimulatedPatterns",
    "VariantSimulator",
    "gaussian",
    "lorentzian",
    "profile_kernel",
    "pseudo_voigt",
    "read_structure",
    "structure_id",
]
