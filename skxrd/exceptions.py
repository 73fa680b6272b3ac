"""Errors and warnings of skxrd: each error is a `SkxrdError` and a built-in error as well."""

__all__ = [
    "DataIntegrityError",
    "DownloadError",
    "FileFormatError",
    "InvalidStructureError",
    "MissingDependencyError",
    "PatternReadError",
    "PatternWarning",
    "ScreeningWarning",
    "SkxrdError",
    "TrajectoryError",
    "TransportWarning",
]


class SkxrdError(Exception):
    """Root of all errors that skxrd raises on purpose."""


class InvalidStructureError(SkxrdError, ValueError):
    """A crystal structure could not be read, or no pattern can be computed from it."""


class FileFormatError(SkxrdError, ValueError):
    """A file does not hold what its reader needs."""


class PatternReadError(FileFormatError):
    """A file does not hold a measured pattern, or is of a format that is not read."""


class TrajectoryError(FileFormatError):
    """A trajectory is incomplete or contradicts itself, or does not hold what is asked of it."""


class DataIntegrityError(SkxrdError, ValueError):
    """Downloaded or bundled data differ from what was published."""


class DownloadError(SkxrdError, OSError):
    """A data set could not be downloaded."""


class MissingDependencyError(SkxrdError, ImportError):
    """An optional dependency is not installed."""


class PatternWarning(UserWarning):
    """A pattern deserves a look: it is empty, out of range or of an assumed wavelength."""


class ScreeningWarning(UserWarning):
    """A table of candidates deserves a look: it says less than it seems to."""


class TransportWarning(UserWarning):
    """A transport property deserves a look: the trajectory says less than a number seems to."""
