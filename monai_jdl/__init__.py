"""Myocardial scar from LGE cardiac MR and 12-lead ECG pictures, on MONAI."""

from monai_jdl.version import __version__

__all__ = ["__version__"]
