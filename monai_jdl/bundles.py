"""Bundles from Python: where they are and how they are run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_jdl.atomic import atomic_path
from monai_jdl.errors import InputError, find_input_error

PACKAGE = Path(__file__).resolve().parent


def find(name: str) -> Path:
    """The folder of a bundle, in a checkout and in an installation alike.

    Args:
        name: e.g. ``lge_scar_jdl``.

    Raises:
        InputError: there is no such bundle.
    """
    for parent in (PACKAGE / "_bundles", PACKAGE.parent / "bundles"):
        if (parent / name / "configs").is_dir():
            return parent / name
    raise InputError(f"{name}: there is no such bundle beside {PACKAGE}; reinstall monai_jdl.")


def run(name: str, workflow: str, *, methods: tuple[str, ...] = (), **overrides: Any) -> None:
    """Run a workflow of a bundle, as ``python -m monai.bundle run`` does.

    Args:
        name: of the bundle.
        workflow: name of the config without suffix: ``train``, ``evaluate`` or ``inference``.
        methods: overlays from ``configs/methods``, laid over it in this order.
        overrides: ids of the config and their values, e.g. ``dataset_dir="..."``.

    Raises:
        InputError: input that cannot be used; the sentence says what to do.
    """
    root = find(name)
    configs = [root / "configs" / f"{workflow}.yaml"]
    configs += [root / "configs" / "methods" / f"{method}.yaml" for method in methods]
    session = ConfigWorkflow(
        config_file=[str(config) for config in configs],
        meta_file=str(root / "configs" / "metadata.json"),
        logging_file=str(root / "configs" / "logging.conf"),
        bundle_root=str(root),
        **{key: str(value) if isinstance(value, Path) else value for key, value in overrides.items()},
    )
    try:
        session.initialize()
        session.run()
        session.finalize()
    except Exception as error:  # MONAI's parser wraps what the parts of a config raise
        plain = find_input_error(error)
        raise error if plain is None else plain from error


def installed(package: str) -> bool:
    """Whether an optional package can be imported."""
    return importlib.util.find_spec(package) is not None


def save_config(path: str | Path) -> None:
    """Write the config that is being run, overlays and command line merged, as YAML.

    Called from a config's ``initialize``. MONAI gives expressions no access to the parser that evaluates them, so it is
    looked up among the callers.

    Args:
        path: of the file to write.
    """
    frame = sys._getframe()
    while frame is not None and not isinstance(frame.f_locals.get("self"), ConfigParser):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        raise RuntimeError("save_config is called from a bundle's config.")
    config = frame.f_locals["self"].get()
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
