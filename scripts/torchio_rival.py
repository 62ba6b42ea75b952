"""TorchIO as a rival of ``benchmark_transforms.py``: its releases 1 and 2 exclude each other, so each has a process of its own.

A release is installed into a folder that only its process sees, on top of this environment's torch, numpy and SimpleITK. The
process is sent the image once, then transforms to time; it measures its own processor time, so what goes through the pipe does
not count. Run as a script, this file is that process.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rival import Rival, serve

# What the releases import beyond what this project needs itself. Named here because pip would else fetch a second torch.
NEEDS = {
    "1.2.1": "deprecated wrapt einops humanize jaxtyping wadler-lindig typer click shellingham annotated-doc"
    " rich markdown-it-py mdurl pygments",
    "2.0.0a2": "einops humanize jaxtyping wadler-lindig loguru platformdirs tyro docstring-parser typeguard torch-interpol"
    " rich markdown-it-py mdurl pygments",
}


class TorchIO(Rival):
    """A process that has one release of TorchIO.

    Args:
        version: a key of ``NEEDS``.
        folder: where to install it; what is there already is used.

    Raises:
        RivalError: it cannot be installed or does not start.
    """

    def __init__(self, version: str, folder: Path) -> None:
        packages = [f"torchio=={version}", *NEEDS[version].split()]
        environment = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
        super().__init__(__file__, packages, folder / f"torchio-{version}", environment)

    def take(self, image: np.ndarray, affine: np.ndarray) -> None:
        """Send the image ``(C, X, Y, Z)`` that is transformed from now on."""
        self.ask("take", image, affine)

    def seconds(self, name: str, arguments: dict[str, Any]) -> float:
        """Processor time of one call of the transform ``name(**arguments)``."""
        return self.ask("seconds", name, arguments)


def answer(held: dict[str, Any], what: str, *values: Any) -> Any:
    """Do one request; ``held`` keeps the image and the transforms."""
    import torchio

    if what == "start":
        torch.set_num_threads(1)
        return torchio.__version__
    if what == "take":
        array, affine = values
        tensor = torch.from_numpy(array)
        if torchio.__version__.startswith("2."):
            held["image"] = torchio.ScalarImage(tensor, affine=affine)
        else:
            held["image"] = torchio.ScalarImage(tensor=tensor, affine=affine)
        return None
    name, arguments = values
    transform = held.setdefault(repr(values), getattr(torchio, name)(**arguments))
    begin = time.process_time()
    transform(held["image"])
    return time.process_time() - begin


if __name__ == "__main__":
    serve(answer)
