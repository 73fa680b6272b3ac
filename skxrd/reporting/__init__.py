"""The report of a screening: one page that opens in a browser and needs no network."""

from skxrd.reporting._known import KnownCompounds
from skxrd.reporting._report import write_report

__all__ = ["KnownCompounds", "write_report"]
