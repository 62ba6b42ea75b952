"""albumentations 2.0.8 (MIT) as a rival of ``benchmark_capture.py``, installed into a folder that only its process sees.

The process is sent the page once, then chains of transforms to time; it measures its own processor time, so what goes through
the pipe does not count. Run as a script, this file is that process.
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

RELEASE = "2.0.8"
# What it imports beyond numpy and scipy, which this environment has.
NEEDS = "albucore==0.0.24 stringzilla simsimd opencv-python-headless pydantic pydantic-core annotated-types typing-inspection"
Chain = list[tuple[str, dict[str, Any]]]
"""Names and arguments of transforms that are applied one after the other."""


class Albumentations:
    """A process that has albumentations 2.0.8.

    Args:
        folder: where to install it; what is there already is used.

    Raises:
        RuntimeError: it cannot be installed or does not start.
    """

    def __init__(self, folder: Path) -> None:
        target = folder / f"albumentations-{RELEASE}"
        if not target.exists():
            pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
            wanted = [f"albumentations=={RELEASE}", *NEEDS.split()]
            if subprocess.run([*pip, "--target", str(target), *wanted], stdout=sys.stderr).returncode:
                raise RuntimeError("pip could not install albumentations")
        environment = {**os.environ, "PYTHONPATH": str(target), "NO_ALBUMENTATIONS_UPDATE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.ask("start")

    def ask(self, what: str, *values: Any) -> Any:
        """Answer of the process: ``take`` an image ``(H, W, 3)`` uint8, or the ``seconds`` of a chain with a seed."""
        assert self.process.stdin and self.process.stdout
        try:
            pickle.dump((what, *values), self.process.stdin)
            self.process.stdin.flush()
            value, trouble = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            raise RuntimeError("the process of albumentations ended") from None
        if trouble:
            raise RuntimeError(trouble)
        return value

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
    """Do one request; ``held`` keeps the page and the chains."""
    import albumentations
    import cv2

    cv2.setNumThreads(1)
    if what == "take":
        held["page"] = np.asarray(values[0])
    if what != "seconds":
        return None
    chain, seed = values
    name = repr(chain)
    if name not in held:
        held[name] = albumentations.Compose([getattr(albumentations, n)(p=1.0, **a) for n, a in chain])
    held[name].set_random_seed(seed)
    begin = time.process_time()
    held[name](image=held["page"])
    return time.process_time() - begin


if __name__ == "__main__":
    serve()
