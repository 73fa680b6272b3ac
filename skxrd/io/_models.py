"""Fitted estimators as files that hold data, not code."""

from __future__ import annotations

import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import skxrd
from skxrd._files import complete_file
from skxrd._optional import import_optional
from skxrd.exceptions import FileFormatError

__all__ = ["load_model", "save_model"]

_PREFIX = "skxrd."


def save_model(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator.

    The file holds parameters, weights and histories, neither training data nor live objects. It is
    written under a temporary name and renamed when complete.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of skxrd, or a scikit-learn estimator or pipeline that holds some.
    path : str or path-like
        File to be written, by convention with the suffix ``.skops``.

    Raises
    ------
    MissingDependencyError
        If skops is not installed.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from skxrd.io import load_model, save_model
    >>> from skxrd.preprocessing import IntensityFloor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "floor.skops"
    ...     save_model(IntensityFloor(0.2).fit(np.ones((1, 3))), path)
    ...     load_model(path)
    IntensityFloor(threshold=0.2)
    """
    skops = import_optional("skops.io", extra="persist", purpose="Saving a model")
    content = skops.dumps({"skxrd_version": skxrd.__version__, "estimator": estimator})
    with complete_file(Path(path)) as file:
        file.write(content)


def load_model(path: str | os.PathLike[str], *, trusted: list[str] | None = None) -> Any:
    """Load an estimator that `save_model` has written.

    Types of skxrd are trusted, and so are scikit-learn's and numpy's (by skops); a file that needs
    others is refused unless they are named.

    Parameters
    ----------
    path : str or path-like
        File to be read.
    trusted : list of str or None, default=None
        Names of further types that may be loaded, such as a network of your own. Loading them can
        run their code: name only what you know.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    FileFormatError
        If the file is no model of skxrd, or if it holds types that are not trusted.
    MissingDependencyError
        If skops is not installed.
    OSError
        If there is no such file, or it cannot be opened.

    Warns
    -----
    UserWarning
        If the file was written by another version of skxrd.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from skxrd.io import load_model, save_model
    >>> from skxrd.preprocessing import IntensityScaler
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "scaler.skops"
    ...     save_model(IntensityScaler("sqrt").fit(np.ones((1, 3))), path)
    ...     load_model(path).transform(np.array([[0.0, 25.0, 100.0]]))
    array([[0. , 0.5, 1. ]])
    """
    skops = import_optional("skops.io", extra="persist", purpose="Loading a model")
    path = Path(path)
    try:
        unknown = skops.get_untrusted_types(file=path)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} is no model written by skxrd.io.save_model.") from error
    allowed = [name for name in unknown if name.startswith(_PREFIX) or name in (trusted or [])]
    refused = sorted(set(unknown) - set(allowed))
    if refused:
        raise FileFormatError(
            f"{path} holds types that are not trusted: {', '.join(refused)}. If you know them, "
            "name them in trusted."
        )
    content = skops.load(path, trusted=allowed)
    if not isinstance(content, dict) or "skxrd_version" not in content:
        raise FileFormatError(f"{path} is no model written by skxrd.io.save_model.")
    if content["skxrd_version"] != skxrd.__version__:
        warnings.warn(
            f"{path} was written by skxrd {content['skxrd_version']}, this is "
            f"{skxrd.__version__}: predictions may differ.",
            stacklevel=2,
        )
    return content["estimator"]
