"""Bundled tables: what the XRDMatch paper measured on its new conductor."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

__all__ = ["load_xrdmatch_measurements"]

_DESCR = """\
Measurements of the XRDMatch paper
==================================

Conductivities of LASeI, the conductor that the paper synthesized, as cold-pressed pellets: Tables
S3, S4 and S5 of its supporting information.

- sintering (Table S3): conductivity at room temperature (25 degrees Celsius) after sintering at
  several temperatures; the temperature is missing for the powder that was not sintered.
- impedance (Table S4): total resistance of the impedance spectrum at 293 to 323 K, contact area,
  thickness, conductivity and its decadic logarithm, as printed.
- polarization (Table S5): direct current between blocking electrodes at 25 degrees Celsius,
  resistance and electronic conductivity, as printed.

Caveats
-------
- At 303 K the printed conductivity is 1.12e-4 S/cm. The printed resistance of 580 ohm gives
  1.098e-4 S/cm, and so does the printed logarithm, -3.9593. The table is left as it is printed.
- No errors are printed.
- Temperatures are printed in whole kelvin, where 25 degrees Celsius are 298.15 K.

License: facts. Citation: Z. Wan et al., "XRDMatch: a semi-supervised learning framework to
efficiently discover room temperature lithium superionic conductors", Energy Environ. Sci. 17, 9487
(2024), doi:10.1039/d4ee02970d, supporting information, Tables S3 to S5.
"""


def load_xrdmatch_measurements() -> Bunch:
    """Load the conductivities that the XRDMatch paper measured on its new conductor, LASeI.

    ============= ==================================================
    Sintering     5 conductivities at room temperature
    Impedance     5 temperatures, 293 to 323 K
    Polarization  1 electronic conductivity
    ============= ==================================================

    The tables are part of the package: nothing is downloaded. Numbers are those printed, also
    where they contradict each other: see `DESCR`.

    Returns
    -------
    Bunch
        Dictionary-like object with the attributes

        sintering : DataFrame of shape (5, 2)
            Columns sintering_temperature (K; missing: not sintered) and conductivity (S/cm).
        impedance : DataFrame of shape (5, 6)
            Columns temperature (K), area (cm2), thickness (cm), resistance (ohm), conductivity
            (S/cm), log10_conductivity.
        polarization : DataFrame of shape (1, 7)
            Columns thickness (cm), diameter (cm), area (cm2), current (A), voltage (V), resistance
            (ohm), conductivity (S/cm, electronic).
        DESCR : str
            Origin, meaning of the columns, caveats and citation.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, Tables S3 to S5.

    Examples
    --------
    >>> from skxrd.datasets import load_xrdmatch_measurements
    >>> load_xrdmatch_measurements().impedance[["temperature", "resistance", "conductivity"]]
       temperature  resistance  conductivity
    0        293.0       875.0      0.000073
    1        298.0       702.0      0.000091
    2        303.0       580.0      0.000112
    3        313.0       325.0      0.000196
    4        323.0       212.0      0.000300
    """
    return Bunch(
        sintering=pd.DataFrame(
            {
                "sintering_temperature": [np.nan, 513.0, 573.0, 653.0, 673.0],
                "conductivity": [2.6e-5, 6.1e-5, 9.1e-5, 6.2e-5, 3.2e-5],
            }
        ),
        impedance=pd.DataFrame(
            {
                "temperature": [293.0, 298.0, 303.0, 313.0, 323.0],
                "area": 0.785,
                "thickness": 0.05,
                "resistance": [875.0, 702.0, 580.0, 325.0, 212.0],
                "conductivity": [7.28e-5, 9.07e-5, 1.12e-4, 1.96e-4, 3.00e-4],
                "log10_conductivity": [-4.1379, -4.0422, -3.9593, -3.7078, -3.5222],
            }
        ),
        polarization=pd.DataFrame(
            {
                "thickness": [0.05],
                "diameter": [1.0],
                "area": [0.785],
                "current": [1.5e-7],
                "voltage": [0.3],
                "resistance": [2.0e6],
                "conductivity": [3.18e-8],
            }
        ),
        DESCR=_DESCR,
    )
