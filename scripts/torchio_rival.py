"""TorchIO as a rival of ``benchmark_transforms.py``: its releases 1 and 2 exclude each other, so each has a process of its own.

A release is installed into a folder that only its process sees, on top of this environment's torch, numpy and SimpleITK. The
process is sent the image once, then transforms to time; it measures its own processor time, so what goes through the pipe does
not count. Run as a script, this file is that process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

# What the releases import beyond what this project needs itself. Named here because pip would else fetch a second torch.
NEEDS = {
    "1.2.1": "deprecated wrapt einops humanize jaxtyping wadler-lindig typer click shellingham annotated-doc"
    " rich markdown-it-py mdurl pygments",
    "2.0.0a2": "einops humanize jaxtyping wadler-lindig loguru platformdirs tyro docstring-parser typeguard torch-interpol"
    " rich markdown-it-py mdurl pygments",
}


class RivalError(RuntimeError):
    """A rival that cannot be timed; the message says why."""


class TorchIO:
    """A process that has one release of TorchIO.

    Args:
        version: a key of ``NEEDS``.
        folder: where to install it; what is there already is used.

    Raises:
        RivalError: it cannot be installed or does not start.
    """

    def __init__(self, version: str, folder: Path) -> None:
        target = folder / f"torchio-{version}"
        if not target.exists():
            pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
            wanted = [f"torchio=={version}", *NEEDS[version].split()]
            if subprocess.run([*pip, "--target", str(target), *wanted], stdout=sys.stderr).returncode:
                raise RivalError("pip could not install it")
        environment = {**os.environ, "PYTHONPATH": str(target), "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._ask("version")

    def _ask(self, *request: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
            value, trouble = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            raise RivalError("its process ended") from None
        if trouble:
            raise RivalError(trouble)
        return value

    def take(self, image: np.ndarray, affine: np.ndarray) -> None:
        """Send the image ``(C, X, Y, Z)`` that is transformed from now on."""
        self._ask("take", image, affine)

    def seconds(self, name: str, arguments: dict[str, Any]) -> float:
        """Processor time of one call of the transform ``name(**arguments)``."""
        return self._ask("seconds", name, arguments)

    def close(self) -> None:
        """End the process."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def serve() -> None:
    """Answer requests from standard input until it ends; a reply is ``(value, None)`` or ``(None, what went wrong)``."""
    # a copy of the pipe: whatever prints must not write into the replies
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    torch.set_num_threads(1)
    held: dict[str, Any] = {}
    reply: tuple[Any, str | None]
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            reply = (answer(held, *request), None)
        except Exception as error:  # for the parent to tell
            reply = (None, f"{type(error).__name__}: {error}")
        pickle.dump(reply, replies)
        replies.flush()


def answer(held: dict[str, Any], what: str, *values: Any) -> Any:
    """Do one request; ``held`` keeps the image and the transforms."""
    import torchio

    if what == "version":
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
    serve()
