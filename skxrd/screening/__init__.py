"""From a fitted classifier to a ranked list of candidates, and what a chemist asks of it."""

from skxrd.screening._screen import screen

__all__ = ["screen"]
