"""Which column of a text holds what: by the line of names above them, or by their order."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skxrd.exceptions import PatternReadError
from skxrd.io._text_headers import ALSO_TWO_THETA, has_other_axis, is_row_of_units, role_of
from skxrd.io._text_numbers import Convention

__all__ = ["named_columns", "near_counting_statistics", "unnamed_columns"]

_Table = NDArray[np.float64]
_MARKS = " \t#!'%*/"  # that begin a line of names
_ANGLES_AND_Q = {"q", "theta", "omega", "phi", "chi"}
_SENTENCE = r"[:=]|\d[.,]\d"
_OF_INTENSITY = r"raw|meas|observed|experiment|relative|total|net|x-?ray|xrd|diffract"
_OF_PEAKS = r"\W*(fwhm|hkl|d[-_ ]?(spacing|value)|d\s*[\[(])"
_UNEVEN = 1.5  # longest step over the median one, from which on steps are uneven
_FEWEST_ROWS = 3  # that tell whether a column numbers the rows
# Ratio to the square root of the counts up to which a third column passes for an uncertainty;
# computed patterns and backgrounds are far above.
_NEAR_COUNTING_STATISTICS = (0.2, 5.0)


def named_columns(
    titles: Sequence[str], convention: Convention, columns: _Table
) -> tuple[dict[str, int] | None, str | None]:
    """Find the columns of two-theta, intensity and uncertainty by their names.

    Parameters
    ----------
    titles : sequence of str
        Lines above the numbers, the last one first.
    convention : Convention
        What separates the columns.
    columns : ndarray of shape (n_rows, n_columns)
        The numbers.

    Returns
    -------
    roles : dict of str to int or None
        Number of the column of each role; None where no line names them.
    title : str or None
        The line that does.

    Raises
    ------
    PatternReadError
        If a line names another axis, several patterns or none, or a list of peaks.
    """
    refusal = None
    for title in titles:
        text = re.sub(r"^#L\s", "", title.strip()).strip(_MARKS)
        said = f"The columns are titled {title.strip()[:60]!r}; "
        if has_other_axis(text):
            refusal = refusal or said + "the first must be two_theta in degrees."
        for names in _splits(text, convention, columns.shape[1]):
            if is_row_of_units(names):
                continue
            roles, reason = _roles(names)
            if roles is not None and refusal is None:
                _check_no_peaks(names, columns[:, roles["two_theta"]], said)
                return roles, title
            refusal = refusal or (reason and said + reason)
    if refusal is not None:
        raise PatternReadError(refusal)
    return None, None


def unnamed_columns(
    columns: _Table, convention: Convention, third_is_uncertainty: bool
) -> dict[str, int]:
    """Take the first column for two-theta, the second for intensity and a third as it looks.

    Raises
    ------
    PatternReadError
        If there are more columns, the first one numbers the rows, or decimal commas were taken for
        separators.
    """
    n_columns = columns.shape[1]
    if n_columns >= 3:
        _check_no_numbers_of_rows(columns)
        # Decimal commas were taken for separators, or all is whole: the numbers do not tell.
        if convention.separator == "," and (columns[:, :2] == np.round(columns[:, :2])).all():
            raise PatternReadError(
                f"There are {n_columns} columns without names between commas, the first two "
                "without decimals: a comma may be the decimal mark. Name the columns in a line "
                "above, or separate them by semicolons."
            )
    if n_columns > 3 and not third_is_uncertainty:
        raise PatternReadError(
            f"There are {n_columns} columns without names that tell which are two_theta and "
            "intensity; keep these two, and the uncertainty if there is one."
        )
    roles = {"two_theta": 0, "intensity": 1}
    if n_columns >= 3 and (
        third_is_uncertainty or near_counting_statistics(columns[:, 2], columns[:, 1])
    ):
        roles["uncertainty"] = 2
    return roles


def near_counting_statistics(column: _Table, intensity: _Table) -> bool:
    """Whether a column is about the square root of the intensities."""
    if (column < 0).any():
        return False
    low, high = _NEAR_COUNTING_STATISTICS
    return low < float(np.median(column / np.sqrt(np.maximum(intensity, 1.0)))) < high


def _splits(text: str, convention: Convention, n_columns: int) -> list[list[str]]:
    """Names in a line, by what separates the numbers or by what mostly separates names."""
    text = re.sub(r"(?<=\s)#", "", text)
    splits = [
        convention.fields(text),
        re.split(r"\s*[,;|\t]\s*|\s{2,}", text),
        re.split(r"\s+", re.sub(r"\s+(?=[(\[])", "", text)),
    ]
    fields = [[name.strip(",;|") for name in names] for names in splits]
    return [names for names in fields if len(names) == n_columns and not _has_units(names)]


def _has_units(names: Sequence[str]) -> bool:
    """Whether some fields are the units of others, split off: "2theta (deg)"."""
    return len({name.startswith(("(", "[")) for name in names}) > 1


def _roles(names: Sequence[str]) -> tuple[dict[str, int] | None, str | None]:
    """Columns by their names, or the reason why these do not tell; neither if they are no names."""
    found = [role_of(name) for name in names]
    are_words = not any(re.match(r"[-+]?\d+([.,]\d*)?$", name.strip()) for name in names)
    if not are_words or (found[0] != "two_theta" and re.search(_SENTENCE, " ".join(names))):
        return None, None
    roles = {role: found.index(role) for role in dict.fromkeys(found) if role is not None}
    if "two_theta" not in roles and names[0].lower() in _ANGLES_AND_Q:
        return None, "the first must be two_theta in degrees."
    if "intensity" not in roles and len(names) == 2:
        if found[0] == "two_theta" and has_other_axis(f"{names[1]} counts"):
            return None, "none is named as intensity."
        return None, None  # "2-Theta angle", or a name of its own for the intensity
    for role in ("two_theta", "intensity"):
        if found.count(role) > 1:
            return None, f"{found.count(role)} of them as {role}: keep one."
    if "two_theta" in roles and "intensity" in roles:
        return roles, None
    if "intensity" in roles:
        # "Two theta intensity", "theta-2theta scan, counts", "raw counts"
        first = names[0].lower()
        if (
            role_of(" ".join(names)) == "two_theta"
            or re.search(ALSO_TWO_THETA, first)
            or re.match(_OF_INTENSITY, first)
        ):
            return None, None
        return None, "none is named as two_theta, in degrees."
    if "two_theta" in roles:
        if len(names) == 3 and "uncertainty" in roles:
            return roles | {"intensity": found.index(None)}, None
        return None, "none is named as intensity."
    return None, None


def _check_no_peaks(names: Sequence[str], two_theta: _Table, said: str) -> None:
    steps = np.abs(np.diff(two_theta))
    if (
        any(re.match(_OF_PEAKS, name, re.IGNORECASE) for name in names)
        and len(steps)
        and steps.max() > _UNEVEN * np.median(steps)
    ):
        raise PatternReadError(
            f"{said}and the angles are in uneven steps: this is a list of peaks, not a pattern."
        )


def _check_no_numbers_of_rows(columns: _Table) -> None:
    first, second = columns[:, 0], columns[:, 1]
    if (
        len(columns) >= _FEWEST_ROWS
        and first[0] in (0, 1)
        and (np.diff(first) == 1).all()
        and (np.diff(second) > 0).all()
    ):
        raise PatternReadError(
            "The first column holds the numbers of the rows, not two_theta; remove it, or name "
            "the columns in a line above."
        )
