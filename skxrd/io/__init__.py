"""Files: fitted models to disk and back."""

from skxrd.io._models import load_model, save_model

__all__ = ["load_model", "save_model"]
